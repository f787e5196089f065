/** Lanczos' coefficients for g = 7, n = 9 (Godfrey): 15 digits for every positive argument. */
const lanczos = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/** The logarithm of the gamma function of a positive number. Lanczos 1964. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const scale = shifted + 7.5;
  let sum: number = lanczos[0];
  for (let index = 1; index < lanczos.length; index++) sum += (lanczos[index] ?? 0) / (shifted + index);
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(scale) - scale + Math.log(sum);
}

/** The derivative of `logGamma`, by recurrence up to 10 and its asymptotic series from there (Abramowitz & Stegun 6.3.18). */
export function digamma(x: number): number {
  let below = 0;
  let at = x;
  while (at < 10) {
    below -= 1 / at;
    at += 1;
  }
  const square = 1 / (at * at);
  const series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))));
  return below + Math.log(at) - 0.5 / at - series;
}

const mostTerms = 1_000_000;

/**
 * Gauss' hypergeometric function 2F1(a, b; c; z) for 0 <= z < 1, by its series; where c < a + b it is transformed first
 * (Euler, Abramowitz & Stegun 15.3.3), since the series of the other side converges faster and does not overflow.
 * @returns NaN where a million terms do not settle it.
 */
export function hypergeometric(a: number, b: number, c: number, z: number): number {
  if (c < a + b) return (1 - z) ** (c - a - b) * series(c - a, c - b, c, z);
  return series(a, b, c, z);
}

function series(a: number, b: number, c: number, z: number): number {
  let term = 1;
  let sum = 1;
  const allPositiveFrom = Math.max(-a, -b, -c);
  for (let n = 0; n < mostTerms; n++) {
    const first = (Math.min(a, b) + n) / (n + 1);
    const second = (Math.max(a, b) + n) / (c + n);
    term *= first * second * z;
    sum += term;
    // The greater parameter is set against c. Past negative terms both quotients go to 1 without turning, so what is left is at most a geometric series.
    const ratio = z * Math.max(1, first) * Math.max(1, second);
    if (n > allPositiveFrom && ratio < 1 && Math.abs(term) * ratio <= 1e-16 * (1 - ratio) * Math.abs(sum)) return sum;
  }
  return Number.NaN;
}
