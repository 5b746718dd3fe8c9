// A stand-in for both ends of the exchange, on loopback: the CIs' token services and issuers, and STS. The core knows
// what they say; this file serves it, and holds the key that signs the tokens and checks them when they come back.

import { generateKeyPair, randomBytes, sign, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import { close, listen } from './loopback.js';
import { core } from './policy-core.js';

const LARGEST_BODY = 1024 * 1024;

/**
 * @typedef {import('./types.d.ts').SandboxConfig} SandboxConfig
 * @typedef {import('node:crypto').KeyObject} KeyObject
 * @typedef {{ config: SandboxConfig, url: string, requestToken: string, privateKey: KeyObject, publicKey: KeyObject }} Sandbox
 * @typedef {object} Reply
 * @property {number} status
 * @property {string} type
 * @property {string} body
 * @property {Record<string, string>} [headers]
 * @property {string} log what came of it and why, in one line
 * @typedef {object} TokenReply what the core says to a request for a token
 * @property {number} status
 * @property {Record<string, unknown>} body
 * @property {string} log
 * @property {import('./types.d.ts').SandboxToken & { member: string, length: string | null }} [token] to be signed and
 *   put into the body
 */

/**
 * @param {object} [options]
 * @param {SandboxConfig} [options.config] the core's own when there is none
 * @param {number} [options.port] 0 for any that is free
 * @param {(line: string) => void} [options.log] is told of every request, in one line
 * @throws when the configuration does not work; the message says all that is wrong with it
 */
export async function startSandbox({ config = core.sandboxDefaultConfig(), port = 0, log = () => {} } = {}) {
	issue(config); // throws
	const keys = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
	/** @type {Sandbox} */
	const sandbox = { config, url: '', requestToken: randomBytes(24).toString('base64url'), ...keys };

	const server = createServer(async (request, response) => {
		const reply = await answer(sandbox, request).catch((error) => refuse(500, `internal error (${error.name})`));
		const headers = { ...reply.headers, 'Content-Type': reply.type, Connection: 'close' };
		response.writeHead(reply.status, headers).end(reply.body);
		log(`${request.method} ${printable(request.url?.split('?')[0])} ${reply.log}`);
	});
	sandbox.url = `http://127.0.0.1:${await listen(server, port)}`;

	return {
		url: sandbox.url,
		requestUrl: `${sandbox.url}/token?api-version=2.0`,
		agentEndpoint: `${sandbox.url}/v3`,
		buildUrl: `${sandbox.url}/build/sandbox`,
		/** GitHub's request token, Buildkite's access token and Bitrise's build API token in one. */
		requestToken: sandbox.requestToken,
		close: () => close(server),
	};
}

/**
 * @param {Sandbox} sandbox
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<Reply>}
 */
async function answer(sandbox, request) {
	const { pathname, search } = new URL(request.url ?? '', 'http://sandbox');
	switch (`${request.method} ${pathname}`) {
		case 'GET /.well-known/openid-configuration':
			return describeIssuer(sandbox);
		case 'GET /.well-known/jwks':
			return describeKey(sandbox);
		case 'POST /':
		case 'POST /sts':
			return exchange(sandbox, await read(request));
		default:
			return ask(sandbox, request, pathname, search, await read(request));
	}
}

/**
 * @param {Sandbox} sandbox
 * @returns {Reply}
 */
function describeIssuer({ config, url }) {
	const { header, claims } = issue(config);
	const document = {
		issuer: claims.iss,
		jwks_uri: `${url}/.well-known/jwks`,
		response_types_supported: ['id_token'],
		subject_types_supported: ['public'],
		id_token_signing_alg_values_supported: [header.alg],
		claims_supported: Object.keys(claims),
		scopes_supported: ['openid'],
	};
	return json(200, document, 'the issuer');
}

/**
 * @param {Sandbox} sandbox
 * @returns {Reply}
 */
function describeKey({ config, publicKey }) {
	const { alg, kid } = issue(config).header;
	return json(200, { keys: [{ ...publicKey.export({ format: 'jwk' }), alg, kid, use: 'sig' }] }, "the issuer's key");
}

/**
 * What a token service answers.
 * @param {Sandbox} sandbox
 * @param {import('node:http').IncomingMessage} request
 * @param {string} path
 * @param {string} search
 * @param {string | undefined} body
 * @returns {Reply}
 */
function ask({ config, privateKey, requestToken }, { method, headers }, path, search, body) {
	if (body === undefined) return refuse(413, `more than ${LARGEST_BODY} bytes`);
	const request = { method, path, query: search.slice(1), headers, body, key: requestToken };
	/** @type {TokenReply} */
	const reply = core.sandboxClaims(JSON.stringify({ config, request, ...moment() }));
	if (reply.token) {
		const { header, claims, member, length } = reply.token;
		const content = `${encode(header)}.${encode(claims)}`;
		const token = `${content}.${sign('sha256', Buffer.from(content), privateKey).toString('base64url')}`;
		if (length) reply.body[length] = token.length;
		reply.body[member] = token;
	}
	return { status: reply.status, type: 'application/json', body: JSON.stringify(reply.body), log: reply.log };
}

/**
 * @param {Sandbox} sandbox
 * @param {string | undefined} body
 * @returns {Reply}
 */
function exchange({ config, publicKey }, body) {
	if (body === undefined) return refuse(413, `more than ${LARGEST_BODY} bytes`);
	const token = new URLSearchParams(body).get('WebIdentityToken') ?? '';
	const signature = check(token, String(issue(config).header.kid), publicKey);
	/** @type {import('./types.d.ts').SandboxAnswer} */
	const answered = core.sandboxAnswer(JSON.stringify({ config, body, signature, ...moment() }));
	const { status, contentType: type, requestId, log } = answered;
	return { status, type, headers: { 'x-amzn-requestid': requestId }, body: answered.body, log };
}

/**
 * What the holder of the key can say of a token. Whether it is otherwise well made is not asked here.
 * @param {string} token
 * @param {string} kid
 * @param {KeyObject} publicKey
 * @returns {'valid' | 'invalid' | 'unknown-key'}
 */
function check(token, kid, publicKey) {
	const [head = '', claims = '', signature = ''] = token.trimEnd().split('.');
	let header;
	try {
		header = JSON.parse(Buffer.from(head, 'base64url').toString());
	} catch {
		return 'invalid';
	}
	if (header?.kid !== kid) return 'unknown-key';
	if (header.alg !== 'RS256') return 'invalid';
	const content = Buffer.from(`${head}.${claims}`);
	return verify('sha256', content, publicKey, Buffer.from(signature, 'base64url')) ? 'valid' : 'invalid';
}

/**
 * @param {SandboxConfig} config
 * @returns {import('./types.d.ts').SandboxToken}
 */
function issue(config) {
	return core.sandboxClaims(JSON.stringify({ config, ...moment() }));
}

/** Time and chance, which the core draws neither of for itself. */
function moment() {
	return { now: Math.floor(Date.now() / 1000), seed: randomBytes(32).toString('hex') };
}

/**
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<string | undefined>} nothing when it is too large
 */
async function read(request) {
	/** @type {Buffer[]} */
	const chunks = [];
	let length = 0;
	for await (const chunk of request.iterator({ destroyOnReturn: false })) {
		length += chunk.length;
		if (length > LARGEST_BODY) return undefined;
		chunks.push(chunk);
	}
	return Buffer.concat(chunks).toString();
}

/**
 * What a client sent, for the terminal.
 * @param {unknown} text
 */
function printable(text) {
	return `${text}`.slice(0, 200).replace(/[^\x21-\x7e]/g, '?');
}

/** @param {object} value */
function encode(value) {
	return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/**
 * @param {number} status
 * @param {object} value
 * @param {string} log
 * @returns {Reply}
 */
function json(status, value, log) {
	return { status, type: 'application/json', body: JSON.stringify(value), log: `${status} ${log}` };
}

/**
 * @param {number} status
 * @param {string} message
 */
function refuse(status, message) {
	return json(status, { message }, message);
}
