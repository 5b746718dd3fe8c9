// What is around the content of every page: head, header, sidebar, crumbs, what comes before and after, footer.

import path from 'node:path';
import { escapeHtml } from './markdown.js';

/** @typedef {import('./markdown.js').Page} Page */
/** @typedef {import('./pages.js').Kind} Kind */

/**
 * What the documentation has from the tool's page, so that both stay alike.
 *
 * @typedef {{ policy: string, header: string, footer: string }} Shared
 */

/**
 * @param {string} index The text of `site/src/index.html`.
 * @returns {Shared}
 */
export function readShared(index) {
	/** @param {RegExp} form @param {string} what */
	const part = (form, what) => {
		const found = form.exec(index)?.[0];
		if (!found) throw new Error(`site/src/index.html: no ${what}`);
		return found;
	};
	return {
		policy: part(/<meta http-equiv="Content-Security-Policy"[^>]*>/, 'Content-Security-Policy'),
		header: part(/<header class="top">[\s\S]*?<\/header>/, 'header'),
		footer: part(/<footer[\s\S]*?<\/footer>/, 'footer'),
	};
}

/**
 * The address of one file of the documentation as another one has to write it.
 *
 * @param {string} from
 * @param {string} to
 */
export function relative(from, to) {
	return path.posix.relative(path.posix.dirname(from), to) || path.posix.basename(to);
}

const START = 'index.html';

/**
 * A page as it is published.
 *
 * @param {object} parts
 * @param {string} parts.url Where it is published, from the folder of the documentation.
 * @param {string} parts.title
 * @param {string} parts.summary
 * @param {string} parts.content
 * @param {Kind[]} parts.kinds
 * @param {Shared} parts.shared
 */
export function frame({ url, title, summary, content, kinds, shared }) {
	/** @param {string} to From the folder of the documentation. */
	const to = (to) => escapeHtml(relative(url, to));
	const kind = kinds.find(({ pages }) => pages.some((page) => page.url === url));
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${shared.policy}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="description" content="${escapeHtml(summary)}">
<title>${escapeHtml(title)} · ci-assume-role</title>
<link rel="icon" href="${to('../icon.svg')}">
<link rel="manifest" href="${to('../manifest.webmanifest')}">
<link rel="stylesheet" href="${to('../style.css')}">
<link rel="stylesheet" href="${to('docs.css')}">
<script type="module" src="${to('search.js')}"></script>
<script type="module" src="${to('copy.js')}"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
${headerOf(url, shared.header)}
<div class="docs">
<div class="side">
<div class="search" role="search">
<label for="docs.search">Search the documentation</label>
<input id="docs.search" type="text" role="combobox" aria-expanded="false" aria-controls="docs.results" aria-autocomplete="list" autocomplete="off" autocapitalize="off" spellcheck="false">
<div class="found">
<p id="docs.status" role="status"></p>
<ul id="docs.results" role="listbox" aria-label="Pages found" hidden></ul>
</div>
</div>
<nav aria-label="Pages">
<a class="all" href="${to(START)}"${url === START ? ' aria-current="page"' : ''}>All pages</a>
<details class="menu">
<summary>Pages by kind</summary>
${kinds.map((each) => menuOf(url, each, each === kind)).join('\n')}
</details>
</nav>
</div>
<main id="main" tabindex="-1">
${kind ? crumbsOf(url, title, kind) : ''}<article>
${content}</article>
${kind ? neighboursOf(url, kind) : ''}</main>
</div>
${shared.footer}
</body>
</html>
`;
}

/** @param {string} url @param {string} header */
function headerOf(url, header) {
	const current = url === START ? 'page' : 'true';
	return header.replace(/ aria-current="[^"]*"/g, '').replace(/href="([^"]*)"/g, (_, href) => {
		if (href === 'docs/index.html') return `href="${relative(url, START)}" aria-current="${current}"`;
		const target = href.startsWith('#') ? `index.html${href}` : href;
		return `href="${relative(url, `../${target}`)}"`;
	});
}

/** @param {string} url @param {Kind} kind @param {boolean} open */
function menuOf(url, kind, open) {
	const items = kind.pages.map((page) => {
		const current = page.url === url ? ' aria-current="page"' : '';
		return `<li><a href="${escapeHtml(relative(url, page.url))}"${current}>${escapeHtml(labelOf(page))}</a></li>`;
	});
	return `<details${open ? ' open' : ''}><summary>${escapeHtml(kind.title)}</summary><ul>\n${items.join('\n')}\n</ul></details>`;
}

/**
 * What a page is called where its kind stands next to it.
 *
 * @param {Page} page
 */
export function labelOf(page) {
	if (page.source === 'README.md') return 'Overview';
	return page.url.endsWith('/index.html') ? `All: ${page.title}` : page.title;
}

/** @param {string} url @param {string} title @param {Kind} kind */
function crumbsOf(url, title, kind) {
	const front = kind.pages.find((page) => page.url.endsWith('/index.html'));
	const steps = [`<li><a href="${escapeHtml(relative(url, START))}">Documentation</a></li>`];
	if (front?.url !== url) {
		const target = front ? relative(url, front.url) : `${relative(url, START)}#${kind.id}`;
		steps.push(`<li><a href="${escapeHtml(target)}">${escapeHtml(kind.title)}</a></li>`);
	}
	steps.push(`<li><span aria-current="page">${escapeHtml(title)}</span></li>`);
	return `<nav class="crumbs" aria-label="Breadcrumb"><ol>${steps.join('')}</ol></nav>\n`;
}

/** @param {string} url @param {Kind} kind */
function neighboursOf(url, kind) {
	const at = kind.pages.findIndex((page) => page.url === url);
	/** @param {Page | undefined} page @param {string} word @param {string} rel */
	const link = (page, word, rel) =>
		page
			? `<a rel="${rel}" href="${escapeHtml(relative(url, page.url))}"><span>${word}</span> ${escapeHtml(labelOf(page))}</a>`
			: '';
	const links = link(kind.pages[at - 1], 'Previous', 'prev') + link(kind.pages[at + 1], 'Next', 'next');
	return links ? `<nav class="neighbours" aria-label="Previous and next page">${links}</nav>\n` : '';
}
