// The roles of an audit as a table: sorted, filtered, and a page at a time.

import { counted, filtered, inHours, SEVERITIES, sorted } from './audit-roles.js';
import { fill, h } from './dom.js';

/** @typedef {import('./audit-roles.js').Row} Row */
/** @typedef {import('./audit-roles.js').Severity} Severity */

const OF_A_PAGE = 100;
/** Statements of a role whose callers are shown; the others are counted. */
const MOST_WHO = 6;

/** Those that begin with A; all others begin with the most. */
const ALPHABETICAL = ['role', 'provider'];

/** @type {[column: string, name: string][]} */
const COLUMNS = [
	['severity', 'Severity'],
	['role', 'Role'],
	['provider', 'Provider'],
	['who', 'Who gets in'],
	['rules', 'Rules'],
	['attached', 'Powerful policies'],
	['session', 'Session'],
];

export class RoleTable {
	element = h('div', { class: 'roles' });
	/** What the filter shows, in the order of the table. @type {Row[]} */
	shown = [];
	#rows;
	#canExplain;
	#unchosen;
	#column = 'severity';
	#turned = false;
	#page = 0;
	/** @type {{ label: string, rows: Set<Row> } | undefined} */
	#chosen;
	#text = h('input', { type: 'search', name: 'filter', spellcheck: 'false', autocomplete: 'off' });
	#issuer = h('select', { name: 'provider' });
	#rule = h('select', { name: 'rule' });
	/** @type {Map<Severity, HTMLInputElement>} */
	#severities = new Map();
	#count = h('p', { role: 'status', class: 'count' });
	#chip = h('p', { class: 'chip no-print' });
	#body = h('tbody', { role: 'rowgroup' });
	#pages = h('nav', { 'aria-label': 'Pages of the table', class: 'row pages no-print' });
	/** @type {Map<string, HTMLTableCellElement>} */
	#heads = new Map();

	/**
	 * @param {Row[]} rows
	 * @param {object} can
	 * @param {(row: Row) => (() => void) | undefined} can.explain undefined where it cannot be explained
	 * @param {() => void} can.unchosen is told that what was chosen elsewhere is given up
	 */
	constructor(rows, { explain, unchosen }) {
		this.#rows = rows;
		this.#canExplain = explain;
		this.#unchosen = unchosen;
		const region = h(
			'div',
			{ class: 'wide', role: 'region', 'aria-label': 'Table of roles', tabindex: '0' },
			h('table', { role: 'table' }, this.#head(), this.#body),
		);
		fill(this.element, this.#filters(), h('div', { class: 'row' }, this.#count, this.#chip), region, this.#pages);
		this.#filter();
	}

	/**
	 * Shows these rows alone.
	 * @param {{ label: string, rows: Set<Row> } | undefined} chosen
	 */
	among(chosen) {
		this.#chosen = chosen;
		this.#filter();
	}

	/** Paper has no pages to turn. */
	beforePrint() {
		this.#body.replaceChildren(...this.shown.map((row) => this.#row(row)));
	}

	afterPrint() {
		this.#draw();
	}

	#filters() {
		const changed = () => this.#filter();
		const { issuers, rules, counts } = this.#found();
		const option = (/** @type {string} */ value) => h('option', { value }, value);
		fill(this.#issuer, h('option', { value: '' }, 'all'), issuers.map(option));
		fill(this.#rule, h('option', { value: '' }, 'all'), rules.map(option));
		this.#text.addEventListener('input', changed);
		this.#issuer.addEventListener('change', changed);
		this.#rule.addEventListener('change', changed);
		const boxes = SEVERITIES.map((severity) => {
			const input = h('input', { type: 'checkbox', checked: true, onchange: changed });
			this.#severities.set(severity, input);
			const count = counts.get(severity) ?? 0;
			return h('label', { class: 'check' }, input, ` ${severity} (${count.toLocaleString('en')})`);
		});
		return h(
			'div',
			{ class: 'filters no-print', role: 'search', 'aria-label': 'Filter the roles' },
			h(
				'div',
				{ class: 'fields' },
				h('label', {}, 'Text', this.#text),
				h('label', {}, 'Provider', this.#issuer),
				h('label', {}, 'Rule', this.#rule),
			),
			h('fieldset', { class: 'row' }, h('legend', {}, 'Severity'), boxes),
		);
	}

	/** What there is to filter by. */
	#found() {
		/** @type {Map<Severity, number>} */
		const counts = new Map();
		const issuers = new Set();
		const rules = new Set();
		for (const { severity, issuer, role } of this.#rows) {
			counts.set(severity, (counts.get(severity) ?? 0) + 1);
			issuers.add(issuer);
			for (const rule of role.rules) rules.add(rule);
		}
		return { issuers: [...issuers].sort(), rules: [...rules].sort(), counts };
	}

	#head() {
		const cells = COLUMNS.map(([column, name]) => {
			const button = h('button', { type: 'button', class: 'sort', onclick: () => this.#sortBy(column) }, name);
			const cell = h('th', { scope: 'col', role: 'columnheader' }, button);
			this.#heads.set(column, cell);
			return cell;
		});
		const last = h('th', { scope: 'col', role: 'columnheader', class: 'no-print' });
		fill(last, h('span', { class: 'visually-hidden' }, 'Explain'));
		return h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, cells, last));
	}

	/** @param {string} column */
	#sortBy(column) {
		this.#turned = column === this.#column && !this.#turned;
		this.#column = column;
		this.#filter();
	}

	#filter() {
		const severities = new Set(SEVERITIES.filter((severity) => this.#severities.get(severity)?.checked));
		const rows = filtered(this.#rows, {
			text: this.#text.value,
			severities,
			issuer: this.#issuer.value,
			rule: this.#rule.value,
			...(this.#chosen && { among: this.#chosen.rows }),
		});
		const isAsItComes = this.#column === 'severity' && !this.#turned;
		this.shown = isAsItComes ? rows : sorted(rows, this.#column, this.#turned);
		this.#page = 0;
		this.#draw();
	}

	#draw() {
		const first = this.#page * OF_A_PAGE;
		const rows = this.shown.slice(first, first + OF_A_PAGE);
		this.#body.replaceChildren(...rows.map((row) => this.#row(row)));
		for (const [column, cell] of this.#heads) {
			const isAscending = this.#turned !== ALPHABETICAL.includes(column);
			if (column === this.#column) cell.setAttribute('aria-sort', isAscending ? 'ascending' : 'descending');
			else cell.removeAttribute('aria-sort');
		}
		const all = counted(this.#rows.length, 'role');
		this.#count.textContent = `${this.shown.length.toLocaleString('en')} of ${all}`;
		const giveUp = () => {
			this.#unchosen();
			this.among(undefined);
			this.#text.focus(); // the button is gone
		};
		fill(
			this.#chip,
			this.#chosen && [
				`Chosen in the graph: ${this.#chosen.label} `,
				h('button', { type: 'button', onclick: giveUp }, 'Show all'),
			],
		);
		this.#drawPages();
	}

	#drawPages() {
		const last = Math.max(0, Math.ceil(this.shown.length / OF_A_PAGE) - 1);
		this.#pages.hidden = last === 0;
		const to = (/** @type {number} */ page, /** @type {string} */ name) => () => {
			this.#page = page;
			this.#draw();
			this.element.querySelector('table')?.scrollIntoView();
			/** @type {HTMLElement | null} */
			const again = this.#pages.querySelector(`button[data-to="${name}"]:enabled`);
			(again ?? this.#pages.querySelector('button:enabled'))?.focus({ preventScroll: true });
		};
		const button = (/** @type {string} */ name, /** @type {number} */ page) => {
			const isOff = page < 0 || page > last || page === this.#page;
			return h('button', { type: 'button', 'data-to': name, disabled: isOff, onclick: to(page, name) }, name);
		};
		const from = this.#page * OF_A_PAGE + 1;
		const until = Math.min(this.shown.length, from + OF_A_PAGE - 1);
		fill(
			this.#pages,
			button('First', 0),
			button('Previous', this.#page - 1),
			h('span', {}, `${from.toLocaleString('en')} to ${until.toLocaleString('en')}`),
			button('Next', this.#page + 1),
			button('Last', last),
		);
	}

	/** @param {Row} row */
	#row(row) {
		const { role, issuer, kind, severity } = row;
		const explain = this.#canExplain(row);
		const where = `${role.file}:${role.line}`;
		return h(
			'tr',
			{ role: 'row' },
			cell('Severity', h('span', { class: `badge ${severity}` }, severity)),
			h(
				'th',
				{ scope: 'row', role: 'rowheader', class: 'role' },
				role.name,
				h('span', { class: 'hint mono' }, breakable(role.arn ?? where)),
				role.arn && h('span', { class: 'hint' }, where),
			),
			cell('Provider', ...breakable(issuer), kind !== issuer && h('span', { class: 'hint' }, kind)),
			cell('Who gets in', ...whoOf(row)),
			cell('Rules', ...role.rules.flatMap((rule) => [h('a', { href: `docs/rules/${rule}.html` }, rule), ' '])),
			cell('Powerful policies', ...lines(role.attached)),
			cell('Session', inHours(role.maxSessionDuration)),
			h(
				'td',
				{ role: 'cell', class: 'no-print' },
				explain && h('button', { type: 'button', 'aria-label': `Explain ${role.name}`, onclick: explain }, 'Explain'),
			),
		);
	}
}

/**
 * @param {string} name of the column, which narrow screens show beside it
 * @param {...import('./dom.js').Child} children
 */
function cell(name, ...children) {
	return h('td', { role: 'cell', 'data-label': name }, children);
}

/** @param {Row} row */
function whoOf({ role }) {
	const words = [...new Set(role.admitted.map(({ who }) => who))];
	const rest = words.length - MOST_WHO;
	const shown = lines(words.slice(0, MOST_WHO));
	return rest > 0 ? [...shown, h('span', { class: 'hint' }, `and ${rest} more`)] : shown;
}

/**
 * Broken where its parts end, before it is broken anywhere.
 * @param {string} name
 */
function breakable(name) {
	return name.split(/(?<=[:/])|(?=\.)/).flatMap((part, index) => (index > 0 ? [h('wbr'), part] : [part]));
}

/** @param {string[]} texts */
function lines(texts) {
	return texts.map((text) => h('span', { class: 'line' }, text));
}
