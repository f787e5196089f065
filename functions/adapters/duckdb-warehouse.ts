import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import {
  BIGINT,
  DATE,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBInstance,
  type DuckDBResultReader,
  type DuckDBType,
  type DuckDBValue,
  type Json,
  VARCHAR,
} from '@duckdb/node-api';
import type { ColumnValues, FilingWarehouse, SqlValue, StatementHints } from '#core/ports';
import { quoteName, quoteText } from '#core/sql-text';

export interface DuckDbOptions {
  /** Where to spill what memory does not hold: a folder of this warehouse alone, made when it is needed. */
  spill?: string;
  /** Such as `4GB`. */
  memory?: string;
  threads?: number;
}

const dialectFile = new URL('../../sql/dialect/duckdb.sql', import.meta.url);

/**
 * DuckDB, in process, that reads our Trino subset. Tables live in memory and are spilled beyond the limit: in a database
 * file each would be compressed and written, which costs three times what making it does. Closing it removes what it spilled.
 */
export async function createDuckDbWarehouse(options: DuckDbOptions = {}): Promise<FilingWarehouse> {
  const { spill } = options;
  if (spill !== undefined) {
    await rm(spill, { recursive: true, force: true });
    await mkdir(dirname(spill), { recursive: true });
  }
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: options.memory ?? '4GB',
    threads: String(options.threads ?? availableParallelism()),
    // Rows of a table have no order; keeping one costs memory.
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // A month is one file: none is closed before all rows are in.
    partitioned_write_max_open_files: '10000',
    ...(spill === undefined ? {} : { temp_directory: spill }),
  });
  const dialect = await readFile(dialectFile, 'utf8');
  const connections = createConnections(async () => {
    const connection = await instance.connect();
    // Its macros are a connection's own.
    await connection.run(dialect);
    return connection;
  });
  const run = (sql: string, values?: DuckDBValue[]) => connections.use((connection) => connection.run(sql, values));
  const query = (sql: string) => connections.use((connection) => queryRows(connection, sql));

  // An engine drops a view by another word than a table, and replaces neither by the other.
  const views = new Set<string>();
  const drop = async (name: string) => {
    await run(`drop ${views.delete(name) ? 'view' : 'table'} if exists ${quoteName(name)}`);
  };
  const createView = async (name: string, select: string) => {
    await drop(name);
    await run(`create view ${quoteName(name)} as\n${select}`);
    views.add(name);
  };

  const runHinted = async (sql: string, hints: StatementHints = {}) => {
    if (hints.joinsAsWritten !== true) return run(sql);
    // The side that is held in memory is then the right one, whatever the optimizer takes for the smaller. The setting is
    // the whole engine's.
    return connections.useAlone(async (connection) => {
      await connection.run("set disabled_optimizers = 'build_side_probe_side'");
      try {
        return await connection.run(sql);
      } finally {
        await connection.run("set disabled_optimizers = ''");
      }
    });
  };

  const warehouse: FilingWarehouse = {
    async run(sql) {
      await run(sql);
    },
    query,
    createView,
    queryNumbers: (sql, columns) => connections.use((connection) => queryNumbers(connection, sql, columns)),
    async createTable(name, select, hints) {
      if (views.has(name)) await drop(name);
      const made = await runHinted(`create or replace table ${quoteName(name)} as\n${select}`, hints);
      return Number((await made.getRows())[0]?.[0]);
    },
    async createTableFromJsonLines(name, columns, locations, origin) {
      const typed = Object.entries(columns);
      if (locations.length === 0) {
        const declared = typed.map(([column, type]) => `${quoteName(column)} ${type}`);
        if (origin !== undefined) declared.push(`${quoteName(origin.column)} varchar`);
        if (views.has(name)) await drop(name);
        await run(`create or replace table ${quoteName(name)} (${declared.join(', ')})`);
        return;
      }
      const files = locations.map(quoteText).join(', ');
      const types = typed.map(([column, type]) => `${quoteText(column)}: ${quoteText(type)}`).join(', ');
      const read = `read_json([${files}], format = 'newline_delimited', columns = {${types}}, filename = ${origin !== undefined})`;
      const selected = typed.map(([column]) => quoteName(column));
      if (origin !== undefined) {
        // To a reader a text; in memory a number, in the order of the texts. The key of its object beside each of ten million
        // events takes a gigabyte and a half else.
        const type = quoteName(`${name}_${origin.column}`);
        const values = locations.map((location) => location.slice(origin.skip)).sort();
        await run(`drop type if exists ${type}`);
        await run(`create type ${type} as enum (${values.map(quoteText).join(', ')})`);
        selected.push(`cast(substr(filename, ${origin.skip + 1}) as ${type}) as ${quoteName(origin.column)}`);
      }
      await createView(name, `select ${selected.join(', ')} from ${read}`);
    },
    createTableFromParquet: (name, _columns, locations, where) =>
      createView(
        name,
        `select * from read_parquet([${locations.map(quoteText).join(', ')}])${where === undefined ? '' : ` where ${where}`}`,
      ),
    async createTableFromRows(name, columns, rows) {
      const shape = JSON.stringify([columns]);
      if (views.has(name)) await drop(name);
      await run(
        `create or replace table ${quoteName(name)} as select item.* from (select unnest(from_json($1, ${quoteText(shape)})) as item)`,
        [JSON.stringify(rows)],
      );
    },
    async createTableFromColumns(name, columns) {
      const declared = columns.map((column) => `${quoteName(column.name)} ${column.type}`);
      await run(`create or replace table ${quoteName(name)} (${declared.join(', ')})`);
      const types = columns.map(({ type }) => appendedTypes[type]);
      const rows = columns[0]?.values.length ?? 0;
      await connections.use(async (connection) => {
        const appender = await connection.createAppender(name);
        for (let at = 0; at < rows; at += chunkRows) {
          const count = Math.min(chunkRows, rows - at);
          const chunk = DuckDBDataChunk.create(types, count);
          for (const [index, column] of columns.entries()) chunk.setColumnValues(index, appended(column, at, count));
          appender.appendDataChunk(chunk);
        }
        appender.closeSync();
      });
    },
    async isKey(table, columns) {
      // Hashes of 64 bits group several times as fast as texts. As many hashes as rows: no two keys are the same.
      const names = columns.map(quoteName);
      const [row] = await query(
        `select count(*) = count(distinct hash(${names.join(', ')})) and ${names.map((name) => `count(*) = count(${name})`).join(' and ')} as is_key from ${quoteName(table)}`,
      );
      return row?.is_key === true;
    },
    dropTable: drop,
    async columns(name) {
      // Four times as quick as what information_schema tells.
      const rows = await query(`describe ${quoteName(name)}`);
      return rows.map((row) => ({ name: String(row.column_name), type: typeName(String(row.column_type)) }));
    },
    async unload(select, location, hints) {
      await mkdir(dirname(location), { recursive: true });
      const result = await runHinted(`copy (\n${select}\n) to ${quoteText(location)} (${parquet})`, hints);
      await syncFile(location);
      return result.rowsChanged;
    },
    async unloadByMonth(select, column, locate, hints) {
      const day = `cut.${quoteName(column)}`;
      const scratch = join(dirname(locate('none')), 'cut');
      await rm(scratch, { recursive: true, force: true });
      await mkdir(scratch, { recursive: true });
      await runHinted(
        `copy (
           select cut.*, coalesce(12 * year(${day}) + month(${day}) - 1, -1) as month_no
           from (\n${select}\n) as cut
         ) to ${quoteText(scratch)} (${parquet}, partition_by (month_no))`,
        hints,
      );
      const made = (await readdir(scratch)).length > 0;
      const counted = made
        ? await query(
            `select file_name, num_rows from parquet_file_metadata(${quoteText(join(scratch, '*', '*.parquet'))})`,
          )
        : [];
      const written: { part: string; rows: number }[] = [];
      for (const { file_name, num_rows } of counted) {
        const part = monthOf(String(file_name));
        const path = locate(part);
        // Of a month whose file the engine closed in between there are two.
        if (written.some((one) => one.part === part)) throw new Error(`two files of ${part} below ${scratch}`);
        await mkdir(dirname(path), { recursive: true });
        await rename(String(file_name), path);
        await syncFile(path);
        written.push({ part, rows: Number(num_rows) });
      }
      await rm(scratch, { recursive: true });
      return written.sort((a, b) => (a.part < b.part ? -1 : 1));
    },
    async close() {
      connections.close();
      instance.closeSync();
      if (spill !== undefined) await rm(spill, { recursive: true, force: true });
    },
  };
  return warehouse;
}

/** Connections of one engine, each of which does one thing at a time: as many as are needed at once. */
function createConnections(open: () => Promise<DuckDBConnection>) {
  const all: DuckDBConnection[] = [];
  const free: DuckDBConnection[] = [];
  const waiting: (() => void)[] = [];
  let inUse = 0;
  let aloneWanted = 0;
  let isAlone = false;
  const connect = async () => {
    const connection = await open();
    all.push(connection);
    return connection;
  };
  const until = async (mayGo: () => boolean) => {
    while (!mayGo()) await new Promise<void>((go) => waiting.push(go));
    inUse++;
  };
  const work = async <T>(on: (connection: DuckDBConnection) => Promise<T>): Promise<T> => {
    try {
      const connection = free.pop() ?? (await connect());
      try {
        return await on(connection);
      } finally {
        free.push(connection);
      }
    } finally {
      inUse--;
      isAlone = false;
      for (const go of waiting.splice(0)) go();
    }
  };
  return {
    async use<T>(on: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
      await until(() => !isAlone && aloneWanted === 0);
      return work(on);
    },
    /** While nothing else runs: what began before ends first, what comes later waits. */
    async useAlone<T>(on: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
      aloneWanted++;
      await until(() => inUse === 0);
      aloneWanted--;
      isAlone = true;
      return work(on);
    },
    close() {
      for (const connection of all) connection.closeSync();
    },
  };
}

const parquet = 'format parquet, compression zstd, compression_level 1';

/** The manifest that will name this file must not outlive it in a power cut. */
async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `.../month_no=24314/data_0.parquet` is of `2026-03`: months are counted from the year 0. */
function monthOf(path: string): string {
  const monthNo = Number(/month_no=(-?\d+)[/\\][^/\\]+$/.exec(path)?.[1]);
  if (monthNo === -1) return 'none';
  return `${String(Math.floor(monthNo / 12)).padStart(4, '0')}-${String((monthNo % 12) + 1).padStart(2, '0')}`;
}

async function queryRows(connection: DuckDBConnection, sql: string): Promise<Record<string, SqlValue>[]> {
  const reader = await connection.runAndReadAll(sql);
  const names = reader.deduplicatedColumnNames();
  return readRows(reader).map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])));
}

/** Rows of one chunk, as the engine counts them. */
const chunkRows = 2048;
const appendedTypes = { varchar: VARCHAR, date: DATE, bigint: BIGINT, double: DOUBLE };

/** Values of a part of a column as the engine takes them. */
function appended(column: ColumnValues, at: number, count: number): DuckDBValue[] {
  const { type, values } = column;
  const part: DuckDBValue[] = new Array(count);
  for (let i = 0; i < count; i++) {
    const value = values[at + i];
    if (value === undefined || Number.isNaN(value)) part[i] = null;
    else if (type === 'bigint') part[i] = BigInt(value);
    else if (type === 'date') part[i] = new DuckDBDateValue(Date.parse(String(value)) / 86_400_000);
    else part[i] = value;
  }
  return part;
}

async function queryNumbers<Name extends string>(
  connection: DuckDBConnection,
  sql: string,
  columns: readonly Name[],
): Promise<Record<Name, Float64Array>> {
  const selected = columns.map((column) => `cast(${quoteName(column)} as double)`).join(', ');
  const result = await connection.stream(`select ${selected} from (\n${sql}\n) as numbers`);
  const parts = columns.map((): Float64Array[] => []);
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    for (const [index, part] of parts.entries()) {
      const vector = chunk.getColumnVector(index);
      const numbers = new Float64Array(chunk.rowCount);
      for (let row = 0; row < numbers.length; row++) numbers[row] = Number(vector.getItem(row) ?? Number.NaN);
      part.push(numbers);
    }
  }
  const whole: Partial<Record<Name, Float64Array>> = {};
  for (const [index, column] of columns.entries()) whole[column] = joined(parts[index] ?? []);
  return whole as Record<Name, Float64Array>;
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function readRows(reader: DuckDBResultReader): SqlValue[][] {
  return plainRows(reader.getRowsJson(), reader.columnTypes());
}

/** Rows as plain values: numbers only for types that a JavaScript number holds exactly, all else as text. */
export function plainRows(rows: readonly Json[][], types: readonly DuckDBType[]): SqlValue[][] {
  const isInstant = types.map((type) => String(type).startsWith('TIMESTAMP'));
  return rows.map((row) => row.map((value, index) => plainValue(value, isInstant[index] === true)));
}

function plainValue(value: Json, isInstant: boolean): SqlValue {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'string') return JSON.stringify(value);
  return isInstant ? isoInstant(value) : value;
}

/** `2026-01-05 10:00:00.25+00` as `2026-01-05T10:00:00.250Z`. */
function isoInstant(text: string): string {
  const match = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(\.\d+)?(?:\+00)?$/.exec(text);
  if (match === null) return text;
  const fraction = (match[3] ?? '').replace(/0+$/, '').padEnd(4, '0').replace(/^0+$/, '.000');
  return `${match[1]}T${match[2]}${fraction.startsWith('.') ? fraction : `.${fraction}`}Z`;
}

/** The engine's names of types as ours: a value of an enumeration is a text. */
export function typeName(type: string): string {
  const lower = type.toLowerCase();
  if (lower === 'timestamp with time zone') return 'timestamptz';
  return lower.startsWith('enum(') ? 'varchar' : lower;
}
