// The file effects. They are synchronous: the files are small, their order is part of what the core promises (nothing
// handed over before everything that can fail has succeeded), and a signal can then never arrive half-way through one.

const fs = process.getBuiltinModule('node:fs');
const { basename, dirname, join } = process.getBuiltinModule('node:path');

const { O_RDONLY, O_WRONLY, O_APPEND, O_CREAT, O_EXCL } = fs.constants;
// Windows has neither; the links are looked for by lstat there, and O_NONBLOCK only keeps us from waiting on a pipe.
const O_NOFOLLOW = fs.constants.O_NOFOLLOW ?? 0;
const O_NONBLOCK = fs.constants.O_NONBLOCK ?? 0;

/** What the system's codes mean. @type {Record<string, import('./types.d.ts').FileFault>} */
const FAULTS = {
	EACCES: 'permission',
	EPERM: 'permission',
	EROFS: 'permission',
	EDQUOT: 'disk-full',
	EFBIG: 'disk-full',
	ENOSPC: 'disk-full',
	EISDIR: 'not-a-file',
	ENXIO: 'not-a-file', // a pipe or a socket with nobody at the other end
	ELOOP: 'symlink', // O_NOFOLLOW met a link
	EMLINK: 'symlink', // the same on FreeBSD
	ENOENT: 'not-found',
	ENOTDIR: 'not-found',
};

/** A refusal of ours, in the same shape as the system's. */
class Refusal extends Error {
	/**
	 * @param {import('./types.d.ts').FileFault} fault
	 * @param {string} detail
	 */
	constructor(fault, detail) {
		super(detail);
		this.fault = fault;
	}
}

/**
 * @param {import('./types.d.ts').FileEffect} effect
 * @returns {import('./types.d.ts').FileOutcome}
 */
export function performFile(effect) {
	try {
		switch (effect.kind) {
			case 'read-file':
				return { contents: read(effect.path, effect.maxBytes, effect.symlinks === 'refuse') };
			case 'write-file':
				replace(effect.path, effect.contents, effect.mode);
				return {};
			case 'append-file':
				return { offset: append(effect.path, effect.contents) };
			case 'truncate-file':
				truncate(effect.path, effect.length);
				return {};
			case 'remove-file':
				remove(effect.path);
				return {};
		}
	} catch (error) {
		if (error instanceof Refusal) return { fault: error.fault, detail: error.message };
		const code = codeOf(error);
		return { fault: FAULTS[code] ?? 'io', detail: code };
	}
}

/**
 * @param {string} path
 * @param {number} maxBytes
 * @param {boolean} refuseLinks
 */
function read(path, maxBytes, refuseLinks) {
	if (refuseLinks) refuseLink(dirname(path), 'its folder is a symbolic link');
	return withFile(path, O_RDONLY, refuseLinks, (fd, size) => {
		if (size > maxBytes) throw new Refusal('too-large', `more than ${maxBytes} bytes`);
		// One byte more than allowed, because files of /proc and files that grow do not tell their size.
		const room = Buffer.allocUnsafe(maxBytes + 1);
		let length = 0;
		for (let got = 1; got > 0 && length < room.length; length += got) {
			got = fs.readSync(fd, room, length, room.length - length, null);
		}
		if (length > maxBytes) throw new Refusal('too-large', `more than ${maxBytes} bytes`);
		try {
			const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
			return decoder.decode(room.subarray(0, length));
		} catch {
			throw new Refusal('not-utf8', 'not UTF-8 text');
		}
	});
}

/**
 * Whole or not at all: readers see the old file or the new one, and a failure leaves the old one and no litter.
 * @param {string} path
 * @param {string} contents
 * @param {number} mode
 */
function replace(path, contents, mode) {
	const folder = dirname(path);
	refuseLink(folder, 'its folder is a symbolic link');
	refuseLink(path, 'a symbolic link');
	makeFolder(folder);
	const present = fs.lstatSync(path, { throwIfNoEntry: false });
	if (present && !present.isFile()) throw new Refusal('not-a-file', 'not a regular file');
	const temporary = join(folder, `.${basename(path).slice(0, 64)}.${unique()}`);
	// Never more open than this, not even before its contents are in it. O_EXCL makes a guessed name useless.
	const fd = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
	try {
		try {
			writeAll(fd, contents);
			if (mode !== 0o600) fs.fchmodSync(fd, mode);
			keepOwner(fd, present);
			fs.fsyncSync(fd);
		} finally {
			fs.closeSync(fd);
		}
		rename(temporary, path);
	} catch (error) {
		remove(temporary);
		throw error;
	}
}

/**
 * In a container, a step is often root while the runner, which is to read the file afterwards, is not.
 * @param {number} fd
 * @param {import('node:fs').Stats | undefined} present the file that is about to be replaced
 */
function keepOwner(fd, present) {
	const user = process.getuid?.();
	if (present && user === 0 && present.uid !== user) fs.fchownSync(fd, present.uid, present.gid);
}

/**
 * @param {string} path
 * @param {string} contents
 * @returns {number} where the new text begins
 */
function append(path, contents) {
	return withFile(path, O_WRONLY | O_APPEND, true, (fd, size) => {
		try {
			writeAll(fd, contents);
		} catch (error) {
			fs.ftruncateSync(fd, size); // half a command is worse than none
			throw error;
		}
		return size;
	});
}

/**
 * @param {string} path
 * @param {number} length
 */
function truncate(path, length) {
	withFile(path, O_WRONLY, true, (fd, size) => {
		if (size > length) fs.ftruncateSync(fd, length);
	});
}

/**
 * With all that it is in. Node's own `recursive` tries for ever where the system has no room for a folder and says
 * ENOENT, as /proc does.
 * @param {string} path
 */
function makeFolder(path) {
	if (fs.existsSync(path)) return; // whether it is a folder is seen by what is put into it
	const parent = dirname(path);
	if (parent !== path) makeFolder(parent);
	try {
		fs.mkdirSync(path, { mode: 0o700 });
	} catch (error) {
		if (codeOf(error) !== 'EEXIST') throw error; // somebody else was faster
	}
}

/** @param {string} path */
function remove(path) {
	try {
		if (fs.lstatSync(path).isDirectory()) throw new Refusal('not-a-file', 'not a regular file');
		fs.unlinkSync(path);
	} catch (error) {
		if (codeOf(error) !== 'ENOENT') throw error;
	}
}

/**
 * Windows refuses to replace a file that anyone has open, an AWS tool or a virus scanner say; that passes.
 * @param {string} from
 * @param {string} to
 */
function rename(from, to) {
	for (let tries = process.platform === 'win32' ? 10 : 1; ; tries -= 1) {
		try {
			fs.renameSync(from, to);
			return;
		} catch (error) {
			if (tries <= 1) throw error;
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
		}
	}
}

/**
 * Opens a regular file, and only that.
 * @template T
 * @param {string} path
 * @param {number} flags
 * @param {boolean} refuseLinks
 * @param {(fd: number, size: number) => T} use
 * @returns {T}
 */
function withFile(path, flags, refuseLinks, use) {
	if (refuseLinks && O_NOFOLLOW === 0) refuseLink(path, 'a symbolic link');
	const fd = fs.openSync(path, flags | O_NONBLOCK | (refuseLinks ? O_NOFOLLOW : 0));
	try {
		const found = fs.fstatSync(fd);
		if (!found.isFile()) throw new Refusal('not-a-file', 'not a regular file');
		return use(fd, found.size);
	} finally {
		fs.closeSync(fd);
	}
}

/**
 * @param {string} path
 * @param {string} detail
 */
function refuseLink(path, detail) {
	if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
		throw new Refusal('symlink', detail);
	}
}

/**
 * @param {number} fd
 * @param {string} text
 */
function writeAll(fd, text) {
	const bytes = Buffer.from(text);
	for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
}

/** @param {unknown} error */
function codeOf(error) {
	return /** @type {NodeJS.ErrnoException} */ (error).code ?? 'unknown';
}

function unique() {
	return `${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;
}
