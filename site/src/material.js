// What the build has put together of the documentation and the tests. It comes with the page's script and not after it:
// the first verdict needs it.

/** @typedef {{ title: string, policy?: string, claims?: string, roleArn?: string, clientIds?: string, at?: string, denied?: boolean, text?: string[], page?: string }} Linked */
/**
 * @typedef {object} Material
 * @property {import('./form.js').Levels} levels
 * @property {Record<string, Linked>} why
 * @property {Record<string, Linked>} rule
 * @property {Record<string, Linked>} example
 */

/** JSON in a text, which is read faster than a script is. @type {Material} */
export const material = JSON.parse(/** @type {any} */ (globalThis).MATERIAL ?? '{}');

/** Those that links are about, such as `#why=github-subject-context`. */
const LINKED = /** @type {const} */ (['why', 'rule', 'example']);

/**
 * @param {string} name
 * @param {string} value
 */
export function linked(name, value) {
	const kind = LINKED.find((kind) => kind === name);
	const known = kind ? material[kind] : {};
	return Object.hasOwn(known, value) ? known[value] : undefined;
}
