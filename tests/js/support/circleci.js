// A stand-in for a CircleCI job: each function says which fact of CircleCI's it copies.

import fs from 'node:fs';
import { mint } from './answers.js';
import { ShellJob } from './shell-job.js';

export const ORGANIZATION = '0d6a6d9c-4c3f-4f6e-8f0a-2f4b7a1c9d11';
export const PROJECT = '7b1b1f0e-93a8-4f6b-9d0f-0b8c1a2d3e4f';
export const ISSUER = `https://oidc.circleci.com/org/${ORGANIZATION}`;
export const SUBJECT = `org/${ORGANIZATION}/project/${PROJECT}/user/5c1d2e3f-aaaa-4bbb-8ccc-1234567890ab`;
const BRANCH = '/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/main';

/** The claims of docs/openid-connect-tokens: V2 goes on after the user, V1 does not. @param {1 | 2} version */
function usualClaims(version) {
	const now = Math.floor(Date.now() / 1000);
	return {
		iss: ISSUER,
		aud: ORGANIZATION,
		sub: version === 2 ? SUBJECT + BRANCH : SUBJECT,
		iat: now,
		exp: now + 3600,
		'oidc.circleci.com/org-id': ORGANIZATION,
		'oidc.circleci.com/project-id': PROJECT,
		'oidc.circleci.com/ssh-rerun': false,
		'oidc.circleci.com/vcs-origin': 'github.com/acme/api',
		'oidc.circleci.com/vcs-ref': 'refs/heads/main',
	};
}

export class CircleJob extends ShellJob {
	/** Variables of contexts and of the project: they are all that a log hides. @type {Record<string, string>} */
	context = {};

	/** @param {import('node:test').TestContext} t */
	constructor(t) {
		super(t);
		const variables = {
			CI: 'true',
			CIRCLECI: 'true',
			CIRCLE_BRANCH: 'main',
			CIRCLE_BUILD_NUM: '42',
			CIRCLE_JOB: 'build and deploy',
			CIRCLE_ORGANIZATION_ID: ORGANIZATION,
			CIRCLE_PROJECT_ID: PROJECT,
			CIRCLE_PROJECT_REPONAME: 'api',
			// A file for the whole job; CircleCI makes it together with the job.
			BASH_ENV: this.path('bash env'),
		};
		Object.assign(this.env, variables);
		fs.writeFileSync(this.path('bash env'), '');
		this.token(1);
		this.token(2);
		this.agent();
	}

	/**
	 * Both tokens are variables of every job, without anything being asked for.
	 * @param {1 | 2} version
	 * @param {Record<string, unknown> | null} [claims] differences, or that there is no such token
	 */
	token(version, claims = {}) {
		const name = version === 2 ? 'CIRCLE_OIDC_TOKEN_V2' : 'CIRCLE_OIDC_TOKEN';
		delete this.env[name];
		if (claims) this.env[name] = this.#secret(mint(claims, {}, usualClaims(version)));
	}

	/**
	 * The `circleci` of a job: `run oidc get --claims JSON` mints a token, of which only `aud` can be chosen, as often as
	 * it is called; `env subst` replaces variables. What it is called with is put on record.
	 * @param {{ says?: string, exitCode?: number }} [how]
	 */
	agent({ says = '', exitCode = 0 } = {}) {
		const minted = this.#secret(mint({ aud: 'AUDIENCE', jti: 'minted' }, {}, usualClaims(2)));
		const [head = '', claims = '', signature = ''] = minted.split('.');
		fs.writeFileSync(this.path('claims'), Buffer.from(claims, 'base64url'));
		this.tool(
			'circleci',
			`case "$1 $2" in
'env subst')
	exec node -e 'process.stdout.write(require("fs").readFileSync(0, "utf8").replace(/\\$\\{?(\\w+)\\}?/g, (_, name) => process.env[name] ?? ""))' ;;
'run oidc')
	printf '%s\\n' "$@" >> "$EVIDENCE/circleci.argv"
	[ ${exitCode} = 0 ] || { echo '${says}' >&2; exit ${exitCode}; }
	exec node -e '
		const [, file, asked] = process.argv;
		const claims = { ...JSON.parse(require("fs").readFileSync(file, "utf8")), ...JSON.parse(asked) };
		const encoded = Buffer.from(JSON.stringify(claims)).toString("base64url");
		console.log(["${head}", encoded, "${signature}"].join("."));' '${this.path('claims')}' "$5" ;;
esac
exit 64`,
		);
	}

	/** How often and with what the job's `circleci` was asked for a token. */
	asked() {
		if (!fs.existsSync(this.path('evidence/circleci.argv'))) return [];
		const words = this.evidence('circleci.argv').trimEnd().split('\n');
		return words.filter((word) => word.startsWith('{')).map((claims) => JSON.parse(claims));
	}

	/** @param {string} token */
	#secret(token) {
		this.secrets.add(token);
		this.secrets.add(token.split('.')[2] ?? '');
		return token;
	}

	/**
	 * Each `run` step is a bash of its own, `bash -eo pipefail -c`. Being neither interactive nor a login shell, it reads
	 * `$BASH_ENV` before anything else; nothing but this file, and others, is left of an earlier step. Variables of
	 * contexts of four or more characters become asterisks in the log, and nothing else does.
	 * @param {string} script
	 * @param {NodeJS.ProcessEnv} [env] the step's own `environment:`
	 */
	async step(script, env = {}) {
		const ran = await this.shell(['bash', '-eo', 'pipefail', '-c', script], { ...this.context, ...env });
		const hidden = Object.values(this.context).filter((value) => value.length >= 4);
		return { ...ran, log: hidden.reduce((log, value) => log.replaceAll(value, '****'), ran.log) };
	}

	/** What later steps are told. */
	bashEnv() {
		return fs.readFileSync(this.path('bash env'), 'utf8');
	}
}
