// The effects with which files are looked for. A job does without them.

const fs = process.getBuiltinModule('node:fs');
const { join } = process.getBuiltinModule('node:path');

/** Folders that hold other people's files, or none to read. */
const SKIPPED = new Set(['node_modules', '.git', '.terraform', 'cdk.out', '.venv']);
const MAX_DEPTH = 32;

/** @type {import('./types.d.ts').Start<import('./types.d.ts').ListFiles>} */
export function listFiles({ path, endings, maxFiles }, settle) {
	/** @type {string[]} */
	const files = [];
	/**
	 * @param {string} folder
	 * @param {number} depth
	 */
	const walk = (folder, depth) => {
		for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
			const inside = join(folder, entry.name);
			// Links are left alone: they lead out of the folder, or round in it.
			if (entry.isDirectory() && depth < MAX_DEPTH && !SKIPPED.has(entry.name)) walk(inside, depth + 1);
			else if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))) files.push(inside);
			if (files.length > maxFiles) throw Object.assign(new Error(), { code: 'TOOMANY' });
		}
	};
	try {
		walk(path, 0);
		settle({ files: files.sort() });
	} catch (error) {
		const code = /** @type {NodeJS.ErrnoException} */ (error).code ?? 'unknown';
		/** @type {Record<string, import('./types.d.ts').FileFault>} */
		const faults = { ENOENT: 'not-found', EACCES: 'permission', ENOTDIR: 'not-a-file', TOOMANY: 'too-large' };
		settle({ fault: faults[code] ?? 'io', detail: code === 'TOOMANY' ? `more than ${maxFiles} files` : code });
	}
	return () => {};
}

/** @type {import('./types.d.ts').Start<import('./types.d.ts').ReadInput>} */
export function readInput({ maxBytes }, settle) {
	/** @type {Buffer[]} */
	const chunks = [];
	let length = 0;
	let settled = false;
	/** @param {import('./types.d.ts').Outcome} outcome */
	const finish = (outcome) => {
		if (settled) return;
		settled = true;
		process.stdin.pause();
		settle(outcome);
	};
	process.stdin.on('data', (chunk) => {
		chunks.push(Buffer.from(chunk));
		length += chunk.length;
		if (length > maxBytes) finish({ fault: 'too-large', detail: `more than ${maxBytes} bytes` });
	});
	process.stdin.on('error', (error) => finish({ fault: 'io', detail: error.name }));
	process.stdin.on('end', () => {
		try {
			finish({ contents: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)) });
		} catch {
			finish({ fault: 'not-utf8', detail: 'not UTF-8 text' });
		}
	});
	return (signal) => finish({ fault: 'interrupted', detail: signal });
}
