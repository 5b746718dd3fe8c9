// When the first verdict, or what stands in its place, is on the screen: what can wait begins then.

const answered = new Promise((resolve) => document.addEventListener('answered', resolve, { once: true }));

export const firstShown = answered.then(
	() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))),
);
