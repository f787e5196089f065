import { beforeAll, describe, expect, test } from 'vitest';
import { type Arrival, at, type BuiltCompany, companyBuilder, contact, order } from './company-on-duckdb.ts';

const build = companyBuilder();

/** Persons who touch one channel on a day and order on the next, each with the same margin on 200.00 of revenue. */
function customers(name: string, channel: string | undefined, count: number, day: string, margin: number): Arrival[] {
  return Array.from({ length: count }, (_, index) => {
    const who = `${name}-${day}-${index}`;
    return [
      ...(channel === undefined ? [] : [contact(who, channel, at(day))]),
      {
        ...order(who, who, at(day, '15:00:00'), '200.00'),
        value: { order_id: who, revenue: '200.00', margin: margin.toFixed(2) },
      },
    ];
  }).flat();
}
const spend = (channel: string, cost_date: string, amount: string) => ({
  cost_date,
  source: 'ads',
  campaign_id: channel,
  channel,
  spend: amount,
  currency: 'EUR',
});
const end = { asOf: '2026-06-30', now: '2026-07-01T10:00:00Z' };

describe('findings of a company that moved', () => {
  let company: BuiltCompany;
  const said = async (topic: string, period: string) =>
    company.query(
      `select subject, measure, value, previous_value, low, high, importance, page, text_en, text_it from findings
       where topic = '${topic}' and period = '${period}' order by importance desc`,
    );

  beforeAll(async () => {
    company = await build({
      ...end,
      events: [
        ...customers('up', 'Up & {now}', 10, '2026-05-10', 10),
        ...customers('up', 'Up & {now}', 30, '2026-06-10', 10),
        ...customers('loser', 'Loser', 40, '2026-05-10', 1),
        ...customers('loser', 'Loser', 40, '2026-06-10', 1),
        ...customers('tiny', 'Tiny', 3, '2026-06-10', 500),
        ...customers('nobody', undefined, 6, '2026-06-10', 10),
        ...Array.from({ length: 60 }, (_, index) => contact(`looker-${index}`, 'Up & {now}', at('2026-05-03'))),
        contact('first', 'Up & {now}', at('2026-05-01')),
      ],
      costs: [
        spend('Up & {now}', '2026-05-10', '50.00'),
        spend('Up & {now}', '2026-06-10', '60.00'),
        spend('Loser', '2026-05-10', '1000.00'),
        spend('Loser', '2026-06-10', '1000.00'),
      ],
      config: { sources: { till: {} }, attribution: { defaultModel: 'linear' } },
    });
  }, 60_000);

  test('name the channel that changed most, the cause, the spend, and how sure it is', async () => {
    const [change, ...others] = await said('change', 'last_30_days');
    expect(others).toEqual([]);
    expect(change).toMatchObject({
      subject: 'Up & {now}',
      measure: 'margin',
      value: 300,
      previous_value: 100,
      page: 'channels',
    });
    // 200 of 300 + 40 + 1500 + 60 of margin
    expect(Number(change?.importance)).toBeCloseTo(200 / 1900, 12);
  });

  test('write numbers as each language does', async () => {
    const [change] = await said('change', '2026-06');
    expect(change).toBeUndefined(); // its year before is not in the data
    const [loss] = await said('loss', 'last_30_days');
    expect(loss?.text_en).toMatch(
      /^Loser lost money, from 1 Jun 2026 to 30 Jun 2026: €1,000 spent, €40\.00 of margin brought back, a loss of €960\.00\. That holds under every model that is judged by, each at 90 %: ROI -96\.0%, with a 90 % interval of -9\d\.\d% to -9\d\.\d%\.$/,
    );
    expect(loss?.text_it).toMatch(
      /^Loser ha perso denaro, dal 1 giu 2026 al 30 giu 2026: 1\.000 € spesi, 40,00 € di margine riportati, una perdita di 960,00 €\. /,
    );
    expect(Number(loss?.value)).toBeCloseTo(-0.96, 12);
  });

  test('leave out what stands for fewer than five persons', async () => {
    expect(await company.lines("select count(*) from findings where subject = 'Tiny'")).toEqual(['0']);
  });

  test('rest on counts of persons that a count over credit agrees with, cell by cell', async () => {
    // Whole periods without a comparison that overlaps them, so that the second reckoning is short.
    const counted = `
      select credit.model, credit.channel, credit.device_class, '(all)' as moment, periods.period,
        count(distinct person_stages.bucket) filter (where credit.conversion_date between periods.from_day and periods.to_day) as persons,
        cast(0 as bigint) as lead_persons,
        count(distinct person_stages.bucket) filter (
          where credit.conversion_date between periods.previous_from_day and periods.previous_to_day) as previous_persons,
        count(distinct person_stages.bucket) filter (
          where credit.conversion_type = 'first_order' and credit.conversion_date between periods.from_day and periods.to_day
        ) as first_order_persons
      from credit
      inner join conversions on conversions.conversion_id = credit.conversion_id
      inner join person_stages on person_stages.person_id = conversions.person_id
      inner join periods on credit.conversion_date between periods.from_day and periods.to_day
        or credit.conversion_date between periods.previous_from_day and periods.previous_to_day
      where credit.conversion_type <> 'lead'
      group by 1, 2, 3, 5`;
    expect(
      await company.lines(
        `select count(*) from (
           (select * from credit_persons where device_class <> '(all)' and persons + previous_persons > 0 except select * from (${counted}) as a)
           union all
           (select * from (${counted}) as b except select * from credit_persons)
         ) as differences`,
      ),
    ).toEqual(['0']);
    expect(
      await company.lines(
        "select persons from credit_persons where model = 'linear' and channel = 'Tiny' and device_class = '(all)' and moment = '(all)' and period = '2026-06'",
      ),
    ).toEqual(['3']);
  });

  test('tell the unattributed share of the revenue, and what it was', async () => {
    const [lost] = await said('unattributed', 'last_30_days');
    // 6 of 30 + 40 + 3 + 6 orders of 200.00
    expect(Number(lost?.value)).toBeCloseTo(6 / 79, 12);
    expect(lost?.previous_value).toBe(0);
    expect(lost?.text_en).toBe(
      'Of 7.6% of the revenue, €1,200, no touch is known, from 1 Jun 2026 to 30 Jun 2026: no channel has the credit for it. In the compared period it was 0.0%.',
    );
  });

  test('name the stage that leaks most, over months whose window is over, with its interval', async () => {
    const [leak] = await said('leak', '2026-05');
    // Nobody of 50 ordered again; Wilson's upper end is z2 / (n + z2).
    expect(leak).toMatchObject({ subject: 'conversion', measure: 'share_advanced_30d', value: 0, page: 'stages' });
    expect(Number(leak?.high)).toBeCloseTo(1.645 ** 2 / (50 + 1.645 ** 2), 12);
    expect(leak?.text_it).toBe(
      'La quota più piccola prosegue dopo Conversione: di 50 persone entrate nei mesi del periodo di cui sono passati i 30 giorni, 0 (0,0%) sono passate oltre entro questi. Intervallo al 90 %: da 0,0% a 5,1%.',
    );
  });

  test('name a source that is configured and silent, whatever the period', async () => {
    const stale = await said('stale', '(now)');
    expect(stale.map((row) => row.subject)).toContain('till');
    expect(stale.find((row) => row.subject === 'till')?.text_en).toBe(
      'till is configured and has never sent anything.',
    );
  });

  test('have an interval of the change that a second reckoning agrees with', async () => {
    const [row] = await company.query(
      "select * from margin_changes where period = 'last_30_days' and channel = 'Up & {now}'",
    );
    const buckets = await company.query(
      `select person_stages.bucket, sum(case when conversions.conversion_date >= date '2026-06-01' then 10 else -10 end) as change
       from conversions inner join person_stages on person_stages.person_id = conversions.person_id
       where conversions.order_id like 'up-%' group by 1`,
    );
    const changes = new Map(buckets.map(({ bucket, change }) => [Number(bucket), Number(change)]));
    expect([...changes.values()].reduce((sum, change) => sum + change, 0)).toBe(200);
    const sums = new Map<number, number>();
    for (const { replicate, bucket, times } of await company.query('select * from bootstrap_draws')) {
      const drawn = (changes.get(Number(bucket)) ?? 0) * Number(times);
      sums.set(Number(replicate), (sums.get(Number(replicate)) ?? 0) + drawn);
    }
    const sorted = [...sums.values()].sort((one, other) => one - other);
    expect([Number(row?.change_low), Number(row?.change_high)]).toEqual([sorted[9], sorted[189]]);
    const [change] = await said('change', 'last_30_days');
    const money = (value: number | undefined) => `€${(value ?? 0).toFixed(2)}`;
    expect(change?.text_en).toBe(
      `Up & {now} brought €200.00 more margin than in the compared period: €300.00 against €100.00, from 1 Jun 2026 to 30 Jun 2026. The cause is mostly more orders: 30 against 10. Its spend rose by €10.00, to €60.00. The 90 % interval of the change, ${money(sorted[9])} to ${money(sorted[189])}, leaves out 0; by chance alone, one channel in ten would do so.`,
    );
  });
});

test('what returns took back is the cause where it is, and no margin per order has moved', async () => {
  const back = (name: string, count: number, day: string, later: string): Arrival[] =>
    Array.from({ length: count }, (_, index) => ({
      ...order(`desk-${index}`, `${name}-${day}-${index}`, at(later), '200.00'),
      event_id: `back-${name}-${day}-${index}`,
      event_type: 'Order Refunded',
    }));
  const company = await build({
    ...end,
    events: [
      // Email: 8 orders in April come back in May, 8 orders in June stay. Shop: 6 orders in May come back in June.
      ...customers('email', 'Email', 8, '2026-04-10', 40),
      ...back('email', 8, '2026-04-10', '2026-05-10'),
      ...customers('email', 'Email', 8, '2026-06-10', 40),
      ...customers('shop', 'Store', 6, '2026-05-10', 40),
      ...back('shop', 6, '2026-05-10', '2026-06-10'),
      // Half of the orders of before, none of which came back.
      ...customers('call', 'Phone', 12, '2026-05-12', 40),
      ...customers('call', 'Phone', 6, '2026-06-12', 40),
      contact('first', 'Email', at('2026-04-01')),
    ],
    config: { attribution: { defaultModel: 'linear' } },
  });
  const changes = await company.query(
    "select subject, text_en, text_it from findings where topic = 'change' and period = 'last_30_days'",
  );
  const texts = new Map(changes.map((row) => [String(row.subject), row]));
  expect(texts.get('Email')?.text_en).toContain(
    'The cause is mostly fewer returns: they took back €0.00 of margin against €320.00.',
  );
  expect(texts.get('Email')?.text_it).toContain(
    'La causa sono soprattutto meno resi: hanno ripreso 0,00 € di margine contro 320,00 €.',
  );
  expect(texts.get('Store')?.text_en).toContain(
    'The cause is mostly more returns: they took back €240.00 of margin against €0.00.',
  );
  expect(texts.get('Phone')?.text_en).toContain('The cause is mostly fewer orders: 6 against 12.');
  expect(company.failing.error).toEqual([]);
}, 60_000);

test('a verdict that changed is a finding, with what it was', async () => {
  const company = await build({
    ...end,
    events: [
      ...customers('turn', 'Turn', 40, '2025-06-10', 100),
      ...customers('turn', 'Turn', 40, '2026-06-10', 1),
      contact('first', 'Turn', at('2025-05-01')),
    ],
    costs: [spend('Turn', '2025-06-10', '1000.00'), spend('Turn', '2026-06-10', '1000.00')],
  });
  const [verdict] = await company.query("select * from findings where topic = 'verdict' and period = '2026-06'");
  expect(verdict).toMatchObject({ subject: 'Turn', previous_value: 3 });
  expect(verdict?.text_en).toMatch(
    /^The verdict on Turn changed from “earns” to “loses”, from 1 Jun 2026 to 30 Jun 2026\. Its ROI is -96\.0% \(90 % interval .*\), and was 300\.0%\.$/,
  );
  expect(verdict?.text_it).toContain('da “guadagna” a “perde”');
});

test('where nothing of weight changed, that is said, and so is that there is nothing to compare with', async () => {
  const company = await build({
    ...end,
    events: [
      ...customers('even', 'Even', 30, '2026-05-10', 10),
      ...customers('even', 'Even', 30, '2026-06-10', 10),
      contact('first', 'Even', at('2026-05-01')),
    ],
  });
  const texts = async (period: string) =>
    company.lines(`select topic, text_en from findings where period = '${period}' and topic <> 'leak'`);
  expect(await texts('last_30_days')).toEqual([
    'quiet Nothing of weight changed, from 1 Jun 2026 to 30 Jun 2026: no channel’s margin moved by more than chance would move it, no verdict changed, and no channel lost money under every model that is judged by.',
  ]);
  expect(await texts('2026-05')).toEqual([
    'quiet There is no earlier period to compare with, from 1 May 2026 to 31 May 2026; no channel lost money under every model that is judged by.',
  ]);
});

test('a company without data has no findings and no error', async () => {
  const company = await build({});
  expect(await company.lines('select count(*) from findings')).toEqual(['0']);
  expect(company.failing.error).toEqual([]);
});
