// `assume`: each form is read back by what it is made for.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { stsAnswer } from '../support/answers.js';
import { ROOT, runProgram } from '../support/child.js';
import { assertRefused, CREDENTIALS, powershellErrors, ROLE, readEnvironment, startCli } from '../support/cli.js';
import { absent, find } from '../support/programs.js';
import { parseCommandFile } from '../support/runner.js';
import { assertNoSecret, KEY_ID, SESSION_TOKEN } from '../support/secrets.js';

/** Every character that credentials may have: more than AWS sends, and all that a reader could trip over. */
const HOSTILE = `it's"q"$HOME\`id\`$(id)\\n\\%(x)s!#;<<EOF&&|>~{*,?}[=]^@:-_+/.`;
const REGION = { AWS_REGION: 'us-east-1', AWS_DEFAULT_REGION: 'us-east-1' };
const python = `${ROOT}/.venv/bin/python`;
const hasPython = fs.existsSync(python);

/** @type {[string, string[]][]} */
const SHELLS = [
	['bash', ['-c']],
	['bash', ['--posix', '-c']],
	['dash', ['-c']],
	['zsh', ['-c']],
	['ksh', ['-c']],
	['mksh', ['-c']],
];

describe('assume', { concurrency: 2 }, () => {
	for (const [shell, options] of SHELLS) {
		const executable = find(shell);
		const skip = absent(shell);
		test(`${shell} ${options.join(' ')} evaluates what --format env prints`, { skip }, async (t) => {
			for (const SecretAccessKey of [HOSTILE, "'", "'\\''", '~', '-n']) {
				const cli = await startCli(t);
				const ran = await cli.script(
					'out=$("$@" 2>/dev/null) && eval "$out" && exec env -0',
					['assume', ...cli.usual, '--format', 'env'],
					{ shell: [executable ?? '', ...options], answers: [stsAnswer({ SecretAccessKey })] },
				);
				assert.equal(ran.exitCode, 0, ran.stderr);
				const got = readEnvironment(ran.stdout);
				for (const [name, value] of Object.entries({
					...CREDENTIALS,
					AWS_SECRET_ACCESS_KEY: SecretAccessKey,
					...REGION,
				}))
					assert.equal(got.get(name), value, name);
			}
		});

		test(`${shell} ${options.join(' ')} notices a failure that eval hides`, { skip }, async (t) => {
			const cli = await startCli(t);
			const script = 'set -e; eval "$("$@")"; echo went on';
			const ran = await cli.script(script, ['assume', ...cli.flags, '--token-env', 'NONE'], {
				shell: [executable ?? '', ...options],
			});
			assert.equal(ran.stdout, '');
			assertRefused(ran, 2, 'token-permission-missing');
		});
	}

	/** Credentials and regions have few characters, by AWS's rules. Paths have any. */
	for (const name of [
		HOSTILE.replaceAll('/', ''),
		'two words\tand a tab',
		'two\nlines\n',
		'ünï cödé 雪 🔑',
		'-n',
		'~',
		"'",
	]) {
		test(`every shell evaluates the paths of a profile below a folder ${JSON.stringify(name)}`, async (t) => {
			const cli = await startCli(t);
			const folder = cli.path(`tmp/${name}`);
			fs.mkdirSync(folder);
			const env = { ...cli.env, TMPDIR: folder, LC_ALL: 'C.UTF-8' };
			const { stdout, exitCode } = await cli.run(['assume', ...cli.usual, '--profile', 'mine'], { env });
			assert.equal(exitCode, 0);
			const file = cli.put('exports', stdout);
			const there = SHELLS.filter(([shell]) => find(shell));
			assert.ok(there.length > 2, 'bash and dash at least');
			for (const [shell, options] of there) {
				const script = `out=$(cat '${file}') && eval "$out" && exec env -0`;
				const ran = await runProgram([find(shell) ?? '', ...options, script], { env });
				assert.deepEqual([ran.exitCode, ran.stderr], [0, ''], shell);
				const got = readEnvironment(ran.stdout);
				assert.equal(got.get('AWS_PROFILE'), 'mine', shell);
				for (const variable of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) {
					const path = got.get(variable) ?? '';
					assert.ok(path.startsWith(`${folder}/ci-assume-role-`), `${shell}: ${JSON.stringify(path)}`);
					assert.ok(fs.existsSync(path), `${shell}: ${JSON.stringify(path)}`);
				}
			}
		});
	}

	test('json is JSON', async (t) => {
		const cli = await startCli(t);
		const answers = [stsAnswer({ SecretAccessKey: HOSTILE })];
		const ran = await cli.run(['assume', ...cli.usual, '--format', 'json'], { answers });
		const { expiration, ...rest } = JSON.parse(ran.stdout);
		assert.ok(Date.parse(expiration) > Date.now());
		const arn = 'arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions';
		assert.deepEqual(rest, { ...CREDENTIALS, AWS_SECRET_ACCESS_KEY: HOSTILE, ...REGION, account: '123456789012', arn });
	});

	test('dotenv is read by a shell, and by python-dotenv', async (t) => {
		const cli = await startCli(t);
		const file = cli.path('.env');
		const ran = await cli.run(['assume', ...cli.usual, '--format', 'dotenv', '--output', file]);
		assert.equal(ran.exitCode, 0, ran.stderr);
		const sourced = await runProgram(['sh', '-c', 'set -a; . "$1"; exec env -0', 'sh', file], { env: {} });
		const byShell = readEnvironment(sourced.stdout);
		for (const [name, value] of Object.entries({ ...CREDENTIALS, ...REGION })) assert.equal(byShell.get(name), value);
		const script = 'import dotenv, json, sys; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))';
		if (hasPython && fs.existsSync(`${ROOT}/.venv/bin/dotenv`)) {
			const { stdout } = await runProgram([python, '-c', script, file], { env: cli.env });
			assert.deepEqual(JSON.parse(stdout), { ...CREDENTIALS, ...REGION });
		}
	});

	test('dotenv is refused where its readers differ', async (t) => {
		const cli = await startCli(t);
		for (const SecretAccessKey of ["it's", 'a"b', '$HOME', 'back\\slash', '`id`']) {
			const answers = [stsAnswer({ SecretAccessKey })];
			const ran = await cli.run(['assume', ...cli.usual, '--format', 'dotenv'], { answers });
			assertRefused(ran, 6, 'hand-over-failed');
			assert.equal(ran.stdout, '');
			assert.ok(!ran.stderr.includes(SecretAccessKey), ran.stderr);
		}
	});

	test('github is read by the grammar of the runner', async (t) => {
		const cli = await startCli(t);
		for (const SecretAccessKey of [HOSTILE, 'AWS_REGION=x', 'x<<EOF']) {
			const answers = [stsAnswer({ SecretAccessKey })];
			const ran = await cli.run(['assume', ...cli.usual, '--format', 'github'], { answers });
			const got = Object.fromEntries(parseCommandFile(ran.stdout));
			assert.deepEqual(got, { ...CREDENTIALS, AWS_SECRET_ACCESS_KEY: SecretAccessKey, ...REGION });
		}
	});

	test('powershell evaluates it', async (t) => {
		const cli = await startCli(t);
		const answers = [stsAnswer({ SecretAccessKey: HOSTILE })];
		const ran = await cli.run(['assume', ...cli.usual, '--format', 'powershell'], { answers });
		/** @type {Record<string, string>} */
		let got = {};
		const pwsh = find('pwsh');
		if (pwsh) {
			const file = cli.put('set.ps1', ran.stdout);
			const script = `. '${file}'; @{${Object.keys({ ...CREDENTIALS, ...REGION })
				.map((name) => `${name}=$env:${name}`)
				.join(';')}} | ConvertTo-Json`;
			got = JSON.parse((await runProgram([pwsh, '-NoProfile', '-Command', script], { env: cli.env })).stdout);
		} else {
			// Without a PowerShell: by its rule for verbatim strings, about_Quoting_Rules. Nothing but a quote is special
			// inside, and there are five characters that it takes for one.
			const statement = /\$env:([A-Z_]+) = '((?:[^'\u2018-\u201b]|['\u2018-\u201b]{2})*)'\n?/gy;
			let end = 0;
			for (const [whole, name = '', value = ''] of ran.stdout.matchAll(statement)) {
				got[name] = value.replace(/(['\u2018-\u201b])['\u2018-\u201b]/g, '$1');
				end += whole.length;
			}
			assert.equal(end, ran.stdout.length, 'nothing else');
			assert.deepEqual(powershellErrors(ran.stdout) ?? [], []);
		}
		assert.deepEqual(got, { ...CREDENTIALS, AWS_SECRET_ACCESS_KEY: HOSTILE, ...REGION });
	});

	test('botocore reads profile and process', { skip: !hasPython }, async (t) => {
		const cli = await startCli(t);
		const script = [
			'import botocore.session, json',
			"c = botocore.session.Session(profile='ours').get_credentials().get_frozen_credentials()",
			'print(json.dumps(list(c)[:3]))',
		].join('\n');
		const SecretAccessKey = HOSTILE;
		const answers = [stsAnswer({ SecretAccessKey })];
		const credentials = cli.path('credentials');
		const args = ['assume', ...cli.usual, '--profile', 'ours', '--format', 'profile', '--output', credentials];
		const written = await cli.run(args, { answers });
		assert.equal(written.exitCode, 0, written.stderr);
		const env = { ...cli.env, AWS_CONFIG_FILE: cli.path('config'), AWS_SHARED_CREDENTIALS_FILE: credentials };
		const read = await runProgram([python, '-c', script], { env });
		assert.deepEqual(JSON.parse(read.stdout || '0'), [KEY_ID, SecretAccessKey, SESSION_TOKEN], read.stderr);

		const answer = cli.path('answer.json');
		await cli.run(['assume', ...cli.usual, '--format', 'process', '--output', answer], { answers });
		cli.put('config', `[profile ours]\ncredential_process = cat ${answer}\n`);
		const processed = await runProgram([python, '-c', script], {
			env: { ...env, AWS_SHARED_CREDENTIALS_FILE: cli.path('none') },
		});
		assert.deepEqual(JSON.parse(processed.stdout || '0'), [KEY_ID, SecretAccessKey, SESSION_TOKEN], processed.stderr);
	});

	test('credentials with anything else are none, and nothing is handed over', async (t) => {
		const cli = await startCli(t);
		for (const SecretAccessKey of ['two\nlines', 'x\r[other]', 'a b', 'é', '\u{1f511}']) {
			for (const format of ['env', 'profile']) {
				const answers = [stsAnswer({ SecretAccessKey })];
				const ran = await cli.run(['assume', ...cli.usual, '--format', format, '--max-attempts', '1'], { answers });
				assertRefused(ran, 5, 'sts-answer-invalid');
				assert.equal(ran.stdout, format === 'env' ? '(exit 5)\n' : '');
				assert.ok(!ran.stderr.includes(SecretAccessKey), ran.stderr);
			}
		}
	});

	test('--output is for the owner alone, replaces a file as a whole, and prints nothing', async (t) => {
		const cli = await startCli(t);
		const file = cli.put('out.json', 'x'.repeat(20_000), 0o644);
		const before = fs.statSync(file).ino;
		const reader = fs.openSync(file, 'r');
		const ran = await cli.run(['assume', ...cli.usual, '--format', 'json', '--output', file]);
		assert.deepEqual([ran.exitCode, ran.stdout], [0, ''], ran.stderr);
		assertNoSecret(ran.stderr, cli.secrets, 'the log');
		assert.equal(fs.statSync(file).mode & 0o777, 0o600);
		assert.equal(JSON.parse(fs.readFileSync(file, 'utf8')).AWS_ACCESS_KEY_ID, KEY_ID);
		assert.notEqual(fs.statSync(file).ino, before, 'a new file took its place');
		assert.equal(`${fs.readFileSync(reader)}`, 'x'.repeat(20_000), 'who has the old one open reads all of it');
		fs.closeSync(reader);
		assert.deepEqual(cli.files(), ['out.json'], 'nothing is left beside it');
	});

	test('--output without --format, and a choice that does not exist', async (t) => {
		const cli = await startCli(t);
		assertRefused(await cli.run(['assume', ...cli.usual, '--output', 'x']), 2, 'option-conflict');
		const ran = await cli.run(['assume', ...cli.usual, '--format', 'jsn']);
		assertRefused(ran, 2, 'option-invalid');
		assert.match(ran.stderr, /nearest +json/);
		assert.equal(ran.received.length, 0);
	});

	test('--prefix, a session policy from a file, managed policies, and the session', async (t) => {
		const cli = await startCli(t);
		const policy = '{"Version":"2012-10-17","Statement":[]}';
		const arns = ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'arn:aws:iam::aws:policy/SecurityAudit'];
		const ran = await cli.run([
			...['assume', ...cli.usual, '--format', 'json', '--prefix', 'PROD_', '--duration=90m'],
			...['--policy-file', cli.put('policy.json', policy), '--session-name', 'a@b'],
			...arns.flatMap((arn) => ['--policy-arn', arn]),
			...['--allowed-account-id', '111111111111', '--allowed-account-id', '123456789012'],
		]);
		assert.equal(ran.exitCode, 0, ran.stderr);
		const names = Object.keys(JSON.parse(ran.stdout)).filter((name) => /^[A-Z_]+$/.test(name));
		const prefixed = Object.keys(CREDENTIALS).map((name) => `PROD_${name}`);
		assert.deepEqual(names.sort(), [...prefixed, ...Object.keys(REGION)].sort());
		const asked = new URLSearchParams(ran.received[0]?.body);
		assert.deepEqual(
			['DurationSeconds', 'Policy', 'RoleSessionName', 'PolicyArns.member.1.arn', 'PolicyArns.member.2.arn'].map(
				(name) => asked.get(name),
			),
			['5400', policy, 'a@b', ...arns],
		);
	});

	test('an account that is not allowed gets nothing handed over', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run(['assume', ...cli.usual, '--format', 'json', '--allowed-account-id', '111111111111']);
		assertRefused(ran, 4, 'account-not-allowed');
		assert.equal(ran.stdout, '');
		assertNoSecret(ran.stderr, cli.secrets, 'the log');
	});

	test('every problem of the options is told at once, before any request', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run([
			'assume',
			'--role-arn',
			'deploy',
			'--duration',
			'1s',
			'--prefix',
			'1',
			'--token-env',
			'NO',
		]);
		assert.equal(ran.exitCode, 2);
		for (const name of ['--role-arn', '--duration', '--prefix', 'NO holds no token'])
			assert.ok(ran.stderr.includes(name), `${name}:\n${ran.stderr}`);
		assert.equal(ran.received.length, 0);
	});

	test('each flag has a variable', async (t) => {
		const cli = await startCli(t);
		const { stdout } = await cli.run(['assume', '--help']);
		const flags = [...stdout.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name = '']) => name);
		assert.ok(flags.length > 20);
		const named = (/** @type {string} */ flag) => `CI_ASSUME_ROLE_${flag.toUpperCase().replaceAll('-', '_')}`;
		/** A value for each, and how it shows. @type {Record<string, [string, (ran: Awaited<ReturnType<typeof cli.run>>) => boolean]>} */
		const shown = {
			'role-arn': ['arn:aws:iam::123456789012:role/other', (ran) => sent(ran, 'RoleArn').endsWith('other')],
			region: ['eu-west-1', (ran) => JSON.parse(ran.stdout).AWS_REGION === 'eu-west-1'],
			'session-name': ['mine', (ran) => sent(ran, 'RoleSessionName') === 'mine'],
			duration: ['15m', (ran) => sent(ran, 'DurationSeconds') === '900'],
			policy: ['{"Version":"2012-10-17"}', (ran) => sent(ran, 'Policy').includes('2012')],
			'policy-file': [cli.put('p.json', '{"Id":"x"}'), (ran) => sent(ran, 'Policy').includes('Id')],
			'policy-arn': [
				'arn:aws:iam::aws:policy/A\narn:aws:iam::aws:policy/B',
				(ran) => sent(ran, 'PolicyArns.member.2.arn').endsWith('B'),
			],
			'allowed-account-id': ['111111111111', (ran) => ran.stderr.includes('account-not-allowed')],
			'sts-endpoint': [`${cli.service.base}/elsewhere`, (ran) => ran.received[0]?.url === '/elsewhere'],
			'verify-identity': ['x', (ran) => ran.exitCode === 2 && /verify-identity|VERIFY_IDENTITY/.test(ran.stderr)],
			source: ['tokn', (ran) => ran.exitCode === 2 && ran.stderr.includes('--source')],
			'source-profile': ['one', (ran) => ran.stderr.includes('`--source` and `--token-env` contradict')],
			'external-id': ['team-7', (ran) => ran.stderr.includes('`--external-id` cannot be sent with a token')],
			'source-identity': ['octo', (ran) => ran.stderr.includes('`--source-identity` cannot be sent with a token')],
			tags: ['{"a": "b"}', (ran) => ran.stderr.includes('`--tags` cannot be sent with a token')],
			'transitive-tag-key': ['a', (ran) => ran.stderr.includes('`--transitive-tag-key` cannot be sent with a token')],
			chain: ['arn:aws:iam::123456789012:role/further', (ran) => ran.received[1]?.body.includes('further') ?? false],
			roles: ['[{"role-arn": "arn:aws:iam::123456789012:role/one"}]', (ran) => sent(ran, 'RoleArn').endsWith('one')],
			'max-attempts': ['x', (ran) => /max-attempts|MAX_ATTEMPTS/.test(ran.stderr) && ran.exitCode === 2],
			'hand-over': ['profil', (ran) => ran.exitCode === 2 && /hand-over|HAND_OVER/.test(ran.stderr)],
			'export-region': ['false', (ran) => !ran.stdout.includes('AWS_REGION')],
			profile: ['bad name]', (ran) => ran.exitCode === 2 && /profile|PROFILE/.test(ran.stderr)],
			prefix: ['P_', (ran) => ran.stdout.includes('P_AWS_ACCESS_KEY_ID')],
			format: ['process', (ran) => JSON.parse(ran.stdout).Version === 1],
			output: [cli.path('o'), () => fs.existsSync(cli.path('o'))],
			audience: ['other', (ran) => ran.exitCode !== 0 && ran.stderr.includes('other')],
			'token-file': [cli.put('t', cli.token), (ran) => ran.exitCode === 0],
			'token-env': ['MY_TOKEN', (ran) => ran.exitCode === 0],
			'token-command': ['echo "$MY_TOKEN"', (ran) => ran.exitCode === 0],
			'token-url': ['ftp://x', (ran) => ran.stderr.includes('not an https address')],
			'token-header': ['X: y', (ran) => ran.stderr.includes('option-conflict')],
			ci: ['github', (ran) => ran.stderr.includes('id-token')],
			'service-connection': ['x', (ran) => ran.exitCode !== 70],
		};
		// Nothing but a denial reads the policy: `tests/flags.rs` tries their variables in one.
		for (const flag of flags.filter((name) => !['help', 'trust-policy-file', 'explain-with'].includes(name))) {
			const [value, test] = shown[flag] ?? assert.fail(`--${flag} has no line here`);
			/** @type {Record<string, string>} */
			const base = {
				CI_ASSUME_ROLE_ROLE_ARN: ROLE,
				CI_ASSUME_ROLE_REGION: 'us-east-1',
				CI_ASSUME_ROLE_STS_ENDPOINT: `${cli.service.base}/sts`,
				CI_ASSUME_ROLE_FORMAT: 'json',
			};
			if (!flag.startsWith('token') && flag !== 'ci') base.CI_ASSUME_ROLE_TOKEN_ENV = 'MY_TOKEN';
			const byVariable = await cli.run(['assume'], { env: { ...base, [named(flag)]: value } });
			assert.ok(test(byVariable), `${named(flag)}: ${byVariable.stdout}${byVariable.stderr}`);
		}
	});
});

/**
 * @param {{ received: import('../support/server.js').Received[] }} ran
 * @param {string} name
 */
function sent(ran, name) {
	return new URLSearchParams(ran.received[0]?.body).get(name) ?? '';
}
