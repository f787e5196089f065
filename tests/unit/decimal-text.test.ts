import { describe, expect, it } from 'vitest';
import { decimalSignOf, parseDecimal } from '#core/decimal-text';

describe('reading amounts', () => {
  it.each([
    ['1.234,56', ',', '1234.56'],
    ['1,234.56', '.', '1234.56'],
    ['€ 1.234,56', ',', '1234.56'],
    ['$1,234', '.', '1234'],
    ['(12.50)', '.', '-12.50'],
    ['12,50-', ',', '-12.50'],
    ["1'234.50", '.', '1234.50'],
    ['1 234,50 EUR', ',', '1234.50'],
    ['144.', '.', '144'],
    ['.5', '.', '0.5'],
    ['1e-3', '.', '0.001'],
    ['12.340000000000001', '.', '12.34'],
    ['-0.00', undefined, '0.00'],
    ['1.234.567', undefined, '1234567'],
    ['0,125', undefined, '0.125'],
    ['1234,567', undefined, '1234.567'],
  ] as const)('reads %s with decimal sign %s as %s', (text, sign, value) => {
    expect(parseDecimal(text, sign)).toEqual({ ok: true, value });
  });

  it.each([
    ['1.234,56', '.'],
    ['1,23,456', '.'],
    ['abc', '.'],
    ['', '.'],
    ['12%', '.'],
    ['1.2.3', ','],
  ] as const)('refuses %s with decimal sign %s', (text, sign) => {
    expect(parseDecimal(text, sign).ok).toBe(false);
  });

  it('does not guess whether 1.234 is a thousand or a fraction', () => {
    const read = parseDecimal('1.234', undefined);
    expect(read.ok ? '' : read.why).toMatch(/thousands or a fraction/);
    expect(parseDecimal('1.234', ',')).toEqual({ ok: true, value: '1234' });
    expect(parseDecimal('1.234', '.')).toEqual({ ok: true, value: '1.234' });
  });
});

describe('the decimal sign of a file', () => {
  it('is what its numbers show', () => {
    expect(decimalSignOf(['1.234', '12,50', 'Rossi, Mario'])).toBe(',');
    expect(decimalSignOf(['1,854', '231.33'])).toBe('.');
  });
  it('stays unknown where the numbers show none or contradict each other', () => {
    expect(decimalSignOf(['1.234', '17'])).toBeUndefined();
    expect(decimalSignOf(['1,5', '1.5'])).toBeUndefined();
  });
});
