// The pages of docs/recipes, taken apart: what stands in a fenced block is what a test uses, so that page and test
// cannot differ. A comment above a block says what it is: `<!-- KIND -->` or `<!-- KIND: OF -->`.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { join } from 'node:path';
import { parse } from '../../schemas/vendors.js';
import { ROOT } from './child.js';

/** @typedef {{ kind: string, of: string, language: string, text: string }} Block */

const FENCED = /^( *)(?:<!-- ([a-z -]+)(?:: (.*?))? -->\n\1)?```(\w+)\n(.*?)\n\1```$/gms;

export const FOLDER = 'docs/recipes';
export const PAGES = fs
	.readdirSync(join(ROOT, FOLDER))
	.filter((name) => name.endsWith('.md') && name !== 'README.md')
	.map((name) => name.slice(0, -3));

export class Recipe {
	/** @param {string} name */
	constructor(name) {
		this.name = name;
		this.page = fs.readFileSync(join(ROOT, FOLDER, `${name}.md`), 'utf8');
		/** @type {Block[]} */
		this.blocks = [...this.page.matchAll(FENCED)].map(
			([, indent = '', kind = '', of = '', language = '', text = '']) => {
				const lines = text.split('\n').map((line) => line.slice(indent.length));
				return { kind, of, language, text: `${lines.join('\n')}\n` };
			},
		);
	}

	/** The one block of this kind. @param {string} kind @param {string} [of] */
	block(kind, of = '') {
		const [found, ...more] = this.all(kind).filter((block) => block.of === of);
		assert.ok(found && more.length === 0, `${this.name}: ${kind}: ${of}`);
		return found;
	}

	/** @param {string} kind */
	all(kind) {
		return this.blocks.filter((block) => block.kind === kind);
	}

	/** @param {string} kind @param {string} [of] @returns {any} the YAML or JSON of the block */
	document(kind, of) {
		const [[document] = []] = parse([this.block(kind, of).text]);
		return document;
	}

	/** The ARNs of the roles whose trust policies are on the page, and what is on the page of each. */
	get roles() {
		return new Map(
			this.all('trust').map(({ of, text }) => {
				const permissions = this.all('permissions').find((block) => block.of === of);
				return [of, { trust: JSON.parse(text), permissions: permissions && JSON.parse(permissions.text) }];
			}),
		);
	}

	/** The inputs of our step, as a GitHub runner hands them over. @param {string} [of] */
	github(of) {
		const document = this.document('github', of);
		const steps = Array.isArray(document) ? document : document.steps;
		const ours = steps.filter((/** @type {any} */ step) => /\/ci-assume-role@/.test(step.uses ?? ''));
		assert.equal(ours.length, 1, this.name);
		const inputs = Object.entries(ours[0].with);
		return Object.fromEntries(inputs.map(([name, value]) => [`INPUT_${name.toUpperCase()}`, `${value}`]));
	}

	/** What the pipeline has under our plugin. @param {string} [of] @returns {Record<string, any>} */
	buildkite(of) {
		const [step] = this.document('buildkite', of).steps;
		const ours = Object.entries(Object.assign({}, ...step.plugins)).filter(([name]) =>
			/ci-assume-role\.git#/.test(name),
		);
		assert.equal(ours.length, 1, this.name);
		return /** @type {any} */ (ours[0])[1];
	}

	/** The inputs of our step at Bitrise. @returns {Record<string, string>} */
	bitrise() {
		const { workflows } = this.document('bitrise');
		const [ours] = Object.entries(Object.assign({}, ...workflows.deploy.steps)).filter(([name]) =>
			/ci-assume-role\.git@/.test(name),
		);
		return Object.assign({}, .../** @type {any} */ (ours)[1].inputs);
	}

	/** The page quotes these lines, and here they are. @param {string} what @param {string} log */
	says(what, log) {
		const plain = log.replaceAll(/\u001b\[[0-9;]*m/g, '');
		for (const line of this.block('says', what).text.trimEnd().split('\n')) {
			assert.ok(plain.includes(line), `${this.name} says\n${line}\nand the log is\n${log}`);
		}
	}
}
