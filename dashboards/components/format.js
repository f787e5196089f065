// Numbers, money and days as the company's readers write them. An unknown value is never a nought.
const locales = { it: 'it-IT', en: 'en-GB' };

const joined = { il: ['l’', 'lo '], Il: ['L’', 'Lo '], del: ['dell’', 'dello '], dal: ['dall’', 'dallo '], al: ['all’', 'allo '] };
/** An Italian article before a share or a day, as it is read aloud: l’8,7%, lo 0,5%, dall’11 mag; but dal 1 feb, the first. */
export function withArticle(article, text) {
	const [number] = /^\d+/.exec(text) ?? [''];
	const isShare = text.endsWith('%');
	if (/^(8|11)$/.test(number) || (isShare && /^(1|8\d)$/.test(number))) return `${joined[article][0]}${text}`;
	return isShare && number === '0' ? `${joined[article][1]}${text}` : `${article} ${text}`;
}

/** `display` of money: `auto` (cents in tables, whole units in large sums), `whole` units, or `thousands`. */
export function formatsOf(company, display = 'auto') {
	const language = company?.language === 'en' ? 'en' : 'it';
	const locale = locales[language];
	const currency = company?.currency ?? 'EUR';
	// What rounds to nothing has no sign: nobody knows what -0 % would be.
	const make = (options) => new Intl.NumberFormat(locale, { useGrouping: 'always', signDisplay: 'negative', ...options });
	const exact = make({ style: 'currency', currency });
	const whole = make({ style: 'currency', currency, maximumFractionDigits: 0 });
	const tenths = make({ style: 'currency', currency, minimumFractionDigits: 1, maximumFractionDigits: 1 });
	const compact = make({ style: 'currency', currency, notation: 'compact', minimumFractionDigits: 0, maximumFractionDigits: 1 });
	const count = make({ maximumFractionDigits: 0 });
	const decimal = make({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
	const share = make({ style: 'percent', maximumFractionDigits: 1, minimumFractionDigits: 1 });
	const round = make({ style: 'percent', maximumFractionDigits: 0 });
	const change = make({ style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: 'exceptZero' });
	const dates = (options) => new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options });
	const day = dates({ day: 'numeric', month: 'short', year: 'numeric' });
	const month = dates({ month: 'long', year: 'numeric' });
	const monthShort = dates({ month: 'short', year: '2-digit' });
	const weekday = dates({ weekday: 'short' });
	const moment = new Intl.DateTimeFormat(locale, { timeZone: company?.time_zone ?? 'UTC', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' });
	const known = (format) => (value) => (value === null || value === undefined || Number.isNaN(value) ? '–' : format(value));
	const whenMonth = (text) => new Date(`${text}-01T00:00:00Z`);
	const thousands = (value) => tenths.formatToParts(value / 1000).map((part) => (part.type === 'fraction' ? `${part.value}k` : part.value)).join('');
	const shown = (auto) => (value) => (display === 'thousands' ? thousands(value) : display === 'whole' ? whole.format(value) : auto(value));
	return {
		language,
		/** To the cent, whatever is chosen: what must add up is never rounded. */
		exact: known((value) => exact.format(value)),
		cents: known(shown((value) => exact.format(value))),
		/** Whole units from a thousand on: nobody reads the cents of a hundred thousand. */
		money: known(shown((value) => (Math.abs(value) >= 1000 ? whole : exact).format(value))),
		short: known((value) => compact.format(value)),
		count: known((value) => count.format(value)),
		decimal: known((value) => decimal.format(value)),
		share: known((value) => share.format(value)),
		round: known((value) => round.format(value)),
		/** The end of an interval: which side of nothing it lies on decides a verdict, so what rounds to nothing tells it. */
		end: known((value) => `${value !== 0 && Math.abs(value) < 0.005 ? (value > 0 ? '> ' : '< ') : ''}${round.format(value)}`),
		change: known((value) => change.format(value)),
		day: known((value) => day.format(new Date(`${value}T00:00:00Z`))),
		month: known((value) => month.format(whenMonth(value))),
		monthShort: known((value) => monthShort.format(whenMonth(value))),
		/** 1 Monday to 7 Sunday. */
		weekday: known((value) => weekday.format(new Date(Date.UTC(2024, 0, value)))),
		moment: known((value) => moment.format(new Date(value))),
		list: (items) => (items.length === 0 ? '' : new Intl.ListFormat(locale, { type: 'conjunction' }).format(items))
	};
}
