// The first thing that a newcomer runs: the real GitHub entry, as the runner would start it, against the sandbox. It
// shows one job that gets credentials and one that does not, checks itself, and leaves nothing behind.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { core } from './policy-core.js';
import { startJob } from './runner.js';
import { startSandbox } from './sandbox.js';

const DENIED = 4;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** @returns {Promise<number>} the exit code */
export async function demo() {
	let signalled = false;
	let stop = () => {};
	const interrupt = () => {
		signalled = true;
		stop();
	};
	for (const signal of SIGNALS) process.on(signal, interrupt);
	const folder = mkdtempSync(join(tmpdir(), 'ci-assume-role-demo-')); // for its owner alone
	/** @type {Sandbox | undefined} */
	let sandbox;
	try {
		sandbox = await startSandbox();
		const config = core.sandboxDefaultConfig();
		const job = startJob(folder, surroundings(sandbox, config), (line) => console.log(`   | ${line}`));
		stop = job.stop;
		const wrong = await tell(sandbox, config, {
			mask: job.mask,
			async step(entry, more) {
				const result = await job.step(entry, more);
				if (signalled) throw new Interrupted();
				return result;
			},
		});
		for (const sentence of wrong) console.error(`Not as it should be: ${sentence}`);
		return wrong.length === 0 ? 0 : 1;
	} catch (error) {
		if (!(error instanceof Interrupted)) throw error;
		return 130;
	} finally {
		sandbox?.close();
		rmSync(folder, { recursive: true, force: true });
		for (const signal of SIGNALS) process.off(signal, interrupt);
	}
}

class Interrupted extends Error {}

/**
 * @typedef {Awaited<ReturnType<typeof startSandbox>>} Sandbox
 * @typedef {import('./types.d.ts').SandboxConfig} Config
 * @typedef {Pick<ReturnType<typeof startJob>, 'step' | 'mask'>} Job
 */

/**
 * What the runner tells every step of the job, inputs aside.
 * @param {Sandbox} sandbox
 * @param {Config} config
 */
function surroundings({ requestUrl, requestToken }, { job }) {
	return {
		CI: 'true',
		GITHUB_ACTIONS: 'true',
		GITHUB_REPOSITORY: `${job.repository}`,
		GITHUB_REF: `${job.ref}`,
		GITHUB_RUN_ID: '1',
		GITHUB_RUN_ATTEMPT: '1',
		ACTIONS_ID_TOKEN_REQUEST_URL: requestUrl,
		ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
	};
}

/**
 * @param {Sandbox} sandbox
 * @param {Config} config
 * @param {Job} job
 * @returns {Promise<string[]>} what did not go as it should
 */
async function tell({ url }, { roles, job: { repository, ref } }, job) {
	/** @type {string[]} */
	const wrong = [];
	/** @param {boolean} condition @param {string} otherwise */
	const expect = (condition, otherwise) => void (condition || wrong.push(otherwise));
	/** @param {Record<string, string>} variables */
	const list = (variables) => {
		for (const [name, value] of Object.entries(variables)) console.log(`   | ${name}=${job.mask(value)}`);
	};
	const [open, closed] = roles.map(({ arn }) => arn);
	/** @param {string} [role] */
	const inputs = (role = '') => ({
		'INPUT_ROLE-TO-ASSUME': role,
		'INPUT_AWS-REGION': 'us-east-1',
		'INPUT_STS-ENDPOINT': url,
	});

	console.log(
		`A demonstration of ci-assume-role ${core.version()}. Everything in it happens on this machine: in place of`,
	);
	console.log(`GitHub's token service and of AWS there is a sandbox at ${url}.`);

	console.log(`\n1. A job of ${repository} on ${ref} asks for the role ${nameOf(open)}. Its log:\n`);
	const main = await job.step('github.cjs', inputs(open));
	const secrets = Object.keys(main.env).filter((name) => job.mask(main.env[name] ?? '') !== main.env[name]);
	expect(main.exitCode === 0, `the job ended with exit code ${main.exitCode}`);
	expect(main.leaks === 0, 'its log shows a secret');
	expect(secrets.length > 0, 'it was given no credentials');

	console.log('\n2. The steps after it find these variables (*** is what the runner shows of a secret):\n');
	list(main.env);

	console.log('\n3. The job ends, and the post step takes them away:\n');
	const state = Object.fromEntries(Object.entries(main.state).map(([name, value]) => [`STATE_${name}`, value]));
	const post = await job.step('github-post.cjs', { ...main.env, ...inputs(open), ...state });
	list(post.env);
	expect(post.exitCode === 0, `the post step ended with exit code ${post.exitCode}`);
	expect(
		secrets.every((name) => post.env[name] === ''),
		'the post step left credentials behind',
	);

	console.log(`\n4. The same job asks for ${nameOf(closed)}, whose trust policy is for other jobs:\n`);
	const denied = await job.step('github.cjs', inputs(closed));
	expect(denied.exitCode === DENIED, `the denied job ended with exit code ${denied.exitCode}`);
	expect(denied.leaks === 0, 'the log of the denied job shows a secret');
	expect(Object.keys(denied.env).length === 0, 'the denied job was given something');

	if (wrong.length === 0) {
		console.log('\nThe step failed, and handed nothing over. That was all: nothing of it is left on this machine.');
		console.log(
			'Next: README.md shows the step for your own workflow; `node js/cli.js sandbox` lets you try your own roles.',
		);
	}
	return wrong;
}

/** @param {string} [arn] */
function nameOf(arn = '') {
	return `"${arn.slice(arn.lastIndexOf('/') + 1)}"`;
}
