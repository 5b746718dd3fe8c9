// Profiles and processes for AWS's own tools, and what is left when the job is over, however it ends.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { find, missing } from '../js/support/programs.js';
import { AUDIT, CREDENTIALS, options, ROLE, useAgent } from './agent.js';

const parallel = { concurrency: 2, skip: missing('buildkite-agent') };
const withAws = { concurrency: 2, skip: missing('buildkite-agent', 'aws') };
const RELEASE = 'arn:aws:iam::123456789012:role/release';
/** Asks the server whose credentials these are; nothing of the machine may answer for them. */
const IDENTITY = 'aws --endpoint-url "$API" --region us-east-1 sts get-caller-identity --query Arn --output text';

describe('hand-over to the AWS CLI', withAws, () => {
	const start = useAgent();
	const aws = dirname(find('aws') ?? '');

	/** @param {import('./agent.js').Pipeline} pipeline */
	const world = (pipeline) => ({
		path: [pipeline.node, aws],
		env: { API: pipeline.services.base, AWS_EC2_METADATA_DISABLED: 'true', PYTHONDONTWRITEBYTECODE: '1' },
	});

	test('env', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ ...world(pipeline), command: `${IDENTITY} > "$EVIDENCE/who"` });
		pipeline.assertHandedOver(ran);
		assert.equal(pipeline.read('who').trim(), ROLE);
	});

	test('profile, over keys that the job had before', async (t) => {
		const pipeline = await start(t);
		const { path, env } = world(pipeline);
		const ran = await pipeline.run({
			path,
			env: { ...env, AWS_ACCESS_KEY_ID: 'AKIAEARLIEREARLIER00', AWS_SECRET_ACCESS_KEY: 'earlier-secret-of-the-job' },
			config: options({ 'hand-over': 'profile', region: 'eu-north-1' }),
			command: [
				`${IDENTITY} > "$EVIDENCE/who"`,
				'aws configure get region > "$EVIDENCE/region"',
				'stat -c %a "$AWS_SHARED_CREDENTIALS_FILE" "$AWS_CONFIG_FILE" > "$EVIDENCE/modes" 2>/dev/null || true',
				'cat "$AWS_SHARED_CREDENTIALS_FILE"',
			].join('\n'),
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assert.deepEqual([pipeline.read('who').trim(), pipeline.read('region').trim()], [ROLE, 'eu-north-1']);
		assert.equal(ran.env.get('AWS_PROFILE'), 'ci-assume-role');
		assert.deepEqual(
			CREDENTIALS.map((name) => ran.env.get(name)),
			['', '', undefined],
			'an inherited variable can be overridden, not removed',
		);
		assert.match(ran.log, /aws_secret_access_key = \[REDACTED\]/);
	});

	test('two profiles, and none of them by default', async (t) => {
		const pipeline = await start(t);
		const roles = [{ profile: 'one' }, { profile: 'two', 'role-arn': AUDIT }];
		const ran = await pipeline.run({
			config: options({ 'hand-over': 'profile', roles }),
			command: 'cp "$AWS_SHARED_CREDENTIALS_FILE" "$EVIDENCE/profiles"',
		});
		assert.equal(ran.exitCode, 0, ran.log);
		const written = [...pipeline.read('profiles').matchAll(/^\[(.*)\]\naws_access_key_id = (.*)$/gm)];
		const whose = written.map(([, name, id = '']) => [name, pipeline.services.sessions.get(id)?.role]);
		assert.deepEqual(whose, [
			['one', ROLE],
			['two', AUDIT],
		]);
		assert.equal(ran.env.get('AWS_PROFILE'), undefined);
	});

	test('the plugin twice, each with a profile: the second one keeps the first', async (t) => {
		const pipeline = await start(t);
		const plugins = [
			{ '{plugin}#main': options({ 'hand-over': 'profile', profile: 'one' }) },
			{ '{plugin}#main': options({ 'hand-over': 'profile', profile: 'two', 'role-arn': AUDIT }) },
		];
		const ran = await pipeline.run({
			...world(pipeline),
			plugins,
			command: `for name in one two; do AWS_PROFILE=$name ${IDENTITY}; done > "$EVIDENCE/who"`,
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(pipeline.read('who').trim(), `${ROLE}\n${AUDIT}`);
		assert.equal(ran.env.get('AWS_PROFILE'), 'two');
		assert.equal(ran.env.get('CI_ASSUME_ROLE_FILES')?.split('\n').length, 2);
	});

	test('the job’s own AWS files are read, and not changed', async (t) => {
		const pipeline = await start(t);
		const files = { [pipeline.path('evidence/config')]: '[profile mine]\nregion = sa-east-1\n' };
		for (const [path, text] of Object.entries(files)) fs.writeFileSync(path, text);
		const { path, env } = world(pipeline);
		const ran = await pipeline.run({
			path,
			env: { ...env, AWS_CONFIG_FILE: pipeline.path('evidence/config') },
			config: options({ 'hand-over': 'profile' }),
			command: 'aws configure get region --profile mine > "$EVIDENCE/region"',
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(pipeline.read('region').trim(), 'sa-east-1');
		for (const [path, text] of Object.entries(files)) assert.equal(fs.readFileSync(path, 'utf8'), text);
	});

	test('process: fresh credentials inside the command, for as long as the job runs', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({
			...world(pipeline),
			config: options({ 'hand-over': 'process', 'session-tags': ['pipeline_slug'] }),
			command: [
				'cache=${AWS_CONFIG_FILE%-config}-0-credentials.json',
				'cp "$cache" "$EVIDENCE/first"',
				`${IDENTITY} > "$EVIDENCE/who"`,
				'rm "$cache" # as if they had come to their end',
				`${IDENTITY} >> "$EVIDENCE/who"`,
				'cp "$cache" "$EVIDENCE/second"',
			].join('\n'),
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(pipeline.read('who').trim(), `${ROLE}\n${ROLE}`);
		const [first, second] = ['first', 'second'].map((name) => JSON.parse(pipeline.read(name)).AccessKeyId);
		assert.deepEqual([first, second], [...pipeline.services.sessions.keys()]);
		// The plugin's own configuration is not in the environment of the command, and counts all the same.
		assert.equal(ran.env.get('BUILDKITE_PLUGIN_CONFIGURATION'), undefined);
		for (const { aws_session_tags } of pipeline.services.asked) assert.deepEqual(aws_session_tags, ['pipeline_slug']);
		const files = ran.env.get('CI_ASSUME_ROLE_FILES') ?? '';
		assert.ok(files.startsWith(pipeline.path('tmp/ci-assume-role-')), files);
	});

	test('process: a refresh that fails tells the tool why, and prints no secret', async (t) => {
		const pipeline = await start(t);
		pipeline.services.script.sts = (_, number) =>
			number === 1
				? undefined
				: { status: 403, type: 'text/xml', body: '<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>' };
		const ran = await pipeline.run({
			...world(pipeline),
			config: options({ 'hand-over': 'process' }),
			command: `rm "\${AWS_CONFIG_FILE%-config}-0-credentials.json"\n${IDENTITY} 2> "$EVIDENCE/error"`,
		});
		assert.notEqual(ran.exitCode, 0);
		assert.match(pipeline.read('error'), /error\[not-authorized\]/);
		for (const secret of pipeline.services.secrets) assert.ok(!pipeline.read('error').includes(secret));
	});
});

describe('what is left', parallel, () => {
	const start = useAgent();
	const profile = options({ 'hand-over': 'process' });
	const witness = { command: 'ls "$TMPDIR" > "$EVIDENCE/files"' };

	test('files are there for the command, and gone after it', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: profile, ...witness });
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(pipeline.read('files').match(/^ci-assume-role-/gm)?.length, 4, pipeline.read('files'));
	});

	test('the command fails', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: profile, command: `${witness.command}\nexit 9` });
		assert.equal(ran.exitCode, 9, ran.log);
		assert.match(pipeline.read('files'), /ci-assume-role-/);
	});

	test('a later plugin’s hook fails', async (t) => {
		const pipeline = await start(t);
		const plugins = [{ '{plugin}#main': profile }, { '{plugin}#main': options({ 'role-arn': RELEASE }) }];
		const ran = await pipeline.run({ plugins });
		pipeline.assertRefused(ran, 4, 'not-authorized');
		assert.equal(pipeline.services.sessions.size, 1, 'the first one had written its files');
	});

	test('a hook of the agent fails after ours', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: profile, hooks: { 'pre-command': 'exit 7' } });
		assert.deepEqual([ran.exitCode, ran.commanded], [7, false], ran.log);
	});

	test('pre-exit needs no runtime', async (t) => {
		const pipeline = await start(t);
		const hooks = { 'post-command': `export PATH='${pipeline.shared.temp}/tools'` };
		const ran = await pipeline.run({ config: profile, hooks, ...witness });
		assert.equal(ran.exitCode, 0, ran.log);
	});

	test('a later hook moves the folder for temporary files', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: profile, hooks: { 'pre-command': 'export TMPDIR="$HOME"' } });
		assert.equal(ran.exitCode, 0, ran.log);
		assert.equal(ran.env.get('TMPDIR'), pipeline.path('home'));
	});

	test('pre-exit removes nothing but files of ours, whatever the variable says', async (t) => {
		const pipeline = await start(t);
		const mine = ['other-0123', 'ci-assume-role-mine', 'ci-assume-role-', 'ci-assume-role-0123-record'];
		for (const name of mine) fs.writeFileSync(pipeline.path(`evidence/${name}`), 'x');
		const lines = ['', '*', `${pipeline.path('evidence')}/*`, `${pipeline.path('evidence')}/other`, '-rf', '/'];
		const files = [...lines, `${pipeline.path('evidence')}/ci-assume-role-`, `${pipeline.path('evidence')}/ci-assume-role-*`];
		const ran = await pipeline.run({ command: 'true', hooks: { 'pre-command': `export CI_ASSUME_ROLE_FILES='${files.join('\n')}'` } });
		assert.equal(ran.exitCode, 0, ran.log);
		for (const name of mine) assert.ok(fs.existsSync(pipeline.path(`evidence/${name}`)), name);
	});

	test('a folder for temporary files with a space, a quote and patterns in its name', async (t) => {
		const pipeline = await start(t);
		const folder = pipeline.path("tmp/it's * [mine]") // the agent's own wrappers take no more;
		fs.mkdirSync(folder);
		const ran = await pipeline.run({
			config: options({ 'hand-over': 'profile' }),
			env: { TMPDIR: folder },
			command: 'grep -c aws_secret_access_key "$AWS_SHARED_CREDENTIALS_FILE"',
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assert.ok(ran.env.get('AWS_SHARED_CREDENTIALS_FILE')?.startsWith(`${folder}/ci-assume-role-`));
		assert.deepEqual(fs.readdirSync(folder), []);
	});

	test('no folder for temporary files', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({
			config: options({ 'hand-over': 'profile' }),
			hooks: { environment: 'export TMPDIR=/proc/none' },
			env: { BUILDKITE_PTY: 'false' },
		});
		pipeline.assertRefused(ran, 6, 'hand-over-failed');
	});
});

describe('a job that is cancelled', parallel, () => {
	const start = useAgent();

	for (const [when, to, config] of /** @type {const} */ ([
		['while STS hangs', 'sts', options({ 'hand-over': 'process' })],
		['while the token service hangs', 'token', options()],
	])) {
		test(`${when}: it ends at once, with nothing handed over and no file left`, async (t) => {
			const pipeline = await start(t);
			const { services } = pipeline;
			services.script[to] = () => ({ play: () => {} });
			let cancelled = 0;
			const ran = await pipeline.run({
				config,
				env: { BUILDKITE_PTY: 'false' },
				started: async (child) => {
					await services.arrived(to);
					cancelled = performance.now();
					child.kill('SIGTERM');
				},
			});
			const took = performance.now() - cancelled;
			assert.ok(took < 3000, `it took ${took} ms`);
			assert.equal(ran.commanded, false, ran.log);
			assert.notEqual(ran.exitCode, 0, ran.log);
			assert.deepEqual(ran.codes, ['interrupted'], ran.log);
		});
	}

	test('while the command runs: no file is left', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({
			config: options({ 'hand-over': 'process' }),
			command: 'echo ready > "$EVIDENCE/ready"; sleep 30',
			started: async (child) => {
				while (!fs.existsSync(pipeline.path('evidence/ready'))) await new Promise((resolve) => setTimeout(resolve, 20));
				child.kill('SIGTERM');
			},
		});
		assert.notEqual(ran.exitCode, 0, ran.log);
		assert.ok(ran.ms < 15_000);
	});

	test('at any moment of the hand-over: no file is left', async (t) => {
		for (let ms = 0; ms <= 125; ms += 25) {
			const pipeline = await start(t);
			await pipeline.run({
				config: options({ 'hand-over': 'process' }),
				started: async (child) => {
					await pipeline.services.arrived('sts');
					setTimeout(() => child.kill('SIGTERM'), ms);
				},
			});
		}
	});
});
