// The built page in a real browser, served as `ci-assume-role playground` serves it, with an eye on all that it must
// never do: errors, what its security policy has to stop, and requests to anywhere else.

import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { startPlayground } from '../../../js/playground.js';

/** @typedef {import('../../../site/node_modules/playwright-core/index.js').Page} Page */
/** @typedef {import('../../../site/node_modules/playwright-core/index.js').BrowserContextOptions} ContextOptions */

/** What is installed for the page, which is not what is installed for the project. */
export const required = createRequire(new URL('../../../site/package.json', import.meta.url));

/** Debian's package, and what others call it. */
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
	fs.existsSync(path),
);
/** By itself it would look for updates, and for hosts of its maker. */
const ARGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

/** Why there can be no test in Chromium, or false. */
export const missing = CHROMIUM ? false : 'there is no Chromium on this machine';

/** Chromium. */
export function launch() {
	/** @type {typeof import('../../../site/node_modules/playwright-core/index.js')} */
	const { chromium } = required('playwright-core');
	return chromium.launch({ executablePath: CHROMIUM ?? '', args: ARGS });
}

/** A browser, and the page's server on a port of its own. */
export async function startPage() {
	const { url, stop } = await startPlayground();
	const browser = await launch();
	const { origin } = new URL(url);
	return {
		origin,
		browser,
		/**
		 * Opens a page in a context of its own. What the page keeps for when there is no network is left out, unless
		 * `serviceWorkers` allows it.
		 * @param {string} [path] behind the origin, such as `/#audit`
		 * @param {ContextOptions} [options] with `bypassCSP` for scripts that a test brings along
		 */
		open: async (path = '/', options = {}) => {
			const context = await browser.newContext({
				viewport: { width: 1280, height: 900 },
				serviceWorkers: 'block',
				permissions: ['clipboard-read', 'clipboard-write'],
				...options,
			});
			/** @type {string[]} */
			const complaints = [];
			/** @type {{ url: string, body: string | null, fault: () => string | undefined }[]} */
			const requests = [];
			context.on('request', (request) => {
				requests.push({ url: request.url(), body: request.postData(), fault: () => request.failure()?.errorText });
				if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== origin) {
					complaints.push(`a request to ${request.url()}`);
				}
			});
			const page = await context.newPage();
			page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
			page.on('console', (message) => {
				const isOfTheTest = message.text() === 'Service Worker registration blocked by Playwright';
				if (['error', 'warning'].includes(message.type()) && !isOfTheTest) {
					complaints.push(`${message.type()}: ${message.text()}`);
				}
			});
			await page.exposeFunction('violated', (/** @type {string} */ what) =>
				complaints.push(`security policy: ${what}`),
			);
			await page.addInitScript(watch);
			await page.goto(origin + path);
			return {
				page,
				context,
				complaints,
				requests,
				/** For how long the page did nothing else, in milliseconds. @returns {Promise<{ longest: number, all: number[] }>} */
				blocked: async () => {
					const all = await page.evaluate(() => /** @type {any} */ (globalThis).longTasks.map(Math.round));
					return { longest: Math.max(0, ...all), all };
				},
			};
		},
		closePages: async () => {
			for (const context of browser.contexts()) await context.close();
		},
		stop: async () => {
			await browser.close();
			stop();
		},
	};
}

/** Runs in the page, before all that is the page's. */
function watch() {
	/** @type {any} */
	const page = globalThis;
	document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile }) => {
		page.violated(`${effectiveDirective} ${blockedURI} ${sourceFile}`);
	});
	page.longTasks = [];
	const observer = new PerformanceObserver((list) => {
		for (const { duration } of list.getEntries()) page.longTasks.push(duration);
	});
	observer.observe({ type: 'longtask', buffered: true });
}

/**
 * Opens a fragment in a page that is open already, and waits for its verdict.
 * @param {Page} page
 * @param {string} fragment
 */
export async function follow(page, fragment) {
	await page.evaluate(
		(hash) =>
			new Promise((resolve) => {
				document.addEventListener('answered', resolve, { once: true });
				location.hash = hash;
			}),
		fragment,
	);
}

/**
 * All that the page has: its own text and markup, those of the editors, and what fields hold.
 * @param {Page} page
 * @returns {Promise<string>}
 */
export function contents(page) {
	return page.evaluate(() => {
		const elements = [...document.querySelectorAll('*')];
		const inside = elements.map((element) => element.shadowRoot?.innerHTML ?? '');
		const held = elements.map((element) => /** @type {any} */ (element).value ?? '');
		return [document.documentElement.outerHTML, ...inside, ...held].join('\n');
	});
}

/**
 * What axe-core has against the page as it is. Its context has to have been opened with `bypassCSP`: the page's own
 * policy keeps axe out as well.
 * @param {Page} page
 * @returns {Promise<string[]>}
 */
export async function violations(page) {
	const isThere = await page.evaluate(() => 'axe' in globalThis);
	if (!isThere) await page.evaluate(fs.readFileSync(required.resolve('axe-core/axe.min.js'), 'utf8'));
	return page.evaluate(async () => {
		const { axe } = /** @type {any} */ (globalThis);
		const { violations: found } = await axe.run(document, { resultTypes: ['violations'] });
		return found.map((/** @type {any} */ { id, help, nodes }) => `${id}: ${help}: ${nodes[0].html} (${nodes.length})`);
	});
}
