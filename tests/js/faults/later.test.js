// What comes after the step, the command that AWS tools run and the post step, against what can fail there.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { stsAnswer, tokenAnswer } from '../support/answers.js';
import { BOTH, FILES, ONE_SECOND, STS } from '../support/faults.js';
import { assertHandedOver, startJob } from '../support/job.js';
import { ourFiles, startProcess } from '../support/process.js';

/** @typedef {import('../support/answers.js').Answer} Answer */

const parallel = { concurrency: 4 };

describe('a credential process', parallel, () => {
	for (const { name, answer, code, exitCode } of [...BOTH, ...STS].filter((each) => each.env !== ONE_SECOND)) {
		test(`STS ${name}`, async (t) => {
			const { job, args } = await startProcess(t);
			const before = ourFiles(job);
			const answers = [tokenAnswer(job.token), /** @type {Answer} */ ({ ...answer, to: 'sts' })];
			const step = await job.run({ entry: 'credential-process', args, answers });
			assert.deepEqual([step.codes, step.exitCode, step.stdout], [[code], exitCode, ''], step.log);
			assert.deepEqual(ourFiles(job), before);
		});
	}

	for (const [what, spoil] of /** @type {[string, (path: string) => void][]} */ ([
		['gone', (path) => fs.rmSync(path)],
		['empty', (path) => fs.writeFileSync(path, '')],
		['damaged', (path) => fs.writeFileSync(path, '{"environment":')],
		['replaced by a link', replaceByLink],
		['replaced by a folder', replaceByFolder],
	])) {
		test(`its request file is ${what}`, async (t) => {
			const { job, args, request } = await startProcess(t);
			spoil(request);
			const step = await job.run({ entry: 'credential-process', args });
			assert.deepEqual([step.codes, step.exitCode, step.stdout], [['cache-unusable'], FILES, ''], step.log);
		});
		test(`its cache is ${what}`, async (t) => {
			const { job, args, cache } = await startProcess(t);
			spoil(cache);
			const answers = [tokenAnswer(job.token), stsAnswer()];
			const step = await job.run({ entry: 'credential-process', args, answers });
			assert.equal(step.exitCode, 0, step.log);
			assert.equal(JSON.parse(step.stdout).Version, 1);
		});
	}
});

describe('the post step', parallel, () => {
	for (const [what, spoil, codes] of /** @type {[string, (path: string) => void, string[]][]} */ ([
		['gone', (path) => fs.rmSync(path), []],
		['damaged', (path) => fs.writeFileSync(path, '{'), ['hand-over-failed']],
		['replaced by a link', replaceByLink, ['hand-over-failed']],
	])) {
		test(`its record is ${what}: the variables are blanked all the same`, async (t) => {
			const job = await startJob(t);
			assertHandedOver(await job.run());
			spoil(`${job.env.STATE_record}`);
			const step = await job.run({ entry: 'github-post' });
			assert.deepEqual(step.codes, codes, step.log);
			assert.equal(step.env.get('AWS_SECRET_ACCESS_KEY'), '', step.log);
		});
	}

	for (const [what, env] of /** @type {[string, import('../support/job.js').Changes][]} */ ([
		['is not set', { GITHUB_ENV: null }],
		['is a device', { GITHUB_ENV: '/dev/full' }],
	])) {
		test(`GITHUB_ENV ${what}: the profile is removed all the same, and the job is told`, async (t) => {
			const job = await startJob(t, { env: { 'INPUT_HAND-OVER': 'profile' } });
			assert.equal((await job.run()).exitCode, 0);
			const step = await job.run({ entry: 'github-post', env });
			assert.deepEqual([step.codes, step.exitCode], [['hand-over-failed'], FILES], step.log);
			assert.deepEqual(
				ourFiles(job).map(([path]) => path),
				[],
			);
		});
	}

	test('one thing that cannot be taken back does not keep the others', async (t) => {
		const job = await startJob(t, { env: { 'INPUT_HAND-OVER': 'profile', 'INPUT_OUTPUT-ENV-CREDENTIALS': 'true' } });
		assertHandedOver(await job.run());
		job.put('home/.aws/credentials', { folder: true });
		const step = await job.run({ entry: 'github-post' });
		assert.deepEqual([step.codes, step.exitCode], [['hand-over-failed'], FILES], step.log);
		assert.equal(step.env.get('AWS_SECRET_ACCESS_KEY'), '');
		assert.ok(!fs.existsSync(job.path('home/.aws/config')), 'the config file was ours alone');
	});
});

/** @param {string} path */
function replaceByLink(path) {
	fs.renameSync(path, `${path}.old`);
	fs.symlinkSync(`${path}.old`, path);
}

/** @param {string} path */
function replaceByFolder(path) {
	fs.rmSync(path);
	fs.mkdirSync(path);
}
