// Measures what the page takes in Chromium, served as `playground` serves it: the first verdict on a machine four times
// slower than this one, the linter as one types, an audit of an account, and what is downloaded.

import fs from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import zlib from 'node:zlib';
import { follow, startPage } from '../tests/site/support/page.js';
import { account } from './account.js';
import { report } from './figures.js';
import { claimsOf, policy } from './policies.js';

const USAGE = `\
node bench/page.js [option]...

  --rounds N   how often each is repeated (7)
  --write      put the table into docs/performance.md`;

const DIST = fileURLToPath(new URL('../site/dist/', import.meta.url));
const SLOWER = 4;
/** What a page that is closed still does is not to be measured, in milliseconds. */
const PAUSE = 1000;
const ROLES = 10_000;
const TYPED = 40;
const BYTES = 2048;

const { values: options } = parseArgs({
	options: {
		rounds: { type: 'string', default: '7' },
		write: { type: 'boolean', default: false },
		help: { type: 'boolean', default: false },
	},
});
if (options.help) console.log(USAGE);
else await main();

async function main() {
	const site = await startPage();
	const rounds = Array.from({ length: Number(options.rounds) });
	const verdicts = [];
	for (const _ of rounds) verdicts.push(await firstVerdict(site));
	const typed = await typing(site);
	const audits = [];
	const temp = fs.mkdtempSync(`${fs.realpathSync(os.tmpdir())}/ci-assume-role-bench-`);
	process.on('exit', () => fs.rmSync(temp, { recursive: true, force: true }));
	fs.writeFileSync(`${temp}/account.json`, account(ROLES));
	for (const _ of rounds.slice(0, 3)) audits.push(await audit(site, `${temp}/account.json`));
	/** @type {import('./figures.js').Row[]} */
	const rows = [
		{
			what: `First verdict after a cold load, CPU throttled ${SLOWER} times`,
			atMost: 1,
			unit: ' s',
			value: median(verdicts.map(({ there }) => there)) / 1000,
			digits: 2,
		},
		{
			what: 'The same, until the frame after it was drawn',
			unit: ' s',
			value: median(verdicts.map(({ seen }) => seen)) / 1000,
			digits: 2,
		},
		{ what: 'Policy of 2 KB linted as one types, in the worker and back', atMost: 8, unit: ' ms', value: typed.lint },
		{ what: 'The same, from the key to the verdict that is drawn', unit: ' ms', value: typed.drawn },
		{
			what: `An account of ${ROLES} roles audited, from the file to the table`,
			atMost: 3,
			unit: ' s',
			value: median(audits.map(({ time }) => time)) / 1000,
			digits: 2,
		},
		{
			what: 'The longest that the page did not answer during that',
			unit: ' ms',
			value: median(audits.map(({ longest }) => longest)),
			digits: 0,
		},
		{ what: 'The page without its documentation, by Brotli', atMost: 700, unit: ' kB', value: bytes('.br') / 1000 },
		{ what: 'The same by gzip', unit: ' kB', value: bytes('.gz') / 1000 },
	];
	const version = site.browser.version();
	await site.stop();
	report({ command: 'page', by: `Chromium ${version}`, rows, write: options.write });
}

/** @param {Awaited<ReturnType<typeof startPage>>} site */
async function firstVerdict(site) {
	const { page, context } = await site.open('/docs/docs.css');
	const devtools = await context.newCDPSession(page);
	await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
	await page.addInitScript(() => {
		const verdict = new Promise((resolve) => {
			new MutationObserver((_, observer) => {
				if (!document.querySelector('.headline')) return;
				observer.disconnect();
				const there = performance.now();
				requestAnimationFrame(() => setTimeout(() => resolve({ there, seen: performance.now() })));
			}).observe(document, { childList: true, subtree: true });
		});
		Object.assign(globalThis, { verdict });
	});
	await page.goto(`${site.origin}/#why=github-subject-context`);
	// Asked once: a question in each frame would take its share of the time.
	const value = await page.evaluate(
		() => /** @type {Promise<{ there: number, seen: number }>} */ (/** @type {any} */ (globalThis).verdict),
	);
	await site.closePages(); // the throttle takes its time from everybody
	await new Promise((resolve) => setTimeout(resolve, PAUSE));
	return value;
}

/** @param {Awaited<ReturnType<typeof startPage>>} site */
async function typing(site) {
	const { page } = await site.open('/#explain');
	const text = large();
	const shown = zlib.deflateRawSync(JSON.stringify({ policy: text, claims: claimsOf(1) })).toString('base64url');
	await follow(page, `#s=${shown}`);
	await page.getByText('Allowed:').waitFor();
	const lint = await page.evaluate(
		async ([text, times]) => {
			const scripts = /** @type {any} */ (globalThis).trustedTypes.createPolicy('bench', {
				createScriptURL: (/** @type {string} */ url) => url,
			});
			const worker = new Worker(scripts.createScriptURL('worker.js'));
			/** @type {number[]} */
			const took = [];
			for (let id = 0; id < Number(times); id += 1) {
				const began = performance.now();
				await new Promise((resolve) => {
					worker.onmessage = resolve;
					const files = { policy: `${text}${' '.repeat(id)}` };
					worker.postMessage({ id, args: ['policy', 'lint', 'policy', '--format', 'json'], files, progress: false });
				});
				took.push(performance.now() - began);
			}
			return took;
		},
		/** @type {const} */ ([text, TYPED]),
	);
	const drawn = [];
	await page.getByLabel('Trust policy', { exact: true }).press('Control+End');
	for (let at = 0; at < TYPED; at += 1) {
		await page.evaluate(() => {
			addEventListener('keydown', () => Object.assign(globalThis, { began: performance.now() }), {
				capture: true,
				once: true,
			});
			Object.assign(globalThis, {
				took: new Promise((resolve) => {
					document.addEventListener(
						'answered',
						() => requestAnimationFrame(() => resolve(performance.now() - /** @type {any} */ (globalThis).began)),
						{ once: true },
					);
				}),
			});
		});
		await page.keyboard.press('Space');
		drawn.push(await page.evaluate(() => /** @type {Promise<number>} */ (/** @type {any} */ (globalThis).took)));
	}
	await site.closePages();
	return { lint: median(lint), drawn: median(drawn) };
}

/** A policy of 2 KB, which lists many repositories. */
function large() {
	const whole = policy(1);
	const [statement] = whole.Statement;
	const key = 'token.actions.githubusercontent.com:sub';
	const subjects = /** @type {string[]} */ ([statement?.Condition.StringLike[key]].flat());
	for (let at = 2; JSON.stringify(whole, undefined, 2).length < BYTES; at += 1) {
		subjects.push(`repo:acme/app-${at}:ref:refs/heads/main`);
		Object.assign(statement?.Condition.StringLike ?? {}, { [key]: subjects });
	}
	return JSON.stringify(whole, undefined, 2);
}

/**
 * @param {Awaited<ReturnType<typeof startPage>>} site
 * @param {string} dump
 */
async function audit(site, dump) {
	const { page } = await site.open('/#audit');
	await page.getByRole('heading', { level: 1 }).waitFor();
	await page.evaluate(() => {
		Object.assign(globalThis, { longest: 0 });
		new PerformanceObserver((list) => {
			for (const { duration } of list.getEntries()) {
				/** @type {any} */ (globalThis).longest = Math.max(/** @type {any} */ (globalThis).longest, duration);
			}
		}).observe({ type: 'longtask' });
	});
	await page.evaluate(() => {
		document.addEventListener('change', () => Object.assign(globalThis, { began: performance.now() }), {
			capture: true,
			once: true,
		});
		new MutationObserver((_, observer) => {
			if (!document.querySelector('main table tbody tr')) return;
			observer.disconnect();
			Object.assign(globalThis, { ended: performance.now() });
		}).observe(document.body, { childList: true, subtree: true });
	});
	await page.locator('input[type=file]').setInputFiles(dump);
	await page.waitForFunction(() => /** @type {any} */ (globalThis).ended, undefined, { timeout: 60_000 });
	const measured = await page.evaluate(() => {
		const { began, ended, longest } = /** @type {any} */ (globalThis);
		return { time: ended - began, longest };
	});
	await site.closePages();
	return measured;
}

/** Of what the page loads, which is all but the documentation. @param {string} ending */
function bytes(ending) {
	const names = fs.readdirSync(DIST).filter((name) => name.endsWith(ending));
	return names.reduce((sum, name) => sum + fs.statSync(DIST + name).size, 0);
}

/** @param {number[]} values */
function median(values) {
	return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
