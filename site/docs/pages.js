// Which pages there are, of which kind each is, and in which order they stand.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { readPage } from './markdown.js';

/** @typedef {import('./markdown.js').Page} Page */

/**
 * @typedef {object} Kind
 * @property {string} id
 * @property {string} title
 * @property {Page[]} pages
 */

// A kind is a folder, or a list. Within a folder the order is that of the links on its README.md, else that of the titles.
const KINDS = [
	{ id: 'start', title: 'Start', pages: ['README.md', 'docs/not-authorized.md'] },
	{
		id: 'cis',
		title: 'CIs',
		pages: [
			'docs/github.md',
			'docs/gitlab.md',
			'docs/buildkite.md',
			'docs/circleci.md',
			'docs/bitbucket.md',
			'docs/azure-devops.md',
			'docs/bitrise.md',
			'docs/other-ci.md',
		],
	},
	{ id: 'setup', title: 'Set-up guides', folder: 'docs/setup' },
	{
		id: 'commands',
		title: 'Commands and options',
		pages: [
			'docs/command-line.md',
			'docs/policy.md',
			'docs/policy-suppressions.md',
			'docs/playground.md',
			'docs/options.md',
			'docs/sources.md',
			'docs/long-jobs.md',
			'docs/ecr.md',
			'docs/sandbox.md',
		],
	},
	{ id: 'recipes', title: 'Recipes', folder: 'docs/recipes' },
	{ id: 'diagnostics', title: 'Diagnostics', pages: ['docs/diagnostics.md'] },
	{ id: 'causes', title: 'Causes of a refusal', folder: 'docs/causes' },
	{ id: 'rules', title: 'Rules for trust policies', folder: 'docs/rules' },
	{ id: 'migrating', title: 'Migration', folder: 'docs/migrating' },
	{ id: 'background', title: 'Background', pages: ['docs/undocumented.md', 'docs/performance.md', 'CHANGELOG.md'] },
];

/** Pages that stand elsewhere, or would be called like the start page. @type {Record<string, string>} */
const URLS = { 'README.md': 'overview.html', 'CHANGELOG.md': 'changes.html' };

/**
 * All pages, by kind. A page that no kind has is an error, since nobody would find it.
 *
 * @param {string} root
 * @returns {Promise<Kind[]>}
 */
export async function readKinds(root) {
	const names = await readdir(path.join(root, 'docs'), { recursive: true });
	const sources = names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name.replaceAll('\\', '/')}`);
	sources.push(...Object.keys(URLS));
	/** @type {Map<string, Page>} */
	const pages = new Map();
	for (const source of sources.sort()) {
		const text = await readFile(path.join(root, source), 'utf8');
		pages.set(source, readPage({ source, url: urlOf(source), text }));
	}
	const kinds = KINDS.map(({ id, title, pages: list, folder }) => {
		const wanted = list ?? sorted(/** @type {string} */ (folder), pages);
		return {
			id,
			title,
			pages: wanted.map((source) => {
				const page = pages.get(source);
				if (!page) throw new Error(`${source}: site/docs/pages.js has this page, and it is not there`);
				pages.delete(source);
				return page;
			}),
		};
	});
	for (const source of pages.keys()) throw new Error(`${source}: no kind in site/docs/pages.js has this page`);
	return kinds;
}

/** @param {string} source */
function urlOf(source) {
	return (
		URLS[source] ??
		source
			.replace(/^docs\//, '')
			.replace(/README\.md$/, 'index.md')
			.replace(/\.md$/, '.html')
	);
}

/**
 * @param {string} folder
 * @param {Map<string, Page>} pages
 */
function sorted(folder, pages) {
	const front = `${folder}/README.md`;
	const links = JSON.stringify(pages.get(front)?.tokens ?? []);
	/** @param {Page} page */
	const place = (page) => {
		if (page.source === front) return -1;
		const at = links.indexOf(`"href":"${path.posix.basename(page.source)}"`);
		return at === -1 ? Number.POSITIVE_INFINITY : at;
	};
	return [...pages.values()]
		.filter((page) => path.posix.dirname(page.source) === folder)
		.sort((a, b) => (place(a) === place(b) ? a.title.localeCompare(b.title, 'en') : place(a) < place(b) ? -1 : 1))
		.map((page) => page.source);
}
