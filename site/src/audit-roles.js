// What an audit says, as rows: put in order, and filtered. Nothing here needs a page.

/** @typedef {'critical' | 'high' | 'medium' | 'low' | 'none'} Severity */
/** @typedef {'nobody' | 'narrow' | 'project' | 'organization' | 'unknown' | 'anyone'} Breadth */
/** @typedef {{ statement: number, sid: string | null, who: string, breadth: Breadth, tenants?: string[] }} Admitted */
/**
 * @typedef {object} Role
 * @property {string} file
 * @property {number} line
 * @property {string} pointer
 * @property {string} name
 * @property {string | null} arn
 * @property {Exclude<Severity, 'none'> | null} severity of the worst finding
 * @property {string[]} rules
 * @property {Breadth} breadth
 * @property {Admitted[]} admitted
 * @property {string[]} attached
 * @property {number | null} maxSessionDuration in seconds
 */
/**
 * @typedef {object} Provider
 * @property {string} issuer
 * @property {string} kind
 * @property {boolean} shared
 * @property {boolean} described
 * @property {string[]} clientIds
 * @property {Role[]} roles
 */
/**
 * What `policy audit --format json` prints.
 * @typedef {object} Report
 * @property {number} roles
 * @property {Provider[]} providers
 * @property {{ ownAccount: number, otherAccounts: number, someAccount: number, services: number, saml: number }} others
 * @property {{ file: string, line: number, pointer: string, name: string, why: string }[]} unread
 */
/**
 * A role by one provider. A role that several providers open has as many rows.
 * @typedef {object} Row
 * @property {Role} role
 * @property {string} issuer
 * @property {string} kind the CI, by name
 * @property {Severity} severity
 * @property {number} rank of the severity; 0 is the worst
 * @property {string[]} tenants whose jobs come in
 * @property {string} id the same for all rows of a role
 * @property {string} text all that the row shows, in lower case
 */
/**
 * @typedef {object} Filter
 * @property {string} text words that a row has to have, all of them
 * @property {Set<Severity>} severities
 * @property {string} issuer '' for all
 * @property {string} rule '' for all
 * @property {Set<Row>} [among] those that were chosen in the graph
 */

/** The worst first. @type {Severity[]} */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'none'];

/** The most first. @type {Breadth[]} */
const BREADTHS = ['anyone', 'unknown', 'organization', 'project', 'narrow', 'nobody'];

/**
 * The rows of a report, the worst first, then by provider and by name.
 * @param {Report} report
 * @returns {Row[]}
 */
export function rowsOf(report) {
	const rows = report.providers.flatMap(({ issuer, kind, roles }) => roles.map((role) => rowOf(role, issuer, kind)));
	return sorted(rows, 'severity', false);
}

/**
 * @param {Role} role
 * @param {string} issuer
 * @param {string} kind
 * @returns {Row}
 */
function rowOf(role, issuer, kind) {
	const severity = role.severity ?? 'none';
	const who = role.admitted.map((admitted) => admitted.who);
	const seen = [role.name, role.arn ?? '', issuer, kind, ...who, ...role.rules, ...role.attached, role.file];
	return {
		role,
		issuer,
		kind,
		severity,
		rank: SEVERITIES.indexOf(severity),
		tenants: [...new Set(role.admitted.flatMap((admitted) => tenantsOf(admitted)))],
		id: `${role.file}\n${role.pointer}`,
		text: seen.join('\n').toLowerCase(),
	};
}

/**
 * Whose jobs a statement lets in.
 * @param {Admitted} admitted
 */
function tenantsOf({ tenants, breadth, who }) {
	if (tenants && tenants.length > 0) return tenants;
	if (breadth === 'anyone') return ['anyone of this issuer'];
	if (breadth === 'nobody') return ['nobody']; // why stands in the table
	return [who];
}

/** @typedef {(a: Row, b: Row) => number} Order */

/** @type {Order} */
const bySeverity = (a, b) => a.rank - b.rank || byText(a.issuer, b.issuer) || byText(a.role.name, b.role.name);

/** @type {Record<string, Order>} */
const ORDERS = {
	severity: bySeverity,
	role: (a, b) => byText(a.role.name, b.role.name),
	provider: (a, b) => byText(a.issuer, b.issuer),
	who: (a, b) => BREADTHS.indexOf(a.role.breadth) - BREADTHS.indexOf(b.role.breadth),
	rules: (a, b) => b.role.rules.length - a.role.rules.length,
	attached: (a, b) => b.role.attached.length - a.role.attached.length,
	session: (a, b) => (b.role.maxSessionDuration ?? 0) - (a.role.maxSessionDuration ?? 0),
};

/**
 * In the order of a column; what is alike there stays in the order of severity.
 * @param {Row[]} rows
 * @param {string} column
 * @param {boolean} turned
 */
export function sorted(rows, column, turned) {
	const order = ORDERS[column] ?? bySeverity;
	return [...rows].sort((a, b) => (turned ? order(b, a) : order(a, b)) || bySeverity(a, b));
}

/**
 * @param {Row[]} rows
 * @param {Filter} filter
 */
export function filtered(rows, { text, severities, issuer, rule, among }) {
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);
	return rows.filter(
		(row) =>
			severities.has(row.severity) &&
			(issuer === '' || row.issuer === issuer) &&
			(rule === '' || row.role.rules.includes(rule)) &&
			(!among || among.has(row)) &&
			words.every((word) => row.text.includes(word)),
	);
}

/**
 * How many roles there are of each severity. A role counts once, however many providers open it.
 * @param {Row[]} rows
 */
export function countRoles(rows) {
	/** @type {Map<string, Severity>} */
	const roles = new Map(rows.map(({ id, severity }) => [id, severity]));
	const counts = new Map(SEVERITIES.map((severity) => [severity, 0]));
	for (const severity of roles.values()) counts.set(severity, (counts.get(severity) ?? 0) + 1);
	return { all: roles.size, counts };
}

/**
 * By code units, which takes a tenth of the time that a language's own order takes.
 * @param {string} a
 * @param {string} b
 */
function byText(a, b) {
	if (a === b) return 0;
	return a < b ? -1 : 1;
}

/** @param {number | null} seconds */
export function inHours(seconds) {
	if (seconds === null) return '';
	const hours = Math.floor(seconds / 3600);
	const minutes = Math.floor((seconds % 3600) / 60);
	return [hours > 0 && `${hours} h`, minutes > 0 && `${minutes} min`].filter(Boolean).join(' ') || `${seconds} s`;
}

/** @param {number} count @param {string} one @param {string} [several] */
export function counted(count, one, several = `${one}s`) {
	return `${count.toLocaleString('en')} ${count === 1 ? one : several}`;
}
