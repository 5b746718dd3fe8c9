#!/usr/bin/env bash
# A later step of a build: it leaves its environment for the test, and prints what its log is to hide.
set -eu
if [ -n "${command-}" ]; then bash -c "$command"; fi
env -0 > "$EVIDENCE/${evidence:?}"
echo "the key id is ${AWS_ACCESS_KEY_ID-not there}"
echo "the secret is ${AWS_SECRET_ACCESS_KEY-not there}"
echo "the session token is ${AWS_SESSION_TOKEN-not there}"
echo "the identity token is ${BITRISE_IDENTITY_TOKEN-not there}"
