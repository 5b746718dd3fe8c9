// One pipeline in gitlab-ci-local, which runs the component of templates/ as GitLab's runner does in its shell executor:
// `before_script` and `script` in one shell, `after_script` in another. STS is a loopback service. What GitLab does and
// gitlab-ci-local does not is to mint ID tokens: a test hands the job's in as variables. Whatever a test is about, every
// log is searched for secrets; see `Pipeline.run`.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { mint, stsAnswer } from '../js/support/answers.js';
import { ROOT, runProgram } from '../js/support/child.js';
import { assertNoControl, Folder } from '../js/support/job.js';
import { find, missing } from '../js/support/programs.js';
import { assertNoSecret, SECRET, SESSION_TOKEN } from '../js/support/secrets.js';
import { Service } from '../js/support/server.js';

export const ROLE = 'arn:aws:iam::123456789012:role/deploy';
const RUNNER = `${ROOT}/tests/gitlab/node_modules/gitlab-ci-local/dist/index.js`;

/** For `{ skip }`. @param {string[]} programs */
export function cannot(...programs) {
	if (fs.existsSync(RUNNER)) return missing('rsync', 'git', ...programs);
	if (process.env.CI === 'true') throw new Error('tests/gitlab has no gitlab-ci-local');
	return 'needs gitlab-ci-local: `npm ci` in tests/gitlab';
}

/** @param {Record<string, unknown>} [claims] as of gitlab.com, with the differences */
export function mintForJob(claims = {}) {
	const now = Math.floor(Date.now() / 1000);
	const usual = {
		iss: 'https://gitlab.com',
		aud: 'sts.amazonaws.com',
		sub: 'project_path:acme/api:ref_type:branch:ref:main',
		exp: now + 3600,
		iat: now,
		nbf: now - 5,
		jti: '11111111-2222-3333-4444-555555555555',
		namespace_id: '72',
		namespace_path: 'acme',
		project_id: '20',
		project_path: 'acme/api',
		user_login: 'sample-user',
		user_email: 'sample-user@example.com',
		pipeline_source: 'push',
		ref: 'main',
		ref_type: 'branch',
		ref_protected: 'true',
		runner_environment: 'gitlab-hosted',
	};
	return mint(claims, {}, usual);
}

/**
 * @typedef {object} How
 * @property {Record<string, string>} [inputs] of the component, besides the usual ones; `{base}` is the address of STS
 * @property {string} [script] of the job `deploy`
 * @property {string} [job] more lines of it, as YAML
 * @property {string} [more] more jobs
 * @property {string} [yaml] all of the pipeline, instead
 * @property {Record<string, string>} [variables] the tokens; by default one
 * @property {import('../js/support/answers.js').Answer[]} [answers]
 * @property {string[]} [secrets] more that must not be seen
 * @property {NodeJS.ProcessEnv} [env]
 */

/** @param {import('node:test').TestContext} t */
export async function startPipeline(t) {
	const pipeline = new Pipeline(await new Service().start());
	t.after(() => {
		pipeline.service.stop();
		pipeline.delete();
	});
	return pipeline;
}

export class Pipeline extends Folder {
	/** @param {Service} service */
	constructor(service) {
		super(service, mintForJob());
		for (const name of ['home', 'tmp', 'evidence', 'project']) this.put(name, { folder: true });
		fs.cpSync(`${ROOT}/templates`, this.path('project/templates'), { recursive: true });
	}

	/** @param {How} how */
	async run(how) {
		const inputs = {
			'role-arn': ROLE,
			region: 'us-east-1',
			program: `${process.execPath} ${ROOT}/js/cli.js`,
			'sts-endpoint': '{base}/sts',
			...how.inputs,
		};
		const component = Object.entries(inputs).map(([name, value]) => `      ${name}: ${JSON.stringify(value)}\n`);
		const script = (how.script ?? 'true').split('\n').map((line) => `      ${line}\n`);
		const usual = [
			`include:\n  - local: templates/assume-role.yml\n    inputs:\n${component.join('')}`,
			`deploy:\n  extends: .assume-role\n${how.job ?? ''}  script:\n    - |\n${script.join('')}${how.more ?? ''}`,
		];
		this.put('project/.gitlab-ci.yml', how.yaml ?? usual.join(''));
		const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: this.path('project') });
		const who = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
		git('init', '--quiet', '--initial-branch=main');
		git('remote', 'add', 'origin', 'git@gitlab.com:acme/api.git');
		git('add', '--all');
		git(...who, 'commit', '--quiet', '--message', 'All');

		const variables = how.variables ?? { AWS_ID_TOKEN: this.token };
		const words = Object.entries(variables).flatMap(([name, value]) => ['--variable', `${name}=${this.fill(value)}`]);
		this.service.expect(how.answers ?? [stsAnswer()]);
		const aws = find('aws');
		const ran = await runProgram([process.execPath, RUNNER, '--force-shell-executor', '--no-color', ...words], {
			cwd: this.path('project'),
			env: {
				PATH: [...(aws ? [dirname(aws)] : []), process.env.PATH].join(delimiter),
				HOME: this.path('home'),
				TMPDIR: this.path('tmp'),
				EVIDENCE: this.path('evidence'),
				NO_COLOR: '1',
				AWS_EC2_METADATA_DISABLED: 'true',
				PYTHONDONTWRITEBYTECODE: '1',
				...how.env,
			},
			deadlineMs: 60_000,
		});
		const log = `${ran.stdout}\n${ran.stderr}`;
		const secrets = [SECRET, SESSION_TOKEN, ...Object.values(variables).flatMap(parts), ...(how.secrets ?? [])];
		assertNoSecret(log, secrets, 'the log');
		const ours = log.split('\n').filter((line) => line.startsWith('deploy >'));
		assertNoControl(ours.join('\n'));
		const { received, unexpected, left } = this.service.outcome();
		return {
			...ran,
			log,
			codes: [...log.matchAll(/^deploy > error\[([a-z-]+)\]: /gm)].map(([, code = '']) => code),
			requests: received,
			/** Requests that should not have come, and answers that nobody asked for. */
			amiss: [...unexpected, ...Array(left).fill('an answer is left')],
		};
	}

	/** @param {string} name what the script left in `$EVIDENCE` */
	evidence(name) {
		const path = this.path(`evidence/${name}`);
		return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : undefined;
	}
}

/** @param {string} token */
function parts(token) {
	return token.startsWith('eyJ') ? [token, token.split('.').at(-1) ?? token] : [];
}
