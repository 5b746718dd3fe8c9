// What aws-actions/configure-aws-credentials v6.2.4 is known to do wrong, and what it, its library and its relatives
// had to mend in the past: one test for each, named after it. docs/migrating/configure-aws-credentials.md has the table.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { ACCOUNT, callerXml, DENIED, mint, stsAnswer, stsError, tokenAnswer } from './support/answers.js';
import { assertFailed, assertHandedOver, assertNothingHandedOver, CREDENTIAL_NAMES, startJob } from './support/job.js';
import { startProxy } from './support/proxy.js';
import { assertNoSecret, KEY_ID, SECRET, SESSION_TOKEN } from './support/secrets.js';

/** @typedef {import('./support/answers.js').Answer} Answer */

const CONFIGURATION = 2;
const DENIED_BY_AWS = 4;
const NETWORK = 5;
const ONCE = { 'INPUT_DISABLE-RETRY': 'true' };
const parallel = { concurrency: 4 };

/**
 * The fields of the form that STS was sent.
 * @param {import('./support/job.js').Step} step
 */
function form(step) {
	return new URLSearchParams(step.requests.find(({ to }) => to === 'sts')?.body);
}

describe('confirmed defects', parallel, () => {
	test('the allow-list is checked after the export', async (t) => {
		for (const handOver of ['env', 'outputs', 'profile', 'process']) {
			const job = await startJob(t, {
				env: { 'INPUT_ALLOWED-ACCOUNT-IDS': '210987654321', 'INPUT_HAND-OVER': handOver },
				files: { 'home/.aws/config': '[profile other]\nregion = eu-north-1\n' },
			});
			const before = job.files();
			const step = await job.run();
			assertFailed(step, DENIED_BY_AWS, 'account-not-allowed');
			const after = job.files();
			for (const name of ['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY']) after.set(`commands/${name}`, '');
			assert.deepEqual(after, before, handOver);
		}
	});

	test('use-existing-credentials: false counts as on', async (t) => {
		const job = await startJob(t, {
			env: {
				'INPUT_USE-EXISTING-CREDENTIALS': 'false',
				AWS_ACCESS_KEY_ID: 'AKIAEARLIER',
				AWS_SECRET_ACCESS_KEY: 'earlier-secret',
			},
		});
		assertHandedOver(await job.run());
		const unclear = await startJob(t, { env: { 'INPUT_USE-EXISTING-CREDENTIALS': 'no' } });
		assertFailed(await unclear.run({ answers: [] }), CONFIGURATION, 'option-invalid');
	});

	test('aws-expiration contains literal quotes', async (t) => {
		const job = await startJob(t, { env: { 'INPUT_OUTPUT-CREDENTIALS': 'true' } });
		const { outputs } = await job.run();
		assert.match(outputs.get('aws-expiration') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
	});

	test('AccessDenied is retried for minutes', async (t) => {
		const job = await startJob(t, { env: { 'INPUT_RETRY-MAX-ATTEMPTS': '12' } });
		const step = await job.run({ answers: [tokenAnswer(job.token), DENIED] });
		assertFailed(step, DENIED_BY_AWS, 'not-authorized');
		assert.equal(step.requests.length, 2);
	});

	test('there is no deadline on STS, so it hangs', async (t) => {
		/** @type {Answer['play'][]} */
		const plays = [
			() => {},
			(response, socket) => {
				response.writeHead(200, { 'Content-Type': 'text/xml' });
				const timer = setInterval(() => response.write(' '), 200);
				socket.on('close', () => clearInterval(timer));
			},
		];
		const ends = plays.map(async (play) => {
			const job = await startJob(t, { env: ONCE });
			const answers = [tokenAnswer(job.token), /** @type {Answer} */ ({ to: 'sts', play })];
			const step = await job.run({ answers, deadlineMs: 15_000 });
			assertFailed(step, NETWORK, 'endpoint-timeout');
		});
		await Promise.all(ends);
	});

	test('role-external-id is silently dropped with OIDC', async (t) => {
		const job = await startJob(t, { env: { 'INPUT_ROLE-EXTERNAL-ID': 'external' } });
		const step = await job.run({ answers: [] });
		assertFailed(step, CONFIGURATION, 'option-conflict');
		assert.match(step.log, /role-external-id/);
	});

	test('a duration of 1h becomes one second, and 0 or abc an hour', async (t) => {
		for (const [text, seconds] of /** @type {[string, string][]} */ ([
			['1h', '3600'],
			['90m', '5400'],
			['900', '900'],
			['', '3600'],
		])) {
			const job = await startJob(t, { env: { 'INPUT_ROLE-DURATION-SECONDS': text } });
			assert.equal(form(await job.run()).get('DurationSeconds'), seconds, text);
		}
		for (const text of ['0', 'abc', '1', '899', '43201', '1d', '3600abc']) {
			const job = await startJob(t, { env: { 'INPUT_ROLE-DURATION-SECONDS': text } });
			assertFailed(await job.run({ answers: [] }), CONFIGURATION, 'option-invalid');
		}
	});

	test('a blank line in managed-session-policies leaves a hole in the numbering', async (t) => {
		const arns = ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'arn:aws:iam::aws:policy/job-function/ViewOnlyAccess'];
		const job = await startJob(t, { env: { 'INPUT_MANAGED-SESSION-POLICIES': `\n${arns[0]}\n\n  \r\n${arns[1]}\n` } });
		const members = [...form(await job.run())].filter(([name]) => name.startsWith('PolicyArns'));
		assert.deepEqual(members, [
			['PolicyArns.member.1.arn', arns[0]],
			['PolicyArns.member.2.arn', arns[1]],
		]);
	});

	test('a newline in an error of the server lets it speak to the runner', async (t) => {
		const message = 'slow down\n::set-output name=aws-account-id::owned\n##[error]owned';
		const job = await startJob(t, { env: { 'INPUT_RETRY-MAX-ATTEMPTS': '2' } });
		const throttled = stsError(400, 'Throttling', message);
		const answers = [tokenAnswer(job.token), throttled, tokenAnswer(job.token), throttled];
		const step = await job.run({ answers });
		assertFailed(step, DENIED_BY_AWS, 'sts-throttled'); // and Job.run has looked for commands in all of the log
		assert.match(step.log, /slow down\\n::set-output/);
	});
});

describe('lessons of the past', parallel, () => {
	test('CVE-2020-15228: nothing is handed over by the log', async (t) => {
		const job = await startJob(t, {
			env: { 'INPUT_OUTPUT-CREDENTIALS': 'true', ACTIONS_ALLOW_UNSECURE_COMMANDS: 'true' },
		});
		const step = await job.run();
		assertHandedOver(step);
		assert.doesNotMatch(step.stdout, /::(set-env|set-output|save-state|add-path)/i);
	});

	test('CVE-2022-35954: a delimiter that can be guessed lets a value begin other entries', async (t) => {
		const delimiters = [];
		for (const secret of [SECRET, 'ghadelimiter_0123456789abcdef', 'EOF', '_GitHubActionsFileCommandDelimeter_']) {
			const job = await startJob(t, { env: { 'INPUT_OUTPUT-CREDENTIALS': 'true' } });
			const step = await job.run({ answers: [tokenAnswer(job.token), stsAnswer({ SecretAccessKey: secret })] });
			assert.equal(step.env.get('AWS_SECRET_ACCESS_KEY'), secret);
			for (const name of ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE']) {
				delimiters.push(...[...job.read(`commands/${name}`).matchAll(/<<(.*)$/gm)].map(([, delimiter]) => delimiter));
			}
		}
		assert.equal(new Set(delimiters).size, delimiters.length, 'one for each entry');
		for (const delimiter of delimiters) assert.match(`${delimiter}`, /^ghadelimiter_[0-9a-f]{32}$/);
	});

	test('6.1.2: a token file behind a symbolic link', async (t) => {
		const job = await startJob(t, {
			env: { ACTIONS_ID_TOKEN_REQUEST_URL: null, ACTIONS_ID_TOKEN_REQUEST_TOKEN: null },
			files: {
				'elsewhere/token': '{token}',
				'workspace/link': { symlink: '{temp}/elsewhere/token' },
				'workspace/folder': { symlink: '{temp}/elsewhere' },
			},
		});
		for (const path of ['link', 'folder/token', '{temp}/workspace/link', './folder/../link']) {
			const step = await job.run({ env: { 'INPUT_WEB-IDENTITY-TOKEN-FILE': path }, answers: [] });
			assertFailed(step, CONFIGURATION, 'token-file-unreadable');
		}
		const env = { 'INPUT_WEB-IDENTITY-TOKEN-FILE': '{temp}/elsewhere/token' };
		assertHandedOver(await job.run({ env, answers: [stsAnswer()] }));
	});

	const isRoot = process.getuid?.() === 0;
	test('6.1.3: the links that the kubelet makes are no attack', { skip: !isRoot && 'needs root' }, async (t) => {
		const base = `/var/run/secrets/ci-assume-role-test-${process.pid}`;
		const folder = `${base}/serviceaccount`;
		t.after(() => {
			fs.rmSync(base, { recursive: true, force: true });
			// Only where it was not there before, that is where it is empty.
			spawnSync('rmdir', ['--ignore-fail-on-non-empty', dirname(base)]);
		});
		const job = await startJob(t, { env: { ACTIONS_ID_TOKEN_REQUEST_URL: null } });
		fs.mkdirSync(join(folder, '..2026_11_21'), { recursive: true });
		fs.writeFileSync(join(folder, '..2026_11_21', 'token'), job.token);
		fs.symlinkSync('..2026_11_21', join(folder, '..data'));
		fs.symlinkSync('..data/token', join(folder, 'token'));
		const env = { 'INPUT_WEB-IDENTITY-TOKEN-FILE': join(folder, 'token') };
		assertHandedOver(await job.run({ env, answers: [stsAnswer()] }));
		const around = {
			'INPUT_WEB-IDENTITY-TOKEN-FILE': `${base}/../ci-assume-role-test-${process.pid}/serviceaccount/token`,
		};
		assertFailed(await job.run({ env: around, answers: [] }), CONFIGURATION, 'token-file-unreadable');
	});

	test('6.2.1: allowed-account-ids is not looked at with OIDC, nor with a token file', async (t) => {
		const job = await startJob(t, {
			env: { 'INPUT_ALLOWED-ACCOUNT-IDS': '210987654321' },
			files: { token: '{token}' },
		});
		assertFailed(await job.run(), DENIED_BY_AWS, 'account-not-allowed');
		const env = { 'INPUT_WEB-IDENTITY-TOKEN-FILE': '{temp}/token' };
		assertFailed(await job.run({ env, answers: [stsAnswer()] }), DENIED_BY_AWS, 'account-not-allowed');
	});

	test('6.2.4: an empty entry in allowed-account-ids allows every account', async (t) => {
		for (const list of [',210987654321', '210987654321,', ' , 210987654321', '\n210987654321\n']) {
			const job = await startJob(t, { env: { 'INPUT_ALLOWED-ACCOUNT-IDS': list } });
			assertFailed(await job.run(), DENIED_BY_AWS, 'account-not-allowed');
		}
		for (const list of [',', ', ,', '21098765432', '2109876543210', 'prod', '*', '210987654321;123456789012']) {
			const job = await startJob(t, { env: { 'INPUT_ALLOWED-ACCOUNT-IDS': list } });
			assertFailed(await job.run({ answers: [] }), CONFIGURATION, 'option-invalid');
		}
		const job = await startJob(t, { env: { 'INPUT_ALLOWED-ACCOUNT-IDS': ', 210987654321,\n 123456789012 ,' } });
		assertHandedOver(await job.run());
	});

	test('6.2.4: allowed-account-ids is not looked at when credentials are reused', async (t) => {
		const job = await startJob(t, {
			env: {
				'INPUT_ALLOWED-ACCOUNT-IDS': '210987654321',
				'INPUT_USE-EXISTING-CREDENTIALS': 'true',
				AWS_ACCESS_KEY_ID: 'AKIAEARLIER',
				AWS_SECRET_ACCESS_KEY: 'earlier-secret',
			},
		});
		const caller = callerXml(ACCOUNT, `arn:aws:iam::${ACCOUNT}:user/earlier`);
		const step = await job.run({ answers: [{ to: 'sts', contentType: 'text/xml', body: caller }] });
		assertFailed(step, 4, 'account-not-allowed');
	});

	test('6.2.4: the password of a proxy is in the log', async (t) => {
		const { port } = await startProxy(t, { to: 9, login: 'somebody:else' });
		const password = 'pass word/of+the:proxy';
		const userinfo = `somebody:${encodeURIComponent(password)}`;
		for (const name of ['INPUT_HTTP-PROXY', 'HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'ALL_PROXY']) {
			const job = await startJob(t, {
				env: {
					...ONCE,
					[name]: `http://${userinfo}@127.0.0.1:${port}`,
					ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token-service.actions.example/token?x=1',
				},
				secrets: [password, userinfo],
			});
			const step = await job.run({ answers: [] });
			assertFailed(step, NETWORK, 'proxy-failed');
			assert.ok(step.masked.includes(password), `${name}: as it is`);
			assert.ok(step.masked.includes(encodeURIComponent(password)), `${name}: as it is written`);
		}
	});

	test('v1.5.0: the answer of STS is in the debug log', async (t) => {
		const debug = {
			RUNNER_DEBUG: '1',
			ACTIONS_STEP_DEBUG: 'true',
			ACTIONS_RUNNER_DEBUG: 'true',
			SHOW_STACK_TRACE: 'true',
		};
		const noisy = { NODE_DEBUG: '', DEBUG: '*' };
		const job = await startJob(t, { env: { ...debug, ...noisy } });
		const step = await job.run();
		assertHandedOver(step);
		assert.doesNotMatch(step.log, /<AssumeRole|AccessKeyId|"count"/);
		const refused = await job.run({ answers: [tokenAnswer(job.token), DENIED] });
		assert.doesNotMatch(refused.log, /<ErrorResponse|<Message>/);
	});

	test('the log of a job that STS echoes its token to does not show it', async (t) => {
		const job = await startJob(t);
		const encoded = encodeURIComponent(job.token);
		for (const text of [`No ${job.token} here`, `WebIdentityToken=${encoded}&x`, job.token.split('.')[2] ?? '']) {
			for (const code of ['AccessDenied', 'Novel', 'InvalidIdentityToken']) {
				const step = await job.run({ answers: [tokenAnswer(job.token), stsError(403, code, text)] });
				assertFailed(step, DENIED_BY_AWS, step.codes[0] ?? '');
			}
		}
	});

	test('mask-aws-account-id hides the account only from where it is already printed', async (t) => {
		const account = '123456789012';
		const env = { 'INPUT_MASK-AWS-ACCOUNT-ID': 'true' };
		const job = await startJob(t, { env, secrets: [account] }); // Job.run looks for it in log, summary and diagnostic
		assertHandedOver(await job.run());
		const message = `User: arn:aws:sts::${account}:assumed-role/x is not authorized`;
		for (const code of ['AccessDenied', 'Novel', 'InvalidIdentityToken']) {
			const step = await job.run({ answers: [tokenAnswer(job.token), stsError(403, code, message)] });
			assert.equal(step.exitCode, DENIED_BY_AWS, step.log);
			assert.ok(step.masked.includes(account));
		}
	});

	test('profiles are left behind on self-hosted runners', async (t) => {
		const job = await startJob(t, { env: { 'INPUT_AWS-PROFILE': 'deploy', 'INPUT_OUTPUT-ENV-CREDENTIALS': 'true' } });
		assertHandedOver(await job.run());
		const written = ['home/.aws/credentials', 'home/.aws/config'];
		for (const path of written) assert.equal(fs.statSync(job.path(path)).mode & 0o777, 0o600, path);
		assert.equal(fs.statSync(job.path('home/.aws')).mode & 0o777, 0o700);
		for (const path of [...job.files().keys()].filter((path) => path.startsWith('runner/'))) {
			assert.equal(fs.statSync(job.path(path)).mode & 0o777, 0o600, path);
		}
		const post = await job.run({ entry: 'github-post' });
		assert.equal(post.exitCode, 0, post.log);
		const left = [...job.files().keys()].filter((path) => !path.startsWith('commands/'));
		assert.deepEqual(left, []);
	});

	test('the post step decides by inputs that may have changed meanwhile', async (t) => {
		const job = await startJob(t, { env: { 'INPUT_AWS-PROFILE': 'deploy', 'INPUT_OUTPUT-ENV-CREDENTIALS': 'true' } });
		assertHandedOver(await job.run());
		const env = { 'INPUT_OUTPUT-ENV-CREDENTIALS': 'false', 'INPUT_AWS-PROFILE': 'another', 'INPUT_AWS-REGION': '' };
		const post = await job.run({ entry: 'github-post', env });
		assert.deepEqual(
			CREDENTIAL_NAMES.map((name) => post.env.get(name)),
			['', '', ''],
		);
		assert.ok(!fs.existsSync(job.path('home/.aws/credentials')));
	});

	test('the post step takes away what the job had before', async (t) => {
		const earlier = {
			AWS_ACCESS_KEY_ID: 'AKIAEARLIER00000001',
			AWS_SECRET_ACCESS_KEY: 'the-secret-of-before',
			AWS_REGION: 'eu-north-1',
		};
		const job = await startJob(t, { env: earlier, secrets: [earlier.AWS_SECRET_ACCESS_KEY] });
		assertHandedOver(await job.run());
		const post = await job.run({ entry: 'github-post' });
		for (const [name, value] of Object.entries(earlier)) assert.equal(post.env.get(name), value);
		assert.equal(post.env.get('AWS_SESSION_TOKEN'), '');
	});

	test('a failed step leaves something for the post step to do', async (t) => {
		const job = await startJob(t);
		assertFailed(await job.run({ answers: [tokenAnswer(job.token), DENIED] }), DENIED_BY_AWS, 'not-authorized');
		const post = await job.run({ entry: 'github-post' });
		assert.equal(post.exitCode, 0);
		assertNothingHandedOver(post);
	});

	test('NODE_OPTIONS, LD_PRELOAD, PATH, BASH_ENV: no variable but those of AWS is ever exported', async (t) => {
		const env = { AWS_SECURITY_TOKEN: 'x', AWS_CREDENTIAL_EXPIRATION: 'x', AWS_PROFILE: 'x' };
		for (const handOver of ['env', 'outputs', 'profile', 'process']) {
			const job = await startJob(t, { env: { 'INPUT_HAND-OVER': handOver, ...env } });
			for (const step of [await job.run(), await job.run({ entry: 'github-post' })]) {
				assert.equal(step.exitCode, 0, step.log);
				for (const name of step.env.keys()) assert.match(name, /^AWS_[A-Z_]+$/);
			}
		}
	});

	test('credentials in GITHUB_ENV are seen by all later steps: other ways put none there', async (t) => {
		for (const handOver of ['outputs', 'profile', 'process']) {
			const job = await startJob(t, { env: { 'INPUT_HAND-OVER': handOver } });
			const step = await job.run();
			assert.equal(step.exitCode, 0, step.log);
			assertNoSecret(job.read('commands/GITHUB_ENV'), [KEY_ID, SECRET, SESSION_TOKEN], handOver);
		}
	});

	test('special-characters-workaround loops without bound', async (t) => {
		const job = await startJob(t, { env: { 'INPUT_SPECIAL-CHARACTERS-WORKAROUND': 'true' } });
		const rounds = Array.from({ length: 20 }, () => [tokenAnswer(job.token), stsAnswer()]).flat();
		assertFailed(await job.run({ answers: rounds }), DENIED_BY_AWS, 'special-characters');
	});

	test('the token is fetched once and outlived by the retries', async (t) => {
		const job = await startJob(t);
		const second = mint({ jti: 'the-second-one' });
		job.secrets.add(second);
		const answers = [tokenAnswer(job.token), stsError(500, 'InternalFailure', 'x'), tokenAnswer(second), stsAnswer()];
		const step = await job.run({ answers });
		assertHandedOver(step);
		const sent = step.requests
			.filter(({ to }) => to === 'sts')
			.map(({ body }) => new URLSearchParams(body).get('WebIdentityToken'));
		assert.deepEqual(sent, [job.token, second]);
	});

	test('a third request that cannot be skipped, and variables of GitHub that are not needed', async (t) => {
		const unset = ['REPOSITORY', 'RUN_ID', 'RUN_ATTEMPT', 'JOB', 'WORKSPACE', 'EVENT_NAME', 'ACTIONS'];
		const job = await startJob(t, { env: Object.fromEntries(unset.map((name) => [`GITHUB_${name}`, null])) });
		const step = await job.run();
		assertHandedOver(step);
		assert.equal(step.requests.length, 2);
	});

	test('AWS_PROFILE and other leftovers in the environment break OIDC', async (t) => {
		const job = await startJob(t, {
			env: {
				AWS_PROFILE: 'none-of-that-name',
				AWS_ROLE_ARN: 'arn:aws:iam::999999999999:role/other',
				AWS_WEB_IDENTITY_TOKEN_FILE: '/none',
				AWS_SESSION_TOKEN: 'left-over-session-token',
			},
		});
		const step = await job.run();
		assertHandedOver(step);
		assert.equal(form(step).get('RoleArn'), 'arn:aws:iam::123456789012:role/deploy');
	});

	test('aws-region has to be an input, and is exported though the step fails', async (t) => {
		for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION']) {
			const job = await startJob(t, { env: { 'INPUT_AWS-REGION': '', [name]: 'eu-central-1' } });
			const step = await job.run();
			assertHandedOver(step);
			assert.equal(step.env.get('AWS_REGION'), 'eu-central-1');
			const again = await startJob(t, { env: { 'INPUT_AWS-REGION': 'eu-west-1' } });
			assertNothingHandedOver(await again.run({ answers: [tokenAnswer(again.token), DENIED] }));
		}
	});

	test('whoever can set a variable can have the token sent to another host', async (t) => {
		for (const name of ['AWS_ENDPOINT_URL_STS', 'AWS_ENDPOINT_URL']) {
			for (const url of [
				'{base}/sts',
				'https://sts.us-east-1.amazonaws.com.evil.example',
				'https://evil.s3.amazonaws.com',
				'x',
			]) {
				const job = await startJob(t, { env: { 'INPUT_STS-ENDPOINT': null, [name]: url } });
				assertFailed(await job.run({ answers: [] }), CONFIGURATION, 'endpoint-not-allowed');
			}
		}
	});

	test('the request token is sent to whatever address there is', async (t) => {
		for (const url of [
			'http://evil.example/token?x=1',
			'ftp://127.0.0.1/',
			'https://user:password@evil.example/?x',
			'evil',
		]) {
			const job = await startJob(t, { env: { ACTIONS_ID_TOKEN_REQUEST_URL: url } });
			assertFailed(await job.run({ answers: [] }), 3, 'token-request-failed');
		}
	});

	test('a pattern without its anchors lets more in than was meant (CodeBreach)', async (t) => {
		for (const [input, value] of /** @type {[string, string][]} */ ([
			['role-to-assume', 'x arn:aws:iam::123456789012:role/deploy'],
			['role-to-assume', 'arn:aws:iam::123456789012:role/deploy\narn:aws:iam::123456789012:role/other'],
			['role-to-assume', 'arn:aws:iam::1234567890123:role/deploy'],
			['role-to-assume', 'deploy'],
			['aws-region', 'us-east-1.evil.example'],
			['aws-region', 'us-east-1/../x'],
			['role-session-name', 'name with spaces'],
			['sts-endpoint', 'http://evil.example'],
			['sts-endpoint', 'http://127.0.0.1.evil.example'],
			['sts-endpoint', 'https://evil.example@sts.us-east-1.amazonaws.com'],
			['sts-endpoint', 'https://evil.example\\@sts.us-east-1.amazonaws.com'],
			['aws-profile', 'a]\n[default'],
		])) {
			const job = await startJob(t, { env: { [`INPUT_${input.toUpperCase()}`]: value } });
			assertFailed(await job.run({ answers: [] }), CONFIGURATION, 'option-invalid');
		}
	});

	test('a confused deputy: the audience is the one that was asked for, and no other is used', async (t) => {
		const job = await startJob(t, {
			env: { INPUT_AUDIENCE: 'urn:deploy?a=b&c=d' },
			claims: { aud: 'urn:deploy?a=b&c=d' },
		});
		const step = await job.run();
		assertHandedOver(step);
		assert.equal(new URL(`http://x${step.requests[0]?.url}`).searchParams.get('audience'), 'urn:deploy?a=b&c=d');
		const other = await startJob(t, { claims: { aud: 'somebody.else' } });
		assertFailed(await other.run({ answers: [tokenAnswer(other.token)] }), 3, 'audience-mismatch');
	});
});
