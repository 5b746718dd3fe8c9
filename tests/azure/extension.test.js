// The extension as Microsoft's own tool packages it, and the task started from that package.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startAgent } from '../js/support/azure.js';
import { ROOT, runProgram } from '../js/support/child.js';
import { find, missing } from '../js/support/programs.js';

const TFX = join(ROOT, 'tests/azure/node_modules/tfx-cli/_build/tfx-cli.js');
const TASK = 'azure-devops/assume-role';

function cannot() {
	if (fs.existsSync(TFX)) return missing('aws'); // whose Python unpacks
	if (process.env.CI === 'true') throw new Error('tests/azure has no tfx-cli');
	return 'needs tfx-cli: `npm ci` in tests/azure';
}

/** @param {string} root what is packaged @param {string} folder where to */
async function packaged(root, folder) {
	const args = [
		'extension',
		'create',
		'--no-prompt',
		'--no-color',
		'--root',
		root,
		'--manifests',
		'vss-extension.json',
	];
	const env = { HOME: folder, PATH: process.env.PATH };
	const line = [process.execPath, TFX, ...args, '--output-path', folder];
	return runProgram(line, { env, cwd: root, deadlineMs: 60_000 });
}

describe('the extension', { skip: cannot() }, () => {
	const folder = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'vsix '));
	const unpacked = join(folder, 'unpacked');
	const made = { log: '', vsix: '' };

	after(() => fs.rmSync(folder, { recursive: true, force: true }));
	before(async () => {
		const ran = await packaged(ROOT, folder);
		assert.equal(ran.exitCode, 0, ran.stdout + ran.stderr);
		made.log = ran.stdout + ran.stderr;
		made.vsix = join(folder, fs.readdirSync(folder).find((name) => name.endsWith('.vsix')) ?? '');
		const python = join((find('aws') ?? '').replace(/\/aws$/, ''), 'python3');
		execFileSync(python, ['-m', 'zipfile', '-e', made.vsix, unpacked]);
	});

	test('tfx checks the task, and has nothing to say about it', () => {
		assert.match(made.log, /Completed operation: create extension/);
		assert.doesNotMatch(made.log, /warning|error/i);
	});

	test('it holds the task with the program beside it, as they are in this repository', () => {
		const all = {
			[`${TASK}/task.json`]: `${TASK}/task.json`,
			[`${TASK}/index.js`]: `${TASK}/index.js`,
			'js/start.cjs': `${TASK}/js/start.cjs`,
			'pkg/ci_assume_role_bg.wasm.br': `${TASK}/pkg/ci_assume_role_bg.wasm.br`,
			'docs/azure-devops.md': 'docs/azure-devops.md',
		};
		for (const [path, inside] of Object.entries(all)) {
			assert.deepEqual(fs.readFileSync(join(unpacked, inside)), fs.readFileSync(join(ROOT, path)), path);
		}
		const manifest = fs.readFileSync(join(unpacked, 'extension.vsixmanifest'), 'utf8');
		const { version, id } = JSON.parse(fs.readFileSync(join(ROOT, 'vss-extension.json'), 'utf8'));
		const [identity = ''] = /<Identity .*\/>/.exec(manifest) ?? [];
		assert.ok(identity.includes(` Id="${id}" `) && identity.includes(` Version="${version}"`), manifest);
		assert.match(manifest, /Microsoft\.VisualStudio\.Services\.Content\.Details/);
	});

	test('the task runs from it', async (t) => {
		const agent = await startAgent(t);
		const inputs = { roleArn: 'arn:aws:iam::123456789012:role/deploy', region: 'us-east-1', stsEndpoint: '{base}/sts' };
		const step = await agent.task(join(unpacked, TASK, 'index.js'), inputs);
		assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
		assert.equal(agent.variables.get('aws_profile')?.value, 'ci-assume-role');
	});

	test('tfx refuses a task that the agent could not start', async () => {
		const other = join(folder, 'other');
		for (const name of ['vss-extension.json', 'docs/azure-devops.md', TASK, 'js', 'pkg']) {
			fs.cpSync(join(ROOT, name), join(other, name), { recursive: true });
		}
		fs.rmSync(join(other, TASK, 'index.js'));
		const ran = await packaged(other, join(folder, 'other'));
		assert.match(ran.stdout + ran.stderr, /references file that does not exist: index\.js/);
	});
});
