// GitHub Actions runs this file when the job ends, whatever came of it (`post` in action.yml).

import { start } from './start.js';

start('github', 'post');
