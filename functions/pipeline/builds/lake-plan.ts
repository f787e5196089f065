import { readType, trinoType } from '#core/column-type';
import { PercorsoError } from '#core/errors';
import { lake } from '#core/lake';
import { atRest, reading } from '#core/lake-instants';
import {
  type FileTable,
  foldersOf,
  type LakeDialect,
  longestStatement,
  parts,
  quoteName,
  type RawTable,
  readFiles,
  textLine,
} from '#core/lake-sql';
import type { SqlValue, TypedColumn } from '#core/ports';
import type { SettingTable } from '#core/setting-tables';
import { quoteText } from '#core/sql-text';
import type { Plan, Step } from '#pipeline/builds/plan';

/** One statement of a build on an engine over a lake. */
export interface Statement {
  /** Told apart within the build; says what it makes. */
  id: string;
  sql: string;
  /** What it leaves where it fails: an address below which all is removed before it runs again. */
  location?: string;
  /** What stands in its way then: a table, or one of files. */
  table?: string;
  files?: string;
}

/** What is done next. Statements of one batch do not read each other. */
export type Batch =
  | { kind: 'statements'; statements: Statement[] }
  | { kind: 'solver'; table: string }
  /** Each gives rows of `check_name` and `failing_rows`. */
  | { kind: 'checks'; statements: Statement[] }
  /** The checks have passed: what is written for readers is decided. */
  | { kind: 'file' }
  | { kind: 'publish' };

/** Where a build on an engine over a lake makes its tables. */
export interface LakePlace {
  dialect: LakeDialect;
  /** The database of this build alone. */
  database: string;
  /** The database of the raw tables, where they are there for good. */
  rawDatabase: string;
  /** The address of a key of the lake. */
  locate(key: string): string;
  /** The address below which this build's tables lie, with a slash at the end. */
  tables: string;
}

export interface LakePlanInputs {
  plan: Plan;
  /** Columns of every table that a model makes. */
  types: Readonly<Record<string, readonly TypedColumn[]>>;
  /** The raw objects that this build reads, by the table of raw. */
  raw: ReadonlyMap<string, readonly string[]>;
}

/** A file of lines that a statement reads, to be written before the first one runs. */
export interface RowsFile {
  table: string;
  lines: string[];
}

export interface LakePlan {
  batches: Batch[];
  files: RowsFile[];
  /** What is written for readers, and for the next build, after the checks. */
  filings: Extract<Step, { kind: 'keep' | 'publish' }>[];
  checks: Extract<Step, { kind: 'check' }>[];
}

/** Settings of more rows than this go as a file, since a statement is no longer than 256 KB. */
const mostLiteralRows = 100;
/** Checks of keys in one statement: each is a few stages of an engine, which takes 150. */
const checksAtOnce = 20;
/** The table of the objects of raw that a build reads. */
const rawObjects = 'raw_objects';

/**
 * Turns the steps of a build into statements for an engine over a lake, in batches of what can run at one time. Pure.
 * The names are those of the models: each build has a database of its own.
 * @throws PercorsoError where a statement is longer than the engine takes.
 */
export function planOnLake(inputs: LakePlanInputs, place: LakePlace): LakePlan {
  const { plan, types, raw } = inputs;
  const { dialect } = place;
  const files: RowsFile[] = [];
  const levels: { statements: Statement[]; solvers: string[] }[] = [];
  const levelOf = new Map<string, number>();
  const at = (level: number) => {
    while (levels.length <= level) levels.push({ statements: [], solvers: [] });
    return levels[level] ?? { statements: [], solvers: [] };
  };
  const levelAfter = (names: readonly string[]) => Math.max(0, ...names.map((name) => (levelOf.get(name) ?? 0) + 1));
  // Of what is loaded the step has the columns, of what a model makes the list of types.
  const loaded = new Map<string, readonly TypedColumn[]>();
  const columnsOf = (table: string) =>
    loaded.get(table) ?? types[table] ?? types[table.replace(/_(open|closed)$/, '')] ?? [];
  const view = (table: string, select: string): Statement => ({
    id: `view ${table}`,
    sql: dialect.createView(table, atRest(select, columnsOf(table), 'view')),
  });
  const overLake = (sql: string, inputs: readonly string[]) =>
    reading(
      sql,
      inputs.map((name) => ({ name, columns: columnsOf(name) })),
      place.database,
    );
  /** A table of files: a statement or two at the first level, and the view that reads it at the next. */
  const addFiles = (table: string, of: FileTable, select: (files: string) => string) => {
    const name = `${table}_files`;
    const [create = '', ...more] = dialect.createFileTable(name, of);
    at(0).statements.push({ id: `files of ${table}`, sql: create, files: name });
    for (const [index, sql] of more.entries()) at(1).statements.push({ id: `folders of ${table} ${index + 1}`, sql });
    at(2).statements.push(view(table, select(dialect.filesName(name))));
    levelOf.set(table, 2);
  };
  const addRows = (table: string, columns: readonly TypedColumn[], rows: readonly Record<string, SqlValue>[]) => {
    loaded.set(table, columns);
    if (rows.length <= mostLiteralRows) {
      at(0).statements.push(view(table, literalRows(columns, rows)));
      levelOf.set(table, 0);
      return;
    }
    files.push({
      table,
      lines: rows.map((row) => textLine(Object.fromEntries(columns.map(({ name }) => [name, row[name] ?? null])))),
    });
    const of: FileTable = {
      format: 'json',
      columns,
      folders: [{ partition: 'all', location: rowsFolder(place, table) }],
    };
    addFiles(table, of, (name) => readFiles(name, of));
  };

  const rawSteps = plan.steps.filter((step) => step.kind === 'raw');
  const objects = rawSteps.flatMap((step) =>
    (raw.get(step.table) ?? []).map((key) => ({ raw_table: step.table, location: place.locate(key) })),
  );
  if (objects.length > 0) addRows(rawObjects, rawObjectColumns, objects);

  for (const step of plan.steps) {
    if (step.kind === 'rows') addRows(step.table, typedColumns(step), step.rows);
    else if (step.kind === 'raw') {
      const keys = raw.get(step.table) ?? [];
      const name = `${step.table}_files`;
      if (keys.length > 0 && dialect.createRawTable !== undefined) {
        const sql = dialect.createRawTable(name, rawTable(step, keys, place));
        at(0).statements.push({ id: `files of ${step.table}`, sql, files: name });
      }
      const from =
        dialect.createRawTable === undefined
          ? `${quoteName(place.rawDatabase)}.${quoteName(step.table)}`
          : dialect.filesName(name);
      at(3).statements.push(view(step.table, rawSelect(step, keys, place, from)));
      levelOf.set(step.table, 3);
    } else if (step.kind === 'earlier') {
      const columns = typedColumns(step);
      loaded.set(step.table, columns);
      if (step.files.length === 0) {
        at(0).statements.push(view(step.table, literalRows(columns, [])));
        levelOf.set(step.table, 0);
        continue;
      }
      const folders = foldersOf(step.files);
      const of: FileTable = {
        format: 'parquet',
        columns,
        folders: folders.map((folder) => ({ partition: folder, location: place.locate(`${folder}x`).slice(0, -1) })),
      };
      addFiles(step.table, of, (name) => readFiles(name, of, step.where));
    } else if (step.kind === 'model') {
      const level = levelAfter(step.inputs);
      levelOf.set(step.table, level);
      const location = `${place.tables}${step.table}/`;
      const select = overLake(step.sql, step.inputs);
      at(level).statements.push(
        step.isView
          ? view(step.table, select)
          : {
              id: `table ${step.table}`,
              sql: dialect.createTable(step.table, atRest(select, columnsOf(step.table), 'table'), location),
              location,
              table: step.table,
            },
      );
    } else if (step.kind === 'solver') {
      const level = levelAfter(step.inputs);
      levelOf.set(step.table, level);
      at(level).solvers.push(step.table);
    }
  }

  const checks = plan.steps
    .filter((step) => step.kind === 'check')
    .map((check) => ({ ...check, sql: overLake(check.sql, check.inputs) }));
  const keys = checks.filter((check) => check.key !== undefined);
  const counted = [
    ...checks.filter((check) => check.key === undefined).map((check) => [check]),
    ...parts(keys, checksAtOnce),
  ];
  const batches: Batch[] = levels.flatMap(({ statements, solvers }): Batch[] => [
    ...(statements.length === 0 ? [] : [{ kind: 'statements' as const, statements }]),
    ...solvers.map((table) => ({ kind: 'solver' as const, table })),
  ]);
  if (counted.length > 0) {
    batches.push({
      kind: 'checks',
      statements: counted.map((some, index) => ({
        id: some.length === 1 ? `check ${some[0]?.check}` : `checks of keys ${index + 1}`,
        sql: some.map(countFailing).join('\nunion all\n'),
      })),
    });
  }
  batches.push({ kind: 'file' });
  for (const batch of batches) {
    for (const { id, sql } of 'statements' in batch ? batch.statements : []) holdLength(id, sql);
  }
  return {
    batches,
    files,
    filings: plan.steps.filter((step) => step.kind === 'keep' || step.kind === 'publish'),
    checks,
  };
}

/** @throws PercorsoError where a statement is longer than an engine takes. */
function holdLength(id: string, sql: string): void {
  const bytes = Buffer.byteLength(sql);
  if (bytes <= longestStatement) return;
  throw new PercorsoError(`the statement "${id}" has ${bytes} bytes, and Athena takes ${longestStatement}`, {
    mend: 'make an intermediate model of a part of it',
  });
}

/** Where the lines of a table of rows are written. */
export function rowsFolder(place: Pick<LakePlace, 'tables'>, table: string): string {
  return `${place.tables}${table}_rows/`;
}

const rawObjectColumns = [
  { name: 'raw_table', type: 'varchar' },
  { name: 'location', type: 'varchar' },
];

function typedColumns({ columns }: Pick<SettingTable, 'columns'>): TypedColumn[] {
  return Object.entries(columns).map(([name, type]) => ({ name, type }));
}

/** Settings as a select: their values are literals of text, cast to the types that the models read. */
function literalRows(columns: readonly TypedColumn[], rows: readonly Record<string, SqlValue>[]): string {
  const literal = (value: SqlValue | undefined) =>
    value === null || value === undefined ? 'cast(null as varchar)' : quoteText(String(value));
  const selected = columns.map(({ name, type }) => {
    const given = quoteName(name);
    if (type === 'varchar') return given;
    if (type === 'timestamptz') return `from_iso8601_timestamp(${given}) as ${given}`;
    return `cast(${given} as ${trinoType(readType(type))}) as ${given}`;
  });
  const given = rows.length === 0 ? [{}] : rows;
  const values = given.map(
    (row: Record<string, SqlValue>) => `(${columns.map(({ name }) => literal(row[name])).join(', ')})`,
  );
  const names = columns.map(({ name }) => quoteName(name)).join(', ');
  return `select ${selected.join(', ')}\nfrom (values\n${values.join(',\n')}\n) as given (${names})${rows.length === 0 ? '\nwhere false' : ''}`;
}

/**
 * Raw rows of the objects that this build reads and of no other: what comes in meanwhile is the next build's. The days are
 * named too, since an engine lists the folders of those alone.
 */
function rawSelect(
  step: Extract<Step, { kind: 'raw' }>,
  keys: readonly string[],
  place: LakePlace,
  from: string,
): string {
  const columns = typedColumns(step);
  const all = step.origin === undefined ? columns : [...columns, { name: step.origin, type: 'varchar' }];
  if (keys.length === 0) {
    const nulls = all.map(({ name, type }) => `cast(null as ${trinoType(readType(type))}) as ${quoteName(name)}`);
    return `select ${nulls.join(', ')}\nwhere false`;
  }
  const selected = columns.map(({ name }) => quoteName(name));
  const skip = place.locate('x').length - 1;
  if (step.origin !== undefined) selected.push(`substr("$path", ${skip + 1}) as ${quoteName(step.origin)}`);
  const days = daysOf(step, keys);
  const ofDays =
    days === undefined ? '' : `${days.column} between ${quoteText(days.from)} and ${quoteText(days.to)}\nand `;
  const objects = `select location from ${quoteName(rawObjects)} where raw_table = ${quoteText(step.table)}`;
  return `select ${selected.join(', ')}\nfrom ${from}\nwhere ${ofDays}"$path" in (${objects})`;
}

function rawTable(step: Extract<Step, { kind: 'raw' }>, keys: readonly string[], place: LakePlace): RawTable {
  const days = daysOf(step, keys);
  return {
    columns: typedColumns(step),
    location: place.locate(`${step.prefix}x`).slice(0, -1),
    ...(days === undefined ? {} : { days }),
  };
}

/** The days of some raw objects, where they are kept by days. */
function daysOf({ prefix }: { prefix: string }, keys: readonly string[]): RawTable['days'] {
  const column = rawDays[prefix];
  if (column === undefined) return undefined;
  const days = keys.map((key) => key.slice(prefix.length).split('/')[0] ?? '').sort();
  return { column, from: days[0] ?? '', to: days.at(-1) ?? '' };
}

/** The column by whose days the catalogue cuts a table of raw. */
const rawDays: Readonly<Record<string, string>> = {
  [lake.rawEvents]: 'received_day',
  [lake.rejected]: 'rejected_day',
};

function countFailing({ check, sql }: { check: string; sql: string }): string {
  return `select ${quoteText(check)} as check_name, count(*) as failing_rows\nfrom (\n${sql}\n) as failing`;
}
