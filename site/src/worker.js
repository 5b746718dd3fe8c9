// The module, off the page's thread. It is sent compiled, and fetches nothing.

import { initSync, Job } from '../../pkg/ci_assume_role_policy.js';
import { play } from './memory.js';

/**
 * @typedef {object} Asked
 * @property {number} id
 * @property {string[]} args
 * @property {Record<string, string>} files
 * @property {boolean} progress
 */

self.onmessage = ({ data }) => {
	if (data instanceof WebAssembly.Module) initSync({ module: data });
	else answer(data);
};

/** @param {Asked} asked */
function answer({ id, args, files, progress }) {
	/** @param {number} done @param {number} total */
	const tell = (done, total) => self.postMessage({ id, done, total });
	try {
		self.postMessage({ id, ended: play(Job, args, files, progress ? tell : undefined) });
	} catch (error) {
		self.postMessage({ id, error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown' });
	}
}
