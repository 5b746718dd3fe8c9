// What a link holds: a policy and claims, packed into the part of the address that browsers keep to themselves.

/**
 * What is to be explained.
 * @typedef {object} Shown
 * @property {string} policy
 * @property {Record<string, unknown> | undefined} claims
 * @property {string} [roleArn]
 * @property {string} [request] what the token does not say of the call, `KEY=VALUE` a line
 * @property {string} [clientIds] those of the provider, one a line
 * @property {string} [at] when the call was made, in RFC 3339
 * @property {boolean} [denied] AWS has answered that it is not authorized
 */

/** Those of it that are text. */
const TEXTS = /** @type {const} */ (['roleArn', 'request', 'clientIds', 'at']);

/** Longer ones are cut off by programs that pass them on. */
const MOST_PACKED = 64 << 10;
const MOST_UNPACKED = 1 << 20;

/**
 * base64url of raw DEFLATE (RFC 1951) of JSON. Claims that could be used for anything but explaining stay out.
 * @param {Shown} shown
 */
export async function pack({ claims, ...others }) {
	const text = JSON.stringify({ claims: withoutId(claims ?? {}), ...others });
	const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('deflate-raw'));
	const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
	let binary = '';
	for (const byte of bytes) binary += String.fromCharCode(byte);
	return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/**
 * @param {string} packed
 * @returns {Promise<Shown>}
 * @throws when it is none of ours
 */
export async function unpack(packed) {
	if (packed.length > MOST_PACKED) throw new Error('longer than any link of this page');
	const binary = atob(packed.replaceAll('-', '+').replaceAll('_', '/'));
	const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
	const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
	const value = JSON.parse(await textOf(stream));
	const { policy, claims, denied } = Object(value);
	const texts = TEXTS.filter((name) => typeof value?.[name] === 'string').map((name) => [name, value[name]]);
	return {
		policy: typeof policy === 'string' ? policy : '',
		claims: isObject(claims) ? withoutId(claims) : undefined,
		denied: denied === true,
		...Object.fromEntries(texts),
	};
}

/**
 * A few bytes can unpack to very many.
 * @param {ReadableStream<Uint8Array>} stream
 */
async function textOf(stream) {
	const decoder = new TextDecoder('utf-8', { fatal: true });
	let text = '';
	const reader = stream.getReader();
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return text + decoder.decode();
		text += decoder.decode(value, { stream: true });
		if (text.length > MOST_UNPACKED) throw new Error('longer than any policy');
	}
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param {Record<string, unknown>} claims */
function withoutId({ jti: _, ...claims }) {
	return claims;
}
