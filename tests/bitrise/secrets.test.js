// What no log of a build may have, whatever is switched on. That no secret is in it, `Cli.run` asks of every run.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DENIED } from '../js/support/answers.js';
import { buildTokenAnswer } from '../js/support/bitrise.js';
import { assertCredentials, skip, startCli } from './cli.js';

/** The CLI shows its own debug logs, which have the environment that it was started with. */
const KEPT_FROM_THE_CLI = { BITRISE_BUILD_API_TOKEN: '' };

describe('secrets in the Bitrise CLI', { concurrency: 2, skip }, () => {
	for (const [name, how] of /** @type {const} */ ([
		['bitrise --debug', { flags: ['--debug'], env: {} }],
		['DEBUG=true', { flags: [], env: { DEBUG: 'true' } }],
		['LOGLEVEL=debug', { flags: [], env: { LOGLEVEL: 'debug' } }],
		['redaction switched off', { flags: [], env: { BITRISE_SECRET_ENVS_FILTERING: 'false' } }],
	])) {
		for (const verbose of ['false', 'true']) {
			test(`${name}, verbose=${verbose}: the step's own log has no secret`, async (t) => {
				const cli = await startCli(t);
				const inputs = { verbose, export_identity_token: 'true', build_api_token: '$TOKEN_OF_THE_BUILD' };
				const env = { ...how.env, ...KEPT_FROM_THE_CLI, TOKEN_OF_THE_BUILD: 'request-token-of-the-job' };
				// No later step: what one prints, or envman in the CLI's own hands, is not ours to hide.
				const ran = await cli.run({ steps: [cli.assume(inputs)], flags: [...how.flags], env });
				assert.equal(ran.exitCode, 0, ran.log);
			});

			test(`${name}, verbose=${verbose}: nor when AWS refuses`, async (t) => {
				const cli = await startCli(t);
				const ran = await cli.run({
					steps: [cli.assume({ verbose })],
					flags: [...how.flags],
					env: how.env,
					answers: [buildTokenAnswer(cli.token), DENIED],
				});
				assert.equal(ran.exitCode, 1, ran.log);
			});
		}
	}

	test('no secret is among the arguments of a program', async (t) => {
		const cli = await startCli(t);
		const path = cli.program(
			'seen/envman',
			'#!/bin/bash\necho "$@" >> "$EVIDENCE/arguments"\nexec "$REAL_ENVMAN" "$@"\n',
		);
		const { find } = await import('../js/support/programs.js');
		const ran = await cli.run({
			steps: [cli.assume({ export_identity_token: 'true' }), cli.probe('next')],
			path: [path],
			env: { REAL_ENVMAN: find('envman') },
		});
		assert.equal(ran.exitCode, 0, ran.log);
		assertCredentials(ran.environment('next'));
		const calls = cli.read('evidence/arguments');
		assert.match(
			calls,
			/--loglevel fatal --path \S+ add --key AWS_SESSION_TOKEN --valuefile \S+ --no-expand --sensitive/,
		);
		for (const secret of cli.secrets) assert.ok(!calls.includes(secret), 'a secret is among the arguments');
		const keys = [...calls.matchAll(/--loglevel fatal .* --key (\S+)/g)].map(([, key]) => key);
		assert.equal(keys.at(-1), 'AWS_ACCESS_KEY_ID', 'what names the identity comes last');
	});
});
