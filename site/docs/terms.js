// How text becomes the words of the search, and which results come first. The build and the browser share it, since an
// index answers only to the words that it was made of. `MiniSearch` does the searching: its index can be made beforehand,
// it has prefixes and typing slips, and it depends on nothing.

import MiniSearch from 'minisearch';

/**
 * A place that can be found: a page, a section of it, or the row about an option.
 *
 * @typedef {object} Place
 * @property {string} id Its address, from the folder of the documentation.
 * @property {string} head What it is called.
 * @property {string} where The page that it is on, or the page's kind.
 * @property {string} names What it is the place for, such as a code or an option: small letters, parted by spaces.
 * @property {string} text All that it says.
 * @property {string} start The first of that, for the list of results.
 */

const COMMON = new Set(
	'a an and are as at be by for from has if in is it its of on or that the this to with'.split(' '),
);
const WORD = /[\p{L}\p{N}]+(?:[-_.:/][\p{L}\p{N}]+)*/gu;
const LONGEST = 40;

/**
 * Words, and those of several parts, such as `role-to-assume`, both whole and in parts.
 *
 * @param {string} text
 */
export function words(text) {
	/** @type {string[]} */
	const found = [];
	for (const [word] of text.toLowerCase().matchAll(WORD)) {
		if (word.length <= LONGEST) found.push(word);
		const parts = word.split(/[^\p{L}\p{N}]/u);
		if (parts.length > 1) found.push(...parts.filter((part) => part.length <= LONGEST));
	}
	return found;
}

/**
 * Whether a place is the row of a table. The ids of rows have a dot in them, which those of headings never have.
 *
 * @param {string} id
 */
function isRow(id) {
	return /#.*\./.test(id);
}

/** @type {import('minisearch').Options<Place>} */
export const OPTIONS = {
	fields: ['head', 'where', 'names', 'text'],
	storeFields: ['head', 'where', 'names', 'start'],
	tokenize: words,
	processTerm: (term) => (COMMON.has(term) ? null : term),
	searchOptions: {
		boost: { head: 4, names: 4, where: 2 },
		prefix: (term) => term.length > 1,
		// Ids differ from each other in their digits.
		fuzzy: (term) => (term.length > 4 && !/\d/.test(term) ? 0.2 : false),
		boostDocument: (id) => (isRow(id) ? 0.7 : 1) * (`${id}`.startsWith('overview.html') ? 0.5 : 1),
		weights: { prefix: 0.5, fuzzy: 0.15 },
	},
};

/** @typedef {import('minisearch').SearchResult & Omit<Place, 'text'>} Result */

/**
 * What is found, best first. What has a name that is written out comes before all else: a page or section of that name,
 * then rows about it. What has every word comes before what has some.
 *
 * @param {MiniSearch<Place>} index
 * @param {string} query
 * @param {number} limit
 * @returns {Result[]}
 */
export function find(index, query, limit) {
	let results = /** @type {Result[]} */ (index.search(query, { combineWith: 'AND' }));
	if (!results.length) results = /** @type {Result[]} */ (index.search(query, { combineWith: 'OR' }));
	const name = query.trim().toLowerCase().replace(/^--/, '');
	/** @param {Result} result */
	const exact = (result) => (result.names.split(' ').includes(name) ? (isRow(result.id) ? 1 : 2) : 0);
	return results.sort((a, b) => exact(b) - exact(a) || b.score - a.score).slice(0, limit);
}

/** @param {string} json */
export function load(json) {
	return MiniSearch.loadJSON(json, OPTIONS);
}
