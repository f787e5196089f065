import { readFile } from 'node:fs/promises';
import type { Json } from '@duckdb/node-api';
import * as z from 'zod';

// Each case holds what a real Trino 476 answered. The cases are those of the functions that our models use; a model
// that needs another function brings its cases along.
const caseShape = z.object({
  id: z.string(),
  sql: z.string(),
  note: z.string(),
  expected: z.array(z.array(z.json())),
  trino_type: z.string(),
});
export type DialectCase = z.output<typeof caseShape>;

export async function readDialectCases(): Promise<DialectCase[]> {
  const text = await readFile(new URL('./dialect-cases.jsonl', import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => caseShape.parse(JSON.parse(line)));
}

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
  if (family === 'timestamp') return withoutZeros(shown);
  if (family === 'timestamptz') return inUtc(shown);
  return value;
}

const withoutZeros = (time: string) => time.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');

/** DuckDB shows an instant as `2026-01-05 10:00:00+00`, Trino one in UTC as `2026-01-05 10:00:00.000 UTC`. */
const inUtc = (shown: string) => `${withoutZeros(shown.replace(/\+00$| UTC$/, ''))}Z`;

function isClose(a: Json, b: Json): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return JSON.stringify(a) === JSON.stringify(b);
  return a === b || Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
}

const byText = (a: Json, b: Json) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** A case's query with instants in UTC: Trino keeps the zone in which one was reckoned, and shows it there. */
export function askedInUtc({ sql, trino_type }: DialectCase): string {
  const types = splitTypes(trino_type).map(familyOf);
  if (!types.includes('timestamptz')) return sql;
  const shown = types.map((type, index) => (type === 'timestamptz' ? `c${index} at time zone 'UTC'` : `c${index}`));
  return `select ${shown.join(', ')} from (${sql}) as asked (${types.map((_, index) => `c${index}`).join(', ')})`;
}

/** In which an engine's answer is not what the case holds, in words; undefined where it is that. */
export function differenceFrom(
  { sql, expected, trino_type }: DialectCase,
  answer: { types: readonly string[]; rows: readonly (readonly Json[])[] },
): string | undefined {
  const families = answer.types.map(familyOf);
  const wanted = splitTypes(trino_type).map(familyOf);
  const fits =
    families.length === wanted.length &&
    families.every((family, index) => [wanted[index], 'unknown'].includes(family) || wanted[index] === 'unknown');
  if (!fits) return `${families.join()} instead of ${wanted.join()} for ${sql}`;
  const rows = answer.rows.map((row) => row.map((value, index) => plain(value, families[index] ?? '')));
  const isOrdered = / order by [^)]*$/i.test(sql);
  const actual = isOrdered ? rows : rows.sort(byText);
  const right = isOrdered ? expected : [...expected].sort(byText);
  const isSame =
    actual.length === right.length &&
    actual.every((row, at) => row.every((value, index) => isClose(value, right[at]?.[index] ?? null)));
  return isSame ? undefined : `${JSON.stringify(actual)} instead of ${JSON.stringify(right)} for ${sql}`;
}
