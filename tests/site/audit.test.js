// The page's view of an audit: what it works out by itself, then all of it in a browser.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { core } from '../../js/policy-core.js';
import { exampleAccount } from '../../site/example-account.js';
import { csv } from '../../site/src/audit-export.js';
import { layout, MOST_OF_TENANT } from '../../site/src/audit-layout.js';
import { countRoles, filtered, inHours, rowsOf, SEVERITIES, sorted } from '../../site/src/audit-roles.js';
import { play } from '../../site/src/memory.js';
import { account } from './support/account.js';
import { missing, startPage, violations } from './support/page.js';

/** @typedef {import('../../site/src/audit-roles.js').Report} Report */
/** @typedef {import('../../site/src/audit-roles.js').Role} Role */
/** @typedef {import('../../site/src/audit-roles.js').Filter} Filter */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** @type {Filter} */
const ALL = { text: '', severities: new Set(SEVERITIES), issuer: '', rule: '' };

/** @param {Partial<Role>} [what] @returns {Role} */
function role(what = {}) {
	const admitted = [
		{ statement: 0, sid: null, who: 'acme/api, branch main', breadth: /** @type {const} */ ('narrow') },
	];
	const of = { file: 'account.json', line: 7, pointer: '/0', name: 'deploy', arn: null, severity: null, rules: [] };
	return { ...of, breadth: 'narrow', admitted, attached: [], maxSessionDuration: null, ...what };
}

/** @param {Record<string, Role[]>} providers @returns {Report} */
function report(providers) {
	return {
		roles: Object.values(providers).flat().length,
		providers: Object.entries(providers).map(([issuer, roles]) => {
			return { issuer, kind: issuer, shared: true, described: false, clientIds: [], roles };
		}),
		others: { ownAccount: 0, otherAccounts: 0, someAccount: 0, services: 0, saml: 0 },
		unread: [],
	};
}

/** @param {number} count @param {string[][]} tenants one after the other */
function many(count, tenants) {
	const severities = SEVERITIES.slice(0, 4);
	const roles = Array.from({ length: count }, (_, index) =>
		role({
			name: `deploy-${index}`,
			pointer: `/${index}`,
			severity: /** @type {any} */ (severities[index % 4]),
			rules: [index % 2 ? 'TP001' : 'TP007'],
			admitted: [
				{
					statement: 0,
					sid: null,
					who: `w${index}`,
					breadth: 'project',
					tenants: tenants[index % tenants.length] ?? [],
				},
			],
		}),
	);
	return rowsOf(report({ 'gitlab.com': roles }));
}

describe('rows', () => {
	test('stand the worst first, then by provider, then by name', () => {
		const rows = rowsOf(
			report({
				b: [role({ severity: 'high', name: 'b' }), role({ severity: 'high', name: 'a' }), role({ name: 'none' })],
				a: [role({ severity: 'low' }), role({ severity: 'high', name: 'z' }), role({ severity: 'critical' })],
			}),
		);
		const seen = rows.map(({ issuer, severity, role: { name } }) => `${severity} ${issuer} ${name}`);
		assert.deepEqual(seen, ['critical a deploy', 'high a z', 'high b a', 'high b b', 'low a deploy', 'none b none']);
	});

	test('are sorted by each column, both ways', () => {
		const wide = role({ name: 'b', breadth: 'anyone', rules: ['TP001'], attached: ['X'], maxSessionDuration: 43_200 });
		const rows = rowsOf(report({ x: [wide], a: [role({ name: 'a', severity: 'high' })] }));
		/** @param {string} column @param {boolean} turned */
		const first = (column, turned) => sorted(rows, column, turned)[0]?.role.name;
		for (const column of ['who', 'rules', 'attached', 'session']) {
			assert.equal(first(column, false), 'b', column);
			assert.equal(first(column, true), 'a', column);
		}
		for (const column of ['severity', 'role', 'provider']) {
			assert.equal(first(column, false), 'a', column);
			assert.equal(first(column, true), 'b', column);
		}
	});

	test('are filtered by all that is asked for at once', () => {
		const rows = many(1000, [['acme'], ['hub']]);
		/** @param {Partial<Filter>} filter */
		const count = (filter) => filtered(rows, { ...ALL, ...filter }).length;
		assert.equal(count({}), 1000);
		assert.equal(count({ text: '  DEPLOY-99 gitlab ' }), 11);
		assert.equal(count({ text: 'deploy nothing-like-it' }), 0);
		assert.equal(count({ severities: new Set(['critical', 'high']) }), 500);
		assert.equal(count({ rule: 'TP001' }), 500);
		assert.equal(count({ issuer: 'github' }), 0);
		assert.equal(count({ among: new Set(rows.slice(0, 10)), severities: new Set(['critical']) }), 10);
		assert.equal(count({ rule: 'TP001', severities: new Set(['critical']) }), 0);
	});

	test('are filtered in no time, 10,000 of them', (t) => {
		const rows = many(10_000, [['acme']]);
		const began = performance.now();
		filtered(rows, { ...ALL, text: 'deploy gitlab 99' });
		const took = performance.now() - began;
		t.diagnostic(`${took.toFixed(1)} ms`);
		assert.ok(took < 500); // 50 are meant; others may be at work here
	});

	test('count a role once, however many providers open it', () => {
		const rows = rowsOf(report({ a: [role({ severity: 'high' })], b: [role({ severity: 'high' })] }));
		assert.equal(rows.length, 2);
		assert.equal(countRoles(rows).all, 1);
		assert.equal(countRoles(rows).counts.get('high'), 1);
	});

	test('say whose jobs come in, also where the command does not', () => {
		/** @param {import('../../site/src/audit-roles.js').Admitted} admitted */
		const tenants = (admitted) => rowsOf(report({ a: [role({ admitted: [admitted] })] }))[0]?.tenants;
		const one = { statement: 0, sid: null, who: 'somebody' };
		assert.deepEqual(tenants({ ...one, breadth: 'narrow', tenants: ['acme', 'hub'] }), ['acme', 'hub']);
		assert.deepEqual(tenants({ ...one, breadth: 'anyone', tenants: [] }), ['anyone of this issuer']);
		assert.deepEqual(tenants({ ...one, breadth: 'anyone' }), ['anyone of this issuer']);
		assert.deepEqual(tenants({ ...one, breadth: 'nobody' }), ['nobody']);
		assert.deepEqual(tenants({ ...one, breadth: 'project' }), ['somebody']);
	});

	test('say a time as people do', () => {
		const said = [3600, 5400, 43_200, 900, 30, null].map(inHours);
		assert.deepEqual(said, ['1 h', '1 h 30 min', '12 h', '15 min', '30 s', '']);
	});
});

describe('CSV', () => {
	test('is that of RFC 4180', () => {
		const admitted = [
			{ statement: 0, sid: null, who: 'a "b"', breadth: /** @type {const} */ ('narrow') },
			{ statement: 1, sid: null, who: 'c', breadth: /** @type {const} */ ('narrow') },
		];
		const rows = rowsOf(report({ 'gitlab.com': [role({ name: 'a,b', admitted, rules: ['TP001', 'TP002'] })] }));
		const [head, ...rest] = csv(rows).split('\r\n');
		assert.equal(head?.split(',').length, 13);
		assert.deepEqual(rest, [
			'none,"a,b",,gitlab.com,gitlab.com,"a ""b""\nc",narrow,TP001 TP002,,,account.json,7,/0',
			'',
		]);
	});

	test('has nothing that a spreadsheet would run', () => {
		for (const begin of ['=', '+', '-', '@', '\t', '\r']) {
			const [row] = rowsOf(report({ a: [role({ name: `${begin}cmd|'/c calc'!A0` })] }));
			assert.ok(row);
			const line = csv([row]).split('\r\n')[1] ?? '';
			assert.ok(line.startsWith(`none,'${begin}`) || line.startsWith(`none,"'${begin}`), JSON.stringify(line));
		}
	});
});

describe('the layout of the graph', () => {
	/** @param {import('../../site/src/audit-layout.js').Layout} drawn @param {import('../../site/src/audit-roles.js').Row[]} rows */
	const sound = ({ nodes, edges, height }, rows) => {
		for (const column of [0, 1, 2]) {
			const own = nodes.filter((node) => node.column === column).sort((a, b) => a.y - b.y);
			for (const [index, node] of own.entries()) {
				assert.ok(node.y + node.height <= height);
				const next = own[index + 1];
				if (next) assert.ok(node.y + node.height < next.y, `${node.label} is under ${next.label}`);
			}
		}
		/** From outside in. @param {import('../../site/src/audit-layout.js').Node} from @returns {import('../../site/src/audit-layout.js').Node[]} */
		const reached = (from) => [from, ...edges.filter((edge) => edge.from === from).flatMap(({ to }) => reached(to))];
		const all = new Set(nodes.filter(({ kind }) => kind === 'provider').flatMap(reached));
		assert.equal(all.size, nodes.length);
		const ends = [...all].filter(({ column }) => column === 2).flatMap((node) => [...node.rows]);
		assert.equal(new Set(ends).size, rows.length);
	};

	test('reaches every role, and puts nothing onto anything', () => {
		for (const [count, tenants] of /** @type {[number, number][]} */ ([
			[1, 1],
			[40, 7],
			[500, 9],
			[3000, 700],
		])) {
			const rows = many(
				count,
				Array.from({ length: tenants }, (_, index) => [`tenant-${index}`, `tenant-${index % 3}`]),
			);
			const drawn = layout(['gitlab.com', 'unused.example'], rows);
			sound(drawn, rows);
			assert.ok(drawn.nodes.length < 600, `${drawn.nodes.length} nodes`);
		}
	});

	test('copes with as many providers as there are clusters', () => {
		const roles = Array.from({ length: 300 }, (_, index) => [`oidc-${index}`, [role({ pointer: `/${index}` })]]);
		const rows = rowsOf(report(Object.fromEntries(roles)));
		const drawn = layout([], rows);
		sound(drawn, rows);
		assert.equal(drawn.nodes.find(({ label }) => label === '261 other providers')?.rows.size, 261);
	});

	test('makes one node of what would be too many', () => {
		const rows = many(MOST_OF_TENANT + 1, [['acme']]);
		const group = layout(['gitlab.com'], rows).nodes.filter(({ column }) => column === 2);
		assert.deepEqual(
			group.map(({ kind, label, worst }) => [kind, label, worst]),
			[['group', '61 roles, worst: critical', 'critical']],
		);
		const single = layout(['gitlab.com'], rows.slice(1)).nodes.filter(({ column }) => column === 2);
		assert.equal(single.length, MOST_OF_TENANT);
	});

	test('has one node for a role that several providers open', () => {
		const rows = rowsOf(report({ a: [role()], b: [role()] }));
		const { nodes, edges } = layout(['a', 'b'], rows);
		const shared = nodes.filter(({ kind }) => kind === 'role');
		assert.equal(shared.length, 1);
		assert.equal(edges.filter(({ to }) => to === shared[0]).length, 2);
	});
});

test('the example is an account that the command reads', () => {
	const { stdout } = play(core.Job, ['policy', 'audit', 'a', '--format', 'json'], {
		a: exampleAccount({ root: ROOT }),
	});
	/** @type {Report} */
	const read = JSON.parse(stdout);
	assert.ok(read.roles >= 40 && read.unread.length === 0, `${read.roles} roles`);
	assert.ok(read.providers.length >= 6, `${read.providers.length} providers`);
	const { counts } = countRoles(rowsOf(read));
	for (const severity of SEVERITIES) assert.notEqual(counts.get(severity), 0, severity);
});

describe('in a browser', { skip: missing }, () => {
	/** @type {Awaited<ReturnType<typeof startPage>>} */
	let site;
	const folder = fs.mkdtempSync(join(tmpdir(), 'audit-page-'));
	before(async () => {
		site = await startPage();
	});
	afterEach(() => site.closePages());
	after(async () => {
		await site.stop();
		fs.rmSync(folder, { recursive: true });
	});

	/** @param {import('./support/page.js').ContextOptions} [options] */
	async function open(options) {
		const opened = await site.open('/#audit', options);
		await opened.page.waitForSelector('.drop');
		return opened;
	}
	/** @param {import('./support/page.js').ContextOptions} [options] */
	async function openExample(options) {
		const opened = await open(options);
		await opened.page.getByRole('button', { name: 'Try an example' }).click();
		await opened.page.waitForSelector('.roles tbody tr');
		return opened;
	}
	/** @typedef {import('./support/page.js').Page} Page */
	/** @param {Page} page @param {string} button */
	async function downloaded(page, button) {
		const waiting = page.waitForEvent('download');
		await page.getByRole('button', { name: button }).click();
		const download = await waiting;
		return { name: download.suggestedFilename(), text: fs.readFileSync(await download.path(), 'utf8') };
	}
	/** @param {Page} page @param {{ name: string, text?: string, bytes?: number }[]} files */
	async function drop(page, files) {
		await page.evaluate((list) => {
			const data = new DataTransfer();
			for (const { name, text, bytes } of list)
				data.items.add(new File([text ?? new Uint8Array(bytes ?? 0).fill(255)], name));
			const at = /** @type {Element} */ (document.querySelector('.drop'));
			const event = { bubbles: true, cancelable: true, dataTransfer: data };
			at.dispatchEvent(new DragEvent('dragover', event));
			at.dispatchEvent(new DragEvent('drop', event));
		}, files);
	}
	/** @param {Page} page */
	const count = (page) => page.locator('.roles .count').textContent();

	test('10,000 roles are read, sorted and filtered without the page standing still', async (t) => {
		const file = join(folder, 'account.json');
		fs.writeFileSync(file, JSON.stringify(account(10_000), undefined, 4));
		const { page, complaints, blocked } = await open();
		await page.evaluate(() => {
			/** @type {any} */ (globalThis).longTasks = [];
		});
		const began = performance.now();
		await page.setInputFiles('input[type=file]', file);
		await page.waitForSelector('.roles tbody tr');
		const took = performance.now() - began;
		const whileRead = await blocked();
		t.diagnostic(`10,000 roles: ${Math.round(took)} ms, longest task ${whileRead.longest} ms of ${whileRead.all}`);
		assert.ok(took < 15_000);
		assert.ok(whileRead.longest < 1000);
		assert.equal(await page.locator('.roles tbody tr').count(), 100);
		assert.match((await page.locator('.roles tbody tr').first().textContent()) ?? '', /^critical/);

		const filter = await page.evaluate(async () => {
			const input = /** @type {HTMLInputElement} */ (document.querySelector('input[name=filter]'));
			input.value = 'org-1 deploy';
			const start = performance.now();
			input.dispatchEvent(new Event('input'));
			return performance.now() - start;
		});
		t.diagnostic(`filtered and drawn in ${Math.round(filter)} ms`);
		assert.ok(filter < 1000);
		const [, shown = ''] = /^([\d,]+) of [\d,]+ roles$/.exec((await count(page)) ?? '') ?? [];
		assert.ok(shown.length > 1, shown);
		const { name, text } = await downloaded(page, 'CSV of what is shown');
		assert.equal(name, 'audit.csv');
		const lines = text.split('\r\n');
		assert.equal(lines.length - 2, Number(shown.replace(',', '')));
		for (const line of lines.slice(1, -1)) assert.match(line, /org-1/);

		await page.getByRole('button', { name: 'Next' }).click();
		assert.match((await page.locator('.pages').textContent()) ?? '', /101 to 200/);
		assert.deepEqual(complaints, []);
	});

	test('the command says how far it is, and is stopped', async () => {
		const { page, complaints } = await open();
		await page.route('**/worker.js', (route) =>
			route.fulfill({
				contentType: 'text/javascript',
				body: `self.onmessage = ({ data: { id } }) => {
					if (id === undefined) return;
					self.postMessage({ id, done: 0, total: 0 });
					setTimeout(() => self.postMessage({ id, done: 250, total: 1000 }), 300);
				};`,
			}),
		);
		await page.getByRole('button', { name: 'Try an example' }).click();
		const bar = page.locator('progress');
		await bar.waitFor();
		assert.equal(await bar.evaluate((element) => /** @type {any} */ (element).position), -1);
		await page.waitForSelector('progress[value="250"][max="1000"]');
		assert.match((await page.locator('.running').textContent()) ?? '', /250 of 1,000 roles\d\.\d s/);
		await page.getByRole('button', { name: 'Cancel' }).click();
		await bar.waitFor({ state: 'detached' });
		assert.equal(await page.locator('.message').count(), 0);
		assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('type')), 'file');

		await page.unroute('**/worker.js');
		await page.getByRole('button', { name: 'Try an example' }).click();
		await page.waitForSelector('.roles tbody tr');
		assert.deepEqual(complaints, []);
	});

	test('what is shown follows columns and filters', async () => {
		const { page, complaints } = await openExample();
		const all = (await count(page)) ?? '';
		const first = () => page.locator('.roles tbody th').first().textContent();
		await page.getByRole('button', { name: 'Role', exact: true }).click();
		assert.equal(await page.locator('[aria-sort=ascending]').textContent(), 'Role');
		const a = (await first()) ?? '';
		await page.getByRole('button', { name: 'Role', exact: true }).click();
		assert.equal(await page.locator('[aria-sort=descending]').textContent(), 'Role');
		assert.ok(a < ((await first()) ?? ''));
		await page.locator('select[name=provider]').selectOption('gitlab.com');
		const providers = await page.locator('.roles tbody tr').allTextContents();
		assert.ok(providers.length > 0 && providers.every((text) => text.includes('gitlab.com')));
		await page.locator('select[name=provider]').selectOption('');
		for (const severity of ['high', 'medium', 'low', 'none']) {
			await page.getByRole('checkbox', { name: new RegExp(`^${severity}`) }).uncheck();
		}
		assert.notEqual(await count(page), all);
		assert.deepEqual(new Set(await page.locator('.roles .badge').allTextContents()), new Set(['critical']));
		assert.match(
			(await page.locator('.roles tbody a').first().getAttribute('href')) ?? '',
			/^docs\/rules\/TP\d+\.html$/,
		);
		assert.deepEqual(complaints, []);
	});

	test('the graph filters the table, by keyboard alone', async () => {
		const { page, complaints } = await openExample();
		const all = (await count(page)) ?? '';
		assert.equal(await page.locator('.node[tabindex="0"]').count(), 1);
		await page.locator('.node[tabindex="0"]').focus();
		await page.keyboard.press('ArrowDown');
		const focused = () => page.evaluate(() => document.activeElement?.querySelector('title')?.textContent ?? '');
		assert.match(await focused(), /^Provider /);
		await page.keyboard.press('ArrowRight');
		await page.keyboard.press('ArrowRight');
		assert.match(await focused(), /^Role /);
		await page.keyboard.press('Enter');
		assert.match((await count(page)) ?? '', /^1 of /);
		assert.equal(await page.locator('.node[aria-pressed=true]').count(), 1);
		await page.keyboard.press('ArrowLeft');
		await page.keyboard.press('ArrowLeft');
		await page.keyboard.press('Home');
		await page.keyboard.press(' ');
		assert.equal(await page.locator('.node[aria-pressed=true]').count(), 1);
		assert.notEqual(await count(page), all);
		await page.getByRole('button', { name: 'Show all' }).press('Enter');
		assert.equal(await count(page), all);
		assert.equal(await page.locator('.node[aria-pressed=true]').count(), 0);
		assert.deepEqual(complaints, []);
	});

	test('SARIF is the command’s own', async () => {
		const { page, complaints } = await openExample();
		const { name, text } = await downloaded(page, 'SARIF of all');
		assert.equal(name, 'audit.sarif');
		const files = { 'example-account.json': exampleAccount({ root: ROOT }) };
		const { stdout } = play(core.Job, ['policy', 'audit', 'example-account.json', '--format', 'sarif'], files);
		assert.deepEqual(JSON.parse(text), JSON.parse(stdout));
		assert.deepEqual(complaints, []);
	});

	test('several files are looked at together, whatever they are called', async () => {
		const { page, complaints } = await open();
		const text = JSON.stringify(account(20));
		await drop(page, [
			{ name: 'a.json', text },
			{ name: 'a.json', text: JSON.stringify(account(30, 2)) },
			{ name: '--output', text },
		]);
		await page.waitForSelector('.roles tbody tr');
		assert.match(
			(await page.locator('.summary').textContent()) ?? '',
			/of 70 roles .*a\.json, a\.json \(2\), \.\/--output/,
		);
		assert.deepEqual(complaints, []);
	});

	test('what cannot be looked at is refused, and says why', async () => {
		const { page, complaints } = await open();
		const message = page.locator('.message.bad');
		for (const [files, expected] of /** @type {[{ name: string, text?: string, bytes?: number }[], RegExp][]} */ ([
			[[{ name: 'big.json', bytes: (64 << 20) + 1 }], /big\.json has 65 MiB, and 64 MiB is the most/],
			[[{ name: 'photo.jpg', bytes: 100 }], /photo\.jpg is not text in UTF-8/],
			[[{ name: 'notes.txt', text: 'hello' }], /notes\.txt has no trust policy/],
		])) {
			await drop(page, files);
			await message.filter({ hasText: expected }).waitFor();
		}
		await page.getByText('Or paste it').click();
		await page.getByRole('button', { name: 'Look at this text' }).click();
		await message.filter({ hasText: 'The field is empty' }).waitFor();
		assert.deepEqual(complaints, []);
	});

	test('names from the file are text, and nothing else', async () => {
		const { page, complaints } = await open();
		const evil = '<img src=x onerror=alert(1)>';
		const wide = account(12, 3);
		for (const one of wide.RoleDetailList) one.RoleName = evil;
		await page.getByText('Or paste it').click();
		await page.getByLabel('Text').fill(JSON.stringify(wide));
		await page.getByRole('button', { name: 'Look at this text' }).click();
		await page.waitForSelector('.roles tbody tr');
		assert.match((await page.locator('.roles tbody th').first().textContent()) ?? '', /^<img src=x/);
		assert.equal(await page.locator('img').count(), 0);
		assert.deepEqual(complaints, []);
	});

	test('a role is explained in the first view', async () => {
		const { page } = await openExample();
		await page
			.getByRole('button', { name: /^Explain / })
			.first()
			.click();
		await page.waitForURL(/#explain$/);
		await page.getByRole('heading', { level: 1, name: 'Not authorized' }).waitFor();
		assert.match(await page.locator('input[name=role-arn]').inputValue(), /^arn:aws:iam::123456789012:role\//);
	});

	test('all that the filter shows is printed', async () => {
		const { page, complaints } = await open();
		await drop(page, [{ name: 'account.json', text: JSON.stringify(account(300)) }]);
		await page.waitForSelector('.roles tbody tr');
		assert.equal(await page.locator('.roles tbody tr').count(), 100);
		await page.evaluate(() => {
			window.addEventListener('beforeprint', () => {
				/** @type {any} */ (globalThis).printed = document.querySelectorAll('.roles tbody tr').length;
			});
		});
		await page.pdf();
		const printed = await page.evaluate(() => /** @type {any} */ (globalThis).printed);
		assert.match((await count(page)) ?? '', new RegExp(`^${printed} of `));
		assert.ok(printed > 100);
		assert.equal(await page.locator('.roles tbody tr').count(), 100);
		await page.emulateMedia({ media: 'print' });
		assert.equal(
			await page.getByRole('button').filter({ visible: true }).count(),
			await page.locator('.node, .sort').count(),
		);
		assert.ok(await page.getByText(/looked at on \d{4}-\d\d-\d\d/).isVisible());
		assert.deepEqual(complaints, []);
	});

	for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
		for (const width of [1280, 360]) {
			test(`axe-core has nothing against it: ${colorScheme}, ${width} px`, async () => {
				const { page } = await open({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
				assert.deepEqual(await violations(page), []);
				await page.getByRole('button', { name: 'Try an example' }).click();
				await page.waitForSelector('.roles tbody tr');
				await page.getByText('The same as a list').click();
				await page.locator('.node').nth(4).press('Enter');
				assert.deepEqual(await violations(page), []);
				assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
			});
		}
	}
});
