// What iam-simulate says. Its published entry points leave out keys of issuers that they do not know, so its engine is
// asked itself, with a context of our own making.

import { pathToFileURL } from 'node:url';

/** @typedef {Record<string, unknown>} Claims */
/** @typedef {{ policy: Policy, claims: Claims, role: string, request: Record<string, string | string[]> }} Case */
/** @typedef {{ Version?: string, Statement: Statement[] }} Policy */
/** @typedef {Record<string, Record<string, string | string[]>>} Conditions */
/** @typedef {string | Record<string, string | string[]>} Principal */
/**
 * @typedef {{ Effect: string, Principal: Principal, Action?: string | string[], NotAction?: string | string[],
 *   Condition?: Conditions }} Statement
 */

// They are not among the package's exports.
const folder = new URL('node_modules/@cloud-copilot/', import.meta.url);
const [engine, requests, contexts, constraints, policies] = await Promise.all(
	[
		'iam-simulate/dist/esm/core_engine/CoreSimulatorEngine.js',
		'iam-simulate/dist/esm/request/request.js',
		'iam-simulate/dist/esm/requestContext.js',
		'iam-simulate/dist/esm/context_keys/discoveryContextKeyConstraints.js',
		'iam-policy/dist/esm/index.js',
	].map((path) => import(pathToFileURL(new URL(path, folder).pathname).href)),
);

const STRICT = {
	simulationMode: 'Strict',
	discoveryContextKeyConstraints: new constraints.DiscoveryContextKeyConstraints([]),
};

const TAGS = 'https://aws.amazon.com/tags';
const SOURCE_IDENTITY = 'https://aws.amazon.com/source_identity';

/** The keys that only this issuer has. @type {Record<string, string[]>} */
export const OWN_KEYS = {
	'token.actions.githubusercontent.com': ['actor', 'repository_id', 'ref', 'environment', 'job_workflow_ref'],
	'gitlab.com': ['project_id', 'namespace_id', 'ref_protected', 'user_login'],
	'agent.buildkite.com': ['pipeline_id', 'organization_slug', 'build_branch'],
	'oidc.circleci.com/org/0f': ['oidc.circleci.com/project-id'],
	'api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc': [],
	'vstoken.dev.azure.com/0f': [],
};

/** @param {Claims} claims */
export function issuerOf(claims) {
	return String(claims.iss).replace(/^https:\/\//, '');
}

/**
 * The request's keys, as AWS documents them for AssumeRoleWithWebIdentity.
 * @param {Case} of
 * @returns {Record<string, string | string[]>}
 */
export function contextOf({ claims, role, request }) {
	const issuer = issuerOf(claims);
	const account = role.split(':')[4] ?? '';
	/** @type {Record<string, string | string[]>} */
	const context = {
		'aws:SecureTransport': 'true',
		'aws:PrincipalType': 'User',
		'aws:FederatedProvider': providerOf(role, issuer),
		'aws:userid': providerOf(role, issuer),
		'aws:ResourceAccount': account,
		'aws:PrincipalAccount': account,
		...request,
	};
	/** @type {(name: string, value: unknown) => void} */
	const set = (name, value) => {
		if (value !== undefined) context[name] = Array.isArray(value) ? value.map(String) : String(value);
	};
	for (const name of ['sub', 'email', ...(OWN_KEYS[issuer] ?? [])]) set(`${issuer}:${name}`, claims[name]);
	set(`${issuer}:aud`, claims.azp ?? [claims.aud].flat()[0]);
	set(`${issuer}:oaud`, claims.aud === undefined ? undefined : [claims.aud].flat());
	set(`${issuer}:amr`, claims.amr);
	for (const [name, [value]] of Object.entries(tagsOf(claims))) set(`aws:RequestTag/${name}`, value);
	if (needsTags(claims)) set('aws:TagKeys', Object.keys(tagsOf(claims)));
	set('sts:SourceIdentity', claims[SOURCE_IDENTITY]);
	return context;
}

/** @param {Claims} claims @returns {Record<string, string[]>} */
function tagsOf(claims) {
	const tags = /** @type {{ principal_tags: Record<string, string[]> } | undefined} */ (claims[TAGS]);
	return tags?.principal_tags ?? {};
}

/** @param {Claims} claims */
function needsTags(claims) {
	return Object.keys(tagsOf(claims)).length > 0;
}

/**
 * @param {string} role
 * @param {string} issuer
 */
export function providerOf(role, issuer) {
	const [arn, partition, iam, , account] = role.split(':');
	return `${arn}:${partition}:${iam}::${account}:oidc-provider/${issuer}`;
}

/** The actions that the call needs. @param {Claims} claims */
export function actionsOf(claims) {
	return [
		'sts:AssumeRoleWithWebIdentity',
		...(needsTags(claims) ? ['sts:TagSession'] : []),
		...(claims[SOURCE_IDENTITY] === undefined ? [] : ['sts:SetSourceIdentity']),
	];
}

/**
 * A verdict for each action.
 * @param {Case} of
 * @returns {string}
 */
export function simulate(of) {
	const { policy, claims, role } = of;
	const resourcePolicy = policies.loadPolicy(policy, { name: 'trust' });
	const context = new contexts.RequestContextImpl(contextOf(of));
	const resource = { resource: role, accountId: role.split(':')[4] };
	const principal = providerOf(role, issuerOf(claims));
	const verdicts = actionsOf(claims).map((action) => {
		const { result } = engine.analyzeResourcePolicy(
			resourcePolicy,
			new requests.AwsRequestImpl(principal, resource, action, context),
			false,
			STRICT,
		);
		return result === 'Allowed' ? 'allowed' : 'denied';
	});
	return verdicts.join(' ');
}
