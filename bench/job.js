// What a job is, and what a step of one is given on GitHub's hosted runners, in kind and in size, and nothing of this
// process's own.

import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseCommandFile } from '../tests/js/support/runner.js';

/** @typedef {Record<string, string>} Environment */
/** @typedef {import('./helpers.js').Scheme} Scheme */

/**
 * Steps of one job; a later one finds what those before it left. Every round has a folder of its own.
 * @typedef {object} Job
 * @property {(folder: string, base: Record<Scheme, string>) => Environment} environment `base` is where the servers are
 * @property {Step[]} steps
 * @property {(folder: string) => void} [beforeStep]
 * @property {(folder: string) => Environment} [afterStep] what the next step finds
 */

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {(env: Environment, folder: string) => string[]} argv
 * @property {number} [exitCode]
 */

const COMMAND_FILES = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'];
export const AUTHORITY = fileURLToPath(new URL('../tests/js/shim/tls/authority.pem', import.meta.url));

/**
 * @param {string} folder
 * @param {string} base where the token service and STS are
 * @param {string} sts the path of STS there
 * @returns {Environment}
 */
export function environment(folder, base, sts) {
	/** @type {Environment} */
	const env = {
		ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'r'.repeat(1200),
		ACTIONS_ID_TOKEN_REQUEST_URL: `${base}/token?api-version=2.0`,
		CI: 'true',
		GITHUB_ACTION: 'credentials',
		GITHUB_ACTIONS: 'true',
		GITHUB_ACTOR: 'octocat',
		GITHUB_API_URL: 'https://api.github.com',
		GITHUB_EVENT_NAME: 'push',
		GITHUB_JOB: 'deploy',
		GITHUB_REF: 'refs/heads/main',
		GITHUB_REPOSITORY: 'octo-org/octo-repo',
		GITHUB_RUN_ATTEMPT: '1',
		GITHUB_RUN_ID: '1234567890',
		GITHUB_SERVER_URL: 'https://github.com',
		GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
		GITHUB_WORKFLOW: 'deploy',
		GITHUB_WORKSPACE: folder,
		HOME: folder,
		INPUT_AUDIENCE: 'sts.amazonaws.com',
		'INPUT_AWS-REGION': 'us-east-1',
		'INPUT_ROLE-TO-ASSUME': 'arn:aws:iam::123456789012:role/deploy',
		'INPUT_STS-ENDPOINT': `${base}${sts}`,
		LANG: 'C.UTF-8',
		NODE_EXTRA_CA_CERTS: AUTHORITY,
		PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
		RUNNER_ARCH: 'X64',
		RUNNER_ENVIRONMENT: 'github-hosted',
		RUNNER_OS: 'Linux',
		RUNNER_TEMP: folder,
		RUNNER_TOOL_CACHE: '/opt/hostedtoolcache',
	};
	for (const file of COMMAND_FILES) env[file] = `${folder}/${file}`;
	for (let tool = 1; tool <= 40; tool += 1) env[`TOOL_${tool}_HOME`] = `/opt/hostedtoolcache/tool/${tool}.0.0/x64`;
	return env;
}

/**
 * Before each step, the runner empties the files by which it tells the runner something.
 * @param {string} folder
 */
export function emptyCommandFiles(folder) {
	for (const file of COMMAND_FILES) fs.writeFileSync(`${folder}/${file}`, '');
}

/**
 * What the runner makes of a step's command files for the steps after it.
 * @param {string} folder
 * @returns {Environment}
 */
export function handedOver(folder) {
	const pairs = (/** @type {string} */ file) => parseCommandFile(fs.readFileSync(`${folder}/${file}`, 'utf8'));
	const state = pairs('GITHUB_STATE').map(([name, value]) => [`STATE_${name}`, value]);
	return Object.fromEntries([...pairs('GITHUB_ENV'), ...state]);
}
