// Runs one program to its end. It gets no terminal and no shell, and what it says is ours alone.

const { spawn } = process.getBuiltinModule('node:child_process');

/** What the system's codes mean. @type {Record<string, import('./types.d.ts').ProgramFault>} */
const FAULTS = { EACCES: 'permission', ENOENT: 'not-found', EPERM: 'permission' };

/** @type {import('./types.d.ts').Start<import('./types.d.ts').RunEffect>} */
export function startProgram(effect, settle) {
	try {
		return begin(effect, settle);
	} catch (error) {
		// Most of what the system refuses is told by an event; a command line that is too long, say, is not.
		settle(refusal(error));
		return () => {};
	}
}

/** @type {import('./types.d.ts').Start<import('./types.d.ts').RunEffect>} */
function begin({ argv: [program = '', ...args], env, input, timeoutMs, maxBytes }, settle) {
	let settled = false;
	/** @param {import('./types.d.ts').Outcome} outcome */
	const finish = (outcome) => {
		if (settled) return;
		settled = true;
		clearTimeout(deadline);
		child.stdout?.destroy();
		child.stderr?.destroy();
		settle(outcome);
	};
	/**
	 * @param {import('./types.d.ts').ProgramFault} fault
	 * @param {string} detail
	 */
	const fail = (fault, detail) => {
		child.kill('SIGKILL');
		finish({ fault, detail });
	};
	const child = spawn(program, args, {
		env: { ...process.env, ...Object.fromEntries(env) },
		stdio: ['pipe', 'pipe', 'pipe'],
		windowsHide: true,
	});
	const deadline = setTimeout(() => fail('timeout', `not over after ${timeoutMs} ms`), timeoutMs);
	child.on('error', (error) => finish(refusal(error)));
	const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
		/** @type {Buffer[]} */
		const parts = [];
		let length = 0;
		stream.on('error', () => {});
		stream.on('data', (part) => {
			length += part.length;
			if (length > maxBytes) fail('too-large', `more than ${maxBytes} bytes`);
			else parts.push(part);
		});
		return () => Buffer.concat(parts).toString();
	});
	child.on('close', (exitCode) => finish({ exitCode, stdout: stdout?.() ?? '', stderr: stderr?.() ?? '' }));
	child.stdin.on('error', () => {}); // a program that ends without reading
	child.stdin.end(input);
	return (signal) => fail('interrupted', signal);
}

/**
 * @param {unknown} error
 * @returns {import('./types.d.ts').Fault}
 */
function refusal(error) {
	const code = /** @type {NodeJS.ErrnoException} */ (error).code ?? 'unknown';
	return { fault: FAULTS[code] ?? 'io', detail: code };
}
