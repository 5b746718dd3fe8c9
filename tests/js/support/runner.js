// The runner's part, as far as a step can tell: it reads the command files and the log.
// Grammar: actions/runner, FileCommandManager.cs and ActionCommand.cs.

/**
 * Reads GITHUB_ENV, GITHUB_OUTPUT or GITHUB_STATE.
 * @param {string} text
 * @returns {[string, string][]}
 * @throws where the runner would fail the step
 */
export function parseCommandFile(text) {
	/** @type {[string, string][]} */
	const pairs = [];
	const lines = text.replace(/^\uFEFF/, '').split('\n');
	if (lines.at(-1) === '') lines.pop();
	for (let at = 0; at < lines.length; at += 1) {
		const line = lines[at] ?? '';
		if (line === '') continue;
		const equals = line.indexOf('=');
		const heredoc = line.indexOf('<<');
		if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
			pairs.push([line.slice(0, equals), line.slice(equals + 1)]);
		} else if (heredoc > 0 && heredoc + 2 < line.length) {
			const end = lines.indexOf(line.slice(heredoc + 2), at + 1);
			if (end < 0) throw new Error(`no end to the value of ${line.slice(0, heredoc)}`);
			pairs.push([line.slice(0, heredoc), lines.slice(at + 1, end).join('\n')]);
			at = end;
		} else {
			throw new Error(`neither NAME=VALUE nor NAME<<DELIMITER: ${line}`);
		}
	}
	return pairs;
}

/**
 * Something in a log that a CI's log reader would obey.
 * @typedef {object} Command
 * @property {'github' | 'azure' | 'buildkite'} dialect
 * @property {string} name
 * @property {string} properties as written
 * @property {string} data decoded
 * @property {string} line
 */

/** The CIs' log readers end a line at any of these. */
const LINE_END = /\r\n|[\n\r]/;
const CONTROL_SEQUENCE = /^(?:\s|\u001b\[[0-9;]*[A-Za-z])*/;

/**
 * Everything that any of three CIs would obey. Wider than their own readers: it asks for no known name.
 * @param {string} text
 * @returns {Command[]}
 */
export function findCommands(text) {
	return text.split(LINE_END).flatMap((line) => {
		/** @type {Command[]} */
		const found = [];
		const github = /^\s*::\s*([^\s:]+)\s*(.*?)::(.*)$/.exec(line);
		if (github) {
			const [, name = '', properties = '', data = ''] = github;
			found.push({ dialect: 'github', name, properties, data: unescapeData(data), line });
		} else if (/^\s*::/.test(line)) {
			found.push({ dialect: 'github', name: '(unfinished)', properties: '', data: line, line });
		}
		for (const [, name = ''] of line.matchAll(/##\[([^\]\s]*)/g)) {
			found.push({ dialect: 'github', name: `##[${name}`, properties: '', data: '', line });
		}
		for (const [, name = ''] of line.matchAll(/##vso\[([^\]\s]*)/gi)) {
			found.push({ dialect: 'azure', name, properties: '', data: '', line });
		}
		const mark = /^(---|\+\+\+|~~~|\^\^\^)/.exec(line.replace(CONTROL_SEQUENCE, ''));
		if (mark) found.push({ dialect: 'buildkite', name: mark[0], properties: '', data: '', line });
		return found;
	});
}

/** @param {string} text */
export function unescapeData(text) {
	return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}
