import Big from 'big.js';

/** Which of the two signs divides whole from fraction: `,` in 1.234,56 and `.` in 1,234.56. */
export type DecimalSign = '.' | ',';

export type Reading<T> = { ok: true; value: T } | { ok: false; why: string };

const plain = /^-?\d{1,15}(?:\.\d{1,9})?$/;
const exponent = /^\d+(?:\.\d+)?e[+-]?\d{1,3}$/i;
const around = /^(?:[€$£¥]|[A-Z]{3}(?=[\s\u00a0\u202f]))|(?:[€$£¥]|[\s\u00a0\u202f][A-Z]{3})$/g;
const blanks = /[\s\u00a0\u202f'’]/g;

/**
 * An amount as people and reports write it, as a plain decimal in text (`-1234.56`), at most 9 places.
 * Takes currency signs, blanks or apostrophes between thousands, (1.00) and 1.00- as negative. Never guesses: `1.234`
 * is refused where the decimal sign is not known.
 */
export function parseDecimal(text: string, sign: DecimalSign | undefined): Reading<string> {
  if (sign === '.' && plain.test(text)) return { ok: true, value: text };
  let rest = text.trim();
  let negative = false;
  const bracketed = /^\((.*)\)$/.exec(rest)?.[1];
  if (bracketed !== undefined) {
    negative = true;
    rest = bracketed.trim();
  }
  const minus = (part: string): string => {
    const found = /^[-−+]/.exec(part)?.[0] ?? '';
    if (found === '-' || found === '−') negative = !negative;
    return part.slice(found.length).trim();
  };
  rest = minus(rest).replace(around, '').trim().replace(around, '').trim();
  rest = minus(rest);
  if (/\d[-−]$/.test(rest)) {
    negative = !negative;
    rest = rest.slice(0, -1);
  }
  rest = rest.replace(blanks, '');
  const digits = exponent.test(rest) && sign !== ',' ? new Big(rest).toFixed() : wholeAndFraction(rest, sign);
  if (digits === undefined) return { ok: false, why: 'is not a number' };
  if (digits === 'ambiguous') {
    return { ok: false, why: 'may be thousands or a fraction: the file does not show which decimal sign it uses' };
  }
  const [whole = '', fraction = ''] = digits.split('.');
  if (whole.length > 15) return { ok: false, why: 'is too large' };
  const value = fraction.length > 9 ? new Big(digits).round(9).toFixed() : digits;
  return { ok: true, value: negative && /[1-9]/.test(value) ? `-${value}` : value };
}

function wholeAndFraction(text: string, known: DecimalSign | undefined): string | 'ambiguous' | undefined {
  if (/^\d+$/.test(text)) return text;
  if (!/^[\d.,]*\d[\d.,]*$/.test(text)) return undefined;
  const sign = known ?? signOf(text);
  if (sign === undefined) return 'ambiguous';
  const at = text.lastIndexOf(sign);
  const whole = at < 0 ? text : text.slice(0, at);
  const fraction = at < 0 ? '' : text.slice(at + 1);
  const group = sign === '.' ? ',' : '.';
  if (!/^\d*$/.test(fraction) || whole.includes(sign)) return undefined;
  if (whole.includes(group)) {
    const groups = whole.split(group);
    if (!/^\d{1,3}$/.test(groups[0] ?? '') || !groups.slice(1).every((part) => /^\d{3}$/.test(part))) return undefined;
  }
  const digits = whole.replaceAll(group, '') || '0';
  return fraction === '' ? digits : `${digits}.${fraction}`;
}

/** The decimal sign that a number shows by itself, or undefined where it could be either. */
function signOf(text: string): DecimalSign | undefined {
  const dots = text.split('.').length - 1;
  const commas = text.split(',').length - 1;
  if (dots > 0 && commas > 0) return text.lastIndexOf('.') > text.lastIndexOf(',') ? '.' : ',';
  const used = dots > 0 ? '.' : ',';
  const other = used === '.' ? ',' : '.';
  if (dots + commas > 1) return other;
  const [whole = '', fraction = ''] = text.split(used);
  return fraction.length === 3 && whole.length >= 1 && whole.length <= 3 && !whole.startsWith('0') ? undefined : used;
}

const numberLike = /^[^\p{L}]{0,4}\d[\d.,\s\u00a0\u202f'’]*[^\p{L}\d]{0,3}$/u;

/** The decimal sign that a file's numbers show; undefined where none of them shows it, or where they contradict each other. */
export function decimalSignOf(texts: Iterable<string>): DecimalSign | undefined {
  let seen: DecimalSign | undefined;
  for (const text of texts) {
    if (!/[.,]/.test(text) || !numberLike.test(text.trim())) continue;
    const sign = signOf(text.replace(/[^\d.,]/g, ''));
    if (sign === undefined) continue;
    if (seen !== undefined && seen !== sign) return undefined;
    seen = sign;
  }
  return seen;
}
