// The verdict, drawn: what AWS looks at, in its order, and what came of each.

import { h, s, visible } from './dom.js';

/** @typedef {'passed' | 'failed' | 'not-seen' | 'not-reached'} Seen */
/** @typedef {import('./editor.js').Place} Place */
/**
 * @typedef {Place & {
 *   key: string, operator: string, wanted: string[], had: string | string[] | null, unknown: boolean, seen: Seen,
 *   nearest?: { wanted: string, wantedRanges: [number, number][], hadRanges: [number, number][], segments: string[] },
 * }} Leaf
 */
/**
 * @typedef {Place & {
 *   index: number, sid: string | null, effect: 'Allow' | 'Deny', nearest: boolean, seen: Seen,
 *   principal: Leaf, action: Leaf, conditions: Leaf[],
 * }} Statement
 */
/**
 * @typedef {object} Explanation
 * @property {'allow' | 'deny' | 'unknown'} decision
 * @property {string} headline
 * @property {string} cause
 * @property {string} action
 * @property {string[]} why
 * @property {string[]} provided
 * @property {{ gate: string, name: string, seen: Seen }[]} gates
 * @property {Statement[]} statements
 * @property {import('./editor.js').Edit | null} change
 * @property {string | null} changedStatement
 * @property {{ place: string, words: string }[]} fixes
 * @property {string[]} lookAt
 * @property {Record<string, unknown>} claims
 */

/** How a part is drawn: by what it does to the caller. @typedef {'good' | 'bad' | 'open' | 'off'} Look */

/** @type {Record<Seen, { look: Look, words: string }>} */
const OF_GATE = {
	passed: { look: 'good', words: 'passed' },
	failed: { look: 'bad', words: 'refused here' },
	'not-seen': { look: 'open', words: 'cannot be seen from here' },
	'not-reached': { look: 'off', words: 'not reached' },
};
/** @type {Record<Seen, { look: Look, words: string }>} */
const OF_ALLOW = {
	passed: { look: 'good', words: 'matches' },
	failed: { look: 'bad', words: 'does not match' },
	'not-seen': { look: 'open', words: 'cannot be told' },
	'not-reached': { look: 'off', words: 'not reached' },
};
/** What matches a Deny is against the caller. @type {Record<Seen, { look: Look, words: string }>} */
const OF_DENY = {
	passed: { look: 'bad', words: 'matches' },
	failed: { look: 'good', words: 'does not match' },
	'not-seen': { look: 'open', words: 'cannot be told' },
	'not-reached': { look: 'off', words: 'not reached' },
};

/**
 * @param {Explanation} explanation
 * @param {(place: Place) => void} show shows a part of the policy
 */
export function picture(explanation, show) {
	const gates = explanation.gates.map(({ gate, name, seen }) => {
		const { look, words } = OF_GATE[seen];
		const inside = gate === 'trust-policy' ? policy(explanation, seen === 'not-reached', show) : null;
		return h('li', { class: `gate ${look}` }, sign(look), h('div', {}, title(name, words), inside));
	});
	return h('ol', { class: 'gates', 'aria-label': "What AWS looks at, in AWS's order" }, gates);
}

/**
 * The colour of each part of the policy that was looked at.
 * @param {Explanation} explanation
 * @returns {(Place & { seen: Look })[]}
 */
export function paints(explanation) {
	const nearest = explanation.statements.filter((statement) => statement.nearest);
	return nearest.flatMap((statement) => {
		const looks = statement.effect === 'Deny' ? OF_DENY : OF_ALLOW;
		return leavesOf(statement).map(({ leaf }) => ({ ...leaf, seen: looks[leaf.seen].look }));
	});
}

/**
 * @param {Explanation} explanation
 * @param {boolean} faint
 * @param {(place: Place) => void} show
 */
function policy(explanation, faint, show) {
	const { statements } = explanation;
	const nearest = statements.filter((statement) => statement.nearest);
	const others = statements.filter((statement) => !statement.nearest);
	return h(
		'div',
		{ class: faint ? 'statements faint' : 'statements' },
		nearest.map((one) => statement(one, statements.length, show)),
		others.length > 0 &&
			h(
				'details',
				{ open: nearest.length === 0 },
				h('summary', {}, others.length === 1 ? '1 other statement' : `${others.length} other statements`),
				others.map((one) => statement(one, statements.length, show)),
			),
	);
}

/**
 * @param {Statement} one
 * @param {number} count
 * @param {(place: Place) => void} show
 */
function statement(one, count, show) {
	const looks = one.effect === 'Deny' ? OF_DENY : OF_ALLOW;
	const { look } = looks[one.seen];
	const applies = { passed: 'applies', failed: 'does not apply', 'not-seen': 'may apply', 'not-reached': '' }[one.seen];
	const name = one.sid ? `${one.effect} “${visible(one.sid)}”` : one.effect;
	return h(
		'section',
		{ class: `statement ${look}`, 'aria-label': `Statement ${one.index + 1}` },
		h('p', { class: 'statement-head' }, `Statement ${one.index + 1} of ${count}: ${name} `, badge(look, applies)),
		h(
			'ol',
			{ class: 'leaves' },
			leavesOf(one).map(({ name, leaf }) => drawnLeaf(name, leaf, looks, show)),
		),
	);
}

/** @param {Statement} one */
function leavesOf(one) {
	return [
		{ name: 'Principal', leaf: one.principal },
		{ name: 'Action', leaf: one.action },
		...one.conditions.map((leaf) => ({ name: 'Condition', leaf })),
	];
}

/**
 * @param {string} name
 * @param {Leaf} leaf
 * @param {Record<Seen, { look: Look, words: string }>} looks
 * @param {(place: Place) => void} show
 */
function drawnLeaf(name, leaf, looks, show) {
	const { look, words } = looks[leaf.seen];
	const isCondition = name === 'Condition';
	const { nearest } = leaf;
	const others = nearest ? leaf.wanted.filter((value) => value !== nearest.wanted) : leaf.wanted;
	const compared = nearest && typeof leaf.had === 'string';
	return h(
		'li',
		{ class: `leaf ${look}` },
		sign(look),
		h(
			'div',
			{},
			h(
				'p',
				{ class: 'leaf-head' },
				isCondition ? h('code', {}, visible(leaf.key)) : name,
				isCondition && h('span', { class: 'hint' }, ` ${leaf.operator} `),
				' ',
				badge(look, words),
				' ',
				h(
					'button',
					{ type: 'button', class: 'link', onclick: () => show(leaf), 'aria-label': `Show ${leaf.key} in the policy` },
					'show',
				),
			),
			h(
				'dl',
				{ class: 'values' },
				h('dt', {}, 'wanted'),
				compared && h('dd', {}, marked(nearest.wanted, nearest.wantedRanges)),
				others.slice(0, MOST_VALUES).map((value) => h('dd', {}, marked(value, []))),
				others.length > MOST_VALUES && h('dd', {}, `and ${others.length - MOST_VALUES} more`),
				others.length === 0 && !compared && h('dd', {}, '(nothing)'),
				h('dt', {}, 'had'),
				had(leaf),
				nearest &&
					nearest.segments.length > 0 && [
						h('dt', {}, 'differs in'),
						h('dd', { class: 'segments' }, nearest.segments.join(', ')),
					],
			),
		),
	);
}

/** A condition can list hundreds. */
const MOST_VALUES = 8;

/** @param {Leaf} leaf */
function had({ had: value, unknown, nearest }) {
	if (unknown) return h('dd', { class: 'hint' }, 'not known here');
	if (value === null) return h('dd', { class: 'hint' }, 'no such key');
	if (typeof value === 'string') return h('dd', {}, marked(value, nearest?.hadRanges ?? []));
	return value.slice(0, MOST_VALUES).map((one) => h('dd', {}, marked(one, [])));
}

/**
 * A value with the parts that differ marked; where something is missing, the place.
 * @param {string} text
 * @param {[number, number][]} ranges
 */
function marked(text, ranges) {
	const parts = [];
	let at = 0;
	for (const [start, end] of ranges) {
		parts.push(visible(text.slice(at, start)));
		parts.push(start === end ? h('mark', { class: 'gap' }, '\u2038') : h('mark', {}, visible(text.slice(start, end))));
		at = end;
	}
	return h('code', {}, parts, visible(text.slice(at)));
}

/**
 * @param {string} name
 * @param {string} words
 */
function title(name, words) {
	return h(
		'p',
		{ class: 'gate-head' },
		h('span', { class: 'gate-name' }, name),
		' ',
		h('span', { class: 'state' }, words),
	);
}

/**
 * @param {Look} look
 * @param {string} words
 */
function badge(look, words) {
	return words ? h('span', { class: `badge ${look === 'off' ? 'none' : look}` }, words) : null;
}

/** Shapes differ as well as colours. @param {Look} look */
function sign(look) {
	const shape = {
		good: 'M5.500 10.500 9 14l6-7.500',
		bad: 'm6 6 8 8m0-8-8 8',
		open: 'M7 8a3 3 0 1 1 4 3q-1 .6-1 2m0 2.500v.500',
		off: 'M6 10h8',
	}[look];
	return s(
		'svg',
		{ class: 'sign', viewBox: '0 0 20 20', width: '20', height: '20', 'aria-hidden': 'true', focusable: 'false' },
		s('circle', { cx: '10', cy: '10', r: '9' }),
		s('path', { d: shape }),
	);
}
