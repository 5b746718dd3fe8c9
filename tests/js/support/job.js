// One job of a workflow, as a runner sets it up: folders, command files, environment, and the servers that it talks to.
// Whatever a test is about, every step that it runs is held to what must always be so; see `Job.run`.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { mint, stsAnswer, tokenAnswer } from './answers.js';
import { ROOT, RUNTIME_NAME, runScript } from './child.js';
import { Clients, isLogin } from './clients.js';
import { findCommands, parseCommandFile, unescapeData } from './runner.js';
import { assertNoSecret, KEY_ID, REQUEST_TOKEN, SECRET, SESSION_TOKEN, secretsWith } from './secrets.js';
import { Service } from './server.js';

/** @typedef {import('./answers.js').Answer} Answer */
/** @typedef {Record<string, string | null>} Changes null removes a variable */
/** @typedef {string | { symlink: string } | { folder: true } | { bytes: Buffer }} Node */

/** What runtimes keep in the home folder is not what these tests look at. */
const CACHES_ELSEWHERE = {
	node: {},
	bun: { BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0' },
	deno: { DENO_DIR: join(tmpdir(), 'ci-assume-role-deno'), DENO_NO_UPDATE_CHECK: '1' },
};
const COMMAND_FILES = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'];
/** All that we ever tell the log to do, but for hiding secrets. */
const OURS = new Set(['endgroup', 'error', 'group', 'notice']);
export const CREDENTIAL_NAMES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/** Gives a program a terminal. */
const TERMINAL = ['python3', '-c', 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)'];
const OUR_COLOURS = /\u001b\[(0|1|31)m/g;

/**
 * @typedef {import('./child.js').Ran & {
 *   log: string,
 *   masked: string[],
 *   commands: import('./runner.js').Command[],
 *   codes: string[],
 *   requests: import('./server.js').Received[],
 *   started: string,
 *   env: Map<string, string>,
 *   outputs: Map<string, string>,
 *   state: Map<string, string>,
 *   summary: string,
 * }} Step
 */

/**
 * @typedef {object} Options
 * @property {Changes} [env]
 * @property {Record<string, Node>} [files] `{temp}` in a path or a text is the job's folder
 * @property {Record<string, unknown>} [claims]
 * @property {Record<string, unknown>} [header]
 * @property {string} [token]
 * @property {string[]} [secrets] more that must not be seen
 * @property {Record<string, unknown>} [config] of a Buildkite plugin: differences from the usual one
 */

/**
 * @typedef {object} StepOptions
 * @property {'github' | 'github-post' | 'login-ecr' | 'login-ecr-post' | 'bitrise' | 'buildkite' | 'command' | 'credential-process'} [entry]
 * @property {string[]} [args]
 * @property {Changes} [env]
 * @property {any[]} [programs] what those of Buildkite's agent do, and clients of registries
 * @property {Answer[]} [answers] by default those of a happy path
 * @property {boolean} [leaveAnswers] some may be left over
 * @property {Record<string, string>} [commandFiles] what is in them when the step starts
 * @property {number} [deadlineMs]
 * @property {number} [uid]
 * @property {Record<string, number>} [modes] of files and folders, for the length of the step
 * @property {string[]} [wrapper]
 * @property {boolean} [terminal] run it with a terminal for its output, as Buildkite and act do
 * @property {(child: import('node:child_process').ChildProcess) => void} [started]
 */

/**
 * @param {import('node:test').TestContext} t
 * @param {Options} [options]
 */
export async function startJob(t, options = {}) {
	const service = await new Service().start();
	const job = new Job(service, options);
	t.after(() => {
		service.stop();
		job.delete();
	});
	return job;
}

/** The folder of one job, whatever the CI: its files, and the servers that it talks to. */
export class Folder {
	/**
	 * @param {Service} service
	 * @param {string} token
	 */
	constructor(service, token) {
		this.service = service;
		this.token = token;
		this.secrets = secretsWith(token);
		this.temp = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'ci-assume-role-'));
	}

	delete() {
		fs.rmSync(this.temp, { recursive: true, force: true });
	}

	/** @param {string} text */
	fill(text) {
		return text
			.replaceAll('{base}', this.service.base)
			.replaceAll('{temp}', this.temp)
			.replaceAll('{token}', this.token);
	}

	/**
	 * @param {string} path `{temp}` stands for the job's folder, which is also where relative ones start
	 * @param {Node} node
	 */
	put(path, node) {
		const place = this.path(path);
		fs.mkdirSync(dirname(place), { recursive: true });
		fs.rmSync(place, { recursive: true, force: true });
		if (typeof node === 'string') fs.writeFileSync(place, this.fill(node));
		else if ('symlink' in node) fs.symlinkSync(this.fill(node.symlink), place);
		else if ('bytes' in node) fs.writeFileSync(place, node.bytes);
		else fs.mkdirSync(place);
	}

	/** @param {string} path */
	path(path) {
		const filled = this.fill(path);
		return filled.startsWith('/') ? filled : join(this.temp, filled);
	}

	/** @param {string} path */
	read(path) {
		return fs.readFileSync(this.path(path), 'utf8');
	}

	/**
	 * Every file of the job, and what is in it.
	 * @returns {Map<string, string>}
	 */
	files() {
		/** @type {Map<string, string>} */
		const files = new Map();
		const walk = (/** @type {string} */ folder) => {
			for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
				const path = join(folder, entry.name);
				if (entry.isDirectory()) walk(path);
				else if (entry.isSymbolicLink()) files.set(relative(this.temp, path), `-> ${fs.readlinkSync(path)}`);
				else if (entry.isFile()) files.set(relative(this.temp, path), fs.readFileSync(path, 'latin1'));
			}
		};
		walk(this.temp);
		return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
	}

	/**
	 * @param {string} path
	 * @param {number} mode
	 */
	setMode(path, mode) {
		const place = this.path(path);
		const before = fs.statSync(place).mode;
		fs.chmodSync(place, mode);
		return () => fs.chmodSync(place, before);
	}

	/**
	 * @param {NodeJS.ProcessEnv} env
	 * @param {Changes} [changes]
	 */
	change(env, changes = {}) {
		for (const [name, value] of Object.entries(changes)) {
			if (value === null) delete env[name];
			else env[name] = this.fill(value);
		}
	}
}

export class Job extends Folder {
	/**
	 * @param {Service} service
	 * @param {Options} options
	 */
	constructor(service, options) {
		super(service, options.token ?? mint(options.claims, options.header));
		const { temp } = this;
		for (const secret of options.secrets ?? []) this.secrets.add(secret);
		/** @type {NodeJS.ProcessEnv} */
		this.env = {
			ACTIONS_ID_TOKEN_REQUEST_TOKEN: REQUEST_TOKEN,
			ACTIONS_ID_TOKEN_REQUEST_URL: `${service.base}/token?api-version=2.0`,
			CI: 'true',
			GITHUB_ACTIONS: 'true',
			GITHUB_EVENT_NAME: 'push',
			GITHUB_JOB: 'deploy',
			GITHUB_REPOSITORY: 'octo-org/octo-repo',
			GITHUB_RUN_ATTEMPT: '1',
			GITHUB_RUN_ID: '1234567890',
			GITHUB_WORKSPACE: `${temp}/workspace`,
			'INPUT_AWS-REGION': 'us-east-1',
			'INPUT_ROLE-TO-ASSUME': 'arn:aws:iam::123456789012:role/deploy',
			'INPUT_STS-ENDPOINT': `${service.base}/sts`,
			RUNNER_TEMP: `${temp}/runner`,
			HOME: `${temp}/home`,
			...CACHES_ELSEWHERE[RUNTIME_NAME],
		};
		for (const name of COMMAND_FILES) this.env[name] = `${temp}/commands/${name}`;
		for (const folder of ['commands', 'home', 'runner', 'workspace']) fs.mkdirSync(join(temp, folder));
		for (const name of COMMAND_FILES) fs.writeFileSync(`${temp}/commands/${name}`, '');
		this.change(this.env, options.env);
		for (const [path, node] of Object.entries(options.files ?? {})) this.put(path, node);
	}

	/**
	 * Runs one step, and plays the runner's part before and after. Of every step it is asked that
	 * - no secret is in its output but in the lines that hide it, nor in the page that it leaves for people;
	 * - the log obeys nothing but what we meant to say, and holds no control character;
	 * - the command files can be read by the runner;
	 * - exactly the requests come that were to come;
	 * - no temporary file is left.
	 * @param {StepOptions} [options]
	 * @returns {Promise<Step>}
	 */
	async run(options = {}) {
		const { entry = 'github', args = [], commandFiles = {} } = options;
		for (const name of COMMAND_FILES) {
			const path = join(this.temp, 'commands', name);
			if (fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() !== false) {
				fs.writeFileSync(path, commandFiles[name] ?? '');
			}
		}
		const env = { ...this.env };
		this.change(env, options.env);
		this.service.expect(options.answers ?? (entry === 'github' ? [tokenAnswer(this.token), stsAnswer()] : []));
		const clients = new Clients(options.programs ?? [], (text) => this.fill(text));
		if (isLogin(entry, args)) env.PATH = clients.path;
		const file = entry === 'credential-process' ? 'js/cli.js' : `js/${entry}.cjs`;
		const words = entry === 'credential-process' ? [entry, 'github', ...args] : args;
		const { deadlineMs, uid, started, modes = {} } = options;
		const restore = Object.entries(modes).map(([path, mode]) => this.setMode(path, mode));
		const wrapper = options.terminal ? TERMINAL : options.wrapper;
		const ran = await runScript(file, words, {
			env,
			cwd: this.path('workspace'),
			...(deadlineMs !== undefined && { deadlineMs }),
			...(uid !== undefined && { uid }),
			...(wrapper && { wrapper }),
			...(started && { started }),
		}).finally(() => {
			for (const undo of restore) undo();
		});
		const called = clients.end();

		if (options.terminal) {
			assert.ok(ran.exitCode === 0 || ran.stdout.includes('\u001b[31m'), 'an error on a terminal is red');
			ran.stdout = ran.stdout.replaceAll('\r\n', '\n').replace(OUR_COLOURS, '');
		}
		const lines = ran.stdout.split('\n');
		// The runner takes such a line as a whole, whatever is in it, and shows nothing of it.
		const masks = lines.filter((line) => line.startsWith('::add-mask::'));
		for (const line of masks) assert.ok(!line.includes('\r'), 'a line that hides a secret has an end inside');
		const answersSdk = entry === 'credential-process' && ran.exitCode === 0;
		const log = [...lines.filter((line) => !line.startsWith('::add-mask::')), ran.stderr].join('\n');
		assertNoSecret(answersSdk ? ran.stderr : log, this.secrets, 'the log');
		assertNoControl(log);
		const commands = findCommands(log);
		for (const command of commands) {
			const meant = command.dialect === 'github' && OURS.has(command.name) && command.line.startsWith('::');
			assert.ok(meant, `the log would be obeyed: ${JSON.stringify(command.line)}`);
		}
		const { received, unexpected, left } = this.service.outcome();
		assert.deepEqual(unexpected, [], log);
		if (!options.leaveAnswers) assert.equal(left, 0, `${left} answers were not asked for:\n${log}`);
		const litter = [...this.files().keys()].filter((path) => path.endsWith('.tmp'));
		assert.deepEqual(litter, [], 'temporary files are left');

		const state = this.#commandFile('GITHUB_STATE');
		const exported = this.#commandFile('GITHUB_ENV');
		const summary = this.#text('GITHUB_STEP_SUMMARY');
		const outputs = this.#commandFile('GITHUB_OUTPUT');
		assertNoSecret(summary, this.secrets, 'the summary');
		assertNoSecret(outputs.get('diagnostic') ?? '', this.secrets, 'the output `diagnostic`');
		for (const [name, value] of exported) this.env[name] = value;
		for (const [name, value] of state) this.env[`STATE_${name}`] = value;
		return {
			...ran,
			log,
			masked: masks.map((line) => unescapeData(line.slice('::add-mask::'.length))),
			commands,
			codes: [...ran.stdout.matchAll(/^error\[([a-z-]+)\]: /gm), ...ran.stderr.matchAll(/^error\[([a-z-]+)\]: /gm)].map(
				([, code = '']) => code,
			),
			requests: received,
			started: called,
			env: exported,
			outputs,
			state,
			summary,
		};
	}

	/** @param {string} name */
	#text(name) {
		try {
			const path = this.env[name] ?? '';
			return fs.lstatSync(path).isFile() ? fs.readFileSync(path, 'utf8') : '';
		} catch {
			return '';
		}
	}

	/** @param {string} name */
	#commandFile(name) {
		return new Map(parseCommandFile(this.#text(name)));
	}
}

/**
 * The step failed, told why, and left the job as it was: nothing in the environment, in the outputs or on the disk.
 * @param {Step} step
 * @param {number} exitCode
 * @param {string} code
 */
export function assertFailed(step, exitCode, code) {
	assert.deepEqual([step.codes, step.exitCode, step.signal], [[code], exitCode, null], step.log);
	assertNothingHandedOver(step);
	assert.ok(
		step.commands.some(({ name, properties }) => name === 'error' && properties.includes(code)),
		step.log,
	);
}

/** @param {Step} step */
export function assertNothingHandedOver(step) {
	assert.deepEqual([...step.env.keys()], [], 'GITHUB_ENV');
	assert.deepEqual([...step.state.keys()], [], 'GITHUB_STATE');
	assert.deepEqual(
		[...step.outputs.keys()].filter((name) => name !== 'diagnostic'),
		[],
		'GITHUB_OUTPUT',
	);
}

/** @param {Step} step */
export function assertHandedOver(step) {
	assert.equal(step.exitCode, 0, step.log);
	assert.deepEqual(
		CREDENTIAL_NAMES.map((name) => step.env.get(name)),
		[KEY_ID, SECRET, SESSION_TOKEN],
	);
}

/**
 * Every file is as it was, byte for byte. What explains the failure is added for people and later steps.
 * @param {Job} job
 * @param {Map<string, string>} before
 */
export function assertUntouched(job, before) {
	const after = job.files();
	for (const path of ['commands/GITHUB_OUTPUT', 'commands/GITHUB_STEP_SUMMARY']) {
		const text = after.get(path);
		if (text === undefined) continue;
		assert.ok(text.startsWith(before.get(path) ?? '?'), path);
		after.set(path, before.get(path) ?? '');
	}
	assert.deepEqual([...after], [...before]);
}

/**
 * No escape sequence, no direction override, no line end but ours.
 * @param {string} text
 */
export function assertNoControl(text) {
	const found = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/.exec(text);
	const near = found && JSON.stringify(text.slice(Math.max(0, found.index - 40), found.index + 40));
	assert.equal(near, null, 'a control character is in the log');
}

export { ROOT };
