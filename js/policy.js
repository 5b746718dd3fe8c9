// The commands about trust policies: the same loop as a job, with the module that knows policies.

import { core } from './policy-core.js';
import { run } from './run.js';

/**
 * @param {import('./types.d.ts').Entry} entry
 * @param {string[]} args
 */
export async function policy(entry, args = []) {
	await run({ Job: core.Job, ci: 'any', entry, args });
}
