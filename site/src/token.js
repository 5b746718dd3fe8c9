// A token that somebody pastes: its signature is dropped before anything else happens, so that nothing that is left
// could be given to AWS by anybody. It is taken apart and not verified: what is explained here grants nothing.

/** As RFC 7515 writes them: three parts in base64url, the first of which is a JSON object. */
const TOKEN = /(eyJ[\w-]+)\.(eyJ[\w-]+)(?:\.[\w-]*)?/;

/**
 * The claims of the first token in a text, as JSON without `jti`; undefined where there is none.
 * @param {string} text
 * @returns {string | undefined}
 */
export function claimsOfToken(text) {
	const payload = TOKEN.exec(text)?.[2];
	if (payload === undefined) return undefined;
	try {
		const binary = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
		const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
		const { jti: _, ...claims } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
		return JSON.stringify(claims, undefined, 2);
	} catch {
		return '{}'; // it looks like a token, so that nothing of it is kept
	}
}
