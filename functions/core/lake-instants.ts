import { type ColumnType, hasInstant, readType } from '#core/column-type';
import { PercorsoError } from '#core/errors';
import { quoteName, withZone } from '#core/lake-sql';
import type { TypedColumn } from '#core/ports';

/*
 * Models reckon with instants that have a zone, and Athena keeps none in a table, in a view or in files. So what lies in a lake
 * has them in UTC without a zone, and each statement gives the zone back to the tables and views that it reads.
 */

/** A table or view of a lake, and its columns as models see them. */
export interface LakeRelation {
  name: string;
  columns: readonly TypedColumn[];
}

/**
 * Digits of the second where instants lie: Iceberg takes six alone, a view and files are Hive's to the catalogue, which has three.
 * No instant of ours has more than three.
 */
const digits = { table: 6, view: 3, files: 3 } as const;

export const hasInstants = (columns: readonly TypedColumn[]) => columns.some(({ type }) => hasInstant(readType(type)));

const hasZones = (columns: readonly TypedColumn[]) => columns.some(({ type }) => isZoned(readType(type)));

const isZoned = (type: ColumnType) => type.kind === 'single' && type.name === 'timestamptz';

/**
 * A select's rows as they lie in a table, a view or files.
 * @param more expressions over the select's own columns.
 * @throws PercorsoError for an instant within a list or a struct.
 */
export function atRest(
  select: string,
  columns: readonly TypedColumn[],
  where: keyof typeof digits,
  more: readonly string[] = [],
): string {
  if (more.length === 0 && !hasInstants(columns)) return select;
  const laid = columns.map(({ name, type }) =>
    laidDown(quoteName(name), readType(type), `timestamp(${digits[where]})`),
  );
  return `select ${[...laid, ...more].join(', ')}\nfrom (\n${select}\n) as made`;
}

function laidDown(quoted: string, type: ColumnType, kept: string): string {
  if (!hasInstant(type)) return quoted;
  if (type.kind !== 'single') {
    throw new PercorsoError(`${quoted} has an instant within a list or a struct`, {
      mend: 'make it a column of its own, or seconds since 1970 as a double',
    });
  }
  const plain = isZoned(type) ? `${quoted} at time zone 'UTC'` : quoted;
  return `cast(${plain} as ${kept}) as ${quoted}`;
}

function zoned(columns: readonly TypedColumn[], from: string): string {
  const given = columns.map(({ name, type }) => {
    const quoted = quoteName(name);
    return isZoned(readType(type)) ? `${withZone(quoted)} as ${quoted}` : quoted;
  });
  return `select ${given.join(', ')} from ${from}`;
}

/** What stands after `from` to read a table or view with its instants as models see them. */
export function zonedFrom({ name, columns }: LakeRelation): string {
  const quoted = quoteName(name);
  return hasZones(columns) ? `(${zoned(columns, quoted)}) as ${quoted}` : quoted;
}

/**
 * A query as a model has it, over tables and views of a lake: those with instants are put before it under their own names.
 * @param database where they lie; it tells a table from what is named after it.
 */
export function reading(query: string, relations: readonly LakeRelation[], database: string): string {
  const named = relations
    .filter(({ columns }) => hasZones(columns))
    .map(({ name, columns }) => {
      const quoted = quoteName(name);
      return `${quoted} as (${zoned(columns, `${quoteName(database)}.${quoted}`)})`;
    });
  if (named.length === 0) return query;
  const before = `with ${named.join(',\n')}`;
  // A query has one list of these, and what is in a bracket may have its own.
  return /^(\s|--[^\n]*\n)*with\b/i.test(query)
    ? `${before}\nselect * from (\n${query}\n) as read`
    : `${before}\n${query}`;
}
