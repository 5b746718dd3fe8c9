// Measures whole runs of the action against the least that Node could do, and against the action that it replaces.
//
// Every process is measured from outside, by the kernel's own account of it. All take turns in each round, so that
// a machine that is busy, or that changes speed, is so for all of them alike; what counts is their ratio.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { find } from '../tests/js/support/programs.js';
import { bitriseJobs } from './bitrise.js';
import { buildkiteJobs, peerNeeds } from './buildkite.js';
import * as bytes from './bytes.js';
import { startLauncher, startStub } from './helpers.js';
import { emptyCommandFiles, environment, handedOver } from './job.js';
import { report, SCHEMES } from './report.js';

/** @typedef {import('./helpers.js').Scheme} Scheme */
/** @typedef {import('./job.js').Job} Job */
/** @typedef {import('./job.js').Step} Step */

const USAGE = `\
node bench/run.js [option]...

  --runs N       how often each process is measured (30)
  --node PATH    the Node to measure with (the Node 24 of tests/runtimes, else the one that runs this)
  --peer FOLDER  a checkout of aws-actions/configure-aws-credentials to compare with
  --buildkite-peer FOLDER
                 a checkout of aws-assume-role-with-web-identity-buildkite-plugin; it needs aws and jq
  --write        put the tables into docs/performance.md

Jobs of Buildkite are measured where buildkite-agent is found, builds of Bitrise where bitrise and envman are.`;

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
				'buildkite-peer': { type: 'string' },
				write: { type: 'boolean', default: false },
				help: { type: 'boolean', default: false },
			},
		});
		const rounds = Number(values.runs);
		if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--runs takes a whole number of at least 1');
		for (const name of /** @type {const} */ (['node', 'peer', 'buildkite-peer'])) {
			const path = values[name];
			if (path !== undefined) values[name] = resolve(path); // the measured processes run elsewhere
		}
		if (values.peer !== undefined && !fs.existsSync(`${values.peer}/dist/index.js`)) {
			throw new Error('--peer takes a checkout of configure-aws-credentials; there is no dist/index.js in this folder');
		}
		const plugin = values['buildkite-peer'];
		if (plugin !== undefined) {
			if (!fs.existsSync(`${plugin}/lib/plugin.bash`)) {
				throw new Error('--buildkite-peer takes a checkout of the plugin; there is no lib/plugin.bash in this folder');
			}
			for (const name of ['buildkite-agent', ...peerNeeds]) {
				if (find(name) === undefined) throw new Error(`--buildkite-peer needs ${name}`);
			}
		}
		return { ...values, plugin, rounds };
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
	const where = { root: ROOT, temp, node: options.node };
	const jobs = [...jobsOf(options.peer), ...buildkiteJobs({ ...where, peer: options.plugin }), ...bitriseJobs(where)];
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
	async function play(job, extra = {}) {
		const folder = fs.mkdtempSync(`${temp}/job-`);
		const log = `${folder}/log`;
		/** @type {[string, import('./report.js').Run][]} */
		const runs = [];
		let env = { ...job.environment(folder, stub.base), ...extra };
		for (const { name, argv, exitCode = 0 } of job.steps) {
			job.beforeStep?.(folder);
			await stub.take();
			const ran = await launcher.run(argv(env, folder), env, log);
			if (ran.exitCode !== exitCode) {
				const printed = fs.readFileSync(log, 'utf8');
				throw new Error(`cannot be measured: ${name} ended with ${ran.exitCode}, not with ${exitCode}\n${printed}`);
			}
			runs.push([name, { cost: ran, requests: await stub.take() }]);
			env = { ...env, ...job.afterStep?.(folder) };
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
		onRunner('http', [script('nothing', 'bench/nothing.js')]),
		...SCHEMES.flatMap((scheme) => [
			floorOf(scheme),
			oursOf(scheme),
			...(peer === undefined ? [] : [peerOf(scheme, peer)]),
			deniedOf(scheme),
		]),
		...slowJobs(),
	];
}

/**
 * A job of GitHub's.
 * @param {Scheme} scheme
 * @param {Step[]} steps
 * @param {string} [sts]
 * @returns {Job}
 */
function onRunner(scheme, steps, sts = '/sts') {
	return {
		environment: (folder, base) => environment(folder, base[scheme], sts),
		steps,
		beforeStep: emptyCommandFiles,
		afterStep: handedOver,
	};
}

/**
 * @param {string} name
 * @param {string} path
 * @param {Partial<Step> & { args?: (env: import('./job.js').Environment) => string[] }} [more]
 * @returns {Step}
 */
function script(name, path, { args = () => [], ...more } = {}) {
	return { name, argv: (env) => [options.node, resolve(ROOT, path), ...args(env)], ...more };
}

/** @param {Scheme} scheme */
function floorOf(scheme) {
	/** @param {import('./job.js').Environment} env */
	const args = (env) => [env.ACTIONS_ID_TOKEN_REQUEST_URL ?? '', env['INPUT_STS-ENDPOINT'] ?? '', env.GITHUB_ENV ?? ''];
	return onRunner(scheme, [script(`floor ${scheme}`, 'bench/floor.js', { args })]);
}

/** @param {Scheme} scheme */
function oursOf(scheme) {
	return onRunner(scheme, [
		script(`ours ${scheme}`, 'js/github.cjs'),
		script(`ours post ${scheme}`, 'js/github-post.cjs'),
	]);
}

/** How long runs take where STS does. @returns {Job[]} */
function slowJobs() {
	const arn = (/** @type {number} */ number) => `arn:aws:iam::123456789012:role/deploy-${number}`;
	const roles = Array.from({ length: 10 }, (_, number) => ({ 'role-to-assume': arn(number), prefix: `R${number}_` }));
	return [
		['one role', {}],
		['ten roles', { INPUT_ROLES: JSON.stringify(roles) }],
		['two further roles', { INPUT_CHAIN: [1, 2].map(arn).join('\n') }],
	].map(([name, more]) => {
		const job = onRunner('https', [script(`slow ${name}`, 'js/github.cjs')], '/slow');
		const usual = job.environment;
		return { ...job, environment: (folder, base) => ({ ...usual(folder, base), .../** @type {object} */ (more) }) };
	});
}

/** @param {Scheme} scheme */
function deniedOf(scheme) {
	return onRunner(scheme, [script(`denied ${scheme}`, 'js/github.cjs', { exitCode: DENIED })], '/denying');
}

/**
 * @param {Scheme} scheme
 * @param {string} checkout
 */
function peerOf(scheme, checkout) {
	return onRunner(scheme, [
		script(`peer ${scheme}`, `${checkout}/dist/index.js`),
		script(`peer post ${scheme}`, `${checkout}/dist/cleanup/index.js`),
	]);
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
	if (options.plugin !== undefined) {
		words.push('--buildkite-peer ../aws-assume-role-with-web-identity-buildkite-plugin');
		beside += `${beside ? ' and' : ', beside'} aws-assume-role-with-web-identity ${tagOf(options.plugin)}`;
	}
	if (options.write) words.push('--write');
	const machine = `${process.platform} ${process.arch}, ${os.cpus().length} cores`;
	return `Made by \`${words.join(' ')}\` on Node ${node}, ${machine}${beside}.\n`;
}

/** @param {string} checkout */
function tagOf(checkout) {
	const asked = spawnSync('git', ['-C', checkout, 'describe', '--tags', '--always'], { encoding: 'utf8' });
	return asked.stdout.trim() || 'of an unknown version';
}

/** @param {string} text */
function write(text) {
	const [before, rest] = fs.readFileSync(PAGE, 'utf8').split(BEGIN);
	const after = rest?.split(END)[1];
	if (before === undefined || after === undefined)
		throw new Error('docs/performance.md has lost the marks of its tables');
	fs.writeFileSync(PAGE, `${before}${BEGIN}\n${text}\n${END}${after}`);
}
