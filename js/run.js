// The loop: asks the core what it wants done, does it, and tells it what came of it. Nothing is decided here.

import { fetchNode } from './fetch-node.js';
import { fetchWeb } from './fetch-web.js';

const fs = process.getBuiltinModule('node:fs');
const { basename, dirname, join } = process.getBuiltinModule('node:path');
const { fileURLToPath } = process.getBuiltinModule('node:url');

/** @typedef {import('./types.d.ts').Effect} Effect */
/** @typedef {import('./types.d.ts').Job} Job */
/** @typedef {import('./types.d.ts').Stop} Stop */

const INTERNAL_ERROR = 70;
/** In place of an exit code: another module has what the run asks for. */
const ELSEWHERE = -1;
/** By their file descriptors, from 1. @type {('stdout' | 'stderr')[]} */
const STREAMS = ['stdout', 'stderr'];

/**
 * Runs one entry of the core in this process, and sets the process's exit code. Never rejects.
 * @param {object} what
 * @param {import('./types.d.ts').JobClass} what.Job
 * @param {import('./types.d.ts').CiName} what.ci
 * @param {import('./types.d.ts').Entry} what.entry
 * @param {string[]} what.args
 */
export async function run({ Job, ci, entry, args }) {
	process.exitCode = INTERNAL_ERROR; // should the process end before the core says how
	const facts = runtime();
	const fetch = facts.name === 'node' ? fetchNode : fetchWeb;
	const request = Buffer.from(JSON.stringify({ ci, entry, args, env: { ...process.env }, runtime: facts }));
	// Once all is handed over, to die of a signal would tell of a failure that is none.
	const settled = () => {};
	process.on('SIGINT', settled).on('SIGTERM', settled);
	let exitCode = await drive({ start: () => reading(new Job(request)), fetch, write: writeLine });
	if (exitCode === ELSEWHERE) {
		const { core } = await import('./whole-core.js');
		exitCode = await drive({ start: () => reading(new core.Job(request)), fetch, write: writeLine });
	}
	process.exitCode = exitCode;
	if (process.exitCode !== 0) process.off('SIGINT', settled).off('SIGTERM', settled);
}

/**
 * @param {InstanceType<import('./types.d.ts').JobClass>} job
 * @returns {Job}
 */
function reading(job) {
	return {
		next: () => JSON.parse(Buffer.from(job.next()).toString()),
		resume: (id, outcome, elapsedMs) => job.resume(id, outcome, elapsedMs),
	};
}

/**
 * Performs the effects of one job, in the order in which it asks for them, several at once where it does.
 * @param {object} world
 * @param {() => Job} world.start
 * @param {import('./types.d.ts').Start<import('./types.d.ts').Fetch>} world.fetch
 * @param {(stream: 'stdout' | 'stderr', text: string) => void} world.write
 * @param {Pick<NodeJS.EventEmitter, 'on' | 'off'>} [world.signals] who tells of SIGINT, SIGTERM and stray errors
 * @returns {Promise<number>} the exit code
 */
export function drive({ start, fetch, write, signals = process }) {
	return new Promise((resolve) => {
		const began = process.uptime();
		/** @type {Map<number, Stop>} */
		const inFlight = new Map();
		/** @type {Job} */
		let job;
		let advancing = false;
		let again = false;
		let over = false;
		let signalled = '';

		/** @param {number} exitCode */
		const finish = (exitCode) => {
			if (over) return;
			over = true;
			signals.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('uncaughtException', trap);
			const stops = [...inFlight.values()];
			inFlight.clear(); // what they settle as is nobody's business now
			for (const stop of stops) stop('done');
			resolve(exitCode);
		};

		/** @param {unknown} error */
		const trap = (error) => {
			if (over) return;
			write('stderr', `ci-assume-role: internal error (${describe(error)}), nothing more was done; please report it`);
			finish(INTERNAL_ERROR);
		};

		/** @param {string} signal */
		const interrupt = (signal) => {
			signalled = signal;
			for (const stop of [...inFlight.values()]) stop(signal);
		};

		/**
		 * @param {number} id
		 * @param {(settle: import('./types.d.ts').Settle) => Stop | void} begin
		 */
		const perform = (id, begin) => {
			inFlight.set(id, () => {});
			const stop = begin((outcome) => {
				if (!inFlight.delete(id)) return;
				try {
					job.resume(id, Buffer.from(JSON.stringify(outcome)), (process.uptime() - began) * 1000);
				} catch (error) {
					trap(error);
				}
				advance();
			});
			if (stop && inFlight.has(id)) inFlight.set(id, stop);
		};

		/** @param {import('./types.d.ts').Settle} settle */
		const refuse = (settle) => settle({ fault: 'interrupted', detail: signalled });

		/** @param {Effect} effect */
		const take = (effect) => {
			switch (effect.kind) {
				case 'mask':
					return write(effect.stream, effect.line);
				case 'log':
					return write(effect.stream, effect.text);
				case 'elsewhere':
					return finish(ELSEWHERE);
				case 'done':
					return finish(effect.exitCode);
				case 'fetch':
					return perform(effect.id, (settle) =>
						signalled ? refuse(settle) : (effect.socket ? fetchNode : fetch)(effect, settle),
					);
				case 'run':
					return perform(effect.id, (settle) => (signalled ? refuse(settle) : later('startProgram', effect, settle)));
				case 'exec':
					return perform(effect.id, (settle) => (signalled ? refuse(settle) : later('execProgram', effect, settle)));
				case 'lock':
					return perform(effect.id, (settle) => (signalled ? refuse(settle) : later('takeLock', effect, settle)));
				case 'list-files':
					return perform(effect.id, (settle) => (signalled ? refuse(settle) : later('listFiles', effect, settle)));
				case 'consult':
					return perform(effect.id, (settle) => (signalled ? refuse(settle) : later('consult', effect, settle)));
				case 'read-input':
					return perform(effect.id, (settle) => (signalled ? refuse(settle) : later('readInput', effect, settle)));
				case 'sleep':
					return perform(effect.id, (settle) => (signalled ? refuse(settle) : sleep(effect, settle)));
				case 'read-file':
				case 'write-file':
				case 'append-file':
				case 'truncate-file':
				case 'remove-file':
					return perform(effect.id, (settle) => settle(performFile(effect)));
				default:
					throw named('UnknownEffect');
			}
		};

		const advance = () => {
			again = true;
			if (advancing) return;
			advancing = true;
			try {
				while (again && !over) {
					again = false;
					for (const effect of job.next()) if (!over) take(effect);
				}
				if (!over && inFlight.size === 0) throw named('Stalled');
			} catch (error) {
				trap(error);
			}
			advancing = false;
		};

		signals.on('SIGINT', interrupt).on('SIGTERM', interrupt).on('uncaughtException', trap);
		try {
			job = start();
		} catch (error) {
			return trap(error);
		}
		advance();
	});
}

/**
 * Most runs do without these effects, so what performs them is loaded when the first is asked for.
 * @template {'consult' | 'execProgram' | 'listFiles' | 'readInput' | 'startProgram' | 'takeLock'} N
 * @param {N} name
 * @param {Parameters<typeof import('./seldom.js')[N]>[0]} effect
 * @param {import('./types.d.ts').Settle} settle
 * @returns {import('./types.d.ts').Stop}
 */
function later(name, effect, settle) {
	/** @type {import('./types.d.ts').Stop | undefined} */
	let stop;
	let stopped = '';
	import('./seldom.js').then(({ [name]: start }) => {
		if (stopped) settle({ fault: 'interrupted', detail: stopped });
		else stop = start(/** @type {any} */ (effect), settle);
	});
	return (signal) => {
		stopped = signal;
		stop?.(signal);
	};
}

/** @type {import('./types.d.ts').Start<import('./types.d.ts').Sleep>} */
function sleep({ ms }, settle) {
	const timer = setTimeout(() => settle({}), ms);
	return (signal) => {
		clearTimeout(timer);
		settle({ fault: 'interrupted', detail: signal });
	};
}

/** @param {string} name */
function named(name) {
	return Object.assign(new Error(), { name });
}

/**
 * Enough to find the place, and nothing that the core was given: its messages could quote the environment.
 * @param {unknown} error
 */
function describe(error) {
	if (!(error instanceof Error)) return 'unknown';
	const place = /wasm-function\[\d+\](:0x[0-9a-f]+)?/.exec(error.stack ?? '')?.[0];
	const trapped = error instanceof WebAssembly.RuntimeError ? `: ${error.message}` : '';
	return `${error.name}${trapped}${place ? ` at ${place}` : ''}`;
}

/** Streams whose readers have gone away (`| head`), which is no reason to fail. @type {Set<string>} */
const gone = new Set();

/**
 * Writes at once, so that a mask is out before anything that follows it, and without the machinery of streams.
 * @param {'stdout' | 'stderr'} stream
 * @param {string} text
 */
export function writeLine(stream, text) {
	if (gone.has(stream)) return;
	let rest = Buffer.from(`${text}\n`);
	while (rest.length > 0) {
		try {
			rest = rest.subarray(fs.writeSync(stream === 'stdout' ? 1 : 2, rest));
		} catch (error) {
			const { code, name } = /** @type {NodeJS.ErrnoException} */ (error);
			if (code !== 'EAGAIN' && name !== 'WouldBlock') {
				gone.add(stream);
				return;
			}
			// Somebody who shares our pipe made it non-blocking, and it is full: wait, as if it did block.
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
		}
	}
}

/**
 * What the core is told of the process that it runs in: facts, and what follows from them is its own affair.
 * @returns {import('./types.d.ts').Runtime}
 */
export function runtime() {
	const { platform, versions, env } = process;
	const name = versions.bun ? 'bun' : versions.deno ? 'deno' : 'node';
	return {
		name,
		version: versions[name] ?? '',
		executable: process.execPath,
		root: fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, ''),
		platform,
		home:
			(platform === 'win32' ? env.USERPROFILE : env.HOME) ||
			attempt(() => process.getBuiltinModule('node:os').homedir()) ||
			'',
		coloured: env.NO_COLOR ? [] : STREAMS.filter((_, index) => attempt(() => isTerminal(index + 1)) === true),
	};
}

/**
 * Near enough, and spares a run the loading of `node:tty`.
 * @param {number} fd
 */
function isTerminal(fd) {
	return fs.fstatSync(fd).isCharacterDevice();
}

/**
 * @template T
 * @param {() => T} ask
 * @returns {T | undefined} nothing where the system has no answer: no entry for a user in a container, no stdout
 */
function attempt(ask) {
	try {
		return ask();
	} catch {
		return undefined;
	}
}

// The file effects. They are synchronous: the files are small, their order is part of what the core promises (nothing
// handed over before everything that can fail has succeeded), and a signal can then never arrive half-way through one.

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
