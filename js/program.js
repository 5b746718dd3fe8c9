// Runs one program to its end. It gets no terminal and no shell, and what it says is ours alone.

/** Loaded with the first program: this file is read by runs that start none. */
const childProcess = () => process.getBuiltinModule('node:child_process');

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
	const child = childProcess().spawn(program, args, {
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

/** What a shell adds to a signal's number for the exit code of a program that was ended by it. */
const BY_SIGNAL = 128;
/** Those that users and CIs send to a program, which they mean for the one that it runs. */
const PASSED_ON = /** @type {const} */ (['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']);

/**
 * Runs a program in this one's place: it has our streams and gets our signals.
 * @type {import('./types.d.ts').Start<import('./types.d.ts').Exec>}
 */
export function execProgram({ argv: [program = '', ...args], env, without }, settle) {
	const whole = { ...process.env, ...env };
	for (const name of without) delete whole[name];
	/** @type {import('node:child_process').ChildProcess | undefined} */
	let child;
	/** @param {NodeJS.Signals} signal */
	const pass = (signal) => {
		try {
			// Not by `child.kill`: Deno takes it for the program's end, whatever the program makes of the signal.
			if (child?.pid !== undefined && child.exitCode === null) process.kill(child.pid, signal);
		} catch {
			// it has just ended
		}
	};
	let settled = false;
	/** @param {import('./types.d.ts').Outcome} outcome */
	const finish = (outcome) => {
		if (settled) return;
		settled = true;
		for (const signal of PASSED_ON) process.off(signal, pass);
		settle(outcome);
	};
	// Before there is a program: it may run, and somebody send a signal, while we are still on the next line.
	if (process.platform !== 'win32') for (const signal of PASSED_ON) process.on(signal, pass);
	try {
		child = childProcess().spawn(program, args, { env: whole, stdio: 'inherit', windowsHide: true });
	} catch (error) {
		finish(refusal(error)); // a command line that is too long, say
		return () => {};
	}
	child.on('error', (error) => finish(refusal(error)));
	child.on('close', (exitCode, signal) => {
		const number = signal ? process.getBuiltinModule('node:os').constants.signals[signal] : 0;
		finish({ exitCode: exitCode ?? BY_SIGNAL + number });
	});
	// What ends us is for the program to hear; it decides when that is.
	return () => {};
}

/**
 * @param {unknown} error
 * @returns {import('./types.d.ts').Fault}
 */
function refusal(error) {
	const code = /** @type {NodeJS.ErrnoException} */ (error).code ?? 'unknown';
	return { fault: FAULTS[code] ?? 'io', detail: code };
}
