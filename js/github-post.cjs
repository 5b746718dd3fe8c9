// GitHub Actions runs this file when the job ends, whatever came of it (`post` in action.yml).

'use strict';

require('./start.cjs').start('github', 'post');
