// Help, completions, and a command line that cannot be understood.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT, runProgram } from '../support/child.js';
import { powershellErrors, startCli } from '../support/cli.js';
import { absent, find } from '../support/programs.js';

const COMMANDS = ['assume', 'exec', 'credential-process', 'claims', 'doctor', 'console', 'completion'];
/** Groups, and what the core does not know. */
const OTHERS = ['login', 'logout', 'policy', 'demo', 'playground', 'sandbox'];

/** @param {import('../support/cli.js').Cli} cli @returns {Promise<Map<string, string[]>>} the flags of each command */
async function allFlags(cli) {
	const flags = new Map();
	for (const name of COMMANDS) {
		const { stdout } = await cli.run([name, '--help']);
		flags.set(
			name,
			[...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag),
		);
	}
	return flags;
}

describe('words', { concurrency: 2 }, () => {
	test('every command has its help, whatever else is said', async (t) => {
		const cli = await startCli(t);
		for (const name of COMMANDS) {
			const help = await cli.run([name, '--help']);
			assert.deepEqual([help.exitCode, help.stderr], [0, ''], name);
			assert.match(help.stdout, new RegExp(`^Usage: ci-assume-role ${name}`));
			assert.match(help.stdout, /Exit codes: 0 done, 2 /);
			assert.ok(
				help.stdout.split('\n').every((line) => [...line].length <= 112),
				name,
			);
			assert.equal((await cli.run([name, '-h'])).stdout, help.stdout);
		}
		for (const [first = '', second = ''] of [
			['login', 'ecr'],
			['logout', 'ecr'],
		]) {
			const help = await cli.run([first, second, '--help']);
			assert.match(help.stdout, new RegExp(`^Usage: ci-assume-role ${first} ${second} `));
			assert.equal((await cli.run([first, '--help'])).stdout, (await cli.run(['--help'])).stdout);
		}
		const flags = await allFlags(cli);
		assert.ok(flags.get('assume')?.includes('--format') && !flags.get('exec')?.includes('--format'));
		assert.ok((flags.get('claims')?.length ?? 99) < 12, 'claims needs no role');
	});

	test('bash completes commands, flags, choices and files', async (t) => {
		const cli = await startCli(t);
		const flags = await allFlags(cli);
		cli.put('a-file', '');
		const script = [
			'eval "$("$@" completion bash)"',
			// biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash's
			'ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _ci_assume_role; echo "${COMPREPLY[*]}"; }',
			'complete -p ci-assume-role',
			'ask ci-assume-role ""',
			'ask ci-assume-role cre',
			...COMMANDS.slice(0, 5).map((name) => `ask ci-assume-role ${name} --`),
			'ask ci-assume-role assume --format ""',
			'ask ci-assume-role assume --token-file a-',
			'ask ci-assume-role completion f',
		].join('\n');
		const ran = await cli.script(script, [], { shell: ['bash', '-c'] });
		assert.equal(ran.stderr, '');
		const [registered, commands, begun, ...rest] = ran.stdout.trimEnd().split('\n');
		assert.equal(registered, 'complete -F _ci_assume_role ci-assume-role');
		assert.deepEqual(commands?.split(' ').sort(), [...COMMANDS, ...OTHERS].sort());
		assert.equal(begun, 'credential-process');
		for (const [index, name] of COMMANDS.slice(0, 5).entries())
			assert.deepEqual(rest[index]?.split(' ').sort(), flags.get(name)?.sort(), name);
		assert.deepEqual(rest.slice(5), ['env json dotenv powershell github profile process', 'a-file', 'fish']);
	});

	for (const [shell, options, before] of /** @type {[string, string[], string][]} */ ([
		['bash', ['--norc', '--noprofile', '-i'], 'PS1='],
		['zsh', ['-f', '-i'], 'PS1=; autoload -Uz compinit && compinit -u -D'],
	])) {
		const skip = absent(shell, 'python3');
		test(`${shell} on a terminal: tab completes a command, a flag and a choice`, { skip }, async (t) => {
			const cli = await startCli(t);
			const file = cli.put('completions', (await cli.run(['completion', shell])).stdout);
			const echo = `ci-assume-role() { printf '<%s>' "$@"; echo; }`;
			const typed = JSON.stringify([
				[find(shell), ...options],
				// Broken up, since the terminal shows what is typed as well.
				[`${before}; source '${file}'; ${echo}; echo loa''ded\n`, 'loaded'],
				['ci-assume-role ass\t', 'assume '],
				['--for\t', '--format '],
				['js\t\n', '<json>'],
				['exit\n', ''],
			]);
			const terminal = join(ROOT, 'tests/js/support/terminal.py');
			const env = { ...cli.env, TERM: 'dumb' };
			const shown = execFileSync(find('python3') ?? '', [terminal], {
				input: typed,
				env,
				cwd: cli.folder,
				encoding: 'utf8',
			});
			assert.ok(shown.includes('<assume><--format><json>'), shown);
		});
	}

	test('fish is asked for commands, flags, choices and files', { skip: absent('fish') }, async (t) => {
		const cli = await startCli(t);
		const flags = await allFlags(cli);
		const file = cli.put('completions', (await cli.run(['completion', 'fish'])).stdout);
		cli.put('a-file', '');
		const ask = async (/** @type {string} */ line) => {
			const script = `source '${file}'; complete -C "ci-assume-role ${line}"`;
			const ran = await runProgram([find('fish') ?? '', '--no-config', '-c', script], {
				env: cli.env,
				cwd: cli.folder,
			});
			assert.deepEqual([ran.exitCode, ran.stderr], [0, '']);
			return ran.stdout
				.trimEnd()
				.split('\n')
				.map((found) => found.split('\t')[0] ?? '');
		};
		assert.deepEqual((await ask('')).sort(), [...COMMANDS, ...OTHERS].sort());
		assert.deepEqual(await ask('cre'), ['credential-process']);
		for (const name of COMMANDS.slice(0, 5))
			assert.deepEqual((await ask(`${name} --`)).sort(), flags.get(name)?.sort(), name);
		assert.deepEqual(await ask('assume --format p'), ['powershell', 'process', 'profile']);
		assert.deepEqual(await ask('assume --token-file a-'), ['a-file']);
		assert.deepEqual(await ask('completion f'), ['fish']);
	});

	for (const shell of ['zsh', 'fish', 'powershell']) {
		test(`${shell} has every command and flag`, async (t) => {
			const cli = await startCli(t);
			const { stdout, exitCode } = await cli.run(['completion', shell]);
			assert.equal(exitCode, 0);
			for (const [name, flags] of await allFlags(cli)) {
				assert.ok(stdout.includes(name), name);
				if (name === 'completion') continue;
				for (const flag of flags) assert.ok(stdout.includes(shell === 'fish' ? `-l ${flag.slice(2)}` : flag), flag);
			}
			if (shell === 'powershell') {
				assert.deepEqual(powershellErrors(stdout) ?? [], []);
				assert.notDeepEqual(powershellErrors(stdout.replace('{', '')) ?? ['no grammar'], [], 'it would be noticed');
			}
			const executable = find(shell === 'powershell' ? 'pwsh' : shell);
			if (!executable) return t.diagnostic(`there is no ${shell} to check its grammar`);
			const check =
				shell === 'powershell' ? ['-NoProfile', '-File', cli.put('c.ps1', stdout)] : ['-n', cli.put('c', stdout)];
			const checked = await runProgram([executable, ...check], { env: cli.env });
			assert.deepEqual([checked.exitCode, checked.stderr], [0, '']);
		});
	}

	test('what cannot be understood is named, with what was probably meant', async (t) => {
		const cli = await startCli(t);
		/** @type {[string[], RegExp][]} */
		const cases = [
			[['asume'], /did you mean assume\?/],
			[['assume', '--role-anr', 'x'], /nearest +--role-arn/],
			[['doctor', '--format', 'env'], /doctor has no option `--format`/],
			[['claims', 'x'], /claims does not take `x`/],
			[['completion'], /.+/],
			[['completion', 'tcsh'], /no completions for `tcsh`/],
			[['exec'], /usage: ci-assume-role exec/],
			[['assume', '--region'], /`--region` needs a value/],
			[['assume', '\u001b[31m\n::error::x'], /does not take/],
		];
		for (const [args, expected] of cases) {
			const ran = await cli.run(args);
			assert.equal(ran.exitCode, 2, args.join(' '));
			assert.equal(ran.stdout, '', args.join(' '));
			assert.match(ran.stderr, expected);
			assert.doesNotMatch(ran.stderr, /\u001b|^::error/m);
		}
	});

	test('a reader that goes away is no failure', async (t) => {
		const cli = await startCli(t);
		for (const args of [['--help'], ['assume', '--help'], ['completion', 'fish']]) {
			const ran = await cli.script('"$@" | head -n 1', args, { shell: ['bash', '-o', 'pipefail', '-c'] });
			assert.deepEqual([ran.exitCode, ran.stderr, ran.stdout.split('\n').length], [0, '', 2], args.join(' '));
			const closed = await cli.script('"$@" >&-', args);
			assert.notEqual(closed.exitCode, 70, closed.stderr);
		}
	});

	test('colour on a terminal, and none with NO_COLOR', { skip: absent('python3') }, async (t) => {
		const cli = await startCli(t);
		const wrapper = [find('python3') ?? '', '-c', 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)'];
		for (const [env, coloured] of /** @type {[Record<string, string>, boolean][]} */ ([
			[{}, true],
			[{ NO_COLOR: '1' }, false],
			[{ NO_COLOR: '' }, true], // no-color.org: present and not empty
		])) {
			const ran = await cli.run(['assume'], { env, wrapper });
			assert.equal(ran.exitCode, 2, ran.stdout);
			assert.match(ran.stdout, /option-missing/);
			assert.equal(ran.stdout.includes('\u001b[31m'), coloured, JSON.stringify(env));
			assert.equal(ran.stdout.includes('\u001b'), coloured, JSON.stringify(env));
		}
	});

	test('no colour, with or without NO_COLOR, where no terminal is', async (t) => {
		const cli = await startCli(t);
		for (const env of [{}, { NO_COLOR: '1' }, { FORCE_COLOR: '1' }]) {
			const ran = await cli.run(['assume'], { env });
			assert.equal(ran.exitCode, 2);
			assert.ok(!ran.stderr.includes('\u001b'));
		}
	});
});
