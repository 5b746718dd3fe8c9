// The documentation as it is published: whole, linked, searchable, and fit for a browser that loads nothing else.

import assert from 'node:assert/strict';
import {
	cpSync,
	existsSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startPlayground } from '../../js/playground.js';
import { buildDocs, rulesData, whyData } from '../../site/docs/build.js';
import { slugs } from '../../site/docs/markdown.js';
import { find, load } from '../../site/docs/terms.js';
import { launch, missing, required } from './support/page.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const folder = mkdtempSync(path.join(tmpdir(), 'docs-'));
const out = path.join(folder, 'out');
/** @type {string[]} */
let written = [];
/** The pages by their address from `out`. @type {Map<string, string>} */
const pages = new Map();

before(async () => {
	// What the tool's page brings: the sheet, the icon and the page itself.
	cpSync(path.join(ROOT, 'site/src'), out, { recursive: true });
	written = await buildDocs({ root: ROOT, out });
	for (const name of written.filter((each) => each.endsWith('.html'))) {
		pages.set(name, readFileSync(path.join(out, name), 'utf8'));
	}
});
after(() => rmSync(folder, { recursive: true }));

/** @param {string} name */
function pageOf(name) {
	const page = pages.get(name);
	assert.ok(page, `no ${name}`);
	return page;
}

/** All tags of a page. Text has no `<` and no `>` of its own. @param {string} page */
const tagsOf = (page) => page.match(/<[a-z][^>]*>/g) ?? [];

/** @param {string} page */
const idsOf = (page) => tagsOf(page).flatMap((tag) => / id="([^"]*)"/.exec(tag)?.[1] ?? []);

/** @param {string} text */
const decoded = (text) =>
	text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');

/** A copy of what the build reads, with one page that says something else. @param {string} source @param {(text: string) => string} change */
function changed(source, change) {
	const root = mkdtempSync(path.join(folder, 'root-'));
	for (const name of readdirSync(ROOT)) {
		if (name !== 'docs') symlinkSync(path.join(ROOT, name), path.join(root, name));
	}
	cpSync(path.join(ROOT, 'docs'), path.join(root, 'docs'), { recursive: true });
	const file = path.join(root, source);
	const text = readFileSync(file, 'utf8');
	assert.notEqual(change(text), text);
	writeFileSync(file, change(text));
	return root;
}

describe('the pages', () => {
	test('there is one for each page of Markdown, and all that was written is there', () => {
		for (const name of readdirSync(path.join(ROOT, 'docs'), { recursive: true })) {
			if (!`${name}`.endsWith('.md')) continue;
			pageOf(`docs/${name}`.replace(/README\.md$/, 'index.md').replace(/\.md$/, '.html'));
		}
		for (const name of ['docs/index.html', 'docs/overview.html', 'docs/changes.html']) pageOf(name);
		for (const name of ['docs/docs.css', 'docs/search.js', 'docs/copy.js', 'docs/search.json']) {
			assert.ok(written.includes(name), name);
		}
		for (const name of written) assert.ok(existsSync(path.join(out, name)), name);
	});

	test('each has one heading of the first level, a language, a title of its own, and ids that are there once', () => {
		const titles = new Set();
		for (const [name, page] of pages) {
			assert.equal(page.match(/<h1[ >]/g)?.length, 1, name);
			assert.match(page, /^<!doctype html>\n<html lang="en">/, name);
			const title = /<title>(.+) · ci-assume-role<\/title>/.exec(page)?.[1];
			assert.ok(title, name);
			assert.ok(!titles.has(title), `${name}: ${title} twice`);
			titles.add(title);
			const ids = idsOf(page);
			assert.deepEqual(
				ids.filter((id, at) => ids.indexOf(id) !== at),
				[],
				name,
			);
		}
	});

	test('each link leads to a file that is there, and to an id that is in it', () => {
		/** @type {string[]} */
		const broken = [];
		for (const [name, page] of pages) {
			for (const tag of tagsOf(page)) {
				const value = / (?:href|src)="([^"]*)"/.exec(tag)?.[1];
				if (value === undefined) continue;
				if (/^https?:/.test(value)) {
					if (!tag.includes(' rel="noreferrer"')) broken.push(`${name}: ${value} without rel`);
					continue;
				}
				const [file = '', anchor] = decoded(value).split('#');
				const target = path.posix.join(path.posix.dirname(name), file || path.posix.basename(name));
				const text = existsSync(path.join(out, target)) ? readFileSync(path.join(out, target), 'utf8') : undefined;
				// What stands behind the # of the tool's page is a view and not an id.
				const view = target === 'index.html';
				if (text === undefined || (anchor && !view && !idsOf(text).includes(anchor))) broken.push(`${name}: ${value}`);
			}
		}
		assert.deepEqual(broken, []);
	});

	test('none has what its own policy refuses', () => {
		const index = readFileSync(path.join(ROOT, 'site/src/index.html'), 'utf8');
		const policy = /<meta http-equiv="Content-Security-Policy"[^>]*>/.exec(index)?.[0];
		assert.ok(policy);
		for (const [name, page] of pages) {
			assert.ok(page.includes(policy), name);
			assert.doesNotMatch(page, /<style|<!--/, name);
			for (const tag of tagsOf(page)) {
				assert.ok(!tag.startsWith('<script') || tag.includes(' src='), `${name}: ${tag}`);
				assert.doesNotMatch(tag, / (?:style|on\w+)=|javascript:/, name);
			}
		}
		assert.doesNotMatch(
			readFileSync(path.join(out, 'docs/search.js'), 'utf8'),
			/innerHTML|outerHTML|insertAdjacentHTML/,
		);
	});

	test('each has a summary that says something', () => {
		for (const [name, page] of pages) assert.match(page, /<meta name="description" content="[^"]{12,}">/, name);
	});

	test('links into the tool stand where it has something to show', () => {
		assert.match(pageOf('docs/causes/audience-differs.html'), /href="..\/..\/index.html#why=audience-differs"/);
		assert.match(pageOf('docs/rules/TP017.html'), /href="..\/..\/index.html#rule=TP017"/);
		assert.doesNotMatch(pageOf('docs/rules/index.html'), /#rule=/);
	});

	test('what stands elsewhere in the repository is linked at the version', () => {
		assert.match(
			pageOf('docs/overview.html'),
			/href="https:\/\/github\.com\/[^"]+\/blob\/v\d+\.\d+\.\d+\/SECURITY\.md"/,
		);
	});
});

describe('what stops the build', () => {
	/** @type {[string, string, (text: string) => string, RegExp][]} */
	const cases = [
		['a missing page', 'docs/ecr.md', (text) => `${text}\n[x](nowhere.md)\n`, /docs\/ecr\.md: nowhere\.md/],
		[
			'a missing anchor',
			'docs/ecr.md',
			(text) => `${text}\n[x](github.md#nowhere)\n`,
			/docs\/ecr\.md: github\.md#nowhere/,
		],
		['a missing anchor of its own', 'docs/ecr.md', (text) => `${text}\n[x](#nowhere)\n`, /docs\/ecr\.md: #nowhere/],
		[
			'a missing file',
			'docs/ecr.md',
			(text) => `${text}\n[x](../src/nowhere.rs)\n`,
			/docs\/ecr\.md: \.\.\/src\/nowhere\.rs/,
		],
		['raw HTML', 'docs/ecr.md', (text) => `${text}\n<b>x</b>\n`, /docs\/ecr\.md: raw HTML, "<b>/],
		['two first headings', 'docs/ecr.md', (text) => `${text}\n# Again\n`, /docs\/ecr\.md: 2 headings/],
	];
	for (const [name, source, change, message] of cases) {
		test(name, async () => {
			const root = changed(source, change);
			await assert.rejects(buildDocs({ root, out: path.join(root, 'out') }), message);
		});
	}

	test('a page of no kind', async () => {
		const root = changed('docs/ecr.md', (text) => `${text}\n`);
		writeFileSync(path.join(root, 'docs/new.md'), '# New\n');
		await assert.rejects(buildDocs({ root, out: path.join(root, 'out') }), /docs\/new\.md: no kind/);
	});
});

test('ids of headings are those of GitHub', () => {
	const slug = slugs();
	/** @type {[string, string][]} */
	const cases = [
		['Set up AWS', 'set-up-aws'],
		['Up to twelve hours: a longer session', 'up-to-twelve-hours-a-longer-session'],
		['What? — now', 'what--now'],
		['snake_case and kebab-case', 'snake_case-and-kebab-case'],
		['Grün', 'grün'],
		['Twice', 'twice'],
		['Twice', 'twice-1'],
		['Twice 1', 'twice-1-1'],
		['Twice', 'twice-2'],
	];
	for (const [text, id] of cases) assert.equal(slug(text), id, text);
});

describe('the search', () => {
	/** The query, and where its first result is. @type {[string, string][]} */
	const cases = [
		['TP017', 'rules/TP017.html'],
		['tp017', 'rules/TP017.html'],
		['value-case', 'rules/TP017.html'],
		['not-authorized', 'diagnostics.html#not-authorized'],
		['token-expired', 'diagnostics.html#token-expired'],
		['audience-differs', 'causes/audience-differs.html'],
		['role-to-assume', 'github.html#inputs.role-to-assume'],
		['--role-arn', 'options.html#names-of-options.role-arn'],
		['docker_login', 'bitrise.html#inputs.docker_login'],
		['policy generate', 'policy.html#policy-generate'],
		['long jobs', 'long-jobs.html'],
		['not authorised', 'diagnostics.html#not-authorized'],
		['bitbuket', 'bitbucket.html'],
		['terraf', 'recipes/terraform-providers.html'],
		['No OpenIDConnect provider found', 'not-authorized.html'],
	];
	for (const [query, first] of cases) {
		test(query, () => {
			const index = load(readFileSync(path.join(out, 'docs/search.json'), 'utf8'));
			const [result] = find(index, query, 1);
			assert.equal(result?.id, first);
		});
	}

	test('nothing is found for what is nowhere, and every place that is found is there', () => {
		const index = load(readFileSync(path.join(out, 'docs/search.json'), 'utf8'));
		assert.deepEqual(find(index, 'xyzzyqq', 5), []);
		for (const { id } of find(index, 'policy role token aws', 5000)) {
			const [file, anchor] = id.split('#');
			const page = pageOf(`docs/${file}`);
			assert.ok(!anchor || idsOf(page).includes(anchor), id);
		}
	});
});

describe('what the tool shows', () => {
	/** @param {string} kind */
	const namesOf = (kind) =>
		readdirSync(path.join(ROOT, 'docs', kind))
			.filter((name) => name !== 'README.md')
			.map((name) => path.basename(name, '.md'));

	test('every cause, with an example that can be read, and every code', async () => {
		const data = await whyData({ root: ROOT });
		for (const id of namesOf('causes')) {
			const why = data[id];
			assert.ok(why?.policy && why.claims, id);
			assert.ok(JSON.parse(why.policy).Statement, id);
			assert.equal(typeof JSON.parse(why.claims), 'object', id);
			assert.match(why.roleArn ?? '', /^arn:aws:iam::\d{12}:role\//, id);
			assert.equal(why.page, `docs/causes/${id}.html`);
		}
		const codes = readFileSync(path.join(ROOT, 'docs/diagnostics.md'), 'utf8').matchAll(/^## (.+)$/gm);
		for (const [, code = ''] of codes) assert.ok(data[code], code);
		assert.equal(data['token-out-of-time']?.now, '2026-11-22T00:00:00Z');
		assert.deepEqual(data['audience-not-registered']?.clientIds, ['https://github.com/octo']);
		check(data);
	});

	test('every rule, with what it finds something in', async () => {
		const data = await rulesData({ root: ROOT });
		assert.deepEqual(Object.keys(data).sort(), namesOf('rules').sort());
		for (const [id, rule] of Object.entries(data)) {
			assert.match(rule.severity, /^(?:critical|high|medium|low)$/, id);
			assert.ok(rule.policy && rule.name, id);
			if (rule.claims) assert.equal(typeof JSON.parse(rule.claims), 'object', id);
		}
		assert.ok(Object.values(data).some(({ claims }) => claims));
		check(data);
	});

	/** @param {Record<string, { title: string, text: string[], page: string }>} data */
	function check(data) {
		for (const [id, { title, text, page }] of Object.entries(data)) {
			assert.ok(title && text.length && text.every(Boolean), id);
			const [file = '', anchor] = page.split('#');
			assert.ok(!anchor || idsOf(pageOf(file)).includes(anchor), page);
			assert.ok(pageOf(file), page);
		}
	}
});

describe('in a browser', { skip: missing }, () => {
	// The one between is 1280 px at 200 %.
	const WIDTHS = [360, 640, 1280];
	const SCHEMES = /** @type {const} */ (['light', 'dark']);
	const SHOWN = ['docs/index.html', 'docs/causes/audience-differs.html', 'docs/options.html'];
	/** @type {any} */
	let browser;
	let stopServer = () => {};
	let base = '';

	before(async () => {
		// The tool's page has a script of its own, which is not built here.
		writeFileSync(path.join(out, 'main.js'), '');
		const { url, stop } = await startPlayground({ folder: pathToFileURL(`${out}/`) });
		base = url.replace(/\/$/, '');
		stopServer = stop;
		browser = await launch();
	});
	after(async () => {
		await browser?.close();
		stopServer();
	});

	/**
	 * Opens a page, and fails when the browser complained of anything by the time that `act` has ended.
	 *
	 * @param {Record<string, unknown>} options
	 * @param {string} name
	 * @param {(page: any) => Promise<void>} act
	 */
	async function open(options, name, act) {
		const context = await browser.newContext(options);
		try {
			const page = await context.newPage();
			/** @type {string[]} */
			const complaints = [];
			page.on('console', (/** @type {any} */ message) => {
				if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
			});
			page.on('pageerror', (/** @type {Error} */ error) => complaints.push(error.message));
			page.on('requestfailed', (/** @type {any} */ request) => complaints.push(`failed: ${request.url()}`));
			await page.goto(`${base}/${name}`);
			await act(page);
			assert.deepEqual(complaints, [], name);
		} finally {
			await context.close();
		}
	}

	const sideways = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;

	/** What axe-core finds. @param {any} page @returns {Promise<string[]>} */
	async function violations(page) {
		await page.evaluate(readFileSync(required.resolve('axe-core/axe.min.js'), 'utf8'));
		const found = await page.evaluate('axe.run()');
		return found.violations.map((/** @type {any} */ each) => `${each.id}: ${each.nodes[0].html}`);
	}

	for (const colorScheme of SCHEMES) {
		for (const width of WIDTHS) {
			test(`${width} px, ${colorScheme}`, async () => {
				const viewport = { width, height: 900 };
				for (const name of SHOWN) {
					await open({ viewport, colorScheme }, name, async (page) =>
						assert.equal(await page.evaluate(sideways), 0, name),
					);
					if (width === 640) continue;
					// The policy keeps axe out as well.
					await open({ viewport, colorScheme, bypassCSP: true }, name, async (page) => {
						// What is folded away counts as well: the folds are as they are in one scheme, and open in the other.
						if (colorScheme === 'dark') {
							await page.evaluate(() => {
								for (const fold of document.querySelectorAll('details')) fold.open = true;
							});
						}
						assert.deepEqual(await violations(page), [], name);
					});
				}
			});
		}
	}

	test('no page moves sideways at 360 px', async () => {
		const context = await browser.newContext({ viewport: { width: 360, height: 800 } });
		const page = await context.newPage();
		/** @type {string[]} */
		const wide = [];
		for (const name of pages.keys()) {
			await page.goto(`${base}/${name}`);
			if (await page.evaluate(sideways)) wide.push(name);
		}
		await context.close();
		assert.deepEqual(wide, []);
	});

	test('the search, by keyboard', async () => {
		await open({ viewport: { width: 1280, height: 900 } }, 'docs/rules/TP001.html', async (page) => {
			const box = page.getByRole('combobox', { name: 'Search the documentation' });
			const options = page.getByRole('option');
			await box.focus();
			await page.keyboard.type('audience');
			await options.first().waitFor();
			assert.equal(await box.getAttribute('aria-expanded'), 'true');
			assert.equal(await box.getAttribute('aria-activedescendant'), null);
			await page.getByRole('status').filter({ hasText: 'The first 12 results' }).waitFor({ state: 'attached' });

			await page.keyboard.press('ArrowDown');
			await page.keyboard.press('ArrowDown');
			const active = await box.getAttribute('aria-activedescendant');
			assert.equal(active, await options.nth(1).getAttribute('id'));
			assert.equal(await options.nth(1).getAttribute('aria-selected'), 'true');
			assert.equal(await options.nth(0).getAttribute('aria-selected'), 'false');
			await page.keyboard.press('ArrowUp');
			await page.keyboard.press('ArrowUp');
			assert.equal(await box.getAttribute('aria-activedescendant'), null);
			await page.keyboard.press('ArrowUp');
			const last = (await options.count()) - 1;
			assert.equal(await options.nth(last).getAttribute('aria-selected'), 'true');

			await page.keyboard.press('Escape');
			assert.equal(await options.count(), 0);
			assert.equal(await box.getAttribute('aria-expanded'), 'false');
			assert.equal(await box.inputValue(), 'audience');
			await page.keyboard.press('Escape');
			assert.equal(await box.inputValue(), '');

			await page.keyboard.type('xyzzyqq');
			await page.getByText('Nothing found for “xyzzyqq”').waitFor();

			await box.fill('role-to-assume');
			await options.filter({ hasText: 'GitHub Actions, Inputs' }).waitFor();
			await page.keyboard.press('Enter');
			await page.waitForURL('**/docs/github.html#inputs.role-to-assume');
			assert.ok(await page.locator('tr:target').isVisible());
		});
	});

	test('results pass axe, and fit', async () => {
		for (const [colorScheme, width] of /** @type {const} */ ([
			['light', 360],
			['dark', 1280],
		])) {
			const options = { viewport: { width, height: 900 }, colorScheme, bypassCSP: true };
			await open(options, 'docs/index.html', async (page) => {
				await page.getByRole('combobox').fill('session');
				await page.getByRole('option').first().waitFor();
				await page.keyboard.press('ArrowDown');
				assert.deepEqual(await violations(page), []);
				assert.equal(await page.evaluate(sideways), 0);
			});
		}
	});

	test('a block of code is copied as it is', async () => {
		const permissions = ['clipboard-read', 'clipboard-write'];
		await open({ permissions }, 'docs/causes/audience-differs.html', async (page) => {
			await page.getByRole('button', { name: 'Copy' }).first().click();
			await page.getByRole('button', { name: 'Copied' }).waitFor();
			const copied = await page.evaluate(() => navigator.clipboard.readText());
			assert.equal(JSON.parse(copied).Version, '2012-10-17');
		});
	});

	test('without scripts the pages are there, by keyboard as well, and the search is not', async () => {
		await open({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } }, 'docs/ecr.html', async (page) => {
			assert.ok(await page.getByRole('link', { name: 'Long jobs' }).first().isVisible());
			assert.equal(await page.getByRole('combobox').count(), 0);
			assert.equal(await page.getByRole('button').count(), 0);
			await page.getByRole('link', { name: 'All pages' }).focus();
			await page.keyboard.press('Tab');
			assert.equal(await page.locator(':focus').textContent(), 'Start');
		});
		await open({ javaScriptEnabled: false, viewport: { width: 360, height: 900 } }, 'docs/ecr.html', async (page) => {
			assert.ok(!(await page.getByRole('navigation', { name: 'Pages' }).getByText('Long jobs').isVisible()));
			await page.getByText('Pages by kind').click();
			assert.ok(await page.getByRole('navigation', { name: 'Pages' }).getByText('Long jobs').isVisible());
		});
	});
});
