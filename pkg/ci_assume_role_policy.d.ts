/* tslint:disable */
/* eslint-disable */

/** One thing that the core asks for. Those with an `id` are answered by `Job.resume`. */
export type Effect =
| { id: number; kind: 'fetch'; method: string; url: string; headers: [string, string][]; body?: string;
connectTimeoutMs: number; timeoutMs: number; maxBytes: number; proxy?: string; socket?: string }
| { id: number; kind: 'run'; argv: string[]; env: [string, string][]; input: string; timeoutMs: number;
maxBytes: number }
| { id: number; kind: 'read-file'; path: string; maxBytes: number; symlinks: 'follow' | 'refuse' }
| { id: number; kind: 'list-files'; path: string; endings: string[]; maxFiles: number }
| { id: number; kind: 'read-input'; maxBytes: number }
| { id: number; kind: 'consult'; question: string }
| { id: number; kind: 'write-file'; path: string; contents: string; mode: number }
| { id: number; kind: 'append-file'; path: string; contents: string }
| { id: number; kind: 'truncate-file'; path: string; length: number }
| { id: number; kind: 'remove-file'; path: string }
| { id: number; kind: 'sleep'; ms: number }
| { id: number; kind: 'exec'; argv: string[]; env: Record<string, string>; without: string[] }
| { id: number; kind: 'lock'; path: string; timeoutMs: number }
| { id: number; kind: 'progress'; done: number; total: number }
| { id?: undefined; kind: 'mask'; stream: 'stdout' | 'stderr'; line: string }
| { id?: undefined; kind: 'log'; stream: 'stdout' | 'stderr'; text: string }
| { id?: undefined; kind: 'elsewhere' }
| { id?: undefined; kind: 'done'; exitCode: number };



/**
 * A run in progress.
 */
export class Job {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Starts a run from its request as JSON in UTF-8. Clock and seed are drawn here, and nowhere else.
     *
     * Bytes and not a string: the glue copies a string character by character, in a loop that takes
     * longer to optimise than the whole run.
     */
    constructor(request: Uint8Array | number[]);
    /**
     * Goes on as far as possible; returns the effects that are newly asked for, in order, as JSON in
     * UTF-8: a list of `Effect`. Objects would do, but each of their fields is a call across the
     * boundary, and the loop that makes them takes longer to compile than JSON to read.
     */
    next(): Uint8Array;
    /**
     * Delivers the outcome of an effect, as JSON in UTF-8, and the milliseconds since the start.
     */
    resume(id: number, outcome: Uint8Array | number[], elapsed_ms: number): void;
}

/**
 * What a denied job asks of the module that knows trust policies, and what it is told.
 */
export function policyConsult(question: string): string;

/**
 * What `policy lint --format json` says of one text, for hosts without files. `name` is what the file is called.
 */
export function policyLint(text: string, name: string): string;

/**
 * What the sandbox's STS answers to one request.
 */
export function sandboxAnswer(request: string): any;

/**
 * Header and claims of the token that the sandbox's issuer signs next.
 */
export function sandboxClaims(request: string): any;

/**
 * The sandbox's configuration when none is given.
 */
export function sandboxDefaultConfig(): any;

export function version(): string;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
    readonly __wbg_job_free: (a: number, b: number) => void;
    readonly job_new: (a: number, b: number) => [number, number, number];
    readonly job_next: (a: number) => [number, number];
    readonly job_resume: (a: number, b: number, c: number, d: number, e: number) => void;
    readonly policyConsult: (a: number, b: number) => [number, number];
    readonly policyLint: (a: number, b: number, c: number, d: number) => [number, number];
    readonly sandboxAnswer: (a: number, b: number) => [number, number, number];
    readonly sandboxClaims: (a: number, b: number) => [number, number, number];
    readonly sandboxDefaultConfig: () => [number, number, number];
    readonly version: () => [number, number];
    readonly __wbindgen_malloc: (a: number, b: number) => number;
    readonly __wbindgen_realloc: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_free: (a: number, b: number, c: number) => void;
    readonly __wbindgen_exn_store: (a: number) => void;
    readonly __externref_table_alloc: () => number;
    readonly __wbindgen_externrefs: WebAssembly.Table;
    readonly __externref_table_dealloc: (a: number) => void;
    readonly __wbindgen_start: () => void;
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given `module`, which can either be bytes or
 * a precompiled `WebAssembly.Module`.
 *
 * @param {{ module: SyncInitInput }} module - Passing `SyncInitInput` directly is deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput } | SyncInitInput): InitOutput;

/**
 * If `module_or_path` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls `WebAssembly.instantiate` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput> }} module_or_path - Passing `InitInput` directly is deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init (module_or_path: { module_or_path: InitInput | Promise<InitInput> } | InitInput | Promise<InitInput>): Promise<InitOutput>;
