// Loads the core. Synchronously, from the file beside it: no base64 that hides a binary from reviewers, and no
// asynchronous initialiser, which would load a fetch implementation to read a local file.

const fs = process.getBuiltinModule('node:fs');

/** The module of `pkg/` that knows a CI. @type {Record<import('./types.d.ts').CiName, string>} */
const MODULES = {
	any: 'ci_assume_role',
	bitrise: 'ci_assume_role',
	buildkite: 'ci_assume_role',
	github: 'ci_assume_role_github',
};
export const CIS = Object.keys(MODULES);

/**
 * @param {string} name
 * @returns {name is import('./types.d.ts').CiName}
 */
export function isCi(name) {
	return Object.hasOwn(MODULES, name);
}

/**
 * @param {import('./types.d.ts').CiName} ci
 * @returns {Promise<import('./types.d.ts').Core>}
 */
export async function load(ci) {
	return loadModule(MODULES[ci]);
}

/** The module that most jobs load is stored as it is; the others, which every job downloads, compressed. */
const PLAIN = 'ci_assume_role_github';

/**
 * @param {string} name
 * @returns {Promise<any>}
 */
export async function loadModule(name) {
	const core = await import(`../pkg/${name}.js`);
	const file = fs.readFileSync(new URL(`../pkg/${name}_bg.wasm${name === PLAIN ? '' : '.gz'}`, import.meta.url));
	core.initSync({ module: name === PLAIN ? file : process.getBuiltinModule('node:zlib').gunzipSync(file) });
	lendChance('/dev/urandom');
	return core;
}

/**
 * The core draws its seed by `crypto.getRandomValues`. Node's own asks the same source, but takes a tenth of a run to
 * load, for eight bytes; and Node 18 has it, but does not show it.
 * @param {string} source
 */
function lendChance(source) {
	if (process.versions.bun || process.versions.deno) return;
	/** @param {Uint8Array} bytes */
	const getRandomValues = (bytes) => {
		const fd = fs.openSync(source, 'r');
		const length = fs.readSync(fd, bytes);
		fs.closeSync(fd);
		if (length !== bytes.length) throw new Error(`${source} gave ${length} bytes`);
		return bytes;
	};
	const found = fs.statSync(source, { throwIfNoEntry: false })?.isCharacterDevice(); // not on Windows
	if (!found && 'crypto' in globalThis) return;
	const value = found ? { getRandomValues } : process.getBuiltinModule('node:crypto').webcrypto;
	Object.defineProperty(globalThis, 'crypto', { value, configurable: true });
}
