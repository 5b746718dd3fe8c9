// One HTTP request on Bun or Deno, by their own `fetch`. Not on Node, where that would cost more than the rest of a run.
// Connecting cannot be told from waiting here, so the total deadline is the only one.
// Deno's `fetch` shows the password of a proxy to the server behind it, and a proxy that is spoken to by TLS does not
// get to see it at all. So Deno takes Node's way through a proxy, which it knows as well.

import { authorities, bundle, codeOf, fetchNode, networkFault, parseAddress } from './fetch-node.js';

/** @typedef {import('./types.d.ts').Fetch} Fetch */
/** @typedef {import('./types.d.ts').Answer} Answer */
/** @typedef {import('./types.d.ts').Fault} Fault */
/** @typedef {import('./types.d.ts').NetworkFault} NetworkFault */

/** What Deno has beyond the web's own, as far as it is used here. */
/** @typedef {{ createHttpClient(options: object): { close(): void } }} Deno */
const deno = /** @type {{ Deno?: Deno }} */ (/** @type {unknown} */ (globalThis)).Deno;

class TooLarge extends Error {}

/** @type {import('./types.d.ts').Start<Fetch>} */
export function fetchWeb(effect, settle) {
	if (deno && effect.proxy !== undefined) return fetchNode(effect, settle);
	ignoreProxyVariables();
	const controller = new AbortController();
	let settled = false;
	/** @param {Answer | Fault} outcome */
	const finish = (outcome) => {
		if (settled) return;
		settled = true;
		clearTimeout(timer);
		controller.abort();
		settle(outcome);
	};
	const timer = setTimeout(() => {
		const detail = `no complete answer from ${peerOf(effect.url)} within ${effect.timeoutMs} ms`;
		finish({ fault: 'timeout', detail });
	}, effect.timeoutMs);
	exchange(effect, controller.signal).then(finish, (error) => finish(faultOf(error, effect)));
	return (signal) => finish({ fault: 'interrupted', detail: signal });
}

/**
 * @param {Fetch} effect
 * @param {AbortSignal} signal
 * @returns {Promise<Answer | Fault>}
 */
async function exchange(effect, signal) {
	const { url, proxy } = effect;
	const target = parseAddress(url);
	if (!target) return { fault: 'protocol', detail: 'not an http or https URL' };
	const through = proxy === undefined ? undefined : parseAddress(proxy);
	if (proxy !== undefined && !through) return { fault: 'proxy', detail: 'not an http or https URL' };
	const secure = target.secure || through?.secure === true;
	let options;
	try {
		options = deno ? denoOptions(deno, secure) : bunOptions(secure, proxy);
	} catch (error) {
		return { fault: 'tls', detail: /** @type {Error} */ (error).message };
	}
	try {
		const response = await fetch(url, {
			method: effect.method,
			headers: { 'Accept-Encoding': 'identity', ...Object.fromEntries(effect.headers) },
			body: effect.body ?? null,
			redirect: 'manual',
			signal,
			...options.init,
		});
		const { status, headers } = response;
		if (proxy !== undefined && status === 407) return { fault: 'proxy', detail: `answered 407 ${peerOf(proxy)}` };
		return { status, headers: Object.fromEntries(headers), body: await text(response, effect.maxBytes) };
	} finally {
		options.close();
	}
}

/**
 * @param {Response} response
 * @param {number} maxBytes
 */
async function text(response, maxBytes) {
	if (Number(response.headers.get('content-length')) > maxBytes) throw new TooLarge();
	const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
	const reader = response.body?.getReader();
	let body = '';
	let length = 0;
	for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
		length += part.value.length;
		if (length > maxBytes) throw new TooLarge();
		body += decoder.decode(part.value, { stream: true });
	}
	return body + decoder.decode();
}

/**
 * @param {boolean} secure
 * @param {string} [proxy]
 */
function bunOptions(secure, proxy) {
	const ca = secure ? authorities() : undefined;
	const tls = { rejectUnauthorized: true, ...(ca && { ca }) };
	return { init: { keepalive: false, tls, ...(proxy !== undefined && { proxy }) }, close: () => {} };
}

/**
 * @param {Deno} runtime
 * @param {boolean} secure
 */
function denoOptions(runtime, secure) {
	const extra = secure && process.env.AWS_CA_BUNDLE; // beside the default roots, here
	const client = runtime.createHttpClient({ poolMaxIdlePerHost: 0, ...(extra && { caCerts: [bundle(extra)] }) });
	return { init: { client }, close: () => client.close() };
}

/** The core has read these and decided. Both runtimes would read them again, and decide otherwise. */
function ignoreProxyVariables() {
	for (const name of Object.keys(process.env)) {
		if (/^(https?|all|no)_proxy$/i.test(name)) delete process.env[name];
	}
}

/**
 * @param {unknown} error
 * @param {Fetch} effect
 * @returns {Fault}
 */
function faultOf(error, effect) {
	if (error instanceof TooLarge) {
		return { fault: 'too-large', detail: `more than ${effect.maxBytes} bytes from ${peerOf(effect.url)}` };
	}
	const peer = peerOf(effect.proxy ?? effect.url);
	const code = codeOf(error);
	const known = networkFault(code);
	const { fault, detail } = known ? { fault: known, detail: code } : wordsFault(error);
	// With a proxy, it is the proxy that could not be found or reached.
	const unreached = ['dns', 'refused', 'unreachable', 'connect-timeout'].includes(fault);
	return { fault: effect.proxy !== undefined && unreached ? 'proxy' : fault, detail: `${detail} ${peer}` };
}

/** @param {string} address */
function peerOf(address) {
	return parseAddress(address)?.peer ?? '';
}

/**
 * Deno has no codes. What it says is matched, and only the match is passed on: the rest holds the address, and names
 * out of certificates.
 * @type {[RegExp, NetworkFault][]}
 */
const WORDS = [
	[/dns error/, 'dns'],
	[/connection refused/, 'refused'],
	[/(network|host) is unreachable|no route to host/, 'unreachable'],
	[/invalid peer certificate(: \w+)?|received corrupt message|received fatal alert(: \w+)?|tls handshake/, 'tls'],
	[
		/error reading a body|connection reset|connection closed|connection error|broken pipe|unexpected eof|end of file/,
		'reset',
	],
	[/timed out/, 'connect-timeout'],
];

/**
 * @param {unknown} error
 * @returns {{ fault: NetworkFault, detail: string }}
 */
function wordsFault(error) {
	const { message = '', cause } = /** @type {Error} */ (error);
	const words = `${cause instanceof Error ? cause.message : message}`.replace(/ for url \(\S*\)/, '').toLowerCase();
	for (const [pattern, fault] of WORDS) {
		const match = pattern.exec(words);
		if (match) return { fault, detail: match[0] };
	}
	return { fault: 'protocol', detail: codeOf(error) };
}
