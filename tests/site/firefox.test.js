// The page in Firefox, by WebDriver BiDi: that it loads, decides, keeps to its policy and takes a token apart there too.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { startPlayground } from '../../js/playground.js';
import { contents } from './support/page.js';

/** Its types need those of packages that it does not bring. @type {any} */
const puppeteer = createRequire(new URL('../../site/package.json', import.meta.url))('puppeteer-core').default;
const FIREFOX = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find((path) => fs.existsSync(path));
const SIGNATURE = 'c2lnbmF0dXJlLXRoYXQtaXMtbm90LW9uZQ';

describe('the page in Firefox', { skip: FIREFOX ? false : 'there is no Firefox on this machine' }, () => {
	it('explains and generates, reaches nothing else, and keeps no token', async () => {
		const { url, stop } = await startPlayground();
		const browser = await puppeteer.launch({
			browser: 'firefox',
			executablePath: FIREFOX ?? '',
			headless: true,
		});
		try {
			const page = await browser.newPage();
			/** @type {string[]} */
			const problems = [];
			page.on('pageerror', (/** @type {Error} */ error) => problems.push(`${error}`));
			page.on('request', (/** @type {{ url(): string }} */ request) => {
				if (!request.url().startsWith(url) && !request.url().startsWith('data:')) problems.push(request.url());
			});
			await page.goto(`${url}#why=github-subject-context`);
			await page.waitForFunction("document.querySelector('.headline')?.textContent.startsWith('Denied')");
			await page.locator('::-p-text(Apply to the policy)').click();
			await page.waitForFunction("document.querySelector('.headline')?.textContent.startsWith('Allowed')");

			const payload = Buffer.from('{"iss":"https://gitlab.com","sub":"a","aud":"b","jti":"an-id-of-a-token"}').toString(
				'base64url',
			);
			// What a script hands over as pasted is empty in Firefox; this is how an input method puts text in.
			await page.locator('>>> [aria-label="Claims of the token"]').click();
			await page.evaluate(
				(/** @type {string} */ token) => document.execCommand('insertText', false, token),
				`eyJhbGciOiJSUzI1NiJ9.${payload}.${SIGNATURE}`,
			);
			await page.waitForFunction("document.querySelector('.headline')?.textContent.startsWith('Denied')");
			const text = await contents(page);
			assert.match(text, /gitlab\.com/);
			assert.equal(text.includes(SIGNATURE) || text.includes('an-id-of-a-token') || text.includes(payload), false);

			await page.goto(`${url}#generate=circleci-project`);
			await page.waitForSelector('[role="tabpanel"] pre');
			assert.deepEqual(problems, []);
			const stopped = await page.evaluate(() =>
				fetch('https://example.com/').then(
					() => 'reached',
					() => 'refused',
				),
			);
			assert.equal(stopped, 'refused');
		} finally {
			await browser.close();
			stop();
		}
	});
});
