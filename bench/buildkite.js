// One job in the real agent, as `buildkite-agent bootstrap` runs it: with our plugin, with plugins that do nothing, and
// with the plugin that ours replaces. All of them are there already, as on an agent that has run the step before.

import fs from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { find } from '../tests/js/support/programs.js';
import { SHIPPED } from './bytes.js';
import { AUTHORITY } from './job.js';

/** @typedef {import('./job.js').Environment} Environment */
/** @typedef {import('./job.js').Job} Job */

const AGENT = 'bench';
const ROLE = 'arn:aws:iam::123456789012:role/deploy';
const PEER = 'github.com/buildkite-plugins/aws-assume-role-with-web-identity-buildkite-plugin';
const HOOKS = ['environment', 'pre-command', 'pre-exit'];

/** What there has to be to measure at all, and what the peer needs besides. */
export const agent = () => find('buildkite-agent');
export const peerNeeds = ['aws', 'jq'];

/**
 * @param {object} what
 * @param {string} what.root this checkout
 * @param {string} what.temp
 * @param {string} what.node
 * @param {string | undefined} what.peer a checkout
 * @returns {Job[]}
 */
export function buildkiteJobs({ root, temp, node, peer }) {
	const program = agent();
	if (program === undefined) return [];
	const plugins = `${temp}/plugins`;
	const repository = `${temp}/repository`;
	fs.mkdirSync(repository);

	/**
	 * Puts a plugin where the agent would have cloned it to, and does not clone one that is there.
	 * @param {string} source
	 * @param {(folder: string) => void} fill
	 */
	const install = (source, fill) => {
		const folder = `${plugins}/${AGENT}/${`${source}-v1`.replace(/[^a-zA-Z0-9]/g, '-')}`;
		fs.mkdirSync(`${folder}/.git`, { recursive: true });
		fill(folder);
		return `${source}#v1`;
	};
	/** @param {string[]} hooks */
	const noOp = (...hooks) =>
		install(`github.com/bench/no-op-${hooks.length}`, (folder) => {
			fs.mkdirSync(`${folder}/hooks`);
			for (const hook of hooks)
				fs.writeFileSync(`${folder}/hooks/${hook}`, '#!/usr/bin/env bash\n:\n', { mode: 0o755 });
		});
	/** @param {string} from @param {string[]} names */
	const copyOf = (from, names) => (/** @type {string} */ folder) => {
		for (const name of names.filter((each) => fs.existsSync(`${from}/${each}`))) {
			fs.cpSync(`${from}/${name}`, `${folder}/${name}`, { recursive: true });
		}
	};

	/**
	 * @param {string} name
	 * @param {string} plugin
	 * @param {(sts: string) => Environment} [config]
	 * @param {(sts: string) => Environment} [extra] of the environment
	 * @returns {Job}
	 */
	const job = (name, plugin, config = () => ({}), extra = () => ({})) => ({
		environment(folder, base) {
			for (const each of ['builds', 'hooks', 'home', 's', 'tmp']) fs.mkdirSync(`${folder}/${each}`);
			const tools = [program, node, ...(peer === undefined ? [] : peerNeeds.map((each) => find(each) ?? ''))];
			const folders = tools.map((each) => dirname(each));
			const sts = `${base.https}/sts`;
			return {
				BUILDKITE: 'true',
				BUILDKITE_AGENT_ACCESS_TOKEN: 'a'.repeat(60),
				// What the agent trusts, SSL_CERT_FILE decides, but not on macOS.
				BUILDKITE_AGENT_ENDPOINT: `${process.platform === 'darwin' ? base.http : base.https}/v3`,
				BUILDKITE_AGENT_NAME: AGENT,
				BUILDKITE_BIN_PATH: dirname(program),
				BUILDKITE_BRANCH: 'main',
				BUILDKITE_BUILD_NUMBER: '42',
				BUILDKITE_BUILD_PATH: `${folder}/builds`,
				BUILDKITE_COMMAND: 'true',
				BUILDKITE_COMMIT: 'HEAD',
				BUILDKITE_HOOKS_PATH: `${folder}/hooks`,
				BUILDKITE_JOB_ID: '0184990a-477b-4fa8-9968-496074483cee',
				BUILDKITE_NO_HTTP2: 'true',
				BUILDKITE_ORGANIZATION_SLUG: 'acme',
				BUILDKITE_PIPELINE_PROVIDER: 'git',
				BUILDKITE_PIPELINE_SLUG: 'api',
				BUILDKITE_PLUGINS: JSON.stringify([{ [plugin]: config(sts) }]),
				BUILDKITE_PLUGINS_PATH: plugins,
				BUILDKITE_REPO: repository,
				BUILDKITE_SKIP_CHECKOUT: 'true',
				BUILDKITE_SOCKETS_PATH: `${folder}/s`,
				CI: 'true',
				HOME: `${folder}/home`,
				LANG: 'C.UTF-8',
				NODE_EXTRA_CA_CERTS: AUTHORITY,
				PATH: [...new Set(folders), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
				SSL_CERT_FILE: AUTHORITY,
				TERM: 'xterm',
				TMPDIR: `${folder}/tmp`,
				...extra(sts),
			};
		},
		steps: [{ name, argv: () => [program, 'bootstrap'] }],
	});

	const ours = install('github.com/bench/ci-assume-role', copyOf(root, SHIPPED));
	const jobs = [
		job('buildkite one hook', noOp('environment')),
		job('buildkite three hooks', noOp(...HOOKS)),
		job('buildkite ours', ours, (sts) => ({ 'role-arn': ROLE, 'sts-endpoint': sts })),
	];
	if (peer !== undefined) {
		const theirs = install(PEER, copyOf(peer, ['hooks', 'lib', 'plugin.yml']));
		const environment = (/** @type {string} */ sts) => ({ AWS_CA_BUNDLE: AUTHORITY, AWS_ENDPOINT_URL_STS: sts });
		jobs.push(
			job('buildkite two hooks', noOp('environment', 'pre-command')),
			job('buildkite peer', theirs, () => ({ 'role-arn': ROLE }), environment),
		);
	}
	return jobs;
}
