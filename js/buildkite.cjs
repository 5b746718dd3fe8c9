// hooks/launch.bash runs this file in a job of Buildkite, and evaluates what it prints to standard output.

'use strict';

require('./start.cjs').start('buildkite', 'main');
