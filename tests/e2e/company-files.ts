import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openMarts } from '#adapters/duckdb-marts';

/** All files below a folder, sorted; none where there is no such folder. */
export async function filesUnder(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** All files below a folder as text: packed ones unpacked, of Parquet the rows. */
export async function* textsUnder(dir: string): AsyncGenerator<{ path: string; text: string }> {
  const paths = await filesUnder(dir);
  const parquet = paths.filter((path) => path.endsWith('.parquet'));
  const tables = new Map(parquet.map((path, index) => [path, `file_${index}`]));
  // One reader for all: to open one takes longer than to read a small file.
  const marts = await openMarts(Object.fromEntries([...tables].map(([path, table]) => [table, [path]])));
  try {
    for (const path of paths) {
      const table = tables.get(path);
      if (table !== undefined) {
        yield { path, text: JSON.stringify((await marts.query(`select * from ${table}`)).rows) };
        continue;
      }
      const bytes = await readFile(path);
      yield { path, text: (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8') };
    }
  } finally {
    marts.close();
  }
}
