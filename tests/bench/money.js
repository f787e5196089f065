// The tables of money and of the value of customers, over made-up credit, touches and orders as a company of ten million
// events has them: 40 channels, 4,000 campaigns, 24 months. `node tests/bench/money.js [conversions]` prints wall and
// CPU seconds and rows of each model, then their sums and the peak of memory. What credit costs to make is not in it.
import { readFile } from 'node:fs/promises';
import { register } from 'tsx/esm/api';

register();
const { createDuckDbWarehouse } = await import('../../functions/adapters/duckdb-warehouse.ts');
const { createQueryReader } = await import('../../functions/adapters/trino-reader.ts');
const { configSchema } = await import('../../functions/core/config.ts');
const { orderModels } = await import('../../functions/core/model-graph.ts');
const { emptyLists, settingTables } = await import('../../functions/core/setting-tables.ts');
const { readCatalogue } = await import('../../functions/pipeline/builds/catalogue.ts');

const conversions = Number(process.argv[2] ?? 870_000);
const measured = [
  ...[
    'period_spans',
    'day_spans',
    'segment_periods',
    'campaign_names',
    'credit_by_campaign',
    'credit_periods',
    'touches_by_campaign',
    'spend_by_campaign',
    'campaign_roi',
    'moment_spend',
  ],
  ...[
    'stage_roi',
    'platform_comparison',
    'spend_names',
    'spend_hygiene',
    'customer_cohorts',
    'cohort_retention',
    'value_customers',
  ],
  ...[
    'value_counts',
    'spending_counts',
    'value_parameters',
    'value_expectations',
    'value_predictions',
    'customer_value',
  ],
  ...['value_fit', 'payback'],
];
const warehouse = await createDuckDbWarehouse({ threads: 2, memory: '4GB' });
const catalogue = await readCatalogue(await createQueryReader());
const settings = settingTables(configSchema.parse({ name: 'x' }), emptyLists, '2026-01-01', undefined);
for (const [name, table] of Object.entries({ ...catalogue.seeds, ...settings })) {
  await warehouse.createTableFromRows(name, table.columns, table.rows);
}

// Whole numbers of a row n, spread as evenly as they may be, and the same each time.
const spread = (n, below, salt) => `cast(hash(${n}, ${salt}) % ${below} as bigint)`;
const day = (n, salt) => `date '2024-01-01' + cast(${spread(n, 730, salt)} as integer)`;
// Few campaigns bring most, most bring little; a campaign is on one channel.
const campaign = (n) => `cast(floor(4000 * pow((hash(${n}, 7) % 1000000) / 1e6, 3)) as bigint)`;
const stages = "['awareness', 'acquisition', 'conversion', 'retention', 'loyalty']";
const make = {
  horizon: `select date '2025-12-30' as as_of_day, date '2024-01-01' as first_day, timestamptz '2025-12-30 23:00:00+00' as as_of_at`,
  calendar: `select cast(unnest(generate_series(date '2024-01-01', date '2025-12-30', interval 1 day)) as date) as day`,
  // Of three orders in ten the person has ordered before; each person's are in the order of their days.
  orders: `select *, row_number() over (partition by person_id order by at_s, order_key) = 1 as is_first from (
      select 'o' || n as order_key, 'p' || ${spread('n', Math.round(conversions * 0.4), 1)} as person_id, ${day('n', 2)} as event_date,
        cast(n % 9000 + 100 as decimal(18, 2)) / 10 as margin, cast(n as double) as at_s
      from range(${Math.round(conversions * 0.77)}) as numbers (n))`,
  conversion_facts: `select 'order/' || order_key as conversion_id, case when is_first then 'first_order' else 'repeat_order' end as conversion_type,
      person_id, event_date as conversion_date, cast(margin * 3 as decimal(18, 2)) as revenue, cast(margin as decimal(18, 2)) as margin,
      cast(1 as decimal(18, 6)) as conversions from orders`,
  touch_base: `select 't' || n as touch_id, 'p' || n % ${Math.round(conversions * 0.4)} as person_id, n // ${Math.round(conversions * 0.4)} + 1 as seq,
      'Channel ' || ${campaign('n')} % 40 as channel, 'desktop' as device_class, ${day('n', 5)} as touch_date,
      'source ' || ${campaign('n')} % 60 as source, 'campaign ' || ${campaign('n')} as campaign,
      ${stages}[1 + ${spread('n', 5, 8)}] as stage from range(${Math.round(conversions * 3.6)}) as numbers (n)`,
  touches: 'select * from touch_base',
  windows: `select conversion_id, person_id, cast(1 as bigint) as last_seq, cast(1 as bigint) as last_non_direct_seq from conversion_facts`,
  credit_touches: `select ${day('n', 9)} as conversion_date, ['lead', 'first_order', 'repeat_order'][1 + ${spread('n', 3, 10)}] as conversion_type,
      'Channel ' || ${campaign('n')} % 40 as channel, 'campaign ' || ${campaign('n')} as campaign, ${stages}[1 + ${spread('n', 5, 8)}] as stage,
      ${catalogue.seeds.attribution_models.rows
        .map(
          ({ model }) => `0.4e0 as ${model}_weight, cast(0.4 as decimal(18, 6)) as ${model}_conversions,
      cast(40 as decimal(18, 6)) as ${model}_revenue, cast(12 as decimal(18, 6)) as ${model}_margin`,
        )
        .join(', ')}
    from range(${Math.round(conversions * 2.8)}) as numbers (n)`,
  costs: `select date '2024-01-01' + cast(days.n as integer) as cost_date, 'source ' || campaigns.n % 60 as source, '' as account,
      'Channel ' || campaigns.n % 40 as channel, cast(campaigns.n as varchar) as campaign_id, '' as ad_group,
      'Campaign_' || campaigns.n as campaign, cast(3.21 as decimal(18, 2)) as spend, 1e0 as platform_conversions,
      cast(9 as decimal(18, 2)) as platform_value
    from range(730) as days (n) cross join range(4000) as campaigns (n) where (days.n + campaigns.n) % 8 = 0`,
  spend_daily: `select cost_date as day, channel, 'media' as kind, cast(sum(spend) as decimal(18, 2)) as spend from costs group by all`,
  persons: `select person_id, cast(sum(margin) as decimal(18, 2)) as margin from orders group by person_id`,
  channel_roi: 'select model from attribution_models',
};
for (const [name, select] of Object.entries(make)) await warehouse.createTable(name, select);

const models = new Map(catalogue.models.map((model) => [model.name, model]));
const given = new Set([...Object.keys(make), ...Object.keys(settings), ...Object.keys(catalogue.seeds), 'periods']);
const periods = await readFile(new URL('../../sql/models/roi/periods.sql', import.meta.url), 'utf8');
await warehouse.createTable('periods', periods);
console.log('| model | wall s | CPU s | rows |\n| --- | --- | --- | --- |');
const sum = { wall: 0, cpu: 0 };
for (const model of orderModels(
  measured.map((name) => models.get(name)),
  given,
)) {
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  if ('sql' in model) await warehouse.createTable(model.name, model.sql);
  else await model.run(warehouse);
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpu = (user + system) / 1e6;
  sum.wall += seconds;
  sum.cpu += cpu;
  const [{ n }] = await warehouse.query(`select count(*) as n from ${model.name}`);
  console.log(`| ${model.name} | ${seconds.toFixed(1)} | ${cpu.toFixed(1)} | ${n} |`);
}
console.log(
  `| all | ${sum.wall.toFixed(1)} | ${sum.cpu.toFixed(1)} | peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MB, made-up tables included |`,
);
await warehouse.close();
