import { readFile } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differenceFrom, readDialectCases } from './dialect-cases.ts';

const cases = await readDialectCases();
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
beforeAll(async () => {
  await connection.run(await readFile(new URL('../../sql/dialect/duckdb.sql', import.meta.url), 'utf8'));
}, 60_000);
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

describe('DuckDB gives the value and the type that Trino gave', () => {
  test('there are cases', () => {
    expect(cases.length).toBeGreaterThan(150);
  });

  test.each(cases)('$id $note', async (one) => {
    const reader = await connection.runAndReadAll(one.sql);
    const types = reader.columnTypes().map(String);
    expect(differenceFrom(one, { types, rows: reader.getRowsJson() })).toBeUndefined();
  });
});
