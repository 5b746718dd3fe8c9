// The command line as a person uses it.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { command } from './effects.js';

const posix = process.platform !== 'win32';
const folder = mkdtempSync(join(tmpdir(), 'shim-cli-'));
after(() => rmSync(folder, { recursive: true }));
const env = { ...process.env, TMPDIR: folder, TEMP: folder, TMP: folder, NO_COLOR: '1' };

/** @param {string[]} args */
function cli(...args) {
	const [executable, ...rest] = command('../../../js/cli.js', ...args);
	const { status, stdout, stderr } = spawnSync(executable, rest, { encoding: 'utf8', env });
	return { status, stdout, stderr };
}

/** @param {string} name @param {string} contents */
function file(name, contents) {
	const path = join(folder, name);
	writeFileSync(path, contents);
	return path;
}

test('helps', () => {
	const help = cli('--help');
	assert.equal(help.status, 0);
	assert.equal(help.stderr, '');
	for (const word of ['demo', 'playground', 'sandbox', '--port', '--config', 'credential-process', '--version']) {
		assert.ok(help.stdout.includes(word), word);
	}
	assert.ok(help.stdout.split('\n').every((line) => line.length <= 120));
	assert.deepEqual(cli('sandbox', '--help'), help);
	assert.deepEqual(cli(), { status: 2, stdout: '', stderr: help.stdout });
});

test('tells its version', () => {
	const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
	assert.deepEqual(cli('--version'), { status: 0, stdout: `${version}\n`, stderr: '' });
});

test('answers a wrong command line in one line', () => {
	const notJson = file('not.json', '{');
	const wrong = file('wrong.json', '{"roles": 1}');
	/** @type {[string[], RegExp][]} */
	const cases = [
		[['demmo'], /unknown command "demmo"; did you mean demo\?/],
		[['credential-proces', 'x'], /did you mean credential-process\?/],
		[['--verison'], /unknown option "--verison"; did you mean --version\?/],
		[['xyzzy'], /unknown command "xyzzy"$/],
		[['constructor'], /unknown command "constructor"$/],
		[['x\u001b[31m\n'], /unknown command "x\?\[31m\?"$/],
		[['demo', 'now'], /demo does not take "now"/],
		[['demo', '--port', '1'], /demo has no option "--port"$/],
		[['sandbox', '--prot', '1'], /sandbox has no option "--prot"; did you mean --port\?/],
		[['playground', '--config', 'x'], /playground has no option "--config"$/],
		[['playgroud'], /unknown command "playgroud"; did you mean playground\?/],
		[['sandbox', '--port'], /--port needs a value/],
		[['sandbox', '--port', 'http'], /--port takes a number from 0 to 65535, for example 8080, not "http"/],
		[['sandbox', '--port=65536'], /--port takes a number/],
		[['sandbox', '--config', join(folder, 'absent')], /--config cannot read ".*absent": ENOENT/],
		[['sandbox', '--config', notJson], /--config ".*not\.json" is not JSON: /],
		[['sandbox', '--config', wrong], /roles is not a list/],
		[['credential-process', 'github'], /credential-process needs FILE: ci-assume-role credential-process CI FILE/],
		[['credential-process', 'gihtub', 'x'], /unknown CI "gihtub"; did you mean github\?/],
	];
	for (const [args, expected] of cases) {
		const { status, stdout, stderr } = cli(...args);
		assert.deepEqual([status, stdout], [2, ''], args.join(' '));
		assert.match(stderr.trimEnd(), expected);
		assert.match(stderr, /^ci-assume-role: /);
		if (!args.includes(wrong)) assert.equal(stderr.split('\n').length, 2, stderr);
	}
});

test('refuses a Node that is too old, in one sentence', () => {
	const older = file('older.cjs', "Object.defineProperty(process, 'versions', { value: { node: '16.20.2' } });");
	for (const entry of ['cli.js', 'github.cjs', 'github-post.cjs', 'buildkite.cjs', 'bitrise.cjs', 'lint.cjs']) {
		const script = fileURLToPath(new URL(`../../../js/${entry}`, import.meta.url));
		const { status, stdout, stderr } = spawnSync(process.execPath, ['-r', older, script], { encoding: 'utf8' });
		assert.deepEqual([status, stdout], [2, '']);
		assert.equal(stderr, 'ci-assume-role needs Node 18 or newer, and this is Node 16.20.2.\n');
	}
});

test('demonstrates, and leaves nothing behind', () => {
	const before = readdirSync(folder);
	const { status, stdout, stderr } = cli('demo');
	assert.deepEqual([status, stderr], [0, '']);
	assert.match(stdout, /AWS_SECRET_ACCESS_KEY=\*\*\*\n/);
	assert.match(stdout, /AWS_SECRET_ACCESS_KEY=\n/);
	assert.match(stdout, /not-authorized/);
	assert.doesNotMatch(stdout, /add-mask|^ *\| *::/m);
	assert.deepEqual(readdirSync(folder), before);
});

test('leaves nothing behind when it is interrupted', { skip: !posix }, async () => {
	const before = readdirSync(folder);
	const [executable, ...rest] = command('../../../js/cli.js', 'demo');
	for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
		const child = spawn(executable, rest, { env, stdio: ['ignore', 'pipe', 'inherit'] });
		child.stdout.once('data', () => child.kill(signal));
		assert.deepEqual(await once(child, 'exit'), [130, null]);
		assert.deepEqual(readdirSync(folder), before);
	}
});

/** A sandbox, and what is to be pasted for each CI. */
async function serve() {
	const [executable, ...rest] = command('../../../js/cli.js', 'sandbox', '--port', '0');
	const child = spawn(executable, rest, { env, stdio: ['ignore', 'pipe', 'inherit'] });
	after(() => child.kill());
	let output = '';
	child.stdout.setEncoding('utf8').on('data', (text) => {
		output += text;
	});
	while (!output.includes('Requests:')) await once(child.stdout, 'data');

	/** @param {string} ci */
	const paste = async (ci) => {
		const [, ...blocks] = output.split(/^To /m);
		const block = blocks.find((part) => part.split('\n')[0]?.includes(ci)) ?? '';
		const pasted = block.split('\n').filter((line) => line.startsWith('  '));
		const shell = spawn('sh', ['-c', pasted.join('\n')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
		let said = '';
		shell.stdout.setEncoding('utf8').on('data', (text) => {
			said += text;
		});
		await once(shell, 'close');
		return said;
	};
	const stop = async () => {
		child.kill('SIGTERM');
		assert.deepEqual(await once(child, 'exit'), [0, null]);
		return output;
	};
	return { paste, stop };
}

test('serves a sandbox, and what it says to paste works', { skip: !posix }, async () => {
	const { paste, stop } = await serve();
	const said = await paste('GitHub');
	assert.match(said, /Assumed arn:aws:sts::123456789012:assumed-role\/deploy\//);
	assert.match(said, /AWS_SECRET_ACCESS_KEY<</);
	assert.match(await stop(), /GET \/token 200 .*\n.*POST \/ 200 .*\n\nStopped \(SIGTERM\)\.\n$/);
});

const curl = posix && spawnSync('curl', ['--version']).status === 0;

test('says what to paste to get the tokens of the other CIs', { skip: !curl }, async () => {
	const { paste, stop } = await serve();
	assert.match(await paste('Buildkite'), /^\{"token":"eyJ[^"]+"\}$/);
	assert.match(await paste('Bitrise'), /"id_token":"eyJ[^"]+"/);
	assert.match(
		await stop(),
		/POST \/v3\/jobs\/\S+ 200 token of organization:acme:.*\n.*POST \/build\/\S+ 200 token of app:/,
	);
});

test('names a port that is taken', async () => {
	const [executable, ...rest] = command('../../../js/cli.js', 'sandbox');
	const child = spawn(executable, rest, { env, stdio: ['ignore', 'pipe', 'inherit'] });
	const [text] = await once(child.stdout.setEncoding('utf8'), 'data');
	const port = /127\.0\.0\.1:(\d+)/.exec(text)?.[1] ?? '';
	const { status, stderr } = cli('sandbox', '--port', port);
	assert.deepEqual([status, stderr], [2, `ci-assume-role: port ${port} is taken; choose another with --port\n`]);
	child.kill();
	await once(child, 'exit');
});
