// `claims` and `doctor`: what they say, and what they never say.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer } from '../support/answers.js';
import { assertRefused, ROLE, startCli } from '../support/cli.js';
import { findCommands } from '../support/runner.js';
import { assertNoSecret } from '../support/secrets.js';

/** @type {import('../support/answers.js').Answer} */
const ALIVE = { to: 'sts', contentType: 'text/html', body: '' };

describe('claims', { concurrency: 2 }, () => {
	test('as a table: what AWS sees comes first, and never the token', async (t) => {
		const cli = await startCli(t, { claims: { extra: { a: [1] } } });
		const ran = await cli.run(['claims', '--token-env', 'MY_TOKEN']);
		assert.equal(ran.exitCode, 0, ran.stderr);
		const lines = ran.stdout.split('\n');
		assert.match(lines[0] ?? '', /^claim +condition key +value$/);
		assert.match(lines[1] ?? '', /^aud +:aud +sts\.amazonaws\.com$/);
		assert.match(lines[2] ?? '', /^sub +:sub +job:deploy$/);
		assert.ok(lines.some((line) => /^extra +- +\{"a":\[1\]\}$/.test(line)));
		assert.match(ran.stdout, /"issuer\.example\.com:sub"/);
		assertNoSecret(ran.stdout + ran.stderr, cli.secrets, 'the output');
		assert.equal(ran.received.length, 0);
	});

	for (const [iss, claim, seen] of /** @type {[string, string, boolean][]} */ ([
		['https://gitlab.com', 'project_id', true],
		['https://gitlab.example.com', 'project_id', false],
		['https://oidc.circleci.com/org/1', 'oidc.circleci.com/project-id', true],
		['https://agent.buildkite.com', 'pipeline_id', true],
		['https://acme.semaphoreci.com', 'prj', false],
	])) {
		test(`as JSON: ${claim} of ${iss} is ${seen ? 'a' : 'no'} condition key`, async (t) => {
			const cli = await startCli(t, { claims: { iss, [claim]: 'x' } });
			const ran = await cli.run(['claims', '--token-env', 'MY_TOKEN', '--json']);
			const { claims, condition_keys: keys } = JSON.parse(ran.stdout);
			assert.equal(claims[claim], 'x');
			assert.equal(keys[`${iss.slice('https://'.length)}:${claim}`], seen ? 'x' : undefined);
			assertNoSecret(ran.stdout + ran.stderr, cli.secrets, 'the output');
		});
	}

	test('hostile names and values are inert', async (t) => {
		const hostile = '\n::set-env name=A::b\n##vso[task.setvariable]\r--- x\u001b[31m\u202e';
		const cli = await startCli(t, { claims: { [hostile]: hostile, '::error::x': '::add-mask::*' } });
		const ran = await cli.run(['claims', '--token-env', 'MY_TOKEN']);
		assert.equal(ran.exitCode, 0, ran.stderr);
		assert.deepEqual(findCommands(ran.stdout + ran.stderr), []);
		assert.doesNotMatch(ran.stdout, /[\u001b\r\u202e]/);
		const asJson = await cli.run(['claims', '--token-env', 'MY_TOKEN', '--json']);
		assert.equal(JSON.parse(asJson.stdout).claims[hostile], hostile);
		assert.deepEqual(findCommands(asJson.stdout), []);
		assert.doesNotMatch(asJson.stdout, /[\u001b\r]/);
	});

	test('a token that is none', async (t) => {
		const cli = await startCli(t, { env: { MY_TOKEN: 'not.a.token' } });
		const ran = await cli.run(['claims', '--token-env', 'MY_TOKEN']);
		assert.equal(ran.exitCode, 3, ran.stderr);
		assert.deepEqual([ran.stdout, ran.stderr.includes('not.a.token')], ['', false]);
	});
});

describe('doctor', { concurrency: 2 }, () => {
	test('all is well', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run(['doctor', ...cli.usual], { answers: [ALIVE] });
		assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
		const lines = ran.stdout.trimEnd().split('\n');
		assert.ok(
			lines.every((line) => line.startsWith('ok ')),
			ran.stdout,
		);
		for (const what of ['runtime', 'CI', 'options', 'proxy', 'endpoint', 'clock', 'token', 'audience', 'subject'])
			assert.ok(
				lines.some((line) => line.startsWith(`ok    ${what}`)),
				`${what}:\n${ran.stdout}`,
			);
		assert.equal(ran.received.length, 1, 'no exchange');
		assertNoSecret(ran.stdout + ran.stderr, cli.secrets, 'the output');
	});

	test('no token', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run(['doctor', ...cli.flags], { answers: [ALIVE] });
		assert.equal(ran.exitCode, 2);
		assert.match(ran.stdout, /FAIL {2}token +there is no OIDC token here\n.*why: .*\n.*fix: say where/);
	});

	test('another audience, and a token that is over', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run(['doctor', ...cli.usual, '--audience', 'other'], { answers: [ALIVE] });
		assert.match(ran.stdout, /FAIL {2}token +[\s\S]*fix: /);
		assert.equal(ran.exitCode, 3, ran.stdout);
		const now = Math.floor(Date.now() / 1000);
		const late = await startCli(t, { claims: { exp: now - 900, iat: now - 1200, nbf: now - 1200 } });
		const over = await late.run(['doctor', ...late.usual], { answers: [ALIVE] });
		assert.match(over.stdout, /FAIL {2}token .*(ended|expired)/);
		assert.equal(over.exitCode, 3);
	});

	test('an endpoint that is down', async (t) => {
		const cli = await startCli(t);
		const flags = cli.usual.map((word) => (word.endsWith('/sts') ? 'http://127.0.0.1:1/sts' : word));
		const ran = await cli.run(['doctor', ...flags, '--max-attempts', '1']);
		assert.match(ran.stdout, /FAIL {2}endpoint .*\n[\s\S]*fix: .*(reach|firewall)/);
		assert.equal(ran.exitCode, 5, ran.stdout);
	});

	for (const [seconds, words] of /** @type {const} */ ([
		[-630, 'ahead of'], // a machine can be slow, and minutes are whole
		[630, 'behind'],
	])) {
		test(`a clock that is ${words} AWS's`, async (t) => {
			const cli = await startCli(t);
			const Date_ = new Date(Date.now() + seconds * 1000).toUTCString();
			const ran = await cli.run(['doctor', ...cli.usual], { answers: [{ ...ALIVE, headers: { Date: Date_ } }] });
			assert.match(ran.stdout, new RegExp(`note {2}clock +10 min ${words} AWS's; let NTP set it`));
		});
	}

	test('a role that is none, with the right form', async (t) => {
		const cli = await startCli(t);
		const flags = cli.usual.map((word) => (word === ROLE ? 'arn:aws:iam::123:role/deploy' : word));
		const ran = await cli.run(['doctor', ...flags]);
		assert.match(ran.stdout, /FAIL {2}options .*--role-arn[\s\S]*fix: .*arn:aws:iam::123456789012:role\/deploy/);
		assert.match(ran.stdout, /ok {4}token/, 'the rest is looked at all the same');
		assert.equal(ran.exitCode, 2);
	});

	test('a proxy that is not there', async (t) => {
		const cli = await startCli(t);
		const flags = cli.usual.map((word) => (word.endsWith('/sts') ? 'https://sts.example.com' : word));
		const env = { HTTPS_PROXY: 'http://user:hunter2@127.0.0.1:1' };
		const ran = await cli.run(['doctor', ...flags, '--max-attempts', '1'], { env });
		assert.match(ran.stdout, /ok {4}proxy +.*127\.0\.0\.1:1/);
		assert.match(ran.stdout, /FAIL {2}endpoint/);
		assert.ok(!ran.stdout.includes('hunter2'));
		assert.equal(ran.exitCode, 5);
	});

	test('--exchange: let in, and denied with the reason', async (t) => {
		const cli = await startCli(t);
		const args = ['doctor', ...cli.usual, '--exchange'];
		const ok = await cli.run(args, { answers: [ALIVE, stsAnswer()] });
		assert.equal(ok.exitCode, 0, ok.stdout + ok.stderr);
		assert.match(ok.stdout, /ok {4}exchange +arn:aws:sts::123456789012:assumed-role\/deploy/);
		assertNoSecret(ok.stdout + ok.stderr, cli.secrets, 'the output');
		const denied = await cli.run(args, { answers: [ALIVE, DENIED] });
		assertRefused(denied, 4, 'not-authorized');
		assert.match(denied.stdout, /FAIL {2}exchange/);
		assert.match(denied.stderr, /"issuer\.example\.com:sub": "job:deploy"/);
	});
});
