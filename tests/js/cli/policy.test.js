// The commands about trust policies, as a person or a pipeline calls them.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { runScript } from '../support/child.js';

const ISSUER = 'token.actions.githubusercontent.com';

/** @param {Record<string, string>} [equals] further conditions */
function trusting(equals = {}) {
	return {
		Version: '2012-10-17',
		Statement: [
			{
				Effect: 'Allow',
				Principal: { Federated: `arn:aws:iam::123456789012:oidc-provider/${ISSUER}` },
				Action: 'sts:AssumeRoleWithWebIdentity',
				Condition: { StringEquals: { [`${ISSUER}:aud`]: 'sts.amazonaws.com', ...equals } },
			},
		],
	};
}

const OPEN = trusting();
const SUBJECT = 'repo:octo-org/octo-repo:environment:production';
const GENERATE =
	'--ci github --account-id 123456789012 --role-name deploy --repository octo-org/octo-repo --repository-id 74 --organization-id 9919 --environment production';

describe('policy', { concurrency: 2 }, () => {
	let folder = '';
	let inputs = 0;
	before(() => {
		folder = fs.mkdtempSync(join(tmpdir(), 'policy '));
		put('open.json', OPEN);
	});

	/** @param {string} name @param {unknown} contents */
	function put(name, contents) {
		const path = join(folder, name);
		fs.mkdirSync(join(path, '..'), { recursive: true });
		fs.writeFileSync(path, typeof contents === 'string' ? contents : JSON.stringify(contents, null, 2));
		return path;
	}

	/** @param {string[]} args @param {{ input?: string, env?: Record<string, string> }} [more] */
	async function policy(args, { input, env = {} } = {}) {
		const how = { cwd: folder, env: { PATH: process.env.PATH ?? '', ...env } };
		if (input === undefined) return runScript('js/cli.js', ['policy', ...args], how);
		const wrapper = ['sh', '-c', 'file=$1; shift; exec "$@" < "$file"', 'sh', put(`input-${++inputs}`, input)];
		return runScript('js/cli.js', ['policy', ...args], { ...how, wrapper });
	}

	test('lint says what is wrong, where, and who gets in', async () => {
		const { exitCode, stdout, stderr } = await policy(['lint', 'open.json']);
		assert.deepEqual([exitCode, stderr], [1, '']);
		assert.match(stdout, /^critical\[TP002\]: /m);
		assert.match(stdout, /--> open\.json:6:7\n/);
		assert.match(stdout, /= it lets in: .*sub = repo:/);
		assert.match(stdout, /docs\/rules\/TP002\.md/);
	});

	test('lint reads folders and standard input, and finds what is in plans', async () => {
		put('folder/inner/a.json', OPEN);
		put('folder/other.json', { hello: 1 });
		const all = JSON.parse((await policy(['lint', 'folder', '--format', 'json'])).stdout);
		assert.equal(all.policies, 1);
		assert.deepEqual(all.findings.map((/** @type {any} */ it) => [it.id, it.file, it.pointer]).at(0), [
			'TP002',
			join('folder', 'inner', 'a.json'),
			'/Statement/0/Principal',
		]);
		const plan = {
			format_version: '1.2',
			planned_values: {
				root_module: {
					resources: [
						{
							type: 'aws_iam_role',
							name: 'r',
							address: 'aws_iam_role.r',
							values: { name: 'r', assume_role_policy: JSON.stringify(OPEN) },
						},
					],
				},
			},
		};
		const piped = await policy(['lint', '-', '--format', 'json'], { input: JSON.stringify(plan, null, 1) });
		const [finding] = JSON.parse(piped.stdout).findings;
		assert.deepEqual([finding.id, finding.file, finding.line], ['TP002', 'standard input', 12]);
		assert.match(finding.pointer, /\/values\/assume_role_policy/);
	});

	test('every format holds the same finding', async () => {
		const sarif = JSON.parse((await policy(['lint', 'open.json', '--format', 'sarif'])).stdout);
		const [run] = sarif.runs;
		assert.equal(sarif.version, '2.1.0');
		const [result] = run.results;
		assert.equal(run.tool.driver.rules[result.ruleIndex].id, result.ruleId);
		assert.equal(result.locations[0].physicalLocation.region.startLine, 6);
		const github = await policy(['lint', 'open.json', '--format', 'github']);
		assert.match(github.stdout, /^::error file=open\.json,line=6,endLine=8,title=TP002 no-tenant::/);
		const junit = await policy(['lint', 'open.json', '--format', 'junit']);
		assert.match(junit.stdout, /<testsuite name="open\.json" tests="1" failures="1">/);
	});

	test('check reports an expectation where the policy decides it', async () => {
		put('tested.json', trusting({ [`${ISSUER}:sub`]: SUBJECT, [`${ISSUER}:repository_id`]: '74' }));
		const named = `  - subject: ${SUBJECT}\n    claims: { repository_id: 74 }\n`;
		put(
			'reported.yml',
			`issuer: github\nadmit:\n${named}  - ${SUBJECT}\n  - repo:octo-org/other:pull_request\nrefuse:\n${named}    note: never <mark> & "quote"\n`,
		);
		/** @param {string} format */
		const report = async (format) => {
			const ran = await policy(['check', '--policy', 'tested.json', 'reported.yml', '--format', format]);
			assert.deepEqual([ran.exitCode, ran.stderr], [1, '']);
			return ran.stdout;
		};
		const [{ tool, results }] = JSON.parse(await report('sarif')).runs;
		const places = results.map((/** @type {any} */ { ruleId, level, locations: [at] }) => [
			ruleId,
			level,
			at.physicalLocation.artifactLocation.uri,
			at.physicalLocation.region.startLine,
			at.logicalLocations[0].fullyQualifiedName,
		]);
		const equals = '/Statement/0/Condition/StringEquals/token.actions.githubusercontent.com:';
		assert.deepEqual(places, [
			['not-decided', 'warning', 'tested.json', 14, `${equals}repository_id`],
			['not-admitted', 'error', 'tested.json', 13, `${equals}sub`],
			['not-refused', 'error', 'tested.json', 4, '/Statement/0'],
		]);
		assert.match(results[1].message.text, /^reported\.yml:6: repo:octo-org\/other:pull_request is to be let in, and /);
		for (const { ruleId, ruleIndex } of results) assert.equal(tool.driver.rules[ruleIndex].id, ruleId);
		const junit = await report('junit');
		assert.match(junit, /<testsuite name="reported\.yml" tests="4" failures="2" skipped="1">/);
		assert.equal((junit.match(/<testcase classname="reported\.yml" name="[^"]*"\/>/g) ?? []).length, 1);
		assert.match(junit, /<skipped>tested\.json:14:\d+: .*repository_id.* not known: name it under claims<\/skipped>/);
		assert.match(junit, /is kept out \(never &lt;mark&gt; &amp; &quot;quote&quot;\)"/);
		const github = (await report('github')).trim().split('\n');
		assert.deepEqual(
			github.map((line) => line.replace(/,endLine.*?,title=([^:]*)::.*$/, ' $1')),
			[
				'::warning file=tested.json,line=14 not-decided',
				'::error file=tested.json,line=13 not-admitted',
				'::error file=tested.json,line=4 not-refused',
			],
		);
		put('unsaved.json', JSON.stringify(trusting({ x: 'y' })).replace('StringEquals', 'StringEqual'));
		const refused = await policy(['check', '--policy', 'unsaved.json', 'reported.yml', '--format', 'github']);
		assert.match(refused.stdout, /title=not-saved::reported\.yml:3: .*there is no operator `StringEqual`/);
		const empty = put('nobody.json', { ...OPEN, Statement: [{ ...OPEN.Statement[0], Effect: 'Deny', Condition: {} }] });
		put('one.yml', `issuer: github\nadmit:\n  - ${SUBJECT}\n`);
		assert.equal((await policy(['check', '--policy', empty, 'one.yml', '--format', 'sarif'])).exitCode, 1);
	});

	test('explain reports a denial at the condition that failed, by its cause', async () => {
		put('asked.json', trusting({ [`${ISSUER}:sub`]: 'repo:octo-org/octo-repo:ref:refs/heads/main' }));
		const claims = { iss: `https://${ISSUER}`, aud: 'sts.amazonaws.com', sub: SUBJECT };
		put('token-in.json', { ...claims, sub: 'repo:octo-org/octo-repo:ref:refs/heads/main' });
		put('token-out.json', claims);
		/** @param {string} token @param {string} format @param {number} expected */
		const report = async (token, format, expected) => {
			const args = ['explain', '--policy', 'asked.json', '--claims', token, '--format', format];
			const { exitCode, stdout } = await policy(args);
			assert.equal(exitCode, expected, stdout);
			return stdout;
		};
		const [{ tool, results }] = JSON.parse(await report('token-out.json', 'sarif', 1)).runs;
		assert.equal(results.length, 1);
		const [{ ruleId, ruleIndex, level, message, locations }] = results;
		assert.deepEqual([ruleId, level], ['github-subject-context', 'error']);
		assert.match(tool.driver.rules[ruleIndex].helpUri, /\/#why=github-subject-context$/);
		assert.equal(tool.driver.rules[ruleIndex].properties, undefined);
		assert.equal(locations[0].physicalLocation.region.startLine, 13);
		assert.match(
			message.text,
			/does not admit this token: .*\. To mend it, in the policy: .*, or in the pipeline: .*\.$/,
		);
		assert.match(
			await report('token-out.json', 'github', 1),
			/^::error file=asked\.json,line=13,.*title=github-subject-context::/,
		);
		assert.match(
			await report('token-out.json', 'junit', 1),
			/tests="1" failures="1">\n.*name="repo:octo-org[^"]*">\n.*<failure /,
		);
		assert.deepEqual(JSON.parse(await report('token-in.json', 'sarif', 0)).runs[0].results, []);
		assert.equal(await report('token-in.json', 'github', 0), '');
		assert.match(await report('token-in.json', 'junit', 0), /tests="1" failures="0">\n.*\/>/);
		put('asked.json', trusting({ 'aws:SourceIp': 'x' }));
		assert.match(await report('token-in.json', 'junit', 2), /tests="1" failures="0" skipped="1">\n.*>\n.*<skipped>/);
		put('asked.json', trusting({ 'aws:SourceIp': 'x' }));
		assert.match(
			await report('token-in.json', 'github', 2),
			/^::warning file=asked\.json,line=13,.*title=depends-on-the-call::/,
		);
	});

	test('audit reports the findings of roles that outsiders can assume', async () => {
		const service = {
			Version: '2012-10-17',
			Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' } }],
		};
		const roles = Object.entries({ deploy: OPEN, server: service, torn: '{"Version": ' });
		const RoleDetailList = roles.map(([RoleName, AssumeRolePolicyDocument]) => ({
			RoleName,
			Arn: `arn:aws:iam::123456789012:role/${RoleName}`,
			AssumeRolePolicyDocument,
		}));
		put('account.json', { RoleDetailList });
		const listed = JSON.parse((await policy(['audit', 'account.json', '--format', 'json'])).stdout);
		const [{ tool, results }] = JSON.parse((await policy(['audit', 'account.json', '--format', 'sarif'])).stdout).runs;
		const ids = results.map((/** @type {any} */ { ruleId }) => ruleId);
		assert.deepEqual(ids, [...listed.providers[0].roles[0].rules, 'role-not-read']);
		const [{ message, locations, ruleIndex }] = results;
		assert.equal(tool.driver.rules[ruleIndex].id, 'TP002');
		assert.match(message.text, /^deploy: .*\. The role lets in anyone .*\. To mend it, .*\.$/);
		assert.match(locations[0].logicalLocations[0].fullyQualifiedName, /^\/RoleDetailList\/0\/.*\/Principal$/);
		const junit = (await policy(['audit', 'account.json', '--format', 'junit'])).stdout;
		assert.match(junit, /<testsuite name="account\.json" tests="2" failures="1" skipped="1">/);
		assert.match(junit, /name="torn">\n +<skipped>/);
		assert.doesNotMatch(junit, /server/);
		const github = await policy(['audit', 'account.json', '--format', 'github']);
		assert.equal(github.exitCode, 1);
		assert.match(github.stdout, /^::error file=account\.json,line=\d+,.*title=TP002 no-tenant::deploy: /);
	});

	test('text from a policy starts no command of a log', async () => {
		const hostile = trusting({ [`${ISSUER}:sub`]: '\n::error::owned\u001b[31m##vso[task.setvariable]x ' });
		const path = put('::warning file=x::y.json', hostile);
		for (const format of ['text', 'github', 'junit']) {
			const { stdout } = await policy(['lint', path, '--format', format]);
			assert.doesNotMatch(stdout, /\u001b|##vso\[/, format);
			for (const line of stdout.split('\n').filter((it) => it.startsWith('::'))) {
				assert.match(line, /^::(error|warning|notice) file=/);
			}
		}
	});

	test('what is accepted with a reason does not count, and what is mended is gone', async () => {
		const config = put('accepted.yml', 'ignore:\n  - rule: TP002\n    reason: a test\n');
		const accepted = await policy(['lint', 'open.json', '--config', config, '--threshold', 'critical']);
		assert.equal(accepted.exitCode, 0, accepted.stdout);
		assert.match(accepted.stderr, /1 finding accepted, with a reason/);
		const wild = trusting({ [`${ISSUER}:sub`]: 'repo:octo-org/octo-repo:ref:refs/heads/*' });
		const path = put('wild.json', wild);
		const found = JSON.parse((await policy(['lint', path, '--format', 'json'])).stdout);
		assert.ok(found.findings.some((/** @type {any} */ it) => it.id === 'TP010'));
		const mended = await policy(['lint', path, '--fix', '--format', 'json']);
		assert.ok(!JSON.parse(mended.stdout).findings.some((/** @type {any} */ it) => it.id === 'TP010'), mended.stdout);
		assert.match(fs.readFileSync(path, 'utf8'), /StringLike/);
	});

	test('what is made is admitted, clean, and refuses its neighbours', async () => {
		const made = await policy(['generate', ...GENERATE.split(' '), '--output', 'made', '--proof', 'proof.json']);
		assert.equal(made.exitCode, 0, made.stderr);
		const { admitted, mutations, size, quota } = JSON.parse(fs.readFileSync(join(folder, 'proof.json'), 'utf8'));
		assert.deepEqual([admitted[0].sub, quota, size < quota], [SUBJECT, 2048, true]);
		assert.deepEqual(
			mutations.find(/** @param {{ to: string | null }} mutation */ ({ to }) => to === '174'),
			{ claim: 'repository_id', part: null, from: '74', to: '174', refused: true, what: 'another repository_id' },
		);
		assert.match(made.stderr, /proof {5}the wanted job gets in; \d+ other tokens stay out/);
		assert.match(made.stderr, /^ +repository_id: 3 other values refused, such as 174, and none at all$/m);
		assert.ok(fs.readdirSync(join(folder, 'made')).length >= 9);
		assert.equal((await policy(['lint', 'made/policy.json'])).exitCode, 0);
		const tests = put(
			'tests.yml',
			`issuer: https://${ISSUER}\naudience: sts.amazonaws.com\nclaims:\n  repository_id: "74"\n  repository_owner_id: "9919"\nadmit:\n  - ${SUBJECT}\nrefuse:\n  - repo:octo-org/octo-repo:pull_request\n`,
		);
		const checked = await policy(['check', '--policy', 'made/policy.json', tests]);
		assert.equal(checked.exitCode, 0, checked.stdout + checked.stderr);
		assert.match(checked.stdout, /2 expectations passed, 0 failed, 0 unknown/);
	});

	test('explain names the part that differs, and tells allow, deny and unknown apart', async () => {
		await policy(['generate', ...GENERATE.split(' '), '--output', 'why']);
		const claims = {
			iss: `https://${ISSUER}`,
			aud: 'sts.amazonaws.com',
			sub: SUBJECT,
			repository_id: '74',
			repository_owner_id: '9919',
		};
		put('claims.json', claims);
		put('other.json', { ...claims, sub: 'repo:octo-org/octo-repo:environment:staging' });
		const allowed = await policy([
			'explain',
			'--policy',
			'why/policy.json',
			'--claims',
			'claims.json',
			'--format',
			'json',
		]);
		assert.equal(allowed.exitCode, 0, allowed.stdout);
		assert.equal(JSON.parse(allowed.stdout).decision, 'allow');
		const denied = await policy([
			'explain',
			'--policy',
			'why/policy.json',
			'--claims',
			'other.json',
			'--format',
			'json',
		]);
		const { decision, failed, fix } = JSON.parse(denied.stdout);
		assert.deepEqual([denied.exitCode, decision, failed[0].key], [1, 'deny', `${ISSUER}:sub`]);
		assert.ok(fix);
		const text = await policy(['explain', '--policy', 'why/policy.json', '--claims', 'other.json']);
		assert.match(text.stdout, /staging/);
		const token = ['{"alg":"RS256"}', JSON.stringify(claims), 'signature-of-the-token'].map((part) =>
			Buffer.from(part).toString('base64url'),
		);
		const whole = await policy(['explain', '--policy', 'why/policy.json', '--claims', '-'], { input: token.join('.') });
		assert.equal(whole.exitCode, 0, whole.stderr);
		assert.ok(!(whole.stdout + whole.stderr).includes(token.at(-1) ?? ''));
	});

	test('audit says who outside can assume what', async () => {
		const dump = {
			RoleDetailList: [
				{
					RoleName: 'deploy',
					Arn: 'arn:aws:iam::123456789012:role/deploy',
					Path: '/',
					AssumeRolePolicyDocument: OPEN,
					AttachedManagedPolicies: [
						{ PolicyName: 'AdministratorAccess', PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' },
					],
				},
			],
		};
		const path = put('dump.json', dump);
		const text = await policy(['audit', path]);
		assert.equal(text.exitCode, 1, text.stdout + text.stderr);
		assert.match(text.stdout, /deploy/);
		assert.match(text.stdout, /AdministratorAccess/);
		const report = JSON.parse((await policy(['audit', path, '--format', 'json'])).stdout);
		assert.deepEqual(
			[report.roles, report.providers[0].issuer, report.providers[0].roles[0].severity],
			[1, ISSUER, 'critical'],
		);
	});

	test('what cannot be read or understood is said, and ends with 2', async () => {
		put('broken.json', '{"Version": "2012-10-17",}');
		for (const [args, words] of /** @type {[string[], RegExp][]} */ ([
			[['lint', 'missing.json'], /missing\.json does not exist/],
			[['lint'], /there is no file to look at/],
			[['lint', 'open.json', '--formt', 'json'], /nearest +--format/],
			[['lnt', 'open.json'], /policy lint/],
			[['explain', '--policy', 'open.json'], /`--claims` is not set/],
			[['generate', '--ci', 'github'], /--account-id/],
			[['lint', 'open.json', '--config', 'missing.yml'], /missing\.yml does not exist/],
		])) {
			const { exitCode, stderr } = await policy(args);
			assert.equal(exitCode, 2, `${args}: ${stderr}`);
			assert.match(stderr, words);
		}
		const broken = await policy(['lint', 'broken.json']);
		assert.match(broken.stdout, /TP041.*\n.*broken\.json:1:/);
	});

	test('what is known of AWS is said to be old after a year, and nothing else changes', async () => {
		const later = put('later.cjs', 'const now = Date.now; Date.now = () => now() + 10 * 365 * 86_400_000;');
		for (const args of [
			['lint', 'open.json', '--format', 'json'],
			['audit', 'open.json', '--format', 'json'],
			['generate', ...GENERATE.split(' ')],
		]) {
			const [now, then] = [await policy(args), await policy(args, { env: { NODE_OPTIONS: `--require="${later}"` } })];
			assert.doesNotMatch(now.stderr, /more than a year/);
			assert.match(then.stderr, /^What is known of AWS's condition keys is of \d{4}-\d\d, more than a year ago/);
			assert.deepEqual([then.exitCode, then.stdout], [now.exitCode, now.stdout]);
		}
		const help = await policy(['lint', '--help'], { env: { NODE_OPTIONS: `--require="${later}"` } });
		assert.equal(help.stderr, '');
	});

	test('the action annotates, counts and fails by its threshold', async () => {
		for (const [threshold, expected] of /** @type {[string, number][]} */ ([
			['medium', 1],
			['never', 0],
		])) {
			const [output, summary] = [put(`${threshold}-output`, ''), put(`${threshold}-summary`, '')];
			const env = {
				PATH: process.env.PATH ?? '',
				INPUT_FILES: 'open.json',
				INPUT_THRESHOLD: threshold,
				INPUT_SARIF: `${threshold}.sarif`,
				GITHUB_OUTPUT: output,
				GITHUB_STEP_SUMMARY: summary,
			};
			const { exitCode, stdout, stderr } = await runScript('js/lint.cjs', [], { cwd: folder, env });
			assert.deepEqual([exitCode, stderr], [expected, '']);
			assert.match(stdout, /^::error file=open\.json,line=6/m);
			assert.match(fs.readFileSync(output, 'utf8'), /^findings<<(\w+)\n\d+\n\1\n/);
			assert.match(fs.readFileSync(summary, 'utf8'), /### Trust policies: \d+ finding/);
			assert.ok(JSON.parse(fs.readFileSync(join(folder, `${threshold}.sarif`), 'utf8')).runs[0].results.length > 0);
		}
	});
});
