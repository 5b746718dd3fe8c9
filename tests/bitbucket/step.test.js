// The command line in a step of Bitbucket Pipelines, by the stand-in of tests/js/support/bitbucket.js.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer, stsError } from '../js/support/answers.js';
import { AUDIENCE, BitbucketStep, ENVIRONMENT, ISSUER, REPOSITORY } from '../js/support/bitbucket.js';
import { missing } from '../js/support/programs.js';
import { assertNoSecret } from '../js/support/secrets.js';
import { HOSTILE, hostileSession, ROLE, SESSION } from '../js/support/shell-job.js';

const parallel = { concurrency: 2 };
const withAws = { concurrency: 2, skip: missing('aws') };
const REGION = 'eu-north-1';
const here = (/** @type {string} */ command) => `eval "$(${command})"`;

describe('hand-over', withAws, () => {
	for (const shell of ['bash', 'dash']) {
		for (const [way, ...args] of [['profile'], ['env', '--hand-over', 'env'], ['a name', '--profile', 'release']]) {
			test(`${way}: the lines after it, in ${shell}`, async (t) => {
				const step = await BitbucketStep.start(t);
				const ran = await step.script([here(step.assume(...args)), 'who next', 'printenv AWS_REGION'], shell);
				assert.equal(ran.exitCode, 0, ran.log);
				assert.deepEqual(step.found('next'), [...SESSION, REGION]);
				assert.deepEqual(step.left().sort(), way === 'env' ? [] : ['config 600', 'credentials 600']);
				assert.deepEqual(step.inClone(), []);
				const [{ RoleArn, RoleSessionName } = assert.fail()] = step.exchanged();
				assert.deepEqual([RoleArn, RoleSessionName], [ROLE, 'bitbucket-42-api']);
			});
		}
	}

	for (const args of [[], ['--hand-over', 'env'], ['--hand-over', 'process']]) {
		test(`nothing secret is printed, even if nobody evaluates it: ${args.join(' ') || 'as usual'}`, async (t) => {
			const step = await BitbucketStep.start(t);
			const ran = await step.script([step.assume(...args)]);
			assert.equal(ran.exitCode, 0, ran.log);
			assertNoSecret(ran.log, SESSION, 'the log');
			for (const file of step.left()) assert.match(file, / 600$/);
		});

		test(`nor by \`set -x\`: ${args.join(' ') || 'as usual'}`, async (t) => {
			const step = await BitbucketStep.start(t);
			const ran = await step.script(['set -x', here(step.assume(...args)), 'who next', 'echo still traced']);
			assert.equal(ran.exitCode, 0, ran.log);
			assert.match(ran.log, /^\+ echo still traced$/m, 'tracing is on again');
			assert.deepEqual(step.found('next'), [...SESSION, REGION]);
		});
	}

	test('over stored keys of the repository, which would win otherwise', async (t) => {
		const step = await BitbucketStep.start(t);
		step.secured = { AWS_ACCESS_KEY_ID: 'AKIAEARLIEREARLIER00', AWS_SECRET_ACCESS_KEY: 'earlier-secret' };
		const ran = await step.script([here(step.assume()), 'who next']);
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(step.found('next'), [...SESSION, REGION]);
	});

	test('two roles, each by its profile, the later one by default', async (t) => {
		const step = await BitbucketStep.start(t);
		const other = {
			AccessKeyId: 'ASIAEXAMPLEKEYID0002',
			SecretAccessKey: 'the-other-secret',
			SessionToken: 'the-other-token',
		};
		for (const secret of Object.values(other)) step.secrets.add(secret);
		step.service.expect([stsAnswer(), stsAnswer(other)]);
		const assumed = ['one', 'two'].map((name) => here(step.assume('--profile', name)));
		const ran = await step.script([...assumed, 'who one one', 'who two two', 'who usual']);
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(step.found('one'), [...SESSION, REGION]);
		assert.deepEqual(step.found('two'), [...Object.values(other), REGION]);
		assert.deepEqual(step.found('usual'), step.found('two'));
	});

	for (const way of ['env', 'profile']) {
		test(`hostile credentials, by ${way}`, async (t) => {
			const step = await BitbucketStep.start(t);
			const session = hostileSession();
			for (const secret of Object.values(session)) step.secrets.add(secret);
			step.service.expect([stsAnswer(session)]);
			const ran = await step.script([here(step.assume('--hand-over', way)), 'who next']);
			assert.equal(ran.exitCode, 0, ran.log);
			assert.deepEqual(step.found('next').slice(0, 3), Object.values(session));
			assert.ok(!fs.existsSync(step.path('evidence/pwned')));
		});

		test(`a path of everything that has a meaning to a shell, by ${way}`, async (t) => {
			const step = await BitbucketStep.start(t);
			const tmp = step.path(`tmp/${HOSTILE.replaceAll('/', '')}`);
			fs.mkdirSync(tmp);
			step.env.TMPDIR = tmp;
			const ran = await step.script([here(step.assume('--hand-over', way)), 'who next'], 'dash');
			assert.equal(ran.exitCode, 0, ran.log);
			assert.deepEqual(step.found('next'), [...SESSION, REGION]);
			assert.equal(fs.readdirSync(tmp).length, way === 'env' ? 0 : 2);
		});
	}

	test('one command that has them, and no other', async (t) => {
		const step = await BitbucketStep.start(t);
		const exec = step.assume('--hand-over', 'env').replace(' assume ', ' exec ');
		const ran = await step.script([`${exec} -- who child`, 'printenv AWS_SESSION_TOKEN AWS_PROFILE || echo none']);
		assert.equal(ran.exitCode, 0, ran.log);
		assert.match(ran.log, /^none$/m);
		assert.deepEqual(step.found('child'), [...SESSION, REGION]);
	});
});

describe('failures', parallel, () => {
	test('the step has no `oidc: true`: exactly that line', async (t) => {
		const step = await BitbucketStep.start(t);
		step.oidc(null);
		step.service.expect([]);
		const ran = await step.script([here(step.assume()), 'echo went on']);
		assert.equal(ran.exitCode, 2, ran.log);
		assert.doesNotMatch(ran.log, /^went on/m);
		assert.match(ran.log, /error\[token-permission-missing\]: .*BITBUCKET_STEP_OIDC_TOKEN is not set/);
		const pasted = ['- step:', '    oidc: true', '    script:', '      - eval "$(npx --yes github:'];
		assert.ok(ran.log.includes(pasted.map((line) => `    ${line}`).join('\n')), ran.log);
	});

	for (const [what, options] of /** @type {const} */ ([
		['as usual', []],
		['by `--hand-over env`', ['--hand-over', 'env']],
		['by `--format env`', ['--format', 'env']],
	])) {
		test(`a denial ends the step: ${what}`, async (t) => {
			const step = await BitbucketStep.start(t);
			step.service.expect([DENIED]);
			const ran = await step.script([here(step.assume(...options)), 'echo went on']);
			assert.equal(ran.exitCode, 4, ran.log);
			assert.doesNotMatch(ran.log, /^went on/m);
			assert.deepEqual(step.left(), []);
		});
	}

	test('a denial is explained, with a statement that admits the next run as well', async (t) => {
		const step = await BitbucketStep.start(t);
		step.service.expect([DENIED]);
		const ran = await step.script([here(step.assume())]);
		assert.match(ran.log, /another one in every run/);
		assert.match(ran.log, /without their braces/);
		assert.match(ran.log, /this step has no `deployment:`/);
		const provider = ISSUER.slice('https://'.length);
		const statement = JSON.parse(/^ {4}\{\n[\s\S]*?^ {4}\}$/m.exec(ran.log)?.[0] ?? 'null');
		assert.deepEqual(statement, {
			Effect: 'Allow',
			Principal: { Federated: `arn:aws:iam::123456789012:oidc-provider/${provider}` },
			Action: 'sts:AssumeRoleWithWebIdentity',
			Condition: {
				StringEquals: { [`${provider}:aud`]: AUDIENCE },
				StringLike: { [`${provider}:sub`]: `${REPOSITORY}:*` },
			},
		});
	});

	test('the same with a deployment, whose id is pinned', async (t) => {
		const step = await BitbucketStep.start(t);
		step.deployment();
		step.service.expect([DENIED]);
		const ran = await step.script([here(step.assume())]);
		assert.ok(ran.log.includes(`:sub": "${REPOSITORY}:${ENVIRONMENT}:*"`), ran.log);
		assert.match(ran.log, /the step has a `deployment:`/);
	});

	test('hostile words of STS', async (t) => {
		const step = await BitbucketStep.start(t);
		step.service.expect([stsError(400, 'Bad\u001b[2JCode', 'no\n$(touch "$EVIDENCE/pwned")\n\u001b]0;title\u0007\r')]);
		const ran = await step.script([here(step.assume()), 'echo went on']);
		assert.notEqual(ran.exitCode, 0);
		assert.doesNotMatch(ran.log, /[\u001b\u0007\r]|^went on/m);
		assert.ok(!fs.existsSync(step.path('evidence/pwned')));
	});

	test('hostile claims', async (t) => {
		const step = await BitbucketStep.start(t);
		step.oidc({ branchName: 'x"; touch "$EVIDENCE/pwned"; \u001b[31m`id`\n+ heading' });
		step.service.expect([DENIED]);
		const ran = await step.script([here(step.assume())]);
		assert.equal(ran.exitCode, 4, ran.log);
		assert.doesNotMatch(ran.log, /\u001b|^\+ heading/m);
		assert.ok(!fs.existsSync(step.path('evidence/pwned')));
	});
});

describe('the token', parallel, () => {
	test('the audience that the step asks for', async (t) => {
		const step = await BitbucketStep.start(t);
		step.oidc({ aud: 'sts.amazonaws.com' });
		const ran = await step.script([here(step.assume('--audience', 'sts.amazonaws.com'))]);
		assert.equal(ran.exitCode, 0, ran.log);
	});

	test('another one than the token has: what to write, and no request', async (t) => {
		const step = await BitbucketStep.start(t);
		step.service.expect([]);
		const ran = await step.script([here(step.assume('--audience', 'sts.amazonaws.com'))]);
		assert.equal(ran.exitCode, 3, ran.log);
		assert.match(ran.log, /error\[audience-mismatch\]/);
		assert.deepEqual(step.exchanged(), []);
	});

	test('several audiences, with which AWS refuses every token', async (t) => {
		const step = await BitbucketStep.start(t);
		step.oidc({ aud: ['sts.amazonaws.com', 'vault'] });
		step.service.expect([]);
		const ran = await step.script([here(step.assume())]);
		assert.equal(ran.exitCode, 3, ran.log);
		assert.match(ran.log, /error\[token-claim-invalid\].*aud/);
	});

	test('it has ended, and none can be made', async (t) => {
		const step = await BitbucketStep.start(t);
		const now = Math.floor(Date.now() / 1000);
		step.oidc({ iat: now - 7300, exp: now - 3700 });
		step.service.expect([]);
		const ran = await step.script([here(step.assume())]);
		assert.equal(ran.exitCode, 3, ran.log);
		assert.match(ran.log, /error\[token-expired\]/);
	});
});

describe('long steps', withAws, () => {
	const soon = () => `${new Date(Date.now() + 30_000).toISOString().slice(0, 19)}Z`;

	test('`process`: fresh credentials while the step’s token lasts', async (t) => {
		const step = await BitbucketStep.start(t);
		step.service.expect([stsAnswer({ Expiration: soon() }), stsAnswer()]);
		const ran = await step.script([here(step.assume('--hand-over', 'process')), 'who fresh', 'who cached']);
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual(step.found('fresh'), [...SESSION, REGION]);
		const names = step.exchanged().map(({ RoleSessionName }) => RoleSessionName);
		assert.deepEqual(names, ['bitbucket-42-api', 'bitbucket-42-api']);
	});

	test('and a reason when it has ended', async (t) => {
		const step = await BitbucketStep.start(t);
		step.service.expect([stsAnswer({ Expiration: soon() })]);
		const now = Math.floor(Date.now() / 1000);
		const valid = step.env.BITBUCKET_STEP_OIDC_TOKEN;
		step.oidc({ iat: now - 7300, exp: now - 3700 });
		const ended = step.env.BITBUCKET_STEP_OIDC_TOKEN;
		Object.assign(step.env, { BITBUCKET_STEP_OIDC_TOKEN: valid, ENDED: ended });
		const ran = await step.script([
			here(step.assume('--hand-over', 'process')),
			'export BITBUCKET_STEP_OIDC_TOKEN="$ENDED"',
			'who fresh',
		]);
		assert.notEqual(ran.exitCode, 0);
		assert.match(ran.log, /error\[token-expired\]/);
	});
});
