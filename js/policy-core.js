// Loads the module that answers in the sandbox. It is stored compressed: few runs load it, and every job downloads it.

import * as core from '../pkg/ci_assume_role_policy.js';

const fs = process.getBuiltinModule('node:fs');
const { gunzipSync } = process.getBuiltinModule('node:zlib');

const file = new URL('../pkg/ci_assume_role_policy_bg.wasm.gz', import.meta.url);
core.initSync({ module: gunzipSync(fs.readFileSync(file)) });

export { core };
