import { get, writable } from 'svelte/store';
import { addBasePath } from '@evidence-dev/sdk/utils/svelte';

/** What the reader has chosen, on whatever page: period, comparison, model, device, amounts, channel, kind of conversion. Empty until a page knows its defaults. */
export const choice = writable({});
/** The same as it stands behind an address: `?period=2026-01`, or nothing while all is as the company set it. */
export const search = writable('');
/** Rows of other models than the default one, by page table, as they have been fetched. */
export const extra = writable({});

/** What is chosen where nobody has chosen: the company's period and model, and no cut. */
export const defaultsOf = (company) => {
	const [site = {}] = rows(company);
	return { period: site.default_period, compare: 'usual', model: site.default_model, device: '(all)', money: 'auto', channel: '(all)', type: 'first_order' };
};

/**
 * Every page begins with it, before it looks at what is chosen: else it would be made of nothing at first, and what stands in the page as it
 * comes would be thrown away.
 */
export function begin(company) {
	if (!get(choice).period) choice.set(defaultsOf(company));
}

export function addressOf(choice, defaults) {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(choice)) if (value !== defaults[name]) query.set(name, value);
	return query.size > 0 ? `?${query}` : '';
}

/** A query of a page as plain rows. */
export const rows = (query) => Array.from(query ?? [], (row) => ({ ...row }));

const fetched = new Map();

/** Whether the rows of a model are here for all of these page tables. */
export const hasModel = (tables, model) => tables.every((table) => fetched.get(`${table}/${model}`) === true);

/**
 * Fetches what a page shows of a model that is not the default one. The names are those of page tables and of models that the
 * build has told of, never of an address.
 */
export async function fetchModel(tables, model) {
	await Promise.all(
		tables.map(async (table) => {
			const key = `${table}/${model}`;
			if (fetched.get(key) === true) return;
			if (!fetched.has(key)) {
				fetched.set(key, (async () => {
					const answer = await fetch(addBasePath(`/more/${table}/${encodeURIComponent(model)}.json`));
					if (!answer.ok) throw new Error(`${key}: ${answer.status}`);
					const { columns, rows } = await answer.json();
					const more = rows.map((cells) => Object.fromEntries(columns.map((column, place) => [column, cells[place]])));
					extra.set({ ...get(extra), [table]: [...(get(extra)[table] ?? []), ...more] });
					fetched.set(key, true);
				})());
			}
			try {
				await fetched.get(key);
			} catch (error) {
				fetched.delete(key);
				throw error;
			}
		})
	);
}
