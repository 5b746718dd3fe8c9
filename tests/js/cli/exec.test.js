// `exec`: a command that has the credentials, and nobody else.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { sessionXml, stsAnswer } from '../support/answers.js';
import { assertRefused, CREDENTIALS, readEnvironment, startCli } from '../support/cli.js';
import { find, missing, searchPath } from '../support/programs.js';
import { assertNoSecret, KEY_ID, SECRET } from '../support/secrets.js';

/** @param {number} seconds */
const ending = (seconds) => `${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)}Z`;

describe('exec', { concurrency: 2 }, () => {
	test('the command has the credentials, and nothing of another identity', async (t) => {
		const cli = await startCli(t);
		const before = {
			AWS_PROFILE: 'other',
			AWS_DEFAULT_PROFILE: 'other',
			AWS_SECURITY_TOKEN: 'old',
			AWS_WEB_IDENTITY_TOKEN_FILE: '/x',
			AWS_ROLE_ARN: 'x',
			AWS_CREDENTIAL_EXPIRATION: 'x',
			AWS_ACCESS_KEY_ID: 'AKIAOLD',
			AWS_REGION: 'eu-north-1',
			KEPT: "it's",
		};
		const ran = await cli.run(['exec', ...cli.usual, '--', 'env', '-0'], { env: before });
		assert.equal(ran.exitCode, 0, ran.stderr);
		const got = readEnvironment(ran.stdout);
		for (const [name, value] of Object.entries({ ...CREDENTIALS, AWS_REGION: 'us-east-1', KEPT: "it's" }))
			assert.equal(got.get(name), value, name);
		for (const name of ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SECURITY_TOKEN', 'AWS_WEB_IDENTITY_TOKEN_FILE'])
			assert.ok(!got.has(name), `${name}=${got.get(name)}`);
		assert.ok(![...got.keys()].some((name) => name.startsWith('--')), 'our flags are not variables');
		assertNoSecret(ran.stderr, cli.secrets, 'the log');
		assert.deepEqual(cli.files(), [], 'nothing is written');
	});

	test('no other process sees them', { skip: process.platform !== 'linux' }, async (t) => {
		const cli = await startCli(t);
		const script =
			'tr "\\0" "\\n" < /proc/$PPID/environ; tr "\\0" " " < /proc/$PPID/cmdline; tr "\\0" " " < /proc/$$/cmdline';
		const ran = await cli.run(['exec', ...cli.usual, '--', 'sh', '-c', script]);
		assert.equal(ran.exitCode, 0, ran.stderr);
		assert.match(ran.stdout, /--token-env MY_TOKEN/);
		for (const secret of [SECRET, KEY_ID]) assert.ok(!ran.stdout.includes(secret));
	});

	test('its exit code is ours', async (t) => {
		const cli = await startCli(t);
		for (const code of [0, 1, 7, 126, 127, 255]) {
			const ran = await cli.run(['exec', ...cli.usual, '--', 'sh', '-c', `exit ${code}`]);
			assert.deepEqual([ran.exitCode, ran.signal], [code, null], ran.stderr);
		}
	});

	test('death by a signal is 128 and its number', async (t) => {
		const cli = await startCli(t);
		for (const [signal, number] of /** @type {const} */ ([
			['KILL', 9],
			['TERM', 15],
			['SEGV', 11],
		])) {
			const ran = await cli.run(['exec', ...cli.usual, '--', 'sh', '-c', `kill -${signal} $$`]);
			assert.deepEqual([ran.exitCode, ran.signal], [128 + number, null], ran.stderr);
		}
	});

	for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'])) {
		test(`${signal} goes to the command, and we end as it does`, async (t) => {
			const cli = await startCli(t);
			const name = signal.slice(3);
			const script = `trap 'echo got ${name}; exit 42' ${name}; echo ready; while :; do sleep 0.05; done`;
			const ran = await cli.run(['exec', ...cli.usual, '--', 'sh', '-c', script], {
				started: (child) => child.stdout?.once('data', () => child.kill(signal)),
			});
			assert.deepEqual([ran.exitCode, ran.stdout], [42, `ready\ngot ${name}\n`], ran.stderr);
		});
	}

	test('a command that does not care for a signal goes on', async (t) => {
		const cli = await startCli(t);
		const script = "trap '' TERM; echo ready; sleep 0.5; echo done";
		const ran = await cli.run(['exec', ...cli.usual, '--', 'sh', '-c', script], {
			started: (child) => child.stdout?.once('data', () => child.kill('SIGTERM')),
		});
		assert.deepEqual([ran.exitCode, ran.stdout], [0, 'ready\ndone\n'], ran.stderr);
	});

	test('streams are its own, byte for byte', async (t) => {
		const cli = await startCli(t);
		const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256));
		fs.writeFileSync(cli.path('in'), bytes);
		const script = `"$@" sh -c 'cat; printf "\\377\\000" >&2' < in > out 2> err`;
		const ran = await cli.script(script, ['exec', ...cli.usual, '--']);
		assert.equal(ran.exitCode, 0, ran.stderr);
		assert.deepEqual(fs.readFileSync(cli.path('out')), bytes);
		assert.deepEqual(fs.readFileSync(cli.path('err')).subarray(-2), Buffer.from([0xff, 0]));
	});

	test('arguments arrive as they are', async (t) => {
		const cli = await startCli(t);
		const odd = ['', ' ', '$HOME', '`id`', "it's", '"', '\\', 'two\nlines', '--role-arn', '--', 'é🔑', '-h'];
		const ran = await cli.run(['exec', ...cli.usual, '--', 'printf', '%s\\0', ...odd]);
		assert.deepEqual(ran.stdout.split('\0').slice(0, -1), odd);
	});

	test('a command that is missing, or is none, and no command at all', async (t) => {
		const cli = await startCli(t);
		const file = cli.put('data', 'x', 0o644);
		for (const [program, exitCode] of /** @type {[string, number][]} */ ([
			['no-such-command', 2],
			[file, 2],
		])) {
			const ran = await cli.run(['exec', ...cli.usual, '--', program]);
			assertRefused(ran, exitCode, 'command-failed');
		}
		const none = await cli.run(['exec', ...cli.usual]);
		assert.match(none.stderr, /usage: ci-assume-role exec/);
		assert.deepEqual([none.exitCode, none.received.length], [2, 0]);
	});

	test('no credentials, no command', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run(['exec', ...cli.flags, '--', 'touch', cli.path('ran')]);
		assertRefused(ran, 2, 'token-permission-missing');
		assert.deepEqual(cli.files(), []);
	});

	test('says when the credentials are about to end, and when they have', async (t) => {
		const cli = await startCli(t);
		const answers = [stsAnswer({ Expiration: ending(3) })];
		const ran = await cli.run(['exec', ...cli.usual, '--', 'sleep', '4'], { answers });
		assert.equal(ran.exitCode, 0, ran.stderr);
		assert.match(ran.stderr, /the credentials end in [123] s, and[\s\S]*the credentials have ended/);
		const long = await cli.run(['exec', ...cli.usual, '--', 'true']);
		assert.doesNotMatch(long.stderr, /the credentials/);
	});

	const skip = missing('aws', 'moto_server') || undefined;
	for (const reader of ['the AWS CLI', 'botocore']) {
		test(`--hand-over process: ${reader} goes on with fresh credentials`, { skip: skip ?? false }, async (t) => {
			const cli = await startCli(t);
			const python = (find('aws') ?? '').replace(/aws$/, 'python');
			const program = [
				'import botocore.session, time',
				'c = botocore.session.get_session().get_credentials()',
				'for _ in range(2): print(c.get_frozen_credentials().access_key); time.sleep(2)',
			].join('\n');
			// It shows the last four characters of the key.
			const aws = 'aws configure list';
			const command = reader === 'botocore' ? [python, '-c', program] : ['sh', '-c', `${aws}; sleep 2; ${aws}`];
			// Sessions of a few seconds: AWS tools ask again each time, as they do in the last minutes of long ones.
			/** @type {import('../support/answers.js').Answer[]} */
			const answers = Array.from({ length: 40 }, (_, index) => ({
				to: 'sts',
				play: (response) => {
					const AccessKeyId = `ASIAEXAMPLEKEY0K${100 + index}`;
					response
						.writeHead(200, { 'Content-Type': 'text/xml' })
						.end(sessionXml({ AccessKeyId, Expiration: ending(5) }));
				},
			}));
			const env = { PATH: searchPath(), AWS_EC2_METADATA_DISABLED: 'true' };
			const args = ['exec', ...cli.usual, '--hand-over', 'process', '--', ...command];
			const ran = await cli.run(args, { answers, env });
			assert.equal(ran.exitCode, 0, ran.stderr);
			const keys = new Set(ran.stdout.match(/K1\d\d/g));
			assert.ok(keys.size >= 2, `one key only:\n${ran.stdout}${ran.stderr}`);
			assert.deepEqual(cli.files('tmp'), [], 'all files are removed');
			assertNoSecret(ran.stderr, cli.secrets, 'the log');
		});
	}

	test('--hand-over profile: files for the owner alone, gone afterwards, also when the command is ended', async (t) => {
		const cli = await startCli(t);
		const script =
			'stat -c "%a" "$AWS_SHARED_CREDENTIALS_FILE"; cat "$AWS_SHARED_CREDENTIALS_FILE"; echo ready; exec sleep 20';
		const args = ['exec', ...cli.usual, '--hand-over', 'profile', '--', 'sh', '-c', script];
		const ran = await cli.run(args, {
			started: (child) => child.stdout?.on('data', (text) => `${text}`.includes('ready') && child.kill('SIGTERM')),
		});
		assert.equal(ran.exitCode, 128 + 15, ran.stderr);
		assert.match(ran.stdout, new RegExp(`^600\\n[\\s\\S]*aws_access_key_id = ${KEY_ID}`));
		assert.deepEqual(cli.files(), []);
	});
});
