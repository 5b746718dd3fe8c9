// The core: which module of `pkg/` knows which CI. They share their glue, so that a bundle can have one of them.

import { initSync, Job, version } from '../pkg/ci_assume_role.js';
import { readModule } from './wasm.js';

/** The one that most jobs load is stored as it is; every job downloads the others. */
const GITHUB = 'ci_assume_role_github_bg.wasm';
const ALL = 'ci_assume_role_bg.wasm.br';

/** @type {Record<import('./types.d.ts').CiName, string>} */
const MODULES = { any: ALL, bitrise: ALL, buildkite: ALL, github: GITHUB };
export const CIS = Object.keys(MODULES);

/**
 * @param {string} name
 * @returns {name is import('./types.d.ts').CiName}
 */
export function isCi(name) {
	return Object.hasOwn(MODULES, name);
}

/** @param {import('./types.d.ts').CiName} ci */
export function load(ci) {
	initSync({ module: readModule(MODULES[ci]) });
	return { Job, version };
}
