// The first view, in a real browser: what it shows is what the commands say, and what is pasted stays.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import { visible } from '../../site/src/dom.js';
import { contents, follow, missing, startPage } from './support/page.js';

const CASES = new URL('../policies/explain/', import.meta.url);
const CLI = fileURLToPath(new URL('../../js/cli.js', import.meta.url));

/** @param {string} name @param {string} file */
const read = (name, file) => {
	const path = new URL(`${name}/${file}`, CASES);
	return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : undefined;
};
/** @param {unknown} value */
const segment = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A link as the core makes it, which compresses nothing: one stored block (RFC 1951, section 3.2.4). @param {unknown} value */
function stored(value) {
	const text = Buffer.from(JSON.stringify(value));
	const head = Buffer.from([1, text.length & 255, text.length >> 8, ~text.length & 255, (~text.length >> 8) & 255]);
	return Buffer.concat([head, text]).toString('base64url');
}

const CLAIMS = {
	iss: 'https://token.actions.githubusercontent.com',
	aud: 'sts.amazonaws.com',
	sub: 'repo:octo/api:environment:prod',
	repository: 'octo/api',
	jti: 'the-id-of-one-token-0123456789',
};
const SIGNATURE = Buffer.from('a signature that AWS would accept, as long as it looks like one').toString('base64url');
const TOKEN = `${segment({ typ: 'JWT', alg: 'RS256', kid: 'k' })}.${segment(CLAIMS)}.${SIGNATURE}`;

describe('the page explains', { skip: missing }, () => {
	/** @type {Awaited<ReturnType<typeof startPage>>} */
	let site;
	before(async () => {
		site = await startPage();
	});
	afterEach(() => site.closePages());
	after(() => site.stop());

	it('draws each gate in its order, the part that differs, and applies the fix', async () => {
		const { page, complaints } = await site.open('/#why=github-subject-context');
		await page.getByText('Denied:').waitFor();
		const drawn = await page.locator('.gates > .gate .gate-name').allTextContents();
		assert.deepEqual(drawn, [
			"the token's form",
			'the identity provider',
			'the signature',
			"the token's times",
			"the provider's client ids",
			"the token's roles claim",
			"the role's existence",
			'the trust policy',
			'resource control policies',
			'session length, policies and size',
		]);
		const failed = page.locator('.leaf.bad');
		assert.equal(await failed.count(), 1);
		assert.deepEqual(await failed.locator('mark').allTextContents(), ['ref:refs/heads/main', 'environment:prod']);
		assert.equal(await failed.locator('.segments').textContent(), 'environment');
		const painted = await page.locator('.cm-content .seen.bad').allTextContents();
		assert.equal(painted.join(''), '"token.actions.githubusercontent.com:sub": "repo:octo/api:ref:refs/heads/main"');
		assert.match((await page.locator('aside').textContent()) ?? '', /The job's subject speaks of an environment/);

		await page.getByRole('button', { name: 'Apply to the policy' }).click();
		await page.getByText('Allowed:').waitFor();
		assert.match(
			(await page.getByLabel('Trust policy', { exact: true }).textContent()) ?? '',
			/repo:octo\/api:environment:prod/,
		);
		assert.equal(await page.locator('.gate.bad').count(), 0);
		// As any change of the text: it can be taken back.
		await page.getByLabel('Trust policy', { exact: true }).focus();
		await page.keyboard.press('Control+z');
		await page.getByText('Denied:').waitFor();
		assert.deepEqual(complaints, []);
	});

	it('shows every case of the corpus as the command line decides it', async () => {
		const { page, complaints } = await site.open();
		for (const { name, shown, said } of await Promise.all(fs.readdirSync(CASES).map(asked))) {
			await show(page, shown);
			const drawn = await page.evaluate(() => ({
				headline: document.querySelector('.headline')?.lastChild?.textContent,
				cause: document.querySelector('.verdict a[href^="docs/causes/"]')?.getAttribute('href'),
				gates: [...document.querySelectorAll('.gates > .gate')].map((gate) => gate.className.replace('gate ', '')),
				why: document.querySelector('.verdict .message')?.textContent ?? '',
			}));
			const looks = { passed: 'good', failed: 'bad', 'not-seen': 'open', 'not-reached': 'off' };
			const gates = said.gates.map((/** @type {{ seen: keyof typeof looks }} */ { seen }) => looks[seen]);
			const { headline, cause } = said;
			assert.deepEqual(
				{ ...drawn, why: said.why.every((/** @type {string} */ words) => drawn.why.includes(visible(words))) },
				{ headline, cause: `docs/causes/${cause}.html`, gates, why: true },
				name,
			);
		}
		assert.deepEqual(complaints, []);
	});

	it('lists what the linter of the command line finds in every policy of the corpus', async () => {
		const { page, complaints } = await site.open();
		const folder = new URL('../policies/wrong/', import.meta.url);
		const files = fs.readdirSync(folder).filter((name) => name.endsWith('.json'));
		const { stdout } = await command(['policy', 'lint', fileURLToPath(folder), '--format', 'json']);
		/** @type {{ file: string, id: string, line: number }[]} */
		const all = JSON.parse(stdout).findings;
		for (const file of files) {
			const expected = all.filter((finding) => finding.file.endsWith(`/${file}`));
			await show(page, { policy: fs.readFileSync(new URL(file, folder), 'utf8') });
			const drawn = await page
				.locator('.finding')
				.evaluateAll((items) =>
					items.map((item) => [
						item.querySelector('a')?.textContent?.slice(0, 5),
						item.querySelector('button')?.textContent,
					]),
				);
			assert.deepEqual(
				drawn,
				expected.map(({ id, line }) => [id, `Show line ${line}`]),
				file,
			);
		}
		assert.deepEqual(complaints, []);
	});

	it('shows what a finding lets in, and mends it', async () => {
		const { page } = await site.open('/#rule=TP002');
		await page
			.getByRole('button', { name: /^Show what it lets in/ })
			.first()
			.click();
		await page.getByText('Allowed:').waitFor();
		assert.match((await page.getByLabel('Claims of the token').textContent()) ?? '', /app:ffffffffffffffff/);
		assert.equal((await page.locator('.cm-content .cm-lintRange-error').count()) > 0, true);

		await follow(page, '#rule=TP010');
		await page.getByRole('link', { name: /^TP010/ }).waitFor();
		await page.getByRole('button', { name: 'Apply the fix' }).first().click();
		await page.getByRole('link', { name: /^TP010/ }).waitFor({ state: 'detached' });
	});

	it('takes a pasted token apart, and keeps nothing that AWS would accept', async () => {
		const { page, context, requests, complaints } = await site.open('/#explain');
		await page.getByRole('heading', { name: "The token's claims" }).waitFor();
		/** @param {string} label @param {string} text */
		const paste = (label, text) =>
			page.getByLabel(label, { exact: true }).evaluate((element, pasted) => {
				const clipboardData = new DataTransfer();
				clipboardData.setData('text/plain', pasted);
				element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
			}, text);
		const policy = read('github-environment', 'policy.json') ?? '';
		for (const into of [
			() => paste('Claims of the token', TOKEN),
			() => paste('Claims of the token', `Authorization: Bearer ${TOKEN}\n`),
			() => paste('Trust policy', TOKEN),
			async () => {
				await page.getByLabel('Claims of the token').focus();
				await page.keyboard.insertText(TOKEN); // as an input method puts it in, without a paste
			},
		]) {
			await show(page, { policy });
			await into();
			await page.getByText('Denied:').waitFor();
			await page.evaluate(() => history.replaceState(undefined, '', '#explain'));
			await page.getByRole('button', { name: 'Copy a link to this' }).click();
			await page.waitForFunction(() => location.hash.startsWith('#s='));
			const link = zlib.inflateRawSync(Buffer.from(new URL(page.url()).hash.slice(3), 'base64url')).toString();
			assert.equal(JSON.parse(link).claims.sub, CLAIMS.sub);
			const kept = await page.evaluate(async () => ({
				url: location.href,
				local: JSON.stringify(localStorage),
				session: JSON.stringify(sessionStorage),
				cookies: document.cookie,
				databases: JSON.stringify(await indexedDB.databases()),
			}));
			const all = await contents(page);
			assert.ok(all.includes(CLAIMS.sub));
			const sent = JSON.stringify(requests);
			for (const secret of [SIGNATURE, CLAIMS.jti, segment(CLAIMS), TOKEN]) {
				assert.equal(`${JSON.stringify(kept)} ${all}`.includes(secret), false, 'the page has a part of the token');
				assert.equal(sent.includes(secret), false, 'a part of the token was sent');
				assert.equal(link.includes(secret), false, 'a link has a part of the token');
			}
			assert.equal(kept.local + kept.session + kept.cookies + kept.databases, '{}{}[]');
		}
		// Undoing all of it does not bring the token back.
		await page.getByLabel('Claims of the token').focus();
		for (let times = 0; times < 12; times += 1) {
			await page.keyboard.press('Control+z');
			assert.equal((await contents(page)).includes(SIGNATURE), false);
		}
		const state = await context.storageState({ indexedDB: true });
		assert.deepEqual([state.cookies, state.origins], [[], []]);
		assert.deepEqual(complaints, []);
	});

	it('opens links of its own and those of a job, and says when one is not whole', async () => {
		const { page, complaints } = await site.open('/#explain');
		const policy = read('github-environment', 'policy.json') ?? '';
		const { jti, ...claims } = CLAIMS;
		for (const packed of [
			stored({ name: 'policy.json', policy, roleArn: 'arn:aws:iam::123456789012:role/deploy', claims }),
			zlib.deflateRawSync(JSON.stringify({ policy, claims: CLAIMS })).toString('base64url'),
		]) {
			await follow(page, `#s=${packed}`);
			await page.getByText('Denied:').waitFor();
			assert.equal((await contents(page)).includes(jti), false);
		}
		// A job that does not know its policy: the claims are there, and the policy is asked for.
		await follow(page, `#s=${stored({ name: '', policy: '', roleArn: '', claims })}`);
		await page.getByText('Both sides are needed').waitFor();
		assert.match((await page.getByLabel('Claims of the token').textContent()) ?? '', /octo\/api/);

		for (const broken of [
			'#s=',
			'#s=%%%',
			`#s=${stored({}).slice(0, -3)}`,
			`#s=${Buffer.from('[[[').toString('base64url')}`,
		]) {
			await page.evaluate((hash) => {
				location.hash = hash;
			}, broken);
			await page.getByText('The link is not whole').waitFor();
			await follow(page, `#s=${stored({ policy, claims })}`);
		}
		await page.evaluate(() => {
			location.hash = '#why=<img src=x onerror=alert(1)>';
		});
		await page.getByText('knows nothing of').waitFor();
		assert.deepEqual(complaints, []);
	});

	it('explains the cause that a link names', async () => {
		const { page, complaints } = await site.open('/#explain');
		const pages = fs.readdirSync(new URL('../../docs/causes/', import.meta.url));
		const causes = pages.filter((name) => name !== 'README.md').map((name) => name.replace('.md', ''));
		assert.ok(causes.length > 30);
		for (const cause of causes) {
			await follow(page, `#why=${cause}`);
			await page.locator('aside').getByText(cause, { exact: true }).waitFor();
			const said = await page.locator('.verdict a[href^="docs/causes/"]').getAttribute('href');
			assert.equal(said, `docs/causes/${cause}.html`);
		}
		assert.deepEqual(complaints, []);
	});

	it('takes the claims of a job that is described', async () => {
		const { page, complaints } = await site.open('/#explain');
		await page.getByText('Or describe the job').click();
		await page.locator('select[name=ci]').selectOption('gitlab');
		await page.locator('select[name=level]').selectOption('tag');
		await page.getByRole('button', { name: 'Use the claims of such a job' }).click();
		await page.getByLabel('Claims of the token').getByText('ref_type:tag').waitFor();
		await page.getByLabel('Account ID').fill('12');
		await page.getByRole('button', { name: 'Use the claims of such a job' }).click();
		await page.getByText('error[option-invalid]').waitFor();
		assert.deepEqual(complaints, []);
	});

	it('says what is wrong with what it is given', async () => {
		const { page } = await site.open('/#explain');
		await show(page, { policy: '{"Version": ', claims: CLAIMS });
		await page.locator('.verdict .message.bad').waitFor();
		await show(page, { policy: read('github-environment', 'policy.json'), claims: CLAIMS, at: 'yesterday' });
		await page.getByText('`--at` is not a time as RFC 3339 writes it').waitFor();
	});

	it('says so when its worker or its module cannot be had', async () => {
		for (const [file, words] of /** @type {const} */ ([
			['worker.js', 'The page has failed: the worker could not be started'],
			['policy.wasm', 'The page has failed: Error: policy.wasm: 404'],
		])) {
			const { page } = await site.open('/docs/docs.css');
			await page.route(`**/${file}`, (route) => route.fulfill({ status: 404 }));
			await page.goto(`${site.origin}/#why=github-subject-context`);
			await page.getByText(words).waitFor();
			assert.equal(await page.locator('.message.bad').count(), 1, file);
		}
	});

	it('shows hostile text as text', async () => {
		const { page, complaints } = await site.open('/#explain');
		const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>\u202e\u0000';
		const policy = (read('github-environment', 'policy.json') ?? '').replace(
			'refs/heads/main',
			JSON.stringify(hostile).slice(1, -1),
		);
		await show(page, { policy, claims: { ...CLAIMS, sub: `repo:octo/api:environment:${hostile}` } });
		await page.getByText('Denied:').waitFor();
		assert.equal(await page.locator('main img[src], main script').count(), 0);
		assert.doesNotMatch((await page.locator('.verdict').textContent()) ?? '', /[\u0000\u202e]/);
		assert.match(await page.title(), /Why AWS says no/);
		assert.deepEqual(complaints, []);
	});
});

/**
 * @param {import('../../site/node_modules/playwright-core/index.js').Page} page
 * @param {{ policy?: string | undefined, claims?: unknown, roleArn?: string, request?: string, denied?: boolean, at?: string, clientIds?: string }} shown
 */
async function show(page, shown) {
	await page.evaluate(() => history.replaceState(undefined, '', '#explain'));
	await follow(page, `#s=${zlib.deflateRawSync(JSON.stringify(shown)).toString('base64url')}`);
}

/**
 * A case of the corpus, and what the command line says of it.
 * @param {string} name
 */
async function asked(name) {
	const options = JSON.parse(read(name, 'options.json') ?? '{}');
	const claims = JSON.parse(read(name, 'claims.json') ?? '{}');
	const shown = {
		policy: read(name, 'policy.json'),
		claims,
		roleArn: options.roleArn,
		at: options.now,
		clientIds: options.clientIds?.join('\n'),
		denied: options.reachedPolicy,
	};
	const folder = fileURLToPath(new URL(`${name}/`, CASES));
	const args = [
		'policy',
		'explain',
		'--policy',
		`${folder}policy.json`,
		'--claims',
		`${folder}claims.json`,
		'--format',
		'json',
	];
	if (options.roleArn) args.push('--role-arn', options.roleArn);
	if (options.now) args.push('--at', options.now);
	for (const id of options.clientIds ?? []) args.push('--client-id', id);
	if (options.reachedPolicy) args.push('--denied');
	const { stdout } = await command(args);
	return { name, shown, said: JSON.parse(stdout) };
}

/** @param {string[]} args @returns {Promise<{ stdout: string, stderr: string }>} */
function command(args) {
	return new Promise((resolve) => {
		// An exit code of 1 says no, and is an answer.
		execFile(process.execPath, [CLI, ...args], { maxBuffer: 1 << 26 }, (_error, stdout, stderr) =>
			resolve({ stdout, stderr }),
		);
	});
}
