import type { Warehouse } from '#core/ports';
import { quoteText } from '#core/sql-text';
import { createIntervalCells, measures, orders } from '#solvers/interval-cells';
import { percentiles } from '#solvers/percentile-interval';
import { readPeriods } from '#solvers/period-spans';
import type { SolverModel } from '#solvers/solver-model';

const createIntervals = () => createIntervalCells(['model', 'conversion_type', 'channel', 'period']);

/** The one data-driven model that is fitted anew in each replicate. */
const refitted = 'markov_1';

/**
 * How sure credited totals are: 90 % intervals by bootstrap over persons, of the rule-based models and of markov_1, for each
 * conversion type (`(orders)` is first and repeat orders together), channel and period.
 *
 * A replicate's total is a sum over the buckets of persons that it draws. It is reckoned for each span of days, of which
 * periods are whole numbers, so that a fact is met once and not once a period. Replicates are held of one channel at a time.
 *
 * In: `credit_buckets`, `bootstrap_draws`, `periods`, `period_spans`, `attribution_models`, `markov_intervals`. Out: `credit_intervals`, one row per model,
 * conversion_type, channel and period, with `_low` and `_high` of conversions, revenue and margin.
 */
export const creditIntervals: SolverModel = {
  name: 'credit_intervals',
  file: 'functions/solvers/credit-intervals.ts',
  inputs: ['credit_buckets', 'bootstrap_draws', 'periods', 'period_spans', 'attribution_models', 'markov_intervals'],
  async run(warehouse) {
    const models = await texts(warehouse, "select model from attribution_models where kind = 'rule' order by model_no");
    const columns = models.flatMap((model) => measures.map((measure) => `${model}_${measure}`));
    const draws = await readDraws(warehouse);
    const periods = await readPeriods(warehouse);
    const spans = 1 + Math.max(0, ...periods.flatMap((period) => period.spans));
    const found = createIntervals();
    const channels = await texts(warehouse, 'select distinct channel from credit_buckets order by channel');
    const types = await texts(
      warehouse,
      'select distinct conversion_type from credit_buckets order by conversion_type',
    );
    // Once for all channels: Athena reads the whole table however few of its rows are asked for.
    const read = await warehouse.queryNumbers(
      `select ${placeOf('channel', channels)} as channel_no, ${placeOf('conversion_type', types)} as type_no, credit_buckets.*
       from credit_buckets
       order by channel, conversion_type, span_no, bucket`,
      ['channel_no', 'type_no', 'span_no', 'bucket', ...columns],
    );
    const column = (name: string) => read[name] ?? new Float64Array();
    const channelNo = column('channel_no');
    const typeNo = column('type_no');
    const spanNo = column('span_no');
    const bucket = column('bucket');
    // Null where nothing is known of the margin: it adds nothing.
    const values = columns.map((name) => column(name).map((value) => (Number.isNaN(value) ? 0 : value)));
    const isSamePart = (a: number, b: number) =>
      channelNo[a] === channelNo[b] && typeNo[a] === typeNo[b] && spanNo[a] === spanNo[b];
    let row = 0;
    for (const [place, channel] of channels.entries()) {
      // Of each type and span, each column's total in each replicate.
      const totals = types.map(() => new Array<Float64Array | undefined>(spans));
      while (channelNo[row] === place) {
        const from = row;
        while (row < bucket.length && isSamePart(from, row)) row++;
        const within = values.map((all) => all.subarray(from, row));
        const ofType = totals[typeNo[from] ?? 0] ?? [];
        ofType[spanNo[from] ?? 0] = redraw(within, bucket.subarray(from, row), draws);
      }
      const groups = types.map((type, index) => ({ type, spans: [totals[index] ?? []] }));
      const ordered = groups.filter(({ type }) => orders.types.includes(type)).flatMap((group) => group.spans);
      if (ordered.length > 0) groups.push({ type: orders.name, spans: ordered });
      for (const { type, spans: parts } of groups) {
        for (const { period, spans: within } of periods) {
          const summed = sumOf(parts.flatMap((part) => within.map((span) => part[span])));
          if (summed === undefined) continue;
          for (const [index, model] of models.entries()) {
            const bounds = measures.map((_, measure) => {
              const from = (index * measures.length + measure) * draws.length;
              return percentiles(summed.subarray(from, from + draws.length));
            });
            found.add({ model, conversion_type: type, channel, period }, bounds);
          }
        }
      }
    }
    await addRefitted(warehouse, found);
    await found.write(warehouse, 'credit_intervals');
  },
};

/** Hands on the intervals of the model that is fitted anew in each replicate. */
async function addRefitted(warehouse: Warehouse, found: ReturnType<typeof createIntervals>): Promise<void> {
  for (const row of await warehouse.query('select * from markov_intervals order by conversion_type, channel, period')) {
    found.add(
      {
        model: refitted,
        conversion_type: String(row.conversion_type),
        channel: String(row.channel),
        period: String(row.period),
      },
      measures.map((measure) => [Number(row[`${measure}_low`]), Number(row[`${measure}_high`])] as const),
    );
  }
}

/** By replicate: how often each bucket is drawn. */
type Draws = Float64Array[];

async function readDraws(warehouse: Warehouse): Promise<Draws> {
  const read = await warehouse.queryNumbers('select replicate, bucket, times from bootstrap_draws', [
    'replicate',
    'bucket',
    'times',
  ]);
  const most = (numbers: Float64Array) => numbers.reduce((a, b) => Math.max(a, b), 0);
  const buckets = 1 + most(read.bucket);
  const draws = Array.from({ length: most(read.replicate) }, () => new Float64Array(buckets));
  for (const [row, replicate] of read.replicate.entries()) {
    const drawn = draws[replicate - 1];
    if (drawn !== undefined) drawn[read.bucket[row] ?? 0] = read.times[row] ?? 0;
  }
  return draws;
}

/**
 * Each column's total in each replicate, columns one after another; `values` has a column's values of some buckets each, the
 * three measures of a model beside each other: three sums that do not wait for one another take half the time of one at a time.
 */
function redraw(values: readonly Float64Array[], buckets: Float64Array, draws: Draws): Float64Array {
  const totals = new Float64Array(values.length * draws.length);
  const times = new Float64Array(buckets.length);
  for (const [replicate, drawn] of draws.entries()) {
    for (let i = 0; i < times.length; i++) times[i] = drawn[buckets[i] ?? 0] ?? 0;
    for (let place = 0; place < values.length; place += measures.length) {
      const first = values[place] ?? times;
      const second = values[place + 1] ?? times;
      const third = values[place + 2] ?? times;
      let a = 0;
      let b = 0;
      let c = 0;
      for (let i = 0; i < times.length; i++) {
        const drawnTimes = times[i] ?? 0;
        a += (first[i] ?? 0) * drawnTimes;
        b += (second[i] ?? 0) * drawnTimes;
        c += (third[i] ?? 0) * drawnTimes;
      }
      const at = place * draws.length + replicate;
      totals[at] = a;
      totals[at + draws.length] = b;
      totals[at + 2 * draws.length] = c;
    }
  }
  return totals;
}

function sumOf(parts: readonly (Float64Array | undefined)[]): Float64Array | undefined {
  let sum: Float64Array | undefined;
  for (const part of parts) {
    if (part === undefined) continue;
    if (sum === undefined) {
      sum = Float64Array.from(part);
      continue;
    }
    for (let i = 0; i < part.length; i++) sum[i] = (sum[i] ?? 0) + (part[i] ?? 0);
  }
  return sum;
}

async function texts(warehouse: Warehouse, sql: string): Promise<string[]> {
  return (await warehouse.query(sql)).map((row) => String(Object.values(row)[0]));
}

/** SQL for a text's place in a list; null where the list is empty. */
function placeOf(column: string, list: readonly string[]): string {
  if (list.length === 0) return 'cast(null as bigint)';
  return `case ${column} ${list.map((text, index) => `when ${quoteText(text)} then ${index}`).join(' ')} end`;
}
