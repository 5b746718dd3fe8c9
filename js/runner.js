// As much of GitHub's runner as the demo shows: the files that a step writes commands to, the environment that it
// gets, and what becomes of its log on the way to the reader.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const LONGEST_STEP = 30000;
const FILES = ['GITHUB_ENV', 'GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY'];
// What a program needs to start, and nothing of the demo's user: no credentials, no proxies, no settings of Node.
const INHERITED = ['PATH', 'Path', 'PATHEXT', 'SystemRoot', 'SYSTEMROOT', 'TMPDIR', 'TEMP', 'TMP'];

/**
 * One job: its steps share a folder, and the masks that any of them has set.
 * @param {string} folder
 * @param {Record<string, string>} environment what the runner tells every step
 * @param {(line: string) => void} show
 */
export function startJob(folder, environment, show) {
	/** @type {Set<string>} */
	const masks = new Set();
	/** @type {ReturnType<typeof spawn> | undefined} */
	let child;
	let steps = 0;

	/** @param {string} text */
	const mask = (text) => {
		const longestFirst = [...masks].sort((a, b) => b.length - a.length);
		return longestFirst.reduce((masked, secret) => masked.split(secret).join('***'), text);
	};

	/**
	 * @param {string} entry
	 * @param {Record<string, string>} more inputs and state
	 */
	const step = async (entry, more) => {
		steps += 1;
		const home = join(folder, `step-${steps}`);
		mkdirSync(home);
		const files = Object.fromEntries(FILES.map((name) => [name, join(home, name)]));
		for (const path of Object.values(files)) writeFileSync(path, '');
		const inherited = Object.fromEntries(INHERITED.flatMap((name) => pair(name, process.env[name])));
		const env = { ...inherited, HOME: home, USERPROFILE: home, RUNNER_TEMP: folder, ...files, ...environment, ...more };

		/** @type {string[]} */
		const lines = [];
		let indent = '';
		/** @param {string} line */
		const take = (line) => {
			const command = parseCommand(line);
			if (command?.name === 'add-mask') {
				for (const part of command.data.split(/\r?\n/)) if (part.trim()) masks.add(part);
				return;
			}
			lines.push(line);
			if (command?.name === 'endgroup') indent = '';
			for (const shown of render(line, command)) show(mask(indent + shown));
			if (command?.name === 'group') indent = '  ';
		};

		const script = fileURLToPath(new URL(entry, import.meta.url));
		const argv = process.versions.deno ? ['run', '-A', script] : [script];
		child = spawn(process.execPath, argv, { env, cwd: home, stdio: ['ignore', 'pipe', 'pipe'], timeout: LONGEST_STEP });
		for (const stream of [child.stdout, child.stderr]) {
			if (stream) createInterface({ input: stream }).on('line', take);
		}
		const exitCode = await new Promise((resolve, reject) => child?.on('error', reject).on('close', resolve));
		child = undefined;
		const leaks = lines.filter((line) => mask(line) !== line).length; // a mask that came too late included
		/** @param {string} name */
		const written = (name) => parseFile(readFileSync(join(home, name), 'utf8'));
		return { exitCode, leaks, env: written('GITHUB_ENV'), state: written('GITHUB_STATE') };
	};

	return { step, mask, stop: () => child?.kill() };
}

/**
 * @param {string} name
 * @param {string | undefined} value
 * @returns {[string, string][]}
 */
function pair(name, value) {
	return value === undefined ? [] : [[name, value]];
}

/** @typedef {{ name: string, title: string, data: string }} Command */

/**
 * `::name key=value,key=value::data`
 * @param {string} line
 * @returns {Command | undefined}
 */
function parseCommand(line) {
	const [, name = '', properties = '', data = ''] = /^\s*::([a-z-]+)(?: ([^:]*))?::(.*)$/i.exec(line) ?? [];
	if (!name) return undefined;
	const title = /(?:^|,)title=([^,]*)/.exec(properties)?.[1] ?? '';
	return { name: name.toLowerCase(), title: decode(title), data: decode(data) };
}

/** @param {string} text */
function decode(text) {
	const plain = text.replace(/%0D/gi, '\r').replace(/%0A/gi, '\n').replace(/%3A/gi, ':').replace(/%2C/gi, ',');
	return plain.replace(/%25/g, '%');
}

/**
 * @param {string} line
 * @param {Command | undefined} command
 * @returns {string[]}
 */
function render(line, command) {
	switch (command?.name) {
		case 'group':
			return [`> ${command.data}`];
		case 'error':
		case 'warning':
		case 'notice': {
			const label = `${command.name.charAt(0).toUpperCase()}${command.name.slice(1)}`;
			return `${label}${command.title && ` [${command.title}]`}: ${command.data}`.split('\n');
		}
		case 'debug':
		case 'endgroup':
			return [];
		default:
			return [line];
	}
}

/**
 * `NAME=value`, or `NAME<<DELIMITER`, lines, `DELIMITER`.
 * @param {string} text
 * @returns {Record<string, string>}
 */
function parseFile(text) {
	/** @type {Record<string, string>} */
	const entries = {};
	const lines = text.split('\n');
	for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
		const [, name, operator, rest = ''] = /^([^=<]+)(=|<<)(.*)$/.exec(line) ?? [];
		if (!name) continue;
		const end = lines.indexOf(rest);
		entries[name] =
			operator === '='
				? rest
				: lines
						.splice(0, end + 1)
						.slice(0, -1)
						.join('\n');
	}
	return entries;
}
