// Where the two are known to differ, and why ours stands. Each is asked about a case that has become as small as it
// can be, so that it can be strict: what no entry explains fails the run.

import { isIP, isIPv6 } from 'node:net';
import { contextOf, issuerOf, providerOf } from './simulate.js';

/** @typedef {import('./simulate.js').Case} Case */
/**
 * The one condition of a small case.
 * @typedef {{ base: string, set: string, ifExists: boolean, negated: boolean, values: string[],
 *   had: string | string[] | undefined }} One
 */
/** @typedef {{ of: Case, one: One | undefined, ours: string, theirs: string }} Difference */
/** @typedef {{ id: string, reason: string, explains: (difference: Difference) => boolean }} Known */

/** @type {Known[]} */
export const KNOWN = [
	{
		id: 'anyone',
		reason: 'AWS "*" lets nobody with a token in (seen live); for "*" and Federated "*" AWS documents nothing',
		explains: ({ of, ours }) => {
			const principal = of.policy.Statement[0]?.Principal;
			const isAny =
				principal === '*' || (typeof principal === 'object' && [principal.AWS, principal.Federated].includes('*'));
			return isAny && ours !== 'allowed';
		},
	},
	{
		id: 'provider-as-aws',
		reason: 'a provider is a Federated principal; under AWS it is of the wrong type',
		explains: ({ of, ours, theirs }) => {
			const principal = of.policy.Statement[0]?.Principal;
			const provider = providerOf(of.role, issuerOf(of.claims));
			return (
				typeof principal === 'object' &&
				[principal.AWS].flat().includes(provider) &&
				is(ours, theirs, 'denied', 'allowed')
			);
		},
	},
	{
		id: 'several-values',
		reason: 'AWS asks for a set operator on a key with several values and does not say what happens without one',
		explains: ({ one, ours }) => Array.isArray(one?.had) && one.set === '' && one.base !== 'Null' && ours === 'unknown',
	},
	{
		id: 'if-exists-of-any',
		reason: 'by the page on IfExists the condition is true without the key, by what others have seen it is false',
		explains: ({ one, ours }) =>
			one?.set === 'ForAnyValue' && one.ifExists && one.had === undefined && ours === 'unknown',
	},
	{
		id: 'empty-set',
		reason: 'AWS takes an empty text for an empty set and does not say whether the comparison counts as well',
		explains: ({ one, ours }) => one !== undefined && one.set !== '' && isEmpty(one.had) && ours === 'unknown',
	},
	{
		id: 'null-of-nothing',
		reason: 'AWS does not say whether a key with an empty value is null',
		explains: ({ one, ours }) => one?.base === 'Null' && isEmpty(one.had) && ours === 'unknown',
	},
	{
		id: 'older-version',
		reason: 'before version 2012-10-17 variables are ordinary text; the other fills them in',
		explains: ({ of, one }) => of.policy.Version !== '2012-10-17' && has(one, /\$\{.*\}/),
	},
	{
		id: 'left-open',
		reason: 'a name without a colon is what a template leaves open; to the other it is a variable without a value',
		explains: ({ one, ours }) => has(one, /\$\{[^:*?${},]+[^:*?${}]*\}/) && ours === 'unknown',
	},
	{
		id: 'default-form',
		reason: 'AWS documents defaults in single quotes after a comma and a space, and no other form',
		explains: ({ one, ours }) => has(one, /\$\{[^},]*,(?! '[^}]*'\})/) && ours === 'unknown',
	},
	{
		id: 'empty-variable',
		reason: 'AWS does not say whether an empty value is a value; the other takes the default or leaves the variable',
		explains: ({ of, one, ours }) => ours === 'unknown' && variables(one).some((name) => isEmpty(valueOfKey(of, name))),
	},
	{
		id: 'empty-default',
		reason: 'a default may be empty; the other takes it for none',
		explains: ({ of, one }) =>
			has(one, /\$\{[^}]*, ''\}/) && variables(one).some((name) => typeof valueOfKey(of, name) !== 'string'),
	},
	{
		id: 'variable-without-value',
		reason: 'nothing equals a variable without a value, so a negated operator is true',
		explains: ({ of, one, ours, theirs }) =>
			one?.negated === true &&
			variables(one).some((name) => typeof valueOfKey(of, name) !== 'string') &&
			is(ours, theirs, 'allowed', 'denied'),
	},
	{
		id: 'escapes-under-exact-operators',
		reason: `${'$'}{*}, ${'$'}{?} and ${'$'}{$} are one character in every text with variables; the other keeps them outside Like`,
		explains: ({ one }) => /^String(Not)?Equals/.test(one?.base ?? '') && has(one, /\$\{[*?$]\}/),
	},
	{
		id: 'variables-elsewhere',
		reason: 'variables are for texts and ARNs; the other fills them in for Bool as well',
		explains: ({ one }) => one?.base === 'Bool' && has(one, /\$\{.*\}/),
	},
	{
		id: 'wrong-type',
		reason: 'AWS does not say whether what cannot be compared is different',
		explains: ({ one, ours }) => one?.negated === true && isOfWrongType(one) && ours === 'unknown',
	},
	{
		id: 'loose-numbers',
		reason: 'the other reads the digits at the start of a text, and ours the whole of it',
		explains: ({ one, ours, theirs }) =>
			/^Numeric/.test(one?.base ?? '') && isOfWrongType(one) && is(ours, theirs, 'denied', 'allowed'),
	},
	{
		id: 'loose-dates',
		reason: 'the other reads whatever JavaScript reads, and ours the forms of W3C and seconds since 1970',
		explains: ({ one, ours, theirs }) =>
			/^Date/.test(one?.base ?? '') &&
			((isOfWrongType(one) && is(ours, theirs, 'denied', 'allowed')) ||
				has(one, /^0\d+$/) ||
				/^0\d+$/.test(String(one?.had))),
	},
	{
		id: 'seconds-since-1970',
		reason: 'the other compares seconds with milliseconds',
		explains: ({ one }) => {
			const all = [...(one?.values ?? []), ...[one?.had ?? []].flat()];
			return (
				/^Date/.test(one?.base ?? '') &&
				all.some((text) => /^-?\d+$/.test(text)) &&
				all.some((text) => /-\d\d/.test(text))
			);
		},
	},
	{
		id: 'every-address',
		reason: 'to the other no address is in a network of length 0',
		explains: ({ one }) => /IpAddress$/.test(one?.base ?? '') && has(one, /^[\d.]+\/0$/),
	},
	{
		id: 'addresses',
		reason: 'the other compares single IPv6 addresses by their letters and knows no other family without a length',
		explains: ({ one }) => {
			const all = [...(one?.values ?? []), ...[one?.had ?? []].flat()];
			return /IpAddress$/.test(one?.base ?? '') && all.some((text) => isIPv6(text.split('/')[0] ?? ''));
		},
	},
	{
		id: 'any-arn',
		reason: 'a * for a whole ARN, or across its parts, is in wide use, and AWS does not document it',
		explains: ({ one, ours }) =>
			/^Arn/.test(one?.base ?? '') &&
			ours === 'unknown' &&
			one?.values.some((value) => /\*/.test(value) && value.split(':').length < 6) === true,
	},
	{
		id: 'first-part-of-an-arn',
		reason: 'an ARN starts with arn:, which the other does not look at',
		explains: ({ one }) =>
			/^Arn/.test(one?.base ?? '') &&
			[...(one?.values ?? []), ...[one?.had ?? []].flat()].some((text) => !text.startsWith('arn:')),
	},
	{
		id: 'variables-in-an-arn',
		reason: 'the other cuts the ARN at the colons of its variables',
		explains: ({ one }) => /^Arn/.test(one?.base ?? '') && has(one, /^([^:]*:){0,4}[^:]*\$\{[^}]*:/),
	},
	{
		id: 'characters',
		reason: 'to the other ? is half of a character beyond the first 65,536, and neither * nor ? is an end of line',
		explains: ({ one }) =>
			/^(String(Not)?Like|Arn)/.test(one?.base ?? '') &&
			has(one, /[*?]/) &&
			[one?.had ?? []].flat().some((text) => /\n|[\u{10000}-\u{10ffff}]/u.test(text)),
	},
	{
		id: 'letters-beyond-ascii',
		reason: 'AWS does not say how it folds them',
		explains: ({ one, ours }) =>
			/IgnoreCase$/.test(one?.base ?? '') && ours === 'unknown' && /[^\0-\x7f]/.test(String(one?.had)),
	},
];

/** @param {Case} of @returns {One | undefined} */
export function oneOf(of) {
	const conditions = Object.entries(of.policy.Statement[0]?.Condition ?? {});
	const [[operator, keys] = ['', {}]] = conditions;
	const [[key, values] = ['', []]] = Object.entries(keys);
	if (of.policy.Statement.length !== 1 || conditions.length !== 1 || Object.keys(keys).length !== 1) return undefined;
	const [, set = '', base = '', ifExists] = /^(?:(.*):)?(.*?)(IfExists)?$/.exec(operator) ?? [];
	const had = valueOfKey(of, key);
	return { base, set, ifExists: ifExists !== undefined, negated: base.includes('Not'), values: [values].flat(), had };
}

/**
 * @param {string} ours
 * @param {string} theirs
 * @param {string} first
 * @param {string} second
 */
function is(ours, theirs, first, second) {
	return ours === first && theirs === second;
}

/**
 * @param {One | undefined} one
 * @param {RegExp} pattern
 */
function has(one, pattern) {
	return one?.values.some((value) => pattern.test(value)) === true;
}

/** @param {string | string[] | undefined} had */
function isEmpty(had) {
	return had !== undefined && [had].flat().every((text) => text === '');
}

/** The keys of the variables. @param {One | undefined} one */
function variables(one) {
	return (one?.values ?? []).flatMap((value) =>
		[...value.matchAll(/\$\{([^},]*)[^}]*\}/g)]
			.map(([, name = '']) => name.trim())
			.filter((name) => !'*?$'.includes(name) || name === ''),
	);
}

/**
 * @param {Case} of
 * @param {string} key
 */
function valueOfKey(of, key) {
	const found = Object.entries(contextOf(of)).find(([name]) => name.toLowerCase() === key.toLowerCase());
	return found?.[1];
}

/** Whether a value of either side is none that the operator compares. @param {One | undefined} one */
function isOfWrongType(one) {
	if (one === undefined) return false;
	const had = [one.had ?? []].flat();
	const any = (/** @type {(text: string) => boolean} */ fits) => ![...one.values, ...had].every(fits);
	if (one.base.startsWith('Numeric')) return any((text) => /^[-+]?\d+(\.\d*)?$/.test(text));
	if (one.base.startsWith('Date')) {
		return any((text) => /^(-?\d+|\d{4}-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[-+]\d\d:\d\d))?)?)$/.test(text));
	}
	if (one.base.endsWith('IpAddress')) {
		return !had.every((text) => isIP(text) > 0) || !one.values.every((text) => isIP(text.replace(/\/\d+$/, '')) > 0);
	}
	if (one.base.startsWith('Arn')) return any((text) => text.startsWith('arn:') && text.split(':').length >= 6);
	return false;
}
