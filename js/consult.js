// The effect that asks the module which knows trust policies. Only a job that was denied does.

/** @type {import('./types.d.ts').Start<import('./types.d.ts').Consult>} */
export function consult({ question }, settle) {
	const ask = async () => (await import('./policy-core.js')).core.policyConsult(question);
	ask().then(
		(answer) => settle({ answer }),
		(error) => settle({ fault: 'io', detail: error instanceof Error ? error.name : '' }),
	);
	return () => {};
}
