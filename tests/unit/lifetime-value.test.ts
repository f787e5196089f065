import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type BgNbd, expectedOrdersIfAlive, fitBgNbd } from '#solvers/bg-nbd';
import { fitGammaGamma } from '#solvers/gamma-gamma';
import { minimise } from '#solvers/minimise';
import { digamma, hypergeometric, logGamma } from '#solvers/special-functions';

/** Uniform numbers from a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A gamma variate (Marsaglia & Tsang 2000). */
function gammaVariate(random: () => number, shape: number): number {
  if (shape < 1) return gammaVariate(random, shape + 1) * random() ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const cube = (1 + normal / Math.sqrt(9 * d)) ** 3;
    if (cube > 0 && Math.log(1 - random()) < 0.5 * normal ** 2 + d - d * cube + d * Math.log(cube)) return d * cube;
  }
}

describe('special functions', () => {
  test('the logarithm of gamma is that of known factorials and of the root of pi', () => {
    expect(logGamma(1)).toBeCloseTo(0, 12);
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 12);
    expect(logGamma(0.1)).toBeCloseTo(2.252712651734206, 11);
    expect(logGamma(11)).toBeCloseTo(Math.log(3_628_800), 11);
    expect(logGamma(171)).toBeCloseTo(706.573062245787, 9);
  });

  test('digamma is minus the Euler constant at 1, and the slope of the logarithm of gamma elsewhere', () => {
    expect(digamma(1)).toBeCloseTo(-0.5772156649015329, 12);
    expect(digamma(0.5)).toBeCloseTo(-1.9635100260214235, 12);
    for (const x of [0.05, 0.7, 3.3, 12, 250]) {
      const step = 1e-5 * x;
      expect(digamma(x)).toBeCloseTo((logGamma(x + step) - logGamma(x - step)) / (2 * step), 5);
    }
  });

  test('the hypergeometric function is the logarithm, the power and the elliptic integral that it holds', () => {
    for (const z of [0, 0.1, 0.5, 0.9, 0.99]) {
      expect(hypergeometric(1, 1, 2, z)).toBeCloseTo(z === 0 ? 1 : -Math.log(1 - z) / z, 10);
      expect(hypergeometric(3.5, 2.2, 2.2, z) * (1 - z) ** 3.5).toBeCloseTo(1, 10);
    }
    // 2 K(k) / pi at k^2 = 0.5.
    expect(hypergeometric(0.5, 0.5, 1, 0.5)).toBeCloseTo((2 / Math.PI) * 1.8540746773013719, 12);
  });

  test('and it meets its own differential equation where c < a + b', () => {
    const [a, b, c, z, step] = [4.2, 6.9, 3.1, 0.6, 1e-4];
    const at = (x: number) => hypergeometric(a, b, c, x);
    const first = (at(z + step) - at(z - step)) / (2 * step);
    const second = (at(z + step) - 2 * at(z) + at(z - step)) / step ** 2;
    expect((z * (1 - z) * second + (c - (a + b + 1) * z) * first) / (a * b * at(z))).toBeCloseTo(1, 4);
  });
});

describe('the search for the least value', () => {
  test("finds the end of Rosenbrock's valley", () => {
    const end = minimise(
      ([x = 0, y = 0]) => ({
        value: (1 - x) ** 2 + 100 * (y - x ** 2) ** 2,
        gradient: [-2 * (1 - x) - 400 * x * (y - x ** 2), 200 * (y - x ** 2)],
      }),
      [-1.2, 1],
    );
    expect(end.hasConverged).toBe(true);
    expect(end.point[0]).toBeCloseTo(1, 6);
    expect(end.point[1]).toBeCloseTo(1, 6);
    expect(end.steps).toBeLessThan(60);
  });

  test('turns back from where the function is not defined', () => {
    const end = minimise(([x = 0]) => ({ value: x - Math.log(x), gradient: [1 - 1 / x] }), [9]);
    expect(end.hasConverged).toBe(true);
    expect(end.point[0]).toBeCloseTo(1, 7);
  });

  test('says that it found none where there is none', () => {
    expect(minimise(([x = 0]) => ({ value: -x, gradient: [-1] }), [0]).hasConverged).toBe(false);
    expect(minimise(() => ({ value: Number.NaN, gradient: [1] }), [0]).hasConverged).toBe(false);
  });
});

const published: BgNbd = { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

/** P(alive) as equation 11 of Fader, Hardie & Lee 2008 has it. */
function alive({ r, alpha, a, b }: BgNbd, x: number, recency: number, age: number): number {
  return x === 0 ? 1 : 1 / (1 + (a / (b + x - 1)) * ((alpha + age) / (alpha + recency)) ** (r + x));
}

describe('BG/NBD', () => {
  test('expects 1.226 orders of the customer of the paper', () => {
    const orders = expectedOrdersIfAlive(published, 2, 38.86, 39) * alive(published, 2, 30.43, 38.86);
    expect(orders).toBeCloseTo(1.226, 3);
  });

  test('expects what the integral over all who are still there gives', () => {
    // Of a customer who is there, with x orders by T: rate ~ gamma(r + x, alpha + T), leaving ~ beta(a, b + x); a
    // customer who leaves with probability p makes (1 - exp(-p rate t)) / p orders until t. The substitution p = u^k
    // takes the pole of the beta density at 0 away.
    const reference = ({ r, alpha, a, b }: BgNbd, x: number, age: number, horizon: number) => {
      const scale = logGamma(a + b + x) - logGamma(a) - logGamma(b + x);
      const power = 4 / a;
      const steps = 40_000;
      let sum = 0;
      for (let step = 0; step < steps; step++) {
        const u = (step + 0.5) / steps;
        const p = u ** power;
        const made = 1 - ((alpha + age) / (alpha + age + p * horizon)) ** (r + x);
        sum +=
          (made / p) *
          Math.exp(scale + (a - 1) * Math.log(p) + (b + x - 1) * Math.log1p(-p)) *
          (power * u ** (power - 1));
      }
      return sum / steps;
    };
    for (const model of [
      published,
      { r: 2.4, alpha: 0.7, a: 1.8, b: 3.5 },
      { r: 0.6, alpha: 30, a: 0.3, b: 0.9 },
      { r: 0.5, alpha: 3, a: 1, b: 2 },
      { r: 0.5, alpha: 3, a: 0.4, b: 0.6 },
    ]) {
      for (const [x, age, horizon] of [
        [0, 0, 52],
        [0, 30, 52],
        [1, 10, 4],
        [9, 80, 52],
      ] as const) {
        const orders = expectedOrdersIfAlive(model, x, age, horizon);
        expect(orders / reference(model, x, age, horizon), JSON.stringify({ model, x, age })).toBeCloseTo(1, 3);
      }
    }
  });

  test('is the same on counts as on a row for each customer, and its slope vanishes at the fit', () => {
    const random = randomFrom(7);
    const rows = Array.from({ length: 4000 }, () => {
      const age = 20 + Math.floor(random() * 40);
      const rate = gammaVariate(random, 0.8) / 6;
      const one = gammaVariate(random, 1.2);
      const leaves = one / (one + gammaVariate(random, 2.5));
      let [frequency, recency, now] = [0, 0, 0];
      while (frequency === 0 || random() >= leaves) {
        now += -Math.log(1 - random()) / rate;
        if (now > age) break;
        frequency++;
        recency = Math.ceil(now);
      }
      return { frequency, recency, age, customers: 1 };
    });
    const counts = new Map<string, (typeof rows)[number]>();
    for (const row of rows) {
      const key = [row.frequency, row.recency, row.age].join();
      const seen = counts.get(key);
      if (seen === undefined) counts.set(key, { ...row });
      else seen.customers++;
    }
    expect(counts.size).toBeLessThan(0.6 * rows.length);
    const onRows = fitBgNbd(rows);
    const onCounts = fitBgNbd([...counts.values()]);
    for (const name of ['r', 'alpha', 'a', 'b'] as const) {
      expect((onCounts?.model[name] ?? 0) / (onRows?.model[name] ?? 1)).toBeCloseTo(1, 5);
    }
    // What made them: r 0.8, alpha 6.
    expect(onRows?.model.r).toBeGreaterThan(0.6);
    expect(onRows?.model.r).toBeLessThan(1.05);
    expect((onRows?.model.alpha ?? 0) / 6).toBeGreaterThan(0.75);
    expect((onRows?.model.alpha ?? 0) / 6).toBeLessThan(1.35);
  });

  test('settles where all customers are alike and nobody leaves, and expects their one pace of them', () => {
    // One order in 5 weeks, 0, 1, 2, ... of them in 20 weeks by Poisson's law; the last one at the mean of where it may be.
    let chance = Math.exp(-4) * 100_000;
    const alike = Array.from({ length: 20 }, (_, frequency) => {
      const customers = Math.round(chance);
      chance *= 4 / (frequency + 1);
      return { frequency, recency: (20 * frequency) / (frequency + 1), age: 20, customers };
    });
    const fit = fitBgNbd(alike);
    expect(fit?.model.r).toBeGreaterThan(1000);
    if (fit === undefined) return;
    for (const x of [0, 1, 6]) {
      expect(expectedOrdersIfAlive(fit.model, x, 20, 52) / (52 / 5)).toBeCloseTo(1, 1);
    }
  });

  test('of nobody is none', () => {
    expect(fitBgNbd([])).toBeUndefined();
    expect(fitGammaGamma([])).toBeUndefined();
  });
});

test('Gamma-Gamma finds the parameters of the customers that it made', () => {
  const random = randomFrom(11);
  const histories = Array.from({ length: 20_000 }, (_, index) => {
    const orders = 1 + (index % 4);
    const rate = gammaVariate(random, 3.7) / 15;
    let value = 0;
    for (let order = 0; order < orders; order++) value += gammaVariate(random, 6) / rate / orders;
    return { orders, value, logValue: Math.log(value), customers: 1 };
  });
  const fit = fitGammaGamma(histories);
  expect((fit?.model.p ?? 0) / 6).toBeCloseTo(1, 0.5);
  expect((fit?.model.q ?? 0) / 3.7).toBeCloseTo(1, 0.5);
  const mean = ((fit?.model.p ?? 0) * (fit?.model.v ?? 0)) / ((fit?.model.q ?? 0) - 1);
  expect(mean / ((6 * 15) / 2.7)).toBeGreaterThan(0.97);
  expect(mean / ((6 * 15) / 2.7)).toBeLessThan(1.03);
});

const data = join(fileURLToPath(new URL('../..', import.meta.url)), '..', 'shared', 'data', 'cdnow');
describe.skipIf(!existsSync(data))('the published sample of CDNOW (skipped: no ../shared/data)', () => {
  test('has the published parameters of BG/NBD and their log-likelihood', () => {
    const [, ...lines] = readFileSync(join(data, 'cdnow_customers_summary.csv'), 'utf8').trim().split(/\r?\n/);
    const fit = fitBgNbd(
      lines.map((line) => {
        const [, frequency = 0, recency = 0, age = 0] = line.split(',').map(Number);
        return { frequency, recency, age, customers: 1 };
      }),
    );
    expect(lines.length).toBe(2357);
    expect(fit?.model.r).toBeCloseTo(0.243, 3);
    expect(fit?.model.alpha.toFixed(3)).toBe('4.414');
    expect(fit?.model.a.toFixed(3)).toBe('0.793');
    expect(fit?.model.b.toFixed(3)).toBe('2.426');
    expect(fit?.logLikelihood).toBeCloseTo(-9582.4, 1);
  });

  test('has the published parameters of Gamma-Gamma, on the 946 customers who came again in 39 weeks', () => {
    const days = new Map<string, Map<string, number>>();
    for (const line of readFileSync(join(data, 'CDNOW_sample.txt'), 'utf8').trim().split(/\r?\n/)) {
      const [, id = '', day = '', , dollars] = line.trim().split(/\s+/);
      const own = days.get(id) ?? new Map<string, number>();
      days.set(id, own.set(day, (own.get(day) ?? 0) + Number(dollars)));
    }
    const histories = [...days.values()].flatMap((own) => {
      const repeats = [...own]
        .sort()
        .slice(1)
        .filter(([day, dollars]) => day <= '19970930' && dollars > 0);
      if (repeats.length === 0) return [];
      const value = repeats.reduce((sum, [, dollars]) => sum + dollars, 0) / repeats.length;
      return [{ orders: repeats.length, value, logValue: Math.log(value), customers: 1 }];
    });
    expect(histories.length).toBe(946);
    const fit = fitGammaGamma(histories);
    expect(fit?.model.p.toFixed(2)).toBe('6.25');
    expect(fit?.model.q.toFixed(2)).toBe('3.74');
    expect(fit?.model.v.toFixed(2)).toBe('15.44');
  });
});
