// One build under the real CLI: with our step, and with a step that does nothing.

import fs from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { find } from '../tests/js/support/programs.js';
import { SHIPPED } from './bytes.js';
import { AUTHORITY } from './job.js';

/** @typedef {import('./job.js').Job} Job */

const NO_OP = {
	'step.yml': 'title: Nothing\ntoolkit:\n  bash:\n    entry_file: step.sh\n',
	'step.sh': '#!/usr/bin/env bash\n:\n',
};
/** As much of rsync as the CLI uses to copy a step, for machines that have none. */
const RSYNC = `#!/bin/sh
for last; do :; done
while [ $# -gt 2 ]; do shift; done
case $1 in
*/) mkdir -p "$last" && exec cp -R "$1." "$last" ;;
*) exec cp -R "$1" "$last" ;;
esac
`;

/**
 * @param {object} what
 * @param {string} what.root this checkout
 * @param {string} what.temp
 * @param {string} what.node
 * @returns {Job[]}
 */
export function bitriseJobs({ root, temp, node }) {
	const [bitrise, envman] = [find('bitrise'), find('envman')];
	if (bitrise === undefined || envman === undefined || !fs.existsSync(`${root}/step.yml`)) return [];
	const [ours, noOp, bin] = ['step', 'no-op', 'bin'].map((name) => `${temp}/bitrise/${name}`);
	for (const name of SHIPPED.filter((each) => fs.existsSync(`${root}/${each}`))) {
		fs.cpSync(`${root}/${name}`, `${ours}/${name}`, { recursive: true });
	}
	for (const [path, text] of [
		...Object.entries(NO_OP).map(([name, text]) => [`${noOp}/${name}`, text]),
		[`${bin}/rsync`, RSYNC],
	]) {
		fs.mkdirSync(dirname(path ?? ''), { recursive: true });
		fs.writeFileSync(path ?? '', text ?? '', { mode: 0o755 });
	}

	/**
	 * @param {string} name
	 * @param {string | undefined} step its folder
	 * @param {(sts: string) => Record<string, string>[]} inputs
	 * @returns {Job}
	 */
	const job = (name, step, inputs) => ({
		environment(folder, base) {
			for (const each of ['home/.bitrise', 'tmp']) fs.mkdirSync(`${folder}/${each}`, { recursive: true });
			// The setup of the CLI would look for its tools on the internet.
			fs.writeFileSync(`${folder}/home/.bitrise/config.json`, '{"setup_version":"dev"}');
			const steps = [{ [`path::${step}`]: { inputs: inputs(`${base.https}/sts`) } }];
			// YAML, as all JSON is.
			const workflow = { format_version: '13', workflows: { deploy: { steps } } };
			fs.writeFileSync(`${folder}/bitrise.yml`, JSON.stringify(workflow));
			const folders = [bitrise, envman, node].map((each) => dirname(each));
			return {
				BITRISE_ANALYTICS_DISABLED: 'true',
				BITRISE_APP_SLUG: '0a1b2c3d4e5f6071',
				BITRISE_BUILD_API_TOKEN: 'r'.repeat(40),
				BITRISE_BUILD_NUMBER: '42',
				BITRISE_BUILD_URL: `${base.https}/build/0123456789abcdef`,
				BITRISE_IO: 'true',
				BITRISE_OFFLINE_MODE: 'true',
				CI: 'true',
				HOME: `${folder}/home`,
				LANG: 'C.UTF-8',
				NODE_EXTRA_CA_CERTS: AUTHORITY,
				PATH: [bin, ...new Set(folders), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
				TMPDIR: `${folder}/tmp`,
			};
		},
		steps: [{ name, argv: (_, folder) => [bitrise, 'run', 'deploy', '-c', `${folder}/bitrise.yml`] }],
	});

	return [
		job('bitrise no-op', noOp, () => []),
		job('bitrise ours', ours, (sts) => [{ role_arn: 'arn:aws:iam::123456789012:role/deploy' }, { sts_endpoint: sts }]),
	];
}
