// What a job of Buildkite's talks to: the agent's API and STS, both of the sandbox. This server stands before it, keeps
// every request, learns every secret that passes, and answers itself where a test wants an answer that the sandbox does
// not give.

import http from 'node:http';
import { escapeXml } from '../js/support/answers.js';

/** @typedef {{ to: 'token' | 'sts' | 'annotation' | 'other', method: string, path: string,
 *   headers: http.IncomingHttpHeaders, body: string }} Request */
/** @typedef {{ status?: number, type?: string, body?: string, play?: (response: http.ServerResponse) => void }} Answer */
/** @typedef {(request: Request, number: number) => Answer | undefined} Script nothing: as the sandbox does */

/** Two accounts, roles that let the job in, and one for tags, which does not. */
export const CONFIG = {
	providers: ['123456789012', '210987654321'].map((account) => ({
		url: 'https://agent.buildkite.com',
		account,
		clientIds: ['sts.amazonaws.com', 'https://own.example'],
	})),
	roles: [
		role('123456789012', 'deploy', 'organization:acme:pipeline:api:ref:refs/heads/*:commit:*'),
		role('210987654321', 'audit', 'organization:acme:pipeline:api:*'),
		role('123456789012', 'release', 'organization:acme:pipeline:api:ref:refs/tags/v*:commit:*'),
		role('123456789012', 'by-id', '0183c4e6-c88c-4ebd-a15e-7801077a9181'),
	],
	job: {
		buildkite: {
			organization_slug: 'acme',
			pipeline_slug: 'api',
			pipeline_id: '0183c4e6-c88c-4ebd-a15e-7801077a9181',
			build_branch: 'main',
			build_tag: null,
			step_key: 'deploy',
		},
	},
};

/**
 * @param {string} account
 * @param {string} name
 * @param {string} subject
 */
function role(account, name, subject) {
	return {
		arn: `arn:aws:iam::${account}:role/${name}`,
		maxSessionDuration: 43_200,
		trustPolicy: {
			Version: '2012-10-17',
			Statement: [
				{
					Effect: 'Allow',
					Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/agent.buildkite.com` },
					Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'],
					Condition: { StringLike: { 'agent.buildkite.com:sub': subject } },
				},
			],
		},
	};
}

export class Services {
	/** @type {Request[]} */
	requests = [];
	/** Everything that came out of the two services and that no log may show. @type {Set<string>} */
	secrets = new Set();
	/** Sessions by their key id. @type {Map<string, { secret: string, token: string, role: string }>} */
	sessions = new Map();
	/** @type {Partial<Record<Request['to'], Script>>} */
	script = {};
	/** @type {(() => void)[]} */
	#waiting = [];
	/** @type {Set<import('node:net').Socket>} */
	#sockets = new Set();
	#server;
	#sandbox;
	port = 0;

	/** @param {{ url: string, requestToken: string }} sandbox */
	constructor(sandbox) {
		this.#sandbox = sandbox;
		this.secrets.add(sandbox.requestToken);
		this.#server = http.createServer(async (request, response) => {
			let body = '';
			for await (const part of request) body += part;
			await this.#take(request, body, response);
		});
		this.#server.on('connection', (socket) => {
			this.#sockets.add(socket);
			socket.on('error', () => {});
			socket.on('close', () => this.#sockets.delete(socket));
		});
	}

	async start() {
		await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve(undefined)));
		this.port = /** @type {import('node:net').AddressInfo} */ (this.#server.address()).port;
		return this;
	}

	get base() {
		return `http://127.0.0.1:${this.port}`;
	}

	get accessToken() {
		return this.#sandbox.requestToken;
	}

	/** @param {Request['to']} to */
	to(to) {
		return this.requests.filter((request) => request.to === to);
	}

	/** The bodies of the requests for a token. */
	get asked() {
		return this.to('token').map(({ body }) => JSON.parse(body));
	}

	/** The forms that STS was sent. */
	get exchanged() {
		return this.to('sts').map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
	}

	/**
	 * @param {Request['to']} to
	 * @param {number} [count] resolves once so many have come
	 */
	async arrived(to, count = 1) {
		while (this.to(to).length < count) await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
	}

	stop() {
		this.#server.close();
		for (const socket of this.#sockets) socket.destroy();
	}

	/**
	 * @param {http.IncomingMessage} incoming
	 * @param {string} body
	 * @param {http.ServerResponse} response
	 */
	async #take({ method = '', url: path = '', headers }, body, response) {
		if (body.includes('Action=GetCallerIdentity')) return this.#identify(headers, response);
		/** @type {Request['to']} */
		let to = 'other';
		if (path.endsWith('/oidc/tokens')) to = 'token';
		else if (path === '/sts') to = 'sts';
		else if (path.endsWith('/annotations')) to = 'annotation';
		const request = { to, method, path, headers, body };
		this.requests.push(request);
		for (const resolve of this.#waiting.splice(0)) resolve();
		const scripted = this.script[to]?.(request, this.to(to).length);
		if (scripted?.play) return scripted.play(response);
		if (scripted) {
			response.writeHead(scripted.status ?? 200, { 'Content-Type': scripted.type ?? 'application/json' });
			return response.end(scripted.body ?? '');
		}
		if (to === 'annotation') return response.writeHead(200).end('{}');
		const forwarded = await fetch(this.#sandbox.url + path, {
			method,
			headers: { 'Content-Type': `${headers['content-type']}`, Authorization: `${headers.authorization}` },
			body,
		});
		const text = await forwarded.text();
		this.#learn(to, text, new URLSearchParams(body).get('RoleArn') ?? '');
		response.writeHead(forwarded.status, { 'Content-Type': `${forwarded.headers.get('content-type')}` }).end(text);
	}

	/**
	 * @param {Request['to']} to
	 * @param {string} text
	 * @param {string} role
	 */
	#learn(to, text, role) {
		if (to === 'token') {
			const { token = '' } = JSON.parse(text);
			for (const secret of [token, ...token.split('.').slice(1)]) if (secret) this.secrets.add(secret);
		} else if (to === 'sts') {
			const read = (/** @type {string} */ name) => new RegExp(`<${name}>(.*?)</${name}>`).exec(text)?.[1] ?? '';
			const [id, secret, token] = [read('AccessKeyId'), read('SecretAccessKey'), read('SessionToken')];
			if (id === '') return;
			this.sessions.set(id, { secret, token, role });
			for (const each of [id, secret, token]) this.secrets.add(each);
		}
	}

	/**
	 * AWS's own tools are told whose credentials they have used.
	 * @param {http.IncomingHttpHeaders} headers
	 * @param {http.ServerResponse} response
	 */
	#identify(headers, response) {
		const id = /Credential=([^/]+)\//.exec(`${headers.authorization}`)?.[1] ?? '';
		const session = this.sessions.get(id);
		const valid = session !== undefined && session.token === headers['x-amz-security-token'];
		response.writeHead(valid ? 200 : 403, { 'Content-Type': 'text/xml' }).end(
			'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
				`<Arn>${escapeXml(session?.role ?? 'nobody')}</Arn><UserId>${valid ? 'known' : 'unknown'}</UserId>` +
				'<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
		);
	}
}
