// Servers for this machine alone, until somebody stops them: what the commands that have one share.

import { quote, UsageError } from './usage.js';

/**
 * @param {string} text the value of `--port`
 * @returns {number} 0 for any that is free
 */
export function readPort(text) {
	if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) {
		throw new UsageError(`--port takes a number from 0 to 65535, for example 8080, not ${quote(text)}`);
	}
	return Number(text);
}

/**
 * @param {import('node:http').Server} server
 * @param {number} port 0 for any that is free
 * @returns {Promise<number>} the port that it is
 */
export async function listen(server, port) {
	await new Promise((resolve, reject) => {
		server.once('error', (error) => reject(explained(error, port)));
		server.listen(port, '127.0.0.1', () => resolve(undefined));
	});
	return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

/** @param {import('node:http').Server} server */
export function close(server) {
	server.close();
	server.closeAllConnections?.(); // not in the first of Node 18
}

/** Waits for a signal, and says which it was. */
export async function untilStopped() {
	const signal = await new Promise((resolve) => {
		for (const name of ['SIGINT', 'SIGTERM']) process.once(name, resolve);
	});
	console.log(`\nStopped (${signal}).`);
}

/**
 * @param {NodeJS.ErrnoException} error
 * @param {number} port
 */
function explained(error, port) {
	if (error.code === 'EADDRINUSE') return new UsageError(`port ${port} is taken; choose another with --port`);
	if (error.code === 'EACCES') return new UsageError(`port ${port} needs more rights; choose one above 1023`);
	return error;
}
