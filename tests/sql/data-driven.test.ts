import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { effectsByWalking, type Path } from '../unit/markov-walker.ts';
import {
  type Arrival,
  at,
  type BuiltCompany,
  buildCompany,
  companyBuilder,
  contact,
  order,
} from './company-on-duckdb.ts';

const build = companyBuilder();

/** Touches from 1 June on, one a day, on the channels of a path such as `A>B`, and an order. */
function journey(who: string, path: string, revenue: string | undefined, orderedOn = '2026-06-04'): Arrival[] {
  const touches = path.split('>').map((channel, index) => contact(who, channel, at(`2026-06-0${index + 1}`)));
  return revenue === undefined ? touches : [...touches, order(who, who, at(orderedOn), revenue)];
}

/** Path, conversions, non-conversions, value of each conversion: the table of docs/definitions.md section 6. */
const checkPaths: [string, number, number, string][] = [
  ['A', 2, 8, '100.00'],
  ['B', 1, 9, '50.00'],
  ['A>B', 4, 6, '120.00'],
  ['B>A', 1, 4, '90.00'],
  ['A>B>C', 3, 2, '150.00'],
  ['C', 0, 5, '0.00'],
  ['A>A>B', 1, 1, '130.00'],
];

describe('the check values of docs/definitions.md section 6', () => {
  let company: BuiltCompany;
  beforeAll(async () => {
    company = await build({
      events: checkPaths.flatMap(([path, conversions, others, revenue]) =>
        Array.from({ length: conversions + others }, (_, index) =>
          journey(`${path}-${index}`, path, index < conversions ? revenue : undefined),
        ).flat(),
      ),
    });
  }, 60_000);

  const factors = (model: string, column: string) =>
    company.query(
      `select channel, ${column} as found from channel_factors
       where model = '${model}' and conversion_type = 'first_order' order by channel`,
    );
  /** Sum of credit: each conversion shared by its coalition's shares. */
  const credited = (model: string, measure: string) =>
    company.query(
      `select s.channel, sum(s.share * cast(${measure} as double)) as found
       from journeys as j
       inner join coalition_shares as s on s.conversion_type = j.conversion_type and s.fit_month = j.end_month and s.coalition = j.coalition
       where s.model = '${model}' and j.conversion_type = 'first_order'
       group by s.channel order by s.channel`,
    );

  test.each([
    ['markov_1', 'removal_effect', [0.582031, 0.664062, 0.25]],
    ['markov_1', 'textbook_conversions', [4.668407, 5.326371, 2.005222]],
    ['markov_1', 'revenue_removal_effect', [0.542969, 0.664509, 0.321429]],
    ['markov_1', 'textbook_revenue', [497.1896, 608.4824, 294.3281]],
    ['markov_2', 'removal_effect', [0.916667, 0.833333, 0.25]],
    ['markov_2', 'textbook_conversions', [5.5, 5, 1.5]],
    ['shapley', 'textbook_conversions', [7.394118, 4.444118, 0.161765]],
  ])('hold for the %s, %s', async (model, column, expected) => {
    const found = await factors(model, column);
    expect(found.map((row) => row.channel)).toEqual(['A', 'B', 'C']);
    for (const [i, value] of expected.entries()) expect(Number(found[i]?.found)).toBeCloseTo(value, value > 10 ? 3 : 5);
  });

  test.each([
    ['markov_1', '1', [5.96961, 5.529085, 0.501305]],
    ['markov_1', 'j.revenue', [702.0245, 622.7797, 75.1958]],
    ['shapley', '1', [7.394118, 4.444118, 0.161765]],
  ])('hold for the sum of credit of %s, %s', async (model, measure, expected) => {
    const found = await credited(model, measure);
    expect(found.map((row) => row.channel)).toEqual(['A', 'B', 'C']);
    for (const [i, value] of expected.entries()) expect(Number(found[i]?.found)).toBeCloseTo(value, value > 10 ? 3 : 5);
  });

  test('and paths lists them', async () => {
    expect(
      await company.lines(
        "select path, conversions, journeys, revenue, median_days from paths where conversion_type = 'first_order' order by path",
      ),
    ).toEqual([
      'A 2 10 200.00 3',
      'A > A > B 1 2 130.00 3',
      'A > B 4 10 480.00 3',
      'A > B > C 3 5 450.00 3',
      'B 1 10 50.00 3',
      'B > A 1 5 90.00 3',
      'C 0 5 0.00 null',
    ]);
  });
});

describe('the factors of a month', () => {
  /** Ways of several persons: a day on each channel, and an order where the last says so. */
  const ways = (from: string, wins: number, losses: number, path: readonly string[]): Arrival[] =>
    Array.from({ length: wins + losses }, (_, index) => {
      const who = `${from}-${path.join('')}-${index}`;
      const first = new Date(at(from)).getTime();
      const day = (days: number) => new Date(first + days * 86_400_000).toISOString();
      const touches = path.map((channel, place) => contact(who, channel, day(place)));
      return index < wins ? [...touches, order(who, who, day(path.length), '10.00')] : touches;
    }).flat();
  const month = (from: string, wins: number) => [
    ...ways(from, wins, 5, ['A', 'B']),
    ...ways(from, 2, 3, ['A']),
    ...ways(from, 1, 6, ['B']),
  ];
  const now = '2026-09-30T10:00:00Z';
  const fitted = async (events: Arrival[], fitMonth: string) =>
    (await build({ events, now, select: 'channel_factors' })).lines(
      `select model, channel, removal_effect, factor, journeys from fitted_factors
       inner join (select distinct channel_no, numbered_as as channel from channel_numbers) as names
         on names.channel_no = fitted_factors.channel_no
       where conversion_type = 'first_order' and fit_month = date '${fitMonth}' and coalition = 0
       order by model, channel`,
    );

  test('are fitted on the twelve months up to its end, and a later month moves none of them', async () => {
    // Journeys of those who never order end a look-back of 90 days after their touches.
    const thirteenBefore = month('2025-05-02', 9);
    const elevenBefore = month('2025-07-02', 9);
    const june = month('2026-06-02', 3);
    const alone = await fitted(june, '2026-06-01');
    expect(alone.length).toBeGreaterThan(0);
    expect(await fitted([...thirteenBefore.filter(isOrdered(thirteenBefore)), ...june], '2026-06-01')).toEqual(alone);
    expect(await fitted([...elevenBefore, ...june], '2026-06-01')).not.toEqual(alone);
    const before = await fitted(elevenBefore, '2025-07-01');
    expect(before.length).toBeGreaterThan(0);
    expect(await fitted([...elevenBefore, ...june], '2025-07-01')).toEqual(before);
  }, 60_000);
});

/** Whether an event is of somebody who ordered: the journeys of others end a look-back later. */
function isOrdered(events: readonly Arrival[]): (event: Arrival) => boolean {
  const buyers = new Set(
    events
      .filter(({ event_type }) => event_type === 'Order Completed')
      .map(({ identifiers }) => JSON.stringify(identifiers)),
  );
  return ({ identifiers }) => buyers.has(JSON.stringify(identifiers));
}

/*
 * The whole way of a data-driven model, from paths to credit, against the definition at its word: walkers for Markov, all orders of
 * joining for Shapley, each conversion's weights from its own path.
 */
test('credit of random paths is what walkers and all orders of joining say, conversion by conversion', async () => {
  const ways = fc.uniqueArray(
    fc.record({
      channels: fc.array(fc.constantFrom('A', 'B', 'C', 'D'), { minLength: 1, maxLength: 5 }),
      conversions: fc.integer({ min: 0, max: 3 }),
      losses: fc.integer({ min: 0, max: 4 }),
      cents: fc.integer({ min: 1, max: 20_000 }),
    }),
    { minLength: 4, maxLength: 12, selector: ({ channels }) => channels.join('>') },
  );
  let tried = 0;
  let zeroed = 0;
  await fc.assert(
    fc.asyncProperty(ways, async (walks) => {
      const converting = walks.filter(({ conversions }) => conversions > 0);
      if (converting.length === 0) return;
      const company = await buildCompany({
        events: walks.flatMap(({ channels, conversions, losses, cents }, way) =>
          Array.from({ length: conversions + losses }, (_, index) =>
            journey(
              `${way}-${index}`,
              channels.join('>'),
              index < conversions ? (cents / 100).toFixed(2) : undefined,
              '2026-06-06',
            ),
          ).flat(),
        ),
        select: 'credit',
      });
      try {
        const paths: Path[] = walks.map((walk) => ({ ...walk, value: (walk.conversions * walk.cents) / 100 }));
        const effects = { markov_1: effectsByWalking(paths, 1), markov_2: effectsByWalking(paths, 2) };
        const credit = new Map<string, number>();
        for (const row of await company.query(
          `select model, conversion_id, channel, sum(weight) as weight from credit
           where conversion_type = 'first_order' and model in ('markov_1', 'markov_2', 'shapley') group by 1, 2, 3`,
        )) {
          credit.set(`${row.model} ${row.conversion_id} ${row.channel}`, Number(row.weight));
        }
        const expected = new Map<string, number>();
        for (const [way, { channels, conversions }] of walks.entries()) {
          const own = [...new Set(channels)].sort();
          const factorsOf = {
            markov_1: own.map((channel) => effects.markov_1.get(channel)?.conversions ?? 0),
            markov_2: own.map((channel) => effects.markov_2.get(channel)?.conversions ?? 0),
            shapley: byJoining(walks, own),
          };
          for (const [model, factors] of Object.entries(factorsOf)) {
            if (conversions > 0 && factors.some((factor) => factor < -1e-12)) zeroed += 1;
            const kept = factors.map((factor) => Math.max(0, factor));
            const total = kept.reduce((sum, factor) => sum + factor, 0);
            for (const [place, channel] of own.entries()) {
              const touches = channels.filter((one) => one === channel).length;
              const weight = total > 0 ? (kept[place] ?? 0) / total : touches / channels.length;
              for (let index = 0; index < conversions && weight > 1e-12; index++) {
                expected.set(`${model} order/${way}-${index} ${channel}`, weight);
              }
            }
          }
        }
        expect([...credit.keys()].sort()).toEqual([...expected.keys()].sort());
        for (const [key, weight] of expected) expect(Math.abs((credit.get(key) ?? 0) - weight), key).toBeLessThan(1e-9);
        tried += expected.size;
      } finally {
        await company.close();
      }
    }),
    { numRuns: 6, seed: 20_261_125 },
  );
  expect(tried).toBeGreaterThan(100);
  expect(zeroed).toBeGreaterThan(0);
}, 120_000);

/** What each channel adds when it joins the others, on average over all orders; v is conversions per journey of a set's own journeys. */
function byJoining(
  walks: readonly { channels: string[]; conversions: number; losses: number }[],
  own: readonly string[],
): number[] {
  const worth = (set: readonly string[]) => {
    const key = [...set].sort().join();
    const same = walks.filter(({ channels }) => [...new Set(channels)].sort().join() === key);
    const journeys = same.reduce((sum, walk) => sum + walk.conversions + walk.losses, 0);
    return journeys === 0 ? 0 : same.reduce((sum, walk) => sum + walk.conversions, 0) / journeys;
  };
  const orders = ordersOf(own);
  return own.map(
    (channel) =>
      orders.reduce((sum, joined) => {
        const before = joined.slice(0, joined.indexOf(channel));
        return sum + worth([...before, channel]) - worth(before);
      }, 0) / orders.length,
  );
}

function ordersOf(items: readonly string[]): string[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) => ordersOf(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
