// The effect that runs a program: what it gets, what is kept of it, and how it is brought to an end.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { startProgram } from './effects.js';

/**
 * @typedef {import('../../../js/types.d.ts').RunEffect} RunEffect
 * @typedef {import('../../../js/types.d.ts').Stop} Stop
 */

const NODE = process.execPath;
const posix = process.platform !== 'win32';
const ENOUGH_MS = 400;
/** Writes its process id down, and minds no signal that it can ignore. */
const STUBBORN = 'trap "" TERM INT; echo $$ > "$1"; while :; do sleep 0.1; done';

let folder = '';
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'shim-program-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/**
 * @param {string[]} argv
 * @param {Partial<RunEffect>} [more]
 * @param {(stop: Stop) => void} [control]
 * @returns {Promise<Record<string, unknown>>}
 */
function run(argv, more = {}, control = () => {}) {
	/** @type {RunEffect} */
	const effect = { id: 1, kind: 'run', argv, env: [], input: '', timeoutMs: 10_000, maxBytes: 65_536, ...more };
	return new Promise((resolve, reject) => {
		let settled = 0;
		const stop = startProgram(effect, (outcome) => {
			settled += 1;
			if (settled > 1) reject(new Error('settled twice'));
			setTimeout(() => resolve(/** @type {Record<string, unknown>} */ (outcome)), 20);
		});
		control(stop);
	});
}

/**
 * @param {string} code
 * @param {Partial<RunEffect>} [more]
 * @param {(stop: Stop) => void} [control]
 */
const script = (code, more, control) => run([NODE, '-e', code], more, control);

/** @param {string} path @param {number} [patienceMs] */
async function appears(path, patienceMs = 10_000) {
	for (const began = Date.now(); !existsSync(path); ) {
		if (Date.now() - began > patienceMs) throw new Error(`no ${path}`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
	await new Promise((resolve) => setTimeout(resolve, 10)); // for its contents
	return readFileSync(path, 'utf8');
}

/** @param {number} pid */
function isRunning(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

test('gives the exit code, and what was said on both streams', async () => {
	const ran = await script('process.stdout.write("öne\\n"); process.stderr.write("two"); process.exitCode = 3');
	assert.deepEqual(ran, { exitCode: 3, stdout: 'öne\n', stderr: 'two' });
	assert.deepEqual(await script(''), { exitCode: 0, stdout: '', stderr: '' });
});

test('gives the words as they are: there is no shell', async () => {
	const words = ['a b', '$HOME', '"', "'", '*', '', ';exit 1', '`x`', '\n', '-x', 'ü'];
	const { stdout } = await run([NODE, '-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...words]);
	assert.deepEqual(JSON.parse(`${stdout}`), words);
});

test('tells when a signal has ended it', { skip: !posix }, async () => {
	const ran = await script(
		'process.stdout.write("x", () => process.kill(process.pid, "SIGKILL")); setTimeout(() => {}, 9000)',
	);
	assert.deepEqual(ran, { exitCode: null, stdout: 'x', stderr: '' });
});

test('gives the input, all of it, and its end', async () => {
	const input = 'ü'.repeat(45_000);
	const { stdout } = await script(
		'let n = 0; process.stdin.on("data", (c) => { n += c.length }).on("end", () => console.log(n))',
		{ input },
	);
	assert.equal(`${stdout}`, '90000\n');
	const nothing = await script(
		'process.stdin.on("data", () => console.log("more")).on("end", () => console.log("end"))',
	);
	assert.equal(nothing.stdout, 'end\n');
});

test('does not mind a program that never reads its input', async () => {
	const ran = await script('process.stdin.destroy(); process.exit(0)', { input: 'x'.repeat(100_000) });
	assert.equal(ran.exitCode, 0);
});

test('puts the environment on top of its own', async () => {
	const before = process.env.SHIM_PROGRAM_OWN;
	process.env.SHIM_PROGRAM_OWN = 'own';
	process.env.SHIM_PROGRAM_BOTH = 'own';
	try {
		const { stdout } = await script(
			'const e = process.env; console.log([e.SHIM_PROGRAM_OWN, e.SHIM_PROGRAM_BOTH, e.SHIM_PROGRAM_NEW])',
			{
				env: [
					['SHIM_PROGRAM_BOTH', 'given'],
					['SHIM_PROGRAM_NEW', "it's = new\n"],
				],
			},
		);
		assert.match(`${stdout}`, /'own'.*'given'.*"it's = new\\n"/s);
	} finally {
		if (before === undefined) delete process.env.SHIM_PROGRAM_OWN;
		delete process.env.SHIM_PROGRAM_BOTH;
	}
});

test('gives no terminal', { skip: !posix }, async () => {
	const { stdout } = await script('const t = require("tty"); console.log([0, 1, 2].map((fd) => t.isatty(fd)).join())');
	assert.equal(stdout, 'false,false,false\n');
});

test('names a program that is not there', async () => {
	assert.deepEqual(await run(['there-is-no-such-program']), { fault: 'not-found', detail: 'ENOENT' });
	assert.deepEqual(await run([join(folder, 'none')], { input: 'x'.repeat(100_000) }), {
		fault: 'not-found',
		detail: 'ENOENT',
	});
});

test('names a file that is no program', { skip: !posix }, async () => {
	const path = join(folder, 'file');
	writeFileSync(path, '#!/bin/sh\nexit 0\n');
	chmodSync(path, 0o644);
	assert.deepEqual(await run([path]), { fault: 'permission', detail: 'EACCES' });
});

test('names a folder', { skip: !posix }, async () => {
	const { fault } = await run([folder]);
	assert.equal(fault, 'permission');
});

test('names a command line that is longer than the system takes', { skip: !posix }, async () => {
	if (process.env.CI_ASSUME_ROLE_RUNTIME) return; // the effect itself would have to go by a command line
	const { fault, detail } = await run([NODE, '-e', '', 'x'.repeat(3_000_000)]);
	assert.deepEqual([fault, detail], ['io', 'E2BIG']);
});

test('finds a program on the PATH of its own environment', { skip: !posix }, async () => {
	writeFileSync(join(folder, 'shim-program-found'), '#!/bin/sh\necho found\n', { mode: 0o755 });
	const before = process.env.PATH;
	process.env.PATH = `${folder}${delimiter}${before}`;
	try {
		assert.equal((await run(['shim-program-found'])).stdout, 'found\n');
	} finally {
		process.env.PATH = before;
	}
});

test('ends one that takes too long, whatever it does about signals', { skip: !posix }, async () => {
	const pid = join(folder, 'pid');
	const ran = await run(['/bin/sh', '-c', STUBBORN, 'sh', pid], { timeoutMs: ENOUGH_MS });
	assert.deepEqual(ran, { fault: 'timeout', detail: `not over after ${ENOUGH_MS} ms` });
	const number = Number(await appears(pid));
	for (let tries = 0; isRunning(number); tries += 1) {
		assert.ok(tries < 100, 'it goes on');
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
});

test('does not wait for ever for what a program has left running', { skip: !posix }, async () => {
	const { fault } = await run(['/bin/sh', '-c', 'sleep 30 & echo $! > "$1"', 'sh', join(folder, 'pid')], {
		timeoutMs: ENOUGH_MS,
	});
	process.kill(Number(await appears(join(folder, 'pid'))));
	assert.equal(fault, 'timeout');
});

test('takes so much, and no more', async () => {
	const say = (/** @type {string} */ stream, /** @type {number} */ count) =>
		`process.${stream}.write("x".repeat(${count}))`;
	assert.equal((await script(say('stdout', 1000), { maxBytes: 1000 })).stdout, 'x'.repeat(1000));
	for (const stream of ['stdout', 'stderr']) {
		assert.deepEqual(await script(say(stream, 1001), { maxBytes: 1000 }), {
			fault: 'too-large',
			detail: 'more than 1000 bytes',
		});
	}
	const endless = await script(
		'const more = () => { while (process.stdout.write("x".repeat(65536))); process.stdout.once("drain", more) }; more()',
	);
	assert.equal(endless.fault, 'too-large');
});

test('reads bytes that are no text as far as they are', async () => {
	const { stdout } = await script('process.stdout.write(Buffer.from([0x61, 0xff, 0x62]))');
	assert.equal(stdout, 'a\uFFFDb');
});

test('reads a character that comes in two parts', async () => {
	const { stdout } = await script(
		'process.stdout.write(Buffer.from([0xc3])); setTimeout(() => process.stdout.write(Buffer.from([0xbc])), 50)',
	);
	assert.equal(stdout, 'ü');
});

test('ends when it is interrupted', { skip: !posix }, async () => {
	const pid = join(folder, 'pid');
	let interrupted = 0;
	const ran = await run(['/bin/sh', '-c', STUBBORN, 'sh', pid], {}, async (stop) => {
		await appears(pid);
		interrupted = performance.now();
		stop('SIGTERM');
		if (!process.env.CI_ASSUME_ROLE_RUNTIME) stop('SIGTERM'); // there, it is a signal, and the first one ends it
	});
	assert.deepEqual(ran, { fault: 'interrupted', detail: 'SIGTERM' });
	assert.ok(performance.now() - interrupted < 2000, 'it took its time');
	const number = Number(await appears(pid));
	for (let tries = 0; isRunning(number); tries += 1) {
		assert.ok(tries < 100, 'it goes on');
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
});
