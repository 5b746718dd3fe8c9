// Accounts with as many roles as are asked for, the same ones every time, as the AWS CLI prints them.

const ACCOUNT = '123456789012';
const GITHUB = 'token.actions.githubusercontent.com';
const POLICIES = ['AmazonS3ReadOnlyAccess', 'AWSLambda_ReadOnlyAccess', 'AmazonEC2FullAccess', 'AdministratorAccess'];

/** @typedef {(below: number) => number} Dice */

/**
 * The output of `aws iam get-account-authorization-details`.
 * @param {number} count of roles
 * @param {number} [seed]
 */
export function account(count, seed = 1) {
	const dice = diceOf(seed);
	const roles = Array.from({ length: count }, (_, index) => roleOf(index, dice));
	return { UserDetailList: [], GroupDetailList: [], RoleDetailList: roles, Policies: [] };
}

/**
 * @param {number} index
 * @param {Dice} dice
 */
function roleOf(index, dice) {
	const name = `${['deploy', 'release', 'plan', 'test'][dice(4)]}-${String(index).padStart(5, '0')}`;
	const policy = POLICIES[dice(20) === 0 ? 3 : dice(3)];
	return {
		Path: '/',
		RoleName: name,
		RoleId: `AROA${String(index).padStart(17, '0')}`,
		Arn: `arn:aws:iam::${ACCOUNT}:role/${name}`,
		CreateDate: '2026-11-01T00:00:00+00:00',
		AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [statementOf(dice)] },
		InstanceProfileList: [],
		RolePolicyList: [],
		AttachedManagedPolicies: [{ PolicyName: policy, PolicyArn: `arn:aws:iam::aws:policy/${policy}` }],
		MaxSessionDuration: [3600, 3600, 14400, 43200][dice(4)],
		Tags: [],
		RoleLastUsed: {},
	};
}

/** @param {Dice} dice */
function statementOf(dice) {
	const kind = dice(100);
	if (kind < 5) return { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
	if (kind < 8) {
		return { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::999999999999:root' }, Action: 'sts:AssumeRole' };
	}
	if (kind < 18) return gitlab(dice);
	if (kind < 26) return buildkite(dice);
	return github(dice);
}

/** @param {Dice} dice */
function github(dice) {
	// A few own most, as it is everywhere.
	const owner = `org-${Math.floor(dice(12) ** 2 / (1 + dice(6)))}`;
	const repository = `${owner}/service-${dice(400)}`;
	const audience = { aud: 'sts.amazonaws.com' };
	const mistake = dice(200);
	if (mistake === 0) return web(GITHUB, { StringEquals: audience });
	if (mistake === 1) return web(GITHUB, { StringEquals: audience, StringLike: { sub: 'repo:*' } });
	if (mistake < 12) return web(GITHUB, { StringEquals: audience, StringLike: { sub: `repo:${owner}/*` } });
	if (mistake < 30) return web(GITHUB, { StringEquals: audience, StringLike: { sub: `repo:${repository}:*` } });
	const sub = [`repo:${repository}:ref:refs/heads/main`, `repo:${repository}:environment:production`];
	return web(GITHUB, { StringEquals: { ...audience, sub: dice(3) === 0 ? sub : sub[dice(2)] } });
}

/** @param {Dice} dice */
function gitlab(dice) {
	const sub = `project_path:group-${dice(8)}/service-${dice(200)}:ref_type:branch:ref:${dice(12) === 0 ? '*' : 'main'}`;
	return web('gitlab.com', { StringLike: { sub }, StringEquals: { aud: 'https://gitlab.com' } });
}

/** @param {Dice} dice */
function buildkite(dice) {
	const sub = `organization:team-${dice(4)}:pipeline:service-${dice(90)}:ref:refs/heads/main:commit:*:step:*`;
	return web('agent.buildkite.com', { StringLike: { sub }, StringEquals: { aud: 'sts.amazonaws.com' } });
}

/**
 * @param {string} issuer
 * @param {Record<string, Record<string, unknown>>} conditions with the names of claims
 */
function web(issuer, conditions) {
	const keyed = Object.entries(conditions).map(([operator, claims]) => [
		operator,
		Object.fromEntries(Object.entries(claims).map(([claim, value]) => [`${issuer}:${claim}`, value])),
	]);
	return {
		Effect: 'Allow',
		Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${issuer}` },
		Action: 'sts:AssumeRoleWithWebIdentity',
		Condition: Object.fromEntries(keyed),
	};
}

/**
 * Numbers that look random, by a linear congruential generator.
 * @param {number} seed
 * @returns {Dice}
 */
function diceOf(seed) {
	let state = seed >>> 0;
	return (below) => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return Math.floor((state / 2 ** 32) * below);
	};
}
