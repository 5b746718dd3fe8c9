// How a wrong command line is answered: one line that quotes what was wrong and, where there is one, the name that
// was probably meant.

/** Said in one line, with exit code 2. */
export class UsageError extends Error {}

/** @param {string} text */
export function quote(text) {
	// Whatever was typed, or pasted, moves no cursor here.
	return `"${text.slice(0, 80).replace(/[^\x20-\x7e\xa0-\uffff]/g, '?')}"`;
}

/**
 * @param {string} name
 * @param {string[]} known
 * @returns {string} the end of a sentence, or nothing when no known name is near
 */
export function nearest(name, known) {
	const [best] = known
		.map((candidate) => ({ candidate, steps: distance(name, candidate) }))
		.sort((a, b) => a.steps - b.steps);
	return best && best.steps <= Math.max(2, best.candidate.length / 3) ? `; did you mean ${best.candidate}?` : '';
}

/**
 * How many letters have to be added, dropped or changed.
 * @param {string} from
 * @param {string} to
 */
function distance(from, to) {
	let row = Array.from({ length: to.length + 1 }, (_, column) => column);
	for (const letter of from.slice(0, 80)) {
		const above = row;
		row = [(above[0] ?? 0) + 1];
		for (let column = 1; column <= to.length; column += 1) {
			const changed = (above[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
			row.push(Math.min(changed, (above[column] ?? 0) + 1, (row[column - 1] ?? 0) + 1));
		}
	}
	return row[to.length] ?? 0;
}
