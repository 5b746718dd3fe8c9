// What takes longest is begun before the page's own script is read: the module, its worker, and the examples.

import { Engine } from './engine.js';

export const engine = new Engine();
/** @type {Promise<import('./main.js').Material>} */
export const material = fetch('material.json').then((response) => response.json());
material.catch(() => {}); // whoever waits for it is told
