// What the shim and the core say to each other. The effects are declared by the core; what comes back, here.

import type { Job as CoreJob, Effect } from '../pkg/ci_assume_role.js';

export type { Effect };
export type CiName = 'any' | 'bitrise' | 'buildkite' | 'github';
export type Fetch = Extract<Effect, { kind: 'fetch' }>;
export type RunEffect = Extract<Effect, { kind: 'run' }>;
export type Exec = Extract<Effect, { kind: 'exec' }>;
export type Lock = Extract<Effect, { kind: 'lock' }>;
export type ListFiles = Extract<Effect, { kind: 'list-files' }>;
export type Consult = Extract<Effect, { kind: 'consult' }>;
export type ReadInput = Extract<Effect, { kind: 'read-input' }>;
export type Sleep = Extract<Effect, { kind: 'sleep' }>;
export type ReadFile = Extract<Effect, { kind: 'read-file' }>;
export type FileEffect = Extract<Effect, { kind: `${string}-file` }>;

export type NetworkFault =
	| 'dns'
	| 'refused'
	| 'reset'
	| 'unreachable'
	| 'connect-timeout'
	| 'timeout'
	| 'tls'
	| 'too-large'
	| 'proxy'
	| 'protocol'
	| 'interrupted';

export type FileFault =
	| 'not-found'
	| 'symlink'
	| 'not-a-file'
	| 'permission'
	| 'disk-full'
	| 'too-large'
	| 'not-utf8'
	| 'io';

export type ProgramFault = 'not-found' | 'permission' | 'timeout' | 'too-large' | 'interrupted' | 'io';

export interface Fault {
	fault: NetworkFault | FileFault | ProgramFault;
	/** Short; never a header, a body, a password or a request. */
	detail: string;
}

export interface Answer {
	status: number;
	headers: Record<string, string>;
	body: string;
}

export type FileOutcome = { contents: string } | { offset: number } | Record<string, never> | Fault;

/** How a program ended; no exit code when a signal ended it. */
export interface Ended {
	exitCode: number | null;
	stdout: string;
	stderr: string;
}

export type Outcome = Answer | FileOutcome | Ended | { exitCode: number } | { files: string[] } | { answer: string };

export type Settle = (outcome: Outcome) => void;

/** Ends an effect that is under way; it then settles as interrupted. */
export type Stop = (signal: string) => void;

/** Starts an effect, calls `settle` exactly once, and returns the way to end it early. */
export type Start<E> = (effect: E, settle: Settle) => Stop;

export interface Job {
	next(): Effect[];
	resume(id: number, outcome: Uint8Array, elapsedMs: number): void;
}

/** The core's own: its effects come as JSON in UTF-8. */
export type JobClass = new (request: Uint8Array) => Pick<CoreJob, 'next' | 'resume'>;

/** What of ours runs: a job's step, the end of the job, the same for logins, what an AWS SDK calls, or the command line. */
export type Entry = 'main' | 'post' | 'login-ecr' | 'logout-ecr' | 'credential-process' | 'command';

export interface Runtime {
	name: 'node' | 'bun' | 'deno';
	version: string;
	executable: string;
	root: string;
	platform: string;
	home: string;
	/** The streams that lead to a terminal, unless the user wants no colour. */
	coloured: ('stdout' | 'stderr')[];
}

/** What `sandboxDefaultConfig` returns and `--config` reads, as far as the shim looks into it. */
export interface SandboxConfig {
	roles: { arn: string }[];
	job: Record<string, unknown>;
}

/** What `sandboxClaims` returns. */
export interface SandboxToken {
	header: Record<string, unknown>;
	claims: Record<string, unknown>;
}

/** What `sandboxAnswer` returns. */
export interface SandboxAnswer {
	status: number;
	contentType: string;
	requestId: string;
	body: string;
	/** Why, in one line. */
	log: string;
}
