// What a run is made of. The build makes one file of this one and all that it imports, pkg/shim.cjs, and that is what
// runs: to find, read and link each file would cost a run the better part of a millisecond.

import { load } from './core.js';
import { run } from './run.js';

/**
 * @param {import('./types.d.ts').CiName} ci
 * @param {import('./types.d.ts').Entry} entry
 * @param {string[]} args
 */
export async function start(ci, entry, args) {
	await run({ Job: load(ci).Job, ci, entry, args });
}

/**
 * The same loop, with the module that has everything.
 * @param {import('./types.d.ts').CiName} ci
 * @param {import('./types.d.ts').Entry} entry
 */
export async function whole(ci, entry) {
	const { core } = await import('./whole-core.js');
	await run({ Job: core.Job, ci, entry, args: [] });
}

/**
 * The same loop, with the module that knows trust policies.
 * @param {import('./types.d.ts').Entry} entry
 * @param {string[]} args
 */
export async function policy(entry, args) {
	const { core } = await import('./policy-core.js');
	await run({ Job: core.Job, ci: 'any', entry, args });
}
