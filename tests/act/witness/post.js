// Runs after the post step of the action, since it was registered before it.

const fs = require('node:fs');
const { homedir } = require('node:os');
const { join } = require('node:path');

/** @param {string | undefined} folder */
function list(folder) {
	return folder && fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name !== 'cli') : [];
}

const { EVIDENCE = '', RUNNER_TEMP } = process.env;
const seen = {
	variables: Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'))),
	profiles: list(join(homedir(), '.aws')),
	temporary: list(RUNNER_TEMP),
};
fs.writeFileSync(join(EVIDENCE, 'after.json'), JSON.stringify(seen));
