// GitHub Actions runs this file for a step that `uses:` the action (`main` in action.yml).

import { start } from './start.js';

start('github', 'main');
