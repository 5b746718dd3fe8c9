// How a server, or what stands in its place, can misbehave, and what is to come of it.

import { DENIED, sessionXml, stsError } from './answers.js';

/** @typedef {import('./answers.js').Answer} Answer */
/** @typedef {NonNullable<Answer['play']>} Play */

// Exit codes, by who can mend it.
export const TOKEN = 3;
export const DENIED_BY_AWS = 4;
export const NETWORK = 5;
export const FILES = 6;
export const INTERRUPTED = 130;
export const ONCE = { 'INPUT_DISABLE-RETRY': 'true' };
/** The limits of single requests would do as well, and take ten seconds; peer-defects.test.js waits for them. */
export const ONE_SECOND = { 'INPUT_ACTION-TIMEOUT-S': '1' };

/** @type {Play} */
export const hang = () => {};
/** @type {Play} */
export const resetAtOnce = (_, socket) => socket.resetAndDestroy();
/** @type {Play} */
const closeAtOnce = (_, socket) => socket.end();
/** @type {Play} */
export const resetInBody = (response, socket) => {
	response.writeHead(200, { 'Content-Length': '4000' });
	response.write('{"count":1,"value":"');
	setTimeout(() => socket.resetAndDestroy(), 20);
};
/** @type {Play} */
const closeInBody = (response, socket) => {
	response.writeHead(200, { 'Content-Length': '4000' });
	response.write('<AssumeRoleWithWebIdentityResponse>');
	setTimeout(() => socket.end(), 20);
};
/** @type {Play} */
export const drip = (response, socket) => {
	response.writeHead(200, { 'Content-Type': 'application/json' });
	const timer = setInterval(() => response.write(' '), 50);
	socket.on('close', () => clearInterval(timer));
};
/** @type {Play} */
const dripHeaders = (_, socket) => {
	socket.write('HTTP/1.1 200 OK\r\n');
	const timer = setInterval(() => socket.write('x'), 50);
	socket.on('close', () => clearInterval(timer));
};
/** @type {Play} */
const notHttp = (_, socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n');
/** @type {Play} */
const endlessHeaders = (_, socket) => {
	socket.write('HTTP/1.1 200 OK\r\n');
	socket.end(`X-Padding: ${'x'.repeat(8000)}\r\n`.repeat(100));
};
/** @type {Play} */
const claimsToBeHuge = (response) => {
	response.writeHead(200, { 'Content-Length': `${64 * 1024 * 1024}` });
	response.write('x');
};

const HTML = '<html><head><title>Access blocked</title></head><body>Ask your administrator.</body></html>';
const DEEP_JSON = '['.repeat(20_000);
const ENTITY_BOMB = `<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "aaaaaaaaaa">${Array.from(
	{ length: 9 },
	(_, level) => `<!ENTITY a${level + 1} "${`&a${level};`.repeat(10)}">`,
).join('')}]>${sessionXml().replace('<Audience>', '<Audience>&a9;')}`;

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {Omit<Answer, 'to'>} answer
 * @property {string} code
 * @property {number} exitCode
 * @property {Record<string, string>} [env]
 */

/** @type {Case[]} */
export const BOTH = [
	{ name: 'resets the connection', answer: { play: resetAtOnce }, code: 'endpoint-unreachable', exitCode: NETWORK },
	{ name: 'closes the connection', answer: { play: closeAtOnce }, code: 'endpoint-unreachable', exitCode: NETWORK },
	{ name: 'resets inside the body', answer: { play: resetInBody }, code: 'endpoint-unreachable', exitCode: NETWORK },
	{ name: 'closes inside the body', answer: { play: closeInBody }, code: 'endpoint-unreachable', exitCode: NETWORK },
	{ name: 'never answers', answer: { play: hang }, code: 'time-limit', exitCode: NETWORK, env: ONE_SECOND },
	{ name: 'drips its body', answer: { play: drip }, code: 'time-limit', exitCode: NETWORK, env: ONE_SECOND },
	{ name: 'drips its headers', answer: { play: dripHeaders }, code: 'time-limit', exitCode: NETWORK, env: ONE_SECOND },
	{ name: 'is no HTTP server', answer: { play: notHttp }, code: 'endpoint-unreachable', exitCode: NETWORK },
	{ name: 'sends endless headers', answer: { play: endlessHeaders }, code: 'endpoint-unreachable', exitCode: NETWORK },
	{ name: 'announces 64 MiB', answer: { play: claimsToBeHuge }, code: 'answer-too-large', exitCode: NETWORK },
];

export const html = { contentType: 'text/html', body: HTML };
const moved = { status: 302, headers: { Location: 'http://127.0.0.1:9/elsewhere' } };

/** @type {Case[]} */
export const TOKEN_SERVICE = [
	{ name: 'is a captive portal', answer: html, code: 'token-answer-invalid', exitCode: TOKEN },
	{
		name: 'breaks off its JSON',
		answer: { body: '{"count":1,"value":"ey' },
		code: 'token-answer-invalid',
		exitCode: TOKEN,
	},
	{ name: 'answers a JSON bomb', answer: { body: DEEP_JSON }, code: 'token-answer-invalid', exitCode: TOKEN },
	{ name: 'answers nothing, 200', answer: { body: '' }, code: 'token-answer-invalid', exitCode: TOKEN },
	{ name: 'answers nothing, 204', answer: { status: 204 }, code: 'token-request-failed', exitCode: TOKEN },
	{ name: 'answers an empty token', answer: { body: '{"value":""}' }, code: 'token-answer-invalid', exitCode: TOKEN },
	{ name: 'answers a number', answer: { body: '{"value":7}' }, code: 'token-answer-invalid', exitCode: TOKEN },
	{ name: 'answers no JWT', answer: { body: '{"value":"not.a.token"}' }, code: 'token-malformed', exitCode: TOKEN },
	{ name: 'redirects', answer: moved, code: 'token-answer-invalid', exitCode: TOKEN },
	{ name: 'refuses, 401', answer: { status: 401, body: '{}' }, code: 'token-request-refused', exitCode: TOKEN },
	{ name: 'refuses, 403', answer: { status: 403, ...html }, code: 'token-request-refused', exitCode: TOKEN },
	{ name: 'fails, 500', answer: { status: 500, body: '{}' }, code: 'token-request-failed', exitCode: TOKEN, env: ONCE },
	{ name: 'asks to slow down', answer: { status: 429 }, code: 'token-request-failed', exitCode: TOKEN, env: ONCE },
];

const xml = (/** @type {string} */ body) => ({ contentType: 'text/xml', body });

/** @type {Case[]} */
export const STS = [
	{ name: 'is a captive portal', answer: html, code: 'sts-answer-invalid', exitCode: NETWORK },
	{
		name: 'breaks off its XML',
		answer: xml(sessionXml().slice(0, 700)),
		code: 'sts-answer-invalid',
		exitCode: NETWORK,
	},
	{ name: 'answers an entity bomb', answer: xml(ENTITY_BOMB), code: 'sts-answer-invalid', exitCode: NETWORK },
	{ name: 'answers nested XML', answer: xml('<a>'.repeat(20_000)), code: 'sts-answer-invalid', exitCode: NETWORK },
	{ name: 'answers nothing, 200', answer: xml(''), code: 'sts-answer-invalid', exitCode: NETWORK },
	{ name: 'answers nothing, 204', answer: { status: 204 }, code: 'sts-answer-invalid', exitCode: NETWORK },
	{ name: 'answers JSON', answer: { body: '{"Credentials":{}}' }, code: 'sts-answer-invalid', exitCode: NETWORK },
	{ name: 'answers bytes', answer: { body: Buffer.alloc(999, 255) }, code: 'sts-answer-invalid', exitCode: NETWORK },
	{
		name: 'leaves the secret out',
		answer: xml(sessionXml({ SecretAccessKey: '' })),
		code: 'sts-answer-invalid',
		exitCode: NETWORK,
	},
	{ name: 'leaves the role out', answer: xml(sessionXml({ Arn: '' })), code: 'sts-answer-invalid', exitCode: NETWORK },
	{ name: 'redirects', answer: moved, code: 'sts-answer-invalid', exitCode: NETWORK },
	{ name: 'denies', answer: DENIED, code: 'not-authorized', exitCode: DENIED_BY_AWS },
	{ name: 'fails, 500', answer: { status: 500, ...html }, code: 'sts-unavailable', exitCode: DENIED_BY_AWS, env: ONCE },
	{
		name: 'is behind a bad gateway',
		answer: { status: 502, ...html },
		code: 'sts-unavailable',
		exitCode: DENIED_BY_AWS,
		env: ONCE,
	},
	{
		name: 'asks to slow down',
		answer: stsError(400, 'Throttling', 'Rate exceeded'),
		code: 'sts-throttled',
		exitCode: DENIED_BY_AWS,
		env: ONCE,
	},
];
