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
 * periods are whole numbers, so that a fact is met once and not once a period. Done channel by channel: memory does not grow
 * with their number.
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
    for (const channel of await texts(warehouse, 'select distinct channel from credit_buckets order by channel')) {
      const types = await texts(
        warehouse,
        `select distinct conversion_type from credit_buckets where channel = ${quoteText(channel)} order by conversion_type`,
      );
      const read = await warehouse.queryNumbers(
        `select ${placeOf('conversion_type', types)} as type_no, credit_buckets.* from credit_buckets
         where channel = ${quoteText(channel)}
         order by conversion_type, span_no, bucket`,
        ['type_no', 'span_no', 'bucket', ...columns],
      );
      // Of each type and span, each column's total in each replicate.
      const totals = types.map(() => new Array<Float64Array | undefined>(spans));
      const column = (name: string) => read[name] ?? new Float64Array();
      const [typeNo, spanNo, bucket] = [column('type_no'), column('span_no'), column('bucket')];
      const values = columns.map(column);
      for (let row = 0; row < typeNo.length; row++) {
        const ofType = totals[typeNo[row] ?? 0] ?? [];
        const span = spanNo[row] ?? 0;
        const total = ofType[span] ?? new Float64Array(columns.length * draws.replicates);
        ofType[span] = total;
        const { replicates, times } = draws.of[bucket[row] ?? 0] ?? noDraws;
        for (const [place, credited] of values.entries()) {
          const value = credited[row] ?? 0;
          // Null where nothing is known of the margin.
          if (value === 0 || Number.isNaN(value)) continue;
          const from = place * draws.replicates;
          for (let i = 0; i < replicates.length; i++) {
            const at = from + (replicates[i] ?? 0);
            total[at] = (total[at] ?? 0) + value * (times[i] ?? 0);
          }
        }
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
              const from = (index * measures.length + measure) * draws.replicates;
              return percentiles(summed.subarray(from, from + draws.replicates));
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

interface Draws {
  /** How many replicates there are. */
  replicates: number;
  /** By bucket: the replicates that draw it, and how often. */
  of: { replicates: Int32Array; times: Float64Array }[];
}

const noDraws: Draws['of'][number] = { replicates: new Int32Array(), times: new Float64Array() };

async function readDraws(warehouse: Warehouse): Promise<Draws> {
  const read = await warehouse.queryNumbers('select replicate, bucket, times from bootstrap_draws', [
    'replicate',
    'bucket',
    'times',
  ]);
  const listed: { replicates: number[]; times: number[] }[] = [];
  let replicates = 0;
  for (const [row, bucket] of read.bucket.entries()) {
    const of = listed[bucket] ?? { replicates: [], times: [] };
    listed[bucket] = of;
    of.replicates.push((read.replicate[row] ?? 0) - 1);
    of.times.push(read.times[row] ?? 0);
    replicates = Math.max(replicates, read.replicate[row] ?? 0);
  }
  const of = Array.from(listed, (one) =>
    one === undefined ? noDraws : { replicates: Int32Array.from(one.replicates), times: Float64Array.from(one.times) },
  );
  return { replicates, of };
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

/** SQL for a text's place in a list. */
function placeOf(column: string, list: readonly string[]): string {
  return `case ${column} ${list.map((text, index) => `when ${quoteText(text)} then ${index}`).join(' ')} end`;
}
