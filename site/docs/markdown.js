// Markdown as our pages use it, read and written as HTML. `marked` does the reading: it follows GitHub's dialect, gives the
// tree besides the HTML, and depends on nothing.

import { Marked } from 'marked';

/** @typedef {import('marked').Token} Token */
/** @typedef {import('marked').Tokens.Heading} Heading */
/** @typedef {import('marked').Tokens.Table} Table */

/**
 * @typedef {object} Page
 * @property {string} source Where the page stands in the repository, such as `docs/rules/TP001.md`.
 * @property {string} url Where it is published, from the folder of the documentation, such as `rules/TP001.html`.
 * @property {string} title Its first heading, as plain text.
 * @property {string} summary Its first sentence, as plain text.
 * @property {Token[]} tokens
 * @property {Map<Heading, string>} headings The id of each heading, in their order.
 * @property {Map<Table, (string | undefined)[]>} rows The ids of the rows that are about one name, such as an option.
 * @property {Set<string>} ids All that can stand behind the `#` of a link.
 */

const COMMENT = /<!--[\s\S]*?-->/g;
// What the README folds away. Everything else in pointed brackets is a slip, since it would vanish from the page.
const FOLD = /<\/?(?:details|summary)>/g;

/**
 * @param {{ source: string, url: string, text: string }} page
 * @returns {Page}
 */
export function readPage({ source, url, text }) {
	const reader = new Marked({ gfm: true });
	const tokens = reader.lexer(text);
	const slug = slugs();
	/** @type {Page} */
	const page = { source, url, title: '', summary: '', tokens, headings: new Map(), rows: new Map(), ids: new Set() };
	let section = '';
	reader.walkTokens(tokens, (token) => {
		if (token.type === 'html') {
			const rest = token.raw.replace(COMMENT, '').replace(FOLD, '');
			if (/[<>]/.test(rest)) throw new Error(`${source}: raw HTML, ${JSON.stringify(rest.trim())}`);
		} else if (token.type === 'image') {
			if (!token.text) throw new Error(`${source}: the image ${token.href} says nothing to who does not see it`);
		} else if (token.type === 'heading') {
			section = slug(plain(token.tokens ?? []));
			page.headings.set(/** @type {Heading} */ (token), section);
			page.ids.add(section);
		} else if (token.type === 'table') {
			const table = /** @type {Table} */ (token);
			const ids = table.rows.map((row) => {
				const [name] = namesOf(row[0]?.tokens ?? []);
				// No slug has a dot, so that these are no heading's.
				const id = `${section}.${name}`;
				if (!name || page.ids.has(id)) return undefined;
				page.ids.add(id);
				return id;
			});
			page.rows.set(table, ids);
		}
	});
	const titles = [...page.headings.keys()].filter((heading) => heading.depth === 1);
	const [title] = titles;
	if (!title || titles.length > 1) throw new Error(`${source}: ${titles.length} headings of the first level`);
	page.title = plain(title.tokens);
	page.summary = firstSentence(tokens);
	return page;
}

/**
 * The names that a row of a table is about: those of an option, a command or a variable, in code and with nothing else in
 * the cell.
 *
 * @param {Token[]} cell
 */
export function namesOf(cell) {
	/** @type {string[]} */
	const names = [];
	for (const token of cell) {
		const name = token.type === 'codespan' ? /^(?:--)?([A-Za-z][\w-]*)$/.exec(token.text)?.[1] : undefined;
		if (name) names.push(name);
		else if (token.type !== 'text' || !/^(?:,| or) $/.test(token.text)) return [];
	}
	return names;
}

const SHORT = 40;

/**
 * The first sentence before the sections, and the next one if it is a short one. A page that starts with nothing but a
 * question, or a list, is described by its sections.
 *
 * @param {Token[]} tokens
 */
function firstSentence(tokens) {
	const sections = tokens.filter((token) => token.type === 'heading' && token.depth === 2);
	for (const token of sections[0] ? tokens.slice(0, tokens.indexOf(sections[0])) : tokens) {
		if (token.type !== 'paragraph') continue;
		const text = plain(token.tokens ?? []);
		const [first = text, second = ''] = text.match(/.*?[.!?:](?=\s|$)/g) ?? [];
		if (first.endsWith('?') || /^Severity: /.test(text)) continue;
		return (first.length < SHORT ? first + second : first).replace(/:$/, '.');
	}
	return sections
		.slice(0, 6)
		.map((token) => plain('tokens' in token ? (token.tokens ?? []) : []))
		.join(' · ');
}

/**
 * GitHub's ids of headings: letters, digits, `_` and `-` stay, spaces become `-`, and a second one of the same name is
 * counted. https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links
 *
 * @returns {(text: string) => string}
 */
export function slugs() {
	/** @type {Map<string, number>} */
	const taken = new Map();
	return (text) => {
		const base = text
			.trim()
			.toLowerCase()
			.replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
			.replaceAll(' ', '-');
		let id = base;
		for (let count = taken.get(base) ?? 0; taken.has(id); ) {
			count += 1;
			taken.set(base, count);
			id = `${base}-${count}`;
		}
		taken.set(id, 0);
		return id;
	};
}

/**
 * What is read where nothing can be marked up.
 *
 * @param {Token[]} tokens
 * @returns {string}
 */
export function plain(tokens) {
	return tokens
		.map((token) => {
			switch (token.type) {
				case 'html':
					return '';
				case 'br':
					return ' ';
				case 'codespan':
					return token.text;
				default:
					if ('tokens' in token && token.tokens) return plain(token.tokens);
					return decode('text' in token ? token.text : token.raw);
			}
		})
		.join('')
		.replace(/\s+/g, ' ');
}

/** @type {Record<string, string>} */
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: '\u00a0' };

/** @param {string} text */
function decode(text) {
	return text.replace(/&(\w+);/g, (all, name) => ENTITIES[name] ?? all);
}

/** @param {string} text */
export function escapeHtml(text) {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/**
 * @typedef {object} Context
 * @property {(href: string) => { href: string, outside: boolean }} link Where a link of the page leads once published.
 * @property {(href: string) => string} image Where an image stands once published.
 * @property {(heading: Heading) => string} afterHeading HTML to stand below a heading.
 */

// Names up to this are not broken into lines in a table.
const NAME_LENGTH = 32;

/**
 * The HTML of a page's content. It has no style, script or handler in it, which the Content-Security-Policy would refuse.
 *
 * @param {Page} page
 * @param {Context} context
 */
export function render(page, context) {
	let section = page.title;
	/** @type {Map<string, number>} */
	const labels = new Map();
	/** @param {string} label */
	const unique = (label) => {
		const count = (labels.get(label) ?? 0) + 1;
		labels.set(label, count);
		return escapeHtml(count === 1 ? label : `${label}, ${count}`);
	};
	const writer = new Marked({
		gfm: true,
		renderer: {
			html({ raw }) {
				return raw.replace(COMMENT, '').trim();
			},
			heading(token) {
				section = plain(token.tokens);
				const id = page.headings.get(token) ?? '';
				const content = this.parser.parseInline(token.tokens);
				return `<h${token.depth} id="${escapeHtml(id)}">${content}</h${token.depth}>\n${context.afterHeading(token)}`;
			},
			codespan({ text }) {
				const whole = text.length <= NAME_LENGTH && !text.includes(' ');
				return `<code${whole ? ' class="name"' : ''}>${escapeHtml(text)}</code>`;
			},
			code({ text, lang }) {
				const language = /^\w+/.exec(lang ?? '')?.[0] ?? 'text';
				return (
					`<div class="code"><pre tabindex="0" role="group" aria-label="Code, ${language}">` +
					`<code class="language-${language}">${escapeHtml(text)}\n</code></pre></div>\n`
				);
			},
			table(token) {
				/** @type {(cell: import('marked').Tokens.TableCell) => string} */
				const content = (cell) => this.parser.parseInline(cell.tokens);
				const head = token.header
					.map((cell) => (cell.text ? `<th scope="col">${content(cell)}</th>` : '<td></td>'))
					.join('');
				const ids = page.rows.get(token) ?? [];
				const rows = token.rows.map((row, at) => {
					const id = ids[at] ? ` id="${escapeHtml(ids[at])}"` : '';
					return `<tr${id}>${row.map((cell) => `<td>${content(cell)}</td>`).join('')}</tr>`;
				});
				return (
					`<div class="wide" tabindex="0" role="region" aria-label="${unique(`Table: ${section}`)}"><table>\n` +
					`<thead><tr>${head}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody>\n</table></div>\n`
				);
			},
			image({ href, text }) {
				return `<img src="${escapeHtml(context.image(href))}" alt="${escapeHtml(text)}" loading="lazy">`;
			},
			link({ href, tokens }) {
				const target = context.link(href);
				const rel = target.outside ? ' rel="noreferrer"' : '';
				return `<a href="${escapeHtml(target.href)}"${rel}>${this.parser.parseInline(tokens)}</a>`;
			},
		},
	});
	return writer.parser(page.tokens);
}
