// moto's server: an STS that we have not written, which knows the credentials that it gave.

import { spawn } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import { find, searchPath } from './programs.js';

/** Waits at most so long for it to come up. */
const PATIENCE_MS = 30_000;

/** @returns {Promise<{ url: string, stop: () => void }>} */
export async function startMoto() {
	const port = await freePort();
	const child = spawn(find('moto_server') ?? '', ['-H', '127.0.0.1', '-p', `${port}`], {
		stdio: 'ignore',
		env: { PATH: searchPath(), HOME: process.env.HOME, AWS_EC2_METADATA_DISABLED: 'true' },
		detached: true, // a launcher in between must not outlive it
	});
	const stop = () => {
		process.off('exit', stop);
		if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
			process.kill(-child.pid, 'SIGKILL');
	};
	process.once('exit', stop);
	const url = `http://127.0.0.1:${port}`;
	for (const began = Date.now(); !(await answers(url)); ) {
		if (child.exitCode !== null || Date.now() - began > PATIENCE_MS) {
			stop();
			throw new Error('moto_server does not come up');
		}
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	return { url, stop };
}

/** @param {string} url */
function answers(url) {
	return new Promise((resolve) => {
		const request = http.get(`${url}/moto-api/`, (response) => {
			response.resume();
			resolve(true);
		});
		request.on('error', () => resolve(false));
	});
}

/** A port of this machine that nothing listens on. */
export async function freePort() {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
	const { port } = /** @type {net.AddressInfo} */ (server.address());
	await new Promise((resolve) => server.close(resolve));
	return port;
}
