"""Runs commands, one at a time, and tells what the kernel has charged each of them with.

One JSON order a line on stdin, one JSON answer a line on stdout. Nothing is put into the measured process: the figures
come from wait4. Python does it because Node cannot ask for the figures of a child, and because the kernel starts the
peak memory of a child at that of the process which started it, so that has to be a small one.
"""

import json
import os
import signal
import sys
import threading
import time

DEADLINE = 60
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


def run(argv, env, log):
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    null = os.open(os.devnull, os.O_RDONLY)
    actions = [(os.POSIX_SPAWN_DUP2, fd, at) for at, fd in enumerate([null, out, out])]
    began = time.monotonic()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=actions)
    deadline = threading.Timer(DEADLINE, os.kill, (pid, signal.SIGKILL))
    deadline.start()
    _, status, usage = os.wait4(pid, 0)
    wall = time.monotonic() - began
    deadline.cancel()
    os.close(out)
    os.close(null)
    return {
        "exitCode": os.waitstatus_to_exitcode(status),
        "cpu": (usage.ru_utime + usage.ru_stime) * 1000,
        "peak": usage.ru_maxrss * PEAK_UNIT,
        "wall": wall * 1000,
    }


for line in sys.stdin:
    print(json.dumps(run(**json.loads(line))), flush=True)
