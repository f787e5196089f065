import { writable } from 'svelte/store';

/** What the reader has chosen, on whatever page: the model, the period, the channel of the cohorts. Empty until a page knows its defaults. */
export const choice = writable({});
/** The same as it stands behind an address: `?period=2026-01`, or nothing while all is as the company set it. */
export const search = writable('');

export function addressOf(choice, defaults) {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(choice)) if (value !== defaults[name]) query.set(name, value);
	return query.size > 0 ? `?${query}` : '';
}

/** A query of a page as plain rows. */
export const rows = (query) => Array.from(query ?? [], (row) => ({ ...row }));
