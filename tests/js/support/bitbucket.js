// A stand-in for a step of Bitbucket Pipelines: each function says which fact of Bitbucket's it copies.

import fs from 'node:fs';
import { mint } from './answers.js';
import { quoted, ShellJob } from './shell-job.js';

export const ISSUER = 'https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc';
export const AUDIENCE = 'ari:cloud:bitbucket::workspace/aaaaaaaa-1111-4222-8333-bbbbbbbbbbbb';
export const REPOSITORY = '{1c2d3e4f-0000-4111-8222-333344445555}';
export const ENVIRONMENT = '{2d3e4f50-0000-4111-8222-333344445555}';
export const STEP = '{3e4f5061-0000-4111-8222-333344445555}';

/** The braces are part of the ids in `sub`, and not of the one in `aud`. */
function usualClaims() {
	const now = Math.floor(Date.now() / 1000);
	return {
		iss: ISSUER,
		aud: AUDIENCE,
		sub: `${REPOSITORY}:${STEP}`,
		iat: now,
		exp: now + 3600,
		branchName: 'main',
		repositoryUuid: REPOSITORY,
		stepUuid: STEP,
	};
}

export class BitbucketStep extends ShellJob {
	/** Secured variables: they are all that a log hides. @type {Record<string, string>} */
	secured = {};

	/** @param {import('node:test').TestContext} t */
	constructor(t) {
		super(t);
		const variables = {
			BITBUCKET_BRANCH: 'main',
			BITBUCKET_BUILD_NUMBER: '42',
			BITBUCKET_CLONE_DIR: this.path('clone'),
			BITBUCKET_REPO_FULL_NAME: 'acme/api',
			BITBUCKET_REPO_SLUG: 'api',
			BITBUCKET_STEP_UUID: STEP,
			BITBUCKET_WORKSPACE: 'acme',
			CI: 'true',
		};
		fs.mkdirSync(this.path('clone'));
		Object.assign(this.env, variables);
		this.oidc();
	}

	/**
	 * `oidc: true` sets one variable at the start of the step, and nothing mints another token later.
	 * @param {Record<string, unknown> | null} [claims] differences, or that the step has no `oidc: true`
	 */
	oidc(claims = {}) {
		delete this.env.BITBUCKET_STEP_OIDC_TOKEN;
		if (claims === null) return;
		const token = mint(claims, {}, usualClaims());
		this.secrets.add(token);
		this.secrets.add(token.split('.')[2] ?? '');
		this.env.BITBUCKET_STEP_OIDC_TOKEN = token;
	}

	/** A step with `deployment:` has the environment's id in the middle of its subject. */
	deployment() {
		this.oidc({ sub: `${REPOSITORY}:${ENVIRONMENT}:${STEP}`, deploymentEnvironmentUuid: ENVIRONMENT });
	}

	/**
	 * All lines of a step's script are run by one shell, in the clone, which ends at the first one that fails. Each is
	 * written to the log before it is run, as it stands. Exact texts of secured variables are replaced by their names,
	 * and nothing else is hidden.
	 * @param {string[]} lines
	 * @param {string} [shell] bash where the image has one, sh otherwise
	 */
	async script(lines, shell = 'bash') {
		const told = lines.flatMap((line) => [`printf '+ %s\\n' ${quoted(line)}`, line]);
		const whole = ['cd "$BITBUCKET_CLONE_DIR"', ...told].join('\n');
		const ran = await this.shell([shell, '-e', '-c', whole], this.secured);
		const hidden = Object.entries(this.secured);
		return { ...ran, log: hidden.reduce((log, [name, value]) => log.replaceAll(value, `$${name}`), ran.log) };
	}

	/** Files that the step left in the clone, where artifacts and images are made of them. */
	inClone() {
		return fs.readdirSync(this.path('clone'));
	}
}
