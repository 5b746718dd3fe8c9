// Logging clients in: with a signature that moto checks, and with real clients in a real registry that asks for a
// password, as far as they are installed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runProgram, runScript } from './support/child.js';
import { Clients } from './support/clients.js';
import { freePort, startMoto } from './support/moto.js';
import { absent, find, missing, searchPath } from './support/programs.js';
import { assertNoSecret, REGISTRY_PASSWORD, REGISTRY_TOKEN } from './support/secrets.js';

const ACCOUNT = '123456789012';
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'stored-secret-of-a-user' };
/** The bcrypt hash of `REGISTRY_PASSWORD`, by 2^5 rounds. */
const HASH = '$2b$05$abcdefghijklmnopqrstuuHqp4E36/xk0OkeoSRAoLwmRUFAPqvJu';
const EARLIER = { auth: Buffer.from('somebody:else').toString('base64') };

/** @param {import('node:test').TestContext} t */
function newHome(t) {
	const home = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'ci-assume-role-login-'));
	t.after(() => fs.rmSync(home, { recursive: true, force: true }));
	return home;
}

describe('logins with a signature that is checked', { skip: missing('aws', 'moto_server') }, () => {
	/** @type {Awaited<ReturnType<typeof startMoto>>} */
	let moto;
	/** @type {Record<string, { AccessKeyId: string, SecretAccessKey: string }>} */
	const keys = {};

	before(async () => {
		moto = await startMoto();
		const env = {
			PATH: searchPath(),
			AWS_EC2_METADATA_DISABLED: 'true',
			AWS_DEFAULT_REGION: 'us-east-1',
			AWS_ACCESS_KEY_ID: 'AKIAADMIN',
			AWS_SECRET_ACCESS_KEY: 'admin',
		};
		const aws = async (/** @type {string[]} */ ...args) => {
			const words = [find('aws') ?? '', '--endpoint-url', moto.url, '--output', 'json', 'iam', ...args];
			const ran = await runProgram(words, { env, deadlineMs: 60_000 });
			assert.equal(ran.exitCode, 0, ran.stderr);
			return ran.stdout.trim() === '' ? undefined : JSON.parse(ran.stdout);
		};
		for (const [user, action] of [
			['puller', 'ecr:GetAuthorizationToken'],
			['stranger', 'ecr:BatchGetImage'],
		]) {
			const name = ['--user-name', user ?? ''];
			const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }] };
			await aws('create-user', ...name);
			await aws('put-user-policy', ...name, '--policy-name', 'p', '--policy-document', JSON.stringify(document));
			keys[user ?? ''] = (await aws('create-access-key', ...name)).AccessKey;
		}
		const { AccessKeyId = '' } = keys.puller ?? {};
		keys.forger = { AccessKeyId, SecretAccessKey: 'no-secret-that-was-issued' };
		const reset = await fetch(`${moto.url}/moto-api/reset-auth`, { method: 'POST', body: '0' });
		assert.ok(reset.ok, 'moto asks for no signatures');
	});
	after(() => moto?.stop());

	/**
	 * @param {import('node:test').TestContext} t
	 * @param {string} user
	 * @param {string[]} args
	 * @param {import('./support/clients.js').Scripted[]} [programs]
	 */
	async function login(t, user, args, programs = []) {
		const home = newHome(t);
		const clients = new Clients(programs, (text) => text);
		const { AccessKeyId = '', SecretAccessKey = '' } = keys[user] ?? {};
		const env = {
			HOME: home,
			PATH: clients.path,
			AWS_ACCESS_KEY_ID: AccessKeyId,
			AWS_SECRET_ACCESS_KEY: SecretAccessKey,
		};
		const where = ['--region', 'us-east-1', '--ecr-endpoint', moto.url];
		const ran = await runScript('js/cli.js', ['login', 'ecr', ...where, ...args], { env });
		const calls = clients.calls();
		clients.end();
		assertNoSecret(ran.stdout + ran.stderr, [SecretAccessKey], 'the log');
		return { ...ran, calls, home };
	}

	test('the password goes to the client by its standard input, for each registry', async (t) => {
		const others = ['210987654321', ...Array.from({ length: 10 }, (_, number) => `${100_000_000_000 + number}`)];
		const ids = [ACCOUNT, ...others];
		const ran = await login(
			t,
			'puller',
			['--client', 'docker', ...ids.flatMap((id) => ['--registry', id])],
			ids.map(() => ({ program: 'docker' })),
		);
		assert.equal(ran.exitCode, 0, ran.stderr);
		for (const [index, { argv, input }] of ran.calls.entries()) {
			const host = `${ids[index]}.dkr.ecr.us-east-1.amazonaws.com`;
			assert.deepEqual(argv, ['docker', 'login', '--username', 'AWS', '--password-stdin', host]);
			assert.ok(input.length > 8 && !argv.join(' ').includes(input), 'the password is an argument');
			assertNoSecret(ran.stdout + ran.stderr, [input], 'the log');
		}
	});

	test('the file is the same that a client would have written', async (t) => {
		const ran = await login(t, 'puller', []);
		assert.equal(ran.exitCode, 0, ran.stderr);
		const path = join(ran.home, '.docker/config.json');
		assert.equal(fs.statSync(path).mode & 0o777, 0o600);
		const { auths } = JSON.parse(fs.readFileSync(path, 'utf8'));
		const [[host, { auth }]] = /** @type {[[string, { auth: string }]]} */ (Object.entries(auths));
		assert.match(host, /^\d{12}\.dkr\.ecr\.us-east-1\.amazonaws\.com$/);
		const [user, password = ''] = Buffer.from(auth, 'base64').toString().split(':');
		assert.equal(user, 'AWS');
		assertNoSecret(ran.stdout + ran.stderr, [auth, password], 'the log');
	});

	for (const [user, what] of [
		['stranger', 'without the permission there is no password'],
		['forger', 'nor for a signature by another secret'],
	]) {
		test(what ?? '', async (t) => {
			const ran = await login(t, user ?? '', []);
			assert.match(ran.stderr, /status +403/); // moto's words for it are not in the form of ECR's
			assert.equal(ran.exitCode, 5, ran.stderr);
			assert.ok(!fs.existsSync(join(ran.home, '.docker')), 'something was written');
		});
	}
});

/** By name: where its logins are, below the home. */
const FILES = {
	docker: '.docker/config.json',
	podman: 'run/containers/auth.json',
	buildah: 'run/containers/auth.json',
	crane: '.docker/config.json',
	'auth-file': '.docker/config.json',
};

describe('logins of real clients in a real registry', { skip: absent('docker-registry') }, () => {
	/** @type {Registry} */
	let registry;
	before(async () => {
		registry = await new Registry().start();
	});
	after(() => registry?.stop());

	for (const [client, file] of Object.entries(FILES)) {
		const skip = client === 'auth-file' ? false : absent(client);
		test(`${client} is let in, and what was there before comes back`, { skip }, async (t) => {
			const home = newHome(t);
			const path = join(home, file);
			const earlier = { auths: { [registry.host]: EARLIER, 'registry.example.com': EARLIER } };
			fs.mkdirSync(dirname(path), { recursive: true });
			fs.writeFileSync(path, JSON.stringify(earlier));
			const run = (/** @type {string[]} */ ...args) => runScript('js/cli.js', args, { env: registry.env(home) });
			const where = ['--region', 'us-east-1', '--ecr-endpoint', registry.ecr];

			assert.equal(await registry.answers(EARLIER.auth), 401);
			const login = await run('login', 'ecr', ...where, '--client', client);
			assert.equal(login.exitCode, 0, login.stderr);
			assertNoSecret(login.stdout + login.stderr, [REGISTRY_PASSWORD, REGISTRY_TOKEN], 'the log');
			const { auths } = JSON.parse(fs.readFileSync(path, 'utf8'));
			assert.equal(auths[registry.host].auth, REGISTRY_TOKEN);
			assert.deepEqual(auths['registry.example.com'], EARLIER);
			if (client === 'auth-file') assert.equal(fs.statSync(path).mode & 0o777, 0o600);
			assert.equal(await registry.answers(auths[registry.host].auth), 200);

			const logout = await run('logout', 'ecr');
			assert.equal(logout.exitCode, 0, logout.stderr);
			assert.deepEqual(JSON.parse(fs.readFileSync(path, 'utf8')), earlier);
			assert.ok(!fs.existsSync(join(home, '.local/state/ci-assume-role/logins.json')), 'the record is left');
		});
	}

	test('an image is pushed and pulled with the file alone', { skip: absent('crane') }, async (t) => {
		const home = newHome(t);
		const crane = (/** @type {string[]} */ ...args) =>
			runProgram([find('crane') ?? '', ...args], { env: registry.env(home) });
		const image = `${registry.host}/app:1`;
		const layer = join(home, 'layer.tar');
		fs.writeFileSync(layer, Buffer.alloc(1024)); // the end of an archive, and so an empty one
		const push = ['append', '--new_layer', layer, '--new_tag', image];
		assert.match((await crane(...push)).stderr, /401|UNAUTHORIZED/);
		const where = ['--region', 'us-east-1', '--ecr-endpoint', registry.ecr, '--client', 'auth-file'];
		await runScript('js/cli.js', ['login', 'ecr', ...where], { env: registry.env(home) });
		const pushed = await crane(...push);
		assert.equal(pushed.exitCode, 0, pushed.stderr);
		assert.equal((await crane('ls', `${registry.host}/app`)).stdout.trim(), '1');
		await runScript('js/cli.js', ['logout', 'ecr'], { env: registry.env(home) });
		assert.match((await crane('ls', `${registry.host}/app`)).stderr, /401|UNAUTHORIZED/);
		assert.ok(!fs.existsSync(join(home, '.docker/config.json')), 'the file is left');
	});

	test('when the second registry fails, the first login is taken back', { skip: absent('docker') }, async (t) => {
		const home = newHome(t);
		const path = join(home, FILES.docker);
		fs.mkdirSync(dirname(path));
		const earlier = { auths: { [registry.host]: EARLIER } };
		fs.writeFileSync(path, JSON.stringify(earlier));
		registry.named = [registry.host, '127.0.0.1:1']; // where nothing listens
		t.after(() => {
			registry.named = [registry.host];
		});
		const where = ['--region', 'us-east-1', '--ecr-endpoint', registry.ecr, '--client', 'docker'];
		const login = await runScript('js/cli.js', ['login', 'ecr', ...where], { env: registry.env(home) });
		assert.equal(login.exitCode, 6, login.stderr);
		assert.match(login.stderr, /^error\[login-failed\]: docker did not log in/m);
		assertNoSecret(login.stdout + login.stderr, [REGISTRY_PASSWORD, REGISTRY_TOKEN], 'the log');
		assert.deepEqual(JSON.parse(fs.readFileSync(path, 'utf8')), earlier);
	});
});

/** A registry that lets in whoever has the password, and an ECR that has it. */
class Registry {
	host = '';
	/** The registries that ECR names. @type {string[]} */
	named = [];
	ecr = '';
	/** @type {import('node:child_process').ChildProcess | undefined} */
	#child;
	/** @type {http.Server | undefined} */
	#server;
	#folder = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'ci-assume-role-registry-'));

	async start() {
		const port = await freePort();
		this.host = `127.0.0.1:${port}`;
		this.named = [this.host];
		const put = (/** @type {string} */ name, /** @type {string} */ text) => {
			fs.writeFileSync(join(this.#folder, name), text);
			return join(this.#folder, name);
		};
		const htpasswd = put('htpasswd', `AWS:${HASH}\n`);
		const config = put(
			'config.yml',
			`version: 0.1\nlog: {level: error}\nstorage: {inmemory: {}}\nhttp: {addr: "${this.host}"}\n` +
				`auth: {htpasswd: {realm: test, path: ${htpasswd}}}\n`,
		);
		const words = ['serve', config];
		this.#child = spawn(find('docker-registry') ?? '', words, { stdio: 'ignore', env: { PATH: searchPath() } });
		const stop = () => this.#child?.kill('SIGKILL');
		process.once('exit', stop);
		for (let left = 200; (await this.answers('').catch(() => 0)) !== 401; left -= 1) {
			assert.ok(left > 0 && this.#child.exitCode === null, 'the registry does not come up');
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		this.#server = http.createServer((request, response) => {
			request.resume().on('end', () => {
				const entry = (/** @type {string} */ host) => ({
					authorizationToken: REGISTRY_TOKEN,
					expiresAt: Date.now() / 1000 + 43_200,
					proxyEndpoint: `http://${host}`,
				});
				response.setHeader('Content-Type', 'application/x-amz-json-1.1');
				response.end(JSON.stringify({ authorizationData: this.named.map(entry) }));
			});
		});
		const server = this.#server;
		await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
		this.ecr = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
		return this;
	}

	stop() {
		this.#child?.kill('SIGKILL');
		this.#server?.close();
		fs.rmSync(this.#folder, { recursive: true, force: true });
	}

	/**
	 * What it says to whoever comes with this entry of a file.
	 * @param {string} auth
	 */
	async answers(auth) {
		const response = await fetch(`http://${this.host}/v2/`, {
			headers: auth ? { Authorization: `Basic ${auth}` } : {},
		});
		return response.status;
	}

	/** What a client needs to find it. @param {string} home */
	env(home) {
		const { LD_LIBRARY_PATH } = process.env;
		const containers = join(home, '.config/containers');
		fs.mkdirSync(containers, { recursive: true });
		const plain = `[[registry]]\nlocation = "${this.host}"\ninsecure = true\n`;
		fs.writeFileSync(join(containers, 'registries.conf'), plain);
		return {
			...KEYS,
			HOME: home,
			PATH: searchPath(),
			XDG_RUNTIME_DIR: join(home, 'run'),
			DOCKER_HOST: 'tcp://127.0.0.1:1', // no daemon: the client asks the registry by itself
			...(LD_LIBRARY_PATH !== undefined && { LD_LIBRARY_PATH }),
		};
	}
}
