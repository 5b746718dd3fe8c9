"""Types into a program on a terminal of its own, as a person would: each text once the one before has had its effect.

Standard input has a JSON list: the command line, then pairs of a text and what the terminal has to show after it before
the next is typed. Standard output gets what the terminal showed.
"""

import json
import os
import pty
import select
import sys
import time

QUIET = 0.3  # nothing more comes of a text once nothing has come for so long
PATIENCE = 20

command, *texts = json.load(sys.stdin)
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)

shown = ""


def watch(wanted):
    """Until that is shown and nothing more comes, or all is over."""
    global shown
    start = len(shown)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], QUIET)[0]:
            if wanted in shown[start:]:
                return
            continue
        try:
            more = os.read(terminal, 65536)
        except OSError:
            return
        if not more:
            return
        shown += more.decode(errors="replace")


watch("")
for text, wanted in texts:
    os.write(terminal, text.encode())
    watch(wanted)
os.close(terminal)
os.waitpid(child, 0)
sys.stdout.write(shown)
