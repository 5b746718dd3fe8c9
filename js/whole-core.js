// The module that has all that a run can ask for, for a job whose own module says that it has not. The build makes one
// file of this one and a glue of its own, pkg/whole-core.cjs.

import * as core from '../pkg/ci_assume_role.js';
import { readModule } from './wasm.js';

core.initSync({ module: readModule('ci_assume_role_bg.wasm.br') });

export { core };
