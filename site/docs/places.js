// The places of the documentation that can be found, and the index over them.

import MiniSearch from 'minisearch';
import { namesOf, plain } from './markdown.js';
import { OPTIONS } from './terms.js';

/** @typedef {import('./markdown.js').Page} Page */
/** @typedef {import('./markdown.js').Token} Token */
/** @typedef {import('./terms.js').Place} Place */

const START_LENGTH = 160;
// Pages that are about one thing, whose sections are called alike on each.
const WHOLE = new Set(['rules', 'causes']);

/**
 * @param {import('./pages.js').Kind[]} kinds
 * @returns {string} JSON, for `load` in terms.js.
 */
export function indexOf(kinds) {
	const index = new MiniSearch(OPTIONS);
	for (const kind of kinds) {
		for (const page of kind.pages)
			index.addAll(WHOLE.has(kind.id) ? [whole(page, kind.title)] : parts(page, kind.title));
	}
	return JSON.stringify(index);
}

/**
 * @param {Page} page
 * @param {string} where
 * @returns {Place}
 */
function whole(page, where) {
	const text = page.tokens.flatMap((token) => (token.type === 'heading' ? [] : texts(token))).join(' ');
	const names = [page.url.replace(/^.*\/|\.html$/g, ''), ...page.title.split(': ')].filter(
		(name) => !/\s|^index$/.test(name),
	);
	return place({ id: page.url, head: page.title, where, names, text, start: page.summary });
}

/**
 * @param {Page} page
 * @param {string} where
 * @returns {Place[]}
 */
function parts(page, where) {
	/** @type {Place[]} */
	const places = [];
	/** @type {{ id: string, head: string, where: string, names: string[], texts: string[] }} */
	let section = { id: page.url, head: page.title, where, names: [], texts: [] };
	const close = () => {
		const text = section.texts.join(' ');
		places.push(place({ ...section, text, start: text }));
	};
	for (const token of page.tokens) {
		if (token.type === 'heading') {
			const heading = /** @type {import('marked').Tokens.Heading} */ (token);
			const id = page.headings.get(heading);
			const head = plain(heading.tokens);
			if (heading.depth === 1) {
				// The name of the file, which is how people speak of some pages.
				section.names.push(page.url.replace(/^.*\/|\.html$/g, ''));
				continue;
			}
			close();
			section = { id: `${page.url}#${id}`, head, where: page.title, names: /\s/.test(head) ? [] : [head], texts: [] };
		} else if (token.type === 'table') {
			const table = /** @type {import('marked').Tokens.Table} */ (token);
			const ids = page.rows.get(table) ?? [];
			for (const [at, row] of table.rows.entries()) {
				const cells = row.map((cell) => plain(cell.tokens));
				const id = ids[at];
				if (!id) {
					section.texts.push(...cells);
					continue;
				}
				const [head = ''] = cells;
				const text = cells.slice(1).filter(Boolean).join(' · ');
				const on = section.head === page.title ? page.title : `${page.title}, ${section.head}`;
				const names = namesOf(row[0]?.tokens ?? []);
				places.push(place({ id: `${page.url}#${id}`, head, where: on, names, text, start: text }));
			}
		} else section.texts.push(...texts(token));
	}
	close();
	return places;
}

/** @param {Omit<Place, 'names'> & { names: string[] }} parts @returns {Place} */
function place({ id, head, where, names, text, start }) {
	const cut = start.length > START_LENGTH ? `${start.slice(0, START_LENGTH).replace(/\s+\S*$/, '')} …` : start;
	return { id, head, where, names: names.join(' ').toLowerCase(), text, start: cut };
}

/**
 * What a block says. Policies and tokens as JSON would be found for each word that all of them have.
 *
 * @param {Token} token
 * @returns {string[]}
 */
function texts(token) {
	switch (token.type) {
		case 'code':
			return token.lang === 'json' ? [] : [token.text.replace(/\s+/g, ' ')];
		case 'list':
			return /** @type {import('marked').Tokens.List} */ (token).items.flatMap((item) => item.tokens.flatMap(texts));
		case 'table': {
			const table = /** @type {import('marked').Tokens.Table} */ (token);
			return table.rows.flat().map((cell) => plain(cell.tokens));
		}
		case 'html':
		case 'space':
		case 'hr':
			return [];
		default:
			return [plain('tokens' in token && token.tokens ? token.tokens : [token])];
	}
}
