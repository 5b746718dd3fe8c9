// Stands in the page itself, so that what takes longest is begun before anything else is there.

import { startWorker } from './engine.js';

Object.assign(globalThis, { begun: startWorker() });
