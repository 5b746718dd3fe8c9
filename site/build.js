#!/usr/bin/env node
// Builds the page into site/dist: `node site/build.js`. What decides is taken from pkg/ as it stands there.

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import * as esbuild from 'esbuild';
import { buildDocs } from './docs/build.js';
import { exampleAccount } from './example-account.js';
import { material } from './material.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'site/src');
const out = join(root, 'site/dist');
/** What browsers of the last two years can do, on phones as well. */
const TARGET = ['chrome123', 'firefox128', 'safari17.5'];
const COMPRESSED = /\.(css|html|js|json|svg|wasm|webmanifest)$/;

fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });

/** @type {import('esbuild').BuildOptions} */
const common = {
	outdir: out,
	bundle: true,
	minify: true,
	target: TARGET,
	legalComments: 'none',
	logLevel: 'warning',
};
await esbuild.build({
	...common,
	entryPoints: ['main.js', 'style.css', 'page.css'].map((name) => join(source, name)),
	format: 'esm',
	splitting: true, // the editor comes after the first verdict
	define: { 'globalThis.MATERIAL': JSON.stringify(JSON.stringify(await material({ root }))) },
});
await esbuild.build({
	...common,
	entryPoints: [join(source, 'worker.js')],
	format: 'iife',
	// The glue could fetch its module by itself; the worker hands it one, and nothing is to look for a file.
	define: { 'import.meta.url': '""' },
});
for (const name of ['icon.svg', 'manifest.webmanifest']) fs.copyFileSync(join(source, name), join(out, name));
await page();
const core = zlib.brotliDecompressSync(fs.readFileSync(join(root, 'pkg/ci_assume_role_policy_bg.wasm.br')));
fs.writeFileSync(join(out, 'policy.wasm'), core);
fs.writeFileSync(join(out, 'example-account.json'), exampleAccount({ root }));

await buildDocs({ root, out });
await keptOffline();
compress();
report();

/** The page itself, with the script that stands in it, which its security policy knows by its hash. */
async function page() {
	const entryPoints = [join(source, 'begin.js')];
	const { outputFiles } = await esbuild.build({ ...common, entryPoints, format: 'iife', write: false });
	const script = outputFiles[0]?.text.trim() ?? '';
	const hash = createHash('sha256').update(script).digest('base64');
	const text = fs.readFileSync(join(source, 'index.html'), 'utf8');
	const built = text
		.replace("script-src 'self'", (own) => `${own} 'sha256-${hash}'`)
		.replace('<script src="begin.js"></script>', () => `<script>${script}</script>`);
	if (!built.includes(hash) || !built.includes(script) || script.includes('</'))
		throw new Error('site/src/index.html has no place for begin.js');
	fs.writeFileSync(join(out, 'index.html'), built);
}

/** The names of all files go into the script that keeps them, with a version that changes when one of them does. */
async function keptOffline() {
	const files = list(out).sort();
	const hash = createHash('sha256');
	for (const file of files) hash.update(`${file}\0`).update(fs.readFileSync(join(out, file)));
	const isDocs = (/** @type {string} */ file) => file.startsWith('docs/');
	const kept = {
		version: hash.digest('hex').slice(0, 16),
		page: ['./', ...files.filter((file) => !isDocs(file))],
		docs: files.filter(isDocs),
	};
	await esbuild.build({
		...common,
		entryPoints: [join(source, 'offline.js')],
		format: 'iife',
		define: { 'globalThis.OFFLINE': JSON.stringify(kept) },
	});
}

/** Beside each file, for hosts that hand out what is compressed already. */
function compress() {
	for (const file of list(out).filter((file) => COMPRESSED.test(file))) {
		const text = fs.readFileSync(join(out, file));
		const { BROTLI_PARAM_QUALITY, BROTLI_MAX_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
		const params = { [BROTLI_PARAM_QUALITY]: BROTLI_MAX_QUALITY, [BROTLI_PARAM_SIZE_HINT]: text.length };
		fs.writeFileSync(join(out, `${file}.br`), zlib.brotliCompressSync(text, { params }));
		fs.writeFileSync(join(out, `${file}.gz`), zlib.gzipSync(text, { level: 9 }));
	}
}

function report() {
	const sizes = { raw: 0, br: 0, gz: 0 };
	let pages = 0;
	for (const file of list(out)) {
		if (file.startsWith('docs/')) {
			pages += Number(file.endsWith('.html'));
			continue;
		}
		const { size } = fs.statSync(join(out, file));
		const kind = /** @type {'raw' | 'br' | 'gz'} */ (/\.(br|gz)$/.exec(file)?.[1] ?? 'raw');
		sizes[kind] += size;
	}
	console.log(`site/dist: ${sizes.raw} bytes without the documentation, ${sizes.br} by brotli, ${sizes.gz} by gzip`);
	console.log(`site/dist/docs: ${pages} pages`);
}

/** @param {string} folder @returns {string[]} with slashes on every system */
function list(folder) {
	const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
	const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
	return files.map((file) => relative(folder, file).replaceAll('\\', '/'));
}
