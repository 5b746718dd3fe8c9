// A proxy on loopback that keeps a record, wants a password if there is one, and leads every tunnel to one server,
// whatever host was asked for. So real names can be used, and nothing leaves this machine.

import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

/**
 * @typedef {object} Options
 * @property {number} to the port of the server behind it
 * @property {string} [login] `user:password`
 * @property {string} [refusal] a whole status line, instead of a tunnel
 * @property {'connect' | 'tunnel'} [hangs] where it stops to answer
 * @property {{ key: string, cert: string }} [tls] to be reached by https itself
 */

/**
 * @param {import('node:test').TestContext} t
 * @param {Options} options
 */
export async function startProxy(t, { to, login, refusal, hangs, tls }) {
	/** @type {string[]} */
	const asked = [];
	/** @type {Set<import('node:stream').Duplex>} */
	const sockets = new Set();
	const expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
	const server = tls ? https.createServer(tls) : http.createServer();
	const keep = (/** @type {net.Socket} */ socket) => {
		sockets.add(socket);
		socket.on('error', () => {});
	};
	server.on(tls ? 'secureConnection' : 'connection', keep);
	server.on('tlsClientError', () => {});
	server.on('request', (request, response) => {
		asked.push(`${request.method} ${request.url}`);
		response.writeHead(405).end();
	});
	server.on('connect', (request, socket, head) => {
		asked.push(`${request.url}`);
		if (hangs === 'connect') return;
		const known = request.headers['proxy-authorization'] === expected;
		const status = refusal ?? (known ? '' : 'HTTP/1.1 407 Proxy Authentication Required');
		if (status !== '') {
			socket.end(`${status}\r\nContent-Length: 0\r\n\r\n`);
			return;
		}
		socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
		if (hangs === 'tunnel') return;
		const target = net.connect(to, '127.0.0.1', () => {
			target.write(head);
			target.pipe(socket).pipe(target);
		});
		keep(target);
		target.on('error', () => socket.destroy());
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
	t.after(() => {
		server.close();
		for (const socket of sockets) socket.destroy();
	});
	const { port } = /** @type {net.AddressInfo} */ (server.address());
	return { port, asked, scheme: tls ? 'https' : 'http' };
}
