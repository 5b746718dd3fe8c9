// Files as people have them, for the core: text by name. They stay in memory, and nowhere else.

/** As the core's, for one file. */
export const MOST_BYTES = 64 << 20;

/**
 * @param {Iterable<File>} files
 * @returns {Promise<Record<string, string>>} by name; no two have the same
 * @throws when one is too large, or no text
 */
export async function readAll(files) {
	const list = [...files];
	for (const { name, size } of list) checkSize(name, size);
	/** @type {Record<string, string>} */
	const texts = {};
	for (const file of list) texts[freeName(file.name, texts)] = await read(file);
	return texts;
}

/**
 * @param {string} name
 * @param {number} bytes
 */
export function checkSize(name, bytes) {
	if (bytes <= MOST_BYTES) return;
	const mebibytes = Math.ceil(bytes / (1 << 20));
	throw new Error(
		`${name} has ${mebibytes} MiB, and ${MOST_BYTES >> 20} MiB is the most. Leave out what is not a role: --filter Role`,
	);
}

/** @param {File} file */
async function read(file) {
	let bytes;
	try {
		bytes = await file.arrayBuffer();
	} catch {
		throw new Error(`${file.name} cannot be read. Folders cannot: drop the files in them.`);
	}
	try {
		// As the command line reads them: a byte order mark is a finding, and has to be seen.
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		throw new Error(`${file.name} is not text in UTF-8. In PowerShell, write it by: … | Out-File -Encoding utf8`);
	}
}

/**
 * A name that the command takes for a file, and that no other file has.
 * @param {string} name
 * @param {Record<string, string>} taken
 */
function freeName(name, taken) {
	const plain = name.startsWith('-') ? `./${name}` : name; // else it would be an option
	let free = plain;
	for (let number = 2; Object.hasOwn(taken, free); number += 1) free = `${plain} (${number})`;
	return free;
}
