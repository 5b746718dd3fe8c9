// A file that one process of this machine holds at a time. Who holds it has written its number in, so that a holder that
// was killed does not keep the others waiting for ever.

const fs = process.getBuiltinModule('node:fs');
const { dirname } = process.getBuiltinModule('node:path');

const PAUSE_MS = 50;

/** @type {import('./types.d.ts').Start<import('./types.d.ts').Lock>} */
export function takeLock({ path, timeoutMs }, settle) {
	const deadline = Date.now() + timeoutMs;
	/** @type {NodeJS.Timeout | undefined} */
	let timer;
	let settled = false;
	/** @param {import('./types.d.ts').Outcome} outcome */
	const finish = (outcome) => {
		if (settled) return;
		settled = true;
		clearTimeout(timer);
		settle(outcome);
	};
	const attempt = () => {
		let folder = false;
		try {
			fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
			folder = true;
			fs.writeFileSync(path, `${process.pid}`, { flag: 'wx', mode: 0o600 });
			return finish({});
		} catch (error) {
			const code = /** @type {NodeJS.ErrnoException} */ (error).code ?? 'unknown';
			// A file in the place of the folder exists as well.
			if (!folder || code !== 'EEXIST') return finish({ fault: code === 'EACCES' ? 'permission' : 'io', detail: code });
		}
		if (Date.now() >= deadline) return finish({ fault: 'timeout', detail: `held by others for ${timeoutMs} ms` });
		if (isAbandoned(path, timeoutMs)) fs.rmSync(path, { force: true });
		timer = setTimeout(attempt, PAUSE_MS * (0.5 + Math.random()));
	};
	attempt();
	return (signal) => finish({ fault: 'interrupted', detail: signal });
}

/**
 * @param {string} path
 * @param {number} longestMs nobody holds it for longer than that
 */
function isAbandoned(path, longestMs) {
	try {
		if (Date.now() - fs.statSync(path).mtimeMs > longestMs) return true;
		const holder = Number(fs.readFileSync(path, 'utf8'));
		if (holder > 0) process.kill(holder, 0);
		return false;
	} catch (error) {
		return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH';
	}
}
