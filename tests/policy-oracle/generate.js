// Policies and tokens by chance, from a seed: every operator, set operator, kind of key and odd value that there is.

import { OWN_KEYS, providerOf } from './simulate.js';

/** @typedef {import('./simulate.js').Case} Case */
/** @typedef {import('./simulate.js').Conditions} Conditions */
/** @typedef {import('./simulate.js').Statement} Statement */

/** @type {Record<string, string[]>} */
const OPERATORS = {
	text: [
		'StringEquals',
		'StringNotEquals',
		'StringEqualsIgnoreCase',
		'StringNotEqualsIgnoreCase',
		'StringLike',
		'StringNotLike',
	],
	number: [
		'NumericEquals',
		'NumericNotEquals',
		'NumericLessThan',
		'NumericLessThanEquals',
		'NumericGreaterThan',
		'NumericGreaterThanEquals',
	],
	date: [
		'DateEquals',
		'DateNotEquals',
		'DateLessThan',
		'DateLessThanEquals',
		'DateGreaterThan',
		'DateGreaterThanEquals',
	],
	truth: ['Bool', 'Null'],
	binary: ['BinaryEquals'],
	address: ['IpAddress', 'NotIpAddress'],
	arn: ['ArnEquals', 'ArnLike', 'ArnNotEquals', 'ArnNotLike'],
};

/** @type {Record<string, string[]>} */
const VALUES = {
	text: [
		'main',
		'Main',
		'refs/heads/main',
		'repo:octo/app:ref:refs/heads/main',
		'repo:octo/app:environment:prod',
		'{5d4f1c9e}:{0b7a9d1c}',
		'org/0f/project/7d/user/2d',
		'sts.amazonaws.com',
		'x',
		'a.b+c(d)[e]^f|g\\h',
	],
	number: ['0', '-0', '10', '10.0', '9.5', '-3', '2147483648', '007'],
	date: [
		'2026-01-01',
		'2026-01-01T00:00:00Z',
		'2026-01-01T01:00:00+01:00',
		'2026-11-21T12:00:00Z',
		'2026-11-21T12:00Z',
		'2026-06',
	],
	truth: ['true', 'false', 'True', 'FALSE'],
	binary: ['QmluYXJ5', 'qmluYXJ5'],
	address: [
		'203.0.113.7',
		'203.0.113.0/24',
		'203.0.113.9/24',
		'0.0.0.0/0',
		'0.0.0.0/0', // twice, to come up often enough
		'198.51.100.1',
		'10.0.0.0/8',
		'2001:db8::1',
		'2001:db8::/32',
	],
	arn: [
		'arn:aws:iam::111122223333:role/deploy',
		'arn:aws:sts::111122223333:assumed-role/deploy/x',
		'arn:aws:iam::444455556666:role/a/b:c',
		'arn:aws:s3:::bucket/key',
		'arn:aws-cn:iam::111122223333:user/x',
	],
	odd: [
		'',
		' ',
		'é',
		'É',
		'😀',
		'a\nb',
		'\u{f0000}',
		'*',
		'?',
		'$',
		'${',
		'${*}',
		'${Name}',
		'null',
		'1767225600',
		'10abc',
		'::1',
	],
};

const KINDS = Object.keys(OPERATORS);
const SETS = ['', 'ForAllValues:', 'ForAnyValue:'];
const SHAPES = [
	'same',
	'star',
	'inner star',
	'question',
	'case',
	'variable',
	'variable in an ARN',
	'default',
	'escape',
	'another',
	'odd',
];
const KEYS = ['own', 'absent', 'unmapped', 'foreign', 'several', 'call', 'tag', 'upper', 'arn'];
const PRINCIPALS = ['provider', 'list', 'account', 'host', 'aws', 'aws star', 'star', 'federated star', 'service'];
const ACTIONS = ['exact', 'case', 'service', 'all', 'star', 'question', 'list', 'other', 'not'];
const VERSIONS = ['2012-10-17', '2008-10-17', 'none'];
const VERDICTS = ['allowed', 'denied', 'unknown'];

/** Every class that a run has to reach. */
export const CLASSES = [
	...KINDS.flatMap((kind) => OPERATORS[kind] ?? []).flatMap((name) =>
		name === 'Null'
			? ['operator Null']
			: SETS.flatMap((set) => [`operator ${set}${name}`, `operator ${set}${name}IfExists`]),
	),
	...[...KINDS, 'odd'].flatMap((kind) => (VALUES[kind] ?? []).map((value) => `value ${JSON.stringify(value)}`)),
	...SHAPES.map((shape) => `wanted ${shape}`),
	...KEYS.map((key) => `key ${key}`),
	...PRINCIPALS.map((principal) => `principal ${principal}`),
	...ACTIONS.map((action) => `action ${action}`),
	...VERSIONS.map((version) => `version ${version}`),
	...VERDICTS.map((verdict) => `verdict ${verdict}`),
	...Object.keys(OWN_KEYS).map((issuer) => `issuer ${issuer}`),
	'effect Allow',
	'effect Deny',
	'session tags',
	'source identity',
	'authorized party',
];

/** A small generator of random numbers, for runs that can be repeated (mulberry32). @param {number} seed */
export function random(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/**
 * @param {() => number} next
 * @param {(name: string) => void} reach
 * @returns {Case}
 */
export function generate(next, reach) {
	/** @type {<T>(list: readonly T[]) => T} */
	const pick = (list) => /** @type {any} */ (list[Math.floor(next() * list.length)]);
	const chance = (/** @type {number} */ share) => next() < share;
	const value = (/** @type {string} */ kind) => {
		const picked = chance(0.02) ? '' : pick(VALUES[chance(0.08) ? 'odd' : chance(0.06) ? pick(KINDS) : kind] ?? []);
		reach(`value ${JSON.stringify(picked)}`);
		return picked;
	};

	const issuer = pick(Object.keys(OWN_KEYS));
	reach(`issuer ${issuer}`);
	const role = 'arn:aws:iam::111122223333:role/deploy';
	/** The kind of value that each key has in this case. @type {Map<string, string>} */
	const kinds = new Map();
	/** @type {Record<string, unknown>} */
	const claims = { iss: `https://${issuer}` };
	for (const name of ['sub', 'aud', 'email', ...(OWN_KEYS[issuer] ?? [])]) {
		const kind = chance(0.5) ? 'text' : pick(KINDS);
		kinds.set(`${issuer}:${name}`, kind);
		if (chance(0.8)) claims[name] = value(kind);
	}
	if (chance(0.1)) {
		claims.azp = value('text');
		reach('authorized party');
	}
	if (chance(0.5)) claims.amr = Array.from({ length: Math.floor(next() * 3) }, () => value(pick(KINDS)));
	if (chance(0.1)) {
		claims['https://aws.amazon.com/tags'] = {
			principal_tags: { team: [value('text')], 'cost:centre': [value('number')] },
		};
		reach('session tags');
	}
	if (chance(0.05)) {
		claims['https://aws.amazon.com/source_identity'] = value('text') || 'someone';
		reach('source identity');
	}
	/** @type {Record<string, string>} */
	const request = {
		'aws:SourceIp': value('address'),
		'aws:CurrentTime': value('date'),
		'aws:EpochTime': '1767225600',
		'sts:RoleSessionName': value('text'),
	};

	const statements = Array.from({ length: chance(0.7) ? 1 : 1 + Math.floor(next() * 3) }, (_, at) =>
		statement(at === 0),
	);
	const version = chance(0.85) ? VERSIONS[0] : pick(VERSIONS);
	reach(`version ${version}`);
	/** @type {Case['policy']} */
	const policy = { ...(version === 'none' ? {} : { Version: version }), Statement: statements };
	return { policy, claims, role, request };

	/** @param {boolean} first @returns {Statement} */
	function statement(first) {
		const Effect = chance(first ? 0.95 : 0.5) ? 'Allow' : 'Deny';
		reach(`effect ${Effect}`);
		/** @type {Statement} */
		const made = { Effect, Principal: principal(), ...action() };
		/** @type {Conditions} */
		const conditions = {};
		for (let count = pick([0, 1, 1, 1, 1, 2, 2, 3]); count > 0; count -= 1) condition(conditions);
		if (Object.keys(conditions).length > 0) made.Condition = conditions;
		return made;
	}

	/** @returns {import('./simulate.js').Principal} */
	function principal() {
		const form = chance(0.94) ? 'provider' : pick(PRINCIPALS);
		reach(`principal ${form}`);
		const provider = providerOf(role, issuer);
		switch (form) {
			case 'list':
				return { Federated: ['arn:aws:iam::111122223333:oidc-provider/other.example', provider] };
			case 'account':
				return { Federated: provider.replace('111122223333', '444455556666') };
			case 'host':
				return { Federated: issuer };
			case 'aws':
				return { AWS: ['arn:aws:iam::444455556666:role/x', provider] };
			case 'aws star':
				return { AWS: '*' };
			case 'star':
				return '*';
			case 'federated star':
				return { Federated: '*' };
			case 'service':
				return { Service: 'ecs.amazonaws.com' };
			default:
				return { Federated: provider };
		}
	}

	function action() {
		const form = chance(0.6) ? 'exact' : pick(ACTIONS);
		reach(`action ${form}`);
		switch (form) {
			case 'case':
				return { Action: 'STS:assumerolewithwebidentity' };
			case 'service':
				return { Action: 'sts:*' };
			case 'all':
				return { Action: '*' };
			case 'star':
				return { Action: 'sts:AssumeRoleWith*' };
			case 'question':
				return { Action: ['sts:TagSessio?', 'sts:AssumeRoleWithWebIdentit?'] };
			case 'list':
				return { Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession', 'sts:SetSourceIdentity'] };
			case 'other':
				return { Action: pick(['sts:AssumeRole', 'sts:AssumeRoleWithSAML', 'sts:TagSession']) };
			case 'not':
				return { NotAction: pick(['sts:AssumeRole', 'sts:TagSession', 'sts:AssumeRoleWithWebIdentity']) };
			default:
				return { Action: 'sts:AssumeRoleWithWebIdentity' };
		}
	}

	/** @param {Conditions} conditions */
	function condition(conditions) {
		const [key, had] = keyAndValue();
		const kind = chance(0.94) ? (kinds.get(key) ?? kindOf(key)) : pick(KINDS);
		const base = pick(OPERATORS[kind] ?? []);
		const set = Array.isArray(had) ? (chance(0.9) ? pick(SETS.slice(1)) : '') : chance(0.8) ? '' : pick(SETS);
		const operator = base === 'Null' ? base : `${set}${base}${chance(0.2) ? 'IfExists' : ''}`;
		reach(`operator ${operator}`);
		const wants = Array.from({ length: chance(0.6) ? 1 : 1 + Math.floor(next() * 3) }, () =>
			base === 'Null' ? pick(['true', 'false']) : wanted(kind, had),
		);
		const keys = conditions[operator] ?? {};
		conditions[operator] = keys;
		if (!Object.keys(keys).some((other) => other.toLowerCase() === key.toLowerCase())) {
			keys[key] = wants.length === 1 && chance(0.5) ? /** @type {string} */ (wants[0]) : wants;
		}
	}

	/** @returns {[string, unknown]} */
	function keyAndValue() {
		const own = ['sub', 'aud', 'email', ...(OWN_KEYS[issuer] ?? [])];
		const form = chance(0.6) ? 'own' : pick(KEYS);
		reach(`key ${form}`);
		switch (form) {
			case 'absent': {
				const name = pick(own);
				delete claims[name];
				return [`${issuer}:${name}`, undefined];
			}
			case 'unmapped':
				return [`${issuer}:${pick(['iss', 'event_name', 'azp', 'project_path'])}`, 'main'];
			case 'foreign':
				return ['other.example:sub', 'main'];
			case 'several': {
				const name = pick(['amr', 'oaud']);
				return [`${issuer}:${name}`, name === 'amr' ? (claims.amr ?? []) : claims.aud ? [claims.aud] : []];
			}
			case 'call': {
				const name = pick(Object.keys(request));
				return [name, request[name]];
			}
			case 'tag':
				return [pick(['aws:RequestTag/team', 'aws:RequestTag/cost:centre', 'aws:RequestTag/none']), 'main'];
			case 'upper': {
				const name = pick(own);
				return [`${issuer}:${name.toUpperCase()}`, claims[name]];
			}
			case 'arn':
				return [`${providerOf(role, issuer)}:sub`, claims.sub];
			default: {
				const name = pick(own);
				return [`${issuer}:${name}`, name === 'aud' ? (claims.azp ?? claims.aud) : claims[name]];
			}
		}
	}

	/** @param {string} key */
	function kindOf(key) {
		if (key === 'aws:SourceIp') return 'address';
		return key.endsWith('Time') ? 'date' : 'text';
	}

	/**
	 * A value of the policy, often near to what the key has.
	 * @param {string} kind
	 * @param {unknown} had
	 * @returns {string}
	 */
	function wanted(kind, had) {
		const text = String(Array.isArray(had) ? (pick(had) ?? 'main') : (had ?? 'main'));
		const shape = chance(0.4) ? 'same' : pick(SHAPES);
		reach(`wanted ${shape}`);
		const characters = [...text]; // so that none is cut in two
		const at = Math.floor(next() * (characters.length + 1));
		const before = characters.slice(0, at).join('');
		const after = characters.slice(at).join('');
		const behind = characters.slice(at + 1).join('');
		switch (shape) {
			case 'star':
				return pick([`${before}*`, `*${after}`]);
			case 'inner star':
				return `${before}*${behind}`;
			case 'question':
				return `${before}?${behind}`;
			case 'case':
				return text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase();
			case 'variable':
				return (
					pick(['', 'x']) +
					`\${${pick([...kinds.keys(), 'aws:RequestTag/team', `${issuer}:amr`, 'other.example:sub'])}}`
				);
			case 'variable in an ARN':
				return text.replace('111122223333', '${aws:ResourceAccount}');
			case 'default':
				if (chance(0.1)) return `${text}\${aws:RequestTag/none, ''}`;
				return `\${${pick([...kinds.keys(), 'aws:RequestTag/none'])}${pick([", '", ",'"])}${text}'}`;
			case 'escape':
				return before + pick(['${*}', '${?}', '${$}']) + after;
			case 'another':
				return value(kind);
			case 'odd':
				return value('odd');
			default:
				return text;
		}
	}
}
