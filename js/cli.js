#!/usr/bin/env node
// The command line: `node js/cli.js --help` says what it can do.

import start from './start.cjs';

if (start.prepare()) import('./commands.js').then(({ main }) => main(process.argv.slice(2)));
