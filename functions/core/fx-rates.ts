import type { CompanyLists } from '#core/setting-tables';

const longestAge = 7 * 86_400_000;

/**
 * Whether money of a currency and day (`YYYY-MM-DD`) can be converted: the reporting currency always, any other with a
 * rate not later than the day and at most 7 days old (docs/definitions.md, Time and money).
 */
export function createRateCheck(
  reportingCurrency: string,
  fxRates: CompanyLists['fxRates'],
): (currency: string, day: string) => boolean {
  const days = new Map<string, Set<string>>();
  for (const { currency, rate_date } of fxRates) {
    const known = days.get(currency) ?? new Set();
    days.set(currency, known.add(rate_date));
  }
  return (currency, day) => {
    if (currency === reportingCurrency) return true;
    const known = days.get(currency);
    if (known === undefined) return false;
    const end = Date.parse(day);
    for (let at = end; at >= end - longestAge; at -= 86_400_000) {
      if (known.has(new Date(at).toISOString().slice(0, 10))) return true;
    }
    return false;
  };
}
