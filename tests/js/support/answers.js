// What GitHub's token service and STS answer: as they do, and as everything that can stand in their place does.

import { KEY_ID, SECRET, SESSION_TOKEN } from './secrets.js';

export const ACCOUNT = '123456789012';

function usualClaims() {
	const now = Math.floor(Date.now() / 1000);
	return {
		iss: 'https://token.actions.githubusercontent.com',
		aud: 'sts.amazonaws.com',
		sub: 'repo:octo-org/octo-repo:ref:refs/heads/main',
		exp: now + 300,
		iat: now,
		nbf: now - 5,
		jti: '11111111-2222-3333-4444-555555555555',
		repository: 'octo-org/octo-repo',
		repository_id: '74',
		repository_owner: 'octo-org',
		repository_owner_id: '65',
		ref: 'refs/heads/main',
		ref_type: 'branch',
		event_name: 'push',
		workflow: 'deploy',
		job_workflow_ref: 'octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main',
		actor: 'octocat',
	};
}

/**
 * @param {Record<string, unknown>} [claims] differences; null removes a claim
 * @param {Record<string, unknown>} [header]
 * @param {Record<string, unknown>} [usual] those of a GitHub job
 */
export function mint(claims = {}, header = {}, usual = usualClaims()) {
	const all = { ...usual, ...claims };
	const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url');
	const kept = (/** @type {object} */ value) =>
		Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));
	const signature = Buffer.from('signature-made-by-the-ci').toString('base64url');
	return [part(kept({ alg: 'RS256', kid: 'k1', typ: 'JWT', ...header })), part(kept(all)), signature].join('.');
}

/** @param {string} text */
export function escapeXml(text) {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * The parts of a success that a test may replace. Values are text, not yet XML.
 * @typedef {Partial<Record<'Audience' | 'AssumedRoleId' | 'Arn' | 'AccessKeyId' | 'SecretAccessKey' | 'SessionToken'
 *   | 'Expiration' | 'Provider' | 'SubjectFromWebIdentityToken' | 'SourceIdentity' | 'PackedPolicySize' | 'RequestId',
 *   string>>} Session
 */

/** @param {Session} [parts] */
export function sessionXml(parts = {}) {
	const expiration = `${new Date(Date.now() + 3_630_000).toISOString().slice(0, 19)}Z`;
	const value = {
		Audience: 'sts.amazonaws.com',
		AssumedRoleId: 'AROAEXAMPLE:GitHubActions',
		Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/deploy/GitHubActions`,
		AccessKeyId: KEY_ID,
		SecretAccessKey: SECRET,
		SessionToken: SESSION_TOKEN,
		Expiration: expiration,
		Provider: `arn:aws:iam::${ACCOUNT}:oidc-provider/token.actions.githubusercontent.com`,
		SubjectFromWebIdentityToken: 'repo:octo-org/octo-repo:ref:refs/heads/main',
		SourceIdentity: '',
		PackedPolicySize: '',
		RequestId: 'request-1',
		...parts,
	};
	const element = (/** @type {keyof typeof value} */ name) =>
		value[name] === '' ? '' : `<${name}>${escapeXml(value[name])}</${name}>`;
	return [
		'<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">',
		`<AssumeRoleWithWebIdentityResult>${element('Audience')}`,
		`<AssumedRoleUser>${element('AssumedRoleId')}${element('Arn')}</AssumedRoleUser>`,
		`<Credentials>${element('AccessKeyId')}${element('SecretAccessKey')}${element('SessionToken')}`,
		`${element('Expiration')}</Credentials>${element('Provider')}${element('SubjectFromWebIdentityToken')}`,
		`${element('SourceIdentity')}${element('PackedPolicySize')}</AssumeRoleWithWebIdentityResult>`,
		`<ResponseMetadata>${element('RequestId')}</ResponseMetadata></AssumeRoleWithWebIdentityResponse>`,
	].join('');
}

/**
 * What GetCallerIdentity answers.
 * @param {string} account
 * @param {string} arn
 */
export function callerXml(account, arn) {
	return (
		'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
		`<Arn>${arn}</Arn><UserId>AIDAEXAMPLE</UserId><Account>${account}</Account></GetCallerIdentityResult>` +
		'<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>'
	);
}

/**
 * What IAM says of a role. Its policy comes in percent-encoding.
 * @param {string} policy
 * @param {string} [arn]
 */
export function roleXml(policy, arn = `arn:aws:iam::${ACCOUNT}:role/deploy`) {
	return (
		'<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role>' +
		`<Arn>${arn}</Arn><AssumeRolePolicyDocument>${encodeURIComponent(policy)}</AssumeRolePolicyDocument>` +
		'<RoleName>deploy</RoleName></Role></GetRoleResult>' +
		'<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></GetRoleResponse>'
	);
}

/**
 * @param {string} code
 * @param {string} message
 * @param {string} [requestId]
 */
export function errorXml(code, message, requestId = 'request-1') {
	return (
		'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>' +
		`<Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>` +
		`<RequestId>${escapeXml(requestId)}</RequestId></ErrorResponse>`
	);
}

/**
 * What a server does with one request. `play` takes the connection over and misbehaves.
 * @typedef {object} Answer
 * @property {'token' | 'sts' | 'ecr' | 'metadata' | 'iam' | 'signin'} to
 * @property {number} [status]
 * @property {string} [contentType]
 * @property {Record<string, string>} [headers]
 * @property {string | Buffer} [body]
 * @property {(response: import('node:http').ServerResponse, socket: import('node:net').Socket) => void} [play]
 */

/**
 * @param {string} token
 * @returns {Answer}
 */
export const tokenAnswer = (token) => ({
	to: 'token',
	contentType: 'application/json; charset=utf-8',
	body: JSON.stringify({ count: 1, value: token }),
});

/**
 * @param {Session} [parts]
 * @returns {Answer}
 */
export const stsAnswer = (parts) => ({ to: 'sts', contentType: 'text/xml', body: sessionXml(parts) });

/**
 * @param {number} status
 * @param {string} code
 * @param {string} message
 * @returns {Answer}
 */
export const stsError = (status, code, message) => ({
	to: 'sts',
	status,
	contentType: 'text/xml',
	body: errorXml(code, message),
});

export const DENIED = stsError(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
