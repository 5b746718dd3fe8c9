// GitHub Actions runs this file for a step that `uses:` the action in `login-ecr/`.

'use strict';

require('./start.cjs').whole('github', 'login-ecr');
