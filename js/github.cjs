// GitHub Actions runs this file for a step that `uses:` the action (`main` in action.yml).

'use strict';

require('./start.cjs').start('github', 'main');
