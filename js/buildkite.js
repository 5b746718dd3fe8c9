// hooks/launch.bash runs this file in a job of Buildkite, and evaluates what it prints to standard output.

import { start } from './start.js';

start('buildkite', 'main');
