// The same bytes, over a real socket, to Node's own client. Whatever our reader takes for an answer, Node takes for the
// same answer. What Node takes and our reader does not, is in a list, with the reason.

import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { answers, mutated, random, split } from './answers.js';
import { read } from './reading.js';

const ROUNDS = 1200;
/** Before Node 20: it reads a body where there is none, and lines that end as they please. */
const OLD = Number(process.versions.llhttp?.split('.')[0]) < 9;

/**
 * What is refused on purpose, although Node would read it.
 * @type {{ why: string, code: string, shape: RegExp, example: string }[]}
 */
const DELIBERATE = [
	{
		why: 'versions that nobody has asked for',
		code: 'STATUS',
		shape: /HTTP\/(0\.9|2\.0) /,
		example: 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
	},
	{
		why: 'empty lines before an answer: only servers are to pass over them (RFC 9112, section 2.2)',
		code: 'STATUS',
		shape: /(^|\r\n\r\n)[\r\n]+HTTP/,
		example: '\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
	},
	{
		why: 'a status below 100',
		code: 'STATUS',
		shape: /HTTP\/1\.[01] 0\d\d/,
		example: 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n',
	},
	{
		why: 'control characters in the reason',
		code: 'STATUS',
		shape: /HTTP\/1\.[01] \d{3} [^\r\n]*[^\t -~\x80-\xff\r\n]/,
		example: 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n',
	},
	{
		why: 'codings other than chunked: we have asked for none',
		code: 'CODING',
		shape: /transfer-encoding:(?![\t ]*chunked[\t ]*\r\n)/i,
		example: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
	},
	{
		why: 'chunks in HTTP/1.0, where they do not exist (RFC 9112, section 6.1)',
		code: 'CODING',
		shape: /HTTP\/1\.0 [\s\S]*transfer-encoding:/i,
		example: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
	},
	{
		why: 'chunks where there is no body',
		code: 'CODING',
		shape: /HTTP\/1\.[01] (1\d\d|204)[\s\S]*transfer-encoding:/i,
		example: 'HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 204 x\r\n\r\n',
	},
	{
		why: 'framing in trailers, where it comes too late (RFC 9110, section 6.5.1)',
		code: 'TRAILER',
		shape: /\r\n0+(;[^\r\n]*)?\r\n[\s\S]*(content-length|transfer-encoding):/i,
		example: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n',
	},
	{
		why: 'another protocol from here on: we have asked for none',
		code: 'UPGRADE',
		shape: /HTTP\/1\.[01] 101/,
		example: 'HTTP/1.1 101 Switching Protocols\r\nContent-Length: 0\r\n\r\n',
	},
	{
		why: 'chunk sizes of more digits than a number can hold',
		code: 'CHUNK',
		shape: /\r\n0[\da-f]{13}/i,
		example: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'0'.repeat(14)}\r\n\r\n`,
	},
	{
		why: 'many small heads before the answer, all of them together too large',
		code: 'HEAD_SIZE',
		shape: /HTTP\/1\.1 103/,
		example: `${`HTTP/1.1 103 x\r\nA: ${'b'.repeat(9000)}\r\n\r\n`.repeat(2)}HTTP/1.1 204 x\r\n\r\n`,
	},
];

/** @type {net.Server} */
let server;
/** What the server says next, by the path that it is asked for. @type {Map<string, Buffer[]>} */
const sayings = new Map();
let asked = 0;

before(async () => {
	server = net.createServer({ noDelay: true }, (socket) => {
		socket.on('error', () => {});
		socket.once('data', async (request) => {
			const path = `${request.toString('latin1').split(' ')[1]}`;
			for (const part of sayings.get(path) ?? []) {
				socket.write(part);
				await new Promise((resolve) => setImmediate(resolve));
			}
			socket.end();
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
});
after(() => server.close());

/**
 * @param {Buffer[]} parts
 * @param {string} method
 * @returns {Promise<import('./reading.js').Answer | undefined>} nothing when Node takes it for no answer
 */
function readByNode(parts, method = 'GET') {
	asked += 1;
	const path = `/${asked}`;
	sayings.set(path, parts);
	const { port } = /** @type {net.AddressInfo} */ (server.address());
	return new Promise((resolve) => {
		const refuse = () => resolve(undefined);
		const request = http.request({ host: '127.0.0.1', port, path, method, agent: false });
		request.on('error', refuse);
		request.on('close', refuse);
		request.on('upgrade', refuse);
		request.on('response', (response) => {
			request.off('close', refuse);
			/** @type {Buffer[]} */
			const chunks = [];
			response.on('error', refuse);
			response.on('close', refuse);
			response.on('data', (chunk) => chunks.push(chunk));
			response.on('end', () => {
				if (!response.complete) return refuse();
				/** @type {Map<string, string>} */
				const headers = new Map();
				for (let at = 0; at < response.rawHeaders.length; at += 2) {
					const name = `${response.rawHeaders[at]}`.toLowerCase();
					const value = `${response.rawHeaders[at + 1]}`;
					const earlier = headers.get(name);
					headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
				}
				const body = Buffer.concat(chunks).toString('latin1');
				resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(headers), body });
			});
		});
		request.end();
	}).finally(() => sayings.delete(path));
}

/** @param {string} text */
const shown = (text) => JSON.stringify(text.length > 2000 ? `${text.slice(0, 2000)}…` : text);

/**
 * @param {Buffer} bytes
 * @param {import('./answers.js').Random} next
 * @returns {Promise<string>} what came of it
 */
async function compare(bytes, next) {
	const text = bytes.toString('latin1');
	const whole = read([bytes]);
	const { rest = '', ...ours } = /** @type {import('./reading.js').Answer} */ (whole);
	// What comes after the answer is nobody's: we leave it, and Node is for or against it depending on when it comes.
	const parts = split(bytes.subarray(0, bytes.length - rest.length), next);
	const { rest: _, ...again } = /** @type {import('./reading.js').Answer} */ (read(parts));
	assert.deepEqual(again, ours, `it matters how it is divided: ${shown(text)}`);
	const node = await readByNode(parts);
	if ('status' in whole) {
		assert.deepEqual(node, ours, `Node does not read this as we do: ${shown(text)}`);
		return 'read';
	}
	if (!node) return 'refused by both';
	assert.ok('refused' in whole, `Node has read this, and we wait for more: ${shown(text)}`);
	const known = DELIBERATE.find(({ code, shape }) => whole.refused === `ERR_HTTP_${code}` && shape.test(text));
	assert.ok(known, `Node has read this, and we refuse it as ${whole.refused}: ${shown(text)}`);
	return known.why;
}

describe('what Node would read, and is refused:', () => {
	for (const { why, code, shape, example } of DELIBERATE) {
		test(why, async () => {
			const bytes = Buffer.from(example, 'latin1');
			assert.deepEqual(read([bytes]), { refused: `ERR_HTTP_${code}` });
			assert.match(example, shape);
			assert.ok(await readByNode([bytes]), 'Node refuses it as well, so it has no place here');
		});
	}
});

test('what is read is what Node reads', { skip: OLD && 'this Node reads more than it should' }, async () => {
	const next = random(1);
	/** @type {Map<string, number>} */
	const seen = new Map();
	/** @param {number} rounds */
	const work = async (rounds) => {
		for (let round = 0; round < rounds; round += 1) {
			const made = answers(next);
			const outcome = await compare(round % 3 === 0 ? made : mutated(made, next, 1 + next(3)), next);
			seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
		}
	};
	await Promise.all(Array.from({ length: 4 }, () => work(ROUNDS / 4)));
	// Were it otherwise, this would say little.
	for (const outcome of ['read', 'refused by both']) assert.ok((seen.get(outcome) ?? 0) > ROUNDS / 8, `${[...seen]}`);
});

test('what has no body is read as Node reads it', async () => {
	for (const text of [
		'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\n',
		'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
		'HTTP/1.1 200 OK\r\n\r\n',
	]) {
		const bytes = Buffer.from(text);
		const { rest: _, ...ours } = /** @type {import('./reading.js').Answer} */ (read([bytes], 'HEAD'));
		assert.deepEqual(await readByNode([bytes], 'HEAD'), ours);
	}
});
