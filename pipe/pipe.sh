#!/bin/sh
# A pipe is a container beside the step's own. The clone is all that the two share, so the credentials go into a file
# there that only this user can read, and that removes itself when it is read.
set -eu

# Bitbucket hands a list over as NAME_COUNT, NAME_0, NAME_1 …, and a single text as NAME; the program takes lines.
count=0
text=''
list() {
	eval "count=\${$1_COUNT:-0}"
	if [ "$count" = 0 ]; then
		eval "text=\${$1:-}"
		if [ "$text" != '[]' ]; then printf '%s\n' "$text"; fi
	fi
	index=0
	while [ "$index" -lt "$count" ]; do
		eval "printf '%s\n' \"\$$1_$index\""
		index=$((index + 1))
	done
}

quoted() {
	printf "'"
	printf %s "$1" | sed "s/'/'\\\\''/g"
	printf "'"
}

output=${OUTPUT:-.ci-assume-role-env}
case $output in
/*) ;;
*) output=$BITBUCKET_CLONE_DIR/$output ;;
esac

# AWS_OIDC_ROLE_ARN and AWS_DEFAULT_REGION are what Atlassian's own pipes call them.
export CI_ASSUME_ROLE_ROLE_ARN="${ROLE_ARN:-${AWS_OIDC_ROLE_ARN:-}}"
export CI_ASSUME_ROLE_REGION="${REGION:-${AWS_DEFAULT_REGION:-}}"
export CI_ASSUME_ROLE_SESSION_NAME="${SESSION_NAME:-}"
export CI_ASSUME_ROLE_DURATION="${DURATION:-}"
export CI_ASSUME_ROLE_AUDIENCE="${AUDIENCE:-}"
export CI_ASSUME_ROLE_POLICY="${POLICY:-}"
export CI_ASSUME_ROLE_STS_ENDPOINT="${STS_ENDPOINT:-}"
CI_ASSUME_ROLE_ALLOWED_ACCOUNT_ID=$(list ALLOWED_ACCOUNT_ID)
CI_ASSUME_ROLE_POLICY_ARN=$(list POLICY_ARN)
CI_ASSUME_ROLE_CHAIN=$(list CHAIN)
export CI_ASSUME_ROLE_CHAIN CI_ASSUME_ROLE_ALLOWED_ACCOUNT_ID CI_ASSUME_ROLE_POLICY_ARN

umask 077
rm -f "$output"
node "${CI_ASSUME_ROLE_HOME:-/ci-assume-role}/js/cli.js" assume --ci bitbucket --format env --output "$output"
printf '\nrm -f %s\n' "$(quoted "$output")" >>"$output"

echo 'The credentials are for the next line of the script:'
echo "  . $(quoted "$output")"
