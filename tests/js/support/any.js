// A job of no CI in particular, for the scenarios of the command line: a home, a folder for temporary files, and a command
// that says with what it was started.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mint, stsAnswer } from './answers.js';
import { runScript } from './child.js';
import { Clients, isLogin } from './clients.js';
import { assertNoControl, Folder } from './job.js';
import { assertNoSecret } from './secrets.js';
import { Service } from './server.js';

/** What it writes beside itself is no file of the job. Its exit code is none that we have. */
const COMMAND = `#!${process.execPath}
require('node:fs').writeFileSync(__dirname + '/started.json', JSON.stringify([process.argv.slice(2), process.env]));
process.exitCode = 7;
`;

/** @param {Record<string, unknown>} [claims] @param {Record<string, unknown>} [header] */
function mintForNobody(claims = {}, header = {}) {
	const now = Math.floor(Date.now() / 1000);
	const usual = {
		iss: 'https://issuer.example.com',
		aud: 'sts.amazonaws.com',
		sub: 'job:deploy',
		exp: now + 300,
		iat: now,
		nbf: now - 5,
	};
	return mint(claims, header, usual);
}

/**
 * @param {import('node:test').TestContext} t
 * @param {import('./job.js').Options} [options]
 */
export async function startAny(t, options = {}) {
	const service = await new Service().start();
	const job = new AnyJob(service, options);
	t.after(() => {
		service.stop();
		job.delete();
		fs.rmSync(job.commands, { recursive: true, force: true });
	});
	return job;
}

export class AnyJob extends Folder {
	/**
	 * @param {Service} service
	 * @param {import('./job.js').Options} options
	 */
	constructor(service, options) {
		super(service, options.token ?? mintForNobody(options.claims, options.header));
		for (const secret of options.secrets ?? []) this.secrets.add(secret);
		this.commands = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'commands-'));
		fs.writeFileSync(join(this.commands, 'deploy'), COMMAND, { mode: 0o755 });
		/** @type {NodeJS.ProcessEnv} */
		this.env = {
			HOME: `${this.temp}/home`,
			PATH: `${this.commands}:/usr/bin:/bin`,
			TMPDIR: `${this.temp}/tmp`,
		};
		for (const folder of ['home', 'tmp']) fs.mkdirSync(join(this.temp, folder));
		this.change(this.env, options.env);
	}

	/** @param {import('./job.js').StepOptions} [options] */
	async run(options = {}) {
		const env = { ...this.env };
		this.change(env, options.env);
		this.service.expect(options.answers ?? [stsAnswer()]);
		const clients = new Clients(options.programs ?? [], (text) => this.fill(text));
		if (isLogin('command', options.args ?? [])) env.PATH = clients.path;
		const ran = await runScript('js/cli.js', options.args ?? [], { env, cwd: this.temp });
		const called = clients.end();
		assertNoSecret(ran.stderr, this.secrets, 'standard error');
		assertNoControl(ran.stderr);
		const { received, unexpected, left } = this.service.outcome();
		assert.deepEqual([unexpected, left], [[], 0], ran.stderr);
		return { ...ran, requests: received, started: this.#started(env) + called };
	}

	/** With which words the command was started, and how its environment differed. @param {NodeJS.ProcessEnv} env */
	#started(env) {
		const file = join(this.commands, 'started.json');
		if (!fs.existsSync(file)) return '';
		/** @type {[string[], Record<string, string>]} */
		const [words, had] = JSON.parse(fs.readFileSync(file, 'utf8'));
		fs.rmSync(file);
		const names = Object.keys(had).sort();
		const set = names.filter((name) => had[name] !== env[name]).map((name) => `  ${name}=${had[name]}\n`);
		const without = Object.keys(env).filter((name) => !(name in had));
		const lines = without.sort().map((name) => `  without ${name}\n`);
		return [`exec ${JSON.stringify(['deploy', ...words])}\n`, ...set, ...lines].join('');
	}
}
