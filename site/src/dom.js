// Elements, made without markup: text from outside is text, whatever it says.

/**
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {Record<string, string | boolean | undefined | ((event: any) => void)>} Attributes
 */

/**
 * An element. `on…` is a listener, `true` an attribute without a value; what is false or undefined is left out.
 * @template {keyof HTMLElementTagNameMap} N
 * @param {N} name
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[N]}
 */
export function h(name, attributes = {}, ...children) {
	const element = document.createElement(name);
	dress(element, attributes);
	append(element, children);
	return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/**
 * The same for a drawing.
 * @template {keyof SVGElementTagNameMap} N
 * @param {N} name
 * @param {Attributes} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElementTagNameMap[N]}
 */
export function s(name, attributes = {}, ...children) {
	const element = document.createElementNS(SVG, name);
	dress(element, attributes);
	append(element, children);
	return element;
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
function dress(element, attributes) {
	for (const [name, value] of Object.entries(attributes)) {
		if (typeof value === 'function') element.addEventListener(name.slice(2), value);
		else if (value === true) element.setAttribute(name, '');
		else if (typeof value === 'string') element.setAttribute(name, value);
	}
}

/**
 * @param {Element} element
 * @param {(Child | Child[])[]} children
 */
function append(element, children) {
	element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
	element.replaceChildren();
	append(element, children);
	return element;
}

/**
 * Text from outside with what cannot be seen, or makes other text stand elsewhere, written out.
 * @param {string} text
 */
export function visible(text) {
	return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/**
 * Says it to those who do not see the page.
 * @param {string} text
 */
export function announce(text) {
	const place = document.getElementById('announcements');
	if (place) place.textContent = text;
}

/**
 * A button that copies what `text` returns when it is pressed.
 * @param {string} label
 * @param {() => string | Promise<string>} text
 */
export function copyButton(label, text) {
	const button = h(
		'button',
		{
			type: 'button',
			onclick: async () => {
				try {
					await navigator.clipboard.writeText(await text());
					button.textContent = 'Copied';
					announce('Copied');
				} catch {
					button.textContent = 'The browser does not allow it';
				}
				setTimeout(() => {
					button.textContent = label;
				}, 1500);
			},
		},
		label,
	);
	return button;
}

/**
 * Hands a file to the person.
 * @param {string} name
 * @param {string} text
 * @param {string} type
 */
export function download(name, text, type) {
	const url = URL.createObjectURL(new Blob([text], { type }));
	h('a', { href: url, download: name }).click();
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * The address of one of our own scripts, in a form that the page's security policy takes.
 * @param {'worker.js' | 'offline.js'} name
 * @returns {string}
 */
export function ownScript(name) {
	const { trustedTypes } = /** @type {any} */ (globalThis);
	ownScripts ??= trustedTypes?.createPolicy('own-scripts', { createScriptURL: (/** @type {string} */ url) => url });
	const url = new URL(name, document.baseURI).href;
	return ownScripts?.createScriptURL(url) ?? url;
}

/** @type {any} */
let ownScripts;
