// What the tool's page says and shows of causes, diagnostics and rules: the text of their pages, and an example of each.

import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { plain } from './markdown.js';
import { readKinds } from './pages.js';

/** @typedef {import('./markdown.js').Page} Page */
/** @typedef {import('./markdown.js').Token} Token */

/**
 * @typedef {object} Why
 * @property {string} title
 * @property {string[]} text Paragraphs, and the points of lists with a bullet before each.
 * @property {string} page The address of its page.
 * @property {string} [policy] A trust policy that brings the cause about, as text.
 * @property {string} [claims] A token's claims with which it does, as JSON.
 * @property {string} [roleArn] The role that is assumed with them.
 * @property {string} [now] The moment at which that is, as RFC 3339, where it matters.
 * @property {string[]} [clientIds] What the identity provider lists, where it matters.
 */

/**
 * @typedef {object} Rule
 * @property {string} title
 * @property {string} name Such as `no-condition`.
 * @property {string} severity
 * @property {string[]} text
 * @property {string} page
 * @property {string} policy What the rule finds something in: JSON, or another language that roles are written in.
 * @property {string} [claims] A token that proves it, as JSON.
 */

/**
 * Every cause of a refusal and every code of a diagnostic, by its id. Where both have the same id, it is the cause that
 * counts: it is more exact, and has an example.
 *
 * @param {{ root: string }} options
 * @returns {Promise<Record<string, Why>>}
 */
export async function whyData({ root }) {
	const kinds = await readKinds(root);
	/** @type {Record<string, Why>} */
	const data = {};
	for (const page of pagesOf(kinds, 'diagnostics')) {
		for (const { heading, tokens } of sections(page)) {
			data[heading] = { title: boldOf(tokens), text: prose(tokens), page: `docs/${page.url}#${heading}` };
		}
	}
	for (const page of pagesOf(kinds, 'causes')) {
		const text = prose(sectionOf(page, 'Why'));
		data[page.title] = { title: boldOf(page.tokens), text, page: `docs/${page.url}`, ...(await exampleOf(root, page)) };
	}
	return data;
}

/**
 * Every rule, by its id.
 *
 * @param {{ root: string }} options
 * @returns {Promise<Record<string, Rule>>}
 */
export async function rulesData({ root }) {
	const kinds = await readKinds(root);
	/** @type {Record<string, Rule>} */
	const data = {};
	for (const page of pagesOf(kinds, 'rules')) {
		const [id, name] = page.title.split(': ');
		const severity = page.tokens.map((token) => /^Severity: (\w+)$/.exec(token.raw.trim())?.[1]).find(Boolean);
		const policy = codeOf(sectionOf(page, 'Bad'));
		if (!id || !name || !severity || !policy) throw new Error(`${page.source}: no name, severity or policy`);
		const claims = codeOf(sectionOf(page, 'Counter-example'));
		const text = prose(sectionOf(page, 'Why'));
		const rule = { title: boldOf(page.tokens), name, severity, text, page: `docs/${page.url}`, policy };
		data[id] = claims ? { ...rule, claims } : rule;
	}
	return data;
}

/**
 * The pages of a kind, without the one that lists them.
 *
 * @param {import('./pages.js').Kind[]} kinds
 * @param {string} id
 */
function pagesOf(kinds, id) {
	const kind = kinds.find((each) => each.id === id);
	return (kind?.pages ?? []).filter((page) => !page.url.endsWith('/index.html'));
}

/**
 * The sections under headings of the second level.
 *
 * @param {Page} page
 */
function sections(page) {
	/** @type {{ heading: string, tokens: Token[] }[]} */
	const found = [];
	for (const token of page.tokens) {
		if (token.type === 'heading' && token.depth === 2) found.push({ heading: plain(token.tokens ?? []), tokens: [] });
		else found.at(-1)?.tokens.push(token);
	}
	return found;
}

/** @param {Page} page @param {string} heading */
function sectionOf(page, heading) {
	const section = sections(page).find((each) => each.heading === heading);
	if (!section) throw new Error(`${page.source}: no section ${JSON.stringify(heading)}`);
	return section.tokens;
}

/**
 * What stands in bold at the start, which says what the page or section is about.
 *
 * @param {Token[]} tokens
 */
function boldOf(tokens) {
	for (const token of tokens) {
		const first = token.type === 'paragraph' ? token.tokens?.[0] : undefined;
		if (first?.type === 'strong') return plain([first]).replace(/\.$/, '');
	}
	throw new Error(`no paragraph starts in bold: ${tokens[0]?.raw}`);
}

/** @param {Token[]} tokens */
function codeOf(tokens) {
	const code = tokens.find((token) => token.type === 'code');
	return code?.type === 'code' ? code.text : undefined;
}

/**
 * Paragraphs and lists, without what only makes sense on the page: what stands in bold at the start, code and what leads
 * to it, tables, and sources.
 *
 * @param {Token[]} tokens
 */
function prose(tokens) {
	/** @type {string[]} */
	const text = [];
	const blocks = tokens.filter((token) => token.type !== 'space' && token.type !== 'html');
	for (const [at, token] of blocks.entries()) {
		if (token.type === 'paragraph') {
			const inline = token.tokens ?? [];
			const paragraph = plain(inline[0]?.type === 'strong' ? inline.slice(1) : inline).trim();
			if (paragraph.endsWith(':') && blocks[at + 1]?.type !== 'list') continue;
			if (paragraph && !/^Sources?: /.test(paragraph)) text.push(paragraph);
		} else if (token.type === 'list') {
			const { items } = /** @type {import('marked').Tokens.List} */ (token);
			if (items.every((item) => isLink(item.tokens))) continue;
			for (const item of items) {
				const blocks = item.tokens.filter((each) => each.type === 'text' || each.type === 'paragraph');
				text.push(`• ${plain(blocks).trim()}`);
			}
		}
	}
	return text;
}

/**
 * Whether a point of a list is a link and nothing else: a source.
 *
 * @param {Token[]} tokens
 */
function isLink(tokens) {
	const [block] = tokens;
	const inline = block && 'tokens' in block ? (block.tokens ?? []) : [];
	return inline.length === 1 && inline[0]?.type === 'link';
}

/**
 * The case that a cause's page names: a policy, a token and what else the answer depends on.
 *
 * @param {string} root
 * @param {Page} page
 */
async function exampleOf(root, page) {
	const name = page.tokens.map((token) => /^<!-- bad: ([\w-]+) -->/.exec(token.raw)?.[1]).find(Boolean);
	if (!name) throw new Error(`${page.source}: no <!-- bad: … -->`);
	const folder = path.join(root, 'tests/policies/explain', name);
	const files = await readdir(folder);
	/** @param {string} stem */
	const read = async (stem) => {
		const file = files.find((each) => path.parse(each).name === stem);
		if (!file) throw new Error(`${page.source}: no file ${stem} in the case ${name}`);
		return (await readFile(path.join(folder, file), 'utf8')).trimEnd();
	};
	const { roleArn, now, clientIds } = JSON.parse(await read('options'));
	return {
		policy: await read('policy'),
		claims: await read('claims'),
		...(roleArn && { roleArn }),
		...(now && { now }),
		...(clientIds && { clientIds }),
	};
}
