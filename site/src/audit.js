// The third view: who outside can assume which role of an account. All judgement is the command's, `policy audit`.

import { csv } from './audit-export.js';
import { graph, legend, outline } from './audit-graph.js';
import { checkSize, readAll } from './audit-input.js';
import { layout } from './audit-layout.js';
import { counted, countRoles, rowsOf } from './audit-roles.js';
import { RoleTable } from './audit-table.js';
import { announce, download, fill, h } from './dom.js';
import { Engine } from './engine.js';

/** @typedef {import('./audit-roles.js').Report} Report */
/** @typedef {import('./audit-roles.js').Row} Row */
/** @typedef {Record<string, string>} Files */

const COMMAND = 'aws iam get-account-authorization-details --filter Role > account.json';
const PASTED = 'pasted text';
/** A longer text is not shown: a field for text takes seconds to lay it out. */
const MOST_SHOWN = 100_000;
/** A longer file is not handed to the first view, for the same reason. */
const MOST_EXPLAINED = 200_000;
const MOST_UNREAD = 200;

export class AuditView {
	element = h('div', { class: 'view audit' });
	#text = h('textarea', { name: 'account', rows: '6', spellcheck: 'false', autocomplete: 'off' });
	#progress = h('div', { class: 'running' });
	#result = h('div', { class: 'result' });
	/** Ends what is being done. @type {AbortController | undefined} */
	#running;
	/** @type {RoleTable | undefined} */
	#table;

	constructor() {
		this.#text.addEventListener('paste', (event) => this.#pasted(event));
		fill(
			this.element,
			h('h1', {}, 'Who outside can assume what?'),
			h(
				'p',
				{ class: 'no-print' },
				'All roles of an account, by the provider whose tokens open them, the worst first. Nothing leaves this tab.',
			),
			this.#input(),
			this.#progress,
			this.#result,
		);
		this.#takeDrops();
		window.addEventListener('beforeprint', () => this.#table?.beforePrint());
		window.addEventListener('afterprint', () => this.#table?.afterPrint());
	}

	#input() {
		const files = h('input', { type: 'file', name: 'files', multiple: true });
		files.addEventListener('change', () => {
			this.#audit(readAll(files.files ?? []));
			files.value = ''; // so that the same file can be chosen again
		});
		const take = () => this.#auditText(this.#text.value);
		return h(
			'section',
			{ class: 'card drop no-print', 'aria-label': 'What to look at' },
			h('label', {}, 'Drop files here, or choose them', files),
			h(
				'p',
				{ class: 'hint' },
				'What ',
				h('code', {}, COMMAND),
				' or ',
				h('code', {}, 'aws iam list-roles'),
				' writes, a Terraform plan as JSON, or a template. Up to 64 MiB each.',
			),
			h(
				'details',
				{ class: 'more' },
				h('summary', {}, 'Or paste it'),
				h('label', {}, 'Text', this.#text),
				h('p', {}, h('button', { type: 'button', onclick: take }, 'Look at this text')),
			),
			h('p', {}, h('button', { type: 'button', onclick: () => this.#audit(example()) }, 'Try an example')),
		);
	}

	/** What misses the frame by a little would else have the browser leave the page. */
	#takeDrops() {
		const isOurs = (/** @type {DragEvent} */ event) =>
			this.element.isConnected && event.dataTransfer?.types.includes('Files');
		document.addEventListener('dragover', (event) => {
			if (!isOurs(event)) return;
			event.preventDefault();
			this.element.classList.add('over');
		});
		document.addEventListener('dragleave', (event) => {
			if (!event.relatedTarget) this.element.classList.remove('over');
		});
		document.addEventListener('drop', (event) => {
			if (!isOurs(event)) return;
			event.preventDefault();
			this.element.classList.remove('over');
			this.#audit(readAll(event.dataTransfer?.files ?? []));
		});
	}

	/** @param {ClipboardEvent} event */
	#pasted(event) {
		const text = event.clipboardData?.getData('text/plain') ?? '';
		if (text.length <= MOST_SHOWN) return;
		event.preventDefault();
		this.#auditText(text);
	}

	/** @param {string} text */
	#auditText(text) {
		const read = async () => {
			if (text.trim() === '') throw new Error('The field is empty.');
			checkSize('What was pasted', text.length);
			return { [PASTED]: text };
		};
		this.#audit(read());
	}

	/** @param {Promise<Files>} reading */
	async #audit(reading) {
		this.#running?.abort();
		const running = new AbortController();
		this.#running = running;
		const began = performance.now();
		const { element, tell, stop } = progress(() => running.abort());
		fill(this.#result);
		this.#table = undefined;
		fill(this.#progress, element);
		try {
			const files = await or(running.signal, reading);
			if (Object.keys(files).length === 0) return;
			const ended = await command([...Object.keys(files), '--format', 'json'], files, running.signal, tell);
			await this.#draw(ended, files, performance.now() - began);
		} catch (error) {
			if (!running.signal.aborted) this.#complain(/** @type {Error} */ (error).message);
			else if (this.#running === running) announce('Cancelled');
		} finally {
			stop();
			if (this.#running === running) {
				const hadFocus = this.#progress.contains(document.activeElement);
				fill(this.#progress);
				// A button that had it is gone.
				if (hadFocus) (this.#result.querySelector('h2') ?? this.element.querySelector('input'))?.focus();
			}
		}
	}

	/** @param {string} problem */
	#complain(problem) {
		fill(this.#result, h('div', { class: 'message bad', role: 'alert' }, h('pre', {}, problem)));
	}

	/**
	 * In steps, between which the page can do something else.
	 * @param {import('./engine.js').Ended} ended
	 * @param {Files} files
	 * @param {number} took in milliseconds
	 */
	async #draw({ stdout, stderr }, files, took) {
		/** @type {Report} */
		const report = stdout ? JSON.parse(stdout) : { roles: 0, providers: [], unread: [] };
		await pause();
		const told = stderr.trim();
		if (report.roles === 0) return this.#complain(told || 'There is no role in it.');
		const rows = rowsOf(report);
		await pause();
		const canExplain = (/** @type {Row} */ row) => this.#explain(row, report, files);
		const table = new RoleTable(rows, { explain: canExplain, unchosen: () => drawing?.clear() });
		this.#table = table;
		await pause();
		const drawing = rows.length > 0 ? this.#graph(report, rows, table) : undefined;
		fill(
			this.#result,
			this.#summary(report, rows, files, took),
			told && h('div', { class: 'message' }, h('pre', {}, told)),
			unreadList(report),
			drawing?.element,
			rows.length > 0 &&
				h(
					'section',
					{ 'aria-labelledby': 'roles-head' },
					h('h2', { id: 'roles-head', tabindex: '-1' }, 'Roles'),
					this.#exports(table, files),
					table.element,
				),
		);
		announce(`Done: ${counted(rows.length, 'role')} can be assumed with tokens from outside`);
	}

	/**
	 * @param {Report} report
	 * @param {Row[]} rows
	 * @param {Files} files
	 * @param {number} took
	 */
	#summary({ roles, providers, others }, rows, files, took) {
		const { all, counts } = countRoles(rows);
		const trusted = providers.filter(({ roles: of }) => of.length > 0).length;
		const idle = providers.length - trusted;
		const judged = [
			[others.otherAccounts, 'other accounts'],
			[others.someAccount, 'principals of some account'],
			[others.ownAccount, 'their own account'],
			[others.services, 'services of AWS'],
			[others.saml, 'SAML providers'],
		].filter(([count]) => Number(count) > 0);
		const names = Object.keys(files).join(', ');
		return h(
			'section',
			{ 'aria-labelledby': 'summary-head', class: 'summary' },
			h('h2', { id: 'summary-head', tabindex: '-1' }, 'Summary'),
			h(
				'p',
				{},
				h('strong', {}, `${all.toLocaleString('en')} of ${counted(roles, 'role')}`),
				` can be assumed with tokens from outside, of ${counted(trusted, 'provider')}.`,
				idle > 0 && ` ${counted(idle, 'further provider')} no role trusts.`,
			),
			h(
				'ul',
				{ class: 'counts', 'aria-label': 'Roles by severity' },
				[...counts].map(([severity, count]) =>
					h('li', {}, h('span', { class: `badge ${severity}` }, severity), ` ${count.toLocaleString('en')}`),
				),
			),
			judged.length > 0 &&
				h(
					'p',
					{ class: 'hint' },
					`Not judged here: ${judged.map(([count, whom]) => `${counted(Number(count), 'trusts', 'trust')} ${whom}`).join(', ')}.`,
				),
			h('p', { class: 'hint no-print' }, `${names}, read in ${seconds(took)}.`),
			h('p', { class: 'hint print-only' }, `${names}, looked at on ${new Date().toISOString().slice(0, 10)}.`),
		);
	}

	/**
	 * @param {Report} report
	 * @param {Row[]} rows
	 * @param {RoleTable} table
	 */
	#graph({ providers }, rows, table) {
		const drawn = layout(
			providers.map(({ issuer }) => issuer),
			rows,
		);
		const drawing = graph(drawn, (node) => {
			table.among(node);
			announce(`The table shows ${counted(table.shown.length, 'role')}`);
		});
		const element = h(
			'section',
			{ 'aria-labelledby': 'graph-head' },
			h('h2', { id: 'graph-head' }, 'From outside in'),
			h(
				'div',
				{ class: 'row' },
				legend(),
				h('span', { class: 'hint no-print' }, 'A box filters the table. Arrow keys go from box to box.'),
			),
			h('div', { class: 'graph' }, drawing.element),
			h('details', { class: 'no-print' }, h('summary', {}, 'The same as a list'), outline(drawn)),
		);
		return { element, clear: drawing.clear };
	}

	/**
	 * @param {RoleTable} table
	 * @param {Files} files
	 */
	#exports(table, files) {
		const told = h('span', { class: 'hint', role: 'status' });
		const sarif = h('button', { type: 'button' }, 'SARIF of all');
		sarif.addEventListener('click', async () => {
			sarif.disabled = true;
			told.textContent = 'Making it …';
			try {
				const { signal } = this.#running ?? new AbortController();
				const { stdout } = await command([...Object.keys(files), '--format', 'sarif'], files, signal);
				download('audit.sarif', stdout, 'application/sarif+json');
				told.textContent = '';
			} catch (error) {
				told.textContent = `It failed: ${/** @type {Error} */ (error).message}`;
			}
			sarif.disabled = false;
		});
		return h(
			'div',
			{ class: 'row no-print', role: 'group', 'aria-label': 'Take it along' },
			h(
				'button',
				{ type: 'button', onclick: () => download('audit.csv', csv(table.shown), 'text/csv') },
				'CSV of what is shown',
			),
			sarif,
			h('button', { type: 'button', onclick: () => window.print() }, 'Print what is shown'),
			told,
		);
	}

	/**
	 * @param {Row} row
	 * @param {Report} report
	 * @param {Files} files
	 */
	#explain({ role: { file, arn } }, report, files) {
		const policy = files[file];
		// Which role of several is meant is told by its ARN alone.
		const isAlone = report.roles === 1 && Object.keys(files).length === 1;
		if (policy === undefined || policy.length >= MOST_EXPLAINED || !(arn || isAlone)) return undefined;
		const detail = { policy, claims: undefined, roleArn: arn ?? '' };
		return () => this.element.dispatchEvent(new CustomEvent('explain', { bubbles: true, detail }));
	}
}

/**
 * A command in a worker of its own, so that the other views can go on asking theirs, and that what it took of memory is
 * given back.
 * @param {string[]} args
 * @param {Files} files
 * @param {AbortSignal} signal
 * @param {import('./engine.js').Tell} [tell]
 */
async function command(args, files, signal, tell) {
	const engine = new Engine();
	try {
		return await or(signal, engine.run(['audit', ...args], files, tell));
	} finally {
		engine.stop();
	}
}

/**
 * @template T
 * @param {AbortSignal} signal
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function or(signal, promise) {
	return new Promise((resolve, reject) => {
		if (signal.aborted) reject(signal.reason);
		signal.addEventListener('abort', () => reject(signal.reason), { once: true });
		promise.then(resolve, reject);
	});
}

/** @param {() => void} cancel */
function progress(cancel) {
	const began = performance.now();
	const bar = h('progress', { 'aria-label': 'How far it has come' });
	const words = h('span', {}, 'Reading');
	const elapsed = h('span', { class: 'hint' });
	const timer = setInterval(() => {
		elapsed.textContent = seconds(performance.now() - began);
	}, 100);
	return {
		element: h(
			'div',
			{ class: 'row card' },
			bar,
			words,
			elapsed,
			h('button', { type: 'button', onclick: cancel }, 'Cancel'),
		),
		/** @type {import('./engine.js').Tell} */
		tell: (done, total) => {
			if (total === 0) return; // still reading
			bar.max = total;
			bar.value = done;
			words.textContent = `${done.toLocaleString('en')} of ${counted(total, 'role')}`;
		},
		stop: () => clearInterval(timer),
	};
}

/** @param {Report} report */
function unreadList({ unread }) {
	if (unread.length === 0) return null;
	const rest = unread.length - MOST_UNREAD;
	return h(
		'details',
		{ class: 'message', open: unread.length <= 5 },
		h('summary', {}, `${counted(unread.length, 'role')} could not be read`),
		h(
			'ul',
			{},
			unread
				.slice(0, MOST_UNREAD)
				.map(({ name, file, line, why }) => h('li', {}, `${name || 'without a name'} (${file}:${line}): ${why}`)),
			rest > 0 && h('li', {}, `and ${rest.toLocaleString('en')} more`),
		),
	);
}

/** @returns {Promise<Files>} */
async function example() {
	const response = await fetch('example-account.json');
	if (!response.ok) throw new Error(`The example could not be loaded: ${response.status}`);
	return { 'example-account.json': await response.text() };
}

/** @param {number} milliseconds */
function seconds(milliseconds) {
	return `${(milliseconds / 1000).toFixed(1)} s`;
}

function pause() {
	return new Promise((resolve) => setTimeout(resolve));
}
