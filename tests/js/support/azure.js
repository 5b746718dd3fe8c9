// A stand-in for the agent of Azure Pipelines, which cannot be had without Azure DevOps. What it copies, and from where:
//
// - Every step is a new process. Variables of the job are in its environment, in capitals, with `_` for `.` and blanks;
//   secret ones are not, unless the step's `env` maps them as `$(NAME)` (learn.microsoft.com, "Define variables",
//   "Set secret variables"). A `$(NAME)` of no variable stays as it is.
// - Each line of a step's output, on either stream, that holds `##vso[area.event k=v;…]data` is a command, wherever in
//   the line it begins, and is not shown (agent, Command.TryParse and ScriptHandler).
// - `%3B`, `%0D`, `%0A`, `%5D` are escapes in properties, `%0D`, `%0A` in data, and `%AZP25` is the percent sign in both
//   (azure-pipelines-task-lib, taskcommand.ts).
// - `task.setvariable` changes the variables of later steps; with `issecret=true` its value is hidden from then on, as
//   that of `task.setsecret` is: the log has `***` (agent, SecretMasker). A secret of several lines is refused
//   (azure-pipelines-task-lib, setSecret).
// - A task gets its inputs as `INPUT_NAME`, in capitals, and the job's token in ENDPOINT_AUTH_SYSTEMVSSCONNECTION; a script
//   gets the token only by `$(System.AccessToken)` (facts of azure-pipelines-task-lib's getEndpointAuthorization).
// - The job's token service is SYSTEM_OIDCREQUESTURI: `POST ?api-version=7.1[&serviceConnectionId=ID]` with the job's token
//   as Bearer and no body; the answer is `{"oidcToken": …}` (REST API, Oidctoken - Create).
// - The folder of AGENT_TEMPDIRECTORY is emptied after the job.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { dirname } from 'node:path';
import { mint, stsAnswer } from './answers.js';
import { runProgram } from './child.js';
import { assertNoControl, Folder } from './job.js';
import { find } from './programs.js';
import { assertNoSecret, KEY_ID, SECRET, SESSION_TOKEN } from './secrets.js';
import { Service } from './server.js';

/** @typedef {import('./answers.js').Answer} Answer */

export const ACCESS_TOKEN = 'system-access-token-of-the-job';
export const ORGANIZATION = '11111111-aaaa-4bbb-8ccc-222222222222';
/** All that we ever tell the agent. */
const OURS = new Set(['task.logissue', 'task.setsecret', 'task.setvariable']);
/** What formats a line, and may only begin one. */
const FORMAT = /##\[(group|endgroup|section|command|debug|warning|error)\]/;

/** @param {Record<string, unknown>} [claims] as of a pipeline's token, with the differences */
export function mintForJob(claims = {}) {
	const now = Math.floor(Date.now() / 1000);
	const usual = {
		iss: `https://vstoken.dev.azure.com/${ORGANIZATION}`,
		aud: 'api://AzureADTokenExchange',
		sub: 'p://acme/shop/deploy',
		exp: now + 300,
		iat: now,
		nbf: now - 300,
		jti: '11111111-2222-3333-4444-555555555555',
		org_id: ORGANIZATION,
		prj_id: '33333333-aaaa-4bbb-8ccc-444444444444',
		def_id: '7',
		rpo_uri: 'https://dev.azure.com/acme/shop/_git/shop',
		rpo_ref: 'refs/heads/main',
		run_id: '42',
	};
	return mint(claims, {}, usual);
}

/**
 * @param {string} token
 * @returns {Answer}
 */
export const oidcAnswer = (token) => ({ to: 'token', body: JSON.stringify({ oidcToken: token }) });

/** What the agent makes of a command's text. @param {string} text */
function unescapeData(text) {
	return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%AZP25', '%');
}

/** @param {string} text */
function unescapeProperty(text) {
	const plain = text.replaceAll('%3B', ';').replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%5D', ']');
	return plain.replaceAll('%AZP25', '%');
}

/** @param {string} line */
export function parseCommand(line) {
	const start = line.toLowerCase().indexOf('##vso[');
	const end = line.indexOf(']', start);
	if (start < 0 || end < 0) return undefined;
	const head = line.slice(start + '##vso['.length, end);
	const [name = '', ...rest] = head.split(' ');
	/** @type {Record<string, string>} */
	const properties = {};
	for (const pair of rest.join(' ').split(';')) {
		const at = pair.indexOf('=');
		if (at > 0) properties[pair.slice(0, at).trim().toLowerCase()] = unescapeProperty(pair.slice(at + 1));
	}
	return { name: name.toLowerCase(), properties, data: unescapeData(line.slice(end + 1)), start };
}

/**
 * @typedef {object} StepHow
 * @property {Record<string, string>} [env] the step's `env:`, where `$(NAME)` is a variable
 * @property {Answer[]} [answers]
 * @property {string[]} [secrets] more that must not be seen
 * @property {boolean} [own] the program is the test's own, and may print what it likes
 */

/** @param {import('node:test').TestContext} t @param {Record<string, unknown>} [claims] */
export async function startAgent(t, claims) {
	const agent = new Agent(await new Service().start(), mintForJob(claims));
	t.after(() => {
		agent.service.stop();
		agent.delete();
	});
	return agent;
}

export class Agent extends Folder {
	/** @type {Map<string, { name: string, value: string, secret: boolean }>} by the name in lower case */
	variables = new Map();
	/** @type {Set<string>} */
	masked = new Set();

	/**
	 * @param {Service} service
	 * @param {string} token what the token service gives
	 */
	constructor(service, token) {
		super(service, token);
		for (const name of ['home', 'agent', 'work', 'tmp']) this.put(name, { folder: true });
		const plan = 'dddddddd-aaaa-4bbb-8ccc-555555555555';
		const variables = {
			'Agent.TempDirectory': this.path('agent'),
			'Build.BuildId': '42',
			'Build.DefinitionName': 'deploy',
			'System.OidcRequestUri': `${service.base}/acme/p/_apis/distributedtask/hubs/build/plans/${plan}/jobs/j/oidctoken`,
			'System.TeamProject': 'shop',
			TF_BUILD: 'True',
		};
		for (const [name, value] of Object.entries(variables)) this.set(name, value, false);
		this.set('System.AccessToken', ACCESS_TOKEN, true);
	}

	/** @param {string} name @param {string} value @param {boolean} secret */
	set(name, value, secret) {
		this.variables.set(name.toLowerCase(), { name, value, secret });
		if (secret && value !== '') {
			assert.doesNotMatch(value, /[\r\n]/, 'the agent takes no secret of several lines');
			this.masked.add(value);
		}
	}

	/** @param {string} text */
	macros(text) {
		return text.replace(/\$\(([^)]+)\)/g, (all, name) => this.variables.get(name.toLowerCase())?.value ?? all);
	}

	/** @param {Record<string, string>} mapped */
	environment(mapped) {
		const aws = find('aws');
		/** @type {NodeJS.ProcessEnv} */
		const env = {
			PATH: [...(aws ? [dirname(aws)] : []), process.env.PATH].join(':'),
			HOME: this.path('home'),
			TMPDIR: this.path('tmp'),
			AWS_EC2_METADATA_DISABLED: 'true',
			PYTHONDONTWRITEBYTECODE: '1',
		};
		for (const { name, value, secret } of this.variables.values()) {
			if (!secret) env[name.toUpperCase().replace(/[. ]/g, '_')] = value;
		}
		for (const [name, value] of Object.entries(mapped)) env[name] = this.macros(this.fill(value));
		return env;
	}

	/** A step with `script:`. @param {string} script @param {StepHow} [how] */
	script(script, how = {}) {
		this.put('agent/script.sh', this.macros(script));
		return this.#step(
			['bash', '--noprofile', '--norc', this.path('agent/script.sh')],
			this.environment(how.env ?? {}),
			how,
		);
	}

	/**
	 * A step with a task of Node's.
	 * @param {string} file
	 * @param {Record<string, string>} inputs
	 * @param {StepHow} [how]
	 */
	task(file, inputs, how = {}) {
		const env = this.environment(how.env ?? {});
		for (const [name, value] of Object.entries(inputs)) {
			env[`INPUT_${name.replace(/[. ]/g, '_').toUpperCase()}`] = this.macros(this.fill(value));
		}
		const authorization = { parameters: { AccessToken: ACCESS_TOKEN }, scheme: 'OAuth' };
		env.ENDPOINT_AUTH_SYSTEMVSSCONNECTION = JSON.stringify(authorization);
		env.ENDPOINT_URL_SYSTEMVSSCONNECTION = 'https://dev.azure.com/acme/';
		return this.#step([process.execPath, file], env, how);
	}

	/** @param {string[]} line @param {NodeJS.ProcessEnv} env @param {StepHow} how */
	async #step(line, env, how) {
		this.service.expect(how.answers ?? (how.own ? [] : [oidcAnswer(this.token), stsAnswer()]));
		const ran = await runProgram(line, { env, cwd: this.path('work') });
		/** @type {ReturnType<typeof parseCommand>[]} */
		const commands = [];
		/** @type {string[]} */
		const shown = [];
		// Everything that we print before a secret is hidden would be seen, so the order counts.
		for (const text of `${ran.stdout}\n${ran.stderr}`.split('\n')) {
			const command = parseCommand(text);
			if (command) {
				commands.push(command);
				if (!how.own) {
					assert.ok(OURS.has(command.name) && command.start === 0, `the agent would obey ${JSON.stringify(text)}`);
				}
				this.#obey(command);
				if (command.name === 'task.logissue') shown.push(`##[${command.properties.type}]${this.hide(command.data)}`);
			} else {
				if (!how.own && FORMAT.test(text))
					assert.match(text, new RegExp(`^${FORMAT.source}`), 'a format inside of a line');
				shown.push(this.hide(text));
			}
		}
		const log = shown.join('\n');
		const secrets = [SECRET, SESSION_TOKEN, ACCESS_TOKEN, this.token, this.token.split('.').at(-1) ?? this.token];
		assertNoSecret(log, [...secrets, ...(how.secrets ?? [])], 'the log');
		if (!how.own) {
			assert.ok(!log.includes(KEY_ID), 'the log has the key id');
			assertNoControl(log);
		}
		const { received, unexpected, left } = this.service.outcome();
		return {
			...ran,
			log,
			commands: commands.flatMap((command) => (command ? [command] : [])),
			codes: [...log.matchAll(/^error\[([a-z-]+)\]: /gm)].map(([, code = '']) => code),
			requests: received,
			/** Requests that should not have come, and answers that nobody asked for. */
			amiss: [...unexpected, ...Array(left).fill('an answer is left')],
		};
	}

	/** @param {NonNullable<ReturnType<typeof parseCommand>>} command */
	#obey({ name, properties, data }) {
		if (name === 'task.setsecret') {
			assert.doesNotMatch(data, /[\r\n]/, 'the agent takes no secret of several lines');
			assert.notEqual(data, '');
			this.masked.add(data);
		}
		if (name === 'task.setvariable') {
			assert.match(properties.variable ?? '', /^\w+$/);
			this.set(properties.variable ?? '', data, properties.issecret === 'true');
		}
	}

	/** @param {string} text */
	hide(text) {
		let out = text;
		for (const secret of [...this.masked].sort((a, b) => b.length - a.length)) out = out.replaceAll(secret, '***');
		return out;
	}

	/** What the agent does after the job. */
	end() {
		fs.rmSync(this.path('agent'), { recursive: true, force: true });
		fs.mkdirSync(this.path('agent'));
	}
}
