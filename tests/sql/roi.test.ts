import { beforeAll, describe, expect, test } from 'vitest';
import { modelNames } from '#core/model-names';
import {
  type Arrival,
  at,
  type BuiltCompany,
  type CompanyInput,
  companyBuilder,
  contact,
  order,
} from './company-on-duckdb.ts';

const build = companyBuilder();

/** Persons that walked a path of channels and ordered, each with a margin of their own. */
function customers(name: string, path: string[], margins: number[]): Arrival[] {
  return margins.flatMap((margin, index) => {
    const who = `${name}-${index}`;
    return [
      ...path.map((channel, step) => contact(who, channel, at(`2026-06-0${step + 1}`))),
      {
        ...order(who, who, at('2026-06-05'), '200.00'),
        value: { order_id: who, revenue: '200.00', margin: margin.toFixed(2) },
      },
    ];
  });
}
const same = (count: number, margin: number) => Array.from({ length: count }, () => margin);
const spend = (channel: string, amount: string) => ({
  cost_date: '2026-06-01',
  source: 'ads',
  campaign_id: channel,
  channel,
  spend: amount,
  currency: 'EUR',
});
const input: CompanyInput = {
  events: [
    ...customers('earner', ['Earner'], same(40, 100)),
    ...customers('loser', ['Loser'], same(40, 1)),
    ...customers('free', ['Free'], same(40, 50)),
    ...customers('thin', ['Thin'], same(29, 100)),
    // The last model gives the opener nothing, the others half of sixty orders.
    ...customers('pair', ['Opener', 'Closer'], same(60, 100)),
    ...customers('wild', ['Wild'], [200, ...same(39, 0)]),
    ...Array.from({ length: 20 }, (_, index) => ({
      ...contact(`earner-${index}`, 'x', at('2026-06-02')),
      event_type: 'Lead Created',
      event_id: `lead-${index}`,
    })),
  ],
  costs: [
    spend('Earner', '1000.00'),
    spend('Loser', '1000.00'),
    spend('Thin', '10.00'),
    spend('Opener', '1000.00'),
    spend('Wild', '100.00'),
    spend('Wasted', '70.00'),
    spend('Gift', '0.00'),
  ],
};

describe('channel_roi', () => {
  let company: BuiltCompany;
  const figures = async (channel: string, columns: string, model = 'linear') =>
    (
      await company.lines(
        `select ${columns} from channel_roi where model = '${model}' and period = 'all_time' and channel = '${channel}'`,
      )
    )[0];
  beforeAll(async () => {
    company = await build(input);
  }, 60_000);

  test('divides what a channel brought by what it cost', async () => {
    expect(await figures('Earner', 'spend, leads, first_orders, orders, revenue, margin, roas, roi, cpl, cac')).toBe(
      '1000.00 20.000000 40.000000 40.000000 8000.000000 4000.000000 8 3 50 25',
    );
    expect(await figures('Opener', 'orders, margin, roi')).toBe('30.000000 3000.000000 2');
    expect(await figures('Opener', 'orders, margin, roi, cac, verdict', 'last_touch')).toBe(
      '0.000000 0.000000 -1 null models disagree',
    );
  });

  test('knows no return of a channel without a cost: neither zero nor infinite', async () => {
    for (const channel of ['Free', 'Closer']) {
      expect(await figures(channel, 'spend, roas, roi, roi_low, roi_high, cpl, cac, verdict, note')).toBe(
        'null null null null null null null no cost no cost on record',
      );
    }
    // A cost of nothing is none.
    expect(await figures('Gift', 'spend, roi, verdict, note')).toBe('null null no cost no cost on record');
  });

  test('counts spend to which no order is credited as lost, without an interval', async () => {
    expect(await figures('Wasted', 'spend, orders, margin, roas, roi, roi_low, cpl, cac, verdict, note')).toBe(
      '70.00 0.000000 0.000000 0 -1 null null null thin no conversions',
    );
  });

  test('has the ROI that the sentence of the evidence tells, under each model', async () => {
    expect(
      await company.lines(
        `select channel_evidence.channel, channel_evidence.period from channel_evidence
         inner join (
           select channel_roi.channel, channel_roi.period, min(channel_roi.roi) as least, max(channel_roi.roi) as greatest from channel_roi
           inner join verdict_models on verdict_models.model = channel_roi.model group by channel_roi.channel, channel_roi.period
         ) as told on told.channel = channel_evidence.channel and told.period = channel_evidence.period
         where channel_evidence.least_roi is distinct from told.least or channel_evidence.greatest_roi is distinct from told.greatest`,
      ),
    ).toEqual([]);
  });

  test('knows no return where the margin of an order is unknown, or where nobody ordered at all', async () => {
    const margins = customers('a', ['A'], [100]);
    const other = customers('b', ['B'], [100]).map((event) =>
      'value' in event ? { ...event, value: { order_id: 'b-0', revenue: '200.00' } } : event,
    );
    const built = await build({
      events: [...margins, ...other],
      costs: [
        spend('A', '50.00'),
        spend('B', '50.00'),
        spend('C', '50.00'),
        { ...spend('C', '9.00'), cost_date: '2026-05-03' },
      ],
    });
    const returned = (where: string) =>
      built.lines(
        `select channel, margin, roi, note from channel_roi where model = 'linear' and spend is not null and ${where} order by 1`,
      );
    expect(await returned("period = '2026-06'")).toEqual([
      'A 100.000000 1 fewer than 30 conversions',
      'B null null margin unknown',
      'C 0.000000 -1 no conversions',
    ]);
    expect(await returned("period = '2026-05'")).toEqual(['C 0.000000 null no conversions']);
    expect(
      await built.lines(
        "select period, least_roi, verdict from channel_evidence where channel = 'C' and period in ('2026-05', '2026-06') order by 1",
      ),
    ).toEqual(['2026-05 null thin', '2026-06 -1 thin']);
  });

  test.each([
    ['Earner', 'earns'],
    ['Loser', 'loses'],
    ['Thin', 'thin'],
    ['Opener', 'models disagree'],
    ['Wild', 'unclear'],
    ['Free', 'no cost'],
  ])('judges %s: %s', async (channel, verdict) => {
    expect(await figures(channel, 'verdict')).toBe(verdict);
    // A verdict is of the channel, so it is the same in every model and says so on each.
    expect(
      await company.lines(
        `select count(distinct verdict) from channel_roi where period = 'all_time' and channel = '${channel}'`,
      ),
    ).toEqual(['1']);
  });

  test.each([
    [
      'Earner',
      'Earner earns: under each of the 4 models the whole 90 % interval of its ROI lies above 0',
      'Earner guadagna: ',
    ],
    [
      'Loser',
      'Loser loses: under each of the 4 models the whole 90 % interval of its ROI lies below 0',
      'Loser perde: ',
    ],
    ['Free', 'Free: no cost is on record, so nothing can be said of its return.', 'Free: nessun costo registrato'],
    [
      'Thin',
      'Thin: too few orders to judge, 29 under the model that credits most; 30 are needed.',
      'Thin: troppo pochi ordini',
    ],
    [
      'Opener',
      'Opener: the models disagree. Its ROI is -100 % under last non-direct and ',
      'Opener: i modelli non concordano.',
    ],
    [
      'Wild',
      'Wild: not clear. Its ROI is 100 % to 100 %, by model, but the 90 % intervals reach from -100 % to ',
      'Wild: non è chiaro.',
    ],
  ])('says of %s in a sentence what the evidence allows', async (channel, english, italian) => {
    const [row] = await company.query(
      `select verdict, sentence_en, sentence_it from channel_evidence where period = 'all_time' and channel = '${channel}'`,
    );
    expect(String(row?.sentence_en).slice(0, english.length)).toBe(english);
    expect(String(row?.sentence_it).slice(0, italian.length)).toBe(italian);
    expect(row?.verdict).toBe(await figures(channel, 'verdict'));
  });

  test('has a sentence for every channel and period, in both languages', async () => {
    expect(
      await company.lines(
        `select count(*) from channel_evidence where sentence_en is null or sentence_it is null or verdict is null`,
      ),
    ).toEqual(['0']);
    expect(
      await company.lines(
        `select channel_roi.channel from channel_roi left join channel_evidence
           on channel_evidence.channel = channel_roi.channel and channel_evidence.period = channel_roi.period
         where channel_evidence.channel is null`,
      ),
    ).toEqual([]);
  });

  test('notes fewer than 30 conversions', async () => {
    expect(await figures('Thin', 'note')).toBe('fewer than 30 conversions');
    expect(await figures('Earner', 'note')).toBe('null');
  });

  test('has an interval that holds the value, as wide as the spread of the persons says', async () => {
    const rows = await company.query(
      `select channel, roi, roi_low, roi_high, spend from channel_roi
       where model = 'linear' and period = 'all_time' and roi_low is not null`,
    );
    expect(rows.map((row) => row.channel).sort()).toEqual(['Earner', 'Loser', 'Opener', 'Thin', 'Wild']);
    for (const row of rows) {
      expect(Number(row.roi_low)).toBeLessThanOrEqual(Number(row.roi));
      expect(Number(row.roi_high)).toBeGreaterThanOrEqual(Number(row.roi));
    }
    // Worked out again: the 10th and the 190th of 200 sums over the buckets that a replicate draws.
    const buckets = await company.query(
      `select person_stages.bucket, sum(conversions.margin) as margin from conversions
       inner join person_stages on person_stages.person_id = conversions.person_id
       where conversions.order_id like 'earner-%' group by 1`,
    );
    const margins = new Map(buckets.map((row) => [Number(row.bucket), Number(row.margin)]));
    const total = [...margins.values()].reduce((sum, value) => sum + value, 0);
    expect(total).toBe(4000);
    const sums = new Map<number, number>();
    for (const row of await company.query('select replicate, bucket, times from bootstrap_draws')) {
      const drawn = (margins.get(Number(row.bucket)) ?? 0) * Number(row.times);
      sums.set(Number(row.replicate), (sums.get(Number(row.replicate)) ?? 0) + drawn);
    }
    const sorted = [...sums.values()].sort((one, other) => one - other);
    const earner = rows.find((row) => row.channel === 'Earner');
    expect(Number(earner?.roi_low)).toBeCloseTo(((sorted[9] ?? 0) - 1000) / 1000, 9);
    expect(Number(earner?.roi_high)).toBeCloseTo(((sorted[189] ?? 0) - 1000) / 1000, 9);
    // And as wide as theory has it: a bootstrap over 256 buckets has the variance 256 x that of the buckets' sums.
    const variance = [...margins.values()].reduce((sum, value) => sum + value * value, 0) - total ** 2 / 256;
    const width = (2 * 1.645 * Math.sqrt(variance)) / 1000;
    expect((Number(earner?.roi_high) - Number(earner?.roi_low)) / width).toBeGreaterThan(0.8);
    expect((Number(earner?.roi_high) - Number(earner?.roi_low)) / width).toBeLessThan(1.2);
  });

  test('draws 256 of 256 buckets 200 times, the same ones at every build', async () => {
    expect(
      await company.lines(
        `select count(*), min(draws), max(draws) from (
           select replicate, sum(times) as draws from bootstrap_draws group by replicate
         ) as replicates`,
      ),
    ).toEqual(['200 256 256']);
    const again = await build({
      ...input,
      select: 'channel_roi',
      events: [...(input.events ?? [])].reverse(),
      recordsPerObject: 50,
    });
    const sql =
      'select model, channel, period, roi_low, roi_high from channel_roi where roi_low is not null order by 1, 2, 3';
    expect(await again.lines(sql)).toEqual(await company.lines(sql));
  });

  test('reconciles with the ledger in every model, and with the invoices', async () => {
    const invoiced = await build({
      select: 'reconciliation',
      events: [...customers('a', ['A'], [10]), order('b', 'b', at('2026-07-01', '09:00:00'), '5.00')],
      lists: { invoices: [{ month: '2026-06', amount: '190.00' }] },
      now: '2026-07-09T10:00:00Z',
    });
    expect(
      await invoiced.lines(
        "select conversion_type, month, attributed, unattributed, ledger, difference, invoiced from reconciliation where model = 'linear' order by 1, 2",
      ),
    ).toEqual([
      '(orders) 2026-06 200.00 0.00 200.00 0.00 190.00',
      '(orders) 2026-07 0.00 5.00 5.00 0.00 null',
      'first_order 2026-06 200.00 0.00 200.00 0.00 null',
      'first_order 2026-07 0.00 5.00 5.00 0.00 null',
    ]);
    expect(company.failing.error).toEqual([]);
  });

  test('reconciles what was invoiced in a month without an order too', async () => {
    const invoices = [
      { month: '2026-05', amount: '70.00' },
      { month: '2026-06', amount: '190.00' },
      { month: '2026-08', amount: '30.00' },
    ];
    const reconciled = (built: BuiltCompany) =>
      built.lines(
        "select month, attributed, unattributed, ledger, difference, invoiced from reconciliation where model = 'linear' and conversion_type = '(orders)' order by 1",
      );
    // A lead in May is no order.
    const lead = { ...contact('a-0', 'A', at('2026-05-01')), event_type: 'Lead Created', event_id: 'lead' };
    const invoiced = await build({ events: [lead, ...customers('a', ['A'], [10])], lists: { invoices } });
    expect(await reconciled(invoiced)).toEqual([
      '2026-05 0.00 0.00 0.00 0.00 70.00',
      '2026-06 200.00 0.00 200.00 0.00 190.00',
      '2026-08 0.00 0.00 0.00 0.00 30.00',
    ]);
    expect(
      await invoiced.lines(
        "select model, sum(invoiced) from reconciliation where conversion_type = '(orders)' group by 1 having sum(invoiced) <> 290",
      ),
    ).toEqual([]);
    expect(await invoiced.lines("select count(distinct model) from reconciliation where month = '2026-08'")).toEqual([
      String(modelNames.length),
    ]);
    expect(invoiced.failing.error).toEqual([]);
    const nothingSold = await build({ events: [lead], lists: { invoices } });
    expect(await reconciled(nothingSold)).toEqual(
      invoices.map(({ month, amount }) => `${month} 0.00 0.00 0.00 0.00 ${amount}`),
    );
    expect(nothingSold.failing.error).toEqual([]);
  });
});

describe('channel_credit', () => {
  let company: BuiltCompany;
  beforeAll(async () => {
    company = await build(input);
  }, 60_000);

  test('holds what credit adds up to, for every model and type, and both kinds of order together', async () => {
    expect(
      await company.lines(
        `select channel_credit.model, channel_credit.conversion_type, channel_credit.channel
         from channel_credit left join (
           select model, conversion_type, channel, sum(revenue) as revenue, sum(margin) as margin, sum(conversions) as conversions
           from credit group by 1, 2, 3
           union all
           select model, '(orders)', channel, sum(revenue), sum(margin), sum(conversions)
           from credit where conversion_type in ('first_order', 'repeat_order') group by 1, 3
         ) as summed
           on summed.model = channel_credit.model and summed.conversion_type = channel_credit.conversion_type
           and summed.channel = channel_credit.channel
         where channel_credit.period = 'all_time' and (
           summed.revenue is null or summed.revenue <> channel_credit.revenue or summed.margin <> channel_credit.margin
           or summed.conversions <> channel_credit.conversions)`,
      ),
    ).toEqual([]);
    expect(await company.lines('select count(distinct model) from channel_credit')).toEqual([
      String(modelNames.length),
    ]);
  });

  test('has intervals of the rule-based models and of markov_1, which hold the value, and none of the others', async () => {
    expect(
      await company.lines(
        `select model, count(conversions_low) > 0, min(case when conversions_low <= conversions and conversions_high >= conversions
           and margin_low <= margin and margin_high >= margin then 1 else 0 end)
         from channel_credit where conversion_type = '(orders)' and not is_thin group by model order by model`,
      ),
    ).toEqual(
      [...modelNames]
        .sort()
        .map((model) => `${model} ${['markov_2', 'shapley'].includes(model) ? 'false 0' : 'true 1'}`),
    );
  });

  test('is thin below 30 conversions of the period', async () => {
    expect(
      await company.lines(
        `select channel, is_thin from channel_credit where model = 'linear' and conversion_type = '(orders)' and period = 'all_time'
         and channel in ('Thin', 'Earner') order by 1`,
      ),
    ).toEqual(['Earner false', 'Thin true']);
  });

  test('has the cost of one conversion of each type, where a cost is on record and one is credited', async () => {
    const cpa = (where: string) =>
      company.lines(
        `select conversion_type, channel, conversions, cpa from channel_credit
         where period = 'all_time' and ${where} order by 2, 1`,
      );
    // 1000.00 for 40 first orders and 20 leads; no cost of Free; the last model gives the opener nothing.
    expect(await cpa("model = 'linear' and channel in ('Earner', 'Opener', 'Free')")).toEqual([
      '(orders) Earner 40.000000 25',
      'first_order Earner 40.000000 25',
      'lead Earner 20.000000 50',
      '(orders) Free 40.000000 null',
      'first_order Free 40.000000 null',
      '(orders) Opener 30.000000 33.333333333333336',
      'first_order Opener 30.000000 33.333333333333336',
    ]);
    expect(await cpa("model = 'last_touch' and channel = 'Opener'")).toEqual([]);
    // Of leads it is the CPL, of first orders the CAC.
    expect(
      await company.lines(
        `select channel_roi.model, channel_roi.channel, channel_roi.period from channel_roi
         inner join channel_credit
           on channel_credit.model = channel_roi.model and channel_credit.channel = channel_roi.channel
           and channel_credit.period = channel_roi.period
         where (channel_credit.conversion_type = 'lead' and channel_credit.cpa is distinct from channel_roi.cpl)
           or (channel_credit.conversion_type = 'first_order' and channel_credit.cpa is distinct from channel_roi.cac)`,
      ),
    ).toEqual([]);
  });

  test('has it of a type of the company too, and of one that only refunds are credited of none', async () => {
    const booked = await build({
      config: { conversions: { demo_booked: { event: 'Demo Booked' } } },
      events: [
        ...['a', 'b', 'c'].map((who) => contact(who, 'Fair', at('2026-05-01'))),
        ...['a', 'b', 'c'].map((who) => ({
          ...contact(who, 'x', at('2026-05-02')),
          event_type: 'Demo Booked',
          event_id: `demo-${who}`,
        })),
        order('a', 'a', at('2026-05-03'), '100.00'),
        { ...order('a', 'a', at('2026-06-03'), '100.00'), event_id: 'back', event_type: 'Order Refunded' },
      ],
      costs: ['2026-05-01', '2026-06-01'].map((cost_date) => ({ ...spend('Fair', '75.00'), cost_date })),
    });
    expect(
      await booked.lines(
        `select period, conversion_type, conversions, cpa from channel_credit
         where model = 'linear' and channel = 'Fair' and period in ('2026-05', '2026-06') order by 1, 2`,
      ),
    ).toEqual([
      '2026-05 (orders) 1.000000 75',
      '2026-05 demo_booked 3.000000 25',
      '2026-05 first_order 1.000000 75',
      '2026-06 (orders) 0.000000 null',
      '2026-06 first_order 0.000000 null',
    ]);
    expect(booked.failing.error).toEqual([]);
  });
});
