// Text from elsewhere, as bad as it comes, in every place from which we take text. Nothing of it may speak: not to the
// log of any of three CIs, not to a terminal, not to the reader of a command file, and not as markup in the summary.
// `Job.run` looks at every log for commands and control characters; here is what is put into it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { ACCOUNT, DENIED, errorXml, mint, sessionXml, stsAnswer, tokenAnswer } from './support/answers.js';
import { CREDENTIAL_NAMES, startJob } from './support/job.js';
import { findCommands, parseCommandFile } from './support/runner.js';

/** @typedef {import('./support/answers.js').Answer} Answer */
/** @typedef {import('./support/job.js').Step} Step */

const COMMANDS = [
	'::error::owned',
	'::set-output name=aws-account-id::owned',
	'::save-state name=record::/etc/passwd',
	'::add-mask::e',
	'::stop-commands::owned',
	'::set-env name=PATH::/owned',
	'::add-path::/owned',
	'::add-matcher::/owned.json',
	'  ::warning file=a,line=1::owned',
	'##[error]owned',
	'##[set-env name=PATH;]/owned',
	'##vso[task.setvariable variable=PATH]/owned',
	'##VSO[task.setsecret]e',
	'--- owned',
	'+++ owned',
	'~~~ owned',
	'^^^ +++',
	'PATH=/owned',
	'LD_PRELOAD<<EOF\n/owned\nEOF',
	'</textarea><script>owned()</script>',
	'```\n# owned\n[owned](https://owned.example)\n```` owned',
	'| owned |\n|---|',
	'+++ owned as the last one',
];
const MARKS = [
	'\u001b[31mred\u001b[0m', // CSI
	'\u001b]8;;https://owned.example\u0007link\u001b]8;;\u0007', // OSC
	'\u001b]0;title\u001b\\',
	'\u009b31m', // 8-bit CSI
	'\u0085next',
	'\u2028line\u2029paragraph',
	'\u202eevil\u2066isolated\u200b',
	'\ufeff\b\u007f\f\v\t',
	'%0A::error::encoded%0D::error::too%3A%2C',
	'&#10;::error::entity',
	'\\n::error::backslash',
];
/** On one line, as an HTTP header or a claim that is shown as a whole may have it. */
const LINE = [...COMMANDS.flatMap((text) => text.split('\n')), ...MARKS].join(' ');
/** Every command at the start of a line, whatever counts as one, and of the text itself. */
const LINES = ['', '\n', '\r\n', '\r', '\u2028', '\u0085', '\v', '\f', '\u0000']
	.flatMap((end) => [...COMMANDS].reverse().map((command) => end + command))
	.concat(MARKS)
	.join('');
const LONG = `${'x'.repeat(3000)}\n::error::owned ${'y'.repeat(30_000)}`;
/** XML and the environment hold no such thing. */
const withoutNul = (/** @type {string} */ text) => text.replaceAll('\u0000', '');
const forXml = (/** @type {string} */ text) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '');

/** @type {[string, string][]} */
const PAYLOADS = [
	['a line', LINE],
	['lines', LINES],
];
const ONCE = { 'INPUT_DISABLE-RETRY': 'true' };
const NAMES = ['AWS_DEFAULT_REGION', 'AWS_REGION', ...CREDENTIAL_NAMES];
const OUTPUTS = ['aws-account-id', 'authenticated-arn', 'aws-expiration', 'diagnostic'];
const parallel = { concurrency: 4 };

/**
 * What the later steps get is what we meant to give them, and the page for people is text in fences.
 * @param {Step} step
 */
function assertHarmless(step) {
	for (const name of step.env.keys()) assert.ok(NAMES.includes(name), `GITHUB_ENV: ${name}`);
	for (const name of step.outputs.keys()) assert.ok(OUTPUTS.includes(name), `GITHUB_OUTPUT: ${name}`);
	for (const name of step.state.keys()) assert.equal(name, 'record', `GITHUB_STATE: ${name}`);
	assert.ok(step.exitCode !== null && step.exitCode !== 70, step.log);
	for (const { name, properties } of step.commands) {
		if (name === 'error') assert.match(properties, /^title=ci-assume-role%3A [a-z-]+$/);
		if (name === 'notice') assert.equal(properties, 'title=ci-assume-role');
	}
	const errors = step.commands.filter(({ name }) => name === 'error').length;
	assert.equal(errors, step.codes.length, 'one annotation for every diagnostic');
	assertFenced(step.summary);
}

/**
 * @param {string} page GitHub-flavoured Markdown
 */
function assertFenced(page) {
	const OURS = [
		/^$/,
		/^### AWS credentials: `[a-z-]+`$/,
		/^\*\*(Usual causes|What to do|To paste)\*\*$/,
		/^\[What this means\]\(https:\/\/github\.com\/[\w./-]+#[a-z-]+\)$/,
		/^\[What this means\]\(https:\/\/\w+\.github\.io\/[\w-]+\/#why=[a-z-]+\)$/,
	];
	let fence = '';
	for (const line of page.split('\n')) {
		if (fence !== '') {
			// A fence ends at a line with at least as many backticks and nothing else.
			const end = /^ {0,3}(`{3,})\s*$/.exec(line);
			if (end && (end[1] ?? '').length >= fence.length) fence = '';
			continue;
		}
		const start = /^(`{3,})(text|json|yaml)$/.exec(line);
		if (start) fence = start[1] ?? '';
		else
			assert.ok(
				OURS.some((ours) => ours.test(line)),
				`outside of a fence: ${JSON.stringify(line)}`,
			);
	}
	assert.equal(fence, '', 'a fence is open at the end');
}

/** @type {[string, (text: string) => Omit<Answer, 'to'>][]} */
const FROM_STS = [
	.../** @type {const} */ ([
		'AssumedRoleId',
		'AccessKeyId',
		'SecretAccessKey',
		'SessionToken',
		'Expiration',
		'Audience',
		'Provider',
		'SubjectFromWebIdentityToken',
		'SourceIdentity',
		'PackedPolicySize',
		'RequestId',
	]).map(
		(name) =>
			/** @type {[string, (text: string) => Answer]} */ ([
				`a session's ${name}`,
				(text) => stsAnswer({ [name]: forXml(text) }),
			]),
	),
	["a session's Arn", (text) => stsAnswer({ Arn: forXml(text) })],
	["a session's name", (text) => stsAnswer({ Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/deploy/${forXml(text)}` })],
	["an error's Code", (text) => ({ ...DENIED, body: errorXml(forXml(text), 'no') })],
	["a denial's Message", (text) => ({ ...DENIED, body: errorXml('AccessDenied', forXml(text)) })],
	["an unknown error's Message", (text) => ({ ...DENIED, body: errorXml('Novel', forXml(text)) })],
	[
		"a missing provider's Message",
		(text) => ({
			...DENIED,
			body: errorXml('InvalidIdentityToken', `No OpenIDConnect provider found in your account for ${forXml(text)}`),
		}),
	],
	[
		"a missing claim's Message",
		(text) => ({ ...DENIED, body: errorXml('InvalidIdentityToken', `Missing a required claim: ${forXml(text)}`) }),
	],
	[
		"a parameter's Message",
		(text) => ({
			...DENIED,
			body: errorXml(
				'ValidationError',
				`1 validation error detected: Value '${forXml(text)}' at '${forXml(text)}' failed to satisfy constraint`,
			),
		}),
	],
	["an error's RequestId", (text) => ({ ...DENIED, body: errorXml('AccessDenied', 'no', forXml(text)) })],
	[
		"a retried error's Message",
		(text) => ({ ...DENIED, status: 500, body: errorXml('InternalFailure', forXml(text)) }),
	],
	[
		"a page's title",
		(text) => ({ status: 502, contentType: 'text/html', body: `<html><title>${text}</title></html>` }),
	],
	['a page', (text) => ({ status: 403, contentType: 'text/html', body: text })],
	['a plain text', (text) => ({ status: 403, contentType: 'text/plain', body: text })],
	['a plain text, 200', (text) => ({ status: 200, contentType: 'text/plain', body: text })],
	[
		'raw bytes in XML',
		(text) => ({
			status: 403,
			contentType: 'text/xml',
			body: `<ErrorResponse><Error><Code>A</Code><Message>${text.replaceAll('<', '&lt;')}</Message></Error></ErrorResponse>`,
		}),
	],
	[
		'CDATA',
		(text) => ({
			...DENIED,
			body: `<ErrorResponse><Error><Code>A</Code><Message><![CDATA[${text}]]></Message></Error></ErrorResponse>`,
		}),
	],
	[
		'character references',
		(text) => ({
			...DENIED,
			body: `<ErrorResponse><Error><Code>A</Code><Message>${[...text].map((c) => `&#${c.codePointAt(0)};`).join('')}</Message></Error></ErrorResponse>`,
		}),
	],
	['element names', (text) => ({ ...DENIED, body: `<ErrorResponse><${text}>x</${text}></ErrorResponse>` })],
];

describe('what STS says', parallel, () => {
	for (const [name, answer] of FROM_STS) {
		for (const [kind, payload] of PAYLOADS) {
			test(`${name}: ${kind}`, async (t) => {
				const job = await startJob(t, { env: { ...ONCE, 'INPUT_OUTPUT-CREDENTIALS': 'false' } });
				assertHarmless(await job.run({ answers: [tokenAnswer(job.token), { ...answer(payload), to: 'sts' }] }));
			});
		}
	}

	test('an error that another attempt follows', async (t) => {
		const job = await startJob(t);
		const body = errorXml('Throttling', forXml(LINES));
		const step = await job.run({
			answers: [tokenAnswer(job.token), { ...DENIED, status: 400, body }, tokenAnswer(job.token), DENIED],
		});
		assertHarmless(step);
		assert.match(step.log, /attempt 1 failed/);
	});

	test('something very long', async (t) => {
		const job = await startJob(t);
		const step = await job.run({ answers: [tokenAnswer(job.token), { ...DENIED, body: errorXml('Novel', LONG) }] });
		assertHarmless(step);
		assert.match(step.log, /x{3000}/, 'what AWS says survives as a whole');
	});

	test('header values', async (t) => {
		// An HTTP server may send any byte from 0x80 on; 0x9b is an escape sequence's start for some terminals.
		const line = Buffer.from(`##[error]owned ##vso[task.setvariable variable=A]b \u009b31m ::error::x`, 'latin1');
		for (const name of ['x-amzn-requestid', 'content-type', 'server', 'x-amz-id-2']) {
			const job = await startJob(t);
			const step = await job.run({
				answers: [
					tokenAnswer(job.token),
					{
						to: 'sts',
						play: (_, socket) => {
							const body = '<ErrorResponse><Error><Code>Novel</Code></Error></ErrorResponse>';
							socket.write(`HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: ${body.length}\r\n${name}: `);
							socket.write(line);
							socket.end(`\r\n\r\n${body}`);
						},
					},
				],
			});
			assertHarmless(step);
		}
	});

	test('the reason of a status line', async (t) => {
		const job = await startJob(t);
		const play = (/** @type {unknown} */ _, /** @type {import('node:net').Socket} */ socket) =>
			socket.end('HTTP/1.1 500 ::error::owned ##[error]x ##vso[task.complete]y\r\nContent-Length: 0\r\n\r\n');
		assertHarmless(await job.run({ env: ONCE, answers: [tokenAnswer(job.token), { to: 'sts', play }] }));
	});
});

/** @type {[string, (text: string) => Omit<Answer, 'to'>][]} */
const FROM_THE_TOKEN_SERVICE = [
	['a refusal', (text) => ({ status: 403, body: JSON.stringify({ message: text }) })],
	['an error', (text) => ({ status: 500, body: JSON.stringify({ message: text, documentation_url: text }) })],
	['an unknown status', (text) => ({ status: 418, body: JSON.stringify({ message: text }) })],
	['an answer without a token', (text) => ({ body: JSON.stringify({ message: text, value: '' }) })],
	['a token that is none', (text) => ({ body: JSON.stringify({ value: text }) })],
	['a token with three parts', (text) => ({ body: JSON.stringify({ value: `${text}.${text}.${text}` }) })],
	['a page', (text) => ({ contentType: 'text/html', body: `<title>${text}</title>` })],
	['a page, 403', (text) => ({ status: 403, contentType: 'text/html', body: text })],
];

describe('on a terminal', { ...parallel, skip: spawnSync('python3', ['--version']).error && 'needs python3' }, () => {
	for (const [name, answer] of FROM_STS.filter(([name]) => /Message|title|plain|name$/.test(name))) {
		test(name, async (t) => {
			const job = await startJob(t, { env: ONCE, claims: { actor: LINES } });
			const answers = [tokenAnswer(job.token), /** @type {Answer} */ ({ ...answer(LINES), to: 'sts' })];
			assertHarmless(await job.run({ answers, terminal: true }));
		});
	}
});

describe('what the token service says', parallel, () => {
	for (const [name, answer] of FROM_THE_TOKEN_SERVICE) {
		for (const [kind, payload] of PAYLOADS) {
			test(`${name}: ${kind}`, async (t) => {
				const job = await startJob(t, { env: ONCE });
				assertHarmless(await job.run({ answers: [{ ...answer(payload), to: 'token' }] }));
			});
		}
	}

	test('a content type', async (t) => {
		const job = await startJob(t, { env: ONCE });
		const contentType = 'text/html; ##[error]owned ##vso[task.complete result=Failed]x ::error::y';
		assertHarmless(await job.run({ answers: [{ to: 'token', status: 403, contentType }] }));
	});
});

const CLAIMS = [
	'iss',
	'aud',
	'sub',
	'jti',
	'exp',
	'iat',
	'nbf',
	'repository',
	'repository_id',
	'repository_owner',
	'repository_owner_id',
	'ref',
	'ref_type',
	'environment',
	'event_name',
	'workflow',
	'job_workflow_ref',
	'actor',
	'run_id',
	'https://aws.amazon.com/tags',
];

describe('what a token holds', parallel, () => {
	for (const claim of CLAIMS) {
		for (const [kind, payload] of PAYLOADS) {
			test(`${claim}: ${kind}`, async (t) => {
				const [accepted, refused] = [await startJob(t, { env: ONCE }), await startJob(t, { env: ONCE })];
				for (const [job, answer] of /** @type {const} */ ([
					[accepted, stsAnswer()],
					[refused, DENIED],
				])) {
					job.token = mint({ [claim]: payload });
					const answers = [tokenAnswer(job.token), answer];
					assertHarmless(await job.run({ answers, leaveAnswers: true }));
				}
			});
		}
	}

	for (const [what, claims] of /** @type {[string, Record<string, unknown>][]} */ ([
		['a subject that ends like one of ours', { sub: `repo:octo-org/octo-repo:environment:${LINES}` }],
		['a repository in a subject', { sub: `repo:${LINES}:ref:refs/heads/main` }],
		['a branch with commands in its name', { ref: `refs/heads/${COMMANDS.join('\n')}` }],
		['lists', { aud: [LINES, LINES], sub: [LINES], environment: { [LINES]: LINES } }],
		['claims named like commands', Object.fromEntries(COMMANDS.map((command) => [`\n${command}`, LINES]))],
		['everything at once', Object.fromEntries(CLAIMS.map((claim) => [claim, `x\n${COMMANDS.join('\n')}`]))],
	])) {
		test(what, async (t) => {
			const job = await startJob(t, { claims, env: ONCE });
			assertHarmless(await job.run({ answers: [tokenAnswer(job.token), DENIED], leaveAnswers: true }));
		});
	}

	for (const name of ['alg', 'kid', 'typ', 'cty', '\n::error::owned']) {
		test(`${JSON.stringify(name)} of the header`, async (t) => {
			const job = await startJob(t, { header: { [name]: LINES }, env: ONCE });
			assertHarmless(await job.run({ answers: [tokenAnswer(job.token), DENIED], leaveAnswers: true }));
		});
	}
});

const INPUTS = [
	'role-to-assume',
	'aws-region',
	'audience',
	'role-session-name',
	'role-duration-seconds',
	'allowed-account-ids',
	'hand-over',
	'output-credentials',
	'output-env-credentials',
	'aws-profile',
	'overwrite-aws-profile',
	'inline-session-policy',
	'managed-session-policies',
	'mask-aws-account-id',
	'unset-current-credentials',
	'use-existing-credentials',
	'web-identity-token-file',
	'role-chaining',
	'aws-access-key-id',
	'aws-secret-access-key',
	'aws-session-token',
	'force-skip-oidc',
	'role-external-id',
	'custom-tags',
	'transitive-tag-keys',
	'role-skip-session-tagging',
	'http-proxy',
	'no-proxy',
	'sts-endpoint',
	'action-timeout-s',
	'disable-retry',
	'retry-max-attempts',
	'special-characters-workaround',
];
const VARIABLES = [
	'GITHUB_REPOSITORY',
	'GITHUB_RUN_ID',
	'GITHUB_RUN_ATTEMPT',
	'GITHUB_JOB',
	'GITHUB_WORKSPACE',
	'GITHUB_EVENT_NAME',
	'GITHUB_ACTOR',
	'GITHUB_ENV',
	'GITHUB_OUTPUT',
	'GITHUB_STATE',
	'GITHUB_STEP_SUMMARY',
	'RUNNER_TEMP',
	'ACTIONS_ID_TOKEN_REQUEST_URL',
	'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
	'AWS_REGION',
	'AWS_DEFAULT_REGION',
	'AWS_ENDPOINT_URL_STS',
	'AWS_ENDPOINT_URL',
	'AWS_ACCESS_KEY_ID',
	'AWS_CA_BUNDLE',
	'AWS_SHARED_CREDENTIALS_FILE',
	'HTTPS_PROXY',
	'HTTP_PROXY',
	'NO_PROXY',
	'HOME',
];

describe('what the workflow says', parallel, () => {
	for (const input of INPUTS) {
		for (const [kind, payload] of PAYLOADS) {
			test(`${input}: ${kind}`, async (t) => {
				const variable = `INPUT_${input.toUpperCase()}`;
				const job = await startJob(t, { env: { ...ONCE, [variable]: withoutNul(payload) } });
				assertHarmless(await job.run({ leaveAnswers: true }));
			});
		}
	}

	for (const variable of VARIABLES) {
		for (const [kind, payload] of PAYLOADS) {
			test(`${variable}: ${kind}`, async (t) => {
				const isPath = /^GITHUB_(ENV|OUTPUT|STATE|STEP_SUMMARY)$|^RUNNER_TEMP$|FILE$|^HOME$/.test(variable);
				const value = withoutNul(isPath ? `{temp}/none/${payload}` : payload);
				const job = await startJob(t, {
					env: {
						...ONCE,
						[variable]: value,
						...(variable.startsWith('AWS_ENDPOINT') && { 'INPUT_STS-ENDPOINT': null }),
					},
				});
				assertHarmless(await job.run({ leaveAnswers: true }));
			});
		}
	}

	test('the event and the actor of a job that may not ask for a token', async (t) => {
		const who = { GITHUB_EVENT_NAME: withoutNul(`pull_request${LINES}`), GITHUB_ACTOR: withoutNul(LINES) };
		const job = await startJob(t, { env: { ...who, ACTIONS_ID_TOKEN_REQUEST_URL: null } });
		assertHarmless(await job.run({ answers: [] }));
	});

	test('the name of an input that there is not', async (t) => {
		const names = COMMANDS.map((command) => `INPUT_\n${command}`.replaceAll('=', '_'));
		const near = ['INPUT_ROLE-TO-ASSUME\n::error::owned', 'INPUT_AWS-REGOIN'];
		const job = await startJob(t, { env: Object.fromEntries([...names, ...near].map((name) => [name, LINE])) });
		assertHarmless(await job.run({ leaveAnswers: true }));
	});

	test('the record of the post step', async (t) => {
		const job = await startJob(t, { env: { STATE_record: withoutNul(`/none/${LINES}`) } });
		const step = await job.run({ entry: 'github-post' });
		for (const name of step.env.keys()) assert.ok(CREDENTIAL_NAMES.includes(name), name);
		const damaged = await startJob(t, { files: { 'runner/record.json': `{"variables": ${LINES}` } });
		await damaged.run({ entry: 'github-post', env: { STATE_record: '{temp}/runner/record.json' } });
	});

	test('the arguments and files of a credential process', async (t) => {
		const job = await startJob(t, { files: { 'runner/request.json': JSON.stringify({ environment: LINES }) } });
		for (const args of [
			[],
			[LINE, LINE],
			[withoutNul(LINES)],
			['{temp}/runner/request.json'].map((path) => job.path(path)),
		]) {
			const step = await job.run({ entry: 'credential-process', args });
			assert.equal(step.stdout, '');
			assert.notEqual(step.exitCode, 0);
		}
	});
});

test('the search for commands finds every one of those', () => {
	const speaking = COMMANDS.filter((command) => /^(\s*::|##|---|\+\+\+|~~~|\^\^\^)/.test(command));
	assert.equal(speaking.length, 18);
	for (const command of speaking) assert.equal(findCommands(`x\n${command}\ny`).length, 1, command);
	assert.equal(findCommands('a::error::b\n ::error\n | ::error::x').length, 1);
	assert.throws(() => parseCommandFile('A<<EOF\nunfinished'));
	assert.throws(() => assertFenced('```text\nx\n```\n# owned'));
	assert.throws(() => assertFenced('```text\n```` owned\n'));
	assert.doesNotThrow(() => assertFenced(`\`\`\`text\n${sessionXml()}\n\`\`\`\n`));
});
