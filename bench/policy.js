// Measures what the module that knows trust policies does, through its own exports: each figure has in it what it costs
// to hand text over the boundary, which is measured apart as well.
//
// Time is the thread's CPU time where Node tells it, so that a busy machine does not count.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { play } from '../site/src/memory.js';
import { report } from './figures.js';
import { startLauncher } from './helpers.js';
import { account, claimsOf, policy } from './policies.js';

const USAGE = `\
node bench/policy.js [option]...

  --seconds N  how long each is repeated (3)
  --write      put the table into docs/performance.md`;

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');
const ROLES = 10_000;
const MIB = 1024 * 1024;

const { values: options } = parseArgs({
	options: {
		seconds: { type: 'string', default: '3' },
		write: { type: 'boolean', default: false },
		help: { type: 'boolean', default: false },
	},
});
if (options.help) console.log(USAGE);
else await main();

async function main() {
	const { core } = await import('../js/policy-core.js');
	const temp = fs.mkdtempSync(`${fs.realpathSync(os.tmpdir())}/ci-assume-role-bench-`);
	process.on('exit', () => fs.rmSync(temp, { recursive: true, force: true }));

	const policies = Array.from({ length: 200 }, (_, at) => JSON.stringify(policy(at)));
	const dump = `${temp}/account.json`;
	fs.writeFileSync(dump, JSON.stringify(account(ROLES)));
	const claims = JSON.stringify(claimsOf(1));

	const boundary = perCall((at) => core.policyLint('', `file-${at % 2}.json`));
	const lint = perCall((at) => core.policyLint(/** @type {string} */ (policies[at % policies.length]), 'policy.json'));
	const help = perCall(() => play(core.Job, ['policy', 'explain', '--help'], {}));
	const explain = perCall(() => {
		const files = { 'policy.json': /** @type {string} */ (policies[1]), 'claims.json': claims };
		return play(
			core.Job,
			['policy', 'explain', '--policy', 'policy.json', '--claims', 'claims.json', '--format', 'json'],
			files,
		);
	});
	const evaluated = await evaluation();
	const launcher = await startLauncher(temp);
	const linted = await whole(launcher, ['policy', 'lint', '--format', 'json', dump], temp);
	const audited = await whole(launcher, ['policy', 'audit', dump], temp);
	launcher.stop();

	/** @type {import('./figures.js').Row[]} */
	const rows = [
		{ what: 'One text over the boundary and back', unit: ' us', value: boundary },
		{ what: 'Policies linted, one call each', atLeast: 20_000, unit: ' a second', value: 1e6 / lint, digits: 0 },
		{ what: 'One policy linted, without the boundary', unit: ' us', value: lint - boundary },
		{ what: 'One token evaluated', atMost: 20, unit: ' us', value: evaluated },
		{ what: 'One token explained, without the command around it', unit: ' us', value: explain - help },
		{
			what: `An account of ${ROLES} roles linted, whole process`,
			unit: ' s',
			value: linted && linted.cpu / 1000,
			digits: 2,
		},
		{
			what: `An account of ${ROLES} roles audited, whole process`,
			atMost: 2,
			unit: ' s',
			value: audited && audited.cpu / 1000,
			digits: 2,
		},
		{ what: 'Peak memory of that', atMost: 300, unit: ' MiB', value: audited && audited.peak / MIB, digits: 0 },
	];
	report({ command: 'policy', rows, write: options.write });
}

/**
 * CPU time of one call, in microseconds: the least of several rounds, after one to warm up.
 * @param {(at: number) => unknown} call
 */
function perCall(call) {
	const until = performance.now() + Number(options.seconds) * 1000;
	let least = Number.POSITIVE_INFINITY;
	for (let round = 0; performance.now() < until || round < 3; round += 1) {
		const started = cpu();
		for (let at = 0; at < 400; at += 1) call(at);
		if (round > 0) least = Math.min(least, (cpu() - started) / 400);
	}
	return least;
}

/** Microseconds. */
function cpu() {
	const { user, system } = (process.threadCpuUsage ?? process.cpuUsage)();
	return user + system;
}

/** Evaluation alone, in a module that is made for this: built like those that ship, but for their last pass. */
async function evaluation() {
	const args = ['build', '--release', '--locked', '--no-default-features', '--features', 'policy'];
	args.push('--config', 'profile.release.package.ci-assume-role.opt-level=2');
	const wasm = ['--example', 'policy_speed', '--target', 'wasm32-unknown-unknown', '--message-format', 'json'];
	const built = spawnSync(process.env.CARGO ?? 'cargo', [...args, ...wasm], {
		cwd: ROOT,
		encoding: 'utf8',
		maxBuffer: 64 * MIB,
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const path = /"filenames":\["([^"]*policy_speed\.wasm)"/.exec(built.stdout)?.[1];
	if (built.status !== 0 || path === undefined)
		throw new Error('cannot be measured: the example policy_speed does not build');
	const module = new WebAssembly.Module(fs.readFileSync(path));
	/** @type {WebAssembly.Imports} */
	const imports = {};
	for (const { module: from, name } of WebAssembly.Module.imports(module)) {
		// What the crate asks of JavaScript elsewhere; nothing here calls it.
		imports[from] = { ...imports[from], [name]: () => 0 };
	}
	const { evaluate } = /** @type {{ evaluate: (times: number) => number }} */ (
		/** @type {unknown} */ (new WebAssembly.Instance(module, imports).exports)
	);
	if (evaluate(10) !== 10) throw new Error('cannot be measured: the token is not let in');
	return perCall(() => evaluate(100)) / 100;
}

/**
 * @param {Awaited<ReturnType<typeof startLauncher>>} launcher
 * @param {string[]} args
 * @param {string} temp
 */
async function whole(launcher, args, temp) {
	const log = `${temp}/log`;
	const ran = await launcher.run(
		[process.execPath, `${ROOT}/js/cli.js`, ...args],
		{ PATH: process.env.PATH ?? '' },
		log,
	);
	// 0 and 1 are answers; with anything else nothing was looked at.
	return ran.exitCode > 1 || fs.statSync(log).size === 0 ? undefined : ran;
}
