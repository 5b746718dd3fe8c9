// The loop of `js/run.js` for a host without files: what the core wants to read is in a map, and what it writes goes
// into one. The commands of the page are those of the command line, so that both say the same.

/** @typedef {import('../../js/types.d.ts').Effect} Effect */
/**
 * @typedef {object} Ended
 * @property {number} exitCode
 * @property {string} stdout
 * @property {string} stderr
 * @property {Record<string, string>} files what was written
 */

const RUNTIME = { name: 'browser', version: '', executable: '', root: '', platform: 'linux', home: '', coloured: [] };
const LIMIT = 64 << 20;

/**
 * @param {new (request: Uint8Array) => import('../../pkg/ci_assume_role_policy.js').Job} Job
 * @param {string[]} args
 * @param {Record<string, string>} files by their names
 * @param {(done: number, total: number) => void} [tell] how far it has come
 * @returns {Ended}
 */
export function play(Job, args, files, tell) {
	const began = performance.now();
	const encoder = new TextEncoder();
	const decoder = new TextDecoder();
	const request = { entry: 'command', args, env: {}, runtime: RUNTIME, progress: tell !== undefined };
	const job = new Job(encoder.encode(JSON.stringify(request)));
	/** @type {Ended} */
	const ended = { exitCode: -1, stdout: '', stderr: '', files: {} };
	try {
		while (ended.exitCode < 0) {
			/** @type {Effect[]} */
			const effects = JSON.parse(decoder.decode(job.next()));
			if (effects.length === 0) throw new Error('the core waits for nothing');
			for (const effect of effects) {
				if (effect.kind === 'done') ended.exitCode = effect.exitCode;
				else if (effect.kind === 'log') ended[effect.stream] += `${effect.text}\n`;
				else if (effect.kind !== 'mask' && effect.kind !== 'elsewhere') {
					const outcome = perform(effect, files, ended.files, tell);
					job.resume(effect.id, encoder.encode(JSON.stringify(outcome)), performance.now() - began);
				}
			}
		}
	} finally {
		job.free();
	}
	return ended;
}

/**
 * @param {Extract<Effect, { id: number }>} effect
 * @param {Record<string, string>} files
 * @param {Record<string, string>} written
 * @param {((done: number, total: number) => void) | undefined} tell
 */
function perform(effect, files, written, tell) {
	switch (effect.kind) {
		case 'read-file': {
			const contents = Object.hasOwn(files, effect.path) ? files[effect.path] : undefined;
			if (contents === undefined) return { fault: 'not-found', detail: 'ENOENT' };
			if (contents.length > Math.min(effect.maxBytes, LIMIT)) return { fault: 'too-large', detail: 'too large' };
			return { contents };
		}
		case 'write-file':
			written[effect.path] = effect.contents;
			return {};
		case 'progress':
			tell?.(effect.done, effect.total);
			return {};
		default:
			return { fault: 'io', detail: 'not in a browser' };
	}
}
