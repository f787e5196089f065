import { readFile } from 'node:fs/promises';
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  type DuckDBType,
  StatementType,
} from '@duckdb/node-api';
import { plainRows, typeName } from '#adapters/duckdb-warehouse';
import { UsageError } from '#core/errors';
import type { MartReader, MartTables, SqlValue } from '#core/ports';
import { quoteName, quoteText } from '#core/sql-text';

const dialectFile = new URL('../../sql/dialect/duckdb.sql', import.meta.url);

/**
 * Opens published Parquet files as tables, in a DuckDB that can reach nothing but them.
 * @param tables absolute paths by table.
 */
export async function openMarts(
  tables: MartTables,
  options: { memory?: string; threads?: number } = {},
): Promise<MartReader> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: options.memory ?? '2GB',
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run(await readFile(dialectFile, 'utf8'));
  const files = await createViews(connection, tables);
  await connection.run(`set allowed_paths = [${files.map(quoteText).join(', ')}]`);
  await connection.run('set enable_external_access = false');
  await connection.run('set lock_configuration = true');
  return {
    async query(sql) {
      const { columns, batches } = await streamRows(connection, sql);
      const rows: SqlValue[][] = [];
      for await (const batch of batches) for (const row of batch) rows.push(row);
      return { columns, rows };
    },
    stream: (sql) => streamRows(connection, sql),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** Makes the tables known to an engine. @returns the files that they read. */
async function createViews(connection: DuckDBConnection, tables: MartTables): Promise<string[]> {
  const all: string[] = [];
  const views: [string, string][] = [];
  for (const [table, origin] of Object.entries(tables)) {
    if ('view' in origin) {
      views.push([table, origin.view]);
      continue;
    }
    const { files, instants } = 'files' in origin ? origin : { files: origin, instants: [] };
    all.push(...files);
    const list = files.map(quoteText).join(', ');
    const zoned = instants.map((name) => `cast(${quoteName(name)} as timestamptz) as ${quoteName(name)}`);
    const replaced = zoned.length === 0 ? '' : ` replace (${zoned.join(', ')})`;
    await connection.run(
      `create view ${quoteName(table)} as select *${replaced} from read_parquet([${list}], hive_partitioning = false)`,
    );
  }
  for (const [table, select] of views) await connection.run(`create view ${quoteName(table)} as\n${select}`);
  return all;
}

/** One SELECT, ready to run. */
async function prepareSelect(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const statements = await connection.extractStatements(sql);
  if (statements.count !== 1)
    throw new UsageError(`${statements.count} statements at once`, { mend: 'write one SELECT' });
  const statement = await statements.prepare(0);
  // The allowed files could be written to as well as read: only a SELECT never writes.
  if (statement.statementType !== StatementType.SELECT) {
    throw new UsageError('only SELECT is possible here: published tables are read-only', { mend: 'write one SELECT' });
  }
  return statement;
}

async function streamRows(connection: DuckDBConnection, sql: string): ReturnType<MartReader['stream']> {
  try {
    const result = await (await prepareSelect(connection, sql)).stream();
    const types = result.columnTypes();
    const names = types.map((type) => typeName(String(type)));
    const columns = result.deduplicatedColumnNames().map((name, index) => ({ name, type: names[index] ?? 'varchar' }));
    return { columns, batches: readBatches(result, types, names) };
  } catch (error) {
    throw asUsageError(error);
  }
}

async function* readBatches(
  result: DuckDBResult,
  types: readonly DuckDBType[],
  names: readonly string[],
): AsyncIterable<SqlValue[][]> {
  try {
    for await (const rows of result.yieldRowsJson()) {
      yield plainRows(rows, types).map((row) =>
        row.map((value, index) => (names[index] === 'bigint' ? exactNumber(value) : value)),
      );
    }
  } catch (error) {
    throw asUsageError(error);
  }
}

function asUsageError(error: unknown): UsageError {
  if (error instanceof UsageError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new UsageError(message.split('\n\n')[0] ?? message, {
    mend: 'correct the SELECT; `percorso query "show tables"` lists the published tables',
    cause: error,
  });
}

function exactNumber<Value>(value: Value): Value | number {
  if (typeof value !== 'string') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Writes a published table as one Parquet file. */
export async function writeParquet(tables: MartTables, table: string, location: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(await readFile(dialectFile, 'utf8'));
    await createViews(connection, tables);
    await connection.run(
      `copy (select * from ${quoteName(table)}) to ${quoteText(location)} (format parquet, compression zstd)`,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
