// An account as `aws iam get-account-authorization-details` prints it, as large as one likes. Most of it is what a
// reader of trust policies has no use for: permissions, instance profiles, tags.
//
//   node bench/account.js [ROLES] > account.json      10,000 roles are about 25 MB

import { pathToFileURL } from 'node:url';

const ACCOUNT = '123456789012';
const ISSUERS = [
	[
		'token.actions.githubusercontent.com',
		(/** @type {number} */ n) => `repo:octo-org/service-${n}:ref:refs/heads/main`,
	],
	['token.actions.githubusercontent.com', (/** @type {number} */ n) => `repo:octo-org/service-${n}:*`],
	['gitlab.com', (/** @type {number} */ n) => `project_path:acme/service-${n}:ref_type:branch:ref:main`],
	['agent.buildkite.com', (/** @type {number} */ n) => `organization:acme:pipeline:service-${n}:ref:refs/heads/main:*`],
];

/** @param {number} roles */
export function account(roles) {
	const list = Array.from({ length: roles }, (_, index) => role(index));
	return `${JSON.stringify({ UserDetailList: [], GroupDetailList: [], RoleDetailList: list, Policies: [] }, null, 4)}\n`;
}

/** @param {number} index */
function role(index) {
	const name = `service-${index}`;
	const arn = `arn:aws:iam::${ACCOUNT}:role/${name}`;
	return {
		Path: '/',
		RoleName: name,
		RoleId: `AROAEXAMPLE${String(index).padStart(10, '0')}`,
		Arn: arn,
		CreateDate: '2026-11-01T00:00:00+00:00',
		AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [trust(index)] },
		InstanceProfileList: index % 5 === 4 ? [{ InstanceProfileName: name, Arn: arn, Roles: [] }] : [],
		RolePolicyList: [{ PolicyName: 'inline', PolicyDocument: { Version: '2012-10-17', Statement: permissions(name) } }],
		AttachedManagedPolicies: [{ PolicyName: 'ReadOnlyAccess', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
		Tags: [
			{ Key: 'team', Value: `team-${index % 40}` },
			{ Key: 'managed-by', Value: 'terraform' },
		],
		RoleLastUsed: { LastUsedDate: '2026-11-01T00:00:00+00:00', Region: 'eu-central-1' },
	};
}

/** @param {number} index */
function trust(index) {
	const of = ISSUERS[index % (ISSUERS.length + 1)];
	if (!of) {
		return { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' };
	}
	const [issuer, subject] = /** @type {[string, (n: number) => string]} */ (of);
	return {
		Effect: 'Allow',
		Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${issuer}` },
		Action: 'sts:AssumeRoleWithWebIdentity',
		Condition: {
			StringEquals: { [`${issuer}:aud`]: 'sts.amazonaws.com' },
			StringLike: { [`${issuer}:sub`]: subject(index) },
		},
	};
}

/** @param {string} name */
function permissions(name) {
	return [
		{
			Effect: 'Allow',
			Action: ['s3:GetObject', 's3:PutObject', 's3:ListBucket'],
			Resource: [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`],
		},
		{
			Effect: 'Allow',
			Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
			Resource: `arn:aws:logs:*:${ACCOUNT}:log-group:/${name}/*`,
		},
	];
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
	process.stdout.write(account(Number(process.argv[2] ?? 10_000)));
}
