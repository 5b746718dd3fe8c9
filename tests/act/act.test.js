// The action in a real runner: act runs the jobs of workflow.yml on this machine, later steps use the credentials with
// the AWS CLI, and moto's STS, which has issued them, says whose they are.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ROOT, runProgram } from '../js/support/child.js';
import { startMoto } from '../js/support/moto.js';
import { find, missing, searchPath } from '../js/support/programs.js';
import { assertNoSecret } from '../js/support/secrets.js';

const IDENTITY = 'arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions';
const CREDENTIALS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];
const HERE = dirname(fileURLToPath(import.meta.url));
/** What a runner downloads of the action, as far as it needs it. */
const SHIPPED = ['action.yml', 'package.json', 'js', 'pkg'];

describe('a real runner', { concurrency: 2, skip: missing('act', 'aws', 'moto_server') }, () => {
	const temp = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'ci-assume-role-act-'));
	const repository = join(temp, 'repository');
	/** @type {Awaited<ReturnType<typeof startMoto>>} */
	let moto;
	/** @type {Awaited<ReturnType<typeof import('../../js/sandbox.js').startSandbox>>} */
	let sandbox;

	before(async () => {
		const { startSandbox } = await import('../../js/sandbox.js');
		[moto, sandbox] = await Promise.all([startMoto(), startSandbox()]);
		for (const name of SHIPPED) fs.cpSync(join(ROOT, name), join(repository, name), { recursive: true });
		fs.cpSync(join(HERE, 'witness'), join(repository, 'witness'), { recursive: true });
		fs.mkdirSync(join(repository, '.github', 'workflows'), { recursive: true });
		fs.copyFileSync(join(HERE, 'workflow.yml'), join(repository, '.github', 'workflows', 'workflow.yml'));
		const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
		for (const args of [
			['init', '--quiet'],
			['add', '--all'],
			[...who, 'commit', '--quiet', '--message', 'All'],
		]) {
			execFileSync('git', args, { cwd: repository, env: { PATH: process.env.PATH, HOME: temp } });
		}
	});
	after(() => {
		moto?.stop();
		sandbox?.close();
		fs.rmSync(temp, { recursive: true, force: true });
	});

	/** @param {string} job */
	async function act(job) {
		const [home, evidence] = [join(temp, job, 'home'), join(temp, job, 'evidence')];
		for (const folder of [home, evidence]) fs.mkdirSync(folder, { recursive: true });
		const variables = {
			ACTIONS_ID_TOKEN_REQUEST_URL: sandbox.requestUrl,
			ACTIONS_ID_TOKEN_REQUEST_TOKEN: sandbox.requestToken,
			AWS_EC2_METADATA_DISABLED: 'true',
			EVIDENCE: evidence,
			MOTO: moto.url,
			SANDBOX: sandbox.url,
		};
		const args = ['push', '--job', job, '--platform', 'ubuntu-latest=-self-hosted'];
		for (const [name, value] of Object.entries(variables)) args.push('--env', `${name}=${value}`);
		const ran = await runProgram([find('act') ?? '', ...args], {
			cwd: repository,
			env: { PATH: searchPath(), HOME: home, XDG_CACHE_HOME: join(home, '.cache') },
			deadlineMs: 120_000,
		});
		const log = ran.stdout + ran.stderr;
		const read = (/** @type {string} */ name) => {
			const path = join(evidence, name);
			return fs.existsSync(path) ? fs.readFileSync(path, 'utf8').trim() : assert.fail(`no ${name}:\n${log}`);
		};
		return { exitCode: ran.exitCode, log, read };
	}

	/** @param {string} text as `env` prints it */
	function assertNoCredentials(text) {
		for (const name of [...CREDENTIALS, 'AWS_PROFILE']) assert.doesNotMatch(text, new RegExp(`^${name}=.`, 'm'));
	}

	/** @param {string} text what the witness wrote */
	function assertNothingLeft(text) {
		const { variables, profiles, temporary } = JSON.parse(text);
		for (const name of [...CREDENTIALS, 'AWS_PROFILE']) assert.equal(variables[name] ?? '', '', name);
		assert.deepEqual([profiles, temporary], [[], []]);
	}

	test('hand-over: env', async () => {
		const { exitCode, log, read } = await act('env');
		assert.equal(exitCode, 0, log);
		assert.equal(read('identity'), IDENTITY);
		assert.deepEqual([read('account'), read('region')], ['123456789012', 'eu-central-1']);
		assertNoSecret(log, [read('secret'), read('session-token'), sandbox.requestToken], 'the log of act');
		assert.match(log, /the secret is \*\*\*, the session token \*\*\*/);
		assertNothingLeft(read('after.json'));
	});

	test('hand-over: outputs', async () => {
		const { exitCode, log, read } = await act('outputs');
		assert.equal(exitCode, 0, log);
		assert.equal(read('identity'), IDENTITY);
		assertNoCredentials(read('environment'));
		assertNoSecret(log, [read('secret')], 'the log of act');
		assert.match(log, /the secret is \*\*\*/);
		assertNothingLeft(read('after.json'));
	});

	test('hand-over: profile', async () => {
		const { exitCode, log, read } = await act('profile');
		assert.equal(exitCode, 0, log);
		assert.equal(read('identity'), IDENTITY);
		const environment = read('environment');
		for (const name of CREDENTIALS) assert.doesNotMatch(environment, new RegExp(`^${name}=.`, 'm'));
		assert.match(environment, /^AWS_PROFILE=ci-assume-role$/m);
		assertNoSecret(log, [read('secret')], 'the log of act');
		assert.match(log, /aws_secret_access_key = \*\*\*/);
		assertNothingLeft(read('after.json'));
	});

	test('hand-over: process, with credentials that come to their end in the job', async () => {
		const { exitCode, log, read } = await act('process');
		assert.equal(exitCode, 0, log);
		assert.equal(read('identity'), `${IDENTITY}\n${IDENTITY}`);
		const [first, second] = [JSON.parse(read('first')), JSON.parse(read('second'))];
		assert.notEqual(first.AccessKeyId, second.AccessKeyId);
		assertNoSecret(log, [first.SecretAccessKey, second.SecretAccessKey], 'the log of act');
		assertNothingLeft(read('after.json'));
	});

	test('a refused account: nothing is handed over to `if: always()`', async () => {
		const { exitCode, log, read } = await act('refused-account');
		assert.notEqual(exitCode, 0, 'the job fails');
		assert.match(log, /error\[account-not-allowed\]/);
		assertNoCredentials(read('environment'));
		assert.equal(read('profiles'), '');
		assert.deepEqual(Object.keys(JSON.parse(read('outputs'))), ['diagnostic']);
		assertNothingLeft(read('after.json'));
	});

	test('a refused account: nothing is handed over past `continue-on-error`', async () => {
		const { exitCode, log, read } = await act('tolerated');
		assert.equal(exitCode, 0, log);
		assert.match(log, /error\[account-not-allowed\]/);
		assertNoCredentials(read('environment'));
	});

	test('a denial is told in the log, and nothing is handed over', async () => {
		const { exitCode, log, read } = await act('denied');
		assert.notEqual(exitCode, 0, 'the job fails');
		assert.match(log, /error\[not-authorized\]/);
		assert.match(log, /repo:octo-org\/octo-repo:ref:refs\/heads\/main/);
		assertNoCredentials(read('environment'));
	});
});
