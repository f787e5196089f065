import { type FiledTable, lake } from '#core/lake';
import { atRest, zonedFrom } from '#core/lake-instants';
import { type LakeDialect, mostPartitions, parts, quoteName } from '#core/lake-sql';
import type { SqlValue, TypedColumn } from '#core/ports';
import { quoteText } from '#core/sql-text';
import { daysBefore } from '#pipeline/builds/books';
import type { Statement } from '#pipeline/builds/lake-plan';
import type { Step } from '#pipeline/builds/plan';

/** One table as it goes to readers or to the next build. */
export interface Filing {
  table: string;
  isKept: boolean;
  columns: readonly TypedColumn[];
  partition?: string;
  /** Of months that are wholly closed the files of the last build are referred to. */
  referred?: FiledTable;
  /** Which rows are written; all where it is empty. */
  where: string;
  /** Nothing is written: readers get this select. */
  view?: string;
  /** Nothing is written: it is as the last build left it. */
  isAsItIs?: boolean;
}

/** Rows of a month, or of all where `month` is empty. */
export interface MonthRows {
  table: string;
  month: string;
  rows: number;
}

type Filed = Extract<Step, { kind: 'keep' | 'publish' }>;

/**
 * @param columnsOf the columns of a table, with our types. @param closedBefore the first open day of a daily build.
 * @param where the condition of a kept table, filled in for the build that will stand on this one.
 */
export function filingOf(
  step: Filed,
  columnsOf: (table: string) => readonly TypedColumn[],
  closedBefore: string | undefined,
  where: string | undefined,
): Filing {
  const { table, partition, referred } = step;
  const isKept = step.kind === 'keep';
  const base = { table, isKept, columns: columnsOf(table), where: '' };
  if (step.kind === 'publish' && step.view !== undefined) return { ...base, view: step.view };
  if (referred !== undefined && partition === undefined)
    return { ...base, columns: referred.columns, referred, isAsItIs: true };
  const openMonth = referred === undefined || closedBefore === undefined ? undefined : openMonthOf(closedBefore);
  const conditions = [
    ...(where === undefined ? [] : [`(${where})`]),
    // A table without days of its own is written whole.
    ...(openMonth === undefined || partition === undefined
      ? []
      : [`(${quoteName(partition)} >= date '${openMonth}-01' or ${quoteName(partition)} is null)`]),
  ];
  return {
    ...base,
    where: conditions.join(' and '),
    ...(partition === undefined ? {} : { partition }),
    ...(referred === undefined ? {} : { referred }),
  };
}

/** An instant may be of the day before in UTC. */
function openMonthOf(closedBefore: string): string {
  return daysBefore(closedBefore, 1).slice(0, 7);
}

/** What one table's files are unloaded from: its columns, instants in UTC, and the month by which they are cut. */
function filedSelect({ table, columns }: Filing, where: string, month?: string): string {
  const from = `select * from ${zonedFrom({ name: table, columns })}${where === '' ? '' : ` where ${where}`}`;
  return atRest(from, columns, 'files', month === undefined ? [] : [`${monthOf(month)} as ${monthColumn}`]);
}

/** The column by which files are cut into folders; it stands in their paths and in no file. */
const monthColumn = 'month_';

/** A day's or an instant's month, such as `2026-01`; `none` where there is none. */
function monthOf(column: string): string {
  return `coalesce(date_format(date_trunc('month', ${quoteName(column)}), '%Y-%m'), 'none')`;
}

/** Queries that tell how many rows each table has by month: of several tables at a time. */
export function monthQueries(filings: readonly Filing[], atOnce = 12): string[] {
  const counted = filings.filter((filing) => filing.isAsItIs !== true);
  const selects = counted.map(({ table, columns, partition, where, view }) => {
    const from = `from ${zonedFrom({ name: table, columns })}${where === '' || view !== undefined ? '' : ` where ${where}`}`;
    const month = partition === undefined || view !== undefined ? "''" : monthOf(partition);
    return `select ${quoteText(table)} as table_name, month_, count(*) as row_count\nfrom (select ${month} as month_ ${from}) as months\ngroup by month_`;
  });
  return parts(selects, atOnce).map((some) => some.join('\nunion all\n'));
}

export function readMonths(rows: readonly Record<string, SqlValue>[]): MonthRows[] {
  return rows.map((row) => ({
    table: String(row.table_name),
    month: String(row.month_),
    rows: Number(row.row_count),
  }));
}

/** The statements that write a table's files; none for a table without rows. Months go in slices, as many as an engine takes. */
export function unloadStatements(
  filing: Filing,
  months: readonly MonthRows[],
  buildId: string,
  dialect: LakeDialect,
  locate: (key: string) => string,
): Statement[] {
  if (filing.view !== undefined || filing.isAsItIs === true) return [];
  const own = months.filter(({ table, rows }) => table === filing.table && rows > 0);
  const folder = lake.tableFolder(buildId, filing.table);
  const write = (part: string, where: string, partition: string | undefined): Statement[] => {
    const location = locate(`${folder}${part}/x`).slice(0, -1);
    const select = filedSelect(filing, where, partition);
    const sql = dialect.unload(select, location, partition === undefined ? undefined : monthColumn);
    return [{ id: `file ${filing.table} ${part}`, sql, location }];
  };
  const { partition } = filing;
  if (own.length === 0) return [];
  if (partition === undefined) return write('all', filing.where, undefined);
  const names = own.map(({ month }) => month).sort();
  const slices = parts(names, mostPartitions);
  return slices.flatMap((slice, index) => {
    const listed = slice.map(quoteText).join(', ');
    const inSlice = slices.length === 1 ? [] : [`${monthOf(partition)} in (${listed})`];
    const where = [...(filing.where === '' ? [] : [filing.where]), ...inSlice].join(' and ');
    return write(`m${index + 1}`, where, partition);
  });
}

/** A table of the manifest, from the files that were written and those of closed months that are referred to. */
export function filedTable(
  filing: Filing,
  months: readonly MonthRows[],
  keys: readonly string[],
  closedBefore: string | undefined,
): FiledTable {
  const { columns, referred, view } = filing;
  const own = months.filter(({ table }) => table === filing.table);
  const typed = columns.map(({ name, type }) => ({ name, type }));
  if (view !== undefined)
    return { rows: own.reduce((sum, { rows }) => sum + rows, 0), columns: typed, files: [], view };
  if (filing.isAsItIs === true && referred !== undefined) return referred;
  const files: FiledTable['files'] = [];
  if (referred !== undefined && closedBefore !== undefined) {
    const openMonth = openMonthOf(closedBefore);
    files.push(
      ...referred.files.filter(({ partition }) => partition !== '' && partition !== 'none' && partition < openMonth),
    );
  }
  // An engine may write several files of a month: its rows stand beside the first.
  const counted = new Set<string>();
  for (const key of keys) {
    const month = /\/month_=([^/]+)\//.exec(key)?.[1] ?? '';
    const rows = counted.has(month) ? 0 : (own.find((one) => one.month === month)?.rows ?? 0);
    counted.add(month);
    files.push({ partition: month, key, rows });
  }
  return { rows: files.reduce((sum, file) => sum + file.rows, 0), columns: typed, files };
}
