/**
 * Shapley values of channels in coalitions: v(S) = conversions per journey among the journeys whose set of channels is exactly S.
 * Shao & Li 2011; Zhao et al. 2018.
 */

/** Sets of channels, each as two whole numbers below 2^30: bits of channels 1 to 30, and of 31 to 60. */
export interface Coalitions {
  low: Int32Array;
  high: Int32Array;
}

/** What was counted of each coalition, in the order of `Coalitions`. */
export interface CoalitionCounts {
  journeys: Float64Array;
  conversions: Float64Array;
  revenue: Float64Array;
}

/** Which coalitions lie in which: found once, whatever is then counted of them. */
export interface CoalitionGraph {
  /** Channel numbers of each coalition, ascending. */
  channels: Int32Array[];
  /** The coalitions within each one of `targets`, itself included, by place. */
  within: Map<number, Int32Array>;
}

/**
 * @param targets places of the coalitions whose Shapley values will be asked for.
 * @param worthwhile whether a coalition may have a value other than 0: others need no look.
 */
export function createCoalitionGraph(
  { low, high }: Coalitions,
  targets: Iterable<number>,
  worthwhile: (place: number) => boolean,
): CoalitionGraph {
  const channels = Array.from(low, (_, place) => members(low[place] ?? 0, high[place] ?? 0));
  const candidates: number[] = [];
  for (let place = 0; place < low.length; place++) if (worthwhile(place)) candidates.push(place);
  const within = new Map<number, Int32Array>();
  for (const target of targets) {
    const notLow = ~(low[target] ?? 0);
    const notHigh = ~(high[target] ?? 0);
    const found: number[] = [];
    for (const place of candidates) {
      if (((low[place] ?? 0) & notLow) === 0 && ((high[place] ?? 0) & notHigh) === 0) found.push(place);
    }
    within.set(target, Int32Array.from(found));
  }
  return { channels, within };
}

/** Channel numbers of a coalition, ascending. */
export function members(low: number, high: number): Int32Array {
  const found: number[] = [];
  for (let bit = 0; bit < 30; bit++) if ((low >>> bit) & 1) found.push(bit + 1);
  for (let bit = 0; bit < 30; bit++) if ((high >>> bit) & 1) found.push(bit + 31);
  return Int32Array.from(found);
}

/**
 * Shapley values of the channels of one coalition N, in the order of its channels; their sum is v(N). Exact for any number
 * of channels: v is 0 for all sets but the observed ones, so these alone are summed. A set S of s channels within N of n adds v(S) / (s x
 * C(n, s)) to each of its channels and takes v(S) / ((n - s) x C(n, s)) from each other one.
 * @param worth v by place of coalition.
 */
export function shapleyValues(graph: CoalitionGraph, target: number, worth: Float64Array): Float64Array {
  const own = graph.channels[target] ?? new Int32Array();
  const n = own.length;
  const place = placesOf(own);
  const phi = new Float64Array(n);
  let taken = 0;
  for (const other of graph.within.get(target) ?? []) {
    const v = worth[other] ?? 0;
    if (v === 0) continue;
    const set = graph.channels[other] ?? new Int32Array();
    const s = set.length;
    const each = v / choose(n, s);
    const takes = s === n ? 0 : each / (n - s);
    taken += takes;
    for (const channel of set) {
      const at = place[channel] ?? 0;
      phi[at] = (phi[at] ?? 0) + each / s + takes;
    }
  }
  for (let i = 0; i < n; i++) phi[i] = (phi[i] ?? 0) - taken;
  return phi;
}

function placesOf(channels: Int32Array): Int32Array {
  const place = new Int32Array(64);
  for (let i = 0; i < channels.length; i++) place[channels[i] ?? 0] = i;
  return place;
}

const binomials: number[][] = [];

/** n over k, from Pascal's triangle. */
function choose(n: number, k: number): number {
  for (let row = binomials.length; row <= n; row++) {
    const above = binomials[row - 1] ?? [];
    binomials.push(
      Array.from({ length: row + 1 }, (_, i) => (i === 0 || i === row ? 1 : (above[i - 1] ?? 0) + (above[i] ?? 0))),
    );
  }
  return binomials[n]?.[k] ?? 0;
}

/** v of each coalition: counts per journey, 0 where there is no journey. */
export function worthPerJourney(counted: Float64Array, journeys: Float64Array): Float64Array {
  return counted.map((count, place) => ((journeys[place] ?? 0) > 0 ? count / (journeys[place] ?? 1) : 0));
}
