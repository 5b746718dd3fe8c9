// How the plugin comes by its token: by the agent's command line, or by the call behind it where that cannot do it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { missing } from '../js/support/programs.js';
import { AGENT, CREDENTIALS, options, useAgent } from './agent.js';

const parallel = { concurrency: 2, skip: missing('buildkite-agent') };
const TOKEN = 3;
const ONCE = { 'max-attempts': 1 };
const BY_ID = { 'role-arn': 'arn:aws:iam::123456789012:role/by-id', 'subject-claim': 'pipeline_id' };

/** What an agent of that version says to a flag that it does not know, as urfave/cli has it. */
const refusing = (/** @type {string} */ version, /** @type {string[]} */ ...flags) => `
case " $* " in
	*' --version '*) echo 'buildkite-agent version ${version}, build 1'; exit 0 ;;
${flags.map((flag) => `	*' ${flag} '*) echo 'flag provided but not defined: ${flag.slice(1)}' >&2; exit 1 ;;`).join('\n')}
esac
exec '${AGENT}' "$@"`;

describe('by the agent’s command line', parallel, () => {
	const start = useAgent();

	test('exactly what is needed stands on it, and never a token', async (t) => {
		const pipeline = await start(t);
		const folder = pipeline.standIn('buildkite-agent', `${pipeline.recording('buildkite-agent')}\nexec '${AGENT}' "$@"`);
		const config = options({ ...BY_ID, claims: ['cluster_id'], 'session-tags': ['pipeline_slug', 'build_id'], 'oidc-token-lifetime': 300 });
		const ran = await pipeline.run({ config, path: [folder, pipeline.node] });
		pipeline.assertHandedOver(ran, { role: BY_ID['role-arn'] });
		const calls = pipeline.argv('buildkite-agent');
		assert.deepEqual(calls, [
			[
				...['oidc', 'request-token', '--audience', 'sts.amazonaws.com', '--lifetime', '300', '--claim', 'cluster_id'],
				...['--aws-session-tag', 'pipeline_slug', '--aws-session-tag', 'build_id', '--subject-claim', 'pipeline_id'],
			],
		]);
		for (const secret of pipeline.services.secrets) assert.ok(!calls.flat().includes(secret));
	});

	test('the body that Buildkite gets has nothing that was not asked for', async (t) => {
		const pipeline = await start(t);
		await pipeline.run();
		const [{ headers, path } = assert.fail()] = pipeline.services.to('token');
		assert.equal(path, '/v3/jobs/0184990a-477b-4fa8-9968-496074483cee/oidc/tokens');
		assert.match(`${headers['user-agent']}`, /buildkite-agent/, 'it was the agent that asked');
	});

	test('ambient BUILDKITE_OIDC_TOKEN_* are reported, and count like an option', async (t) => {
		const pipeline = await start(t);
		const env = {
			BUILDKITE_OIDC_TOKEN_CLAIMS: 'cluster_id,queue_id',
			BUILDKITE_OIDC_TOKEN_AWS_SESSION_TAGS: 'pipeline_slug',
		};
		const ran = await pipeline.run({ env });
		pipeline.assertHandedOver(ran);
		for (const name of Object.keys(env)) assert.match(ran.log, new RegExp(`^note: ${name} is set in the job`, 'm'));
		const [{ claims, aws_session_tags } = assert.fail()] = pipeline.services.asked;
		assert.deepEqual([claims, aws_session_tags], [['cluster_id', 'queue_id'], ['pipeline_slug']]);
	});

	test('an option replaces what is ambient', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({
			config: options({ claims: ['build_id'] }),
			env: { BUILDKITE_OIDC_TOKEN_CLAIMS: 'cluster_id,queue_id' },
		});
		pipeline.assertHandedOver(ran);
		assert.deepEqual(pipeline.services.asked[0]?.claims, ['build_id']);
	});

	test('an ambient subject claim that IAM does not know is in the explanation', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ env: { BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM: 'pipeline_id', BUILDKITE_PTY: 'false' } });
		pipeline.assertRefused(ran, 4, 'not-authorized');
		assert.match(ran.log, /the subject is a single id/);
		assert.match(ran.log, /note: BUILDKITE_OIDC_TOKEN_SUBJECT_CLAIM is set/);
	});

	test('without a Job API the agent gives the token all the same, and the log says what is not hidden', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ env: { BUILDKITE_AGENT_NO_JOB_API: 'true' } });
		pipeline.assertHandedOver(ran);
		assert.match(`${pipeline.services.to('token')[0]?.headers['user-agent']}`, /buildkite-agent/);
		assert.match(ran.log, /^note: the log cannot be made to hide these credentials .*AWS_ACCESS_KEY_ID is not hidden$/m);
	});

	test('an error that passes is the agent’s to try again', async (t) => {
		const pipeline = await start(t);
		pipeline.services.script.token = (_, number) => (number > 1 ? undefined : { status: 503, body: '{}' });
		pipeline.assertHandedOver(await pipeline.run());
		assert.equal(pipeline.services.to('token').length, 2);
	});

	test('each attempt at STS has a token of its own', async (t) => {
		const pipeline = await start(t);
		pipeline.services.script.sts = (_, number) => (number > 2 ? undefined : { status: 503, body: '' });
		pipeline.assertHandedOver(await pipeline.run());
		const tokens = new Set(pipeline.services.exchanged.map(({ WebIdentityToken }) => WebIdentityToken));
		assert.equal(tokens.size, 3);
	});

	for (const [what, answer, message] of /** @type {const} */ ([
		['422', { status: 422, body: '{"message":"Unknown claim"}' }, /agent says +.*Unknown claim/],
		['403', { status: 403, body: '{"message":"not this job"}' }, /agent says +.*not this job/],
		['404', { status: 404, body: '{"message":"no such job"}' }, /agent says +.*no such job/],
		['an empty token', { body: '{"token":""}' }, /Buildkite answered without a token/],
	])) {
		test(`what the agent says of ${what} is shown, and the job ends`, async (t) => {
			const pipeline = await start(t);
			pipeline.services.script.token = () => answer;
			const ran = await pipeline.run({ config: options({ claims: ['nonsense'] }), env: { BUILDKITE_PTY: 'false' } });
			assert.deepEqual([ran.exitCode, ran.commanded, ran.codes.length], [TOKEN, false, 1], ran.log);
			assert.match(ran.log, message);
			assert.equal(pipeline.services.to('token').length, 1, 'nobody asks again');
		});
	}

	test('a token that is none', async (t) => {
		const pipeline = await start(t);
		pipeline.services.script.token = () => ({ body: '{"token":"not.a.token"}' });
		pipeline.assertRefused(await pipeline.run(), TOKEN, 'token-malformed');
	});
});

describe('by the call behind it', parallel, () => {
	const start = useAgent();

	test('there is no agent on PATH: with the headers that the operator wants', async (t) => {
		const pipeline = await start(t);
		const config = options({ ...BY_ID, claims: ['cluster_id'], 'session-tags': ['pipeline_slug'], 'oidc-token-lifetime': 60 });
		const env = { BUILDKITE_REQUEST_HEADER_BUILDKITE_ROUTE_TO: 'shard-7' };
		const ran = await pipeline.run({ config, env, agent: pipeline.path('none') });
		pipeline.assertHandedOver(ran, { role: BY_ID['role-arn'] });
		assert.match(ran.log, /there is no buildkite-agent on PATH; asking Buildkite itself/);
		const [{ headers } = assert.fail()] = pipeline.services.to('token');
		assert.equal(headers['buildkite-route-to'], 'shard-7');
		assert.match(`${headers['user-agent']}`, /^ci-assume-role\//);
		assert.deepEqual(pipeline.services.asked, [
			{
				audience: 'sts.amazonaws.com',
				aws_session_tags: ['pipeline_slug'],
				claims: ['cluster_id'],
				lifetime: 60,
				subject_claim: 'pipeline_id',
			},
		]);
	});

	for (const [version, option, flag, since] of /** @type {const} */ ([
		['3.82.1', { 'session-tags': ['pipeline_slug'] }, '--aws-session-tag', '3.83.0'],
		['3.120.0', BY_ID, '--subject-claim', '3.121.0'],
		['3.43.0', { claims: ['cluster_id'] }, '--claim', '3.44.0'],
	])) {
		test(`agent ${version} does not know ${flag}: the log says which version does`, async (t) => {
			const pipeline = await start(t);
			const folder = pipeline.standIn('buildkite-agent', refusing(version, flag));
			const ran = await pipeline.run({ config: options(option), path: [folder, pipeline.node] });
			assert.equal(ran.exitCode, 0, ran.log);
			assert.ok(ran.env.get('AWS_SESSION_TOKEN'), ran.log);
			const said = `agent ${version} does not know \`${flag}\`, which ${since} brought; asking Buildkite itself`;
			assert.ok(ran.log.includes(said), ran.log);
			assert.match(`${pipeline.services.to('token')[0]?.headers['user-agent']}`, /^ci-assume-role\//);
		});
	}

	test('an old agent that can do what is needed is asked', async (t) => {
		const pipeline = await start(t);
		const flags = ['--aws-session-tag', '--subject-claim', '--skip-redaction', '--format'];
		const folder = pipeline.standIn('buildkite-agent', refusing('3.60.0', ...flags));
		const ran = await pipeline.run({ config: options({ claims: ['cluster_id'] }), path: [folder, pipeline.node] });
		pipeline.assertHandedOver(ran);
		assert.match(`${pipeline.services.to('token')[0]?.headers['user-agent']}`, /buildkite-agent/);
	});

	test('an agent that cannot be run at all', async (t) => {
		const pipeline = await start(t);
		const folder = pipeline.standIn('buildkite-agent', 'true');
		fs.chmodSync(`${folder}/buildkite-agent`, 0o644);
		const ran = await pipeline.run({ path: [folder, pipeline.node], agent: pipeline.path('none') });
		pipeline.assertHandedOver(ran);
	});

	for (const [what, answer, code, exitCode] of /** @type {const} */ ([
		['401', { status: 401, body: '{"message":"no"}' }, 'token-request-refused', TOKEN],
		['403', { status: 403, body: '{"message":"no"}' }, 'token-request-refused', TOKEN],
		['404', { status: 404, body: '{"message":"no"}' }, 'token-request-refused', TOKEN],
		['422', { status: 422, body: '{"message":"too high"}' }, 'token-request-failed', TOKEN],
		['429', { status: 429, body: '{}' }, 'token-request-failed', TOKEN],
		['503', { status: 503, body: 'down' }, 'token-request-failed', TOKEN],
		['garbage', { body: '<html>' }, 'token-answer-invalid', TOKEN],
		['nothing', { body: '' }, 'token-answer-invalid', TOKEN],
	])) {
		test(`Buildkite answers ${what}`, async (t) => {
			const pipeline = await start(t);
			pipeline.services.script.token = () => answer;
			const ran = await pipeline.run({ config: options(ONCE), agent: pipeline.path('none') });
			pipeline.assertRefused(ran, exitCode, code);
		});
	}

	test('an error that passes is tried again', async (t) => {
		const pipeline = await start(t);
		pipeline.services.script.token = (_, number) => (number > 1 ? undefined : { status: 429, body: '{}' });
		const ran = await pipeline.run({ agent: pipeline.path('none') });
		pipeline.assertHandedOver(ran);
		assert.match(ran.log, /attempt 1 failed: Buildkite's token service has trouble/);
	});

	test('the access token of the job does not leave for another host', async (t) => {
		const pipeline = await start(t);
		// The agent protects these two; what is left is the environment that the job was started with.
		const env = { BUILDKITE_AGENT_ENDPOINT: 'http://agent.example/v3' };
		const ran = await pipeline.run({ env, agent: pipeline.path('none') });
		pipeline.assertRefused(ran, TOKEN, 'token-request-failed');
	});

	test('a hook before ours cannot take the access token away: the agent protects it', async (t) => {
		const pipeline = await start(t);
		const hooks = { environment: 'export BUILDKITE_AGENT_ACCESS_TOKEN= BUILDKITE_AGENT_ENDPOINT=https://agent.example/v3' };
		const ran = await pipeline.run({ hooks, agent: pipeline.path('none') });
		pipeline.assertHandedOver(ran);
	});
});

describe('what hides the credentials', parallel, () => {
	const start = useAgent();
	const tell = CREDENTIALS.map((name) => `echo "${name} is $${name}."`).join('\n');
	// Nothing is hidden by its name here.
	const env = { BUILDKITE_REDACTED_VARS: 'NOTHING_HAS_THIS_NAME' };

	test('all three are known to the agent before anything is handed over', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ env, command: tell });
		pipeline.assertHandedOver(ran);
		for (const name of CREDENTIALS) assert.match(ran.log, new RegExp(`^${name} is \\[REDACTED\\]\\.$`, 'm'));
	});

	test('`redactor add`, where the socket does not take them', async (t) => {
		const pipeline = await start(t);
		// The Job API refuses whoever has the wrong bearer; the stand-in has the right one.
		const hooks = { environment: 'export RIGHT="$BUILDKITE_AGENT_JOB_API_TOKEN" BUILDKITE_AGENT_JOB_API_TOKEN=wrong' };
		const script = `${pipeline.recording('buildkite-agent')}\nBUILDKITE_AGENT_JOB_API_TOKEN="$RIGHT" exec '${AGENT}' "$@"`;
		const folder = pipeline.standIn('buildkite-agent', script);
		const ran = await pipeline.run({ env, hooks, command: tell, path: [folder, pipeline.node] });
		pipeline.assertHandedOver(ran);
		assert.deepEqual(pipeline.argv('buildkite-agent').at(-1), ['redactor', 'add', '--format', 'json']);
		for (const name of CREDENTIALS) assert.match(ran.log, new RegExp(`^${name} is \\[REDACTED\\]\\.$`, 'm'));
		assert.doesNotMatch(ran.log, /cannot be made to hide/);
	});

	test('neither way: the log says what that means', async (t) => {
		const pipeline = await start(t);
		const hooks = { environment: 'export RIGHT="$BUILDKITE_AGENT_JOB_API_TOKEN" BUILDKITE_AGENT_JOB_API_TOKEN=wrong' };
		const script = `
case $1 in redactor) echo 'No help topic for redactor' >&2; exit 3 ;; esac
BUILDKITE_AGENT_JOB_API_TOKEN="$RIGHT" exec '${AGENT}' "$@"`;
		const folder = pipeline.standIn('buildkite-agent', script);
		const ran = await pipeline.run({ hooks, path: [folder, pipeline.node] });
		pipeline.assertHandedOver(ran);
		assert.match(ran.log, /^note: the log cannot be made to hide these credentials \(the agent did not take them/m);
	});
});
