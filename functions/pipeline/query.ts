import { UsageError } from '#core/errors';
import type { Manifest } from '#core/lake';
import { nearest } from '#core/nearest';
import type { MartReader, SqlValue, Store, TypedColumn } from '#core/ports';
import { readCurrentManifest } from '#pipeline/publish';

/** Opens a reader over tables given as locations. */
export type OpenMarts = (tables: Record<string, string[]>) => Promise<MartReader>;

/**
 * The build that readers see.
 * @throws UsageError where nothing has been built yet.
 */
export async function requireBuild(store: Store): Promise<Manifest> {
  const manifest = await readCurrentManifest(store);
  if (manifest === undefined) throw new UsageError('nothing has been built yet', { mend: 'run `percorso build`' });
  return manifest;
}

/** Runs one SELECT over the published tables of the present build. */
export async function queryMarts(
  store: Store,
  openMarts: OpenMarts,
  sql: string,
): Promise<{ columns: TypedColumn[]; rows: SqlValue[][] }> {
  return withMarts(store, openMarts, (reader) => reader.query(sql));
}

/** Does some reading over the published tables of the present build. */
export async function withMarts<Result>(
  store: Store,
  openMarts: OpenMarts,
  read: (reader: MartReader) => Promise<Result>,
): Promise<Result> {
  const manifest = await requireBuild(store);
  const tables = Object.fromEntries(
    Object.entries(manifest.tables).map(([name, table]) => [name, table.files.map((file) => store.locate(file.key))]),
  );
  const reader = await openMarts(tables);
  try {
    return await read(reader);
  } finally {
    reader.close();
  }
}

/**
 * Where the files of one published table are.
 * @throws UsageError where no table has that name.
 */
export async function locateTable(store: Store, table: string): Promise<string[]> {
  const manifest = await requireBuild(store);
  const found = manifest.tables[table];
  if (found === undefined) {
    const names = Object.keys(manifest.tables).sort();
    const near = nearest(table, names);
    throw new UsageError(`no published table is called ${table}`, {
      mend: near === undefined ? `the tables are ${names.join(', ')}` : `did you mean ${near}?`,
    });
  }
  return found.files.map((file) => store.locate(file.key));
}
