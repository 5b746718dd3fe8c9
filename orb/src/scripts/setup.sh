#!/usr/bin/env bash
# The program reads its options, CI_ASSUME_ROLE_…, by itself. Those that may name variables are filled in first: in
# `environment:` CircleCI does not.
for option in ALLOWED_ACCOUNT_ID AUDIENCE DURATION PROFILE REGION ROLE_ARN SESSION_NAME STS_ENDPOINT; do
	name=CI_ASSUME_ROLE_$option
	case ${!name} in
	*'$'*)
		value=$(printf %s "${!name}" | circleci env subst)
		export "$name=$value"
		;;
	esac
done

on() { # CircleCI writes a boolean as 1 or as true
	case $1 in 1 | true) return 0 ;; *) return 1 ;; esac
}

if [ -z "$CI_ASSUME_ROLE_ROLE_ARN" ]; then
	echo 'setup needs role_arn: there are no stored keys here. With keys, use setup of circleci/aws-cli.' >&2
	exit 2
fi
# As circleci/aws-cli does it.
session=$(printf %s "$CI_ASSUME_ROLE_SESSION_NAME" | tr -sc 'A-Za-z0-9_+=,.@-' '-')
export CI_ASSUME_ROLE_SESSION_NAME=${session:0:64}
if ! on "$ORB_DISABLE_AWS_INSTALL" && ! command -v aws >/dev/null; then
	echo 'note: the AWS CLI is not installed, and this orb does not install it; install of circleci/aws-cli does'
fi

had_region=${AWS_REGION-} had_default_region=${AWS_DEFAULT_REGION-}
read -ra program < <(printf '%s\n' "$ORB_PROGRAM") # two less-than signs would be a parameter's
export CI_ASSUME_ROLE_EXPORT_REGION=false
if on "$ORB_SET_PROFILE_REGION"; then CI_ASSUME_ROLE_EXPORT_REGION=true; fi
CI_ASSUME_ROLE_HAND_OVER=profile "${program[@]}" assume
if on "$ORB_SET_AWS_ENV_VARS"; then
	CI_ASSUME_ROLE_HAND_OVER=env CI_ASSUME_ROLE_PROFILE='' "${program[@]}" assume
fi

# With the profile's region the program has told later steps of it. Without, nobody has.
export_or_unset() {
	if [ -n "$2" ]; then printf 'export %s=%q\n' "$1" "$2"; else echo "unset $1"; fi
}
if [ "$CI_ASSUME_ROLE_EXPORT_REGION" = true ] && ! on "$ORB_SET_REGION"; then
	{
		export_or_unset AWS_REGION "$had_region"
		export_or_unset AWS_DEFAULT_REGION "$had_default_region"
	} >>"$BASH_ENV"
elif [ "$CI_ASSUME_ROLE_EXPORT_REGION" = false ] && on "$ORB_SET_REGION" && [ -n "$CI_ASSUME_ROLE_REGION" ]; then
	printf 'export %s=%q\n' AWS_REGION "$CI_ASSUME_ROLE_REGION" AWS_DEFAULT_REGION "$CI_ASSUME_ROLE_REGION" >>"$BASH_ENV"
fi
if on "$ORB_DISABLE_AWS_PAGER" && [ -z "${AWS_PAGER+set}" ]; then
	echo 'export AWS_PAGER=""' >>"$BASH_ENV"
fi
