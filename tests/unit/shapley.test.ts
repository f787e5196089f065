import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pathModels } from '#solvers/path-models';
import { type Coalitions, createCoalitionGraph, shapleyValues, worthPerJourney } from '#solvers/shapley';

/** Sets of channel numbers as the solver takes them. */
function coalitionsOf(sets: readonly (readonly number[])[]): Coalitions {
  const half = (set: readonly number[], from: number) =>
    set.reduce((bits, channel) => bits + (channel >= from && channel < from + 30 ? 2 ** (channel - from) : 0), 0);
  return {
    low: Int32Array.from(sets, (set) => half(set, 1)),
    high: Int32Array.from(sets, (set) => half(set, 31)),
  };
}

function valuesOf(sets: readonly (readonly number[])[], worth: readonly number[], target: number): number[] {
  const graph = createCoalitionGraph(coalitionsOf(sets), [target], () => true);
  return [...shapleyValues(graph, target, Float64Array.from(worth))];
}

/** The definition at its word: what each channel adds when it joins, on average over all orders of joining. */
function byPermutations(sets: readonly (readonly number[])[], worth: readonly number[], target: number): number[] {
  const own = [...(sets[target] ?? [])].sort((a, b) => a - b);
  const key = (set: readonly number[]) => [...set].sort((a, b) => a - b).join();
  const v = new Map(sets.map((set, place) => [key(set), worth[place] ?? 0]));
  const totals = new Map<number, number>();
  const orders = permutations(own);
  for (const order of orders) {
    for (const [i, channel] of order.entries()) {
      const adds = (v.get(key(order.slice(0, i + 1))) ?? 0) - (v.get(key(order.slice(0, i))) ?? 0);
      totals.set(channel, (totals.get(channel) ?? 0) + adds);
    }
  }
  return own.map((channel) => (totals.get(channel) ?? 0) / orders.length);
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}

const channelSet = fc.uniqueArray(fc.constantFrom(1, 2, 3, 30, 31, 60), { minLength: 1, maxLength: 5 });
const worthySets = fc.uniqueArray(channelSet, {
  minLength: 1,
  maxLength: 20,
  selector: (set) => [...set].sort((a, b) => a - b).join(),
});
const runs = { numRuns: 60, seed: 20_260_701 };

describe('Shapley values', () => {
  test('are those of all orders of joining, and sum to what the coalition is worth', () => {
    fc.assert(
      fc.property(
        worthySets,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 20, maxLength: 20 }),
        (sets, worth) => {
          for (const target of sets.keys()) {
            const found = valuesOf(sets, worth, target);
            const slow = byPermutations(sets, worth, target);
            expect(found.length).toBe(slow.length);
            for (const [i, value] of slow.entries())
              expect(Math.abs((found[i] ?? Number.NaN) - value)).toBeLessThan(1e-12);
            expect(Math.abs(found.reduce((sum, value) => sum + value, 0) - (worth[target] ?? 0))).toBeLessThan(1e-12);
          }
        },
      ),
      runs,
    );
  });

  test('are exact for sixty channels', () => {
    const all = Array.from({ length: 60 }, (_, index) => index + 1);
    const found = valuesOf([all, [7]], [0.9, 0.6], 0);
    expect(found.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0.9, 12);
    // By the formula: v(S) / (s C(n, s)) to its member, v(S) / ((n - s) C(n, s)) from each other one.
    expect(found[6]).toBeCloseTo(0.9 / 60 + 0.6 / 60, 14);
    for (const [i, value] of found.entries()) if (i !== 6) expect(value).toBeCloseTo(0.9 / 60 - 0.6 / (59 * 60), 14);
  });

  test('count nothing for coalitions that nobody walked', () => {
    expect([...worthPerJourney(Float64Array.of(1, 0), Float64Array.of(4, 0))]).toEqual([0.25, 0]);
  });
});

test('a negative value counts as 0, and the share of conversions on which that happened is told', () => {
  const model = pathModels.find(({ name }) => name === 'shapley');
  // Channel 2 alone is worth more than with 1: phi of 1 in {1, 2} is (0.1 + 0 - 0.5) / 2.
  const coalitions = coalitionsOf([[1], [2], [1, 2]]);
  const empty = { from: new Int32Array(), to: new Int32Array(), steps: new Float64Array(), value: new Float64Array() };
  const fit = model?.open({ coalitions, converting: [1, 2] })({
    steps: { 1: empty, 2: empty },
    coalitions: {
      journeys: Float64Array.of(10, 10, 10),
      conversions: Float64Array.of(0, 5, 1),
      revenue: Float64Array.of(0, 500, 100),
    },
    spread: [2],
  });
  expect(fit?.channels).toEqual([
    { channelNo: 2, factor: 1, revenueFactor: 1, zeroedShare: 0 },
    { channelNo: 1, factor: 0, revenueFactor: 0, zeroedShare: 1 },
  ]);
  expect(fit?.coalitions?.map(({ place, factors }) => [place, ...factors])).toEqual([[2, 0, 1]]);
});
