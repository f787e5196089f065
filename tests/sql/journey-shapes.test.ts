import { beforeAll, describe, expect, test } from 'vitest';
import { at, type BuiltCompany, companyBuilder, contact, order, visit } from './company-on-duckdb.ts';

const build = companyBuilder();

describe('journeys', () => {
  let company: BuiltCompany;
  const shapes = (measure: string, device = '(all)', type = 'first_order') =>
    company.lines(
      `select bucket, conversions, persons from journey_shapes where period = 'all_time' and device_class = '${device}' and measure = '${measure}' and conversion_type = '${type}' order by 1`,
    );

  beforeAll(async () => {
    company = await build({
      events: [
        // Anna: the phone's browser, a call two days later, and at once the order.
        visit(
          'anna',
          at('2026-06-01', '08:30:00'),
          { source: 'google', medium: 'cpc' },
          { device: { class: 'mobile' } },
        ),
        contact('anna', 'Phone', at('2026-06-03', '09:10:00')),
        order('anna', 'a', at('2026-06-03', '09:40:00'), '10.00'),
        // Bruno: one visit, one order.
        visit(
          'bruno',
          at('2026-06-10', '21:00:00'),
          { source: 'google', medium: 'cpc' },
          { device: { class: 'desktop' } },
        ),
        order('bruno', 'b', at('2026-06-10', '21:10:00'), '10.00'),
        // Carla: seen, and never bought.
        visit('carla', at('2026-06-08', '21:00:00'), {}, { device: { class: 'desktop' } }),
        // An order that nothing preceded.
        order('dino', 'd', at('2026-06-09'), '10.00'),
      ],
      config: { timeZone: 'Europe/Rome' },
    });
  }, 60_000);

  test('are counted by contacts, days, devices, and calls among the clicks', async () => {
    expect(await shapes('touches')).toEqual(['1 1 1', '2 1 1']);
    expect(await shapes('days')).toEqual(['0 1 1', '1 1 1']);
    expect(await shapes('devices')).toEqual(['1 1 1', '2 1 1']);
    expect(await shapes('mix')).toEqual(['0 1 1', '1 1 1']);
  });

  test('are counted apart for the device on which they began', async () => {
    // Anna's began on the mobile, though a call closed it; Bruno's on the desktop.
    expect(await shapes('touches', 'mobile')).toEqual(['2 1 1']);
    expect(await shapes('devices', 'mobile')).toEqual(['2 1 1']);
    expect(await shapes('touches', 'desktop')).toEqual(['1 1 1']);
    expect(await shapes('touches', 'offline')).toEqual([]);
    expect(
      await company.lines(
        "select device_class, channel, conversions, opened, closed from journey_channels where period = 'all_time' and conversion_type = 'first_order' and device_class <> '(all)' order by 1, 2",
      ),
    ).toEqual(['desktop Paid Search 1 1 1', 'mobile Paid Search 1 1 0', 'mobile Phone 1 0 1']);
  });

  test('begin on one device and end on another', async () => {
    expect(
      await company.lines(
        "select first_device, last_device, conversions from journey_devices where period = 'all_time' and conversion_type = 'first_order' order by 1",
      ),
    ).toEqual(['desktop desktop 1', 'mobile offline 1']);
  });

  test('are opened, closed or walked alone by a channel', async () => {
    expect(
      await company.lines(
        "select channel, is_offline, conversions, opened, closed, alone from journey_channels where period = 'all_time' and device_class = '(all)' and conversion_type = 'first_order' order by 1",
      ),
    ).toEqual(['Paid Search false 2 2 1 1', 'Phone true 1 0 1 0']);
  });

  test('stand at the hour and weekday of the company’s own clock', async () => {
    // 08:30 UTC is 10:30 in Rome in June; June 1st 2026 is a Monday.
    expect(
      await company.lines(
        "select weekday, hour, touches, orders, touch_persons, order_persons, persons from touch_hours where period = 'all_time' and device_class = '(all)' order by 1, 2",
      ),
    ).toEqual(['1 10 1 0 1 0 1', '1 23 1 0 1 0 1', '2 12 0 1 0 1 1', '3 11 1 1 1 1 1', '3 23 1 1 1 1 1']);
  });

  test('of an hour: contacts by their own device, orders by the one on which the way to them began', async () => {
    expect(
      await company.lines(
        "select device_class, weekday, hour, touches, orders from touch_hours where period = 'all_time' and device_class <> '(all)' order by 1, 2, 3",
      ),
    ).toEqual([
      '(none) 2 12 0 1',
      'desktop 1 23 1 0',
      'desktop 3 23 1 1',
      'mobile 1 10 1 0',
      'mobile 3 11 0 1',
      'offline 3 11 1 0',
    ]);
  });

  test('of every conversion with a touch are in each measure once', async () => {
    const [sums] = await company.query(
      `select min(total) as least, max(total) as most from (
         select measure, sum(conversions) as total from journey_shapes where period = 'all_time' and device_class = '(all)' and conversion_type = 'first_order' group by measure
       ) as totals`,
    );
    const [whole] = await company.query(
      "select count(*) as n from conversions where conversion_type = 'first_order' and touches_in_window > 0",
    );
    expect([Number(sums?.least), Number(sums?.most)]).toEqual([Number(whole?.n), Number(whole?.n)]);
  });
});

test('returns are told by the channels that had the credit for the order, on their own day', async () => {
  const company = await build({
    events: [
      contact('anna', 'Email', at('2026-05-01')),
      contact('anna', 'Phone', at('2026-05-02')),
      {
        ...order('anna', 'a', at('2026-05-03'), '100.00'),
        value: { order_id: 'a', revenue: '100.00', margin: '40.00', currency: 'EUR' },
      },
      {
        ...order('anna', 'a', at('2026-06-03'), '60.00'),
        event_id: 'back',
        event_type: 'Order Refunded',
      },
    ],
    asOf: '2026-06-30',
  });
  expect(
    await company.lines(
      "select channel, refunds, revenue, margin, persons from channel_refunds where model = 'linear' and period = '2026-06' order by 1",
    ),
  ).toEqual(['(all) 1 60.00 24.00 1', 'Email 0.5 30.00 12.00 1', 'Phone 0.5 30.00 12.00 1']);
  expect(await company.lines("select count(*) from channel_refunds where period = '2026-05'")).toEqual(['0']);
});
