// Signals, at each stage. A runner sends SIGINT, and SIGTERM when that did not help.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stsError, tokenAnswer } from '../support/answers.js';
import { drip, hang, INTERRUPTED } from '../support/faults.js';
import { assertFailed, assertHandedOver, assertNothingHandedOver, assertUntouched, startJob } from '../support/job.js';
import { ourFiles, startProcess } from '../support/process.js';

/** @typedef {import('../support/answers.js').Answer} Answer */
/** @typedef {import('../support/job.js').Job} Job */

const EARLIER_PROFILES = {
	'home/.aws/credentials': '# mine\n[other]\naws_access_key_id = AKIAOTHER\n',
	'home/.aws/config': '[profile other]\nregion = eu-north-1\n',
};

/** @type {[string, (job: Job) => { answers: Answer[], requests: number, env?: Record<string, string> }][]} */
const STAGES = [
	['while the token is fetched', () => ({ answers: [{ to: 'token', play: hang }], requests: 1 })],
	['inside the token', () => ({ answers: [{ to: 'token', play: drip }], requests: 1 })],
	['while STS is asked', (job) => ({ answers: [tokenAnswer(job.token), { to: 'sts', play: hang }], requests: 2 })],
	["inside STS's answer", (job) => ({ answers: [tokenAnswer(job.token), { to: 'sts', play: drip }], requests: 2 })],
	[
		'in the pause before another attempt',
		// The longest pause there is: five seconds for a clock that is slightly off.
		(job) => ({
			answers: [tokenAnswer(job.token), stsError(400, 'InvalidIdentityToken', 'Token issued in the future')],
			requests: 2,
		}),
	],
];

describe('signals', { concurrency: 2 }, () => {
	for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
		for (const [stage, prepare] of STAGES) {
			test(`${signal} ${stage}`, async (t) => {
				const job = await startJob(t, { env: { 'INPUT_HAND-OVER': 'profile' }, files: EARLIER_PROFILES });
				const before = job.files();
				const { answers, requests } = prepare(job);
				let signalled = 0;
				const step = await job.run({
					answers,
					started: async (child) => {
						await job.service.arrived(requests);
						await new Promise((resolve) => setTimeout(resolve, 150)); // for the answer to be on its way
						signalled = performance.now();
						child.kill(signal);
					},
				});
				assert.ok(performance.now() - signalled < 1000, 'it took its time');
				assertFailed(step, INTERRUPTED, 'interrupted');
				assertUntouched(job, before);
			});
		}

		test(`${signal} twice`, async (t) => {
			const job = await startJob(t);
			const step = await job.run({
				answers: [{ to: 'token', play: hang }],
				started: async (child) => {
					await job.service.arrived(1);
					child.kill(signal);
					child.kill(signal);
				},
			});
			// The second one may find nobody who listens any more; then it ends the process by itself.
			assert.ok(step.exitCode === INTERRUPTED || step.signal === signal, `${step.exitCode} ${step.signal}`);
			assertNothingHandedOver(step);
		});

		test(`${signal} at any moment: all is handed over, or nothing`, async (t) => {
			for (let ms = 0; ms < 160; ms += 20) {
				const job = await startJob(t);
				const step = await job.run({
					leaveAnswers: true,
					started: (child) => setTimeout(() => child.kill(signal), ms),
				});
				if (step.exitCode === 0) assertHandedOver(step);
				// While Node takes itself down nobody listens any more; what it had done by then is all or nothing, too.
				else if (step.signal === signal && step.env.size > 0) assert.ok(step.env.has('AWS_SESSION_TOKEN'));
				else assertNothingHandedOver(step);
			}
		});

		test(`${signal} while a credential process fetches: no credentials, no file changed`, async (t) => {
			const { job, args } = await startProcess(t);
			const before = ourFiles(job);
			const step = await job.run({
				entry: 'credential-process',
				args,
				answers: [{ to: 'token', play: hang }],
				started: async (child) => {
					await job.service.arrived(1);
					child.kill(signal);
				},
			});
			assert.deepEqual([step.codes, step.exitCode, step.stdout], [['interrupted'], INTERRUPTED, '']);
			assert.deepEqual(ourFiles(job), before);
		});
	}
});
