// What iam-simulate says to the policies of docs/recipes: both sides of every call, those of other accounts, of services
// and of session policies too, which our own engine is not about.

import assert from 'node:assert/strict';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Recipe } from '../js/support/recipes.js';

const folder = new URL('node_modules/@cloud-copilot/iam-simulate/dist/esm/index.js', import.meta.url);
const { runSimulation } = await import(pathToFileURL(fileURLToPath(folder)).href);

/**
 * @typedef {object} Call
 * @property {string} page
 * @property {string} caller its permissions are on the page
 * @property {string} action
 * @property {string} on a role, whose trust policy is on the page then, or something else
 * @property {Record<string, string | string[]>} [context]
 * @property {unknown} [sessionPolicy]
 * @property {boolean} allowed
 */

const HUB = 'arn:aws:iam::123456789012:role/hub';
const SPOKE = 'arn:aws:iam::210987654321:role/spoke';
const CUSTOMER = 'arn:aws:iam::345678901234:role/acme-deploys';
const PAYMENTS = 'arn:aws:iam::123456789012:role/payments';
const SHARED = 'arn:aws:iam::123456789012:role/shared';
const RUNNER = 'arn:aws:iam::123456789012:role/runner';
const DEPLOY = 'arn:aws:iam::210987654321:role/deploy';
const TESTS = 'arn:aws:iam::210987654321:role/tests';
const PIPELINES = 'arn:aws:iam::123456789012:role/pipelines';
const PROJECT = 'arn:aws:iam::123456789012:role/project';
const ID = '0184990a-2222-4333-8444-555566667777';
const OTHER_ID = '0184990a-2222-4333-8444-555566667770';

/** @param {Record<string, string>} tags */
const tagged = (tags) => ({
	...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
	'aws:TagKeys': Object.keys(tags),
});
/** @param {string} name @param {string} value */
const having = (name, value) => ({ [`aws:PrincipalTag/${name}`]: value });
const ORGANIZATION = { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' };

/** @param {string} page @param {string} caller @param {string} on @param {string} [action] */
const call =
	(page, caller, on, action = 'sts:AssumeRole') =>
	(/** @type {boolean} */ allowed, /** @type {Partial<Call>} */ more = {}) => ({
		page,
		caller,
		on,
		action,
		allowed,
		...more,
	});

const spoke = call('hub-and-spoke', HUB, SPOKE);
const customer = call('hub-and-spoke', HUB, CUSTOMER);
const shared = call('abac-tags', PAYMENTS, SHARED);
const sharedTags = call('abac-tags', PAYMENTS, SHARED, 'sts:TagSession');
const folderOf = (/** @type {string} */ id) =>
	call('abac-tags', PIPELINES, `arn:aws:s3:::acme-builds/${id}/app.zip`, 's3:PutObject');
const secret = call(
	'abac-tags',
	PIPELINES,
	'arn:aws:secretsmanager:us-east-1:123456789012:secret:key-abcdef',
	'secretsmanager:GetSecretValue',
);
const nightly = call('least-privilege', PROJECT, 'arn:aws:s3:::octo-releases/nightly/app.zip', 's3:PutObject');
const stable = call('least-privilege', PROJECT, 'arn:aws:s3:::octo-releases/stable/app.zip', 's3:PutObject');
const narrowed = {
	sessionPolicy: JSON.parse(new Recipe('least-privilege').github('inline')['INPUT_INLINE-SESSION-POLICY'] ?? ''),
};

/** @type {Call[]} */
const CALLS = [
	spoke(true, { context: ORGANIZATION }),
	spoke(false, { context: { 'aws:PrincipalOrgID': 'o-other12345' } }),
	spoke(false),
	spoke(false, { caller: 'arn:aws:iam::123456789012:role/other', context: ORGANIZATION }),
	customer(true, { context: { 'sts:ExternalId': 'customer-7' } }),
	customer(false, { context: { 'sts:ExternalId': 'customer-8' } }),
	customer(false),
	shared(true, { context: tagged({ team: 'payments' }) }),
	sharedTags(true, { context: tagged({ team: 'payments' }) }),
	shared(false, { context: tagged({ team: 'search' }) }),
	sharedTags(false, { context: tagged({ team: 'payments', admin: 'yes' }) }),
	shared(false),
	call(
		'abac-tags',
		SHARED,
		'arn:aws:s3:::acme-shared/payments/a',
		's3:GetObject',
	)(true, {
		context: having('team', 'payments'),
	}),
	call(
		'abac-tags',
		SHARED,
		'arn:aws:s3:::acme-shared/search/a',
		's3:GetObject',
	)(false, {
		context: having('team', 'payments'),
	}),
	folderOf(ID)(true, { context: having('pipeline_id', ID) }),
	folderOf(OTHER_ID)(false, { context: having('pipeline_id', ID) }),
	folderOf(ID)(false),
	secret(true, { context: { ...having('pipeline_id', ID), 'aws:ResourceTag/pipeline_id': ID } }),
	secret(false, { context: { ...having('pipeline_id', ID), 'aws:ResourceTag/pipeline_id': OTHER_ID } }),
	secret(false, { context: { 'aws:ResourceTag/pipeline_id': ID } }),
	call('eks-pods', RUNNER, DEPLOY)(true),
	call('eks-pods', RUNNER, DEPLOY, 'sts:TagSession')(true, { context: tagged({ GitHub: 'Actions' }) }),
	call('eks-pods', 'arn:aws:iam::123456789012:role/other', DEPLOY)(false),
	call('long-integration-tests', 'arn:aws:iam::123456789012:role/integration-tests', TESTS)(true),
	call('long-integration-tests', 'arn:aws:iam::123456789012:role/other', TESTS)(false),
	nightly(true),
	stable(true),
	nightly(true, narrowed),
	stable(false, narrowed),
	call('least-privilege', PROJECT, 'arn:aws:s3:::octo-releases/nightly/a', 's3:GetObject')(false, narrowed),
];

let asked = 0;
for (const { page, caller, action, on, context = {}, sessionPolicy, allowed } of CALLS) {
	const { roles } = new Recipe(page);
	const [, , , , account = '', path = ''] = caller.split(':');
	const session = `arn:aws:sts::${account}:assumed-role/${path.split('/').at(-1)}/job`;
	const permissions = roles.get(caller)?.permissions ?? {
		Version: '2012-10-17',
		Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }], // the other side is asked alone
	};
	const resourcePolicy = roles.get(on)?.trust;
	const { resultType, overallResult, errors, ...rest } = await runSimulation(
		{
			request: {
				principal: session,
				action,
				resource: { resource: on, accountId: on.split(':')[4] || account },
				contextVariables: { 'aws:PrincipalArn': caller, ...context },
			},
			identityPolicies: [{ name: 'permissions', policy: permissions }],
			serviceControlPolicies: [],
			resourceControlPolicies: [],
			...(resourcePolicy && { resourcePolicy }),
			...(sessionPolicy !== undefined && { sessionPolicy }),
		},
		{},
	);
	const said = overallResult ?? resultType;
	const what = `${page}: ${caller} ${action} ${on} ${JSON.stringify({ context, sessionPolicy })}`;
	assert.equal(errors, undefined, `${what}: ${JSON.stringify(errors)}`);
	assert.equal(said === 'Allowed', allowed, `${what}: ${said} ${JSON.stringify(rest).slice(0, 500)}`);
	asked += 1;
}
console.log(`${asked} calls are decided as the recipes say`);
