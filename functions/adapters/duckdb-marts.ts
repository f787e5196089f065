import { readFile } from 'node:fs/promises';
import { type DuckDBConnection, DuckDBInstance, StatementType } from '@duckdb/node-api';
import { quoteName, quoteText, readRows, typeName } from '#adapters/duckdb-warehouse';
import { UsageError } from '#core/errors';
import type { MartReader } from '#core/ports';

const dialectFile = new URL('../../sql/dialect/duckdb.sql', import.meta.url);

/**
 * Opens published Parquet files as tables, in a DuckDB that can reach nothing but them.
 * @param tables absolute paths by table.
 */
export async function openMarts(
  tables: Readonly<Record<string, readonly string[]>>,
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
  const all = Object.values(tables).flat();
  for (const [table, files] of Object.entries(tables)) {
    const list = files.map(quoteText).join(', ');
    await connection.run(`create view ${quoteName(table)} as select * from read_parquet([${list}])`);
  }
  await connection.run(`set allowed_paths = [${all.map(quoteText).join(', ')}]`);
  await connection.run('set enable_external_access = false');
  await connection.run('set lock_configuration = true');
  return {
    query: (sql) => queryOnce(connection, sql),
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

async function queryOnce(connection: DuckDBConnection, sql: string): ReturnType<MartReader['query']> {
  try {
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1) {
      throw new UsageError(`${statements.count} statements at once`, { mend: 'write one SELECT' });
    }
    const statement = await statements.prepare(0);
    // The allowed files could be written to as well as read: only a SELECT never writes.
    if (statement.statementType !== StatementType.SELECT) {
      throw new UsageError('only SELECT is possible here: published tables are read-only', {
        mend: 'write one SELECT',
      });
    }
    const reader = await statement.runAndReadAll();
    const types = reader.columnTypes().map((type) => typeName(String(type)));
    const columns = reader.deduplicatedColumnNames().map((name, index) => ({ name, type: types[index] ?? 'varchar' }));
    const rows = readRows(reader).map((row) =>
      row.map((value, index) => (types[index] === 'bigint' ? exactNumber(value) : value)),
    );
    return { columns, rows };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split('\n\n')[0] ?? message, {
      mend: 'correct the SELECT; `percorso query "show tables"` lists the published tables',
      cause: error,
    });
  }
}

function exactNumber<Value>(value: Value): Value | number {
  if (typeof value !== 'string') return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Writes published Parquet files as one Parquet file. */
export async function mergeParquet(files: readonly string[], location: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(
      `copy (select * from read_parquet([${files.map(quoteText).join(', ')}])) to ${quoteText(location)} (format parquet, compression zstd)`,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
