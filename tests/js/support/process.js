// A job whose credentials come from a command, at a moment when the command has to fetch new ones.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { ONCE } from './faults.js';
import { startJob } from './job.js';

/**
 * All but the command files, which are new for every step.
 * @param {import('./job.js').Job} job
 */
export function ourFiles(job) {
	return [...job.files()].filter(([path]) => !path.startsWith('commands/'));
}

/** @param {import('node:test').TestContext} t */
export async function startProcess(t) {
	const job = await startJob(t, { env: { 'INPUT_HAND-OVER': 'process', ...ONCE } });
	const step = await job.run();
	assert.equal(step.exitCode, 0, step.log);
	const written = (/** @type {string} */ end) => {
		const found = [...job.files().keys()].find((path) => path.startsWith('runner/') && path.endsWith(end));
		return job.path(found ?? assert.fail(`no ${end} was written`));
	};
	const request = written('request.json');
	const cache = written('credentials.json');
	// Too little time left for it to be handed out again.
	const kept = JSON.parse(fs.readFileSync(cache, 'utf8'));
	const soon = `${new Date(Date.now() + 60_000).toISOString().slice(0, 19)}Z`;
	fs.writeFileSync(cache, JSON.stringify({ ...kept, Expiration: soon }));
	return { job, args: [request], request, cache };
}
