// Every file that the path reads or writes against every way in which a file can fail. What is written comes after the
// exchange, and in an order; so what was written before has to be taken back, to the byte.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { DENIED, tokenAnswer } from '../support/answers.js';
import { RUNTIME_NAME } from '../support/child.js';
import { DENIED_BY_AWS, FILES, TOKEN } from '../support/faults.js';
import { assertFailed, assertHandedOver, assertUntouched, startJob } from '../support/job.js';

/** @typedef {import('../support/job.js').Job} Job */

/** Of a file, where a disk is to be full. */
const LIMIT = 32 * 1024;
const isRoot = process.getuid?.() === 0;
const parallel = { concurrency: 4 };

/**
 * How the credentials go out decides what is written, and in which order.
 * @type {Record<string, { env: Record<string, string>, files: string[] }>}
 */
const WAYS = {
	env: { env: {}, files: ['commands/GITHUB_STATE', 'commands/GITHUB_OUTPUT', 'commands/GITHUB_ENV'] },
	outputs: { env: { 'INPUT_HAND-OVER': 'outputs' }, files: ['commands/GITHUB_OUTPUT'] },
	profile: {
		env: { 'INPUT_HAND-OVER': 'profile' },
		files: ['commands/GITHUB_STATE', 'commands/GITHUB_OUTPUT', 'commands/GITHUB_ENV', ...profileFiles()],
	},
	process: {
		env: { 'INPUT_HAND-OVER': 'process' },
		files: ['commands/GITHUB_STATE', 'commands/GITHUB_OUTPUT', 'commands/GITHUB_ENV', 'home/.aws/config'],
	},
};

function profileFiles() {
	return ['home/.aws/credentials', 'home/.aws/config'];
}

const EARLIER = {
	GITHUB_ENV: 'EARLIER=1\n',
	GITHUB_OUTPUT: 'earlier=1\n',
	GITHUB_STATE: 'earlier=1\n',
	GITHUB_STEP_SUMMARY: 'earlier\n',
};
const EARLIER_PROFILES = {
	'home/.aws/credentials': '# mine\n[other]\naws_access_key_id = AKIAOTHER\n',
	'home/.aws/config': '[profile other]\nregion = eu-north-1\n',
};

/** @type {[string, (job: Job, path: string) => void][]} */
const IN_PLACE_OF_A_FILE = [
	[
		'a symbolic link',
		(job, path) => {
			job.put('elsewhere/target', 'untouched\n');
			job.put(path, { symlink: '{temp}/elsewhere/target' });
		},
	],
	['a folder', (job, path) => job.put(path, { folder: true })],
	['a dangling symbolic link', (job, path) => job.put(path, { symlink: '{temp}/elsewhere/nothing' })],
	[
		'a pipe',
		(job, path) => {
			fs.rmSync(job.path(path), { force: true });
			assert.equal(spawnSync('mkfifo', [job.path(path)]).status, 0, 'mkfifo');
		},
	],
];

describe('files', parallel, () => {
	for (const [way, { env, files }] of Object.entries(WAYS)) {
		for (const file of files) {
			// The first one shows that every way looks; where a file is not looked at by `env`, all are tried.
			const every = way === 'env' || !file.startsWith('commands/');
			for (const [what, replace] of every ? IN_PLACE_OF_A_FILE : IN_PLACE_OF_A_FILE.slice(0, 1)) {
				test(`hand-over: ${way}: ${what} in place of ${file}`, (t) =>
					fileTest(t, env, (job) => {
						replace(job, file);
						return {};
					}));
			}
		}
		for (const file of way === 'env' ? files : []) {
			const name = file.replace('commands/', '');
			test(`${name} is not there`, (t) => fileTest(t, env, () => ({ env: { [name]: '{temp}/commands/gone' } })));
			test(`${name} is not set`, (t) => fileTest(t, env, () => ({ env: { [name]: null } })));
			test(`${name} is empty`, (t) => fileTest(t, env, () => ({ env: { [name]: '' } })));
			test(`${name} is a device`, (t) => fileTest(t, env, () => ({ env: { [name]: '/dev/full' } })));
		}
	}

	for (const way of ['profile', 'process']) {
		const env = { 'INPUT_HAND-OVER': way };
		test(`hand-over: ${way}: the folder of the profiles is a symbolic link`, (t) =>
			fileTest(t, env, (job) => {
				job.put('elsewhere/config', '');
				job.put('home/.aws', { symlink: '{temp}/elsewhere' });
				return {};
			}));
		for (const [what, node] of /** @type {[string, import('../support/job.js').Node][]} */ ([
			['no INI file', '[profile unfinished\nregion = x\n'],
			['not UTF-8', { bytes: Buffer.from([0x5b, 0xff, 0xfe, 0x5d, 0x0a]) }],
			['too large', '# padding\n'.repeat(200_000)],
		])) {
			test(`hand-over: ${way}: the config file is ${what}`, (t) =>
				fileTest(t, env, (job) => {
					job.put('home/.aws/config', node);
					return {};
				}));
		}
	}

	for (const way of ['env', 'profile', 'process']) {
		const { env } = /** @type {{ env: Record<string, string> }} */ (WAYS[way]);
		test(`hand-over: ${way}: RUNNER_TEMP is a file`, (t) =>
			fileTest(t, env, (job) => {
				job.put('not-a-folder', 'x');
				return { env: { RUNNER_TEMP: '{temp}/not-a-folder' } };
			}));
		test(`hand-over: ${way}: RUNNER_TEMP is a symbolic link`, (t) =>
			fileTest(t, env, (job) => {
				job.put('elsewhere/x', '');
				job.put('linked', { symlink: '{temp}/elsewhere' });
				return { env: { RUNNER_TEMP: '{temp}/linked' } };
			}));
	}

	test('RUNNER_TEMP is made where it is not there', async (t) => {
		const job = await startJob(t, { env: { RUNNER_TEMP: '{temp}/new/runner' } });
		assertHandedOver(await job.run());
		assert.equal(fs.statSync(job.path('new/runner')).mode & 0o777, 0o700);
	});

	// A limit on the size of files behaves as a disk that fills up in the middle of a write.
	for (const [way, { env, files }] of Object.entries(WAYS)) {
		for (const file of files) {
			test(`hand-over: ${way}: no space left in the middle of ${file}`, { skip: noLimits() }, (t) =>
				fileTest(t, env, (job) => {
					const nearlyFull = `# ${'x'.repeat(LIMIT - 40)}\n`;
					if (!file.startsWith('commands/')) {
						job.put(file, nearlyFull);
						return { wrapper: limited() };
					}
					const padding = `PADDING=${'x'.repeat(LIMIT - 40)}\n`;
					return { wrapper: limited(), commandFiles: { [file.replace('commands/', '')]: padding } };
				}),
			);
		}
	}
	test('no space left for the very first byte', { skip: noLimits() }, (t) =>
		fileTest(t, {}, () => ({ wrapper: limited(0), commandFiles: {} })),
	);

	test('no space left on a real file system', { skip: !isRoot && 'only root may mount one' }, async (t) => {
		for (const [place, env] of /** @type {[string, Record<string, string>][]} */ ([
			['runner', { RUNNER_TEMP: '{temp}/small' }],
			['profiles', { 'INPUT_HAND-OVER': 'profile', AWS_CONFIG_FILE: '{temp}/small/config' }],
			['variables', { GITHUB_ENV: '{temp}/small/env' }],
		])) {
			await t.test(place, async (t) => {
				const job = await startJob(t, { env });
				fs.mkdirSync(job.path('small'));
				const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', job.path('small')]);
				if (mounted.status !== 0) return t.skip('mounting is not allowed here');
				try {
					for (const name of ['env', 'config']) fs.writeFileSync(job.path(`small/${name}`), '');
					const filled = () => fs.writeFileSync(job.path('small/filler'), Buffer.alloc(1024 * 1024));
					assert.throws(filled, { code: 'ENOSPC' });
					const before = job.files();
					const step = await job.run();
					assertFailed(step, FILES, 'hand-over-failed');
					assert.match(step.log, /the disk is full/);
					assertUntouched(job, before);
				} finally {
					spawnSync('umount', [job.path('small')]); // before the folder is removed, whatever came of it
				}
			});
		}
	});

	for (const file of ['commands/GITHUB_ENV', 'commands/GITHUB_OUTPUT', 'commands/GITHUB_STATE']) {
		test(`${file} may not be written`, (t) => fileTest(t, {}, (job) => forbid(job, file, 0o444)));
	}
	for (const [folder, env] of /** @type {[string, Record<string, string>][]} */ ([
		['runner', {}],
		['home/.aws', { 'INPUT_HAND-OVER': 'profile' }],
	])) {
		test(`the folder ${folder} may not be written`, (t) => fileTest(t, env, (job) => forbid(job, folder, 0o555)));
	}
	test('the config file may not be read', (t) =>
		fileTest(t, { 'INPUT_HAND-OVER': 'profile' }, (job) => forbid(job, 'home/.aws/config', 0o000)));
});

// What explains a failure is a help. That it cannot be written must not hide the failure itself.
describe('the explanation', parallel, () => {
	for (const name of ['GITHUB_STEP_SUMMARY', 'GITHUB_OUTPUT']) {
		for (const [what, env] of /** @type {[string, import('../support/job.js').Changes][]} */ ([
			['is not set', { [name]: null }],
			['is not there', { [name]: '{temp}/none/file' }],
			['is a device', { [name]: '/dev/full' }],
			['is a folder', { [name]: '{temp}/home' }],
		])) {
			test(`${name} ${what}`, async (t) => {
				const job = await startJob(t, { env });
				const step = await job.run({ answers: [tokenAnswer(job.token), DENIED] });
				assertFailed(step, DENIED_BY_AWS, 'not-authorized');
			});
		}
	}
});

describe('the token file', parallel, () => {
	const TOKEN_FILE = {
		'INPUT_WEB-IDENTITY-TOKEN-FILE': 'token.jwt',
		ACTIONS_ID_TOKEN_REQUEST_URL: null,
		ACTIONS_ID_TOKEN_REQUEST_TOKEN: null,
	};
	for (const [what, place] of /** @type {[string, (job: Job) => void | ReturnType<typeof forbid>][]} */ ([
		['is not there', () => {}],
		['is a folder', (job) => job.put('workspace/token.jwt', { folder: true })],
		['is a pipe', (job) => IN_PLACE_OF_A_FILE[3]?.[1](job, 'workspace/token.jwt')],
		[
			'is a symbolic link',
			(job) => {
				job.put('elsewhere', '{token}');
				job.put('workspace/token.jwt', { symlink: '{temp}/elsewhere' });
			},
		],
		['is not UTF-8', (job) => job.put('workspace/token.jwt', { bytes: Buffer.from([0xff, 0xfe, 0x00]) })],
		['is 64 MiB large', (job) => job.put('workspace/token.jwt', { bytes: Buffer.alloc(64 * 1024 * 1024, 'a') })],
		['is endless', (job) => job.put('workspace/token.jwt', { symlink: '/dev/zero' })],
		[
			'may not be read',
			(job) => {
				job.put('workspace/token.jwt', '{token}');
				return forbid(job, 'workspace/token.jwt', 0o000);
			},
		],
	])) {
		test(what, async (t) => {
			const job = await startJob(t, { env: TOKEN_FILE });
			const more = place(job) ?? {};
			const step = await job.run({ answers: [], ...more });
			assertFailed(step, 2, 'token-file-unreadable');
		});
	}
	test('is empty', async (t) => {
		const job = await startJob(t, { env: TOKEN_FILE, files: { 'workspace/token.jwt': '' } });
		assertFailed(await job.run({ answers: [] }), TOKEN, 'token-malformed');
	});
});
/**
 * A run in which one file cannot be used: it fails, and everything else is as before.
 * @param {import('node:test').TestContext} t
 * @param {Record<string, string>} env
 * @param {(job: Job) => import('../support/job.js').StepOptions} spoil
 */
async function fileTest(t, env, spoil) {
	const job = await startJob(t, { env, files: EARLIER_PROFILES });
	const more = spoil(job);
	const commandFiles = { ...EARLIER, ...more.commandFiles };
	for (const [name, text] of Object.entries(commandFiles)) {
		const path = job.path(`commands/${name}`);
		if (fs.lstatSync(path, { throwIfNoEntry: false })?.isFile()) fs.writeFileSync(path, text);
	}
	const before = job.files();
	const step = await job.run({ ...more, commandFiles });
	assert.deepEqual([step.codes, step.exitCode, step.signal], [['hand-over-failed'], FILES, null], step.log);
	assertUntouched(job, before);
}

/**
 * Takes a right away for the length of the step. Root has every right, so the step runs as somebody else then.
 * @param {Job} job
 * @param {string} path
 * @param {number} mode
 * @returns {Pick<import('../support/job.js').StepOptions, 'uid' | 'modes'>}
 */
function forbid(job, path, mode) {
	const uid = 65534;
	if (isRoot) assert.equal(spawnSync('chown', ['-R', `${uid}`, job.temp]).status, 0, 'chown');
	return { modes: { [path]: mode }, ...(isRoot && { uid }) };
}

/** @param {number} [bytes] */
function limited(bytes = LIMIT) {
	return ['prlimit', `--fsize=${bytes}`];
}

function noLimits() {
	if (RUNTIME_NAME === 'deno') return 'Deno does not live to see the error';
	return spawnSync('prlimit', ['--version']).error ? 'needs prlimit, of util-linux' : false;
}
