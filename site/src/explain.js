// The first view: claims and a policy side by side, and the verdict drawn. All that it says comes from the commands.

import { announce, copyButton, fill, h } from './dom.js';
import { Editor } from './editor.js';
import { newest } from './engine.js';
import { findingList, UNDERLINE } from './findings.js';
import { jobForm } from './form.js';
import { pack } from './permalink.js';
import { paints, picture } from './picture.js';
import { claimsOfToken } from './token.js';

/** @typedef {import('./permalink.js').Shown} Shown */
/** @typedef {import('./findings.js').Finding} Finding */
/** @typedef {import('./picture.js').Explanation} Explanation */
/** @typedef {{ title: string, text: string[], page: string }} Why */
/** @typedef {{ policy: string, claims: string, roleArn: string, request: string }} Question */
/** @typedef {{ findings: Finding[], lintFault: string, explanation: Explanation | undefined, fault: string }} Answer */

const POLICY = 'policy';
const CLAIMS = 'claims';
const SIGNATURE_DROPPED = 'That was a token: its signature and its id were dropped, and its claims are shown.';

export class ExplainView {
	element = h('div', { class: 'view' });
	#engine;
	#form;
	#why = h('div', {});
	#told = h('p', { class: 'hint', role: 'status' });
	#verdict = h('div', { class: 'verdict' });
	#findings = h('div', {});
	#policy;
	#claims;
	#roleArn = h('input', {
		name: 'role-arn',
		placeholder: 'arn:aws:iam::123456789012:role/deploy',
		spellcheck: 'false',
	});
	#request = h('textarea', {
		name: 'request',
		rows: '3',
		placeholder: 'aws:SourceIp=203.0.113.9',
		spellcheck: 'false',
	});
	#ask;
	#held = false;

	/**
	 * @param {import('./engine.js').Engine} engine
	 * @param {import('./form.js').Levels} levels
	 */
	constructor(engine, levels) {
		this.#engine = engine;
		this.#form = jobForm(levels);
		const claimsPane = h('div', { class: 'editor' });
		const policyPane = h('div', { class: 'editor' });
		const changed = () => this.#changed();
		this.#claims = new Editor({
			parent: claimsPane,
			label: 'Claims of the token',
			changed,
			instead: (text) => {
				const claims = claimsOfToken(text);
				if (claims !== undefined) this.#told.textContent = SIGNATURE_DROPPED;
				return claims;
			},
		});
		this.#policy = new Editor({
			parent: policyPane,
			label: 'Trust policy',
			changed,
			instead: (text) => {
				const claims = claimsOfToken(text);
				if (claims === undefined) return undefined;
				// It was meant for the other side.
				queueMicrotask(() => {
					this.#claims.text = claims;
					this.#told.textContent = SIGNATURE_DROPPED;
				});
				return this.#policy.text;
			},
		});
		this.#roleArn.addEventListener('input', changed);
		this.#request.addEventListener('input', changed);
		this.#ask = newest(
			(/** @type {Question} */ question) => this.#answer(question),
			(answer) => this.#draw(answer),
			(error) =>
				fill(this.#verdict, h('p', { class: 'message bad', role: 'alert' }, `The page has failed: ${error.message}`)),
		);
		fill(
			this.element,
			h('h1', {}, 'Why does AWS say “Not authorized”?'),
			this.#why,
			h(
				'div',
				{ class: 'sides' },
				h(
					'section',
					{ 'aria-labelledby': 'claims-head' },
					h('h2', { id: 'claims-head' }, "The token's claims"),
					h(
						'p',
						{ class: 'hint' },
						'Paste a token, its claims as JSON, or an event of CloudTrail. The signature of a token is dropped at once.',
					),
					claimsPane,
					this.#told,
					this.#formPanel(),
				),
				h(
					'section',
					{ 'aria-labelledby': 'policy-head' },
					h('h2', { id: 'policy-head' }, "The role's trust policy"),
					h(
						'p',
						{ class: 'hint' },
						'Paste the document, or what ',
						h('code', {}, 'aws iam get-role --role-name NAME'),
						' prints. A Terraform plan or a template will do as well.',
					),
					policyPane,
					h(
						'details',
						{ class: 'more' },
						h('summary', {}, 'What else is known'),
						h('div', { class: 'fields' }, [
							h('label', {}, 'Role ARN', this.#roleArn),
							h('label', {}, 'Of the call, KEY=VALUE a line', this.#request),
						]),
					),
				),
			),
			this.#tools(),
			h('section', { 'aria-labelledby': 'verdict-head' }, h('h2', { id: 'verdict-head' }, 'Verdict'), this.#verdict),
			h(
				'section',
				{ 'aria-labelledby': 'findings-head' },
				h('h2', { id: 'findings-head' }, 'Findings in the policy'),
				this.#findings,
			),
		);
		this.#changed();
	}

	/**
	 * @param {Shown} shown
	 * @param {Why & { id: string }} [why] what the link that led here is about
	 */
	show({ policy, claims, roleArn = '', request = '' }, why) {
		this.#held = true;
		this.#policy.text = policy;
		this.#claims.text = claims ? JSON.stringify(claims, undefined, 2) : '';
		this.#roleArn.value = roleArn;
		this.#request.value = request;
		this.#told.textContent = '';
		for (const details of this.element.querySelectorAll('details.more')) {
			details.toggleAttribute('open', Boolean(roleArn || request));
		}
		this.#held = false;
		this.#about(why);
		this.#changed();
	}

	/** Says what is wrong with a link that led here. @param {string} words */
	complain(words) {
		fill(this.#why, h('p', { class: 'message bad', role: 'alert' }, words));
	}

	/** @param {(Why & { id: string }) | undefined} why */
	#about(why) {
		if (!why) return fill(this.#why);
		fill(
			this.#why,
			h(
				'aside',
				{ class: 'message', 'aria-label': 'Where the link is from' },
				h('p', {}, h('strong', {}, why.title), ' ', h('code', {}, why.id)),
				why.text.slice(0, 2).map((text) => h('p', {}, text)),
				h('p', {}, h('a', { href: why.page }, 'All about it')),
			),
		);
	}

	#formPanel() {
		const fault = h('div', { role: 'alert' });
		const fillIn = async () => {
			const { claims, problem } = await this.#form.claims(this.#engine);
			fill(fault, problem && h('div', { class: 'message bad' }, h('pre', {}, problem)));
			if (!claims) return;
			this.#claims.text = JSON.stringify(claims, undefined, 2);
			announce('The claims are filled in');
		};
		return h(
			'details',
			{},
			h('summary', {}, 'Or describe the job'),
			this.#form.element,
			fault,
			h('button', { type: 'button', onclick: fillIn }, 'Use the claims of such a job'),
		);
	}

	#tools() {
		const link = async () => {
			const fragment = `s=${await pack({ ...this.#question(), claims: this.#linkable })}`;
			history.replaceState(undefined, '', `#${fragment}`);
			return new URL(`#${fragment}`, location.href).href;
		};
		const clear = () => {
			this.show({ policy: '', claims: undefined });
			history.replaceState(undefined, '', '#explain');
			this.#claims.focus();
		};
		return h(
			'div',
			{ class: 'row tools no-print' },
			copyButton('Copy a link to this', link),
			copyButton('Copy the policy', () => this.#policy.text),
			h('button', { type: 'button', onclick: clear }, 'Clear'),
			h('a', { href: '#examples', class: 'button' }, 'Examples'),
			h('span', { class: 'hint' }, 'A link holds the policy and the claims behind its #, which no server is sent.'),
		);
	}

	/** The claims as the core has read them, which an event of CloudTrail has more than. @type {Record<string, unknown>} */
	#linkable = {};

	#question() {
		return {
			policy: this.#policy.text,
			claims: this.#claims.text,
			roleArn: this.#roleArn.value.trim(),
			request: this.#request.value.trim(),
		};
	}

	#changed() {
		if (!this.#held) this.#ask(this.#question());
	}

	/**
	 * @param {Question} question
	 * @returns {Promise<Answer>}
	 */
	async #answer({ policy, claims, roleArn, request }) {
		const none = { findings: [], lintFault: '', explanation: undefined, fault: '' };
		if (policy.trim() === '') return none;
		const files = { [POLICY]: policy, [CLAIMS]: claims };
		const lint = this.#engine.run(['lint', POLICY, '--format', 'json'], files);
		const linted = await lint;
		const { findings } = linted.stdout ? JSON.parse(linted.stdout) : none;
		if (claims.trim() === '') return { ...none, findings, lintFault: linted.stderr };
		const args = ['explain', '--policy', POLICY, '--claims', CLAIMS, '--format', 'json'];
		if (roleArn) args.push('--role-arn', roleArn);
		for (const line of request.split('\n').filter(Boolean)) args.push('--request', line);
		const { stdout, stderr } = await this.#engine.run(args, files);
		const explanation = stdout ? JSON.parse(stdout) : undefined;
		return { findings, lintFault: explanation ? '' : linted.stderr, explanation, fault: stderr };
	}

	/** @param {Answer} answer */
	#draw({ findings, lintFault, explanation, fault }) {
		const underlined = findings.map((finding) => ({
			...finding,
			severity: UNDERLINE[finding.severity],
			source: finding.id,
		}));
		this.#policy.underline(underlined);
		this.#policy.paint(explanation ? paints(explanation) : []);
		this.#linkable = explanation?.claims ?? {};
		const hasPolicy = this.#policy.text.trim() !== '';
		fill(
			this.#verdict,
			!hasPolicy && h('p', { class: 'hint' }, 'Both sides are needed: the claims, and the policy.'),
			hasPolicy && !explanation && !fault && h('p', { class: 'hint' }, "The token's claims are missing."),
			fault && h('div', { class: 'message bad' }, h('pre', {}, fault.trim())),
			explanation && this.#drawn(explanation),
		);
		fill(
			this.#findings,
			lintFault && h('div', { class: 'message bad' }, h('pre', {}, lintFault.trim())),
			!hasPolicy && h('p', { class: 'hint' }, 'None yet.'),
			hasPolicy &&
				!lintFault &&
				findingList(findings, {
					show: (place) => this.#policy.show(place),
					mend: (finding) => {
						this.#policy.apply(finding.edits);
						announce('The fix is applied');
					},
					explain: (claims) => {
						this.#claims.text = JSON.stringify(claims, undefined, 2);
						this.#verdict.scrollIntoView();
						announce('The claims of the counter-example are shown');
					},
				}),
		);
		document.dispatchEvent(new CustomEvent('answered'));
	}

	/** @param {Explanation} explanation */
	#drawn(explanation) {
		const { decision, headline, cause, why, provided, fixes, change, policyChange, lookAt } = explanation;
		const look = { allow: 'good', deny: 'bad', unknown: 'open' }[decision];
		const word = { allow: 'Allowed', deny: 'Denied', unknown: 'Unknown' }[decision];
		const apply = () => {
			if (!change) return;
			this.#policy.apply([change]);
			announce('The statement is changed');
		};
		return [
			h(
				'div',
				{ class: `message ${look}`, role: 'status' },
				h('p', { class: 'headline' }, h('strong', {}, `${word}: `), headline),
				listOf('Why', why),
				listOf('Provided that', provided),
				listOf('Look at', lookAt),
				h('p', {}, h('a', { href: `docs/causes/${cause}.html` }, `About ${cause}`)),
			),
			picture(explanation, (place) => this.#policy.show(place)),
			fixes.length > 0 &&
				h(
					'div',
					{ class: 'card' },
					h('h3', {}, 'What would help'),
					h(
						'ul',
						{},
						fixes.map(({ place, words }) => h('li', {}, `${place}: ${words}`)),
					),
					policyChange && [
						h('p', {}, 'The statement, changed so that it admits this token:'),
						h('pre', { tabindex: '0' }, h('code', {}, JSON.stringify(policyChange, undefined, 2))),
						h(
							'p',
							{ class: 'row' },
							change && h('button', { type: 'button', class: 'first', onclick: apply }, 'Apply to the policy'),
							copyButton('Copy the statement', () => JSON.stringify(policyChange, undefined, 2)),
						),
					],
				),
		];
	}
}

/**
 * @param {string} label
 * @param {string[]} items
 */
function listOf(label, items) {
	if (items.length === 0) return null;
	if (items.length === 1) return h('p', {}, h('strong', {}, `${label}: `), items[0] ?? '');
	return [
		h('p', {}, h('strong', {}, `${label}:`)),
		h(
			'ul',
			{},
			items.map((item) => h('li', {}, item)),
		),
	];
}
