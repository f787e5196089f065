import { measures } from '#solvers/interval-cells';
import { createFirstOrderEffects, firstOrderPlace, firstOrderWidth } from '#solvers/markov';
import { addTo, monthsOfFit } from '#solvers/path-counts';

/** How often each replicate draws each bucket of persons. */
export interface Draws {
  replicates: number;
  /** By bucket: a number for each replicate. */
  times: ReadonlyMap<number, Float64Array>;
}

/** Steps of an order-1 chain by month and bucket, a row each; states as in `markov.ts`. */
export interface BucketSteps {
  month: Float64Array;
  bucket: Float64Array;
  state_from: Float64Array;
  state_to: Float64Array;
  steps: Float64Array;
}

/**
 * Removal effects of markov_1, fitted anew in each replicate for one fit after another.
 * @param channels the highest channel number.
 * @returns for the fit of a month: effects of channel 1 to `channels` of the first replicate, then of the next. Fits are
 *   asked for in the order of months: what lies before one is let go.
 */
export function createReplicateEffects(
  draws: Draws,
  steps: BucketSteps,
  channels: number,
): (fitMonth: number) => Float64Array {
  const { replicates } = draws;
  const width = firstOrderWidth(channels);
  const rowsOf = new Map<number, number[]>();
  for (const [row, month] of steps.month.entries()) {
    const rows = rowsOf.get(month) ?? [];
    rows.push(row);
    rowsOf.set(month, rows);
  }
  /** Counts of a month as every replicate draws them: by place in the row of counts, then by replicate. */
  const drawMonth = (rows: readonly number[]): Float64Array => {
    const drawn = new Float64Array(width * replicates);
    for (const row of rows) {
      const times = draws.times.get(steps.bucket[row] ?? -1);
      const place = firstOrderPlace(channels, steps.state_from[row] ?? 0, steps.state_to[row] ?? 0);
      if (times !== undefined) addMultiple(drawn, place * replicates, times, steps.steps[row] ?? 0);
    }
    return drawn;
  };
  const monthly = new Map<number, Float64Array>();
  const effectsOf = createFirstOrderEffects(channels);
  return (fitMonth) => {
    const months = monthsOfFit(fitMonth);
    for (const month of monthly.keys()) if (!months.includes(month)) monthly.delete(month);
    const sums = new Float64Array(width * replicates);
    for (const month of months) {
      const rows = rowsOf.get(month);
      if (rows === undefined) continue;
      const drawn = monthly.get(month) ?? drawMonth(rows);
      monthly.set(month, drawn);
      addTo(sums, drawn);
    }
    const counts = new Float64Array(width);
    const effects = new Float64Array(channels * replicates);
    for (let replicate = 0; replicate < replicates; replicate++) {
      for (let place = 0; place < width; place++) counts[place] = sums[place * replicates + replicate] ?? 0;
      effectsOf(counts, effects.subarray(replicate * channels, (replicate + 1) * channels));
    }
    return effects;
  };
}

/** What conversions were worth, a row for each fit month, span of days, coalition and bucket, sorted by the first three. */
export interface BucketSums {
  fit_month: Float64Array;
  span_no: Float64Array;
  low: Float64Array;
  high: Float64Array;
  bucket: Float64Array;
  conversions: Float64Array;
  revenue: Float64Array;
  margin: Float64Array;
}

/**
 * Credited totals of each replicate, by span of days and channel number (0: unattributed): the first measure of every replicate,
 * then the second, then the third.
 * @param members channel numbers of a coalition.
 */
export function replicateCredits(
  draws: Draws,
  sums: BucketSums,
  effectsOfFit: (fitMonth: number) => Float64Array,
  channels: number,
  members: (low: number, high: number) => Int32Array,
): Map<number, Map<number, Float64Array>> {
  const { replicates } = draws;
  const credits = new Map<number, Map<number, Float64Array>>();
  const drawn = new Float64Array(measures.length * replicates);
  let effects: Float64Array = new Float64Array();
  let effectsMonth = Number.NaN;
  const rows = sums.span_no.length;
  for (let row = 0; row < rows; ) {
    const month = sums.fit_month[row] ?? 0;
    const span = sums.span_no[row] ?? 0;
    const low = sums.low[row] ?? 0;
    const high = sums.high[row] ?? 0;
    drawn.fill(0);
    for (
      ;
      row < rows &&
      sums.fit_month[row] === month &&
      sums.span_no[row] === span &&
      sums.low[row] === low &&
      sums.high[row] === high;
      row++
    ) {
      const times = draws.times.get(sums.bucket[row] ?? -1);
      if (times === undefined) continue;
      for (const [index, measure] of measures.entries()) {
        addMultiple(drawn, index * replicates, times, sums[measure][row] ?? 0);
      }
    }
    const ofSpan = credits.get(span) ?? new Map<number, Float64Array>();
    credits.set(span, ofSpan);
    const coalition = members(low, high);
    if (coalition.length === 0) {
      addTo(creditOf(ofSpan, 0, drawn.length), drawn);
      continue;
    }
    if (month !== effectsMonth) {
      effects = effectsOfFit(month);
      effectsMonth = month;
    }
    const totals = new Float64Array(replicates);
    for (const channel of coalition) {
      for (let r = 0; r < replicates; r++) totals[r] = (totals[r] ?? 0) + (effects[r * channels + channel - 1] ?? 0);
    }
    for (const channel of coalition) {
      const credit = creditOf(ofSpan, channel, drawn.length);
      for (let r = 0; r < replicates; r++) {
        const total = totals[r] ?? 0;
        // Evenly where the replicate's fit knows nothing of the channels: one that came after the fit, and is alone, has it all.
        const share = total === 0 ? 1 / coalition.length : (effects[r * channels + channel - 1] ?? 0) / total;
        for (let at = r; at < credit.length; at += replicates)
          credit[at] = (credit[at] ?? 0) + share * (drawn[at] ?? 0);
      }
    }
  }
  return credits;
}

function creditOf(credits: Map<number, Float64Array>, channel: number, length: number): Float64Array {
  const credit = credits.get(channel) ?? new Float64Array(length);
  credits.set(channel, credit);
  return credit;
}

function addMultiple(sums: Float64Array, from: number, times: Float64Array, count: number): void {
  // A place reckoned of columns of doubles is a double to the engine, and slow to count on from.
  const at = from | 0;
  for (let i = 0; i < times.length; i++) sums[at + i] = (sums[at + i] ?? 0) + (times[i] ?? 0) * count;
}
