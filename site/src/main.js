// The page: which view is shown, by the part of the address behind its #.

import { AuditView } from './audit.js';
import { h } from './dom.js';
import { Engine } from './engine.js';
import { examplesView } from './examples.js';
import { ExplainView } from './explain.js';
import { firstShown } from './first.js';
import { GenerateView } from './generate.js';
import { linked } from './material.js';
import { keepOffline } from './offline-start.js';
import { unpack } from './permalink.js';

/** How long the first view is held back for its verdict, in milliseconds. */
const PATIENCE = 250;
const TITLES = { explain: 'Why AWS says no', generate: 'Generate', audit: 'Audit', examples: 'Examples' };
/** @typedef {keyof typeof TITLES} View */

const engine = new Engine(/** @type {any} */ (globalThis).begun);
const explain = new ExplainView(engine);
const generate = once(() => new GenerateView(engine));
/** Each but the first is made when it is shown. @type {Record<View, () => HTMLElement>} */
const views = {
	explain: () => explain.element,
	generate: () => generate().element,
	audit: once(() => new AuditView().element),
	examples: once(examplesView),
};
/** @type {HTMLElement} */
const main = /** @type {any} */ (document.getElementById('main'));
/** Whether a view was shown before. */
let moved = false;

document.body.append(h('div', { id: 'announcements', class: 'visually-hidden', 'aria-live': 'polite' }));
main.addEventListener('explain', (event) => {
	const { detail } = /** @type {CustomEvent<import('./permalink.js').Shown>} */ (event);
	explain.show(detail);
	location.hash = '#explain';
});
window.addEventListener('hashchange', route);
firstShown.then(keepOffline);
route().then(() => explain.start());

async function route() {
	const { hash } = location;
	const [name = '', value = ''] = hash.slice(1).split(/=(.*)/s);
	if (isView(name) && name !== 'explain') {
		if (name === 'generate' && value) generate().choose(decoded(value));
		return show(name);
	}
	if (name === 's') await showPacked(value);
	else if (name && name !== 'explain') showLinked(name, decoded(value));
	explain.start();
	// With its verdict it is laid out once and not twice, unless somebody would have to wait for it.
	await Promise.race([explain.answered(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
	if (location.hash === hash) show('explain');
}

/** @param {View} name */
function show(name) {
	for (const link of document.querySelectorAll('.top nav a')) {
		if (link.getAttribute('href') === `#${name}`) link.setAttribute('aria-current', 'page');
		else link.removeAttribute('aria-current');
	}
	document.title = `${TITLES[name]} · ci-assume-role`;
	const element = views[name]();
	if (main.firstElementChild === element) return;
	main.replaceChildren(element);
	if (moved) main.focus(); // to where a reader of the screen goes on
	moved = true;
}

/** @param {string} value */
async function showPacked(value) {
	try {
		explain.show(await unpack(value));
	} catch {
		explain.complain('The link is not whole: a part of it is missing, or was changed on the way.');
	}
}

/**
 * @param {string} name
 * @param {string} value
 */
function showLinked(name, value) {
	const found = linked(name, value);
	if (!found) {
		explain.complain(`This version of the page knows nothing of “${name}=${value.slice(0, 80)}”.`);
		return;
	}
	const { policy = '', claims, title, text, page, ...known } = found;
	explain.show(
		{ ...known, policy, claims: claims ? JSON.parse(claims) : undefined },
		text && page ? { id: value, title, text, page } : undefined,
	);
}

/** @param {string} text */
function decoded(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

/** @param {string} name @returns {name is View} */
function isView(name) {
	return Object.hasOwn(TITLES, name);
}

/**
 * @template T
 * @param {() => T} make
 */
function once(make) {
	/** @type {T | undefined} */
	let made;
	return () => {
		made ??= make();
		return made;
	};
}
