// Signed calls over the wire, to moto's STS with authentication on: it has botocore sign every request anew, and takes
// none whose signature is another, whose key it has not issued, or that no policy allows. It writes the form anew as
// well, with `+` for a space, so that no value here has one.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { callerXml, DENIED, tokenAnswer } from './support/answers.js';
import { runProgram } from './support/child.js';
import { assertFailed, assertNothingHandedOver, startJob } from './support/job.js';
import { startMoto } from './support/moto.js';
import { find, missing, searchPath } from './support/programs.js';

const ACCOUNT = '123456789012';
const TRUST = JSON.stringify({
	Version: '2012-10-17',
	Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: ['sts:AssumeRole', 'sts:TagSession'] }],
});
const GITHUB = 'token.actions.githubusercontent.com';
/** Admits the jobs of another branch. */
const FEDERATED = JSON.stringify({
	Version: '2012-10-17',
	Statement: {
		Effect: 'Allow',
		Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${GITHUB}` },
		Action: 'sts:AssumeRoleWithWebIdentity',
		Condition: {
			StringEquals: {
				[`${GITHUB}:aud`]: 'sts.amazonaws.com',
				[`${GITHUB}:sub`]: 'repo:octo-org/octo-repo:ref:refs/heads/100% released',
			},
		},
	},
});
const ALL = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });

describe('signed calls', { skip: missing('aws', 'moto_server') }, () => {
	/** @type {Awaited<ReturnType<typeof startMoto>>} */
	let moto;
	let key = { AccessKeyId: '', SecretAccessKey: '' };
	let weak = key;

	/**
	 * What the AWS CLI says.
	 * @param {NodeJS.ProcessEnv} env
	 * @param {...string} args
	 */
	async function aws(env, ...args) {
		const all = { PATH: searchPath(), AWS_EC2_METADATA_DISABLED: 'true', AWS_DEFAULT_REGION: 'us-east-1', ...env };
		const words = [find('aws') ?? '', '--endpoint-url', moto.url, '--output', 'json', ...args];
		const ran = await runProgram(words, { env: all, deadlineMs: 60_000 });
		assert.equal(ran.exitCode, 0, ran.stderr);
		return ran.stdout.trim() === '' ? undefined : JSON.parse(ran.stdout);
	}

	before(async () => {
		moto = await startMoto();
		const admin = { AWS_ACCESS_KEY_ID: 'AKIAADMIN', AWS_SECRET_ACCESS_KEY: 'admin' };
		await aws(admin, 'iam', 'create-user', '--user-name', 'deployer');
		const policy = ['--policy-name', 'all', '--policy-document', ALL];
		await aws(admin, 'iam', 'put-user-policy', '--user-name', 'deployer', ...policy);
		for (const [path, name] of [
			['/', 'first'],
			['/ci/', 'second'],
		]) {
			const role = ['--role-name', name ?? ''];
			await aws(admin, 'iam', 'create-role', ...role, '--path', path ?? '', '--assume-role-policy-document', TRUST);
			await aws(admin, 'iam', 'put-role-policy', ...role, ...policy);
		}
		const federated = ['--role-name', 'federated', '--assume-role-policy-document', FEDERATED];
		await aws(admin, 'iam', 'create-role', ...federated);
		await aws(admin, 'iam', 'create-user', '--user-name', 'nobody');
		weak = (await aws(admin, 'iam', 'create-access-key', '--user-name', 'nobody')).AccessKey;
		key = (await aws(admin, 'iam', 'create-access-key', '--user-name', 'deployer')).AccessKey;
		const reset = await fetch(`${moto.url}/moto-api/reset-auth`, { method: 'POST', body: '0' });
		assert.ok(reset.ok, 'moto asks for no signatures');
	});
	after(() => moto?.stop());

	/** @param {import('./support/job.js').Changes} env */
	function stored(env = {}) {
		return {
			'INPUT_STS-ENDPOINT': moto.url,
			'INPUT_AWS-ACCESS-KEY-ID': key.AccessKeyId,
			'INPUT_AWS-SECRET-ACCESS-KEY': key.SecretAccessKey,
			...env,
		};
	}

	/** @param {Map<string, string>} env what a step has handed over */
	async function identity(env) {
		return (await aws(Object.fromEntries(env), 'sts', 'get-caller-identity')).Arn;
	}

	test('a stored key is known, and handed over', async (t) => {
		const job = await startJob(t, { secrets: [key.SecretAccessKey] });
		const step = await job.run({ env: stored({ 'INPUT_ROLE-TO-ASSUME': null }), answers: [] });
		assert.equal(step.exitCode, 0, step.log);
		assert.equal(step.outputs.get('authenticated-arn'), `arn:aws:iam::${ACCOUNT}:user/deployer`);
		assert.equal(step.outputs.get('aws-account-id'), ACCOUNT);
		assert.equal(await identity(step.env), `arn:aws:iam::${ACCOUNT}:user/deployer`);
	});

	test('a stored key assumes a role by its name, and that role another one', async (t) => {
		const job = await startJob(t, { secrets: [key.SecretAccessKey] });
		const first = await job.run({
			env: stored({ 'INPUT_ROLE-TO-ASSUME': 'first', 'INPUT_CUSTOM-TAGS': '{"Team": "a-b/é"}' }),
			answers: [],
		});
		assert.equal(first.exitCode, 0, first.log);
		assert.match(await identity(first.env), /:assumed-role\/first\/GitHubActions$/);
		const second = await job.run({
			env: {
				'INPUT_STS-ENDPOINT': moto.url,
				'INPUT_ROLE-CHAINING': 'true',
				'INPUT_ROLE-TO-ASSUME': `arn:aws:iam::${ACCOUNT}:role/ci/second`,
				'INPUT_ROLE-SESSION-NAME': 'chained+1',
				'INPUT_ROLE-DURATION-SECONDS': '3h',
			},
			answers: [],
		});
		assert.equal(second.exitCode, 0, second.log);
		assert.match(second.log, /session chained\+1 of 1 h/);
		assert.match(await identity(second.env), /:assumed-role\/second\/chained\+1$/);
		const kept = await job.run({
			env: { 'INPUT_STS-ENDPOINT': moto.url, 'INPUT_USE-EXISTING-CREDENTIALS': 'true' },
			answers: [],
		});
		assert.match(kept.log, /kept the credentials that the job has, which are of .*:assumed-role\/second\/chained/);
		assert.equal(kept.env.size, 0, 'nothing is exported');
	});

	test('new credentials are used once', async (t) => {
		const job = await startJob(t, { secrets: [key.SecretAccessKey] });
		const env = stored({ 'INPUT_ROLE-TO-ASSUME': 'first', 'INPUT_VERIFY-IDENTITY': 'true' });
		const step = await job.run({ env, answers: [] });
		assert.equal(step.exitCode, 0, step.log);
		assert.match(step.log, /verified: AWS knows the credentials as .*:assumed-role\/first\/GitHubActions/);
	});

	/**
	 * A job that STS does not let in, and that may ask moto's IAM why.
	 * @param {import('node:test').TestContext} t
	 * @param {string} role below the account
	 * @param {typeof key} used
	 * @param {import('./support/answers.js').Answer[]} more answers of STS
	 */
	async function denied(t, role, used, more = []) {
		const job = await startJob(t, { secrets: [used.SecretAccessKey] });
		const step = await job.run({
			env: {
				'INPUT_ROLE-TO-ASSUME': `arn:aws:iam::${ACCOUNT}:role/${role}`,
				'INPUT_EXPLAIN-WITH': 'environment',
				AWS_ENDPOINT_URL_IAM: moto.url,
				AWS_ACCESS_KEY_ID: used.AccessKeyId,
				AWS_SECRET_ACCESS_KEY: used.SecretAccessKey,
			},
			answers: [tokenAnswer(job.token), DENIED, ...more],
		});
		assertFailed(step, 4, 'not-authorized');
		return step.log;
	}

	test('a denial is explained by the policy that IAM has', async (t) => {
		const log = await denied(t, 'federated', key);
		assert.match(
			log,
			/reads the trust policy of arn:aws:iam::123456789012:role\/federated with the credentials of the/,
		);
		assert.match(log, /policy wants +repo:octo-org\/octo-repo:ref:refs\/heads\/100% released/);
	});

	test('a path that the ARN leaves out is found', async (t) => {
		const log = await denied(t, 'second', key);
		assert.match(log, /role in IAM +arn:aws:iam::123456789012:role\/ci\/second/);
	});

	test('a role that does not exist is told from one that says no', async (t) => {
		const deployer = callerXml(ACCOUNT, `arn:aws:iam::${ACCOUNT}:user/deployer`);
		const log = await denied(t, 'third', key, [{ to: 'sts', contentType: 'text/xml', body: deployer }]);
		assert.match(log, /why +there is no role `third` in account 123456789012/);
	});

	test('who may not read the policy adds a line', async (t) => {
		const log = await denied(t, 'federated', weak);
		assert.match(log, /trust policy +not read: what answered at 127\.0\.0\.1 /); // moto's words for it are not IAM's
	});

	test('a signature by another secret is refused', async (t) => {
		const job = await startJob(t);
		const wrong = stored({ 'INPUT_AWS-SECRET-ACCESS-KEY': 'no-secret-that-was-issued' });
		const step = await job.run({ env: wrong, answers: [] });
		assert.match(step.log, /status +403/); // moto's words for it are not in the form of STS's
		assertNothingHandedOver(step);
	});
});
