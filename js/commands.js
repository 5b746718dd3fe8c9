// The commands of the command line, and what is said when they are called in a way that they do not know.

import { nearest, quote, UsageError } from './usage.js';

/**
 * @typedef {object} Command
 * @property {string[]} options each takes a value
 * @property {string[]} operands
 * @property {(options: Record<string, string>, operands: string[]) => Promise<number | undefined>} run returns the
 *   exit code, or nothing where that is set or comes later
 */

/** @type {Record<string, Command>} */
const COMMANDS = {
	demo: {
		options: [],
		operands: [],
		run: async () => (await import('./demo.js')).demo(),
	},
	sandbox: {
		options: ['port', 'config'],
		operands: [],
		run: async (options) => (await import('./serve.js')).serve(options),
	},
	'credential-process': {
		options: [],
		operands: ['CI', 'FILE'],
		run: async (_, [ci = '', file = '']) => {
			const { CIS, isCi } = await import('./core.js');
			if (!isCi(ci)) throw new UsageError(`unknown CI ${quote(ci)}${nearest(ci, CIS)}`);
			await (await import('./start.js')).start(ci, 'credential-process', [file]);
			return undefined;
		},
	},
};

const HELP = `Usage: node js/cli.js COMMAND

Gives a CI job short-lived AWS credentials in exchange for the job's own OIDC token. In a workflow you do not call it:
the action does. Here you can see it work, and try roles and trust policies without an AWS account.

Commands:
  demo                       Run the GitHub action once against the sandbox: a job that is let in, its clean-up, and a
                             job that is not, with the reason. Takes about a second, needs no network, leaves nothing.
  sandbox                    Serve a stand-in for GitHub's token service and for AWS STS on 127.0.0.1, until Ctrl-C.
                             It prints what to paste to run the action against it, and then a line for each request.
    --port N                   the port (default: any that is free)
    --config FILE              providers, roles with their trust policies, and the job, as JSON (default: a role
                               "deploy" that lets the job in, and a role "deploy-prod" that does not)
  credential-process CI FILE
                             Print credentials in the form that AWS tools expect of a credential_process. A step of
                             that CI writes FILE, and the profile that has this command in it.

Options:
  -h, --help                 Show this text.
  -V, --version              Show the version.

Exit codes: 0 done, 2 used or configured wrongly, 3 no token, 4 denied by AWS, 5 network, 6 credentials could not be
handed over, 70 internal error, 130 interrupted. The demo ends with 1 when it did not go as it should.
`;

/** @param {string[]} argv */
export async function main(argv) {
	process.stdout.on('error', () => {}); // a reader who has seen enough
	try {
		const exitCode = await dispatch(argv);
		if (exitCode !== undefined) process.exitCode = exitCode;
	} catch (error) {
		const { message, name } = /** @type {Error} */ (error);
		console.error(`ci-assume-role: ${error instanceof UsageError ? message : `internal error (${name}: ${message})`}`);
		process.exitCode = error instanceof UsageError ? 2 : 70;
	}
}

/** @param {string[]} argv */
async function dispatch([name, ...rest]) {
	if (name === undefined || isHelp(name)) {
		console[name === undefined ? 'error' : 'log'](HELP.trimEnd());
		return name === undefined ? 2 : 0;
	}
	if (name === '--version' || name === '-V') {
		const { load } = await import('./core.js');
		console.log((await load('github')).version());
		return 0;
	}
	const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
	if (!command) {
		const kind = name.startsWith('-') ? 'option' : 'command';
		throw new UsageError(
			`unknown ${kind} ${quote(name)}${nearest(name, [...Object.keys(COMMANDS), '--help', '--version'])}`,
		);
	}
	if (rest.some(isHelp)) {
		console.log(HELP.trimEnd());
		return 0;
	}
	const { options, operands } = parse(name, command, rest);
	return command.run(options, operands);
}

/** @param {string} argument */
function isHelp(argument) {
	return argument === '--help' || argument === '-h' || argument === 'help';
}

/**
 * `--name VALUE` or `--name=VALUE`, and operands, in any order.
 * @param {string} name
 * @param {Command} command
 * @param {string[]} argv
 */
function parse(name, command, argv) {
	/** @type {Record<string, string>} */
	const options = {};
	/** @type {string[]} */
	const operands = [];
	const rest = [...argv];
	for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
		if (!argument.startsWith('-')) {
			operands.push(argument);
			continue;
		}
		const [, option = '', value = rest.shift()] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
		if (!command.options.includes(option)) {
			const known = command.options.map((each) => `--${each}`);
			throw new UsageError(`${name} has no option ${quote(argument)}${nearest(argument, known)}`);
		}
		if (value === undefined) throw new UsageError(`--${option} needs a value`);
		options[option] = value;
	}
	const missing = command.operands[operands.length];
	if (missing)
		throw new UsageError(`${name} needs ${missing}: node js/cli.js ${[name, ...command.operands].join(' ')}`);
	const surplus = operands[command.operands.length];
	if (surplus !== undefined) throw new UsageError(`${name} does not take ${quote(surplus)}`);
	return { options, operands };
}
