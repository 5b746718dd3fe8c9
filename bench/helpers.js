// The two processes beside the measured ones: the far end, and the one that starts and measures them.

import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./report.js').Cost} Cost */
/** @typedef {import('./stub.js').Counts} Counts */
/** @typedef {'https' | 'http'} Scheme */

/** @param {string} name */
const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

export async function startStub() {
	const child = fork(beside('stub.js'), { env: {} });
	child.once('exit', (code) => {
		if (code !== 0) throw new Error(`cannot be measured: stub.js ended with ${code}`);
	});
	const next = async () => (await once(child, 'message'))[0];
	/** @type {Record<Scheme, string>} */
	const base = await next();
	return {
		base,
		/** @returns {Promise<Counts>} what has come since the last time */
		take() {
			child.send('take');
			return next();
		},
		stop: () => child.disconnect(),
	};
}

/** @param {string} cwd where the measured processes run */
export async function startLauncher(cwd) {
	const child = spawn('python3', [beside('launch.py')], { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
	await once(child, 'spawn');
	const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	return {
		/**
		 * @param {string[]} argv
		 * @param {Record<string, string>} env
		 * @param {string} log the file that gets what it prints
		 * @returns {Promise<Cost & { exitCode: number }>}
		 */
		async run(argv, env, log) {
			child.stdin.write(`${JSON.stringify({ argv, env, log })}\n`);
			const { value, done } = await answers.next();
			if (done) throw new Error('cannot be measured: launch.py has ended');
			return JSON.parse(value);
		},
		stop: () => child.stdin.end(),
	};
}
