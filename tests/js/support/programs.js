// Programs that tests drive and that are not part of this repository.

import { existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ROOT } from './child.js';

/** @type {Record<string, string>} */
const INSTALL = {
	act: '`brew install act`, or `go install github.com/nektos/act@latest`',
	bitrise: 'the Bitrise CLI: `brew install bitrise`, or https://github.com/bitrise-io/bitrise/releases',
	envman: 'envman, which comes with the Bitrise CLI',
	stepman: 'stepman, which comes with the Bitrise CLI',
	aws: '`cargo xtask setup`, or `pip install awscli`',
	'check-jsonschema': '`cargo xtask setup`, or `pip install check-jsonschema`',
	'buildkite-agent': "`go install github.com/buildkite/agent/v3@latest`, or Buildkite's packages",
	'cfn-lint': '`cargo xtask setup`, or `pip install cfn-lint`',
	git: "your system's packages",
	hclfmt: 'terraform, tofu, or `go install github.com/hashicorp/hcl/v2/cmd/hclfmt@latest`',
	moto_server: "`cargo xtask setup`, or `pip install 'moto[server]'`",
	rsync: "your system's packages",
};

/**
 * @param {string} name
 * @returns {string | undefined}
 */
export function find(name) {
	return folders()
		.map((folder) => join(folder, name))
		.find((path) => existsSync(path));
}

/** The search path on which {@link find} found it. */
export function searchPath() {
	return folders().join(delimiter);
}

function folders() {
	const path = (process.env.PATH ?? '').split(delimiter);
	const runners = process.env.CI_ASSUME_ROLE_RUNNERS;
	// A folder of tools that several checkouts share, as .ci/run finds it.
	const parent = dirname(ROOT);
	const beside = readdirSync(parent).map((name) => join(parent, name, 'tools', 'bin'));
	return [
		join(ROOT, '.venv', 'bin'),
		...path,
		...(runners ? [runners] : []),
		...beside.filter((each) => existsSync(each)),
	];
}

/**
 * For `{ skip }`. On CI a missing program is a failure, since nobody would see that a test was skipped.
 * @param {string[]} names
 * @returns {string | false}
 */
export function missing(...names) {
	const absent = names.filter((name) => find(name) === undefined);
	if (absent.length === 0) return false;
	const hint = absent.map((name) => `needs ${name}: ${INSTALL[name] ?? 'install it'}`).join('; ');
	if (process.env.CI === 'true') throw new Error(hint);
	return hint;
}

/**
 * For `{ skip }` too, where a program is one of several that a thing is tried in. `cargo xtask setup` names what is missing.
 * @param {string[]} names
 * @returns {string | false}
 */
export function absent(...names) {
	const gone = names.filter((name) => find(name) === undefined);
	return gone.length > 0 && `there is no ${gone.join(', ')} here`;
}

/**
 * One of the runtimes that `tests/runtimes` has for this machine.
 * @param {'bun' | 'deno'} name
 * @returns {string | undefined}
 */
export function runtime(name) {
	const scope = join(ROOT, 'tests', 'runtimes', 'node_modules', name === 'bun' ? '@oven' : '@deno');
	const folders = existsSync(scope) ? readdirSync(scope) : [];
	const places = folders.map((folder) => join(scope, folder, ...(name === 'bun' ? ['bin', 'bun'] : ['deno'])));
	const found = places.find((path) => existsSync(path));
	if (found === undefined && process.env.CI === 'true') throw new Error(`tests/runtimes has no ${name}`);
	return found;
}
