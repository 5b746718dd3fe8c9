// The loop, against a core that follows a script: what it does with each effect, and what with a core that breaks.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { command, drive } from './effects.js';

/**
 * @typedef {import('../../../js/types.d.ts').Effect} Effect
 * @typedef {import('../../../js/types.d.ts').Fetch} Fetch
 * @typedef {import('../../../js/types.d.ts').Outcome} Outcome
 * @typedef {(resumed: [number, Outcome][]) => Effect[]} Script
 */

/**
 * Runs a script that is asked for more effects with all that was resumed so far.
 * @param {Script} script
 * @param {{ fetch?: import('../../../js/types.d.ts').Start<Fetch>, signals?: EventEmitter }} [world]
 */
async function play(script, { fetch = () => assert.fail(), signals = new EventEmitter() } = {}) {
	/** @type {string[]} */
	const written = [];
	/** @type {[number, Outcome][]} */
	const resumed = [];
	const times = [0];
	const job = {
		next: () => script(resumed),
		/** @type {(id: number, outcome: Uint8Array, elapsedMs: number) => void} */
		resume: (id, outcome, elapsedMs) => {
			resumed.push([id, JSON.parse(new TextDecoder().decode(outcome))]);
			times.push(elapsedMs);
		},
	};
	const exitCode = await drive({
		start: () => job,
		fetch,
		write: (stream, text) => written.push(`${stream}: ${text}`),
		signals,
	});
	assert.deepEqual(
		times,
		[...times].sort((a, b) => a - b),
	);
	assert.deepEqual(signals.eventNames(), [], 'listeners left behind');
	return { exitCode, written, resumed };
}

/** @param {number} exitCode @returns {Effect} */
const done = (exitCode) => ({ kind: 'done', exitCode });
/** @param {string} text @returns {Effect} */
const log = (text) => ({ kind: 'log', stream: 'stdout', text });
/** @param {number} id @param {number} ms @returns {Effect} */
const sleep = (id, ms) => ({ id, kind: 'sleep', ms });
/** @param {number} id @param {string} [url] @returns {Effect} */
const fetchOf = (id, url = '') => ({
	...{ id, kind: 'fetch', method: 'GET', url, headers: [] },
	...{ connectTimeoutMs: 1, timeoutMs: 1, maxBytes: 1 },
});
/** Effects by how often the core was asked. @param {Effect[][]} rounds */
const rounds =
	(...rounds) =>
	() =>
		rounds.shift() ?? [];

test('writes lines in order, and ends as it is told', async () => {
	const { exitCode, written } = await play(
		rounds([
			{ kind: 'mask', line: '::add-mask::x' },
			log('one'),
			{ kind: 'log', stream: 'stderr', text: 'two' },
			done(4),
			log('never'),
		]),
	);
	assert.equal(exitCode, 4);
	assert.deepEqual(written, ['stdout: ::add-mask::x', 'stdout: one', 'stderr: two']);
});

test('performs files in their place', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'shim-run-'));
	const path = join(folder, 'env');
	writeFileSync(path, '');
	try {
		const { resumed, written } = await play(
			rounds(
				[
					log('before'),
					{ id: 1, kind: 'append-file', path, contents: 'A=1\n' },
					{ id: 2, kind: 'append-file', path, contents: 'B=2\n' },
					{ id: 3, kind: 'read-file', path, maxBytes: 99, symlinks: 'refuse' },
					log('after'),
				],
				[{ id: 4, kind: 'remove-file', path: join(folder, 'absent') }],
				[done(0)],
			),
		);
		assert.deepEqual(resumed, [
			[1, { offset: 0 }],
			[2, { offset: 4 }],
			[3, { contents: 'A=1\nB=2\n' }],
			[4, {}],
		]);
		assert.deepEqual(written, ['stdout: before', 'stdout: after']);
		assert.equal(readFileSync(path, 'utf8'), 'A=1\nB=2\n');
	} finally {
		rmSync(folder, { recursive: true });
	}
});

test('keeps several effects in flight, and resumes each as it ends', async () => {
	/** @type {Map<string, import('../../../js/types.d.ts').Settle>} */
	const waiting = new Map();
	const playing = play(
		(resumed) => {
			if (resumed.length === 3) return [done(0)];
			if (resumed.length === 0 && waiting.size === 0) return [fetchOf(1, 'a'), sleep(2, 20), fetchOf(3, 'b')];
			return [];
		},
		{
			fetch: ({ url }, settle) => {
				waiting.set(url, settle);
				return () => {};
			},
		},
	);
	assert.deepEqual([...waiting.keys()], ['a', 'b']);
	waiting.get('b')?.({ status: 200, headers: {}, body: 'b' });
	setTimeout(() => waiting.get('a')?.({ fault: 'reset', detail: '' }), 60);
	const { resumed } = await playing;
	assert.deepEqual(
		resumed.map(([id]) => id),
		[3, 2, 1],
	);
});

test('takes an answer that comes at once, and only one', async () => {
	const { resumed, exitCode } = await play(
		(resumed) => (resumed.length === 0 ? [fetchOf(1)] : [done(resumed.length)]),
		{
			fetch: (_, settle) => {
				settle({ fault: 'protocol', detail: 'first' });
				settle({ fault: 'protocol', detail: 'second' });
				return () => assert.fail();
			},
		},
	);
	assert.deepEqual(resumed, [[1, { fault: 'protocol', detail: 'first' }]]);
	assert.equal(exitCode, 1);
});

test('ends what is still in flight when the core is done', async () => {
	let stopped = '';
	const { resumed } = await play(rounds([fetchOf(1), sleep(2, 60000), done(0)]), {
		fetch: (_, settle) => (signal) => {
			stopped = signal;
			settle({ fault: 'interrupted', detail: signal });
		},
	});
	assert.equal(stopped, 'done');
	assert.deepEqual(resumed, []);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
	test(`ends what waits on ${signal}, and lets the core clean up`, async () => {
		const signals = new EventEmitter();
		const folder = mkdtempSync(join(tmpdir(), 'shim-run-'));
		const path = join(folder, 'state');
		setTimeout(() => signals.emit(signal, signal), 30);
		const script = (/** @type {[number, Outcome][]} */ resumed) => {
			switch (resumed.length) {
				case 0:
					return [fetchOf(1), sleep(2, 60000)];
				case 2: // both ended: a file is still written, nothing is waited for any more
					return /** @type {Effect[]} */ ([
						{ id: 3, kind: 'write-file', path, contents: 'x', mode: 0o600 },
						fetchOf(4),
						sleep(5, 60000),
					]);
				case 5:
					return [done(130)];
				default:
					return [];
			}
		};
		let fetched = 0;
		const { exitCode, resumed } = await play(script, {
			signals,
			fetch: (_, settle) => {
				fetched += 1;
				return (signal) => settle({ fault: 'interrupted', detail: signal });
			},
		});
		const interrupted = { fault: 'interrupted', detail: signal };
		assert.equal(exitCode, 130);
		assert.equal(fetched, 1);
		assert.deepEqual(resumed, [
			[1, interrupted],
			[2, interrupted],
			[3, {}],
			[4, interrupted],
			[5, interrupted],
		]);
		assert.equal(readFileSync(path, 'utf8'), 'x');
		rmSync(folder, { recursive: true });
	});
}

const internal = /^stderr: ci-assume-role: internal error \(.*\), nothing more was done; please report it$/;

test('says one plain line when the core breaks, without what it was given', async () => {
	const secret = new Error('invalid type: string "hush", expected a map');
	const breaks = () => {
		throw secret;
	};
	/** @type {import('../../../js/types.d.ts').Job[]} */
	const jobs = [
		{ next: breaks, resume: () => {} },
		{ next: rounds([sleep(1, 0)]), resume: breaks },
	];
	for (const start of [breaks, ...jobs.map((job) => () => job)]) {
		/** @type {string[]} */
		const written = [];
		const exitCode = await drive({
			start: /** @type {() => import('../../../js/types.d.ts').Job} */ (start),
			fetch: () => assert.fail(),
			write: (stream, text) => written.push(`${stream}: ${text}`),
			signals: new EventEmitter(),
		});
		assert.equal(exitCode, 70);
		assert.equal(written.length, 1);
		assert.match(written[0] ?? '', internal);
		assert.doesNotMatch(written[0] ?? '', /hush/);
	}
});

test('says where the module trapped', async () => {
	// (module (func (export "f") unreachable))
	const bytes = '0061736d01000000010401600000030201000705010166000' + '00a05010300000b';
	const module = new WebAssembly.Module(Buffer.from(bytes, 'hex'));
	const { f } = /** @type {{ f: () => never }} */ (/** @type {unknown} */ (new WebAssembly.Instance(module).exports));
	const { exitCode, written } = await play(() => f());
	assert.equal(exitCode, 70);
	assert.match(written[0] ?? '', /\(RuntimeError: unreachable at wasm-function\[0\]:0x[0-9a-f]+\)/);
});

test('does not wait for a core that waits for nothing', async () => {
	const { exitCode, written } = await play(() => []);
	assert.equal(exitCode, 70);
	assert.match(written[0] ?? '', /\(Stalled\)/);
});

test('does not guess at an effect that it does not know', async () => {
	const unknown = /** @type {Effect} */ (/** @type {unknown} */ ({ id: 1, kind: 'launch' }));
	const { exitCode, written } = await play(rounds([unknown, log('never')]));
	assert.equal(exitCode, 70);
	assert.match(written[0] ?? '', /\(UnknownEffect\)/);
	assert.equal(written.length, 1);
});

test('ends a run that something else breaks', async () => {
	const signals = new EventEmitter();
	setTimeout(() => signals.emit('uncaughtException', new TypeError('hush')), 10);
	const { exitCode, written } = await play(rounds([sleep(1, 60000)]), { signals });
	assert.equal(exitCode, 70);
	assert.match(written[0] ?? '', /\(TypeError\)/);
});

/** @param {string} name */
const scripted = (name) => command('scripted.js', name);
/** @param {string} name */
const quoted = (name) =>
	scripted(name)
		.map((part) => `'${part}'`)
		.join(' ');

test('tells the core about its process', () => {
	const [executable, ...rest] = scripted('request');
	const { stdout, status } = spawnSync(executable, rest, {
		encoding: 'utf8',
		env: { PATH: process.env.PATH, HOME: '/home/somebody', AN_INPUT: 'gr\u00FC\u00DFe' },
	});
	const { ci, entry, args, env, runtime } = JSON.parse(stdout);
	assert.equal(status, 3);
	if (executable === process.execPath)
		assert.deepEqual([runtime.name, runtime.version], ['node', process.versions.node]);
	assert.deepEqual([ci, entry, args], ['github', 'main', ['one']]);
	assert.equal(env.AN_INPUT, 'gr\u00FC\u00DFe');
	assert.deepEqual(runtime, {
		name: runtime.name,
		version: runtime.version,
		executable,
		root: fileURLToPath(new URL('../../..', import.meta.url)).replace(/[\\/]$/, ''),
		platform: process.platform,
		home: process.platform === 'win32' ? runtime.home : '/home/somebody',
		coloured: [],
	});
});

test('ends at once on a real signal', { skip: process.platform === 'win32' }, async () => {
	for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
		const [executable, ...rest] = scripted('wait');
		const child = spawn(executable, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
		await once(child.stdout, 'data');
		child.kill(signal);
		assert.deepEqual(await once(child, 'exit'), [130, null]);
	}
});

test('does not mind a reader who leaves', { skip: process.platform === 'win32' }, () => {
	const line = `${quoted('flood')} | head -c 10 >/dev/null; echo "\${PIPESTATUS[0]}"`;
	const { stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
	assert.deepEqual([stdout, stderr], ['0\n', '']);
});

test('loses nothing on a pipe that is slow and does not block', { skip: process.platform === 'win32' }, () => {
	// Whoever shares the writing end of a pipe can make it non-blocking for all.
	const unblock = `python3 -c 'import os; os.set_blocking(1, False)'`;
	const line = `(${unblock}; ${quoted('flood')}; echo $? >&2) | (sleep 0.3; wc -c)`;
	const { stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
	assert.deepEqual([stdout.trim(), stderr], [`${10000 * 101}`, '0\n']);
});
