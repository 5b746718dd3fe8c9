// A job described in the words of its CI: the options of `policy generate`, as fields.

import { fill, h } from './dom.js';

/**
 * What the build has taken from the options of the command: the levels of each CI, with the options that describe them
 * and an example of each; and what each option means.
 * @typedef {object} Levels
 * @property {{ ci: string, name: string, levels: { level: string, options: Record<string, string>, fixed: Record<string, string> }[] }[]} cis
 * @property {Record<string, { meaning: string, several: boolean }>} flags
 */
/** @typedef {import('./memory.js').Ended} Ended */

/** For each level: those that most people leave alone. */
const FURTHER = ['--audience', '--issuer', '--partition'];
const ROLE = ['--role-name', '--account-id'];
/** `Its id` says no more than the label. */
const SAYS_NOTHING = 14;

/** @param {Levels} levels */
export function jobForm(levels) {
	const ci = h('select', { name: 'ci' });
	const level = h('select', { name: 'level' });
	const fields = h('div', { class: 'fields' });
	/** What was typed, by option, so that it stays when the level changes. @type {Map<string, string>} */
	const typed = new Map();
	ci.append(...levels.cis.map(({ ci: id, name }) => h('option', { value: id }, name)));

	const chosen = () => levels.cis.find(({ ci: id }) => id === ci.value) ?? levels.cis[0];
	const chosenLevel = () => chosen()?.levels.find((one) => one.level === level.value) ?? chosen()?.levels[0];

	const showLevels = () => {
		fill(level, chosen()?.levels.map((one) => h('option', { value: one.level }, one.level.replaceAll('-', ' '))) ?? []);
		showFields();
	};
	const showFields = () => {
		const { options = {} } = chosenLevel() ?? {};
		const own = Object.keys(options).filter((flag) => !ROLE.includes(flag));
		fill(fields, [
			...[...own, ...ROLE].map((flag) => field(flag, options[flag] ?? '')),
			h(
				'details',
				{ class: 'more' },
				h('summary', {}, 'Further'),
				FURTHER.filter((flag) => !(flag in options)).map((flag) => field(flag, '')),
			),
		]);
	};
	/** @param {string} flag @param {string} example */
	const field = (flag, example) => {
		const { meaning = '', several = false } = levels.flags[flag] ?? {};
		const input = h('input', {
			name: flag,
			placeholder: example,
			spellcheck: 'false',
			autocomplete: 'off',
			oninput: () => typed.set(flag, input.value),
		});
		input.value = typed.get(flag) ?? example;
		const hint = [
			meaning.length < SAYS_NOTHING ? '' : `${meaning}.`,
			several ? 'Several: separate them by commas.' : '',
		];
		return h('label', {}, labelOf(flag), input, h('span', { class: 'hint' }, hint.join(' ')));
	};
	ci.addEventListener('change', () => {
		typed.clear(); // another CI's names mean other things
		showLevels();
	});
	level.addEventListener('change', showFields);
	showLevels();

	const args = () => {
		/** @type {string[]} */
		const list = ['--ci', chosen()?.ci ?? ''];
		for (const [flag, value] of Object.entries(chosenLevel()?.fixed ?? {})) list.push(flag, value);
		for (const input of fields.querySelectorAll('input')) {
			const { several = false } = levels.flags[input.name] ?? {};
			const values = several ? input.value.split(',') : [input.value];
			for (const value of values.map((one) => one.trim()).filter(Boolean)) list.push(input.name, value);
		}
		return list;
	};
	return {
		element: h(
			'div',
			{ class: 'job-form' },
			h('div', { class: 'fields' }, h('label', {}, 'CI', ci), h('label', {}, 'Who gets in', level)),
			fields,
		),
		args,
		/**
		 * The claims of the token of such a job, by which the generator proves its policy.
		 * @param {import('./engine.js').Engine} engine
		 * @returns {Promise<{ claims?: Record<string, unknown>, problem?: string }>}
		 */
		claims: async (engine) => {
			const ended = await engine.run(['generate', ...args(), '--proof', 'proof.json'], {});
			const proof = ended.files['proof.json'];
			return proof ? { claims: JSON.parse(proof).admitted[0] } : { problem: ended.stderr.trim() };
		},
		/** @param {string} id such as `github-environment` */
		choose: (id) => {
			const found = levels.cis.find((one) => id.startsWith(`${one.ci}-`));
			if (!found) return false;
			ci.value = found.ci;
			typed.clear();
			showLevels();
			level.value = id.slice(found.ci.length + 1);
			showFields();
			return true;
		},
	};
}

/** @param {string} flag */
function labelOf(flag) {
	const words = flag
		.slice(2)
		.replaceAll('-', ' ')
		.replace(/\bid\b/, 'ID')
		.replace(/\barn\b/, 'ARN');
	return words.charAt(0).toUpperCase() + words.slice(1);
}
