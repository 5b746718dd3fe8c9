// Who outside can assume what, as a graph of three columns: providers, whose jobs they speak for, roles. What would be
// too much to look at is put together. Nothing here needs a page.

import { counted } from './audit-roles.js';

/** @typedef {import('./audit-roles.js').Row} Row */
/** @typedef {import('./audit-roles.js').Severity} Severity */
/**
 * @typedef {object} Node
 * @property {'provider' | 'tenant' | 'role' | 'group'} kind
 * @property {string} id
 * @property {string} label
 * @property {string} note
 * @property {Severity | undefined} worst undefined where no role is
 * @property {Set<Row>} rows that it stands for
 * @property {0 | 1 | 2} column
 * @property {number} y
 * @property {number} height
 */
/** @typedef {{ from: Node, to: Node, worst: Severity | undefined }} Edge */
/** @typedef {{ nodes: Node[], edges: Edge[], height: number }} Layout */
/** @typedef {{ node: Node, rows: Row[] }} Tenant */

/** A tenant with more roles than that is one node, and so is what is behind the most that can be looked at. */
export const MOST_OF_TENANT = 60;
const MOST_ROLES = 240;
const MOST_TENANTS = 120;
const MOST_PROVIDERS = 40;

/** In units of the drawing. */
const ONE_LINE = 26;
const TWO_LINES = 44;
const GAP = 6;
const GAP_OF_TENANTS = 8;
const GAP_OF_PROVIDERS = 14;

/**
 * @param {string[]} issuers those that no role trusts as well
 * @param {Row[]} rows the worst first
 * @returns {Layout}
 */
export function layout(issuers, rows) {
	const drawing = new Drawing();
	const providers = capped(
		groupBy(rows, ({ issuer }) => [issuer]),
		MOST_PROVIDERS,
		'other providers',
	);
	const mostTenants = Math.max(3, Math.floor(MOST_TENANTS / Math.max(1, providers.length)));
	for (const [issuer, own] of providers) {
		const provider = drawing.add('provider', issuer, issuer, about(own), own);
		for (const [name, of] of capped(
			groupBy(own, ({ tenants }) => tenants),
			mostTenants,
			'others',
		)) {
			drawing.tenant(provider, name, of);
		}
		drawing.close(provider, GAP_OF_PROVIDERS);
	}
	const trusted = new Set(rows.map(({ issuer }) => issuer));
	for (const issuer of issuers.filter((one) => !trusted.has(one)).slice(0, MOST_PROVIDERS)) {
		drawing.close(drawing.add('provider', issuer, issuer, 'no role trusts it', []), GAP_OF_PROVIDERS);
	}
	return drawing.done();
}

class Drawing {
	/** @type {Node[]} */
	#nodes = [];
	/** @type {Edge[]} */
	#edges = [];
	/** Roles by their ids: one that several tenants open is one node. @type {Map<string, Node>} */
	#roles = new Map();
	#y = 0;

	/**
	 * @param {Node['kind']} kind
	 * @param {string} id
	 * @param {string} label
	 * @param {string} note
	 * @param {Row[]} rows
	 */
	add(kind, id, label, note, rows) {
		/** @type {Node} */
		const node = {
			kind,
			id: `${kind} ${id}`,
			label,
			note,
			worst: rows[0]?.severity, // they are in that order
			rows: new Set(rows),
			column: kind === 'provider' ? 0 : kind === 'tenant' ? 1 : 2,
			y: this.#y,
			height: kind === 'provider' ? TWO_LINES : ONE_LINE,
		};
		this.#nodes.push(node);
		return node;
	}

	/**
	 * A tenant with its roles beside it.
	 * @param {Node} provider
	 * @param {string} name
	 * @param {Row[]} rows
	 */
	tenant(provider, name, rows) {
		const tenant = this.add('tenant', `${provider.id} ${name}`, name, rows.length.toLocaleString('en'), rows);
		this.#join(provider, tenant, rows);
		const isMany = rows.length > MOST_OF_TENANT || this.#roles.size + rows.length > MOST_ROLES;
		if (isMany && rows.length > 1) {
			const label = `${counted(rows.length, 'role')}, worst: ${rows[0]?.severity}`;
			this.#join(tenant, this.#below(this.add('group', tenant.id, label, '', rows)), rows);
		} else {
			for (const row of rows) this.#join(tenant, this.#role(row), [row]);
		}
		this.close(tenant, GAP_OF_TENANTS);
	}

	/** @param {Row} row */
	#role(row) {
		const known = this.#roles.get(row.id);
		if (known) {
			known.rows.add(row);
			return known;
		}
		const node = this.#below(this.add('role', row.id, row.role.name, row.severity, [row]));
		this.#roles.set(row.id, node);
		return node;
	}

	/** @param {Node} node */
	#below(node) {
		this.#y += node.height + GAP;
		return node;
	}

	/**
	 * @param {Node} from
	 * @param {Node} to
	 * @param {Row[]} rows
	 */
	#join(from, to, rows) {
		this.#edges.push({ from, to, worst: rows[0]?.severity });
	}

	/**
	 * Puts what comes next below a node and what is beside it. A node stands at the top of that, where reading begins.
	 * @param {Node} node
	 * @param {number} gap
	 */
	close(node, gap) {
		this.#y = Math.max(this.#y - GAP, node.y + node.height) + gap;
	}

	/** @returns {Layout} */
	done() {
		const height = Math.max(0, ...this.#nodes.map((node) => node.y + node.height));
		return { nodes: this.#nodes, edges: this.#edges, height };
	}
}

/** @param {Row[]} rows */
function about(rows) {
	const roles = counted(new Set(rows.map(({ id }) => id)).size, 'role');
	const kinds = new Set(rows.map(({ kind }) => kind));
	return kinds.size === 1 ? `${rows[0]?.kind}, ${roles}` : roles;
}

/**
 * In the order in which the keys come, which is by the worst of each.
 * @param {Row[]} rows
 * @param {(row: Row) => string[]} keys
 */
function groupBy(rows, keys) {
	/** @type {Map<string, Row[]>} */
	const groups = new Map();
	for (const row of rows) {
		for (const key of keys(row)) {
			const group = groups.get(key);
			if (group) group.push(row);
			else groups.set(key, [row]);
		}
	}
	return groups;
}

/**
 * The first groups, and all others as one.
 * @param {Map<string, Row[]>} groups
 * @param {number} most
 * @param {string} others
 * @returns {[string, Row[]][]}
 */
function capped(groups, most, others) {
	const list = [...groups];
	if (list.length <= most) return list;
	const rest = list.slice(most - 1);
	const rows = new Set(rest.flatMap(([, of]) => of)); // a row can be in several
	const inOrder = [...rows].sort((a, b) => a.rank - b.rank);
	return [...list.slice(0, most - 1), [`${rest.length.toLocaleString('en')} ${others}`, inOrder]];
}
