#!/usr/bin/env node
// Pictures of the main states, for the README and the page about the page: `node tests/site/screenshots.js`, after
// `npm run site`. They differ from machine to machine by their fonts, so no test compares them: look at them.

import { fileURLToPath } from 'node:url';
import { follow, startPage } from './support/page.js';

const FOLDER = new URL('../../docs/images/', import.meta.url);

/** @type {{ name: string, hash: string, text: string, options?: object }[]} */
const STATES = [
	{ name: 'page-explain', hash: '#why=github-subject-context', text: 'Denied:' },
	{ name: 'page-explain-dark', hash: '#why=value-differs', text: 'Denied:', options: { colorScheme: 'dark' } },
	{
		name: 'page-narrow',
		hash: '#why=github-subject-context',
		text: 'Denied:',
		options: { viewport: { width: 360, height: 740 } },
	},
	{ name: 'page-generate', hash: '#generate=github-environment', text: 'The proof' },
	{ name: 'page-audit', hash: '#audit', text: 'Audit' },
];

const site = await startPage();
for (const { name, hash, text, options } of STATES) {
	const { page } = await site.open('/#explain', { viewport: { width: 1280, height: 1960 }, ...options });
	if (hash.startsWith('#why')) await follow(page, hash);
	else
		await page.evaluate((to) => {
			location.hash = to;
		}, hash);
	await page.getByText(text).first().waitFor();
	if (hash === '#audit') {
		await page.getByRole('button', { name: /example/i }).click();
		await page.locator('table tbody tr').first().waitFor();
	}
	await page.evaluate(() => window.scrollTo(0, 0));
	await page.screenshot({ path: fileURLToPath(new URL(`${name}.png`, FOLDER)), fullPage: name === 'page-narrow' });
}
await site.stop();
