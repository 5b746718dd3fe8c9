// One build at Bitrise, as the CLI sets it up for a step: folders, the store of variables, inputs, and the servers that
// the step talks to. envman is the real one.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { mint, stsAnswer } from './answers.js';
import { ROOT, runScript } from './child.js';
import { Clients } from './clients.js';
import { assertNoControl, Folder } from './job.js';
import { find } from './programs.js';
import { assertNoSecret, REQUEST_TOKEN } from './secrets.js';
import { Service } from './server.js';

/** @typedef {import('./answers.js').Answer} Answer */
/** @typedef {import('./job.js').Changes} Changes */

export const STORE = 'bitrise/output_envstore.yml';
export const EMPTY_STORE = 'envs: []\n';
export const BUILD = '/build/0123456789abcdef';
const RED = /\u001b\[31;1m([^\u001b]*)\u001b\[0m\n$/;

/** @param {Record<string, unknown>} [claims] @param {Record<string, unknown>} [header] */
export function mintForBuild(claims = {}, header = {}) {
	const now = Math.floor(Date.now() / 1000);
	const usual = {
		iss: 'https://token.builds.bitrise.io',
		aud: 'sts.amazonaws.com',
		sub: 'app:0a1b2c3d4e5f6071:workflow:deploy',
		exp: now + 600,
		iat: now,
		nbf: now,
		jti: '11111111-2222-3333-4444-555555555555',
		app_slug: '0a1b2c3d4e5f6071',
		workspace_slug: 'f0e1d2c3b4a59687',
		workflow: 'deploy',
		build_number: '7',
		trigger_by: 'octocat',
		repository_owner: 'octo-org',
		repository_slug: 'octo-repo',
		repository_url: 'https://git.example.com/octo-org/octo-repo.git',
		branch: 'main',
		branch_dest: '',
		tag: '',
		sha: '0123456789abcdef0123456789abcdef01234567',
	};
	return mint(claims, header, usual);
}

/**
 * @param {string} token
 * @returns {Answer}
 */
export const buildTokenAnswer = (token) => ({
	to: 'token',
	contentType: 'application/json; charset=utf-8',
	body: JSON.stringify({ id_token: token, token_type: 'Bearer', expires_in: 600 }),
});

/** The inputs of step.yml with their defaults. */
export function defaults() {
	const manifest = fs.readFileSync(join(ROOT, 'step.yml'), 'utf8').split('\noutputs:\n')[0] ?? '';
	/** @type {Record<string, string>} */
	const inputs = {};
	for (const [, name = '', value = ''] of manifest.matchAll(/^- ([a-z_]+): (".*")$/gm))
		inputs[name] = JSON.parse(value);
	return inputs;
}

/**
 * What the CLI gives to later steps.
 * @param {string} store the file's text, with values that need no more than double quotes
 * @returns {Map<string, { value: string, sensitive: boolean, expand: boolean }>}
 */
export function readStore(store) {
	const entries = store.split(/^- /m).slice(1);
	return new Map(
		entries.map((entry) => {
			const [, name = '', value = ''] = /^(\w+): (.*)$/m.exec(entry) ?? [];
			const plain = value.startsWith('"') ? JSON.parse(value) : value;
			const expand = !entry.includes('is_expand: false');
			return [name, { value: plain, sensitive: entry.includes('is_sensitive: true'), expand }];
		}),
	);
}

/**
 * @param {import('node:test').TestContext} t
 * @param {import('./job.js').Options} [options]
 */
export async function startBuild(t, options = {}) {
	const service = await new Service().start();
	const build = new Build(service, options);
	t.after(() => {
		service.stop();
		build.delete();
	});
	return build;
}

export class Build extends Folder {
	/**
	 * @param {Service} service
	 * @param {import('./job.js').Options} options
	 */
	constructor(service, options) {
		super(service, options.token ?? mintForBuild(options.claims, options.header));
		for (const secret of options.secrets ?? []) this.secrets.add(secret);
		const { temp } = this;
		const url = `${service.base}${BUILD}`;
		/** @type {NodeJS.ProcessEnv} */
		this.env = {
			...defaults(),
			build_api_token: REQUEST_TOKEN,
			build_url: url,
			role_arn: 'arn:aws:iam::123456789012:role/deploy',
			session_name: 'bitrise-7',
			sts_endpoint: `${service.base}/sts`,
			BITRISE_APP_SLUG: '0a1b2c3d4e5f6071',
			BITRISE_BUILD_API_TOKEN: REQUEST_TOKEN,
			BITRISE_BUILD_NUMBER: '7',
			BITRISE_BUILD_SLUG: '11111111-2222-3333-4444-555555555555',
			BITRISE_BUILD_URL: url,
			BITRISE_IO: 'true',
			BITRISE_TRIGGERED_WORKFLOW_ID: 'deploy',
			CI: 'true',
			ENVMAN_ENVSTORE_PATH: join(temp, STORE),
			HOME: join(temp, 'home'),
			PATH: dirname(find('envman') ?? ''),
			PR: 'false',
			TMPDIR: join(temp, 'tmp'),
		};
		for (const folder of ['bitrise', 'home', 'tmp', 'workspace']) fs.mkdirSync(join(temp, folder));
		this.change(this.env, options.env);
		for (const [path, node] of Object.entries(options.files ?? {})) this.put(path, node);
	}

	/**
	 * Runs one step, and gives what it exports to the next. Of every step it is asked that
	 * - no secret is in its output, and nothing that a terminal obeys but the last, red text;
	 * - exactly the requests come that were to come;
	 * - no file of its own is left, but the profile that it was to write, and only its user can read what it wrote.
	 * @param {import('./job.js').StepOptions} [options]
	 */
	async run(options = {}) {
		const { args = [], env: changes, answers, deadlineMs, started, modes = {} } = options;
		const entry = options.entry ?? 'bitrise';
		const main = entry === 'bitrise';
		const store = this.path(STORE);
		if (fs.lstatSync(store, { throwIfNoEntry: false })?.isFile() !== false) fs.writeFileSync(store, EMPTY_STORE);
		const env = { ...this.env };
		this.change(env, changes);
		this.service.expect(answers ?? (main ? [buildTokenAnswer(this.token), stsAnswer()] : []));
		const clients = new Clients(options.programs ?? [], (text) => this.fill(text));
		env.PATH = `${clients.path}:${env.PATH}`;
		const restore = Object.entries(modes).map(([path, mode]) => this.setMode(path, mode));
		const ran = await runScript(main ? 'js/bitrise.cjs' : 'js/cli.js', main ? args : [entry, 'bitrise', ...args], {
			env,
			cwd: this.path('workspace'),
			...(deadlineMs !== undefined && { deadlineMs }),
			...(started && { started }),
		}).finally(() => {
			for (const undo of restore) undo();
		});
		const called = clients.end();
		const log = ran.stdout + ran.stderr;
		const [, red = ''] = RED.exec(ran.stdout) ?? [];
		assertNoSecret(main || ran.exitCode !== 0 ? log : ran.stderr, this.secrets, 'the log');
		assertNoControl(ran.stdout.replace(RED, '') + ran.stderr);
		const { received, unexpected, left } = this.service.outcome();
		assert.deepEqual(unexpected, [], log);
		if (!options.leaveAnswers) assert.equal(left, 0, `${left} answers were not asked for:\n${log}`);
		assert.deepEqual(this.litter(), [], 'files are left');
		const exported = fs.lstatSync(store, { throwIfNoEntry: false })?.isFile() ? readStore(this.read(STORE)) : new Map();
		for (const [name, { value }] of exported) this.env[name] = value;
		return {
			...ran,
			log,
			red,
			requests: received,
			started: called,
			exported,
			codes: [...log.matchAll(/^error\[([a-z-]+)\]: /gm)].map(([, code = '']) => code),
		};
	}

	/** Values on their way to envman, copies of the store, and what was to become another file. */
	litter() {
		const ours = /(^|\/)ci-assume-role-[0-9a-f]{32}(-\d+|\.yml)$|\.tmp$/;
		return [...this.files().keys()].filter((path) => ours.test(path));
	}
}
