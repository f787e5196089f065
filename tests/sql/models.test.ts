import { afterAll, describe, expect, test } from 'vitest';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import { createQueryReader } from '#adapters/trino-reader';
import { readCatalogue } from '#pipeline/builds/catalogue';
import { modelCases, runModelCase } from './model-cases.ts';

const folders = await modelCases();
const catalogue = await readCatalogue(await createQueryReader());
const warehouse = await createDuckDbWarehouse();
afterAll(() => warehouse.close());

describe('a model makes of its inputs what the case expects', () => {
  test.each(folders)('%s', async (folder) => {
    const { actual, expected } = await runModelCase(folder, catalogue, warehouse);
    expect(actual).toEqual(expected);
  });
});

test('every model has a header and an order', () => {
  expect(folders.length).toBeGreaterThan(0);
  expect(catalogue.models.length).toBeGreaterThan(0);
});
