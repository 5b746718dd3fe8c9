// The command line on one runtime: what it does to programs and to files is the runtime's.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stsAnswer } from '../support/answers.js';
import { command, runProgram } from '../support/child.js';
import { CREDENTIALS, readEnvironment, startCli } from '../support/cli.js';

describe('the command line', { concurrency: 2 }, () => {
	test('exec: environment, exit code, death by a signal', async (t) => {
		const cli = await startCli(t, { env: { AWS_PROFILE: 'other' } });
		const ran = await cli.run(['exec', ...cli.usual, '--', 'sh', '-c', 'env -0; exit 7']);
		assert.equal(ran.exitCode, 7, ran.stderr);
		const got = readEnvironment(ran.stdout);
		for (const [name, value] of Object.entries(CREDENTIALS)) assert.equal(got.get(name), value);
		assert.ok(!got.has('AWS_PROFILE'));
		const killed = await cli.run(['exec', ...cli.usual, '--', 'sh', '-c', 'kill -9 $$']);
		assert.deepEqual([killed.exitCode, killed.signal], [137, null]);
	});

	test('exec: signals are passed on', async (t) => {
		const cli = await startCli(t);
		for (const name of /** @type {const} */ (['INT', 'TERM', 'HUP'])) {
			const script = `trap 'echo got ${name}; exit 42' ${name}; echo ready; while :; do sleep 0.05; done`;
			const ran = await cli.run(['exec', ...cli.usual, '--', 'sh', '-c', script], {
				started: (child) => child.stdout?.once('data', () => child.kill(`SIG${name}`)),
			});
			assert.deepEqual([ran.exitCode, ran.stdout], [42, `ready\ngot ${name}\n`], ran.stderr);
		}
	});

	test('exec: a command that is not there', async (t) => {
		const cli = await startCli(t);
		const ran = await cli.run(['exec', ...cli.usual, '--', 'no-such-command']);
		assert.equal(ran.exitCode, 2);
		assert.match(ran.stderr, /there is no command no-such-command/);
	});

	test('credential-process: five at once make one exchange', async (t) => {
		const cli = await startCli(t);
		cli.service.expect(Array.from({ length: 5 }, () => stsAnswer()));
		const line = [...command('js/cli.js'), 'credential-process', ...cli.usual];
		const all = await Promise.all(Array.from({ length: 5 }, () => runProgram(line, { env: cli.env })));
		for (const ran of all) assert.deepEqual([ran.exitCode, ran.stderr, ran.stdout], [0, '', all[0]?.stdout]);
		assert.equal(cli.service.outcome().received.length, 1);
	});
});
