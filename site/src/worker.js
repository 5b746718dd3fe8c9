// The module, off the page's thread. It fetches that file and nothing else.

import { initSync, Job } from '../../pkg/ci_assume_role_policy.js';
import { play } from './memory.js';

/**
 * @typedef {object} Asked
 * @property {number} id
 * @property {string[]} args
 * @property {Record<string, string>} files
 * @property {boolean} progress
 */

const ready = start();
ready.catch(() => {}); // whoever asks is told

async function start() {
	const response = await fetch('policy.wasm');
	if (!response.ok) throw new Error(`policy.wasm: ${response.status}`);
	// A host that calls it something else than application/wasm is no reason to fail.
	const streams = response.headers.get('content-type') === 'application/wasm';
	const compiled = streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
	initSync({ module: await compiled });
}

self.onmessage = ({ data }) => answer(data);

/** @param {Asked} asked */
async function answer({ id, args, files, progress }) {
	/** @param {number} done @param {number} total */
	const tell = (done, total) => self.postMessage({ id, done, total });
	try {
		await ready;
		self.postMessage({ id, ended: play(Job, args, files, progress ? tell : undefined) });
	} catch (error) {
		self.postMessage({ id, error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' });
	}
}
