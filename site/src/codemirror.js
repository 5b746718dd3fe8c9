// The editor itself: the one file that knows CodeMirror, which is most of the page's script.

import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState, StateEffect, StateField } from '@codemirror/state';
import { Decoration, drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** @typedef {import('./editor.js').Place} Place */
/** @typedef {import('./editor.js').Edit} Edit */
/** @typedef {import('./editor.js').Finding} Finding */

const colours = HighlightStyle.define([
	{ tag: tags.propertyName, color: 'var(--code-name)' },
	{ tag: tags.string, color: 'var(--code-text)' },
	{ tag: [tags.number, tags.bool, tags.null], color: 'var(--code-value)' },
]);

const SELECTED = { background: 'var(--selected)' };
/** The page's sheets do not reach in here, but their variables do. */
const theme = EditorView.theme({
	'&': {
		height: '24rem',
		fontSize: '0.875rem',
		color: 'var(--text)',
		background: 'var(--ground)',
		border: '1px solid var(--strong-line)',
		borderRadius: 'var(--radius)',
	},
	'&.cm-focused': { outline: '3px solid var(--accent)', outlineOffset: '1px' },
	'.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5' },
	'.cm-content': { caretColor: 'var(--text)' },
	'.cm-cursor': { borderInlineStartColor: 'var(--text)' },
	'.cm-gutters': { background: 'var(--raised)', color: 'var(--faint)', borderInlineEnd: '1px solid var(--line)' },
	'.cm-selectionBackground': SELECTED,
	'&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': SELECTED,
	'.cm-tooltip': { background: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--strong-line)' },
	// Drawn by text: the pictures that CodeMirror has for it are data URLs, which the security policy refuses as well.
	...underlined('error', '"✕"', 'var(--bad)'),
	...underlined('warning', '"▲"', 'var(--open)'),
	...underlined('info', '"●"', 'var(--accent)'),
	'.seen': { borderBottom: '2px solid transparent' },
	'.seen.good': { background: 'var(--good-ground)', borderColor: 'var(--good)' },
	'.seen.bad': { background: 'var(--bad-ground)', borderColor: 'var(--bad)' },
	'.seen.open': { background: 'var(--open-ground)', borderColor: 'var(--open)' },
});

/**
 * @param {'error' | 'warning' | 'info'} severity
 * @param {string} sign
 * @param {string} color
 */
function underlined(severity, sign, color) {
	const decoration = { backgroundImage: 'none', textDecoration: `underline wavy ${color}`, textUnderlineOffset: '3px' };
	return { [`.cm-lintRange-${severity}`]: decoration, [`.cm-lint-marker-${severity}`]: { content: sign, color } };
}

/** What a field of the state is set to. @type {import('@codemirror/state').StateEffectType<{ from: number, to: number, seen: string }[]>} */
const setSeen = StateEffect.define();

/** Parts of the policy in the colour of what came of them. */
const seenParts = StateField.define({
	create: () => Decoration.none,
	update(marks, transaction) {
		for (const effect of transaction.effects) {
			if (!effect.is(setSeen)) continue;
			const sorted = effect.value.filter(({ from, to }) => from < to).sort((a, b) => a.from - b.from || b.to - a.to);
			return Decoration.set(
				sorted.map(({ from, to, seen }) => Decoration.mark({ class: `seen ${seen}` }).range(from, to)),
			);
		}
		return marks.map(transaction.changes);
	},
	provide: (field) => EditorView.decorations.from(field),
});

export class CodeEditor {
	/** @type {EditorView} */
	#view;
	/** @type {(text: string) => void} */
	#changed;

	/**
	 * @param {object} what
	 * @param {HTMLElement} what.parent
	 * @param {string} what.label its name, for those who do not see it
	 * @param {string} what.text
	 * @param {(text: string) => void} what.changed called with what it holds after each change
	 * @param {(text: string) => string | undefined} [what.instead] what it holds in the place of a text that comes in
	 */
	constructor({ parent, label, text, changed, instead }) {
		this.#changed = changed;
		// In a document CodeMirror makes style elements, which the page's security policy refuses; in a shadow root it
		// adopts sheets.
		const root = parent.attachShadow({ mode: 'open' });
		this.#view = new EditorView({
			parent: root,
			root,
			state: EditorState.create({
				doc: text,
				extensions: [
					lineNumbers(),
					lintGutter(),
					history(),
					drawSelection(),
					highlightSpecialChars(),
					bracketMatching(),
					indentUnit.of('  '),
					json(),
					syntaxHighlighting(colours),
					seenParts,
					theme,
					EditorView.lineWrapping,
					EditorView.contentAttributes.of({
						tabindex: '0',
						'aria-label': label,
						spellcheck: 'false',
						autocorrect: 'off',
					}),
					// Tab is left to the browser, so that the keyboard gets out again.
					keymap.of([...lintKeymap, ...defaultKeymap, ...historyKeymap]),
					instead ? [replacing(instead), pasting(instead)] : [],
					EditorView.updateListener.of((update) => {
						if (update.docChanged) this.#changed(this.text);
					}),
				],
			}),
		});
	}

	get text() {
		return this.#view.state.doc.toString();
	}

	set text(text) {
		const { state } = this.#view;
		if (text === this.text) return;
		this.#view.dispatch({ changes: { from: 0, to: state.doc.length, insert: text } });
	}

	focus() {
		this.#view.focus();
	}

	/** @param {Edit[]} edits none of which overlap */
	apply(edits) {
		const changes = edits.map((edit) => ({ ...this.#range(edit), insert: edit.text }));
		this.#view.dispatch({ changes, userEvent: 'input.fix' });
	}

	/**
	 * Moves there and shows it.
	 * @param {Place} place
	 */
	show(place) {
		const { from, to } = this.#range(place);
		this.#view.dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true });
		this.#view.focus();
	}

	/** @param {(Place & { seen: string })[]} parts */
	paint(parts) {
		this.#view.dispatch({ effects: setSeen.of(parts.map((part) => ({ ...this.#range(part), seen: part.seen }))) });
	}

	/** @param {Finding[]} findings */
	underline(findings) {
		const { state } = this.#view;
		const diagnostics = findings.map(({ severity, source, message, ...place }) => {
			const { from, to } = this.#range(place);
			return { from, to, severity, source, message };
		});
		this.#view.dispatch(setDiagnostics(state, diagnostics));
	}

	/** @param {Place} place */
	#range({ line, column, endLine, endColumn }) {
		const from = this.#at(line, column);
		return { from, to: Math.max(from, this.#at(endLine, endColumn)) };
	}

	/**
	 * @param {number} line
	 * @param {number} column
	 */
	#at(line, column) {
		const { doc } = this.#view.state;
		if (line > doc.lines) return doc.length;
		const found = doc.line(Math.max(line, 1));
		let at = 0; // a character can be two units of a JavaScript string
		for (let left = column - 1; left > 0 && at < found.length; left -= 1) {
			at += (found.text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
		}
		return Math.min(found.from + at, found.to);
	}
}

/**
 * What is pasted or dropped is looked at before the editor has it, so that it stands in no document and no history.
 * @param {(text: string) => string | undefined} instead
 */
function pasting(instead) {
	/** @param {DataTransfer | null} data @param {EditorView} view @param {Event} event */
	const take = (data, view, event) => {
		const text = instead(data?.getData('text/plain') ?? '');
		if (text === undefined) return false;
		event.preventDefault();
		view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, userEvent: 'input.paste' });
		return true;
	};
	return EditorView.domEventHandlers({
		paste: (event, view) => take(event.clipboardData, view, event),
		drop: (event, view) => take(event.dataTransfer, view, event),
	});
}

/**
 * The same for what comes in by any other way: typed, dictated, or put together of several pastes.
 * @param {(text: string) => string | undefined} instead
 */
function replacing(instead) {
	return EditorState.transactionFilter.of((transaction) => {
		if (!transaction.docChanged) return transaction;
		const text = instead(transaction.newDoc.toString());
		if (text === undefined) return transaction;
		return [{ changes: { from: 0, to: transaction.startState.doc.length, insert: text } }];
	});
}
