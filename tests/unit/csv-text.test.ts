import { expect, test } from 'vitest';
import { formatCsv } from '#core/csv-text';

const columns = [
  { name: 'campaign', type: 'varchar' },
  { name: 'margin', type: 'decimal(18,2)' },
];

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])(
  'a text that begins like a formula is made harmless: %j',
  (text) => {
    expect(formatCsv(columns, [[text, '1.00']]).split('\r\n')[1]).toMatch(/^"?'/);
  },
);

test('amounts below zero stay amounts, and null is an empty cell', () => {
  expect(
    formatCsv(columns, [
      ['a', '-5.00'],
      [null, null],
    ]),
  ).toBe('campaign,margin\r\na,-5.00\r\n,\r\n');
});

test('commas, quotes and line breaks are quoted', () => {
  expect(formatCsv(columns, [['a "b", c\nd', '0.00']])).toBe('campaign,margin\r\n"a ""b"", c\nd",0.00\r\n');
});
