// Numbers, money and days as the company's readers write them. An unknown value is never a nought.
const locales = { it: 'it-IT', en: 'en-GB' };

export function formatsOf(company) {
	const language = company?.language === 'en' ? 'en' : 'it';
	const locale = locales[language];
	const currency = company?.currency ?? 'EUR';
	const make = (options) => new Intl.NumberFormat(locale, { useGrouping: 'always', ...options });
	const cents = make({ style: 'currency', currency });
	const whole = make({ style: 'currency', currency, maximumFractionDigits: 0 });
	const short = make({ style: 'currency', currency, notation: 'compact', maximumFractionDigits: 1 });
	const count = make({ maximumFractionDigits: 0 });
	const decimal = make({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
	const share = make({ style: 'percent', maximumFractionDigits: 1, minimumFractionDigits: 1 });
	const round = make({ style: 'percent', maximumFractionDigits: 0 });
	const change = make({ style: 'percent', maximumFractionDigits: 1, signDisplay: 'exceptZero' });
	const dates = (options) => new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options });
	const day = dates({ day: 'numeric', month: 'short', year: 'numeric' });
	const month = dates({ month: 'long', year: 'numeric' });
	const monthShort = dates({ month: 'short', year: '2-digit' });
	const moment = new Intl.DateTimeFormat(locale, { timeZone: company?.time_zone ?? 'UTC', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' });
	const known = (format) => (value) => (value === null || value === undefined || Number.isNaN(value) ? '–' : format(value));
	const whenMonth = (text) => new Date(`${text}-01T00:00:00Z`);
	return {
		language,
		cents: known((value) => cents.format(value)),
		/** Whole units from a thousand on: nobody reads the cents of a hundred thousand. */
		money: known((value) => (Math.abs(value) >= 1000 ? whole : cents).format(value)),
		short: known((value) => short.format(value)),
		count: known((value) => count.format(value)),
		decimal: known((value) => decimal.format(value)),
		share: known((value) => share.format(value)),
		round: known((value) => round.format(value)),
		change: known((value) => change.format(value)),
		day: known((value) => day.format(new Date(`${value}T00:00:00Z`))),
		month: known((value) => month.format(whenMonth(value))),
		monthShort: known((value) => monthShort.format(whenMonth(value))),
		moment: known((value) => moment.format(new Date(value)))
	};
}
