import { beforeAll, describe, expect, test } from 'vitest';
import { modelNames } from '#core/model-names';
import { openCompanyByDays } from './company-by-days.ts';
import { type Arrival, at, type BuiltCompany, companyBuilder, contact, order } from './company-on-duckdb.ts';

const build = companyBuilder();

/** An order on which nothing but the money matters. */
const sold = (id: string, source: string, value: Arrival['value'], day = '2026-06-01'): Arrival => ({
  ...order(`who-${id}`, id, at(day), '0'),
  source,
  value: { order_id: id, ...value },
});
const rate = (rate_date: string, currency: string, value: string) => ({ rate_date, currency, rate: value });

describe('spend below nothing', () => {
  test('is shown, and has no ratio: a credit of a platform is nothing that was put in', async () => {
    const company = await build({
      select: 'channel_roi',
      events: [
        contact('who', 'Email', at('2026-05-31')),
        { ...sold('one', 'shop', { revenue: '100.00', margin: '40.00' }), identifiers: { anonymous_id: 'who' } },
      ],
      costs: [
        {
          cost_date: '2026-06-01',
          source: 'ads',
          campaign_id: 'c',
          spend: '-25.00',
          currency: 'EUR',
          channel: 'Email',
        },
      ],
    });
    expect(
      await company.lines(
        "select spend, margin, roi, roas, cac, roi_low from channel_roi where channel = 'Email' and model = 'linear' and period = 'all_time'",
      ),
    ).toEqual(['-25.00 40.000000 null null null null']);
    expect(company.failing.error).toEqual([]);
  });
});

describe('money', () => {
  let company: BuiltCompany;
  const worth = async (id: string) =>
    (await company.lines(`select revenue, margin, margin_is_estimated from conversions where order_id = '${id}'`))[0];
  beforeAll(async () => {
    company = await build({
      config: {
        sources: {
          gross: { gross: true, vatRate: 0.22 },
          listed: { gross: true },
          posted: { shippingIncluded: true },
          both: { gross: true, vatRate: 0.22, shippingIncluded: true },
        },
      },
      lists: {
        fixedCosts: [
          {
            channel: 'Fair',
            label: 'stand',
            from_date: '2026-06-01',
            to_date: '2026-06-02',
            amount: '10000000',
            currency: 'IDR',
          },
        ],
        vat: [
          { source: 'listed', vat_rate: '0.10' },
          { source: 'gross', vat_rate: '0.99' },
        ],
        fxRates: [
          rate('2026-05-25', 'USD', '0.80'),
          rate('2026-05-30', 'USD', '0.90'),
          rate('2026-06-02', 'USD', '0.10'),
          rate('2026-05-25', 'CHF', '1.05'),
          rate('2026-05-24', 'GBP', '1.15'),
          rate('2026-06-01', 'IDR', '0.0000577'),
        ],
      },
      events: [
        sold('plain', 'shop', { revenue: '122.00', tax: '22.00', shipping: '10.00', margin: '30.00' }),
        sold('own-tax', 'gross', { revenue: '122.00', tax: '10.00' }),
        sold('by-rate', 'gross', { revenue: '122.00' }),
        sold('by-list', 'listed', { revenue: '110.00' }),
        sold('posted', 'posted', { revenue: '110.00', shipping: '10.00' }),
        sold('both', 'both', { revenue: '132.00', tax: '22.00', shipping: '10.00' }),
        sold('both-by-rate', 'both', { revenue: '122.00', shipping: '12.20' }),
        // Sold at a loss, and sent back with its margin told, with either sign.
        ...['1', '2'].map((no) => sold(`loss-${no}`, 'shop', { revenue: '100.00', margin: '-10.00' })),
        ...[
          ['1', '-10.00'],
          ['2', '10.00'],
        ].map(
          ([no, margin]): Arrival => ({
            ...sold(`loss-${no}`, 'shop', { revenue: '100.00', margin }, '2026-06-05'),
            event_id: `loss-back-${no}`,
            event_type: 'Order Refunded',
          }),
        ),
        sold('usd', 'shop', { revenue: '100.00', margin: '10.00', currency: 'USD' }),
        sold('seven', 'shop', { revenue: '100.00', currency: 'CHF' }),
        sold('eight', 'shop', { revenue: '100.00', currency: 'GBP' }),
        sold('none', 'shop', { revenue: '100.00', currency: 'JPY' }),
        sold('small', 'shop', { revenue: '1000000.00', currency: 'IDR' }),
        // Refunds of a gross source, with either sign of either number.
        ...[
          ['122.00', '22.00'],
          ['-122.00', '-22.00'],
          ['-122.00', '22.00'],
          ['-122.00', undefined],
        ].map(
          ([revenue, tax], index): Arrival => ({
            ...sold(`back-${index}`, 'gross', { revenue, ...(tax === undefined ? {} : { tax }) }),
            event_type: 'Order Refunded',
          }),
        ),
        // Copies: the most trusted source gives the values, the earliest time stands.
        { ...sold('copies', 'shop', { revenue: '10.00', margin: '1.00' }), event_id: 'copy-1' },
        { ...sold('copies', 'erp', { revenue: '12.00', margin: '3.00' }, '2026-06-03'), event_id: 'copy-2' },
        // Without an id an order is its event.
        { ...sold('x', 'shop', {}), event_id: 'no-id-1', value: { revenue: '7.00' } },
        { ...sold('x', 'shop', {}), event_id: 'no-id-2', value: { revenue: '7.00' } },
      ],
      costs: [
        {
          cost_date: '2026-06-01',
          source: 'ads',
          campaign_id: 'i',
          spend: '1000000',
          currency: 'IDR',
          channel: 'Display',
        },
        {
          cost_date: '2026-06-01',
          source: 'ads',
          campaign_id: 'u',
          spend: '10.005',
          currency: 'EUR',
          channel: 'Display',
        },
      ],
    });
  }, 60_000);

  test('is net as it comes, unless the source says otherwise', async () => {
    expect(await worth('plain')).toBe('122.00 30.00 false');
  });

  test("of a gross source loses the event's own tax, else the source's rate, else the rate of the list", async () => {
    expect(await worth('own-tax')).toBe('112.00 null false');
    expect(await worth('by-rate')).toBe('100.00 null false');
    expect(await worth('by-list')).toBe('100.00 null false');
  });

  test('loses the shipping that was charged through, where the source says that it is in it', async () => {
    expect(await worth('posted')).toBe('100.00 null false');
    expect(await worth('both')).toBe('100.00 null false');
    // Without the tax shipping is gross as well: (122.00 - 12.20) / 1.22.
    expect(await worth('both-by-rate')).toBe('90.00 null false');
  });

  test('of an order at a loss comes back whole: what a refund tells of its margin has the sign of the order', async () => {
    expect(
      await company.lines(
        "select sum(revenue), sum(margin), count(*) from conversions where order_id like 'loss-%' group by order_id",
      ),
    ).toEqual(['0.00 0.00 2', '0.00 0.00 2']);
  });

  test('of another currency takes the latest rate of the 7 days up to it', async () => {
    expect(await worth('usd')).toBe('90.00 9.00 false');
    expect(await worth('seven')).toBe('105.00 null false');
    expect(await worth('small')).toBe('57.70 null false');
    expect(await company.lines("select day, spend from spend_daily where channel = 'Fair' order by day")).toEqual([
      '2026-06-01 288.50',
      '2026-06-02 288.50',
    ]);
  });

  test('without such a rate is refused, never taken at 1', async () => {
    expect(await worth('eight')).toBeUndefined();
    expect(await worth('none')).toBeUndefined();
    expect(company.refused).toEqual(['order-eight: no-rate', 'order-none: no-rate']);
  });

  test('of a refund is negative without its tax, whatever signs it came with', async () => {
    expect(
      await company.lines("select revenue from conversions where order_id like 'back-%' order by order_id"),
    ).toEqual(['-100.00', '-100.00', '-100.00', '-100.00']);
  });

  test('of an order told twice is that of the most trusted source, at the earliest time', async () => {
    const other = await build({
      select: 'conversions',
      config: { sources: { erp: { trust: 1 }, shop: { trust: 2 } } },
      events: [
        { ...sold('copies', 'shop', { revenue: '10.00', margin: '1.00' }), event_id: 'copy-1' },
        { ...sold('copies', 'erp', { revenue: '12.00', margin: '3.00' }, '2026-06-03'), event_id: 'copy-2' },
      ],
    });
    expect(await other.lines('select order_id, revenue, margin, conversion_date from conversions')).toEqual([
      'copies 12.00 3.00 2026-06-01',
    ]);
    // Equal trust is settled by the source's name, never by arrival.
    expect(await worth('copies')).toBe('12.00 3.00 false');
  });

  test('of orders without an id stays apart', async () => {
    expect(await company.lines("select revenue from conversions where order_id like 'shop/no-id-%'")).toEqual([
      '7.00',
      '7.00',
    ]);
  });

  test('spent in a small unit keeps its digits', async () => {
    expect(await company.lines('select campaign_id, spend from costs order by 1')).toEqual(['i 57.70', 'u 10.01']);
  });

  test('breaks no check', () => {
    expect(company.failing.error).toEqual([]);
  });
});

describe('margin', () => {
  const events = [
    contact('a', 'Store', at('2026-06-01')),
    { ...order('a', 'o1', at('2026-06-02'), '100.00'), value: { order_id: 'o1', revenue: '100.00', margin: '40.00' } },
    order('a', 'o2', at('2026-06-02'), '50.00'),
  ];
  const costs = [{ cost_date: '2026-06-01', source: 'rent', spend: '10.00', currency: 'EUR', channel: 'Store' }];
  const roi =
    "select channel, spend, revenue, margin, roas, roi, roi_low, verdict, note from channel_roi where model = 'linear' and period = 'all_time'";

  test('unknown in one order is unknown in every sum, up to the ROI, and the note says so', async () => {
    const company = await build({ select: 'conversions,channel_roi,persons', events, costs });
    expect(await company.lines('select order_id, margin, margin_is_estimated from conversions order by 1')).toEqual([
      'o1 40.00 false',
      'o2 null false',
    ]);
    expect(await company.lines(roi)).toEqual(['Store 10.00 150.000000 null 15 null null thin margin unknown']);
    expect(await company.lines('select revenue, margin from persons')).toEqual(['150.00 null']);
  });

  test('is taken from the default rate where the company sets one, and flagged', async () => {
    const company = await build({
      select: 'conversions,channel_roi',
      events,
      costs,
      config: { money: { defaultMarginRate: 0.3 } },
    });
    expect(await company.lines('select order_id, margin, margin_is_estimated from conversions order by 1')).toEqual([
      'o1 40.00 false',
      'o2 15.00 true',
    ]);
    expect(
      await company.lines("select margin, roi, note from channel_roi where model = 'linear' and period = 'all_time'"),
    ).toEqual(['55.000000 4.5 fewer than 30 conversions']);
  });

  describe("of the company's own conversions", () => {
    const booked = (id: string, value?: Arrival['value']): Arrival => ({
      ...contact('a', 'x', at('2026-06-03')),
      event_type: 'Demo Booked',
      event_id: id,
      ...(value === undefined ? {} : { value }),
    });
    const own = [
      contact('a', 'Store', at('2026-06-01')),
      booked('both', { revenue: '80.00', margin: '20.00' }),
      booked('revenue', { revenue: '50.00' }),
      booked('margin', { margin: '7.00' }),
      booked('none'),
    ];
    const conversions = { demo_booked: { event: 'Demo Booked', value: '25.00' } };
    const told = 'select conversion_id, revenue, margin, margin_is_estimated from conversions order by 1';
    const summed =
      "select conversion_type, revenue, margin from channel_credit where model = 'linear' and period = 'all_time' and channel = 'Store'";

    test('is unknown where the event brings a revenue and no margin, and so in every sum', async () => {
      const company = await build({ events: own, config: { conversions } });
      expect(await company.lines(told)).toEqual([
        'demo_booked/desk/both 80.00 20.00 false',
        'demo_booked/desk/margin 25.00 7.00 false',
        // What the configuration says that one is worth.
        'demo_booked/desk/none 25.00 25.00 false',
        'demo_booked/desk/revenue 50.00 null false',
      ]);
      expect(await company.lines(summed)).toEqual(['demo_booked 180.000000 null']);
      expect(company.failing.error).toEqual([]);
    });

    test('is taken from the default rate then, where the company sets one, and flagged', async () => {
      const company = await build({ events: own, config: { conversions, money: { defaultMarginRate: 0.333 } } });
      expect(await company.lines(told)).toEqual([
        'demo_booked/desk/both 80.00 20.00 false',
        'demo_booked/desk/margin 25.00 7.00 false',
        'demo_booked/desk/none 25.00 25.00 false',
        'demo_booked/desk/revenue 50.00 16.65 true',
      ]);
      expect(await company.lines(summed)).toEqual(['demo_booked 180.000000 68.650000']);
    });
  });
});

describe('an order that comes back in parts', () => {
  const touched = (who: string) =>
    ['Email', 'Phone', 'Store'].map((channel, index) => contact(who, channel, at(`2026-03-0${index + 1}`)));
  const bought = (id: string, revenue: string, margin: string): Arrival => ({
    ...order(`who-${id}`, id, at('2026-03-04'), revenue),
    value: { order_id: id, revenue, margin },
  });
  const part = (id: string, part_no: number, value: Arrival['value'], day = `2026-03-1${part_no}`): Arrival => ({
    ...order('whoever', id, at(day), '0'),
    event_id: `${id}-part-${part_no}`,
    event_type: 'Order Refunded',
    value: { order_id: id, ...value },
  });
  let company: BuiltCompany;
  const parts = (id: string) =>
    company.lines(
      `select revenue, margin, margin_is_estimated from conversions where order_id = '${id}' and revenue < 0 order by conversion_id`,
    );
  const left = (id: string) =>
    company.lines(`select sum(revenue), sum(margin) from conversions where order_id = '${id}'`);
  beforeAll(async () => {
    company = await build({
      config: { money: { defaultMarginRate: 0.3333 } },
      events: [
        ...['thirds', 'halves', 'told'].flatMap((id) => touched(`who-${id}`)),
        bought('thirds', '100.00', '10.00'),
        part('thirds', 1, { revenue: '33.33' }),
        part('thirds', 2, { revenue: '33.33' }),
        // The same instant: settled by the id of the event.
        part('thirds', 3, { revenue: '33.34' }, '2026-03-12'),
        bought('halves', '20.00', '10.01'),
        part('halves', 1, { revenue: '10.00' }),
        part('halves', 2, { revenue: '-10.00' }),
        bought('told', '90.00', '30.00'),
        part('told', 1, { revenue: '30.00', margin: '4.00' }),
        part('told', 2, { revenue: '30.00' }),
        part('told', 3, { revenue: '30.00' }),
        bought('kept', '90.00', '10.00'),
        part('kept', 1, { revenue: '30.00' }),
        part('kept', 2, { revenue: '30.00' }),
        bought('more', '30.00', '10.00'),
        part('more', 1, { revenue: '30.00' }),
        part('more', 2, { revenue: '5.00' }),
        bought('rest', '90.00', '30.00'),
        part('rest', 1, { revenue: '30.00' }),
        // Without an amount, and told twice.
        part('rest', 2, {}),
        part('rest', 3, {}),
        ...[1, 2, 3].map((number) => part('unheard', number, { revenue: '10.00' })),
      ],
    });
  }, 60_000);

  test('leaves no cent of its margin: parts are cut on the running total', async () => {
    // 3.333, 6.666 and 10 of 10.00: each by itself would be 3.33.
    expect(await parts('thirds')).toEqual(['-33.33 -3.33 true', '-33.33 -3.34 true', '-33.34 -3.33 true']);
    // 5.005 and 10.01: each by itself would be 5.01.
    expect(await parts('halves')).toEqual(['-10.00 -5.01 true', '-10.00 -5.00 true']);
    expect([await left('thirds'), await left('halves')]).toEqual([['0.00 0.00'], ['0.00 0.00']]);
  });

  test('takes with its last part what the parts that bring a margin have left', async () => {
    // 4.00 as told, a third of 30.00, and the rest of it.
    expect(await parts('told')).toEqual(['-30.00 -4.00 false', '-30.00 -10.00 true', '-30.00 -16.00 true']);
    expect(await left('told')).toEqual(['0.00 0.00']);
  });

  test('keeps the margin in proportion to what was kept, and gives more back where more was paid back', async () => {
    // 3.333 and 6.666 of 10.00.
    expect(await parts('kept')).toEqual(['-30.00 -3.33 true', '-30.00 -3.34 true']);
    expect(await left('kept')).toEqual(['30.00 3.33']);
    // 35 of 30: 11.67 of 10.00.
    expect(await parts('more')).toEqual(['-30.00 -10.00 true', '-5.00 -1.67 true']);
  });

  test('comes back whole, and no more than once, by a part that names no amount', async () => {
    expect(
      await company.lines(
        "select revenue, margin from conversions where order_id = 'rest' and conversion_id like 'refund/%' order by conversion_id",
      ),
    ).toEqual(['-30.00 -10.00', '-60.00 -20.00', '0.00 0.00']);
    expect(await left('rest')).toEqual(['0.00 0.00']);
  });

  test('and that nobody knows is cut so by the default rate', async () => {
    // 3.333, 6.666 and 9.999.
    expect(await parts('unheard')).toEqual(['-10.00 -3.33 true', '-10.00 -3.34 true', '-10.00 -3.33 true']);
  });

  test('leaves no revenue and no margin on any touch, in any model', async () => {
    expect(
      await company.lines(
        `select credit.model, credit.touch_id, sum(credit.revenue), sum(credit.margin) from credit
         inner join conversions on conversions.conversion_id = credit.conversion_id
         where conversions.order_id in ('thirds', 'halves', 'told')
         group by 1, 2 having sum(credit.revenue) <> 0 or sum(credit.margin) <> 0`,
      ),
    ).toEqual([]);
    // A third of 100.00, of 66.67, of 33.34 and of nothing; the last touch takes what rounding leaves of each.
    expect(
      await company.lines(
        `select credit.conversion_id, credit.channel, credit.revenue from credit
         where credit.model = 'linear' and credit.conversion_id like '%thirds%'
           and credit.conversion_type = 'first_order' and credit.channel <> 'Phone' order by 1, 2`,
      ),
    ).toEqual([
      'order/thirds Email 33.333333',
      'order/thirds Store 33.333334',
      'refund/shop/thirds-part-1 Email -11.110000',
      'refund/shop/thirds-part-1 Store -11.110000',
      'refund/shop/thirds-part-2 Email -11.110000',
      'refund/shop/thirds-part-2 Store -11.110000',
      'refund/shop/thirds-part-3 Email -11.113333',
      'refund/shop/thirds-part-3 Store -11.113334',
    ]);
    expect(await company.lines('select count(distinct model) from credit')).toEqual([String(modelNames.length)]);
    expect(company.failing.error).toEqual([]);
  });

  test('leaves none either where the first parts lie on closed days', async () => {
    const byDays = await openCompanyByDays({ timeZone: 'UTC', fullRefresh: 'never' });
    try {
      await byDays.receive([
        ...touched('who-slow'),
        bought('slow', '100.00', '10.00'),
        part('slow', 1, { revenue: '33.33' }),
      ]);
      await byDays.build('2026-03-20T08:00:00Z');
      await byDays.receive([part('slow', 2, { revenue: '33.33' }, '2026-06-12')]);
      await byDays.build('2026-06-13T08:00:00Z');
      await byDays.receive([part('slow', 3, { revenue: '33.34' }, '2026-09-13')]);
      await byDays.build('2026-09-14T08:00:00Z');
      await byDays.receive([order('another', 'another', at('2026-09-14'), '1.00')]);
      const { manifest } = await byDays.build('2026-09-15T08:00:00Z');
      expect([manifest.kind, manifest.books?.open_from]).toEqual(['daily', '2026-09-07']);
      const margins = "select conversion_id, margin from conversions where order_id = 'slow' order by conversion_date";
      const standing = await byDays.query(margins);
      expect(standing.map((row) => row.margin)).toEqual(['10.00', '-3.33', '-3.34', '-3.33']);
      const onTouches = `select model, touch_id from credit where conversion_id like '%slow%'
        group by 1, 2 having sum(revenue) <> 0 or sum(margin) <> 0`;
      expect(await byDays.query(onTouches)).toEqual([]);
      await byDays.build('2026-09-15T09:00:00Z', { fullRefresh: true });
      expect(await byDays.query(margins)).toEqual(standing);
      expect(await byDays.query(onTouches)).toEqual([]);
    } finally {
      await byDays.close();
    }
  }, 120_000);
});

describe('costs', () => {
  const row = (day: string, campaign_id: string, spend: string, more = {}) => ({
    cost_date: day,
    source: 'ads',
    account: 'a1',
    campaign_id,
    channel: 'Display',
    spend,
    currency: 'EUR',
    ...more,
  });
  const monday = { id: 'monday', received_at: '2026-06-08T06:00:00Z' };
  const tuesday = { id: 'tuesday', received_at: '2026-06-09T06:00:00Z' };
  const first = {
    ...monday,
    rows: [row('2026-06-01', 'x', '10.00'), row('2026-06-01', 'gone', '5.00'), row('2026-06-02', 'x', '20.00')],
  };
  const second = {
    ...tuesday,
    rows: [
      row('2026-06-01', 'x', '12.00', { clicks: 3 }),
      row('2026-06-01', 'x', '0.50', { clicks: 4 }),
      row('2026-06-01', 'other', '1.00', { account: 'a2' }),
    ],
  };

  test.each([
    ['in turn', [first, second]],
    ['the newer first', [second, first]],
  ])('told again replace the set of that source, account and day, imported %s', async (_, costs) => {
    const company = await build({ costs });
    expect(
      await company.lines('select cost_date, account, campaign_id, spend, clicks from costs order by 1, 2, 3'),
    ).toEqual(['2026-06-01 a1 x 12.50 7', '2026-06-01 a2 other 1.00 0', '2026-06-02 a1 x 20.00 0']);
    expect(await company.lines('select day, channel, kind, spend, clicks from spend_daily order by 1')).toEqual([
      '2026-06-01 Display media 13.50 7',
      '2026-06-02 Display media 20.00 0',
    ]);
    expect(company.failing.error).toEqual([]);
  });

  test('fixed for some days are spread evenly, and add up to the cent', async () => {
    const fixed = (channel: string, from_date: string, to_date: string, amount: string, currency = 'EUR') => ({
      channel,
      label: 'fee',
      from_date,
      to_date,
      amount,
      currency,
    });
    const company = await build({
      costs: [row('2026-06-01', 'x', '1.00'), row('2026-06-30', 'x', '1.00')],
      lists: {
        fixedCosts: [
          fixed('Phone', '2026-06-01', '2026-06-07', '100.00'),
          fixed('Store', '2026-06-03', '2026-06-03', '0.05'),
          fixed('Chat', '2026-06-01', '2026-06-30', '0.10'),
          fixed('Event', '2026-06-01', '2026-06-03', '10.00', 'USD'),
          // Half of it lies after the last day, and a contract of next year has no rate yet.
          fixed('Email', '2026-06-16', '2026-07-15', '300.00'),
          fixed('Audio', '2027-01-01', '2027-12-31', '999.00', 'USD'),
        ],
        fxRates: [rate('2026-05-29', 'USD', '0.9')],
      },
    });
    expect(company.failing.error).toEqual([]);
    expect(
      await company.lines(
        "select channel, count(*), sum(spend), min(spend), max(spend) from spend_daily where kind = 'fixed' group by 1 order by 1",
      ),
    ).toEqual([
      'Chat 30 0.10 0.00 0.01',
      'Email 15 150.00 10.00 10.00',
      'Event 3 9.00 3.00 3.00',
      'Phone 7 100.00 14.28 14.29',
      'Store 1 0.05 0.05 0.05',
    ]);
  });
});

describe('a period', () => {
  let company: BuiltCompany;
  beforeAll(async () => {
    company = await build({
      asOf: '2026-03-15',
      events: [
        // One order a day on which a figure hangs, each worth a power of ten so that a sum tells which are in it.
        ...(
          [
            ['2025-03-01', '1'],
            ['2025-03-15', '10'],
            ['2025-03-16', '100'],
            ['2025-03-31', '1000'],
            ['2026-02-13', '10000'],
            ['2026-02-14', '100000'],
            ['2026-03-01', '1000000'],
            ['2026-03-15', '10000000'],
          ] as const
        ).flatMap(([day, margin]) => [
          contact(`w-${day}`, 'Store', at(day, '09:00:00')),
          { ...order(`w-${day}`, day, at(day), '0'), value: { order_id: day, revenue: margin, margin } },
        ]),
      ],
      costs: ['2025-02-28', '2025-03-01', '2025-03-15', '2025-03-16', '2026-02-13', '2026-02-14', '2026-03-15'].map(
        (cost_date) => ({ cost_date, source: 'rent', channel: 'Store', spend: '1.00', currency: 'EUR' }),
      ),
    });
  }, 60_000);
  const period = async (name: string) =>
    (
      await company.lines(
        `select cast(margin as decimal(18, 0)), spend, cast(previous_margin as decimal(18, 0)), previous_spend
         from channel_roi where model = 'linear' and channel = 'Store' and period = '${name}'`,
      )
    )[0];

  test('of a month that is not over is set against the same days of the year before', async () => {
    expect(await period('2026-03')).toBe('11000000 1.00 11 2.00');
  });

  test('of a whole month or year holds all its days', async () => {
    expect(await period('2025-03')).toBe('1111 3.00 null null');
    expect(await period('2025')).toBe('1111 4.00 null null');
  });

  test('of 30 days ends on the last whole day, and is set against the 30 days before', async () => {
    // February 14th to March 15th, and January 15th to February 13th.
    expect(await period('last_30_days')).toBe('11100000 2.00 10000 1.00');
  });

  test('before which the data do not reach is set against nothing', async () => {
    // A year back from March 16th 2025: what is known of it is two weeks.
    expect(await period('last_365_days')).toBe('11111100 4.00 null null');
    expect(await period('all_time')).toBe('11111111 7.00 null null');
    expect(await period('2026')).toBe('11110000 3.00 null null');
  });

  test('is a month or a year of the data, or one of the four rolling ones', async () => {
    expect(
      (await company.lines("select period from periods where strpos(period, ':') = 0 order by period")).join(' '),
    ).toBe(
      '2025 2025-02 2025-03 2025-04 2025-05 2025-06 2025-07 2025-08 2025-09 2025-10 2025-11 2025-12 2026 2026-01 2026-02 2026-03 all_time last_30_days last_365_days last_90_days',
    );
  });

  test('has the days that it may be compared with as a period of their own, where they are none of the list', async () => {
    // The data end on March 15th 2026 and begin on February 14th 2025: other comparisons would begin before them.
    expect(
      await company.lines(
        "select period, cast(from_day as varchar), cast(to_day as varchar) from periods where strpos(period, ':') > 0 order by period",
      ),
    ).toEqual([
      '2026-03:before 2026-02-01 2026-02-15',
      '2026-03:year 2025-03-01 2025-03-15',
      'last_30_days:before 2026-01-15 2026-02-13',
      'last_90_days:before 2025-09-17 2025-12-15',
    ]);
    expect(await period('last_30_days:before')).toBe('10000 1.00 null null');
  });
});
