// Where a token can come from, besides a CI that is known.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { stsAnswer, tokenAnswer } from '../support/answers.js';
import { assertRefused, startCli } from '../support/cli.js';
import { assertNoSecret, REQUEST_TOKEN } from '../support/secrets.js';

/** @typedef {import('../support/cli.js').Cli} Cli */
/** @typedef {import('../support/cli.js').How} How */

/** @param {Cli} cli @param {string[]} source @param {How} [how] */
const assume = (cli, source, how) => cli.run(['assume', ...cli.flags, '--format', 'json', ...source], how);

/** @param {Awaited<ReturnType<Cli['run']>>} ran @param {Cli} cli */
function assertSent(ran, cli) {
	assert.equal(ran.exitCode, 0, ran.stderr);
	const sent = new URLSearchParams(ran.received.at(-1)?.body).get('WebIdentityToken');
	assert.equal(sent, cli.token);
	assertNoSecret(ran.stderr, cli.secrets, 'the log');
}

describe('token sources', { concurrency: 2 }, () => {
	test('--token-file: as it is, with a newline, by a relative path, and through a link', async (t) => {
		const cli = await startCli(t);
		cli.put('token', `${cli.token}\n`);
		assertSent(await assume(cli, ['--token-file', cli.path('token')]), cli);
		assertSent(await assume(cli, ['--token-file', 'token']), cli);
		fs.symlinkSync('token', cli.path('link'));
		assertSent(await assume(cli, ['--token-file', cli.path('link')]), cli);
	});

	test('--token-file: missing, empty, huge, a folder, not text, no token', async (t) => {
		const cli = await startCli(t);
		fs.mkdirSync(cli.path('folder'));
		fs.writeFileSync(cli.path('binary'), Buffer.from([0xff, 0xfe, 0x00]));
		/** @type {[string, string][]} */
		const cases = [
			[cli.path('none'), 'token-file-unreadable'],
			[cli.put('huge', 'x'.repeat(70_000)), 'token-file-unreadable'],
			[cli.path('folder'), 'token-file-unreadable'],
			[cli.path('binary'), 'token-file-unreadable'],
			[cli.put('empty', '\n'), 'token-'],
			[cli.put('prose', 'no token at all'), 'token-'],
		];
		for (const [path, code] of cases) {
			const ran = await assume(cli, ['--token-file', path]);
			assert.ok(ran.exitCode === 3 || ran.exitCode === 2, `${path}: ${ran.exitCode} ${ran.stderr}`);
			assert.match(ran.stderr, new RegExp(`error\\[${code}`), path);
			assert.deepEqual([ran.stdout, ran.received.length], ['', 0]);
		}
	});

	test('--token-env: a variable that is not set', async (t) => {
		const cli = await startCli(t);
		const ran = await assume(cli, ['--token-env', 'NO_SUCH']);
		assertRefused(ran, 2, 'token-permission-missing');
		assert.match(ran.stderr, /NO_SUCH/);
	});

	test('--token-command: what it prints, not what it says beside', async (t) => {
		const cli = await startCli(t);
		assertSent(await assume(cli, ['--token-command', 'echo noise >&2; printf "%s\\n" "$MY_TOKEN"']), cli);
	});

	test('--token-command: fails, prints nothing, prints noise, prints without end', async (t) => {
		const cli = await startCli(t);
		/** @type {[string, RegExp][]} */
		const cases = [
			['echo half-a-token; echo it broke >&2; exit 3', /exit code +3[\s\S]*it broke/],
			['true', /printed nothing/],
			['kill -9 $$', /exit code +none: a signal/],
			['echo "Logged in."; echo "$MY_TOKEN"', /error\[token-/],
			['yes', /could not be run[\s\S]*65536 bytes/],
			['no-such-command-here', /exit code +127/],
		];
		for (const [line, expected] of cases) {
			const ran = await assume(cli, ['--token-command', line]);
			assert.notEqual(ran.exitCode, 0, line);
			assert.notEqual(ran.exitCode, 70, ran.stderr);
			assert.match(ran.stderr, expected, line);
			assert.ok(!ran.stderr.includes('half-a-token'), 'what it printed is not shown');
			assertNoSecret(ran.stderr, cli.secrets, 'the log');
			assert.equal(ran.received.length, 0);
		}
	});

	test('--token-command: one that hangs is ended', async (t) => {
		const cli = await startCli(t);
		const ran = await assume(cli, ['--token-command', 'exec sleep 60'], { deadlineMs: 40_000 });
		assertRefused(ran, 3, 'token-request-failed');
		assert.match(ran.stderr, /did not end in time/);
		assert.ok(ran.ms > 15_000 && ran.ms < 30_000, `${ran.ms} ms`);
	});

	test('--token-url: answers of all kinds, a header by a variable, the audience in its place', async (t) => {
		const cli = await startCli(t, { env: { REQUEST: REQUEST_TOKEN } });
		const url = `${cli.service.base}/token`;
		const header = ['--token-header', 'Authorization: Bearer $REQUEST', '--token-header', 'X-Cost: 5$$'];
		/** @type {[import('../support/answers.js').Answer, string, string][]} */
		const cases = [
			[tokenAnswer(cli.token), `${url}?v=1`, '/token?v=1&audience=sts.amazonaws.com'],
			[{ to: 'token', contentType: 'text/plain', body: `${cli.token}\n` }, url, '/token?audience=sts.amazonaws.com'],
			[
				{ to: 'token', body: JSON.stringify({ id_token: cli.token }) },
				`${url}/{audience}/x`,
				'/token/sts%2Eamazonaws%2Ecom/x',
			],
			[
				{ to: 'token', body: JSON.stringify({ token: cli.token, expires: 1 }) },
				url,
				'/token?audience=sts.amazonaws.com',
			],
		];
		for (const [answer, address, expected] of cases) {
			const ran = await assume(cli, ['--token-url', address, ...header, '--audience', 'sts.amazonaws.com'], {
				answers: [answer, stsAnswer()],
			});
			assertSent(ran, cli);
			const [request] = ran.received;
			assert.equal(decodeURIComponent(request?.url ?? ''), decodeURIComponent(expected));
			const headers = new Map(request?.headers.map(([name, value]) => [name.toLowerCase(), value]));
			assert.deepEqual([headers.get('authorization'), headers.get('x-cost')], [`Bearer ${REQUEST_TOKEN}`, '5$']);
			assertNoSecret(ran.stdout + ran.stderr, [REQUEST_TOKEN, cli.token], 'the output');
		}
	});

	test('--token-url: refused, moved, without a token, in trouble', async (t) => {
		const cli = await startCli(t, { env: { REQUEST: REQUEST_TOKEN } });
		const source = ['--token-url', `${cli.service.base}/token`, '--token-header', 'Authorization: Bearer $REQUEST'];
		/** @type {[import('../support/answers.js').Answer, number, string][]} */
		const cases = [
			[{ to: 'token', status: 401, body: `no ${REQUEST_TOKEN}` }, 3, 'token-request-refused'],
			[{ to: 'token', status: 404, body: '<html>' }, 3, 'token-request-failed'],
			[{ to: 'token', status: 302, headers: { Location: `${cli.service.base}/token2` } }, 3, 'token-request-failed'],
			[{ to: 'token', body: '{"error":"x"}' }, 3, 'token-answer-invalid'],
			[{ to: 'token', contentType: 'text/html', body: '<html>Log in</html>' }, 3, 'token-answer-invalid'],
			[{ to: 'token', status: 503 }, 3, 'token-request-failed'],
		];
		for (const [answer, exitCode, code] of cases) {
			const ran = await assume(cli, [...source, '--max-attempts', '1'], { answers: [answer] });
			assertRefused(ran, exitCode, code);
			assert.equal(ran.received.length, 1);
			assertNoSecret(ran.stdout + ran.stderr, [REQUEST_TOKEN], 'the output');
		}
	});

	test('--token-url: no http but to this machine, and a variable that is not set', async (t) => {
		const cli = await startCli(t);
		for (const url of [
			'http://tokens.example.com/x',
			'ftp://127.0.0.1/x',
			'tokens.example.com',
			'http://127.0.0.1.evil/x',
		]) {
			const ran = await assume(cli, ['--token-url', url]);
			assert.match(ran.stderr, /not an https address/, url);
			assert.notEqual(ran.exitCode, 0);
		}
		const source = ['--token-url', `${cli.service.base}/token`, '--token-header'];
		const unset = await assume(cli, [...source, 'Authorization: Bearer $NO_SUCH']);
		assert.match(unset.stderr, /NO_SUCH, which is not set/);
		const split = await assume(cli, [...source, 'X: $BAD'], { env: { BAD: 'a\r\nY: b' } });
		assert.notEqual(split.exitCode, 0);
		assert.notEqual(split.exitCode, 70, split.stderr);
		for (const ran of [unset, split]) assert.equal(ran.received.length, 0);
	});

	test('two sources contradict each other, and a header needs an address', async (t) => {
		const cli = await startCli(t);
		const both = await assume(cli, ['--token-file', 'x', '--token-env', 'MY_TOKEN']);
		assertRefused(both, 2, 'option-conflict');
		assert.match(both.stderr, /`--token-file` and `--token-env` contradict/);
		assertRefused(await assume(cli, ['--token-env', 'MY_TOKEN', '--token-header', 'A: b']), 2, 'option-conflict');
	});

	test('a token for another audience is refused before STS is asked', async (t) => {
		const cli = await startCli(t, { claims: { aud: 'https://elsewhere.example.com' } });
		const ran = await assume(cli, ['--token-env', 'MY_TOKEN', '--audience', 'sts.amazonaws.com']);
		assert.notEqual(ran.exitCode, 0);
		assert.match(ran.stderr, /elsewhere\.example\.com/);
		assert.equal(ran.received.length, 0);
	});
});

describe('CIs that are known by a variable', { concurrency: 2 }, () => {
	for (const [ci, variable] of [
		['Semaphore', 'SEMAPHORE_OIDC_TOKEN'],
		['Spacelift', 'SPACELIFT_OIDC_TOKEN'],
		['HCP Terraform', 'TFC_WORKLOAD_IDENTITY_TOKEN'],
		['Harness', 'PLUGIN_OIDC_TOKEN_ID'],
		['Vercel', 'VERCEL_OIDC_TOKEN'],
	]) {
		test(`${ci}`, async (t) => {
			const cli = await startCli(t);
			const ran = await assume(cli, [], { env: { [variable ?? '']: cli.token } });
			assertSent(ran, cli);
			assert.match(ran.stderr, new RegExp(`taking the token of ${ci}, in ${variable}`));
		});
	}

	for (const [ci, url, bearer] of [
		['Forgejo', 'ACTIONS_ID_TOKEN_REQUEST_URL', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN'],
		['Codefresh', 'CF_OIDC_REQUEST_URL', 'CF_OIDC_REQUEST_TOKEN'],
	]) {
		test(`${ci}, by a request`, async (t) => {
			const cli = await startCli(t);
			const env = { [url ?? '']: `${cli.service.base}/token?v=2`, [bearer ?? '']: REQUEST_TOKEN };
			const id = { to: /** @type {const} */ ('token'), body: JSON.stringify({ id_token: cli.token }) };
			const answer = ci === 'Codefresh' ? id : tokenAnswer(cli.token);
			const ran = await assume(cli, ['--ci', 'any'], { env, answers: [answer, stsAnswer()] });
			assertSent(ran, cli);
			assert.equal(ran.received[0]?.url, '/token?v=2', "the default audience is the service's own");
			const named = await assume(cli, ['--ci', 'any', '--audience', 'sts.amazonaws.com'], {
				env,
				answers: [answer, stsAnswer()],
			});
			assert.equal(named.received[0]?.url, '/token?v=2&audience=sts%2Eamazonaws%2Ecom');
			assertNoSecret(ran.stdout + ran.stderr, [REQUEST_TOKEN], 'the output');
		});
	}

	test('none of them', async (t) => {
		const cli = await startCli(t);
		assertRefused(await assume(cli, []), 2, 'token-permission-missing');
	});
});
