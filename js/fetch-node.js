// One HTTP request on Node, on a connection of its own that we dial ourselves: so every part of it has a deadline,
// proxies work alike on all versions, no agent is needed, and TLS is loaded for https alone (half the cost of a run).

const net = process.getBuiltinModule('node:net');

/** @typedef {import('./types.d.ts').NetworkFault} NetworkFault */
/** @typedef {import('node:net').Socket} Socket */

/** @type {import('./types.d.ts').Start<import('./types.d.ts').Fetch>} */
export function fetchNode(effect, settle) {
	/** How far we are decides what a failure means. @type {'connect' | 'proxy' | 'tls' | 'exchange'} */
	let stage = 'connect';
	/** The other end, as the detail of a fault names it. */
	let peer = '';
	/** @type {string[] | undefined} */
	let ca;
	let settled = false;
	/** All that must be gone at the end, newest first. @type {Socket[]} */
	const open = [];

	/** @param {import('./types.d.ts').Outcome} outcome */
	const finish = (outcome) => {
		if (settled) return;
		settled = true;
		clearTimeout(connecting);
		clearTimeout(everything);
		for (const socket of open) socket.destroy();
		settle(outcome);
	};

	/**
	 * @param {NetworkFault} fault
	 * @param {string} detail
	 */
	const fail = (fault, detail) => finish({ fault, detail });

	/** @param {string} code */
	const failed = (code) => {
		const known = networkFault(code) ?? (stage === 'tls' ? 'tls' : 'protocol');
		const fault = known === 'connect-timeout' && stage === 'exchange' ? 'timeout' : known;
		fail(stage === 'proxy' ? 'proxy' : fault, `${code} ${peer}`);
	};

	const connecting = setTimeout(() => {
		const fault = stage === 'proxy' ? 'proxy' : 'connect-timeout';
		fail(fault, `no connection to ${peer} within ${effect.connectTimeoutMs} ms`);
	}, effect.connectTimeoutMs);
	const everything = setTimeout(() => {
		fail('timeout', `no complete answer from ${peer} within ${effect.timeoutMs} ms`);
	}, effect.timeoutMs);

	/**
	 * Errors stay listened to for good: one that fails after we are done must not end the process.
	 * @template {Socket} S
	 * @param {S} socket
	 * @returns {S}
	 */
	const hold = (socket) => {
		open.unshift(socket);
		socket.on('error', (error) => failed(codeOf(error)));
		return socket;
	};

	/**
	 * @param {Address} address
	 * @param {(socket: Socket) => void} next
	 */
	const dial = ({ host, port, peer: name }, next) => {
		peer = effect.socket ?? name;
		if (!effect.socket) expectNames();
		const place = effect.socket
			? { path: effect.socket }
			: { host, port, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 500 };
		const socket = hold(net.connect(place));
		socket.once('connect', () => next(socket));
	};

	/**
	 * @param {Socket} socket
	 * @param {Address} address
	 * @param {(socket: Socket) => void} next
	 */
	const encrypt = (socket, { host }, next) => {
		const options = {
			socket,
			host,
			ALPNProtocols: ['http/1.1'],
			rejectUnauthorized: true, // whatever NODE_TLS_REJECT_UNAUTHORIZED says
			...(net.isIP(host) ? {} : { servername: host }),
			...(ca && { ca }),
		};
		const wrapped = hold(process.getBuiltinModule('node:tls').connect(options));
		wrapped.once('secureConnect', () => next(wrapped));
	};

	/**
	 * Makes one request, and waits for its answer.
	 * @param {Socket} socket
	 * @param {{ method: string, target: string, fields: [string, string][], body?: string | undefined }} request
	 * @param {(answer: AnswerReader) => void} next
	 */
	const ask = (socket, { method, target, fields, body = '' }, next) => {
		const answer = new AnswerReader(method, effect.maxBytes);
		const done = () => {
			socket.off('data', read).off('end', ended).off('close', ended);
			next(answer);
		};
		/** @param {Buffer} bytes */
		const read = (bytes) => attempt(() => answer.push(bytes) && done());
		const ended = () => (answer.end() ? done() : failed('ECONNRESET'));
		socket.on('data', read).on('end', ended).on('close', ended);
		attempt(() => socket.write(requestHead(method, target, fields) + body));
	};

	/** @param {() => void} step */
	const attempt = (step) => {
		try {
			step();
		} catch (error) {
			if (!(error instanceof Refusal)) throw error;
			if (error.code !== 'ERR_HTTP_TOO_LARGE') return failed(error.code);
			fail('too-large', `more than ${effect.maxBytes} bytes from ${peer}`);
		}
	};

	/**
	 * Asks the proxy for a tunnel to the target.
	 * @param {Socket} socket
	 * @param {Address} proxy
	 * @param {Address} target
	 * @param {(socket: Socket) => void} next
	 */
	const tunnel = (socket, proxy, target, next) => {
		/** @type {[string, string][]} */
		const fields = [['Host', target.peer], ...authorization(proxy)];
		ask(socket, { method: 'CONNECT', target: target.peer, fields }, ({ status, rest }) => {
			if (status < 200 || status > 299) return fail('proxy', `CONNECT answered ${status} ${peer}`);
			socket.pause();
			if (rest.length > 0) socket.unshift(rest);
			peer = target.peer;
			next(socket);
		});
	};

	/**
	 * @param {Socket} socket
	 * @param {Address} target
	 * @param {Address} [proxy] one that forwards, and so has to be told the whole address
	 */
	const exchange = (socket, { url }, proxy) => {
		stage = 'exchange';
		clearTimeout(connecting);
		const { method, body } = effect;
		/** @type {[string, string][]} */
		const fields = [['Host', url.host], ...effect.headers, ...(proxy ? authorization(proxy) : [])];
		if (body !== undefined) fields.push(['Content-Length', `${Buffer.byteLength(body)}`]);
		fields.push(['Connection', 'close']);
		const target = `${proxy ? url.origin : ''}${url.pathname}${url.search}`;
		ask(socket, { method, target, fields, body }, (answer) => {
			if (proxy && answer.status === 407) return fail('proxy', `answered 407 ${peer}`);
			finish({ status: answer.status, headers: answer.headers, body: answer.body.toString() });
		});
	};

	const begin = () => {
		const target = parseAddress(effect.url);
		if (!target) return fail('protocol', 'not an http or https URL');
		const proxy = effect.proxy === undefined ? undefined : parseAddress(effect.proxy);
		if (effect.proxy !== undefined && !proxy) return fail('proxy', 'not an http or https URL');
		try {
			if (target.secure || proxy?.secure) ca = authorities();
		} catch (error) {
			return fail('tls', /** @type {Error} */ (error).message);
		}
		/** @param {Socket} socket */
		const reached = (socket) => {
			if (!target.secure) return exchange(socket, target, proxy);
			stage = 'tls';
			encrypt(socket, target, (secured) => exchange(secured, target));
		};
		if (!proxy) return dial(target, reached);
		stage = 'proxy';
		/** @param {Socket} socket */
		const pass = (socket) => (target.secure ? tunnel(socket, proxy, target, reached) : reached(socket));
		dial(proxy, (socket) => (proxy.secure ? encrypt(socket, proxy, pass) : pass(socket)));
	};
	begin();

	return (signal) => fail('interrupted', signal);
}

/**
 * An http or https URL, target or proxy, taken apart in the ways that dialling it needs.
 * @typedef {object} Address
 * @property {URL} url
 * @property {boolean} secure
 * @property {string} host without the brackets that a URL puts around IPv6
 * @property {number} port
 * @property {string} peer host and port as CONNECT, and a reader, want them
 * @property {{ username: string, password: string } | undefined} login decoded
 */

/**
 * @param {string} text
 * @returns {Address | undefined} nothing unless it is http or https
 */
export function parseAddress(text) {
	let url;
	try {
		url = new URL(text);
	} catch {
		return undefined;
	}
	const secure = url.protocol === 'https:';
	if (!secure && url.protocol !== 'http:') return undefined;
	const port = Number(url.port) || (secure ? 443 : 80);
	const login =
		url.username || url.password ? { username: decode(url.username), password: decode(url.password) } : undefined;
	return { url, secure, host: url.hostname.replace(/^\[|\]$/g, ''), port, peer: `${url.hostname}:${port}`, login };
}

/**
 * What a proxy is shown of a login in its address.
 * @param {Address} proxy
 * @returns {[string, string][]}
 */
export function authorization({ login }) {
	if (!login) return [];
	const plain = Buffer.from(`${login.username}:${login.password}`);
	return [['Proxy-Authorization', `Basic ${plain.toString('base64')}`]];
}

/**
 * Node compares each name with a regular expression for IPv6, and V8 compiles that twice: for its interpreter, and when
 * it is used again, to machine code. A text that is long enough has V8 do the latter at once, which saves 4 ms.
 */
function expectNames() {
	net.isIP('x'.repeat(1000));
}

/** @param {string} text */
function decode(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text; // a bare % that was meant as such
	}
}

/**
 * AWS_CA_BUNDLE is how AWS's own tools are told of a company's certificate authority. It adds to what is trusted anyway.
 * (Node reads NODE_EXTRA_CA_CERTS itself, but forgets it once it is given a list.)
 * @returns {string[] | undefined} nothing when the default roots will do
 * @throws when there is a bundle and it cannot be used; the message names the variable
 */
export function authorities() {
	const path = process.env.AWS_CA_BUNDLE;
	return path ? [...defaults(), bundle(path)] : undefined;
}

/** @param {string} path */
export function bundle(path) {
	let text;
	try {
		text = process.getBuiltinModule('node:fs').readFileSync(path, 'utf8');
	} catch (error) {
		const { code } = /** @type {NodeJS.ErrnoException} */ (error);
		throw new Error(`AWS_CA_BUNDLE cannot be read: ${code}`);
	}
	if (!text.includes('-----BEGIN ')) throw new Error('AWS_CA_BUNDLE holds no PEM certificate');
	return text;
}

function defaults() {
	const tls = process.getBuiltinModule('node:tls');
	// Newer Nodes tell all that they trust, the extra and the system's included.
	if (tls.getCACertificates) return tls.getCACertificates('default');
	const extra = process.env.NODE_EXTRA_CA_CERTS;
	try {
		return extra ? [...tls.rootCertificates, bundle(extra)] : [...tls.rootCertificates];
	} catch {
		return [...tls.rootCertificates]; // Node itself only warns
	}
}

/** What codes of the system, of OpenSSL, of Node and of Bun mean. A code that is missing here is still told. */
/** @type {Record<string, NetworkFault>} */
const NETWORK = {
	EADDRNOTAVAIL: 'unreachable',
	EAFNOSUPPORT: 'unreachable',
	EHOSTDOWN: 'unreachable',
	ENOENT: 'unreachable', // no such socket in the file system
	EHOSTUNREACH: 'unreachable',
	ENETDOWN: 'unreachable',
	ENETUNREACH: 'unreachable',
	EACCES: 'unreachable', // a local firewall
	EPERM: 'unreachable',
	ECONNREFUSED: 'refused',
	ECONNABORTED: 'reset',
	ECONNRESET: 'reset',
	EPIPE: 'reset',
	ERR_STREAM_PREMATURE_CLOSE: 'reset',
	ENODATA: 'dns',
	ENOTFOUND: 'dns',
	ESERVFAIL: 'dns',
	ERR_PROXY_TUNNEL: 'proxy', // Bun
	EPROTO: 'tls',
	HOSTNAME_MISMATCH: 'tls',
	INVALID_CA: 'tls',
	ETIMEDOUT: 'connect-timeout', // the kernel gave up; our own timers have their own faults
};

const DNS = /^EAI_/;
const TLS = /^(ERR_SSL|ERR_TLS|ERR_OSSL|CERT_|CRL_|UNABLE_TO_|ERROR_IN_|SELF_SIGNED|DEPTH_ZERO)/;

/**
 * @param {string} code
 * @returns {NetworkFault | undefined}
 */
export function networkFault(code) {
	if (Object.hasOwn(NETWORK, code)) return NETWORK[code];
	if (DNS.test(code)) return 'dns';
	return TLS.test(code) ? 'tls' : undefined;
}

/**
 * The code of an error, or failing that its class: never its message, which may quote what we sent.
 * @param {unknown} error
 * @returns {string}
 */
export function codeOf(error) {
	if (!(error instanceof Error)) return 'unknown error';
	const { code } = /** @type {NodeJS.ErrnoException} */ (error);
	return typeof code === 'string' && code !== '' ? code : error.name;
}

// One exchange of HTTP/1.1 (RFC 9112) on a connection that serves for nothing else. It knows no sockets: bytes in, an
// answer out. Node's own client would do, but a server, an agent and a pool of connections are loaded with it, which is
// a twentieth of a run. What could be read in two ways is refused, so that nobody on the way can have read it otherwise.
// It would be a file of its own, if each file did not cost a run two milliseconds.

/** For all of an answer that is not body: interim answers, head, chunk extensions and trailers. Node's own limit. */
const HEAD_BYTES = 16 * 1024;

const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const NAME = new RegExp(`^${TOKEN}$`);
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
/** No space before the colon, no line that continues the one before; space around the value is not part of it. */
const FIELD = new RegExp(`^(${TOKEN}):[\\t ]*(?:([!-~\\x80-\\xff]+(?:[\\t ]+[!-~\\x80-\\xff]+)*)[\\t ]*)?$`);
const QUOTED = '"(?:[\\t !#-[\\]-~]|\\\\[\\t -~])*"';
const CHUNK = new RegExp(`^([\\da-fA-F]{1,13})((?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*)$`);

/** What is wrong with a message: the code says which part of it, and nothing shows what stands there. */
export class Refusal extends Error {
	/** @param {`ERR_HTTP_${string}`} code */
	constructor(code) {
		super(code);
		this.code = code;
	}
}

/**
 * @param {string} method
 * @param {string} target
 * @param {[string, string][]} fields
 * @returns {string}
 * @throws {Refusal} where a part would not stay in its place
 */
export function requestHead(method, target, fields) {
	if (!NAME.test(method) || !/^[!-~]+$/.test(target)) throw new Refusal('ERR_HTTP_REQUEST');
	const lines = fields.map(([name, value]) => {
		if (!NAME.test(name) || !/^[\t -~]*$/.test(value)) throw new Refusal('ERR_HTTP_REQUEST');
		return `${name}: ${value}\r\n`;
	});
	return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** Reads one answer. What it makes of the bytes does not depend on how they are divided. */
export class AnswerReader {
	status = 0;
	/** By name in lower case; the values of a field that repeats are joined (RFC 9110, section 5.3). */
	/** @type {Record<string, string>} */
	headers = {};
	/** What was not read: not yet, or since it comes after the answer. @type {Buffer} */
	rest = Buffer.alloc(0);
	/** @type {'status' | 'fields' | 'length' | 'close' | 'chunk' | 'data' | 'gap' | 'trailers' | 'complete'} */
	#state = 'status';
	#headBytes = HEAD_BYTES;
	/** @type {Map<string, string>} */
	#fields = new Map();
	/** Minor version of HTTP. */
	#minor = '';
	/** Of the body, or of the chunk. */
	#missing = 0;
	/** @type {Buffer[]} */
	#parts = [];
	#length = 0;
	#method;
	#maxBytes;

	/**
	 * @param {string} method what was asked
	 * @param {number} maxBytes of the body
	 */
	constructor(method, maxBytes) {
		this.#method = method;
		this.#maxBytes = maxBytes;
	}

	get body() {
		return Buffer.concat(this.#parts);
	}

	/**
	 * @param {Buffer} bytes
	 * @returns {boolean} whether the answer is complete
	 * @throws {Refusal}
	 */
	push(bytes) {
		this.rest = this.rest.length > 0 ? Buffer.concat([this.rest, bytes]) : bytes;
		while (this.#state !== 'complete' && this.#step());
		return this.#state === 'complete';
	}

	/**
	 * The connection has ended.
	 * @returns {boolean} whether that completes the answer
	 */
	end() {
		if (this.#state === 'close') this.#state = 'complete';
		return this.#state === 'complete';
	}

	/** @returns {boolean} whether there may be more to do with what has come */
	#step() {
		switch (this.#state) {
			case 'length':
			case 'close':
			case 'data':
				return this.#readBody();
			case 'gap':
				return this.#readGap();
			case 'status':
				if (!'HTTP/1.'.startsWith(this.rest.toString('latin1', 0, 7))) throw new Refusal('ERR_HTTP_STATUS');
		}
		const line = this.#line();
		if (line === undefined) return false;
		if (this.#state === 'status') this.#readStatus(line);
		else if (this.#state === 'chunk') this.#readChunk(line);
		else if (line !== '') this.#readField(line);
		else if (this.#state === 'fields') this.#endHead();
		else this.#state = 'complete';
		return true;
	}

	/** @param {string} line */
	#readStatus(line) {
		const [, minor = '', status] = STATUS_LINE.exec(line) ?? [];
		if (status === undefined) throw new Refusal('ERR_HTTP_STATUS');
		this.status = Number(status);
		this.#minor = minor;
		this.#state = 'fields';
	}

	/** @param {string} line */
	#readField(line) {
		const [, mixed, value = ''] = FIELD.exec(line) ?? [];
		if (mixed === undefined) throw new Refusal('ERR_HTTP_FIELD');
		const name = mixed.toLowerCase();
		if (this.#state === 'trailers') {
			// They belong to nothing that is used here, but must not say anew how long the body is.
			if (name === 'content-length' || name === 'transfer-encoding') throw new Refusal('ERR_HTTP_TRAILER');
			return;
		}
		const before = this.#fields.get(name);
		this.#fields.set(name, before === undefined ? value : `${before}, ${value}`);
	}

	/** Finds out how the end of the body will be known (RFC 9112, section 6.3). */
	#endHead() {
		const length = this.#fields.get('content-length');
		const coding = this.#fields.get('transfer-encoding')?.toLowerCase();
		if (length !== undefined && !/^\d+$/.test(length)) throw new Refusal('ERR_HTTP_LENGTH'); // twice is `1, 1`
		const uncoded = this.#minor === '0' || this.status < 200 || this.status === 204; // by section 6.1
		if (coding !== undefined && (coding !== 'chunked' || length !== undefined || uncoded)) {
			throw new Refusal('ERR_HTTP_CODING');
		}
		if (this.status === 101) throw new Refusal('ERR_HTTP_UPGRADE'); // nobody has asked for it
		if (this.status < 200) {
			this.#fields.clear();
			this.#state = 'status'; // an interim answer: the next one counts
			return;
		}
		this.headers = Object.fromEntries(this.#fields);
		if (this.#method === 'HEAD' || this.#method === 'CONNECT' || this.status === 204 || this.status === 304) {
			this.#state = 'complete';
		} else if (coding !== undefined) {
			this.#state = 'chunk';
		} else if (length !== undefined) {
			this.#expect(Number(length));
			this.#state = this.#missing > 0 ? 'length' : 'complete';
		} else {
			this.#missing = Number.POSITIVE_INFINITY;
			this.#state = 'close';
		}
	}

	/** @param {string} line */
	#readChunk(line) {
		const [, size, extensions = ''] = CHUNK.exec(line) ?? [];
		if (size === undefined) throw new Refusal('ERR_HTTP_CHUNK');
		this.#headBytes += line.length + 2 - extensions.length; // a body in many small chunks is no fault
		this.#expect(Number.parseInt(size, 16));
		this.#state = this.#missing > 0 ? 'data' : 'trailers';
	}

	/** What ends a chunk. */
	#readGap() {
		if (this.rest.length < 2) return false;
		if (this.rest.toString('latin1', 0, 2) !== '\r\n') throw new Refusal('ERR_HTTP_CHUNK');
		this.rest = this.rest.subarray(2);
		this.#state = 'chunk';
		return true;
	}

	/** @param {number} length */
	#expect(length) {
		if (length > this.#maxBytes - this.#length) throw new Refusal('ERR_HTTP_TOO_LARGE');
		this.#missing = length;
	}

	#readBody() {
		const part = this.rest.subarray(0, this.#missing);
		this.#length += part.length;
		if (this.#length > this.#maxBytes) throw new Refusal('ERR_HTTP_TOO_LARGE');
		if (part.length > 0) this.#parts.push(part);
		this.rest = this.rest.subarray(part.length);
		this.#missing -= part.length;
		if (this.#missing > 0) return false;
		this.#state = this.#state === 'data' ? 'gap' : 'complete';
		return true;
	}

	/** @returns {string | undefined} nothing when it has not all come yet */
	#line() {
		const end = this.rest.indexOf('\n');
		const length = end < 0 ? this.rest.length : end + 1;
		if (length > this.#headBytes) throw new Refusal('ERR_HTTP_HEAD_SIZE');
		if (end < 0) return undefined;
		const line = this.rest.toString('latin1', 0, length);
		if (!line.endsWith('\r\n')) throw new Refusal('ERR_HTTP_LINE');
		this.#headBytes -= length;
		this.rest = this.rest.subarray(length);
		return line.slice(0, -2);
	}
}
