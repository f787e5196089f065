import type { Reading } from '#core/decimal-text';
import { createZoneOffset } from '#core/zone-offset';

/** Reads an instant (milliseconds) out of text. */
export type TimeReader = (text: string) => Reading<number>;
/** Reads a day, `YYYY-MM-DD`, out of text. */
export type DayReader = (text: string) => Reading<string>;

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
  /** Of what the text says itself; undefined: in the reader's time zone. */
  offsetMinutes: number | undefined;
}

const iso =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?)?$/;

function isoParts(text: string): Parts | undefined {
  const found = iso.exec(text);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, offset] = found;
  return {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour ?? 0),
    minute: Number(minute ?? 0),
    second: Number(second ?? 0),
    millisecond: fraction === undefined ? 0 : Number(fraction.slice(0, 3).padEnd(3, '0')),
    offsetMinutes: offset === undefined ? undefined : offsetOf(offset),
  };
}

function offsetOf(text: string): number {
  const found = /^([+-])(\d\d):?(\d\d)?$/.exec(text);
  if (found === null) return 0;
  return (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3] ?? 0));
}

type Field = (parts: Parts, found: string) => void;
const set =
  (name: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'): Field =>
  (parts, found) => {
    parts[name] = Number(found);
  };

/** The numeric tokens of luxon's formats, read without luxon because a file may hold millions of them. */
const tokens: Record<string, { pattern: string; field: Field }> = {
  yyyy: { pattern: '(\\d{4})', field: set('year') },
  yy: {
    pattern: '(\\d{2})',
    field: (parts, found) => {
      parts.year = Number(found) + (Number(found) > 60 ? 1900 : 2000);
    },
  },
  MM: { pattern: '(\\d{2})', field: set('month') },
  M: { pattern: '(\\d{1,2})', field: set('month') },
  dd: { pattern: '(\\d{2})', field: set('day') },
  d: { pattern: '(\\d{1,2})', field: set('day') },
  HH: { pattern: '(\\d{2})', field: set('hour') },
  H: { pattern: '(\\d{1,2})', field: set('hour') },
  mm: { pattern: '(\\d{2})', field: set('minute') },
  m: { pattern: '(\\d{1,2})', field: set('minute') },
  ss: { pattern: '(\\d{2})', field: set('second') },
  s: { pattern: '(\\d{1,2})', field: set('second') },
  SSS: {
    pattern: '(\\d{3})',
    field: (parts, found) => {
      parts.millisecond = Number(found);
    },
  },
  ZZ: {
    pattern: '(Z|[+-]\\d\\d:\\d\\d)',
    field: (parts, found) => {
      parts.offsetMinutes = offsetOf(found);
    },
  },
  ZZZ: {
    pattern: '(Z|[+-]\\d\\d\\d\\d)',
    field: (parts, found) => {
      parts.offsetMinutes = offsetOf(found);
    },
  },
};

/** Reads a format of numeric tokens; undefined where the format holds others (names of months, am/pm, ...). */
function numericFormat(format: string): ((text: string) => Parts | undefined) | undefined {
  const fields: Field[] = [];
  let pattern = '';
  for (const piece of format.match(/'[^']*'|([A-Za-z])\1*|[^A-Za-z']+/g) ?? []) {
    const token = tokens[piece];
    if (token !== undefined) {
      fields.push(token.field);
      pattern += token.pattern;
    } else if (/^[A-Za-z]/.test(piece)) {
      return undefined;
    } else {
      pattern += piece.replace(/^'|'$/g, '').replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    }
  }
  const whole = new RegExp(`^${pattern}$`);
  return (text) => {
    const found = whole.exec(text);
    if (found === null) return undefined;
    const parts: Parts = {
      year: 1970,
      month: 1,
      day: 1,
      hour: 0,
      minute: 0,
      second: 0,
      millisecond: 0,
      offsetMinutes: undefined,
    };
    for (const [index, field] of fields.entries()) field(parts, found[index + 1] ?? '');
    return parts;
  };
}

/** Milliseconds of the parts read as UTC, or undefined where there is no such day or time. */
function utcOf(parts: Parts): number | undefined {
  const { year, month, day, hour, minute, second, millisecond } = parts;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return undefined;
  if (day > 28 && day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
}

/**
 * From a local time in a zone (as milliseconds of the same digits in UTC) to the instant. An hour that is there twice
 * is read as its first, one that is not there (the clock went forward) as if the clock had not yet moved.
 */
export function createLocalTime(timeZone: string): (local: number) => number {
  const offsetAt = createZoneOffset(timeZone);
  const instantOf = (local: number): number => {
    const before = offsetAt(local - 86_400_000);
    const after = offsetAt(local + 86_400_000);
    const first = local - before;
    if (before === after || offsetAt(first) === before) return first;
    const second = local - after;
    return offsetAt(second) === after ? second : first;
  };
  const quarter = 900_000;
  const offsets = new Map<number, number>();
  return (local) => {
    // No zone has changed its clock within a quarter of an hour since 1900; asking Intl for each row is slow.
    const slot = Math.floor(local / quarter);
    let offset = offsets.get(slot);
    if (offset === undefined) {
      offset = slot * quarter - instantOf(slot * quarter);
      if (offsets.size >= 100_000) offsets.clear();
      offsets.set(slot, offset);
    }
    return local - offset;
  };
}

const shown = (format: string | undefined) => (format === undefined ? 'an ISO date or time' : `a time like ${format}`);
type PartsReader = (text: string) => Parts | undefined;

async function partsReader(format: string | undefined, locale: string): Promise<PartsReader> {
  if (format === undefined) return isoParts;
  const unix = format === 'X' ? 1000 : format === 'x' ? 1 : undefined;
  if (unix !== undefined) {
    return (text) => {
      if (!/^-?\d{1,14}(\.\d+)?$/.test(text)) return undefined;
      return partsOf(new Date(Math.round(Number(text) * unix)), 0);
    };
  }
  const numeric = numericFormat(format);
  if (numeric !== undefined) return numeric;
  const { DateTime } = await import('luxon');
  const known = new Map<string, Parts | undefined>();
  const hasOffset = /Z|z/.test(format.replace(/'[^']*'/g, ''));
  return (text) => {
    if (known.has(text)) return known.get(text);
    const read = DateTime.fromFormat(text, format, { zone: 'utc', locale, setZone: hasOffset });
    const parts = read.isValid
      ? partsOf(new Date(read.toMillis() + (hasOffset ? read.offset * 60_000 : 0)), hasOffset ? read.offset : undefined)
      : undefined;
    if (known.size >= 20_000) known.clear();
    known.set(text, parts);
    return parts;
  };
}

function partsOf(date: Date, offsetMinutes: number | undefined): Parts | undefined {
  if (Number.isNaN(date.getTime())) return undefined;
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
    offsetMinutes,
  };
}

/**
 * @param format luxon tokens (`dd/MM/yyyy HH:mm`), `X` for Unix seconds or `x` for milliseconds; ISO where undefined.
 * @param timeZone of times that name no offset.
 * @param locale of the names of months, such as `it`.
 */
export async function createTimeReader(
  format: string | undefined,
  timeZone: string,
  locale = 'en',
): Promise<TimeReader> {
  const read = await partsReader(format, locale);
  const toInstant = createLocalTime(timeZone);
  return (text) => {
    const parts = read(text.trim());
    const local = parts === undefined ? undefined : utcOf(parts);
    if (parts === undefined || local === undefined) return { ok: false, why: `is not ${shown(format)}` };
    const value = parts.offsetMinutes === undefined ? toInstant(local) : local - parts.offsetMinutes * 60_000;
    return { ok: true, value };
  };
}

/** The day that the text names, as it stands: a time of day and an offset after it do not move it. */
export async function createDayReader(format: string | undefined, locale = 'en'): Promise<DayReader> {
  const read = await partsReader(format, locale);
  return (text) => {
    const parts = read(text.trim());
    const local = parts === undefined ? undefined : utcOf(parts);
    if (local === undefined) return { ok: false, why: `is not ${shown(format).replace('time', 'day')}` };
    return { ok: true, value: new Date(local).toISOString().slice(0, 10) };
  };
}
