#!/usr/bin/env bash
# What the Bitrise CLI runs for the step that step.yml describes. Bash 3.2 will do: macOS has no newer one.

# The CLI takes the last red text of a step for the reason why it failed, if it has read it before the step is over.
fail() {
	printf '\033[31;1m%s\n  docs: https://github.com/OWNER/ci-assume-role/blob/v0.1.0/docs/bitrise.md#node\033[0m\n' "$1"
	sleep 0.1
	exit 2
}

# A version manager's shim goes by the version files of the folder that it is called in: in the folder where the CLI
# starts a step, those of the user's repository, which are not about us.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 2
here=$(pwd)

node=$(command -v node) || fail "This step needs Node 18 or newer, and there is no \`node\` on PATH.
  fix: Bitrise's stacks have it; on a machine of your own, install it
  fix: in an execution container, use an image that has \`node\` and \`envman\`"
case $node in
*/shims/*)
	# Asked once for the program behind it, it need not be asked again for the run itself.
	shim=$node
	if ! node=$(node -p process.execPath 2>/dev/null); then
		node --version # for its own words
		fail "This step needs Node 18 or newer, and the version manager behind $shim has none to offer; it says why above.
  fix: set a version for the whole machine, with asdf: asdf global nodejs VERSION
  fix: remove ASDF_NODEJS_VERSION from the build's variables, if it is set"
	fi
	;;
esac

# The next step takes this folder, and the command of a profile has to be there for the whole build.
if [ "${hand_over:-}" = process ] && [ "$here" -ef "${BITRISE_STEP_SOURCE_DIR:-}" ]; then
	if ! { kept=$(mktemp -d "${here%/*}/ci-assume-role-XXXXXXXX") && cp -R js pkg package.json "$kept"; }; then
		fail "The program of this step could not be copied to ${here%/*}; the lines above say why."
	fi
	here=$kept
fi

# In this process's place: a step that takes too long is killed, and what it has started is not.
exec "$node" "$here/js/bitrise.cjs"
