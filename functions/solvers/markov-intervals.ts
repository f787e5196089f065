import type { Warehouse } from '#core/ports';
import { createIntervalCells, measures, orders } from '#solvers/interval-cells';
import { createReplicateEffects, type Draws, replicateCredits } from '#solvers/markov-bootstrap';
import { addTo, coalitionHalves, conversionTypes, monthNumber } from '#solvers/path-counts';
import { percentiles } from '#solvers/percentile-interval';
import { readPeriods } from '#solvers/period-spans';
import { members } from '#solvers/shapley';
import type { SolverModel } from '#solvers/solver-model';

type Credits = Map<number, Map<number, Float64Array>>;

/** What markov_1 credits a channel with in a period, in each replicate. */
export interface ReplicateCredit {
  conversion_type: string;
  channel: string;
  period: string;
  /** By replicate, each measure after the other; 0 in a replicate in which the channel has nothing. */
  credit: Float64Array;
}

/**
 * 90 % intervals of markov_1 by bootstrap over persons, of each conversion type and of `(orders)`.
 *
 * In: `transition_counts`, `coalition_sums`, `bootstrap_draws`, `channel_numbers`, `periods`, `period_spans`. Out: `markov_intervals`,
 * one row per conversion_type, channel and period, with `_low` and `_high` of conversions, revenue and margin; of channels
 * that are credited in the period, `(unattributed)` among them.
 */
export const markovIntervals: SolverModel = {
  name: 'markov_intervals',
  file: 'functions/solvers/markov-intervals.ts',
  inputs: ['transition_counts', 'coalition_sums', 'bootstrap_draws', 'channel_numbers', 'periods', 'period_spans'],
  async run(warehouse) {
    const found = createIntervalCells(['conversion_type', 'channel', 'period']);
    for await (const { credit, ...cell } of refitReplicates(warehouse)) {
      const replicates = credit.length / measures.length;
      found.add(
        cell,
        measures.map((_, index) => percentiles(credit.subarray(index * replicates, (index + 1) * replicates))),
      );
    }
    await found.write(warehouse, 'markov_intervals');
  },
};

/**
 * The bootstrap of markov_1: in each replicate the chain is fitted anew from the steps of the persons drawn, and what these
 * persons' conversions and refunds were worth is shared by it.
 */
export async function* refitReplicates(warehouse: Warehouse): AsyncGenerator<ReplicateCredit> {
  const draws = await readDraws(warehouse);
  const names = await readChannelNames(warehouse);
  const periods = await readPeriods(warehouse);
  const channels = names.length - 1;
  const ofOrders: Credits = new Map();
  function* byPeriod(type: string, credits: Credits): Generator<ReplicateCredit> {
    for (const { period, spans } of periods) {
      for (const [channel, credit] of sumOfSpans(credits, spans)) {
        yield { conversion_type: type, channel: names[channel] ?? '', period, credit };
      }
    }
  }
  for (const type of await conversionTypes(warehouse, 'coalition_sums')) {
    const steps = await warehouse.queryNumbers(
      `select ${monthNumber('end_month')} as month, bucket, state_from, state_to, steps
       from transition_counts
       where conversion_type = '${type}' and order_k = 1`,
      ['month', 'bucket', 'state_from', 'state_to', 'steps'],
    );
    const sums = await warehouse.queryNumbers(
      `select ${monthNumber('fit_month')} as fit_month, span_no, ${coalitionHalves('coalition')}, bucket,
         conversions, revenue, margin
       from coalition_sums
       where conversion_type = '${type}'
       order by fit_month, span_no, coalition, bucket`,
      ['fit_month', 'span_no', 'low', 'high', 'bucket', 'conversions', 'revenue', 'margin'],
    );
    const effects = createReplicateEffects(draws, steps, channels);
    const credits = replicateCredits(draws, sums, effects, channels, members);
    if (orders.types.includes(type)) addCredits(ofOrders, credits);
    yield* byPeriod(type, credits);
  }
  yield* byPeriod(orders.name, ofOrders);
}

async function readDraws(warehouse: Warehouse): Promise<Draws> {
  const rows = await warehouse.queryNumbers('select replicate, bucket, times from bootstrap_draws', [
    'replicate',
    'bucket',
    'times',
  ]);
  const replicates = rows.replicate.reduce((most, replicate) => Math.max(most, replicate), 0);
  const times = new Map<number, Float64Array>();
  for (const [row, replicate] of rows.replicate.entries()) {
    const bucket = rows.bucket[row] ?? 0;
    const ofBucket = times.get(bucket) ?? new Float64Array(replicates);
    ofBucket[replicate - 1] = rows.times[row] ?? 0;
    times.set(bucket, ofBucket);
  }
  return { replicates, times };
}

/** Names by channel number; 0 is unattributed. */
async function readChannelNames(warehouse: Warehouse): Promise<string[]> {
  const rows = await warehouse.query(
    'select distinct channel_no, numbered_as from channel_numbers order by channel_no',
  );
  return ['(unattributed)', ...rows.map((row) => String(row.numbered_as))];
}

function addCredits(sums: Credits, credits: Credits): void {
  for (const [span, channels] of credits) {
    const ofSpan = sums.get(span) ?? new Map<number, Float64Array>();
    sums.set(span, ofSpan);
    addChannels(ofSpan, channels);
  }
}

function addChannels(sums: Map<number, Float64Array>, channels: ReadonlyMap<number, Float64Array>): void {
  for (const [channel, credit] of channels) {
    const sum = sums.get(channel) ?? new Float64Array(credit.length);
    sums.set(channel, sum);
    addTo(sum, credit);
  }
}

function sumOfSpans(credits: Credits, spans: readonly number[]): Map<number, Float64Array> {
  const sums = new Map<number, Float64Array>();
  for (const span of spans) addChannels(sums, credits.get(span) ?? new Map());
  return sums;
}
