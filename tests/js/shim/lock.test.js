// The lock: held for its whole time, left by the dead, and given back.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { takeLock } from '../../../js/lock.js';

const LIMIT_MS = 600;

let folder = '';
beforeEach(() => {
	folder = fs.mkdtempSync(join(tmpdir(), 'shim-lock-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const place = () => join(folder, 'cache', 'entry.lock');

/** @param {string} holder */
function held(holder) {
	fs.mkdirSync(join(folder, 'cache'), { recursive: true });
	fs.writeFileSync(place(), holder);
}

/** @param {(stop: import('../../../js/types.d.ts').Stop) => void} [control] */
async function take(control = () => {}) {
	const began = performance.now();
	const outcome = await new Promise((resolve) => {
		control(takeLock({ id: 1, kind: 'lock', path: place(), timeoutMs: LIMIT_MS }, resolve));
	});
	return { outcome, ms: performance.now() - began };
}

test('is taken where nobody has it, with the number of who has it, for the owner alone', async () => {
	const { outcome } = await take();
	assert.deepEqual(outcome, {});
	assert.equal(fs.readFileSync(place(), 'utf8'), `${process.pid}`);
	assert.equal(fs.statSync(place()).mode & 0o777, 0o600);
});

test('held by a living process for the whole time: says so, and leaves it alone', async () => {
	held(`${process.pid}`);
	const alive = setInterval(() => fs.utimesSync(place(), new Date(), new Date()), 50);
	const { outcome, ms } = await take().finally(() => clearInterval(alive));
	assert.deepEqual(outcome, { fault: 'timeout', detail: `held by others for ${LIMIT_MS} ms` });
	assert.ok(ms >= LIMIT_MS && ms < LIMIT_MS + 1000, `${ms} ms`);
	assert.equal(fs.readFileSync(place(), 'utf8'), `${process.pid}`);
});

test('left by a dead process: is taken over at once', async () => {
	held(`${spawnSync(process.execPath, ['-e', '']).pid}`);
	const { outcome, ms } = await take();
	assert.deepEqual(outcome, {});
	assert.ok(ms < LIMIT_MS, `${ms} ms`);
	assert.equal(fs.readFileSync(place(), 'utf8'), `${process.pid}`);
});

test('older than anybody may have it, whoever that is: is taken over', async () => {
	held(`${process.pid}`);
	const longAgo = new Date(Date.now() - LIMIT_MS - 1000);
	fs.utimesSync(place(), longAgo, longAgo);
	const { outcome, ms } = await take();
	assert.deepEqual(outcome, {});
	assert.ok(ms < LIMIT_MS, `${ms} ms`);
});

test('given back meanwhile: is taken', async () => {
	held(`${process.pid}`);
	setTimeout(() => fs.rmSync(place()), 200);
	const { outcome, ms } = await take();
	assert.deepEqual(outcome, {});
	assert.ok(ms >= 190, `${ms} ms`);
});

test('a signal ends the wait', async () => {
	held(`${process.pid}`);
	const { outcome, ms } = await take((stop) => setTimeout(() => stop('SIGTERM'), 100));
	assert.deepEqual(outcome, { fault: 'interrupted', detail: 'SIGTERM' });
	assert.ok(ms < LIMIT_MS, `${ms} ms`);
	assert.equal(fs.readFileSync(place(), 'utf8'), `${process.pid}`);
});

test('where no folder can be made: says what the system says', async () => {
	fs.writeFileSync(join(folder, 'cache'), 'a file');
	const { outcome, ms } = await take();
	assert.deepEqual([outcome.fault, typeof outcome.detail], ['io', 'string']);
	assert.ok(ms < LIMIT_MS, `${ms} ms`);
});
