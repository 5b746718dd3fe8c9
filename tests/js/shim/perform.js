// Performs one effect, given as JSON, and prints its outcome: the shim under whatever runtime runs this file.

import { prepare } from '../../../js/start.cjs';

await prepare();

const effect = JSON.parse(process.argv[2] ?? '');

if (effect.kind === 'fetch' || effect.kind === 'run') {
	const begin = effect.kind === 'run' ? (await import('../../../js/program.js')).startProgram : await fetching();
	let stop = /** @type {import('../../../js/types.d.ts').Stop} */ (() => {});
	process.once('SIGTERM', () => stop('SIGTERM'));
	stop = begin(effect, print);
} else {
	const { performFile } = await import('../../../js/run.js');
	print(performFile(effect));
}

async function fetching() {
	const { fetchNode } = await import('../../../js/fetch-node.js');
	const { fetchWeb } = await import('../../../js/fetch-web.js');
	const { runtime } = await import('../../../js/run.js');
	return runtime().name === 'node' || effect.socket ? fetchNode : fetchWeb;
}

/** @param {unknown} outcome */
function print(outcome) {
	process.removeAllListeners('SIGTERM');
	console.log(JSON.stringify(outcome));
}
