import { beforeAll, describe, expect, test } from 'vitest';
import { modelNames } from '#core/model-names';
import { type Arrival, at, type BuiltCompany, companyBuilder, contact, order, visit } from './company-on-duckdb.ts';

const build = companyBuilder();

/** Touches on days 1, 2, 3 of June on the channels of a path such as `A>B`, and an order on the 4th. */
function journey(who: string, path: string, revenue: string | undefined): Arrival[] {
  const touches = path.split('>').map((channel, index) => contact(who, channel, at(`2026-06-0${index + 1}`)));
  return revenue === undefined ? touches : [...touches, order(who, who, at('2026-06-04'), revenue)];
}

describe('the check values of docs/definitions.md section 6', () => {
  let company: BuiltCompany;
  beforeAll(async () => {
    const paths: [string, number, number, string][] = [
      ['A', 2, 8, '100.00'],
      ['B', 1, 9, '50.00'],
      ['A>B', 4, 6, '120.00'],
      ['B>A', 1, 4, '90.00'],
      ['A>B>C', 3, 2, '150.00'],
      ['C', 0, 5, '0.00'],
      ['A>A>B', 1, 1, '130.00'],
    ];
    company = await build({
      events: paths.flatMap(([path, conversions, others, revenue]) =>
        Array.from({ length: conversions + others }, (_, index) =>
          journey(`${path}-${index}`, path, index < conversions ? revenue : undefined),
        ).flat(),
      ),
    });
  }, 60_000);

  async function totals(model: string, measure: 'conversions' | 'revenue'): Promise<Record<string, number>> {
    const rows = await company.query(
      `select channel, sum(${measure}) as total from credit where model = '${model}' and conversion_type = 'first_order' group by channel`,
    );
    return Object.fromEntries(rows.map((row) => [String(row.channel), Number(row.total)]));
  }

  test.each([
    ['first_touch', { A: 10, B: 2 }],
    ['last_touch', { A: 3, B: 6, C: 3 }],
    ['linear', { A: 6.166667, B: 4.833333, C: 1 }],
    ['position_based', { A: 6.3, B: 4.5, C: 1.2 }],
    ['markov_1', { A: 5.96961, B: 5.529085, C: 0.501305 }],
    ['shapley', { A: 7.394118, B: 4.444118, C: 0.161765 }],
  ])('hold for the conversions of %s', async (model, expected) => {
    const found = await totals(model, 'conversions');
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected));
    for (const [channel, value] of Object.entries(expected)) expect(found[channel]).toBeCloseTo(value, 5);
  });

  test.each([
    ['linear', { A: 721.6667, B: 528.3333, C: 150 }],
    ['position_based', { A: 743, B: 477, C: 180 }],
  ])('hold for the value of %s', async (model, expected) => {
    const found = await totals(model, 'revenue');
    for (const [channel, value] of Object.entries(expected)) expect(found[channel]).toBeCloseTo(value, 3);
  });

  test('add up to 12 conversions and 1400 in every model, and no check fails', async () => {
    expect(
      await company.lines('select model, sum(conversions), sum(revenue) from credit group by model order by model'),
    ).toEqual([...modelNames].sort().map((model) => `${model} 12.000000 1400.000000`));
    expect(company.failing).toEqual({ error: [], warn: [] });
  });
});

const weights = (model: string, conversion: string) =>
  `select channel, cast(round(weight, 9) as decimal(18, 6)) as weight from credit
   where model = '${model}' and conversion_id = '${conversion}' order by touch_date, channel`;

describe('weights', () => {
  let company: BuiltCompany;
  const half = (who: string, path: string[]) =>
    path.map((channel, index) => contact(who, channel, at(`2026-06-0${index + 1}`, '12:00:00')));
  beforeAll(async () => {
    company = await build({
      config: { attribution: { halfLifeDays: 1 } },
      events: [
        // 3, 2 and 1 days before the order.
        ...half('decay', ['A', 'B', 'C']),
        order('decay', 'decay', at('2026-06-04', '12:00:00'), '70.00'),
        // Lead on the 3rd, opportunity on the 5th, won by an order on the 6th.
        ...half('shaped', ['A', 'B', 'C', 'D', 'E', 'F']),
        {
          ...contact('shaped', 'x', at('2026-06-03', '12:00:01')),
          event_type: 'Lead Created',
          event_id: 'lead-shaped',
        },
        {
          ...contact('shaped', 'x', at('2026-06-05', '12:00:00')),
          event_type: 'Opportunity Created',
          event_id: 'opp-shaped',
        },
        order('shaped', 'shaped', at('2026-06-07'), '100.00'),
        // The lead's touch is the first one, and there is no opportunity.
        ...half('early', ['A', 'B', 'C']),
        { ...contact('early', 'x', at('2026-06-01', '13:00:00')), event_type: 'Signed Up', event_id: 'lead-early' },
        order('early', 'early', at('2026-06-07'), '100.00'),
        // Lead and opportunity follow one touch.
        ...half('joint', ['A', 'B', 'C', 'D']),
        { ...contact('joint', 'x', at('2026-06-02', '13:00:00')), event_type: 'Lead Created', event_id: 'lead-joint' },
        {
          ...contact('joint', 'x', at('2026-06-02', '14:00:00')),
          event_type: 'Opportunity Created',
          event_id: 'opp-joint',
        },
        order('joint', 'joint', at('2026-06-07'), '100.00'),
        // Milestones after the conversion are none of its.
        ...half('later', ['A', 'B', 'C']),
        order('later', 'later', at('2026-06-04'), '100.00'),
        { ...contact('later', 'x', at('2026-06-05')), event_type: 'Lead Created', event_id: 'lead-later' },
        // The lead's touch lies before the window.
        contact('far', 'A', at('2026-01-01')),
        { ...contact('far', 'x', at('2026-01-02')), event_type: 'Lead Created', event_id: 'lead-far' },
        ...half('far', ['B', 'C', 'D']),
        order('far', 'far', at('2026-06-04'), '100.00'),
        // Direct.
        visit('direct', at('2026-06-01')),
        visit('direct', at('2026-06-02')),
        order('direct', 'direct', at('2026-06-03'), '100.00'),
        contact('mixed', 'Phone', at('2026-06-01')),
        contact('mixed', 'Store', at('2026-06-02')),
        visit('mixed', at('2026-06-03')),
        order('mixed', 'mixed', at('2026-06-04'), '100.00'),
        // One and two touches.
        contact('one', 'A', at('2026-06-01')),
        order('one', 'one', at('2026-06-01'), '100.00'),
        contact('two', 'A', at('2026-06-01')),
        contact('two', 'B', at('2026-06-02')),
        order('two', 'two', at('2026-06-03'), '100.00'),
      ],
    });
  }, 60_000);

  test('of time decay with a half-life of one day are 1/7, 2/7 and 4/7', async () => {
    expect(await company.lines(weights('time_decay', 'order/decay'))).toEqual([
      'A 0.142857',
      'B 0.285714',
      'C 0.571429',
    ]);
    expect(
      await company.lines(
        "select channel, revenue from credit where model = 'time_decay' and conversion_id = 'order/decay' order by 1",
      ),
    ).toEqual(['A 10.000000', 'B 20.000000', 'C 40.000000']);
  });

  test('of w_shaped are 0.3 for first touch, lead and opportunity, and 0.1 for the others together', async () => {
    expect(await company.lines(weights('w_shaped', 'order/shaped'))).toEqual([
      'A 0.300000',
      'B 0.033333',
      'C 0.300000',
      'D 0.033333',
      'E 0.300000',
      'F 0.033333',
    ]);
  });

  test('of w_shaped count a touch once that is two milestones, and divide by what is there', async () => {
    expect(await company.lines(weights('w_shaped', 'order/early'))).toEqual(['A 0.750000', 'B 0.125000', 'C 0.125000']);
  });

  test('of w_shaped count a touch once that is lead and opportunity', async () => {
    expect(await company.lines(weights('w_shaped', 'order/joint'))).toEqual([
      'A 0.428571',
      'B 0.428571',
      'C 0.071429',
      'D 0.071429',
    ]);
  });

  test('of w_shaped leave out milestones later than the conversion and touches before the window', async () => {
    expect(await company.lines(weights('w_shaped', 'order/later'))).toEqual(['A 0.750000', 'B 0.125000', 'C 0.125000']);
    expect(await company.lines(weights('w_shaped', 'order/far'))).toEqual(['B 0.750000', 'C 0.125000', 'D 0.125000']);
  });

  test('of w_shaped are 1 where one touch is all there is', async () => {
    expect(await company.lines(weights('w_shaped', 'order/one'))).toEqual(['A 1.000000']);
  });

  test('of position_based are 1, halves, and 0.4 with 0.2 shared between', async () => {
    expect(await company.lines(weights('position_based', 'order/one'))).toEqual(['A 1.000000']);
    expect(await company.lines(weights('position_based', 'order/two'))).toEqual(['A 0.500000', 'B 0.500000']);
    expect(await company.lines(weights('position_based', 'order/shaped'))).toEqual([
      'A 0.400000',
      'B 0.050000',
      'C 0.050000',
      'D 0.050000',
      'E 0.050000',
      'F 0.400000',
    ]);
  });

  test('of last_non_direct go to the last touch that is not Direct, else to the last', async () => {
    expect(await company.lines(weights('last_non_direct', 'order/mixed'))).toEqual(['Store 1.000000']);
    expect(
      await company.lines(
        "select channel, touch_date from credit where model = 'last_non_direct' and conversion_id = 'order/direct'",
      ),
    ).toEqual(['Direct 2026-06-02']);
  });

  test('follow the shares of the configuration', async () => {
    const other = await build({
      select: 'credit',
      config: { attribution: { position: [0.5, 0.3, 0.2] } },
      events: [
        ...half('p', ['A', 'B', 'C', 'D']),
        order('p', 'p', at('2026-06-05'), '1.00'),
        ...half('q', ['A', 'B']),
        order('q', 'q', at('2026-06-05'), '1.00'),
      ],
    });
    expect(await other.lines(weights('position_based', 'order/p'))).toEqual([
      'A 0.500000',
      'B 0.150000',
      'C 0.150000',
      'D 0.200000',
    ]);
    expect(await other.lines(weights('position_based', 'order/q'))).toEqual(['A 0.714286', 'B 0.285714']);
  });
});

describe('the window of a conversion', () => {
  // 90 days x 24 h before 15:30:00.123 UTC of June 10th; the hour of daylight saving lies between them.
  const conversionAt = '2026-06-10T15:30:00.123Z';
  const edge = Date.parse(conversionAt) - 90 * 86_400_000;
  const iso = (milliseconds: number) => new Date(milliseconds).toISOString();
  let company: BuiltCompany;
  beforeAll(async () => {
    company = await build({
      config: { conversions: { demo_booked: { event: 'Demo Booked', lookbackDays: 1, value: '25.00' } } },
      events: [
        contact('edge', 'Before', iso(edge - 1000)),
        contact('edge', 'AlmostIn', iso(edge - 1)),
        contact('edge', 'First', iso(edge)),
        contact('edge', 'Last', conversionAt),
        contact('edge', 'After', iso(Date.parse(conversionAt) + 1)),
        order('edge', 'edge', conversionAt, '10.00'),
        // A type of its own with a shorter window.
        contact('demo', 'Early', at('2026-06-01', '09:59:59')),
        contact('demo', 'Late', at('2026-06-01', '10:00:00')),
        {
          ...contact('demo', 'x', at('2026-06-02', '10:00:00')),
          event_type: 'Demo Booked',
          event_id: 'demo',
        },
        // No touch at all.
        order('none', 'none', at('2026-06-03'), '33.33'),
        // Two in one second.
        contact('twins', 'A', at('2026-06-01')),
        order('twins', 'twin-1', at('2026-06-02', '10:00:00'), '10.00'),
        order('twins', 'twin-2', at('2026-06-02', '10:00:00'), '10.00'),
      ],
    });
  }, 60_000);

  test('has both ends in it, counted in hours and not in days', async () => {
    expect(
      await company.lines(
        "select channel from credit where model = 'linear' and conversion_id = 'order/edge' order by channel",
      ),
    ).toEqual(['First', 'Last']);
    expect(await company.lines("select touches_in_window from conversions where conversion_id = 'order/edge'")).toEqual(
      ['2'],
    );
  });

  test('is as long as its type says', async () => {
    expect(
      await company.lines(
        "select channel, revenue from credit where model = 'linear' and conversion_type = 'demo_booked'",
      ),
    ).toEqual(['Late 25.000000']);
  });

  test('without a touch keeps the value, unattributed, once in every model', async () => {
    expect(
      await company.lines(
        "select touch_id, channel, weight, conversions, revenue, count(*) from credit where conversion_id = 'order/none' group by 1, 2, 3, 4, 5",
      ),
    ).toEqual(['(unattributed) (unattributed) 1 1.000000 33.330000 10']);
  });

  test('keeps two conversions of one second apart', async () => {
    expect(
      await company.lines(
        "select conversion_id, conversion_type, touches_in_window from conversions where person_id = (select max(person_id) from conversions where order_id = 'twin-1') order by 1",
      ),
    ).toEqual(['order/twin-1 first_order 1', 'order/twin-2 repeat_order 1']);
    expect(company.failing.error).toEqual([]);
  });
});

describe('path_start', () => {
  const events = [
    contact('p', 'A', at('2026-06-01')),
    order('p', 'o1', at('2026-06-02'), '10.00'),
    contact('p', 'B', at('2026-06-02')),
    contact('p', 'C', at('2026-06-03')),
    order('p', 'o2', at('2026-06-04'), '10.00'),
    contact('p', 'D', at('2026-06-05')),
    // Two of one second have one path; a touch of that second is theirs, not the next one's.
    contact('p', 'E', at('2026-06-06')),
    order('p', 'o3', at('2026-06-06'), '10.00'),
    order('p', 'o4', at('2026-06-06'), '10.00'),
    order('p', 'o5', at('2026-06-07'), '10.00'),
  ];
  const paths = 'select order_id, touches_in_window from conversions where order_id is not null order by order_id';

  test('lookback lets a touch earn from several orders', async () => {
    const company = await build({ select: 'conversions', events });
    expect(await company.lines(paths)).toEqual(['o1 2', 'o2 3', 'o3 5', 'o4 5', 'o5 5']);
  });

  test('after_previous begins after the previous conversion of that type', async () => {
    const company = await build({ events, config: { attribution: { pathStart: 'after_previous' } } });
    // o2 is the first repeat order: no earlier one of its type. B, at the instant of o1, is in both.
    expect(await company.lines(paths)).toEqual(['o1 2', 'o2 3', 'o3 2', 'o4 2', 'o5 0']);
    expect(company.failing.error).toEqual([]);
  });
});

describe('a refund', () => {
  let company: BuiltCompany;
  const refund = (
    order_id: string,
    occurred_at: string,
    value: Arrival['value'],
    more: Partial<Arrival> = {},
  ): Arrival => ({
    event_id: `refund-${order_id}-${occurred_at}`,
    event_type: 'Order Refunded',
    occurred_at,
    source: 'shop',
    identifiers: { anonymous_id: 'whoever' },
    value: { order_id, ...value },
    ...more,
  });
  const sold = (id: string, revenue: string, margin?: string) => [
    contact(id, 'A', at('2026-01-10')),
    contact(id, 'B', at('2026-01-11')),
    contact(id, 'C', at('2026-01-12')),
    {
      ...order(id, id, at('2026-01-12', '12:00:00'), revenue),
      value: { order_id: id, revenue, ...(margin === undefined ? {} : { margin }) },
    },
  ];
  const credited = (id: string, model = 'linear') =>
    company.lines(
      `select channel, conversion_date, conversions, revenue, margin from credit where model = '${model}' and conversion_id like 'refund/%refund-${id}-%' order by channel`,
    );
  beforeAll(async () => {
    company = await build({
      events: [
        ...sold('part', '100.00', '40.00'),
        refund('part', at('2026-01-15'), { revenue: '25.00' }),
        ...sold('full', '90.00', '30.00'),
        // Half a year later, when no touch of the order is in any window of that day; said as a negative amount.
        refund('full', at('2026-06-15'), { revenue: '-90.00' }),
        ...sold('given', '100.00', '40.00'),
        refund('given', at('2026-01-15'), { revenue: '50.00', margin: '10.00' }),
        ...sold('unclear', '100.00'),
        refund('unclear', at('2026-01-15'), { revenue: '50.00' }),
        ...sold('silent', '60.00', '24.00'),
        refund('silent', at('2026-01-15'), {}),
        refund('unknown', at('2026-01-15'), { revenue: '12.00' }),
        ...sold('forged', '100.00', '40.00'),
        refund('forged', at('2026-01-15'), { revenue: '100.00' }, { trust: 'browser' }),
      ],
    });
  }, 60_000);

  test('in part copies the weights of its order, with margin in proportion, and counts no conversion', async () => {
    expect(await credited('part')).toEqual([
      'A 2026-01-15 0.000000 -8.333333 -3.333333',
      'B 2026-01-15 0.000000 -8.333333 -3.333333',
      'C 2026-01-15 0.000000 -8.333334 -3.333334',
    ]);
    expect(await credited('part', 'position_based')).toEqual([
      'A 2026-01-15 0.000000 -10.000000 -4.000000',
      'B 2026-01-15 0.000000 -5.000000 -2.000000',
      'C 2026-01-15 0.000000 -10.000000 -4.000000',
    ]);
    expect(
      await company.lines(
        "select conversion_type, revenue, margin, margin_is_estimated, touches_in_window from conversions where conversion_id like '%refund-part-%'",
      ),
    ).toEqual(['first_order -25.00 -10.00 true 3']);
  });

  test('in full, long after the window, takes back all that its order gave', async () => {
    expect(await credited('full', 'last_touch')).toEqual(['C 2026-06-15 0.000000 -90.000000 -30.000000']);
    expect(
      await company.lines(
        "select sum(revenue), sum(margin) from credit where model = 'w_shaped' and conversion_id like '%full%'",
      ),
    ).toEqual(['0.000000 0.000000']);
  });

  test('in full leaves no margin in any model, on any touch, and the day of its order as it was', async () => {
    expect(
      await company.lines(
        `select model, touch_id, sum(revenue), sum(margin) from credit where conversion_id like '%full%' group by 1, 2
         having sum(revenue) <> 0 or sum(margin) <> 0`,
      ),
    ).toEqual([]);
    expect(
      await company.lines("select count(distinct model) from credit where conversion_id like 'refund/%full%'"),
    ).toEqual([String(modelNames.length)]);
    const bought = [
      contact('kept', 'A', at('2026-06-01')),
      contact('kept', 'B', at('2026-06-02')),
      contact('kept', 'C', at('2026-06-03')),
      { ...order('kept', 'k', at('2026-06-04'), '99.99'), value: { order_id: 'k', revenue: '99.99', margin: '33.33' } },
    ];
    const returned = {
      ...order('kept', 'k', at('2026-06-20'), '99.99'),
      event_id: 'back',
      event_type: 'Order Refunded',
    };
    const select = 'channel_daily';
    const before = await build({ select, events: bought });
    const after = await build({ select, events: [...bought, returned] });
    const ofTheDay =
      "select * from channel_daily where day = date '2026-06-04' order by model, conversion_type, channel";
    expect(await after.lines(ofTheDay)).toEqual(await before.lines(ofTheDay));
    expect(
      await after.lines('select model from channel_daily group by model having sum(margin) <> 0 or sum(revenue) <> 0'),
    ).toEqual([]);
  });

  test('keeps the margin that it brings, and is not estimated then', async () => {
    expect(
      await company.lines(
        "select margin, margin_is_estimated from conversions where conversion_id like '%refund-given-%'",
      ),
    ).toEqual(['-10.00 false']);
  });

  test('of an order whose margin is unknown has an unknown margin, which nobody estimated', async () => {
    expect(
      await company.lines(
        "select margin, margin_is_estimated from conversions where conversion_id like '%refund-unclear-%'",
      ),
    ).toEqual(['null false']);
  });

  test('that names no amount is of all that the order has left', async () => {
    expect(
      await company.lines("select revenue, margin from conversions where conversion_id like '%refund-silent-%'"),
    ).toEqual(['-60.00 -24.00']);
  });

  test('of an order that nobody knows stays unattributed, with a warning', async () => {
    expect(await credited('unknown')).toEqual(['(unattributed) 2026-01-15 0.000000 -12.000000 null']);
    expect(company.failing).toEqual({ error: [], warn: ['refunds_know_their_order', 'sources_are_fresh'] });
  });

  test('told by a browser does not count', async () => {
    expect(await credited('forged')).toEqual([]);
  });
});

describe('credit', () => {
  let company: BuiltCompany;
  beforeAll(async () => {
    company = await build({
      config: { conversions: { demo_booked: { event: 'Demo Booked', value: '25.00' } } },
      events: [
        ...Array.from({ length: 7 }, (_, index) => contact('seven', `C${index}`, at(`2026-06-0${index + 1}`))),
        {
          ...order('seven', 'seven', at('2026-06-08'), '99.99'),
          value: { order_id: 'seven', revenue: '99.99', margin: '0.05' },
        },
        { ...contact('seven', 'x', at('2026-06-09')), event_type: 'Demo Booked', event_id: 'd1' },
        // What the browser and the server tell of one order; the touch is the browser's.
        visit('browser', at('2026-06-01', '09:00:00'), { source: 'newsletter', medium: 'email' }),
        {
          ...order('browser', 'web-1', at('2026-06-01', '09:05:00'), '80.00'),
          // The same revenue proves the copy; the rest of what it says of money does not count.
          value: { order_id: 'web-1', revenue: '80.00', margin: '79.00' },
          event_id: 'thank-you-page',
          source: 'web',
          trust: 'browser',
        },
        {
          ...order('x', 'web-1', at('2026-06-01', '09:05:02'), '80.00'),
          identifiers: { user_id: 'u1' },
        },
        // The browser alone.
        { ...order('forger', 'web-2', at('2026-06-01'), '5000.00'), source: 'web', trust: 'browser' },
      ],
      costs: [{ cost_date: '2026-06-01', source: 'ads', spend: '10.00', currency: 'EUR', channel: 'C0' }],
    });
  }, 60_000);

  test('adds up to 6 decimals, with the remainder on the last touch', async () => {
    expect(
      await company.lines(
        "select channel, conversions, revenue, margin from credit where model = 'linear' and conversion_id = 'order/seven' and channel in ('C5', 'C6') order by 1",
      ),
    ).toEqual(['C5 0.142857 14.284286 0.007143', 'C6 0.142858 14.284284 0.007142']);
    expect(
      await company.lines(
        "select sum(conversions), sum(revenue), sum(margin) from credit where model = 'linear' and conversion_id = 'order/seven'",
      ),
    ).toEqual(['1.000000 99.990000 0.050000']);
  });

  test('has no row of weight 0', async () => {
    expect(await company.lines('select count(*) from credit where weight <= 0')).toEqual(['0']);
  });

  test('of a type of the company counts beside the orders, not in the revenue of channel_roi', async () => {
    expect(
      await company.lines(
        "select conversions, revenue from credit where conversion_type = 'demo_booked' and model = 'last_touch'",
      ),
    ).toEqual(['1.000000 25.000000']);
    expect(
      await company.lines(
        "select channel, orders, revenue from channel_roi where model = 'last_touch' and period = 'all_time' and channel = 'C6'",
      ),
    ).toEqual(['C6 1.000000 99.990000']);
  });

  test('goes to the touch that the browser told of, with the values and the time that the server told of', async () => {
    expect(
      await company.lines(
        "select channel, conversion_id, revenue, margin from credit where model = 'last_touch' and conversion_id like 'order/web%'",
      ),
    ).toEqual(['Email order/web-1 80.000000 null']);
    expect(
      await company.lines("select date_format(occurred_at, '%H:%i:%s') from conversions where order_id = 'web-1'"),
    ).toEqual(['09:05:02']);
  });

  test('of an order that a browser alone tells of is none', async () => {
    expect(await company.lines("select count(*) from conversions where order_id = 'web-2'")).toEqual(['0']);
    expect(company.failing.error).toEqual([]);
  });
});
