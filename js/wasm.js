// Reads a module of the core. Synchronously, from the file beside it: no base64 that hides a binary from reviewers, and
// no asynchronous initialiser, which would load a fetch implementation to read a local file.

const fs = process.getBuiltinModule('node:fs');

/**
 * @param {string} name the file in `pkg/`
 * @returns {Buffer<ArrayBuffer>} what the glue's `initSync` takes
 */
export function readModule(name) {
	lendChance('/dev/urandom');
	const file = fs.readFileSync(new URL(`../pkg/${name}`, import.meta.url));
	return name.endsWith('.br') ? process.getBuiltinModule('node:zlib').brotliDecompressSync(file) : file;
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
