// Where and how often the plugin runs, and what the command and the log get of it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { missing } from '../js/support/programs.js';
import { AUDIT, CREDENTIALS, commit, copyPlugin, options, ROLE, useAgent } from './agent.js';

const parallel = { concurrency: 2, skip: missing('buildkite-agent') };
const tell = (prefix = '') => CREDENTIALS.map((name) => `echo "${prefix}${name} is $${prefix}${name}."`).join('\n');

/**
 * @param {string} log
 * @param {string} [prefix]
 */
function assertHidden(log, prefix = '') {
	for (const name of CREDENTIALS) assert.match(log, new RegExp(`^${prefix}${name} is \\[REDACTED\\]\\.$`, 'm'));
}

describe('a job in the real agent', parallel, () => {
	const start = useAgent();

	test('its command has credentials, and its log has none of them', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ command: tell() });
		pipeline.assertHandedOver(ran);
		assertHidden(ran.log);
		assert.match(ran.log, /^~~~ :aws: Assume arn:aws:iam::123456789012:role\/deploy$/m);
		assert.match(ran.log, /token sub: organization:acme:pipeline:api:ref:refs\/heads\/main:commit:\w+:step:deploy$/m);
		assert.match(ran.log, /Assumed arn:aws:sts::123456789012:assumed-role\/deploy\/buildkite-job-\S+ until \S+Z \(/);
		for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE', 'CI_ASSUME_ROLE_FILES']) {
			assert.equal(ran.env.get(name), undefined, `${name} is not touched`);
		}
		assert.ok(![...ran.env.keys()].some((name) => name.startsWith('CI_ASSUME_ROLE')), 'nothing else is exported');
	});

	test('the key id is hidden, and all is where the operator has emptied BUILDKITE_REDACTED_VARS', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({
			config: options({ 'credential-name-prefix': 'P_' }),
			command: tell('P_'),
			env: { BUILDKITE_REDACTED_VARS: 'NOTHING_HAS_THIS_NAME' },
		});
		pipeline.assertHandedOver(ran, { prefix: 'P_' });
		assertHidden(ran.log, 'P_');
	});

	test('the log has no terminal and no colour', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ command: tell(), env: { BUILDKITE_PTY: 'false' } });
		pipeline.assertHandedOver(ran);
		assertHidden(ran.log);
	});

	test('a successful hook does not exit: the exports are applied, and nothing after it is lost', async (t) => {
		const pipeline = await start(t);
		const hook = 'export BEFORE=1';
		const ran = await pipeline.run({ hooks: { environment: hook, 'pre-command': 'export AFTER=$AWS_ACCESS_KEY_ID' } });
		pipeline.assertHandedOver(ran);
		assert.equal(ran.env.get('BEFORE'), '1');
		assert.equal(ran.env.get('AFTER'), ran.env.get('AWS_ACCESS_KEY_ID'));
		for (const name of ['environment', 'pre-command', 'launch.bash']) {
			const text = fs.readFileSync(join(pipeline.shared.plugin, 'hooks', name), 'utf8');
			assert.doesNotMatch(text, /^\s*exit( 0)?\s*$/m, `hooks/${name} ends the shell that it is sourced by`);
		}
	});

	test('hook: pre-command acts after the checkout and after hooks that need the agent’s own role', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({
			config: options({ hook: 'pre-command' }),
			checkout: true,
			hooks: { 'post-checkout': 'echo "seen: ${AWS_ACCESS_KEY_ID-none}"', 'pre-command': 'echo "own: ${AWS_ACCESS_KEY_ID-none}"' },
		});
		pipeline.assertHandedOver(ran);
		assert.match(ran.log, /^seen: none$/m);
		assert.match(ran.log, /^own: none$/m);
		assert.equal(pipeline.services.to('sts').length, 1);
	});

	test('hook: environment acts before the checkout, once', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({
			config: options({ hook: 'environment' }),
			checkout: true,
			hooks: { 'pre-checkout': 'test -n "$AWS_ACCESS_KEY_ID" && echo "there already"' },
		});
		pipeline.assertHandedOver(ran);
		assert.match(ran.log, /^there already$/m);
		assert.equal(pipeline.services.to('sts').length, 1);
	});

	test('Kubernetes: hook: pre-command asks once, in the container of the command', async (t) => {
		const pipeline = await start(t);
		const config = options({ hook: 'pre-command' });
		const checkout = await pipeline.run({ config, checkout: true, env: { BUILDKITE_BOOTSTRAP_PHASES: 'plugin,checkout' } });
		assert.deepEqual([checkout.exitCode, checkout.commanded], [0, false], checkout.log);
		assert.deepEqual(pipeline.services.requests.filter(({ to }) => to !== 'other'), []);
		const command = await pipeline.run({ config, env: { BUILDKITE_BOOTSTRAP_PHASES: 'plugin,command' } });
		pipeline.assertHandedOver(command);
	});

	test('Kubernetes: hook: environment asks in each container, and says that one exchange is for nothing', async (t) => {
		const pipeline = await start(t);
		const checkout = await pipeline.run({ checkout: true, env: { BUILDKITE_BOOTSTRAP_PHASES: 'plugin,checkout' } });
		assert.equal(checkout.exitCode, 0, checkout.log);
		assert.match(checkout.log, /this container does not run the command.*`hook: pre-command`/);
		const command = await pipeline.run({ env: { BUILDKITE_BOOTSTRAP_PHASES: 'plugin,command' } });
		pipeline.assertHandedOver(command);
		assert.doesNotMatch(command.log, /this container does not run the command/);
	});

	test('Kubernetes: the container of the checkout needs no runtime with hook: pre-command', async (t) => {
		const pipeline = await start(t);
		const env = { BUILDKITE_BOOTSTRAP_PHASES: 'plugin,checkout' };
		const ran = await pipeline.run({ config: options({ hook: 'pre-command' }), checkout: true, env, path: [] });
		assert.equal(ran.exitCode, 0, ran.log);
	});

	test('the same plugin twice, with prefixes: each has its own configuration', async (t) => {
		const pipeline = await start(t);
		const plugins = [
			{ '{plugin}#main': options({ 'credential-name-prefix': 'A_' }) },
			{ '{plugin}#main': options({ 'role-arn': AUDIT, 'credential-name-prefix': 'B_', hook: 'pre-command' }) },
		];
		const ran = await pipeline.run({ plugins, command: tell('A_') + '\n' + tell('B_') });
		pipeline.assertHandedOver(ran, { prefix: 'A_' });
		pipeline.assertHandedOver(ran, { prefix: 'B_', role: AUDIT });
		assertHidden(ran.log, 'A_');
		assertHidden(ran.log, 'B_');
		assert.equal(ran.env.get('AWS_ACCESS_KEY_ID'), undefined);
	});

	test('the same plugin twice: the later one fails, and the job ends without its command', async (t) => {
		const pipeline = await start(t);
		const plugins = [
			{ '{plugin}#main': options({ 'hand-over': 'profile' }) },
			{ '{plugin}#main': options({ 'role-arn': 'arn:aws:iam::123456789012:role/release' }) },
		];
		pipeline.assertRefused(await pipeline.run({ plugins }), 4, 'not-authorized');
	});

	test('two roles in one declaration', async (t) => {
		const pipeline = await start(t);
		const roles = [{ 'credential-name-prefix': 'A_' }, { 'role-arn': AUDIT }];
		const ran = await pipeline.run({ config: options({ roles, region: 'eu-north-1' }), command: tell() + '\n' + tell('A_') });
		pipeline.assertHandedOver(ran, { prefix: 'A_' });
		pipeline.assertHandedOver(ran, { role: AUDIT });
		assertHidden(ran.log);
		assertHidden(ran.log, 'A_');
		assert.match(ran.log, /^~~~ :aws: Assume 2 roles$/m);
	});

	test('two roles in one declaration cannot have different regions as variables', async (t) => {
		const pipeline = await start(t);
		const roles = [{ 'credential-name-prefix': 'A_', region: 'eu-north-1' }, { 'role-arn': AUDIT, region: 'us-east-1' }];
		pipeline.assertRefused(await pipeline.run({ config: options({ roles }) }), 2, 'option-conflict');
	});

	test('two roles in one declaration: all are handed over, or none', async (t) => {
		const pipeline = await start(t);
		const roles = [{ 'credential-name-prefix': 'A_' }, { 'role-arn': 'arn:aws:iam::123456789012:role/release' }];
		const ran = await pipeline.run({ config: options({ roles }), hooks: { 'pre-exit': 'env | grep AWS_ || echo nothing' } });
		pipeline.assertRefused(ran, 4, 'not-authorized');
		assert.match(ran.log, /^nothing$/m);
	});

	test('a vendored plugin, whose environment hook runs after the checkout', async (t) => {
		const pipeline = await start(t);
		const repository = pipeline.path('repository');
		copyPlugin(join(repository, '.buildkite', 'plugins', 'aws'));
		commit(repository);
		const ran = await pipeline.run({ repository, plugins: [{ './.buildkite/plugins/aws': options() }] });
		pipeline.assertHandedOver(ran);
		const wrong = await pipeline.run({ repository, plugins: [{ './.buildkite/plugins/aws': options({ hook: 'post' }) }] });
		pipeline.assertRefused(wrong, 2, 'option-invalid');
	});

	test('a plugin in a folder of a repository', async (t) => {
		const pipeline = await start(t);
		const repository = pipeline.path('many.git');
		copyPlugin(join(repository, 'plugins', 'aws-oidc'));
		commit(repository);
		const name = `file://${repository}/plugins/aws-oidc#main`;
		for (const hook of ['environment', 'pre-command']) {
			pipeline.assertHandedOver(await pipeline.run({ plugins: [{ [name]: options({ hook }) }] }));
		}
	});

	test('a plugin of any name: the configuration does not depend on it', async (t) => {
		const pipeline = await start(t);
		for (const name of ['My_Own.Fork-buildkite-plugin', '2-fast']) {
			const repository = pipeline.path(name);
			fs.cpSync(pipeline.shared.plugin, repository, { recursive: true });
			// `hook` and `runtime` have to be known before any program of ours runs.
			const config = options({ hook: 'pre-command', runtime: 'node' });
			const ran = await pipeline.run({ plugins: [{ [`${repository}#main`]: config }] });
			pipeline.assertHandedOver(ran);
			assert.match(ran.log, /pre-command hook$/m);
		}
	});

	test('credentials of before are replaced, all of them', async (t) => {
		const pipeline = await start(t);
		const before = { AWS_ACCESS_KEY_ID: 'AKIAEARLIEREARLIER00', AWS_SECRET_ACCESS_KEY: 'earlier-secret', AWS_SECURITY_TOKEN: 'old' };
		const exports = Object.entries(before).map(([name, value]) => `export ${name}=${value}`);
		const ran = await pipeline.run({ hooks: { environment: exports.join('\n') }, command: tell() });
		pipeline.assertHandedOver(ran);
		assertHidden(ran.log);
		assert.equal(ran.env.get('AWS_SECURITY_TOKEN'), '', 'some tools would prefer it');
	});

	test('AWS_PROFILE is reported, since a hook cannot unset it', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ env: { AWS_PROFILE: 'mine', AWS_DEFAULT_PROFILE: 'mine' } });
		pipeline.assertHandedOver(ran);
		for (const name of ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE']) {
			assert.match(ran.log, new RegExp(`^note: ${name} is set as well`, 'm'));
			assert.equal(ran.env.get(name), 'mine', 'tools fail on an empty one');
		}
		const prefixed = await pipeline.run({ config: options({ 'credential-name-prefix': 'A_' }), env: { AWS_PROFILE: 'mine' } });
		assert.doesNotMatch(prefixed.log, /AWS_PROFILE is set as well/);
	});

	test('the access token of the job and the role’s token are nowhere on a command line', async (t) => {
		const pipeline = await start(t);
		const { services } = pipeline;
		/** @type {Set<string>} */
		const lines = new Set();
		const look = () => {
			for (const id of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
				try {
					lines.add(fs.readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' '));
				} catch {
					// It is over.
				}
			}
		};
		const timer = setInterval(look, 5);
		// A pause in which whatever holds the token is there to be seen.
		services.script.sts = (_, number) => (number > 1 ? undefined : { status: 503, body: '' });
		const ran = await pipeline.run({ config: options({ annotate: true }), command: 'sleep 0.1' });
		clearInterval(timer);
		pipeline.assertHandedOver(ran);
		assert.ok([...lines].some((line) => line.includes('oidc request-token')), 'the agent was seen');
		for (const line of lines) for (const secret of services.secrets) assert.ok(!line.includes(secret), line);
	});
});
