// After the first load the page works without a network: everything that it is made of is kept by the browser.

import { ownScript } from './dom.js';

export async function keepOffline() {
	if (!('serviceWorker' in navigator)) return; // not over plain HTTP, but for loopback
	try {
		await navigator.serviceWorker.register(ownScript('offline.js'));
	} catch {
		// A browser that keeps nothing, as some do in private windows, has the page from the network.
	}
}
