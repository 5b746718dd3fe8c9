// Which Node runs the step, whatever the user's repository asks for.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT, runProgram } from '../js/support/child.js';
import { assertCredentials, assertNoCredentials, skip, startCli } from './cli.js';

/** As asdf's shims do: by the version file of the folder, or of one above it, or else of the home folder. */
const SHIM = `#!/bin/bash
folder=$PWD
while :; do
	for name in .tool-versions .nvmrc .node-version; do
		if [ -f "$folder/$name" ]; then wanted=$(sed 's/^nodejs //;s/^v//' "$folder/$name"); break 2; fi
	done
	if [ "$folder" = / ] || [ -z "$folder" ]; then break; fi
	folder=\${folder%/*}
done
wanted=\${ASDF_NODEJS_VERSION:-\${wanted:-$(cat "$HOME/.tool-versions" 2>/dev/null)}}
echo "asked for $wanted in $PWD" >> "$EVIDENCE/shim"
if [ "$wanted" != "nodejs 20" ] && [ "$wanted" != 20 ]; then
	echo "No version is set for command node" >&2
	exit 126
fi
exec "$REAL_NODE" "$@"
`;

describe('Node in the Bitrise CLI', { concurrency: 2, skip }, () => {
	for (const [file, text] of [
		['.nvmrc', 'v99.0.0\n'],
		['.node-version', '8.17.0\n'],
		['.tool-versions', 'nodejs 99.0.0\n'],
	]) {
		test(`a repository whose ${file} asks for what is not there`, async (t) => {
			const cli = await startCli(t);
			const shims = cli.program('asdf/shims/node', SHIM);
			cli.put('home/.tool-versions', 'nodejs 20');
			cli.put(`repository/${file}`, text ?? '');
			const ran = await cli.run({
				steps: [cli.assume(), cli.probe('next')],
				path: [shims],
				env: { REAL_NODE: process.execPath },
			});
			assert.equal(ran.exitCode, 0, ran.log);
			assertCredentials(ran.environment('next'));
			assert.match(cli.read('evidence/shim'), /^asked for nodejs 20 in \S+\/step_src\n$/, 'asked once, and not here');
		});
	}

	test('a version manager that has no Node to offer: its words, and a reason', async (t) => {
		const cli = await startCli(t);
		const shims = cli.program('asdf/shims/node', SHIM);
		const ran = await cli.run({
			steps: [cli.assume(), cli.probe('later')],
			answers: [],
			path: [shims],
			env: { REAL_NODE: process.execPath, ASDF_NODEJS_VERSION: '99' },
		});
		assert.equal(ran.exitCode, 1, ran.log);
		assert.match(ran.log, /No version is set for command node/);
		const later = ran.environment('later');
		assert.match(
			later.get('BITRISE_FAILED_STEP_ERROR_MESSAGE') ?? '',
			/^This step needs Node 18[\s\S]*asdf global nodejs/,
		);
		assertNoCredentials(later);
	});

	test('no Node at all, as in a container without it', async (t) => {
		const cli = await startCli(t);
		const bin = cli.path('bin');
		for (const name of ['bash', 'dirname', 'sleep']) fs.symlinkSync(`/usr/bin/${name}`, join(bin, name));
		const ran = await runProgram(['bash', cli.path('step/step.sh')], { env: { PATH: bin } });
		assert.equal(ran.exitCode, 2);
		assert.match(ran.stdout, /^\u001b\[31;1mThis step needs Node 18 or newer[\s\S]*#node\u001b\[0m\n$/);
	});

	const modules = join(ROOT, 'tests/runtimes/node_modules');
	const versions = fs.existsSync(modules) ? fs.readdirSync(modules).filter((name) => /^node-\d+$/.test(name)) : [];
	for (const version of versions) {
		test(`with ${version}`, async (t) => {
			const node = join(modules, version, 'bin', 'node');
			if (!fs.existsSync(node)) return t.skip('not for this machine');
			const cli = await startCli(t);
			const ran = await cli.run({ steps: [cli.assume({ verbose: 'true' }), cli.probe('next')], node });
			assert.equal(ran.exitCode, 0, ran.log);
			assertCredentials(ran.environment('next'));
			assert.match(ran.log, new RegExp(`on node ${version.slice(5)}\\.`));
		});
	}
});
