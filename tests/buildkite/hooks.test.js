// What the hooks are written in. macOS has bash 3.2, and no later one of GNU's.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../js/support/child.js';

const FOLDER = join(ROOT, 'hooks');

/** What bash has learnt since 3.2, by the NEWS of its versions, as far as it shows in a script. @type {[string, RegExp][]} */
const NEWER = [
	['4.0: associative arrays', /\b(declare|local|typeset)\s+-\w*A/],
	['4.0: mapfile and readarray', /\b(mapfile|readarray)\b/],
	['4.0: coprocesses', /\bcoproc\b/],
	['4.0: letter cases of a value', /\$\{\w+(\[[^\]]*\])?(,|\^)/],
	['4.0: |& and &>>', /\|&|&>>/],
	['4.0: ;& and ;;&', /;&|;;&/],
	['4.0: globstar', /\bglobstar\b/],
	['4.0: read -i, -N and fractions of a second', /\bread\s+(-\w+\s+)*-\w*[iN]|\bread\b.*-t\s*\d*\.\d/],
	['4.1: descriptors with names', /\{\w+\}[<>]/],
	['4.2: -v, lastpipe, and times of printf', /\[\[?\s+-v\s|\blastpipe\b|%\([^)]*\)T/],
	['4.2: the last entry of an array, and \\u', /\[-\d+\]|\$'[^']*\\[uU]/],
	['4.2: declare -g', /\b(declare|typeset)\s+-\w*g/],
	['4.3: references', /\b(declare|local|typeset)\s+-\w*n\b/],
	['4.3: wait -n', /\bwait\s+-n/],
	['4.4: transformations', /\$\{\w+(\[[^\]]*\])?@\w\}/],
	['4.4: local -', /\blocal\s+-(\s|$)/],
	['5.0: its own variables', /\b(EPOCHSECONDS|EPOCHREALTIME|BASH_ARGV0|SRANDOM)\b/],
	['5.3: substitution in this shell', /\$\{[\s|]/],
];

describe('hooks', () => {
	for (const name of fs.readdirSync(FOLDER)) {
		const text = fs.readFileSync(join(FOLDER, name), 'utf8');
		const code = text.replace(/^\s*#.*$/gm, '');

		test(`${name} has nothing that bash 3.2 does not know, as far as it can be seen`, () => {
			for (const [what, pattern] of NEWER) assert.doesNotMatch(code, pattern, what);
		});

		test(`${name} is read without an error`, () => {
			const { status, stderr } = spawnSync('bash', ['-n', join(FOLDER, name)], { encoding: 'utf8' });
			assert.deepEqual([status, stderr], [0, '']);
		});
	}

	test('the search finds what it is for', () => {
		const scripts = [
			'declare -A a',
			'readarray -t a',
			'coproc cat',
			'x=${y,,}',
			'a |& b',
			'x) ;;&',
			'shopt -s globstar',
			'read -N 1 x',
			'exec {fd}>&1',
			'[[ -v x ]]',
			'echo "${a[-1]}"',
			'declare -g x',
			'local -n x=y',
			'wait -n',
			'echo ${x@Q}',
			'local -',
			'echo $EPOCHSECONDS',
			'x=${ echo; }',
		];
		scripts.forEach((script, number) => {
			const [what, pattern] = NEWER[number] ?? assert.fail();
			assert.match(script, pattern, what);
		});
	});
});
