// The second view: a role for a job, in every language that roles are written in, with its proof.

import { announce, copyButton, download, fill, h, visible } from './dom.js';
import { jobForm } from './form.js';
import { material } from './material.js';
import { claimsOfToken } from './token.js';

/** @typedef {{ what: string, to: string | null, refused: boolean }} Mutation */
/** @typedef {{ admitted: Record<string, unknown>[], mutations: Mutation[] }} Proof */

/** What each file is for, in the order of the tabs. @type {[name: string, label: string][]} */
const FILES = [
	['policy.json', 'Policy'],
	['setup.sh', 'AWS CLI'],
	['role.tf', 'Terraform'],
	['template.yaml', 'CloudFormation'],
	['stack.ts', 'CDK, TypeScript'],
	['stack.py', 'CDK, Python'],
	['pulumi.ts', 'Pulumi, TypeScript'],
	['Pulumi.yaml', 'Pulumi, YAML'],
	['pipeline.yml', 'Pipeline'],
];
const FOLDER = 'out';
const PROOF = 'proof.json';
const CLAIMS = 'claims';

export class GenerateView {
	element = h('div', { class: 'view' });
	#engine;
	#form;
	#claims = h('textarea', {
		name: 'claims',
		rows: '6',
		spellcheck: 'false',
		placeholder: '{ "iss": "https://…", "sub": "…" }',
	});
	#result = h('div', { class: 'result' });

	/** @param {import('./engine.js').Engine} engine */
	constructor(engine) {
		this.#engine = engine;
		this.#form = jobForm(material.levels);
		this.#claims.addEventListener('beforeinput', (event) => {
			// A token is taken apart before the field has it.
			const text = event.data ?? event.dataTransfer?.getData('text/plain') ?? '';
			const claims = claimsOfToken(text);
			if (claims === undefined) return;
			event.preventDefault();
			this.#claims.value = claims;
		});
		this.#claims.addEventListener('input', () => {
			this.#claims.value = claimsOfToken(this.#claims.value) ?? this.#claims.value;
		});
		const submit = (/** @type {Event} */ event) => {
			event.preventDefault();
			this.#run(this.#form.args(), {});
		};
		fill(
			this.element,
			h('h1', {}, 'A role for a job'),
			h(
				'p',
				{},
				'The policy is proved before it is shown: the job gets in, and every token that differs from its own in one claim stays out.',
			),
			h(
				'form',
				{ onsubmit: submit, class: 'card' },
				h('h2', {}, 'The job'),
				this.#form.element,
				h('button', { class: 'first' }, 'Generate'),
			),
			h(
				'details',
				{ class: 'card' },
				h('summary', {}, 'Or from the claims of a token'),
				h('label', {}, 'Claims, or a token, whose signature is dropped at once', this.#claims),
				h('p', {}, h('button', { type: 'button', onclick: () => this.#fromClaims() }, 'Generate from these claims')),
			),
			this.#result,
		);
	}

	/** @param {string} id such as `github-environment` */
	choose(id) {
		if (this.#form.choose(id)) this.#run(this.#form.args(), {});
	}

	#fromClaims() {
		// The account and the role are no business of the token.
		const args = this.#form.args();
		const role = ['--role-name', '--account-id', '--partition'].flatMap((flag) => {
			const at = args.indexOf(flag);
			return at < 0 ? [] : args.slice(at, at + 2);
		});
		this.#run(['--claims', CLAIMS, ...role], { [CLAIMS]: this.#claims.value });
	}

	/**
	 * @param {string[]} args
	 * @param {Record<string, string>} files
	 */
	async #run(args, files) {
		const command = ['generate', ...args];
		const { files: written, stderr } = await this.#engine.run(
			[...command, '--output', FOLDER, '--proof', PROOF],
			files,
		);
		const proof = written[PROOF];
		if (!proof) {
			fill(this.#result, h('div', { class: 'message bad', role: 'alert' }, h('pre', {}, stderr.trim())));
			return;
		}
		announce('The role is generated');
		fill(this.#result, this.#tabs(written), this.#proved(JSON.parse(proof), stderr, written), inShell(command));
	}

	/** @param {Record<string, string>} written */
	#tabs(written) {
		const files = FILES.flatMap(([name, label]) => {
			const text = written[`${FOLDER}/${name}`];
			return text === undefined ? [] : [{ name, label, text }];
		});
		const panel = h('div', { role: 'tabpanel', id: 'artefact' });
		const tabs = files.map(({ label }, index) =>
			h(
				'button',
				{ type: 'button', role: 'tab', id: `tab-${index}`, 'aria-controls': 'artefact', onclick: () => choose(index) },
				label,
			),
		);
		const choose = (/** @type {number} */ index) => {
			const file = files[index];
			if (!file) return;
			for (const [at, tab] of tabs.entries()) {
				tab.setAttribute('aria-selected', String(at === index));
				tab.tabIndex = at === index ? 0 : -1;
			}
			panel.setAttribute('aria-labelledby', `tab-${index}`);
			fill(
				panel,
				h(
					'p',
					{ class: 'row' },
					h('code', {}, file.name),
					copyButton('Copy', () => file.text),
					h('button', { type: 'button', onclick: () => download(file.name, file.text, 'text/plain') }, 'Save'),
				),
				h('pre', { tabindex: '0' }, h('code', {}, file.text)),
			);
		};
		const step = (/** @type {KeyboardEvent} */ event) => {
			const at = tabs.findIndex((tab) => tab.tabIndex === 0);
			const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
			if (to === undefined) return;
			event.preventDefault();
			const wrapped = (to + tabs.length) % tabs.length;
			choose(wrapped);
			tabs[wrapped]?.focus();
		};
		choose(0);
		return h(
			'section',
			{ 'aria-labelledby': 'made-head' },
			h('h2', { id: 'made-head' }, 'The role'),
			h('div', { role: 'tablist', class: 'tabs', 'aria-label': 'Languages', onkeydown: step }, tabs),
			panel,
		);
	}

	/**
	 * @param {Proof} proof
	 * @param {string} summary what the command says for people
	 * @param {Record<string, string>} written
	 */
	#proved({ admitted, mutations }, summary, written) {
		const kept = mutations.filter(({ refused }) => refused).length;
		const policy = written[`${FOLDER}/policy.json`] ?? '';
		return h(
			'section',
			{ 'aria-labelledby': 'proof-head' },
			h('h2', { id: 'proof-head' }, 'The proof'),
			h('pre', { tabindex: '0', 'aria-label': 'Summary' }, summary.trim()),
			h(
				'details',
				{},
				h('summary', {}, `All ${mutations.length} tokens that were tried, of which ${kept} are refused`),
				h(
					'div',
					{ class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Tokens that were tried' },
					h(
						'table',
						{},
						h(
							'thead',
							{},
							h(
								'tr',
								{},
								['What differs', 'Is', 'Is it let in?'].map((name) => h('th', { scope: 'col' }, name)),
							),
						),
						h(
							'tbody',
							{},
							mutations.map(({ what, to, refused }) =>
								h(
									'tr',
									{},
									h('td', {}, what),
									h('td', {}, to === null ? h('em', {}, 'not there') : h('code', {}, visible(to))),
									h(
										'td',
										{},
										h('span', { class: `badge ${refused ? 'good' : 'bad'}` }, refused ? 'refused' : 'let in'),
									),
								),
							),
						),
					),
				),
			),
			h(
				'p',
				{ class: 'row' },
				h(
					'button',
					{
						type: 'button',
						onclick: () => {
							this.element.dispatchEvent(
								new CustomEvent('explain', { bubbles: true, detail: { policy, claims: admitted[0] } }),
							);
						},
					},
					'Explain this policy',
				),
			),
		);
	}
}

/** @param {string[]} args */
function inShell(args) {
	// Behind --claims stands a file that only the page has.
	const quoted = ['ci-assume-role', 'policy', ...args].map((arg) =>
		/^[\w./:@=-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`,
	);
	const text = quoted.join(' ');
	return h(
		'section',
		{ 'aria-labelledby': 'shell-head' },
		h('h2', { id: 'shell-head' }, 'The same on the command line'),
		h(
			'p',
			{ class: 'row' },
			copyButton('Copy', () => text),
		),
		h('pre', { tabindex: '0' }, h('code', {}, text)),
	);
}
