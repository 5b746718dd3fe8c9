// What runs the plugin: whatever there is on PATH, or a container.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { find, missing, runtime } from '../js/support/programs.js';
import { CREDENTIALS, copyPlugin, options, useAgent } from './agent.js';

const parallel = { concurrency: 2, skip: missing('buildkite-agent') };
const CONFIGURATION = 2;

describe('a runtime on PATH', parallel, () => {
	const start = useAgent();

	test('none: one message names the ways out for hosted agents, the Elastic stack and Kubernetes', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ path: [] });
		pipeline.assertRefused(ran, CONFIGURATION, 'runtime-missing');
		for (const text of [/looked for +node bun deno/, /Elastic stack.*`runtime: docker`/, /Kubernetes.*`hook: pre-command`/, /hosted agents/]) {
			assert.match(ran.log, text);
		}
	});

	test('not the one that was named', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: options({ runtime: 'deno' }) });
		pipeline.assertRefused(ran, CONFIGURATION, 'runtime-missing');
		assert.match(ran.log, /looked for +deno$/m);
	});

	test('nothing else is needed: no aws, no jq, no curl', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ command: 'for name in aws jq curl python3; do command -v $name && exit 1; done; true' });
		pipeline.assertHandedOver(ran);
	});

	test('a Node that is too old says so', async (t) => {
		const pipeline = await start(t);
		const folder = pipeline.standIn('node', `exec '${process.execPath}' --import 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"16.20.2"})' "$@"`);
		const ran = await pipeline.run({ path: [folder] });
		assert.deepEqual([ran.exitCode, ran.commanded], [2, false], ran.log);
		assert.match(ran.log, /ci-assume-role needs Node 18 or newer, and this is Node 16\.20\.2/);
	});

	test('its folder has a space in its name', async (t) => {
		const pipeline = await start(t);
		const folder = pipeline.path('a folder');
		fs.mkdirSync(folder);
		fs.symlinkSync(process.execPath, join(folder, 'node'));
		pipeline.assertHandedOver(await pipeline.run({ path: [folder] }));
	});

	for (const name of /** @type {const} */ (['bun', 'deno'])) {
		const program = runtime(name);
		describe(name, { skip: program === undefined && `tests/runtimes has no ${name}` }, () => {
			const path = [dirname(program ?? '')];

			test('is found where there is no Node', async (t) => {
				const pipeline = await start(t);
				const ran = await pipeline.run({ path, command: CREDENTIALS.map((each) => `echo "${each} is $${each}."`).join('\n') });
				pipeline.assertHandedOver(ran);
				for (const each of CREDENTIALS) assert.match(ran.log, new RegExp(`^${each} is \\[REDACTED\\]\\.$`, 'm'));
			});

			test('is taken by name', async (t) => {
				const pipeline = await start(t);
				const node = pipeline.standIn('node', 'echo "node was started" >&2; exit 9');
				const ran = await pipeline.run({ config: options({ runtime: name }), path: [node, ...path] });
				pipeline.assertHandedOver(ran);
			});

			test('tells a denial, and needs no agent', async (t) => {
				const pipeline = await start(t);
				const config = options({ 'role-arn': 'arn:aws:iam::123456789012:role/release' });
				const ran = await pipeline.run({ config, path, agent: pipeline.path('none') });
				pipeline.assertRefused(ran, 4, 'not-authorized');
			});

			test('hand-over: process, whose command knows how to start it', { skip: missing('aws') }, async (t) => {
				const pipeline = await start(t);
				const ran = await pipeline.run({
					config: options({ 'hand-over': 'process' }),
					path: [...path, dirname(find('aws') ?? '')],
					env: { API: pipeline.services.base, AWS_EC2_METADATA_DISABLED: 'true' },
					command: 'rm "${AWS_CONFIG_FILE%-config}-0-credentials.json"\naws --endpoint-url "$API" --region us-east-1 sts get-caller-identity < /dev/null',
				});
				assert.equal(ran.exitCode, 0, ran.log);
				assert.equal(pipeline.services.sessions.size, 2);
			});
		});
	}
});

describe('runtime: docker', parallel, () => {
	const start = useAgent();

	/**
	 * Keeps its command line and its environment, and then does what the container would: it runs the command with the
	 * variables that were named, and with the plugin where it was put.
	 * @param {import('./agent.js').Pipeline} pipeline
	 */
	const docker = (pipeline) =>
		pipeline.standIn(
			'docker',
			`${pipeline.recording('docker')}
env -0 > "$EVIDENCE/docker.env"
set -e
named=() plugin=
while [ "$1" != "" ]; do
	case $1 in
		run | --rm | --init) shift ;;
		--user) shift 2 ;;
		--volume) case $2 in *:/plugin:ro) plugin=\${2%:/plugin:ro} ;; esac; shift 2 ;;
		--env) case $2 in *=*) exit 99 ;; esac; named+=("$2=\${!2}"); shift 2 ;;
		-*) exit 98 ;;
		*) break ;;
	esac
done
shift # the image
test "$1" = node
shift
exec env -i PATH='${pipeline.node}' "\${named[@]}" node "\${1/#\\/plugin/$plugin}"`,
		);

	test('its exact command line, on which no value stands', async (t) => {
		const pipeline = await start(t);
		const { services } = pipeline;
		const bundle = pipeline.path('evidence/ca.pem');
		fs.writeFileSync(bundle, '-----BEGIN CERTIFICATE-----\n');
		const ran = await pipeline.run({
			config: options({ runtime: 'docker', region: 'eu-north-1' }),
			path: [docker(pipeline)],
			env: { NODE_EXTRA_CA_CERTS: bundle, no_proxy: 'localhost', NO_COLOR: '1', SECRET_OF_SOMEBODY: 'x' },
			command: CREDENTIALS.map((name) => `echo "${name} is $${name}."`).join('\n'),
		});
		pipeline.assertHandedOver(ran);
		assert.equal(ran.env.get('AWS_REGION'), 'eu-north-1');
		for (const name of CREDENTIALS) assert.match(ran.log, new RegExp(`^${name} is \\[REDACTED\\]\\.$`, 'm'));

		const [argv = [], ...others] = pipeline.argv('docker');
		assert.deepEqual(others, []);
		const named = argv.filter((_, at) => argv[at - 1] === '--env');
		const rest = argv.filter((word, at) => word !== '--env' && argv[at - 1] !== '--env');
		const plugin = `${pipeline.shared.temp}/plugins/a/`;
		const volumes = rest.filter((_, at) => rest[at - 1] === '--volume');
		assert.deepEqual(
			rest.map((word) => (volumes.includes(word) ? 'VOLUME' : word)),
			[
				...['run', '--rm', '--init', '--user', `${process.getuid?.()}:${process.getgid?.()}`],
				...['--volume', 'VOLUME', '--volume', 'VOLUME', '--volume', 'VOLUME'],
				...['public.ecr.aws/docker/library/node:24.21.0-alpine', 'node', '/plugin/js/buildkite.cjs'],
			],
		);
		const [first, socket, ca] = volumes;
		assert.ok(first?.startsWith(plugin) && first.endsWith(':/plugin:ro'), first);
		assert.match(`${socket}`, /^(\/\S+\.sock):\1$/);
		assert.equal(ca, `${bundle}:${bundle}`);
		for (const name of ['BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_PLUGIN_CONFIGURATION', 'no_proxy', 'NO_COLOR']) {
			assert.ok(named.includes(name), name);
		}
		for (const name of named) assert.match(name, /^(BUILDKITE\w*|CI|NO_COLOR|no_proxy|NODE_EXTRA_CA_CERTS|AWS_\w+)$/);
		for (const secret of services.secrets) assert.ok(!argv.join(' ').includes(secret));
		// Nor in the environment of docker itself, beyond what the agent gives every hook.
		const environment = pipeline.read('docker.env').replace(services.accessToken, '');
		for (const secret of services.secrets) assert.ok(!environment.includes(secret));
	});

	test('another image, and hook: pre-command', async (t) => {
		const pipeline = await start(t);
		const config = options({ runtime: 'docker', 'docker-image': 'node:24', hook: 'pre-command' });
		pipeline.assertHandedOver(await pipeline.run({ config, path: [docker(pipeline)] }));
		assert.deepEqual(pipeline.argv('docker')[0]?.slice(-3), ['node:24', 'node', '/plugin/js/buildkite.cjs']);
	});

	test('without a Job API nothing of it is mounted', async (t) => {
		const pipeline = await start(t);
		const env = { BUILDKITE_AGENT_NO_JOB_API: 'true' };
		const ran = await pipeline.run({ config: options({ runtime: 'docker' }), path: [docker(pipeline)], env });
		pipeline.assertHandedOver(ran);
		assert.equal(pipeline.argv('docker')[0]?.filter((word) => word === '--volume').length, 1);
		assert.match(ran.log, /the log cannot be made to hide/);
	});

	test('a denial', async (t) => {
		const pipeline = await start(t);
		const config = options({ runtime: 'docker', 'role-arn': 'arn:aws:iam::123456789012:role/release' });
		pipeline.assertRefused(await pipeline.run({ config, path: [docker(pipeline)] }), 4, 'not-authorized');
	});

	test('a profile, whose files would be in the container', async (t) => {
		const pipeline = await start(t);
		const config = options({ runtime: 'docker', 'hand-over': 'profile' });
		pipeline.assertRefused(await pipeline.run({ config, path: [docker(pipeline)] }), CONFIGURATION, 'option-conflict');
	});

	test('no docker', async (t) => {
		const pipeline = await start(t);
		const ran = await pipeline.run({ config: options({ runtime: 'docker' }) });
		pipeline.assertRefused(ran, CONFIGURATION, 'runtime-missing');
		assert.match(ran.log, /looked for +docker$/m);
	});

	test('a docker that fails: what it says is in the log, and the job ends', async (t) => {
		const pipeline = await start(t);
		const folder = pipeline.standIn('docker', 'echo "Cannot connect to the Docker daemon" >&2; exit 125');
		const ran = await pipeline.run({ config: options({ runtime: 'docker' }), path: [folder] });
		assert.deepEqual([ran.exitCode, ran.commanded], [125, false], ran.log);
		assert.match(ran.log, /Cannot connect to the Docker daemon/);
	});
});

test('the plugin is what an agent clones: nothing is built or installed', () => {
	const folder = fs.mkdtempSync(join(process.env.TMPDIR ?? '/tmp', 'cb-'));
	try {
		copyPlugin(folder);
		assert.ok(fs.readdirSync(join(folder, 'pkg')).some((name) => name.endsWith('.wasm')));
		for (const hook of ['environment', 'pre-command', 'pre-exit']) {
			const text = fs.readFileSync(join(folder, 'hooks', hook), 'utf8');
			// With `env -S bash` the agent would run it as a program, whose exports are lost.
			assert.ok(text.startsWith('#!/usr/bin/env bash\n'), hook);
			assert.ok(fs.statSync(join(folder, 'hooks', hook)).mode & 0o100, 'older agents want them executable');
		}
		assert.ok(!fs.existsSync(join(folder, 'hooks', 'command')), 'it takes nobody’s command away');
	} finally {
		fs.rmSync(folder, { recursive: true, force: true });
	}
});
