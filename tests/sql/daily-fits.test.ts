import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MartReader } from '#core/ports';
import { type ExplainSettings, explainConversion, modelWords } from '#pipeline/reading/explain-conversion';
import { describeConversion } from '../../functions/cli/conversion-text.ts';
import { type CompanyByDays, openCompanyByDays } from './company-by-days.ts';
import { type Arrival, at, contact, modelCatalogue, order } from './company-on-duckdb.ts';

/*
 * What is fitted is fitted in a full refresh. The days after it, and the months, are spread by that fit, whatever sets of channels
 * they bring.
 */

/** Persons who go a path such as `A>B` from a day on, a channel a day, and order on the day after the last one. */
function ways(from: string, path: string, wins: number, losses: number): Arrival[] {
  return Array.from({ length: wins + losses }, (_, index) => {
    const who = `${from} ${path} ${index}`;
    const day = (days: number) => new Date(Date.parse(at(from)) + days * 86_400_000).toISOString();
    const channels = path.split('>');
    const touches = channels.map((channel, place) => contact(who, channel, day(place)));
    return index < wins ? [...touches, order(who, who, day(channels.length), '10.00')] : touches;
  }).flat();
}

let company: CompanyByDays;
const refreshed = '2026-03-20T08:00:00Z';
beforeAll(async () => {
  company = await openCompanyByDays({
    attribution: { lookbackDays: 20 },
    timeZone: 'UTC',
    fullRefresh: 'never',
    latenessDays: 2,
  });
  await company.receive([
    ...ways('2026-02-02', 'A>B', 12, 20),
    ...ways('2026-02-03', 'A', 6, 14),
    ...ways('2026-02-04', 'B>C', 9, 12),
    ...ways('2026-02-05', 'C', 3, 25),
    ...ways('2026-02-05', 'E', 0, 10),
    ...ways('2026-03-03', 'A>B', 8, 9),
    ...ways('2026-03-04', 'B', 9, 8),
    ...ways('2026-03-05', 'C>B>A', 7, 3),
  ]);
  await company.build(refreshed);
  await company.receive([
    // Sets of channels that did not convert before March, or not at all: of channels known, of a new one, and of one that is worth nothing.
    ...ways('2026-03-21', 'B>C', 12, 0),
    ...ways('2026-03-22', 'A>C', 15, 0),
    ...ways('2026-03-22', 'A>A>C', 5, 0),
    ...ways('2026-03-22', 'D>A', 10, 0),
    ...ways('2026-03-23', 'D', 14, 0),
    ...ways('2026-03-23', 'E', 6, 0),
  ]);
  expect((await company.build('2026-03-25T08:00:00Z')).manifest.kind).toBe('daily');
  await company.receive([...ways('2026-04-01', 'A>C', 15, 0), ...ways('2026-04-01', 'A>B', 15, 0)]);
  expect((await company.build('2026-04-05T08:00:00Z')).manifest.kind).toBe('daily');
}, 120_000);
afterAll(() => company?.close());

/** Shares of the channels of each path of a day, as credited. */
async function shares(model: string, order: string): Promise<Record<string, number>> {
  const rows = await company.query(
    `select channel, sum(weight) as share from credit
     where model = '${model}' and conversion_id = 'order/${order}' group by channel`,
  );
  return Object.fromEntries(rows.map((row) => [String(row.channel), Number(Number(row.share).toFixed(9))]));
}

async function factors(model: string): Promise<Map<string, number>> {
  const rows = await company.query(
    `select channel, factor from channel_factors
     where model = '${model}' and conversion_type = 'first_order' and fit_month = date '2026-03-01'`,
  );
  return new Map(rows.map((row) => [String(row.channel), Number(row.factor)]));
}

const daysAfter = [
  ['a set that converted before the fit began its month', '2026-03-21 B>C 0', ['B', 'C']],
  ['a set that never converted', '2026-03-22 A>C 0', ['A', 'C']],
  ['a set that never converted, a channel twice', '2026-03-22 A>A>C 0', ['A', 'C']],
  ['a month that no refresh has seen', '2026-04-01 A>C 0', ['A', 'C']],
  ['a known set in such a month', '2026-04-01 A>B 0', ['A', 'B']],
] as const;

describe('the days after a full refresh', () => {
  test.each(daysAfter)('are spread by the removal effects of its last month: %s', async (_, id, channels) => {
    for (const model of ['markov_1', 'markov_2']) {
      const of = await factors(model);
      const all = channels.reduce((sum, channel) => sum + (of.get(channel) ?? 0), 0);
      const expected = channels.map((channel) => [channel, Number(((of.get(channel) ?? 0) / all).toFixed(9))]);
      expect(await shares(model, id), model).toEqual(Object.fromEntries(expected));
    }
  });

  test('and by Shapley values of the fit, or where it did not meet the set by its factors of channels', async () => {
    const of = await factors('shapley');
    const ofPath = await shares('shapley', '2026-03-22 A>C 0');
    expect(ofPath.A).toBeCloseTo((of.get('A') ?? 0) / ((of.get('A') ?? 0) + (of.get('C') ?? 0)), 9);
    // v(B) = 9/17, v(C) = 3/28, v(BC) = 9/21: the set converted in the months of the fit, though not in its last one.
    const b = (9 / 17 + 9 / 21 - 3 / 28) / 2;
    expect((await shares('shapley', '2026-03-21 B>C 0')).B).toBeCloseTo(b / (9 / 21), 9);
  });

  test('and a channel that the fit did not meet earns where it is alone, not beside one that it knows', async () => {
    for (const model of ['markov_1', 'markov_2', 'shapley']) {
      expect(await shares(model, '2026-03-22 D>A 0'), model).toEqual({ A: 1 });
      expect(await shares(model, '2026-03-23 D 0'), model).toEqual({ D: 1 });
      expect(await shares(model, '2026-03-23 E 0'), model).toEqual({ E: 1 });
    }
  });

  test('and what is credited lies within its interval', async () => {
    const rows = await company.query(
      `select model, conversion_type, channel, period, revenue, revenue_low, revenue_high, conversions, conversions_low, conversions_high
       from channel_credit where conversions_low is not null`,
    );
    const measures = ['revenue', 'conversions'];
    const outside = rows.filter((row) =>
      measures.some((measure) => {
        const [value, low, high] = [row[measure], row[`${measure}_low`], row[`${measure}_high`]].map(Number);
        return (value ?? 0) < (low ?? 0) - 1e-6 || (value ?? 0) > (high ?? 0) + 1e-6;
      }),
    );
    expect(new Set(rows.filter((row) => row.model === 'markov_1').map((row) => row.channel))).toEqual(
      new Set(['A', 'B', 'C', 'D', 'E']),
    );
    expect(outside).toEqual([]);
  });

  test('and `explain conversion` names the fit, and its sums are right', async () => {
    const { seeds } = await modelCatalogue();
    const settings: ExplainSettings = {
      timeZone: 'UTC',
      currency: 'EUR',
      pathStart: 'lookback',
      lookbackDays: () => 20,
      models: modelWords(seeds.attribution_models?.rows ?? []),
    };
    const reader: MartReader = {
      query: company.ask,
      stream: () => Promise.reject(new Error('not asked')),
      close: () => undefined,
    };
    const markov = async (id: string) => {
      const told = await explainConversion(reader, id, settings);
      const text = describeConversion(told, 'en');
      const own = text.slice(text.indexOf('(markov_1)'), text.indexOf('(markov_2)'));
      return { fit: told.models.find((model) => model.model === 'markov_1')?.fit, text: own };
    };
    const april = await markov('2026-04-01 A>C 0');
    expect(april.fit?.month).toBe('2026-03-01');
    expect(april.text).toContain(
      "up to the end of 2026-03: the conversion's own month is fitted by the next full refresh",
    );
    const all = april.fit?.shares.reduce((sum, share) => sum + (share.factor ?? 0), 0) ?? 0;
    for (const { factor, share } of april.fit?.shares ?? []) expect(share).toBeCloseTo((factor ?? 0) / all, 9);

    const fresh = await markov('2026-03-22 D>A 0');
    expect(fresh.text).toContain('D: not met by that fit, so it has no share until the next full refresh');
    expect(fresh.text).toContain('up to the end of 2026-03.');
    const alone = await markov('2026-03-23 D 0');
    expect(alone.fit).toMatchObject({ is_even: true, shares: [{ channel: 'D', is_known: false, share: 1 }] });
    expect(alone.text).toContain('the one touch has it all');
  });

  test('and the next full refresh lists what it moves of them as refitted', async () => {
    const before = await company.query(
      "select conversion_id, sum(weight) as w from credit where model = 'markov_1' group by 1",
    );
    expect(before.length).toBeGreaterThan(50);
    await company.build('2026-04-15T08:00:00Z', { fullRefresh: true });
    const moved = await company.query('select distinct table_name, model, reason from restatements order by model');
    expect(moved).toEqual(
      ['markov_1', 'markov_2', 'shapley'].map((model) => ({ table_name: 'channel_daily', model, reason: 'refit' })),
    );
  });
});
