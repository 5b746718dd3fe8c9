// What goes wrong, in the real Bitrise CLI: nothing is handed over, nothing is left, and the reason can be acted on.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer, stsError } from '../js/support/answers.js';
import { buildTokenAnswer } from '../js/support/bitrise.js';
import { drip, hang, html } from '../js/support/faults.js';
import { assertCredentials, assertNoCredentials, skip, startCli } from './cli.js';

/** @typedef {import('../js/support/answers.js').Answer} Answer */
/** @typedef {Awaited<ReturnType<typeof startCli>>} Cli */

/** A program in place of envman, which goes on to the real one. @param {string} text */
const envman = (text) => `#!/bin/bash\n${text}\nfor folder in $(echo "$PATH" | tr : ' '); do
	if [ "$folder/envman" -ef "$0" ] || [ ! -x "$folder/envman" ]; then continue; fi
	exec "$folder/envman" "$@"
done\n`;

/**
 * @param {Cli} cli
 * @param {Awaited<ReturnType<Cli['run']>>} ran
 * @param {RegExp} reason
 */
function assertFailed(cli, ran, reason) {
	assert.equal(ran.exitCode, 1, ran.log);
	const later = ran.environment('later');
	assertNoCredentials(later);
	assert.match(later.get('BITRISE_FAILED_STEP_ERROR_MESSAGE') ?? '', reason);
	assert.deepEqual(cli.leftFiles(), []);
}

describe('failures in the Bitrise CLI', { concurrency: 2, skip }, () => {
	test('a denial: the explanation in the log, and what to act on as the reason of the failure', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [cli.assume(), cli.probe('later')],
			answers: [buildTokenAnswer(cli.token), DENIED],
		});
		assertFailed(cli, ran, /^AWS does not let this job assume \S+ \(not-authorized\)\n {2}AWS says: AccessDenied/);
		const reason = ran.environment('later').get('BITRISE_FAILED_STEP_ERROR_MESSAGE') ?? '';
		assert.match(reason, /"token\.builds\.bitrise\.io:sub": "app:0a1b2c3d4e5f6071:workflow:deploy"/);
		assert.match(reason, /docs: \S+#why=not-authorized$/);
		assert.match(ran.log, /error\[not-authorized\][\s\S]*why +1\. the policy tests another claim than `aud` and `sub`/);
	});

	test('all problems of the inputs at once, whatever the CLI lets through', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [
				cli.assume({ role_arn: '', region: 'us-east-1a', verbose: 'yes', hand_over: 'file', docker_login: 'yes' }),
				cli.probe('later'),
			],
			answers: [],
		});
		assertFailed(cli, ran, /`verbose`[\s\S]*`role_arn` is not set[\s\S]*`region`[\s\S]*`hand_over`/);
		// The CLI shows the reason once more, below the step.
		assert.equal(ran.log.match(/\u001b\[31;1m`/g)?.length, 2, 'one red text');
	});

	/** @type {[string, Omit<Answer, 'to'>, RegExp][]} */
	const statuses = [
		['400', { status: 400, body: '{"error_msg":"aud is invalid"}' }, /token-request-failed[\s\S]*aud is invalid/],
		['401', { status: 401, body: '{"error_msg":"Unauthorized"}' }, /token-request-refused/],
		['403', { status: 403, ...html }, /token-request-refused/],
		['404', { status: 404, body: '{}' }, /does not know this build/],
		['429', { status: 429, body: '{}' }, /token-request-failed/],
		['500', { status: 500, body: '{}' }, /token-request-failed/],
		['501', { status: 501, body: '{}' }, /token-request-failed/],
		['302', { status: 302, headers: { Location: 'http://127.0.0.1:9/' } }, /token-answer-invalid/],
		['200 with a page', html, /token-answer-invalid/],
		['200 without a token', { body: '{"id_token":""}' }, /token-answer-invalid/],
		['200 with half a token', { body: '{"id_token":"not.a.token"}' }, /token-malformed/],
	];
	for (const [name, answer, reason] of statuses) {
		test(`the token service answers ${name}`, async (t) => {
			const cli = await startCli(t);
			const ran = await cli.run({ steps: [cli.assume(), cli.probe('later')], answers: [{ to: 'token', ...answer }] });
			assertFailed(cli, ran, reason);
		});
	}

	test('an STS that hangs: the step ends by itself', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [cli.assume(), cli.probe('later')],
			answers: [buildTokenAnswer(cli.token), { to: 'sts', play: hang }],
		});
		assertFailed(cli, ran, /endpoint-timeout/);
		assert.ok(ran.ms < 20_000, `${ran.ms} ms`);
	});

	test("an STS that drips, and the step's own timeout: nothing of it goes on", async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [cli.assume({}, { timeout: 1 }), cli.probe('later', 'sleep 1')],
			answers: [buildTokenAnswer(cli.token), { to: 'sts', play: drip }],
		});
		assert.notEqual(ran.exitCode, 0, ran.log);
		assertNoCredentials(ran.environment('later'));
		assert.deepEqual(cli.leftFiles(), []);
	});

	test('a step that is killed while it waits exports nothing into the next one', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [cli.assume({}, { timeout: 1 }), cli.probe('later', 'sleep 3'), cli.probe('last')],
			answers: [
				buildTokenAnswer(cli.token),
				{
					to: 'sts',
					play: (response) => {
						const { contentType = '', body = '' } = stsAnswer();
						setTimeout(() => response.writeHead(200, { 'Content-Type': contentType }).end(body), 2000);
					},
				},
			],
		});
		assert.notEqual(ran.exitCode, 0, ran.log);
		assertNoCredentials(ran.environment('last'));
	});

	test('hostile text in an answer neither ends the reason nor gives another', async (t) => {
		const cli = await startCli(t);
		const hostile = '\u001b[0m\n\u001b[31;1mall is well\u001b[0m\n::error::x';
		const ran = await cli.run({
			steps: [cli.assume(), cli.probe('later')],
			answers: [{ to: 'token', status: 403, body: JSON.stringify({ error_msg: hostile }) }],
		});
		assertFailed(cli, ran, /^Bitrise refused to issue a token[\s\S]*Bitrise says: \\u\{1b\}\[0m\\n[\s\S]*docs: /);
	});

	test('an error of STS that nobody knows, with hostile text', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [cli.assume(), cli.probe('later')],
			answers: [buildTokenAnswer(cli.token), stsError(400, 'Odd', 'x\n[31;1m\u2028\u202e')],
		});
		assertFailed(cli, ran, /AWS says: Odd: x\\n\[31;1m\\u\{2028\}\\u\{202e\}/);
	});

	for (const [name, key] of [
		['at once', 'AWS_SECRET_ACCESS_KEY'],
		['half-way', 'AWS_ACCESS_KEY_ID'],
	]) {
		test(`envman fails ${name}, and says all that it knows: no part of the credentials, no secret in the log`, async (t) => {
			const cli = await startCli(t);
			const path = cli.program(
				'bad/envman',
				envman(
					`case " $* " in *" --key ${key} "*) env >&2; echo "$@" >&2; for a; do [ -f "$a" ] && cat "$a" >&2; done; exit 1 ;; esac`,
				),
			);
			const ran = await cli.run({ steps: [cli.assume(), cli.probe('later')], path: [path] });
			assertFailed(cli, ran, /^envman failed \(hand-over-failed\)/);
		});
	}

	test('envman is missing, as in a container without it', async (t) => {
		const cli = await startCli(t);
		// The CLI needs it for itself, so it is the step alone that does not find it.
		cli.put(
			'step/step.sh',
			`PATH=$(dirname "$(command -v node)")\n${cli.read('step/step.sh').replace('dirname', '/usr/bin/dirname')}`,
		);
		const found = fs.existsSync(`${process.execPath.replace(/[^/]+$/, '')}envman`);
		if (found) return t.skip('it is beside Node');
		const ran = await cli.run({ steps: [cli.assume(), cli.probe('later')] });
		assertFailed(cli, ran, /there is no program envman on PATH \(hand-over-failed\)/);
	});

	test('more than envman takes', async (t) => {
		const cli = await startCli(t);
		const large = 'x'.repeat(50_000);
		cli.secrets.add(large);
		cli.put('home/.envman/configs.json', '{"env_bytes_limit_in_kb":40,"env_list_bytes_limit_in_kb":40}');
		const ran = await cli.run({
			steps: [cli.assume(), cli.probe('later')],
			answers: [buildTokenAnswer(cli.token), stsAnswer({ SessionToken: large })],
		});
		assertFailed(cli, ran, /^envman failed \(hand-over-failed\)\n {2}it says: /);
	});

	/** @param {Cli} cli the process of the step, which is in the place of its bash */
	function stepProcess(cli) {
		for (const name of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
			try {
				if (fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(`${cli.temp}/tmp/`)) return Number(name);
			} catch {} // over by now
		}
		throw new Error('no process of the step');
	}

	for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
		test(`${signal} while STS is asked`, async (t) => {
			const cli = await startCli(t);
			const ran = await cli.run({
				steps: [cli.assume({ hand_over: 'profile' }), cli.probe('later')],
				answers: [buildTokenAnswer(cli.token), { to: 'sts', play: hang }],
				started: async () => {
					await cli.service.arrived(2);
					process.kill(stepProcess(cli), signal);
				},
			});
			assertFailed(cli, ran, /\(interrupted\)/);
		});

		test(`${signal} while envman runs: no part of the credentials, and no file left`, async (t) => {
			const cli = await startCli(t);
			const path = cli.program(
				'slow/envman',
				envman(`case " $* " in *" --key AWS_SESSION_TOKEN "*) kill -${signal.slice(3)} $PPID; sleep 2 ;; esac`),
			);
			const ran = await cli.run({ steps: [cli.assume({ hand_over: 'env' }), cli.probe('later')], path: [path] });
			assertFailed(cli, ran, /\(interrupted\)/);
		});
	}

	test('killed while envman runs: all or nothing all the same', async (t) => {
		const cli = await startCli(t);
		const path = cli.program(
			'slow/envman',
			envman('case " $* " in *" --key AWS_ACCESS_KEY_ID "*) kill -KILL $PPID; sleep 1 ;; esac'),
		);
		const ran = await cli.run({ steps: [cli.assume(), cli.probe('later')], path: [path] });
		assert.equal(ran.exitCode, 1, ran.log);
		assertNoCredentials(ran.environment('later'));
	});

	test('after a failure, the step can be used again', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [cli.assume({}, { is_skippable: true }), cli.assume(), cli.probe('later')],
			answers: [{ to: 'token', status: 500, body: '{}' }, buildTokenAnswer(cli.token), stsAnswer()],
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assertCredentials(ran.environment('later'));
	});
});
