// Answers of HTTP/1.1 made up at random: most are right, some are odd, and `mutated` breaks them.

/**
 * A small generator, so that a run can be had again (mulberry32).
 * @param {number} seed
 * @returns {(below: number) => number} a whole number from 0, below the given one
 */
export function random(seed) {
	let state = seed;
	return (below) => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
	};
}

/** @typedef {ReturnType<typeof random>} Random */

/**
 * @template T
 * @param {Random} next
 * @param {readonly T[]} choices
 * @returns {T}
 */
const one = (next, choices) => /** @type {T} */ (choices[next(choices.length)]);

const STATUS = [
	'200 OK',
	'200',
	'200 ',
	'403 Forbidden',
	'500 Sch\xf6n',
	'204 No Content',
	'304 Not Modified',
	'999 x',
];
const FIELDS = [
	'Content-Type: text/xml',
	'content-type:application/json',
	'X-Empty:',
	'X-Space: \t a  b\t',
	'X-Latin: \xa0\xe9\xa0',
	'Set-Cookie: a=b',
	'Set-Cookie: c=d',
	'X-Twice: 1',
	'x-twice: 2',
	'Server: a',
	'Server: b',
	'Connection: close',
	'Connection: keep-alive',
	'Keep-Alive: timeout=5',
	'Upgrade: h2c',
	'Connection: upgrade',
	'Trailer: X-Sum',
	'__proto__: x',
	'constructor: y',
];
const EXTENSIONS = ['', '', '', ';a', ';a=b', ';a="b\\"c";d', ';'];
const TRAILERS = ['', '', 'X-Sum: 1\r\n', 'A:\r\nB: c\r\n', 'Content-Length: 3\r\n'];

/**
 * @param {Random} next
 * @returns {Buffer}
 */
export function answers(next) {
	const interim = next(8) === 0 ? one(next, ['100 Continue', '103 Early Hints', '102 x', '101 Switching']) : '';
	const before = interim && `HTTP/1.1 ${interim}\r\n${next(2) ? 'Link: </a>\r\n' : ''}\r\n`;
	const fields = Array.from({ length: next(5) }, () => one(next, FIELDS));
	const body = Array.from({ length: next(40) }, () => String.fromCharCode(next(256))).join('');
	const framing = next(10);
	let end = body;
	if (framing < 4)
		fields.push(`${one(next, ['Content-Length', 'content-length'])}: ${one(next, ['', '', '00'])}${body.length}`);
	if (framing >= 4 && framing < 8) {
		fields.push(
			`Transfer-Encoding: ${one(next, ['chunked', 'chunked', 'chunked', 'Chunked', 'gzip', 'gzip, chunked'])}`,
		);
		const cut = next(body.length + 1);
		end = [body.slice(0, cut), body.slice(cut), '']
			.filter((part, at) => part !== '' || at === 2)
			.map((part, at, all) => {
				const last = at === all.length - 1;
				const size = `${one(next, ['', '', '0'])}${part.length.toString(16)}${one(next, EXTENSIONS)}`;
				return `${size}\r\n${part}${last ? one(next, TRAILERS) : ''}\r\n`;
			})
			.join('');
	}
	if (framing === 0) fields.push(one(next, ['Transfer-Encoding: chunked', `Content-Length: ${body.length}`]));
	fields.sort(() => next(3) - 1);
	const version = one(next, ['1.1', '1.1', '1.1', '1.0']);
	const head = [`HTTP/${version} ${one(next, STATUS)}`, ...fields].map((line) => `${line}\r\n`).join('');
	return Buffer.from(`${before}${head}\r\n${end}${next(8) === 0 ? 'behind' : ''}`, 'latin1');
}

const BITS = [
	'\r',
	'\n',
	'\r\n',
	'\0',
	' ',
	'\t',
	':',
	';',
	',',
	'0',
	'1',
	'f',
	'-',
	'\x7f',
	'\x80',
	'x',
	'\r\n ',
	'\r\n\r\n',
];

/**
 * @param {Buffer} bytes
 * @param {Random} next
 * @param {number} times
 * @returns {Buffer}
 */
export function mutated(bytes, next, times) {
	let text = bytes.toString('latin1');
	for (let time = 0; time < times; time += 1) {
		const at = next(text.length + 1);
		const to = at + next(next(4) === 0 ? 20 : 2);
		const bit = next(3) === 0 ? '' : next(2) === 0 ? one(next, BITS) : String.fromCharCode(next(256));
		const again = next(12) === 0 ? text.slice(at, to + 10) : '';
		text = text.slice(0, at) + again + bit + text.slice(to);
	}
	return Buffer.from(text, 'latin1');
}

/**
 * @param {Buffer} bytes
 * @param {Random} next
 * @returns {Buffer[]}
 */
export function split(bytes, next) {
	const cuts = Array.from({ length: next(4) }, () => next(bytes.length + 1)).sort((a, b) => a - b);
	return [0, ...cuts].map((from, at) => bytes.subarray(from, cuts[at])).filter((part) => part.length > 0);
}
