// The commands about trust policies: the same loop as a job, with the module that knows policies.

import { core } from './policy-core.js';
import { run } from './run.js';

/** @param {string[]} args */
export async function policy(args) {
	await run({ Job: core.Job, ci: 'any', entry: 'command', args });
}
