// The generated setup.sh, by a POSIX shell and the AWS CLI, against moto's IAM.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT } from '../js/support/child.js';
import { startMoto } from '../js/support/moto.js';
import { find, missing, searchPath } from '../js/support/programs.js';

const GENERATED = join(ROOT, 'tests/policies/generated');
const CASES = fs.readdirSync(GENERATED).sort();

/** @typedef {any} Json whatever the AWS CLI prints */

/** @param {string} name @param {string} file */
const read = (name, file) => fs.readFileSync(join(GENERATED, name, file), 'utf8');
/** @param {string} name @param {string} variable as the script assigns it */
const assigned = (name, variable) => new RegExp(`^${variable}='(.*)'$`, 'm').exec(read(name, 'setup.sh'))?.[1] ?? '';

test('shellcheck has nothing to say', { skip: missing('shellcheck') }, () => {
	// SC2016: what looks like an expression between single quotes is part of a name.
	const args = ['--exclude=SC2016', ...CASES.map((name) => join(GENERATED, name, 'setup.sh'))];
	const ran = spawnSync(find('shellcheck') ?? '', args, { encoding: 'utf8' });
	assert.equal(ran.status, 0, ran.stdout);
});

const NAME = 'gitlab-branch';
/** What a role may have had before. */
const OLD = { Version: '2012-10-17', Statement: [] };

test('moto’s IAM takes every policy', { skip: missing('python', 'moto_server') }, () => {
	const files = CASES.map((name) => join(GENERATED, name, 'policy.json'));
	const ran = spawnSync(find('python') ?? '', [join(ROOT, 'tests/iac/save.py'), ...files], { encoding: 'utf8' });
	assert.equal(ran.status, 0, ran.stderr);
	assert.deepEqual(
		JSON.parse(ran.stdout),
		CASES.map((name) => JSON.parse(read(name, 'policy.json'))),
	);
});

describe('setup.sh', { skip: missing('aws', 'moto_server') }, () => {
	/** @type {Awaited<ReturnType<typeof startMoto>>} */
	let moto;
	before(async () => {
		moto = await startMoto();
	});
	after(() => moto.stop());

	// Each with something of its own: an audience that looks like an address, quotes, a path and several actions.
	for (const name of ['azure-devops-service-connection', 'odd-characters', 'token-of-buildkite-with-tags']) {
		test(`makes what is not there, and can be run again: ${name}`, async () => {
			await reset();
			for (const time of ['first', 'second']) {
				const ran = script(read(name, 'setup.sh'));
				assert.equal(ran.status, 0, `${time}: ${ran.stderr}`);
			}
			assert.deepEqual(state(name), {
				arn: assigned(name, 'arn'),
				policy: JSON.parse(read(name, 'policy.json')),
				providers: [assigned(name, 'provider')],
				audiences: [assigned(name, 'audience')],
			});
		});
	}

	for (const name of [NAME, 'azure-devops-service-connection']) {
		test(`brings a role and a provider that are there up to date: ${name}`, async (t) => {
			await reset();
			aws('iam', 'create-role', '--role-name', 'deploy', '--assume-role-policy-document', JSON.stringify(OLD));
			const url = assigned(name, 'issuer');
			aws('iam', 'create-open-id-connect-provider', '--url', url, '--client-id-list', 'another', 'x');
			const folder = withoutAudiences(t);
			const ran = script(read(name, 'setup.sh'), { PATH: `${folder}:${searchPath()}` });
			assert.equal(ran.status, 0, ran.stderr);
			const { policy, providers } = state(name);
			assert.deepEqual(policy, JSON.parse(read(name, 'policy.json')));
			assert.deepEqual(providers, [assigned(name, 'provider')]);
			const added = JSON.parse(fs.readFileSync(join(folder, 'added'), 'utf8'));
			const wanted = { OpenIDConnectProviderArn: assigned(name, 'provider'), ClientID: assigned(name, 'audience') };
			assert.deepEqual(added, wanted);
		});
	}

	test('changes nothing with credentials of another account', async () => {
		await reset();
		const ran = script(read(NAME, 'setup.sh').replace("account='123456789012'", "account='210987654321'"));
		assert.equal(ran.status, 1);
		assert.equal(ran.stderr, 'These credentials are of account 123456789012, and the role belongs to 210987654321.\n');
		assert.deepEqual([list('roles'), list('providers')], [[], []]);
	});

	test('does not touch a role of that name with another path', async () => {
		await reset();
		const document = ['--assume-role-policy-document', JSON.stringify(OLD)];
		aws('iam', 'create-role', '--role-name', 'deploy', '--path', '/ops/', ...document);
		const ran = script(read(NAME, 'setup.sh'));
		assert.equal(ran.status, 1);
		assert.match(ran.stderr, /another path: arn:aws:iam::123456789012:role\/ops\/deploy/);
		assert.deepEqual(state(NAME).policy, OLD);
	});

	test('stops when AWS cannot be asked', async () => {
		await reset();
		const ran = script(read(NAME, 'setup.sh'), { AWS_ENDPOINT_URL_IAM: 'http://127.0.0.1:9', AWS_MAX_ATTEMPTS: '1' });
		assert.notEqual(ran.status, 0);
		assert.deepEqual([list('roles'), list('providers')], [[], []]);
	});

	/**
	 * A folder for PATH with an `aws` that leaves the one call that moto does not have to the AWS CLI's own check of
	 * arguments, and notes what it would send.
	 * @param {import('node:test').TestContext} t
	 */
	function withoutAudiences(t) {
		const folder = fs.mkdtempSync(join(os.tmpdir(), 'iac-'));
		t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
		const python = fs.realpathSync.native(find('aws') ?? '');
		const lines = [
			'#!/bin/sh',
			'case $2 in',
			`add-client-id-*) exec "${find('python')}" "${join(ROOT, 'tests/iac/sent.py')}" "${folder}/added" "$@" ;;`,
			`*) exec "${python}" "$@" ;;`,
			'esac',
		];
		fs.writeFileSync(join(folder, 'aws'), `${lines.join('\n')}\n`, { mode: 0o755 });
		return folder;
	}

	function reset() {
		return fetch(`${moto.url}/moto-api/reset`, { method: 'POST' });
	}

	/** @param {Record<string, string>} [more] */
	const environment = (more = {}) => ({
		PATH: searchPath(),
		HOME: os.tmpdir(),
		AWS_ENDPOINT_URL: moto.url,
		AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
		AWS_SECRET_ACCESS_KEY: 'example',
		AWS_REGION: 'us-east-1',
		AWS_DEFAULT_REGION: 'us-east-1',
		AWS_PAGER: '',
		...more,
	});

	/** @param {string} text @param {Record<string, string>} [more] */
	function script(text, more) {
		return spawnSync('/bin/sh', ['-s'], { input: text, encoding: 'utf8', env: environment(more) });
	}

	/** @param {string[]} args @returns {Json} */
	function aws(...args) {
		const ran = spawnSync(find('aws') ?? '', [...args, '--output', 'json'], { encoding: 'utf8', env: environment() });
		assert.equal(ran.status, 0, ran.stderr);
		return ran.stdout === '' ? undefined : JSON.parse(ran.stdout);
	}

	/** @param {'roles' | 'providers'} what @returns {string[]} */
	function list(what) {
		return what === 'roles'
			? aws('iam', 'list-roles', '--query', 'Roles[].Arn')
			: aws('iam', 'list-open-id-connect-providers', '--query', 'OpenIDConnectProviderList[].Arn');
	}

	/** What is there, of what the script is to make. @param {string} name */
	function state(name) {
		const { Role } = aws('iam', 'get-role', '--role-name', assigned(name, 'role'));
		const providers = list('providers');
		const audiences = providers.flatMap(
			(arn) => aws('iam', 'get-open-id-connect-provider', '--open-id-connect-provider-arn', arn).ClientIDList,
		);
		return { arn: Role.Arn, policy: Role.AssumeRolePolicyDocument, providers, audiences };
	}
});
