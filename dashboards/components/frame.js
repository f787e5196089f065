// What every page knows: the company, its words and formats, the period that is chosen and what it is compared with.
import { rows } from './state.js';
import { wordsOf, speaker } from './words.js';
import { formatsOf, withArticle } from './format.js';

/** The comparisons that a period has, the usual one first: `before`, `year` and `none`. */
export function comparisonsOf(period) {
	const there = ['before', 'year'].filter((kind) => period?.[`${kind}_period`]);
	return [...there.sort((a, b) => Number(b === period.usual) - Number(a === period.usual)), 'none'];
}

/** Which one holds: the chosen one where the period has it, else the usual one, else any, else none. */
export function comparisonOf(period, chosen) {
	const there = comparisonsOf(period);
	return there.includes(chosen) ? chosen : there[0];
}

export function frameOf(company, periods, choice) {
	const site = rows(company)[0] ?? {};
	const tell = speaker(site);
	const format = formatsOf(site, choice.money);
	const period = rows(periods).find((row) => row.period === choice.period) ?? {};
	const kind = comparisonOf(period, choice.compare);
	const to = (which) => ({
		kind: which,
		period: period[`${which}_period`],
		text: `${format.day(period[`${which}_from`])} – ${format.day(period[`${which}_to`])}`
	});
	return {
		site, tell, format, period,
		say: wordsOf(site),
		span: tell(`from ${format.day(period.from_day)} to ${format.day(period.to_day)}`, `${withArticle('dal', format.day(period.from_day))} ${withArticle('al', format.day(period.to_day))}`),
		/** `{ kind, period, text }`, or nothing. */
		compared: kind === 'none' ? undefined : to(kind),
		/** The comparison that was not chosen, where the period has it. */
		other: comparisonsOf(period).filter((which) => which !== 'none' && which !== kind).map(to)[0]
	};
}
