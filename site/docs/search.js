// The search of the documentation: a combobox whose list holds what is found. The index is fetched when the box is used
// for the first time.

import { find, load } from './terms.js';

/** @typedef {import('./terms.js').Result} Result */

const LIMIT = 12;
// A screen reader that is told of every letter does not get to the end of any.
const ANNOUNCE_MS = 400;

const input = /** @type {HTMLInputElement} */ (document.getElementById('docs.search'));
const list = /** @type {HTMLElement} */ (document.getElementById('docs.results'));
const status = /** @type {HTMLElement} */ (document.getElementById('docs.status'));
const area = /** @type {HTMLElement} */ (input.closest('[role="search"]'));

/** @type {ReturnType<typeof fetchIndex> | undefined} */
let index;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let announcing;
/** The place in the list that the arrows are at, or -1 for the box itself. */
let active = -1;

async function fetchIndex() {
	const response = await fetch(new URL('search.json', import.meta.url));
	if (!response.ok) throw new Error(`${response.status}`);
	return load(await response.text());
}

/** One that failed is fetched again the next time. */
function loaded() {
	index ??= fetchIndex();
	index.catch(() => {
		index = undefined;
	});
	return index;
}

async function update() {
	const query = input.value;
	if (!query.trim()) return close();
	const found = await loaded().then(
		(index) => find(index, query, LIMIT),
		() => undefined,
	);
	// Somebody may have typed on, or left, while the index came.
	if (input.value !== query || document.activeElement !== input) return;
	show(found ?? []);
	if (!found) say('The search could not be loaded');
	else if (!found.length) say(`Nothing found for “${query.trim()}”`);
	else say(found.length === LIMIT ? `The first ${LIMIT} results` : `Results: ${found.length}`, ANNOUNCE_MS);
}

/** @param {Result[]} results */
function show(results) {
	list.replaceChildren(...results.map(optionOf));
	list.hidden = !results.length;
	input.setAttribute('aria-expanded', `${results.length > 0}`);
	activate(-1);
	// With results it is only for those who do not see them.
	status.classList.toggle('visually-hidden', results.length > 0);
}

/** @param {string} text */
function say(text, delay = 0) {
	clearTimeout(announcing);
	announcing = setTimeout(() => {
		status.textContent = text;
	}, delay);
}

function close() {
	list.hidden = true;
	input.setAttribute('aria-expanded', 'false');
	activate(-1);
	clearTimeout(announcing);
	status.textContent = '';
}

/** @param {Result} result @param {number} at */
function optionOf(result, at) {
	const option = document.createElement('li');
	option.id = `docs.result.${at}`;
	option.setAttribute('role', 'option');
	option.setAttribute('aria-selected', 'false');
	option.setAttribute('data-href', new URL(result.id, import.meta.url).href);
	const head = document.createElement('strong');
	head.append(...marked(result.head, result.terms));
	const where = document.createElement('span');
	where.className = 'where';
	where.textContent = result.where;
	const start = document.createElement('span');
	start.className = 'start';
	start.append(...marked(result.start, result.terms));
	option.append(head, ' ', where, ' ', start);
	return option;
}

/**
 * Text with the words in it that were found, marked. Nodes, and never a string of HTML: the page allows none.
 *
 * @param {string} text
 * @param {string[]} terms
 */
function marked(text, terms) {
	const forms = [...terms].sort((a, b) => b.length - a.length).map((term) => term.replace(/[./]/g, '\\$&'));
	const found = forms.length ? new RegExp(`(?<![\\p{L}\\p{N}])(${forms.join('|')})(?![\\p{L}\\p{N}])`, 'giu') : /(?!)/;
	return text.split(found).map((part, at) => {
		if (at % 2 === 0) return part;
		const mark = document.createElement('mark');
		mark.textContent = part;
		return mark;
	});
}

/** @param {number} at */
function activate(at) {
	list.children[active]?.setAttribute('aria-selected', 'false');
	active = at;
	const option = list.children[at];
	if (!option) return input.removeAttribute('aria-activedescendant');
	option.setAttribute('aria-selected', 'true');
	option.scrollIntoView({ block: 'nearest' });
	input.setAttribute('aria-activedescendant', option.id);
}

/** @param {Element | undefined} option @param {boolean} aside Whether in another tab. */
function go(option, aside) {
	const href = option?.getAttribute('data-href');
	if (!href) return;
	if (aside) {
		window.open(href, '_blank', 'noopener');
		return;
	}
	close();
	input.value = '';
	location.assign(href);
}

input.addEventListener('focus', () => {
	loaded().catch(() => {});
	if (input.value) update();
});
input.addEventListener('input', update);
input.addEventListener('keydown', (event) => {
	const count = list.hidden ? 0 : list.children.length;
	// Round by way of the box itself, which is -1.
	const moves = { ArrowDown: 1, ArrowUp: -1 };
	if (event.isComposing) return;
	if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
		event.preventDefault();
		if (count) activate(((active + 1 + moves[event.key] + count + 1) % (count + 1)) - 1);
		else update();
	} else if (event.key === 'Enter') {
		event.preventDefault();
		go(list.hidden ? undefined : list.children[Math.max(active, 0)], event.ctrlKey || event.metaKey);
	} else if (event.key === 'Escape') {
		if (list.hidden && !status.textContent) input.value = '';
		close();
	}
});
// A press takes the focus off the box, which would close the list before the click.
list.addEventListener('pointerdown', (event) => event.preventDefault());
list.addEventListener('click', (event) => {
	const option = event.target instanceof Element ? event.target.closest('[role="option"]') : null;
	go(option ?? undefined, event.ctrlKey || event.metaKey);
});
area.addEventListener('focusout', (event) => {
	if (!(event.relatedTarget instanceof Node) || !area.contains(event.relatedTarget)) close();
});
