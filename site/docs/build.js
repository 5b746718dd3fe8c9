// The documentation as pages: one for each Markdown file, a start page, and a search over all of them.

import { existsSync, statSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { frame, labelOf, readShared, relative } from './frame.js';
import { escapeHtml, plain, render } from './markdown.js';
import { readKinds } from './pages.js';
import { indexOf } from './places.js';

export { rulesData, whyData } from './data.js';

/** @typedef {import('./markdown.js').Page} Page */
/** @typedef {import('./pages.js').Kind} Kind */

const HERE = path.dirname(fileURLToPath(import.meta.url));

/**
 * Writes `out/docs`, and fails with a list of all links that lead nowhere. `out` is the folder of the tool's page, whose
 * `style.css` the pages use.
 *
 * @param {object} options
 * @param {string} options.root The repository.
 * @param {string} options.out
 * @returns {Promise<string[]>} What was written, from `out`.
 */
export async function buildDocs({ root, out }) {
	const kinds = await readKinds(root);
	const shared = readShared(await readFile(path.join(root, 'site/src/index.html'), 'utf8'));
	const links = new Links(root, kinds, await homeOf(root));
	/** @type {Map<string, string>} */
	const files = new Map();
	for (const kind of kinds) {
		for (const page of kind.pages) {
			const content = render(page, {
				link: (href) => links.resolve(page, href),
				image: (href) => links.image(page, href),
				afterHeading: (heading) => toolLink(page, kind, heading.depth) + (heading.depth === 1 ? contentsOf(page) : ''),
			});
			const title = page.source === 'README.md' ? labelOf(page) : page.title;
			files.set(page.url, frame({ url: page.url, title, summary: page.summary, content, kinds, shared }));
		}
	}
	if (links.broken.length) throw new Error(`links that lead nowhere:\n${links.broken.join('\n')}`);
	const summary = 'All pages: CIs, set-up guides, commands, recipes, diagnostics, causes, rules, migration.';
	const start = frame({ url: 'index.html', title: 'Documentation', summary, content: startOf(kinds), kinds, shared });
	files.set('index.html', start);
	files.set('search.json', indexOf(kinds));

	for (const [name, text] of files) {
		const file = path.join(out, 'docs', name);
		await mkdir(path.dirname(file), { recursive: true });
		await writeFile(file, text);
	}
	for (const name of links.images) {
		await mkdir(path.dirname(path.join(out, 'docs', name)), { recursive: true });
		await copyFile(path.join(root, 'docs', name), path.join(out, 'docs', name));
	}
	await copyFile(path.join(HERE, 'docs.css'), path.join(out, 'docs/docs.css'));
	await bundle({
		entryPoints: [path.join(HERE, 'search.js'), path.join(HERE, 'copy.js')],
		outdir: path.join(out, 'docs'),
		bundle: true,
		format: 'esm',
		target: 'es2022',
		minify: true,
		legalComments: 'inline',
		logLevel: 'warning',
	});
	return [...files.keys(), ...links.images, 'docs.css', 'search.js', 'copy.js'].map((name) => `docs/${name}`).sort();
}

/**
 * Where the repository's files can be read, at this version: `SOURCE_URL` of src/product.rs, but for the word between,
 * which differs for files and folders.
 *
 * @param {string} root
 */
async function homeOf(root) {
	const manifest = await readFile(path.join(root, 'Cargo.toml'), 'utf8');
	const repository = /^repository = "(.+)"$/m.exec(manifest)?.[1];
	const version = /^version = "(.+)"$/m.exec(manifest)?.[1];
	if (!repository || !version) throw new Error('Cargo.toml: no repository or version');
	return { repository, version };
}

class Links {
	/** @type {string[]} */
	broken = [];
	/** @type {Map<string, Page>} */
	#pages;
	#root;
	#home;

	/** @param {string} root @param {Kind[]} kinds @param {{ repository: string, version: string }} home */
	constructor(root, kinds, home) {
		this.#root = root;
		this.#home = home;
		this.#pages = new Map(kinds.flatMap((kind) => kind.pages.map((page) => [page.source, page])));
	}

	/** Those that pages show, from the folder `docs`. @type {Set<string>} */
	images = new Set();

	/**
	 * @param {Page} page
	 * @param {string} href
	 */
	image(page, href) {
		const file = path.posix.relative('docs', path.posix.join(path.posix.dirname(page.source), href));
		if (!file.startsWith('images/') || !existsSync(path.join(this.#root, 'docs', file))) {
			this.broken.push(`${page.source}: ${href}`);
		}
		this.images.add(file);
		return relative(page.url, file);
	}

	/**
	 * @param {Page} page
	 * @param {string} href
	 */
	resolve(page, href) {
		if (/^(?:https?|mailto):/.test(href)) return { href, outside: true };
		const [file = '', anchor] = href.split('#');
		const source = file ? path.posix.join(path.posix.dirname(page.source), file).replace(/\/$/, '') : page.source;
		const target = this.#pages.get(source) ?? this.#pages.get(`${source}/README.md`);
		if (target) {
			if (anchor && !target.ids.has(anchor)) this.broken.push(`${page.source}: ${href}`);
			const start = target === page && anchor ? '' : relative(page.url, target.url);
			return { href: anchor ? `${start}#${anchor}` : start, outside: false };
		}
		const place = path.join(this.#root, source);
		if (source.startsWith('..') || !existsSync(place)) {
			this.broken.push(`${page.source}: ${href}`);
			return { href, outside: false };
		}
		const { repository, version } = this.#home;
		const kind = statSync(place).isDirectory() ? 'tree' : 'blob';
		return { href: `${repository}/${kind}/v${version}/${source}${anchor ? `#${anchor}` : ''}`, outside: true };
	}
}

/**
 * The way from a page to the view of the tool that shows the same.
 *
 * @param {Page} page
 * @param {Kind} kind
 * @param {number} depth
 */
function toolLink(page, kind, depth) {
	const name = path.posix.basename(page.source, '.md');
	const view = () => {
		if (name === 'README') return undefined;
		if (kind.id === 'causes' && depth === 1) return { hash: `why=${name}`, of: name };
		if (kind.id === 'rules' && depth === 1) return { hash: `rule=${name}`, of: name };
		return undefined;
	};
	const found = view();
	if (!found) return '';
	const href = `${relative(page.url, '../index.html')}#${found.hash}`;
	const text = `See it in the page<span class="visually-hidden">: ${escapeHtml(found.of)}</span>`;
	return `<p class="no-print"><a class="button" href="${escapeHtml(href)}">${text}</a></p>\n`;
}

const ENOUGH_FOR_CONTENTS = 5;

/**
 * The sections of a long page, unless it starts with a list of them itself.
 *
 * @param {Page} page
 */
function contentsOf(page) {
	const sections = [...page.headings].filter(([heading]) => heading.depth === 2);
	const start = page.tokens.slice(
		0,
		page.tokens.findIndex((token) => token.type === 'heading' && token.depth === 2),
	);
	const own = start.some((token) => token.type === 'list' && token.raw.includes('](#'));
	if (own || sections.length < ENOUGH_FOR_CONTENTS) return '';
	const items = sections.map(
		([heading, id]) => `<li><a href="#${escapeHtml(id)}">${escapeHtml(plain(heading.tokens))}</a></li>`,
	);
	return `<details class="contents no-print"><summary>On this page</summary><ul>\n${items.join('\n')}\n</ul></details>\n`;
}

/** @param {Kind[]} kinds */
function startOf(kinds) {
	const parts = kinds.map(({ id, title, pages }) => {
		const items = pages.map((page) => {
			const href = escapeHtml(relative('index.html', page.url));
			return `<li><a href="${href}">${escapeHtml(labelOf(page))}</a> <span>${escapeHtml(page.summary)}</span></li>`;
		});
		return `<h2 id="${id}">${escapeHtml(title)}</h2>\n<ul class="list">\n${items.join('\n')}\n</ul>\n`;
	});
	const kindsList = kinds.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`).join('\n');
	return `<h1 id="documentation">Documentation</h1>\n<ul class="kinds">\n${kindsList}\n</ul>\n${parts.join('')}`;
}
