// What the page is given besides its scripts: the options of the generator with an example of each level, and the
// examples, causes and rules of the documentation. All of it is taken from where the project has it already.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { core } from '../js/policy-core.js';
import { rulesData, whyData } from './docs/build.js';
import { play } from './src/memory.js';

/** In the order in which the page shows them, with the folders of `tests/policies/generated` that show their levels. */
const CIS = {
	github: [
		'GitHub Actions',
		'environment',
		'branch',
		'tag',
		'workflow',
		'pull-request',
		'repository',
		'organization',
		'server',
	],
	gitlab: ['GitLab CI', 'branch', 'tag', 'project', 'organization', 'own-branch'],
	buildkite: ['Buildkite', 'branch', 'tag', 'pipeline', 'organization', 'subject'],
	circleci: ['CircleCI', 'branch', 'project', 'organization'],
	bitbucket: ['Bitbucket Pipelines', 'environment', 'repository'],
	bitrise: ['Bitrise', 'workflow', 'app'],
	'azure-devops': ['Azure DevOps', 'service-connection', 'pipeline'],
	other: ['Another CI', 'subject'],
};
/** Options that say which level it is, and that nobody has to type. */
const FIXED = ['--level', '--ci'];

/** @param {{ root: string }} what */
export async function material({ root }) {
	const flags = readFlags(fs.readFileSync(join(root, 'docs/policy.md'), 'utf8'));
	/** @type {Record<string, { policy: string, claims: string, roleArn: string, title: string }>} */
	const examples = {};
	const cis = Object.entries(CIS).map(([ci, [name = '', ...levels]]) => ({
		ci,
		name,
		levels: levels.map((level) => {
			const id = `${ci}-${level}`;
			const folder = join(root, 'tests/policies/generated', id);
			const { options } = JSON.parse(fs.readFileSync(join(folder, 'wanted.json'), 'utf8'));
			examples[id] = example(options, level.replaceAll('-', ' '));
			/** @param {boolean} fixed */
			const those = (fixed) =>
				Object.fromEntries(
					Object.entries(options)
						.filter(([flag]) => FIXED.includes(flag) === fixed && flag !== '--ci')
						.map(([flag, value]) => [flag, [value].flat().join(', ')]),
				);
			return { level, options: those(false), fixed: those(true) };
		}),
	}));
	const why = Object.fromEntries(Object.entries(await whyData({ root })).map(([id, known]) => [id, linked(known)]));
	return { levels: { cis, flags }, why, rule: await rulesData({ root }), example: examples };
}

/**
 * In the names that a link has for the same.
 * @param {import('./docs/data.js').Why} known
 */
function linked({ now, clientIds, ...others }) {
	return { ...others, ...(now && { at: now }), ...(clientIds && { clientIds: clientIds.join('\n') }) };
}

/**
 * A policy that the generator makes, with the token that it proves it by.
 * @param {Record<string, string | string[]>} options
 * @param {string} title
 */
function example(options, title) {
	const args = Object.entries(options).flatMap(([flag, value]) => [value].flat().flatMap((one) => [flag, one]));
	const ended = play(core.Job, ['policy', 'generate', ...args, '--proof', 'proof.json'], {});
	const proof = ended.files['proof.json'];
	if (ended.exitCode !== 0 || !proof) throw new Error(`no example of ${title}: ${ended.stderr}`);
	const [claims] = JSON.parse(proof).admitted;
	const roleArn = `arn:aws:iam::${options['--account-id']}:role/${options['--role-name']}`;
	return { policy: ended.stdout.trimEnd(), claims: JSON.stringify(claims, undefined, 2), roleArn, title };
}

/**
 * The options of `policy generate`, out of the table that is made from the code.
 * @param {string} page
 */
function readFlags(page) {
	const table = /<!-- flags -->\n([\s\S]*?)<!-- \/flags -->/.exec(page)?.[1] ?? '';
	const rows = table
		.split('\n')
		.map((row) => row.split(' | ').map((cell) => cell.replaceAll(/^\|\s*|\s*\|$/g, '').trim()));
	/** @type {Record<string, { meaning: string, several: boolean }>} */
	const flags = {};
	for (const [flag = '', value = '', , meaning = '', commands = ''] of rows) {
		const name = /^`(--[\w-]+)`$/.exec(flag)?.[1];
		if (name && commands.includes('policy generate'))
			flags[name] ??= { meaning, several: value.includes('repeatable') };
	}
	if (Object.keys(flags).length < 20) throw new Error('docs/policy.md has no table of flags where it was');
	return flags;
}
