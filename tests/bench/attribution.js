// The models over a million journeys with 3.5 million touches from Parquet: journeys, counts and fits of markov_1, markov_2 and
// shapley; then all ten, with the weight of each touch of each conversion; then the bootstrap of markov_1 on top. `node tests/bench/attribution.js [journeys] [memory]` prints wall time,
// user CPU and peak memory; the touches are made in a process of their own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

const journeys = Number(process.argv[2] ?? 1_000_000);
const memory = process.argv[3] ?? '4GB';
const made = ['touch_base', 'conversion_facts', 'windows', 'person_stages', 'orders', 'person_events'];
const fits = [
  ...['channel_numbers', 'person_numbers', 'touch_steps', 'type_bits', 'lost_journeys', 'journeys'],
  ...['transition_counts', 'coalition_counts', 'paths', 'fitted_factors', 'fit_factors', 'channel_factors'],
];
const weights = ['conversion_paths', 'fit_months', 'coalition_shares', 'credit_weights'];
const bootstrap = ['bootstrap_draws', 'calendar', 'periods', 'period_spans', 'coalition_sums', 'markov_intervals'];

async function open(options) {
  register();
  const { createDuckDbWarehouse } = await import('../../functions/adapters/duckdb-warehouse.ts');
  return createDuckDbWarehouse({ threads: 2, memory, ...options });
}

/** A person a journey over a year: 1 to 12 touches, 3.5 on average, on 12 channels of very unlike size; one in ten buys. */
async function make(folder) {
  const warehouse = await open({ file: join(folder, 'made.duckdb') });
  const chance = (of) => `(hash(${of}) % 1000003) / 1000003e0`;
  await warehouse.run(
    `create table persons as
     select lower(substr(to_hex(sha256(to_utf8('person ' || i))), 1, 32)) as person_id, i, hash(i, 'bucket') % 256 as bucket,
       least(12, 1 + cast(floor(ln(1 - ${chance("i, 'touches'")}) / ln(0.725)) as bigint)) as touches,
       1735689600e0 + 86400e0 * 330 * ${chance("i, 'start'")} as start_s, ${chance("i, 'buys'")} < 0.1 as buys
     from range(${journeys}) as numbers (i)`,
  );
  await warehouse.run(
    `create table touch_base as
     select person_id || '/' || seq as touch_id, person_id, seq, start_s + 86400e0 * 2 * seq as at_s,
       cast(to_timestamp(start_s + 86400e0 * 2 * seq) as date) as touch_date,
       'Channel ' || cast(floor(12 * power(${chance("i, seq, 'channel'")}, 2)) as bigint) as channel
     from persons cross join range(1, 13) as places (seq) where seq <= touches`,
  );
  await warehouse.run(
    `create table conversion_facts as
     select 'order/' || person_id as conversion_id, 'order/' || person_id as origin_id, 'first_order' as conversion_type,
       person_id, cast(bucket as bigint) as bucket, cast(1 as decimal(18, 6)) as conversions, start_s + 86400e0 * 2 * touches + 3600 as at_s,
       cast(to_timestamp(start_s + 86400e0 * 2 * touches + 3600) as date) as conversion_date,
       cast(20 + hash(i, 'revenue') % 10000 / 100e0 as decimal(18, 2)) as revenue,
       cast(10 + hash(i, 'revenue') % 10000 / 300e0 as decimal(18, 2)) as margin
     from persons where buys`,
  );
  await warehouse.run(
    `create table windows as
     select conversion_id, conversion_type, person_id, conversion_date, at_s, cast(1 as bigint) as first_seq, touches as last_seq, touches,
       start_s + 86400e0 * 2 * touches as last_touch_s, touches as last_non_direct_seq, cast(1 as bigint) as lead_seq,
       cast(null as bigint) as opportunity_seq
     from conversion_facts inner join persons using (person_id)`,
  );
  await warehouse.run(
    'create table person_stages as select person_id, cast(bucket as bigint) as bucket, null::double as lead_s from persons',
  );
  await warehouse.run('create table orders as select person_id, at_s, true as is_first from conversion_facts');
  await warehouse.run(
    'create table person_events as select person_id, null::date as customer_since from persons limit 0',
  );
  for (const table of made) {
    await warehouse.unload(`select * from ${table} order by hash(person_id)`, join(folder, `${table}.parquet`));
  }
  const [counted] = await warehouse.query('select count(*) as touches from touch_base');
  await warehouse.close();
  console.log(`${journeys} journeys, ${counted.touches} touches, DuckDB held to ${memory}\n`);
}

async function run(folder, steps) {
  const warehouse = await open({ file: join(folder, 'run.duckdb') });
  const { createQueryReader } = await import('../../functions/adapters/trino-reader.ts');
  const { configSchema } = await import('../../functions/core/config.ts');
  const { emptyLists, settingTables } = await import('../../functions/core/setting-tables.ts');
  const { readCatalogue } = await import('../../functions/pipeline/builds/catalogue.ts');
  const { models } = await readCatalogue(await createQueryReader());
  const settings = settingTables(configSchema.parse({ name: 'Bench' }), emptyLists, '2026-01-02', undefined);
  for (const name of ['settings', 'conversion_types']) {
    const rows = settings[name].rows.filter((row) => (row.conversion_type ?? 'first_order') === 'first_order');
    await warehouse.createTableFromRows(name, settings[name].columns, rows);
  }
  await warehouse.run(
    "create table horizon as select date '2025-01-01' as first_day, date '2025-12-31' as as_of_day, date '2025-12-24' as open_from_day",
  );
  // There is no build before this one.
  for (const { name, columns } of models.flatMap((model) =>
    steps.includes(model.name) ? (model.header?.reads ?? []) : [],
  )) {
    await warehouse.createTableFromRows(name, columns, []);
  }
  for (const table of made) {
    await warehouse.run(`create view ${table} as select * from read_parquet('${join(folder, `${table}.parquet`)}')`);
  }
  const before = process.cpuUsage();
  const began = performance.now();
  const times = [];
  for (const name of steps) {
    const model = models.find((each) => each.name === name);
    const from = process.cpuUsage();
    if (model.header?.isView) await warehouse.createView(name, model.sql);
    else if ('sql' in model) await warehouse.createTable(name, model.sql);
    else await model.run(warehouse);
    times.push([name, process.cpuUsage(from).user / 1e6]);
  }
  const wall = (performance.now() - began) / 1000;
  const user = process.cpuUsage(before).user / 1e6;
  const [total] = await warehouse.query(
    "select sum(textbook_conversions) as total, max(fitted_on_journeys) as journeys from channel_factors where model = 'shapley' and fit_month = date '2025-12-01'",
  );
  await warehouse.close();
  const slow = times.filter(([, seconds]) => seconds >= 0.1).map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`);
  const what = steps.includes('markov_intervals')
    ? 'with the bootstrap of markov_1'
    : steps.includes('credit_weights')
      ? 'all ten models'
      : 'markov_1, markov_2, shapley';
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(`| ${what} | ${wall.toFixed(1)} | ${user.toFixed(1)} | ${peak} | ${slow.join(', ')} |`);
  if (Number(total.journeys) !== journeys) throw new Error(`fitted on ${total.journeys} journeys`);
}

const [part, folder] = process.argv.slice(4);
if (part === 'make') await make(folder);
else if (part === 'fits') await run(folder, fits);
else if (part === 'weights') await run(folder, [...fits, ...weights]);
else if (part === 'bootstrap') await run(folder, [...fits, ...weights, ...bootstrap]);
else {
  const scratch = mkdtempSync(join(tmpdir(), 'percorso-attribution-'));
  try {
    for (const each of ['make', 'fits', 'weights', 'bootstrap']) {
      const argv = [fileURLToPath(import.meta.url), String(journeys), memory, each, scratch];
      const done = spawnSync(process.execPath, argv, { encoding: 'utf8' });
      if (done.status !== 0) throw new Error(done.stderr);
      process.stdout.write(done.stdout);
      if (each === 'make') {
        console.log(
          '| | wall s | user CPU s | peak MB | steps of 0.1 s user CPU and more |\n| --- | --- | --- | --- | --- |',
        );
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
