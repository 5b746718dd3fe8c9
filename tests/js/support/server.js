// A loopback server that gives the answers that it was told to, in order, and keeps every request.

import http from 'node:http';
import https from 'node:https';

/** GitHub's, Bitrise's, Buildkite's and Azure DevOps's. */
const TOKEN_SERVICES = /^\/token|\/id_token\.json$|\/oidc\/tokens$|\/oidctoken\?/;
/** Those that have a path of their own. */
const OTHERS = /** @type {const} */ (['ecr', 'metadata', 'iam', 'signin']);

/**
 * @typedef {object} Received
 * @property {'token' | 'sts' | 'ecr' | 'metadata' | 'iam' | 'signin'} to
 * @property {string} method
 * @property {string} url
 * @property {[string, string][]} headers as they came
 * @property {string} body
 */

export class Service {
	/** @type {import('./answers.js').Answer[]} */
	#answers = [];
	/** @type {Received[]} */
	#received = [];
	/** @type {string[]} */
	#unexpected = [];
	/** @type {Set<import('node:net').Socket>} */
	#sockets = new Set();
	/** @type {(() => void)[]} */
	#waiting = [];
	#server;
	#scheme;
	port = 0;

	/** @param {{ key: string, cert: string }} [tls] */
	constructor(tls) {
		this.#scheme = tls ? 'https' : 'http';
		this.#server = tls ? https.createServer(tls) : http.createServer();
		this.#server.on('request', (request, response) => {
			/** @type {Buffer[]} */
			const parts = [];
			request.on('data', (part) => parts.push(part));
			request.on('end', () => this.#take(request, response, Buffer.concat(parts).toString()));
		});
		this.#server.on('tlsClientError', () => {});
	}

	async start() {
		this.#server.on('connection', (socket) => {
			this.#sockets.add(socket);
			socket.on('error', () => {});
			socket.on('close', () => this.#sockets.delete(socket));
		});
		await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve(undefined)));
		this.port = /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port;
		return this;
	}

	get base() {
		return `${this.#scheme}://127.0.0.1:${this.port}`;
	}

	/** @param {import('./answers.js').Answer[]} answers what the next requests get */
	expect(answers) {
		this.#answers = [...answers];
		this.#received = [];
		this.#unexpected = [];
	}

	/** @returns {{ received: Received[], unexpected: string[], left: number }} */
	outcome() {
		return { received: this.#received, unexpected: this.#unexpected, left: this.#answers.length };
	}

	/** @param {number} count resolves once so many requests have come since `expect` */
	async arrived(count) {
		while (this.#received.length < count) await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
	}

	stop() {
		this.#server.close();
		for (const socket of this.#sockets) socket.destroy();
	}

	/**
	 * @param {http.IncomingMessage} request
	 * @param {http.ServerResponse} response
	 * @param {string} body
	 */
	#take(request, response, body) {
		const { method = '', url = '', rawHeaders } = request;
		const to = TOKEN_SERVICES.test(url) ? 'token' : (OTHERS.find((name) => url.startsWith(`/${name}`)) ?? 'sts');
		/** @type {[string, string][]} */
		const headers = [];
		for (let at = 0; at < rawHeaders.length; at += 2) headers.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
		this.#received.push({ to, method, url, headers, body });
		for (const resolve of this.#waiting.splice(0)) resolve();

		const answer = this.#answers.shift();
		if (answer?.to !== to) {
			this.#unexpected.push(`${method} ${url}, when ${answer ? `one to ${answer.to}` : 'none'} was to come`);
			response.writeHead(418).end();
		} else if (answer.play) {
			answer.play(response, request.socket);
		} else {
			const contentType = answer.contentType ?? 'application/json';
			response.writeHead(answer.status ?? 200, {
				'Content-Type': contentType,
				'x-amzn-requestid': 'request-1',
				...answer.headers,
			});
			response.end(answer.body ?? '');
		}
	}
}
