// The task's entry. In the package js/ and pkg/ stand beside it, as vss-extension.json puts them there. The agent gives
// a task its inputs as INPUT_… variables, and the job's token as the authorization of an endpoint.

import { start } from './js/start.cjs';

/** The flags of the command line that the inputs stand for; those of `LISTS` have one value a line. */
const FLAGS = {
	roleArn: '--role-arn',
	region: '--region',
	serviceConnection: '--service-connection',
	handOver: '--hand-over',
	profile: '--profile',
	prefix: '--prefix',
	sessionName: '--session-name',
	duration: '--duration',
	policy: '--policy',
	chain: '--chain',
	stsEndpoint: '--sts-endpoint',
	maxAttempts: '--max-attempts',
};
const LISTS = { policyArn: '--policy-arn', allowedAccountId: '--allowed-account-id' };

/** @param {string} name */
function input(name) {
	return (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
}

/** What the agent alone may say to Azure DevOps, and a task without being told to. */
function accessToken() {
	try {
		return JSON.parse(process.env.ENDPOINT_AUTH_SYSTEMVSSCONNECTION ?? '').parameters.AccessToken;
	} catch {
		return undefined;
	}
}

const args = ['assume', '--ci', 'azure-devops'];
for (const [name, flag] of Object.entries(FLAGS)) {
	if (input(name)) args.push(`${flag}=${input(name)}`);
}
for (const [name, flag] of Object.entries(LISTS)) {
	for (const value of input(name).split(/\s+/)) if (value) args.push(`${flag}=${value}`);
}
process.env.SYSTEM_ACCESSTOKEN ??= accessToken() ?? '';
await start('any', 'command', args);
