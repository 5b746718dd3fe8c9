// A certificate authority that lives as long as one test file: its key protects nothing, and nobody else trusts it.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Whether this machine can make certificates. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/**
 * @param {string[]} names what the server's certificate is for, as `DNS:host` or `IP:address`
 * @returns {{ authority: string, key: string, cert: string }} a file, and the server's own
 */
export function makeAuthority(names) {
	const folder = fs.mkdtempSync(join(tmpdir(), 'ci-assume-role-tls-'));
	after(() => fs.rmSync(folder, { recursive: true, force: true }));
	const openssl = (/** @type {string[]} */ ...args) => {
		const made = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
		if (made.status !== 0) throw new Error(`openssl ${args[0]}: ${made.stderr}`);
	};
	fs.writeFileSync(
		join(folder, 'authority.cnf'),
		'[req]\ndistinguished_name = name\nx509_extensions = ext\nprompt = no\n[name]\nCN = Authority of a test\n' +
			'[ext]\nbasicConstraints = critical, CA:true\nkeyUsage = critical, keyCertSign\n',
	);
	fs.writeFileSync(join(folder, 'server.cnf'), `subjectAltName = ${names.join(',')}\nextendedKeyUsage = serverAuth\n`);
	openssl('req', '-x509', ...KEY, '-days', '2', '-config', 'authority.cnf', '-keyout', 'ca.key', '-out', 'ca.pem');
	openssl('req', ...KEY, '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr');
	const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'server.cnf'];
	openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.pem');
	const read = (/** @type {string} */ name) => fs.readFileSync(join(folder, name), 'utf8');
	return { authority: join(folder, 'ca.pem'), key: read('server.key'), cert: read('server.pem') };
}
