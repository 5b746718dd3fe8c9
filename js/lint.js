// GitHub Actions runs this file for a step that `uses:` the action in `lint/`.

import { prepare } from './start.js';

prepare().then(async (fit) => {
	if (fit) await (await import('./policy.js')).policy('main');
});
