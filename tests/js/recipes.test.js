// The recipes, tried: policies and pipelines are those of the pages, the entries run as child processes, and the AWS CLI
// says whose credentials were handed over. The roles are moto's; see support/accounts.js for who decides what.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { core } from '../../js/policy-core.js';
import { startAccounts } from './support/accounts.js';
import { tokenAnswer } from './support/answers.js';
import { buildTokenAnswer, startBuild } from './support/bitrise.js';
import { jobTokenAnswer, startHook } from './support/buildkite.js';
import { runProgram } from './support/child.js';
import { assertFailed, assertNothingHandedOver, startJob } from './support/job.js';
import { blocks } from './support/policies.js';
import { find, missing, searchPath } from './support/programs.js';
import { PAGES, Recipe } from './support/recipes.js';
import { assertNoSecret } from './support/secrets.js';
import { quoted, ShellJob } from './support/shell-job.js';

const PULL_REQUEST = { sub: 'repo:octo-org/octo-repo:pull_request' };
const STRANGER = { sub: 'repo:evil-org/octo-repo:ref:refs/heads/main', repository_id: '75', repository_owner_id: '66' };
const MARKED = ['bash', 'hcl', 'json', 'text', 'yaml'];

test('all that a page shows is tried', () => {
	assert.ok(PAGES.length > 7, PAGES.join());
	for (const page of PAGES) {
		const { blocks } = new Recipe(page);
		const fences = new Recipe(page).page.match(/^ *```\w+$/gm) ?? [];
		assert.equal(blocks.length, fences.length, `${page}: a block is not read`);
		for (const { kind, language, text } of blocks) {
			assert.ok(kind !== '' || !MARKED.includes(language), `${page} does not say what this is:\n${text}`);
		}
	}
});

test('the linter has nothing against the trust policies', () => {
	let policies = 0;
	for (const page of PAGES) {
		const recipe = new Recipe(page);
		for (const { of, text } of [...recipe.all('trust'), ...recipe.all('template')]) {
			policies += 1;
			const { findings, policies: read } = JSON.parse(core.policyLint(text, 'policy.yaml'));
			assert.equal(read, 1, `${page}: ${of}`);
			const grave = findings.filter((/** @type {any} */ { severity }) => severity !== 'low');
			assert.deepEqual(grave, [], `${page}: ${of}`);
			for (const { id } of findings) {
				assert.ok(recipe.page.includes(id), `${page} says nothing of ${id} in ${of}`);
			}
		}
	}
	assert.ok(policies > 12, `${policies}`);
});

describe('recipes', { skip: missing('aws', 'moto_server', 'check-jsonschema') }, () => {
	/** @type {Awaited<ReturnType<typeof startAccounts>>} */
	let accounts;
	before(async () => {
		accounts = await startAccounts();
	});
	after(() => accounts?.stop());

	/** Makes the roles of the page. @param {Recipe} recipe */
	async function set(recipe) {
		for (const [arn, role] of recipe.roles) await accounts.role(arn, role);
		accounts.forget();
	}

	/** @param {NodeJS.ProcessEnv} env @param {...string} args @returns {Promise<import('./support/child.js').Ran>} */
	function aws(env, ...args) {
		const usual = { PATH: searchPath(), AWS_EC2_METADATA_DISABLED: 'true', AWS_ENDPOINT_URL: accounts.url };
		const words = [find('aws') ?? '', ...args];
		return runProgram(words, { env: { AWS_DEFAULT_REGION: 'us-east-1', ...usual, ...env }, deadlineMs: 60_000 });
	}

	/**
	 * Whose credentials these are.
	 * @param {NodeJS.ProcessEnv} env
	 * @param {...string} args
	 */
	async function identity(env, ...args) {
		const ran = await aws(env, 'sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text', ...args);
		assert.equal(ran.exitCode, 0, ran.stderr);
		return ran.stdout.trim();
	}

	/**
	 * A job of GitHub's with a step of the page.
	 * @param {import('node:test').TestContext} t
	 * @param {Recipe} recipe
	 * @param {{ of?: string, claims?: Record<string, unknown>, env?: import('./support/job.js').Changes,
	 *   token?: boolean, files?: Record<string, string> }} [how] `token: false` for one that asks for none
	 */
	async function github(t, recipe, { of, claims = {}, env = {}, token = true, files = {} } = {}) {
		const job = await startJob(t, { claims, files, env: { 'INPUT_ROLE-TO-ASSUME': null, 'INPUT_AWS-REGION': null } });
		accounts.forget();
		const inputs = { ...recipe.github(of), 'INPUT_STS-ENDPOINT': accounts.url, ...env };
		const step = await job.run({ env: inputs, answers: token ? [tokenAnswer(job.token)] : [] });
		assertNoSecret(step.log, accounts.secrets, 'the log');
		return { job, step, asked: accounts.forget() };
	}

	/**
	 * A job of Buildkite's with the plugin of the page.
	 * @param {import('node:test').TestContext} t
	 * @param {Recipe} recipe
	 * @param {{ token?: boolean, env?: Record<string, string>, claims?: Record<string, unknown> }} [how]
	 */
	async function buildkite(t, recipe, { token = true, env = {}, claims = {} } = {}) {
		/** @type {Record<string, any>} */
		const config = { 'role-arn': null, ...recipe.buildkite(), 'sts-endpoint': accounts.url };
		const acts = config.hook === 'pre-command' ? ['pre-command'] : ['environment'];
		const hook = await startHook(t, { config, env, claims });
		accounts.forget();
		const ran = await hook.run({ args: acts, answers: token ? [jobTokenAnswer(hook.token)] : [] });
		assertNoSecret(ran.stdout, accounts.secrets, 'the log');
		return { hook, ran, asked: accounts.forget() };
	}

	/**
	 * A line of the page, in a shell, with the token of a job.
	 * @param {import('node:test').TestContext} t
	 * @param {Recipe} recipe
	 * @param {{ token?: string, env?: Record<string, string>, change?: (line: string) => string }} how
	 */
	async function shell(t, recipe, { token = '', env = {}, change = (line) => line }) {
		const job = await ShellJob.start(t);
		job.tool('aws', `exec ${quoted(find('aws') ?? '')} --endpoint-url ${accounts.url} "$@"`);
		accounts.forget();
		const ran = await job.shell(['sh', '-c', change(recipe.block('shell').text)], {
			...(token && { CI_ASSUME_ROLE_TOKEN_ENV: 'MY_TOKEN', MY_TOKEN: token }),
			CI_ASSUME_ROLE_STS_ENDPOINT: accounts.url,
			...env,
		});
		return { job, ran, asked: accounts.forget() };
	}

	/** @param {Record<string, string>[]} asked */
	const roles = (asked) => asked.map(({ Action, RoleArn }) => [Action, RoleArn]);

	test('the AWS CLI knows every command, and what it is given', async (t) => {
		const folder = fs.mkdtempSync(join(process.env.TMPDIR ?? '/tmp', 'recipes-'));
		t.after(() => fs.rmSync(folder, { recursive: true }));
		fs.writeFileSync(join(folder, 'spoke.yaml'), new Recipe('hub-and-spoke').all('template')[0]?.text ?? '');
		// It then asks nobody.
		const checked = `aws() { ${quoted(find('aws') ?? '')} "$@" --generate-cli-skeleton output; }\n`;
		let commands = 0;
		for (const page of PAGES) {
			for (const { text } of new Recipe(page).blocks.filter(({ text }) => text.startsWith('aws '))) {
				commands += 1;
				const env = { PATH: searchPath(), HOME: folder, AWS_DEFAULT_REGION: 'us-east-1' };
				const ran = await runProgram(['sh', '-ec', checked + text], { env, cwd: folder, deadlineMs: 60_000 });
				assert.equal(ran.exitCode, 0, `${page}: ${text}${ran.stderr}`);
			}
		}
		assert.ok(commands > 3, `${commands}`);
	});

	describe('a hub and its spokes', () => {
		const recipe = new Recipe('hub-and-spoke');
		const HUB = 'arn:aws:iam::123456789012:role/hub';
		const SPOKE = 'arn:aws:iam::210987654321:role/spoke';
		before(() => set(recipe));

		test('at GitHub', async (t) => {
			const { step, asked } = await github(t, recipe);
			assert.equal(step.exitCode, 0, step.log);
			assert.deepEqual(roles(asked), [
				['AssumeRoleWithWebIdentity', HUB],
				['AssumeRole', SPOKE],
			]);
			assert.match(await identity(Object.fromEntries(step.env)), /::210987654321:assumed-role\/spoke\/GitHubActions$/);
		});

		test('another job does not come in', async (t) => {
			for (const claims of [PULL_REQUEST, STRANGER]) {
				const { step, asked } = await github(t, recipe, { claims });
				assertFailed(step, 4, 'not-authorized');
				assert.equal(asked.length, 1);
			}
		});

		test('with an external id', async (t) => {
			const { step, asked } = await github(t, recipe, { of: 'external id' });
			assert.equal(step.exitCode, 0, step.log);
			assert.deepEqual([asked[1]?.ExternalId, asked[1]?.RoleSessionName], ['customer-7', 'octo-repo']);
			assert.match(
				await identity(Object.fromEntries(step.env)),
				/::345678901234:assumed-role\/acme-deploys\/octo-repo$/,
			);
		});

		test('what is no spoke is refused, and nothing is handed over', async (t) => {
			const other = { INPUT_CHAIN: 'arn:aws:iam::210987654321:role/other' };
			const { step } = await github(t, recipe, { env: other });
			assert.equal(step.exitCode, 4, step.log);
			recipe.says('not a spoke', step.log);
			assertNothingHandedOver(step);
		});

		test('an hour is the most', async (t) => {
			const chain = { INPUT_CHAIN: JSON.stringify([{ 'role-arn': SPOKE, duration: '3h' }]) };
			const { step, asked } = await github(t, recipe, { env: chain });
			assert.equal(step.exitCode, 0, step.log);
			recipe.says('longer than an hour', step.log);
			assert.equal(asked[1]?.DurationSeconds, '3600');
		});

		test('at Buildkite, and on the command line', async (t) => {
			const [trust] = blocks('docs/buildkite.md', 'trust policy', {});
			const permissions = recipe.roles.get(HUB)?.permissions;
			await accounts.role(HUB, { trust, permissions });
			t.after(() => set(recipe));
			const { hook, ran, asked } = await buildkite(t, recipe);
			assert.equal(ran.exitCode, 0, ran.stdout);
			assert.equal(asked[1]?.ExternalId, 'customer-7');
			assert.match(await identity(hook.env), /::345678901234:assumed-role\/acme-deploys\/buildkite-job-/);
			const line = await shell(t, recipe, { token: hook.token });
			assert.equal(line.ran.exitCode, 0, line.ran.log);
			assert.match(line.ran.log, /"Arn": "arn:aws:sts::210987654321:assumed-role\/spoke\//);
		});

		test('the template has the same policy', () => {
			const { Resources } = recipe.document('template', SPOKE);
			const policy = recipe.roles.get(SPOKE)?.trust;
			assert.deepEqual(Resources.Spoke.Properties.AssumeRolePolicyDocument, policy);
			assert.equal(Resources.Spoke.Properties.RoleName, 'spoke');
		});
	});

	describe('three accounts', () => {
		const recipe = new Recipe('three-accounts');
		const [DEV, STAGING, PROD] = ['111122223333', '444455556666', '777788889999'];
		const arn = (/** @type {string | undefined} */ account) => `arn:aws:iam::${account}:role/deploy`;
		const session = (/** @type {string | undefined} */ account, /** @type {string} */ name) =>
			`arn:aws:sts::${account}:assumed-role/deploy/${name}`;
		const PROFILES = new Map([
			['dev', DEV],
			['staging', STAGING],
			['prod', PROD],
		]);
		/** For jobs of GitHub, or for those that a page of another CI lets in. @param {any} [trust] */
		async function everywhere(trust = recipe.roles.get(arn(DEV))?.trust) {
			for (const account of [DEV, STAGING, PROD]) {
				const text = JSON.stringify(trust).replaceAll(/(?<=iam::)\d{12}/g, `${account}`);
				await accounts.role(arn(account), { trust: JSON.parse(text) });
			}
		}
		before(() => everywhere());

		test('at GitHub', async (t) => {
			const { job, step, asked } = await github(t, recipe);
			assert.equal(step.exitCode, 0, step.log);
			assert.deepEqual(
				roles(asked).sort(),
				[DEV, STAGING, PROD].map((each) => ['AssumeRoleWithWebIdentity', arn(each)]),
			);
			assert.equal(asked.find(({ RoleArn }) => RoleArn === arn(PROD))?.DurationSeconds, '900');
			for (const [profile, account] of PROFILES) {
				const found = await identity({ ...job.env, AWS_DEFAULT_REGION: undefined }, '--profile', profile);
				assert.equal(found, session(account, 'GitHubActions'));
			}
			const none = await aws({ HOME: job.env.HOME, ...Object.fromEntries(step.env) }, 'sts', 'get-caller-identity');
			assert.match(none.stderr, /Unable to locate credentials/);
		});

		test('all or nothing', async (t) => {
			const trust = structuredClone(recipe.roles.get(arn(DEV))?.trust);
			trust.Statement[0].Principal.Federated = trust.Statement[0].Principal.Federated.replace(DEV, PROD);
			trust.Statement[0].Condition.StringEquals['token.actions.githubusercontent.com:sub'] =
				'repo:octo-org/octo-repo:environment:production';
			await accounts.role(arn(PROD), { trust });
			t.after(() => everywhere());
			const { job, step, asked } = await github(t, recipe);
			assertFailed(step, 4, 'not-authorized');
			assert.equal(asked.length, 3);
			recipe.says('one refused', step.log);
			assert.deepEqual(fs.readdirSync(job.path('home')), []);
		});

		test('at Buildkite, and on the command line', async (t) => {
			const [trust] = blocks('docs/buildkite.md', 'trust policy', {});
			await everywhere(trust);
			t.after(() => everywhere());
			const { hook, ran, asked } = await buildkite(t, recipe);
			assert.equal(ran.exitCode, 0, ran.stdout);
			assert.equal(asked.length, 3);
			const name = `buildkite-job-${hook.env.BUILDKITE_JOB_ID}`;
			for (const [profile, account] of PROFILES) {
				assert.equal(await identity({ ...hook.env, PATH: undefined }, '--profile', profile), session(account, name));
			}
			const line = await shell(t, recipe, { token: hook.token });
			assert.equal(line.ran.exitCode, 0, line.ran.log);
			assert.match(line.ran.log, /"Arn": "arn:aws:sts::777788889999:assumed-role\/deploy\//);
		});

		test('at Bitrise', { skip: missing('envman') }, async (t) => {
			const [trust] = blocks('docs/bitrise.md', 'trust policy', {});
			await everywhere(trust);
			t.after(() => everywhere());
			const build = await startBuild(t, { env: { role_arn: '', ...recipe.bitrise() } });
			build.env.sts_endpoint = accounts.url;
			const ran = await build.run({ answers: [buildTokenAnswer(build.token)] });
			assert.equal(ran.exitCode, 0, ran.log);
			const config = fs.readFileSync(build.env.AWS_CONFIG_FILE ?? '', 'utf8');
			assert.equal(config.match(/^region = eu-north-1$/gm)?.length, PROFILES.size, config);
			for (const [profile, account] of PROFILES) {
				const env = { ...build.env, PATH: undefined };
				assert.equal(await identity(env, '--profile', profile), session(account, 'bitrise-7'));
			}
		});
	});

	describe('least privilege', () => {
		const recipe = new Recipe('least-privilege');
		before(() => set(recipe));

		test('a policy in the step', async (t) => {
			const { step, asked } = await github(t, recipe, { of: 'inline' });
			assert.equal(step.exitCode, 0, step.log);
			assert.equal(asked.length, 1);
			const sent = JSON.parse(asked[0]?.Policy ?? '');
			assert.deepEqual(sent.Statement[0].Resource, 'arn:aws:s3:::octo-releases/nightly/*');
			assert.deepEqual(sent, JSON.parse(recipe.github('inline')['INPUT_INLINE-SESSION-POLICY'] ?? ''));
			assert.match(await identity(Object.fromEntries(step.env)), /:assumed-role\/project\/GitHubActions$/);
		});

		test('managed policies', async (t) => {
			const { step, asked } = await github(t, recipe, { of: 'managed' });
			assert.equal(step.exitCode, 0, step.log);
			const sent = ['PolicyArns.member.1.arn', 'PolicyArns.member.2.arn'].map((name) => asked[0]?.[name]);
			assert.deepEqual(sent, [
				'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess',
				'arn:aws:iam::123456789012:policy/nothing-of-production',
			]);
		});

		test('at Buildkite, in YAML', async (t) => {
			const [trust] = blocks('docs/buildkite.md', 'trust policy', {});
			await accounts.role('arn:aws:iam::123456789012:role/project', { trust });
			t.after(() => set(recipe));
			const { ran, asked } = await buildkite(t, recipe);
			assert.equal(ran.exitCode, 0, ran.stdout);
			assert.deepEqual(
				JSON.parse(asked[0]?.Policy ?? ''),
				JSON.parse(recipe.github('inline')['INPUT_INLINE-SESSION-POLICY'] ?? ''),
			);
		});

		test('what is too long goes nowhere', async (t) => {
			const policy = (/** @type {number} */ length) => {
				const empty = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '' }] };
				const rest = length - JSON.stringify(empty).length;
				const [statement] = empty.Statement;
				if (statement) statement.Resource = 'x'.repeat(rest);
				return { 'INPUT_INLINE-SESSION-POLICY': JSON.stringify(empty) };
			};
			const { step, asked } = await github(t, recipe, { of: 'inline', env: policy(2301), token: false });
			assertFailed(step, 2, 'option-invalid');
			assert.deepEqual(asked, []);
			recipe.says('too long', step.log);
			const longest = await github(t, recipe, { of: 'inline', env: policy(2048) });
			assert.equal(longest.step.exitCode, 0, longest.step.log);
		});

		test('what does not fit when it is packed', async (t) => {
			const arn = (/** @type {number} */ number) => `arn:aws:iam::123456789012:policy/${'long-'.repeat(80)}/${number}`;
			const arns = Array.from({ length: 10 }, (_, number) => arn(number));
			const env = { 'INPUT_MANAGED-SESSION-POLICIES': arns.join('\n') };
			const { step } = await github(t, recipe, { of: 'managed', env });
			assertFailed(step, 4, 'session-too-large');
			recipe.says('too large', step.log);
		});
	});

	describe('session tags by a chain', () => {
		const recipe = new Recipe('abac-tags');
		before(() => set(recipe));

		test('at GitHub', async (t) => {
			const { step, asked } = await github(t, recipe);
			assert.equal(step.exitCode, 0, step.log);
			const [first = {}, second = {}] = asked;
			assert.deepEqual(
				Object.keys(first).filter((name) => name.startsWith('Tags')),
				[],
			);
			assert.deepEqual(
				[second['Tags.member.1.Key'], second['Tags.member.1.Value'], second['TransitiveTagKeys.member.1']],
				['team', 'payments', 'team'],
			);
			assert.equal(second['Tags.member.2.Key'], undefined);
			assert.match(await identity(Object.fromEntries(step.env)), /:assumed-role\/shared\/GitHubActions$/);
		});

		test('a token has no place for tags', async (t) => {
			const hook = await startHook(t, { config: { ...recipe.buildkite(), tags: { team: 'payments' } } });
			const ran = await hook.run({ args: ['environment'], answers: [] });
			assert.equal(ran.exitCode, 2, ran.stdout);
			recipe.says('tags with a token', ran.stdout);
		});
	});

	describe('pods of EKS', () => {
		const recipe = new Recipe('eks-pods');
		const POD = 'arn:aws:iam::123456789012:role/runner';
		const DEPLOY = 'arn:aws:iam::210987654321:role/deploy';
		const CLUSTER = {
			iss: 'https://oidc.eks.eu-north-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF',
			sub: 'system:serviceaccount:ci:runner',
		};
		before(() => set(recipe));

		/** The pod's agent, which gives sessions of its role. @param {import('node:test').TestContext} t */
		async function pod(t) {
			const session = await accounts.session(POD);
			const server = http.createServer((request, response) => {
				const known = request.url === '/v1/credentials' && request.headers.authorization === 'token-of-the-pod';
				response.writeHead(known ? 200 : 403, { 'content-type': 'application/json' });
				response.end(known ? JSON.stringify(session) : '{}');
			});
			await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
			t.after(() => server.close());
			const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
			return {
				AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/v1/credentials`,
				AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '{temp}/eks-pod-identity-token',
			};
		}
		const files = { '{temp}/eks-pod-identity-token': 'token-of-the-pod' };

		test('Pod Identity, at GitHub', async (t) => {
			const env = { ...(await pod(t)), ACTIONS_ID_TOKEN_REQUEST_URL: null, ACTIONS_ID_TOKEN_REQUEST_TOKEN: null };
			const { step, asked } = await github(t, recipe, { of: 'container', env, files, token: false });
			assert.equal(step.exitCode, 0, step.log);
			assert.deepEqual(roles(asked), [['AssumeRole', DEPLOY]]);
			assert.equal(asked[0]?.['Tags.member.1.Key'], 'GitHub');
			assert.match(await identity(Object.fromEntries(step.env)), /::210987654321:assumed-role\/deploy\/GitHubActions$/);
		});

		test('Pod Identity, at Buildkite', async (t) => {
			const env = await pod(t);
			const token = join(fs.mkdtempSync(join(process.env.TMPDIR ?? '/tmp', 'pod-')), 'token');
			t.after(() => fs.rmSync(dirname(token), { recursive: true }));
			fs.writeFileSync(token, 'token-of-the-pod');
			const told = { ...env, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: token };
			const { hook, ran, asked } = await buildkite(t, recipe, { env: told, token: false });
			assert.equal(ran.exitCode, 0, ran.stdout);
			assert.deepEqual(roles(asked), [['AssumeRole', DEPLOY]]);
			assert.match(await identity(hook.env), /::210987654321:assumed-role\/deploy\/buildkite-job-/);
		});

		test('a pod may assume what its role may, and no other', async (t) => {
			const other = { 'INPUT_ROLE-TO-ASSUME': 'arn:aws:iam::210987654321:role/other' };
			const env = { ...(await pod(t)), ...other };
			const { step } = await github(t, recipe, { of: 'container', env, files, token: false });
			assertFailed(step, 4, 'assume-role-denied');
		});

		test('no pod', async (t) => {
			const { step } = await github(t, recipe, { of: 'container', token: false });
			assertFailed(step, 2, 'credentials-missing');
			recipe.says('no container', step.log);
		});

		test('the token of the kubelet', async (t) => {
			const job = await startJob(t, { claims: CLUSTER, env: { 'INPUT_ROLE-TO-ASSUME': null } });
			const inputs = recipe.github('token file');
			const file = inputs['INPUT_WEB-IDENTITY-TOKEN-FILE'] ?? '';
			assert.match(file, /^\/var\/run\/secrets\//);
			job.put('{temp}/token', '{token}');
			const moved = { 'INPUT_WEB-IDENTITY-TOKEN-FILE': '{temp}/token', 'INPUT_STS-ENDPOINT': accounts.url };
			accounts.forget();
			const step = await job.run({ env: { ...inputs, ...moved }, answers: [] });
			assert.equal(step.exitCode, 0, step.log);
			assert.equal(accounts.forget().length, 1);
			assert.match(await identity(Object.fromEntries(step.env)), /:assumed-role\/from-the-cluster\/GitHubActions$/);
			const line = await shell(t, recipe, { change: (line) => line.replace(file, job.path('{temp}/token')) });
			assert.equal(line.ran.exitCode, 0, line.ran.log);
			assert.match(line.ran.log, /:assumed-role\/from-the-cluster\//);
		});

		test('another service account does not come in', async (t) => {
			const claims = { ...CLUSTER, sub: 'system:serviceaccount:default:runner' };
			const job = await startJob(t, { claims, files: { '{temp}/token': '{token}' } });
			const moved = { 'INPUT_WEB-IDENTITY-TOKEN-FILE': '{temp}/token', 'INPUT_STS-ENDPOINT': accounts.url };
			const step = await job.run({ env: { ...recipe.github('token file'), ...moved }, answers: [] });
			assertFailed(step, 4, 'not-authorized');
		});
	});

	describe('Terraform', () => {
		const recipe = new Recipe('terraform-providers');
		const trusted = new Recipe('three-accounts').roles.get('arn:aws:iam::111122223333:role/deploy')?.trust;
		const ROLES = JSON.parse(recipe.github().INPUT_ROLES ?? '');
		before(async () => {
			for (const { 'role-arn': arn } of ROLES) {
				const text = JSON.stringify(trusted).replaceAll('111122223333', arn.split(':')[4]);
				await accounts.role(arn, { trust: JSON.parse(text) });
			}
		});

		test('every profile of the configuration, and whose it is', async (t) => {
			const { text } = recipe.block('providers');
			const { job, step, asked } = await github(t, recipe);
			assert.equal(step.exitCode, 0, step.log);
			assert.equal(asked.length, ROLES.length);
			const named = [...text.matchAll(/^ {2,}profile += "(.*)"$/gm)].map(([, profile]) => profile);
			assert.deepEqual(
				named,
				ROLES.map((/** @type {any} */ { profile }) => profile),
			);
			const blocks = [...text.matchAll(/^provider "aws" \{\n(.*?)^\}/gms)].map(([, block = '']) => block);
			assert.equal(blocks.length, 2);
			for (const block of blocks) {
				const said = (/** @type {string} */ name) =>
					new RegExp(`^ +${name} += \\[?"(.*?)"`, 'm').exec(block)?.[1] ?? '';
				const env = { ...job.env, AWS_DEFAULT_REGION: undefined, AWS_REGION: undefined };
				const found = await identity(env, '--profile', said('profile'));
				assert.equal(found, `arn:aws:sts::${said('allowed_account_ids')}:assumed-role/deploy/GitHubActions`);
				const region = await aws(env, 'configure', 'get', 'region', '--profile', said('profile'));
				assert.equal(region.stdout.trim(), said('region'));
			}
			const state = await identity(job.env, '--profile', 'state');
			assert.match(state, /::123456789012:assumed-role\/terraform-state\//);
			assert.deepEqual(
				accounts.forget().filter(({ Action }) => Action !== 'GetCallerIdentity'),
				[],
				'from the cache',
			);
		});

		test('the layout', {
			skip: (find('terraform') ?? find('tofu')) ? false : 'there is no terraform here',
		}, async (t) => {
			const folder = fs.mkdtempSync(join(process.env.TMPDIR ?? '/tmp', 'terraform-'));
			t.after(() => fs.rmSync(folder, { recursive: true }));
			fs.writeFileSync(join(folder, 'main.tf'), recipe.block('providers').text);
			const words = [find('terraform') ?? find('tofu') ?? '', 'fmt', '-check', '-diff', '-no-color', 'main.tf'];
			const ran = await runProgram(words, { env: { PATH: searchPath(), HOME: folder }, cwd: folder });
			assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
		});
	});

	describe('the CDK', () => {
		const recipe = new Recipe('cdk-bootstrap');
		const JOB = 'arn:aws:iam::123456789012:role/cdk';
		before(() => set(recipe));

		test('the job assumes the roles of the bootstrap, and no others', async (t) => {
			const { step } = await github(t, recipe, { of: 'deploy' });
			assert.equal(step.exitCode, 0, step.log);
			const env = Object.fromEntries(step.env);
			assert.match(await identity(env), /:assumed-role\/cdk\/GitHubActions$/);
			const listed = recipe.roles.get(JOB)?.permissions.Statement[0].Resource;
			assert.equal(listed.length, 4);
			const assume = (/** @type {string} */ arn) =>
				aws(env, 'sts', 'assume-role', '--role-session-name', 'aws-cdk', '--role-arn', arn);
			for (const arn of listed) {
				const ran = await assume(arn);
				assert.equal(ran.exitCode, 0, ran.stderr);
			}
			const execution = await assume(listed[0].replace('deploy-role', 'cfn-exec-role'));
			assert.match(execution.stderr, /AccessDenied/);
		});

		test('the deploy role by a chain', async (t) => {
			const { step, asked } = await github(t, recipe, { of: 'chain' });
			assert.equal(step.exitCode, 0, step.log);
			assert.equal(asked[1]?.['Tags.member.1.Key'], undefined);
			const name = 'cdk-hnb659fds-deploy-role-210987654321-eu-north-1';
			assert.equal(
				await identity(Object.fromEntries(step.env)),
				`arn:aws:sts::210987654321:assumed-role/${name}/GitHubActions`,
			);
		});

		test('a region that was not bootstrapped', async (t) => {
			const env = { INPUT_CHAIN: (recipe.github('chain').INPUT_CHAIN ?? '').replace('eu-north-1', 'us-east-1') };
			const { step } = await github(t, recipe, { of: 'chain', env });
			assertFailed(step, 4, 'assume-role-denied');
			recipe.says('another region', step.log);
		});

		test('a pull request may look, and not deploy', async (t) => {
			const look = await github(t, recipe, { of: 'lookup', claims: PULL_REQUEST });
			assert.equal(look.step.exitCode, 0, look.step.log);
			assert.match(await identity(Object.fromEntries(look.step.env)), /-lookup-role-210987654321-eu-north-1\//);
			const env = { INPUT_CHAIN: recipe.github('chain').INPUT_CHAIN ?? '' };
			const deploy = await github(t, recipe, { of: 'lookup', claims: PULL_REQUEST, env });
			assertFailed(deploy.step, 4, 'assume-role-denied');
			const job = await github(t, recipe, { of: 'deploy', claims: PULL_REQUEST });
			assertFailed(job.step, 4, 'not-authorized');
		});
	});

	describe('long tests', () => {
		const recipe = new Recipe('long-integration-tests');
		const ROLE = 'arn:aws:iam::123456789012:role/integration-tests';
		before(() => set(recipe));

		for (const { of, goes } of [
			{ of: 'process', goes: [ROLE] },
			{ of: 'process and chain', goes: [ROLE, 'arn:aws:iam::210987654321:role/tests'] },
		]) {
			test(`fresh credentials: ${of}`, async (t) => {
				const { job, step } = await github(t, recipe, { of });
				assert.equal(step.exitCode, 0, step.log);
				assert.equal(step.env.get('AWS_ACCESS_KEY_ID'), undefined);
				const [, account, name] = /::(\d+):role\/(.*)/.exec(goes.at(-1) ?? '') ?? [];
				const who = `arn:aws:sts::${account}:assumed-role/${name}/GitHubActions`;
				assert.equal(await identity(job.env), who);
				assert.deepEqual(
					accounts.forget().map(({ Action }) => Action),
					['GetCallerIdentity'],
					'from the cache',
				);
				const [path = ''] = [...job.files().keys()].filter((path) => path.endsWith('-credentials.json'));
				const cache = JSON.parse(job.read(path));
				const soon = `${new Date(Date.now() + 60_000).toISOString().slice(0, 19)}Z`;
				fs.writeFileSync(job.path(path), JSON.stringify({ ...cache, Expiration: soon }));
				job.service.expect([tokenAnswer(job.token)]);
				assert.equal(await identity(job.env), who);
				assert.deepEqual(
					roles(accounts.forget())
						.slice(0, -1)
						.map(([, arn]) => arn),
					goes,
				);
				assert.notEqual(JSON.parse(job.read(path)).AccessKeyId, cache.AccessKeyId);
			});
		}

		test('twelve hours, when the role allows them', async (t) => {
			const denied = await github(t, recipe, { of: 'twelve hours' });
			assertFailed(denied.step, 4, 'duration-too-long');
			recipe.says('longer than the role allows', denied.step.log);
			const { text } = recipe.block('max-session-duration', ROLE);
			const maxSessionDuration = Number(/--max-session-duration (\d+)/.exec(text)?.[1]);
			await accounts.role(ROLE, {
				...recipe.roles.get(ROLE),
				trust: recipe.roles.get(ROLE)?.trust,
				maxSessionDuration,
			});
			t.after(() => set(recipe));
			const { step, asked } = await github(t, recipe, { of: 'twelve hours' });
			assert.equal(step.exitCode, 0, step.log);
			assert.equal(asked[0]?.DurationSeconds, '43200');
		});
	});
});
