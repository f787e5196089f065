import { copyFile, open, rename, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { SheetData } from 'write-excel-file/node';
import { csvLines, formatCsv, harmless, isText } from '#core/csv-text';
import { PercorsoError, UsageError } from '#core/errors';
import type { MartTables, SqlValue, Store, TypedColumn } from '#core/ports';
import { requireBuild } from '#pipeline/builds/publish';
import { locateTables, type OpenMarts, requireTable, withMarts } from '#pipeline/reading/query';

/** A sheet holds no more, its line of names included. */
const mostSheetRows = 1_048_576;

/**
 * Writes one published table as a file; the file's ending says how: .csv, .parquet or .xlsx. It appears whole or not
 * at all.
 * @returns the rows written, where they were counted.
 * @throws UsageError for another ending or an unknown table.
 */
export async function exportTable(
  store: Store,
  table: string,
  file: string,
  adapters: { openMarts: OpenMarts; writeParquet(tables: MartTables, table: string, location: string): Promise<void> },
): Promise<number | undefined> {
  const format = extname(file).toLowerCase();
  if (!['.csv', '.parquet', '.xlsx'].includes(format)) {
    throw new UsageError(`${file}: cannot tell from its ending what to write`, {
      mend: 'end it in .csv, .parquet or .xlsx',
    });
  }
  const manifest = await requireBuild(store);
  requireTable(manifest, table);
  const draft = `${file}.${process.pid}.part`;
  if (format === '.parquet') {
    const [only, ...more] = manifest.tables[table]?.files ?? [];
    if (only !== undefined && more.length === 0) await copyFile(store.locate(only.key), draft);
    else await adapters.writeParquet(locateTables(store, manifest), table, draft);
    await rename(draft, file);
    return undefined;
  }
  const sql = `select * from "${table}"`;
  const written = await withMarts(store, adapters.openMarts, async (reader) => {
    if (format === '.csv') return writeCsv(draft, await reader.stream(sql));
    const { columns, rows } = await reader.query(sql);
    await writeSheet(draft, table, columns, rows);
    return rows.length;
  });
  await rename(draft, file);
  return written;
}

async function writeCsv(
  file: string,
  { columns, batches }: { columns: TypedColumn[]; batches: AsyncIterable<SqlValue[][]> },
): Promise<number> {
  let written = 0;
  const handle = await open(file, 'w');
  try {
    await handle.appendFile(formatCsv(columns, []));
    for await (const batch of batches) {
      await handle.appendFile(csvLines(columns, batch));
      written += batch.length;
    }
  } finally {
    await handle.close();
  }
  return written;
}

async function writeSheet(
  file: string,
  table: string,
  columns: readonly TypedColumn[],
  rows: readonly (readonly SqlValue[])[],
): Promise<void> {
  if (rows.length >= mostSheetRows) {
    throw new PercorsoError(`${table} has ${rows.length} rows, and a sheet holds ${mostSheetRows - 1}`, {
      mend: 'export it as .csv or .parquet, or choose rows with `percorso query ... --format csv`',
    });
  }
  const { default: writeXlsxFile } = await import('write-excel-file/node');
  const sheet: SheetData = [
    columns.map((column) => ({ value: column.name, fontWeight: 'bold' as const })),
    ...rows.map((row) => row.map((value, index) => sheetCell(value, columns[index]?.type ?? 'varchar'))),
  ];
  await writeFile(file, await writeXlsxFile(sheet, { sheet: table.slice(0, 31) }).toBuffer());
}

function sheetCell(value: SqlValue, type: string) {
  if (value === null) return null;
  if (typeof value === 'boolean') return { type: Boolean, value };
  if (isText(type)) return { type: String, value: harmless(String(value)) };
  if (type === 'date') return { type: Date, value: new Date(`${String(value)}T00:00:00Z`), format: 'yyyy-mm-dd' };
  if (type === 'timestamptz' || type === 'timestamp') {
    return { type: Date, value: new Date(String(value)), format: 'yyyy-mm-dd hh:mm:ss' };
  }
  const number = Number(value);
  // A sheet's numbers have 15 digits; what they cannot hold stays text.
  const holds = Number.isFinite(number) && String(value).replace(/[^0-9]/g, '').length <= 15;
  if (type.startsWith('decimal') && holds) return { type: Number, value: number, format: '0.00####' };
  return holds || type === 'double' ? { type: Number, value: number } : { type: String, value: String(value) };
}
