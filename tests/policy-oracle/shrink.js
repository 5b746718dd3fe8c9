// From a case on which two implementations differ to the smallest one that still shows the difference.

/** @typedef {import('./simulate.js').Case} Case */
/** @typedef {import('./simulate.js').Statement} Statement */

/**
 * @param {readonly Case[]} cases on which they differ
 * @param {(cases: readonly Case[]) => Promise<boolean[]>} differ
 * @returns {Promise<Case[]>}
 */
export async function shrink(cases, differ) {
	const smallest = [...cases];
	let open = cases.map((_, at) => at);
	while (open.length > 0) {
		const candidates = open.flatMap((at) => smaller(/** @type {Case} */ (smallest[at])).map((of) => ({ at, of })));
		const differing = await differ(candidates.map(({ of }) => of));
		/** @type {Set<number>} */
		const changed = new Set();
		candidates.forEach(({ at, of }, index) => {
			if (differing[index] && !changed.has(at)) {
				changed.add(at);
				smallest[at] = of;
			}
		});
		open = [...changed];
	}
	return smallest;
}

/** Each with one thing less, what takes away most first. @param {Case} of @returns {Case[]} */
function smaller(of) {
	const { policy, claims } = of;
	const statements = policy.Statement;
	/** @type {Case[]} */
	const found = [];
	const put = (/** @type {Statement[]} */ Statement) => found.push({ ...of, policy: { ...policy, Statement } });
	for (const statement of statements) {
		if (statements.length > 1) put([statement]);
		if (statement.Effect === 'Deny') put([{ ...statement, Effect: 'Allow' }]);
	}
	const rest = without(claims, (name) => !name.startsWith('https://aws'));
	if (rest) found.push({ ...of, claims: rest });
	statements.forEach((statement, at) => {
		for (const less of smallerStatements(statement))
			put(statements.map((other, place) => (place === at ? less : other)));
	});
	if (policy.Version !== '2012-10-17') found.push({ ...of, policy: { ...policy, Version: '2012-10-17' } });
	return found;
}

/** @param {Statement} statement @returns {Statement[]} */
function smallerStatements(statement) {
	/** @type {Statement[]} */
	const found = [];
	const { Condition: conditions = {}, NotAction, ...rest } = statement;
	const put = (/** @type {import('./simulate.js').Conditions} */ Condition) => found.push({ ...statement, Condition });
	for (const [operator, keys] of Object.entries(conditions)) {
		const others = without(conditions, (name) => name !== operator) ?? {};
		if (Object.keys(others).length > 0) found.push({ ...statement, Condition: { [operator]: keys } });
		put(others);
		for (const [key, values] of Object.entries(keys)) {
			const fewer = without(keys, (name) => name !== key);
			if (fewer && Object.keys(fewer).length > 0) put({ ...others, [operator]: fewer });
			if (Array.isArray(values) && values.length > 1) {
				values.forEach((_, at) => {
					put({ ...others, [operator]: { ...keys, [key]: values.filter((_, place) => place !== at) } });
				});
			}
			for (const plainer of [operator.replace(/IfExists$/, ''), operator.replace(/^.*:/, '')]) {
				if (plainer !== operator && !(plainer in conditions)) put({ ...others, [plainer]: keys });
			}
		}
	}
	if (statement.Action !== 'sts:AssumeRoleWithWebIdentity' || NotAction) {
		found.push({ ...rest, Condition: conditions, Action: 'sts:AssumeRoleWithWebIdentity' });
	}
	return found;
}

/**
 * @template T
 * @param {Record<string, T>} object
 * @param {(name: string) => boolean} keep
 * @returns {Record<string, T> | undefined} none if nothing goes
 */
function without(object, keep) {
	const entries = Object.entries(object);
	const kept = entries.filter(([name]) => keep(name));
	return kept.length < entries.length ? Object.fromEntries(kept) : undefined;
}
