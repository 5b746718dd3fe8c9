// The graph of an audit, drawn: what is chosen in it is what the table shows.

import { h, s } from './dom.js';

/** @typedef {import('./audit-layout.js').Layout} Layout */
/** @typedef {import('./audit-layout.js').Node} Node */
/** @typedef {import('./audit-roles.js').Severity} Severity */

/** Of each column, in units of the drawing. */
const COLUMNS = [
	{ x: 2, width: 320, name: 'Provider' },
	{ x: 412, width: 330, name: 'Whose jobs' },
	{ x: 832, width: 366, name: 'Role' },
];
const WIDTH = 1200;
const HEAD = 28;
/** Of most fonts, at the size that the text has. What is wider is cut off by the box. */
const UNITS_OF_A_LETTER = 7.8;

/** A sign for each severity, so that nobody needs the colours. In a square of 14 units. @type {Record<Severity, string>} */
const SIGNS = {
	critical: 'M4 0h6l4 4v6l-4 4H4l-4-4V4z',
	high: 'M7 0l7 13H0z',
	medium: 'M7 0l7 7-7 7-7-7z',
	low: 'M1 1h12v12H1z',
	none: 'M7 1a6 6 0 1 0 .01 0z',
};

/**
 * @param {Layout} drawn
 * @param {(node: Node | undefined) => void} choose is called with the node to filter by
 */
export function graph({ nodes, edges, height }, choose) {
	/** @type {Map<Node, SVGGElement>} */
	const elements = new Map();
	/** @type {Node | undefined} */
	let chosen;
	const mark = (/** @type {Node | undefined} */ node) => {
		chosen = node;
		for (const [one, element] of elements) element.setAttribute('aria-pressed', String(one === node));
	};
	const press = (/** @type {Node} */ node) => {
		mark(node === chosen ? undefined : node);
		choose(chosen);
	};
	const focus = (/** @type {Node | undefined} */ node) => {
		if (!node) return;
		for (const [one, element] of elements) element.setAttribute('tabindex', one === node ? '0' : '-1');
		elements.get(node)?.focus();
	};
	for (const [index, node] of nodes.entries()) {
		const element = box(node);
		element.setAttribute('tabindex', index === 0 ? '0' : '-1'); // one stop of Tab; arrows go on from it
		element.addEventListener('click', () => press(node));
		element.addEventListener('keydown', (event) => {
			if (event.key === 'Enter' || event.key === ' ') press(node);
			else {
				const to = neighbour(node, event.key, nodes, edges);
				if (to === undefined) return;
				focus(to);
			}
			event.preventDefault();
		});
		elements.set(node, element);
	}
	const full = String(HEAD + height + 4);
	const svg = s(
		'svg',
		{ viewBox: `0 0 ${WIDTH} ${full}`, role: 'group', 'aria-label': 'Providers, whose jobs they speak for, and roles' },
		COLUMNS.map(({ x, name }) => s('text', { x: String(x), y: '16', class: 'column' }, name)),
		s('g', { 'aria-hidden': 'true' }, edges.map(curve)),
		[...elements.values()],
	);
	return { element: svg, clear: () => mark(undefined) };
}

/** @param {Node} node */
function box(node) {
	const { kind, label, note, worst, column, y, height } = node;
	const { x, width } = COLUMNS[column] ?? { x: 0, width: 0 };
	const isTwoLines = kind === 'provider';
	const right = kind === 'role' || kind === 'tenant' ? note : '';
	const room = (width - 38) / UNITS_OF_A_LETTER - (right ? right.length + 1 : 0);
	const middle = height / 2 + 4.5;
	return s(
		'g',
		{
			class: `node ${kind} ${worst ?? 'none'}`,
			transform: `translate(${x} ${y + HEAD})`,
			role: 'button',
			'aria-pressed': 'false',
		},
		s('title', {}, spoken(node)), // its name as well: what is to be seen of it can be cut short
		s('rect', { width: String(width), height: String(height), rx: '5' }),
		worst && s('path', { d: SIGNS[worst], transform: `translate(9 ${height / 2 - 7})`, class: 'severity' }),
		s(
			'svg',
			{
				x: '30',
				width: String(width - 38 - (right ? (right.length + 1) * UNITS_OF_A_LETTER : 0)),
				height: String(height),
			},
			s('text', { y: String(isTwoLines ? 18 : middle) }, shortened(label, room)),
			isTwoLines && s('text', { y: '35', class: 'note' }, shortened(note, room)),
		),
		right && s('text', { x: String(width - 8), y: String(middle), class: 'note end' }, right),
	);
}

/** @param {Node} node */
function spoken({ kind, label, note, worst, rows }) {
	const severity = worst ? `worst: ${worst}` : '';
	if (kind === 'provider') return [`Provider ${label}`, note, severity].filter(Boolean).join(', ');
	if (kind === 'tenant') return `${label}, ${rows.size === 1 ? '1 role' : `${note} roles`}, ${severity}`;
	return kind === 'role' ? `Role ${label}, ${worst}` : label;
}

/** @param {import('./audit-layout.js').Edge} edge */
function curve({ from, to, worst }) {
	const start = COLUMNS[from.column] ?? { x: 0, width: 0 };
	const x1 = start.x + start.width;
	const x2 = COLUMNS[to.column]?.x ?? 0;
	const y1 = from.y + from.height / 2 + HEAD;
	const y2 = to.y + to.height / 2 + HEAD;
	const half = (x1 + x2) / 2;
	return s('path', { d: `M${x1} ${y1}C${half} ${y1} ${half} ${y2} ${x2} ${y2}`, class: `edge ${worst ?? 'none'}` });
}

/**
 * Where a key leads: up and down within a column, left and right to what is joined.
 * @param {Node} node
 * @param {string} key
 * @param {Node[]} nodes
 * @param {import('./audit-layout.js').Edge[]} edges
 */
function neighbour(node, key, nodes, edges) {
	const column = nodes.filter((one) => one.column === node.column).sort((a, b) => a.y - b.y);
	const at = column.indexOf(node);
	switch (key) {
		case 'ArrowDown':
			return column[at + 1] ?? node;
		case 'ArrowUp':
			return column[at - 1] ?? node;
		case 'Home':
			return column[0];
		case 'End':
			return column.at(-1);
		case 'ArrowRight':
			return edges.find(({ from }) => from === node)?.to ?? node;
		case 'ArrowLeft':
			return edges.find(({ to }) => to === node)?.from ?? node;
		default:
			return undefined;
	}
}

/**
 * @param {string} text
 * @param {number} room in letters
 */
function shortened(text, room) {
	let left = room;
	let kept = '';
	for (const letter of text) {
		left -= (letter.codePointAt(0) ?? 0) > 0x2e7f ? 2 : 1; // ideographs are twice as wide
		if (left < 0) return `${kept.slice(0, -1)}…`;
		kept += letter;
	}
	return kept;
}

/**
 * The same in words.
 * @param {Layout} drawn
 */
export function outline({ nodes, edges }) {
	/** @param {Node} node @returns {HTMLLIElement} */
	const item = (node) => {
		const below = edges.filter(({ from }) => from === node).map(({ to }) => item(to));
		return h('li', {}, spoken(node), below.length > 0 && h('ul', {}, below));
	};
	return h(
		'ul',
		{},
		nodes.filter(({ kind }) => kind === 'provider').map((node) => item(node)),
	);
}

/** What the signs mean. */
export function legend() {
	const entries = Object.entries(SIGNS).map(([severity, d]) =>
		h(
			'li',
			{},
			s('svg', { viewBox: '-1 -1 16 16', width: '16', height: '16', 'aria-hidden': 'true', class: severity }, [
				s('path', { d, class: 'severity' }),
			]),
			severity,
		),
	);
	return h('ul', { class: 'legend', 'aria-label': 'Signs' }, entries);
}
