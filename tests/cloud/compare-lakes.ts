import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openMarts } from '#adapters/duckdb-marts';
import { createFolderStore } from '#adapters/folder-store';
import type { Store } from '#core/ports';
import { requireBuild } from '#pipeline/builds/publish';
import { locateTables } from '#pipeline/reading/query';
import { firstDifference } from '../trino/compare-rows.ts';

/**
 * Every published table of two lakes that differs, with its first row that does.
 * @param there a bucket, whose tables are copied into `folder`. @param here a lake on this machine.
 */
export async function compareLakes(
  there: Store,
  here: Store,
  folder: string,
): Promise<{ different: string[]; tables: number; rows: number }> {
  const copy = createFolderStore(mkdtempSync(join(folder, 'copy-')));
  const [theirs, ours] = [await requireBuild(there), await requireBuild(here)];
  for (const { files } of Object.values(theirs.tables)) {
    for (const { key } of files) await copy.put(key, (await there.get(key)) ?? '');
  }
  const different: string[] = [];
  const [cloud, own] = [await openMarts(locateTables(copy, theirs)), await openMarts(locateTables(here, ours))];
  let rows = 0;
  try {
    expect(Object.keys(theirs.tables).sort()).toEqual(Object.keys(ours.tables).sort());
    for (const table of Object.keys(ours.tables)) {
      // Of the rows that a check found any three are shown.
      const columns = table === 'check_results' ? 'check_name, model, severity, failing_rows' : '*';
      const select = `select ${columns} from ${table}`;
      const [a, b] = [await cloud.query(select), await own.query(select)];
      const shape = (columns: typeof a.columns) => columns.map(({ name, type }) => `${name} ${type}`).join();
      if (shape(a.columns) !== shape(b.columns)) {
        different.push(`columns of ${table}: ${shape(a.columns)}; here ${shape(b.columns)}`);
        continue;
      }
      const types = a.columns.map((column) => column.type);
      const difference = firstDifference(a.rows, b.rows, types);
      if (difference !== undefined) different.push(`${table}: ${JSON.stringify(difference)}`);
      rows += b.rows.length;
    }
  } finally {
    cloud.close();
    own.close();
  }
  return { different, tables: Object.keys(ours.tables).length, rows };
}
