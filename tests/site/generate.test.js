// The second view: what it shows is what `policy generate` writes, with its proof.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import { missing, startPage } from './support/page.js';

const GENERATED = new URL('../policies/generated/', import.meta.url);

/** @param {string} id @param {string} file */
const read = (id, file) => fs.readFileSync(new URL(`${id}/${file}`, GENERATED), 'utf8').trimEnd();

describe('the page generates', { skip: missing }, () => {
	/** @type {Awaited<ReturnType<typeof startPage>>} */
	let site;
	before(async () => {
		site = await startPage();
	});
	afterEach(() => site.closePages());
	after(() => site.stop());

	it('what is generated for every level of every CI, in every language', async () => {
		const { page, complaints } = await site.open('/#examples');
		const links = page.locator('a[href^="#generate="]');
		await links.first().waitFor();
		const ids = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')?.split('=')[1] ?? ''));
		assert.ok(ids.length >= 28, `${ids.length}`);
		for (const id of ids) {
			await page.evaluate((hash) => {
				document.querySelector('.result')?.replaceChildren();
				location.hash = hash;
			}, `#generate=${id}`);
			await page.getByRole('tab', { name: 'Policy' }).waitFor();
			const names = await page.getByRole('tab').evaluateAll((tabs) =>
				tabs.map((tab) => {
					/** @type {HTMLElement} */ (tab).click();
					const panel = document.getElementById('artefact');
					return [panel?.querySelector('code')?.textContent, panel?.querySelector('pre')?.textContent?.trimEnd()];
				}),
			);
			assert.equal(names.length, 9);
			for (const [name, text] of names) assert.equal(text, read(id, `${name}`), `${id}/${name}`);
			assert.match((await page.getByLabel('Summary').textContent()) ?? '', /other tokens? stays? out/, id);
			const refused = await page.locator('.result td .badge').allTextContents();
			assert.ok(refused.length > 5 && refused.every((word) => word === 'refused'), id);
		}
		assert.deepEqual(complaints, []);
	});

	it('from a token, which it takes apart', async () => {
		const { page, complaints } = await site.open('/#generate');
		const claims = read('token-of-buildkite-with-tags', 'wanted.json');
		const payload = Buffer.from(JSON.stringify({ ...JSON.parse(claims).claims, jti: 'one-token' })).toString(
			'base64url',
		);
		await page.getByText('Or from the claims of a token').click();
		const field = page.getByLabel(/^Claims, or a token/);
		await field.focus();
		await page.keyboard.insertText(`eyJhbGciOiJSUzI1NiJ9.${payload}.c2lnbmF0dXJl`);
		const held = await field.inputValue();
		assert.equal(held.includes('one-token') || held.includes('c2lnbmF0dXJl') || held.includes(payload), false);
		await page.getByRole('button', { name: 'Generate from these claims' }).click();
		await page.getByRole('tab', { name: 'Policy' }).waitFor();
		const policy = JSON.parse((await page.locator('#artefact pre').textContent()) ?? '');
		const expected = JSON.parse(read('token-of-buildkite-with-tags', 'policy.json'));
		assert.deepEqual(policy.Statement[0].Condition, expected.Statement[0].Condition);
		assert.deepEqual(complaints, []);
	});

	it('and explains what it has generated', async () => {
		const { page } = await site.open('/#generate=gitlab-branch');
		await page.getByRole('button', { name: 'Explain this policy' }).click();
		await page.getByText('Allowed:').waitFor();
		assert.match((await page.getByLabel('Trust policy', { exact: true }).textContent()) ?? '', /gitlab\.com:sub/);
	});

	it('says what is missing', async () => {
		const { page } = await site.open('/#generate');
		await page.locator('input[name="--repository"]').fill('');
		await page.getByRole('button', { name: 'Generate', exact: true }).click();
		await page.locator('.result .message.bad').waitFor();
		assert.match((await page.locator('.result').textContent()) ?? '', /error\[option-missing\].*--repository/s);
	});
});
