import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createQueryReader } from '#adapters/trino-reader';
import { readCatalogue, sqlFolder } from '#pipeline/builds/catalogue';
import { type PathModel, pathModels } from '#solvers/path-models';
import { members } from '#solvers/shapley';
import { at, type BuiltCompany, buildCompany, contact, order } from './company-on-duckdb.ts';

/*
 * A rule-based model is a row of the seed and its formula. A toy one is added to a copy of sql/: the second touch of a path
 * earns all, or the only one. A data-driven one is a row of the seed and how it is fitted: a toy one has all channels of a path earn the
 * same, however often they are on it. Nothing else is touched, and they must be wherever the others are.
 */
const sameForAll: PathModel = {
  name: 'same_for_all',
  open:
    ({ coalitions }) =>
    () => {
      const numbers = [...coalitions.low].flatMap((low, place) => [...members(low, coalitions.high[place] ?? 0)]);
      const all = [...new Set(numbers)];
      return {
        channels: all.map((channelNo) => ({ channelNo, factor: 1 / all.length, revenueFactor: 1 / all.length })),
      };
    },
};
let dir: string;
let company: BuiltCompany;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-model-'));
  await cp(sqlFolder, dir, { recursive: true });
  const edit = async (file: string, change: (text: string) => string) => {
    const path = join(dir, file);
    const text = await readFile(path, 'utf8');
    expect(change(text)).not.toBe(text);
    await writeFile(path, change(text));
  };
  await edit(
    'seeds/attribution_models.csv',
    (text) =>
      `${text}11,second_touch,rule,second touch,secondo contatto,,\n12,same_for_all,data_driven,same for all,uguale per tutti,,\n`,
  );
  (pathModels as PathModel[]).push(sameForAll);
  await edit('models/attribution/credit_weights.sql', (text) =>
    text.replace(
      '        1e0 as linear,\n',
      `        1e0 as linear,
        case
            when path_touches.touches = 1 then 1e0
            when path_touches.place = 2 then 1e0
            else 0e0
        end as second_touch,\n`,
    ),
  );
  const path = (who: string, channels: string[], revenue: string) => [
    ...channels.map((channel, index) => contact(who, channel, at(`2026-06-0${index + 1}`))),
    { ...order(who, who, at('2026-06-05'), revenue), value: { order_id: who, revenue, margin: '3.33' } },
  ];
  company = await buildCompany({
    catalogue: await readCatalogue(await createQueryReader(), dir),
    events: [
      ...path('one', ['A'], '10.00'),
      ...path('two', ['A', 'B'], '20.00'),
      ...path('three', ['A', 'B', 'C'], '30.00'),
      ...path('four', ['A', 'A', 'D'], '40.00'),
      order('none', 'none', at('2026-06-05'), '5.00'),
      {
        ...order('three', 'three', at('2026-06-20'), '30.00'),
        event_id: 'refund-three',
        event_type: 'Order Refunded',
      },
    ],
    costs: [{ cost_date: '2026-06-01', source: 'ads', channel: 'B', spend: '4.00', currency: 'EUR' }],
  });
}, 60_000);
afterAll(async () => {
  (pathModels as PathModel[]).pop();
  await company?.close();
  await rm(dir, { recursive: true, force: true });
});

test('a model added in one place is in credit, with sums that hold', async () => {
  expect(
    await company.lines(
      "select conversion_id, channel, weight, revenue from credit where model = 'second_touch' order by 1",
    ),
  ).toEqual([
    'order/four A 1 40.000000',
    'order/none (unattributed) 1 5.000000',
    'order/one A 1 10.000000',
    'order/three B 1 30.000000',
    'order/two B 1 20.000000',
    'refund/shop/refund-three B 1 -30.000000',
  ]);
  expect(company.failing.error).toEqual([]);
});

test('and in every table that is made of it', async () => {
  const of = "where model = 'second_touch'";
  expect(
    await company.lines(`select channel, sum(revenue), sum(margin) from channel_daily ${of} group by 1 order by 1`),
  ).toEqual(['(unattributed) 5.000000 null', 'A 50.000000 6.660000', 'B 20.000000 3.330000']);
  expect(
    await company.lines(
      `select spend, orders, revenue, margin, roi_low is not null, verdict from channel_roi ${of} and period = 'all_time' and channel = 'B'`,
    ),
  ).toEqual(['4.00 2.000000 20.000000 3.330000 true thin']);
  expect(
    await company.lines(
      `select conversion_type, conversions, revenue, revenue_low <= revenue, revenue_high >= revenue from channel_credit
       ${of} and period = 'all_time' and channel = 'B' order by 1`,
    ),
  ).toEqual(['(orders) 2.000000 20.000000 true true', 'first_order 2.000000 20.000000 true true']);
  expect(
    await company.lines(
      `select month, attributed, unattributed, ledger, difference from reconciliation ${of} and conversion_type = '(orders)'`,
    ),
  ).toEqual(['2026-06 70.00 5.00 75.00 0.00']);
});

test('and so is a data-driven one, from its factors to its credit', async () => {
  expect(
    await company.lines(
      "select channel, factor, textbook_revenue from channel_factors where model = 'same_for_all' and conversion_type = 'first_order' order by 1",
    ),
  ).toEqual(['A 0.25 25', 'B 0.25 25', 'C 0.25 25', 'D 0.25 25']);
  const credited = (table: string) =>
    company.lines(`select channel, sum(revenue) from ${table} where model = 'same_for_all' group by 1 order by 1`);
  const expected = ['(unattributed) 5.000000', 'A 40.000000', 'B 10.000000', 'D 20.000000'];
  expect((await credited('credit')).filter((line) => line !== 'C 0.000000')).toEqual(expected);
  expect((await credited('channel_daily')).filter((line) => line !== 'C 0.000000')).toEqual(expected);
  expect(
    await company.lines(
      "select channel, touch_id, weight from credit where model = 'same_for_all' and conversion_id = 'order/four' order by 1, 2",
    ),
  ).toHaveLength(3);
});
