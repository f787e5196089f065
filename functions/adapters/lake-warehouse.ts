import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import { plainType, readType, trinoType } from '#core/column-type';
import { atRest, hasInstants, reading } from '#core/lake-instants';
import { type FileTable, foldersOf, type LakeDialect, quoteName, readFiles, textLine } from '#core/lake-sql';
import type { SqlValue, Store, TypedColumn, Warehouse } from '#core/ports';
import { quoteText } from '#core/sql-text';

/** What an engine over a lake does: one statement, and rows of one query as text or as they are. */
export interface LakeEngine {
  dialect: LakeDialect;
  run(sql: string): Promise<void>;
  rows(sql: string): Promise<{ columns: TypedColumn[]; rows: (SqlValue | undefined)[][] }>;
  /** Whether a statement failed for the instants that it would have kept, which only a select that is written out can mend. */
  refusesInstants(error: unknown): boolean;
}

export interface LakeWarehouseOptions {
  engine: LakeEngine;
  /** The database in which tables are made, for the catalogue's list of columns. */
  database: string;
  /** Where tables and rows are written, below `prefix`: nothing else may lie there. */
  store: Store;
  prefix: string;
}

const linesAtOnce = 200_000;

/**
 * A Warehouse whose tables lie in a lake: Iceberg tables that the engine makes, and tables of files that we write. What is
 * dropped leaves the catalogue; objects of tables of files stay, below the prefix, for whoever removes it.
 */
export function createLakeWarehouse({ engine, database, store, prefix }: LakeWarehouseOptions): Warehouse {
  const { dialect } = engine;
  /** What this process made, since a table and a view are dropped by different words. */
  const made = new Map<string, 'table' | 'view'>();
  /** Columns of what this process made with instants in UTC; who reads what another made gives them their zone. */
  const inUtc = new Map<string, readonly TypedColumn[]>();
  const place = (name: string) => `${prefix}${name}/${randomUUID()}/`;
  const addressOf = (folder: string) => store.locate(`${folder}x`).slice(0, -1);

  async function drop(name: string): Promise<void> {
    const known = made.get(name) ?? (await kindOf(name));
    made.delete(name);
    inUtc.delete(name);
    if (known === undefined) return;
    await engine.run(dialect.drop(known, name));
    if (known === 'view') await engine.run(dialect.drop('files', `${name}_files`));
  }

  async function kindOf(name: string): Promise<'table' | 'view' | undefined> {
    const { rows } = await engine.rows(
      `select table_type from information_schema.tables where table_schema = ${quoteText(database)} and table_name = ${quoteText(name)}`,
    );
    const kind = rows[0]?.[0];
    if (kind === undefined) return undefined;
    return kind === 'VIEW' ? 'view' : 'table';
  }

  const read = (sql: string) =>
    reading(
      sql,
      [...inUtc].map(([name, columns]) => ({ name, columns })),
      database,
    );

  async function columnsOf(select: string): Promise<TypedColumn[]> {
    const { columns } = await engine.rows(`select * from (\n${select}\n) as asked limit 0`);
    return columns.map(({ name, type }) => ({ name, type: plainType(readType(type)) }));
  }

  /** Makes it of a select as it is, and of one with its instants at rest where the engine keeps no other. */
  async function create(kind: 'table' | 'view', name: string, select: string): Promise<void> {
    const statement = (of: string) =>
      kind === 'table' ? dialect.createTable(name, of, addressOf(place(name))) : dialect.createView(name, of);
    try {
      await engine.run(statement(select));
      inUtc.delete(name);
    } catch (error) {
      if (!engine.refusesInstants(error)) throw error;
      const columns = await columnsOf(select);
      await engine.run(statement(atRest(select, columns, kind)));
      inUtc.set(name, columns);
    }
    made.set(name, kind);
  }

  async function createTable(name: string, select: string): Promise<undefined> {
    await drop(name);
    await create('table', name, read(select));
  }

  async function createView(name: string, select: string): Promise<void> {
    if (made.get(name) !== 'view') await drop(name);
    await create('view', name, read(select));
  }

  async function makeFileTable(files: string, table: FileTable): Promise<void> {
    await engine.run(dialect.drop('files', files));
    for (const statement of dialect.createFileTable(files, table)) await engine.run(statement);
  }

  async function createFileTable(name: string, table: FileTable, where?: string): Promise<void> {
    await drop(name);
    const files = `${name}_files`;
    await makeFileTable(files, table);
    const { columns } = table;
    await createView(name, atRest(readFiles(dialect.filesName(files), table, where), columns, 'view'));
    if (hasInstants(columns)) inUtc.set(name, columns);
  }

  /** Makes a table of rows by writing them as JSON Lines, a few files of many lines. */
  async function createOfRows(
    name: string,
    columns: readonly TypedColumn[],
    count: number,
    line: (row: number) => string,
  ): Promise<void> {
    const folder = place(name);
    for (let from = 0; from < count; from += linesAtOnce) {
      const lines: string[] = [];
      for (let row = from; row < Math.min(count, from + linesAtOnce); row++) lines.push(line(row));
      await store.put(`${folder}${from}.json.gz`, gzipSync(`${lines.join('\n')}\n`, { level: 1 }));
    }
    await createFileTable(name, {
      format: 'json',
      columns,
      folders: [{ partition: 'all', location: addressOf(folder) }],
    });
  }

  const warehouse: Warehouse = {
    run: (sql) => engine.run(sql),
    async query(sql) {
      const { columns, rows } = await engine.rows(read(sql));
      const types = columns.map((column) => plainType(readType(column.type)));
      return rows.map((row) =>
        Object.fromEntries(columns.map(({ name }, index) => [name, plainValue(row[index], types[index] ?? '')])),
      );
    },
    async queryNumbers<Name extends string>(sql: string, columns: readonly Name[]) {
      // As it stands: around it an engine would forget its order.
      const { columns: given, rows } = await engine.rows(read(sql));
      const places = new Map(given.map(({ name }, index) => [name, index]));
      const numbers: Partial<Record<Name, Float64Array>> = {};
      for (const column of columns) {
        const place = places.get(column.toLowerCase());
        if (place === undefined) throw new Error(`the query gives no column ${column}`);
        numbers[column] = Float64Array.from(rows, (row) => asNumber(row[place]));
      }
      return numbers as Record<Name, Float64Array>;
    },
    createTable,
    createView,
    async createTableFromJsonLines(name, columns, locations, origin) {
      const typed = Object.entries(columns).map(([column, type]) => ({ name: column, type }));
      const all = origin === undefined ? typed : [...typed, { name: origin.column, type: 'varchar' }];
      if (locations.length === 0) {
        await createTable(name, emptySelect(all));
        return;
      }
      await drop(name);
      const files = `${name}_files`;
      await makeFileTable(files, { format: 'json', columns: typed, folders: foldersAsPartitions(locations) });
      const read = typed.map((column) => {
        const quoted = quoteName(column.name);
        return column.type === 'varchar' || column.type.startsWith('struct')
          ? quoted
          : `cast(${quoted} as ${column.type}) as ${quoted}`;
      });
      if (origin !== undefined) read.push(`substr("$path", ${origin.skip + 1}) as ${quoteName(origin.column)}`);
      await createView(
        name,
        `select ${read.join(', ')}\nfrom ${dialect.filesName(files)}\nwhere "$path" in (${locations.map(quoteText).join(', ')})`,
      );
    },
    async createTableFromParquet(name, columns, locations, where) {
      const typed = Object.entries(columns).map(([column, type]) => ({ name: column, type }));
      await createFileTable(
        name,
        { format: 'parquet', columns: typed, folders: foldersAsPartitions(locations) },
        where,
      );
    },
    async createTableFromRows(name, columns, rows) {
      const typed = Object.entries(columns).map(([column, type]) => ({ name: column, type }));
      if (rows.length === 0) await createTable(name, emptySelect(typed));
      else {
        await createOfRows(name, typed, rows.length, (row) =>
          textLine(Object.fromEntries(typed.map((column) => [column.name, rows[row]?.[column.name]]))),
        );
      }
    },
    async createTableFromColumns(name, columns) {
      const count = columns[0]?.values.length ?? 0;
      const typed = columns.map((column) => ({ name: column.name, type: column.type }));
      if (count === 0) await createTable(name, emptySelect(typed));
      else {
        await createOfRows(name, typed, count, (row) =>
          textLine(
            Object.fromEntries(
              columns.map(({ name: column, values }) => {
                const value = values[row];
                return [column, Number.isNaN(value) ? null : value];
              }),
            ),
          ),
        );
      }
    },
    async columns(name) {
      const { rows } = await engine.rows(
        `select column_name, data_type from information_schema.columns where table_schema = ${quoteText(database)} and table_name = ${quoteText(name)} order by ordinal_position`,
      );
      const before = new Map(inUtc.get(name)?.map((column) => [column.name, column.type]));
      return rows.map(([column, type]) => ({
        name: String(column),
        type: before.get(String(column)) ?? plainType(readType(String(type))),
      }));
    },
    // Only a query could tell, and whoever asks has one.
    isKey: async () => false,
    dropTable: drop,
    async unload(select, location) {
      const asked = read(select);
      const { rows } = await engine.rows(`select count(*) as n from (\n${asked}\n) as counted`);
      const filed = atRest(asked, await columnsOf(asked), 'files');
      await engine.run(dialect.unload(filed, location));
      return asNumber(rows[0]?.[0]);
    },
    async close() {},
  };
  return warehouse;
}

const foldersAsPartitions = (locations: readonly string[]) =>
  foldersOf(locations).map((location) => ({ partition: location, location }));

/** No row of these columns. */
export function emptySelect(columns: readonly TypedColumn[]): string {
  const nulls = columns.map(({ name, type }) => `cast(null as ${trinoType(readType(type))}) as ${quoteName(name)}`);
  return `select ${nulls.join(', ')}\nwhere false`;
}

function asNumber(value: SqlValue | undefined): number {
  return value === null || value === undefined ? Number.NaN : Number(value);
}

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

/** A value as the port has it: numbers only of types that a number of JavaScript holds exactly, instants as ISO in UTC. */
function plainValue(value: SqlValue | undefined, type: string): SqlValue {
  if (value === null || value === undefined) return null;
  if (type === 'double' || type === 'real' || /^(tiny|small)?int(eger)?$/.test(type)) return Number(value);
  if (type === 'boolean') return flag.parse(value);
  return type.startsWith('timestamp') ? isoInstant(String(value)) : String(value);
}

/** `2026-01-05 10:00:00.250 UTC` as `2026-01-05T10:00:00.250Z`, with as many digits as it has, three at least. */
function isoInstant(text: string): string {
  const [, day, time, fraction = ''] = /^(\S{10})[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?(?: UTC)?$/.exec(text) ?? [];
  if (day === undefined || time === undefined) return text;
  return `${day}T${time}.${fraction.replace(/0+$/, '').padEnd(3, '0')}Z`;
}
