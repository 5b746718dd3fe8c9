// What of this repository a job downloads, and what a run of it reads.

import fs from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** All that has to do with running; the rest of a checkout is for people. */
export const SHIPPED = ['js', 'pkg', 'hooks', 'action.yml', 'plugin.yml', 'step.yml', 'step.sh', 'package.json'];

/** @param {string} root */
export function shipped(root) {
	return sum(SHIPPED.flatMap((name) => filesOf(`${root}/${name}`)));
}

/**
 * The scripts come from Node's own account of what it loaded (NODE_V8_COVERAGE). WebAssembly is read as a plain file, so
 * it is not in there: what counts is the modules that are beside their glue.
 * @param {string} root
 * @param {string} coverage the folder that Node wrote to
 */
export function read(root, coverage) {
	const urls = fs.readdirSync(coverage).flatMap((name) => {
		/** @type {{ result: { url: string }[] }} */
		const { result } = JSON.parse(fs.readFileSync(`${coverage}/${name}`, 'utf8'));
		return result.map(({ url }) => url);
	});
	const scripts = urls.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url));
	if (!scripts.includes(`${root}/js/github.js`)) throw new Error('Node does not say which scripts it loaded');
	const glue = scripts.filter((path) => dirname(path) === `${root}/pkg`);
	const modules = glue.map((path) => path.replace(/\.js$/, '_bg.wasm'));
	if (modules.length === 0) throw new Error('no script is the glue of a module');
	return sum([...scripts, ...modules, `${root}/package.json`]);
}

/** @param {string} path */
function filesOf(path) {
	if (!fs.existsSync(path)) return [];
	if (fs.statSync(path).isFile()) return [path];
	/** @type {string[]} */
	const files = fs.readdirSync(path).flatMap((name) => filesOf(`${path}/${name}`));
	return files;
}

/** @param {string[]} paths */
function sum(paths) {
	return [...new Set(paths)].reduce((total, path) => total + fs.statSync(path).size, 0);
}
