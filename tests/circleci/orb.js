// Puts the orb together as `circleci orb pack` does, and expands a command of it as CircleCI does.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../js/support/child.js';
import { find } from '../js/support/programs.js';

/** @typedef {{ type: string, default?: unknown, enum?: string[], description?: string }} Parameter */
/** @typedef {{ name: string, when: string, shell: string, environment: Record<string, unknown>, command: string }} Run */
/** @typedef {{ description: string, parameters: Record<string, Parameter>, steps: { run: Run }[] }} Command */
/** @typedef {{ commands: Record<string, Command>, examples: Record<string, { usage: any }> }} Orb */

/** @param {string} path below the root of the repository */
export function yaml(path) {
	const python = join(dirname(find('aws') ?? assert.fail('no Python with PyYAML')), 'python3');
	const script = 'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)';
	return JSON.parse(execFileSync(python, ['-c', script, join(ROOT, path)], { encoding: 'utf8' }));
}

/**
 * `src/@orb.yml` with every file of the folders beside it under the folder's name, and the text of a script in the place
 * of its marker.
 */
export function pack() {
	const orb = yaml('orb/src/@orb.yml');
	for (const folder of ['commands', 'examples']) {
		const files = fs.readdirSync(join(ROOT, 'orb/src', folder)).filter((name) => name.endsWith('.yml'));
		orb[folder] = Object.fromEntries(
			files.map((name) => [name.replace('.yml', ''), included(yaml(`orb/src/${folder}/${name}`))]),
		);
	}
	return /** @type {Orb} */ (orb);
}

/** @param {any} node @returns {any} */
function included(node) {
	if (Array.isArray(node)) return node.map(included);
	if (node && typeof node === 'object') {
		return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, included(value)]));
	}
	const [, file] = /^<<\s*include\(([^)]+)\)\s*>>$/.exec(`${node}`.trim()) ?? [];
	return file === undefined ? node : fs.readFileSync(join(ROOT, 'orb/src', file), 'utf8');
}

/**
 * The `run` steps of a command that is called with these parameters, and their environments as a process gets them.
 * @param {Command} command
 * @param {Record<string, unknown>} given
 * @param {(value: boolean) => string} [boolean] how a boolean is written into a variable
 */
export function expand(command, given, boolean = (value) => (value ? '1' : '0')) {
	const known = Object.keys(command.parameters);
	for (const name of Object.keys(given)) assert.ok(known.includes(name), `Unexpected argument(s): ${name}`);
	const values = Object.entries(command.parameters).map(([name, parameter]) => {
		const value = given[name] ?? parameter.default ?? assert.fail(`Missing required argument(s): ${name}`);
		if (parameter.enum) assert.ok(parameter.enum.includes(`${value}`), `${name}: ${value}`);
		else assert.equal(typeof value, parameter.type === 'boolean' ? 'boolean' : 'string', name);
		return [name, typeof value === 'boolean' ? boolean(value) : value];
	});
	const filled = (/** @type {unknown} */ text) =>
		values.reduce((all, [name, value]) => all.replaceAll(`<< parameters.${name} >>`, () => `${value}`), `${text}`);
	return command.steps.map(({ run }) => {
		const environment = Object.entries(run.environment).map(([name, value]) => [name, filled(value)]);
		const expanded = { when: filled(run.when), shell: run.shell, command: filled(run.command) };
		for (const text of [...Object.values(expanded), ...environment.flat()]) assert.doesNotMatch(`${text}`, /<</);
		return { ...expanded, environment: Object.fromEntries(environment) };
	});
}
