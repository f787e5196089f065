import { readFile } from 'node:fs/promises';
import { DuckDBInstance, type Json } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';

// Each case holds what a real Trino 476 answered. The cases here are those of the functions that our models use; a model
// that needs another function brings its cases along.
const caseShape = z.object({
  id: z.string(),
  sql: z.string(),
  note: z.string(),
  expected: z.array(z.array(z.json())),
  trino_type: z.string(),
});
const text = await readFile(new URL('./dialect-cases.jsonl', import.meta.url), 'utf8');
const cases = text
  .trim()
  .split('\n')
  .map((line) => caseShape.parse(JSON.parse(line)));

const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
beforeAll(async () => {
  await connection.run(await readFile(new URL('../../sql/dialect/duckdb.sql', import.meta.url), 'utf8'));
}, 60_000);
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

/** Types that an engine may swap without a reader noticing: widths of whole numbers, lengths of texts, digits of decimals. */
function familyOf(type: string): string {
  const lower = type.toLowerCase();
  if (lower.startsWith('timestamp')) return lower.includes('with time zone') ? 'timestamptz' : 'timestamp';
  if (/^(tinyint|smallint|integer|bigint)$/.test(lower)) return 'int';
  if (lower.startsWith('decimal')) return 'decimal';
  if (/^(var)?char/.test(lower)) return 'varchar';
  if (lower === 'blob') return 'varbinary';
  if (/^"?(sql)?null"?$/.test(lower)) return 'unknown';
  return lower;
}

function splitTypes(types: string): string[] {
  return types.split(/,\s*(?![^(]*\))/);
}

function plain(value: Json, family: string): Json {
  if (value === null) return null;
  const shown = String(value);
  if (family === 'int') return Number(shown);
  if (family === 'decimal') return shown.includes('.') ? shown.replace(/\.?0+$/, '').replace(/^-0$/, '0') : shown;
  if (family === 'timestamp' || family === 'timestamptz') {
    const zoned = /\+00$/.test(shown);
    const local = shown
      .replace(/\+00$/, '')
      .replace(/(\.\d*?)0+$/, '$1')
      .replace(/\.$/, '');
    return zoned ? `${local}Z` : local;
  }
  return value;
}

function isClose(a: Json, b: Json): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return JSON.stringify(a) === JSON.stringify(b);
  return a === b || Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
}

const byText = (a: Json, b: Json) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

describe('DuckDB gives the value and the type that Trino gave', () => {
  test('there are cases', () => {
    expect(cases.length).toBeGreaterThan(150);
  });

  test.each(cases)('$id $note', async ({ sql, expected, trino_type }) => {
    const reader = await connection.runAndReadAll(sql);
    const families = reader.columnTypes().map((type) => familyOf(String(type)));
    const wanted = splitTypes(trino_type).map(familyOf);
    const fits =
      families.length === wanted.length &&
      families.every((family, index) => [wanted[index], 'unknown'].includes(family) || wanted[index] === 'unknown');
    expect(fits, `${families.join()} instead of ${wanted.join()} for ${sql}`).toBe(true);
    const rows: Json[][] = reader
      .getRowsJson()
      .map((row) => row.map((value, index) => plain(value, families[index] ?? '')));
    const isOrdered = / order by [^)]*$/i.test(sql);
    const actual = isOrdered ? rows : rows.sort(byText);
    const right = isOrdered ? expected : [...expected].sort(byText);
    const same =
      actual.length === right.length &&
      actual.every((row, at) => row.every((value, index) => isClose(value, right[at]?.[index] ?? null)));
    if (!same) expect(actual, sql).toEqual(right);
  });
});
