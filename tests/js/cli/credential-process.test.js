// `credential-process`: JSON on standard output, and one exchange however many ask.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { mint, stsAnswer } from '../support/answers.js';
import { command, runProgram } from '../support/child.js';
import { assertRefused, startCli } from '../support/cli.js';
import { find, missing } from '../support/programs.js';
import { assertNoSecret, KEY_ID, SECRET, SESSION_TOKEN } from '../support/secrets.js';

const CACHE = 'home/.cache/ci-assume-role';

/** @param {number} seconds */
const time = (seconds) => `${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)}Z`;

/** @param {import('../support/cli.js').Cli} cli */
function cacheOf(cli) {
	const [name = assert.fail('there is no cache')] = cli.files(CACHE).filter((each) => each.endsWith('.json'));
	return cli.path(`${CACHE}/${name}`);
}

describe('credential-process', { concurrency: 2 }, () => {
	test('prints JSON and nothing else, and keeps it for the owner alone', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run(['credential-process', ...cli.usual]);
		assert.deepEqual([ran.exitCode, ran.stderr], [0, '']);
		const { Expiration, ...rest } = JSON.parse(ran.stdout);
		assert.ok(Date.parse(Expiration) > Date.now());
		assert.deepEqual(rest, {
			Version: 1,
			AccessKeyId: KEY_ID,
			SecretAccessKey: SECRET,
			SessionToken: SESSION_TOKEN,
			AccountId: '123456789012',
		});
		assert.equal(fs.statSync(cacheOf(cli)).mode & 0o777, 0o600);
		assert.equal(fs.statSync(cli.path(CACHE)).mode & 0o777, 0o700);
		assert.equal(cli.files(CACHE).length, 1, 'the lock is gone');
		const again = await cli.run(['credential-process', ...cli.usual], { answers: [] });
		assert.deepEqual([again.stdout, again.received.length], [ran.stdout, 0]);
	});

	test('twenty at once make one exchange', async (t) => {
		const cli = await startCli(t);
		cli.service.expect(Array.from({ length: 20 }, () => stsAnswer()));
		const line = [...command('js/cli.js'), 'credential-process', ...cli.usual];
		const all = await Promise.all(
			Array.from({ length: 20 }, () => runProgram(line, { env: cli.env, deadlineMs: 40_000 })),
		);
		for (const ran of all) assert.deepEqual([ran.exitCode, ran.stderr, ran.stdout], [0, '', all[0]?.stdout]);
		assert.equal(cli.service.outcome().received.length, 1);
		assert.equal(cli.files(CACHE).length, 1);
	});

	test('a lock of a process that is dead, or too old, is taken over', async (t) => {
		const cli = await startCli(t);
		await cli.run(['credential-process', ...cli.usual]);
		const cache = cacheOf(cli);
		const dead = `${spawnSync(process.execPath, ['-e', '']).pid}`;
		for (const old of [false, true]) {
			fs.rmSync(cache);
			fs.writeFileSync(`${cache}.lock`, old ? `${process.pid}` : dead);
			const longAgo = Date.now() / 1000 - 60;
			if (old) fs.utimesSync(`${cache}.lock`, longAgo, longAgo);
			const ran = await cli.run(['credential-process', ...cli.usual]);
			assert.deepEqual([ran.exitCode, ran.received.length], [0, 1], ran.stderr);
			assert.ok(ran.ms < 5000, `${ran.ms} ms`);
			assert.ok(!fs.existsSync(`${cache}.lock`));
		}
	});

	test('what another process fetched meanwhile is taken', async (t) => {
		const cli = await startCli(t);
		const first = await cli.run(['credential-process', ...cli.usual]);
		const cache = cacheOf(cli);
		const kept = fs.readFileSync(cache);
		fs.rmSync(cache);
		fs.writeFileSync(`${cache}.lock`, `${process.pid}`);
		setTimeout(() => {
			fs.writeFileSync(cache, kept);
			fs.rmSync(`${cache}.lock`);
		}, 700);
		const ran = await cli.run(['credential-process', ...cli.usual], { answers: [] });
		assert.deepEqual([ran.stdout, ran.received.length], [first.stdout, 0], ran.stderr);
	});

	test('fetched anew before they end', async (t) => {
		const cli = await startCli(t);
		await cli.run(['credential-process', ...cli.usual], { answers: [stsAnswer({ Expiration: time(14 * 60) })] });
		const again = await cli.run(['credential-process', ...cli.usual]);
		assert.equal(again.received.length, 1, 'AWS tools would not be content with 14 minutes');
		const third = await cli.run(['credential-process', ...cli.usual], { answers: [] });
		assert.deepEqual([third.stdout, third.received.length], [again.stdout, 0]);
	});

	test('a cache that is not whole counts as none', async (t) => {
		const cli = await startCli(t);
		await cli.run(['credential-process', ...cli.usual]);
		for (const text of ['', '{', '{"Version":1}', 'x'.repeat(300_000)]) {
			fs.writeFileSync(cacheOf(cli), text);
			const ran = await cli.run(['credential-process', ...cli.usual]);
			assert.deepEqual([ran.exitCode, ran.received.length], [0, 1], ran.stderr);
		}
	});

	test('two that differ in anything share nothing', async (t) => {
		const cli = await startCli(t);
		const other = 'arn:aws:iam::123456789012:role/other';
		/** @type {[string[], Record<string, string>][]} */
		const runs = [
			[cli.usual, {}],
			[cli.usual.map((word) => (word.includes(':role/') ? other : word)), {}],
			[[...cli.usual, '--session-name', 'mine'], {}],
			[[...cli.usual, '--policy', '{"Version":"2012-10-17"}'], {}],
			[[...cli.usual, '--policy-arn', 'arn:aws:iam::aws:policy/ReadOnlyAccess'], {}],
			[[...cli.usual, '--duration', '15m'], {}],
			[[...cli.usual, '--allowed-account-id', '123456789012'], {}],
			[[...cli.flags, '--token-env', 'OTHER'], { OTHER: cli.token }],
			[[...cli.flags, '--token-file', cli.put('token', cli.token)], {}],
			[[...cli.flags, '--token-command', 'echo "$MY_TOKEN"'], { SOME_JOB_ID: '1' }],
			[[...cli.flags, '--token-command', 'echo "$MY_TOKEN"'], { SOME_JOB_ID: '2' }],
			[cli.usual, { MY_TOKEN: mint({ iss: 'https://issuer.example.com', sub: 'job:other' }) }],
			[cli.flags, { SEMAPHORE_OIDC_TOKEN: cli.token }],
			[cli.flags, { SEMAPHORE_OIDC_TOKEN: mint({ iss: 'https://issuer.example.com', sub: 'job:other' }) }],
			[cli.usual, { CI_ASSUME_ROLE_AUDIENCE: 'sts.amazonaws.com' }],
			[[...cli.usual, '--ci', 'gitlab'], { GITLAB_CI: 'true', CI_JOB_ID: '1' }],
			[[...cli.usual, '--ci', 'gitlab'], { GITLAB_CI: 'true', CI_JOB_ID: '2' }],
		];
		for (const [args, env] of runs) {
			const ran = await cli.run(['credential-process', ...args], { env });
			assert.deepEqual([ran.exitCode, ran.received.length], [0, 1], `${args.join(' ')}\n${ran.stderr}`);
		}
	});

	test('a folder that cannot be written costs time, and nothing else', async (t) => {
		const cli = await startCli(t);
		const env = { XDG_CACHE_HOME: cli.put('file', 'x') };
		const ran = await cli.run(['credential-process', ...cli.usual], { env });
		assert.deepEqual([ran.exitCode, JSON.parse(ran.stdout).AccessKeyId], [0, KEY_ID], ran.stderr);
		assertNoSecret(ran.stderr, cli.secrets, 'standard error');
	});

	test('a cache that is a link is neither read nor written through', async (t) => {
		const cli = await startCli(t);
		await cli.run(['credential-process', ...cli.usual]);
		const cache = cacheOf(cli);
		const target = cli.put('target', fs.readFileSync(cache, 'utf8').replace(KEY_ID, 'ASIAPLANTED'));
		fs.rmSync(cache);
		fs.symlinkSync(target, cache);
		const before = fs.readFileSync(target, 'utf8');
		const ran = await cli.run(['credential-process', ...cli.usual]);
		assert.equal(JSON.parse(ran.stdout).AccessKeyId, KEY_ID);
		assert.equal(fs.readFileSync(target, 'utf8'), before);
	});

	test('a refusal is told on standard error, and nothing is kept', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run(['credential-process', ...cli.flags, '--token-env', 'NONE']);
		assertRefused(ran, 2, 'token-permission-missing');
		const denied = await cli.run(['credential-process', ...cli.usual, '--allowed-account-id', '111111111111']);
		assertRefused(denied, 4, 'account-not-allowed');
		for (const each of [ran, denied]) assert.equal(each.stdout, '');
		assert.deepEqual(cli.files('home'), []);
	});

	test('the AWS CLI gets them by a profile', { skip: missing('aws') }, async (t) => {
		const cli = await startCli(t);
		const words = [...command('js/cli.js'), 'credential-process', ...cli.usual];
		const config = cli.put('config', `[profile ours]\nregion = us-east-1\ncredential_process = ${words.join(' ')}\n`);
		const env = { ...cli.env, AWS_CONFIG_FILE: config, AWS_PROFILE: 'ours', AWS_EC2_METADATA_DISABLED: 'true' };
		cli.service.expect([stsAnswer(), stsAnswer()]);
		for (let round = 0; round < 2; round += 1) {
			const ran = await runProgram([find('aws') ?? '', 'configure', 'list'], { env, deadlineMs: 60_000 });
			assert.match(ran.stdout, new RegExp(`access_key +\\*+${KEY_ID.slice(-4)} +custom-process`), ran.stderr);
		}
		assert.equal(cli.service.outcome().received.length, 1);
	});
});
