// What our engine says, by the example that reads cases as lines.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./simulate.js').Case} Case */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CARGO = ['run', '--quiet', '--locked', '--example', 'policy_verdicts'];

/**
 * @param {readonly Case[]} cases
 * @returns {Promise<string[]>} for each, a verdict for each action
 */
export async function ours(cases) {
	const child = spawn(process.env.CARGO ?? 'cargo', CARGO, { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
	const ended = once(child, 'close');
	let printed = '';
	child.stdout.setEncoding('utf8').on('data', (text) => {
		printed += text;
	});
	for (const { policy, ...rest } of cases) {
		const line = `${JSON.stringify({ ...rest, policy: JSON.stringify(policy) })}\n`;
		if (!child.stdin.write(line)) await once(child.stdin, 'drain');
	}
	child.stdin.end();
	const [code] = await ended;
	const lines = printed.split('\n').slice(0, -1);
	if (code !== 0 || lines.length !== cases.length) throw new Error(`the engine ended with ${code}`);
	return lines;
}
