// What most runs do without, so that it is loaded when it is asked for: effects that few jobs
// need. The build makes one file of it, pkg/seldom.cjs.

export { consult } from './consult.js';
export { takeLock } from './lock.js';
export { listFiles, readInput } from './look.js';
export { execProgram, startProgram } from './program.js';
