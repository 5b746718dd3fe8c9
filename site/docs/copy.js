// A button on each block of code that copies it. Without this script there are no buttons, and the code can be selected.

const SHOWN_MS = 2000;

if (navigator.clipboard) {
	for (const block of document.querySelectorAll('.code')) addButton(block);
}

/** @param {Element} block */
function addButton(block) {
	const button = document.createElement('button');
	button.type = 'button';
	button.className = 'no-print';
	button.textContent = 'Copy';
	// What a screen reader says when the button's own text changes is up to each of them.
	const status = document.createElement('span');
	status.className = 'visually-hidden';
	status.setAttribute('role', 'status');
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	let timer;
	/** @param {string} text */
	const show = (text) => {
		button.textContent = text;
		status.textContent = text;
		clearTimeout(timer);
		timer = setTimeout(() => {
			button.textContent = 'Copy';
			status.textContent = '';
		}, SHOWN_MS);
	};
	button.addEventListener('click', async () => {
		try {
			await navigator.clipboard.writeText(block.querySelector('code')?.textContent ?? '');
			show('Copied');
		} catch {
			show('Not copied');
		}
	});
	block.append(button, status);
}
