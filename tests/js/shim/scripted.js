// A process that runs the loop with a core that follows one of a few scripts.

import { prepare } from '../../../js/start.cjs';

/** @typedef {import('../../../js/types.d.ts').Effect} Effect */

/** @type {Record<string, (request: string) => Effect[]>} */
const scripts = {
	request: (request) => [
		{ kind: 'log', stream: 'stdout', text: request },
		{ kind: 'done', exitCode: 3 },
	],
	wait: () => [
		{ kind: 'log', stream: 'stdout', text: 'waiting' },
		{ id: 1, kind: 'sleep', ms: 60000 },
	],
	flood: () => [
		...Array.from(
			{ length: 10000 },
			() => /** @type {Effect} */ ({ kind: 'log', stream: 'stdout', text: 'x'.repeat(100) }),
		),
		{ kind: 'done', exitCode: 0 },
	],
};

class Job {
	/** @param {Uint8Array} request */
	constructor(request) {
		this.effects = scripts[process.argv[2] ?? '']?.(new TextDecoder().decode(request)) ?? [];
	}

	next() {
		return Buffer.from(JSON.stringify(this.effects.splice(0)));
	}

	/** @param {number} _id @param {Uint8Array} outcome */
	resume(_id, outcome) {
		this.effects.push({
			kind: 'done',
			exitCode: JSON.parse(new TextDecoder().decode(outcome)).fault === 'interrupted' ? 130 : 1,
		});
	}
}

await prepare();
const { run } = await import('../../../js/run.js');
await run({ Job, ci: 'github', entry: 'main', args: ['one'] });
