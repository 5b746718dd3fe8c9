// The workflows of the repository's own bitrise.yml, the manifest as the step library wants it, and the icon.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT, runProgram } from '../js/support/child.js';
import { find, missing } from '../js/support/programs.js';
import { SHIPPED, skip, startCli } from './cli.js';

describe('bitrise.yml', { concurrency: 2, skip }, () => {
	/**
	 * @param {import('node:test').TestContext} t
	 * @param {string} workflow
	 * @param {string[]} [path]
	 */
	async function run(t, workflow, path = []) {
		const cli = await startCli(t);
		const repository = cli.path('repository');
		for (const name of [...SHIPPED, 'bitrise.yml', 'tests/bitrise']) {
			fs.cpSync(join(ROOT, name), join(repository, name), { recursive: true });
		}
		const tools = ['bitrise', 'envman', 'stepman'].map((name) => dirname(find(name) ?? ''));
		const search = [
			...path,
			cli.path('bin'),
			...tools,
			dirname(process.execPath),
			'/usr/local/bin',
			'/usr/bin',
			'/bin',
		];
		const ran = await runProgram([find('bitrise') ?? '', ...workflow.split(' '), '-c', 'bitrise.yml'], {
			cwd: repository,
			env: {
				BITRISE_ANALYTICS_DISABLED: 'true',
				BITRISE_OFFLINE_MODE: 'true',
				CI: 'true',
				HOME: cli.path('home'),
				PATH: search.join(delimiter),
				TMPDIR: cli.path('tmp'),
			},
		});
		return { ...ran, log: ran.stdout + ran.stderr, repository };
	}

	test('it is valid', async (t) => {
		const { exitCode, log } = await run(t, 'validate');
		assert.equal(exitCode, 0, log);
	});

	test('`test` runs the step against the sandbox, and leaves nothing', async (t) => {
		const { exitCode, log, repository } = await run(t, 'run test');
		assert.equal(exitCode, 0, log);
		assert.match(log, /Assumed arn:aws:sts::123456789012:assumed-role\/deploy\//);
		assert.match(log, /the secret is \[REDACTED\]/);
		assert.ok(!fs.existsSync(join(repository, 'target/bitrise')));
	});

	test('`check` audits the step', { skip: missing('stepman') }, async (t) => {
		const folder = fs.mkdtempSync(join(fs.realpathSync('/tmp'), 'ci-assume-role-cargo-'));
		t.after(() => fs.rmSync(folder, { recursive: true }));
		fs.writeFileSync(join(folder, 'cargo'), '#!/bin/sh\necho "cargo $*"\n', { mode: 0o755 });
		const { exitCode, log } = await run(t, 'run check', [folder]);
		assert.equal(exitCode, 0, log);
		assert.match(log, /Success audit/);
		assert.match(log, /cargo test --quiet --test manifests/);
	});

	test('`sample` fails on a machine of its own, and says why', async (t) => {
		const { exitCode, log } = await run(t, 'run sample');
		assert.equal(exitCode, 1, log);
		assert.match(log, /error\[token-permission-missing\][\s\S]*by `bitrise run`, not at Bitrise/);
	});
});

test('the icon is as the step library asks: 256 by 256, an opaque background, a margin of 60', () => {
	const icon = fs.readFileSync(join(ROOT, 'assets/icon.svg'), 'utf8');
	assert.match(icon, /width="256" height="256" viewBox="0 0 256 256"/);
	assert.match(icon, /<rect width="256" height="256" fill="#[0-9a-f]{6}"\/>/);
});
