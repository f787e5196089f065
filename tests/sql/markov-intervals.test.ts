import { expect, test } from 'vitest';
import { type ReplicateCredit, refitReplicates } from '#solvers/markov-intervals';
import { percentiles } from '#solvers/percentile-interval';
import { effectsByWalking, type Path } from '../unit/markov-walker.ts';
import { type Arrival, at, companyBuilder, contact, order } from './company-on-duckdb.ts';

const build = companyBuilder();

const replicates = 200;
const ways = ['Email', 'Store', 'Email>Store', 'Store>Email', 'Email>Store>Event', 'Event', 'Email>Email>Store'];

/** Persons who walk one of the ways in April, May or June; some order, some of these send it back a month later. */
function events(): Arrival[] {
  return Array.from({ length: 150 }, (_, index) => {
    const who = `p${index}`;
    const month = ['04', '05', '06'][index % 3];
    const touches = (ways[(index * 5) % ways.length] ?? '')
      .split('>')
      .map((channel, place) => contact(who, channel, at(`2026-${month}-0${place + 1}`)));
    const ordered = index % 4 === 0 ? [order(who, who, at(`2026-${month}-05`), '100.00')] : [];
    const refund: Arrival = {
      event_id: `refund-${who}`,
      event_type: 'Order Refunded',
      occurred_at: at(month === '06' ? '2026-06-20' : '2026-06-01'),
      source: 'shop',
      identifiers: { anonymous_id: who },
      value: { order_id: who, revenue: '40.00', currency: 'EUR' },
    };
    return [...touches, ...ordered, ...(index % 8 === 0 ? [refund] : [])];
  })
    .flat()
    .concat([order('nobody', 'untouched', at('2026-06-10'), '30.00')]);
}

test('each replicate is the model fitted anew on the persons that it draws', async () => {
  const company = await build({
    events: events(),
    select: 'markov_intervals',
    config: { money: { defaultMarginRate: 0.5 } },
  });
  const credits: ReplicateCredit[] = [];
  for await (const credit of refitReplicates(company.warehouse)) credits.push(credit);
  const draws = await company.query(
    'select replicate, bucket, times from bootstrap_draws where replicate in (1, 2, 77)',
  );
  const times = new Map(draws.map((row) => [`${row.replicate}/${row.bucket}`, Number(row.times)]));
  const journeys = await company.query(
    `select path_texts.path, journeys.bucket, journeys.conversion_id, date_format(journeys.end_month, '%Y-%m') as month
     from journeys
     inner join type_bits on mod(journeys.type_bits / type_bits.type_bit, 2) = 1 and type_bits.conversion_type = 'first_order'
     inner join (
       select journeys.person_no, journeys.last_seq, string_agg(touch_base.channel, '>' order by touch_base.seq) as path
       from (select distinct person_no, first_seq, last_seq from journeys) as journeys
       inner join person_numbers on person_numbers.person_no = journeys.person_no
       inner join touch_base on touch_base.person_id = person_numbers.person_id and touch_base.seq between first_seq and last_seq
       group by journeys.person_no, journeys.last_seq
     ) as path_texts on path_texts.person_no = journeys.person_no and path_texts.last_seq = journeys.last_seq`,
  );
  expect(journeys.length).toBe(150);
  const values = await company.query(
    `select origin_id, conversions, revenue, margin, date_format(conversion_date, '%Y-%m') as month, bucket
     from conversion_facts where conversion_type = 'first_order'`,
  );
  const byConversion = new Map(journeys.map((row) => [row.conversion_id, row]));
  for (const replicate of [1, 2, 77]) {
    const drawn = (bucket: unknown) => times.get(`${replicate}/${bucket}`) ?? 0;
    // Nothing in the year before: the fit of a month is on all journeys up to it.
    const effectsOf = new Map(
      ['2026-04', '2026-05', '2026-06'].map((month) => {
        const paths = journeys
          .filter((row) => String(row.month) <= month)
          .map((row): Path => {
            const count = drawn(row.bucket);
            const converts = row.conversion_id !== null;
            return {
              channels: String(row.path).split('>'),
              conversions: converts ? count : 0,
              losses: converts ? 0 : count,
              value: 0,
            };
          });
        return [month, effectsByWalking(paths, 1)];
      }),
    );
    for (const period of ['all_time', '2026-06', '2026-04']) {
      const wanted = new Map<string, number[]>();
      for (const value of values) {
        if (period !== 'all_time' && value.month !== period) continue;
        const journey = byConversion.get(value.origin_id ?? null);
        const effects = effectsOf.get(String(journey?.month));
        const channels = journey === undefined ? ['(unattributed)'] : [...new Set(String(journey.path).split('>'))];
        const effect = (channel: string) => effects?.get(channel)?.conversions ?? 1;
        const total = channels.reduce((sum, channel) => sum + effect(channel), 0);
        for (const channel of channels) {
          const credit = wanted.get(channel) ?? [0, 0, 0];
          wanted.set(channel, credit);
          if (drawn(value.bucket) === 0) continue;
          const share = (drawn(value.bucket) * effect(channel)) / total;
          for (const [i, measure] of [value.conversions, value.revenue, value.margin].entries()) {
            credit[i] = (credit[i] ?? 0) + share * Number(measure);
          }
        }
      }
      const found = credits.filter((one) => one.conversion_type === 'first_order' && one.period === period);
      expect(found.map(({ channel }) => channel).sort()).toEqual([...wanted.keys()].sort());
      for (const { channel, credit } of found) {
        for (const i of [0, 1, 2]) {
          const measured = credit[i * replicates + replicate - 1] ?? Number.NaN;
          expect(Math.abs(measured - (wanted.get(channel)?.[i] ?? Number.NaN))).toBeLessThan(1e-9);
        }
      }
    }
  }
  // Each replicate's channels add up to what its persons bought and sent back; orders are both kinds of them.
  for (let revenue = replicates; revenue < 2 * replicates; revenue++) {
    const total = (types: readonly string[]) =>
      credits
        .filter((one) => one.period === 'all_time' && types.includes(one.conversion_type))
        .reduce((sum, { credit }) => sum + (credit[revenue] ?? Number.NaN), 0);
    expect(Math.abs(total(['(orders)']) - total(['first_order', 'repeat_order']))).toBeLessThan(1e-6);
  }
  // What is left of them is the interval of each cell.
  const intervals = await company.query('select * from markov_intervals');
  expect(intervals).toHaveLength(credits.length);
  for (const { credit, conversion_type, channel, period } of credits) {
    const row = intervals.find(
      (one) => one.conversion_type === conversion_type && one.channel === channel && one.period === period,
    );
    expect([row?.revenue_low, row?.revenue_high]).toEqual(percentiles(credit.subarray(replicates, 2 * replicates)));
  }
}, 60_000);
