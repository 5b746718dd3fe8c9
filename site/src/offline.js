// Keeps what the page is made of, and answers from that: what the page needs first, the documentation after it.

/** @type {any} */
const worker = self;
// The build puts in what there is, and a name that changes with its contents.
/** @type {{ version: string, page: string[], docs: string[] }} */
const { version, page, docs } = /** @type {any} */ (globalThis).OFFLINE ?? { version: '', page: [], docs: [] };
const PREFIX = 'ci-assume-role-';
const CACHE = `${PREFIX}${version}`;

/** @param {string} path */
const whole = (path) => new URL(path, worker.registration.scope).href;

worker.addEventListener('install', (/** @type {any} */ event) => {
	event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(page.map(whole))));
	worker.skipWaiting();
});

worker.addEventListener('activate', (/** @type {any} */ event) => {
	event.waitUntil(
		(async () => {
			for (const name of await caches.keys()) {
				if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
			}
			await worker.clients.claim();
			// Not waited for by anybody: whoever reads no documentation does without.
			const cache = await caches.open(CACHE);
			await Promise.allSettled(docs.map((path) => cache.add(whole(path))));
		})(),
	);
});

worker.addEventListener('fetch', (/** @type {any} */ event) => {
	const url = new URL(event.request.url);
	if (event.request.method !== 'GET' || url.origin !== location.origin) return;
	url.hash = '';
	url.search = '';
	event.respondWith(
		(async () => {
			const cache = await caches.open(CACHE);
			return (await cache.match(url.href)) ?? fetch(event.request);
		})(),
	);
});
