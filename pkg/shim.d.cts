export * from '../js/shim.js';
