// The command that serves the page, on a small page of the test's own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { startPlayground } from '../../../js/playground.js';
import { command, ROOT, runProgram } from '../support/child.js';

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";
const PAGE = `<!doctype html><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none';
  script-src 'self' 'wasm-unsafe-eval'">
<title>page</title>`;
const OWN =
	'<!doctype html><meta content="default-src \'self\';" http-equiv="content-security-policy"><title>own</title>';

/** @typedef {import('node:test').TestContext} T */
/** @typedef {{ status: number | undefined, headers: import('node:http').IncomingHttpHeaders, body: Buffer }} Got */

/** @param {T} t @param {Record<string, string | Buffer>} [more] */
function built(t, more = {}) {
	const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'playground-')));
	t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
	const files = { 'secret.txt': 'outside', 'dist/index.html': PAGE, 'dist/docs/a b.html': OWN, ...more };
	for (const [name, contents] of Object.entries(files)) {
		fs.mkdirSync(dirname(join(folder, name)), { recursive: true });
		fs.writeFileSync(join(folder, name), contents);
	}
	return folder;
}

/** @param {T} t @param {Record<string, string | Buffer>} [more] @param {(folder: string) => void} [prepare] */
async function served(t, more, prepare = () => {}) {
	const folder = built(t, more);
	prepare(folder);
	const { url, stop } = await startPlayground({ folder: pathToFileURL(join(folder, 'dist/')) });
	t.after(stop);
	/**
	 * The path goes out as it stands.
	 * @param {string} path
	 * @param {Record<string, string>} [headers]
	 * @param {string} [method]
	 * @returns {Promise<Got>}
	 */
	const get = async (path, headers = {}, method = 'GET') => {
		const asked = request({ host: '127.0.0.1', port: new URL(url).port, path, method, headers, agent: false });
		asked.end();
		const [response] = await once(asked, 'response');
		const chunks = [];
		for await (const chunk of response) chunks.push(chunk);
		return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
	};
	return { url, get, port: Number(new URL(url).port) };
}

describe('playground', { concurrency: 2 }, () => {
	test('the page comes with the headers that keep it apart', async (t) => {
		const { get } = await served(t);
		const { status, headers, body } = await get('/?x=1');
		assert.deepEqual([status, body.toString()], [200, PAGE]);
		const { etag, date, connection, ...others } = headers;
		assert.ok(date && connection);
		assert.match(`${etag}`, /^"[\w-]{43}"$/);
		assert.deepEqual(others, {
			'content-type': 'text/html; charset=utf-8',
			'content-length': `${PAGE.length}`,
			'content-security-policy': `${POLICY}; frame-ancestors 'none'`,
			'x-content-type-options': 'nosniff',
			'referrer-policy': 'no-referrer',
			'cross-origin-opener-policy': 'same-origin',
			'cache-control': 'no-cache',
		});
		const own = await get('/docs/a%20b.html');
		assert.equal(own.headers['content-security-policy'], "default-src 'self'; frame-ancestors 'none'");
	});

	test('every kind of file has its type', async (t) => {
		const types = {
			html: 'text/html; charset=utf-8',
			js: 'text/javascript; charset=utf-8',
			css: 'text/css; charset=utf-8',
			json: 'application/json',
			wasm: 'application/wasm',
			svg: 'image/svg+xml',
			png: 'image/png',
			ico: 'image/x-icon',
			webmanifest: 'application/manifest+json',
			gz: 'application/gzip',
			other: 'application/octet-stream',
		};
		const { get } = await served(t, Object.fromEntries(Object.keys(types).map((ending) => [`dist/f.${ending}`, '1'])));
		for (const [ending, type] of Object.entries(types)) {
			const { status, headers } = await get(`/f.${ending}`);
			assert.deepEqual([status, headers['content-type']], [200, type], ending);
			assert.equal(headers['content-encoding'], undefined);
			assert.equal(headers['content-security-policy'], `${POLICY}; frame-ancestors 'none'`, ending);
		}
	});

	test('nothing but what is in the folder is served', async (t) => {
		const hidden = { 'dist/.env': 'hidden', 'dist/.git/config': 'hidden', 'dist/empty/x.txt': '1' };
		const { get } = await served(t, hidden, (folder) => {
			fs.symlinkSync(join(folder, 'secret.txt'), join(folder, 'dist/link.txt'));
			fs.symlinkSync(folder, join(folder, 'dist/up'));
		});
		for (const path of [
			'/../secret.txt',
			'/docs/../../secret.txt',
			'/%2e%2e/secret.txt',
			'/%2e%2e%2fsecret.txt',
			'/..%2fsecret.txt',
			'/..%5csecret.txt',
			'/..\\secret.txt',
			'/%252e%252e/secret.txt',
			'//secret.txt',
			'/./index.html',
			'/docs/../index.html',
			'/index.html/',
			'/index.html%00.js',
			'/%',
			'/%ff',
			'/link.txt',
			'/up/secret.txt',
			'/.env',
			'/.git/config',
			'/docs',
			'/docs/',
			'/empty/',
			'/INDEX.HTML',
			'/__proto__',
			'http://127.0.0.1/index.html',
			'*',
		]) {
			const { status, headers, body } = await get(path);
			assert.deepEqual([status, body.toString()], [404, 'There is no such page here.\n'], path);
			assert.match(`${headers['content-security-policy']}`, /^default-src 'none'; .*frame-ancestors 'none'$/);
		}
		assert.equal((await get('/empty/x.txt')).status, 200);
	});

	test('a folder with a page of its own is served with its slash', async (t) => {
		const { get } = await served(t, { 'dist/docs/index.html': 'docs' });
		assert.equal((await get('/docs/')).body.toString(), 'docs');
		assert.equal((await get('/docs')).status, 404);
	});

	test('only this machine by its own names is answered', async (t) => {
		const { get, port } = await served(t);
		for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`]) {
			assert.equal((await get('/', { host })).status, 200, host);
		}
		for (const host of [
			'127.0.0.1',
			`127.0.0.1:${port + 1}`,
			`evil.example:${port}`,
			`localhost.evil.example:${port}`,
		]) {
			const { status, body } = await get('/', { host });
			assert.deepEqual([status, body.includes('title')], [421, false], host);
		}
	});

	test('it listens on one address', { skip: process.platform !== 'linux' }, async (t) => {
		const { url, port } = await served(t);
		assert.equal(url, `http://127.0.0.1:${port}/`);
		const other = connect({ host: '127.0.0.2', port });
		const [error] = await once(other, 'error');
		assert.equal(error.code, 'ECONNREFUSED');
	});

	test('it answers GET and HEAD', async (t) => {
		const { get } = await served(t);
		const { status, headers, body } = await get('/', {}, 'HEAD');
		assert.deepEqual([status, headers['content-length'], body.length], [200, `${PAGE.length}`, 0]);
		for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE']) {
			const refused = await get('/', {}, method);
			assert.deepEqual([refused.status, refused.headers.allow], [405, 'GET, HEAD'], method);
		}
	});

	test('what has not changed is not sent again', async (t) => {
		const { get } = await served(t, { 'dist/a.js': '1', 'dist/b.js': '2' });
		const { etag = '' } = (await get('/a.js')).headers;
		assert.notEqual((await get('/b.js')).headers.etag, etag);
		for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
			const again = await get('/a.js', { 'if-none-match': known });
			assert.deepEqual([again.status, again.headers.etag, again.body.length], [304, etag, 0], known);
		}
		assert.equal((await get('/b.js', { 'if-none-match': etag })).status, 200);
	});

	test('a compressed form is sent to those that read it', async (t) => {
		const files = { 'dist/a.wasm': 'plain', 'dist/a.wasm.br': 'br', 'dist/a.wasm.gz': 'gz' };
		const { get } = await served(t, files);
		const tags = new Set();
		for (const [accepted, encoding, contents] of /** @type {[string, string | undefined, string][]} */ ([
			['gzip, deflate, br, zstd', 'br', 'br'],
			['GZIP;q=0.5', 'gzip', 'gz'],
			['br;q=0, gzip', 'gzip', 'gz'],
			['br; q=0.0, gzip;q=0', undefined, 'plain'],
			['identity', undefined, 'plain'],
			['', undefined, 'plain'],
		])) {
			const { headers, body } = await get('/a.wasm', { 'accept-encoding': accepted });
			assert.deepEqual([headers['content-encoding'], body.toString()], [encoding, contents], accepted);
			assert.deepEqual([headers['content-type'], headers.vary], ['application/wasm', 'Accept-Encoding']);
			tags.add(headers.etag);
		}
		assert.equal(tags.size, 3);
		const itself = await get('/a.wasm.gz', { 'accept-encoding': 'gzip' });
		assert.deepEqual(
			[itself.headers['content-type'], itself.headers['content-encoding']],
			['application/gzip', undefined],
		);
		assert.equal((await get('/')).headers.vary, undefined);
	});

	test('a page that says nothing of itself is kept out of frames', async (t) => {
		const { get } = await served(t, { 'dist/index.html': '<!doctype html><meta name="x" content="y">' });
		assert.equal((await get('/')).headers['content-security-policy'], "frame-ancestors 'none'");
	});
});

describe('the command', { concurrency: 2 }, () => {
	/** A copy of the program, with a page or without. @param {T} t @param {boolean} withPage */
	function copy(t, withPage) {
		const folder = built(t, { 'package.json': '{"type": "module"}' });
		fs.cpSync(join(ROOT, 'js'), join(folder, 'js'), { recursive: true });
		if (withPage) fs.cpSync(join(folder, 'dist'), join(folder, 'site/dist'), { recursive: true });
		const [program = '', ...args] = command('js/cli.js').slice(0, -1);
		return [program, ...args, join(folder, 'js/cli.js'), 'playground'];
	}

	test('says what is missing where the page is not built', async (t) => {
		const { exitCode, stdout, stderr } = await runProgram(copy(t, false), { env: {} });
		assert.deepEqual([exitCode, stdout], [2, '']);
		assert.match(stderr, /^ci-assume-role: the page is not built into this copy, .*npm run site.*\n$/);
	});

	test('refuses a port that is none, or taken', async (t) => {
		const { port } = await served(t);
		for (const [value, wanted] of [
			['http', /--port takes a number/],
			[`${port}`, new RegExp(`port ${port} is taken`)],
		]) {
			const { exitCode, stderr } = await runProgram([...copy(t, true), '--port', `${value}`], { env: {} });
			assert.equal(exitCode, 2);
			assert.match(stderr, /** @type {RegExp} */ (wanted));
		}
	});

	for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
		test(`serves until ${signal}`, { skip: process.platform === 'win32' }, async (t) => {
			const [program = '', ...args] = copy(t, true);
			const child = spawn(program, args, { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
			t.after(() => child.kill('SIGKILL'));
			let said = '';
			child.stdout.setEncoding('utf8').on('data', (text) => {
				said += text;
			});
			while (!said.includes('\n')) await once(child.stdout, 'data');
			const [, url = ''] = /(http:\/\/127\.0\.0\.1:\d+\/) .*Ctrl-C stops it/.exec(said) ?? [];
			assert.equal(await (await fetch(url)).text(), PAGE);
			child.kill(signal);
			assert.deepEqual(await once(child, 'exit'), [0, null]);
			assert.match(said, new RegExp(`\nStopped \\(${signal}\\)\\.\n$`));
		});
	}
});
