import { beforeAll, describe, expect, test } from 'vitest';
import { configSchema } from '#core/config';
import { emptyLists, settingTables } from '#core/setting-tables';
import { isSqlModel } from '#pipeline/builds/catalogue';
import { planBuild } from '#pipeline/builds/plan';
import { at, type BuiltCompany, companyBuilder, contact, modelCatalogue, order, visit } from './company-on-duckdb.ts';

const build = companyBuilder();
const { checks, models, seeds } = await modelCatalogue();

/** For each check, what breaks a table that was whole. */
const breaks: Record<string, string[]> = {
  campaign_roi_adds_up: [
    "update campaign_roi set spend = spend + 0.01 where channel = 'Store' and period = 'all_time' and model = 'linear'",
    "update campaign_roi set revenue = revenue - 0.000001 where model = 'linear' and revenue > 0",
    "update campaign_roi set margin = null where model = 'linear' and margin > 0",
    'update campaign_roi set leads = leads + 1',
    "delete from campaign_roi where orders > 0 and model = 'w_shaped'",
  ],
  chains_lose_nobody: [
    'delete from transition_counts where state_to = -2',
    'update transition_counts set steps = steps + 1 where order_k = 2 and state_from = 0',
  ],
  complete_period_zero_is_whole: [
    'update cohort_retention set retained = retained - 1 where period = 0 and is_complete',
  ],
  credit_equals_ledger: [
    'update credit_touches set linear_revenue = linear_revenue + 0.000001 where touch_id = (select min(touch_id) from credit_touches)',
    'update credit_touches set w_shaped_margin = w_shaped_margin - 0.01',
    'update credit_touches set last_touch_conversions = 0',
    "insert into credit_touches select * replace ('order/nobody-knows' as conversion_id) from credit_touches limit 1",
  ],
  // No table breaks it: an engine of another mind does.
  engine_keeps_the_dialect: [
    'create or replace temp macro timezone(zone, instant) as cast(instant as timestamp)',
    'create or replace temp macro with_timezone(clock, zone) as cast(clock as timestamptz)',
    'create or replace temp macro date_diff(unit, a, b) as system.main.date_diff(unit, a, b)',
    'create or replace temp macro day_of_week(day) as dayofweek(day)',
    'create or replace temp macro greatest(a, b) as coalesce(system.main.greatest(a, b), a)',
    'create or replace temp macro to_unixtime(instant) as floor(epoch(instant))',
  ],
  every_conversion_is_credited: ["delete from credit_touches where conversion_id = 'order/o1'"],
  every_customer_has_a_value: [
    'delete from customer_value where frequency = 1',
    "insert into customer_value select * replace ('nobody' as person_id) from customer_value limit 1",
  ],
  gross_money_says_its_tax: ['update source_settings set is_gross = true'],
  key_channel_daily: [
    'insert into channel_days select * from channel_days limit 1',
    'update channel_days set stage = null',
  ],
  key_credit: [
    'insert into credit_touches select * from credit_touches limit 1',
    'update credit_touches set touch_id = null',
  ],
  money_has_a_rate: ["update fx_days set rate = null where currency = 'USD'"],
  orders_are_all_in_the_ledger: [
    "delete from conversion_facts where conversion_id = 'order/o1'",
    "insert into conversion_facts select * replace ('order/o9' as conversion_id) from conversion_facts where conversion_id = 'order/o1'",
  ],
  orders_say_what_they_are_worth: ["update person_milestones set revenue = null where event_type = 'Order Completed'"],
  payback_adds_up: [
    "update payback set spend = spend + 0.01 where cohort_month <> '(all)' and channel = 'Store'",
    "update payback set spend = spend + 0.01 where cohort_month = '(all)' and channel = '(all)'",
    "update payback set customers = customers + 1 where cohort_month <> '(all)' and channel = '(all)'",
    "delete from payback where cohort_month = '(all)'",
  ],
  platform_claims_are_all_there: [
    'update platform_comparison set platform_conversions = platform_conversions + 1',
    'update platform_comparison set platform_value = platform_value - 0.01',
    'delete from platform_comparison',
  ],
  reconciles_with_the_ledger: ['update reconciliation set difference = 0.01'],
  refunds_know_their_order: [
    "update conversion_facts set origin_id = conversion_id where conversion_id like 'refund/%'",
  ],
  sales_devices_add_up: [
    "update sales_devices set orders = orders + 1 where device_class = '(all)'",
    "update sales_devices set revenue = revenue - 0.01 where device_class <> '(all)'",
    "update sales_devices set revenue = revenue + 0.01 where period = '2026-06'",
    "delete from sales_devices where device_class <> '(all)'",
  ],
  shares_sum_to_one: [
    "delete from coalition_shares where model = 'shapley'",
    "update coalition_shares set share = 1.001 * share where model = 'markov_1'",
  ],
  sources_are_fresh: ['update source_health set is_stale = true'],
  spend_is_all_there: ["update spend_daily set spend = spend + 0.01 where kind = 'media'", 'delete from spend_daily'],
  stage_roi_adds_up: [
    "update stage_roi set spend = spend + 0.01 where channel = 'Store' and period = 'all_time' and moment = 'before_lead'",
    "update stage_roi set revenue = revenue - 0.000001 where model = 'linear' and revenue > 0",
    "update stage_roi set margin = margin + 0.01 where model = 'linear' and channel = 'Store'",
    "update stage_roi set margin = null where model = 'linear' and margin > 0",
    "delete from stage_roi where orders > 0 and model = 'w_shaped'",
  ],
  stages_in_order: ["update stage_times set entered_s = entered_s - 1e9 where stage = 'conversion'"],
  weights_sum_to_one: [
    "delete from credit_touches where touch_id = (select min(touch_id) from credit_touches where conversion_id = 'order/o1')",
    'update credit_touches set first_touch_weight = first_touch_weight + 1e-8',
    'update credit_touches set linear_weight = null',
  ],
};

let company: BuiltCompany;
beforeAll(async () => {
  company = await build({
    asOf: '2026-06-30',
    events: [
      contact('a', 'Store', at('2026-04-01')),
      visit(
        'a',
        at('2026-04-02'),
        { source: 'google', medium: 'cpc' },
        { identifiers: { anonymous_id: 'a', user_id: 'anna' } },
      ),
      { ...order('a', 'o1', at('2026-04-03'), '10.00'), value: { order_id: 'o1', revenue: '10.00', margin: '4.00' } },
      { ...order('a', 'o2', at('2026-05-03'), '10.00'), value: { order_id: 'o2', revenue: '10.00', margin: '4.00' } },
      { ...order('b', 'o3', at('2026-06-30'), '10.00'), value: { order_id: 'o3', revenue: '9.00', currency: 'USD' } },
      {
        ...order('a', 'o1', at('2026-05-04'), '5.00'),
        event_id: 'refund',
        event_type: 'Order Refunded',
      },
      visit('b', at('2026-06-30'), {}, { source: 'desk' }),
      ...(
        [
          ['Feedback Given', { score: 9, kind: 'nps' }],
          ['Referral Made', { referral_id: 'r' }],
        ] as const
      ).map(([event_type, properties]) => ({
        event_id: event_type,
        event_type,
        occurred_at: at('2026-06-29'),
        source: 'desk',
        identifiers: { anonymous_id: 'a' },
        properties,
      })),
    ],
    costs: [
      {
        ...{ cost_date: '2026-06-30', source: 'ads', channel: 'Store', spend: '3.00', currency: 'EUR' },
        ...{ platform_conversions: 2, platform_value: '30.00' },
      },
    ],
    lists: { fxRates: [{ rate_date: '2026-06-30', currency: 'USD', rate: '0.9' }] },
    config: { sources: { web: { staleAfterHours: 9000 }, desk: { staleAfterHours: 9000 }, shop: {}, ads: {} } },
  });
}, 60_000);

/** Rows that a check finds after the tables were broken; the tables are whole again afterwards. */
async function found(check: string, damage?: string): Promise<number> {
  const sql = checks.find((one) => one.name === check)?.sql ?? '';
  await company.warehouse.run('begin');
  try {
    if (damage !== undefined) await company.warehouse.run(damage);
    return (await company.query(sql)).length;
  } finally {
    await company.warehouse.run('rollback');
  }
}

test('every check is tried', () => {
  // Those that ask for a full refresh are tried in daily.test.ts.
  const tried = checks.filter((check) => check.severity !== 'refresh');
  expect(Object.keys(breaks).sort()).toEqual(tried.map((check) => check.name).sort());
});

test('no check finds anything in a company that is whole', () => {
  expect(company.failing).toEqual({ error: [], warn: [] });
});

describe.each(Object.entries(breaks))('the check %s', (check, damages) => {
  test.each(damages)('finds what this breaks: %s', async (damage) => {
    expect(await found(check)).toBe(0);
    expect(await found(check, damage)).toBeGreaterThan(0);
  });
});

describe('the key check of a published table', () => {
  const plan = planBuild(
    { models, checks, seeds },
    {
      timeZone: 'Europe/Rome',
      settings: settingTables(configSchema.parse({ name: 'x' }), emptyLists, '2026-07-01', undefined),
    },
  );
  const keyChecks = plan.steps.flatMap((step) =>
    step.kind === 'check' && step.check.startsWith('key_') ? [step] : [],
  );

  test('is there for each', () => {
    expect(keyChecks.map((step) => step.model).sort()).toEqual([...plan.published.keys()].sort());
  });

  // A view has a check of its own, which is tried above.
  test.each(
    keyChecks.filter((step) => breaks[step.check] === undefined).map((step) => [step.model, step.sql] as const),
  )('%s finds a row that is there twice, and a key that is null', async (table, sql) => {
    const key = models.filter(isSqlModel).find((model) => model.name === table)?.header.key[0] ?? '';
    const isEmpty = (await company.query(`select 1 from ${table} limit 1`)).length === 0;
    // What this small company has none of.
    if (isEmpty)
      return expect(['identity_hubs', 'rejected_records', 'field_conflicts', 'restatements']).toContain(table);
    expect(await company.query(sql)).toEqual([]);
    for (const damage of [`insert into ${table} select * from ${table} limit 1`, `update ${table} set ${key} = null`]) {
      await company.warehouse.run('begin');
      await company.warehouse.run(damage);
      const rows = await company.query(sql);
      await company.warehouse.run('rollback');
      expect(rows.length).toBeGreaterThan(0);
    }
  });
});
