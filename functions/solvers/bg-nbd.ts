import { minimise } from '#solvers/minimise';
import { digamma, hypergeometric, logGamma } from '#solvers/special-functions';

/**
 * The BG/NBD model of repeat buying (Fader, Hardie & Lee 2005, "Counting your customers" the easy way): while alive a
 * customer orders at a rate that differs from customer to customer (gamma: shape r, rate alpha), and after each order may
 * leave for good with a probability that differs too (beta: a, b). Times may be in any one unit; alpha is in that unit.
 */
export interface BgNbd {
  r: number;
  alpha: number;
  a: number;
  b: number;
}

/** Customers of one history: days with an order after the first, time from the first to the last, and from the first to now. */
export interface BuyingHistory {
  frequency: number;
  recency: number;
  age: number;
  customers: number;
}

export interface BgNbdFit {
  model: BgNbd;
  logLikelihood: number;
}

/** Starts that differ in how fast customers order and leave; the best end is taken, so that no slope decides. */
const starts = [
  [0, 0, 0, 0],
  [-1, 2, 0, 1],
  [1, 4, -1, 2],
];

/**
 * Maximum likelihood on the counts of equal histories.
 * @returns undefined where the search does not settle: no such model tells these histories.
 */
export function fitBgNbd(histories: readonly BuyingHistory[]): BgNbdFit | undefined {
  const customers = histories.reduce((sum, history) => sum + history.customers, 0);
  if (customers === 0) return undefined;
  const likelihood = likelihoodOf(histories, customers);
  const ends = starts.map((start) => minimise(likelihood, start)).filter((end) => end.hasConverged);
  const best = ends.sort((one, other) => one.value - other.value)[0];
  if (best === undefined) return undefined;
  const [r = 0, alpha = 0, a = 0, b = 0] = best.point.map(Math.exp);
  return { model: { r, alpha, a, b }, logLikelihood: -best.value * customers };
}

/** Minus the mean log-likelihood of a customer and its gradient, both in the logarithms of the four parameters. */
function likelihoodOf(histories: readonly BuyingHistory[], customers: number) {
  const most = histories.reduce((max, history) => Math.max(max, history.frequency), 0);
  const atFrequency = new Float64Array(most + 1);
  for (const history of histories) {
    atFrequency[history.frequency] = (atFrequency[history.frequency] ?? 0) + history.customers;
  }
  return (point: readonly number[]) => {
    const [r = 0, alpha = 0, a = 0, b = 0] = point.map(Math.exp);
    let value = 0;
    const slope = { r: 0, alpha: 0, a: 0, b: 0 };
    // What hangs on the frequency alone is reckoned once for each.
    const atNone = { r: digamma(r), ab: digamma(a + b), b: digamma(b) };
    const fixed = r * Math.log(alpha) - logGamma(r) + logGamma(a + b) - logGamma(b);
    for (let x = 0; x <= most; x++) {
      const count = atFrequency[x] ?? 0;
      if (count === 0) continue;
      value += count * (fixed + logGamma(r + x) + logGamma(b + x) - logGamma(a + b + x));
      slope.r += count * (digamma(r + x) - atNone.r + Math.log(alpha));
      slope.alpha += (count * r) / alpha;
      slope.a += count * (atNone.ab - digamma(a + b + x));
      slope.b += count * (atNone.ab - digamma(a + b + x) + digamma(b + x) - atNone.b);
    }
    for (const { frequency: x, recency, age, customers: count } of histories) {
      const logAge = Math.log(alpha + age);
      const alive = -(r + x) * logAge;
      if (x === 0) {
        value += count * alive;
        slope.r -= count * logAge;
        slope.alpha -= (count * r) / (alpha + age);
        continue;
      }
      const logRecency = Math.log(alpha + recency);
      const gone = Math.log(a / (b + x - 1)) - (r + x) * logRecency;
      const larger = Math.max(alive, gone);
      const both = larger + Math.log1p(Math.exp(-Math.abs(alive - gone)));
      const isGone = Math.exp(gone - both);
      const isAlive = 1 - isGone;
      value += count * both;
      slope.r -= count * (isAlive * logAge + isGone * logRecency);
      slope.alpha -= count * (r + x) * (isAlive / (alpha + age) + isGone / (alpha + recency));
      slope.a += (count * isGone) / a;
      slope.b -= (count * isGone) / (b + x - 1);
    }
    const gradient = [slope.r * r, slope.alpha * alpha, slope.a * a, slope.b * b];
    return { value: -value / customers, gradient: gradient.map((part) => -part / customers) };
  };
}

/**
 * The orders that a customer who is certainly still there (1 for P(alive)) makes in a time to come; a customer of whom
 * that is not certain makes P(alive) times as many. Equation 10 of the paper without its denominator.
 * @param horizon the time to come, in the model's unit.
 */
export function expectedOrdersIfAlive(model: BgNbd, frequency: number, age: number, horizon: number): number {
  const { r, alpha, b } = model;
  // At a = 1, and where a + b + x = 1, the formula is 0/0: a hair beside them it is not, and as good as equal.
  let a = model.a;
  if (Math.abs(a - 1) < 1e-6 || Math.abs(a + b + frequency - 1) < 1e-6) a += 2e-6;
  const z = horizon / (alpha + age + horizon);
  const kept = ((alpha + age) / (alpha + age + horizon)) ** (r + frequency);
  const left = hypergeometric(r + frequency, b + frequency, a + b + frequency - 1, z);
  return ((a + b + frequency - 1) / (a - 1)) * (1 - kept * left);
}
