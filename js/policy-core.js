// Loads the module that answers in the sandbox, and that knows trust policies.

import { loadModule } from './core.js';

/** @type {typeof import('../pkg/ci_assume_role_policy.js')} */
export const core = await loadModule('ci_assume_role_policy');
