// Measures whole runs of the action against the least that Node could do, and against the action that it replaces.
//
// Every process is measured from outside, by the kernel's own account of it. All take turns in each round, so that
// a machine that is busy, or that changes speed, is so for all of them alike; what counts is their ratio.

import fs from 'node:fs';
import os from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as bytes from './bytes.js';
import { startLauncher, startStub } from './helpers.js';
import { emptyCommandFiles, environment, handedOver } from './job.js';
import { report, SCHEMES } from './report.js';

/** @typedef {import('./helpers.js').Scheme} Scheme */

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} script
 * @property {(env: import('./job.js').Environment) => string[]} [args]
 * @property {number} [exitCode]
 */

/**
 * Steps of one job; a later one finds what the ones before it left.
 * @typedef {{ scheme: Scheme, sts?: string, steps: Step[] }} Job
 */

const USAGE = `\
node bench/run.js [option]...

  --runs N       how often each process is measured (30)
  --node PATH    the Node to measure with (the Node 24 of tests/runtimes, else the one that runs this)
  --peer FOLDER  a checkout of aws-actions/configure-aws-credentials to compare with
  --write        put the tables into docs/performance.md`;

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');
const NODE_24 = `${ROOT}/tests/runtimes/node_modules/node-24/bin/node`;
const PAGE = `${ROOT}/docs/performance.md`;
const BEGIN = '<!-- bench/run.js writes from here -->\n';
const END = '<!-- bench/run.js writes to here -->\n';
const WARM_UP = 2;
const DENIED = 4;

const options = readOptions();
if (options.help) {
	console.log(USAGE);
} else {
	try {
		await main();
	} catch (error) {
		console.error(/** @type {Error} */ (error).message);
		process.exit(1);
	}
}

function readOptions() {
	try {
		const { values } = parseArgs({
			options: {
				runs: { type: 'string', default: '30' },
				node: { type: 'string', default: fs.existsSync(NODE_24) ? NODE_24 : process.execPath },
				peer: { type: 'string' },
				write: { type: 'boolean', default: false },
				help: { type: 'boolean', default: false },
			},
		});
		const rounds = Number(values.runs);
		if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--runs takes a whole number of at least 1');
		for (const name of /** @type {const} */ (['node', 'peer'])) {
			const path = values[name];
			if (path !== undefined) values[name] = resolve(path); // the measured processes run elsewhere
		}
		if (values.peer !== undefined && !fs.existsSync(`${values.peer}/dist/index.js`)) {
			throw new Error('--peer takes a checkout of configure-aws-credentials; there is no dist/index.js in this folder');
		}
		return { ...values, rounds };
	} catch (error) {
		console.error(`${/** @type {Error} */ (error).message}\n\n${USAGE}`);
		process.exit(2);
	}
}

async function main() {
	const { rounds } = options;
	const temp = fs.mkdtempSync(`${fs.realpathSync(os.tmpdir())}/ci-assume-role-bench-`);
	process.on('exit', () => fs.rmSync(temp, { recursive: true, force: true }));
	process.once('SIGINT', () => process.exit(130));

	const stub = await startStub();
	const launcher = await startLauncher(temp);
	/** @type {import('./report.js').Results} */
	const results = new Map();
	const jobs = jobsOf(options.peer);
	for (let round = -WARM_UP; round < rounds; round += 1) {
		// Each round starts one further on, so that none always comes after the same neighbour.
		for (let at = 0; at < jobs.length; at += 1) {
			const job = /** @type {Job} */ (jobs[(at + round + WARM_UP) % jobs.length]);
			for (const [name, run] of await play(job)) {
				if (round >= 0) results.set(name, [...(results.get(name) ?? []), run]);
			}
		}
	}
	const coverage = `${temp}/coverage`;
	await play(oursOf('https'), { NODE_V8_COVERAGE: coverage });
	const version = `${temp}/version`;
	await launcher.run([options.node, '--version'], {}, version);
	stub.stop();
	launcher.stop();

	const { page, over } = report(results, { read: bytes.read(ROOT, coverage), shipped: bytes.shipped(ROOT) });
	const about = describe(fs.readFileSync(version, 'utf8').trim().slice(1));
	console.log(`${about}\n${page}`);
	if (options.write) write(`${about}\n${page}`);
	for (const each of over) console.log(`OVER BUDGET: ${each}`);

	/**
	 * @param {Job} job
	 * @param {import('./job.js').Environment} [extra]
	 * @returns {Promise<[string, import('./report.js').Run][]>}
	 */
	async function play({ scheme, sts = '/sts', steps }, extra = {}) {
		const folder = fs.mkdtempSync(`${temp}/job-`);
		const log = `${folder}/log`;
		/** @type {[string, import('./report.js').Run][]} */
		const runs = [];
		let env = { ...environment(folder, stub.base[scheme], sts), ...extra };
		for (const { name, script, args, exitCode = 0 } of steps) {
			emptyCommandFiles(folder);
			await stub.take();
			const ran = await launcher.run([options.node, script, ...(args?.(env) ?? [])], env, log);
			if (ran.exitCode !== exitCode) {
				const printed = fs.readFileSync(log, 'utf8');
				throw new Error(`cannot be measured: ${name} ended with ${ran.exitCode}, not with ${exitCode}\n${printed}`);
			}
			runs.push([name, { cost: ran, requests: await stub.take() }]);
			env = { ...env, ...handedOver(folder) };
		}
		fs.rmSync(folder, { recursive: true });
		return runs;
	}
}

/**
 * @param {string | undefined} peer
 * @returns {Job[]}
 */
function jobsOf(peer) {
	return [
		{ scheme: 'http', steps: [{ name: 'nothing', script: `${ROOT}/bench/nothing.js` }] },
		...SCHEMES.flatMap((scheme) => [
			floorOf(scheme),
			oursOf(scheme),
			...(peer === undefined ? [] : [peerOf(scheme, peer)]),
			deniedOf(scheme),
		]),
	];
}

/**
 * @param {Scheme} scheme
 * @returns {Job}
 */
function floorOf(scheme) {
	/** @param {import('./job.js').Environment} env */
	const args = (env) => [env.ACTIONS_ID_TOKEN_REQUEST_URL ?? '', env['INPUT_STS-ENDPOINT'] ?? '', env.GITHUB_ENV ?? ''];
	return { scheme, steps: [{ name: `floor ${scheme}`, script: `${ROOT}/bench/floor.js`, args }] };
}

/**
 * @param {Scheme} scheme
 * @returns {Job}
 */
function oursOf(scheme) {
	const main = { name: `ours ${scheme}`, script: `${ROOT}/js/github.js` };
	const post = { name: `ours post ${scheme}`, script: `${ROOT}/js/github-post.js` };
	return { scheme, steps: [main, post] };
}

/**
 * @param {Scheme} scheme
 * @returns {Job}
 */
function deniedOf(scheme) {
	const main = { name: `denied ${scheme}`, script: `${ROOT}/js/github.js`, exitCode: DENIED };
	return { scheme, sts: '/denying', steps: [main] };
}

/**
 * @param {Scheme} scheme
 * @param {string} checkout
 * @returns {Job}
 */
function peerOf(scheme, checkout) {
	const main = { name: `peer ${scheme}`, script: `${checkout}/dist/index.js` };
	const post = { name: `peer post ${scheme}`, script: `${checkout}/dist/cleanup/index.js` };
	return { scheme, steps: [main, post] };
}

/** @param {string} node */
function describe(node) {
	const words = ['cargo xtask bench --runs', options.rounds];
	let beside = '';
	if (options.peer !== undefined) {
		const { version } = JSON.parse(fs.readFileSync(`${options.peer}/package.json`, 'utf8'));
		words.push('--peer ../configure-aws-credentials');
		beside = `, beside configure-aws-credentials ${version}`;
	}
	if (options.write) words.push('--write');
	const machine = `${process.platform} ${process.arch}, ${os.cpus().length} cores`;
	return `Made by \`${words.join(' ')}\` on Node ${node}, ${machine}${beside}.\n`;
}

/** @param {string} text */
function write(text) {
	const [before, rest] = fs.readFileSync(PAGE, 'utf8').split(BEGIN);
	const after = rest?.split(END)[1];
	if (before === undefined || after === undefined)
		throw new Error('docs/performance.md has lost the marks of its tables');
	fs.writeFileSync(PAGE, `${before}${BEGIN}\n${text}\n${END}${after}`);
}
