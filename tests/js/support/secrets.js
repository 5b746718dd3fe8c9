// What must never be seen, and the search for it in every disguise that a log could give it.

import assert from 'node:assert/strict';

export const KEY_ID = 'ASIAEXAMPLEKEYID0001';
export const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
export const SESSION_TOKEN = 'IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCXVzLWVhc3QtMSJHMEUCIQ==';
/** Of credentials that are there before: a stored key, an earlier step's, the machine's. */
export const STORED_SECRET = 'stored-secret-of-a-user';
export const STORED_TOKEN = 'stored-session-token-of-a-role';
/** Of a registry, and as files of clients hold it: `AWS:` and the password in base64. */
export const REGISTRY_PASSWORD = 'password-of-the-registry';
export const REGISTRY_TOKEN = Buffer.from(`AWS:${REGISTRY_PASSWORD}`).toString('base64');
export const REQUEST_TOKEN = 'request-token-of-the-job';

const ALL = [
	KEY_ID,
	SECRET,
	SESSION_TOKEN,
	STORED_SECRET,
	STORED_TOKEN,
	REGISTRY_PASSWORD,
	REGISTRY_TOKEN,
	REQUEST_TOKEN,
];

/**
 * What a job with this token must never print. Its signature counts by itself: claims may be shown, and a shortened
 * token that still ends in it would do. What is shorter than eight characters stands in honest text by chance.
 *
 * @param {string} token
 */
export function secretsWith(token) {
	return new Set([...ALL, ...[token, token.split('.').at(-1) ?? ''].filter(({ length }) => length >= 8)]);
}

/**
 * @param {string} text
 * @param {Iterable<string>} secrets
 * @param {string} where for the message, which must not quote the secret itself
 */
export function assertNoSecret(text, secrets, where) {
	for (const secret of secrets) {
		for (const [disguise, needle] of disguises(secret)) {
			assert.ok(!text.includes(needle), `${where} has a secret (${secret.slice(0, 4)}…, ${disguise}):\n${text}`);
		}
	}
}

/**
 * @param {string} secret
 * @returns {[string, string][]}
 */
function disguises(secret) {
	const base64 = [0, 1, 2].flatMap((offset) => {
		// Inside a longer text, the characters at both ends depend on the neighbours; those between do not.
		const inner = Buffer.from('x'.repeat(offset) + secret).toString('base64');
		const fixed = inner.slice(offset === 0 ? 0 : offset + 1, Math.floor((secret.length + offset) / 3) * 4);
		return [
			/** @type {[string, string]} */ (['base64', fixed]),
			/** @type {[string, string]} */ (['base64url', fixed.replaceAll('+', '-').replaceAll('/', '_')]),
		];
	});
	return [
		['as it is', secret],
		['backwards', [...secret].reverse().join('')],
		['percent-encoded', encodeURIComponent(secret)],
		['in hexadecimal', Buffer.from(secret).toString('hex')],
		...base64,
	];
}
