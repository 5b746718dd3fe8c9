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
	playground: {
		options: ['port'],
		operands: [],
		run: async (options) => (await import('./playground.js')).playground(options),
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
			await (await import('./start.cjs')).start(ci, 'credential-process', [file]);
			return undefined;
		},
	},
};

/** Those that the core knows better: it reads their options, and has their help. */
const OF_CORE = [
	'assume',
	'exec',
	'credential-process',
	'claims',
	'doctor',
	'console',
	'login',
	'logout',
	'completion',
];

const HELP = `Usage: ci-assume-role COMMAND [OPTIONS]

Gives a CI job short-lived AWS credentials in exchange for the job's own OIDC token. In a workflow of GitHub Actions, a
pipeline of Buildkite or a workflow of Bitrise you do not call it: the action, plugin or step does. Everywhere else, and
to find out what is wrong, these are the commands; "ci-assume-role COMMAND --help" has the options of each.

Commands:
  assume                     Assume a role, and hand the credentials over in the manner of this CI or in a given form.
  exec -- COMMAND            Run a command that has the credentials of a role, and nobody else.
  credential-process         Be the credential_process of an AWS profile, with a cache.
  claims                     Show what the job's token says, and which of it a trust policy can test.
  doctor                     Check everything that it takes, and say how to mend what fails.
  console                    Print an address that signs you in to AWS's console as a job's role.
  login ecr                  Log docker, podman, buildah, helm or crane in to registries of Amazon ECR.
  logout ecr                 Log out again, and put the logins back that were there before.
  policy lint FILE …         Look for mistakes in trust policies, with a proof for each.
  policy explain             Say what a trust policy does with a token, and why.
  policy check FILE …        Test a trust policy against tokens that it has to admit or refuse.
  policy generate            Write provider, role and pipeline for a job, and prove that no other gets in.
  policy audit FILE …        Say who outside of an account can assume what in it.
  completion SHELL           Print completions for bash, zsh, fish or powershell.
  demo                       Run the GitHub action once against the sandbox: a job that is let in, its clean-up, and a
                             job that is not, with the reason. Takes about a second, needs no network, leaves nothing.
  playground                 Serve the page that explains denials on 127.0.0.1, until Ctrl-C. Nothing of what you
                             look at there leaves the machine.
    --port N                   the port (default: any that is free)
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
		console.log(load('github').version());
		return 0;
	}
	if (name === 'policy') {
		if (rest[0] === undefined || isHelp(rest[0])) return dispatch(rest);
		await (await import('./start.cjs')).policy('command', [name, ...rest]);
		return undefined;
	}
	if (['login', 'logout'].includes(name) && (rest[0] === undefined || isHelp(rest[0]))) return dispatch(rest);
	const kept = name === 'credential-process' && rest.length > 0 && !rest.some((word) => word.startsWith('-'));
	if (OF_CORE.includes(name) && !kept) {
		await (await import('./start.cjs')).start('any', 'command', [name, ...rest]);
		return undefined;
	}
	const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
	if (!command) {
		const kind = name.startsWith('-') ? 'option' : 'command';
		throw new UsageError(
			`unknown ${kind} ${quote(name)}${nearest(name, [...Object.keys(COMMANDS), ...OF_CORE, 'policy', '--help', '--version'])}`,
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
		throw new UsageError(`${name} needs ${missing}: ci-assume-role ${[name, ...command.operands].join(' ')}`);
	const surplus = operands[command.operands.length];
	if (surplus !== undefined) throw new UsageError(`${name} does not take ${quote(surplus)}`);
	return { options, operands };
}
