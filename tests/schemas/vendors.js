// The schemas of the vendors, in the package check-jsonschema, and the YAML of our pages and manifests.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runProgram } from '../js/support/child.js';
import { find, missing } from '../js/support/programs.js';

/** @typedef {{ place: string, document: any }} Example */

/** For `{ skip }`. */
export const cannot = missing('check-jsonschema');

/**
 * @param {string[]} texts
 * @returns {any[][]} the documents of each
 */
export function parse(texts) {
	// What `python3` is elsewhere lacks the library; the one beside the checker has it.
	const python = (find('check-jsonschema') ?? '').replace(/check-jsonschema$/, 'python3');
	const input = JSON.stringify(texts);
	return JSON.parse(execFileSync(python, [join(ROOT, 'tests/schemas/parse.py')], { input, encoding: 'utf8' }));
}

/** @param {string[]} files below the root @returns {Example[]} their documents */
export function documents(...files) {
	const texts = files.map((file) => fs.readFileSync(join(ROOT, file), 'utf8'));
	return parse(texts).flatMap((found, index) =>
		found.map((document, number) => ({ place: `${files[index]}, document ${number + 1}`, document })),
	);
}

/** @param {string[]} pages below the root @returns {Example[]} every block of YAML */
export function examples(...pages) {
	const blocks = pages.flatMap((page) => {
		const text = fs.readFileSync(join(ROOT, page), 'utf8');
		return [...text.matchAll(/^```yaml\n(.*?)^```$/gms)].map((match) => {
			const line = text.slice(0, match.index).split('\n').length;
			return { place: `${page}:${line}`, text: match[1] ?? '' };
		});
	});
	return parse(blocks.map(({ text }) => text)).map(([document, ...more], index) => {
		const place = blocks[index]?.place ?? '';
		assert.deepEqual(more, [], place);
		return { place, document };
	});
}

/**
 * What the schema has against each of the examples.
 * @param {string} schema the name of a vendor's schema, or the path of a file
 * @param {Example[]} all
 * @param {string[]} [flags] of the checker
 * @returns {Promise<string[]>}
 */
export async function faults(schema, all, flags = []) {
	assert.ok(all.length > 0, schema);
	const folder = fs.mkdtempSync(join(tmpdir(), 'schemas-'));
	try {
		const files = all.map(({ document }, index) => {
			const file = join(folder, `${index}.json`);
			fs.writeFileSync(file, JSON.stringify(document));
			return file;
		});
		const by = schema.includes('/') ? ['--schemafile', schema] : ['--builtin-schema', `vendor.${schema}`];
		const program = find('check-jsonschema') ?? assert.fail('no check-jsonschema');
		const ran = await runProgram([program, ...by, ...flags, '--output-format', 'json', ...files], { env: process.env });
		assert.ok(ran.stdout.startsWith('{') && ran.exitCode !== null && ran.exitCode < 2, ran.stdout + ran.stderr);
		const { errors, parse_errors: unread } = JSON.parse(ran.stdout);
		assert.deepEqual(unread ?? [], []);
		return errors.map((/** @type {any} */ { filename, path, message, best_deep_match: deepest }) => {
			const where = all[files.indexOf(filename)]?.place;
			const { path: place, message: what } = deepest ?? { path, message };
			return `${where}: ${place}: ${what}`;
		});
	} finally {
		fs.rmSync(folder, { recursive: true, force: true });
	}
}

/**
 * The same tree with other texts.
 * @param {any} node
 * @param {(text: string) => unknown} change
 * @returns {any}
 */
export function mapTexts(node, change) {
	if (Array.isArray(node)) return node.map((each) => mapTexts(each, change));
	if (node && typeof node === 'object') {
		return Object.fromEntries(Object.entries(node).map(([key, value]) => [`${change(key)}`, mapTexts(value, change)]));
	}
	return typeof node === 'string' ? change(node) : node;
}

/** Every object in a tree, the tree itself included. @param {any} node @returns {any[]} */
export function objects(node) {
	if (!node || typeof node !== 'object') return [];
	const below = Object.values(node).flatMap(objects);
	return Array.isArray(node) ? below : [node, ...below];
}
