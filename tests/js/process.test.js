// A profile whose credentials come from a command, as the AWS CLI uses it: it runs the command, and moto's STS, which
// has issued the credentials, says whose they are.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { tokenAnswer } from './support/answers.js';
import { runProgram } from './support/child.js';
import { startJob } from './support/job.js';
import { startMoto } from './support/moto.js';
import { find, missing, searchPath } from './support/programs.js';

const IDENTITY = /^arn:aws:sts::123456789012:assumed-role\/deploy\/GitHubActions$/;

describe('hand-over: process', { skip: missing('aws', 'moto_server') }, () => {
	/** @type {Awaited<ReturnType<typeof startMoto>>} */
	let moto;
	before(async () => {
		moto = await startMoto();
	});
	after(() => moto?.stop());

	/**
	 * What the AWS CLI says in a later step of the job, whose environment has no inputs of ours.
	 * @param {import('./support/job.js').Job} job
	 * @param {...string} args
	 */
	function aws(job, ...args) {
		const own = Object.entries(job.env).filter(([name]) => !name.startsWith('INPUT_'));
		const env = { ...Object.fromEntries(own), PATH: searchPath(), AWS_EC2_METADATA_DISABLED: 'true' };
		return runProgram([find('aws') ?? '', '--endpoint-url', moto.url, ...args], { env, deadlineMs: 60_000 });
	}

	/** @param {import('./support/job.js').Job} job */
	async function identity(job) {
		const said = await aws(job, 'sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text');
		assert.equal(said.exitCode, 0, said.stderr);
		return said.stdout.trim();
	}

	/**
	 * @param {import('node:test').TestContext} t
	 * @param {import('./support/job.js').Options} [options]
	 */
	async function start(t, options = {}) {
		const job = await startJob(t, {
			...options,
			env: { 'INPUT_HAND-OVER': 'process', 'INPUT_STS-ENDPOINT': moto.url, ...options.env },
		});
		const step = await job.run({ answers: [tokenAnswer(job.token)] });
		assert.equal(step.exitCode, 0, step.log);
		const path = [...job.files().keys()].find((each) => each.endsWith('credentials.json'));
		return { job, step, cache: job.path(path ?? '') };
	}

	const read = (/** @type {string} */ path) => JSON.parse(fs.readFileSync(path, 'utf8'));

	test('the CLI gets them by the profile, from the cache, without another exchange', async (t) => {
		const { job, cache } = await start(t);
		const { AccessKeyId } = read(cache);
		job.service.expect([]);
		assert.match(await identity(job), IDENTITY);
		assert.equal(job.service.outcome().received.length, 0);
		assert.equal(read(cache).AccessKeyId, AccessKeyId);
	});

	test('nearly expired ones are replaced while the job runs', async (t) => {
		const { job, cache } = await start(t);
		const old = read(cache);
		const soon = `${new Date(Date.now() + 4 * 60_000).toISOString().slice(0, 19)}Z`;
		fs.writeFileSync(cache, JSON.stringify({ ...old, Expiration: soon }));
		job.service.expect([tokenAnswer(job.token)]);
		assert.match(await identity(job), IDENTITY);
		assert.equal(job.service.outcome().left, 0, 'a fresh token');
		assert.notEqual(read(cache).AccessKeyId, old.AccessKeyId);
		assert.equal(fs.statSync(cache).mode & 0o777, 0o600);
	});

	test('a refusal is told to the one who runs the CLI', async (t) => {
		const { job, cache } = await start(t);
		fs.rmSync(cache);
		job.service.expect([{ to: 'token', status: 403, body: '{"message":"the job is over"}' }]);
		const said = await aws(job, 'sts', 'get-caller-identity');
		assert.notEqual(said.exitCode, 0);
		assert.match(said.stderr, /error\[token-request-refused\]/);
		assert.match(said.stderr, /the job is over/);
	});

	test('keys that were exported before do not come first', async (t) => {
		const earlier = { AWS_ACCESS_KEY_ID: 'AKIAEARLIER00000001', AWS_SECRET_ACCESS_KEY: 'the-secret-of-before' };
		const { job } = await start(t, { env: earlier });
		assert.match(await identity(job), IDENTITY);
		await job.run({ entry: 'github-post' });
		assert.equal(job.env.AWS_ACCESS_KEY_ID, earlier.AWS_ACCESS_KEY_ID);
	});

	test('a named profile beside others, and a default one', async (t) => {
		const files = { 'home/.aws/config': '[default]\nregion = eu-north-1\n\n# mine\n[profile other]\nregion = x\n' };
		const named = await start(t, { env: { 'INPUT_AWS-PROFILE': 'deploy' }, files });
		assert.equal(named.job.env.AWS_PROFILE, 'deploy');
		assert.match(await identity(named.job), IDENTITY);
		const region = await aws(named.job, 'configure', 'get', 'region', '--profile', 'other');
		assert.equal(region.stdout.trim(), 'x');
		const env = { 'INPUT_AWS-PROFILE': 'default', 'INPUT_OVERWRITE-AWS-PROFILE': 'true' };
		const byDefault = await start(t, { env, files });
		delete byDefault.job.env.AWS_PROFILE;
		assert.match(await identity(byDefault.job), IDENTITY);
		for (const { job } of [named, byDefault]) {
			await job.run({ entry: 'github-post' });
			assert.equal(job.read('home/.aws/config'), files['home/.aws/config']);
		}
	});

	test('the post step removes the profile, the cache and the request', async (t) => {
		const { job } = await start(t);
		const post = await job.run({ entry: 'github-post' });
		assert.equal(post.exitCode, 0, post.log);
		const left = [...job.files().keys()].filter((path) => !path.startsWith('commands/'));
		assert.deepEqual(left, []);
		assert.notEqual((await aws(job, 'sts', 'get-caller-identity', '--profile', 'ci-assume-role')).exitCode, 0);
	});

	test('hand-over: profile and env work for the CLI as well', async (t) => {
		for (const handOver of ['profile', 'env']) {
			const job = await startJob(t, { env: { 'INPUT_HAND-OVER': handOver, 'INPUT_STS-ENDPOINT': moto.url } });
			const step = await job.run({ answers: [tokenAnswer(job.token)] });
			assert.equal(step.exitCode, 0, step.log);
			assert.match(await identity(job), IDENTITY, handOver);
		}
	});
});
