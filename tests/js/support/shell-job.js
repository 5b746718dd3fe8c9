// What the stand-ins for CIs without a runner of their own have in common: a job is shells on one machine, with a folder
// for its home, one for temporary files, and one in which it leaves evidence for the test.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { stsAnswer } from './answers.js';
import { command, runProgram } from './child.js';
import { find } from './programs.js';
import { assertNoSecret, KEY_ID, SECRET, SESSION_TOKEN } from './secrets.js';
import { Service } from './server.js';

export const ROLE = 'arn:aws:iam::123456789012:role/deploy';
export const SESSION = [KEY_ID, SECRET, SESSION_TOKEN];

/** Has botocore, on which the AWS CLI is built, find credentials as any program of the job would. */
const WHO = `
import json, os, sys, botocore.session
session = botocore.session.Session(profile=sys.argv[2] if len(sys.argv) > 2 else None)
found = session.get_credentials()
keys = found and found.get_frozen_credentials()
with open(os.path.join(os.environ['EVIDENCE'], sys.argv[1]), 'w') as file:
    json.dump([*(keys[:3] if keys else ['', '', '']), session.get_config_variable('region')], file)
`;

/** @typedef {{ exitCode: number | null, log: string }} Ran */

export class ShellJob {
	/** @type {NodeJS.ProcessEnv} */
	env = {};
	/** What no log may show. @type {Set<string>} */
	secrets = new Set(SESSION);

	/** @param {import('node:test').TestContext} t */
	constructor(t) {
		this.service = new Service();
		this.temp = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'shell job '));
		for (const name of ['bin', 'evidence', 'home', 'tmp']) fs.mkdirSync(join(this.temp, name));
		fs.writeFileSync(this.path('who.py'), WHO);
		t.after(() => {
			this.service.stop();
			fs.rmSync(this.temp, { recursive: true, force: true });
		});
		const python = dirname(find('aws') ?? '/usr/bin/python3');
		this.env = {
			AWS_EC2_METADATA_DISABLED: 'true',
			EVIDENCE: this.path('evidence'),
			HOME: this.path('home'),
			LANG: 'C.UTF-8',
			PATH: [this.path('bin'), python, process.env.PATH].join(delimiter),
			PYTHONDONTWRITEBYTECODE: '1',
			TMPDIR: this.path('tmp'),
		};
		this.tool('who', `exec '${join(python, 'python3')}' '${this.path('who.py')}' "$@"`);
		this.tool('ci-assume-role', `exec ${command('js/cli.js').map(quoted).join(' ')} "$@"`);
	}

	/**
	 * A job whose STS is there; it gives what it is told to.
	 * @template {ShellJob} T
	 * @this {new (t: import('node:test').TestContext) => T}
	 * @param {import('node:test').TestContext} t
	 * @returns {Promise<T>}
	 */
	static async start(t) {
		const job = new this(t);
		await job.service.start();
		job.service.expect([stsAnswer()]);
		return job;
	}

	/** The command line of ours that assumes a role, for a script. @param {string[]} args */
	assume(...args) {
		const usual = ['--role-arn', ROLE, '--region', 'eu-north-1', '--sts-endpoint', this.service.base];
		return ['ci-assume-role', 'assume', ...usual, ...args].map(quoted).join(' ');
	}

	/** @param {string} name */
	path(name) {
		return join(this.temp, name);
	}

	/**
	 * A program on PATH.
	 * @param {string} name
	 * @param {string} script
	 */
	tool(name, script) {
		fs.writeFileSync(join(this.temp, 'bin', name), `#!/usr/bin/env bash\n${script}\n`, { mode: 0o755 });
	}

	/** What the job wrote into `$EVIDENCE`. @param {string} name */
	evidence(name) {
		return fs.readFileSync(join(this.temp, 'evidence', name), 'utf8');
	}

	/** What botocore found when the job called `who NAME`. @param {string} name */
	found(name) {
		return JSON.parse(this.evidence(name));
	}

	/** Files of ours with their modes, by what their names end in. */
	left() {
		const names = fs.readdirSync(this.path('tmp')).filter((name) => name.startsWith('ci-assume-role'));
		return names.map((name) => {
			const mode = (fs.statSync(join(this.temp, 'tmp', name)).mode & 0o777).toString(8);
			return `${name.replace(/^ci-assume-role-[0-9a-f]{32}-/, '')} ${mode}`;
		});
	}

	/** The forms that STS was sent. @returns {Record<string, string>[]} */
	exchanged() {
		const { received, unexpected } = this.service.outcome();
		assert.deepEqual(unexpected, []);
		return received.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
	}

	/**
	 * Of every shell it is asked that no secret is in its log.
	 * @param {string[]} shell
	 * @param {NodeJS.ProcessEnv} [more]
	 * @returns {Promise<Ran>}
	 */
	async shell(shell, more = {}) {
		const ran = await runProgram(shell, {
			env: { ...this.env, ...more },
			cwd: this.temp,
			deadlineMs: 60_000,
			wrapper: ['sh', '-c', 'exec "$@" 2>&1', 'sh'],
		});
		assertNoSecret(ran.stdout, this.secrets, 'the log');
		return { exitCode: ran.exitCode, log: ran.stdout };
	}
}

/** Everything that has a meaning to a shell. No variable that there is: AWS's tools replace those in paths. */
export const HOSTILE = `it's "q" $NONE \`id\` $(id) \\ ; & | > * ? ~ # ! é 漢 🔑\n- next = [line]`;

/** A session whose every text is hostile; AWS's own are of visible characters, and others are refused. */
export const hostileSession = () => ({
	AccessKeyId: KEY_ID,
	SecretAccessKey: `${SECRET}'"$(touch\${IFS}$EVIDENCE/pwned)\`touch\${IFS}$EVIDENCE/pwned\`#;\\`,
	SessionToken: `${randomBytes(8).toString('hex')}';touch\${IFS}$EVIDENCE/pwned;echo\${IFS}'!`,
});

/** @param {string} word */
export function quoted(word) {
	return /^[\w./:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
