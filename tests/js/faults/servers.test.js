// The token service and STS against every way in which a server can fail. Each run ends within its deadline, says by a
// name of its own what was wrong, shows no secret, and leaves everything as it was. (`Job.run` looks after the secrets.)

import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, test } from 'node:test';
import { stsAnswer, stsError, tokenAnswer } from '../support/answers.js';
import { BOTH, html, NETWORK, ONCE, resetAtOnce, resetInBody, STS, TOKEN, TOKEN_SERVICE } from '../support/faults.js';
import { assertFailed, assertHandedOver, assertUntouched, startJob } from '../support/job.js';

/** @typedef {import('../support/answers.js').Answer} Answer */

const parallel = { concurrency: 4 };

/**
 * @param {'token' | 'sts'} to
 * @param {import('../support/faults.js').Case} each
 */
function serverTest(to, { name, answer, code, exitCode, env = {} }) {
	test(name, async (t) => {
		const job = await startJob(t, { env: { ...ONCE, ...env } });
		const before = job.files();
		const answers = to === 'token' ? [] : [tokenAnswer(job.token)];
		const step = await job.run({ answers: [...answers, { ...answer, to }], deadlineMs: 8000 });
		assertFailed(step, exitCode, code);
		assertUntouched(job, before);
		assert.equal(step.requests.length, answers.length + 1, 'what cannot pass by itself is asked once');
	});
}

describe('the token service', parallel, () => {
	for (const each of [...BOTH, ...TOKEN_SERVICE]) serverTest('token', each);
});

describe('STS', parallel, () => {
	for (const each of [...BOTH, ...STS]) serverTest('sts', each);
});

describe('servers', parallel, () => {
	for (const [name, variable, path] of [
		['the token service', 'ACTIONS_ID_TOKEN_REQUEST_URL', '/token?x=1'],
		['STS', 'INPUT_STS-ENDPOINT', '/sts'],
	]) {
		test(`${name} is not there`, async (t) => {
			const job = await startJob(t, {
				env: { ...ONCE, [`${variable}`]: `http://127.0.0.1:${await closedPort()}${path}` },
			});
			const answers = name === 'STS' ? [tokenAnswer(job.token)] : [];
			assertFailed(await job.run({ answers }), NETWORK, 'endpoint-unreachable');
		});
	}

	for (const to of /** @type {const} */ (['token', 'sts'])) {
		test(`64 MiB from ${to === 'sts' ? 'STS' : 'the token service'}: no more than a little of it is taken`, async (t) => {
			const job = await startJob(t);
			let sent = 0;
			/** @type {Answer} */
			const flood = {
				to,
				play: (response) => {
					const part = Buffer.alloc(64 * 1024, 'x');
					const more = () => {
						while (sent < 64 * 1024 * 1024) {
							sent += part.length;
							if (!response.write(part)) return response.once('drain', more);
						}
						return response.end();
					};
					response.writeHead(200);
					more();
				},
			};
			const answers = to === 'sts' ? [tokenAnswer(job.token), flood] : [flood];
			assertFailed(await job.run({ answers }), NETWORK, 'answer-too-large');
			assert.ok(sent < 16 * 1024 * 1024, `${sent} bytes were taken`);
		});
	}

	test('a redirect is not followed, neither with the request token nor with the job token', async (t) => {
		let visitors = 0;
		const elsewhere = http.createServer((_, response) => {
			visitors += 1;
			response.end('thank you');
		});
		await new Promise((resolve) => elsewhere.listen(0, '127.0.0.1', () => resolve(undefined)));
		t.after(() => elsewhere.close());
		const { port } = /** @type {import('node:net').AddressInfo} */ (elsewhere.address());
		for (const status of [301, 302, 303, 307, 308]) {
			const job = await startJob(t);
			/** @type {Omit<Answer, 'to'>} */
			const away = { status, headers: { Location: `http://127.0.0.1:${port}/collect` } };
			assertFailed(await job.run({ answers: [{ ...away, to: 'token' }] }), TOKEN, 'token-answer-invalid');
			const answers = [tokenAnswer(job.token), /** @type {Answer} */ ({ ...away, to: 'sts' })];
			assertFailed(await job.run({ answers }), NETWORK, 'sts-answer-invalid');
		}
		assert.equal(visitors, 0);
	});

	for (const [name, trouble] of /** @type {[string, Answer][]} */ ([
		['the token service fails', { to: 'token', status: 503 }],
		['the token service asks to slow down', { to: 'token', status: 429, body: '{"message":"slow down"}' }],
		['the token service breaks off', { to: 'token', play: resetAtOnce }],
		['STS fails', stsError(500, 'InternalFailure', 'sorry')],
		['a gateway before STS fails', { to: 'sts', status: 503, ...html }],
		['STS asks to slow down', stsError(400, 'ThrottlingException', 'Rate exceeded')],
		['STS asks to slow down by its status', { to: 'sts', status: 429 }],
		['STS cannot reach the issuer', stsError(400, 'IDPCommunicationError', 'no answer')],
		['STS breaks off', { to: 'sts', play: resetInBody }],
		['the token expires on the way', stsError(400, 'ExpiredTokenException', 'Token expired')],
	])) {
		test(`${name}, and then all is well`, async (t) => {
			const job = await startJob(t);
			const first = trouble.to === 'sts' ? [tokenAnswer(job.token), trouble] : [trouble];
			const step = await job.run({ answers: [...first, tokenAnswer(job.token), stsAnswer()] });
			assertHandedOver(step);
			assert.match(step.log, /attempt 1 failed: /);
		});
	}
});

async function closedPort() {
	const server = http.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
	const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
	await new Promise((resolve) => server.close(resolve));
	return port;
}
