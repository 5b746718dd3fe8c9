// GitHub Actions runs this file when a job ends that has logged in by the action in `login-ecr/`.

'use strict';

require('./start.cjs').whole('github', 'logout-ecr');
