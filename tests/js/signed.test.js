// Signed calls over the wire, to moto's STS with authentication on: it has botocore sign every request anew, and takes
// none whose signature is another, whose key it has not issued, or that no policy allows. It writes the form anew as
// well, with `+` for a space, so that no value here has one.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runProgram } from './support/child.js';
import { assertNothingHandedOver, startJob } from './support/job.js';
import { startMoto } from './support/moto.js';
import { find, missing, searchPath } from './support/programs.js';

const ACCOUNT = '123456789012';
const TRUST = JSON.stringify({
	Version: '2012-10-17',
	Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: ['sts:AssumeRole', 'sts:TagSession'] }],
});
const ALL = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });

describe('signed calls', { skip: missing('aws', 'moto_server') }, () => {
	/** @type {Awaited<ReturnType<typeof startMoto>>} */
	let moto;
	let key = { AccessKeyId: '', SecretAccessKey: '' };

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

	test('a signature by another secret is refused', async (t) => {
		const job = await startJob(t);
		const wrong = stored({ 'INPUT_AWS-SECRET-ACCESS-KEY': 'no-secret-that-was-issued' });
		const step = await job.run({ env: wrong, answers: [] });
		assert.match(step.log, /status +403/); // moto's words for it are not in the form of STS's
		assertNothingHandedOver(step);
	});
});
