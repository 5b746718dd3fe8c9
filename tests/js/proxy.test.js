// Proxies and certificates as companies have them: the real address of STS, through a real tunnel, to a server whose
// certificate is from an authority of the company's own.

import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer, tokenAnswer } from './support/answers.js';
import { RUNTIME_NAME } from './support/child.js';
import { assertFailed, assertHandedOver, startJob } from './support/job.js';
import { startProxy } from './support/proxy.js';
import { assertNoSecret } from './support/secrets.js';
import { Service } from './support/server.js';
import { hasOpenssl, makeAuthority } from './support/tls.js';

const TOKEN_HOST = 'token-service.actions.example';
const STS_HOST = 'sts.us-east-1.amazonaws.com';
const BOTH = [`${TOKEN_HOST}:443`, `${STS_HOST}:443`];
const NETWORK = 5;
const PASSWORD = 'p@ss:word/of the%proxy';
const USERINFO = `proxy-user:${encodeURIComponent(PASSWORD)}`;
const tls = hasOpenssl
	? makeAuthority([`DNS:${TOKEN_HOST}`, `DNS:${STS_HOST}`, 'IP:127.0.0.1', 'IP:0.0.0.0'])
	: undefined;
const elsewhere = hasOpenssl ? makeAuthority(['DNS:elsewhere.example']) : undefined;
/** Node and Bun read it, Deno has another name for it. */
const EXTRA = RUNTIME_NAME === 'deno' ? 'DENO_CERT' : 'NODE_EXTRA_CA_CERTS';

/**
 * A job on a machine that reaches the world through a proxy alone.
 * @param {import('node:test').TestContext} t
 * @param {object} how
 * @param {Partial<import('./support/proxy.js').Options>} [how.proxy]
 * @param {(address: string) => import('./support/job.js').Changes} [how.env]
 * @param {string} [how.userinfo]
 * @param {'trusted' | 'unknown' | 'elsewhere'} [how.server] its certificate
 */
async function startProxiedJob(
	t,
	{ proxy = {}, env = (address) => ({ https_proxy: address }), userinfo, server = 'trusted' },
) {
	const certificate = server === 'elsewhere' ? elsewhere : tls;
	const secure = await new Service(certificate).start();
	t.after(() => secure.stop());
	const started = await startProxy(t, { to: secure.port, ...proxy });
	const address = `${started.scheme}://${userinfo ? `${userinfo}@` : ''}127.0.0.1:${started.port}`;
	const job = await startJob(t, {
		env: {
			'INPUT_STS-ENDPOINT': null,
			ACTIONS_ID_TOKEN_REQUEST_URL: `https://${TOKEN_HOST}/token?api-version=2.0`,
			'INPUT_RETRY-MAX-ATTEMPTS': '2',
			...(server === 'trusted' && { AWS_CA_BUNDLE: tls?.authority ?? '' }),
			...(server === 'elsewhere' && { AWS_CA_BUNDLE: elsewhere?.authority ?? '' }),
			...env(address),
		},
		...(userinfo !== undefined && { secrets: [PASSWORD, USERINFO] }),
	});
	const plain = job.service;
	job.service = secure;
	t.after(() => plain.stop());
	return { job, asked: started.asked, address };
}

describe('proxies', { concurrency: 4, skip: !hasOpenssl && 'needs openssl' }, () => {
	for (const [name, env] of /** @type {[string, (address: string) => import('./support/job.js').Changes][]} */ ([
		['https_proxy', (address) => ({ https_proxy: address })],
		['HTTPS_PROXY', (address) => ({ HTTPS_PROXY: address })],
		['HTTP_PROXY', (address) => ({ HTTP_PROXY: address })],
		['all_proxy', (address) => ({ all_proxy: address })],
		['ALL_PROXY', (address) => ({ ALL_PROXY: address })],
		['the input http-proxy', (address) => ({ 'INPUT_HTTP-PROXY': address })],
		[
			'the input, whatever the variables say',
			(address) => ({ 'INPUT_HTTP-PROXY': address, https_proxy: 'http://127.0.0.1:9' }),
		],
		['an address without its scheme', (address) => ({ https_proxy: address.replace('http://', '') })],
		[
			'no_proxy for other hosts',
			(address) => ({ https_proxy: address, no_proxy: 'example.com,.amazonaws.org,us-east-1' }),
		],
	])) {
		test(`${name}: both calls go through it`, async (t) => {
			const { job, asked } = await startProxiedJob(t, { env });
			const step = await job.run();
			assertHandedOver(step);
			assert.deepEqual(asked, BOTH);
			for (const { headers } of step.requests) {
				assert.ok(!headers.some(([header]) => /^proxy-/i.test(header)), 'what is for the proxy stays with the proxy');
			}
		});
	}

	test('an https: proxy', async (t) => {
		const { job, asked } = await startProxiedJob(t, { proxy: { ...(tls && { tls }) } });
		assertHandedOver(await job.run());
		assert.deepEqual(asked, BOTH);
	});

	test(`${EXTRA} alone makes the certificate known`, async (t) => {
		const { job } = await startProxiedJob(t, {
			env: (address) => ({ https_proxy: address, AWS_CA_BUNDLE: null, [EXTRA]: tls?.authority ?? '' }),
		});
		assertHandedOver(await job.run());
	});

	test('a password is sent decoded, hidden first, and never shown', async (t) => {
		const { job, asked } = await startProxiedJob(t, { proxy: { login: `proxy-user:${PASSWORD}` }, userinfo: USERINFO });
		const step = await job.run();
		assertHandedOver(step);
		assert.deepEqual(asked, BOTH);
		assert.match(step.stdout, /^::add-mask::/, 'before anything else');
		assert.ok(step.masked.includes(PASSWORD), 'as it is');
		assert.ok(step.masked.includes(encodeURIComponent(PASSWORD)), 'as it was written');
	});

	for (const [name, proxy] of /** @type {[string, Partial<import('./support/proxy.js').Options>][]} */ ([
		['wants another password', { login: 'proxy-user:another' }],
		['refuses, 403', { refusal: 'HTTP/1.1 403 Forbidden' }],
		[
			'refuses in a hostile way',
			{ refusal: 'HTTP/1.1 407 ::error::owned ##[error]x\r\nProxy-Authenticate: ##vso[a.b]c' },
		],
		['fails, 502', { refusal: 'HTTP/1.1 502 Bad Gateway' }],
		['redirects', { refusal: 'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/' }],
		// Bun does not tell who of the two did.
		...(RUNTIME_NAME === 'bun' ? [] : [['talks nonsense', { refusal: 'SSH-2.0-OpenSSH_9.9' }]]),
	])) {
		test(`a proxy that ${name}`, async (t) => {
			const { job, asked } = await startProxiedJob(t, { proxy, userinfo: USERINFO });
			const step = await job.run({ answers: [] });
			assertFailed(step, NETWORK, 'proxy-failed');
			assert.ok(asked.length >= 1 && asked.every((each) => each === BOTH[0]), `${asked}`);
			assert.match(step.log, /proxy +http:\/\/127\.0\.0\.1:\d+$/m, 'its address, without the password');
		});
	}

	test('a proxy that is not there: nothing goes the direct way', async (t) => {
		const { job } = await startProxiedJob(t, {
			userinfo: USERINFO,
			env: () => ({ https_proxy: `http://${USERINFO}@127.0.0.1:9` }),
		});
		assertFailed(await job.run({ answers: [] }), NETWORK, 'proxy-failed');
	});

	for (const hangs of /** @type {const} */ (['connect', 'tunnel'])) {
		test(`a proxy that stops to answer (${hangs})`, async (t) => {
			const { job } = await startProxiedJob(t, {
				proxy: { hangs },
				env: (https_proxy) => ({ https_proxy, 'INPUT_ACTION-TIMEOUT-S': '1' }),
			});
			assertFailed(await job.run({ answers: [], deadlineMs: 6000 }), NETWORK, 'time-limit');
		});
	}

	test('this machine itself is reached without it', async (t) => {
		const job = await startJob(t, { env: { http_proxy: 'http://127.0.0.1:9', ALL_PROXY: 'http://127.0.0.1:9' } });
		assertHandedOver(await job.run());
	});

	test('the credential process goes through it too', async (t) => {
		const { job, asked } = await startProxiedJob(t, {
			proxy: { login: `proxy-user:${PASSWORD}` },
			userinfo: USERINFO,
			env: (address) => ({ 'INPUT_HTTP-PROXY': address, 'INPUT_HAND-OVER': 'process' }),
		});
		assert.equal((await job.run()).exitCode, 0);
		const written = [...job.files().keys()];
		const cache = written.find((path) => path.endsWith('credentials.json')) ?? '';
		job.put(cache, '');
		const request = job.path(written.find((path) => path.endsWith('request.json')) ?? '');
		asked.length = 0;
		// A later step has no inputs of ours.
		const env = { 'INPUT_HTTP-PROXY': null, 'INPUT_HAND-OVER': null, 'INPUT_ROLE-TO-ASSUME': null };
		const answers = [tokenAnswer(job.token), stsAnswer()];
		const step = await job.run({ entry: 'credential-process', args: [request], env, answers });
		assert.equal(step.exitCode, 0, step.log);
		assert.deepEqual(asked, BOTH);
		assertNoSecret(step.stdout, [PASSWORD, USERINFO], 'the answer to the SDK');
	});
});

describe('no-proxy', { concurrency: 4, skip: !hasOpenssl && 'needs openssl' }, () => {
	// 0.0.0.0 leads to this machine, but is none of the names of this machine that no proxy is used for.
	for (const [list, direct] of /** @type {[string, boolean][]} */ ([
		['0.0.0.0', true],
		['example.com, 0.0.0.0 ,', true],
		['*', true],
		['0.0.0.0:{port}', true],
		['0.0.0.0:1', false],
		['10.0.0.0', false],
	])) {
		for (const under of ['INPUT_NO-PROXY', 'NO_PROXY', 'no_proxy']) {
			test(`${under}: ${list}`, async (t) => {
				const { job, asked } = await startProxiedJob(t, {});
				const { port } = job.service;
				const target = `https://0.0.0.0:${port}`;
				const step = await job.run({
					env: {
						ACTIONS_ID_TOKEN_REQUEST_URL: `${target}/token?api-version=2.0`,
						'INPUT_STS-ENDPOINT': target,
						[under]: list.replace('{port}', `${port}`),
					},
				});
				assertHandedOver(step);
				assert.deepEqual(asked, direct ? [] : [`0.0.0.0:${port}`, `0.0.0.0:${port}`]);
			});
		}
	}
});

describe('certificates', { concurrency: 4, skip: !hasOpenssl && 'needs openssl' }, () => {
	test('an authority that nobody knows', async (t) => {
		const { job } = await startProxiedJob(t, { server: 'unknown' });
		const step = await job.run({ answers: [] });
		assertFailed(step, NETWORK, 'tls-failed');
		assert.match(step.log, /AWS_CA_BUNDLE/);
	});

	test('a certificate for another host', async (t) => {
		const { job } = await startProxiedJob(t, { server: 'elsewhere' });
		assertFailed(await job.run({ answers: [] }), NETWORK, 'tls-failed');
	});

	test('a bundle that is not there, or no certificate', async (t) => {
		for (const path of ['{temp}/none.pem', '{temp}/empty.pem']) {
			const { job } = await startProxiedJob(t, {});
			job.put('empty.pem', 'no certificate');
			const step = await job.run({ env: { AWS_CA_BUNDLE: path }, answers: [] });
			assertFailed(step, NETWORK, 'tls-failed');
			assert.match(step.log, /AWS_CA_BUNDLE/);
		}
	});

	test('NODE_TLS_REJECT_UNAUTHORIZED=0 opens no door', async (t) => {
		const { job } = await startProxiedJob(t, { server: 'unknown' });
		const step = await job.run({ env: { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' }, answers: [] });
		assertFailed(step, NETWORK, 'tls-failed');
	});

	test('a server that speaks no TLS, and one that never starts to', async (t) => {
		const plain = http.createServer((_, response) => response.end('hello'));
		await new Promise((resolve) => plain.listen(0, '127.0.0.1', () => resolve(undefined)));
		t.after(() => plain.close());
		const { port } = /** @type {import('node:net').AddressInfo} */ (plain.address());
		const job = await startJob(t, {
			env: { 'INPUT_STS-ENDPOINT': `https://127.0.0.1:${port}`, 'INPUT_DISABLE-RETRY': 'true' },
		});
		assertFailed(await job.run({ answers: [tokenAnswer(job.token)] }), NETWORK, 'tls-failed');
	});

	test('a denial over TLS is told like any other', async (t) => {
		const { job } = await startProxiedJob(t, {});
		assertFailed(await job.run({ answers: [tokenAnswer(job.token), DENIED] }), 4, 'not-authorized');
	});
});
