// The `sandbox` command: serves the sandbox until it is told to stop, and says how to use it.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readPort, untilStopped } from './loopback.js';
import { core } from './policy-core.js';
import { startSandbox } from './sandbox.js';
import { quote, UsageError } from './usage.js';

/**
 * @param {{ port?: string, config?: string }} options
 * @returns {Promise<number>} the exit code
 */
export async function serve(options) {
	const port = readPort(options.port ?? '0');
	const config = options.config === undefined ? core.sandboxDefaultConfig() : readConfig(options.config);
	const log = (/** @type {string} */ line) => console.log(`${new Date().toTimeString().slice(0, 8)} ${line}`);
	const sandbox = await startSandbox({ port, config, log }).catch((error) => {
		throw error.code || error instanceof UsageError ? error : new UsageError(error.message); // about the configuration
	});
	console.log(instructions(sandbox, config.roles[0]?.arn ?? 'ROLE'));
	await untilStopped();
	sandbox.close();
	return 0;
}

/**
 * Lines for a POSIX shell: names such as INPUT_AWS-REGION can only be set by `env`.
 * @param {Awaited<ReturnType<typeof startSandbox>>} sandbox
 * @param {string} role
 */
function instructions({ url, requestUrl, agentEndpoint, buildUrl, requestToken }, role) {
	const entry = fileURLToPath(new URL('github.cjs', import.meta.url));
	return `A sandbox of the token services of GitHub, Buildkite and Bitrise and of AWS STS serves at ${url}, for this
machine only. Its credentials open nothing. Ctrl-C stops it.

To run the GitHub action against it, paste this into another terminal:

  dir=$(mktemp -d) && touch "$dir/env" "$dir/output" "$dir/state" "$dir/summary"
  env GITHUB_ACTIONS=true RUNNER_TEMP="$dir" GITHUB_ENV="$dir/env" GITHUB_OUTPUT="$dir/output" \\
    GITHUB_STATE="$dir/state" GITHUB_STEP_SUMMARY="$dir/summary" \\
    ACTIONS_ID_TOKEN_REQUEST_URL=${shell(requestUrl)} \\
    ACTIONS_ID_TOKEN_REQUEST_TOKEN=${shell(requestToken)} \\
    INPUT_AWS-REGION=us-east-1 INPUT_STS-ENDPOINT=${shell(url)} \\
    INPUT_ROLE-TO-ASSUME=${shell(role)} \\
    node ${shell(entry)}
  cat "$dir/env"

To be a job of Buildkite's, and to ask for its token as the agent does:

  export BUILDKITE=true BUILDKITE_JOB_ID=0184990a-477b-4fa8-9968-496074483cee BUILDKITE_NO_HTTP2=true
  export BUILDKITE_AGENT_ENDPOINT=${shell(agentEndpoint)} BUILDKITE_AGENT_ACCESS_TOKEN=${shell(requestToken)}
  curl -sS "$BUILDKITE_AGENT_ENDPOINT/jobs/$BUILDKITE_JOB_ID/oidc/tokens" -d '{"audience": "sts.amazonaws.com"}' \\
    -H 'Content-Type: application/json' -H "Authorization: Token $BUILDKITE_AGENT_ACCESS_TOKEN"

To be a build of Bitrise's, and to ask for its token:

  export BITRISE_IO=true BITRISE_BUILD_NUMBER=42
  export BITRISE_BUILD_URL=${shell(buildUrl)} BITRISE_BUILD_API_TOKEN=${shell(requestToken)}
  curl -sS "$BITRISE_BUILD_URL/id_token.json" -d '{"aud": "sts.amazonaws.com"}' -H 'Content-Type: application/json' \\
    -H "Authorization: $BITRISE_BUILD_API_TOKEN" -H "BUILD_API_TOKEN: $BITRISE_BUILD_API_TOKEN"

STS is at ${url}, and has the role ${role} for each of the three.

Requests:`;
}

/** @param {string} text */
function shell(text) {
	return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replace(/'/g, `'\\''`)}'`;
}

/** @param {string} path */
function readConfig(path) {
	let text;
	try {
		text = readFileSync(path, 'utf8');
	} catch (error) {
		const { code } = /** @type {NodeJS.ErrnoException} */ (error);
		throw new UsageError(`--config cannot read ${quote(path)}: ${code}`);
	}
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new UsageError(`--config ${quote(path)} is not JSON: ${/** @type {Error} */ (error).message}`);
	}
}
