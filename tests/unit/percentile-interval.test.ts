import fc from 'fast-check';
import { expect, test } from 'vitest';
import { percentiles } from '#solvers/percentile-interval';

test('of 200 replicates the ends are the 10th and the 190th', () => {
  const replicates = Float64Array.from({ length: 200 }, (_, index) => ((index * 77) % 200) + 1);
  expect(percentiles(replicates)).toEqual([10, 190]);
});

test('they are what sorting gives, whatever the replicates', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 300 }),
      (values) => {
        const sorted = Float64Array.from(values).sort();
        const at = (share: number) => sorted[Math.max(1, Math.ceil(share * values.length)) - 1];
        const [low, high] = percentiles(Float64Array.from(values));
        expect(low + 0).toBe((at(0.05) ?? 0) + 0);
        expect(high + 0).toBe((at(0.95) ?? 0) + 0);
      },
    ),
  );
});
