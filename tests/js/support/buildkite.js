// One hook of a Buildkite job, as the agent sets it up, without the shell around it: what the hook prints for that shell
// is kept apart, and played back into the environment. Programs of the agent are there as far as a scenario scripts them.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mint, stsAnswer } from './answers.js';
import { runScript } from './child.js';
import { assertNoControl, Folder } from './job.js';
import { assertNoSecret, REQUEST_TOKEN } from './secrets.js';
import { Service } from './server.js';

/** @typedef {import('./answers.js').Answer} Answer */
/** @typedef {{ exitCode?: number, stdout?: string, stderr?: string, fault?: string }} Scripted what a program does */

const JOB = '0184990a-477b-4fa8-9968-496074483cee';
/** What the agent opens a group with, and what opens the group that it is in. */
const MARKS = /^(~~~ :aws: .*|\^\^\^ \+\+\+)$/;

/** @param {Record<string, unknown>} [claims] @param {Record<string, unknown>} [header] */
export function mintForJob(claims = {}, header = {}) {
	const now = Math.floor(Date.now() / 1000);
	const usual = {
		iss: 'https://agent.buildkite.com',
		aud: 'sts.amazonaws.com',
		sub: 'organization:acme:pipeline:api:ref:refs/heads/main:commit:9f3182061f1e2cca4702c368cbc039b7dc9d4485:step:deploy',
		exp: now + 300,
		iat: now,
		nbf: now,
		jti: '11111111-2222-3333-4444-555555555555',
		organization_slug: 'acme',
		pipeline_slug: 'api',
		build_number: 7,
		build_branch: 'main',
		build_commit: '9f3182061f1e2cca4702c368cbc039b7dc9d4485',
		step_key: 'deploy',
		job_id: JOB,
		agent_id: '0184990a-4782-42b5-afc1-16715b10b8ff',
		build_source: 'webhook',
		runner_environment: 'self-hosted',
	};
	return mint(claims, header, usual);
}

/**
 * @param {string} token
 * @returns {Answer}
 */
export const jobTokenAnswer = (token) => ({ to: 'token', body: JSON.stringify({ token }) });

/**
 * @param {import('node:test').TestContext} t
 * @param {import('./job.js').Options} [options]
 */
export async function startHook(t, options = {}) {
	const service = await new Service().start();
	const hook = new Hook(service, options);
	t.after(() => {
		service.stop();
		hook.delete();
	});
	return hook;
}

export class Hook extends Folder {
	/**
	 * @param {Service} service
	 * @param {import('./job.js').Options} options
	 */
	constructor(service, options) {
		super(service, options.token ?? mintForJob(options.claims, options.header));
		for (const secret of options.secrets ?? []) this.secrets.add(secret);
		/** Beside the job's own files. */
		this.stage = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'ci-assume-role-agent-'));
		const usual = { 'role-arn': 'arn:aws:iam::123456789012:role/deploy', 'sts-endpoint': `${service.base}/sts` };
		const config = Object.entries({ ...usual, ...options.config }).filter(([, value]) => value !== null);
		/** @type {NodeJS.ProcessEnv} */
		this.env = {
			BUILDKITE: 'true',
			BUILDKITE_AGENT_ACCESS_TOKEN: REQUEST_TOKEN,
			BUILDKITE_AGENT_ENDPOINT: `${service.base}/v3`,
			BUILDKITE_BUILD_NUMBER: '7',
			BUILDKITE_JOB_ID: JOB,
			BUILDKITE_ORGANIZATION_SLUG: 'acme',
			BUILDKITE_PIPELINE_SLUG: 'api',
			BUILDKITE_PLUGIN_CONFIGURATION: this.fill(JSON.stringify(Object.fromEntries(config.sort()))), // sorted, as the agent does
			BUILDKITE_PLUGIN_NAME: 'AWS_CREDENTIALS',
			CI: 'true',
			HOME: join(this.temp, 'home'),
			PATH: join(this.stage, 'bin'),
			TMPDIR: join(this.temp, 'tmp'),
		};
		for (const folder of ['home', 'tmp', 'workspace']) fs.mkdirSync(join(this.temp, folder));
		this.change(this.env, options.env);
		for (const [path, node] of Object.entries(options.files ?? {})) this.put(path, node);
	}

	/** @override */
	delete() {
		super.delete();
		fs.rmSync(this.stage, { recursive: true, force: true });
	}

	/**
	 * Runs one hook. Of every one it is asked that
	 * - no secret is in its log, and none is given to a program but by its input;
	 * - the log has no group but our own, and no control character;
	 * - exactly the requests and programs come that were to come;
	 * - no temporary file is left.
	 * @param {import('./job.js').StepOptions & { programs?: Scripted[] }} [options]
	 */
	async run(options = {}) {
		const { args = [], env: changes, answers, deadlineMs, started, programs = [] } = options;
		const entry = options.entry ?? 'buildkite';
		const main = entry === 'buildkite';
		const env = { ...this.env };
		this.change(env, changes);
		this.service.expect(answers ?? (main ? [jobTokenAnswer(this.token), stsAnswer()] : []));
		this.#setStage(programs);
		const ran = await runScript(main ? 'js/buildkite.cjs' : 'js/cli.js', main ? args : [entry, 'buildkite', ...args], {
			env,
			cwd: this.path('workspace'),
			...(deadlineMs !== undefined && { deadlineMs }),
			...(started && { started }),
		});
		const calls = this.#calls();
		assertNoSecret(main || ran.exitCode !== 0 ? ran.stderr : '', this.secrets, 'the log');
		for (const { argv } of calls) assertNoSecret(argv, this.secrets, 'a command line');
		assertNoControl(ran.stderr);
		for (const line of ran.stderr.split('\n')) {
			if (/^\s*(---|\+\+\+|~~~|\^\^\^)/.test(line)) assert.match(line, MARKS);
		}
		const { received, unexpected, left } = this.service.outcome();
		assert.deepEqual(unexpected, [], ran.stderr);
		if (!options.leaveAnswers) assert.equal(left, 0, `${left} answers were not asked for:\n${ran.stderr}`);
		assert.equal(calls.length, programs.length, `programs that were not run:\n${ran.stderr}`);
		const litter = [...this.files().keys()].filter((path) => path.endsWith('.tmp'));
		assert.deepEqual(litter, [], 'temporary files are left');
		const exports = main ? ran.stdout.replace(/\n\n$/, '\n') : ''; // a line end after the last line does no harm
		for (const [, name = '', value] of exports.matchAll(/^export (\w+)='(.*)'$/gm)) this.env[name] = value;
		// Standard error is what people read here.
		const log = main ? { stdout: ran.stderr, stderr: '' } : {};
		return { ...ran, ...log, requests: received, sections: { exports, programs: calls.map(shown).join('') } };
	}

	/** @param {Scripted[]} programs */
	#setStage(programs) {
		fs.rmSync(this.stage, { recursive: true, force: true });
		for (const folder of ['bin', 'calls', 'script']) fs.mkdirSync(join(this.stage, folder), { recursive: true });
		if (programs.length === 0) return;
		programs.forEach(({ exitCode = 0, stdout = '', stderr = '' }, number) => {
			const write = (/** @type {string} */ what, /** @type {string} */ text) =>
				fs.writeFileSync(join(this.stage, 'script', `${number}.${what}`), this.fill(text));
			write('out', stdout);
			write('err', stderr);
			write('exit', `${exitCode}`);
		});
		const script = `#!/bin/sh
PATH=/usr/bin:/bin
cd '${this.stage}/calls'
number=$(ls | grep -c argv)
echo "\${0##*/} $*" > "$number.argv"
env | grep -E '^BUILDKITE_AGENT_(DEBUG|DEBUG_HTTP|NO_COLOR|OIDC_REQUEST_TOKEN_SKIP_TOKEN_REDACTION)=' | LC_ALL=C sort > "$number.env"
cat > "$number.in"
cd ../script
cat "$number.out"
cat "$number.err" >&2
exit "$(cat "$number.exit")"
`;
		fs.writeFileSync(join(this.stage, 'bin', 'buildkite-agent'), script, { mode: 0o755 });
	}

	#calls() {
		const folder = join(this.stage, 'calls');
		const count = fs.readdirSync(folder).length / 3;
		return Array.from({ length: count }, (_, number) => {
			const read = (/** @type {string} */ what) => fs.readFileSync(join(folder, `${number}.${what}`), 'utf8');
			return { argv: read('argv'), env: read('env'), input: read('in') };
		});
	}
}

/** @param {{ argv: string, env: string, input: string }} call */
function shown({ argv, env, input }) {
	const lines = (/** @type {string} */ text) => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));
	const all = [...lines(env).map((line) => `  ${line}`), ...lines(input).map((line) => `  < ${line}`)];
	return argv + all.map((line) => `${line}\n`).join('');
}
