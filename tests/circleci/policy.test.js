// The policies of docs/circleci.md, and the statement that a denial prints, by the sandbox's reading of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DENIED } from '../js/support/answers.js';
import { CircleJob, ISSUER, ORGANIZATION, PROJECT, SUBJECT } from '../js/support/circleci.js';
import { blocks, refusal } from '../js/support/policies.js';

const names = { ORG_ID: ORGANIZATION, PROJECT_ID: PROJECT };
const [policy] = blocks('docs/circleci.md', 'trust policy', names);
const [branch] = blocks('docs/circleci.md', 'branch', names);
const of = (/** @type {string} */ ref) => `${SUBJECT}/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/${ref}`;
const KEY = 'oidc.circleci.com/project-id';
const claims = (/** @type {string} */ sub) => ({ iss: ISSUER, aud: ORGANIZATION, sub, [KEY]: PROJECT });

test('the policy of the page admits both tokens of the project, and no other project', () => {
	for (const sub of [SUBJECT, of('main'), SUBJECT.replace(/[^/]+$/, 'somebody-else')]) {
		assert.equal(refusal(policy, ORGANIZATION, claims(sub)), undefined, sub);
	}
	const other = SUBJECT.replace(PROJECT, '00000000-0000-4000-8000-000000000000');
	assert.match(refusal(policy, ORGANIZATION, claims(other)) ?? '', /AccessDenied/);
	assert.match(refusal(policy, ORGANIZATION, { ...claims(SUBJECT), [KEY]: 'other' }) ?? '', /AccessDenied/);
	assert.ok(refusal(policy, ORGANIZATION, { ...claims(SUBJECT), aud: 'sts.amazonaws.com' }));
});

test('the one for a branch admits that branch', () => {
	const narrow = structuredClone(policy);
	Object.assign(narrow.Statement[0].Condition, branch);
	assert.equal(refusal(narrow, ORGANIZATION, claims(of('main'))), undefined);
	const named = of('x/vcs-origin/github.com/acme/api/vcs-ref/refs/heads/main');
	for (const sub of [SUBJECT, of('feature'), of('main2'), named]) {
		assert.ok(refusal(narrow, ORGANIZATION, claims(sub)), sub);
	}
	const [statement] = narrow.Statement;
	const key = Object.keys(statement.Condition.StringLike)[0] ?? '';
	statement.Condition.StringLike[key] = statement.Condition.StringLike[key].replace(/\?[?-]+/, '*');
	assert.equal(refusal(narrow, ORGANIZATION, claims(named)), undefined, 'as the page says of a *');
});

test('the statement of a denial admits the job that was denied', async (t) => {
	const job = await CircleJob.start(t);
	// The sandbox knows no key but `aud` and `sub` for this issuer.
	job.token(2, { 'oidc.circleci.com/project-id': null });
	job.service.expect([DENIED]);
	const { log } = await job.step(job.assume());
	const statement = JSON.parse(/^ {4}\{\n[\s\S]*?^ {4}\}$/m.exec(log)?.[0] ?? 'null');
	const printed = { Version: '2012-10-17', Statement: [statement] };
	assert.equal(refusal(printed, ORGANIZATION, claims(of('main'))), undefined);
	assert.ok(refusal(printed, ORGANIZATION, claims(of('feature'))));
});
