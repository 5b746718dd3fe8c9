// The commands about trust policies, as the page asks for them: `policy explain` and the others, on files that are in
// memory, answered by a worker.

import { ownScript } from './dom.js';

/** @typedef {import('./memory.js').Ended} Ended */
/** @typedef {(done: number, total: number) => void} Tell */

/** The thread that has the module, and when it fails. */
export function startWorker() {
	const worker = new Worker(ownScript('worker.js'));
	/** @type {Promise<Error>} */
	const failed = new Promise((resolve) => {
		worker.onerror = ({ message }) => resolve(new Error(message || 'the worker could not be started'));
	});
	return { worker, failed };
}

/** One worker, which answers one question after the other. */
export class Engine {
	#last = 0;
	/** @type {Map<number, { resolve: (ended: Ended) => void, reject: (error: Error) => void, tell: Tell | undefined }>} */
	#open = new Map();
	#worker;
	/** Why it answers nothing any more. @type {Error | undefined} */
	#ended;

	constructor({ worker, failed } = startWorker()) {
		this.#worker = worker;
		worker.onmessage = ({ data }) => {
			const asked = this.#open.get(data.id);
			if (!asked) return;
			if (data.done !== undefined) return asked.tell?.(data.done, data.total);
			this.#open.delete(data.id);
			if (data.ended) asked.resolve(data.ended);
			else asked.reject(new Error(data.error));
		};
		failed.then((error) => this.#end(error));
	}

	/** @param {Error} error */
	#end(error) {
		this.#ended ??= error;
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
		if (this.#ended) throw this.#ended;
		this.#last += 1;
		const id = this.#last;
		return new Promise((resolve, reject) => {
			this.#open.set(id, { resolve, reject, tell });
			this.#worker.postMessage({ id, args: ['policy', ...args], files, progress: tell !== undefined });
		});
	}

	/** Ends what is being done. */
	stop() {
		this.#end(new DOMException('stopped', 'AbortError'));
		this.#worker.terminate();
	}
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
