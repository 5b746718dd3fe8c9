// Clients of registries that stand in for the real ones: each does what a scenario says, in the order in which they are
// run, and writes down with which words it was started and what it read.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * @typedef {object} Scripted what a program does
 * @property {string} program
 * @property {number} [exitCode]
 * @property {string} [stdout]
 * @property {string} [stderr]
 * @property {Record<string, string>} [writes] files, as the real one would
 * @property {string} [fault] it is not there
 */

const SCRIPT = `#!${process.execPath}
const fs = require('node:fs');
const { basename, dirname, join } = require('node:path');
const stage = dirname(__dirname);
const number = fs.readdirSync(join(stage, 'calls')).length;
const call = { argv: [basename(__filename), ...process.argv.slice(2)], input: fs.readFileSync(0, 'utf8') };
fs.writeFileSync(join(stage, 'calls', String(number)), JSON.stringify(call));
const { exitCode = 0, stdout = '', stderr = '', writes = {} } =
	JSON.parse(fs.readFileSync(join(stage, 'script.json'), 'utf8'))[number] ?? { exitCode: 99, stderr: 'not called for' };
for (const [path, text] of Object.entries(writes)) {
	fs.mkdirSync(dirname(path), { recursive: true });
	fs.writeFileSync(path, text);
}
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode;
`;

/** A folder of such programs, for one step. */
export class Clients {
	/**
	 * @param {Scripted[]} programs
	 * @param {(text: string) => string} fill
	 */
	constructor(programs, fill) {
		this.stage = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'ci-assume-role-clients-'));
		this.scripted = programs.filter(({ fault }) => fault === undefined);
		for (const folder of ['bin', 'calls']) fs.mkdirSync(join(this.stage, folder));
		const script = this.scripted.map(({ writes = {}, ...rest }) => ({
			...rest,
			writes: Object.fromEntries(Object.entries(writes).map(([path, text]) => [fill(path), text])),
		}));
		fs.writeFileSync(join(this.stage, 'script.json'), JSON.stringify(script));
		for (const { program } of this.scripted) fs.writeFileSync(join(this.path, program), SCRIPT, { mode: 0o755 });
	}

	/** What to put on `PATH`. */
	get path() {
		return join(this.stage, 'bin');
	}

	/** In the order in which they came. @returns {{ argv: string[], input: string }[]} */
	calls() {
		const folder = join(this.stage, 'calls');
		const names = fs.readdirSync(folder).sort((a, b) => Number(a) - Number(b));
		return names.map((name) => JSON.parse(fs.readFileSync(join(folder, name), 'utf8')));
	}

	/** The same as text, when all have been run that were to be, and no more. Nothing is left afterwards. */
	end() {
		const calls = this.calls();
		fs.rmSync(this.stage, { recursive: true, force: true });
		const started = calls.map(({ argv: [name] }) => name);
		assert.deepEqual(
			started,
			this.scripted.map(({ program }) => program),
		);
		return calls.map(({ argv, input }) => `${argv.join(' ')}\n${input && `  < ${input}\n`}`).join('');
	}
}

/**
 * Whether a step is about logins, so that it must find no client but those that the scenario has.
 * @param {string} entry
 * @param {string[]} args
 */
export function isLogin(entry, args) {
	return entry.startsWith('login-ecr') || (entry === 'command' && /^log(in|out)$/.test(args[0] ?? ''));
}
