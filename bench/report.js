// Figures into Markdown.

/** @typedef {{ cpu: number, peak: number, wall: number }} Cost milliseconds and bytes */
/** @typedef {{ cost: Cost, requests: import('./stub.js').Counts }} Run */
/** @typedef {Map<string, Run[]>} Results by the name of the step, one for each round */
/** @typedef {{ value: number, text: string }} Measured */
/** Without `atMost` it is there to compare with. */
/** @typedef {{ what: string, atMost?: number, unit: string, measured: Measured | undefined }} Budget */

const KB = 1000;
const MIB = 1024 * 1024;
export const SCHEMES = /** @type {const} */ (['https', 'http']);
const BY = { https: 'over TLS', http: 'over plain HTTP' };

/**
 * @param {Results} results
 * @param {{ read: number, shipped: number }} bytes
 * @returns {{ page: string, over: string[] }}
 */
export function report(results, bytes) {
	const budgets = budgetsOf(results, bytes);
	const page = [
		'Ratios are those of the medians; in brackets, the middle half of what the rounds say one by one.\n\n',
		table(
			['What', 'At most', 'Measured', ''],
			budgets.map(({ what, atMost, unit, measured }) => [
				what,
				atMost === undefined ? '' : `${atMost}${unit}`,
				measured?.text ?? 'not measured',
				measured && atMost !== undefined ? (measured.value <= atMost ? 'ok' : '**OVER**') : '',
			]),
		),
		'\nWhole processes, least / **median** / most:\n\n',
		table(['Process', 'CPU, ms', 'Peak memory, MiB', 'Wall, ms', 'Requests'], processes(results)),
	].join('');
	const over = budgets.filter(
		({ measured, atMost }) => measured && atMost !== undefined && !(measured.value <= atMost),
	);
	return { page, over: over.map(({ what, atMost, unit }) => `${what}: at most ${atMost}${unit}`) };
}

/**
 * @param {Results} results
 * @param {{ read: number, shipped: number }} bytes
 * @returns {Budget[]}
 */
function budgetsOf(results, { read, shipped }) {
	const cpu = (/** @type {Cost} */ cost) => cost.cpu;
	const peak = (/** @type {Cost} */ cost) => cost.peak;
	const runs = (/** @type {string} */ name) => results.get(name);
	const kb = (/** @type {number} */ bytes) => ({ value: bytes / KB, text: `${Math.ceil(bytes / KB)} kB` });
	const mib = (/** @type {number} */ bytes) => ({ value: bytes / MIB, text: `${(bytes / MIB).toFixed(3)} MiB` });
	return [
		...SCHEMES.flatMap((scheme) => {
			const ours = runs(`ours ${scheme}`);
			const floor = runs(`floor ${scheme}`);
			const peer = runs(`peer ${scheme}`);
			return [
				{ what: `CPU, ${BY[scheme]}`, atMost: 1.25, unit: ' x floor', measured: ratio(ours, floor, cpu) },
				{ what: `CPU, ${BY[scheme]}`, atMost: 0.5, unit: ' x peer', measured: ratio(ours, peer, cpu) },
				{ what: `Peak memory, ${BY[scheme]}`, atMost: 1.2, unit: ' x floor', measured: ratio(ours, floor, peak) },
			];
		}),
		{ what: 'Round trips, happy path', atMost: 2, unit: '', measured: most(runs('ours https'), total) },
		{
			what: 'STS calls, permanent denial',
			atMost: 1,
			unit: '',
			measured: most(runs('denied https'), ({ sts }) => sts),
		},
		{
			what: 'Ten roles at an STS of 100 ms, wall time',
			atMost: 1.5,
			unit: ' x one role',
			measured: ratio(runs('slow ten roles'), runs('slow one role'), ({ wall }) => wall),
		},
		{ what: 'Round trips, ten roles', atMost: 11, unit: '', measured: most(runs('slow ten roles'), total) },
		{
			what: 'Round trips, two further roles',
			atMost: 4,
			unit: '',
			measured: most(runs('slow two further roles'), total),
		},
		...addedOf(results),
		{ what: 'Read at run time', atMost: 450, unit: ' kB', measured: kb(read) },
		{ what: 'Downloaded by a job', atMost: 1.2, unit: ' MiB', measured: mib(shipped) },
	];
}

/**
 * What a job of another CI costs more with our part in it. Hooks and steps that do nothing cost something as well, which
 * is not ours to save.
 * @param {Results} results
 * @returns {Budget[]}
 */
function addedOf(results) {
	const seconds = (/** @type {keyof Cost} */ name) => (/** @type {Cost} */ cost) => cost[name] / 1000;
	const runs = (/** @type {string} */ name) => results.get(name);
	/** @type {Budget[]} */
	const budgets = [];
	for (const [figure, title] of /** @type {const} */ ([
		['cpu', 'CPU'],
		['wall', 'wall time'],
	])) {
		const ours = added(runs('buildkite ours'), runs('buildkite three hooks'), seconds(figure));
		const peer = added(runs('buildkite peer'), runs('buildkite two hooks'), seconds(figure));
		const above = added(runs('buildkite ours'), runs('buildkite one hook'), seconds(figure));
		const share = ours && peer && ours.value / peer.value;
		const what = `Buildkite, ${title}`;
		budgets.push({ what: `${what}, over a plugin with the same hooks`, unit: ' s', measured: ours });
		if (above) budgets.push({ what: `${what}, over a plugin with one hook`, unit: ' s', measured: above });
		if (peer) budgets.push({ what: `${what}, peer over a plugin with its hooks`, unit: ' s', measured: peer });
		const measured = share === undefined ? undefined : { value: share, text: share.toFixed(2) };
		budgets.push({ what: `${what}, ours of the peer's`, atMost: 0.3, unit: ' x peer', measured });
	}
	if (runs('bitrise ours')) {
		const measured = added(runs('bitrise ours'), runs('bitrise no-op'), seconds('wall'));
		budgets.push({ what: 'Bitrise, wall time over a step that does nothing', atMost: 0.5, unit: ' s', measured });
	}
	return budgets;
}

/** @param {Results} results */
function processes(results) {
	/** @type {[string, string][]} */
	const names = [['An empty script', 'nothing']];
	for (const scheme of SCHEMES) {
		names.push([`Floor, ${BY[scheme]}`, `floor ${scheme}`]);
		names.push([`Ours, ${BY[scheme]}`, `ours ${scheme}`]);
		names.push([`Peer, ${BY[scheme]}`, `peer ${scheme}`]);
		names.push([`Ours, denied, ${BY[scheme]}`, `denied ${scheme}`]);
	}
	names.push(
		['Ours, one role, STS at 100 ms', 'slow one role'],
		['Ours, ten roles, STS at 100 ms', 'slow ten roles'],
		['Ours, two further roles, STS at 100 ms', 'slow two further roles'],
	);
	names.push(['Ours, post step', 'ours post https'], ['Peer, post step', 'peer post https']);
	names.push(
		['Buildkite job, a plugin with one hook that does nothing', 'buildkite one hook'],
		['Buildkite job, with two such hooks', 'buildkite two hooks'],
		['Buildkite job, with three such hooks', 'buildkite three hooks'],
		['Buildkite job, ours', 'buildkite ours'],
		['Buildkite job, peer', 'buildkite peer'],
		['Bitrise build, a step that does nothing', 'bitrise no-op'],
		['Bitrise build, ours', 'bitrise ours'],
	);
	return names.flatMap(([what, name]) => {
		const runs = results.get(name);
		if (!runs) return [];
		return [
			[
				what,
				spread(runs, ({ cpu }) => cpu, 0),
				spread(runs, ({ peak }) => peak / MIB, 1),
				spread(runs, ({ wall }) => wall, 0),
				most(runs, total)?.text ?? '',
			],
		];
	});
}

/** @param {Run['requests']} requests */
function total({ token, sts, identity }) {
	return token + sts + identity;
}

/**
 * @param {Run[] | undefined} runs
 * @param {(requests: Run['requests']) => number} count
 * @returns {Measured | undefined}
 */
function most(runs, count) {
	if (!runs) return undefined;
	const value = Math.max(...runs.map(({ requests }) => count(requests)));
	return { value, text: `${value}` };
}

/**
 * How one process compares with another: the ratio of the medians, and where the middle half of the rounds' own ratios
 * lies.
 * @param {Run[] | undefined} ours
 * @param {Run[] | undefined} theirs
 * @param {(cost: Cost) => number} figure
 * @returns {Measured | undefined}
 */
function ratio(ours, theirs, figure) {
	if (!ours || !theirs) return undefined;
	const a = ours.map(({ cost }) => figure(cost));
	const b = theirs.map(({ cost }) => figure(cost));
	const value = quantile(a, 0.5) / quantile(b, 0.5);
	const rounds = a.map((each, round) => each / (b[round] ?? Number.NaN));
	const [low, high] = [quantile(rounds, 0.25), quantile(rounds, 0.75)];
	return { value, text: `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})` };
}

/**
 * How much more one process costs than another: the difference of the medians, and where the middle half of the rounds'
 * own differences lies.
 * @param {Run[] | undefined} ours
 * @param {Run[] | undefined} theirs
 * @param {(cost: Cost) => number} figure
 * @returns {Measured | undefined}
 */
function added(ours, theirs, figure) {
	if (!ours || !theirs) return undefined;
	const a = ours.map(({ cost }) => figure(cost));
	const b = theirs.map(({ cost }) => figure(cost));
	const value = quantile(a, 0.5) - quantile(b, 0.5);
	const rounds = a.map((each, round) => each - (b[round] ?? Number.NaN));
	const [low, high] = [quantile(rounds, 0.25), quantile(rounds, 0.75)];
	return { value, text: `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})` };
}

/**
 * @param {Run[]} runs
 * @param {(cost: Cost) => number} figure
 * @param {number} digits
 */
function spread(runs, figure, digits) {
	const values = runs.map(({ cost }) => figure(cost));
	const [least, median, greatest] = [0, 0.5, 1].map((share) => quantile(values, share).toFixed(digits));
	return `${least} / **${median}** / ${greatest}`;
}

/**
 * @param {number[]} values
 * @param {number} share 0 for the least, 0.5 for the median, 1 for the greatest
 */
function quantile(values, share) {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (sorted.length - 1) * share;
	const below = sorted[Math.floor(at)] ?? Number.NaN;
	const above = sorted[Math.ceil(at)] ?? Number.NaN;
	return below + (above - below) * (at - Math.floor(at));
}

/**
 * @param {string[]} head
 * @param {string[][]} rows
 */
function table(head, rows) {
	return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');
}
