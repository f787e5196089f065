/**
 * Absorbing Markov chains over the channels of journeys, and what each channel is worth to them by its removal.
 *
 * A state is the sequence of the last k channels, at a path's start fewer of them, as a number of base 64: the channel's number (1
 * to 63) in the lowest digit, the one before it in the next. 0 is (start), -1 (conversion), -2 (null).
 */

export const start = 0;
export const conversion = -1;
export const none = -2;
const base = 64;

/** Counted steps of journeys, one a place; `value` is what conversions on steps into (conversion) were worth, 0 elsewhere. */
export interface StepCounts {
  from: Int32Array;
  to: Int32Array;
  steps: Float64Array;
  value: Float64Array;
}

export interface RemovalEffects {
  /** The probability of reaching (conversion) from (start). */
  reaches: number;
  /** What a journey is worth on average. */
  value: number;
  /** By channel number: the share of `reaches` and of `value` that is lost without the channel; 0 where there is nothing to lose. */
  channels: Map<number, { conversions: number; value: number }>;
}

/**
 * Removal effects: entering a state that contains the channel ends the journey in (null). RE(c) = 1 - P(without c) / P, as in
 * Anderl et al. 2016; for the value the reward on reaching (conversion) from a state is the mean value per conversion of the
 * journeys that end in it.
 */
export function removalEffects(counts: StepCounts): RemovalEffects {
  const chain = toChain(counts);
  const whole = absorb(chain, undefined);
  const channels = new Map<number, { conversions: number; value: number }>();
  for (const channel of channelsOf(chain.states)) {
    const without = absorb(chain, channel);
    channels.set(channel, {
      conversions: lost(whole.reaches, without.reaches),
      value: lost(whole.value, without.value),
    });
  }
  return { ...whole, channels };
}

function lost(whole: number, without: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, 1 - without / whole)) : 0;
}

/** Rows of the transition matrix: probabilities `p[k]` of going to state `target[k]` for k from `first[s]` to `first[s + 1]`. */
interface Chain {
  states: Int32Array;
  first: Int32Array;
  target: Int32Array;
  p: Float64Array;
  /** Per state: probability of staying, of converting at the next step, and the value that such a step brings on average. */
  stays: Float64Array;
  converts: Float64Array;
  earns: Float64Array;
  /** Place of (start), or -1 where no journey was counted. */
  startAt: number;
}

function toChain({ from, to, steps, value }: StepCounts): Chain {
  const used: number[] = [];
  for (let i = 0; i < from.length; i++) {
    if ((steps[i] ?? 0) <= 0) continue;
    used.push(i);
  }
  const states = Int32Array.from(new Set(used.map((i) => from[i] ?? 0))).sort();
  const at = new Map(Array.from(states, (state, index) => [state, index]));
  const place = (state: number | undefined) => at.get(state ?? conversion) ?? -1;
  const totals = new Float64Array(states.length);
  const first = new Int32Array(states.length + 1);
  for (const i of used) {
    const s = place(from[i]);
    totals[s] = (totals[s] ?? 0) + (steps[i] ?? 0);
    if (place(to[i]) >= 0 && to[i] !== from[i]) first[s + 1] = (first[s + 1] ?? 0) + 1;
  }
  for (let s = 0; s < states.length; s++) first[s + 1] = (first[s + 1] ?? 0) + (first[s] ?? 0);
  const size = first[states.length] ?? 0;
  const chain: Chain = {
    states,
    first,
    target: new Int32Array(size),
    p: new Float64Array(size),
    stays: new Float64Array(states.length),
    converts: new Float64Array(states.length),
    earns: new Float64Array(states.length),
    startAt: place(start),
  };
  const next = first.slice();
  for (const i of used) {
    const s = place(from[i]);
    const total = totals[s] ?? 1;
    const p = (steps[i] ?? 0) / total;
    const t = place(to[i]);
    if (to[i] === conversion) {
      chain.converts[s] = (chain.converts[s] ?? 0) + p;
      chain.earns[s] = (chain.earns[s] ?? 0) + (value[i] ?? 0) / total;
    } else if (to[i] === from[i]) {
      chain.stays[s] = (chain.stays[s] ?? 0) + p;
    } else if (t >= 0) {
      const k = next[s] ?? 0;
      next[s] = k + 1;
      chain.target[k] = t;
      chain.p[k] = p;
    }
  }
  return chain;
}

const mostSweeps = 1_000_000;

/**
 * Solves x = r + Q x for the probability and the value of conversion from every state, by Gauss-Seidel sweeps from 0 until what
 * the sweeps to come could still add is below the last digits of a double. From 0 the sweeps only rise, so nothing cancels; a
 * chain of order 2 has few steps out of each of its many states, so a sweep is cheap where an elimination would fill up.
 */
function absorb(chain: Chain, removed: number | undefined): { reaches: number; value: number } {
  const { states, first, target, p, stays, converts, earns, startAt } = chain;
  if (startAt < 0) return { reaches: 0, value: 0 };
  const kept: number[] = [];
  // Longer paths are in later states more often than not: going backwards carries more in one sweep.
  for (let s = states.length - 1; s >= 0; s--) {
    if (removed === undefined || !contains(states[s] ?? 0, removed)) kept.push(s);
  }
  const reaches = new Float64Array(states.length);
  const value = new Float64Array(states.length);
  let before = 1;
  let rate = 1;
  for (let sweep = 0; sweep < mostSweeps; sweep++) {
    let change = 0;
    for (const s of kept) {
      let a = converts[s] ?? 0;
      let b = earns[s] ?? 0;
      for (let k = first[s] ?? 0, end = first[s + 1] ?? 0; k < end; k++) {
        const t = target[k] ?? 0;
        const q = p[k] ?? 0;
        a += q * (reaches[t] ?? 0);
        b += q * (value[t] ?? 0);
      }
      const leaves = 1 - (stays[s] ?? 0);
      if (leaves <= 0) continue;
      a /= leaves;
      b /= leaves;
      if (a > 0) change = Math.max(change, (a - (reaches[s] ?? 0)) / a);
      if (b !== 0) change = Math.max(change, Math.abs((b - (value[s] ?? 0)) / b));
      reaches[s] = a;
      value[s] = b;
    }
    // Changes shrink like a geometric series, of which this is the rest; the slowest rate of late counts.
    rate = Math.max(change / before, 0.9 * rate);
    if (change === 0 || (rate < 1 && (change * rate) / (1 - rate) < 1e-15)) {
      return { reaches: reaches[startAt] ?? 0, value: value[startAt] ?? 0 };
    }
    before = change;
  }
  throw new Error(`a chain of ${states.length} states did not settle in ${mostSweeps} sweeps`);
}

function contains(state: number, channel: number): boolean {
  for (let rest = state; rest > 0; rest = Math.floor(rest / base)) if (rest % base === channel) return true;
  return false;
}

function channelsOf(states: Int32Array): number[] {
  const found = new Set<number>();
  for (const state of states) {
    for (let rest = state; rest > 0; rest = Math.floor(rest / base)) found.add(rest % base);
  }
  return [...found].sort((a, b) => a - b);
}

/**
 * Removal effects of an order-1 chain over few channels, many times over: the bootstrap's part. The chance to meet channel c is
 * N(start, c) / N(c, c), N the fundamental matrix, and what is lost without c is that times the chance to convert from it.
 *
 * Counts stand in one row of `width(channels)` numbers: starts by channel, then steps by channel from and to, then
 * conversions and losses by last channel. Channels count from 0.
 */
export function createFirstOrderEffects(channels: number): (counts: Float64Array, effects: Float64Array) => void {
  const n = channels;
  const inverse = new Float64Array(n * n);
  const a = new Float64Array(n * n);
  const h = new Float64Array(n);
  return (counts, effects) => {
    const stepsAt = n;
    const conversionsAt = n + n * n;
    const lossesAt = conversionsAt + n;
    effects.fill(0);
    for (let i = 0; i < n; i++) {
      let total = (counts[conversionsAt + i] ?? 0) + (counts[lossesAt + i] ?? 0);
      for (let j = 0; j < n; j++) total += counts[stepsAt + i * n + j] ?? 0;
      const scale = total > 0 ? 1 / total : 0;
      for (let j = 0; j < n; j++) {
        a[i * n + j] = (i === j ? 1 : 0) - scale * (counts[stepsAt + i * n + j] ?? 0);
        inverse[i * n + j] = i === j ? 1 : 0;
      }
      h[i] = scale * (counts[conversionsAt + i] ?? 0);
    }
    invert(a, inverse, n);
    let starts = 0;
    for (let i = 0; i < n; i++) starts += counts[i] ?? 0;
    if (starts === 0) return;
    let reaches = 0;
    for (let c = 0; c < n; c++) {
      let visits = 0;
      let converts = 0;
      for (let i = 0; i < n; i++) {
        visits += ((counts[i] ?? 0) / starts) * (inverse[i * n + c] ?? 0);
        converts += (inverse[c * n + i] ?? 0) * (h[i] ?? 0);
      }
      effects[c] = (visits / (inverse[c * n + c] ?? 1)) * converts;
      reaches += ((counts[c] ?? 0) / starts) * converts;
    }
    for (let c = 0; c < n; c++) effects[c] = reaches > 0 ? (effects[c] ?? 0) / reaches : 0;
  };
}

/** Numbers in a row of counts for `createFirstOrderEffects`. */
export function firstOrderWidth(channels: number): number {
  return channels * channels + 3 * channels;
}

/** Where the row of counts has a step between two states of an order-1 chain; channels count from 1 here, as states do. */
export function firstOrderPlace(channels: number, from: number, to: number): number {
  if (from === start) return to - 1;
  if (to === conversion) return channels + channels * channels + from - 1;
  if (to === none) return 2 * channels + channels * channels + from - 1;
  return channels + (from - 1) * channels + to - 1;
}

/** Gauss-Jordan without exchange of rows: I - Q of an absorbing chain is diagonally dominant. `a` is used up. */
function invert(a: Float64Array, inverse: Float64Array, n: number): void {
  for (let pivot = 0; pivot < n; pivot++) {
    const scale = 1 / (a[pivot * n + pivot] ?? 1);
    for (let j = 0; j < n; j++) {
      a[pivot * n + j] = (a[pivot * n + j] ?? 0) * scale;
      inverse[pivot * n + j] = (inverse[pivot * n + j] ?? 0) * scale;
    }
    for (let i = 0; i < n; i++) {
      const factor = a[i * n + pivot] ?? 0;
      if (i === pivot || factor === 0) continue;
      for (let j = 0; j < n; j++) {
        a[i * n + j] = (a[i * n + j] ?? 0) - factor * (a[pivot * n + j] ?? 0);
        inverse[i * n + j] = (inverse[i * n + j] ?? 0) - factor * (inverse[pivot * n + j] ?? 0);
      }
    }
  }
}
