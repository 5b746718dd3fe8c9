// GitHub Actions runs this file for a step that `uses:` the action in `lint/`.

'use strict';

require('./start.cjs').policy('main');
