import { UsageError } from '#core/errors';
import type { Manifest } from '#core/lake';
import { nearest } from '#core/nearest';
import type { MartReader, MartTables, SqlValue, Store, TypedColumn } from '#core/ports';
import { requireBuild } from '#pipeline/builds/publish';

/** Opens a reader over tables given as locations. */
export type OpenMarts = (tables: MartTables) => Promise<MartReader>;

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
  const reader = await openMarts(locateTables(store, await requireBuild(store)));
  try {
    return await read(reader);
  } finally {
    reader.close();
  }
}

/** Where the tables of a build are. */
export function locateTables(store: Pick<Store, 'locate'>, manifest: Manifest): MartTables {
  return Object.fromEntries(
    Object.entries(manifest.tables).map(([name, { files, view, columns }]) => {
      if (view !== undefined) return [name, { view }];
      // An engine that names its files itself writes none for a table without rows.
      if (files.length === 0) return [name, { view: noRows(columns) }];
      const located = files.map((file) => store.locate(file.key));
      const instants = columns.filter(({ type }) => type === 'timestamptz').map((column) => column.name);
      return [name, instants.length === 0 ? located : { files: located, instants }];
    }),
  );
}

function noRows(columns: readonly TypedColumn[]): string {
  return `select ${columns.map(({ name, type }) => `cast(null as ${type}) as "${name}"`).join(', ')} where false`;
}

/** @throws UsageError where the build publishes no table of that name. */
export function requireTable(manifest: Manifest, table: string): void {
  const names = Object.keys(manifest.tables).sort();
  if (names.includes(table)) return;
  const near = nearest(table, names);
  throw new UsageError(`no published table is called ${table}`, {
    mend: near === undefined ? `the tables are ${names.join(', ')}` : `did you mean ${near}?`,
  });
}
