// Accounts of AWS with roles in them: moto's IAM and STS, with authentication on, so that each signed call needs a key
// that moto has issued, its signature, and permissions that allow it. What moto does not do, a server before it does: a
// token is judged by the role's trust policy, with the sandbox's STS, before moto issues the session. Trust policies that
// name roles of other accounts are judged by nobody here; tests/policy-oracle asks iam-simulate about those.

import assert from 'node:assert/strict';
import http from 'node:http';
import { core } from '../../../js/policy-core.js';
import { errorXml } from './answers.js';
import { startMoto } from './moto.js';

/** @typedef {{ Version?: string, Statement: any[] }} Policy */
/** @typedef {{ trust: Policy, permissions?: Policy | undefined, maxSessionDuration?: number }} Role */

const OIDC_PROVIDER = /^arn:aws:iam::(\d{12}):oidc-provider\/(.*)$/;

export async function startAccounts() {
	const moto = await startMoto();
	const accounts = new Accounts(moto);
	await accounts.start();
	return accounts;
}

export class Accounts {
	/** The forms that STS was sent since the last `forget`, whatever came of them. @type {Record<string, string>[]} */
	asked = [];
	/** What no log may show. @type {Set<string>} */
	secrets = new Set();
	/** @type {{ providers: any[], roles: any[] }} */
	#config = { providers: [], roles: [] };
	/** @type {Set<string>} */
	#known = new Set();
	/** One request after the other, since authentication is switched off for those with a token. @type {Promise<unknown>} */
	#queue = Promise.resolve();
	#moto;
	#server;
	url = '';

	/** @param {{ url: string, stop: () => void }} moto */
	constructor(moto) {
		this.#moto = moto;
		this.#server = http.createServer((request, response) => {
			/** @type {Buffer[]} */
			const parts = [];
			request.on('data', (part) => parts.push(part));
			request.on('end', () => {
				const body = Buffer.concat(parts);
				this.#queue = this.#queue.then(() => this.#answer(request, body, response)).catch(() => response.destroy());
			});
		});
	}

	async start() {
		await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve(undefined)));
		const { port } = /** @type {import('node:net').AddressInfo} */ (this.#server.address());
		this.url = `http://127.0.0.1:${port}`;
		await this.#authenticate(true);
	}

	stop() {
		this.#server.close();
		this.#server.closeAllConnections();
		this.#moto.stop();
	}

	forget() {
		const asked = this.asked;
		this.asked = [];
		return asked;
	}

	/** @param {string} arn @param {Role} role made anew if it is there */
	async role(arn, { trust, permissions, maxSessionDuration = 3600 }) {
		const [, , , , account = '', path = ''] = arn.split(':');
		const name = path.split('/').at(-1) ?? '';
		await this.#authenticate(false);
		await this.#iam(account, {
			Action: this.#known.has(arn) ? 'UpdateAssumeRolePolicy' : 'CreateRole',
			RoleName: name,
			[this.#known.has(arn) ? 'PolicyDocument' : 'AssumeRolePolicyDocument']: JSON.stringify(open(trust)),
		});
		this.#known.add(arn);
		const none = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] };
		await this.#iam(account, {
			Action: 'PutRolePolicy',
			RoleName: name,
			PolicyName: 'permissions',
			PolicyDocument: JSON.stringify(permissions ?? none),
		});
		await this.#authenticate(true);
		this.#config.roles = this.#config.roles.filter((each) => each.arn !== arn);
		const federated = trust.Statement.flatMap(({ Principal }) => [Principal?.Federated].flat().filter(Boolean));
		if (federated.length === 0) return;
		this.#config.roles.push({ arn, maxSessionDuration, trustPolicy: trust });
		for (const provider of federated) {
			const [, account, issuer] = OIDC_PROVIDER.exec(provider) ?? assert.fail(provider);
			const url = `https://${issuer}`;
			if (this.#config.providers.some((each) => each.url === url && each.account === account)) continue;
			this.#config.providers.push({ url, account, clientIds: ['sts.amazonaws.com'] });
		}
	}

	/** A session of a role, as what runs on AWS's own machines is given it. @param {string} arn */
	async session(arn) {
		await this.#authenticate(false);
		const form = { Action: 'AssumeRole', RoleArn: arn, RoleSessionName: 'machine' };
		const text = await this.#call('123456789012', 'sts', '2011-06-15', form);
		await this.#authenticate(true);
		const part = (/** @type {string} */ name) => new RegExp(`<${name}>([^<]*)`).exec(text)?.[1] ?? assert.fail(text);
		return {
			AccessKeyId: part('AccessKeyId'),
			SecretAccessKey: part('SecretAccessKey'),
			Token: part('SessionToken'),
			Expiration: '2030-01-01T00:00:00Z',
		};
	}

	/** @param {string} account @param {Record<string, string>} form */
	#iam(account, form) {
		return this.#call(account, 'iam', '2010-05-08', form);
	}

	/** @param {string} account @param {string} service @param {string} version @param {Record<string, string>} form */
	async #call(account, service, version, form) {
		const scope = `AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
		const response = await fetch(this.#moto.url, {
			method: 'POST',
			headers: { authorization: scope, 'x-moto-account-id': account },
			body: new URLSearchParams({ Version: version, ...form }),
		});
		const text = await response.text();
		assert.ok(response.ok, text);
		return text;
	}

	/** @param {boolean} on */
	async #authenticate(on) {
		const body = on ? '0' : 'inf';
		const reset = await fetch(`${this.#moto.url}/moto-api/reset-auth`, { method: 'POST', body });
		assert.ok(reset.ok, 'moto asks for no signatures');
	}

	/** @param {http.IncomingMessage} request @param {Buffer} body @param {http.ServerResponse} response */
	async #answer(request, body, response) {
		const form = new URLSearchParams(body.toString());
		const byToken = form.get('Action') === 'AssumeRoleWithWebIdentity';
		this.asked.push(Object.fromEntries(form));
		if (byToken) {
			const refused = this.#judge(`${form}`);
			if (refused) {
				response.writeHead(refused.status, { 'content-type': 'text/xml', 'x-amzn-requestid': 'request-1' });
				response.end(refused.body);
				return;
			}
			await this.#authenticate(false);
		}
		const { status, headers, text } = await this.#forward(request, body);
		if (byToken) await this.#authenticate(true);
		for (const name of ['SecretAccessKey', 'SessionToken']) {
			const secret = new RegExp(`<${name}>([^<]*)`).exec(text)?.[1];
			if (secret) this.secrets.add(secret);
		}
		response.writeHead(status, headers);
		response.end(text);
	}

	/** What the sandbox has against it. @param {string} body @returns {{ status: number, body: string } | undefined} */
	#judge(body) {
		const config = { ...core.sandboxDefaultConfig(), ...this.#config };
		const now = Math.floor(Date.now() / 1000);
		const answer = core.sandboxAnswer(JSON.stringify({ config, body, signature: 'valid', seed: '00ff', now }));
		return answer.status === 200 ? undefined : answer;
	}

	/**
	 * As it came, its signed headers too.
	 * @param {http.IncomingMessage} request
	 * @param {Buffer} body
	 * @returns {Promise<{ status: number, headers: http.OutgoingHttpHeaders, text: string }>}
	 */
	#forward(request, body) {
		const { hostname, port } = new URL(this.#moto.url);
		return new Promise((resolve, reject) => {
			const { method, url: path, headers } = request;
			const onward = http.request({ hostname, port, method, path, headers, agent: false }, (answer) => {
				let text = '';
				answer.setEncoding('utf8').on('data', (part) => {
					text += part;
				});
				answer.on('end', () => {
					const { 'content-type': type = '', 'x-amzn-requestid': id = 'request-1' } = answer.headers;
					const status = answer.statusCode ?? 500;
					// What it refuses for want of permissions or a signature, it says in another form than STS.
					const refused = /<Errors>.*<Code>(.*)<\/Code>.*<Message>(.*)<\/Message>/s.exec(text);
					if (refused) text = errorXml(refused[1] ?? '', refused[2] ?? '');
					const kept = { 'content-type': refused ? 'text/xml' : type, 'x-amzn-requestid': id };
					resolve({ status, headers: kept, text });
				});
			});
			onward.on('error', reject);
			onward.end(body);
		});
	}
}

/**
 * For moto, which compares the principal with the session's ARN, and would let no role in.
 * @param {Policy} trust
 */
function open(trust) {
	return { ...trust, Statement: trust.Statement.map((each) => ({ ...each, Principal: { AWS: '*' } })) };
}
