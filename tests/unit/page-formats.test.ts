import { expect, test } from 'vitest';
// @ts-expect-error: the pages are JavaScript
import { formatsOf } from '../../dashboards/components/format.js';

test('the end of an interval that rounds to nothing tells its side, and nothing itself has none', () => {
  const { end, round } = formatsOf({ language: 'en' });
  expect([0.004, -0.004, 0, 0.006, -0.5].map(end)).toEqual(['> 0%', '< 0%', '0%', '1%', '-50%']);
  expect([0.004, -0.004].map(round)).toEqual(['0%', '0%']);
  expect(end(null)).toBe('–');
});
