//! The provider and the role by the AWS CLI: a script for any POSIX shell that can be run again.

use super::doc::json;
use super::plan::Plan;
use crate::shell::quoted;
use crate::values::RoleArn;

pub fn write(role: &RoleArn, plan: &Plan, provider_arn: &str, policy: &str) -> String {
    let (account, name, url) = (role.account().as_str(), role.name(), format!("https://{}", plan.issuer));
    let path = super::path(role).map_or_else(String::new, |path| format!(" --path {}", quoted(path)));
    // The first major version of the AWS CLI fetches what a value that looks like an address leads to, unless it is in JSON.
    let fetched = plan.audience.contains("://");
    let audiences = if fetched { quoted(&format!("[{}]", json(&plan.audience))) } else { "\"$audience\"".to_owned() };
    let add = if fetched {
        let input =
            format!("{{\"OpenIDConnectProviderArn\": {}, \"ClientID\": {}}}", json(provider_arn), json(&plan.audience));
        format!("--cli-input-json {}", quoted(&input))
    } else {
        "--open-id-connect-provider-arn \"$provider\" --client-id \"$audience\"".to_owned()
    };
    format!(
        r#"#!/bin/sh
# Makes the identity provider and the role, or brings those that are there up to date. It can be run again.
set -eu

account={account}
role={role}
arn={arn}
issuer={issuer}
audience={audience}
provider={provider}
policy={policy}

found=$(aws sts get-caller-identity --query Account --output text)
if [ "$found" != "$account" ]; then
	printf 'These credentials are of account %s, and the role belongs to %s.\n' "$found" "$account" >&2
	exit 1
fi

# Succeeds if one of the words is the first argument.
has() {{
	printf '%s\n' "$2" | tr '\t' '\n' | grep -Fqx -e "$1"
}}

providers=$(aws iam list-open-id-connect-providers --query 'OpenIDConnectProviderList[].Arn' --output text)
if ! has "$provider" "$providers"; then
	aws iam create-open-id-connect-provider --url "$issuer" --client-id-list {audiences}
else
	audiences=$(aws iam get-open-id-connect-provider --open-id-connect-provider-arn "$provider" --query ClientIDList --output text)
	if ! has "$audience" "$audiences"; then
		aws iam add-client-id-to-open-id-connect-provider {add}
	fi
fi

if answer=$(aws iam get-role --role-name "$role" --query Role.Arn --output text 2>&1); then
	if [ "$answer" != "$arn" ]; then
		printf 'There is a role of that name with another path: %s\n' "$answer" >&2
		exit 1
	fi
	aws iam update-assume-role-policy --role-name "$role" --policy-document "$policy"
else
	case $answer in
	*NoSuchEntity*) aws iam create-role{path} --role-name "$role" --assume-role-policy-document "$policy" ;;
	*)
		printf '%s\n' "$answer" >&2
		exit 1
		;;
	esac
fi
"#,
        account = quoted(account),
        role = quoted(name),
        arn = quoted(role.as_str()),
        issuer = quoted(&url),
        audience = quoted(&plan.audience),
        provider = quoted(provider_arn),
        policy = quoted(policy.trim_end()),
    )
}
