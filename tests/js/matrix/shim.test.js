// The effects, performed by the runtime of CI_ASSUME_ROLE_RUNTIME: requests, files, signals and streams are where
// runtimes differ.

import '../shim/fetch.test.js';
import '../shim/files.test.js';
import '../shim/program.test.js';
import '../shim/run.test.js';
