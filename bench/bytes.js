// What of this repository a job downloads, and what a run of it reads.

import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

/** All that has to do with running; the rest of a checkout is for people. */
export const SHIPPED = ['js', 'pkg', 'hooks', 'action.yml', 'plugin.yml', 'step.yml', 'step.sh', 'package.json'];

/** @param {string} root */
export function shipped(root) {
	return sum(SHIPPED.flatMap((name) => filesOf(`${root}/${name}`)));
}

/** What `js/core.js` has loaded for a job of GitHub's. */
const MODULE = 'pkg/ci_assume_role_github_bg.wasm';

/**
 * The scripts come from Node's own account of what it loaded (NODE_V8_COVERAGE). WebAssembly is read as a plain file, so
 * it is not in there.
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
	if (!scripts.includes(`${root}/js/github.cjs`)) throw new Error('Node does not say which scripts it loaded');
	return sum([...scripts, `${root}/${MODULE}`, `${root}/package.json`]);
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
