// The command line in a job of CircleCI's, by the stand-in of tests/js/support/circleci.js.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer, stsError } from '../js/support/answers.js';
import { CircleJob, ISSUER, ORGANIZATION, PROJECT, SUBJECT } from '../js/support/circleci.js';
import { missing } from '../js/support/programs.js';
import { SECRET } from '../js/support/secrets.js';
import { HOSTILE, hostileSession, quoted, ROLE, SESSION } from '../js/support/shell-job.js';

const parallel = { concurrency: 2 };
const withAws = { concurrency: 2, skip: missing('aws') };
const REGION = 'eu-north-1';

describe('hand-over', withAws, () => {
	test('a profile that the next step’s tools read, and nothing secret anywhere else', async (t) => {
		const job = await CircleJob.start(t);
		const first = await job.step(`${job.assume()}\nprintenv AWS_PROFILE && exit 9 || true`);
		assert.equal(first.exitCode, 0, first.log);
		const second = await job.step('who next; printenv AWS_PROFILE');
		assert.equal(second.exitCode, 0, second.log);
		assert.equal(second.log, 'ci-assume-role\n');
		assert.deepEqual(job.found('next'), [...SESSION, REGION]);
		assert.deepEqual(job.left().sort(), ['config 600', 'credentials 600']);
		assert.doesNotMatch(job.bashEnv(), new RegExp(SECRET), 'the file that every step reads');
		const [{ RoleArn, RoleSessionName } = assert.fail()] = job.exchanged();
		assert.deepEqual([RoleArn, RoleSessionName], [ROLE, 'build-and-deploy']);
	});

	test('a step that reads the file itself has them at once', async (t) => {
		const job = await CircleJob.start(t);
		const ran = await job.step(
			`${job.assume('--profile', 'release')}\nsource "$BASH_ENV"\nwho here; who named release`,
		);
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(job.found('here'), [...SESSION, REGION]);
		assert.deepEqual(job.found('named'), [...SESSION, REGION]);
	});

	test('variables, when they are asked for', async (t) => {
		const job = await CircleJob.start(t);
		await job.step(job.assume('--hand-over', 'env'));
		const ran = await job.step('who next; printenv AWS_REGION AWS_DEFAULT_REGION');
		assert.equal(ran.log, `${REGION}\n${REGION}\n`);
		assert.deepEqual(job.found('next'), [...SESSION, REGION]);
		assert.deepEqual(job.left(), []);
	});

	test('over stored keys of a context, which would win otherwise', async (t) => {
		const job = await CircleJob.start(t);
		job.context = { AWS_ACCESS_KEY_ID: 'AKIAEARLIEREARLIER00', AWS_SECRET_ACCESS_KEY: 'earlier-secret-of-the-context' };
		await job.step(job.assume());
		const ran = await job.step('who next');
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(job.found('next'), [...SESSION, REGION]);
	});

	test('two roles by two steps: each by its profile, the later one by default', async (t) => {
		const job = await CircleJob.start(t);
		const other = {
			AccessKeyId: 'ASIAEXAMPLEKEYID0002',
			SecretAccessKey: 'the-other-secret',
			SessionToken: 'the-other-token',
		};
		for (const secret of Object.values(other)) job.secrets.add(secret);
		await job.step(job.assume('--profile', 'one'));
		job.service.expect([stsAnswer(other)]);
		await job.step(job.assume('--profile', 'two'));
		const ran = await job.step('who one one; who two two; who usual');
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(job.found('one'), [...SESSION, REGION]);
		assert.deepEqual(job.found('two'), [...Object.values(other), REGION]);
		assert.deepEqual(job.found('usual'), job.found('two'));
	});

	test('two roles in one step, which reads the file in between', async (t) => {
		const job = await CircleJob.start(t);
		job.service.expect([stsAnswer(), stsAnswer()]);
		const [one, two] = ['one', 'two'].map((name) => job.assume('--profile', name));
		const ran = await job.step(`${one}\nsource "$BASH_ENV"\n${two}`);
		assert.equal(ran.exitCode, 0, ran.log);
		await job.step('who one one; who two two');
		for (const name of ['one', 'two']) assert.deepEqual(job.found(name), [...SESSION, REGION]);
	});

	for (const way of ['env', 'profile']) {
		test(`hostile credentials, by ${way}`, async (t) => {
			const job = await CircleJob.start(t);
			const session = hostileSession();
			for (const secret of Object.values(session)) job.secrets.add(secret);
			job.service.expect([stsAnswer(session)]);
			const ran = await job.step(job.assume('--hand-over', way));
			assert.ok(!fs.existsSync(job.path('evidence/pwned')));
			assert.equal(ran.exitCode, 0, ran.log);
			await job.step('who next');
			assert.deepEqual(job.found('next').slice(0, 3), Object.values(session));
			assert.ok(!fs.existsSync(job.path('evidence/pwned')));
		});
	}

	test('a path of everything that has a meaning to a shell', async (t) => {
		const job = await CircleJob.start(t);
		const tmp = job.path(`tmp/${HOSTILE.replaceAll('/', '')}`);
		fs.mkdirSync(tmp);
		const ran = await job.step(job.assume(), { TMPDIR: tmp });
		assert.equal(ran.exitCode, 0, ran.log);
		await job.step('who next; printf %s "$AWS_SHARED_CREDENTIALS_FILE" > "$EVIDENCE/path"');
		assert.deepEqual(job.found('next'), [...SESSION, REGION]);
		assert.ok(job.evidence('path').startsWith(`${tmp}/ci-assume-role-`), job.evidence('path'));
	});

	test('`set -x` shows nothing', async (t) => {
		const job = await CircleJob.start(t);
		const ran = await job.step(`set -x\n${job.assume()}\nsource "$BASH_ENV"\nwho here`);
		assert.match(ran.log, /\+\+? export AWS_PROFILE=ci-assume-role/);
		assert.deepEqual(job.found('here'), [...SESSION, REGION]);
	});
});

describe('BASH_ENV', parallel, () => {
	test('its last line has no end', async (t) => {
		const job = await CircleJob.start(t);
		fs.writeFileSync(job.path('bash env'), 'export EARLIER=kept');
		await job.step(job.assume());
		const ran = await job.step('echo "$EARLIER $AWS_PROFILE"');
		assert.equal(ran.log, 'kept ci-assume-role\n');
	});

	test('it is not there yet', async (t) => {
		const job = await CircleJob.start(t);
		fs.rmSync(job.path('bash env'));
		// Bash says that it cannot read it, before our program is started.
		await job.step(job.assume('--hand-over', 'env'));
		assert.equal((fs.statSync(job.path('bash env')).mode & 0o777).toString(8), '600');
		const ran = await job.step('echo "${#AWS_SESSION_TOKEN}"');
		assert.equal(ran.log, `${SESSION[2]?.length}\n`);
	});

	test('it is not set: what to do, and nothing left', async (t) => {
		const job = await CircleJob.start(t);
		delete job.env.BASH_ENV;
		const ran = await job.step(job.assume());
		assert.equal(ran.exitCode, 6, ran.log);
		assert.match(ran.log, /error\[hand-over-failed\]: BASH_ENV is not set/);
		assert.match(ran.log, /`shell: bash`/);
		assert.deepEqual(job.left(), []);
	});

	test('it cannot be written: nothing left', async (t) => {
		const job = await CircleJob.start(t);
		fs.rmSync(job.path('bash env'));
		fs.mkdirSync(job.path('bash env'));
		const ran = await job.step(job.assume());
		assert.equal(ran.exitCode, 6, ran.log);
		assert.match(ran.log, /error\[/);
		assert.deepEqual(job.left(), []);
	});

	test('the way out for `sh`: what is printed is evaluated', async (t) => {
		const job = await CircleJob.start(t);
		delete job.env.BASH_ENV;
		const line = `eval "$(${job.assume('--format', 'env')})"`;
		const ran = await job.shell(['sh', '-e', '-c', `${line}\nprintf %s "$AWS_SECRET_ACCESS_KEY" > "$EVIDENCE/secret"`]);
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(job.evidence('secret'), SECRET);
	});
});

describe('failures', parallel, () => {
	test('a denial is explained, with a statement that admits the job, and BASH_ENV is as it was', async (t) => {
		const job = await CircleJob.start(t);
		job.service.expect([DENIED]);
		const ran = await job.step(`${job.assume()}\necho went on`);
		assert.equal(ran.exitCode, 4, ran.log);
		assert.doesNotMatch(ran.log, /went on/);
		assert.match(ran.log, /error\[not-authorized\]/);
		assert.match(ran.log, /StringLike and `user\/\*`/);
		const provider = ISSUER.slice('https://'.length);
		const statement = JSON.parse(/^ {4}\{\n[\s\S]*?^ {4}\}$/m.exec(ran.log)?.[0] ?? 'null');
		assert.deepEqual(statement, {
			Effect: 'Allow',
			Principal: { Federated: `arn:aws:iam::123456789012:oidc-provider/${provider}` },
			Action: 'sts:AssumeRoleWithWebIdentity',
			Condition: {
				StringEquals: {
					[`${provider}:aud`]: ORGANIZATION,
					[`${provider}:oidc.circleci.com/project-id`]: PROJECT,
				},
				StringLike: {
					[`${provider}:sub`]: `${SUBJECT.replace(/[^/]+$/, '*')}/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/main`,
				},
			},
		});
		assert.equal(job.bashEnv(), '');
		assert.deepEqual(job.left(), []);
	});

	test('`eval "$(…)"` ends a step that has no credentials', async (t) => {
		const job = await CircleJob.start(t);
		job.service.expect([DENIED]);
		const ran = await job.step(`eval "$(${job.assume('--format', 'env')})"\necho went on`);
		assert.equal(ran.exitCode, 4, ran.log);
		assert.doesNotMatch(ran.log, /went on/);
	});

	test('no token, and no agent that could make one', async (t) => {
		const job = await CircleJob.start(t);
		job.token(1, null);
		job.token(2, null);
		fs.rmSync(job.path('bin/circleci'));
		job.service.expect([]);
		const ran = await job.step(job.assume());
		assert.equal(ran.exitCode, 2, ran.log);
		assert.match(ran.log, /error\[token-permission-missing\]: .*CIRCLE_OIDC_TOKEN_V2 is not set/);
		assert.match(ran.log, /pull requests from forks get no token/);
		assert.match(ran.log, /in \.circleci\/config\.yml:\n[\s\S]*- deploy:\n\s+context: aws/);
	});

	test('the agent makes none: its words, once', async (t) => {
		const job = await CircleJob.start(t);
		job.agent({ says: 'Error: this job may not have a token', exitCode: 1 });
		job.service.expect([]);
		const ran = await job.step(job.assume('--audience', 'vault'));
		assert.equal(ran.exitCode, 3, ran.log);
		assert.match(ran.log, /error\[token-request-failed\]/);
		assert.match(ran.log, /it says +Error: this job may not have a token/);
		assert.equal(job.asked().length, 1);
	});

	test('hostile words of STS cannot start a line of the log, nor reach the terminal', async (t) => {
		const job = await CircleJob.start(t);
		job.service.expect([stsError(400, 'Bad\u001b[2JCode', 'no\nexport PWNED=1\n\u001b]0;title\u0007\r::error::')]);
		const ran = await job.step(job.assume());
		assert.notEqual(ran.exitCode, 0);
		assert.doesNotMatch(ran.log, /[\u001b\u0007\r]|^export PWNED|^::error/m);
	});

	test('hostile claims', async (t) => {
		const job = await CircleJob.start(t);
		const ref = 'refs/heads/x"; touch "$EVIDENCE/pwned"; \u001b[31m`id`\n## heading';
		job.token(2, { 'oidc.circleci.com/vcs-ref': ref, sub: `${SUBJECT}/vcs-origin/h/vcs-ref/${ref}` });
		job.service.expect([DENIED]);
		const ran = await job.step(job.assume());
		assert.equal(ran.exitCode, 4, ran.log);
		assert.doesNotMatch(ran.log, /\u001b|^## heading/m);
		assert.ok(!fs.existsSync(job.path('evidence/pwned')));
	});

	test('all mistakes at once, before any request', async (t) => {
		const job = await CircleJob.start(t);
		job.service.expect([]);
		const ran = await job.step(
			'ci-assume-role assume --role-arn arn:aws:iam::1:role/x --region nowhere! --duration 5y',
		);
		assert.equal(ran.exitCode, 2, ran.log);
		for (const flag of ['--role-arn', '--region', '--duration']) assert.match(ran.log, new RegExp(`error.*${flag}`));
		assert.deepEqual(job.exchanged(), []);
	});
});

describe('the token', parallel, () => {
	const sent = (/** @type {CircleJob} */ job) => {
		const [{ WebIdentityToken = '' } = {}] = job.exchanged();
		return JSON.parse(`${Buffer.from(WebIdentityToken.split('.')[1] ?? '', 'base64url')}`);
	};

	test('V2 is taken when both are there', async (t) => {
		const job = await CircleJob.start(t);
		await job.step(job.assume());
		assert.match(sent(job).sub, /vcs-ref\/refs\/heads\/main$/);
		assert.deepEqual(job.asked(), [], 'the one of the job will do');
	});

	test('V1, where there is no V2', async (t) => {
		const job = await CircleJob.start(t);
		job.token(2, null);
		const ran = await job.step(job.assume());
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(sent(job).sub, SUBJECT);
	});

	test('an audience: by the agent, with nothing else on its command line', async (t) => {
		const job = await CircleJob.start(t);
		const audience = 'my"own"$audience';
		const ran = await job.step(job.assume('--audience', audience));
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(job.evidence('circleci.argv').trimEnd().split('\n'), [
			...['run', 'oidc', 'get', '--claims'],
			JSON.stringify({ aud: audience }),
		]);
		assert.equal(sent(job).aud, audience);
	});

	test('it has ended: the agent makes another one', async (t) => {
		const job = await CircleJob.start(t);
		const now = Math.floor(Date.now() / 1000);
		for (const version of /** @type {const} */ ([1, 2])) job.token(version, { iat: now - 3700, exp: now - 100 });
		const ran = await job.step(job.assume());
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(job.asked(), [{ aud: ORGANIZATION }]);
		assert.equal(sent(job).jti, 'minted');
	});

	test('a passing error of STS, which CircleCI’s own orb gives up at', async (t) => {
		const job = await CircleJob.start(t);
		const passing = stsError(
			400,
			'InvalidIdentityToken',
			"Couldn't retrieve verification key from your identity provider",
		);
		job.service.expect([passing, stsAnswer()]);
		const ran = await job.step(job.assume());
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(job.exchanged().length, 2);
	});
});

describe('long jobs', withAws, () => {
	const soon = (/** @type {number} */ seconds) =>
		`${new Date(Date.now() + seconds * 1000).toISOString().slice(0, 19)}Z`;

	test('`process`: tools get fresh credentials by themselves, with a token that was made for it', async (t) => {
		const job = await CircleJob.start(t);
		job.service.expect([stsAnswer({ Expiration: soon(30) })]);
		const first = await job.step(job.assume('--hand-over', 'process'));
		assert.equal(first.exitCode, 0, first.log);
		const now = Math.floor(Date.now() / 1000);
		for (const version of /** @type {const} */ ([1, 2])) job.token(version, { iat: now - 3700, exp: now - 100 });
		job.service.expect([stsAnswer()]);
		const ran = await job.step('who fresh; who cached');
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(job.found('fresh'), [...SESSION, REGION]);
		assert.deepEqual(job.found('cached'), [...SESSION, REGION]);
		assert.deepEqual(job.asked(), [{ aud: ORGANIZATION }]);
		const [{ RoleArn, RoleSessionName } = {}, more] = job.exchanged();
		assert.deepEqual([RoleArn, RoleSessionName, more], [ROLE, 'build-and-deploy', undefined]);
		for (const file of job.left()) assert.match(file, / 600$/);
	});

	test('options of the first call hold for the later ones', async (t) => {
		const job = await CircleJob.start(t);
		job.service.expect([stsAnswer({ Expiration: soon(30) })]);
		const options = ['--audience', 'vault', '--session-name', 'of-mine', '--duration', '15m', '--hand-over', 'process'];
		await job.step(job.assume(...options));
		job.service.expect([stsAnswer()]);
		const ran = await job.step('who fresh');
		assert.equal(ran.exitCode, 0, ran.log);
		const [{ RoleSessionName, DurationSeconds } = {}] = job.exchanged();
		assert.deepEqual([RoleSessionName, DurationSeconds], ['of-mine', '900']);
		assert.deepEqual(job.asked(), [{ aud: 'vault' }, { aud: 'vault' }]);
	});

	test('a denial later: the reason is what the AWS tool shows', async (t) => {
		const job = await CircleJob.start(t);
		job.service.expect([stsAnswer({ Expiration: soon(30) })]);
		await job.step(job.assume('--hand-over', 'process'));
		job.service.expect([DENIED]);
		const ran = await job.step('who fresh');
		assert.notEqual(ran.exitCode, 0);
		assert.match(ran.log, /error\[not-authorized\]/);
	});
});

test('only variables of contexts are hidden, so that nothing may rely on it', async (t) => {
	const job = await CircleJob.start(t);
	job.context = { OWN: 'from-a-context', ABC: 'abc' };
	const ran = await job.step(`echo ${quoted('from-a-context')} "$ABC" other`);
	assert.equal(ran.log, '**** abc other\n');
});
