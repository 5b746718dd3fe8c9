// The links that `permalink` puts into a summary, read as the page reads them.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { inflateRawSync } from 'node:zlib';

const SCENARIOS = new URL('../scenarios/github/', import.meta.url);
const DECIDES = [
	'actor',
	'aud',
	'environment',
	'iss',
	'job_workflow_ref',
	'ref',
	'repository',
	'repository_id',
	'repository_owner_id',
	'sub',
	'workflow',
];

/** @param {string} scenario @returns {{ name: string, policy: string, roleArn: string, claims: object }[]} */
function questions(scenario) {
	const expected = readFileSync(new URL(`${scenario}/expected.txt`, SCENARIOS), 'utf8');
	const links = [...expected.matchAll(/^ {2}\[See it drawn\]\(https:\/\/[^/]+\/ci-assume-role\/#s=([\w-]+)\)$/gm)];
	assert.equal(links.length, expected.split('See it drawn').length - 1, 'a link stands elsewhere');
	assert.equal(links.length, expected.split('#s=').length - 1);
	return links.map(([, packed = '']) => JSON.parse(inflateRawSync(Buffer.from(packed, 'base64url')).toString()));
}

/** @param {string} scenario */
function given(scenario) {
	return JSON.parse(readFileSync(new URL(`${scenario}/scenario.json`, SCENARIOS), 'utf8'));
}

test('a link holds the role and the claims that decide', () => {
	const [question, ...more] = questions('denied-permalink');
	assert.deepEqual(more, []);
	assert.ok(question);
	const { claims, ...rest } = question;
	const roleArn = 'arn:aws:iam::123456789012:role/deploy';
	assert.deepEqual(rest, { name: 'trust-policy.json', policy: '', roleArn });
	assert.deepEqual(Object.keys(claims).sort(), DECIDES);
});

test('a link holds the policy, where it is at hand', () => {
	const scenario = 'denied-permalink-with-the-policy';
	const [question] = questions(scenario);
	assert.equal(question?.policy, Object.values(given(scenario).files)[0]);
	assert.equal(question?.name, 'policy.json');
	const [fromIam] = questions('denied-permalink-by-iam');
	assert.equal(fromIam?.policy, given('denied-permalink-by-iam').steps[0].http[2].policy);
});

test('a link does not hold what the log hides', () => {
	const [question] = questions('denied-permalink-masked-account');
	assert.equal(question?.roleArn, '***');
	assert.match(`${question?.policy}`, /"arn:aws:iam::\*\*\*:oidc-provider/);
	assert.doesNotMatch(JSON.stringify(question), /123456789012/);
});

test('each role that is denied has a link', () => {
	const roles = questions('denied-permalink-of-several-roles').map(({ roleArn }) => roleArn);
	assert.deepEqual(roles, ['arn:aws:iam::123456789012:role/a', 'arn:aws:iam::123456789012:role/b']);
});

test('nobody gets a link who did not ask for one', () => {
	const others = readdirSync(SCENARIOS).filter((name) => !name.startsWith('denied-permalink'));
	assert.ok(others.length > 100);
	for (const name of others) assert.deepEqual(questions(name), [], name);
});
