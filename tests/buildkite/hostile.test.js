// Text from elsewhere, as bad as it comes: none of it may open or close a group of Buildkite's log, or speak to a
// terminal. tests/js/hostile.test.js has the same for every place from which text comes; here it goes through the agent.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorXml, mint, sessionXml } from '../js/support/answers.js';
import { missing } from '../js/support/programs.js';
import { findCommands } from '../js/support/runner.js';
import { KEY_ID, SECRET, SESSION_TOKEN } from '../js/support/secrets.js';
import { CREDENTIALS, options, useAgent } from './agent.js';

const parallel = { concurrency: 2, skip: missing('buildkite-agent') };
const SPEECH = ['--- owned', '+++ owned', '~~~ owned', '^^^ +++ owned', '\u001b[1m--- owned', '\u001b[K+++ owned'];
const TERMINAL = '\u001b]0;owned\u0007\u001b]1339;url=https://owned.example\u0007\u001b_bk;t=1\u0007\u009b31m\u0085\u202e\b';
/** Each at the start of a line, whatever ends one. */
const LINES = ['\n', '\r\n', '\r', '\u2028', '\v', ' '].flatMap((end) => SPEECH.map((line) => end + line)).join('') + TERMINAL;
const forXml = (/** @type {string} */ text) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '');
const xml = (/** @type {string} */ body, status = 403) => ({ status, type: 'text/xml', body });

/** @param {Record<string, unknown>} [claims] */
const token = (claims) =>
	mint({
		iss: 'https://agent.buildkite.com',
		sub: 'organization:acme:pipeline:api:ref:refs/heads/main:commit:9f3:step:',
		organization_slug: 'acme',
		pipeline_slug: 'api',
		build_branch: 'main',
		...claims,
	});

/** @param {string} log */
function assertHarmless(log) {
	for (const { line } of findCommands(log)) assert.doesNotMatch(line, /owned/, log);
	assert.doesNotMatch(log.replaceAll(/\u001b\[[0-9;]*[mK]/g, ''), /[\u001b\u0007\b\u0080-\u009f\u2028\u202e\v]/u);
	assert.doesNotMatch(log, /\r(?!\n)/);
}

describe('hostile text', parallel, () => {
	const start = useAgent();

	for (const pty of ['true', 'false']) {
		const env = { BUILDKITE_PTY: pty };
		const where = pty === 'true' ? 'with a terminal' : 'without a terminal';

		test(`what STS says, and what the token holds, ${where}`, async (t) => {
			const pipeline = await start(t);
			const hostile = token({ build_branch: LINES, step_key: LINES, sub: `organization:${LINES}:ref:x:commit:y:step:z` });
			pipeline.services.script.token = () => ({ body: JSON.stringify({ token: hostile }) });
			pipeline.services.script.sts = () => xml(errorXml('AccessDenied', forXml(LINES)));
			const ran = await pipeline.run({ env, config: options({ annotate: true }) });
			pipeline.assertRefused(ran, 4, 'not-authorized');
			assertHarmless(ran.log);
			const { body } = JSON.parse(pipeline.services.to('annotation')[0]?.body ?? '');
			const outside = body.replaceAll(/^(`{3,})\w+\n.*?\n\1$/gms, '');
			assert.doesNotMatch(outside, /owned/, 'only inside of fences');
		});

		test(`a session's names, ${where}`, async (t) => {
			const pipeline = await start(t);
			for (const secret of [KEY_ID, SECRET, SESSION_TOKEN]) pipeline.services.secrets.add(secret);
			const Arn = `arn:aws:sts::123456789012:assumed-role/deploy/${forXml(LINES)}`;
			pipeline.services.script.sts = () => xml(sessionXml({ Arn, AssumedRoleId: forXml(LINES) }), 200);
			const ran = await pipeline.run({ env });
			assert.ok(ran.exitCode === 0 || !ran.commanded, ran.log);
			assertHarmless(ran.log);
		});

		test(`what the agent says of a refusal, ${where}`, async (t) => {
			const pipeline = await start(t);
			pipeline.services.script.token = () => ({ status: 422, body: JSON.stringify({ message: LINES }) });
			const ran = await pipeline.run({ env });
			pipeline.assertRefused(ran, 3, 'token-request-failed');
			assertHarmless(ran.log);
		});

		test(`what Buildkite says of a refusal, ${where}`, async (t) => {
			const pipeline = await start(t);
			pipeline.services.script.token = () => ({ status: 403, body: JSON.stringify({ message: LINES }) });
			const ran = await pipeline.run({ env, agent: pipeline.path('none') });
			pipeline.assertRefused(ran, 3, 'token-request-refused');
			assertHarmless(ran.log);
		});
	}

	test('names and values of options', async (t) => {
		const pipeline = await start(t);
		const config = options({
			'role-arn': LINES,
			'hand-over': LINES,
			'credential-name-prefix': LINES,
			claims: [LINES],
			[`--- owned ${LINES}`]: 'x',
		});
		// The agent itself shows the plugins of a step nowhere.
		const ran = await pipeline.run({ config, env: { BUILDKITE_PTY: 'false' } });
		assert.deepEqual([ran.exitCode, ran.commanded], [2, false], ran.log);
		assertHarmless(ran.log);
	});

	test('credentials that are shell', async (t) => {
		const pipeline = await start(t);
		// STS's values are printable ASCII, or they are refused; shell.rs has the rest of what a value can hold.
		const evil = `';touch$IFS"$EVIDENCE/owned";'$(touch$IFS"$EVIDENCE/owned")\`touch$IFS"$EVIDENCE/owned"\`\\'";PATH=owned#!&|`;
		const session = { AccessKeyId: 'ASIA$(owned)0001', SecretAccessKey: evil, SessionToken: `--${evil}\\` };
		for (const secret of Object.values(session)) pipeline.services.secrets.add(secret);
		pipeline.services.script.sts = () => xml(sessionXml(session), 200);
		const ran = await pipeline.run({ command: 'test ! -e "$EVIDENCE/owned"' });
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(
			CREDENTIALS.map((name) => ran.env.get(name)),
			Object.values(session),
		);
	});

	test('a secret that an exported option of the shell would show', async (t) => {
		for (const shell of ['xtrace', 'xtrace:nounset:errexit', 'posix:xtrace']) {
			const pipeline = await start(t);
			// Nothing hides it but silence.
			const env = { SHELLOPTS: shell, BUILDKITE_AGENT_NO_JOB_API: 'true', BUILDKITE_REDACTED_VARS: 'NOTHING' };
			const ran = await pipeline.run({ env });
			pipeline.assertHandedOver(ran);
		}
	});
});
