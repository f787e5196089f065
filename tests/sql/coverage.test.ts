import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import { configSchema } from '#core/config';
import type { Warehouse } from '#core/ports';
import { emptyLists, settingTables } from '#core/setting-tables';
import { isSqlModel } from '#pipeline/builds/catalogue';
import { creditIntervals } from '#solvers/credit-intervals';
import { conversion, none, removalEffects, start } from '#solvers/markov';
import { markovIntervals } from '#solvers/markov-intervals';
import { modelCatalogue } from './company-on-duckdb.ts';

/*
 * How often the 90 % interval holds the long-run value: what the period would credit on average, were it lived again and again
 * by as many persons. Many companies are simulated, with fixed seeds, as channels and types of one table, so that the product's
 * own SQL and solvers reckon all intervals in one pass. Values of orders are lognormal, with the heavy tail of real ones.
 */
const measures = ['conversions', 'revenue', 'margin'] as const;
type Amounts = Record<(typeof measures)[number], number>;

/** Mulberry32: small, and the same everywhere. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const normal = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
/** The place of the chance that a draw falls on, of chances that add up to 1. */
function pickFrom(chances: readonly number[], draw: number): number {
  let rest = draw;
  for (const [place, chance] of chances.entries()) {
    rest -= chance;
    if (rest < 0) return place;
  }
  return 0;
}

const logUniform = (random: () => number, low: number, high: number) => low * (high / low) ** random();

/** Rows by column, as the engine takes them. */
function createRows<Text extends string, Number extends string>(texts: readonly Text[], numbers: readonly Number[]) {
  const words = Object.fromEntries(texts.map((name) => [name, []])) as unknown as Record<Text, string[]>;
  const values = Object.fromEntries(numbers.map((name) => [name, []])) as unknown as Record<Number, number[]>;
  return {
    add(row: Record<Text, string> & Record<Number, number>) {
      for (const name of texts) words[name].push(row[name]);
      for (const name of numbers) values[name].push(row[name]);
    },
    columns: () => [
      ...texts.map((name) => ({ name, type: 'varchar' as const, values: words[name] })),
      ...numbers.map((name) => ({ name, type: 'double' as const, values: Float64Array.from(values[name]) })),
    ],
  };
}

let warehouse: Warehouse;
beforeAll(async () => {
  warehouse = await createDuckDbWarehouse({ memory: '1GB' });
  const { seeds } = await modelCatalogue();
  const tables = settingTables(configSchema.parse({ name: 'x' }), emptyLists, '2026-07-01', undefined);
  for (const [name, table] of Object.entries({ settings: tables.settings, models: seeds.attribution_models })) {
    if (table === undefined) throw new Error(`no ${name}`);
    await warehouse.createTableFromRows(name === 'models' ? 'attribution_models' : name, table.columns, table.rows);
  }
  await make('bootstrap_draws');
  const day = "date '2026-06-01'";
  await warehouse.createTable('periods', `select 'all_time' as period, ${day} as from_day, ${day} as to_day`);
  await warehouse.createTable('period_spans', `select 1 as span_no, ${day} as from_day, ${day} as to_day`);
  await warehouse.createTable('day_spans', `select 1 as span_no, ${day} as day`);
});
afterAll(() => warehouse.close());

async function make(name: string): Promise<void> {
  const model = (await modelCatalogue()).models.find((one) => one.name === name);
  if (model === undefined || !isSqlModel(model)) throw new Error(`no model is called ${name}`);
  await warehouse.createTable(name, model.sql);
}

/** `credit_buckets` of a table with conversion_type, channel and bucket, and what of it a model credits. */
async function makeBuckets(table: string, credited: (model: string, measure: string) => string): Promise<void> {
  const { seeds } = await modelCatalogue();
  const columns = (seeds.attribution_models?.rows ?? []).flatMap(({ model }) =>
    measures.map((measure) => `${credited(String(model), measure)} as ${model}_${measure}`),
  );
  await warehouse.createTable(
    'credit_touches',
    `select conversion_type, channel, cast(bucket as bigint) as bucket, date '2026-06-01' as conversion_date, ${columns.join(', ')} from ${table}`,
  );
  await make('credit_buckets');
}

/** Counts intervals of `credit_intervals` that hold their long-run value; `expected` is by `type/channel`. */
function createTally(model: string) {
  const held: Amounts = { conversions: 0, revenue: 0, margin: 0 };
  let asked = 0;
  return {
    async add(expected: ReadonlyMap<string, Amounts>): Promise<void> {
      const before = asked;
      for (const row of await warehouse.query(`select * from credit_intervals where model = '${model}'`)) {
        const truth = expected.get(`${row.conversion_type}/${row.channel}`);
        if (truth === undefined) continue;
        asked += 1;
        for (const measure of measures) {
          const [low, high] = [Number(row[`${measure}_low`]), Number(row[`${measure}_high`])];
          if (low <= truth[measure] && truth[measure] <= high) held[measure] += 1;
        }
      }
      expect(asked - before).toBe(expected.size);
    },
    /** In how many of a hundred, by measure. */
    shares(): Amounts {
      const of = (measure: keyof Amounts) => Math.round((1000 * held[measure]) / asked) / 10;
      const shares = { conversions: of('conversions'), revenue: of('revenue'), margin: of('margin') };
      process.stderr.write(`coverage of ${model} over ${asked}: ${JSON.stringify(shares)}\n`);
      return shares;
    },
    asked: () => asked,
  };
}

function expectNinety(held: Amounts): void {
  for (const measure of measures) {
    expect(held[measure], measure).toBeGreaterThanOrEqual(87);
    expect(held[measure], measure).toBeLessThanOrEqual(93);
  }
}

describe('the 90 % interval holds the long-run value in 87 to 93 of 100 companies', () => {
  test('under rule-based models, over 1,000 companies', async () => {
    const linear = new Map<string, Amounts>();
    const last = new Map<string, Amounts>();
    const rows = createRows(
      ['conversion_type', 'channel'],
      [
        'bucket',
        ...measures.map((measure) => `linear_${measure}` as const),
        ...measures.map((measure) => `last_${measure}` as const),
      ],
    );
    for (let company = 0; company < 1000; company++) {
      const random = createRandom(20_260_701 + company);
      const conversion_type = `type ${company % 25}`;
      const channel = `channel ${Math.floor(company / 25)}`;
      const persons = Math.round(logUniform(random, 500, 4000));
      const orders = logUniform(random, 90, 800);
      // A person who orders does so 1 / (1 - again) times on average.
      const again = 0.3 * random();
      const ordering = (orders * (1 - again)) / persons;
      const spread = 0.4 + 0.6 * random();
      const rate = 0.2 + 0.3 * random();
      for (let person = 0; person < persons; person++) {
        if (random() >= ordering) continue;
        const bucket = Math.floor(256 * random());
        do {
          const revenue = 80 * Math.exp(spread * normal(random));
          // One touch of up to four is the channel's, and it is as likely the last as any other.
          const touches = 1 + Math.floor(4 * random());
          const isLast = random() < 1 / touches ? 1 : 0;
          rows.add({
            conversion_type,
            channel,
            bucket,
            linear_conversions: 1 / touches,
            linear_revenue: revenue / touches,
            linear_margin: (rate * revenue) / touches,
            last_conversions: isLast,
            last_revenue: isLast * revenue,
            last_margin: isLast * rate * revenue,
          });
        } while (random() < again);
      }
      const conversions = orders * ((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4);
      const revenue = conversions * 80 * Math.exp(spread ** 2 / 2);
      linear.set(`${conversion_type}/${channel}`, { conversions, revenue, margin: rate * revenue });
      last.set(`${conversion_type}/${channel}`, { conversions, revenue, margin: rate * revenue });
    }
    await warehouse.createTableFromColumns('simulated', rows.columns());
    await makeBuckets('simulated', (model, measure) =>
      model === 'linear' ? `linear_${measure}` : model === 'last_touch' ? `last_${measure}` : '0',
    );
    await warehouse.createTable(
      'markov_intervals',
      `select '' as conversion_type, '' as channel, '' as period, ${measures.map((measure) => `0e0 as ${measure}_low, 0e0 as ${measure}_high`).join(', ')} where false`,
    );
    await creditIntervals.run(warehouse);
    for (const [model, expected] of Object.entries({ linear, last_touch: last })) {
      const tally = createTally(model);
      await tally.add(expected);
      expectNinety(tally.shares());
    }
  }, 300_000);

  /*
   * The paths of the check values, walked and converting as often as each company's own chances say. The truth takes the removal
   * effects of the chain that these chances are, and shares each path's expected conversions by them.
   */
  test('under markov_1, fitted anew in each replicate, over 1,000 companies of three channels', async () => {
    const tally = createTally('markov_1');
    // A hundred at a time: each company's own counts are looked up in the table of all.
    for (let first = 0; first < 1000; first += 100) await tally.add(await liveByChances(first, 100));
    expect(tally.asked()).toBeGreaterThan(2_800);
    expectNinety(tally.shares());
  }, 300_000);
});

/** Simulates companies, makes their intervals, and gives the long-run values of channels with enough conversions. */
async function liveByChances(first: number, count: number): Promise<Map<string, Amounts>> {
  const paths = [[1], [2], [1, 2], [2, 1], [1, 2, 3], [3], [1, 1, 2]];
  const names = ['A', 'B', 'C'];
  const steps = createRows(['conversion_type'], ['bucket', 'state_from', 'state_to', 'steps']);
  const sums = createRows(['conversion_type'], ['coalition', 'bucket', 'conversions', 'revenue', 'margin']);
  const expected = new Map<string, Amounts>();
  const stepsOf = (path: readonly number[], converts: boolean) => {
    const states = [start, ...path, converts ? conversion : none];
    return states.slice(1).map((to, index): [number, number] => [states[index] ?? start, to]);
  };
  for (let company = first; company < first + count; company++) {
    const random = createRandom(7_000_003 + company);
    const conversion_type = `type_${company}`;
    const journeys = Math.round(logUniform(random, 1500, 6000));
    const weights = paths.map(() => 0.3 + random());
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    const walked = weights.map((weight) => weight / all);
    const converting = paths.map(() => 0.1 + 0.25 * random());
    const spread = 0.4 + 0.6 * random();
    const rate = 0.2 + 0.3 * random();

    const chances = new Map<string, number>();
    for (const [k, path] of paths.entries()) {
      for (const converts of [true, false]) {
        const chance = (walked[k] ?? 0) * (converts ? (converting[k] ?? 0) : 1 - (converting[k] ?? 0));
        for (const [from, to] of stepsOf(path, converts)) {
          chances.set(`${from} ${to}`, (chances.get(`${from} ${to}`) ?? 0) + chance);
        }
      }
    }
    const keys = [...chances.keys()].map((key) => key.split(' ').map(Number));
    const effects = removalEffects({
      from: Int32Array.from(keys, ([from = 0]) => from),
      to: Int32Array.from(keys, ([, to = 0]) => to),
      steps: Float64Array.from(chances.values()),
      value: new Float64Array(keys.length),
    });
    const effect = (channel: number) => effects.channels.get(channel)?.conversions ?? 0;
    const truth = names.map(() => 0);
    for (const [k, path] of paths.entries()) {
      const members = [...new Set(path)];
      const total = members.reduce((sum, channel) => sum + effect(channel), 0);
      for (const channel of members) {
        truth[channel - 1] =
          (truth[channel - 1] ?? 0) + (journeys * (walked[k] ?? 0) * (converting[k] ?? 0) * effect(channel)) / total;
      }
    }
    for (const [index, conversions] of truth.entries()) {
      // Fewer than 30 are shown as thin.
      if (conversions < 45) continue;
      const revenue = conversions * 80 * Math.exp(spread ** 2 / 2);
      expected.set(`${conversion_type}/${names[index]}`, { conversions, revenue, margin: rate * revenue });
    }

    const counted = new Map<string, number>();
    for (let journey = 0; journey < journeys; journey++) {
      const k = pickFrom(walked, random());
      const path = paths[k] ?? [1];
      const converts = random() < (converting[k] ?? 0);
      const bucket = Math.floor(256 * random());
      for (const [from, to] of stepsOf(path, converts)) {
        const key = `${bucket} ${from} ${to}`;
        counted.set(key, (counted.get(key) ?? 0) + 1);
      }
      if (!converts) continue;
      const revenue = 80 * Math.exp(spread * normal(random));
      const coalition = [...new Set(path)].reduce((bits, channel) => bits + 2 ** (channel - 1), 0);
      sums.add({ conversion_type, coalition, bucket, conversions: 1, revenue, margin: rate * revenue });
    }
    for (const [key, count] of counted) {
      const [bucket = 0, state_from = 0, state_to = 0] = key.split(' ').map(Number);
      steps.add({ conversion_type, bucket, state_from, state_to, steps: count });
    }
  }
  const month = "date '2026-06-01'";
  await warehouse.createTableFromColumns('simulated_steps', steps.columns());
  await warehouse.createTable(
    'transition_counts',
    `select conversion_type, 1 as order_k, ${month} as end_month, bucket, state_from, state_to, steps from simulated_steps`,
  );
  await warehouse.createTableFromColumns('simulated_sums', sums.columns());
  await warehouse.createTable(
    'coalition_sums',
    `select conversion_type, ${month} as fit_month, 1 as span_no, cast(coalition as bigint) as coalition, bucket,
         sum(conversions) as conversions, sum(revenue) as revenue, sum(margin) as margin
       from simulated_sums group by conversion_type, coalition, bucket`,
  );
  await warehouse.createTable(
    'channel_numbers',
    `select * from (values ${names.map((name, index) => `('${name}', '${name}', ${index + 1}, ${2 ** index})`).join(', ')})
       as numbers (channel, numbered_as, channel_no, bit)`,
  );
  await makeBuckets("(select '' as conversion_type, '' as channel, 0 as bucket where false) as nothing", () => '0');
  await markovIntervals.run(warehouse);
  await creditIntervals.run(warehouse);
  return expected;
}
