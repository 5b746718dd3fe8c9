#!/usr/bin/env bash
# The program reads its options, CI_ASSUME_ROLE_…, by itself. Those that may name variables are filled in first: in
# `environment:` CircleCI does not.
for option in ALLOWED_ACCOUNT_ID AUDIENCE DURATION POLICY_ARN PROFILE REGION ROLE_ARN SESSION_NAME STS_ENDPOINT; do
	name=CI_ASSUME_ROLE_$option
	case ${!name} in
	*'$'*)
		value=$(printf %s "${!name}" | circleci env subst)
		export "$name=$value"
		;;
	esac
done

read -ra program < <(printf '%s\n' "$ORB_PROGRAM") # two less-than signs would be a parameter's
"${program[@]}" assume
