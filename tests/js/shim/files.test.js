// The file effects, on a real file system: what they write, what they refuse, and what they leave behind.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
	chmodSync,
	chownSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { performFile, performing, web } from './effects.js';

const posix = process.platform !== 'win32';
const asRoot = posix && process.getuid?.() === 0;

let folder = '';
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'shim-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @param {string} name @param {string} [contents] */
function file(name, contents = '') {
	const path = join(folder, name);
	writeFileSync(path, contents);
	return path;
}

/** @param {string} path @param {Partial<import('../../../js/types.d.ts').ReadFile>} [more] */
const read = (path, more) =>
	performFile({ id: 1, kind: 'read-file', path, maxBytes: 100, symlinks: 'refuse', ...more });
/** @param {string} path @param {string} contents @param {number} [mode] */
const write = (path, contents, mode = 0o600) => performFile({ id: 1, kind: 'write-file', path, contents, mode });
/** @param {string} path @param {string} contents */
const append = (path, contents) => performFile({ id: 1, kind: 'append-file', path, contents });
/** @param {string} path @param {number} length */
const truncate = (path, length) => performFile({ id: 1, kind: 'truncate-file', path, length });
/** @param {string} path */
const remove = (path) => performFile({ id: 1, kind: 'remove-file', path });
/** @param {import('../../../js/types.d.ts').FileOutcome} outcome */
const fault = (outcome) => /** @type {{ fault?: string }} */ (outcome).fault;

test('reads a file whole, byte-order mark and all', () => {
	assert.deepEqual(read(file('a', '\uFEFFgr\u00FC\u00DFe\n')), { contents: '\uFEFFgr\u00FC\u00DFe\n' });
	assert.deepEqual(read(file('empty')), { contents: '' });
});

test('reads up to the limit and not beyond', () => {
	const path = file('a', 'x'.repeat(100));
	assert.deepEqual(read(path), { contents: 'x'.repeat(100) });
	assert.equal(fault(read(path, { maxBytes: 99 })), 'too-large');
});

test('reads a file that does not tell its size', { skip: process.platform !== 'linux' }, () => {
	assert.match(JSON.stringify(read('/proc/self/status', { maxBytes: 100000, symlinks: 'follow' })), /Pid:/);
	assert.equal(fault(read('/proc/self/status', { symlinks: 'follow' })), 'too-large');
});

test('names what cannot be read', () => {
	assert.equal(fault(read(join(folder, 'absent'))), 'not-found');
	assert.equal(fault(read(join(file('plain'), 'below'))), 'not-found');
	assert.equal(fault(read(folder)), 'not-a-file');
	writeFileSync(join(folder, 'latin1'), Buffer.from([0x67, 0x72, 0xfc]));
	assert.equal(fault(read(join(folder, 'latin1'))), 'not-utf8');
});

test('names a file that it may not read', { skip: !posix || asRoot }, () => {
	const path = file('closed', 'x');
	chmodSync(path, 0);
	assert.equal(fault(read(path)), 'permission');
});

test('does not wait for a pipe', { skip: !posix }, () => {
	const path = join(folder, 'pipe');
	execFileSync('mkfifo', [path]);
	assert.equal(fault(read(path, { symlinks: 'follow' })), 'not-a-file');
	assert.equal(fault(append(path, 'x')), 'not-a-file');
	assert.equal(fault(truncate(path, 0)), 'not-a-file');
	assert.equal(fault(write(path, 'x')), 'not-a-file');
});

test('follows a link where it may, and only there', { skip: !posix }, () => {
	const target = file('target', 'text');
	const link = join(folder, 'link');
	symlinkSync(target, link);
	assert.deepEqual(read(link, { symlinks: 'follow' }), { contents: 'text' });
	assert.equal(fault(read(link)), 'symlink');
	assert.equal(fault(append(link, 'more')), 'symlink');
	assert.equal(fault(truncate(link, 0)), 'symlink');
	assert.equal(fault(write(link, 'more')), 'symlink');
	assert.equal(readFileSync(target, 'utf8'), 'text');
	assert.deepEqual(remove(link), {});
	assert.equal(readFileSync(target, 'utf8'), 'text');
});

test('refuses a folder that is a link', { skip: !posix }, () => {
	mkdirSync(join(folder, 'real'));
	file('real/a', 'text');
	symlinkSync(join(folder, 'real'), join(folder, 'alias'));
	const path = join(folder, 'alias', 'a');
	assert.equal(fault(read(path)), 'symlink');
	assert.equal(fault(write(path, 'more')), 'symlink');
	assert.deepEqual(read(path, { symlinks: 'follow' }), { contents: 'text' });
	assert.deepEqual(readdirSync(join(folder, 'real')), ['a']);
});

test('refuses a link that leads nowhere', { skip: !posix }, () => {
	const link = join(folder, 'link');
	symlinkSync(join(folder, 'nowhere'), link);
	assert.equal(fault(write(link, 'x')), 'symlink');
	assert.equal(fault(append(link, 'x')), 'symlink');
	assert.deepEqual(readdirSync(folder), ['link']);
});

test('writes a new file for the owner alone, in folders for the owner alone', () => {
	const path = join(folder, 'one', 'two', 'credentials');
	assert.deepEqual(write(path, 'secret\n'), {});
	assert.equal(readFileSync(path, 'utf8'), 'secret\n');
	assert.deepEqual(readdirSync(join(folder, 'one', 'two')), ['credentials']);
	if (!posix) return;
	assert.equal(statSync(path).mode & 0o777, 0o600);
	assert.equal(statSync(join(folder, 'one')).mode & 0o777, 0o700);
	assert.equal(statSync(join(folder, 'one', 'two')).mode & 0o777, 0o700);
});

test('replaces a file, and narrows what others may do with it', () => {
	const path = file('a', 'old');
	chmodSync(path, 0o644);
	const before = statSync(path).ino;
	assert.deepEqual(write(path, 'new'), {});
	assert.equal(readFileSync(path, 'utf8'), 'new');
	assert.deepEqual(readdirSync(folder), ['a']);
	if (!posix) return;
	assert.notEqual(statSync(path).ino, before, 'a reader of the old file keeps the old file');
	assert.equal(statSync(path).mode & 0o777, 0o600);
	assert.deepEqual(write(path, 'x', 0o640), {});
	assert.equal(statSync(path).mode & 0o777, 0o640);
});

test('root leaves the owner of a file as it was', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
	const path = file('a', 'old');
	chownSync(path, 1234, 1235);
	assert.deepEqual(write(path, 'new'), {});
	const { uid, gid, mode } = statSync(path);
	assert.deepEqual([uid, gid, mode & 0o777], [1234, 1235, 0o600]);
});

test('does not write over a folder', () => {
	mkdirSync(join(folder, 'd'));
	assert.equal(fault(write(join(folder, 'd'), 'x')), 'not-a-file');
	assert.deepEqual(readdirSync(folder), ['d']);
});

test('names a folder that it may not write', { skip: !posix || asRoot }, () => {
	chmodSync(folder, 0o500);
	assert.equal(fault(write(join(folder, 'a'), 'x')), 'permission');
	chmodSync(folder, 0o700);
	assert.deepEqual(readdirSync(folder), []);
});

test('appends, and says where', () => {
	const path = file('env', 'A=1\n');
	assert.deepEqual(append(path, 'B=\u00FC\n'), { offset: 4 });
	assert.deepEqual(append(path, 'C=3\n'), { offset: 9 });
	assert.equal(readFileSync(path, 'utf8'), 'A=1\nB=\u00FC\nC=3\n');
});

test('never creates a file by appending or truncating', () => {
	assert.equal(fault(append(join(folder, 'absent'), 'x')), 'not-found');
	assert.equal(fault(truncate(join(folder, 'absent'), 0)), 'not-found');
	assert.deepEqual(readdirSync(folder), []);
});

test('truncates, and never grows a file', () => {
	const path = file('env', '12345');
	assert.deepEqual(truncate(path, 9), {});
	assert.equal(readFileSync(path, 'utf8'), '12345');
	assert.deepEqual(truncate(path, 2), {});
	assert.equal(readFileSync(path, 'utf8'), '12');
});

test('removes a file, once or twice', () => {
	const path = file('a');
	assert.deepEqual(remove(path), {});
	assert.deepEqual(remove(path), {});
	assert.notEqual(fault(remove(folder)), undefined);
	assert.ok(lstatSync(folder).isDirectory());
});

// A limit on the size of files is what a full disk looks like to one process: the first write is cut short, the
// second fails. (Bun and Deno are ended by the signal that comes with it, which only Node ignores.)
test('takes back half a line when the disk is full', { skip: !posix || web }, () => {
	const env = file('env', 'A=1\n'.repeat(200));
	const profile = file('profile', 'old');
	const contents = 'x'.repeat(3000);
	/** @param {import('../../../js/types.d.ts').FileEffect} effect */
	const limited = (effect) => {
		const run = ['-c', 'ulimit -f 2; exec "$@"', 'sh', ...performing(effect)];
		const { stdout, stderr } = spawnSync('sh', run, { encoding: 'utf8' });
		assert.equal(stderr, '');
		return fault(JSON.parse(stdout));
	};
	assert.equal(limited({ id: 1, kind: 'append-file', path: env, contents }), 'disk-full');
	assert.equal(limited({ id: 1, kind: 'write-file', path: profile, contents, mode: 0o600 }), 'disk-full');
	assert.equal(readFileSync(env, 'utf8'), 'A=1\n'.repeat(200));
	assert.equal(readFileSync(profile, 'utf8'), 'old');
	assert.deepEqual(readdirSync(folder).sort(), ['env', 'profile']);
});

test('names a place that has no room for a folder, and does not try for ever', {
	skip: process.platform !== 'linux',
}, () => {
	const path = '/proc/none/at/all/file';
	assert.deepEqual(performFile({ id: 1, kind: 'write-file', path, contents: 'x', mode: 0o600 }), {
		fault: 'not-found',
		detail: 'ENOENT',
	});
});
