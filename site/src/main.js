// The page: which view is shown, by the part of the address behind its #.

import { AuditView } from './audit.js';
import { fill, h } from './dom.js';
import { engine, material } from './early.js';
import { examplesView } from './examples.js';
import { ExplainView } from './explain.js';
import { GenerateView } from './generate.js';
import { keepOffline } from './offline-start.js';
import { unpack } from './permalink.js';

/** @typedef {{ title: string, policy?: string, claims?: string, roleArn?: string, clientIds?: string, at?: string, denied?: boolean, text?: string[], page?: string }} Linked */
/**
 * What the build has put together of the documentation and the tests.
 * @typedef {object} Material
 * @property {import('./form.js').Levels} levels
 * @property {Record<string, Linked>} why
 * @property {Record<string, Linked>} rules
 * @property {Record<string, Linked>} examples
 */

const TITLES = { explain: 'Why AWS says no', generate: 'Generate', audit: 'Audit', examples: 'Examples' };

/** @type {HTMLElement} */
const main = /** @type {any} */ (document.getElementById('main'));
document.body.append(h('div', { id: 'announcements', class: 'visually-hidden', 'aria-live': 'polite' }));

material.then(start, (error) => {
	fill(main, h('p', { class: 'message bad', role: 'alert' }, `The page could not be loaded: ${error.message}`));
});

/** @param {Material} all */
function start(all) {
	const explain = new ExplainView(engine, all.levels);
	const generate = once(() => new GenerateView(engine, all.levels));
	/** Each is made when it is first shown. @type {Record<keyof typeof TITLES, () => HTMLElement>} */
	const views = {
		explain: () => explain.element,
		generate: () => generate().element,
		audit: once(() => new AuditView().element),
		examples: once(() => examplesView(all)),
	};

	const route = async () => {
		const [name = '', value = ''] = location.hash.slice(1).split(/=(.*)/s);
		if (isView(name)) {
			if (name === 'generate' && value) generate().choose(decoded(value));
			return show(name);
		}
		if (name) await showLinked(explain, all, name, decoded(value));
		show('explain');
	};
	/** @param {keyof typeof TITLES} name */
	const show = (name) => {
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
	};
	let moved = false;
	main.addEventListener('explain', (event) => {
		const { detail } = /** @type {CustomEvent<import('./permalink.js').Shown>} */ (event);
		explain.show(detail);
		location.hash = '#explain';
	});
	window.addEventListener('hashchange', route);
	route().then(keepOffline);
}

/**
 * @param {ExplainView} explain
 * @param {Material} all
 * @param {string} name
 * @param {string} value
 */
async function showLinked(explain, { why, rules, examples }, name, value) {
	const unknown = () => explain.complain(`This version of the page knows nothing of “${name}=${value.slice(0, 80)}”.`);
	if (name === 's') {
		try {
			explain.show(await unpack(value));
		} catch {
			explain.complain('The link is not whole: a part of it is missing, or was changed on the way.');
		}
		return;
	}
	const table = { why, rule: rules, example: examples }[name];
	const found = table && Object.hasOwn(table, value) ? table[value] : undefined;
	if (!found) return unknown();
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

/** @param {string} name @returns {name is keyof typeof TITLES} */
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
