// The step of a Bitrise workflow runs this file (step.sh).

import { start } from './start.js';

start('bitrise', 'main');
