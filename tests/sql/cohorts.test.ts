import { beforeAll, describe, expect, test } from 'vitest';
import { type Arrival, at, type BuiltCompany, companyBuilder, contact, order, visit } from './company-on-duckdb.ts';

const build = companyBuilder();
const sold = (who: string, id: string, day: string, revenue: string, margin?: string): Arrival => ({
  ...order(who, id, at(day), revenue),
  value: { order_id: id, revenue, ...(margin === undefined ? {} : { margin }) },
});
const refund = (id: string, day: string, revenue: string): Arrival => ({
  event_id: `refund-${id}`,
  event_type: 'Order Refunded',
  occurred_at: at(day),
  source: 'shop',
  identifiers: { anonymous_id: 'desk' },
  value: { order_id: id, revenue },
});

describe('a cohort', () => {
  let company: BuiltCompany;
  const cells = (where: string) =>
    company.lines(
      `select period, size, retained, retained_from, orders, revenue, margin,
         cast(round(cumulative_margin_per_person, 4) as decimal(18, 4)) as so_far, is_complete
       from cohort_retention where ${where} order by period`,
    );
  beforeAll(async () => {
    company = await build({
      asOf: '2026-05-15',
      events: [
        // Four customers of January by the store, with a visit that is no cause.
        ...['a', 'b', 'c', 'd'].flatMap((who) => [
          contact(who, 'Store', at('2026-01-05')),
          visit(who, at('2026-01-06')),
        ]),
        sold('a', 'a1', '2026-01-31', '100.00', '40.00'),
        sold('b', 'b1', '2026-01-06', '100.00', '40.00'),
        sold('c', 'c1', '2026-01-06', '100.00', '40.00'),
        sold('d', 'd1', '2026-01-06', '100.00', '40.00'),
        // Half past eleven in the evening UTC is the next month in Rome.
        { ...sold('a', 'a2', '2026-02-01', '50.00', '20.00'), occurred_at: '2026-01-31T23:30:00Z' },
        sold('b', 'b2', '2026-01-20', '50.00', '20.00'),
        sold('b', 'b3', '2026-04-30', '50.00', '20.00'),
        sold('c', 'c2', '2026-04-01', '10.00', '4.00'),
        sold('c', 'c3', '2026-05-02', '10.00', '4.00'),
        // A refund of January's order in March, when nobody ordered.
        refund('d1', '2026-03-03', '100.00'),
        // Another channel, and a month that is not over: its period 0 is unknown too.
        contact('e', 'Phone', at('2026-05-01')),
        sold('e', 'e1', '2026-05-02', '70.00', '7.00'),
        // Without a touch, and without a margin in the second month.
        sold('f', 'f1', '2026-02-10', '10.00', '5.00'),
        sold('f', 'f2', '2026-03-10', '10.00'),
        sold('f', 'f3', '2026-04-10', '10.00', '5.00'),
      ],
    });
  }, 60_000);

  test('is read by whole calendar months; a refund lowers the revenue of its own month, not who stayed', async () => {
    expect(await cells("cohort_month = '2026-01'")).toEqual([
      '0 4 4 4 5 450.00 180.00 45.0000 true',
      '1 4 1 3 1 50.00 20.00 50.0000 true',
      '2 4 0 2 0 -100.00 -40.00 40.0000 true',
      '3 4 2 2 2 60.00 24.00 46.0000 true',
      '4 4 null null null null null null false',
    ]);
  });

  test('keeps of its first revenue what the period brings, refunds taken off; nothing where a month is not over', async () => {
    expect(
      await company.lines(
        `select period, cast(round(net_revenue_retention, 4) as decimal(18, 4)) from cohort_retention
         where cohort_month = '2026-01' order by period`,
      ),
    ).toEqual(['0 1.0000', '1 0.1111', '2 -0.2222', '3 0.1333', '4 null']);
    // A first order that was free has nothing to be kept.
    const free = await build({
      select: 'cohort_retention',
      events: [sold('a', 'a1', '2026-01-02', '0.00'), sold('a', 'a2', '2026-02-02', '5.00')],
      asOf: '2026-02-28',
    });
    expect(await free.lines('select net_revenue_retention from cohort_retention')).toEqual(['null', 'null']);
  });

  test('belongs to the last channel that is not Direct, and to the device of that touch', async () => {
    expect(
      await company.lines(
        'select distinct cohort_month, channel, device_class, size from cohort_retention order by 1, 2',
      ),
    ).toEqual(['2026-01 Store offline 4', '2026-02 (unattributed) (none) 1', '2026-05 Phone offline 1']);
  });

  test('of a month that is not over shows its size alone', async () => {
    expect(await cells("cohort_month = '2026-05'")).toEqual(['0 1 null null null null null null false']);
  });

  test('knows a month on the day that it is over, and not the day before', async () => {
    const cell = 'select retained, is_complete from cohort_retention where period = 0';
    const events = [sold('a', 'a1', '2026-03-02', '1.00')];
    expect(await (await build({ select: 'cohort_retention', events, asOf: '2026-03-31' })).lines(cell)).toEqual([
      '1 true',
    ]);
    expect(await (await build({ select: 'cohort_retention', events, asOf: '2026-03-30' })).lines(cell)).toEqual([
      'null false',
    ]);
  });

  test('with an unknown margin has none from then on', async () => {
    expect(await cells("cohort_month = '2026-02' and period < 3")).toEqual([
      '0 1 1 1 1 10.00 5.00 5.0000 true',
      '1 1 1 1 1 10.00 null null true',
      '2 1 1 1 1 10.00 5.00 null true',
    ]);
  });

  test('breaks no check', () => {
    expect(company.failing.error).toEqual([]);
  });
});

describe('an old customer', () => {
  test('is in no cohort: the first order after the history starts is a repeat order, the ones before are in no ledger', async () => {
    const company = await build({
      config: { customers: { historyStarts: '2026-02-01' } },
      events: [
        contact('old', 'Store', at('2026-01-01')),
        sold('old', 'old-1', '2026-01-31', '100.00', '40.00'),
        sold('old', 'old-2', '2026-02-02', '10.00', '4.00'),
        sold('new', 'new-1', '2026-02-01', '20.00', '8.00'),
        refund('old-1', '2026-02-05', '50.00'),
      ],
    });
    expect(
      await company.lines('select order_id, conversion_type, revenue, margin from conversions order by occurred_at'),
    ).toEqual(['new-1 first_order 20.00 8.00', 'old-2 repeat_order 10.00 4.00', 'old-1 repeat_order -50.00 -20.00']);
    expect(
      await company.lines(
        "select channel, revenue from credit where conversion_id like 'refund/%' and model = 'linear'",
      ),
    ).toEqual(['(unattributed) -50.000000']);
    expect(await company.lines('select distinct cohort_month, size from cohort_retention')).toEqual(['2026-02 1']);
    expect(
      await company.lines('select orders, revenue, margin from persons where orders > 0 order by revenue'),
    ).toEqual(['1 -40.00 -16.00', '1 20.00 8.00']);
    expect(company.failing.error).toEqual([]);
    expect(company.failing.warn).not.toContain('refunds_know_their_order');
  });

  test('loses what came back of an order before the first that we know, in its first month', async () => {
    const company = await build({
      select: 'cohort_retention,payback,persons',
      asOf: '2026-05-31',
      events: [
        sold('who', 'known', '2026-04-02', '50.00', '20.00'),
        {
          ...refund('unknown', '2026-03-05', '12.00'),
          identifiers: { anonymous_id: 'who' },
          value: { order_id: 'unknown', revenue: '12.00', margin: '5.00' },
        },
      ],
    });
    expect(
      await company.lines(
        "select cohort_month, period, revenue, margin, cumulative_margin_per_person from cohort_retention where channel <> '(all)' and device_class <> '(all)' order by period",
      ),
    ).toEqual(['2026-04 0 38.00 15.00 15', '2026-04 1 0.00 0.00 15']);
    expect(await company.lines("select distinct observed_ltv from payback where cohort_month = '2026-04'")).toEqual([
      '15',
    ]);
  });

  test('is known by the customer-since date of the CRM', async () => {
    const since = (who: string, customer_since: string): Arrival => ({
      event_id: `crm-${who}`,
      event_type: 'Identify',
      occurred_at: at('2026-06-01'),
      source: 'crm',
      identifiers: { anonymous_id: who },
      stored: { customer_since },
    });
    const company = await build({
      select: 'conversions,cohort_retention',
      events: [
        sold('old', 'old-1', '2026-02-02', '10.00'),
        since('old', '2026-02-01'),
        sold('new', 'new-1', '2026-02-02', '10.00'),
        since('new', '2026-02-02'),
        // Signed within the data, delivered a week later.
        sold('signed', 'signed-1', '2026-02-20', '10.00'),
        since('signed', '2026-02-13'),
      ],
    });
    expect(await company.lines('select order_id, conversion_type from conversions order by 1')).toEqual([
      'new-1 first_order',
      'old-1 repeat_order',
      'signed-1 first_order',
    ]);
    expect(await company.lines('select distinct size from cohort_retention')).toEqual(['2']);
    // Where the orders on record begin later than the first that came in, the setting says so.
    const later = await build({
      select: 'conversions',
      config: { customers: { historyStarts: '2026-02-15' } },
      events: [
        sold('other', 'other-1', '2026-02-02', '10.00'),
        sold('signed', 'signed-1', '2026-02-20', '10.00'),
        since('signed', '2026-02-13'),
      ],
    });
    expect(await later.lines('select order_id, conversion_type from conversions')).toEqual(['signed-1 repeat_order']);
  });
});
