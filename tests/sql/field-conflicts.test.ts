import { expect, test } from 'vitest';
import { at, companyBuilder, order } from './company-on-duckdb.ts';

const build = companyBuilder();

test('what copies of an order say differently is listed once a field, beside what was kept', async () => {
  const copy = (
    source: string,
    id: string,
    day: string,
    revenue: string,
    more: object = {},
    trust: 'server' | 'browser' = 'server',
  ) =>
    order('x', id, at(day), revenue, {
      source,
      trust,
      event_id: `${source}-${id}`,
      value: { order_id: id, revenue, currency: 'EUR', ...more },
    });
  const events = [
    // Three places, three values: the most trusted of the others is told of. The CRM was a day late and knows no margin.
    copy('shop', '1', '2026-05-02', '100.00', { margin: '40.00' }),
    copy('crm', '1', '2026-05-03', '99.00'),
    copy('till', '1', '2026-05-02', '98.00', { margin: '41.50' }),
    // Equal once converted and net of VAT.
    copy('shop', '2', '2026-05-02', '100.00'),
    copy('abroad', '2', '2026-05-02', '80.00', { currency: 'GBP' }),
    copy('gross', '2', '2026-05-02', '122.00'),
    // Browsers' copies: one is silent, and late; one says another amount; one is of no order that anybody trusted knows.
    { ...copy('shop', '3', '2026-05-02', '10.00', { margin: '4.00' }), event_id: 'shop-3' },
    { ...copy('web', '3', '2026-05-03', '0', {}, 'browser'), value: { order_id: '3' } },
    copy('shop', '4', '2026-05-02', '10.00'),
    copy('web', '4', '2026-05-02', '12.20', {}, 'browser'),
    copy('web', '5', '2026-05-02', '10.00', {}, 'browser'),
    { ...copy('web', '5', '2026-05-02', '11.00', {}, 'browser'), event_id: 'web-5-again' },
  ];
  const input = {
    config: {
      sources: { shop: { trust: 1 }, crm: { trust: 2 }, till: { trust: 3 }, gross: { gross: true, vatRate: 0.22 } },
    },
    lists: { fxRates: [{ rate_date: '2026-05-01', currency: 'GBP', rate: '1.25' }] },
  };
  const expected = [
    '1 margin 40.00 shop 41.50 till',
    '1 occurred_day 2026-05-02 shop 2026-05-03 crm',
    '1 revenue 100.00 shop 99.00 crm',
    '4 revenue 10.00 shop 12.20 web',
  ];
  for (const given of [events, [...events].reverse()]) {
    const company = await build({ ...input, events: given });
    expect(company.refused).toEqual([]);
    expect(await company.lines('select * from field_conflicts order by order_id, field')).toEqual(expected);
    expect(company.failing.error).toEqual([]);
  }
});

test('a copy that names no revenue gives no values, however trusted; an order that none prices is 0, and a check counts it', async () => {
  const copy = (source: string, order_id: string, value: object, trust: 'server' | 'browser' = 'server') =>
    order('x', order_id, at('2026-05-02'), '', {
      source,
      trust,
      event_id: `${source}-${order_id}`,
      value: { order_id, currency: 'EUR', ...value },
    });
  const company = await build({
    select: 'conversions,field_conflicts,stg_events',
    config: { sources: { shop: { trust: 1 }, till: { trust: 3 }, gross: { gross: true } } },
    events: [
      copy('shop', '1', {}),
      copy('till', '1', { revenue: '30.00', margin: '9.00' }),
      copy('shop', '2', {}),
      copy('web', '2', { revenue: '50.00' }, 'browser'),
      copy('gross', '3', { revenue: '122.00' }),
      copy('gross', '4', { revenue: '122.00', tax: '22.00' }),
    ],
  });
  expect(await company.lines('select order_id, revenue, margin from conversions order by 1')).toEqual([
    '1 30.00 9.00',
    '2 0.00 null',
    '3 122.00 null',
    '4 100.00 null',
  ]);
  expect(await company.lines('select * from field_conflicts')).toEqual([]);
  expect(company.failing.warn).toEqual(['gross_money_says_its_tax', 'orders_say_what_they_are_worth']);
});

test('all identifiers of an order’s copies link, also where the first of one is shared', async () => {
  const company = await build({
    select: 'events,conversions',
    events: [
      ...['a', 'b', 'c', 'd'].map((crm_id) =>
        order('x', `own-${crm_id}`, at('2026-05-01'), '1.00', { identifiers: { crm_id, email: 'desk@example.org' } }),
      ),
      order('x', '9', at('2026-05-02'), '10.00', {
        event_id: 'shop-9',
        identifiers: { email: 'desk@example.org', anonymous_id: 'cookie' },
      }),
      order('x', '9', at('2026-05-02'), '10.00', {
        event_id: 'till-9',
        source: 'till',
        identifiers: { loyalty_card: 'L' },
      }),
    ],
  });
  expect(
    await company.lines("select count(distinct person_id) from events where event_id in ('shop-9', 'till-9')"),
  ).toEqual(['1']);
  expect(await company.lines('select count(distinct person_id) from conversions')).toEqual(['5']);
});
