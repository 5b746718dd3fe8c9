// The commands about trust policies, as the page asks for them: `policy explain` and the others, on files that are in
// memory, answered by a worker.

import { ownScript } from './dom.js';

/** @typedef {import('./memory.js').Ended} Ended */
/** @typedef {(done: number, total: number) => void} Tell */

/** @type {Promise<WebAssembly.Module> | undefined} */
let compiled;

/** Compiled once, for every worker. */
function core() {
	compiled ??= fetch('policy.wasm').then(async (response) => {
		if (!response.ok) throw new Error(`policy.wasm: ${response.status}`);
		// A host that calls it something else than application/wasm is no reason to fail.
		const streams = response.headers.get('content-type') === 'application/wasm';
		return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
	});
	return compiled;
}

/** One worker, which answers one question after the other. */
export class Engine {
	#last = 0;
	/** @type {Map<number, { resolve: (ended: Ended) => void, reject: (error: Error) => void, tell: Tell | undefined }>} */
	#open = new Map();
	/** @type {Promise<Worker>} */
	#worker;
	#stopped = false;

	constructor() {
		this.#worker = this.#start();
		this.#worker.catch(() => {}); // whoever asks is told
	}

	async #start() {
		const worker = new Worker(ownScript('worker.js'), { type: 'module' });
		worker.onmessage = ({ data }) => {
			const asked = this.#open.get(data.id);
			if (!asked) return;
			if (data.done !== undefined) return asked.tell?.(data.done, data.total);
			this.#open.delete(data.id);
			if (data.ended) asked.resolve(data.ended);
			else asked.reject(new Error(data.error));
		};
		worker.onerror = (event) => this.#fail(new Error(event.message || 'the worker could not be started'));
		worker.postMessage(await core());
		return worker;
	}

	/** @param {Error} error */
	#fail(error) {
		for (const { reject } of this.#open.values()) reject(error);
		this.#open.clear();
	}

	/**
	 * @param {string[]} args a command about trust policies
	 * @param {Record<string, string>} files
	 * @param {Tell} [tell]
	 * @returns {Promise<Ended>}
	 */
	async run(args, files, tell) {
		const worker = await this.#worker;
		if (this.#stopped) throw stopped();
		this.#last += 1;
		const id = this.#last;
		return new Promise((resolve, reject) => {
			this.#open.set(id, { resolve, reject, tell });
			worker.postMessage({ id, args: ['policy', ...args], files, progress: tell !== undefined });
		});
	}

	/** Ends what is being done. */
	async stop() {
		this.#stopped = true;
		this.#fail(stopped());
		(await this.#worker).terminate();
	}
}

function stopped() {
	return new DOMException('stopped', 'AbortError');
}

/**
 * Asks again with the newest question, as soon as the last one is answered; those in between are left out.
 * @template Q, A
 * @param {(question: Q) => Promise<A>} ask
 * @param {(answer: A, question: Q) => void} use
 * @param {(error: Error) => void} fail
 * @returns {(question: Q) => void}
 */
export function newest(ask, use, fail) {
	let busy = false;
	/** @type {{ question: Q } | undefined} */
	let waiting;
	const turn = async () => {
		busy = true;
		while (waiting) {
			const { question } = waiting;
			waiting = undefined;
			try {
				const answer = await ask(question);
				if (!waiting) use(answer, question);
			} catch (error) {
				fail(/** @type {Error} */ (error));
			}
		}
		busy = false;
	};
	return (question) => {
		waiting = { question };
		if (!busy) turn();
	};
}
