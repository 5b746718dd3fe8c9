// The pipe: its entry as Bitbucket starts it, and then the step's script, which sees the same clone.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { yaml } from '../circleci/orb.js';
import { DENIED, stsAnswer } from '../js/support/answers.js';
import { BitbucketStep } from '../js/support/bitbucket.js';
import { ROOT } from '../js/support/child.js';
import { missing } from '../js/support/programs.js';
import { quoted, ROLE, SESSION } from '../js/support/shell-job.js';

const parallel = { concurrency: 2, skip: missing('aws') };
const REGION = 'eu-north-1';
const FILE = '.ci-assume-role-env';

/** The files of the image, put together as pipe/Dockerfile says; there need be no engine for that. */
const image = fs.mkdtempSync(join(tmpdir(), 'image-'));
after(() => fs.rmSync(image, { recursive: true, force: true }));
const recipe = fs.readFileSync(`${ROOT}/pipe/Dockerfile`, 'utf8');
for (const [, from = '', to = ''] of recipe.matchAll(/^COPY (\S+) (\S+)$/gm)) {
	fs.cpSync(join(ROOT, from), join(image, to.endsWith('/') ? join(to, from) : to), { recursive: true });
}
/** @type {string[]} */
const ENTRY = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(recipe)?.[1] ?? '[]');

/**
 * A pipe is a container beside the step's: of the step's environment it has Bitbucket's own variables, the token among
 * them, and those that are listed under `variables:`.
 * @param {BitbucketStep} step
 * @param {Record<string, string>} variables
 */
function pipe(step, variables) {
	const given = { ROLE_ARN: ROLE, AWS_DEFAULT_REGION: REGION, STS_ENDPOINT: step.service.base, ...variables };
	const [shell = '', script = ''] = ENTRY;
	return step.shell([shell, join(image, script)], { ...given, CI_ASSUME_ROLE_HOME: join(image, 'ci-assume-role') });
}

describe('the pipe', parallel, () => {
	for (const shell of ['bash', 'dash']) {
		test(`a file that the next line reads, and that is gone then, in ${shell}`, async (t) => {
			const step = await BitbucketStep.start(t);
			const ran = await pipe(step, {});
			assert.equal(ran.exitCode, 0, ran.log);
			const mode = fs.statSync(step.path(`clone/${FILE}`)).mode & 0o777;
			assert.equal(mode.toString(8), '600');
			const next = await step.script([`. ./${FILE}`, 'who next', 'printenv AWS_REGION'], shell);
			assert.equal(next.exitCode, 0, next.log);
			assert.deepEqual(step.found('next'), [...SESSION, REGION]);
			assert.deepEqual(step.inClone(), []);
		});
	}

	test('every variable arrives, lists as Bitbucket hands them over', async (t) => {
		const step = await BitbucketStep.start(t);
		step.oidc({ aud: 'vault' });
		const policy = '{"Version":"2012-10-17","Statement":[]}';
		const ran = await pipe(step, {
			SESSION_NAME: 'mine',
			DURATION: '900',
			AUDIENCE: 'vault',
			POLICY: policy,
			ALLOWED_ACCOUNT_ID_COUNT: '2',
			ALLOWED_ACCOUNT_ID_0: '210987654321',
			ALLOWED_ACCOUNT_ID_1: '123456789012',
			POLICY_ARN_COUNT: '2',
			POLICY_ARN_0: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
			POLICY_ARN_1: 'arn:aws:iam::aws:policy/SecurityAudit',
			OUTPUT: "it's here",
		});
		assert.equal(ran.exitCode, 0, ran.log);
		const [form = assert.fail()] = step.exchanged();
		assert.deepEqual([form.RoleSessionName, form.DurationSeconds, form.Policy], ['mine', '900', policy]);
		assert.equal(form['PolicyArns.member.2.arn'], 'arn:aws:iam::aws:policy/SecurityAudit');
		const next = await step.script([`. ./${quoted("it's here")}`, 'who next']);
		assert.equal(next.exitCode, 0, next.log);
		assert.deepEqual(step.inClone(), []);
	});

	test('one account where several could be is a list of one, and not as good as none', async (t) => {
		const step = await BitbucketStep.start(t);
		const other = await pipe(step, { ALLOWED_ACCOUNT_ID: '210987654321' });
		assert.match(other.log, /error\[account-not-allowed\]/);
		assert.deepEqual(step.inClone(), []);
		step.service.expect([stsAnswer()]);
		const own = await pipe(step, { ALLOWED_ACCOUNT_ID: '123456789012', POLICY_ARN: '[]' });
		assert.equal(own.exitCode, 0, own.log);
	});

	test('the region by either name', async (t) => {
		const step = await BitbucketStep.start(t);
		const ran = await pipe(step, { AWS_DEFAULT_REGION: 'us-west-2', REGION: 'eu-north-1' });
		assert.equal(ran.exitCode, 0, ran.log);
		const next = await step.script([`. ./${FILE}`, 'echo "$AWS_REGION"']);
		assert.match(next.log, /eu-north-1/);
	});

	test('the role by the name that Atlassian’s pipes have for it', async (t) => {
		const step = await BitbucketStep.start(t);
		const ran = await pipe(step, { ROLE_ARN: '', AWS_OIDC_ROLE_ARN: ROLE });
		assert.equal(ran.exitCode, 0, ran.log);
	});

	test('denied: the step ends, and no file is there, not even an old one', async (t) => {
		const step = await BitbucketStep.start(t);
		fs.writeFileSync(step.path(`clone/${FILE}`), 'export AWS_ACCESS_KEY_ID=old\n');
		step.service.expect([DENIED]);
		const ran = await pipe(step, {});
		assert.equal(ran.exitCode, 4, ran.log);
		assert.match(ran.log, /error\[not-authorized\]/);
		assert.deepEqual(step.inClone(), []);
	});

	test('no token, and stored keys beside it: they are not used', async (t) => {
		const step = await BitbucketStep.start(t);
		step.oidc(null);
		step.service.expect([]);
		const ran = await pipe(step, { AWS_ACCESS_KEY_ID: 'AKIAEARLIEREARLIER00', AWS_SECRET_ACCESS_KEY: 'stored-secret' });
		assert.equal(ran.exitCode, 2, ran.log);
		assert.match(ran.log, /oidc: true/);
		assert.deepEqual(step.inClone(), []);
	});

	test('hostile variables are values, and no more', async (t) => {
		const step = await BitbucketStep.start(t);
		step.service.expect([]);
		const text = `x'"; touch "$EVIDENCE/pwned"; $(touch "$EVIDENCE/pwned")\`touch "$EVIDENCE/pwned"\``;
		for (const name of ['ROLE_ARN', 'AWS_DEFAULT_REGION', 'SESSION_NAME', 'DURATION', 'POLICY', 'POLICY_ARN_0']) {
			const ran = await pipe(step, { [name]: text, POLICY_ARN_COUNT: '1' });
			assert.notEqual(ran.exitCode, 0, `${name}: ${ran.log}`);
		}
		assert.ok(!fs.existsSync(step.path('evidence/pwned')));
	});

	test('the image has nothing but what it runs, and the recipe no other instruction', () => {
		assert.deepEqual(fs.readdirSync(image).sort(), ['ci-assume-role', 'pipe.sh']);
		assert.deepEqual(fs.readdirSync(join(image, 'ci-assume-role')).sort(), ['js', 'package.json', 'pkg']);
		const instructions = [...recipe.matchAll(/^([A-Z]+) /gm)].map(([, instruction]) => instruction);
		assert.deepEqual(instructions, ['FROM', 'COPY', 'COPY', 'COPY', 'COPY', 'ENTRYPOINT']);
	});

	test('pipe.yml lists the variables that the entry reads', () => {
		const { variables } = yaml('pipe/pipe.yml');
		const entry = fs.readFileSync(`${ROOT}/pipe/pipe.sh`, 'utf8');
		for (const { name } of variables) assert.match(entry, new RegExp(`\\b${name}\\b`));
	});
});
