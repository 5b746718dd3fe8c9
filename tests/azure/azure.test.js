// Azure DevOps: the template and the task of azure-devops/, step by step in a stand-in for the agent.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { DENIED, stsAnswer, stsError } from '../js/support/answers.js';
import { ACCESS_TOKEN, mintForJob, ORGANIZATION, oidcAnswer, parseCommand, startAgent } from '../js/support/azure.js';
import { ROOT } from '../js/support/child.js';
import { missing } from '../js/support/programs.js';
import { KEY_ID, SECRET, SESSION_TOKEN } from '../js/support/secrets.js';

const parallel = { concurrency: 2 };
const withAws = { concurrency: 2, skip: missing('aws') };
const ROLE = 'arn:aws:iam::123456789012:role/deploy';
const PROGRAM = `${process.execPath} ${ROOT}/js/cli.js`;
const ASSUME = `${PROGRAM} assume`;
/** What a step's `env:` has. */
const ENV = {
	SYSTEM_ACCESSTOKEN: '$(System.AccessToken)',
	CI_ASSUME_ROLE_ROLE_ARN: ROLE,
	CI_ASSUME_ROLE_REGION: 'us-east-1',
	CI_ASSUME_ROLE_STS_ENDPOINT: '{base}/sts',
	CI_ASSUME_ROLE_MAX_ATTEMPTS: '2',
};
const READ = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token', 'region']
	.map((name) => `aws configure get ${name} >> "$HOME/read"`)
	.join('\n');
const own = { own: true };
const MAPPED = Object.fromEntries(
	['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'].map((name) => [name, `$(${name})`]),
);

/** @param {Record<string, string>} changes */
const env = (changes) => ({ env: { ...ENV, ...changes } });

describe('a script step, by profile', withAws, () => {
	test('the AWS CLI of a later step reads it, and nothing of it is in a variable', async (t) => {
		const agent = await startAgent(t);
		const step = await agent.script(ASSUME, env({}));
		assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
		const set = step.commands.filter(({ name }) => name === 'task.setvariable');
		const names = set.map(({ properties }) => [properties.variable, properties.issecret]);
		for (const [name, secret] of names) assert.equal(secret, undefined, `${name} need not be secret`);
		const later = await agent.script(READ, own);
		assert.equal(later.exitCode, 0, later.log);
		assert.equal(agent.read('home/read'), `${KEY_ID}\n${SECRET}\n${SESSION_TOKEN}\nus-east-1\n`);
		const file = agent.variables.get('aws_shared_credentials_file')?.value ?? '';
		assert.ok(file.startsWith(agent.path('agent/ci-assume-role-')), file);
		assert.equal(fs.statSync(file).mode & 0o777, 0o600);
		agent.end();
		assert.deepEqual([fs.existsSync(file), fs.readdirSync(agent.path('tmp'))], [false, []], 'the agent cleans up');
	});

	test('what the exchange asks for', async (t) => {
		const agent = await startAgent(t);
		const step = await agent.script(ASSUME, env({}));
		const [token, sts] = step.requests;
		const headers = new Map(token?.headers.map(([name, value]) => [name.toLowerCase(), value]));
		assert.equal(token?.method, 'POST');
		assert.match(token?.url ?? '', /\/jobs\/j\/oidctoken\?api-version=7\.1$/);
		assert.deepEqual(
			['authorization', 'content-type', 'content-length', 'x-tfs-fedauthredirect'].map((name) => headers.get(name)),
			[`Bearer ${ACCESS_TOKEN}`, 'application/json', '0', 'Suppress'],
		);
		const sent = new URLSearchParams(sts?.body);
		assert.deepEqual(
			[sent.get('WebIdentityToken'), sent.get('RoleSessionName'), sent.get('DurationSeconds')],
			[agent.token, 'azure-devops-42-deploy', '3600'],
		);
	});

	test('a later step that prints credentials shows stars', async (t) => {
		const agent = await startAgent(t);
		await agent.script(ASSUME, env({}));
		const later = await agent.script('cat "$AWS_SHARED_CREDENTIALS_FILE"', own);
		assert.match(later.log, /aws_secret_access_key = \*\*\*/);
		assert.match(later.log, /aws_access_key_id = \*\*\*/);
	});

	test('over keys that the job had before', async (t) => {
		const agent = await startAgent(t);
		agent.set('AWS_ACCESS_KEY_ID', 'AKIAEARLIEREARLIER00', false);
		agent.set('AWS_SECRET_ACCESS_KEY', 'earlier-secret', false);
		await agent.script(ASSUME, env({}));
		const later = await agent.script(
			`python3 -c 'import botocore.session as s; print(s.Session().get_credentials().access_key)' > "$HOME/read"`,
			own,
		);
		assert.equal(later.exitCode, 0, later.log);
		assert.equal(agent.read('home/read'), `${KEY_ID}\n`);
	});

	test('process: fresh credentials after the first ones, where the step maps the token', async (t) => {
		const agent = await startAgent(t);
		const step = await agent.script(ASSUME, env({ CI_ASSUME_ROLE_HAND_OVER: 'process' }));
		assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
		const script =
			'rm "$(dirname "$AWS_CONFIG_FILE")"/*-credentials.json # as if they had come to their end\n' +
			`python3 -c 'import botocore.session as s; print(s.Session().get_credentials().access_key)' > "$HOME/read"`;
		const answers = [oidcAnswer(agent.token), stsAnswer({ AccessKeyId: 'ASIAFRESH00000000001' })];
		const later = await agent.script(script, {
			own: true,
			answers,
			env: { SYSTEM_ACCESSTOKEN: '$(System.AccessToken)' },
		});
		assert.deepEqual([later.exitCode, later.amiss], [0, []], later.log);
		assert.equal(agent.read('home/read'), 'ASIAFRESH00000000001\n');

		const without = await agent.script(script, own);
		assert.notEqual(without.exitCode, 0, without.log);
		assert.match(without.log, /SYSTEM_ACCESSTOKEN: \$\(System\.AccessToken\)/);
	});
});

describe('a script step, by variables', parallel, () => {
	const byEnv = env({ CI_ASSUME_ROLE_HAND_OVER: 'env' });
	const show = `printf '%s\\0' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN" "$AWS_REGION" > "$HOME/seen"`;

	test('a step that maps them has them', async (t) => {
		const agent = await startAgent(t);
		const step = await agent.script(ASSUME, byEnv);
		assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
		const later = await agent.script(show, { own: true, env: MAPPED });
		assert.equal(later.exitCode, 0, later.log);
		assert.deepEqual(agent.read('home/seen').split('\0'), [KEY_ID, SECRET, SESSION_TOKEN, 'us-east-1', '']);
	});

	test('a step that does not map them has none', async (t) => {
		const agent = await startAgent(t);
		await agent.script(ASSUME, byEnv);
		await agent.script(show, own);
		assert.deepEqual(agent.read('home/seen').split('\0'), ['', '', '', 'us-east-1', '']);
	});

	test('with a prefix they are secret too', async (t) => {
		const agent = await startAgent(t);
		const step = await agent.script(ASSUME, env({ CI_ASSUME_ROLE_HAND_OVER: 'env', CI_ASSUME_ROLE_PREFIX: 'PROD_' }));
		assert.equal(step.exitCode, 0, step.log);
		const { value, secret } = agent.variables.get('prod_aws_secret_access_key') ?? {};
		assert.deepEqual([value, secret], [SECRET, true]);
	});

	for (const [what = '', value = ''] of [
		['quotes and brackets', `it's"a"][;=,`],
		['percent signs', '100%25%0A%AZP25%3B'],
		['what a shell expands', '$HOME`x`$(x)\\*'],
	]) {
		test(`a secret with ${what} comes through`, async (t) => {
			const agent = await startAgent(t);
			const answers = [oidcAnswer(agent.token), stsAnswer({ SecretAccessKey: value })];
			const step = await agent.script(ASSUME, { ...byEnv, answers, secrets: [value] });
			assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
			await agent.script(show, { own: true, env: MAPPED });
			assert.equal(agent.read('home/seen').split('\0')[1], value);
			assert.ok(agent.masked.has(value), 'it is hidden as it is');
		});
	}

	test('credentials of several lines are refused', async (t) => {
		const agent = await startAgent(t);
		const answers = [oidcAnswer(agent.token), stsAnswer({ SecretAccessKey: 'two\nlines' })];
		const step = await agent.script(ASSUME, { ...byEnv, answers });
		assert.deepEqual(step.codes, ['sts-answer-invalid'], step.log);
		assert.equal(agent.variables.has('aws_access_key_id'), false);
	});
});

describe('which token', parallel, () => {
	test('a service connection', async (t) => {
		const agent = await startAgent(t, { sub: 'sc://acme/shop/aws' });
		const id = '55555555-aaaa-4bbb-8ccc-666666666666';
		const step = await agent.script(ASSUME, env({ CI_ASSUME_ROLE_SERVICE_CONNECTION: id }));
		assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
		const sent = new URL(`http://x${step.requests[0]?.url}`).searchParams;
		assert.equal(sent.get('serviceConnectionId'), id);
		assert.match(step.log, /token sub: sc:\/\/acme\/shop\/aws/);

		const flag = await agent.script(`${ASSUME} --service-connection ${id}`, env({}));
		assert.equal(new URL(`http://x${flag.requests[0]?.url}`).searchParams.get('serviceConnectionId'), id);
	});

	test('an id cannot add parameters to the request', async (t) => {
		const agent = await startAgent(t);
		const step = await agent.script(ASSUME, env({ CI_ASSUME_ROLE_SERVICE_CONNECTION: 'x&api-version=1#y z' }));
		const sent = new URL(`http://x${step.requests[0]?.url}`).searchParams;
		assert.deepEqual(
			[...sent],
			[
				['api-version', '7.1'],
				['serviceConnectionId', 'x&api-version=1#y z'],
			],
		);
	});

	test('SYSTEM_ACCESSTOKEN is not mapped: the lines to add are there', async (t) => {
		const agent = await startAgent(t);
		const { SYSTEM_ACCESSTOKEN: _, ...rest } = ENV;
		const step = await agent.script(ASSUME, { env: rest, answers: [] });
		assert.deepEqual([step.codes, step.exitCode, step.amiss], [['token-permission-missing'], 2, []], step.log);
		assert.match(step.log, / {4}env:\n {4,}SYSTEM_ACCESSTOKEN: \$\(System\.AccessToken\)\n/);
		assert.ok(step.commands.some(({ name, properties }) => name === 'task.logissue' && properties.type === 'error'));
	});

	test('SYSTEM_OIDCREQUESTURI is not there', async (t) => {
		const agent = await startAgent(t);
		agent.variables.delete('system.oidcrequesturi');
		const step = await agent.script(ASSUME, { ...env({}), answers: [] });
		assert.deepEqual([step.codes, step.amiss], [['token-permission-missing'], []], step.log);
		assert.match(step.log, /newer agent/);
	});

	test('SYSTEM_OIDCREQUESTURI is not https: the job’s token is not sent there', async (t) => {
		const agent = await startAgent(t);
		agent.set('System.OidcRequestUri', 'http://attacker.example.com/oidctoken', false);
		const step = await agent.script(ASSUME, { ...env({}), answers: [] });
		assert.deepEqual([step.codes, step.amiss], [['token-request-failed'], []], step.log);
	});

	for (const status of [401, 403, 404]) {
		for (const [what, connection, hint] of /** @type {const} */ ([
			['the pipeline', '', /SYSTEM_ACCESSTOKEN is not this job's/],
			['a service connection', 'an-id', /a task of the job has to name it/],
		])) {
			test(`${status} for ${what}: asked once, and explained`, async (t) => {
				const agent = await startAgent(t);
				/** @type {import('../js/support/answers.js').Answer} */
				const refusal = { to: 'token', status, body: JSON.stringify({ message: 'TF400813: not authorized' }) };
				const how = env(connection ? { CI_ASSUME_ROLE_SERVICE_CONNECTION: connection } : {});
				const step = await agent.script(ASSUME, { ...how, answers: [refusal] });
				assert.deepEqual([step.codes, step.exitCode, step.amiss], [['token-request-refused'], 3, []], step.log);
				assert.match(step.log, /TF400813/);
				assert.match(step.log, hint);
			});
		}
	}

	test('503 passes by itself', async (t) => {
		const agent = await startAgent(t);
		/** @type {import('../js/support/answers.js').Answer} */
		const down = { to: 'token', status: 503, body: 'x' };
		const step = await agent.script(ASSUME, { ...env({}), answers: [down, oidcAnswer(agent.token), stsAnswer()] });
		assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
	});

	test('503 that stays', async (t) => {
		const agent = await startAgent(t);
		/** @type {import('../js/support/answers.js').Answer} */
		const down = { to: 'token', status: 503, body: 'x' };
		const step = await agent.script(ASSUME, { ...env({}), answers: [down, down] });
		assert.deepEqual([step.codes, step.amiss], [['token-request-failed'], []], step.log);
	});

	for (const [status, headers] of /** @type {const} */ ([
		[203, {}],
		[302, { Location: 'https://login.example.com/' }],
	])) {
		test(`a page to sign in, with ${status}, is no token`, async (t) => {
			const agent = await startAgent(t);
			/** @type {import('../js/support/answers.js').Answer} */
			const page = { to: 'token', status, headers, contentType: 'text/html', body: '<html>Sign in</html>' };
			const step = await agent.script(ASSUME, { ...env({}), answers: [page] });
			assert.deepEqual([step.codes, step.amiss], [['token-answer-invalid'], []], step.log);
			assert.match(step.log, /page to sign in/);
		});
	}

	test('each attempt has a fresh token', async (t) => {
		const agent = await startAgent(t);
		const fresh = mintForJob({ jti: 'fresh' });
		const busy = stsError(400, 'IDPCommunicationError', 'could not reach the provider');
		const step = await agent.script(ASSUME, {
			...env({}),
			answers: [oidcAnswer(agent.token), busy, oidcAnswer(fresh), stsAnswer()],
			secrets: [fresh],
		});
		assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
		const sent = step.requests.filter(({ to }) => to === 'sts').map(({ body }) => new URLSearchParams(body));
		assert.deepEqual(
			sent.map((each) => each.get('WebIdentityToken')),
			[agent.token, fresh],
		);
	});
});

describe('a denial', parallel, () => {
	const tenant = '77777777-aaaa-4bbb-8ccc-888888888888';
	for (const [what, claims, hints] of /** @type {[string, Record<string, unknown>, RegExp[]][]} */ ([
		[
			'of a pipeline, by vstoken',
			{},
			[/`sc:\/\/…`/, /1 July 2027/, new RegExp(`"vstoken.dev.azure.com/${ORGANIZATION}:sub": "p://acme/shop/deploy"`)],
		],
		[
			'of a service connection, by vstoken',
			{ sub: 'sc://acme/shop/aws' },
			[/another organization, project or service connection/, /three slashes/],
		],
		[
			'of a service connection, by Entra',
			{
				iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
				sub: '/eid1/c/pub/t/dGVuYW50/a/YXBw/sc/org/connection',
			},
			[
				/moved to Microsoft Entra/,
				new RegExp(`"login.microsoftonline.com/${tenant}/v2.0:sub": "/eid1/c/pub/t/dGVuYW50/a/YXBw/sc/org/connection"`),
			],
		],
	])) {
		test(`${what}, is explained, and nothing is handed over`, async (t) => {
			const agent = await startAgent(t, claims);
			const step = await agent.script(ASSUME, { ...env({}), answers: [oidcAnswer(agent.token), DENIED] });
			assert.deepEqual([step.codes, step.exitCode, step.amiss], [['not-authorized'], 4, []], step.log);
			for (const hint of hints) assert.match(step.log, hint);
			assert.match(step.log, /:aud": "api:\/\/AzureADTokenExchange"/);
			assert.doesNotMatch(step.log, /:(org_id|prj_id|rpo_ref)"/, 'no key that AWS does not know');
			assert.deepEqual(
				[...agent.variables.keys()].filter((name) => name.startsWith('aws')),
				[],
			);
		});
	}
});

describe('hostile text', parallel, () => {
	// That no command starts but ours is what every step of the stand-in is held to.
	const attack =
		'x ##vso[task.setvariable variable=PATH]/evil ##[error]y\n##vso[task.complete result=Succeeded]\r##VSO[x]';

	test('of STS', async (t) => {
		const agent = await startAgent(t);
		const refusal = stsError(403, 'AccessDenied', attack.replaceAll('\r', ' '));
		const step = await agent.script(ASSUME, { ...env({}), answers: [oidcAnswer(agent.token), refusal] });
		assert.deepEqual(step.codes, ['not-authorized'], step.log);
		assert.equal(agent.variables.has('path'), false);
	});

	test('of Azure DevOps', async (t) => {
		const agent = await startAgent(t);
		/** @type {import('../js/support/answers.js').Answer} */
		const refusal = { to: 'token', status: 403, body: JSON.stringify({ message: attack }) };
		const step = await agent.script(ASSUME, { ...env({}), answers: [refusal] });
		assert.deepEqual(step.codes, ['token-request-refused'], step.log);
		assert.equal(agent.variables.has('path'), false);
	});

	test('of the token', async (t) => {
		const agent = await startAgent(t, { sub: `p://acme/shop/${attack}`, rpo_ref: attack });
		const step = await agent.script(ASSUME, { ...env({}), answers: [oidcAnswer(agent.token), DENIED] });
		assert.deepEqual(step.codes, ['not-authorized'], step.log);
		assert.equal(agent.variables.has('path'), false);
	});

	test('of options', async (t) => {
		const agent = await startAgent(t);
		const step = await agent.script(ASSUME, { ...env({ CI_ASSUME_ROLE_DURATION: attack }), answers: [] });
		assert.deepEqual([step.codes, step.exitCode], [['option-invalid'], 2], step.log);
		assert.equal(agent.variables.has('path'), false);
	});

	test('of paths: a folder with a command in its name', async (t) => {
		const agent = await startAgent(t);
		const folder = 'agent/a b];issecret=true 100% ##vso[x]é';
		agent.put(folder, { folder: true });
		agent.set('Agent.TempDirectory', agent.path(folder), false);
		const step = await agent.script(ASSUME, { ...env({}), own: true, answers: [oidcAnswer(agent.token), stsAnswer()] });
		assert.equal(step.exitCode, 0, step.log);
		const file = agent.variables.get('aws_shared_credentials_file')?.value ?? '';
		assert.ok(file.startsWith(`${agent.path(folder)}/ci-assume-role-`), file);
		assert.ok(fs.existsSync(file));
	});
});

describe('the stand-in', () => {
	test('reads commands as the agent does', () => {
		assert.deepEqual(parseCommand('a ##vso[task.setvariable variable=a%3Bb;isSecret=true]c%0Ad%AZP25'), {
			name: 'task.setvariable',
			properties: { variable: 'a;b', issecret: 'true' },
			data: 'c\nd%',
			start: 2,
		});
		assert.equal(parseCommand('# #vso[x]y'), undefined);
	});
});

describe('the template', () => {
	const yaml = createRequire(`${ROOT}/tests/gitlab/package.json`);
	const skip = !fs.existsSync(`${ROOT}/tests/gitlab/node_modules/js-yaml`) && 'needs `npm ci` in tests/gitlab';

	test('its step assumes the role, and its inputs arrive', { skip }, async (t) => {
		const { parameters, steps } = yaml('js-yaml').load(fs.readFileSync(`${ROOT}/azure-devops/assume-role.yml`, 'utf8'));
		/** @type {Record<string, string>} */
		const given = { roleArn: ROLE, region: 'eu-north-1', program: PROGRAM, stsEndpoint: '{base}/sts', profile: 'prod' };
		/** @type {Map<string, string>} */
		const values = new Map(parameters.map((/** @type {any} */ each) => [each.name, given[each.name] ?? each.default]));
		const fill = (/** @type {string} */ text) =>
			text.replace(/\$\{\{ parameters\.(\w+) \}\}/g, (_, name) => values.get(name) ?? assert.fail(name));
		assert.equal(steps.length, 1);
		const [{ script, env: mapped }] = steps;
		const filled = Object.entries(mapped).map(([name, value]) => [name, fill(String(value))]);
		const agent = await startAgent(t);
		const step = await agent.script(fill(script), { env: Object.fromEntries(filled) });
		assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
		assert.equal(agent.variables.get('aws_profile')?.value, 'prod');
		assert.equal(agent.variables.get('aws_region')?.value, 'eu-north-1');
	});
});

describe('the task', parallel, () => {
	const read = (/** @type {string} */ name) => JSON.parse(fs.readFileSync(`${ROOT}/${name}`, 'utf8'));
	const manifest = read('vss-extension.json');
	const task = read('azure-devops/assume-role/task.json');
	const inputs = {
		roleArn: ROLE,
		region: 'us-east-1',
		stsEndpoint: '{base}/sts',
		handOver: 'profile',
		duration: '30m',
	};

	/** The package as the manifest says. @param {import('../js/support/azure.js').Agent} agent */
	function install(agent) {
		for (const { path, packagePath = path } of manifest.files) {
			fs.cpSync(`${ROOT}/${path}`, agent.path(`package/${packagePath}`), { recursive: true });
		}
		return agent.path(`package/azure-devops/assume-role/${task.execution.Node20_1.target}`);
	}

	test('assumes the role with the job’s token, which no script has to map', async (t) => {
		const agent = await startAgent(t);
		const step = await agent.task(install(agent), inputs);
		assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
		assert.equal(agent.variables.get('aws_profile')?.value, 'ci-assume-role');
		assert.equal(new URLSearchParams(step.requests[1]?.body).get('DurationSeconds'), '1800');
		for (const { name } of step.commands) assert.match(name, /^task\.(logissue|setsecret|setvariable)$/);
	});

	test('every input arrives', async (t) => {
		const agent = await startAgent(t);
		const all = {
			...inputs,
			serviceConnection: 'an-id',
			handOver: 'env',
			prefix: 'P_',
			sessionName: 'by-hand',
			policy: '{"Version": "2012-10-17",\n "Statement": []}',
			policyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess\n\narn:aws:iam::aws:policy/SecurityAudit\n',
			allowedAccountId: '123456789012\n210987654321',
			chain: 'arn:aws:iam::123456789012:role/further',
			maxAttempts: '1',
			profile: '',
		};
		assert.deepEqual(
			Object.keys(all).sort(),
			task.inputs.map((/** @type {{ name: string }} */ { name }) => name).sort(),
			'the test knows every input of task.json',
		);
		const further = {
			...stsAnswer(),
			body: String(stsAnswer().body).replaceAll('AssumeRoleWithWebIdentity', 'AssumeRole'),
		};
		const step = await agent.task(install(agent), all, { answers: [oidcAnswer(agent.token), stsAnswer(), further] });
		assert.deepEqual([step.exitCode, step.amiss], [0, []], step.log);
		assert.match(step.requests[2]?.body ?? '', /^Action=AssumeRole&.*further/);
		const sent = new URLSearchParams(step.requests[1]?.body);
		assert.equal(new URL(`http://x${step.requests[0]?.url}`).searchParams.get('serviceConnectionId'), 'an-id');
		assert.equal(sent.get('RoleSessionName'), 'by-hand');
		assert.equal(sent.get('PolicyArns.member.2.arn'), 'arn:aws:iam::aws:policy/SecurityAudit');
		assert.deepEqual(JSON.parse(sent.get('Policy') ?? ''), { Version: '2012-10-17', Statement: [] });
		assert.equal(agent.variables.get('p_aws_session_token')?.value, SESSION_TOKEN);
	});

	test('a denial fails the step', async (t) => {
		const agent = await startAgent(t);
		const step = await agent.task(install(agent), inputs, { answers: [oidcAnswer(agent.token), DENIED] });
		assert.deepEqual([step.codes, step.exitCode, step.amiss], [['not-authorized'], 4, []], step.log);
	});

	test('an account that is not allowed', async (t) => {
		const agent = await startAgent(t);
		const step = await agent.task(install(agent), { ...inputs, allowedAccountId: '999999999999' }, {});
		assert.deepEqual(step.codes, ['account-not-allowed'], step.log);
		assert.equal(agent.variables.has('aws_profile'), false);
	});

	test('its manifest has what the agent and the Marketplace ask for', () => {
		assert.match(task.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
		assert.match(task.name, /^[A-Za-z0-9]+$/);
		for (const name of [
			'friendlyName',
			'description',
			'category',
			'author',
			'instanceNameFormat',
			'minimumAgentVersion',
		]) {
			assert.equal(typeof task[name], 'string', name);
		}
		assert.ok(task.friendlyName.length <= 40 && task.instanceNameFormat.length <= 80);
		const { version } = JSON.parse(fs.readFileSync(`${ROOT}/package.json`, 'utf8'));
		assert.equal(`${task.version.Major}.${task.version.Minor}.${task.version.Patch}`, version);
		assert.equal(manifest.version, version);
		for (const { name, type, label, options, defaultValue } of task.inputs) {
			assert.match(name, /^[a-z][A-Za-z]+$/);
			assert.match(type, /^(string|multiLine|pickList|boolean|connectedService:AWS)$/);
			assert.ok(label.length <= 40, name);
			assert.equal(options !== undefined, type === 'pickList', name);
			if (options) assert.ok(defaultValue in options);
		}
		assert.deepEqual(Object.keys(task.execution), ['Node20_1', 'Node24']);
		for (const { target } of Object.values(task.execution))
			assert.ok(fs.existsSync(`${ROOT}/azure-devops/assume-role/${target}`));

		for (const name of ['manifestVersion', 'id', 'publisher', 'name', 'targets', 'files', 'contributions']) {
			assert.ok(manifest[name], name);
		}
		for (const { path } of manifest.files) assert.ok(fs.existsSync(`${ROOT}/${path}`), path);
		const [contribution] = manifest.contributions;
		assert.deepEqual(
			[contribution.type, contribution.targets, contribution.properties.name],
			['ms.vss-distributed-task.task', ['ms.vss-distributed-task.tasks'], 'azure-devops/assume-role'],
		);
	});
});
