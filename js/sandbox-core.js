// Loads the part of the core that answers in the sandbox, a module of its own: a job has no use for it.

import * as core from '../pkg/ci_assume_role_sandbox.js';

const wasm = new URL('../pkg/ci_assume_role_sandbox_bg.wasm', import.meta.url);
core.initSync({ module: process.getBuiltinModule('node:fs').readFileSync(wasm) });

export { core };
