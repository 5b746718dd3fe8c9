// What later steps of a build find, in the real Bitrise CLI.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { stsAnswer } from '../js/support/answers.js';
import { buildTokenAnswer } from '../js/support/bitrise.js';
import { KEY_ID, SECRET, SESSION_TOKEN } from '../js/support/secrets.js';
import { assertCredentials, assertNoCredentials, SHIPPED, skip, startCli } from './cli.js';

const both = (/** @type {{ token: string }} */ cli) => [buildTokenAnswer(cli.token), stsAnswer()];

describe('hand-over in the Bitrise CLI', { concurrency: 2, skip }, () => {
	test('the next step has the credentials, and its log hides them', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({ steps: [cli.assume(), cli.probe('next')] });
		assert.equal(ran.exitCode, 0, ran.log);
		const next = ran.environment('next');
		assertCredentials(next);
		for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) assert.equal(next.get(name), undefined);
		for (const what of ['key id', 'secret', 'session token']) {
			assert.ok(ran.log.includes(`the ${what} is [REDACTED]`), ran.log);
		}
		assert.deepEqual(cli.leftFiles(), []);
		assert.equal(ran.form.get('RoleSessionName'), 'bitrise-7', 'the default is expanded by the CLI');
		const [, seconds = '9'] = /Assume AWS role +\u001b\[0m \| ([\d.]+) sec/.exec(ran.log) ?? [];
		t.diagnostic(`the step took ${seconds} s`);
		assert.ok(Number(seconds) < 3, `the step took ${seconds} s`);
	});

	test('every input', async (t) => {
		const cli = await startCli(t, { claims: { aud: 'other' } });
		const policy = `{"Version": "2012-10-17", "Statement": [{"Resource": "arn:aws:s3:::b/\${aws:userid}"}]}`;
		const inputs = {
			region: 'eu-west-1',
			audience: 'other',
			session_name: 'deploy-$BITRISE_BUILD_NUMBER',
			duration: '90m',
			policy: policy,
			policy_arn: 'arn:aws:iam::aws:policy/A\n\narn:aws:iam::123456789012:policy/B\n',
			allowed_account_id: '210987654321\n123456789012',
			prefix: 'PROD_',
			export_region: 'true',
			export_identity_token: 'true',
			hand_over: 'env',
			verbose: 'true',
		};
		const ran = await cli.run({ steps: [cli.assume(inputs), cli.probe('next')] });
		assert.equal(ran.exitCode, 0, ran.log);
		const next = ran.environment('next');
		assertCredentials(next, 'PROD_');
		assert.equal(next.get('AWS_ACCESS_KEY_ID'), undefined);
		assert.deepEqual([next.get('AWS_REGION'), next.get('AWS_DEFAULT_REGION')], ['eu-west-1', 'eu-west-1']);
		assert.equal(next.get('BITRISE_IDENTITY_TOKEN'), cli.token);
		assert.match(ran.log, /the identity token is \[REDACTED\]/);
		assert.deepEqual(JSON.parse(ran.requests[0]?.body ?? ''), { sub: '', aud: 'other' });
		assert.deepEqual(
			['RoleSessionName', 'DurationSeconds', 'Policy', 'PolicyArns.member.1.arn', 'PolicyArns.member.2.arn'].map(
				(name) => ran.form.get(name),
			),
			['deploy-7', '5400', policy, 'arn:aws:iam::aws:policy/A', 'arn:aws:iam::123456789012:policy/B'],
		);
		assert.match(ran.log, /verbose: claim trigger_by: octocat/);
	});

	test('values are taken as they are: nothing in them is expanded', async (t) => {
		const cli = await startCli(t);
		const odd = `a$HOME+\${PATH}/\`id\`"\\x:#`;
		cli.secrets.add(odd);
		const ran = await cli.run({
			steps: [cli.assume(), cli.probe('next')],
			answers: [buildTokenAnswer(cli.token), stsAnswer({ SecretAccessKey: odd })],
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(ran.environment('next').get('AWS_SECRET_ACCESS_KEY'), odd);
		assert.match(ran.log, /the secret is \[REDACTED\]/);
	});

	test('hand_over: profile', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [cli.assume({ hand_over: 'profile', profile: 'deploy', export_region: 'true' }), cli.probe('next')],
		});
		assert.equal(ran.exitCode, 0, ran.log);
		const next = ran.environment('next');
		assert.equal(next.get('AWS_PROFILE'), 'deploy');
		for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) assert.equal(next.get(name), undefined);
		const file = next.get('AWS_SHARED_CREDENTIALS_FILE') ?? '';
		assert.match(fs.readFileSync(file, 'utf8'), new RegExp(`\\[deploy\\]\naws_access_key_id = ${KEY_ID}\n`));
		assert.match(fs.readFileSync(next.get('AWS_CONFIG_FILE') ?? '', 'utf8'), /region = us-east-1/);
		assert.equal(fs.statSync(file).mode & 0o777, 0o600);
		assert.ok(file.startsWith(cli.path('tmp/bitrise')), 'in the folder of the CLI');
		assert.equal(cli.leftFiles().length, 2, 'the two files of the profile');
	});

	test('hand_over: process: the command outlasts the step, and asks Bitrise again', async (t) => {
		const cli = await startCli(t);
		const command = [
			'set -o pipefail',
			'line=$(sed -n "s/^credential_process = //p" "$AWS_CONFIG_FILE")',
			'eval "$line" > "$EVIDENCE/credentials.json"',
		].join('\n');
		const ran = await cli.run({
			steps: [cli.assume({ hand_over: 'process' }), cli.probe('before'), cli.probe('next', command)],
			answers: [
				buildTokenAnswer(cli.token),
				stsAnswer({ Expiration: `${new Date(Date.now() + 60_000).toISOString().slice(0, 19)}Z` }),
				...both(cli),
			],
		});
		assert.equal(ran.exitCode, 0, ran.log);
		const written = JSON.parse(cli.read('evidence/credentials.json'));
		assert.deepEqual(
			[written.AccessKeyId, written.SecretAccessKey, written.SessionToken],
			[KEY_ID, SECRET, SESSION_TOKEN],
		);
		const kept = [...cli.files()].filter(([path]) => path.startsWith('tmp/') && path.endsWith('-request.json'));
		assert.equal(kept.length, 1);
		assert.ok(!kept[0]?.[1].includes('request-token'), "the build's API token is not written down");
	});

	test('used twice: each role under names of its own', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [cli.assume({ prefix: 'SOURCE_' }), cli.assume(), cli.probe('next')],
			answers: [...both(cli), ...both(cli)],
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assertCredentials(ran.environment('next'), 'SOURCE_');
		assertCredentials(ran.environment('next'));
	});

	test('used twice with profiles: the second files have both', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [
				cli.assume({ hand_over: 'profile', profile: 'one' }),
				cli.assume({ hand_over: 'profile', profile: 'two' }),
				cli.probe('next'),
			],
			answers: [...both(cli), ...both(cli)],
		});
		assert.equal(ran.exitCode, 0, ran.log);
		const text = fs.readFileSync(ran.environment('next').get('AWS_SHARED_CREDENTIALS_FILE') ?? '', 'utf8');
		assert.match(text, /\[one\][\s\S]*\[two\]/);
	});

	test('outputs under other names', async (t) => {
		const cli = await startCli(t);
		const outputs = [{ AWS_ACCESS_KEY_ID: 'KEY_ID_OF_PROD' }, { AWS_SECRET_ACCESS_KEY: 'SECRET_OF_PROD' }];
		const command = 'echo "under its other name: $SECRET_OF_PROD"';
		const ran = await cli.run({ steps: [cli.assume({}, { outputs }), cli.probe('next', command)] });
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(
			['KEY_ID_OF_PROD', 'SECRET_OF_PROD'].map((name) => ran.environment('next').get(name)),
			[KEY_ID, SECRET],
		);
		assert.match(ran.log, /under its other name: \[REDACTED\]/);
	});

	test('the token alone, which later logs hide', async (t) => {
		const cli = await startCli(t, { claims: { aud: 'my-service' } });
		const inputs = { role_arn: '', audience: 'my-service', export_identity_token: 'true' };
		const ran = await cli.run({
			steps: [cli.assume(inputs), cli.probe('next', 'env | grep BITRISE_IDENTITY_TOKEN')],
			answers: [buildTokenAnswer(cli.token)],
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(ran.environment('next').get('BITRISE_IDENTITY_TOKEN'), cli.token);
		assert.match(ran.log, /BITRISE_IDENTITY_TOKEN=\[REDACTED\]/);
		assert.equal(ran.environment('next').get('AWS_ACCESS_KEY_ID'), undefined);
	});

	test('the token of an earlier step is used where Bitrise cannot be asked', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [
				cli.assume({
					role_arn: '',
					export_identity_token: 'true',
					build_url: `${cli.service.base}/b`,
					build_api_token: 'x'.repeat(9),
				}),
				cli.assume(),
				cli.probe('next'),
			],
			env: { BITRISE_BUILD_URL: '', BITRISE_BUILD_API_TOKEN: '' },
			answers: both(cli),
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assertCredentials(ran.environment('next'));
		assert.equal(ran.form.get('WebIdentityToken'), cli.token);
	});

	test('credentials of an earlier step stay when a later use of the step fails', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run({
			steps: [cli.assume(), cli.assume({ allowed_account_id: '210987654321' }), cli.probe('next')],
			answers: [...both(cli), ...both(cli)],
		});
		assert.equal(ran.exitCode, 1, ran.log);
		assertCredentials(ran.environment('next'));
	});

	test('variables of an earlier step are no inputs: the CLI gives those of step.yml', async (t) => {
		const cli = await startCli(t);
		const command = 'for name in prefix identity_token build_url; do envman add --key $name --value EVIL_; done';
		const ran = await cli.run({ steps: [cli.probe('before', command), cli.assume(), cli.probe('next')] });
		assert.equal(ran.exitCode, 0, ran.log);
		assertCredentials(ran.environment('next'));
		assert.equal(ran.form.get('WebIdentityToken'), cli.token);
	});

	test('from a repository with a tag, as releases are', async (t) => {
		const cli = await startCli(t);
		const repository = cli.path('released');
		fs.mkdirSync(repository);
		for (const name of SHIPPED) fs.cpSync(cli.path(`step/${name}`), join(repository, name), { recursive: true });
		const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
		for (const args of [
			['init', '--quiet'],
			['add', '--all'],
			[...who, 'commit', '--quiet', '--message', 'All'],
			['tag', 'v0.1.0'],
		]) {
			execFileSync('git', args, { cwd: repository, env: { PATH: process.env.PATH, HOME: cli.path('home') } });
		}
		const [step] = Object.values(cli.assume());
		const ran = await cli.run({
			steps: [{ [`git::file://${repository}@v0.1.0`]: step }, cli.probe('next')],
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assertCredentials(ran.environment('next'));
	});

	test('from a Script step, where third-party steps are switched off', async (t) => {
		const cli = await startCli(t);
		const variables = `role_arn=arn:aws:iam::123456789012:role/deploy sts_endpoint=${cli.service.base}/sts`;
		const command = `envman add --key EARLIER --value kept && ${variables} bash '${cli.path('step')}/step.sh'`;
		const ran = await cli.run({ steps: [cli.probe('script', command), cli.probe('next')] });
		assert.equal(ran.exitCode, 0, ran.log);
		assertNoCredentials(ran.environment('script'));
		assertCredentials(ran.environment('next'));
		assert.equal(ran.environment('next').get('EARLIER'), 'kept', 'what the store had before stays');
		assert.match(ran.log, /the secret is \[REDACTED\]/);
	});
});
