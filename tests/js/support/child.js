// Runs an entry as the CI would: a process of its own, with nothing in its environment but what the test put there.

import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The runtime under test. */
export const RUNTIME = process.env.CI_ASSUME_ROLE_RUNTIME || process.execPath;
const name = basename(RUNTIME);
/** @type {'node' | 'bun' | 'deno'} */
export const RUNTIME_NAME = name.startsWith('deno') ? 'deno' : name.startsWith('bun') ? 'bun' : 'node';
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, '');

/**
 * @typedef {object} Ran
 * @property {number | null} exitCode
 * @property {NodeJS.Signals | null} signal
 * @property {string} stdout
 * @property {string} stderr
 * @property {number} ms
 */

/**
 * @typedef {object} How
 * @property {NodeJS.ProcessEnv} env
 * @property {string} [cwd]
 * @property {number} [deadlineMs] the child is killed, and the test fails, when it takes longer
 * @property {number} [uid] whom it runs as
 * @property {string[]} [wrapper] a command that is given the child's command line
 * @property {(child: import('node:child_process').ChildProcess) => void} [started]
 */

/**
 * @param {string} file below the root of the repository
 * @param {string[]} args
 * @param {How} how
 * @returns {Promise<Ran>}
 */
export function runScript(file, args, how) {
	return runProgram([...command(file), ...args], how);
}

/**
 * @param {string} file below the root of the repository
 * @returns {string[]}
 */
export function command(file) {
	return [RUNTIME, ...(RUNTIME_NAME === 'deno' ? ['run', '-A', '--quiet'] : []), `${ROOT}/${file}`];
}

/**
 * @param {string[]} line
 * @param {How} how
 * @returns {Promise<Ran>}
 */
export function runProgram(line, { env, cwd, deadlineMs = 20_000, uid, wrapper = [], started }) {
	return new Promise((resolve, reject) => {
		const [program = '', ...args] = [...wrapper, ...line];
		const began = performance.now();
		const child = spawn(program, args, {
			env,
			stdio: ['ignore', 'pipe', 'pipe'],
			...(cwd !== undefined && { cwd }),
			...(uid !== undefined && { uid, gid: uid }),
		});
		/** @type {Buffer[]} */
		const stdout = [];
		/** @type {Buffer[]} */
		const stderr = [];
		child.stdout.on('data', (part) => stdout.push(part));
		child.stderr.on('data', (part) => stderr.push(part));
		let late = false;
		const deadline = setTimeout(() => {
			late = true;
			child.kill('SIGKILL');
		}, deadlineMs);
		child.on('error', reject);
		child.on('close', (exitCode, signal) => {
			clearTimeout(deadline);
			const ms = performance.now() - began;
			const ran = { exitCode, signal, stdout: `${Buffer.concat(stdout)}`, stderr: `${Buffer.concat(stderr)}`, ms };
			if (late) reject(new Error(`not over after ${deadlineMs} ms:\n${ran.stdout}${ran.stderr}`));
			else resolve(ran);
		});
		started?.(child);
	});
}
