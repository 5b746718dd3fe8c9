// Every folder of tests/scenarios, through the real entry: real files, a loopback server, a child process. What comes
// of it must be the very page that the core alone gives (tests/scenarios.rs), which is also the side that writes it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { callerXml, DENIED, errorXml, roleXml, stsAnswer, tokenAnswer } from './support/answers.js';
import { startAny } from './support/any.js';
import { buildTokenAnswer, EMPTY_STORE, startBuild } from './support/bitrise.js';
import { jobTokenAnswer, startHook } from './support/buildkite.js';
import { ROOT, RUNTIME } from './support/child.js';
import { startJob } from './support/job.js';
import { missing } from './support/programs.js';
import {
	KEY_ID,
	REGISTRY_PASSWORD,
	REGISTRY_TOKEN,
	REQUEST_TOKEN,
	SECRET,
	SESSION_TOKEN,
	STORED_SECRET,
	STORED_TOKEN,
} from './support/secrets.js';

/**
 * @typedef {object} Scenario
 * @property {string} about
 * @property {string} [only]
 * @property {Record<string, unknown>} [config]
 * @property {Record<string, string | null>} [env]
 * @property {Record<string, import('./support/job.js').Node>} [files]
 * @property {Record<string, unknown>} [claims]
 * @property {Record<string, unknown>} [header]
 * @property {string} [token]
 * @property {{ entry?: Entry, args?: string[], env?: Record<string, string | null>, http?: Scripted[], programs?: any[] }[]} [steps]
 * @typedef {'github' | 'github-post' | 'login-ecr' | 'login-ecr-post' | 'bitrise' | 'buildkite' | 'command' | 'credential-process'} Entry
 * @typedef {import('./support/job.js').Job | import('./support/bitrise.js').Build
 *   | import('./support/buildkite.js').Hook | import('./support/any.js').AnyJob} Job
 * @typedef {object} Scripted
 * @property {'token' | 'sts' | 'ecr' | 'metadata' | 'iam' | 'signin'} to
 * @property {string[]} [registries]
 * @property {boolean} [public]
 * @property {'AssumeRole' | 'GetCallerIdentity'} [action]
 * @property {string} [arn]
 * @property {string} [policy]
 * @property {number} [clock]
 * @property {string} [account]
 * @property {string} [secret]
 * @property {number} [lasts]
 * @property {{ status: number, code: string, message: string }} [error]
 * @property {number} [status]
 * @property {string} [contentType]
 * @property {string} [body]
 * @property {string} [fault]
 */

const FOLDER = `${ROOT}/tests/scenarios`;
/** How each CI sets a job up, and what its token service answers. */
const CIS = {
	any: { start: startAny, tokenAnswer, needs: [] },
	bitrise: { start: startBuild, tokenAnswer: buildTokenAnswer, needs: ['envman'] },
	buildkite: { start: startHook, tokenAnswer: jobTokenAnswer, needs: [] },
	github: { start: startJob, tokenAnswer, needs: [] },
};
const COMMAND_FILES = /\/GITHUB_(ENV|OUTPUT|STATE|STEP_SUMMARY)$/;
/** What a runtime adds to the headers that the core asks for. */
const HEADERS_OF_THE_WIRE = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding']);

describe('scenarios', { concurrency: 3 }, () => {
	for (const ci of /** @type {(keyof typeof CIS)[]} */ (Object.keys(CIS))) {
		for (const name of fs.readdirSync(`${FOLDER}/${ci}`)) {
			const folder = `${FOLDER}/${ci}/${name}`;
			/** @type {Scenario} */
			const scenario = JSON.parse(fs.readFileSync(`${folder}/scenario.json`, 'utf8'));
			const native = scenario.only === 'native' && 'takes long, or needs faults that a server cannot make';
			const skip = native || missing(...CIS[ci].needs);
			test(`${ci}/${name}: ${scenario.about}`, { skip }, async (t) => {
				const expected = fs.readFileSync(`${folder}/expected.txt`, 'utf8');
				const got = await play(t, ci, scenario);
				const wanted = ci === 'any' ? byStream(withoutDetails(expected)) : withoutDetails(expected);
				assert.deepEqual(got.split('\n'), wanted.split('\n'));
			});
		}
	}
});

/**
 * @param {import('node:test').TestContext} t
 * @param {keyof typeof CIS} ci
 * @param {Scenario} scenario
 */
async function play(t, ci, scenario) {
	const { env = {}, files = {}, token, config } = scenario;
	const job = await CIS[ci].start(t, {
		env,
		claims: times(scenario.claims),
		header: times(scenario.header),
		...(token !== undefined && { token }),
		...(config && { config }),
	});
	for (const [path, node] of Object.entries(files)) job.put(path, node);
	/** Like the counterpart, the server goes on as it was told last. */
	const served = { account: '123456789012', secret: SECRET, tokenAnswer: CIS[ci].tokenAnswer };
	let page = '';
	for (const { entry = /** @type {Entry} */ (ci), args = [], env = {}, http, programs = [] } of scenario.steps ?? [
		{},
	]) {
		/** @type {Scripted[]} */
		const scripted = http ?? (entry === ci ? [{ to: 'token' }, { to: 'sts' }] : []);
		const ran = await job.run({
			entry,
			env,
			programs,
			args: args.map((arg) => findWritten(job, arg)),
			answers: scripted.map((each) => answerOf(job, each, served)),
		});
		const logged = ran.stderr ? ran.stderr.replace(/^(?=.)/gm, '(stderr) ') : '';
		const log = entry === 'credential-process' ? logged + ran.stdout : ran.stdout + logged;
		const started = 'started' in ran ? ran.started : '';
		const requests = ran.requests.map((each) => requestText(each)).join('') + started;
		const sections = Object.entries('sections' in ran ? ran.sections : {})
			.map(([title, text]) => text && `## ${title}\n${text}`)
			.join('');
		const text = `# ${entry}: exit ${ran.exitCode}\n## log\n${log}${sections}## requests\n${requests}## files\n${fileTexts(job)}\n`;
		page += normalise(job, served.secret, text);
	}
	return page;
}

/**
 * What goes to standard output, then what goes to standard error: of two pipes nobody can tell the order.
 * @param {string} page
 */
function byStream(page) {
	return page.replace(/^## log\n(.*?)(?=^## requests\n)/gms, (_, log) => {
		const lines = log.split('\n').slice(0, -1);
		const aside = lines.filter((/** @type {string} */ line) => line.startsWith('(stderr)'));
		const rest = lines.filter((/** @type {string} */ line) => !line.startsWith('(stderr)'));
		return ['## log', ...rest, ...aside, ''].join('\n');
	});
}

/** @param {Record<string, unknown>} [claims] */
function times(claims = {}) {
	const now = Math.floor(Date.now() / 1000);
	const time = (/** @type {unknown} */ value) =>
		typeof value === 'string' && value.startsWith('@') ? now + Number(value.slice(1)) : value;
	return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, time(value)]));
}

/**
 * @param {Job} job
 * @param {Scripted} scripted
 * @param {{ account: string, secret: string, tokenAnswer: typeof tokenAnswer }} served
 * @returns {import('./support/answers.js').Answer}
 */
function answerOf(job, scripted, served) {
	const { to, action, account, secret, lasts = 3630, error, status, contentType, body = '', fault, clock } = scripted;
	const headers = clock === undefined ? {} : { Date: new Date(Date.now() + clock * 1000).toUTCString() };
	if (fault === 'hang') return { to, play: () => {} };
	if (fault === 'reset') return { to, play: (_, socket) => socket.resetAndDestroy() };
	if (fault !== undefined) throw new Error(`no server can make the fault ${fault}: mark the scenario "only": "native"`);
	if (status !== undefined) return { to, status, body: job.fill(body), ...(contentType && { contentType }) };
	if (error && to === 'ecr') {
		const body = JSON.stringify({ __type: error.code, message: error.message });
		return { to, headers, status: error.status, contentType: 'application/x-amz-json-1.1', body };
	}
	if (error) {
		const xml = errorXml(job.fill(error.code), job.fill(error.message));
		return { ...DENIED, to, headers, status: error.status, body: xml };
	}
	if (to === 'ecr') return passwords(scripted);
	if (to === 'token') return served.tokenAnswer(job.token);
	if (to === 'iam') return { to, contentType: 'text/xml', body: roleXml(scripted.policy ?? '', scripted.arn) };
	if (account !== undefined) served.account = account;
	if (action === 'GetCallerIdentity') {
		const xml = callerXml(served.account, scripted.arn ?? `arn:aws:iam::${served.account}:user/deployer`);
		return { to, contentType: 'text/xml', body: xml };
	}
	served.secret = secret ?? SECRET;
	job.secrets.add(served.secret);
	const arn = scripted.arn ?? `arn:aws:sts::${served.account}:assumed-role/deploy/GitHubActions`;
	const expiration = `${new Date(Date.now() + lasts * 1000).toISOString().slice(0, 19)}Z`;
	const answer = stsAnswer({ Arn: arn, SecretAccessKey: served.secret, Expiration: expiration });
	return {
		...answer,
		body: `${answer.body}`.replaceAll('AssumeRoleWithWebIdentity', action ?? 'AssumeRoleWithWebIdentity'),
	};
}

/**
 * One for each registry, by default the caller's own, or for the public one.
 * @param {Scripted} scripted
 * @returns {import('./support/answers.js').Answer}
 */
function passwords({ registries = ['123456789012'], ...scripted }) {
	const entry = { authorizationToken: REGISTRY_TOKEN, expiresAt: Math.floor(Date.now() / 1000) + 43_230 };
	const of = (/** @type {string} */ id) => ({
		...entry,
		proxyEndpoint: `https://${id}.dkr.ecr.us-east-1.amazonaws.com`,
	});
	const data = scripted.public ? entry : registries.map(of);
	return { to: 'ecr', contentType: 'application/x-amz-json-1.1', body: JSON.stringify({ authorizationData: data }) };
}

/**
 * `*` in an argument stands for a random part of the path of a file that an earlier step wrote.
 * @param {Job} job
 * @param {string} arg
 */
function findWritten(job, arg) {
	const [head = '', tail] = job.fill(arg).split('*');
	if (tail === undefined) return head;
	const paths = [...job.files().keys()].map((path) => job.path(path));
	return paths.find((path) => path.startsWith(head) && path.endsWith(tail)) ?? job.fill(arg);
}

/** @param {import('./support/server.js').Received} received */
function requestText({ method, url, headers, body }) {
	const lines = [`${method} {base}${url}`];
	for (const [name, value] of headers) {
		if (!HEADERS_OF_THE_WIRE.has(name.toLowerCase())) lines.push(`  ${name.toLowerCase()}: ${value}`);
	}
	for (const pair of body === '' ? [] : body.split('&')) {
		lines.push(`  ${JSON.stringify(decodeURIComponent(pair)).replace(/^"+|"+$/g, '')}`);
	}
	return lines.map((line) => `${line}\n`).join('');
}

/** @param {Job} job */
function fileTexts(job) {
	let text = '';
	for (const [path, latin1] of job.files()) {
		const contents = Buffer.from(latin1, 'latin1').toString();
		if (latin1.startsWith('-> ') || (COMMAND_FILES.test(path) && contents === '') || contents === EMPTY_STORE) continue;
		const lines = contents.split('\n');
		if (lines.at(-1) === '') lines.pop();
		text += `{temp}/${path}\n${lines.map((line) => `  ${line.replace(/\r$/, '')}\n`).join('')}`;
	}
	return text;
}

/**
 * @param {Job} job
 * @param {string} secret the one that was issued last
 * @param {string} page
 */
function normalise(job, secret, page) {
	const known = [
		['<token>', job.token],
		['<payload>', job.token.split('.')[1] ?? ''],
		['<signature>', job.token.split('.').at(-1) ?? ''],
		['<request-token>', REQUEST_TOKEN],
		['<key-id>', KEY_ID],
		['<secret>', secret],
		['<secret>', SECRET],
		['<session-token>', SESSION_TOKEN],
		['<stored-secret>', STORED_SECRET],
		['<stored-token>', STORED_TOKEN],
		['<registry-password>', REGISTRY_PASSWORD],
		['<registry-token>', REGISTRY_TOKEN],
	];
	for (const [name = '', text = ''] of known) if (text.length >= 8) page = page.replaceAll(text, name);
	page = page
		.replaceAll(job.service.base, '{base}')
		.replaceAll(`127.0.0.1:${job.service.port}`, '127.0.0.1:8080')
		.replaceAll(job.temp, '{temp}')
		.replaceAll(RUNTIME, '{node}')
		.replaceAll(ROOT, '{root}')
		.replaceAll('\u001b', '<esc>')
		.replace(/(?<![\da-f])[\da-f]{32}(?![\da-f])/g, '<random>')
		.replace(/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>')
		.replace(/(the next one follows in ).*/g, '$1<ms>')
		.replace(/^ {2}x-amz-date: (.*)/gm, (_, date) => `  x-amz-date: ${sinceNow(date)}`)
		.replace(/(Credential=[^/]*\/)\d{8}(\/.*Signature=)[\da-f]{64}/g, '$1<day>$2<hmac>')
		.replace(/(verbose: .* after )\d+( ms)/g, '$10$2')
		.replace(/(verbose: .* on )\w+ [\d.]+, \w+/g, '$1node 24.0.0, linux');
	return withoutDetails(page.replace(/[^\S\n]+$/gm, ''));
}

/**
 * A signature's time, which may be another than ours.
 * @param {string} date such as 20261121T120300Z
 */
function sinceNow(date) {
	const iso = date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
	const minutes = Math.round((Date.parse(iso) - Date.now()) / 60_000);
	return minutes === 0 ? '<now>' : `<now> ${minutes > 0 ? '+' : ''}${minutes} min`;
}

/**
 * What the system says of a fault is its own affair, and made-up files and servers say nothing.
 * @param {string} page
 */
function withoutDetails(page) {
	return page
		.replace(/^((?:\(stderr\))? *network says) .*/gm, '$1')
		.replace(/^(?:\(stderr\))? *system says .*\n/gm, '')
		.replace(/^((?:exp|iat|nbf) +- +)\d+$/gm, '$1<seconds>')
		.replace(/^(The token ends at <time>, in ).*/gm, '$1<time>')
		.replace(/^ *```text\n *```\n\n/gm, '')
		.replace(/\["network says","[^"]*"\]/g, '["network says",""]')
		.replace(/\["system says","[^"]*"\],?/g, '');
}
