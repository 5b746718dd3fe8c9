// Examples, each behind a link of its own.

import { h } from './dom.js';
import { material } from './material.js';

export function examplesView() {
	const { why, rule: rules, example: examples, levels } = material;
	const causes = Object.entries(why).filter(([, { policy }]) => policy !== undefined);
	return h(
		'div',
		{ class: 'view' },
		h('h1', {}, 'Examples'),
		h('p', {}, 'Each opens with a policy and the claims of a token, to be looked at and changed.'),
		h('h2', {}, 'What works, by CI'),
		h('div', { class: 'columns' }, [
			...levels.cis.map(({ ci, name, levels: of }) =>
				h(
					'section',
					{ 'aria-label': name },
					h('h3', {}, name),
					h(
						'ul',
						{},
						of.map(({ level }) =>
							h(
								'li',
								{},
								h(
									'a',
									{ href: `#example=${ci}-${level}` },
									examples[`${ci}-${level}`]?.title ?? level.replaceAll('-', ' '),
								),
								' (',
								h('a', { href: `#generate=${ci}-${level}`, 'aria-label': `Generate: ${name}, ${level}` }, 'generate'),
								')',
							),
						),
					),
				),
			),
		]),
		h('h2', {}, 'What AWS refuses, by cause'),
		h(
			'ul',
			{ class: 'columns' },
			causes.map(([id, { title }]) =>
				h('li', {}, h('a', { href: `#why=${id}` }, title), ' ', h('code', { class: 'hint' }, id)),
			),
		),
		h('h2', {}, 'What the linter finds, by rule'),
		h(
			'ul',
			{ class: 'columns' },
			Object.entries(rules).map(([id, { title }]) => h('li', {}, h('a', { href: `#rule=${id}` }, `${id}: ${title}`))),
		),
	);
}
