// What the page may not do, and for whom it has to work: nothing leaves it, it needs no network after the first load,
// and whoever does without a mouse, without colours or with a narrow window has all of it.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import { follow, missing, startPage, violations } from './support/page.js';

const DIST = new URL('../../site/dist/', import.meta.url);
/** The main states, each with what shows that it is there. @type {[hash: string, text: string][]} */
const STATES = [
	['#explain', 'Both sides are needed'],
	['#why=github-subject-context', 'Denied:'],
	['#why=depends-on-the-call', 'Unknown:'],
	['#why=deny-statement', 'Denied:'],
	['#example=github-environment', 'Allowed:'],
	['#rule=TP002', 'critical'],
	['#generate=github-environment', 'The proof'],
	['#examples', 'What AWS refuses, by cause'],
	['#audit', 'Audit'],
];

describe('the page', { skip: missing }, () => {
	/** @type {Awaited<ReturnType<typeof startPage>>} */
	let site;
	before(async () => {
		site = await startPage();
	});
	afterEach(() => site.closePages());
	after(() => site.stop());

	it('can reach nothing but its own files, whatever runs in it', async () => {
		const directives = ['connect-src', 'form-action', 'frame-src', 'img-src', 'require-trusted-types-for'];
		const { page, requests } = await site.open('/#why=github-subject-context');
		await page.getByText('Denied:').waitFor();
		const own = requests.length;
		const blocked = await page.evaluate(async (directives) => {
			/** @type {string[]} */
			const violated = [];
			document.addEventListener('securitypolicyviolation', (event) => violated.push(event.effectiveDirective));
			/** @param {() => unknown} act */
			const threw = async (act) => {
				try {
					await act();
					return false;
				} catch {
					return true;
				}
			};
			const thrown = [
				await threw(() => fetch('https://example.com/')),
				await threw(() => fetch('http://127.0.0.1:1/')),
				await threw(() => {
					document.body.innerHTML += '<p>';
				}),
				await threw(() => new Worker('https://example.com/worker.js')),
			];
			navigator.sendBeacon('https://example.com/', 'x');
			const image = new Image();
			image.src = 'https://example.com/x.png';
			const form = document.createElement('form');
			form.action = 'https://example.com/';
			document.body.append(form);
			form.submit();
			const frame = document.createElement('iframe');
			frame.src = 'https://example.com/';
			document.body.append(frame);
			const until = performance.now() + 20_000; // a form is sent when the browser comes to it
			while (!directives.every((one) => violated.includes(one)) && performance.now() < until) {
				await new Promise((resolve) => setTimeout(resolve, 50));
			}
			await new Promise((resolve) => setTimeout(resolve, 300));
			return { thrown, violated: [...new Set(violated)].sort() };
		}, directives);
		assert.deepEqual(blocked.thrown, [true, true, true, true]);
		for (const directive of directives) {
			assert.ok(blocked.violated.includes(directive), `${directive} in ${blocked.violated}`);
		}
		for (const { url, fault } of requests.slice(own)) {
			if (!url.startsWith(site.origin)) assert.equal(fault(), 'csp', url);
		}
		// The worker has the policy of its own answer.
		const worker = page.workers()[0];
		assert.ok(worker);
		const reached = await worker.evaluate(() =>
			fetch('https://example.com/').then(
				() => 'reached',
				() => 'refused',
			),
		);
		assert.equal(reached, 'refused');
	});

	it('asks for its own files alone in every state, and has nothing to complain of', async () => {
		const { page, complaints, requests } = await site.open('/#explain');
		for (const [hash, text] of STATES) {
			await page.evaluate((to) => {
				location.hash = to;
			}, hash);
			await page.getByText(text, { exact: false }).first().waitFor();
		}
		assert.deepEqual(complaints, []);
		assert.ok(requests.every(({ url, body }) => url.startsWith(site.origin) && body === null));
		// What stands behind the # is in no request.
		assert.ok(requests.every(({ url }) => !url.includes('why')));
	});

	it('works without a network after the first load', async () => {
		const { page, context, complaints } = await site.open('/#explain', { serviceWorkers: 'allow' });
		await page.evaluate(async () => {
			await navigator.serviceWorker.ready;
		});
		await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
		// The documentation comes after the page.
		const files = fs.readdirSync(DIST, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
		const kept = files.filter(({ name }) => !/\.(br|gz)$|^offline\.js$/.test(name)).length + 1; // and the folder itself
		await page.evaluate(async (count) => {
			for (let there = 0; there < count; ) {
				await new Promise((resolve) => setTimeout(resolve, 50));
				const [name = ''] = await caches.keys();
				there = (await (await caches.open(name)).keys()).length;
			}
		}, kept);
		await context.setOffline(true);
		await page.goto(`${site.origin}/#why=github-subject-context`);
		await page.reload();
		await page.getByText('Denied:').waitFor();
		await page.goto(`${site.origin}/docs/policy.html`);
		await page.getByRole('heading', { level: 1 }).waitFor();
		assert.deepEqual(complaints, []);
	});

	for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
		it(`has no barrier that axe knows of, ${colorScheme}`, async () => {
			const { page } = await site.open('/#explain', { colorScheme, bypassCSP: true });
			for (const [hash, text] of STATES) {
				await page.evaluate((to) => {
					location.hash = to;
				}, hash);
				await page.getByText(text, { exact: false }).first().waitFor();
				await page.evaluate(() => {
					for (const details of document.querySelectorAll('main details')) details.setAttribute('open', '');
				});
				assert.deepEqual(await violations(page), [], hash);
			}
		});
	}

	it('loses nothing at 360 px, nor at 200 %', async () => {
		for (const viewport of [
			{ width: 360, height: 740 },
			{ width: 640, height: 400 }, // 1280 by 800 at 200 %
		]) {
			const { page } = await site.open('/#explain', { viewport, bypassCSP: true });
			for (const [hash, text] of STATES) {
				await page.evaluate((to) => {
					location.hash = to;
				}, hash);
				await page.getByText(text, { exact: false }).first().waitFor();
				const wider = await page.evaluate(() => {
					const room = document.documentElement.clientWidth;
					/** @param {Element} element */
					const scrolls = (element) => element.closest('.wide, pre, .cm-scroller, [tabindex="0"]') !== null;
					const out = [...document.querySelectorAll('body *')].filter((element) => {
						const { right, width } = element.getBoundingClientRect();
						return width > 0 && right > room + 1 && !scrolls(element) && !element.closest('.visually-hidden, .skip');
					});
					return {
						page: document.documentElement.scrollWidth - room,
						out: out.map((element) => element.outerHTML.slice(0, 120)),
					};
				});
				assert.deepEqual(wider, { page: 0, out: [] }, `${hash} at ${viewport.width}`);
				assert.deepEqual(await violations(page), [], `${hash} at ${viewport.width}`);
			}
		}
	});

	it('can be worked by the keyboard alone', async () => {
		const { page } = await site.open('/#why=github-subject-context');
		await page.getByText('Denied:').waitFor();
		await page.locator('body').press('Tab');
		assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the content');
		/** @type {string[]} */
		const met = [];
		const wanted = ['Claims of the token', 'Trust policy', 'Copy a link to this', 'Apply to the policy'];
		for (let times = 0; times < 80 && met.length < wanted.length; times += 1) {
			await page.keyboard.press('Tab');
			const name = await page.evaluate(() => {
				const active = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement;
				return active?.getAttribute('aria-label') ?? active?.textContent ?? '';
			});
			if (name === wanted[met.length]) met.push(name);
		}
		assert.deepEqual(met, wanted);
		await page.keyboard.press('Enter');
		await page.getByText('Allowed:').waitFor();

		await follow(page, '#why=audience-differs');
		await page.evaluate(() => {
			location.hash = '#generate=github-branch';
		});
		await page.getByRole('tab', { name: 'Policy' }).focus();
		await page.keyboard.press('ArrowRight');
		await page.keyboard.press('ArrowRight');
		assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Terraform');
		assert.match((await page.getByRole('tabpanel').textContent()) ?? '', /aws_iam_role/);
		await page.keyboard.press('End');
		assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Pipeline');
	});
});
