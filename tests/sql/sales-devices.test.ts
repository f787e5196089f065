import { expect, test } from 'vitest';
import { at, companyBuilder, contact, order, visit } from './company-on-duckdb.ts';

const build = companyBuilder();
const paid = { source: 'google', medium: 'cpc' };

test('sales stand on the device of the last non-direct touch, refunds on that of their order', async () => {
  const bought = (who: string, id: string, when: string, revenue: string, margin?: string) => ({
    ...order(who, id, when, revenue),
    value: { order_id: id, revenue, currency: 'EUR', ...(margin === undefined ? {} : { margin }) },
  });
  const company = await build({
    events: [
      // Anna: the mobile's ad, then typed in on the desktop; the mobile has the order. She comes back by a call.
      visit('anna', at('2026-05-01'), paid, { device: { class: 'mobile' } }),
      visit('anna', at('2026-05-03'), {}, { device: { class: 'desktop' } }),
      bought('anna', 'a1', at('2026-05-03', '12:10:00'), '100.00', '40.00'),
      contact('anna', 'Phone', at('2026-06-10')),
      bought('anna', 'a2', at('2026-06-11'), '50.00', '20.00'),
      // A fifth of the first order goes back in June, on the mobile again.
      { ...order('anna', 'a1', at('2026-06-20'), '20.00'), event_id: 'back', event_type: 'Order Refunded' },
      // Bruno: the desktop, and nobody knows the margin.
      visit('bruno', at('2026-06-05'), paid, { device: { class: 'desktop' } }),
      bought('bruno', 'b1', at('2026-06-05', '12:20:00'), '30.00'),
      // An order that nothing preceded.
      bought('dino', 'd1', at('2026-06-09'), '10.00', '1.00'),
    ],
    asOf: '2026-06-30',
  });
  const sold = (period: string) =>
    company.lines(
      `select device_class, orders, first_orders, repeat_orders, revenue, margin, persons from sales_devices where period = '${period}' order by 1`,
    );
  expect(await sold('2026-05')).toEqual(['(all) 1 1 0 100.00 40.00 1', 'mobile 1 1 0 100.00 40.00 1']);
  expect(await sold('2026-06')).toEqual([
    '(all) 3 2 1 70.00 null 3',
    '(none) 1 1 0 10.00 1.00 1',
    'desktop 1 1 0 30.00 null 1',
    'mobile 0 0 0 -20.00 -8.00 1',
    'offline 1 0 1 50.00 20.00 1',
  ]);
  // The same as the days and all models say, for every period.
  expect(
    await company.lines(
      `with daily as (
         select periods.period, channel_daily.model, sum(channel_daily.revenue) as revenue, sum(channel_daily.conversions) as orders
         from channel_daily inner join periods on channel_daily.day between periods.from_day and periods.to_day
         where channel_daily.conversion_type in ('first_order', 'repeat_order') group by 1, 2
       )
       select daily.period, daily.model from daily left join sales_devices
         on sales_devices.period = daily.period and sales_devices.device_class = '(all)'
         and sales_devices.revenue = daily.revenue and sales_devices.orders = daily.orders
       where sales_devices.period is null`,
    ),
  ).toEqual([]);
});
