import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import type { Warehouse } from '#core/ports';
import { warehouseContract } from './warehouse-contract.ts';

const adapters: [string, (dir: string) => Promise<Warehouse>][] = [
  ['DuckDB in memory', () => createDuckDbWarehouse()],
  ['DuckDB that spills', (dir) => createDuckDbWarehouse({ spill: join(dir, 'scratch'), memory: '500MB', threads: 1 })],
];

for (const [name, open] of adapters) {
  warehouseContract(name, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'percorso-warehouse-'));
    const at = (file: string) => join(dir, `it's ${file}`);
    return {
      warehouse: await open(dir),
      place: {
        async put(file, body) {
          await writeFile(join(dir, file), body);
          return join(dir, file);
        },
        at,
        written: async (file) => at(file),
      },
      async discard() {
        expect((await readdir(dir)).filter((file) => file.startsWith('scratch'))).toEqual([]);
        await rm(dir, { recursive: true, force: true });
      },
    };
  });
}
