// The module that answers in the sandbox, and that knows trust policies. The build makes one file of this one and the
// glue, pkg/policy-core.cjs.

import * as core from '../pkg/ci_assume_role_policy.js';
import { readModule } from './wasm.js';

core.initSync({ module: readModule('ci_assume_role_policy_bg.wasm.br') });

export { core };
