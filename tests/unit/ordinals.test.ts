import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOrdinals } from '#pipeline/imports/ordinals';

describe('ordinals', () => {
  it('count each content on its own, in any mixture, also while the table grows', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 2000 }), (contents) => {
        const ordinal = createOrdinals(4);
        const expected = new Map<number, number>();
        for (const content of contents) {
          const count = (expected.get(content) ?? 0) + 1;
          expected.set(content, count);
          expect(ordinal(createHash('sha256').update(`${content}`).digest('hex'))).toBe(count);
        }
      }),
      { numRuns: 50 },
    );
  });
});
