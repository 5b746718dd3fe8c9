// The `playground` command: serves the page that explains denials, as it was built, until it is told to stop.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { close, listen, readPort, untilStopped } from './loopback.js';
import { UsageError } from './usage.js';

const BUILT = new URL('../site/dist/', import.meta.url);

/** @type {Record<string, string>} */
const TYPES = {
	'.css': 'text/css; charset=utf-8',
	'.gz': 'application/gzip',
	'.html': 'text/html; charset=utf-8',
	'.ico': 'image/x-icon',
	'.js': 'text/javascript; charset=utf-8',
	'.json': 'application/json',
	'.mjs': 'text/javascript; charset=utf-8',
	'.png': 'image/png',
	'.svg': 'image/svg+xml',
	'.txt': 'text/plain; charset=utf-8',
	'.wasm': 'application/wasm',
	'.webmanifest': 'application/manifest+json',
};

/** Compressed forms that the build may have put beside a file, the smallest first. */
const ENCODINGS = [
	{ name: 'br', ending: '.br' },
	{ name: 'gzip', ending: '.gz' },
];

/**
 * @typedef {{ body: Buffer, etag: string }} File
 * @typedef {Map<string, File>} Files by the path that they are asked for by
 * @typedef {{ status: number, headers: Record<string, string>, body?: Buffer | string }} Reply
 */

/**
 * @param {{ port?: string }} options
 * @returns {Promise<number>} the exit code
 */
export async function playground(options) {
	const { url, stop } = await startPlayground({ port: readPort(options.port ?? '0') });
	console.log(`The page that explains denials is at ${url} for this machine only. Ctrl-C stops it.`);
	await untilStopped();
	stop();
	return 0;
}

/**
 * Serves what is in the folder now, from memory, so that no request can name anything else.
 * @param {object} [options]
 * @param {URL} [options.folder] ends in a slash
 * @param {number} [options.port] 0 for any that is free
 * @throws when the page is not there
 */
export async function startPlayground({ folder = BUILT, port = 0 } = {}) {
	const files = read(folder);
	const index = files.get('/index.html');
	if (!index) {
		throw new UsageError(
			'the page is not built into this copy, which has no site/dist/index.html; build it in a clone by "npm run site", or take the npm package, which has it',
		);
	}
	const policies = policiesOf(files);
	const policy = policies.get('/index.html') ?? '';
	/** @type {string[]} */
	let hosts = [];
	const server = createServer((request, response) => {
		const known = hosts.includes(`${request.headers.host}`.toLowerCase());
		// A name that somebody else has pointed here would make the page a part of their site.
		const path = known ? pathOf(request.url ?? '') : undefined;
		const { status, headers, body } = known
			? answer(files, `${request.method}`, path, request.headers)
			: text(421, 'Ask for 127.0.0.1 or localhost.');
		response.writeHead(status, {
			...headers,
			'Content-Security-Policy': policies.get(path ?? '') ?? policy,
			'X-Content-Type-Options': 'nosniff',
			'Referrer-Policy': 'no-referrer',
			'Cross-Origin-Opener-Policy': 'same-origin',
			'Cache-Control': 'no-cache',
		});
		response.end(body);
	});
	const taken = await listen(server, port);
	const names = ['127.0.0.1', 'localhost'];
	hosts = names.map((name) => `${name}:${taken}`).concat(taken === 80 ? names : []);
	return { url: `http://127.0.0.1:${taken}/`, stop: () => close(server) };
}

/**
 * All regular files, without those that are hidden or links.
 * @param {URL} folder
 * @param {string} path
 * @param {Files} files
 */
function read(folder, path = '/', files = new Map()) {
	/** @type {import('node:fs').Dirent[]} */
	let entries = [];
	try {
		entries = readdirSync(folder, { withFileTypes: true });
	} catch (error) {
		if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
	}
	for (const entry of entries.filter(({ name }) => !name.startsWith('.'))) {
		const place = new URL(encodeURIComponent(entry.name) + (entry.isDirectory() ? '/' : ''), folder);
		if (entry.isDirectory()) {
			read(place, `${path}${entry.name}/`, files);
		} else if (entry.isFile()) {
			const body = readFileSync(place);
			const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
			files.set(path + entry.name, { body, etag });
		}
	}
	return files;
}

/**
 * What each page says of itself in its <meta>, and that nobody may show it in a frame, which only a header can say.
 * @param {Files} files
 * @returns {Map<string, string>}
 */
function policiesOf(files) {
	const policies = new Map();
	for (const [path, { body }] of files) {
		if (extname(path) !== '.html') continue;
		const metas = body.toString().match(/<meta\s[^>]*>/gi) ?? [];
		const meta = metas.find((tag) => /\shttp-equiv=["']?content-security-policy["'\s]/i.test(tag)) ?? '';
		const [, , content = ''] = /\scontent=(["'])(.*?)\1/is.exec(meta) ?? [];
		const own = content.trim().replace(/\s+/g, ' ').replace(/;$/, '');
		if (own || path === '/index.html') policies.set(path, [own, "frame-ancestors 'none'"].filter(Boolean).join('; '));
	}
	return policies;
}

/**
 * @param {string} target
 * @returns {string | undefined} nothing when it is none
 */
function pathOf(target) {
	const [path = ''] = target.split('?');
	try {
		return decodeURIComponent(path.endsWith('/') ? `${path}index.html` : path);
	} catch {
		return undefined;
	}
}

/**
 * @param {Files} files
 * @param {string} method
 * @param {string | undefined} path
 * @param {import('node:http').IncomingHttpHeaders} asked
 * @returns {Reply}
 */
function answer(files, method, path, asked) {
	if (method !== 'GET' && method !== 'HEAD') {
		const refused = text(405, 'Only GET and HEAD.');
		return { ...refused, headers: { ...refused.headers, Allow: 'GET, HEAD' } };
	}
	const file = path === undefined ? undefined : files.get(path);
	if (!path || !file) return text(404, 'There is no such page here.');

	const forms = ENCODINGS.flatMap(({ name, ending }) => {
		const form = files.get(path + ending);
		return form ? [{ name, form }] : [];
	});
	const chosen = forms.find(({ name }) => accepts(`${asked['accept-encoding'] ?? ''}`, name));
	const { body, etag } = chosen?.form ?? file;
	const same = { ETag: etag, ...(forms.length > 0 && { Vary: 'Accept-Encoding' }) };
	if (isAmong(asked['if-none-match'], etag)) return { status: 304, headers: same };
	const headers = {
		...same,
		'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
		'Content-Length': `${body.length}`,
		...(chosen && { 'Content-Encoding': chosen.name }),
	};
	return { status: 200, headers, body };
}

/**
 * RFC 9110 section 12.5.3, for what is named.
 * @param {string} accepted
 * @param {string} encoding
 */
function accepts(accepted, encoding) {
	return accepted.split(',').some((part) => {
		const [name = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
		return name === encoding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
	});
}

/**
 * @param {string | undefined} known tags of an If-None-Match
 * @param {string} etag
 */
function isAmong(known = '', etag = '') {
	return known.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}

/**
 * @param {number} status
 * @param {string} sentence
 * @returns {Reply}
 */
function text(status, sentence) {
	return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: `${sentence}\n` };
}
