// The main paths on one runtime, that of CI_ASSUME_ROLE_RUNTIME. Everything else is tested on one runtime alone, since
// it is the same code; what differs is how requests are made, files written, and signals taken.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer, stsError, tokenAnswer } from '../support/answers.js';
import { assertFailed, assertHandedOver, startJob } from '../support/job.js';
import { startProxy } from '../support/proxy.js';
import { KEY_ID, SECRET, SESSION_TOKEN } from '../support/secrets.js';
import { Service } from '../support/server.js';
import { hasOpenssl, makeAuthority } from '../support/tls.js';

/** @typedef {import('../support/answers.js').Answer} Answer */

const ONCE = { 'INPUT_DISABLE-RETRY': 'true' };

describe('the GitHub entry', { concurrency: 2 }, () => {
	test('hands over, and takes back', async (t) => {
		const job = await startJob(t, { env: { 'INPUT_OUTPUT-CREDENTIALS': 'true' } });
		const step = await job.run();
		assertHandedOver(step);
		assert.equal(step.outputs.get('aws-secret-access-key'), SECRET);
		assert.equal(step.stderr, '', 'nothing but ours is in the log');
		const [token, sts] = step.requests;
		assert.equal(token?.url, '/token?api-version=2.0&audience=sts.amazonaws.com');
		const names = new Map(sts?.headers.map(([name, value]) => [name.toLowerCase(), value]));
		assert.equal(names.get('content-type'), 'application/x-www-form-urlencoded');
		assert.match(names.get('user-agent') ?? '', /^ci-assume-role\/\S+ md\/ci#github /);
		assert.equal(new URLSearchParams(sts?.body).get('WebIdentityToken'), job.token);
		const post = await job.run({ entry: 'github-post' });
		assert.deepEqual([post.exitCode, post.env.get('AWS_SESSION_TOKEN'), post.stderr], [0, '', '']);
	});

	test('tells a denial', async (t) => {
		const job = await startJob(t);
		const step = await job.run({ answers: [tokenAnswer(job.token), DENIED] });
		assertFailed(step, 4, 'not-authorized');
		assert.match(step.log, /repo:octo-org\/octo-repo:ref:refs\/heads\/main/);
	});

	test('tries again with a fresh token', async (t) => {
		const job = await startJob(t);
		const answers = [
			tokenAnswer(job.token),
			stsError(503, 'ServiceUnavailable', 'x'),
			tokenAnswer(job.token),
			stsAnswer(),
		];
		assertHandedOver(await job.run({ answers }));
	});

	test('writes a profile, and answers for it later', async (t) => {
		const files = { 'home/.aws/config': '# mine\n[profile other]\nregion = eu-north-1\n' };
		const job = await startJob(t, { env: { 'INPUT_HAND-OVER': 'process' }, files });
		const step = await job.run();
		assert.deepEqual([step.exitCode, step.env.get('AWS_PROFILE')], [0, 'ci-assume-role'], step.log);
		const request = [...job.files().keys()].find((path) => path.endsWith('request.json')) ?? '';
		const cached = await job.run({ entry: 'credential-process', args: [job.path(request)] });
		const { Version, AccessKeyId, SecretAccessKey, SessionToken } = JSON.parse(cached.stdout);
		assert.deepEqual([Version, AccessKeyId, SecretAccessKey, SessionToken], [1, KEY_ID, SECRET, SESSION_TOKEN]);
		assert.equal(cached.stderr, '');
		job.put(request.replace('request.json', 'credentials.json'), '');
		const answers = [tokenAnswer(job.token), stsAnswer()];
		const fresh = await job.run({ entry: 'credential-process', args: [job.path(request)], answers });
		assert.equal(JSON.parse(fresh.stdout).SecretAccessKey, SECRET, fresh.stderr);
		await job.run({ entry: 'github-post' });
		assert.equal(job.read('home/.aws/config'), files['home/.aws/config']);
		assert.deepEqual(fs.readdirSync(job.path('runner')), []);
	});

	for (const [
		name,
		code,
		env,
		answer,
	] of /** @type {[string, string, Record<string, string>, Omit<Answer, 'to'>][]} */ ([
		['a connection that breaks off', 'endpoint-unreachable', {}, { play: (_, socket) => socket.resetAndDestroy() }],
		[
			'a body that breaks off',
			'endpoint-unreachable',
			{},
			{
				play: (response, socket) => {
					response.writeHead(200, { 'Content-Length': '4000' });
					response.write('<');
					setTimeout(() => socket.resetAndDestroy(), 20);
				},
			},
		],
		['a server that never answers', 'time-limit', { 'INPUT_ACTION-TIMEOUT-S': '1' }, { play: () => {} }],
		[
			'a server that drips',
			'time-limit',
			{ 'INPUT_ACTION-TIMEOUT-S': '1' },
			{
				play: (response, socket) => {
					response.writeHead(200);
					const timer = setInterval(() => response.write(' '), 50);
					socket.on('close', () => clearInterval(timer));
				},
			},
		],
		['a body that is too large', 'answer-too-large', {}, { body: Buffer.alloc(8 * 1024 * 1024, 'x') }],
		['a redirect', 'sts-answer-invalid', {}, { status: 307, headers: { Location: '{base}/elsewhere' } }],
	])) {
		test(`ends by ${name}`, async (t) => {
			const job = await startJob(t, { env: { ...ONCE, ...env } });
			const headers = answer.headers && { Location: `${job.service.base}/elsewhere` };
			const answers = [
				tokenAnswer(job.token),
				/** @type {Answer} */ ({ ...answer, to: 'sts', ...(headers && { headers }) }),
			];
			assertFailed(await job.run({ answers, deadlineMs: 10_000 }), 5, code);
		});
	}

	test('ends by a server that is not there', async (t) => {
		const job = await startJob(t, { env: { ...ONCE, 'INPUT_STS-ENDPOINT': 'http://127.0.0.1:9' } });
		assertFailed(await job.run({ answers: [tokenAnswer(job.token)] }), 5, 'endpoint-unreachable');
	});

	for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
		test(`ends by ${signal}`, async (t) => {
			const job = await startJob(t);
			let signalled = 0;
			const step = await job.run({
				answers: [tokenAnswer(job.token), { to: 'sts', play: () => {} }],
				started: async (child) => {
					await job.service.arrived(2);
					signalled = performance.now();
					child.kill(signal);
				},
			});
			assert.ok(performance.now() - signalled < 1000, 'it took its time');
			assertFailed(step, 130, 'interrupted');
		});
	}

	test('undoes what it has written when the last file is a link', async (t) => {
		const job = await startJob(t, { env: { 'INPUT_HAND-OVER': 'profile' }, files: { elsewhere: 'x' } });
		job.put('commands/GITHUB_ENV', { symlink: '{temp}/elsewhere' });
		const step = await job.run();
		assertFailed(step, 6, 'hand-over-failed');
		assert.equal(job.read('elsewhere'), 'x');
		assert.ok(!fs.existsSync(job.path('home/.aws/credentials')));
	});

	test('goes through a proxy with a password, to a server of an own authority', {
		skip: !hasOpenssl && 'needs openssl',
	}, async (t) => {
		const hosts = ['token-service.actions.example', 'sts.us-east-1.amazonaws.com'];
		const { authority, ...tls } = makeAuthority(hosts.map((host) => `DNS:${host}`));
		const secure = await new Service(tls).start();
		t.after(() => secure.stop());
		const { port, asked } = await startProxy(t, { to: secure.port, login: 'me:p@ss/word' });
		const job = await startJob(t, {
			env: {
				'INPUT_STS-ENDPOINT': null,
				ACTIONS_ID_TOKEN_REQUEST_URL: `https://${hosts[0]}/token?api-version=2.0`,
				https_proxy: `http://me:p%40ss%2Fword@127.0.0.1:${port}`,
				AWS_CA_BUNDLE: authority,
			},
			secrets: ['p@ss/word', 'me:p%40ss%2Fword'],
		});
		job.service.stop();
		job.service = secure;
		assertHandedOver(await job.run());
		assert.deepEqual(
			asked,
			hosts.map((host) => `${host}:443`),
		);
		const step = await job.run({ env: { AWS_CA_BUNDLE: null, ...ONCE }, answers: [] });
		assertFailed(step, 5, 'tls-failed');
	});
});
