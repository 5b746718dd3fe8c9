// The policy of docs/bitbucket.md, and the statement that a denial prints, by the sandbox's reading of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DENIED } from '../js/support/answers.js';
import { AUDIENCE, BitbucketStep, ENVIRONMENT, ISSUER, REPOSITORY } from '../js/support/bitbucket.js';
import { blocks, refusal } from '../js/support/policies.js';

const bare = (/** @type {string} */ id) => id.slice(1, -1);
const WORKSPACE = AUDIENCE.split('/')[1] ?? '';
const names = { WORKSPACE_ID: WORKSPACE, REPOSITORY_ID: bare(REPOSITORY), ENVIRONMENT_ID: bare(ENVIRONMENT) };
const [policy] = blocks('docs/bitbucket.md', 'trust policy', names);
const claims = (/** @type {string} */ sub) => ({ iss: ISSUER, aud: AUDIENCE, sub });
const OTHER = '{00000000-0000-4000-8000-000000000000}';

test('the policy of the page admits every run that deploys there, and no other', () => {
	for (const step of ['{1}', '{2}']) {
		assert.equal(refusal(policy, AUDIENCE, claims(`${REPOSITORY}:${ENVIRONMENT}:${step}`)), undefined);
	}
	for (const sub of [`${REPOSITORY}:{1}`, `${REPOSITORY}:${OTHER}:{1}`, `${OTHER}:${ENVIRONMENT}:{1}`]) {
		assert.match(refusal(policy, AUDIENCE, claims(sub)) ?? '', /AccessDenied/, sub);
	}
});

test('without the braces it admits nobody, as the page says', () => {
	const text = JSON.stringify(policy).replaceAll(REPOSITORY, bare(REPOSITORY));
	assert.ok(refusal(JSON.parse(text), AUDIENCE, claims(`${REPOSITORY}:${ENVIRONMENT}:{1}`)));
});

for (const deployment of [false, true]) {
	test(`the statement of a denial admits the next run, ${deployment ? 'with' : 'without'} a deployment`, async (t) => {
		const step = await BitbucketStep.start(t);
		if (deployment) step.deployment();
		step.service.expect([DENIED]);
		const { log } = await step.script([`eval "$(${step.assume()})"`]);
		const statement = JSON.parse(/^ {4}\{\n[\s\S]*?^ {4}\}$/m.exec(log)?.[0] ?? 'null');
		const printed = { Version: '2012-10-17', Statement: [statement] };
		const place = deployment ? `${REPOSITORY}:${ENVIRONMENT}` : REPOSITORY;
		assert.equal(refusal(printed, AUDIENCE, claims(`${place}:{next}`)), undefined);
		assert.ok(refusal(printed, AUDIENCE, claims(`${OTHER}:{next}`)));
	});
}
