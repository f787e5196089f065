import { beforeAll, describe, expect, test } from 'vitest';
import { type Arrival, at, type BuiltCompany, companyBuilder, contact, order } from './company-on-duckdb.ts';

const build = companyBuilder();

/** Touches on days 1, 2, 3 of June on the channels of a path such as `A>B`, and an order on the 4th. */
function journey(who: string, path: string, revenue: string | undefined): Arrival[] {
  const touches = path.split('>').map((channel, index) => contact(who, channel, at(`2026-06-0${index + 1}`)));
  return revenue === undefined ? touches : [...touches, order(who, who, at('2026-06-04'), revenue)];
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
