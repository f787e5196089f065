import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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

test('unloads a select by months of a day or an instant, in one file each', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'percorso-months-'));
  const warehouse = await createDuckDbWarehouse();
  const days = `select * from (values
    (1, date '2026-03-31', timestamp '2026-03-31 23:30:00 UTC'), (2, date '2026-04-01', timestamp '2026-03-31 23:59:59 UTC'),
    (3, null, null), (4, date '2026-04-30', timestamp '2027-01-01 00:00:00 UTC')) as days (n, day, instant)`;
  for (const [column, months] of [
    ['day', { '2026-03': [1], '2026-04': [2, 4], none: [3] }],
    ['instant', { '2026-03': [1, 2], '2027-01': [4], none: [3] }],
  ] as const) {
    const locate = (part: string) => join(dir, column, `${part}.parquet`);
    const written = await warehouse.unloadByMonth(days, column, locate);
    expect(written).toEqual(Object.entries(months).map(([part, rows]) => ({ part, rows: rows.length })));
    for (const [part, rows] of Object.entries(months)) {
      await warehouse.createTableFromParquet('month', {}, [locate(part)]);
      expect((await warehouse.columns('month')).map(({ name }) => name)).toEqual(['n', 'day', 'instant']);
      const read = await warehouse.query('select n from month order by n');
      expect(read.map(({ n }) => n)).toEqual(rows);
    }
  }
  expect(
    await warehouse.unloadByMonth(`select * from (${days}) as d where n > 4`, 'day', (part) => join(dir, 'none', part)),
  ).toEqual([]);
  await warehouse.close();
  await rm(dir, { recursive: true });
});
