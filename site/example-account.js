// A made-up account for the page to look at: roles with policies of tests/policies, most of which are right.

import * as fs from 'node:fs';
import { join } from 'node:path';

const ACCOUNT = '123456789012';
/** Those whose mistakes people make, by the names of their files. */
const WRONG = [
	'tp001-github',
	'tp002-audience-only',
	'tp002-bitrise-audience-only',
	'tp003-github-star',
	'tp004-buildkite-organization',
	'tp004-owner-prefix',
	'tp006-github',
	'tp007-gitlab',
	'tp007-github',
	'tp008-with-deploys',
	'tp010-github',
	'tp018-terraform-cloud',
	'tp023-gitlab-project',
	'tp038-assume-role',
];
/** What the roles are called, and may do, one after the other. */
const NAMES = ['deploy', 'release', 'plan', 'publish', 'migrate', 'backup', 'preview'];
const OBJECTS = ['api', 'shop', 'docs', 'billing', 'search', 'images', 'network'];
const ATTACHED = ['AmazonS3ReadOnlyAccess', 'AmazonECS_FullAccess', 'AWSLambda_ReadOnlyAccess', 'AdministratorAccess'];

/**
 * As `aws iam get-account-authorization-details` prints it.
 * @param {{ root: string }} what
 */
export function exampleAccount({ root }) {
	const folder = join(root, 'tests/policies');
	const correct = fs.readdirSync(join(folder, 'correct')).filter((name) => /^(bit|build|circle|git|azure)/.test(name));
	const paths = [
		...WRONG.map((name) => `wrong/${name}.json`),
		...correct
			.sort()
			.filter((_, index) => index % 2 === 0)
			.map((name) => `correct/${name}`),
	];
	const policies = paths.map((path) => JSON.parse(fs.readFileSync(join(folder, path), 'utf8')));
	const source = fs.readFileSync(join(folder, 'sources/aws-account/account.json'), 'utf8');
	const account = JSON.parse(source);
	account.RoleDetailList.push(...policies.map(roleOf));
	return JSON.stringify(account, undefined, 2);
}

/**
 * @param {unknown} policy
 * @param {number} index
 */
function roleOf(policy, index) {
	const name = `${NAMES[index % 7]}-${OBJECTS[Math.floor(index / 7) % 7]}`;
	const attached = ATTACHED[index % 5 === 0 ? 3 : index % 3];
	return {
		Path: '/ci/',
		RoleName: name,
		Arn: `arn:aws:iam::${ACCOUNT}:role/ci/${name}`,
		CreateDate: '2026-11-01T00:00:00+00:00',
		AssumeRolePolicyDocument: policy,
		AttachedManagedPolicies: [{ PolicyName: attached, PolicyArn: `arn:aws:iam::aws:policy/${attached}` }],
		MaxSessionDuration: index % 4 === 0 ? 43_200 : 3600,
	};
}
