// The command line in a job of no CI in particular: a folder of its own, an environment that holds nothing but what the
// test put there, and a server that stands for STS and for a token service.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { mint, stsAnswer } from './answers.js';
import { command, ROOT, runProgram } from './child.js';
import { KEY_ID, SECRET, SESSION_TOKEN } from './secrets.js';
import { Service } from './server.js';

export const ROLE = 'arn:aws:iam::123456789012:role/deploy';

/** @typedef {import('./answers.js').Answer} Answer */

/**
 * @typedef {object} Options
 * @property {Record<string, unknown>} [claims]
 * @property {Record<string, string>} [env]
 *
 * @typedef {object} How
 * @property {Record<string, string>} [env] besides those of the job
 * @property {Answer[]} [answers] by default one session
 * @property {string[]} [wrapper]
 * @property {number} [deadlineMs]
 * @property {(child: import('node:child_process').ChildProcess) => void} [started]
 */

/**
 * @param {import('node:test').TestContext} t
 * @param {Options} [options]
 */
export async function startCli(t, { claims = {}, env = {} } = {}) {
	const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'command-')));
	const service = await new Service().start();
	t.after(() => {
		service.stop();
		fs.rmSync(folder, { recursive: true, force: true });
	});
	const now = Math.floor(Date.now() / 1000);
	const usual = {
		iss: 'https://issuer.example.com',
		aud: 'sts.amazonaws.com',
		sub: 'job:deploy',
		exp: now + 300,
		iat: now,
		nbf: now - 5,
	};
	const token = mint(claims, {}, usual);
	for (const name of ['home', 'tmp']) fs.mkdirSync(join(folder, name));
	/** @type {Record<string, string>} */
	const own = {
		PATH: '/usr/bin:/bin',
		HOME: join(folder, 'home'),
		TMPDIR: join(folder, 'tmp'),
		MY_TOKEN: token,
		...env,
	};
	const path = (/** @type {string} */ name) => join(folder, name);
	/** What most commands are given. */
	const flags = ['--role-arn', ROLE, '--region', 'us-east-1', '--sts-endpoint', `${service.base}/sts`];

	return {
		service,
		token,
		flags,
		/** The same, with the usual token. */
		usual: [...flags, '--token-env', 'MY_TOKEN'],
		env: own,
		folder,
		path,
		secrets: [token, token.split('.')[2] ?? '', SECRET, SESSION_TOKEN],

		/** @param {string} name @param {string} text @param {number} [mode] */
		put(name, text, mode = 0o600) {
			fs.mkdirSync(dirname(path(name)), { recursive: true });
			fs.writeFileSync(path(name), text, { mode });
			return path(name);
		},

		/** @param {string} [below] every file there */
		files(below = '') {
			const names = fs.readdirSync(path(below), { recursive: true, encoding: 'utf8' });
			return names.filter((name) => fs.lstatSync(join(path(below), name)).isFile()).sort();
		},

		/**
		 * @param {string[]} args
		 * @param {How} [how]
		 */
		async run(args, { env = {}, answers = [stsAnswer()], ...how } = {}) {
			service.expect(answers);
			const whole = { ...own, ...env };
			const ran = await runProgram([...command('js/cli.js'), ...args], { env: whole, cwd: folder, ...how });
			return { ...ran, ...service.outcome() };
		},

		/**
		 * A shell script, in which `"$@"` is the command line.
		 * @param {string} script
		 * @param {string[]} args
		 * @param {How & { shell?: string[] }} [how]
		 */
		async script(script, args, { shell = ['sh', '-c'], env = {}, answers = [stsAnswer()], ...how } = {}) {
			service.expect(answers);
			const line = [...shell, script, 'shell', ...command('js/cli.js'), ...args];
			const ran = await runProgram(line, { env: { ...own, ...env }, cwd: folder, ...how });
			return { ...ran, ...service.outcome() };
		},
	};
}

/** @typedef {Awaited<ReturnType<typeof startCli>>} Cli */

/** The three variables of the usual session. */
export const CREDENTIALS = {
	AWS_ACCESS_KEY_ID: KEY_ID,
	AWS_SECRET_ACCESS_KEY: SECRET,
	AWS_SESSION_TOKEN: SESSION_TOKEN,
};

/**
 * @param {import('./child.js').Ran} ran
 * @param {number} exitCode
 * @param {string} code of the diagnostic
 */
export function assertRefused(ran, exitCode, code) {
	assert.equal(ran.exitCode, exitCode, ran.stdout + ran.stderr);
	assert.ok(ran.stderr.includes(`error[${code}]`), `no error[${code}]:\n${ran.stderr}`);
}

/**
 * What a grammar of PowerShell has against a script. It runs nothing, so that it is for machines that have no PowerShell.
 * @param {string} script
 * @returns {string[] | undefined} nothing where there is no grammar either
 */
export function powershellErrors(script) {
	const python = join(ROOT, '.venv/bin/python');
	if (!fs.existsSync(python)) return undefined;
	const reader = join(ROOT, 'tests/js/support/powershell.py');
	return JSON.parse(execFileSync(python, [reader], { input: script, encoding: 'utf8' })).errors;
}

/** @param {string | undefined} text what `env -0` printed */
export function readEnvironment(text = '') {
	const pairs = text.split('\0').filter((line) => line.includes('='));
	return new Map(pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}
