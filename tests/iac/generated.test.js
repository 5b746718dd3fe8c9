// What src/policy/generate writes, in the tools that it is written for: each has to come to the policy of policy.json,
// which the core has proved. tests/generated_policies.rs holds the files to what the core makes.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ROOT } from '../js/support/child.js';
import { find, missing, searchPath } from '../js/support/programs.js';

const HERE = join(ROOT, 'tests/iac');
const GENERATED = join(ROOT, 'tests/policies/generated');
const CASES = fs.readdirSync(GENERATED).sort();
const FOLDERS = CASES.map((name) => join(GENERATED, name));
const load = createRequire(join(HERE, 'package.json'));

/** @typedef {any} Json whatever a tool makes of a file */

/** @param {string} name @param {string} file */
const read = (name, file) => fs.readFileSync(join(GENERATED, name, file), 'utf8');
/** @param {string} name @returns {Json} */
const policy = (name) => JSON.parse(read(name, 'policy.json'));
/** @param {string} name @returns {string} */
const providerArn = (name) => policy(name).Statement[0].Principal.Federated;
/** @param {string} name What the provider is to be. */
function provider(name) {
	const script = read(name, 'setup.sh');
	const [, url] = /^issuer='(.*)'$/m.exec(script) ?? [];
	const [, audience] = /^audience='(.*)'$/m.exec(script) ?? [];
	return { url, audience };
}

/** @param {string} name @param {Json} found @param {string} [what] */
function assertPolicy(name, found, what = name) {
	assert.deepEqual(found, policy(name), what);
}

describe('the files that are read', { skip: missing('python', 'cfn-lint') }, () => {
	/** @type {Record<string, Json>} */
	let files = {};
	before(() => {
		files = JSON.parse(run('python', [join(HERE, 'read.py'), ...FOLDERS]));
	});

	test('CloudFormation: cfn-lint has nothing to say', () => {
		run('cfn-lint', ['--include-checks', 'I', '--', ...FOLDERS.map((folder) => join(folder, 'template.yaml'))]);
	});

	for (const name of CASES) {
		test(`CloudFormation: ${name}`, () => {
			const { Resources, Conditions } = files[name].cloudformation;
			const { url, audience } = provider(name);
			assert.deepEqual(Resources.IdentityProvider.Properties, { Url: url, ClientIdList: [audience] });
			const condition = Resources.IdentityProvider.Condition;
			assert.deepEqual(Conditions[condition], { 'Fn::Equals': [{ Ref: 'CreateIdentityProvider' }, 'true'] });
			const found = Resources.Role.Properties.AssumeRolePolicyDocument;
			const federated = { 'Fn::If': [condition, { Ref: 'IdentityProvider' }, providerArn(name)] };
			assert.deepEqual(found.Statement[0].Principal.Federated, federated);
			found.Statement[0].Principal.Federated = providerArn(name);
			assertPolicy(name, found);
		});

		test(`Terraform, as python-hcl2 reads it: ${name}`, () => {
			const { resource, data } = terraform(files[name].terraform);
			const { url, audience } = provider(name);
			const made = resource.aws_iam_openid_connect_provider.ci;
			assert.deepEqual([made.url, made.client_id_list], [url, [audience]]);
			assert.equal(data.aws_iam_openid_connect_provider.ci.url, url);
			assert.deepEqual(Object.keys(made).sort(), ['client_id_list', 'count', 'url'], 'no thumbprints');
			assertPolicy(name, ofDocument(data.aws_iam_policy_document.trust, providerArn(name)));
		});

		test(`Pulumi's YAML: ${name}`, () => {
			const { resources } = files[name].pulumi;
			const { url, audience } = provider(name);
			assert.deepEqual(resources['identity-provider'].properties, { url, clientIdLists: [audience] });
			const found = resources.role.properties.assumeRolePolicy['fn::toJSON'];
			assert.equal(found.Statement[0].Principal.Federated, '$' + '{identity-provider.arn}');
			found.Statement[0].Principal.Federated = providerArn(name);
			assertPolicy(name, found);
		});

		test(`the pipeline is YAML that names the role: ${name}`, () => {
			const arn = /^arn='(.*)'$/m.exec(read(name, 'setup.sh'))?.[1] ?? '';
			assert.match(JSON.stringify(files[name].pipeline), new RegExp(`${arn.replaceAll('+', '\\+')}\\b`));
		});
	}
});

describe('the layout of Terraform files', { skip: noFormatter() }, () => {
	test('is the formatter’s own', () => {
		const files = FOLDERS.map((folder) => join(folder, 'role.tf'));
		const terraform = find('terraform') ?? find('tofu');
		if (terraform) run(terraform, ['fmt', '-check', '-diff', '-no-color', ...files]);
		else run('hclfmt', ['-check', '-require-no-change', ...files]);
	});
});

describe('the programs', { skip: noLibraries() }, () => {
	/** Where the emitted programs are. */
	let built = '';
	before(() => {
		built = fs.mkdtempSync(join(os.tmpdir(), 'iac-'));
		process.on('exit', () => fs.rmSync(built, { recursive: true, force: true }));
		fs.symlinkSync(join(HERE, 'node_modules'), join(built, 'node_modules'));
		for (const name of CASES) {
			fs.mkdirSync(join(built, name));
			for (const file of ['stack.ts', 'pulumi.ts']) fs.writeFileSync(join(built, name, file), read(name, file));
		}
		const compilerOptions = {
			strict: true,
			noUncheckedIndexedAccess: true,
			exactOptionalPropertyTypes: true,
			module: 'nodenext',
			target: 'es2022',
			skipLibCheck: true,
			types: [],
		};
		fs.writeFileSync(join(built, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
		fs.writeFileSync(join(built, 'package.json'), '{"type":"commonjs"}');
		run(join(ROOT, 'node_modules/.bin/tsc'), ['--project', built, '--pretty', 'false']);
	});

	test('the CDK’s stacks in TypeScript synthesise to the policy', () => {
		const cdk = load('aws-cdk-lib');
		const app = new cdk.App({ outdir: join(built, 'cdk.out') });
		for (const [index, name] of CASES.entries()) {
			const { CiRoleStack } = load(join(built, name, 'stack.js'));
			new CiRoleStack(app, `Created${index}`);
			new CiRoleStack(app, `Existing${index}`, { createIdentityProvider: false });
		}
		const assembly = app.synth();
		for (const [index, name] of CASES.entries()) {
			const { url, audience } = provider(name);
			const created = ofType(assembly.getStackByName(`Created${index}`).template);
			assert.deepEqual(created['AWS::IAM::OIDCProvider'].Properties, { Url: url, ClientIdList: [audience] });
			const federated = { 'Fn::GetAtt': ['IdentityProvider', 'Arn'] };
			const { AssumeRolePolicyDocument: found } = created['AWS::IAM::Role'].Properties;
			assert.deepEqual(found.Statement[0].Principal.Federated, federated);
			found.Statement[0].Principal.Federated = providerArn(name);
			assertPolicy(name, found);
			const existing = ofType(assembly.getStackByName(`Existing${index}`).template);
			assert.equal(existing['AWS::IAM::OIDCProvider'], undefined);
			assertPolicy(name, existing['AWS::IAM::Role'].Properties.AssumeRolePolicyDocument);
		}
	});

	test('the CDK’s stacks in Python call what there is, and come to the policy', { skip: missing('python') }, () => {
		const answers = JSON.parse(run('python', [join(HERE, 'stack.py'), ...FOLDERS], JSON.stringify(cdkProperties())));
		for (const name of CASES) {
			const { url, audience } = provider(name);
			const { created, existing } = answers[name];
			const [made, role] = created;
			assert.deepEqual([made.kind, made.properties], ['iam.CfnOIDCProvider', { url, clientIdList: [audience] }]);
			assert.equal(role.properties.assumedBy.federated, 'PROVIDER');
			assert.deepEqual(existing[0].properties, {
				...role.properties,
				assumedBy: { ...role.properties.assumedBy, federated: providerArn(name) },
			});
			const { assumedBy } = existing[0].properties;
			const action = role.overrides['AssumeRolePolicyDocument.Statement.0.Action'] ?? assumedBy.action;
			const statement = { Effect: 'Allow', Principal: { Federated: assumedBy.federated }, Action: action };
			assertPolicy(name, { Version: '2012-10-17', Statement: [{ ...statement, Condition: assumedBy.conditions }] });
		}
	});

	for (const creates of [true, false]) {
		test(`Pulumi’s programs, ${creates ? 'with' : 'without'} a provider of their own, come to the policy`, async () => {
			const pulumi = load('@pulumi/pulumi');
			/** @type {Json[]} */
			let made = [];
			const mocks = {
				call: () => ({}),
				newResource: (/** @type {Json} */ args) => {
					made.push(args);
					const arn = args.type.includes('openIdConnectProvider') ? 'PROVIDER' : 'ROLE';
					return { id: args.name, state: { ...args.inputs, arn } };
				},
			};
			await pulumi.runtime.setMocks(mocks, 'project', 'stack', false);
			pulumi.runtime.setConfig('project:createIdentityProvider', `${creates}`);
			for (const name of CASES) {
				made = [];
				const { roleArn } = load(join(built, name, 'pulumi.js'));
				await new Promise((resolve) => roleArn.apply(resolve));
				const file = join(built, name, 'pulumi.js');
				delete load.cache[fs.realpathSync(file)];
				const role = made.find(({ type }) => type === 'aws:iam/role:Role');
				const idp = made.find(({ type }) => type === 'aws:iam/openIdConnectProvider:OpenIdConnectProvider');
				const { url, audience } = provider(name);
				assert.deepEqual(idp?.inputs, creates ? { url, clientIdLists: [audience] } : undefined);
				const found = JSON.parse(role.inputs.assumeRolePolicy);
				assert.equal(found.Statement[0].Principal.Federated, creates ? 'PROVIDER' : providerArn(name));
				found.Statement[0].Principal.Federated = providerArn(name);
				assertPolicy(name, found);
			}
		});
	}
});

/**
 * @param {string} program @param {string[]} args @param {string} [input]
 * @returns {string}
 */
function run(program, args, input = '') {
	const file = program.includes('/') ? program : (find(program) ?? program);
	const ran = spawnSync(file, args, {
		encoding: 'utf8',
		input,
		maxBuffer: 1 << 28,
		env: { PATH: searchPath(), HOME: os.homedir() },
	});
	assert.equal(ran.status, 0, `${program}: ${ran.error ?? ''}\n${ran.stdout}\n${ran.stderr}`.slice(0, 5000));
	return ran.stdout;
}

function noFormatter() {
	return ['terraform', 'tofu'].some((name) => find(name)) ? false : missing('hclfmt');
}

function noLibraries() {
	if (fs.existsSync(join(HERE, 'node_modules/aws-cdk-lib'))) return false;
	if (process.env.CI === 'true') throw new Error('tests/iac has no aws-cdk-lib');
	return 'needs aws-cdk-lib: `npm ci` in tests/iac';
}

/** The resources of a template, of which there is one of each type. @param {Json} template @returns {Json} */
function ofType(template) {
	return Object.fromEntries(Object.values(template.Resources).map((resource) => [resource.Type, resource]));
}

/** What each class may be given, by the CDK's own description of itself. */
function cdkProperties() {
	const assembly = JSON.parse(gunzipSync(fs.readFileSync(join(HERE, 'node_modules/aws-cdk-lib/.jsii.gz'))).toString());
	/** @param {string} name @returns {string[]} */
	const of = (name) => {
		const type = assembly.types[`aws-cdk-lib.${name}`];
		const inherited = (type.interfaces ?? []).flatMap((/** @type {string} */ each) =>
			of(each.replace('aws-cdk-lib.', '')),
		);
		return [...(type.properties ?? []).map((/** @type {Json} */ property) => property.name), ...inherited];
	};
	return {
		'iam.CfnOIDCProvider': of('aws_iam.CfnOIDCProviderProps'),
		'iam.Role': of('aws_iam.RoleProps'),
		CfnOutput: of('CfnOutputProps'),
		Stack: of('StackProps'),
	};
}

/** Blocks by type and name, without the marks and quotes that python-hcl2 keeps. @param {Json} parsed @returns {Json} */
function terraform(parsed) {
	/** @param {Json} value @returns {Json} */
	const plain = (value) => {
		if (typeof value === 'string') return unquoted(value);
		if (Array.isArray(value)) return value.map(plain);
		if (typeof value !== 'object' || value === null) return value;
		const members = Object.entries(value).filter(([name]) => !name.startsWith('__'));
		return Object.fromEntries(members.map(([name, each]) => [unquoted(name), plain(each)]));
	};
	/** @param {Json[]} blocks @returns {Json} */
	const merged = (blocks) => {
		/** @type {Json} */
		const all = {};
		for (const [type, of] of blocks.flatMap((block) => Object.entries(plain(block))))
			all[type] = { ...all[type], ...of };
		return all;
	};
	return { resource: merged(parsed.resource), data: merged(parsed.data) };
}

/** A text of HCL as it counts. @param {string} text */
function unquoted(text) {
	if (!text.startsWith('"')) return text;
	return JSON.parse(text)
		.replaceAll('$$' + '{', '$' + '{')
		.replaceAll('%%{', '%{');
}

/** The policy that the AWS provider makes of its document. @param {Json} document @param {string} arn @returns {Json} */
function ofDocument(document, arn) {
	const one = (/** @type {string[]} */ values) => (values.length === 1 ? values[0] : values);
	const [statement] = document.statement;
	const [principals] = statement.principals;
	assert.deepEqual(
		[principals.type, principals.identifiers],
		[
			'Federated',
			'$' + '{concat(aws_iam_openid_connect_provider.ci[*].arn, data.aws_iam_openid_connect_provider.ci[*].arn)}',
		],
	);
	/** @type {Json} */
	const conditions = {};
	for (const { test: operator, variable, values } of statement.condition) {
		conditions[operator] = { ...conditions[operator], [variable]: one(values) };
	}
	const { effect, actions } = statement;
	return {
		Version: '2012-10-17',
		Statement: [{ Effect: effect, Principal: { Federated: arn }, Action: one(actions), Condition: conditions }],
	};
}
