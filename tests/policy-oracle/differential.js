// Random policies and tokens, judged by our engine and by iam-simulate's. Every difference is made small and has to be
// one that `differences.js` explains; every class of `generate.js` has to come up.

import { parseArgs } from 'node:util';
import { KNOWN, oneOf } from './differences.js';
import { CLASSES, generate, random } from './generate.js';
import { ours } from './ours.js';
import { shrink } from './shrink.js';
import { simulate } from './simulate.js';

/** @typedef {import('./simulate.js').Case} Case */

const { values: options } = parseArgs({
	options: {
		cases: { type: 'string', default: '50000' },
		seed: { type: 'string', default: '1' },
		verbose: { type: 'boolean', default: false },
	},
});
const wanted = Number(options.cases);
const AT_ONCE = 50_000;
const next = random(Number(options.seed));
/** @type {Map<string, number>} */
const reached = new Map();
/** @type {Map<string, number>} */
const explained = new Map();
/** @type {string[]} */
const unexplained = [];
let differing = 0;
const reach = (/** @type {string} */ name) => void reached.set(name, (reached.get(name) ?? 0) + 1);

for (let done = 0; done < wanted; done += AT_ONCE) {
	const cases = Array.from({ length: Math.min(AT_ONCE, wanted - done) }, () => generate(next, reach));
	const verdicts = await ours(cases);
	for (const verdict of verdicts.join(' ').split(' ')) reach(`verdict ${verdict}`);
	const different = cases.filter((of, at) => verdicts[at] !== simulate(of));
	differing += different.length;
	await explain(different);
}
report();

/** @param {Case[]} different */
async function explain(different) {
	const small = await shrink(different, async (cases) =>
		(await ours(cases)).map((mine, at) => mine !== simulate(/** @type {Case} */ (cases[at]))),
	);
	const verdicts = await ours(small);
	small.forEach((of, at) => {
		const [mine = [], theirs = []] = [verdicts[at], simulate(of)].map((each) => each?.split(' '));
		const action = mine.findIndex((verdict, index) => verdict !== theirs[index]);
		const difference = { of, one: oneOf(of), ours: mine[action] ?? '', theirs: theirs[action] ?? '' };
		const known = KNOWN.find(({ explains }) => explains(difference));
		if (known) {
			explained.set(known.id, (explained.get(known.id) ?? 0) + 1);
			return;
		}
		unexplained.push(`ours ${difference.ours}, theirs ${difference.theirs}: ${JSON.stringify(of)}`);
	});
}

function report() {
	console.log(`${wanted} cases of seed ${options.seed}, ${differing} with different verdicts`);
	for (const { id, reason } of KNOWN) console.log(`${count(explained, id)} ${id}: ${reason}`);
	if (options.verbose) for (const name of CLASSES) console.log(`${count(reached, name)} ${name}`);
	const faults = unexplained.map((text) => `UNEXPLAINED ${text}`);
	if (wanted >= AT_ONCE) {
		// A shorter run cannot come by everything.
		for (const name of CLASSES) if (!reached.has(name)) faults.push(`NEVER REACHED ${name}`);
		for (const { id } of KNOWN) if (!explained.has(id)) faults.push(`EXPLAINS NOTHING ${id}`);
	}
	for (const fault of faults.slice(0, 20)) console.log(fault);
	if (faults.length > 0) process.exitCode = 1;
}

/**
 * @param {Map<string, number>} counts
 * @param {string} name
 */
function count(counts, name) {
	return String(counts.get(name) ?? 0).padStart(8);
}
