// Text that is edited in place, with findings at their spans. Until the first verdict is drawn it is shown and no more:
// the editor is most of the page's script, and nobody has to wait for it to see why AWS says no.

import { h } from './dom.js';
import { firstShown } from './first.js';

/**
 * A part of a text as the core gives it: lines and columns from 1, columns in characters.
 * @typedef {object} Place
 * @property {number} line
 * @property {number} column
 * @property {number} endLine
 * @property {number} endColumn
 */
/** @typedef {Place & { text: string }} Edit */
/** @typedef {Place & { seen: string }} Part */
/** @typedef {Place & { severity: 'error' | 'warning' | 'info', source: string, message: string }} Finding */
/** @typedef {import('./codemirror.js').CodeEditor} CodeEditor */

const loaded = firstShown.then(() => import('./codemirror.js'));

export class Editor {
	#text = '';
	#shown;
	/** @type {(text: string) => void} */
	#changed;
	/** @type {Part[]} */
	#painted = [];
	/** @type {Finding[]} */
	#underlined = [];
	/** @type {CodeEditor | undefined} */
	#editor;
	/** @type {Promise<CodeEditor>} */
	#whenThere;

	/**
	 * @param {object} what
	 * @param {HTMLElement} what.parent
	 * @param {string} what.label its name, for those who do not see it
	 * @param {(text: string) => void} what.changed called with what it holds after each change
	 * @param {(text: string) => string | undefined} [what.instead] what it holds in the place of a text that comes in
	 */
	constructor({ parent, label, changed, instead }) {
		this.#changed = changed;
		this.#shown = h('pre', { role: 'region', 'aria-label': `${label}, not to be edited yet`, tabindex: '0' });
		parent.append(this.#shown);
		this.#whenThere = loaded.then(({ CodeEditor }) => {
			const editor = new CodeEditor({ parent, label, text: this.#text, changed, ...(instead && { instead }) });
			this.#shown.remove();
			editor.paint(this.#painted);
			editor.underline(this.#underlined);
			this.#editor = editor;
			return editor;
		});
	}

	get text() {
		return this.#editor ? this.#editor.text : this.#text;
	}

	set text(text) {
		if (this.#editor) {
			this.#editor.text = text;
		} else if (text !== this.#text) {
			this.#text = text;
			this.#painted = [];
			this.#underlined = [];
			this.#shown.textContent = text;
			this.#changed(text);
		}
	}

	async focus() {
		(await this.#whenThere).focus();
	}

	/** @param {Edit[]} edits none of which overlap */
	async apply(edits) {
		(await this.#whenThere).apply(edits);
	}

	/**
	 * Moves there and shows it.
	 * @param {Place} place
	 */
	async show(place) {
		(await this.#whenThere).show(place);
	}

	/** @param {Part[]} parts */
	paint(parts) {
		this.#painted = parts;
		this.#editor?.paint(parts);
	}

	/** @param {Finding[]} findings */
	underline(findings) {
		this.#underlined = findings;
		this.#editor?.underline(findings);
	}
}
