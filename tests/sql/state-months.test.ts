import fc from 'fast-check';
import { expect, test } from 'vitest';
import { at, companyBuilder, contact, order } from './company-on-duckdb.ts';

const build = companyBuilder();

test('states at the end of each month, worked out by hand', async () => {
  const company = await build({
    select: 'state_months',
    // Anna: orders 30 days apart, so patience is 45 days: active in May, at risk at the end of July (61 days), lapsed in August.
    // Bruno: one order; at risk after 180 days (the default) without a sign, but a visit in June is one.
    // Carla: a gap of more than 2 x 180 days, ended by an order: won back.
    events: [
      order('anna', 'a1', at('2026-05-01'), '10.00'),
      order('anna', 'a2', at('2026-05-31'), '10.00'),
      order('bruno', 'b1', at('2026-01-10'), '10.00'),
      contact('bruno', 'Email', at('2026-06-20')),
      order('carla', 'c1', at('2025-01-10'), '10.00'),
      order('carla', 'c2', at('2026-08-10'), '10.00'),
    ],
    config: { timeZone: 'UTC' },
    asOf: '2026-08-31',
    now: '2026-09-01T10:00:00Z',
  });
  expect(
    await company.lines(
      "select month, state, sum(customers) from state_months where month >= '2026-05' group by 1, 2 order by 1, 2",
    ),
  ).toEqual([
    '2026-05 active 2',
    '2026-05 lapsed 1',
    '2026-06 active 2',
    '2026-06 lapsed 1',
    '2026-07 active 1',
    '2026-07 at risk 1',
    '2026-07 lapsed 1',
    '2026-08 active 1',
    '2026-08 lapsed 1',
    '2026-08 won back 1',
  ]);
  // Bruno's click in June is his first touch; of Anna and Carla no touch is known.
  expect(
    await company.lines(
      "select state, device_class, customers from state_months where month = '2026-08' order by 1, 2",
    ),
  ).toEqual(['active other 1', 'lapsed (none) 1', 'won back (none) 1']);
});

test('the last month says what persons say today, whatever people did', async () => {
  const day = fc.integer({ min: 0, max: 700 });
  const someone = fc.record({
    orders: fc.array(day, { minLength: 1, maxLength: 5 }),
    touches: fc.array(day, { maxLength: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(someone, { minLength: 5, maxLength: 40 }), async (people) => {
      const when = (offset: number) => new Date(Date.UTC(2024, 8, 1, 12) + offset * 86_400_000).toISOString();
      const company = await build({
        select: 'state_months,persons',
        events: people.flatMap(({ orders, touches }, person) => [
          ...orders.map((offset, number) => order(`p${person}`, `${person}-${number}`, when(offset), '10.00')),
          ...touches.map((offset) => contact(`p${person}`, 'Email', when(offset))),
        ]),
        asOf: '2026-08-17',
      });
      const last = await company.lines(
        "select state, device_class, customers from state_months where month = '2026-08' order by 1, 2",
      );
      expect(last).toEqual(
        await company.lines(
          'select state, first_device, count(*) from persons where state is not null group by 1, 2 order by 1, 2',
        ),
      );
      await company.close();
    }),
    { numRuns: 6, seed: 7 },
  );
}, 120_000);
