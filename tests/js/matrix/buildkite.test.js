// The hook of the Buildkite plugin on one runtime, that of CI_ASSUME_ROLE_RUNTIME: programs and sockets of the file
// system are what it needs beyond the GitHub entry.

import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer } from '../support/answers.js';
import { jobTokenAnswer, startHook } from '../support/buildkite.js';
import { KEY_ID, REQUEST_TOKEN, SECRET, SESSION_TOKEN } from '../support/secrets.js';

const EXPORTS = [
	`export AWS_ACCESS_KEY_ID='${KEY_ID}'`,
	`export AWS_SECRET_ACCESS_KEY='${SECRET}'`,
	`export AWS_SESSION_TOKEN='${SESSION_TOKEN}'`,
	'',
].join('\n');

describe('the Buildkite entry', { concurrency: 2 }, () => {
	test('has the agent mint a token', async (t) => {
		const hook = await startHook(t);
		const ran = await hook.run({ programs: [{ stdout: '{token}\n' }], answers: [stsAnswer()] });
		assert.deepEqual([ran.exitCode, ran.sections.exports], [0, EXPORTS], ran.stdout);
		assert.match(ran.sections.programs, /^buildkite-agent oidc request-token --audience sts\.amazonaws\.com\n/);
	});

	test('asks Buildkite where there is no agent', async (t) => {
		const hook = await startHook(t);
		const ran = await hook.run();
		assert.deepEqual([ran.exitCode, ran.sections.exports], [0, EXPORTS], ran.stdout);
		const [token] = ran.requests;
		const headers = new Map(token?.headers.map(([name, value]) => [name.toLowerCase(), value]));
		assert.equal(headers.get('authorization'), `Token ${REQUEST_TOKEN}`);
	});

	test('tells the agent what to hide, over its socket', { skip: process.platform === 'win32' }, async (t) => {
		const hook = await startHook(t);
		/** @type {Set<string>} */
		const hidden = new Set();
		const server = http.createServer(async (request, response) => {
			let body = '';
			for await (const part of request) body += part;
			if (request.headers.authorization === 'Bearer b') hidden.add(JSON.parse(body).redact);
			response.writeHead(201).end('{}');
		});
		const socket = `${hook.stage}/job.sock`;
		t.after(() => server.close());
		const listening = { BUILDKITE_AGENT_JOB_API_SOCKET: socket, BUILDKITE_AGENT_JOB_API_TOKEN: 'b' };
		const ran = await hook.run({
			env: listening,
			programs: [{ stdout: '{token}\n' }],
			answers: [stsAnswer()],
			started: () => server.listen(socket),
		});
		assert.deepEqual([ran.exitCode, ran.sections.exports], [0, EXPORTS], ran.stdout);
		for (const secret of [KEY_ID, SECRET, SESSION_TOKEN, hook.token]) assert.ok(hidden.has(secret));
		assert.doesNotMatch(ran.stdout, /cannot be made to hide/);
	});

	test('tells a denial', async (t) => {
		const hook = await startHook(t);
		const ran = await hook.run({ answers: [jobTokenAnswer(hook.token), DENIED] });
		assert.deepEqual([ran.exitCode, ran.sections.exports], [4, ''], ran.stdout);
		assert.match(ran.stdout, /^\^\^\^ \+\+\+\n.*not-authorized/m);
	});

	test('answers for a profile later', async (t) => {
		const hook = await startHook(t, { config: { 'hand-over': 'process' } });
		const ran = await hook.run();
		assert.equal(ran.exitCode, 0, ran.stdout);
		const request = [...hook.files().keys()].find((path) => path.endsWith('request.json')) ?? '';
		hook.put(request.replace('request.json', 'credentials.json'), '');
		const fresh = await hook.run({
			entry: 'credential-process',
			args: [hook.path(request)],
			env: { BUILDKITE_PLUGIN_CONFIGURATION: null },
			programs: [{ stdout: '{token}\n' }],
			answers: [stsAnswer()],
		});
		assert.equal(JSON.parse(fresh.stdout).SecretAccessKey, SECRET, fresh.stderr);
	});

	test('ends by SIGTERM while Buildkite is asked', { skip: process.platform === 'win32' }, async (t) => {
		const hook = await startHook(t);
		let signalled = 0;
		const ran = await hook.run({
			answers: [{ to: 'token', play: () => {} }],
			started: async (child) => {
				await hook.service.arrived(1);
				signalled = performance.now();
				child.kill('SIGTERM');
			},
		});
		assert.ok(performance.now() - signalled < 1500, 'it took its time');
		assert.deepEqual([ran.exitCode, ran.sections.exports], [130, ''], ran.stdout);
	});
});
