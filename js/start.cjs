// What every entry runs first: a Node that is too old gets one clear sentence instead of a syntax error, so nothing
// newer than `async` may stand in this file or in an entry, and what comes after is loaded when it is called for. Both
// are CommonJS, which Node starts without its loader of ES modules.

'use strict';

const OLDEST = 18;

/**
 * Runs an entry of the core in this process.
 * @param {import('./types.d.ts').CiName} ci
 * @param {import('./types.d.ts').Entry} entry
 * @param {string[]} args
 */
exports.start = (ci, entry, args = []) => run((shim) => shim.start(ci, entry, args));

/**
 * The same in the module that has everything, for entries that no other has.
 * @param {import('./types.d.ts').CiName} ci
 * @param {import('./types.d.ts').Entry} entry
 */
exports.whole = (ci, entry) => run((shim) => shim.whole(ci, entry));

/**
 * Runs an entry of what speaks of trust policies.
 * @param {import('./types.d.ts').Entry} entry
 * @param {string[]} args
 */
exports.policy = (entry, args = []) => run((shim) => shim.policy(entry, args));

/** @param {(shim: typeof import('../pkg/shim.cjs')) => Promise<void>} what */
async function run(what) {
	if (!prepare()) return;
	try {
		await what(require('../pkg/shim.cjs'));
	} catch (error) {
		const { message } = /** @type {Error} */ (error);
		console.error(`ci-assume-role: internal error (${message}), nothing was done; please report it`);
		process.exitCode = 70;
	}
}

/**
 * @returns {boolean} whether this Node will do
 */
function prepare() {
	const version = process.versions.node;
	if (Number.parseInt(version, 10) < OLDEST) {
		console.error(`ci-assume-role needs Node ${OLDEST} or newer, and this is Node ${version}.`);
		process.exitCode = 2;
		return false;
	}
	// Node's own modules are asked for by this function, not imported: `import 'node:http'` reads every export, lazy
	// ones included, and so loads a fetch implementation that nobody asked for, which costs more than a whole run.
	if (!process.getBuiltinModule) process.getBuiltinModule = /** @type {typeof process.getBuiltinModule} */ (require);
	return true;
}
exports.prepare = prepare;
