#!/usr/bin/env node
// The command line: `node js/cli.js --help` says what it can do.

import { prepare } from './start.js';

prepare().then(async (fit) => {
	if (fit) await (await import('./commands.js')).main(process.argv.slice(2));
});
