// What the linter has to say of the policy, whoever asks.

import { h, visible } from './dom.js';

/** @typedef {import('./editor.js').Place} Place */
/**
 * @typedef {Place & {
 *   id: string, rule: string, severity: 'critical' | 'high' | 'medium' | 'low', pointer: string, message: string, fix: string,
 *   counterExample: { whose: string, claims: Record<string, unknown>, admitted: boolean } | null,
 *   edits: import('./editor.js').Edit[],
 * }} Finding
 */

/** @type {Record<Finding['severity'], 'error' | 'warning' | 'info'>} */
export const UNDERLINE = { critical: 'error', high: 'error', medium: 'warning', low: 'info' };

/**
 * @param {Finding[]} findings
 * @param {object} can
 * @param {(place: Place) => void} can.show
 * @param {(finding: Finding) => void} can.mend
 * @param {(claims: Record<string, unknown>) => void} can.explain
 */
export function findingList(findings, { show, mend, explain }) {
	if (findings.length === 0) return h('p', { class: 'message good' }, 'The linter finds nothing.');
	const items = findings.map((finding) => {
		const { id, rule, severity, message, fix, counterExample, edits, line } = finding;
		return h(
			'li',
			{ class: 'finding' },
			h('p', {}, h('span', { class: `badge ${severity}` }, severity), ' ', visible(message)),
			h('p', { class: 'hint' }, h('a', { href: `docs/rules/${id}.html` }, `${id} ${rule}`), visible(`. Fix: ${fix}`)),
			h(
				'p',
				{ class: 'row' },
				h('button', { type: 'button', onclick: () => show(finding) }, `Show line ${line}`),
				edits.length > 0 && h('button', { type: 'button', onclick: () => mend(finding) }, 'Apply the fix'),
				counterExample &&
					h(
						'button',
						{ type: 'button', onclick: () => explain(counterExample.claims) },
						counterExample.admitted
							? `Show what it lets in: ${counterExample.whose}`
							: `Show what it keeps out: ${counterExample.whose}`,
					),
			),
		);
	});
	return h('ol', { class: 'findings' }, items);
}
