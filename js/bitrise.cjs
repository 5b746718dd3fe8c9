// The step of a Bitrise workflow runs this file (step.sh).

'use strict';

require('./start.cjs').start('bitrise', 'main');
