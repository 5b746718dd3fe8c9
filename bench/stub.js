// The far end of every measured process: the CIs' token services and STS on loopback, over HTTP and over TLS, answering
// at once, or at /slow after a while. A process of its own, so that its work is not counted. Its parent asks it what came since it last asked.

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { ACCOUNT, DENIED, mint, stsAnswer, tokenAnswer } from '../tests/js/support/answers.js';

/** @typedef {{ token: number, sts: number, identity: number }} Counts */

/** About what STS takes, from a runner in another region. */
const SLOW_MS = 100;

/** As long as real ones are. */
const SESSION_TOKEN = Buffer.alloc(600, 'a session token of the usual length ').toString('base64');
const IDENTITY = {
	contentType: 'text/xml',
	body: [
		'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>',
		`<Arn>arn:aws:sts::${ACCOUNT}:assumed-role/deploy/GitHubActions</Arn>`,
		`<UserId>AROAEXAMPLE:GitHubActions</UserId><Account>${ACCOUNT}</Account></GetCallerIdentityResult>`,
		'<ResponseMetadata><RequestId>request-2</RequestId></ResponseMetadata></GetCallerIdentityResponse>',
	].join(''),
};

const none = () => ({ token: 0, sts: 0, identity: 0 });
/** @type {Counts} */
let counts = none();

const [ORGANIZATION, PIPELINE] = ['acme', 'api'];
/** What tells these tokens from GitHub's; the claims that they share with those make them as long as real ones are. */
const OF_BUILDKITE = {
	iss: 'https://agent.buildkite.com',
	sub: `organization:${ORGANIZATION}:pipeline:${PIPELINE}:ref:refs/heads/main:commit:${'9f31'.repeat(10)}:step:`,
	organization_slug: ORGANIZATION,
	pipeline_slug: PIPELINE,
};
const OF_BITRISE = { iss: 'https://token.builds.bitrise.io', sub: 'app:0a1b2c3d4e5f6071:workflow:deploy' };

/** @param {object} body */
const json = (body) => ({ contentType: 'application/json', body: JSON.stringify(body) });

/**
 * @param {string} url
 * @param {string} body
 */
function answerTo(url, body) {
	if (url.startsWith('/v3/jobs/') && url.endsWith('/oidc/tokens')) {
		counts.token += 1;
		return json({ token: mint(OF_BUILDKITE) });
	}
	if (url.startsWith('/build/')) {
		counts.token += 1;
		return json({ id_token: mint(OF_BITRISE), token_type: 'Bearer', expires_in: 3600 });
	}
	if (url.startsWith('/token')) {
		counts.token += 1;
		return tokenAnswer(mint());
	}
	if (body.includes('Action=GetCallerIdentity')) {
		counts.identity += 1;
		return IDENTITY;
	}
	counts.sts += 1;
	if (url.startsWith('/denying')) return DENIED;
	const answer = stsAnswer({ SessionToken: SESSION_TOKEN });
	if (body.includes('Action=AssumeRoleWithWebIdentity')) return answer;
	return { ...answer, body: String(answer.body).replaceAll('AssumeRoleWithWebIdentity', 'AssumeRole') };
}

/** @type {http.RequestListener} */
const serve = (request, response) => {
	let body = '';
	request.setEncoding('utf8');
	request.on('data', (part) => {
		body += part;
	});
	request.on('end', () => {
		const answer = answerTo(request.url ?? '', body);
		const { contentType = 'text/plain', body: text = '' } = answer;
		const status = 'status' in answer ? answer.status : 200;
		const headers = { 'Content-Type': contentType, 'x-amzn-requestid': 'request-1' };
		setTimeout(
			() => response.writeHead(status ?? 200, headers).end(text),
			request.url?.startsWith('/slow') ? SLOW_MS : 0,
		);
	});
};

/**
 * @param {http.Server} server
 * @returns {Promise<number>}
 */
function listen(server) {
	return new Promise((resolve) => {
		server.listen(0, '127.0.0.1', () => resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port));
	});
}

const pem = readFileSync(new URL('../tests/js/shim/tls/loopback.pem', import.meta.url));
const plain = await listen(http.createServer(serve));
const secure = await listen(https.createServer({ key: pem, cert: pem }, serve));

process.on('message', () => {
	process.send?.(counts);
	counts = none();
});
process.on('disconnect', () => process.exit());
process.send?.({ http: `http://localhost:${plain}`, https: `https://localhost:${secure}` });
