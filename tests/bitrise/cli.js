// The real Bitrise CLI, on a workflow of a test, against a server on loopback in place of Bitrise and of STS.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { stsAnswer } from '../js/support/answers.js';
import { BUILD, buildTokenAnswer, mintForBuild } from '../js/support/bitrise.js';
import { ROOT, runProgram } from '../js/support/child.js';
import { Folder } from '../js/support/job.js';
import { find, missing } from '../js/support/programs.js';
import { assertNoSecret, KEY_ID, REQUEST_TOKEN, SECRET, SESSION_TOKEN } from '../js/support/secrets.js';
import { Service } from '../js/support/server.js';

/** What the CLI copies of the repository, as far as the step needs it. */
export const SHIPPED = ['step.yml', 'step.sh', 'package.json', 'js', 'pkg'];
/** Copies a file or, with a slash at the end, what is in a folder: as much of rsync as the CLI uses. */
const RSYNC = `#!/bin/sh
for last; do :; done
while [ $# -gt 2 ]; do shift; done
case $1 in
*/) mkdir -p "$last" && exec cp -R "$1." "$last" ;;
*) exec cp -R "$1" "$last" ;;
esac
`;
const PROBE = join(ROOT, 'tests/bitrise/probe');

export const skip = missing('bitrise', 'envman');

/** @typedef {Record<string, unknown>} Inputs */
/** @typedef {Record<string, unknown>} Step as in bitrise.yml */

/**
 * @typedef {object} How
 * @property {Step[]} steps
 * @property {NodeJS.ProcessEnv} [env]
 * @property {import('../js/support/answers.js').Answer[]} [answers] those of a happy path
 * @property {boolean} [leaveAnswers]
 * @property {string[]} [flags] for the CLI
 * @property {string} [cwd]
 * @property {string[]} [path] folders in front of PATH
 * @property {string} [node] the Node of this build, in place of the one that runs the tests
 * @property {(child: import('node:child_process').ChildProcess) => void} [started]
 */

/**
 * @param {import('node:test').TestContext} t
 * @param {{ claims?: Record<string, unknown>, token?: string }} [options]
 */
export async function startCli(t, options = {}) {
	const service = await new Service().start();
	const cli = new Cli(service, options.token ?? mintForBuild(options.claims));
	t.after(() => {
		service.stop();
		cli.delete();
	});
	return cli;
}

class Cli extends Folder {
	/**
	 * @param {Service} service
	 * @param {string} token
	 */
	constructor(service, token) {
		super(service, token);
		for (const folder of ['home/.bitrise', 'tmp', 'evidence', 'repository', 'bin']) {
			fs.mkdirSync(join(this.temp, folder), { recursive: true });
		}
		// The CLI's setup would look for its tools on the internet.
		this.put('home/.bitrise/config.json', '{"setup_version":"dev"}');
		this.program('bin/rsync', RSYNC);
		for (const name of SHIPPED) fs.cpSync(join(ROOT, name), join(this.temp, 'step', name), { recursive: true });
	}

	/**
	 * @param {string} path
	 * @param {string} text
	 */
	program(path, text) {
		this.put(path, text);
		fs.chmodSync(this.path(path), 0o755);
		return dirname(this.path(path));
	}

	/**
	 * @param {Inputs} [inputs]
	 * @param {Record<string, unknown>} [more]
	 * @returns {Step}
	 */
	assume(inputs = {}, more = {}) {
		return { [`path::${this.temp}/step`]: { inputs: this.#inputs(inputs), ...more } };
	}

	/** @param {Inputs} [inputs] those that differ from the usual */
	#inputs(inputs) {
		const all = {
			role_arn: 'arn:aws:iam::123456789012:role/deploy',
			sts_endpoint: `${this.service.base}/sts`,
			max_attempts: '1',
			...inputs,
		};
		return Object.entries(all).map(([name, value]) => ({ [name]: value }));
	}

	/**
	 * @param {string} evidence
	 * @param {string} [command]
	 * @returns {Step}
	 */
	probe(evidence, command = '') {
		return { [`path::${PROBE}`]: { is_always_run: true, inputs: [{ evidence }, { command }] } };
	}

	/**
	 * Runs a workflow. Of each it is asked that no secret is in its log, and that only the requests come that were to.
	 * @param {How} how
	 */
	async run({ steps, env = {}, answers, leaveAnswers = false, flags = [], cwd, path = [], node, started }) {
		const folder = cwd ?? this.path('repository');
		// YAML, as all JSON is.
		const workflow = { format_version: '13', workflows: { deploy: { steps } } };
		fs.writeFileSync(join(this.temp, 'bitrise.yml'), JSON.stringify(workflow));
		this.service.expect(answers ?? [buildTokenAnswer(this.token), stsAnswer()]);
		const bitrise = find('bitrise') ?? '';
		const tools = [dirname(bitrise), dirname(find('envman') ?? ''), dirname(node ?? process.execPath)];
		const search = [...path, this.path('bin'), ...tools, '/usr/local/bin', '/usr/bin', '/bin'];
		const ran = await runProgram([bitrise, 'run', 'deploy', '-c', join(this.temp, 'bitrise.yml'), ...flags], {
			cwd: folder,
			env: {
				BITRISE_ANALYTICS_DISABLED: 'true',
				BITRISE_APP_SLUG: '0a1b2c3d4e5f6071',
				BITRISE_BUILD_API_TOKEN: REQUEST_TOKEN,
				BITRISE_BUILD_NUMBER: '7',
				BITRISE_BUILD_SLUG: '11111111-2222-3333-4444-555555555555',
				BITRISE_BUILD_URL: `${this.service.base}${BUILD}`,
				BITRISE_IO: 'true',
				BITRISE_OFFLINE_MODE: 'true',
				CI: 'true',
				EVIDENCE: this.path('evidence'),
				HOME: this.path('home'),
				PATH: search.join(delimiter),
				TMPDIR: this.path('tmp'),
				...env,
			},
			deadlineMs: 60_000,
			...(started && { started }),
		});
		const log = ran.stdout + ran.stderr;
		assertNoSecret(log, this.secrets, "the CLI's log");
		const { received, unexpected, left } = this.service.outcome();
		assert.deepEqual(unexpected, [], log);
		if (!leaveAnswers) assert.equal(left, 0, `${left} answers were not asked for:\n${log}`);
		return {
			exitCode: ran.exitCode,
			log,
			ms: ran.ms,
			requests: received,
			form: new URLSearchParams(received.find(({ to }) => to === 'sts')?.body),
			/** @param {string} name of a probe */
			environment: (name) => this.#environment(name, log),
		};
	}

	/**
	 * @param {string} name
	 * @param {string} log
	 */
	#environment(name, log) {
		const path = join(this.temp, 'evidence', name);
		if (!fs.existsSync(path)) assert.fail(`no ${name}:\n${log}`);
		const pairs = fs.readFileSync(path, 'utf8').split('\0').filter(Boolean);
		return new Map(pairs.map((pair) => /** @type {[string, string]} */ (pair.split(/=(.*)/s).slice(0, 2))));
	}

	/** What the step has left in the CLI's folders, but for the copy of the step itself. */
	leftFiles() {
		const ours = (/** @type {string} */ path) => path.startsWith('tmp/') && path.includes('/ci-assume-role-');
		return [...this.files().keys()].filter(ours);
	}
}

/** @param {Map<string, string>} environment */
export function assertNoCredentials(environment) {
	for (const [name, value] of environment) {
		if (/AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE)$|^BITRISE_IDENTITY_TOKEN$/.test(name)) {
			assert.equal(value, '', name);
		}
	}
}

/** @param {Map<string, string>} environment @param {string} [prefix] */
export function assertCredentials(environment, prefix = '') {
	const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];
	assert.deepEqual(
		names.map((name) => environment.get(prefix + name)),
		[KEY_ID, SECRET, SESSION_TOKEN],
	);
}
