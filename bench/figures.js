// What was measured, beside its budget, as a table of a page.

import fs from 'node:fs';
import os from 'node:os';

/** @typedef {{ what: string, atMost?: number, atLeast?: number, unit: string, value: number | undefined, digits?: number }} Row */

const PAGE = new URL('../docs/performance.md', import.meta.url);

/** @param {Row[]} rows */
export function table(rows) {
	const lines = rows.map(({ what, atMost, atLeast, unit, value, digits = 1 }) => {
		const measured = value === undefined ? 'not measured' : `${value.toFixed(digits)}${unit}`;
		const budget =
			atMost === undefined ? (atLeast === undefined ? '' : `at least ${atLeast}${unit}`) : `at most ${atMost}${unit}`;
		const kept =
			value === undefined || ((atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast));
		return `| ${what} | ${budget} | ${measured} | ${budget === '' || value === undefined ? '' : kept ? 'ok' : '**OVER**'} |\n`;
	});
	return `| What | Budget | Measured |  |\n| --- | --- | --- | --- |\n${lines.join('')}`;
}

/**
 * The figures with what they were made by and on, printed, and put into the page where that is wanted.
 * @param {object} what
 * @param {string} what.command `policy`, as in `cargo xtask bench policy`
 * @param {string} [what.by] what ran them
 * @param {Row[]} what.rows
 * @param {boolean} what.write
 */
export function report({ command, by = `Node ${process.versions.node}`, rows, write }) {
	const machine = `${process.platform} ${process.arch}, ${os.cpus().length} cores`;
	const text = `Made by \`cargo xtask bench ${command} --write\` on ${by}, ${machine}.\n\n${table(rows)}`;
	console.log(text);
	if (!write) return;
	const [begin, end] = ['from', 'to'].map((word) => `<!-- bench/${command}.js writes ${word} here -->\n`);
	const [before, rest] = fs.readFileSync(PAGE, 'utf8').split(`${begin}`);
	const after = rest?.split(`${end}`)[1];
	if (before === undefined || after === undefined) {
		throw new Error(`docs/performance.md has lost the marks of the table of bench/${command}.js`);
	}
	fs.writeFileSync(PAGE, `${before}${begin}\n${text}\n${end}${after}`);
}
