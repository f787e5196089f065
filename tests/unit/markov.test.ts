import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  conversion,
  createFirstOrderEffects,
  firstOrderPlace,
  firstOrderWidth,
  none,
  removalEffects,
  type StepCounts,
} from '#solvers/markov';
import { type Path, walked } from './markov-walker.ts';

/** The counts of an order-k chain, as SQL makes them: each step of a path once for each journey along it. */
function countSteps(paths: readonly Path<number>[], order: number): StepCounts {
  const steps = new Map<string, { from: number; to: number; steps: number; value: number }>();
  const add = (from: number, to: number, count: number, value: number) => {
    const key = `${from}/${to}`;
    const step = steps.get(key) ?? { from, to, steps: 0, value: 0 };
    step.steps += count;
    step.value += value;
    if (step.steps > 0) steps.set(key, step);
  };
  for (const { channels, conversions, losses, value } of paths) {
    let from = 0;
    for (let i = 0; i < channels.length; i++) {
      const to = channels.slice(Math.max(0, i + 1 - order), i + 1).reduce((state, channel) => 64 * state + channel, 0);
      add(from, to, conversions + losses, 0);
      from = to;
    }
    add(from, conversion, conversions, value);
    add(from, none, losses, 0);
  }
  const rows = [...steps.values()];
  return {
    from: Int32Array.from(rows, (row) => row.from),
    to: Int32Array.from(rows, (row) => row.to),
    steps: Float64Array.from(rows, (row) => row.steps),
    value: Float64Array.from(rows, (row) => row.value),
  };
}

const path = fc
  .record({
    channels: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
    conversions: fc.integer({ min: 0, max: 4 }),
    losses: fc.integer({ min: 0, max: 6 }),
    each: fc.integer({ min: 0, max: 200 }),
  })
  .map(({ each, ...way }) => ({ ...way, value: each * way.conversions }));
const ways = fc.array(path, { minLength: 1, maxLength: 12 });
const runs = { numRuns: 200, seed: 20_260_701 };

/** Of docs/definitions.md section 6; A, B, C are 1, 2, 3. */
const checkPaths: Path<number>[] = [
  { channels: [1], conversions: 2, losses: 8, value: 200 },
  { channels: [2], conversions: 1, losses: 9, value: 50 },
  { channels: [1, 2], conversions: 4, losses: 6, value: 480 },
  { channels: [2, 1], conversions: 1, losses: 4, value: 90 },
  { channels: [1, 2, 3], conversions: 3, losses: 2, value: 450 },
  { channels: [3], conversions: 0, losses: 5, value: 0 },
  { channels: [1, 1, 2], conversions: 1, losses: 1, value: 130 },
];

describe('removal effects', () => {
  test.each([
    [1, [0.582031, 0.664062, 0.25], [0.542969, 0.664509, 0.321429]],
    [2, [0.916667, 0.833333, 0.25], undefined],
  ])('of order %i are the check values', (order, conversions, values) => {
    const found = removalEffects(countSteps(checkPaths, order));
    expect(found.reaches).toBeCloseTo(12 / 47, 14);
    expect(found.value).toBeCloseTo(1400 / 47, 12);
    for (const [index, effect] of conversions.entries())
      expect(found.channels.get(index + 1)?.conversions).toBeCloseTo(effect, 6);
    for (const [index, effect] of (values ?? []).entries())
      expect(found.channels.get(index + 1)?.value).toBeCloseTo(effect, 6);
  });

  test.each([1, 2, 3])('of order %i are those of a walker, within 0 and 1', (order) => {
    fc.assert(
      fc.property(ways, (paths) => {
        const found = removalEffects(countSteps(paths, order));
        const whole = walked(paths, order);
        expect(Math.abs(found.reaches - whole.reaches)).toBeLessThan(1e-12);
        expect(Math.abs(found.value - whole.value)).toBeLessThan(1e-9);
        for (const [channel, effect] of found.channels) {
          const without = walked(paths, order, channel);
          const lost = whole.reaches > 0 ? 1 - without.reaches / whole.reaches : 0;
          const lostValue = whole.value > 0 ? 1 - without.value / whole.value : 0;
          expect(Math.abs(effect.conversions - lost)).toBeLessThan(1e-11);
          expect(Math.abs(effect.value - lostValue)).toBeLessThan(1e-11);
          expect(effect.conversions).toBeGreaterThanOrEqual(0);
          expect(effect.conversions).toBeLessThanOrEqual(1);
        }
      }),
      runs,
    );
  });

  test('do not heed the order of the counts, nor how many journeys there are of each kind', () => {
    fc.assert(
      fc.property(ways, fc.constantFrom(1, 2), (paths, order) => {
        const found = removalEffects(countSteps(paths, order));
        const turned = removalEffects(countSteps([...paths].reverse(), order));
        const doubled = removalEffects(
          countSteps(
            paths.map((way) => ({
              ...way,
              conversions: 2 * way.conversions,
              losses: 2 * way.losses,
              value: 2 * way.value,
            })),
            order,
          ),
        );
        for (const other of [turned, doubled]) {
          expect([...other.channels.keys()]).toEqual([...found.channels.keys()]);
          for (const [channel, effect] of found.channels) {
            expect(Math.abs((other.channels.get(channel)?.conversions ?? 0) - effect.conversions)).toBeLessThan(1e-12);
          }
        }
      }),
      runs,
    );
  });

  test('are exact where walkers turn in circles for long', () => {
    // From 1 to 2 and back 5,000 times on average, then a conversion in one of four.
    const steps = {
      from: Int32Array.of(0, 1, 2, 2, 2),
      to: Int32Array.of(1, 2, 1, conversion, none),
      steps: Float64Array.of(4, 20_000, 19_996, 1, 3),
      value: Float64Array.of(0, 0, 0, 10, 0),
    };
    const { reaches, value, channels } = removalEffects(steps);
    expect(reaches).toBeCloseTo(0.25, 10);
    expect(value).toBeCloseTo(2.5, 9);
    expect(channels.get(1)?.conversions).toBe(1);
    expect(channels.get(2)?.conversions).toBe(1);
  });

  test('are none where nothing converted, or nobody came', () => {
    const lost = removalEffects(countSteps([{ channels: [1, 2], conversions: 0, losses: 3, value: 0 }], 1));
    expect([...lost.channels.values()]).toEqual([
      { conversions: 0, value: 0 },
      { conversions: 0, value: 0 },
    ]);
    expect(removalEffects(countSteps([], 1))).toEqual({ reaches: 0, value: 0, channels: new Map() });
  });
});

test('the direct formula of the bootstrap gives the same effects for order 1', () => {
  const channels = 6;
  const effectsOf = createFirstOrderEffects(channels);
  fc.assert(
    fc.property(ways, (paths) => {
      const counts = countSteps(paths, 1);
      const row = new Float64Array(firstOrderWidth(channels));
      for (const [i, count] of counts.steps.entries()) {
        row[firstOrderPlace(channels, counts.from[i] ?? 0, counts.to[i] ?? 0)] = count;
      }
      const effects = new Float64Array(channels);
      effectsOf(row, effects);
      const found = removalEffects(counts).channels;
      for (let channel = 1; channel <= channels; channel++) {
        expect(Math.abs((effects[channel - 1] ?? 0) - (found.get(channel)?.conversions ?? 0))).toBeLessThan(1e-11);
      }
    }),
    runs,
  );
});
