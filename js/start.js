// What every entry runs first: a Node that is too old gets one clear sentence instead of a syntax error, so nothing
// newer than ES modules may stand in this file or in an entry, and all the rest is loaded by `import()`.

const OLDEST = 18;

/**
 * Runs an entry of the core in this process.
 * @param {import('./types.d.ts').CiName} ci
 * @param {import('./types.d.ts').Entry} entry
 * @param {string[]} args
 */
export async function start(ci, entry, args = []) {
	if (!(await prepare())) return;
	try {
		const { run } = await import('./run.js');
		const { load } = await import('./core.js');
		const { Job } = await load(ci);
		await run({ Job, ci, entry, args });
	} catch (error) {
		const { message } = /** @type {Error} */ (error);
		console.error(`ci-assume-role: internal error (${message}), nothing was done; please report it`);
		process.exitCode = 70;
	}
}

/**
 * @returns {Promise<boolean>} whether this Node will do
 */
export async function prepare() {
	const version = process.versions.node;
	if (Number.parseInt(version, 10) < OLDEST) {
		console.error(`ci-assume-role needs Node ${OLDEST} or newer, and this is Node ${version}.`);
		process.exitCode = 2;
		return false;
	}
	// Node's own modules are asked for by this function, not imported: `import 'node:http'` reads every export, lazy
	// ones included, and so loads a fetch implementation that nobody asked for, which costs more than a whole run.
	if (!process.getBuiltinModule) {
		const { createRequire } = await import('node:module');
		process.getBuiltinModule = /** @type {typeof process.getBuiltinModule} */ (createRequire(import.meta.url));
	}
	return true;
}
