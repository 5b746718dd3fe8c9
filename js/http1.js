// One exchange of HTTP/1.1 (RFC 9112) on a connection that serves for nothing else. It knows no sockets: bytes in, an
// answer out. Node's own client would do, but a server, an agent and a pool of connections are loaded with it, which is
// a twentieth of a run. What could be read in two ways is refused, so that nobody on the way can have read it otherwise.

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
