// The rows of an audit as CSV (RFC 4180).

/** @typedef {import('./audit-roles.js').Row} Row */

const HEAD = [
	'severity',
	'role',
	'arn',
	'provider',
	'ci',
	'who gets in',
	'breadth',
	'rules',
	'powerful policies',
	'session seconds',
	'file',
	'line',
	'pointer',
];

/** @param {Row[]} rows */
export function csv(rows) {
	const lines = rows.map(({ role, issuer, kind, severity }) => [
		severity,
		role.name,
		role.arn ?? '',
		issuer,
		kind,
		role.admitted.map(({ who }) => who).join('\n'),
		role.breadth,
		role.rules.join(' '),
		role.attached.join(' '),
		String(role.maxSessionDuration ?? ''),
		role.file,
		String(role.line),
		role.pointer,
	]);
	return [HEAD, ...lines].map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}

/**
 * Spreadsheets take a text that begins like a formula for one, and run it:
 * https://owasp.org/www-community/attacks/CSV_Injection
 * @param {string} text
 */
function cell(text) {
	const inert = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
	return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
