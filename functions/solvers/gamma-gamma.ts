import { minimise } from '#solvers/minimise';
import { digamma, logGamma } from '#solvers/special-functions';

/**
 * The Gamma-Gamma model of what an order is worth (Fader & Hardie 2013, "The Gamma-Gamma model of monetary value"): a
 * customer's orders vary around a mean of their own (gamma: shape p), and that mean varies from customer to customer
 * (inverse gamma: q, v). v is in the unit of the money.
 */
export interface GammaGamma {
  p: number;
  q: number;
  v: number;
}

/** Customers with as many orders of about the same mean value. */
export interface SpendingHistory {
  orders: number;
  /** The mean over these customers of their mean value, and of its logarithm. */
  value: number;
  logValue: number;
  customers: number;
}

export interface GammaGammaFit {
  model: GammaGamma;
  logLikelihood: number;
}

/** Where the search begins, in logarithms, v over the mean; the others are tried where the first leads nowhere. */
const starts = [
  [1, 1, 0],
  [0, 0.5, -1],
  [2, 2, 1],
];

/**
 * Maximum likelihood on counts.
 * @returns undefined where the search does not settle, or where the mean over all customers would be infinite (q <= 1).
 */
export function fitGammaGamma(histories: readonly SpendingHistory[]): GammaGammaFit | undefined {
  const customers = histories.reduce((sum, history) => sum + history.customers, 0);
  if (customers === 0) return undefined;
  const mean = histories.reduce((sum, history) => sum + history.value * history.customers, 0) / customers;
  const likelihood = likelihoodOf(histories, customers);
  for (const [p = 0, q = 0, v = 0] of starts) {
    const end = minimise(likelihood, [p, q, v + Math.log(mean)]);
    if (!end.hasConverged) continue;
    const [shape = 0, spread = 0, scale = 0] = end.point.map(Math.exp);
    if (spread <= 1) return undefined;
    return { model: { p: shape, q: spread, v: scale }, logLikelihood: -end.value * customers };
  }
  return undefined;
}

function likelihoodOf(histories: readonly SpendingHistory[], customers: number) {
  return (point: readonly number[]) => {
    const [p = 0, q = 0, v = 0] = point.map(Math.exp);
    let value = 0;
    const slope = { p: 0, q: 0, v: 0 };
    const atQ = { log: logGamma(q), slope: digamma(q) };
    for (const { orders: x, value: mean, logValue, customers: count } of histories) {
      const logSum = Math.log(x * mean + v);
      const shape = p * x + q;
      const atShape = digamma(shape);
      value +=
        count *
        (logGamma(shape) -
          logGamma(p * x) -
          atQ.log +
          q * Math.log(v) +
          (p * x - 1) * logValue +
          p * x * Math.log(x) -
          shape * logSum);
      slope.p += count * x * (atShape - digamma(p * x) + logValue + Math.log(x) - logSum);
      slope.q += count * (atShape - atQ.slope + Math.log(v) - logSum);
      slope.v += count * (q / v - shape / (x * mean + v));
    }
    const gradient = [slope.p * p, slope.q * q, slope.v * v];
    return { value: -value / customers, gradient: gradient.map((part) => -part / customers) };
  };
}
