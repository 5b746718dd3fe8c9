// What a pipeline can say, and what becomes of it when it is said wrong: an error, and a job that ends there.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../js/support/child.js';
import { missing } from '../js/support/programs.js';
import { AUDIT, JOB_ID, options, ROLE, useAgent } from './agent.js';

const parallel = { concurrency: 2, skip: missing('buildkite-agent') };
const CONFIGURATION = 2;
const TOKEN = 3;
const DENIED_BY_AWS = 4;
const BY_ID = 'arn:aws:iam::123456789012:role/by-id';
const POLICY = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }] };
const MANAGED = ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'arn:aws:iam::123456789012:policy/less'];

/** All that can be said at once, each in its place. */
const EVERYTHING = {
	'role-arn': BY_ID,
	'role-session-name': 'me@here',
	'role-session-duration': 7200,
	region: 'eu-north-1',
	'credential-name-prefix': 'P_',
	hook: 'pre-command',
	audience: 'https://own.example',
	'oidc-token-lifetime': 600,
	'session-tags': ['organization_id', 'pipeline_slug'],
	claims: ['cluster_id', 'agent_tag:queue'],
	'subject-claim': 'pipeline_id',
	'trust-policy-file': 'iam/trust.json', // read after a denial: scenario denied-with-the-policy-at-hand
	'explain-with': 'environment', // as well: scenario denied-explained-by-iam
	'verify-identity': false, // scenario verify-identity
	'allowed-account-ids': ['210987654321', '123456789012'],
	'inline-session-policy': POLICY,
	'managed-session-policies': MANAGED,
	'hand-over': 'env',
	'sts-endpoint': '{sts}',
	'max-attempts': 2,
	annotate: true,
	'mask-aws-account-id': true,
	runtime: 'node',
	'docker-image': 'node:24',
};

/** What those are called at all entries that have another name here. @type {Record<string, string>} */
const COMMON = {
	'role-session-name': 'session-name',
	'role-session-duration': 'duration',
	'credential-name-prefix': 'prefix',
	'allowed-account-ids': 'allowed-account-id',
	'inline-session-policy': 'policy',
	'managed-session-policies': 'policy-arn',
};

/** For roles that are not assumed with a token: scenarios chain, source-instance, and those of the other CIs. */
const FOR_OTHERS = [
	...['source', 'source-profile', 'external-id', 'source-identity', 'tags', 'transitive-tag-keys', 'transitive-tag-key'],
	'chain',
];

describe('what a pipeline can say', parallel, () => {
	const start = useAgent();

	test('the common names say the same', async (t) => {
		const asked = [];
		for (const name of [(/** @type {string} */ own) => own, (/** @type {string} */ own) => COMMON[own] ?? own]) {
			const pipeline = await start(t);
			const config = Object.fromEntries(Object.entries(EVERYTHING).map(([own, value]) => [name(own), value]));
			const ran = await pipeline.run({ config, env: { BUILDKITE_PLUGIN_VALIDATION: 'true' } });
			pipeline.assertHandedOver(ran, { prefix: 'P_', role: BY_ID });
			const { WebIdentityToken: _, ...form } = pipeline.services.exchanged[0] ?? {};
			asked.push(form);
		}
		assert.equal(Object.keys(asked[0] ?? {}).length, 8);
		assert.deepEqual(asked[1], asked[0]);
	});

	test('every option', async (t) => {
		const pipeline = await start(t);
		const { services } = pipeline;
		services.script.sts = (_, number) => (number > 1 ? undefined : { status: 500, body: '' });
		// The agent's own check of plugin.yml is on: it has to let every option pass.
		const env = { BUILDKITE_PLUGIN_VALIDATION: 'true' };
		const ran = await pipeline.run({ config: EVERYTHING, env, command: 'echo "in $AWS_REGION"' });
		pipeline.assertHandedOver(ran, { prefix: 'P_', role: BY_ID });
		const [form = {}] = services.exchanged;
		const [asked] = services.asked;
		/** @type {Promise<void>[]} */
		const said = [];
		const says = (/** @type {string} */ option, /** @type {() => void} */ check) => said.push(t.test(option, check));

		says('role-arn', () => assert.equal(form.RoleArn, BY_ID));
		says('role-session-name', () => assert.equal(form.RoleSessionName, 'me@here'));
		says('role-session-duration', () => assert.equal(form.DurationSeconds, '7200'));
		says('region', () => {
			assert.deepEqual([ran.env.get('AWS_REGION'), ran.env.get('AWS_DEFAULT_REGION')], ['eu-north-1', 'eu-north-1']);
		});
		says('credential-name-prefix', () => assert.equal(ran.env.get('AWS_ACCESS_KEY_ID'), undefined));
		says('hook', () => assert.ok(ran.log.indexOf('pre-command hook') < ran.log.indexOf(':aws: Assume')));
		says('audience', () => assert.equal(asked.audience, 'https://own.example'));
		says('oidc-token-lifetime', () => assert.equal(asked.lifetime, 600));
		says('session-tags', () => assert.deepEqual(asked.aws_session_tags, ['organization_id', 'pipeline_slug']));
		says('claims', () => assert.deepEqual(asked.claims, ['cluster_id', 'agent_tag:queue']));
		says('subject-claim', () => assert.equal(asked.subject_claim, 'pipeline_id'));
		says('inline-session-policy', () => assert.deepEqual(JSON.parse(form.Policy ?? ''), POLICY));
		says('managed-session-policies', () => {
			assert.deepEqual([form['PolicyArns.member.1.arn'], form['PolicyArns.member.2.arn']], MANAGED);
		});
		says('max-attempts', () => assert.equal(services.to('sts').length, 2));
		says('mask-aws-account-id', () => assert.ok(!ran.log.includes('123456789012'), ran.log));
		await Promise.all(said);
	});

	test('no option is missing from these tests, and plugin.yml has all of them', () => {
		const manifest = fs.readFileSync(join(ROOT, 'plugin.yml'), 'utf8');
		const documented = [...manifest.matchAll(/^ {4}([a-z-]+):$/gm)].map(([, name]) => name);
		const tested = [...Object.keys(EVERYTHING), ...Object.values(COMMON), ...FOR_OTHERS, 'profile', 'roles'];
		assert.deepEqual(documented.sort(), tested.sort());
	});

	test('nothing but a role: the defaults', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ env: { BUILDKITE_PLUGIN_VALIDATION: 'true' } });
		pipeline.assertHandedOver(ran);
		const { Action, DurationSeconds, RoleArn, RoleSessionName, ...rest } = pipeline.services.exchanged[0] ?? {};
		assert.deepEqual([RoleArn, RoleSessionName], [ROLE, `buildkite-job-${JOB_ID}`]);
		assert.deepEqual([Action, DurationSeconds], ['AssumeRoleWithWebIdentity', '3600']);
		assert.deepEqual(Object.keys(rest).sort(), ['Version', 'WebIdentityToken']);
		assert.deepEqual(pipeline.services.asked, [{ audience: 'sts.amazonaws.com' }]);
	});

	test('a job with an odd id has a session name all the same', async (t) => {
		const pipeline = await start(t);
		const hooks = { environment: 'export BUILDKITE_JOB_ID=0184990a-with-a-very-long-name-that-no-session-could-have-0000' };
		const ran = await pipeline.run({ hooks });
		const name = pipeline.services.exchanged[0]?.RoleSessionName ?? '';
		assert.match(name, /^buildkite-job-0184990a-with-a-[\w-]+$/, ran.log);
		assert.equal(name.length, 64);
	});

	test('the region never decides which STS is asked', async (t) => {
		const pipeline = await start(t);
		const config = options({ region: 'ap-southeast-2', 'sts-endpoint': undefined, 'max-attempts': 1 });
		const env = { HTTPS_PROXY: 'http://127.0.0.1:9', AWS_REGION: 'eu-central-1' };
		const ran = await pipeline.run({ config, env });
		pipeline.assertRefused(ran, 5, 'proxy-failed');
		assert.match(ran.log, /sts\.eu-central-1\.amazonaws\.com/);
		assert.doesNotMatch(ran.log, /ap-southeast-2/);
	});

	test('a session may outlast a token: role-session-duration says nothing of the token', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: options({ 'role-session-duration': '12h' }) });
		pipeline.assertHandedOver(ran);
		assert.equal(pipeline.services.exchanged[0]?.DurationSeconds, '43200');
		assert.equal(pipeline.services.asked[0]?.lifetime, undefined);
	});

	test('empty entries of a list are skipped, and what follows them is not', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: options({ 'session-tags': ['organization_id', '', 'pipeline_id'] }) });
		pipeline.assertHandedOver(ran);
		assert.deepEqual(pipeline.services.asked[0]?.aws_session_tags, ['organization_id', 'pipeline_id']);
	});

	test('underscores are as good as dashes, as with other plugins', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({
			config: { role_arn: ROLE, sts_endpoint: '{sts}', Region: 'eu-west-1', hook: 'pre-command' },
		});
		pipeline.assertHandedOver(ran);
		assert.equal(ran.env.get('AWS_REGION'), 'eu-west-1');
	});

	test('an account that is not allowed: nothing is handed over', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: options({ 'role-arn': AUDIT, 'allowed-account-ids': ['123456789012'] }) });
		pipeline.assertRefused(ran, DENIED_BY_AWS, 'account-not-allowed');
	});
});

/** @type {[string, unknown, string[], RegExp][]} */
const WRONG = [
	['no role-arn', { region: 'us-east-1' }, ['option-missing'], /`role-arn`/],
	['no configuration at all', undefined, ['option-missing'], /`role-arn`|configuration/],
	['a role-arn that is none', options({ 'role-arn': 'deploy' }), ['option-invalid'], /role-arn/],
	['a misspelt option', options({ 'role-session-tags': ['a'] }), ['option-unknown'], /`role-session-tags`/],
	['a misspelt option, near to one', options({ regoin: 'us-east-1' }), ['option-unknown'], /nearest +region/],
	['external-id, for which a token has no place', options({ 'external-id': 'x1' }), ['option-conflict'], /external-id/],
	['tags, for which a token has no place', options({ tags: { team: 'a' } }), ['option-conflict'], /`tags`/],
	['a chain that is no list', options({ chain: BY_ID }), ['option-invalid'], /`chain` is one value/],
	['a source that does not exist', options({ source: 'oidc' }), ['option-invalid'], /token, environment/],
	['an unknown hook value', options({ hook: 'post-checkout' }), ['option-invalid'], /environment, pre-command|pre-command/],
	['a misspelt hook value', options({ hook: 'pre_command' }), ['option-invalid'], /nearest +pre-command/],
	['a hook value with a space', options({ hook: ' pre-command' }), ['option-invalid'], /`hook`/],
	['a hook value in capitals', options({ hook: 'Pre-Command' }), ['option-invalid'], /`hook`/],
	['a text where a list belongs', options({ 'session-tags': 'organization_id' }), ['option-invalid'], /list/],
	['a list where a text belongs', options({ 'role-arn': [ROLE] }), ['option-invalid'], /`role-arn`/],
	['a duration that is no number', options({ 'role-session-duration': 'long' }), ['option-invalid'], /"long"/],
	['a lifetime that is no number', options({ 'oidc-token-lifetime': 'x' }), ['option-invalid'], /oidc-token-lifetime/],
	['an unknown runtime', options({ runtime: 'nodejs' }), ['option-invalid'], /`runtime`/],
	['a prefix that is no name', options({ 'credential-name-prefix': 'A-' }), ['option-invalid'], /PROD_/],
	['roles that would take each other’s place', options({ roles: [{}, { 'role-arn': AUDIT }] }), ['option-conflict'], /same variables/],
	['a null', options({ region: null }), ['option-missing'], /without a value +\S*aws-credentials-buildkite-plugin#main: region/],
	['a null inside a list', options({ claims: ['a', null] }), ['option-missing'], /main: claims/],
	['a null with hook: pre-command', options({ hook: 'pre-command', region: null }), ['option-missing'], /main: region/],
	[
		'everything at once',
		{ 'role-arn': 'x', regoin: 'y', claims: 'z', 'role-session-duration': 1, 'sts-endpoint': '{sts}' },
		['option-unknown', 'option-invalid', 'option-invalid', 'option-invalid'],
		/error.*error.*error.*error/s,
	],
];

describe('what is said wrong ends the job', parallel, () => {
	const start = useAgent();

	for (const [what, config, codes, message] of WRONG) {
		test(what, async (t) => {
			const pipeline = await start(t);
			const plugins = [config === undefined ? { '{plugin}#main': null } : { '{plugin}#main': config }];
			const ran = await pipeline.run({ plugins, env: { BUILDKITE_PTY: 'false' } });
			assert.deepEqual([...ran.codes].sort(), [...codes].sort(), ran.log);
			assert.deepEqual([ran.exitCode, ran.commanded], [CONFIGURATION, false], ran.log);
			assert.match(ran.log, message);
			assert.deepEqual(
				pipeline.services.requests.filter(({ to }) => to !== 'other'),
				[],
				'nothing was asked',
			);
		});
	}

	test('a typo is refused by the agent itself where it checks plugin.yml', async (t) => {
		const pipeline = await start(t);
		const env = { BUILDKITE_PLUGIN_VALIDATION: 'true' };
		for (const wrong of [{ regoin: 'us-east-1' }, { hook: 'post' }, { 'session-tags': 'a' }, { roles: [{ hook: 'x' }] }]) {
			const ran = await pipeline.run({ config: options(wrong), env });
			assert.deepEqual([ran.exitCode, ran.commanded], [1, false], ran.log);
			assert.match(ran.log, /Plugin validation failed|plugin validation/i);
		}
	});

	test('what validation accepts is what the plugin accepts: both forms of each value', async (t) => {
		const pipeline = await start(t);
		const config = options({
			'role-session-duration': '1h',
			'oidc-token-lifetime': '10m',
			'inline-session-policy': JSON.stringify(POLICY),
			roles: [{ 'credential-name-prefix': 'A_', 'hand-over': 'env', 'role-session-duration': 900 }, { 'role-arn': AUDIT }],
			runtime: 'auto',
		});
		const ran = await pipeline.run({ config, env: { BUILDKITE_PLUGIN_VALIDATION: 'true' } });
		pipeline.assertHandedOver(ran, { role: AUDIT });
		const durations = pipeline.services.exchanged.map(({ DurationSeconds }) => DurationSeconds);
		assert.deepEqual(durations.sort(), ['3600', '900']);
	});
});

describe('a denial', parallel, () => {
	const start = useAgent();
	const RELEASE = 'arn:aws:iam::123456789012:role/release';

	test('is explained: the subject, the ref, and what to paste', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: options({ 'role-arn': RELEASE }), env: { BUILDKITE_PTY: 'false' } });
		pipeline.assertRefused(ran, DENIED_BY_AWS, 'not-authorized');
		assert.match(ran.log, /sub +organization:acme:pipeline:api:ref:refs\/heads\/main:commit:[0-9a-f]+:step:deploy/);
		assert.match(ran.log, /StringLike/);
		assert.match(ran.log, /organization:acme:pipeline:api:ref:refs\/heads\/main:commit:\*:step:\*/);
		assert.match(ran.log, /admits that commit alone/, 'a copied subject');
		assert.match(ran.log, /`ref:BRANCH` where the subject has `ref:refs\/heads\/BRANCH`/, 'the peer’s README');
		assert.equal(pipeline.services.to('sts').length, 1, 'it is not tried again');
		assert.equal(pipeline.services.to('annotation').length, 0);
	});

	test('annotate: true puts the explanation on the build’s page, without a secret', async (t) => {
		const pipeline = await start(t);
		const { services } = pipeline;
		// As bad as it comes: a server that says what it was sent, in words that the explanation shows.
		services.script.sts = ({ body }) => ({
			status: 403,
			type: 'text/xml',
			body: `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no: ${new URLSearchParams(body).get('WebIdentityToken')}</Message></Error></ErrorResponse>`,
		});
		const ran = await pipeline.run({ config: options({ annotate: true }) });
		assert.deepEqual([ran.codes, ran.exitCode], [['not-authorized'], DENIED_BY_AWS], ran.log);
		const [annotation, ...others] = services.to('annotation');
		assert.deepEqual(others, []);
		const { body, context, style } = JSON.parse(annotation?.body ?? '');
		assert.deepEqual([context, style], [`ci-assume-role-${JOB_ID}`, 'error']);
		assert.match(body, /^### AWS credentials: `not-authorized`$/m);
		assert.match(body, /no: \*\*\*/);
		for (const secret of services.secrets) assert.ok(!body.includes(secret));
	});

	test('annotate: true where the annotation fails: the log says so, and the job fails for its own reason', async (t) => {
		const pipeline = await start(t);
		pipeline.services.script.annotation = () => ({ status: 422, body: '{"message":"no"}' });
		const ran = await pipeline.run({ config: options({ 'role-arn': RELEASE, annotate: true }) });
		assert.deepEqual([ran.codes, ran.exitCode], [['not-authorized'], DENIED_BY_AWS], ran.log);
		assert.match(ran.log, /the annotation could not be made/);
	});

	test('annotate: true and a configuration that is wrong', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: options({ annotate: true, regoin: 'x' }) });
		pipeline.assertRefused(ran, CONFIGURATION, 'option-unknown');
		assert.match(JSON.parse(pipeline.services.to('annotation')[0]?.body ?? '').body, /option-unknown/);
	});

	test('an empty answer of STS hands nothing over, and not `null`', async (t) => {
		for (const body of ['{}', '', '<AssumeRoleWithWebIdentityResponse/>']) {
			const pipeline = await start(t);
			pipeline.services.script.sts = () => ({ type: 'text/xml', body });
			pipeline.assertRefused(await pipeline.run(), 5, 'sts-answer-invalid');
		}
	});

	test('a branch whose name no session tag can have', async (t) => {
		const pipeline = await start(t);
		const message = 'The value of the tag build_branch is not valid';
		pipeline.services.script.sts = () => ({
			status: 400,
			type: 'text/xml',
			body: `<ErrorResponse><Error><Code>ValidationError</Code><Message>${message}</Message></Error></ErrorResponse>`,
		});
		const ran = await pipeline.run({ config: options({ 'session-tags': ['build_branch'] }) });
		assert.ok(ran.codes.length === 1 && !ran.commanded, ran.log);
		assert.match(ran.log, /build_branch/);
	});

	test('a lifetime beyond what the organization allows says what Buildkite grants', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: options({ 'oidc-token-lifetime': 7201 }) });
		pipeline.assertRefused(ran, TOKEN, 'token-request-failed');
		assert.match(ran.log, /`oidc-token-lifetime` is 7201 seconds, and Buildkite grants 7200/);
	});
});
