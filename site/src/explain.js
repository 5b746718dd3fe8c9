// The first view: claims and a policy side by side, and the verdict drawn. All that it says comes from the commands.

import { announce, copyButton, fill, h, visible } from './dom.js';
import { Editor } from './editor.js';
import { newest } from './engine.js';
import { findingList, UNDERLINE } from './findings.js';
import { jobForm } from './form.js';
import { material } from './material.js';
import { pack } from './permalink.js';
import { paints, picture } from './picture.js';
import { claimsOfToken } from './token.js';

/** @typedef {import('./permalink.js').Shown} Shown */
/** @typedef {import('./findings.js').Finding} Finding */
/** @typedef {import('./picture.js').Explanation} Explanation */
/** @typedef {{ title: string, text: string[], page: string }} Why */
/** @typedef {Omit<Required<Shown>, 'claims'> & { claims: string }} Question */
/** @typedef {{ explanation: Explanation | undefined, fault: string }} Verdict */

const POLICY = 'policy';
const CLAIMS = 'claims';
const SIGNATURE_DROPPED = 'That was a token: its signature and its id were dropped, and its claims are shown.';

export class ExplainView {
	element = h('div', { class: 'view' });
	#engine;
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
	#clientIds = h('textarea', { name: 'client-ids', rows: '2', placeholder: 'sts.amazonaws.com', spellcheck: 'false' });
	#at = h('input', { name: 'at', placeholder: '2026-11-21T12:00:00Z', spellcheck: 'false' });
	#denied = h('input', { name: 'denied', type: 'checkbox' });
	#known = h('details', { class: 'more' });
	/** @type {(question: Question) => void} */
	#ask;
	/** @type {Question | undefined} */
	#asked;
	/** @type {{ verdict?: Question, findings?: Question }} */
	#drawnFor = {};
	#held = false;

	/** @param {import('./engine.js').Engine} engine */
	constructor(engine) {
		this.#engine = engine;
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
		for (const field of this.#fields) field.addEventListener('input', changed);
		/** @param {Error} error */
		const fail = (error) =>
			fill(this.#verdict, h('p', { class: 'message bad', role: 'alert' }, `The page has failed: ${error.message}`));
		// The verdict first: it is what people wait for.
		const explain = newest(
			(/** @type {Question} */ question) => this.#explain(question),
			(answer, question) => this.#drawVerdict(answer, question),
			fail,
		);
		const lint = newest(
			(/** @type {Question} */ question) => this.#lint(question),
			(answer, question) => this.#drawFindings(answer, question),
			fail,
		);
		this.#ask = (question) => {
			this.#asked = question;
			explain(question);
			lint(question);
		};
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
					fill(
						this.#known,
						h('summary', {}, 'What else is known'),
						h('div', { class: 'fields' }, [
							h('label', {}, 'Role ARN', this.#roleArn),
							h('label', {}, 'When the call was made', this.#at),
							h('label', {}, 'Client ids of the provider, one a line', this.#clientIds),
							h('label', {}, 'Of the call, KEY=VALUE a line', this.#request),
						]),
						h('label', { class: 'row' }, this.#denied, 'AWS has answered “Not authorized”'),
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
	}

	/** Answers what is there, if nothing was shown yet. */
	start() {
		if (!this.#asked) this.#changed();
	}

	/** When what it holds now is answered. */
	async answered() {
		if (this.#isAnswered) return;
		await new Promise((resolve) => document.addEventListener('answered', resolve, { once: true }));
	}

	/**
	 * @param {Shown} shown
	 * @param {Why & { id: string }} [why] what the link that led here is about
	 */
	show({ policy, claims, roleArn = '', request = '', clientIds = '', at = '', denied = false }, why) {
		this.#held = true;
		this.#policy.text = policy;
		this.#claims.text = claims ? JSON.stringify(claims, undefined, 2) : '';
		this.#roleArn.value = roleArn;
		this.#request.value = request;
		this.#clientIds.value = clientIds;
		this.#at.value = at;
		this.#denied.checked = denied;
		this.#told.textContent = '';
		this.#known.open = Boolean(request || clientIds || at || denied);
		this.#held = false;
		this.#about(why);
		this.#changed();
	}

	get #fields() {
		return [this.#roleArn, this.#request, this.#clientIds, this.#at, this.#denied];
	}

	/** Says what is wrong with a link that led here. @param {string} words */
	complain(words) {
		fill(this.#why, h('p', { class: 'message bad', role: 'alert' }, words));
	}

	/** @param {(Why & { id: string }) | undefined} why */
	#about(why) {
		if (!why) {
			fill(this.#why);
			return;
		}
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
		const panel = h('div', {});
		const open = () => {
			if (panel.hasChildNodes()) return;
			const form = jobForm(material.levels);
			const fault = h('div', { role: 'alert' });
			const fillIn = async () => {
				const { claims, problem } = await form.claims(this.#engine);
				fill(fault, problem && h('div', { class: 'message bad' }, h('pre', {}, problem)));
				if (!claims) return;
				this.#claims.text = JSON.stringify(claims, undefined, 2);
				announce('The claims are filled in');
			};
			fill(
				panel,
				form.element,
				fault,
				h('button', { type: 'button', onclick: fillIn }, 'Use the claims of such a job'),
			);
		};
		return h('details', { ontoggle: open }, h('summary', {}, 'Or describe the job'), panel);
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
			clientIds: this.#clientIds.value.trim(),
			at: this.#at.value.trim(),
			denied: this.#denied.checked,
		};
	}

	#changed() {
		if (!this.#held) this.#ask(this.#question());
	}

	/**
	 * @param {Question} question
	 * @returns {Promise<Verdict>}
	 */
	async #explain(question) {
		const { policy, claims } = question;
		if (policy.trim() === '' || claims.trim() === '') return { explanation: undefined, fault: '' };
		const files = { [POLICY]: policy, [CLAIMS]: claims };
		const { stdout, stderr } = await this.#engine.run(explainArgs(question), files);
		return { explanation: stdout ? JSON.parse(stdout) : undefined, fault: stderr };
	}

	/**
	 * @param {Question} question
	 * @returns {Promise<{ findings: Finding[], fault: string }>}
	 */
	async #lint({ policy }) {
		if (policy.trim() === '') return { findings: [], fault: '' };
		const { stdout, stderr } = await this.#engine.run(['lint', POLICY, '--format', 'json'], { [POLICY]: policy });
		const { findings } = stdout ? JSON.parse(stdout) : { findings: [] };
		// What cannot be read for a verdict is said there.
		return { findings, fault: findings.length === 0 ? stderr : '' };
	}

	/** @param {Verdict} verdict @param {Question} question */
	#drawVerdict({ explanation, fault }, question) {
		this.#policy.paint(explanation ? paints(explanation) : []);
		this.#linkable = explanation?.claims ?? claimsIn(question.claims);
		const hasPolicy = question.policy.trim() !== '';
		fill(
			this.#verdict,
			!hasPolicy && h('p', { class: 'hint' }, 'Both sides are needed: the claims, and the policy.'),
			hasPolicy && !explanation && !fault && h('p', { class: 'hint' }, "The token's claims are missing."),
			fault && h('div', { class: 'message bad' }, h('pre', {}, fault.trim())),
			explanation && this.#drawn(explanation),
		);
		this.#drawnFor.verdict = question;
		this.#tell();
	}

	/** @param {{ findings: Finding[], fault: string }} lint @param {Question} question */
	#drawFindings({ findings, fault }, question) {
		const underlined = findings.map((finding) => ({
			...finding,
			severity: UNDERLINE[finding.severity],
			source: finding.id,
		}));
		this.#policy.underline(underlined);
		const hasPolicy = question.policy.trim() !== '';
		fill(
			this.#findings,
			fault && h('div', { class: 'message bad' }, h('pre', {}, fault.trim())),
			!hasPolicy && h('p', { class: 'hint' }, 'None yet.'),
			hasPolicy &&
				!fault &&
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
		this.#drawnFor.findings = question;
		this.#tell();
	}

	get #isAnswered() {
		return this.#drawnFor.verdict === this.#asked && this.#drawnFor.findings === this.#asked;
	}

	/** Once both are drawn for what is asked. */
	#tell() {
		if (this.#isAnswered) document.dispatchEvent(new CustomEvent('answered'));
	}

	/** @param {Explanation} explanation */
	#drawn(explanation) {
		const { decision, headline, cause, why, provided, fixes, change, changedStatement, lookAt } = explanation;
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
				listOf('Why', why.map(visible)),
				listOf('Provided that', provided.map(visible)),
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
						fixes.map(({ place, words }) => h('li', {}, visible(`${place}: ${words}`))),
					),
					changedStatement && [
						h('p', {}, 'The statement, changed so that it admits this token:'),
						h('pre', { tabindex: '0' }, h('code', {}, changedStatement.split('\n').map(visible).join('\n'))),
						h(
							'p',
							{ class: 'row' },
							change && h('button', { type: 'button', class: 'first', onclick: apply }, 'Apply to the policy'),
							copyButton('Copy the statement', () => changedStatement),
						),
					],
				),
		];
	}
}

/**
 * The claims in a text that is nothing else.
 * @param {string} text
 * @returns {Record<string, unknown>}
 */
function claimsIn(text) {
	try {
		const value = JSON.parse(text);
		return typeof value?.iss === 'string' ? value : {};
	} catch {
		return {};
	}
}

/** @param {Question} question */
function explainArgs({ roleArn, request, clientIds, at, denied }) {
	/** @param {string} flag @param {string} text */
	const each = (flag, text) =>
		text
			.split('\n')
			.filter(Boolean)
			.flatMap((line) => [flag, line]);
	return [
		...['explain', '--policy', POLICY, '--claims', CLAIMS, '--format', 'json'],
		...each('--role-arn', roleArn),
		...each('--request', request),
		...each('--client-id', clientIds),
		...each('--at', at),
		...(denied ? ['--denied'] : []),
	];
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
