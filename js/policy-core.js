// Loads the module that can answer in the sandbox.

import * as core from '../pkg/ci_assume_role.js';

const wasm = new URL('../pkg/ci_assume_role_bg.wasm', import.meta.url);
core.initSync({ module: process.getBuiltinModule('node:fs').readFileSync(wasm) });

export { core };
