#!/bin/sh
# Makes the identity provider and the role, or brings those that are there up to date. It can be run again.
set -eu

account='123456789012'
role='deploy'
arn='arn:aws:iam::123456789012:role/deploy'
issuer='https://vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222'
audience='api://AzureADTokenExchange'
provider='arn:aws:iam::123456789012:oidc-provider/vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222'
policy='{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "Federated": "arn:aws:iam::123456789012:oidc-provider/vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222"
      },
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222:aud": "api://AzureADTokenExchange",
          "vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222:sub": "sc://acme/shop/aws-deploy"
        }
      }
    }
  ]
}'

found=$(aws sts get-caller-identity --query Account --output text)
if [ "$found" != "$account" ]; then
	printf 'These credentials are of account %s, and the role belongs to %s.\n' "$found" "$account" >&2
	exit 1
fi

# Succeeds if one of the words is the first argument.
has() {
	printf '%s\n' "$2" | tr '\t' '\n' | grep -Fqx -e "$1"
}

providers=$(aws iam list-open-id-connect-providers --query 'OpenIDConnectProviderList[].Arn' --output text)
if ! has "$provider" "$providers"; then
	aws iam create-open-id-connect-provider --url "$issuer" --client-id-list '["api://AzureADTokenExchange"]'
else
	audiences=$(aws iam get-open-id-connect-provider --open-id-connect-provider-arn "$provider" --query ClientIDList --output text)
	if ! has "$audience" "$audiences"; then
		aws iam add-client-id-to-open-id-connect-provider --cli-input-json '{"OpenIDConnectProviderArn": "arn:aws:iam::123456789012:oidc-provider/vstoken.dev.azure.com/11111111-aaaa-4bbb-8ccc-222222222222", "ClientID": "api://AzureADTokenExchange"}'
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
	*NoSuchEntity*) aws iam create-role --role-name "$role" --assume-role-policy-document "$policy" ;;
	*)
		printf '%s\n' "$answer" >&2
		exit 1
		;;
	esac
fi
