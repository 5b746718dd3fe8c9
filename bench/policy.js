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
import { startLauncher } from './helpers.js';

const USAGE = `\
node bench/policy.js [option]...

  --seconds N  how long each is repeated (3)
  --write      put the table into docs/performance.md`;

const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');
const PAGE = `${ROOT}/docs/performance.md`;
const BEGIN = '<!-- bench/policy.js writes from here -->\n';
const END = '<!-- bench/policy.js writes to here -->\n';
const ROLES = 10_000;
const MIB = 1024 * 1024;

/** @typedef {{ what: string, atMost?: number, atLeast?: number, unit: string, value: number | undefined, digits?: number }} Row */

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
	const help = perCall(() => command(core, ['policy', 'explain', '--help'], {}));
	const explain = perCall(() => {
		const files = { 'policy.json': /** @type {string} */ (policies[1]), 'claims.json': claims };
		return command(
			core,
			['policy', 'explain', '--policy', 'policy.json', '--claims', 'claims.json', '--format', 'json'],
			files,
		);
	});
	const evaluated = await evaluation();
	const launcher = await startLauncher(temp);
	const linted = await whole(launcher, ['policy', 'lint', '--format', 'json', dump], temp);
	const audited = await whole(launcher, ['policy', 'audit', dump], temp);
	launcher.stop();

	/** @type {Row[]} */
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
	const page = `${about()}\n${table(rows)}`;
	console.log(page);
	if (options.write) write(page);
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

/**
 * Runs a command of the module, with its files from memory.
 * @param {typeof import('../pkg/ci_assume_role_policy.js')} core
 * @param {string[]} args
 * @param {Record<string, string>} files
 * @returns {{ exitCode: number, text: string }}
 */
function command(core, args, files) {
	const job = new core.Job(bytes({ entry: 'command', args, env: {}, runtime: { name: 'node', platform: 'linux' } }));
	let text = '';
	for (;;) {
		/** @type {import('../js/types.d.ts').Effect[]} */
		const effects = JSON.parse(Buffer.from(job.next()).toString());
		for (const effect of effects) {
			if (effect.kind === 'log') text += effect.text;
			else if (effect.kind === 'done') {
				job.free();
				return { exitCode: effect.exitCode, text };
			} else if (effect.kind === 'read-file') {
				job.resume(effect.id, bytes({ contents: files[effect.path] ?? '' }), 1);
			} else throw new Error(`cannot be measured: ${effect.kind}`);
		}
		if (effects.length === 0) throw new Error('cannot be measured: nothing more is asked for');
	}
}

/** @param {unknown} value */
function bytes(value) {
	return Buffer.from(JSON.stringify(value));
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

/** A policy as people write them: every third with something to find. @param {number} at */
function policy(at) {
	const host = 'token.actions.githubusercontent.com';
	const ref = 'ref:refs/heads/main';
	const both = [`repo:acme/app-${at}:${ref}`, `repo:acme@9919/app-${at}@${1000 + at}:${ref}`];
	const sub = at % 3 === 0 ? `repo:acme/app-${at}:*` : both;
	return {
		Version: '2012-10-17',
		Statement: [
			{
				Effect: 'Allow',
				Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${host}` },
				Action: 'sts:AssumeRoleWithWebIdentity',
				Condition: {
					StringEquals: { [`${host}:aud`]: 'sts.amazonaws.com', [`${host}:repository_id`]: String(1000 + at) },
					StringLike: { [`${host}:sub`]: sub },
				},
			},
		],
	};
}

/** @param {number} at */
function claimsOf(at) {
	return {
		iss: 'https://token.actions.githubusercontent.com',
		aud: 'sts.amazonaws.com',
		sub: `repo:acme/app-${at}:ref:refs/heads/main`,
		repository: `acme/app-${at}`,
		repository_id: String(1000 + at),
		repository_owner_id: '9919',
		ref: 'refs/heads/main',
	};
}

/** As `aws iam get-account-authorization-details` prints it. @param {number} count */
function account(count) {
	return {
		UserDetailList: [],
		GroupDetailList: [],
		RoleDetailList: Array.from({ length: count }, (_, at) => ({
			Path: '/',
			RoleName: `role-${at}`,
			RoleId: `AROA${String(at).padStart(17, '0')}`,
			Arn: `arn:aws:iam::111122223333:role/role-${at}`,
			CreateDate: '2026-01-01T00:00:00+00:00',
			AssumeRolePolicyDocument: policy(at),
			InstanceProfileList: [],
			RolePolicyList: [
				{
					PolicyName: 'own',
					PolicyDocument: {
						Version: '2012-10-17',
						Statement: [
							{ Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'], Resource: `arn:aws:s3:::bucket-${at}/*` },
						],
					},
				},
			],
			AttachedManagedPolicies: [{ PolicyName: 'ReadOnlyAccess', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
			Tags: [{ Key: 'team', Value: `team-${at % 50}` }],
		})),
		Policies: [],
	};
}

function about() {
	const machine = `${process.platform} ${process.arch}, ${os.cpus().length} cores`;
	return `Made by \`cargo xtask bench policy --write\` on Node ${process.versions.node}, ${machine}.\n`;
}

/** @param {Row[]} rows */
function table(rows) {
	const lines = rows.map(({ what, atMost, atLeast, unit, value, digits = 1 }) => {
		const measured = value === undefined ? 'not measured' : `${value.toFixed(digits)}${unit}`;
		const budget =
			atMost === undefined ? (atLeast === undefined ? '' : `at least ${atLeast}${unit}`) : `at most ${atMost}${unit}`;
		const kept =
			value === undefined || ((atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast));
		return `| ${what} | ${budget} | ${measured} | ${budget === '' || value === undefined ? '' : kept ? 'ok' : '**OVER**'} |\n`;
	});
	return `| What | Budget | Measured |  |\n| --- | --- | --- | --- |\n${lines.join('')}`;
}

/** @param {string} text */
function write(text) {
	const [before, rest] = fs.readFileSync(PAGE, 'utf8').split(BEGIN);
	const after = rest?.split(END)[1];
	if (before === undefined || after === undefined)
		throw new Error('docs/performance.md has lost the marks of its table of policies');
	fs.writeFileSync(PAGE, `${before}${BEGIN}\n${text}\n${END}${after}`);
}
