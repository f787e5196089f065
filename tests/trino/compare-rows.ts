import { DateTime } from 'luxon';

/** A value in the one form in which both engines are compared. */
function comparable(value: unknown, type: string): unknown {
  if (value === null || value === undefined) return null;
  if (type === 'double') return Number(value);
  if (type === 'timestamptz') {
    // DuckDB: 2026-01-05T10:00:00.000Z. Trino: 2026-01-05 10:00:00.000 UTC, or in the zone in which it was reckoned.
    const [, day = '', time = '', zone = ''] = /^(\S{10})[ T]([\d:.]+) ?(.*)$/.exec(String(value)) ?? [];
    return DateTime.fromISO(`${day}T${time}`, { zone: zone === 'Z' ? 'UTC' : zone }).toMillis();
  }
  return typeof value === 'boolean' ? value : String(value);
}

/** Rows in an order that the last bits of doubles do not change: exact columns first, then doubles by value. */
function ordered(
  rows: readonly unknown[][],
  types: readonly string[],
): { exact: string; doubles: (number | null)[] }[] {
  const isDouble = (index: number) => types[index] === 'double';
  return rows
    .map((row) => {
      const values = row.map((value, index) => comparable(value, types[index] ?? ''));
      return {
        exact: JSON.stringify(values.filter((_, index) => !isDouble(index))),
        doubles: values.flatMap((value, index) => (isDouble(index) ? [value === null ? null : Number(value)] : [])),
      };
    })
    .sort((a, b) => {
      if (a.exact !== b.exact) return a.exact < b.exact ? -1 : 1;
      for (const [index, value] of a.doubles.entries()) {
        const difference = (value ?? -Infinity) - (b.doubles[index] ?? -Infinity);
        if (Math.abs(difference) > 1e-9 * Math.max(1, Math.abs(value ?? 0))) return difference;
      }
      return 0;
    });
}

/** The first row that is not the same on both engines, or undefined; doubles may differ by 1e-9 of their size. */
export function firstDifference(
  there: readonly unknown[][],
  here: readonly unknown[][],
  types: readonly string[],
): unknown {
  const [a, b] = [ordered(there, types), ordered(here, types)];
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [a[at], b[at]];
    const isSame =
      one?.exact === other?.exact &&
      one?.doubles.every((value, index) => {
        const against = other?.doubles[index];
        if (value === null || against === null || against === undefined) return value === against;
        return Math.abs(value - against) <= 1e-9 * Math.max(1, Math.abs(value));
      });
    if (isSame !== true) return { one, other };
  }
  return undefined;
}
