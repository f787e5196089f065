import { minimise } from '#solvers/minimise';
import { hypergeometric } from '#solvers/special-functions';

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

/** Below that mean probability of leaving after an order the likelihood is flat in a and b: any pair does as well. */
const leastLeaving = 1e-4;

/**
 * Whether the histories show that customers leave. Where they do not, the fit is that of customers who all stay (the negative binomial
 * of Ehrenberg 1959): it foretells orders, but how likely each is still there it cannot tell.
 */
export function seesLeaving({ a, b }: BgNbd): boolean {
  return a / (a + b) >= leastLeaving;
}

/** Where the search begins, in the logarithms of the parameters; the others are tried where the first leads nowhere. */
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
  for (const start of starts) {
    const end = minimise(likelihood, start);
    if (!end.hasConverged) continue;
    const [r = 0, alpha = 0, a = 0, b = 0] = end.point.map(Math.exp);
    return { model: { r, alpha, a, b }, logLikelihood: -end.value * customers };
  }
  return undefined;
}

/** Minus the mean log-likelihood of a customer and its gradient, both in the logarithms of the four parameters. */
function likelihoodOf(histories: readonly BuyingHistory[], customers: number) {
  // There are few different times and frequencies: what hangs on one alone is reckoned once for each, at every step.
  const numbers = new Map<number, number>();
  const numberOf = (time: number): number => {
    const known = numbers.get(time) ?? numbers.size;
    numbers.set(time, known);
    return known;
  };
  const frequencies = Int32Array.from(histories, (history) => history.frequency);
  const counts = Float64Array.from(histories, (history) => history.customers);
  const ages = Int32Array.from(histories, (history) => numberOf(history.age));
  const recencies = Int32Array.from(histories, (history) => numberOf(history.recency));
  const times = Float64Array.from(numbers.keys());
  const logs = new Float64Array(times.length);
  const most = frequencies.reduce((max, frequency) => Math.max(max, frequency), 0);
  const atFrequency = new Float64Array(most + 1);
  for (const [row, x] of frequencies.entries()) atFrequency[x] = (atFrequency[x] ?? 0) + (counts[row] ?? 0);
  return (point: readonly number[]) => {
    const [r = 0, alpha = 0, a = 0, b = 0] = point.map(Math.exp);
    let value = 0;
    const slope = { r: 0, alpha: 0, a: 0, b: 0 };
    // Quotients of gamma functions whose arguments differ by x, as products of x factors, and logarithms as log1p: where
    // customers hardly differ, r and alpha (or a and b) grow without end together, and nothing may cancel out then.
    let product = 0;
    const sum = { r: 0, b: 0, ab: 0 };
    for (let x = 0; x <= most; x++) {
      const count = atFrequency[x] ?? 0;
      value += count * (product - x * Math.log(alpha));
      slope.r += count * sum.r;
      slope.a -= count * sum.ab;
      slope.b += count * (sum.b - sum.ab);
      product += Math.log((r + x) * ((b + x) / (a + b + x)));
      sum.r += 1 / (r + x);
      sum.b += 1 / (b + x);
      sum.ab += 1 / (a + b + x);
    }
    for (let time = 0; time < times.length; time++) logs[time] = Math.log1p((times[time] ?? 0) / alpha);
    const logOdds = Float64Array.from({ length: most + 1 }, (_, x) => (x === 0 ? 0 : Math.log(a / (b + x - 1))));
    for (let row = 0; row < counts.length; row++) {
      const x = frequencies[row] ?? 0;
      const count = counts[row] ?? 0;
      const age = times[ages[row] ?? 0] ?? 0;
      const logAge = logs[ages[row] ?? 0] ?? 0;
      const alive = -(r + x) * logAge;
      const slopeOfAge = (r * age - x * alpha) / (alpha + age);
      if (x === 0) {
        value += count * alive;
        slope.r -= count * logAge;
        slope.alpha += count * slopeOfAge;
        continue;
      }
      const recency = times[recencies[row] ?? 0] ?? 0;
      const logRecency = logs[recencies[row] ?? 0] ?? 0;
      const gone = (logOdds[x] ?? 0) - (r + x) * logRecency;
      const both = Math.max(alive, gone) + Math.log1p(Math.exp(-Math.abs(alive - gone)));
      const isGone = Math.exp(gone - both);
      const isAlive = 1 - isGone;
      value += count * both;
      slope.r -= count * (isAlive * logAge + isGone * logRecency);
      slope.alpha += count * (isAlive * slopeOfAge + (isGone * (r * recency - x * alpha)) / (alpha + recency));
      slope.a += (count * isGone) / a;
      slope.b -= (count * isGone) / (b + x - 1);
    }
    const gradient = [slope.r * r, slope.alpha, slope.a * a, slope.b * b];
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
