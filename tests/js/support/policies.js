// What the sandbox's STS makes of a trust policy and a token, without a server in between.

import fs from 'node:fs';
import { core } from '../../../js/policy-core.js';
import { mint } from './answers.js';
import { ROOT } from './child.js';

/**
 * The JSON of every block of a page that has this comment above it, with names put in.
 * @param {string} page
 * @param {string} comment
 * @param {Record<string, string>} names
 */
export function blocks(page, comment, names) {
	const marked = fs.readFileSync(`${ROOT}/${page}`, 'utf8').split(`<!-- ${comment} -->`).slice(1);
	return marked.map((rest) => {
		const text = /```json\n([\s\S]*?)```/.exec(rest)?.[1] ?? '';
		const filled = Object.entries(names).reduce((all, [name, value]) => all.replaceAll(name, value), text);
		return JSON.parse(filled.trimStart().startsWith('"') ? `{${filled}}` : filled);
	});
}

/**
 * @param {any} trustPolicy of a role in account 123456789012
 * @param {string} audience that the identity provider lists
 * @param {Record<string, unknown>} claims
 * @returns {string | undefined} why not; nothing if the job is let in
 */
export function refusal(trustPolicy, audience, claims) {
	const now = Math.floor(Date.now() / 1000);
	const role = 'arn:aws:iam::123456789012:role/deploy';
	const token = mint({}, {}, { iat: now, exp: now + 600, ...claims });
	const form = new URLSearchParams({
		Action: 'AssumeRoleWithWebIdentity',
		Version: '2011-06-15',
		RoleArn: role,
		RoleSessionName: 'me',
		WebIdentityToken: token,
	});
	const config = {
		...core.sandboxDefaultConfig(),
		providers: [{ url: claims.iss, account: '123456789012', clientIds: [audience] }],
		roles: [{ arn: role, maxSessionDuration: 3600, trustPolicy }],
	};
	const answer = core.sandboxAnswer(JSON.stringify({ config, body: `${form}`, signature: 'valid', seed: '00ff', now }));
	return answer.status === 200 ? undefined : answer.log;
}
