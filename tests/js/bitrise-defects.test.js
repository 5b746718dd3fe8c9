// What Bitrise's "Authenticate with AWS" and "Get OIDC identity token" do wrong, what their users trip over, and what
// they do right and is to stay so: one test for each, named after it. docs/migrating/bitrise.md has the table.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer, stsError } from './support/answers.js';
import { BUILD, buildTokenAnswer, EMPTY_STORE, mintForBuild, STORE, startBuild } from './support/bitrise.js';
import { find, missing } from './support/programs.js';
import { KEY_ID, REQUEST_TOKEN, SECRET, SESSION_TOKEN } from './support/secrets.js';

/** @typedef {import('./support/bitrise.js').Build} Build */
/** @typedef {Awaited<ReturnType<Build['run']>>} Step */

const CONFIGURATION = 2;
const TOKEN = 3;
const DENIED_BY_AWS = 4;
const NETWORK = 5;
const FILES = 6;
const ONCE = { max_attempts: '1' };
const suite = { concurrency: 3, skip: missing('envman') };

/**
 * @param {Build} build
 * @param {Step} step
 * @param {number} exitCode
 * @param {string} code
 */
function assertFailed(build, step, exitCode, code) {
	assert.deepEqual([step.codes, step.exitCode], [[code], exitCode], step.log);
	assert.ok(step.red.includes(`(${code})`), step.log);
	assert.equal(build.read(STORE), EMPTY_STORE);
}

/** @param {Step} step */
function assertHandedOver(step) {
	assert.equal(step.exitCode, 0, step.log);
	const values = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].map((name) =>
		step.exported.get(name),
	);
	assert.deepEqual(
		values,
		[KEY_ID, SECRET, SESSION_TOKEN].map((value) => ({ value, sensitive: true, expand: false })),
	);
}

/**
 * The fields of the form that STS was sent.
 * @param {Step} step
 */
function form(step) {
	return new URLSearchParams(step.requests.find(({ to }) => to === 'sts')?.body);
}

/**
 * A program in the place of envman.
 * @param {Build} build
 * @param {string} text
 */
function replaceEnvman(build, text) {
	const folder = join(build.temp, 'bin');
	fs.mkdirSync(folder);
	fs.writeFileSync(join(folder, 'envman'), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
	return { PATH: [folder, dirname(find('envman') ?? ''), '/usr/bin', '/bin'].join(delimiter) };
}

describe('secrets', suite, () => {
	test('when envman fails, the error has the whole command with the secret', async (t) => {
		const build = await startBuild(t);
		const env = replaceEnvman(build, 'echo "failed to run: $*" >&2; cat "$9" >&2; exit 1');
		const step = await build.run({ env });
		assertFailed(build, step, FILES, 'hand-over-failed');
		assert.match(step.log, /it says +failed to run: /, 'what envman says is told, without the secret');
	});

	test('verbose prints the answer with the whole token', async (t) => {
		const build = await startBuild(t, { env: { verbose: 'true' } });
		const step = await build.run();
		assertHandedOver(step);
		assert.match(step.log, /verbose: Bitrise answered 200/);
		assert.match(step.log, /verbose: claim sub: app:0a1b2c3d4e5f6071:workflow:deploy/);
	});

	test('BITRISE_IDENTITY_TOKEN is not marked as sensitive', async (t) => {
		const build = await startBuild(t, { env: { role_arn: '', export_identity_token: 'true' } });
		const step = await build.run({ answers: [buildTokenAnswer(build.token)] });
		assert.equal(step.exitCode, 0, step.log);
		assert.deepEqual(Object.fromEntries(step.exported), {
			BITRISE_IDENTITY_TOKEN: { value: build.token, sensitive: true, expand: false },
		});
	});

	test('secrets are among the arguments of envman, and expanded by later steps', async (t) => {
		const build = await startBuild(t);
		const seen = join(build.temp, 'seen');
		const env = replaceEnvman(
			build,
			`echo "$@" >> '${seen}'; stat -c %a "$9" >> '${seen}'; exec '${find('envman')}' "$@"`,
		);
		assertHandedOver(await build.run({ env }));
		const text = fs.readFileSync(seen, 'utf8');
		for (const secret of build.secrets) assert.ok(!text.includes(secret));
		assert.equal(text.match(/--no-expand --sensitive\n600\n/g)?.length, 3, text);
	});

	test('envman reads nothing from what Node gives it as standard input, and exports an empty value', async (t) => {
		const build = await startBuild(t);
		const step = await build.run();
		assertHandedOver(step);
		for (const [name, { value }] of step.exported) assert.notEqual(value, '', name);
	});

	test('with LOGLEVEL=debug, envman prints every value', async (t) => {
		const build = await startBuild(t, { env: { LOGLEVEL: 'debug', DEBUG: 'true' } });
		const env = replaceEnvman(build, `'${find('envman')}' "$@" > '${build.temp}/said' 2>&1`);
		assertHandedOver(await build.run({ env }));
		assert.equal(build.read('said'), '');
	});

	test('values lie about in files', async (t) => {
		const build = await startBuild(t);
		assertHandedOver(await build.run());
		const files = [...build.files()].filter(([, text]) => text.includes(SECRET)).map(([path]) => path);
		assert.deepEqual(files, [STORE]);
		assert.equal(fs.statSync(build.path(STORE)).mode & 0o777, 0o600);
	});
});

describe('inputs', suite, () => {
	test('an empty session name is sent as it is, although a default is promised', async (t) => {
		const build = await startBuild(t, { env: { session_name: '' } });
		assert.equal(form(await build.run()).get('RoleSessionName'), 'bitrise-7');
		const odd = await startBuild(t, { env: { session_name: '', BITRISE_BUILD_NUMBER: '7 / main' } });
		assert.equal(form(await odd.run()).get('RoleSessionName'), 'bitrise-7main');
	});

	test('outside of a build, the default session name ends in a dash', async (t) => {
		const build = await startBuild(t, { env: { session_name: 'bitrise-', BITRISE_BUILD_NUMBER: null } });
		assertHandedOver(await build.run());
	});

	test('audience has no default', async (t) => {
		const build = await startBuild(t, { env: { audience: '' } });
		const step = await build.run();
		assert.equal(JSON.parse(step.requests[0]?.body ?? '').aud, 'sts.amazonaws.com');
	});

	test('a missing role is told as "no valid method"', async (t) => {
		const build = await startBuild(t, { env: { role_arn: '' } });
		const step = await build.run({ answers: [] });
		assertFailed(build, step, CONFIGURATION, 'option-missing');
		assert.match(step.red, /^`role_arn` is not set/);
	});

	test('the ARN of the identity provider is sent as the role', async (t) => {
		const arn = 'arn:aws:iam::123456789012:oidc-provider/token.builds.bitrise.io';
		const build = await startBuild(t, { env: { role_arn: arn } });
		const step = await build.run({ answers: [] });
		assertFailed(build, step, CONFIGURATION, 'option-invalid');
		assert.match(step.red, /identity provider; it takes the role that trusts that provider/);
	});

	test('half of a stored key is ignored', async (t) => {
		for (const env of [
			{ access_key_id: 'AKIAIOSFODNN7EXAMPLE' },
			{ secret_access_key: 'a-stored-secret-of-the-workspace' },
		]) {
			const build = await startBuild(t, { env, secrets: Object.values(env) });
			assertFailed(build, await build.run({ answers: [] }), CONFIGURATION, 'option-missing');
		}
	});

	test('a stored key is exported without a look at it, and that is called a success', async (t) => {
		const key = { access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 'a-stored-secret-of-the-workspace' };
		const build = await startBuild(t, { env: { ...key, role_arn: '' }, secrets: Object.values(key) });
		const unknown = stsError(403, 'InvalidClientTokenId', 'The security token included in the request is invalid.');
		assertFailed(build, await build.run({ answers: [unknown] }), CONFIGURATION, 'credentials-refused');
		const swapped = { access_key_id: key.secret_access_key, secret_access_key: key.access_key_id };
		const slip = await startBuild(t, { env: { ...swapped, role_arn: '' }, secrets: Object.values(key) });
		assertFailed(slip, await slip.run({ answers: [unknown] }), CONFIGURATION, 'credentials-refused');
	});

	test('the CLI checks neither what is required nor what is allowed, so the step has to', async (t) => {
		for (const [name, value] of [
			['docker_login', 'yes'],
			['verbose', '1'],
			['export_region', 'on'],
			['hand_over', 'files'],
			['duration', '0'],
			['duration', '1d'],
			['policy', '[]'],
			['policy_arn', 'ReadOnlyAccess'],
			['allowed_account_id', 'prod'],
			['prefix', 'a-b'],
			['region', 'N. Virginia'],
			['role_arn', '$ROLE_ARN'],
			['sts_endpoint', 'http://sts.example.com'],
			['build_url', 'http://builds.example.com/build/1'],
			['max_attempts', 'many'],
			['audience', '$AUDIENCE'],
		]) {
			const build = await startBuild(t, { env: { [name ?? '']: value ?? '' } });
			assertFailed(build, await build.run({ answers: [] }), CONFIGURATION, 'option-invalid');
		}
	});

	test('session policies are not there, nor a duration', async (t) => {
		const build = await startBuild(t, {
			env: { duration: '1h30m', policy: '{}', policy_arn: 'arn:aws:iam::aws:policy/A' },
		});
		const sent = form(await build.run());
		assert.deepEqual(
			['DurationSeconds', 'Policy', 'PolicyArns.member.1.arn'].map((name) => sent.get(name)),
			['5400', '{}', 'arn:aws:iam::aws:policy/A'],
		);
	});
});

describe('the environment', suite, () => {
	test('settings of the AWS SDK break the step', async (t) => {
		const build = await startBuild(t, {
			env: {
				AWS_PROFILE: 'nowhere',
				AWS_CONFIG_FILE: '/nowhere',
				AWS_ACCESS_KEY_ID: 'AKIAEARLIER',
				AWS_REGION: 'mars',
			},
		});
		const step = await build.run();
		assertHandedOver(step);
		assert.equal(step.exported.get('AWS_PROFILE'), undefined, 'an empty AWS_PROFILE would break all tools');
	});

	test('AWS_ENDPOINT_URL sends the token to any host', async (t) => {
		const build = await startBuild(t, { env: { sts_endpoint: '', AWS_ENDPOINT_URL: '{base}' } });
		assertFailed(build, await build.run({ answers: [] }), CONFIGURATION, 'endpoint-not-allowed');
	});

	test('no region is exported, and tools then guess a wrong one', async (t) => {
		const build = await startBuild(t);
		const step = await build.run();
		assertHandedOver(step);
		assert.match(step.log, /note: later steps are told of no region; `export_region: true` would hand us-east-1 over/);
		const told = await startBuild(t, { env: { export_region: 'true', region: 'eu-west-1' } });
		const { exported } = await told.run();
		assert.deepEqual(exported.get('AWS_REGION'), { value: 'eu-west-1', sensitive: false, expand: false });
		assert.equal(exported.get('AWS_DEFAULT_REGION')?.value, 'eu-west-1');
		const set = await startBuild(t, { env: { AWS_DEFAULT_REGION: 'eu-north-1' } });
		const kept = await set.run();
		assert.equal(kept.exported.get('AWS_DEFAULT_REGION'), undefined, 'a region that the build has set stays');
		assert.doesNotMatch(kept.log, /told of no region/);
	});

	test('credentials of another account that are there already stay beside the new ones', async (t) => {
		const build = await startBuild(t, { env: { AWS_SECURITY_TOKEN: 'earlier', AWS_SESSION_TOKEN: 'earlier-token' } });
		const step = await build.run();
		assertHandedOver(step);
		assert.equal(step.exported.get('AWS_SECURITY_TOKEN')?.value, '');
	});
});

describe('the token service', suite, () => {
	test('it is asked as its own steps ask', async (t) => {
		const build = await startBuild(t);
		const [request] = (await build.run()).requests;
		assert.deepEqual([request?.method, request?.url], ['POST', `${BUILD}/id_token.json`]);
		const headers = new Map(request?.headers.map(([name, value]) => [name.toLowerCase(), value]));
		assert.equal(headers.get('authorization'), REQUEST_TOKEN, 'without Bearer');
		assert.equal(headers.get('build_api_token'), REQUEST_TOKEN);
		assert.equal(headers.get('content-type'), 'application/json; charset=UTF-8');
		assert.deepEqual(JSON.parse(request?.body ?? ''), { sub: '', aud: 'sts.amazonaws.com' });
	});

	test('a slash at the end of build_url makes two in the address', async (t) => {
		const build = await startBuild(t, { env: { build_url: `{base}${BUILD}/` } });
		assert.equal((await build.run()).requests[0]?.url, `${BUILD}/id_token.json`);
	});

	test('any status from 200 to 299 is a success', async (t) => {
		const build = await startBuild(t);
		assertHandedOver(await build.run({ answers: [{ ...buildTokenAnswer(build.token), status: 201 }, stsAnswer()] }));
	});

	test('an empty token goes to STS', async (t) => {
		for (const body of ['{}', '{"id_token":""}', '{"id_token":" "}', '{"id_token":7}', '[]', 'null']) {
			const build = await startBuild(t);
			assertFailed(build, await build.run({ answers: [{ to: 'token', body }] }), TOKEN, 'token-answer-invalid');
		}
	});

	test('what is no JSON is told as a release that was created', async (t) => {
		const build = await startBuild(t);
		const step = await build.run({ answers: [{ to: 'token', contentType: 'text/html', body: '<html>Log in</html>' }] });
		assertFailed(build, step, TOKEN, 'token-answer-invalid');
		assert.match(step.red, /answered without a token/);
		assert.doesNotMatch(step.log, /release|Log in/);
	});

	test('lines of a log get into the token, which AWS then cannot read', async (t) => {
		const token = mintForBuild();
		const build = await startBuild(t, { env: { identity_token: `fetching a token\n${token}` }, secrets: [token] });
		const step = await build.run({ answers: [] });
		assert.deepEqual([step.exitCode, step.codes], [TOKEN, ['token-malformed']]);
	});

	test('how long the token lasts is not told', async (t) => {
		const build = await startBuild(t);
		assert.match((await build.run()).log, /token lasts 10 min, says Bitrise/);
	});

	test('connection errors, 429 and 5xx are tried again, with 501 and 4xx it ends at once', async (t) => {
		for (const status of [429, 500, 503]) {
			const build = await startBuild(t);
			assertHandedOver(
				await build.run({ answers: [{ to: 'token', status, body: '{}' }, buildTokenAnswer(build.token), stsAnswer()] }),
			);
		}
		const reset = await startBuild(t);
		const play = (/** @type {unknown} */ _, /** @type {import('node:net').Socket} */ socket) =>
			socket.resetAndDestroy();
		assertHandedOver(await reset.run({ answers: [{ to: 'token', play }, buildTokenAnswer(reset.token), stsAnswer()] }));
		for (const [status, code] of /** @type {[number, string][]} */ ([
			[400, 'token-request-failed'],
			[401, 'token-request-refused'],
			[404, 'token-request-failed'],
			[422, 'token-request-failed'],
			[501, 'token-request-failed'],
		])) {
			const build = await startBuild(t);
			assertFailed(build, await build.run({ answers: [{ to: 'token', status, body: '{}' }] }), TOKEN, code);
		}
	});
});

describe('AWS', suite, () => {
	test('a denial is not tried again', async (t) => {
		const build = await startBuild(t);
		const step = await build.run({ answers: [buildTokenAnswer(build.token), DENIED] });
		assertFailed(build, step, DENIED_BY_AWS, 'not-authorized');
		assert.equal(step.requests.length, 2);
	});

	test('one token is used for all attempts', async (t) => {
		const build = await startBuild(t);
		const other = mintForBuild({ jti: 'another' });
		build.secrets.add(other);
		const step = await build.run({
			answers: [
				buildTokenAnswer(build.token),
				stsError(503, 'ServiceUnavailable', 'later'),
				buildTokenAnswer(other),
				stsAnswer(),
			],
		});
		assertHandedOver(step);
		const sent = step.requests.filter(({ to }) => to === 'sts').map(({ body }) => new URLSearchParams(body));
		assert.deepEqual(
			sent.map((body) => body.get('WebIdentityToken')),
			[build.token, other],
		);
	});

	test('credentials with a part missing are told as such', async (t) => {
		for (const name of ['AccessKeyId', 'SecretAccessKey', 'SessionToken']) {
			const build = await startBuild(t, { env: ONCE });
			const step = await build.run({ answers: [buildTokenAnswer(build.token), stsAnswer({ [name]: '' })] });
			assertFailed(build, step, NETWORK, 'sts-answer-invalid');
			assert.match(step.log, new RegExp(`missing +Credentials/${name}`));
		}
	});

	test('a policy on :app_slug or :workflow never admits a build', async (t) => {
		const build = await startBuild(t);
		const { log } = await build.run({ answers: [buildTokenAnswer(build.token), DENIED] });
		assert.match(
			log,
			/the policy tests another claim than `aud` and `sub`, such as `app_slug`, `workflow` or `branch`/,
		);
		const [, statement = ''] = /pull request that may start it:\n([\s\S]*?)\n {2}docs/.exec(log) ?? [];
		const keys = Object.keys(JSON.parse(statement).Condition.StringEquals);
		assert.deepEqual(keys, ['token.builds.bitrise.io:aud', 'token.builds.bitrise.io:sub']);
	});

	test('the claims that decide are not shown', async (t) => {
		const build = await startBuild(t);
		const { log } = await build.run();
		for (const name of ['iss', 'aud', 'sub', 'app_slug', 'workflow', 'branch']) {
			assert.match(log, new RegExp(`^ {2}token ${name}: `, 'm'));
		}
	});

	test('session, account and end are not told', async (t) => {
		const build = await startBuild(t);
		assert.match((await build.run()).log, /Assumed arn:aws:sts::123456789012:assumed-role\/\S+ until 20\S+Z/);
	});
});

describe('hand-over', suite, () => {
	test('variables go one by one in a random order, and the CLI collects those of a step that fails', async (t) => {
		for (const name of ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_ACCESS_KEY_ID']) {
			const build = await startBuild(t);
			const real = find('envman');
			const env = replaceEnvman(build, `case " $* " in *" ${name} "*) exit 1 ;; esac; exec '${real}' "$@"`);
			assertFailed(build, await build.run({ env }), FILES, 'hand-over-failed');
		}
	});

	test('more than one red text hides the reason', async (t) => {
		const build = await startBuild(t, { env: { region: 'us-east-1a', hand_over: 'files' } });
		const step = await build.run({ answers: [] });
		assert.equal(step.log.match(/\u001b\[31;1m/g)?.length, 1);
		assert.match(step.red, /`region`[\s\S]*`hand_over`/);
		assert.match(step.stdout, /\u001b\[0m\n$/, 'it comes last');
	});

	test('a store that is gone, or no build at all', async (t) => {
		const gone = await startBuild(t, { env: { ENVMAN_ENVSTORE_PATH: '{temp}/nowhere/store.yml' } });
		const step = await gone.run();
		assert.deepEqual([step.exitCode, step.codes], [FILES, ['hand-over-failed']]);
		const none = await startBuild(t, { env: { ENVMAN_ENVSTORE_PATH: null } });
		assert.match((await none.run()).red, /the Bitrise CLI did not set ENVMAN_ENVSTORE_PATH/);
	});

	test('files of a profile can be read by others', async (t) => {
		const build = await startBuild(t, { env: { hand_over: 'profile' } });
		const step = await build.run();
		assert.equal(step.exitCode, 0, step.log);
		for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE']) {
			const { value, sensitive } = step.exported.get(name) ?? assert.fail(name);
			assert.equal(fs.statSync(value).mode & 0o777, 0o600);
			assert.equal(sensitive, false, 'a path that is hidden would hide it in every log');
		}
	});
});
