// Performs one effect, given as JSON, and prints its outcome: the shim under whatever runtime runs this file.

import { prepare } from '../../../js/start.js';

await prepare();

const effect = JSON.parse(process.argv[2] ?? '');

if (effect.kind === 'fetch') {
	const { fetchNode } = await import('../../../js/fetch-node.js');
	const { fetchWeb } = await import('../../../js/fetch-web.js');
	const { runtime } = await import('../../../js/run.js');
	const fetchEffect = runtime().name === 'node' ? fetchNode : fetchWeb;
	let stop = /** @type {import('../../../js/types.d.ts').Stop} */ (() => {});
	process.once('SIGTERM', () => stop('SIGTERM'));
	stop = fetchEffect(effect, print);
} else {
	const { performFile } = await import('../../../js/files.js');
	print(performFile(effect));
}

/** @param {unknown} outcome */
function print(outcome) {
	process.removeAllListeners('SIGTERM');
	console.log(JSON.stringify(outcome));
}
