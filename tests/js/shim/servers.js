// Loopback servers that behave, and that misbehave on purpose. All are closed after each test, connections included.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { afterEach } from 'node:test';

/** @type {(() => void)[]} */
const closing = [];
afterEach(() => {
	for (const close of closing.splice(0)) close();
});

/** @param {string} name */
export const pem = (name) => readFileSync(new URL(`tls/${name}.pem`, import.meta.url), 'utf8');
/** @param {string} name */
export const pemPath = (name) => new URL(`tls/${name}.pem`, import.meta.url);

/**
 * @template {net.Server} S
 * @param {S} server
 * @returns {Promise<number>} its port
 */
export function listen(server) {
	const sockets = new Set();
	server.on('connection', (socket) => {
		sockets.add(socket);
		socket.on('error', () => {});
		socket.on('close', () => sockets.delete(socket));
	});
	server.on('tlsClientError', () => {});
	closing.push(() => {
		server.close();
		for (const socket of sockets) socket.destroy();
	});
	return new Promise((resolve) => {
		server.listen(0, '127.0.0.1', () => resolve(/** @type {net.AddressInfo} */ (server.address()).port));
	});
}

/** @param {http.RequestListener} answer */
export const serve = async (answer) => `http://127.0.0.1:${await listen(http.createServer(answer))}`;

/**
 * @param {http.RequestListener} answer
 * @param {string} [certificate]
 */
export async function serveTls(answer, certificate = 'loopback') {
	const both = pem(certificate);
	return `https://localhost:${await listen(https.createServer({ key: both, cert: both }, answer))}`;
}

/** @param {(socket: net.Socket) => void} speak */
export const speak = async (speak) => `http://127.0.0.1:${await listen(net.createServer(speak))}`;

/**
 * A forwarding and tunnelling proxy that keeps a record, and that wants a password if there is one.
 * @param {{ login?: string, secure?: boolean }} [options]
 */
export async function proxy({ login, secure = false } = {}) {
	/** @type {string[]} */
	const record = [];
	const expected = login && `Basic ${Buffer.from(login).toString('base64')}`;
	const both = pem('loopback');
	const server = secure ? https.createServer({ key: both, cert: both }) : http.createServer();
	server.on('request', (request, response) => {
		record.push(`${request.method} ${request.url}`);
		if (request.headers['proxy-authorization'] !== expected) {
			response.writeHead(407).end('who are you');
			return;
		}
		const { url = '', method, headers } = request;
		request.pipe(
			http.request(url, { method, headers }, (answer) => {
				response.writeHead(answer.statusCode ?? 0, answer.headers);
				answer.pipe(response);
			}),
		);
	});
	server.on('connect', (request, socket, head) => {
		record.push(`CONNECT ${request.url}`);
		socket.on('error', () => {});
		if (request.headers['proxy-authorization'] !== expected) {
			socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 11\r\n\r\nwho are you');
			return;
		}
		const { hostname, port } = new URL(`http://${request.url}`);
		const target = net.connect(Number(port), hostname, () => {
			socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
			target.write(head);
			target.pipe(socket).pipe(target);
		});
		target.on('error', () => socket.destroy());
	});
	const port = await listen(server);
	return { port, record, scheme: secure ? 'https' : 'http' };
}

/** A port on which nobody listens. */
export async function closedPort() {
	const server = net.createServer();
	const port = await new Promise((resolve) => {
		server.listen(0, '127.0.0.1', () => resolve(/** @type {net.AddressInfo} */ (server.address()).port));
	});
	await new Promise((resolve) => server.close(resolve));
	return port;
}
