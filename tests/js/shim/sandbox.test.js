// The sandbox as a client sees it: a token service, an issuer and an STS that agree with each other. What STS answers
// is the core's, and tested there; here it is the key, the routes, and what is let in.

import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { afterEach, test } from 'node:test';
import { prepare } from '../../../js/start.cjs';

await prepare();
const { startSandbox } = await import('../../../js/sandbox.js');

/** @type {(() => void)[]} */
const closing = [];
afterEach(() => {
	for (const close of closing.splice(0)) close();
});

async function sandbox() {
	/** @type {string[]} */
	const lines = [];
	const served = await startSandbox({ log: (line) => lines.push(line) });
	closing.push(served.close);
	/** @param {string} path @param {RequestInit} [init] */
	const get = async (path, init) => {
		const response = await fetch(served.url + path, init);
		return { status: response.status, headers: response.headers, body: await response.text() };
	};
	const bearer = { authorization: `Bearer ${served.requestToken}` };
	const token = async (audience = 'sts.amazonaws.com') => {
		const { body } = await get(`/token?api-version=2.0&audience=${audience}`, { headers: bearer });
		return /** @type {string} */ (JSON.parse(body).value);
	};
	/** @param {string} path @param {object} body @param {Record<string, string>} headers */
	const post = (path, body, headers) => {
		const type = { 'content-type': 'application/json; charset=utf-8' };
		return get(path, { method: 'POST', body: JSON.stringify(body), headers: { ...type, ...headers } });
	};
	/** @param {string} token @param {string} [path] @param {string} [role] */
	const assume = (token, path = '/', role = 'deploy') => {
		const body = new URLSearchParams({
			Action: 'AssumeRoleWithWebIdentity',
			Version: '2011-06-15',
			RoleArn: `arn:aws:iam::123456789012:role/${role}`,
			RoleSessionName: 'test',
			WebIdentityToken: token,
		});
		return get(path, { method: 'POST', body });
	};
	return { ...served, lines, get, post, bearer, token, assume };
}

/** @param {string} token @param {number} index @returns {Record<string, unknown>} */
const part = (token, index) => JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString());

test('its tokens can be checked with the key that its issuer shows', async () => {
	const { url, get, token } = await sandbox();
	const issuer = JSON.parse((await get('/.well-known/openid-configuration')).body);
	assert.equal(issuer.jwks_uri, `${url}/.well-known/jwks`);
	const { keys } = JSON.parse((await get('/.well-known/jwks')).body);
	const jwt = await token('somebody');
	assert.equal(part(jwt, 0).kid, keys[0].kid);
	assert.equal(part(jwt, 1).iss, issuer.issuer);
	assert.equal(part(jwt, 1).aud, 'somebody');
	assert.equal(keys[0].d, undefined, 'the private key is out');
	const [head, claims, signature = ''] = jwt.split('.');
	const key = createPublicKey({ key: keys[0], format: 'jwk' });
	assert.ok(verify('sha256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url')));
});

test('it gives a token for the request token alone', async () => {
	const { get, lines } = await sandbox();
	for (const headers of [{}, { authorization: 'Bearer guess' }]) {
		const { status, body } = await get('/token?api-version=2.0', { headers });
		assert.equal(status, 401);
		assert.equal(JSON.parse(body).value, undefined);
	}
	assert.match(lines[0] ?? '', /^GET \/token 401 /);
});

test('it lets its own tokens in, at both addresses', async () => {
	const { token, assume, lines } = await sandbox();
	for (const path of ['/', '/sts']) {
		const { status, headers, body } = await assume(await token(), path);
		assert.equal(status, 200, body);
		assert.match(headers.get('content-type') ?? '', /^text\/xml/);
		assert.match(headers.get('x-amzn-requestid') ?? '', /^[0-9a-f-]{36}$/);
		assert.match(body, /<SecretAccessKey>/);
	}
	assert.equal(lines.length, 4);
	for (const line of lines) assert.match(line, /^(GET \/token|POST \/(sts)?) 200 [^\n]+$/);
});

test("it gives Buildkite's tokens, and lets them in", async () => {
	const { agentEndpoint, url, post, assume, requestToken, lines } = await sandbox();
	const jobs = `${agentEndpoint.slice(url.length)}/jobs/0184990a-477b-4fa8-9968-496074483cee`;
	const headers = { authorization: `Token ${requestToken}` };
	const asked = { audience: 'sts.amazonaws.com', lifetime: 600, aws_session_tags: ['build_number', 'step_key'] };
	const { status, headers: sent, body } = await post(`${jobs}/oidc/tokens`, asked, headers);
	assert.equal(status, 200, body);
	assert.match(sent.get('content-type') ?? '', /^application\/json/);
	assert.deepEqual(Object.keys(JSON.parse(body)), ['token']);
	const { token } = JSON.parse(body);
	const claims = part(token, 1);
	assert.equal(claims.iss, 'https://agent.buildkite.com');
	assert.equal(claims.job_id, '0184990a-477b-4fa8-9968-496074483cee');
	assert.equal(Number(claims.exp) - Number(claims.iat), 600);
	const tags = { principal_tags: { build_number: ['42'], step_key: ['deploy'] } };
	assert.deepEqual(claims['https://aws.amazon.com/tags'], tags);
	assert.equal((await assume(token)).status, 200);
	assert.equal((await assume(token, '/', 'deploy-prod')).status, 403);

	const long = await post(`${jobs}/oidc/tokens`, { lifetime: 7201 }, headers);
	const message = 'Requested lifetime too high (requested: 7201 max: 7200)';
	assert.deepEqual([long.status, JSON.parse(long.body)], [422, { message }]);
	assert.equal((await post(`${jobs}/oidc/tokens`, {}, { authorization: `Bearer ${requestToken}` })).status, 401);
	assert.equal((await post(`${jobs}/data/exists`, { key: 'buildkite:git:commit' }, headers)).body, '{"exists":false}');
	assert.equal((await post(`${jobs}/data/set`, { key: 'a', value: 'b' }, headers)).status, 200);
	for (const line of lines) assert.ok(!line.includes(token) && !line.includes(requestToken), line);
});

test("it gives Bitrise's tokens, and lets them in", async () => {
	const { buildUrl, url, post, assume, requestToken, lines } = await sandbox();
	const path = `${buildUrl.slice(url.length)}/id_token.json`;
	const headers = { authorization: requestToken, BUILD_API_TOKEN: requestToken };
	const { status, body } = await post(path, { sub: '', aud: 'sts.amazonaws.com' }, headers);
	assert.equal(status, 200, body);
	const { id_token: token, ...rest } = JSON.parse(body);
	assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 3600 });
	assert.equal(part(token, 1).iss, 'https://token.builds.bitrise.io');
	assert.equal(part(token, 1).sub, 'app:2b1a9f3c4d5e6f70:workflow:deploy');
	assert.equal((await assume(token)).status, 200);
	assert.equal((await assume(token, '/', 'deploy-prod')).status, 403);

	const refused = await post(path, { aud: 'x' }, { authorization: `Bearer ${requestToken}` });
	assert.equal(refused.status, 401);
	assert.deepEqual(Object.keys(JSON.parse(refused.body)), ['error_msg']);
	for (const line of lines) assert.ok(!line.includes(token) && !line.includes(requestToken), line);
});

test('it lets nobody in with a token that it did not sign', async () => {
	const { token, assume } = await sandbox();
	const other = await sandbox();
	const jwt = await token();
	const [head = '', claims = '', signature = ''] = jwt.split('.');
	const encode = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const forged = {
		'a changed claim': `${head}.${encode({ ...part(jwt, 1), sub: 'repo:octo-org/octo-repo:environment:x' })}.${signature}`,
		'a changed signature': `${head}.${claims}.${signature.slice(0, -4)}AAAA`,
		'no signature': `${head}.${claims}.`,
		'no algorithm': `${encode({ ...part(jwt, 0), alg: 'none' })}.${claims}.${signature}`,
		'another algorithm': `${encode({ ...part(jwt, 0), alg: 'HS256' })}.${claims}.${signature}`,
		'an unknown key': `${encode({ ...part(jwt, 0), kid: 'other' })}.${claims}.${signature}`,
		'the key of another sandbox': await other.token(),
		'no token': 'nonsense',
	};
	for (const [what, token] of Object.entries(forged)) {
		const { status, body } = await assume(token);
		assert.equal(status, 400, what);
		assert.match(body, /InvalidIdentityToken|ValidationError/, what);
	}
});

test('it does not read without end, and knows nothing else', async () => {
	const { get, lines } = await sandbox();
	const large = await get('/', { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) }).catch(() => ({ status: 413 }));
	assert.equal(large.status, 413);
	assert.equal((await get('/elsewhere')).status, 404);
	assert.equal((await get('/', { method: 'PUT' })).status, 404);
	assert.equal((await get('/a%0A%1b[31m"')).status, 404);
	for (const line of lines) assert.match(line, /^[\x20-\x7e]+$/);
});

test('it says what is wrong with a configuration, before it serves', async () => {
	const config = /** @type {import('../../../js/types.d.ts').SandboxConfig} */ (/** @type {unknown} */ ({ roles: 1 }));
	await assert.rejects(startSandbox({ config }), /roles/);
});
