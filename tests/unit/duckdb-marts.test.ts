import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMarts } from '#adapters/duckdb-marts';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import type { MartReader } from '#core/ports';

let dir: string;
let file: string;
let reader: MartReader;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-marts-'));
  file = join(dir, "it's.parquet");
  const warehouse = await createDuckDbWarehouse();
  await warehouse.unload(
    "select cast('12345678901234.10' as decimal(18,2)) as revenue, 7 as orders, timestamptz '2026-01-05 10:00:00.5Z' as seen_at, date '2026-01-05' as day, cast(null as varchar) as note",
    file,
  );
  await warehouse.close();
  reader = await openMarts({ sales: [file] });
});
afterAll(async () => {
  reader.close();
  await rm(dir, { recursive: true, force: true });
});

test('money comes as exact text, counts as numbers, instants as ISO in UTC, null as null', async () => {
  const { columns, rows } = await reader.query('select * from sales');
  expect(columns.map((column) => column.type)).toEqual(['decimal(18,2)', 'integer', 'timestamptz', 'date', 'varchar']);
  expect(rows).toEqual([['12345678901234.10', 7, '2026-01-05T10:00:00.500Z', '2026-01-05', null]]);
});

test('a query may use the functions of our Trino subset', async () => {
  const { rows } = await reader.query("select date_diff('day', day, date '2026-02-05') as d from sales");
  expect(rows).toEqual([[31]]);
});

describe('a query can reach nothing else and change nothing', () => {
  test.each([
    "select * from read_csv('/etc/passwd')",
    "select * from '/etc/passwd'",
    "select * from read_text('/etc/hostname')",
    "select * from glob('/*')",
    "copy (select 1) to '/tmp/percorso-leak.csv'",
    "attach '/tmp/percorso-leak.db'",
    'install httpfs',
    'load json',
    "set memory_limit = '1GB'",
    'set enable_external_access = true',
    'reset enable_external_access',
    'drop view sales',
    'create table mine as select 1 as one',
    'select 1; drop view sales',
    "export database '/tmp/percorso-leak'",
  ])('%s', async (sql) => {
    await expect(reader.query(sql)).rejects.toMatchObject({ exitCode: 2 });
  });

  test('not even the published file, which it may read', async () => {
    const before = await readFile(file);
    const quoted = file.replaceAll("'", "''");
    await expect(reader.query(`copy (select 1 as one) to '${quoted}'`)).rejects.toThrow('read-only');
    await expect(reader.query(`explain analyze copy (select 1 as one) to '${quoted}'`)).rejects.toThrow('read-only');
    expect((await readFile(file)).equals(before)).toBe(true);
  });
});
