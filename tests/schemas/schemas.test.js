// Our manifests, and every example of our pages, held against what the CIs' vendors publish about their files; and the
// options that an example gives us against the manifest that declares them.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { expand, pack } from '../circleci/orb.js';
import { ROOT, runProgram } from '../js/support/child.js';
import { find, missing } from '../js/support/programs.js';
import { cannot, documents, examples, faults, mapTexts, objects } from './vendors.js';

/** @typedef {import('./vendors.js').Example} Example */

/** Fails by itself where the checker does nothing. */
const how = { concurrency: 2, skip: cannot };

/** @param {Example[]} all @param {(document: any) => unknown} change @returns {Example[]} */
const each = (all, change) => all.map(({ place, document }) => ({ place, document: change(document) }));

/** @param {Example} example */
const first = ({ document }) => (Array.isArray(document) ? document[0] : document);

/** @param {any} document @param {RegExp} name */
const mentions = (document, name) => name.test(JSON.stringify(document));

/** Which CI's an example is, on pages that have those of several. @param {Example} example */
function ciOf(example) {
	const { place, document } = example;
	const [, page = ''] = /([a-z-]+)\.md:/.exec(place) ?? [];
	if (['azure-devops', 'bitbucket', 'bitrise', 'buildkite', 'circleci', 'github', 'gitlab'].includes(page)) return page;
	if (page === 'other-ci') return mentions(document, /exec --ci any/) ? 'github' : 'none'; // Forgejo's are GitHub's
	if (mentions(document, /^(?!.*"inputs").*git::/) || mentions(document, /"git::/)) return 'bitrise';
	if (mentions(document, /"plugins"|"retry"|"session-tags"/)) return 'buildkite';
	if (mentions(document, /CI_SERVER_FQDN/)) return 'gitlab';
	if (mentions(document, /SYSTEM_ACCESSTOKEN/)) return 'azure-devops';
	if (mentions(document, /"uses"/)) return 'github';
	if (document.ignore || document.admit) return 'none'; // files of our own about policies: tests/policy_pages.rs
	if (document.Resources || mentions(document, /^{"[^"]+:sub":/)) return 'none'; // of a CloudFormation template
	const step = first(example);
	if (step.step || step.script) return 'bitbucket';
	if (step.steps && !step.jobs) return 'circleci';
	return 'github';
}

const pages = fs.readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
/** @param {string} folder */
const below = (folder) => fs.readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`);
const ALL = cannot
	? []
	: examples(
			'README.md',
			...pages.map((name) => `docs/${name}`),
			...['docs/migrating', 'docs/recipes', 'docs/setup'].flatMap(below),
		);

/** @param {string} ci */
const of = (ci) => ALL.filter((example) => ciOf(example) === ci);

/** Parts of a workflow, as a workflow. @param {any} document */
function workflow(document) {
	if (document.on) return document;
	if (document.jobs) return { on: 'push', ...document };
	/** @param {object} job */
	const whole = (job) => ({ on: 'push', jobs: { job: { 'runs-on': 'ubuntu-latest', ...job } } });
	const run = [{ run: './deploy' }];
	if (Array.isArray(document)) return whole({ steps: document });
	if (document.with) return whole({ steps: [{ uses: 'OWNER/ci-assume-role@v0.1.0', ...document }] });
	if (document.strategy) return whole({ strategy: { matrix: { number: [1] }, ...document.strategy }, steps: run });
	if (document.permissions || document.env) return whole({ steps: run, ...document });
	return whole({ steps: [{ uses: 'OWNER/ci-assume-role@v0.1.0', with: document }] });
}

/** Parts of a pipeline, as a pipeline. @param {any} document */
function buildkitePipeline(document) {
	if (document.steps) return document;
	if (document.plugins || document.retry) return { steps: [{ command: './deploy.sh', ...document }] };
	const plugin = { 'https://github.com/OWNER/ci-assume-role.git#v0.1.0': document };
	return { steps: [{ command: './deploy.sh', plugins: [plugin] }] };
}

/** @param {any} document */
function circleConfig(document) {
	if (document.version) return document;
	const steps = Array.isArray(document) ? document : document.steps;
	return { version: 2.1, jobs: { job: { docker: [{ image: 'cimg/node:22.19' }], steps } } };
}

/** @param {any} document */
function bitbucketPipelines(document) {
	if (document.pipelines) return document;
	const steps = Array.isArray(document) ? document : [{ step: document }];
	const whole = steps.map(({ step }) => ({ step: { script: ['./deploy.sh'], ...step } }));
	return { pipelines: { default: whole } };
}

/** What an entry is told in a tree: the mapping under each key that `is` recognises. */
const toldTo = (/** @type {any} */ document, /** @type {RegExp} */ is) =>
	objects(document).flatMap((each) =>
		Object.entries(each)
			.filter(([key, value]) => is.test(key) && value)
			.map(([, value]) => value),
	);

describe('GitHub Actions', how, () => {
	for (const file of ['action.yml', 'lint/action.yml', 'login-ecr/action.yml']) {
		test(file, async () => {
			assert.deepEqual(await faults('github-actions', documents(file)), []);
		});
	}

	test('our own workflow, and the one that act runs', async () => {
		const ours = documents('.github/workflows/ci.yml', 'tests/act/workflow.yml');
		assert.deepEqual(await faults('github-workflows', ours), []);
	});

	test('every example, and the inputs that it gives', async () => {
		const all = each(of('github'), workflow);
		assert.ok(all.length > 25, `${all.length}`);
		assert.deepEqual(await faults('github-workflows', all), []);
		for (const [is, manifest, least] of /** @type {const} */ ([
			[/ci-assume-role@/, 'action.yml', 20],
			[/ci-assume-role\/login-ecr@/, 'login-ecr/action.yml', 1],
		])) {
			const [{ document: { inputs = {} } = {} } = assert.fail()] = documents(manifest);
			let steps = 0;
			for (const { place, document } of all) {
				for (const step of objects(document).filter(({ uses }) => is.test(uses ?? ''))) {
					steps += 1;
					for (const name of Object.keys(step.with)) assert.ok(name in inputs, `${place}: ${name}`);
				}
			}
			assert.ok(steps >= least, `${manifest}: ${steps}`);
		}
	});

	test('the checker finds what is wrong', async () => {
		const [good = assert.fail()] = documents('action.yml');
		const bad = { place: 'bad', document: { ...good.document, branding: { icon: 'key', color: 'orange' } } };
		const found = await faults('github-actions', [good, bad]);
		assert.equal(found.length, 1, found.join('\n'));
		assert.match(found.join(), /^bad: \$\.branding\.icon: 'key' is not one of /);
	});
});

describe('Buildkite', how, () => {
	test('every example, and the options that it gives', async () => {
		const all = each(of('buildkite'), buildkitePipeline);
		assert.ok(all.length > 7, `${all.length}`);
		assert.deepEqual(await faults('buildkite', all), []);
		const configured = all.flatMap(({ place, document }) =>
			toldTo(document, /ci-assume-role\.git/).map((document) => ({ place, document })),
		);
		assert.ok(configured.length > 6, `${configured.length}`);
		assert.deepEqual(await againstPlugin(configured), []);
		const wrong = [{ place: 'wrong', document: { 'role-arn': 5, hook: 'post-command' } }];
		assert.match((await againstPlugin(wrong)).join(), /^wrong: .*wrong: /);
	});
});

/** The configuration in plugin.yml is a JSON schema, which the agent checks plugins by. @param {Example[]} all */
async function againstPlugin(all) {
	const folder = fs.mkdtempSync(join(tmpdir(), 'schema-'));
	const [{ document = {} } = assert.fail()] = documents('plugin.yml');
	const schema = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object', ...document.configuration };
	fs.writeFileSync(join(folder, 'plugin.json'), JSON.stringify(schema));
	const found = await faults(join(folder, 'plugin.json'), all);
	fs.rmSync(folder, { recursive: true });
	return found;
}

describe('CircleCI', how, () => {
	const orb = cannot ? assert.fail : pack;

	/** `<< parameters.… >>` in the place of a choice is the orb registry's to judge; the schema sees the defaults. */
	const expanded = () => {
		const commands = Object.entries(orb().commands).map(([name, command]) => {
			const steps = expand(command, { role_arn: 'arn:aws:iam::123456789012:role/deploy' });
			return [name, { ...command, steps: steps.map((run) => ({ run })) }];
		});
		return Object.fromEntries(commands);
	};

	test('the orb, put together', async () => {
		const { examples: _, ...whole } = /** @type {any} */ (orb());
		assert.deepEqual(await faults('circle-ci', [{ place: 'orb', document: { ...whole, commands: expanded() } }]), []);
	});

	test('the examples of the orb, and those of our pages with the parameters that they give', async () => {
		const usages = Object.entries(orb().examples).map(([name, { usage }]) => ({ place: name, document: usage }));
		const named = [...usages, ...each(of('circleci'), circleConfig)];
		// A namespace is in small letters, and this one is a placeholder.
		const all = each(named, (document) => mapTexts(document, (text) => text.replace(/^OWNER\//, 'owner/')));
		assert.ok(all.length > 5, `${all.length}`);
		assert.deepEqual(await faults('circle-ci', all), []);
		let calls = 0;
		for (const { document } of all) {
			for (const [name, command] of Object.entries(orb().commands)) {
				for (const given of toldTo(document, new RegExp(`^ci-assume-role/${name}$`))) {
					calls += 1;
					expand(command, given);
				}
			}
		}
		assert.ok(calls > 2, `${calls}`);
	});
});

describe('Bitbucket Pipelines', how, () => {
	test('every example, and the variables that it gives the pipe', async () => {
		const all = each(of('bitbucket'), bitbucketPipelines);
		assert.ok(all.length > 5, `${all.length}`);
		// A step's `oidc` is a mapping as well, by Atlassian's page on OpenID Connect; the schema does not know it yet.
		const found = (await faults('bitbucket-pipelines', all)).map((fault) => fault.replace(/^[^:]+:\d+: /, ''));
		const unknown = "$.pipelines.default[0].step.oidc: {'audiences': ['sts.amazonaws.com']} is not of type 'boolean'";
		assert.deepEqual(found, [unknown]);
		const [{ document: pipe = {} } = assert.fail()] = documents('pipe/pipe.yml');
		const known = pipe.variables.map((/** @type {{ name: string }} */ { name }) => name);
		const given = all.flatMap(({ document }) => objects(document).filter(({ pipe }) => pipe));
		assert.ok(given.length > 0);
		for (const { variables } of given) for (const name of Object.keys(variables)) assert.ok(known.includes(name), name);
	});

	/** What a pipe's metadata has to have, by Atlassian's page "Write a pipe", and no package has a schema for. */
	test('pipe.yml', () => {
		const [{ document: pipe = {} } = assert.fail()] = documents('pipe/pipe.yml');
		const texts = ['name', 'image', 'description', 'category', 'repository'];
		for (const name of texts) assert.equal(typeof pipe[name], 'string', name);
		for (const name of ['maintainer', 'vendor']) {
			assert.deepEqual(Object.keys(pipe[name]).sort(), ['name', 'website'], name);
		}
		assert.ok(pipe.tags.every((/** @type {unknown} */ tag) => typeof tag === 'string'));
		for (const variable of pipe.variables) {
			assert.match(variable.name, /^[A-Z][A-Z_]*$/);
			assert.deepEqual(
				Object.keys(variable).filter((key) => key !== 'name' && key !== 'default'),
				[],
			);
		}
		const known = [...texts, 'maintainer', 'vendor', 'tags', 'variables'];
		assert.deepEqual(
			Object.keys(pipe).filter((key) => !known.includes(key)),
			[],
		);
	});
});

describe('Azure Pipelines', how, () => {
	test('the template', async () => {
		assert.deepEqual(await faults('azure-pipelines', documents('azure-devops/assume-role.yml')), []);
	});

	test('every example, and the parameters and inputs that it gives', async () => {
		const all = of('azure-devops');
		assert.ok(all.length > 4, `${all.length}`);
		const known = each(all, (document) => ({ ...document, steps: document.steps.map(withoutOurTask) }));
		assert.deepEqual(await faults('azure-pipelines', known), []);
		const [{ document: template = {} } = assert.fail()] = documents('azure-devops/assume-role.yml');
		const task = JSON.parse(fs.readFileSync(join(ROOT, 'azure-devops/assume-role/task.json'), 'utf8'));
		const names = (/** @type {{ name: string }[]} */ all) => all.map(({ name }) => name);
		const given = all.flatMap(({ document }) => objects(document));
		const parameters = given.flatMap(({ template, parameters }) => (template ? Object.keys(parameters) : []));
		const inputs = given.flatMap(({ task, inputs }) => (/^CiAssumeRole/.test(task) ? Object.keys(inputs) : []));
		assert.ok(parameters.length > 1 && inputs.length > 1);
		for (const name of parameters) assert.ok(names(template.parameters).includes(name), name);
		for (const name of inputs) assert.ok(names(task.inputs).includes(name), name);
	});
});

/** The schema lists the tasks that everybody has. @param {any} step */
function withoutOurTask({ task, inputs, ...step }) {
	return /^CiAssumeRole@\d$/.test(task) ? { script: 'true', ...step } : { ...(task && { task, inputs }), ...step };
}

describe('GitLab CI', how, () => {
	test('the component', async () => {
		const [header = assert.fail(), body = assert.fail()] = documents('templates/assume-role.yml');
		assert.deepEqual(await faults('gitlab-ci', [header]), []);
		const filled = mapTexts(body.document, (text) =>
			text.replace(/\$\[\[ inputs\.([a-z-]+) \]\]/g, (_, name) => header.document.spec.inputs[name].default ?? 'x'),
		);
		assert.deepEqual(Object.keys(filled), ['.assume-role']);
		assert.deepEqual(await faults('gitlab-ci', [{ place: 'the job', document: filled }]), []);
	});

	test('every example, and the inputs that it gives the component', async () => {
		const all = of('gitlab');
		assert.ok(all.length > 5, `${all.length}`);
		assert.deepEqual(await faults('gitlab-ci', all), []);
		const [{ document: header = {} } = assert.fail()] = documents('templates/assume-role.yml');
		const given = all.flatMap(({ document }) => objects(document).filter(({ component }) => component));
		assert.ok(given.length > 1);
		for (const { inputs } of given) for (const name of Object.keys(inputs)) assert.ok(name in header.spec.inputs, name);
	});
});

/** The CLI is the schema: its `validate` refuses what it could not run. */
describe('Bitrise', { ...how, skip: cannot || missing('bitrise', 'envman', 'stepman') }, () => {
	test('every example, by the CLI itself, and the inputs that it gives', async () => {
		const folder = fs.mkdtempSync(join(tmpdir(), 'bitrise-'));
		fs.mkdirSync(join(folder, '.bitrise'));
		fs.writeFileSync(join(folder, '.bitrise/config.json'), '{"setup_version":"dev"}'); // or it sets itself up first
		const all = of('bitrise');
		assert.ok(all.length > 4, `${all.length}`);
		const [{ document: step = {} } = assert.fail()] = documents('step.yml');
		const known = step.inputs.map((/** @type {object} */ input) => Object.keys(input)[0]);
		for (const { place, document } of all) {
			const workflows = document.workflows ?? { deploy: { steps: document } };
			const config = {
				format_version: '13',
				default_step_lib_source: 'https://github.com/bitrise-io/bitrise-steplib.git',
				workflows,
			};
			assert.equal(await validated(folder, config), 'valid', place);
			for (const { inputs } of toldTo(document, /^git::.*ci-assume-role/)) {
				for (const [name] of inputs.map(Object.keys)) assert.ok(known.includes(name), `${place}: ${name}`);
			}
		}
		const wrong = { format_version: '13', workflows: { deploy: { steps: 'none' } } };
		assert.notEqual(await validated(folder, wrong), 'valid');
		fs.rmSync(folder, { recursive: true });
	});
});

/** @param {string} folder @param {object} config */
async function validated(folder, config) {
	const file = join(folder, 'bitrise.yml');
	fs.writeFileSync(file, JSON.stringify(config));
	const program = find('bitrise') ?? '';
	const path = [...new Set(['bitrise', 'envman', 'stepman'].map((name) => (find(name) ?? '').replace(/\/[^/]+$/, '')))];
	const env = { ANALYTICS_DISABLED: 'true', HOME: folder, PATH: `${path.join(':')}:${process.env.PATH}` };
	const ran = await runProgram([program, 'validate', '--config', file, '--format', 'json'], {
		env,
		deadlineMs: 60_000,
	});
	const text = ran.stdout.slice(ran.stdout.indexOf('{'));
	const { data } = JSON.parse(text);
	return data?.config?.is_valid ? 'valid' : text;
}
