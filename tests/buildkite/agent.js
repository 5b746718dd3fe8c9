// One job in the real agent: `buildkite-agent bootstrap` runs a plugin of a step, its hooks and the step's command as it
// does for Buildkite, on a repository of this machine. Whatever a test is about, every job is held to what must always
// be so; see `Pipeline.run`.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before } from 'node:test';
import { prepare } from '../../js/start.cjs';
import { ROOT, runProgram } from '../js/support/child.js';
import { find } from '../js/support/programs.js';
import { assertNoSecret } from '../js/support/secrets.js';
import { CONFIG, Services } from './services.js';

export const ROLE = 'arn:aws:iam::123456789012:role/deploy';
export const AUDIT = 'arn:aws:iam::210987654321:role/audit';
export const JOB_ID = '0184990a-477b-4fa8-9968-496074483cee';
export const CREDENTIALS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/** What the agent clones of the plugin, as far as a job needs it. */
const SHIPPED = ['plugin.yml', 'package.json', 'hooks', 'js', 'pkg'];
/** What hooks and commands may use; no runtime is among them, so that a test decides which there is. */
const TOOLS =
	'basename bash cat chmod cp date dash dirname env find git grep id ls mkdir mktemp printenv rm sed sh sleep sort tr true uname';
/** What the agent hides by itself. */
const BY_NAME =
	'*_PASSWORD,*_SECRET,*_TOKEN,*_PRIVATE_KEY,*_ACCESS_KEY,*_SECRET_KEY,*_CONNECTION_STRING,*_API_KEY,*_SSH_KEY';
export const AGENT = find('buildkite-agent') ?? '';

/**
 * What a pipeline has under the plugin. `{sts}` is the address of STS.
 * @param {Record<string, unknown>} [more]
 */
export const options = (more) => ({ 'role-arn': ROLE, 'sts-endpoint': '{sts}', ...more });

/**
 * @typedef {object} How
 * @property {unknown} [config] what the pipeline has under the plugin
 * @property {Record<string, unknown>[]} [plugins] instead of the one plugin; `{plugin}` in a name is its repository
 * @property {string} [command] what the step runs, after it has written its environment down
 * @property {Record<string, string | null>} [env] of the job
 * @property {string[]} [path] folders that come first on PATH
 * @property {string} [agent] the folder of the agent that hooks find, or none
 * @property {Record<string, string>} [hooks] of the agent's own, by name
 * @property {boolean} [checkout] of the job's own repository, which takes a while
 * @property {string} [repository] of the job
 * @property {number} [deadlineMs]
 * @property {(child: import('node:child_process').ChildProcess) => void} [started]
 */

/**
 * @typedef {object} Ran
 * @property {number | null} exitCode
 * @property {number} ms
 * @property {string} log
 * @property {string[]} codes of the diagnostics in it
 * @property {Map<string, string>} env of the command; empty if it did not run
 * @property {boolean} commanded whether the command ran
 */

/** For the `describe` of a test file: the sandbox, and the plugin's repository as people install it. @param {any} [config] */
export function useAgent(config = CONFIG) {
	const shared = { temp: '', plugin: '', plain: '' };
	/** @type {Awaited<ReturnType<typeof import('../../js/sandbox.js').startSandbox>>} */
	let sandbox;
	before(async () => {
		await prepare();
		const { startSandbox } = await import('../../js/sandbox.js');
		sandbox = await startSandbox({ config });
		// Short, since the agent puts sockets into it.
		shared.temp = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'cb-'));
		fs.mkdirSync(join(shared.temp, 'tools'));
		for (const name of TOOLS.split(' ')) fs.symlinkSync(onPath(name), join(shared.temp, 'tools', name));
		fs.mkdirSync(join(shared.temp, 'node'));
		fs.symlinkSync(process.execPath, join(shared.temp, 'node', 'node'));
		shared.plugin = join(shared.temp, 'aws-credentials-buildkite-plugin');
		copyPlugin(shared.plugin);
		commit(shared.plugin);
		// As agents keep them; two jobs that find none at the same time would be in each other's way.
		const kept = join(shared.temp, 'plugins', 'a', `${shared.plugin}-main`.replace(/[^a-zA-Z0-9]/g, '-').slice(1));
		fs.cpSync(shared.plugin, kept, { recursive: true });
		shared.plain = join(shared.temp, 'repository');
		fs.mkdirSync(shared.plain);
		fs.writeFileSync(join(shared.plain, 'README'), 'A project.\n');
		commit(shared.plain);
	});
	after(() => {
		sandbox?.close();
		fs.rmSync(shared.temp, { recursive: true, force: true });
	});
	/** @param {import('node:test').TestContext} t */
	return async (t) => {
		const services = await new Services(sandbox).start();
		const temp = fs.mkdtempSync(join(shared.temp, 'j'));
		t.after(() => services.stop());
		return new Pipeline(services, temp, shared);
	};
}

/** @param {string} folder */
export function copyPlugin(folder) {
	for (const name of SHIPPED) fs.cpSync(join(ROOT, name), join(folder, name), { recursive: true });
}

/** @param {string} folder becomes a repository with one commit */
export function commit(folder) {
	const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
	for (const args of [
		['init', '--quiet', '--initial-branch=main'],
		['add', '--all', '--force'],
		[...who, 'commit', '--quiet', '--message', 'All'],
	]) {
		execFileSync('git', args, { cwd: folder, env: { PATH: process.env.PATH, HOME: folder } });
	}
}

/** @param {string} name */
export function onPath(name) {
	const folders = (process.env.PATH ?? '').split(delimiter);
	return folders.map((folder) => join(folder, name)).find((path) => fs.existsSync(path)) ?? assert.fail(`no ${name}`);
}

export class Pipeline {
	/**
	 * @param {Services} services
	 * @param {string} temp
	 * @param {{ temp: string, plugin: string, plain: string }} shared
	 */
	constructor(services, temp, shared) {
		this.services = services;
		this.temp = temp;
		this.shared = shared;
		for (const name of ['evidence', 'home', 'hooks', 's', 'tmp']) fs.mkdirSync(join(temp, name));
	}

	/** The folder with nothing but the tests' own Node. */
	get node() {
		return join(this.shared.temp, 'node');
	}

	/** @param {string} name */
	path(name) {
		return join(this.temp, name);
	}

	/**
	 * What the command left in its folder for evidence, `$EVIDENCE`.
	 * @param {string} name
	 */
	read(name) {
		return fs.readFileSync(join(this.temp, 'evidence', name), 'utf8');
	}

	/**
	 * A program that stands in for another one.
	 * @param {string} name
	 * @param {string} script
	 * @returns {string} its folder
	 */
	standIn(name, script) {
		const folder = join(this.temp, `with-${name}`);
		fs.mkdirSync(folder, { recursive: true });
		fs.writeFileSync(join(folder, name), `#!${onPath('bash')}\n${script}\n`, { mode: 0o755 });
		return folder;
	}

	/** A stand-in's way to put every word that it is called with on record; see {@link argv}. @param {string} name */
	recording(name) {
		return `{ printf '%s\\n' "$@"; echo; } >> '${this.path('evidence')}/${name}.argv'`;
	}

	/** @param {string} name @returns {string[][]} */
	argv(name) {
		const calls = this.read(`${name}.argv`).split('\n\n');
		return calls.slice(0, -1).map((call) => call.split('\n'));
	}

	/** Files of ours that are still there. */
	left() {
		const files = fs.readdirSync(this.path('tmp')).filter((name) => name.includes('assume-role'));
		return [...files, ...fs.readdirSync(this.path('home')).filter((name) => name === '.aws')];
	}

	/**
	 * Runs one job. Of every job it is asked that
	 * - no secret is in its log, whatever prints there;
	 * - a job that the plugin has failed does not come to its command;
	 * - no file of ours is left.
	 * @param {How} [how]
	 * @returns {Promise<Ran>}
	 */
	async run(how = {}) {
		const { config = options(), command = 'true', path = [this.node], hooks = {} } = how;
		for (const [name, script] of Object.entries(hooks)) {
			fs.writeFileSync(join(this.temp, 'hooks', name), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
		}
		const plugins = JSON.stringify(how.plugins ?? [{ '{plugin}#main': config }])
			.replaceAll('{plugin}', this.shared.plugin)
			.replaceAll('{sts}', `${this.services.base}/sts`);
		const agent = how.agent ?? dirname(AGENT);
		const evidence = join(this.temp, 'evidence');
		fs.rmSync(join(evidence, 'environment'), { force: true });
		/** @type {NodeJS.ProcessEnv} */
		const env = {
			HOME: join(this.temp, 'home'),
			TMPDIR: join(this.temp, 'tmp'),
			PATH: [...path, agent, join(this.shared.temp, 'tools')].join(delimiter),
			TERM: 'xterm',
			EVIDENCE: evidence,
			DENO_DIR: join(tmpdir(), 'ci-assume-role-deno'),
			DENO_NO_UPDATE_CHECK: '1',
			BUILDKITE: 'true',
			BUILDKITE_AGENT_ACCESS_TOKEN: this.services.accessToken,
			BUILDKITE_AGENT_ENDPOINT: `${this.services.base}/v3`,
			BUILDKITE_AGENT_NAME: 'a',
			BUILDKITE_BIN_PATH: agent,
			BUILDKITE_BRANCH: 'main',
			BUILDKITE_BUILD_PATH: join(this.temp, 'builds'),
			BUILDKITE_BUILD_NUMBER: '7',
			BUILDKITE_COMMAND: `env -0 > "$EVIDENCE/environment"\n${command}`,
			BUILDKITE_COMMIT: 'HEAD',
			BUILDKITE_HOOKS_PATH: join(this.temp, 'hooks'),
			BUILDKITE_JOB_ID: JOB_ID,
			BUILDKITE_NO_HTTP2: 'true',
			BUILDKITE_ORGANIZATION_SLUG: 'acme',
			BUILDKITE_PIPELINE_PROVIDER: 'git',
			BUILDKITE_PIPELINE_SLUG: 'api',
			BUILDKITE_PLUGINS: plugins,
			BUILDKITE_PLUGINS_PATH: join(this.shared.temp, 'plugins'),
			BUILDKITE_REDACTED_VARS: BY_NAME,
			BUILDKITE_REPO: how.repository ?? this.shared.plain,
			BUILDKITE_SKIP_CHECKOUT: `${how.checkout !== true && how.repository === undefined}`,
			BUILDKITE_SOCKETS_PATH: join(this.temp, 's'),
		};
		for (const [name, value] of Object.entries(how.env ?? {})) {
			if (value === null) delete env[name];
			else env[name] = value;
		}
		const { deadlineMs = 60_000, started } = how;
		const ran = await runProgram([AGENT, 'bootstrap'], {
			env,
			cwd: this.temp,
			deadlineMs,
			wrapper: ['sh', '-c', 'exec "$@" 2>&1', 'sh'],
			...(started && { started }),
		});
		const log = ran.stdout.replaceAll('\r\n', '\n');
		assertNoSecret(log, this.services.secrets, 'the log');
		const written = join(evidence, 'environment');
		const commanded = fs.existsSync(written);
		const pairs = (commanded ? fs.readFileSync(written, 'utf8') : '').split('\0').filter(Boolean);
		const codes = [...log.matchAll(/error\[([a-z-]+)\]/g)].map(([, code = '']) => code);
		if (codes.length > 0) assert.ok(!commanded, `the command ran all the same:\n${log}`);
		assert.deepEqual(this.left(), [], log);
		return {
			exitCode: ran.exitCode,
			ms: ran.ms,
			log,
			codes,
			commanded,
			env: new Map(
				pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
			),
		};
	}

	/**
	 * The command had credentials of the role, under names with the prefix.
	 * @param {Ran} ran
	 * @param {{ prefix?: string, role?: string }} [what]
	 */
	assertHandedOver(ran, { prefix = '', role = ROLE } = {}) {
		assert.equal(ran.exitCode, 0, ran.log);
		const [id = '', secret, token] = CREDENTIALS.map((name) => ran.env.get(prefix + name));
		assert.deepEqual(this.services.sessions.get(id), { secret, token, role }, ran.log);
	}

	/**
	 * The plugin failed the job, said why, and the command did not run.
	 * @param {Ran} ran
	 * @param {number} exitCode
	 * @param {...string} codes
	 */
	assertRefused(ran, exitCode, ...codes) {
		assert.deepEqual([ran.codes, ran.exitCode, ran.commanded], [codes, exitCode, false], ran.log);
		assert.match(ran.log, /^\^\^\^ \+\+\+$/m, 'the group is opened');
	}
}
