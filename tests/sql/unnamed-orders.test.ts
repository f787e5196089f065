import { beforeAll, expect, test } from 'vitest';
import { type Arrival, at, type BuiltCompany, companyBuilder, contact, order, visit } from './company-on-duckdb.ts';

const build = companyBuilder();
let company: BuiltCompany;

const receipt = (number: string, day: string, more: Partial<Arrival> = {}): Arrival[] => [
  contact(`till-${number}`, 'Store', at(day, '10:00:00'), more),
  order(`till-${number}`, number, at(day, '10:00:01'), '10.00', { device: { class: 'offline' }, ...more }),
];

beforeAll(async () => {
  company = await build({
    asOf: '2026-05-31',
    events: [
      // A cookie is met again; so is a card, though the till is no device.
      visit('cookie', at('2026-01-05')),
      order('cookie', 'web-1', at('2026-01-05', '11:00:00'), '100.00'),
      order('cookie', 'web-2', at('2026-03-05'), '50.00'),
      ...receipt('card', '2026-01-10', { identifiers: { anonymous_id: 'till-card', loyalty_card: 'T-1' } }),
      // The number of a receipt is not, and nor is who said no, or shares a telephone with a whole firm.
      ...receipt('7001', '2026-01-11'),
      ...receipt('7002', '2026-02-11'),
      order('said-no', 'refused', at('2026-01-12'), '20.00', {
        identifiers: { user_id: 'said-no' },
        consent: { analytics: false },
      }),
      ...['u1', 'u2', 'u3', 'u4'].map((user_id) =>
        contact(user_id, 'Phone', at('2026-01-02'), { identifiers: { user_id, phone: '+39 02 12345678' } }),
      ),
      order('switchboard', 'shared', at('2026-01-13'), '30.00', { identifiers: { phone: '+39 02 12345678' } }),
    ],
  });
}, 60_000);

test('who does not say who it is, is no new customer; the money is in the ledger, with its credit', async () => {
  expect(
    await company.lines(
      'select order_id, conversion_type, revenue from conversions where order_id is not null order by occurred_at',
    ),
  ).toEqual([
    'web-1 first_order 100.00',
    'card first_order 10.00',
    '7001 repeat_order 10.00',
    'refused repeat_order 20.00',
    'shared repeat_order 30.00',
    '7002 repeat_order 10.00',
    'web-2 repeat_order 50.00',
  ]);
  expect(
    await company.lines(
      `select channel, sum(revenue) from credit where model = 'linear' and conversion_type like '%order' group by channel order by 1`,
    ),
  ).toEqual(['(unattributed) 50.000000', 'Direct 150.000000', 'Store 30.000000']);
  expect(company.failing.error).toEqual([]);
});

test('nor is in a cohort, a forecast or a state, and enters no stage by it; a customer who is known is', async () => {
  expect(
    await company.lines(
      "select cohort_month, size, retained from cohort_retention where channel <> '(all)' and period = 2 order by channel",
    ),
  ).toEqual(['2026-01 1 1', '2026-01 1 0']);
  expect(await company.lines('select count(*) from customer_value')).toEqual(['2']);
  expect(await company.lines("select sum(customers) from state_months where month = '2026-03'")).toEqual(['2']);
  expect(
    await company.lines('select orders, revenue, state, stage from persons where orders > 0 order by 2, 1, 3'),
  ).toEqual([
    '1 10.00 active conversion',
    '1 10.00 null awareness',
    '1 10.00 null awareness',
    '1 20.00 null null',
    '1 30.00 null null',
    '2 150.00 active retention',
  ]);
  expect(
    await company.lines(
      "select stage, count(*) from stage_entries where stage <> 'acquisition' group by stage order by 1",
    ),
  ).toEqual(['awareness 8', 'conversion 2', 'retention 1']);
});
