// The commands of the orb, expanded as CircleCI does and run in the stand-in for its jobs.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer } from '../js/support/answers.js';
import { CircleJob, ORGANIZATION } from '../js/support/circleci.js';
import { missing } from '../js/support/programs.js';
import { HOSTILE, ROLE, SESSION } from '../js/support/shell-job.js';
import { expand, pack } from './orb.js';

const parallel = { concurrency: 2, skip: missing('aws') };
const REGION = 'eu-north-1';
const orb = missing('aws') ? /** @type {import('./orb.js').Orb} */ ({ commands: {}, examples: {} }) : pack();

/**
 * @param {CircleJob} job
 * @param {string} name
 * @param {Record<string, unknown>} given
 * @param {(value: boolean) => string} [boolean]
 */
async function call(job, name, given, boolean) {
	const usual = { role_arn: ROLE, sts_endpoint: job.service.base, program: 'ci-assume-role' };
	const command = orb.commands[name] ?? assert.fail(`no command ${name}`);
	const [step, ...more] = expand(command, { ...usual, ...given }, boolean);
	assert.deepEqual(more, []);
	assert.equal(step?.shell, 'bash -eo pipefail', 'as the stand-in runs it');
	return job.step(step.command, step.environment);
}

describe('setup', parallel, () => {
	test('knows every parameter of circleci/aws-cli’s, with its default', () => {
		const { parameters = {} } = orb.commands.setup ?? {};
		const theirs = {
			profile_name: 'default',
			region: '${AWS_DEFAULT_REGION}',
			configure_default_region: true,
			configure_profile_region: true,
			role_arn: '',
			role_session_name: '${CIRCLE_JOB}',
			session_duration: '3600',
			set_aws_env_vars: true,
			disable_aws_install: false,
			when: 'on_success',
			version: 'latest',
			override_installed: false,
			disable_aws_pager: true,
			install_dir: '/usr/local/aws-cli',
			binary_dir: '/usr/local/bin',
			use_brew: false,
		};
		for (const [name, value] of Object.entries(theirs)) assert.equal(parameters[name]?.default, value, name);
		for (const name of ['aws_access_key_id', 'aws_secret_access_key']) assert.ok(parameters[name], name);
	});

	for (const boolean of [(/** @type {boolean} */ on) => (on ? '1' : '0'), String]) {
		test(`as it stands in configurations: a profile, and variables; booleans as ${boolean(true)}`, async (t) => {
			const job = await CircleJob.start(t);
			Object.assign(job.env, { AWS_DEFAULT_REGION: REGION });
			job.service.expect([stsAnswer(), stsAnswer()]);
			const ran = await call(job, 'setup', {}, boolean);
			assert.equal(ran.exitCode, 0, ran.log);
			const next = await job.step(
				'who usual; who named default; echo "${#AWS_SECRET_ACCESS_KEY} $AWS_REGION ${AWS_PAGER-unset}"',
			);
			assert.equal(next.log, `${SESSION[1]?.length} ${REGION} \n`);
			assert.deepEqual(job.found('usual'), [...SESSION, REGION]);
			assert.deepEqual(job.found('named'), [...SESSION, REGION]);
			const asked = job.exchanged().map(({ RoleSessionName, DurationSeconds }) => [RoleSessionName, DurationSeconds]);
			assert.deepEqual(asked, Array(2).fill(['build-and-deploy', '3600']));
		});
	}

	test('without variables, nothing secret is in BASH_ENV', async (t) => {
		const job = await CircleJob.start(t);
		const given = { set_aws_env_vars: false, profile_name: 'release', region: REGION, disable_aws_pager: false };
		const ran = await call(job, 'setup', given);
		assert.equal(ran.exitCode, 0, ran.log);
		for (const secret of SESSION) assert.ok(!job.bashEnv().includes(secret));
		assert.doesNotMatch(job.bashEnv(), /AWS_PAGER/);
		await job.step('who named release');
		assert.deepEqual(job.found('named'), [...SESSION, REGION]);
	});

	test('parameters that name variables of the job', async (t) => {
		const job = await CircleJob.start(t);
		Object.assign(job.env, { ACCOUNT: '123456789012', LENGTH: '900', WHERE: REGION, WHO: 'a b/c' });
		const ran = await call(job, 'setup', {
			role_arn: 'arn:aws:iam::${ACCOUNT}:role/deploy',
			session_duration: '${LENGTH}',
			region: '${WHERE}',
			role_session_name: '${WHO}!',
			set_aws_env_vars: false,
		});
		assert.equal(ran.exitCode, 0, ran.log);
		const [{ RoleArn, DurationSeconds, RoleSessionName } = assert.fail()] = job.exchanged();
		assert.deepEqual([RoleArn, DurationSeconds, RoleSessionName], [ROLE, '900', 'a-b-c-']);
	});

	test('configure_default_region: false leaves the region of the job alone', async (t) => {
		const job = await CircleJob.start(t);
		Object.assign(job.env, { AWS_DEFAULT_REGION: 'us-west-2' });
		const given = { region: REGION, configure_default_region: false, set_aws_env_vars: false };
		const ran = await call(job, 'setup', given);
		assert.equal(ran.exitCode, 0, ran.log);
		const next = await job.step('echo "${AWS_REGION-unset} $AWS_DEFAULT_REGION"');
		assert.equal(next.log, 'unset us-west-2\n');
	});

	test('configure_profile_region: false leaves the profile without a region', async (t) => {
		for (const set_aws_env_vars of [true, false]) {
			const job = await CircleJob.start(t);
			job.service.expect([stsAnswer(), stsAnswer()]);
			const given = { region: REGION, profile_name: 'release', set_aws_env_vars, configure_profile_region: false };
			const ran = await call(job, 'setup', given);
			assert.equal(ran.exitCode, 0, ran.log);
			const next = await job.step(
				'echo "$AWS_REGION $AWS_DEFAULT_REGION"; unset AWS_REGION AWS_DEFAULT_REGION BASH_ENV; who named release; cat "$AWS_CONFIG_FILE"',
			);
			assert.ok(next.log.startsWith(`${REGION} ${REGION}\n`), 'configure_default_region is another parameter');
			assert.doesNotMatch(next.log, /region *=/);
			assert.deepEqual(job.found('named'), [...SESSION, null]);
		}
	});

	test('neither region: it is that of STS, and of nothing else', async (t) => {
		const job = await CircleJob.start(t);
		Object.assign(job.env, { AWS_DEFAULT_REGION: 'us-west-2' });
		job.service.expect([stsAnswer(), stsAnswer()]);
		const given = { region: REGION, configure_default_region: false, configure_profile_region: false };
		const ran = await call(job, 'setup', given);
		assert.equal(ran.exitCode, 0, ran.log);
		assert.doesNotMatch(job.bashEnv(), /REGION/);
		const next = await job.step('echo "${AWS_REGION-unset} $AWS_DEFAULT_REGION"');
		assert.equal(next.log, 'unset us-west-2\n');
	});

	test('without a role: what to use instead', async (t) => {
		const job = await CircleJob.start(t);
		const ran = await call(job, 'setup', { role_arn: '', region: REGION });
		assert.equal(ran.exitCode, 2);
		assert.match(ran.log, /setup needs role_arn/);
	});

	test('denied: the step fails, and later ones are told nothing', async (t) => {
		const job = await CircleJob.start(t);
		job.service.expect([DENIED]);
		const ran = await call(job, 'setup', { region: REGION });
		assert.equal(ran.exitCode, 4, ran.log);
		assert.match(ran.log, /error\[not-authorized\]/);
		assert.equal(job.bashEnv(), '');
	});
});

describe('assume', parallel, () => {
	test('a profile, and nothing secret in BASH_ENV', async (t) => {
		const job = await CircleJob.start(t);
		const ran = await call(job, 'assume', { region: REGION });
		assert.equal(ran.exitCode, 0, ran.log);
		for (const secret of SESSION) assert.ok(!job.bashEnv().includes(secret));
		await job.step('who next');
		assert.deepEqual(job.found('next'), [...SESSION, REGION]);
	});

	test('every parameter arrives', async (t) => {
		const job = await CircleJob.start(t);
		const policy =
			'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}"}]}';
		const ran = await call(job, 'assume', {
			region: REGION,
			hand_over: 'env',
			session_name: 'mine',
			duration: '15m',
			audience: 'vault',
			allowed_account_id: '123456789012\n210987654321',
			policy,
			policy_arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess\narn:aws:iam::aws:policy/SecurityAudit',
		});
		assert.equal(ran.exitCode, 0, ran.log);
		const [form = assert.fail()] = job.exchanged();
		const { RoleSessionName, DurationSeconds, Policy = '' } = form;
		assert.deepEqual([RoleSessionName, DurationSeconds], ['mine', '900']);
		assert.deepEqual(JSON.parse(Policy), JSON.parse(policy));
		assert.equal(form['PolicyArns.member.2.arn'], 'arn:aws:iam::aws:policy/SecurityAudit');
		assert.deepEqual(job.asked(), [{ aud: 'vault' }]);
		await job.step('who next');
		assert.deepEqual(job.found('next'), [...SESSION, REGION]);
	});

	test('parameters that name variables of the job', async (t) => {
		const job = await CircleJob.start(t);
		Object.assign(job.env, { ACCOUNT: '123456789012', WHERE: REGION, PROFILE: 'release' });
		const ran = await call(job, 'assume', {
			role_arn: 'arn:aws:iam::${ACCOUNT}:role/deploy',
			region: '${WHERE}',
			profile: '$PROFILE',
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(job.exchanged()[0]?.RoleArn, ROLE);
		await job.step('who named release');
		assert.deepEqual(job.found('named'), [...SESSION, REGION]);
	});

	test('the account is another one', async (t) => {
		const job = await CircleJob.start(t);
		const ran = await call(job, 'assume', { region: REGION, allowed_account_id: '210987654321' });
		assert.notEqual(ran.exitCode, 0);
		assert.equal(job.bashEnv(), '');
	});

	test('hostile parameters are values, and no more', async (t) => {
		const job = await CircleJob.start(t);
		job.service.expect([]);
		const text = `${HOSTILE} $(touch "$EVIDENCE/pwned")\`touch "$EVIDENCE/pwned"\``;
		for (const name of ['role_arn', 'region', 'session_name', 'duration', 'profile', 'allowed_account_id']) {
			const ran = await call(job, 'assume', { region: REGION, [name]: text });
			assert.equal(ran.exitCode, 2, `${name}: ${ran.log}`);
		}
		assert.ok(!fs.existsSync(job.path('evidence/pwned')));
	});

	test('the token has ended', async (t) => {
		const job = await CircleJob.start(t);
		const now = Math.floor(Date.now() / 1000);
		for (const version of /** @type {const} */ ([1, 2])) job.token(version, { iat: now - 3700, exp: now - 100 });
		const ran = await call(job, 'assume', { region: REGION });
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(job.asked(), [{ aud: ORGANIZATION }]);
	});
});

test('the examples use commands and parameters that there are', parallel, () => {
	for (const [name, { usage }] of Object.entries(orb.examples)) {
		const jobs = /** @type {{ steps: (string | Record<string, any>)[] }[]} */ (Object.values(usage.jobs));
		const calls = jobs.flatMap(({ steps }) => steps.filter((step) => typeof step === 'object' && !('run' in step)));
		assert.ok(calls.length > 0, name);
		for (const [[key, given] = assert.fail()] of calls.map((step) => Object.entries(step))) {
			const command = orb.commands[key.replace('ci-assume-role/', '')] ?? assert.fail(key);
			expand(command, given);
		}
	}
});
