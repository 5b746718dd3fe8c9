// One request against every way in which a server, a proxy or a certificate can be good or bad. The same tests hold
// for Node's own implementation and for the one that Bun and Deno use; where those see less, the test says so.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { performing, startFetch, web } from './effects.js';
import { closedPort, pemPath, proxy, serve, serveTls, speak } from './servers.js';

/**
 * @typedef {import('../../../js/types.d.ts').Fetch} Fetch
 * @typedef {import('../../../js/types.d.ts').Stop} Stop
 * @typedef {{ status: number, headers: Record<string, string>, body: string, fault?: never, detail?: never }
 *   | { fault: string, detail: string, status?: never, headers?: never, body?: never }} Result
 */

/**
 * @param {string} url
 * @param {Partial<Fetch>} [more]
 * @param {(stop: Stop) => void} [control]
 * @returns {Promise<Result>}
 */
function request(url, more = {}, control = () => {}) {
	const limits = { connectTimeoutMs: 2000, timeoutMs: 4000, maxBytes: 65536 };
	/** @type {Fetch} */
	const effect = { id: 1, kind: 'fetch', method: 'GET', url, headers: [], ...limits, ...more };
	return new Promise((resolve, reject) => {
		let settled = 0;
		const stop = startFetch(effect, (outcome) => {
			settled += 1;
			if (settled > 1) reject(new Error('settled twice'));
			// A second settlement would come at once, or when the sockets close.
			setTimeout(() => resolve(/** @type {Result} */ (outcome)), 20);
		});
		control(stop);
	});
}

/** Trusts the tests' authority, as a company's CI does its own. */
function trust(path = fileURLToPath(pemPath('authority'))) {
	process.env.AWS_CA_BUNDLE = path;
}
afterEach(() => {
	delete process.env.AWS_CA_BUNDLE;
});

/** @param {import('node:http').IncomingMessage} request */
async function bodyOf(request) {
	let body = '';
	for await (const chunk of request) body += chunk;
	return body;
}

test('sends what it is told to, and returns what comes back', async () => {
	/** @type {unknown[]} */
	const seen = [];
	const url = await serve(async (request, response) => {
		const { method, url, headers } = request;
		seen.push([method, url, headers['x-one'], headers.host, headers['content-length'], await bodyOf(request)]);
		response.writeHead(403, { 'X-Mixed-Case': 'yes', 'Content-Type': 'text/xml' }).end('gr\u00FC\u00DFe');
	});
	const headers = /** @type {[string, string][]} */ ([['X-One', 'two words']]);
	const answer = await request(`${url}/path?a=b%20c&d`, { method: 'POST', headers, body: 'gr\u00FC\u00DFe=1' });
	assert.equal(answer.status, 403);
	assert.equal(answer.body, 'gr\u00FC\u00DFe');
	assert.equal(answer.headers?.['x-mixed-case'], 'yes');
	const host = url.replace('http://', '');
	assert.deepEqual(seen, [['POST', '/path?a=b%20c&d', 'two words', host, '9', 'gr\u00FC\u00DFe=1']]);
});

test('asks for no compression, and for nothing to be kept open', async () => {
	const url = await serve((request, response) => response.end(JSON.stringify(request.headers)));
	const headers = JSON.parse((await request(url)).body ?? '');
	assert.ok([undefined, 'identity'].includes(headers['accept-encoding']), headers['accept-encoding']);
	if (!web) assert.equal(headers.connection, 'close');
});

test('follows no redirect', async () => {
	let asked = 0;
	const url = await serve((_, response) => {
		asked += 1;
		response.writeHead(302, { Location: '/elsewhere' }).end();
	});
	const answer = await request(url);
	assert.equal(answer.status, 302);
	assert.equal(answer.headers?.location, '/elsewhere');
	assert.equal(asked, 1);
});

test('reads a chunked body', async () => {
	const url = await serve((_, response) => {
		response.write('one ');
		setTimeout(() => response.end('two'), 20);
	});
	assert.equal((await request(url)).body, 'one two');
});

test('reads a body that ends with its connection', async () => {
	const url = await speak((socket) => {
		socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(60000)}`));
	});
	assert.equal((await request(url)).body?.length, 60000);
});

test('reads bytes that are no text as far as they are', async () => {
	const url = await serve((_, response) => response.end(Buffer.from([0x61, 0xff, 0x62])));
	assert.equal((await request(url)).body, 'a\uFFFDb');
});

test('reads a body of exactly the limit', async () => {
	const url = await serve((_, response) => response.end('x'.repeat(1000)));
	assert.equal((await request(url, { maxBytes: 1000 })).body?.length, 1000);
	assert.equal((await request(url, { maxBytes: 999 })).fault, 'too-large');
});

test('hangs up on a body that is too large', async () => {
	let sent = 0;
	let left = () => {};
	const closed = new Promise((resolve) => {
		left = () => resolve(undefined);
	});
	const chunk = 'x'.repeat(65536);
	const url = await serve((_, response) => {
		response.on('close', left);
		const more = () => {
			for (; sent < 64 * 1024 * 1024; sent += chunk.length) {
				if (!response.write(chunk)) {
					response.once('drain', more);
					return;
				}
			}
			response.end();
		};
		more();
	});
	const answer = await request(url);
	assert.equal(answer.fault, 'too-large');
	assert.match(answer.detail ?? '', /^more than 65536 bytes from 127\.0\.0\.1:\d+$/);
	await closed;
	assert.ok(sent < 16 * 1024 * 1024, `${sent} bytes were taken`);
});

test('hangs up on a body that says that it is too large', async () => {
	const url = await serve((_, response) => {
		response.writeHead(200, { 'Content-Length': '1000000' });
		response.write('x');
	});
	const began = Date.now();
	assert.equal((await request(url, { timeoutMs: 1000 })).fault, 'too-large');
	assert.ok(Date.now() - began < 900);
});

test('names a port where nobody listens', async () => {
	const answer = await request(`http://127.0.0.1:${await closedPort()}/`);
	assert.equal(answer.fault, 'refused');
	assert.match(answer.detail ?? '', /^(ECONNREFUSED|connection refused) 127\.0\.0\.1:\d+$/);
});

// A label of more than 63 letters is no name at all, and so no resolver on the network is asked.
test('names a host that does not exist', async () => {
	assert.equal((await request(`http://${'a'.repeat(64)}.invalid/`)).fault, 'dns');
});

test('names a server that hangs up before it answers', async () => {
	const closes = await speak((socket) => socket.once('data', () => socket.end()));
	assert.equal((await request(closes)).fault, 'reset');
	const resets = await speak((socket) => socket.once('data', () => socket.resetAndDestroy()));
	assert.equal((await request(resets)).fault, 'reset');
});

test('names a server that hangs up in the middle', async () => {
	const short = await speak((socket) => {
		socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this'));
	});
	assert.equal((await request(short)).fault, 'reset');
	const chunked = await speak((socket) => {
		socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this'));
	});
	assert.equal((await request(chunked)).fault, 'reset');
	const reset = await speak((socket) => {
		socket.once('data', () => {
			socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this');
			setTimeout(() => socket.resetAndDestroy(), 50);
		});
	});
	assert.equal((await request(reset)).fault, 'reset');
});

test('names an answer that is not HTTP', async () => {
	const url = await speak((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.9\r\n')));
	const { fault = '' } = await request(url);
	assert.ok(['protocol', 'reset'].includes(fault), fault);
	if (!web) assert.equal(fault, 'protocol');
});

test('does not wait for a server that never answers', async () => {
	const url = await speak((socket) => socket.resume());
	const began = Date.now();
	const answer = await request(url, { connectTimeoutMs: 100, timeoutMs: 300 });
	assert.equal(answer.fault, 'timeout');
	assert.match(answer.detail ?? '', /^no complete answer from 127\.0\.0\.1:\d+ within 300 ms$/);
	assert.ok(Date.now() - began < 1500);
});

test('does not wait for a body that drips', async () => {
	const url = await serve((_, response) => {
		const timer = setInterval(() => response.write('x'), 20);
		response.on('close', () => clearInterval(timer));
	});
	assert.equal((await request(url, { timeoutMs: 300 })).fault, 'timeout');
});

test('does not wait for headers that drip', async () => {
	const url = await speak((socket) => {
		socket.once('data', () => {
			socket.write('HTTP/1.1 200 OK\r\nX: ');
			const timer = setInterval(() => socket.write('x'), 20);
			socket.on('close', () => clearInterval(timer));
		});
	});
	assert.equal((await request(url, { timeoutMs: 300 })).fault, 'timeout');
});

test('does not wait for a handshake that never comes', { skip: web }, async () => {
	const url = (await speak((socket) => socket.resume())).replace('http:', 'https:');
	const answer = await request(url, { connectTimeoutMs: 200 });
	assert.equal(answer.fault, 'connect-timeout');
	assert.match(answer.detail ?? '', /within 200 ms$/);
});

test('ends when it is told to', async () => {
	let stop = /** @type {Stop} */ (() => {});
	const url = await speak((socket) => socket.once('data', () => stop('SIGTERM')));
	const answer = await request(url, {}, (control) => {
		stop = control;
	});
	assert.deepEqual(answer, { fault: 'interrupted', detail: 'SIGTERM' });
});

test('refuses what is no address', async () => {
	assert.equal((await request('file:///etc/passwd')).fault, 'protocol');
	assert.equal((await request('nonsense')).fault, 'protocol');
});

test('survives a header that cannot be sent, and does not repeat it', async () => {
	const url = await serve((_, response) => response.end());
	const answer = await request(url, { headers: [['Authorization', 'Bearer hush\r\nX: y']] });
	assert.equal(answer.fault, 'protocol');
	assert.doesNotMatch(answer.detail ?? '', /hush/);
});

test('speaks TLS with whom it can trust', async () => {
	const url = await serveTls((_, response) => response.end('hello'));
	assert.equal((await request(url)).fault, 'tls');
	trust();
	assert.equal((await request(url)).body, 'hello');
	assert.equal((await request(url.replace('localhost', '127.0.0.1'))).body, 'hello');
});

test('trusts nobody under another name', async () => {
	trust();
	const url = await serveTls((_, response) => response.end('hello'), 'elsewhere');
	assert.equal((await request(url)).fault, 'tls');
});

test('is not talked out of checking certificates', async () => {
	const url = await serveTls((_, response) => response.end('hello'));
	process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
	try {
		assert.equal((await request(url)).fault, 'tls');
	} finally {
		delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
	}
});

test('names a server that does not speak TLS', async () => {
	const url = await serve((_, response) => response.end());
	assert.equal((await request(url.replace('http:', 'https:'))).fault, 'tls');
});

test('names AWS_CA_BUNDLE when it is of no use, and goes nowhere', async () => {
	const url = await serveTls((_, response) => response.end('hello'));
	const empty = join(tmpdir(), `empty-${process.pid}.pem`);
	writeFileSync(empty, 'nothing');
	for (const path of ['/nonexistent/bundle.pem', empty]) {
		trust(path);
		const answer = await request(url);
		assert.equal(answer.fault, 'tls');
		assert.match(answer.detail ?? '', /AWS_CA_BUNDLE/);
	}
});

for (const secure of [false, true]) {
	const kind = secure ? 'an https proxy' : 'an http proxy';

	test(`sends plain requests through ${kind}`, async () => {
		trust();
		const { port, record, scheme } = await proxy({ login: 'us@er:p:ss%', secure });
		const url = await serve((request, response) => {
			response.end(`${request.url} ${request.headers.host}`);
		});
		const address = `${scheme}://us%40er:p%3Ass%25@localhost:${port}`;
		const answer = await request(`${url}/a?b`, { proxy: address });
		assert.equal(answer.body, `/a?b ${url.replace('http://', '')}`, answer.detail ?? '');
		assert.deepEqual(record, [`GET ${url}/a?b`]);
	});

	test(`tunnels TLS through ${kind}`, async () => {
		trust();
		const { port, record, scheme } = await proxy({ login: 'user:pass', secure });
		const url = await serveTls((request, response) => {
			assert.equal(request.headers['proxy-authorization'], undefined);
			response.end(`${request.url}`);
		});
		const answer = await request(`${url}/a?b`, { proxy: `${scheme}://user:pass@localhost:${port}` });
		assert.equal(answer.body, '/a?b', answer.detail ?? '');
		assert.deepEqual(record, [`CONNECT ${url.replace('https://', '')}`]);
	});

	test(`checks certificates behind ${kind}`, async () => {
		trust();
		const { port, scheme } = await proxy({ secure });
		const url = await serveTls((_, response) => response.end(), 'elsewhere');
		assert.equal((await request(url, { proxy: `${scheme}://localhost:${port}` })).fault, 'tls');
	});

	test(`names ${kind} that wants another password`, async () => {
		trust();
		const { port, scheme } = await proxy({ login: 'user:pass', secure });
		const address = `${scheme}://user:guess@localhost:${port}`;
		for (const url of [await serve(() => assert.fail()), await serveTls(() => assert.fail())]) {
			const answer = await request(url, { proxy: address });
			assert.equal(answer.fault, 'proxy');
			assert.doesNotMatch(answer.detail ?? '', /guess|user/);
		}
	});
}

test('names a proxy that is not there, and does not go without', async () => {
	trust();
	const address = `http://user:pass@127.0.0.1:${await closedPort()}`;
	for (const url of [await serve(() => assert.fail()), await serveTls(() => assert.fail())]) {
		const answer = await request(url, { proxy: address });
		assert.equal(answer.fault, 'proxy');
		assert.match(answer.detail ?? '', /^(ECONNREFUSED|connection refused) 127\.0\.0\.1:\d+$/);
	}
	assert.equal((await request('http://127.0.0.1:1/', { proxy: 'socks5://127.0.0.1:1' })).fault, 'proxy');
	assert.equal((await request('http://127.0.0.1:1/', { proxy: '' })).fault, 'proxy');
});

test('names a proxy that hangs, or hangs up', { skip: web }, async () => {
	const hangs = await speak((socket) => socket.resume());
	const answer = await request('https://localhost:1/', { proxy: hangs, connectTimeoutMs: 200 });
	assert.equal(answer.fault, 'proxy');
	const closes = await speak((socket) => socket.once('data', () => socket.end()));
	assert.equal((await request('https://localhost:1/', { proxy: closes })).fault, 'proxy');
	const nonsense = await speak((socket) => socket.once('data', () => socket.end('what?\r\n\r\n')));
	assert.equal((await request('https://localhost:1/', { proxy: nonsense })).fault, 'proxy');
});

test('reads no proxy variable', async () => {
	const { port, record } = await proxy();
	const url = await serve((_, response) => response.end('direct'));
	const address = `http://127.0.0.1:${port}`;
	Object.assign(process.env, { HTTP_PROXY: address, http_proxy: address, NODE_USE_ENV_PROXY: '1' });
	try {
		assert.equal((await request(url)).body, 'direct');
		assert.deepEqual(record, []);
	} finally {
		for (const name of ['HTTP_PROXY', 'http_proxy', 'NODE_USE_ENV_PROXY']) delete process.env[name];
	}
});

test('leaves nothing behind that keeps the process', async () => {
	const url = await serve((_, response) => response.end('x'));
	const limits = { connectTimeoutMs: 60000, timeoutMs: 60000, maxBytes: 10 };
	const [executable, ...args] = performing({ id: 1, kind: 'fetch', method: 'GET', url, headers: [], ...limits });
	const child = spawn(executable, args, { timeout: 10000 });
	assert.deepEqual(await once(child, 'exit'), [0, null]);
});

const unix = { skip: process.platform === 'win32' && 'Node has no sockets of the file system here' };

/** @param {(socket: import('node:net').Socket) => void} speak @returns {Promise<string>} its path */
async function listenAt(speak) {
	const folder = mkdtempSync(join(tmpdir(), 'shim-socket-'));
	const path = join(folder, 's');
	const server = net.createServer((peer) => speak(peer.on('error', () => {})));
	await new Promise((resolve) => server.listen(path, () => resolve(undefined)));
	listening.push(() => {
		server.close();
		rmSync(folder, { recursive: true, force: true });
	});
	return path;
}
/** @type {(() => void)[]} */
const listening = [];
afterEach(() => {
	for (const close of listening.splice(0)) close();
});
/** The address says what to ask for, the socket whom. */
const JOB_API = 'http://job/api/current-job/v0/redactions';
const REDACT = '{"redact":"grüße"}';

test('a socket of the file system: asks it, and nobody else', unix, async () => {
	let heard = '';
	const socket = await listenAt((peer) => {
		peer.on('data', (part) => {
			heard += part;
			if (heard.endsWith(REDACT)) peer.end('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}');
		});
	});
	const headers = /** @type {[string, string][]} */ ([['authorization', 'Bearer b']]);
	const answer = await request(JOB_API, { socket, method: 'POST', headers, body: REDACT });
	assert.deepEqual([answer.status, answer.body], [201, '{}']);
	assert.match(heard, /^POST \/api\/current-job\/v0\/redactions HTTP\/1\.1\r\n/);
	assert.match(heard, /\r\nHost: job\r\n/i);
	assert.match(heard, /\r\nauthorization: Bearer b\r\n/i);
	assert.match(heard, /\r\nContent-Length: 20\r\n/i);
});

test('a socket of the file system: names one that is not there, one that is closed, and a file', unix, async () => {
	const socket = await listenAt(() => {});
	const file = `${socket}-file`;
	writeFileSync(file, '');
	assert.equal((await request(JOB_API, { socket: `${socket}-none` })).fault, 'unreachable');
	assert.equal((await request(JOB_API, { socket: file })).fault, 'refused');
	const tooLong = await request(JOB_API, { socket: `/${'x'.repeat(200)}` });
	assert.ok(tooLong.fault !== undefined, JSON.stringify(tooLong));
});

test('a socket of the file system: has the deadlines and limits of any other', unix, async () => {
	const silent = await listenAt(() => {});
	assert.equal((await request(JOB_API, { socket: silent, timeoutMs: 300 })).fault, 'timeout');
	const large = await listenAt((peer) =>
		peer.end(`HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n${'x'.repeat(9999)}`),
	);
	assert.equal((await request(JOB_API, { socket: large, maxBytes: 100 })).fault, 'too-large');
	const gone = await listenAt((peer) => peer.destroy());
	assert.equal((await request(JOB_API, { socket: gone })).fault, 'reset');
	const odd = await listenAt((peer) => peer.end('SSH-2.0-OpenSSH_9.9\r\n'));
	assert.equal((await request(JOB_API, { socket: odd })).fault, 'protocol');
});
