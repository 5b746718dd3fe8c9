// The reader of answers: one line for each thing that an answer may do, and for each that is refused. That Node's own
// client reads the same is put to the test in http1-node.test.js.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AnswerReader, Refusal, requestHead } from '../../../js/fetch-node.js';
import { answers, mutated, random } from './answers.js';
import { LIMIT, read } from './reading.js';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

/** @type {[string, string, { status?: number, headers?: Record<string, string>, body?: string, rest?: string }][]} */
const READ = [
	['a body of a length', `${OK}Content-Length: 3\r\n\r\nabc`, { headers: { 'content-length': '3' }, body: 'abc' }],
	['no body', `${OK}Content-Length: 0\r\n\r\n`, { body: '' }],
	['a body that ends with its connection', `${OK}\r\nabc\r\n\r\n`, { body: 'abc\r\n\r\n' }],
	['HTTP/1.0', 'HTTP/1.0 404 Not Found\r\n\r\n<p>', { status: 404, body: '<p>' }],
	['no reason', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', {}],
	['an empty reason', 'HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n', { status: 299 }],
	['a reason in another tongue', 'HTTP/1.1 200 Schön\r\nContent-Length: 0\r\n\r\n', {}],
	['chunks', `${CHUNKED}3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n`, { body: 'abc0123456789' }],
	['chunks with extensions', `${CHUNKED}1;a;b=c;d="e\\";"\r\nx\r\n000;z\r\n\r\n`, { body: 'x' }],
	['chunks with trailers', `${CHUNKED}1\r\nx\r\n0\r\nExpires: never\r\nX: \r\n\r\n`, { body: 'x' }],
	['a coding in capitals', `${OK}TRANSFER-ENCODING: Chunked\r\n\r\n0\r\n\r\n`, { body: '' }],
	['no body, since 204 has none', 'HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\n', { status: 204, body: '' }],
	['no body, since 304 has none', 'HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n', { status: 304, body: '' }],
	[
		'interim answers',
		`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\n${OK}C: d\r\n\r\n`,
		{ headers: { c: 'd' } },
	],
	['space around values', `${OK}A: \t b c\t d \t\r\nB:\r\nC:d\r\n\r\n`, { headers: { a: 'b c\t d', b: '', c: 'd' } }],
	['bytes of values one by one', `${OK}A: \xa0\xe9\xa0\r\n\r\n`, { headers: { a: '\xa0\xe9\xa0' } }],
	['fields that repeat', `${OK}A: b\r\nC: d\r\na: e\r\n\r\n`, { headers: { a: 'b, e', c: 'd' } }],
	['every letter of a name', `${OK}!#$%&'*+-.^_\`|~09aZ: x\r\n\r\n`, { headers: { "!#$%&'*+-.^_`|~09az": 'x' } }],
	['no more than the answer', `${OK}Content-Length: 1\r\n\r\nxHTTP/1.1`, { body: 'x', rest: 'HTTP/1.1' }],
	[
		'a body of exactly the limit',
		`${OK}Content-Length: ${LIMIT}\r\n\r\n${'x'.repeat(LIMIT)}`,
		{ body: 'x'.repeat(LIMIT) },
	],
];

describe('reads', () => {
	for (const [name, text, expected] of READ) {
		test(name, () => {
			const bytes = Buffer.from(text, 'latin1');
			const whole = read([bytes]);
			assert.ok('status' in whole, JSON.stringify(whole));
			for (const [key, value] of Object.entries({ status: 200, ...expected })) {
				assert.deepEqual(whole[/** @type {keyof typeof expected} */ (key)], value);
			}
			// Nor does it matter how it comes.
			assert.deepEqual(read([...bytes].map((byte) => Buffer.from([byte]))), { ...whole, rest: '' });
		});
	}

	test('no body where none was asked for', () => {
		for (const [method, text] of [
			['HEAD', `${OK}Content-Length: 5\r\n\r\n`],
			['CONNECT', `${OK}Transfer-Encoding: chunked\r\n\r\n`],
			['CONNECT', 'HTTP/1.1 407 x\r\nContent-Length: 5\r\n\r\n'],
		]) {
			const reader = new AnswerReader(`${method}`, LIMIT);
			assert.equal(reader.push(Buffer.from(`${text}behind`)), true);
			assert.deepEqual([`${reader.body}`, `${reader.rest}`], ['', 'behind']);
		}
	});
});

describe('is not done with', () => {
	for (const [name, text] of [
		['nothing', ''],
		['half a status line', 'HTTP/1.'],
		['half a head', `${OK}A: b\r\n`],
		['half a body', `${OK}Content-Length: 2\r\n\r\nx`],
		['half a chunk', `${CHUNKED}2\r\nx`],
		['half the end of a chunk', `${CHUNKED}1\r\nx\r`],
		['chunks without a last one', `${CHUNKED}1\r\nx\r\n`],
		['trailers without an end', `${CHUNKED}0\r\nA: b\r\n`],
		['an interim answer', 'HTTP/1.1 100 Continue\r\n\r\n'],
	]) {
		test(`${name}`, () => assert.deepEqual(read([Buffer.from(`${text}`)]), { lost: true }));
	}
});

/** @type {[string, string, string][]} */
const REFUSED = [
	['STATUS', 'another protocol', 'SSH-2.0-OpenSSH_9.9\r\n'],
	['STATUS', 'another protocol, from its first byte', '\x15'],
	['STATUS', 'another version', 'HTTP/2.0 200 OK\r\n\r\n'],
	['STATUS', 'a later version', 'HTTP/1.2 200 OK\r\n\r\n'],
	['STATUS', 'small letters', 'http/1.1 200 OK\r\n\r\n'],
	['STATUS', 'an empty line before', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
	['STATUS', 'two spaces', 'HTTP/1.1  200 OK\r\n\r\n'],
	['STATUS', 'a short status', 'HTTP/1.1 20 OK\r\n\r\n'],
	['STATUS', 'a long status', 'HTTP/1.1 2000 OK\r\n\r\n'],
	['STATUS', 'a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
	['STATUS', 'NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n'],
	['STATUS', 'CR in the reason', 'HTTP/1.1 200 O\rK\r\n\r\n'],
	['LINE', 'LF after the status line', 'HTTP/1.1 200 OK\nA: b\r\n\r\n'],
	['LINE', 'LF after a field', `${OK}A: b\nContent-Length: 0\r\n\r\n`],
	['LINE', 'LF at the end of the head', `${OK}A: b\r\n\n`],
	['LINE', 'LF after a chunk size', `${CHUNKED}1\nx\r\n`],
	['FIELD', 'CR in a value', `${OK}A: b\rContent-Length: 0\r\n\r\n`],
	['FIELD', 'CR before CRLF', `${OK}A: b\r\r\n\r\n`],
	['FIELD', 'NUL in a value', `${OK}A: b\0c\r\n\r\n`],
	['FIELD', 'DEL in a value', `${OK}A: \x7f\r\n\r\n`],
	['FIELD', 'a value that goes on in the next line', `${OK}A: b\r\n c\r\n\r\n`],
	['FIELD', 'a first field that goes on from nothing', `${OK} A: b\r\n\r\n`],
	['FIELD', 'space before the colon', `${OK}Content-Length : 0\r\n\r\n`],
	['FIELD', 'no colon', `${OK}nonsense\r\n\r\n`],
	['FIELD', 'no name', `${OK}: b\r\n\r\n`],
	['FIELD', 'a name that is none', `${OK}A(b): c\r\n\r\n`],
	['FIELD', 'a name beyond ASCII', `${OK}\xc4: c\r\n\r\n`],
	['FIELD', 'NUL in a trailer', `${CHUNKED}0\r\nA: \0\r\n\r\n`],
	['LENGTH', 'two lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`],
	['LENGTH', 'one length twice', `${OK}Content-Length: 1\r\ncontent-length: 1\r\n\r\nx`],
	['LENGTH', 'a list of lengths', `${OK}Content-Length: 1, 1\r\n\r\nx`],
	['LENGTH', 'a length below nothing', `${OK}Content-Length: -1\r\n\r\n`],
	['LENGTH', 'a length with a sign', `${OK}Content-Length: +1\r\n\r\nx`],
	['LENGTH', 'a length in hex', `${OK}Content-Length: 0x1\r\n\r\nx`],
	['LENGTH', 'an empty length', `${OK}Content-Length:\r\n\r\n`],
	['LENGTH', 'a wrong length where it does not count', 'HTTP/1.1 204 x\r\nContent-Length: x\r\n\r\n'],
	['LENGTH', 'a wrong length in an interim answer', 'HTTP/1.1 103 x\r\nContent-Length: x\r\n\r\n'],
	['CODING', 'a length beside a coding', `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
	['CODING', 'a coding beside a length', `${OK}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n`],
	['CODING', 'another coding', `${OK}Transfer-Encoding: gzip\r\n\r\n`],
	['CODING', 'codings on top of another', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
	['CODING', 'chunks within chunks', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`],
	['CODING', 'something like chunked', `${OK}Transfer-Encoding: xchunked\r\n\r\n`],
	['CODING', 'no coding', `${OK}Transfer-Encoding:\r\n\r\n`],
	['CODING', 'chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
	['CODING', 'chunks where there is no body', 'HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n'],
	['CODING', 'chunks in an interim answer', 'HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\n\r\n'],
	['CHUNK', 'an empty size', `${CHUNKED}\r\n`],
	['CHUNK', 'a size that is none', `${CHUNKED}x\r\n`],
	['CHUNK', 'a size with 0x', `${CHUNKED}0x1\r\n`],
	['CHUNK', 'a size with space', `${CHUNKED}1 \r\nx\r\n`],
	['CHUNK', 'a size below nothing', `${CHUNKED}-1\r\n`],
	['CHUNK', 'a size that wraps around', `${CHUNKED}10000000000000001\r\nx\r\n`],
	['CHUNK', 'NUL in an extension', `${CHUNKED}1;a=\0\r\nx\r\n`],
	['CHUNK', 'CR in an extension', `${CHUNKED}1;a\r;b\r\nx\r\n`],
	['CHUNK', 'a chunk that is longer than it says', `${CHUNKED}1\r\nxyz\r\n`],
	['CHUNK', 'a chunk that ends in something else', `${CHUNKED}1\r\nxyz0\r\n\r\n`],
	['CHUNK', 'LF at the end of a chunk', `${CHUNKED}1\r\nx\n0\r\n\r\n`],
	['TRAILER', 'a length as trailer', `${CHUNKED}0\r\nContent-Length: 1\r\n\r\n`],
	['TRAILER', 'a coding as trailer', `${CHUNKED}0\r\nTransfer-Encoding: chunked\r\n\r\n`],
	['UPGRADE', 'another protocol from here on', 'HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n'],
	['TOO_LARGE', 'a body that says that it is too large', `${OK}Content-Length: ${LIMIT + 1}\r\n\r\n`],
	['TOO_LARGE', 'a length beyond all numbers', `${OK}Content-Length: ${'9'.repeat(400)}\r\n\r\n`],
	['TOO_LARGE', 'a body that is too large', `${OK}\r\n${'x'.repeat(LIMIT + 1)}`],
	['TOO_LARGE', 'a chunk that says that it is too large', `${CHUNKED}${(LIMIT + 1).toString(16)}\r\n`],
	['TOO_LARGE', 'a last chunk too many', `${CHUNKED}${LIMIT.toString(16)}\r\n${'x'.repeat(LIMIT)}\r\n1\r\n`],
];

describe('refuses', () => {
	for (const [code, name, text] of REFUSED) {
		test(name, () => {
			const bytes = Buffer.from(text, 'latin1');
			assert.deepEqual(read([bytes]), { refused: `ERR_HTTP_${code}` });
			assert.deepEqual(read([...bytes].map((byte) => Buffer.from([byte]))), { refused: `ERR_HTTP_${code}` });
		});
	}
});

describe('takes no more than 16 KiB of', () => {
	for (const [name, start, part] of /** @type {[string, string, string][]} */ ([
		['a status line', 'HTTP/1.1 200 ', 'x'],
		['one field', `${OK}A: `, 'x'],
		['many fields', OK, 'A: b\r\n'],
		['interim answers', '', 'HTTP/1.1 100 Continue\r\n\r\n'],
		['one chunk extension', `${CHUNKED}1;`, 'x'],
		['many chunk extensions', CHUNKED, `1;${'x'.repeat(90)}\r\nx\r\n`],
		['one trailer', `${CHUNKED}0\r\nA: `, 'x'],
		['many trailers', `${CHUNKED}0\r\n`, 'A: b\r\n'],
		['a chunk size', CHUNKED, '0'],
	])) {
		test(name, () => {
			const reader = new AnswerReader('GET', LIMIT);
			let taken = start.length;
			const flood = () => {
				reader.push(Buffer.from(start));
				for (; taken < 20 * 1024; taken += part.length) reader.push(Buffer.from(part));
			};
			assert.throws(flood, { code: 'ERR_HTTP_HEAD_SIZE' });
			assert.ok(taken > 15 * 1024 && taken <= 18 * 1024, `${taken}`);
		});
	}

	test('and does not count the sizes of chunks', () => {
		assert.deepEqual(read([Buffer.from(`${CHUNKED}${'1\r\nx\r\n'.repeat(LIMIT)}0\r\n\r\n`)]).body?.length, LIMIT);
	});
});

test('whatever comes is read, refused or not enough, and within the limits', () => {
	const next = random(7);
	const seen = new Set();
	for (let round = 0; round < 6000; round += 1) {
		const made = answers(next);
		const bytes =
			round % 3 === 0
				? Buffer.from(Array.from({ length: next(60) }, () => next(256)))
				: mutated(made, next, 1 + next(6));
		const reader = new AnswerReader('GET', 100);
		try {
			for (let at = 0; at < bytes.length; ) {
				const length = 1 + next(40);
				reader.push(bytes.subarray(at, at + length));
				at += length;
			}
			seen.add(reader.end() ? 'read' : 'lost');
		} catch (error) {
			assert.ok(error instanceof Refusal, `${/** @type {Error} */ (error).stack}\n${JSON.stringify(`${bytes}`)}`);
			seen.add(error.code);
		}
		assert.ok(reader.body.length <= 100);
	}
	for (const outcome of [
		'read',
		'lost',
		'STATUS',
		'LINE',
		'FIELD',
		'LENGTH',
		'CODING',
		'CHUNK',
		'TOO_LARGE',
		'UPGRADE',
	]) {
		assert.ok(seen.has(outcome) || seen.has(`ERR_HTTP_${outcome}`), `${outcome} never came`);
	}
});

test('a line of nothing but space is read in time', () => {
	const began = performance.now();
	const space = ' \t'.repeat(8000);
	assert.deepEqual(read([Buffer.from(`${OK}A:${space}\0\r\n`)]), { refused: 'ERR_HTTP_FIELD' });
	assert.deepEqual(read([Buffer.from(`${OK}A: ${'x '.repeat(8000)}\0\r\n`)]), { refused: 'ERR_HTTP_FIELD' });
	assert.deepEqual(read([Buffer.from(`${CHUNKED}1${';a="b"'.repeat(2600)}\0\r\n`)]), { refused: 'ERR_HTTP_CHUNK' });
	assert.ok(performance.now() - began < 500);
});

describe('a request', () => {
	test('is written as it stands', () => {
		const head = requestHead('POST', '/a?b', [
			['Host', 'c'],
			['D', ''],
		]);
		assert.equal(head, 'POST /a?b HTTP/1.1\r\nHost: c\r\nD: \r\n\r\n');
	});

	for (const [name, method, target, field, value] of /** @type {[string, string, string, string, string][]} */ ([
		['a method of two words', 'GET x', '/', 'A', 'b'],
		['no method', '', '/', 'A', 'b'],
		['a target of two words', 'GET', '/ HTTP/1.1', 'A', 'b'],
		['a target of two lines', 'GET', '/\r\nA:', 'A', 'b'],
		['no target', 'GET', '', 'A', 'b'],
		['a target beyond ASCII', 'GET', '/\xe9', 'A', 'b'],
		['a name with a colon', 'GET', '/', 'A: b\r\nC', 'b'],
		['no name', 'GET', '/', '', 'b'],
		['a value of two lines', 'GET', '/', 'A', 'b\r\nC: d'],
		['LF in a value', 'GET', '/', 'A', 'b\nC: d'],
		['CR in a value', 'GET', '/', 'A', 'b\rC: d'],
		['LF at the end of a value', 'GET', '/', 'A', 'b\n'],
		['NUL in a value', 'GET', '/', 'A', 'b\0'],
		['a value beyond ASCII', 'GET', '/', 'A', 'b\u010a'],
	])) {
		test(`is refused with ${name}`, () => {
			assert.throws(() => requestHead(method, target, [[field, value]]), { code: 'ERR_HTTP_REQUEST' });
		});
	}
});
