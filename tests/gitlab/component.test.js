// The component of templates/, in gitlab-ci-local.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer, stsError } from '../js/support/answers.js';
import { KEY_ID, SECRET, SESSION_TOKEN } from '../js/support/secrets.js';
import { cannot, mintForJob, ROLE, startPipeline } from './pipeline.js';

const parallel = { concurrency: 2, skip: cannot() };
const withAws = { concurrency: 2, skip: cannot('aws') };
/** One value a line would not do: they may have several. */
const SHOW = `printf '%s\\0' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN" "$AWS_REGION" > "$EVIDENCE/seen"`;

describe('the component', parallel, () => {
	test('credentials are variables of the script, in every line of it', async (t) => {
		const pipeline = await startPipeline(t);
		const ran = await pipeline.run({
			script: SHOW,
			job: '  after_script:\n    - echo "after=$AWS_ACCESS_KEY_ID."\n',
			more: 'later:\n  needs: [deploy]\n  script:\n    - echo "later=$AWS_ACCESS_KEY_ID."\n',
		});
		assert.deepEqual([ran.exitCode, ran.amiss], [0, []], ran.log);
		assert.deepEqual(pipeline.evidence('seen')?.split('\0'), [KEY_ID, SECRET, SESSION_TOKEN, 'us-east-1', '']);
		const [request] = ran.requests;
		const sent = new URLSearchParams(request?.body);
		assert.deepEqual(
			[sent.get('WebIdentityToken'), sent.get('RoleArn'), sent.get('DurationSeconds')],
			[pipeline.token, ROLE, '3600'],
		);
		assert.match(sent.get('RoleSessionName') ?? '', /^gitlab-\d+-.*api$/);
		assert.match(ran.log, /token sub: project_path:acme\/api:ref_type:branch:ref:main/);
		assert.doesNotMatch(ran.log, /sample-user/, 'who started the pipeline is nobody’s business');
		assert.match(ran.log, /after=\.$/m, 'after_script is a shell of its own');
		assert.match(ran.log, /later=\.$/m, 'no other job has them');
		assert.deepEqual(fs.readdirSync(pipeline.path('tmp')), [], 'nothing is written');
	});

	test('a denial is explained, and the script does not run', async (t) => {
		const pipeline = await startPipeline(t);
		const ran = await pipeline.run({ script: SHOW, answers: [DENIED] });
		assert.notEqual(ran.exitCode, 0, ran.log);
		assert.deepEqual([ran.codes, ran.amiss, pipeline.evidence('seen')], [['not-authorized'], [], undefined], ran.log);
		assert.match(ran.log, /deploy finished in .* FAIL 4/);
		assert.match(ran.log, /"gitlab\.com:sub": "project_path:acme\/api:ref_type:branch:ref:main"/);
		assert.match(ran.log, /"gitlab\.com:project_id": "20"/);
	});

	test('what is proposed for a server of one’s own has no key that AWS does not know', async (t) => {
		const pipeline = await startPipeline(t);
		const token = mintForJob({ iss: 'https://gitlab.example.com' });
		const ran = await pipeline.run({ variables: { AWS_ID_TOKEN: token }, answers: [DENIED] });
		assert.deepEqual(ran.codes, ['not-authorized'], ran.log);
		assert.match(ran.log, /"gitlab\.example\.com:sub": "project_path:acme/);
		assert.doesNotMatch(ran.log, /:(project|namespace)_id"/);
	});

	for (const [what, ref, hint] of [
		['a merge request', { pipeline_source: 'merge_request_event', ref: 'fix' }, /names the source branch/],
		['a tag', { ref_type: 'tag', ref: 'v1' }, /pipeline is for a tag/],
	]) {
		test(`a denial of ${what} says what is special about it`, async (t) => {
			const pipeline = await startPipeline(t);
			const token = mintForJob(/** @type {Record<string, string>} */ (ref));
			const ran = await pipeline.run({ variables: { AWS_ID_TOKEN: token }, answers: [DENIED] });
			assert.deepEqual(ran.codes, ['not-authorized'], ran.log);
			assert.match(ran.log, /** @type {RegExp} */ (hint));
		});
	}

	test('no token: the lines to add are there', async (t) => {
		const pipeline = await startPipeline(t);
		const ran = await pipeline.run({ script: SHOW, variables: {}, answers: [] });
		assert.deepEqual([ran.codes, ran.amiss], [['token-permission-missing'], []], ran.log);
		assert.match(ran.log, /deploy finished in .* FAIL 2/);
		assert.match(ran.log, /deploy > {5}id_tokens:\n.* {7}AWS_ID_TOKEN:\n.* {9}aud: sts\.amazonaws\.com\n/);
		assert.equal(pipeline.evidence('seen'), undefined);
	});

	test('a token for another service does not go to AWS, and what is there is listed', async (t) => {
		const pipeline = await startPipeline(t);
		const token = mintForJob({ aud: 'https://vault.example.com' });
		const ran = await pipeline.run({ variables: { VAULT_ID_TOKEN: token }, answers: [] });
		assert.deepEqual([ran.codes, ran.amiss], [['token-permission-missing'], []], ran.log);
		assert.match(ran.log, /VAULT_ID_TOKEN for https:\/\/vault\.example\.com/);
	});

	test('of several tokens the one for AWS is taken', async (t) => {
		const pipeline = await startPipeline(t);
		const vault = mintForJob({ aud: 'https://vault.example.com' });
		const ran = await pipeline.run({ variables: { A_VAULT_TOKEN: vault, SOME_TOKEN: pipeline.token } });
		assert.deepEqual([ran.exitCode, ran.amiss], [0, []], ran.log);
		assert.equal(new URLSearchParams(ran.requests[0]?.body).get('WebIdentityToken'), pipeline.token);
	});

	test('several tokens for AWS: which, has to be said', async (t) => {
		const other = mintForJob({ jti: 'another' });
		const pipeline = await startPipeline(t);
		const variables = { FIRST_TOKEN: other, SECOND_TOKEN: pipeline.token };
		const ran = await pipeline.run({ variables, answers: [] });
		assert.deepEqual([ran.codes, ran.amiss], [['option-missing'], []], ran.log);
		assert.match(ran.log, /variables +FIRST_TOKEN, SECOND_TOKEN/);
		assert.match(ran.log, /--token-env FIRST_TOKEN/);

		const second = await startPipeline(t);
		const job = '  variables:\n    CI_ASSUME_ROLE_TOKEN_ENV: SECOND_TOKEN\n';
		const again = await second.run({ variables: { FIRST_TOKEN: other, SECOND_TOKEN: second.token }, job });
		assert.deepEqual([again.exitCode, again.amiss], [0, []], again.log);
		assert.equal(new URLSearchParams(again.requests[0]?.body).get('WebIdentityToken'), second.token);
	});

	test('the audience of an instance', async (t) => {
		const pipeline = await startPipeline(t);
		const token = mintForJob({ aud: 'https://gitlab.com' });
		const inputs = { audience: 'https://gitlab.com' };
		const ran = await pipeline.run({ inputs, variables: { AWS_ID_TOKEN: token } });
		assert.deepEqual([ran.exitCode, ran.amiss], [0, []], ran.log);

		const none = await startPipeline(t);
		const missing = await none.run({ inputs, answers: [] });
		assert.deepEqual(missing.codes, ['token-permission-missing'], missing.log);
		assert.match(missing.log, /aud: https:\/\/gitlab\.com\n/, 'the lines to add have the audience that is wanted');
	});

	test('a token of several audiences is refused by AWS, in words', async (t) => {
		const pipeline = await startPipeline(t);
		const token = mintForJob({ aud: ['sts.amazonaws.com', 'https://vault.example.com'] });
		const ran = await pipeline.run({ variables: { AWS_ID_TOKEN: token }, answers: [] });
		assert.notEqual(ran.exitCode, 0, ran.log);
		assert.equal(ran.codes.length, 1, ran.log);
		assert.match(ran.log, /audience/);
	});

	test('a program that is not there fails the job', async (t) => {
		const pipeline = await startPipeline(t);
		const ran = await pipeline.run({ inputs: { program: 'no-such-program' }, script: SHOW, answers: [] });
		assert.notEqual(ran.exitCode, 0, ran.log);
		assert.match(ran.log, /FAIL 127/);
		assert.equal(pipeline.evidence('seen'), undefined);
	});

	test('twice in a pipeline, under names of their own', async (t) => {
		const both = await startPipeline(t);
		const program = `${process.execPath} ${process.cwd()}/js/cli.js`;
		const include = (/** @type {string} */ job, /** @type {string} */ prefix, /** @type {string} */ token) =>
			`  - local: templates/assume-role.yml\n    inputs: ${JSON.stringify({
				'role-arn': ROLE,
				region: 'us-east-1',
				program,
				'sts-endpoint': both.fill('{base}/sts'),
				job,
				prefix,
				token,
			})}\n`;
		const yaml =
			`include:\n${include('.one', 'ONE_', 'ONE')}${include('.two', 'TWO_', 'TWO')}` +
			'one:\n  extends: .one\n  script:\n    - echo "one=$ONE_AWS_ACCESS_KEY_ID"\n' +
			'two:\n  extends: .two\n  needs: [one]\n  script:\n    - echo "two=$TWO_AWS_ACCESS_KEY_ID"\n';
		const answers = [
			stsAnswer({ AccessKeyId: 'ASIAFIRST00000000001' }),
			stsAnswer({ AccessKeyId: 'ASIASECOND0000000002' }),
		];
		const twice = await both.run({ yaml, answers });
		assert.deepEqual([twice.exitCode, twice.amiss], [0, []], twice.log);
		assert.match(twice.log, /one=ASIAFIRST00000000001/);
		assert.match(twice.log, /two=ASIASECOND0000000002/);
	});
});

describe('values that a shell could take for more than they are', parallel, () => {
	// Printable ASCII is what a credential can consist of.
	for (const [what = '', value = ''] of [
		['quotes', `it's"quoted"\\''`],
		['what a shell expands', '$HOME$PATH$(touch$IFS$EVIDENCE/run)`touch$IFS$EVIDENCE/run`*~!!#;&|<x>'],
	]) {
		test(`credentials with ${what}`, async (t) => {
			const pipeline = await startPipeline(t);
			const answers = [stsAnswer({ SecretAccessKey: value, SessionToken: `${value}2` })];
			const ran = await pipeline.run({ script: SHOW, answers, secrets: [value] });
			assert.deepEqual([ran.exitCode, ran.amiss], [0, []], ran.log);
			assert.deepEqual(pipeline.evidence('seen')?.split('\0').slice(1, 3), [value, `${value}2`]);
			assert.equal(pipeline.evidence('run'), undefined, 'something of it was run');
		});
	}

	test('credentials that no AWS tool could use are refused', async (t) => {
		const pipeline = await startPipeline(t);
		const ran = await pipeline.run({ script: SHOW, answers: [stsAnswer({ SecretAccessKey: 'two\nlines' })] });
		assert.deepEqual(ran.codes, ['sts-answer-invalid'], ran.log);
		assert.equal(pipeline.evidence('seen'), undefined);
	});

	for (const [what = '', name = ''] of [
		['spaces and quotes', `it's a "folder"`],
		['what a shell expands', '$HOME `touch x` $(touch x) * [a] \\'],
		['unicode', 'schlüssel-鍵-🔑'],
		['a newline', 'two\nlines'],
	]) {
		test(`a path with ${what}`, async (t) => {
			const pipeline = await startPipeline(t);
			pipeline.put(`tmp/${name}`, { folder: true });
			const script =
				'printf %s "$AWS_SHARED_CREDENTIALS_FILE" > "$EVIDENCE/file"; test -f "$AWS_SHARED_CREDENTIALS_FILE"';
			const env = { TMPDIR: pipeline.path(`tmp/${name}`) };
			const ran = await pipeline.run({ inputs: { 'hand-over': 'profile' }, script, env });
			assert.deepEqual([ran.exitCode, ran.amiss], [0, []], ran.log);
			assert.ok(pipeline.evidence('file')?.startsWith(`${env.TMPDIR}/ci-assume-role-`));
		});
	}

	test('hostile text of STS neither runs nor moves the cursor', async (t) => {
		const pipeline = await startPipeline(t);
		const hostile = `no\u202e\u2028'; touch "$EVIDENCE/run"; $(touch "$EVIDENCE/run")\r\nsection_start:0:x\r`;
		const ran = await pipeline.run({ answers: [stsError(403, 'AccessDenied', hostile)], script: SHOW });
		assert.deepEqual(ran.codes, ['not-authorized'], ran.log);
		assert.equal(pipeline.evidence('run'), undefined);
		assert.doesNotMatch(ran.log, /^(deploy > )?section_start/m);
	});

	test('hostile names of branch and project in the token', async (t) => {
		const pipeline = await startPipeline(t);
		const ref = 'x\';touch "$EVIDENCE/run";$(touch "$EVIDENCE/run")\u001b]0;t\u0007\u202e';
		const token = mintForJob({ ref, sub: `project_path:acme/api:ref_type:branch:ref:${ref}` });
		const ran = await pipeline.run({ variables: { AWS_ID_TOKEN: token } });
		assert.deepEqual([ran.exitCode, ran.amiss], [0, []], ran.log);
		assert.equal(pipeline.evidence('run'), undefined);
	});
});

describe('profiles', withAws, () => {
	const files = 'printf "%s\\n" "$AWS_PROFILE" "$AWS_SHARED_CREDENTIALS_FILE" "$AWS_ACCESS_KEY_ID" > "$EVIDENCE/files"';
	const read = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token', 'region']
		.map((name) => `aws configure get ${name} >> "$EVIDENCE/read"`)
		.join('\n');

	test('the AWS CLI reads the profile', async (t) => {
		const pipeline = await startPipeline(t);
		const inputs = { 'hand-over': 'profile', profile: 'prod' };
		const plain = await pipeline.run({ inputs, script: `${files}\n${read}` });
		assert.deepEqual([plain.exitCode, plain.amiss], [0, []], plain.log);
		assert.equal(pipeline.evidence('read'), `${KEY_ID}\n${SECRET}\n${SESSION_TOKEN}\nus-east-1\n`);
		const [profile, file = '', key] = pipeline.evidence('files')?.split('\n') ?? [];
		assert.deepEqual([profile, key], ['prod', '']);
		assert.ok(file.startsWith(pipeline.path('tmp/')), 'outside of the project, so in no artifact');
		assert.equal(fs.statSync(file).mode & 0o777, 0o600);
	});

	test('botocore reads values with all that INI files find special', async (t) => {
		const pipeline = await startPipeline(t);
		const value = 'a#b;c%d=e:f[g]/+';
		const script =
			'python3 -c \'import botocore.session as s; c = s.Session().get_credentials(); print(c.secret_key)\' > "$EVIDENCE/read"';
		const inputs = { 'hand-over': 'profile' };
		const ran = await pipeline.run({
			inputs,
			script,
			answers: [stsAnswer({ SecretAccessKey: value })],
			secrets: [value],
		});
		assert.deepEqual([ran.exitCode, ran.amiss], [0, []], ran.log);
		assert.equal(pipeline.evidence('read'), `${value}\n`);
	});
});

describe('without the component', parallel, () => {
	const program = `${process.execPath} ${process.cwd()}/js/cli.js`;
	const assume = `${program} assume --ci gitlab --role-arn ${ROLE} --region us-east-1 --sts-endpoint {base}/sts`;
	/** @param {string[]} lines */
	const job = (...lines) => `deploy:\n  script:\n${lines.map((line) => `    - ${JSON.stringify(line)}\n`).join('')}`;

	test('eval in the script', async (t) => {
		const pipeline = await startPipeline(t);
		const ran = await pipeline.run({ yaml: job(`eval "$(${assume})"`, SHOW) });
		assert.deepEqual([ran.exitCode, ran.amiss], [0, []], ran.log);
		assert.equal(pipeline.evidence('seen')?.split('\0')[0], KEY_ID);
	});

	test('eval of a refusal ends the job', async (t) => {
		const pipeline = await startPipeline(t);
		const ran = await pipeline.run({ yaml: job(`eval "$(${assume})"`, SHOW), answers: [DENIED] });
		assert.match(ran.log, /FAIL 4/);
		assert.equal(pipeline.evidence('seen'), undefined);
	});

	test('dotenv goes into a report where somebody says so, and only then', async (t) => {
		const later =
			'later:\n  needs: [deploy]\n  script:\n    - printf "%s" "$AWS_SECRET_ACCESS_KEY" > "$EVIDENCE/later"\n';
		const report = '  artifacts:\n    reports:\n      dotenv: aws.env\n';
		const pipeline = await startPipeline(t);
		const ran = await pipeline.run({ yaml: `${job(`${assume} --format dotenv --output aws.env`)}${report}${later}` });
		assert.deepEqual([ran.exitCode, ran.amiss], [0, []], ran.log);
		assert.equal(pipeline.evidence('later'), SECRET);

		const none = await startPipeline(t);
		const usual = await none.run({ script: 'ls -A > "$EVIDENCE/ls"' });
		assert.equal(usual.exitCode, 0, usual.log);
		assert.deepEqual(
			none
				.evidence('ls')
				?.trim()
				.split('\n')
				.filter((name) => !name.startsWith('.git')),
			['templates'],
		);
	});
});
