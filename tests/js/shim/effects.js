// The effects under test. They are performed in this process, or under the runtime that CI_ASSUME_ROLE_RUNTIME names:
// the servers and the assertions stay on Node either way, so that only the shim is put to the test.

import { spawn, spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from '../../../js/start.cjs';

await prepare();
const { fetchNode } = await import('../../../js/fetch-node.js');
const program = await import('../../../js/program.js');
const files = await import('../../../js/run.js');
export const { drive } = await import('../../../js/run.js');

const runtime = process.env.CI_ASSUME_ROLE_RUNTIME || undefined;
const isDeno = /^deno/.test(basename(runtime ?? ''));

/** Whether requests are made by a `fetch` that does not show when it is connected. */
export const web = isDeno || /^bun/.test(basename(runtime ?? ''));

/**
 * How to run a script under the runtime.
 * @param {string} script as seen from this folder
 * @param {string[]} args
 * @returns {[string, ...string[]]}
 */
export function command(script, ...args) {
	const path = fileURLToPath(new URL(script, import.meta.url));
	return [runtime ?? process.execPath, ...(isDeno ? ['run', '-A'] : []), path, ...args];
}

/** @typedef {import('../../../js/types.d.ts').Fetch} Fetch */
/** @typedef {import('../../../js/types.d.ts').RunEffect} RunEffect */

/** @param {Fetch | RunEffect | import('../../../js/types.d.ts').FileEffect} effect */
export const performing = (effect) => command('perform.js', JSON.stringify(effect));

/** @type {import('../../../js/types.d.ts').Start<Fetch>} */
export const startFetch = (effect, settle) => (runtime ? elsewhere(effect, settle) : fetchNode(effect, settle));

/** @type {import('../../../js/types.d.ts').Start<RunEffect>} */
export const startProgram = (effect, settle) =>
	runtime ? elsewhere(effect, settle) : program.startProgram(effect, settle);

/** @type {import('../../../js/types.d.ts').Start<Fetch | RunEffect>} */
function elsewhere(effect, settle) {
	const [executable, ...args] = performing(effect);
	const child = spawn(executable, args, { stdio: ['ignore', 'pipe', 'inherit'] });
	let output = '';
	child.stdout.on('data', (chunk) => {
		output += chunk;
	});
	child.on('close', () => settle(JSON.parse(output)));
	return () => child.kill();
}

/**
 * @param {import('../../../js/types.d.ts').FileEffect} effect
 * @returns {import('../../../js/types.d.ts').FileOutcome}
 */
export function performFile(effect) {
	if (!runtime) return files.performFile(effect);
	const [executable, ...args] = performing(effect);
	return JSON.parse(spawnSync(executable, args, { encoding: 'utf8' }).stdout);
}
