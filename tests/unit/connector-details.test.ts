import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { fileConnectors } from '#connectors/registry';
import { rejectedId, replayRejected, showRejected } from '#pipeline/arrivals/rejected';
import { mendedOriginal } from '#pipeline/arrivals/rejected-row';
import { fileReplayers } from '#pipeline/imports/file-replay';
import { canonicalOf } from './connector-company.ts';
import { testCompany } from './import-company.ts';

const fixtures = join(import.meta.dirname, '../fixtures/connectors');
const shop = { sources: { shop: { gross: true, shippingIncluded: true } } };

it('messages of Segment in a file are read by what the configuration says of their amounts', async () => {
  const path = join(fixtures, 'segment/batches.jsonl');
  const net = await testCompany();
  await net.import([path], { source: 'shop' });
  // 127 in all, 22 of it VAT and 5 shipping.
  expect((await net.events())[0]?.value).toMatchObject({ revenue: '100' });
  const gross = await testCompany(shop);
  await gross.import([path], { source: 'shop' });
  expect((await gross.events())[0]?.value).toMatchObject({ revenue: '127' });
});

it('an export of orders hands in what the models take off again, where a source counts gross', async () => {
  const company = await testCompany(shop);
  await company.import([join(fixtures, 'shopify/orders_export.csv')], { source: 'shop' });
  const order = (await company.events()).find(({ event_id }) => event_id === 'order-5551001');
  // 100.00 of goods, 10.00 of shipping and 24.20 of VAT on both.
  expect(order?.value).toMatchObject({ revenue: '134.20', tax: '24.20', shipping: '10.00' });
});

it('an order of several rows that was refused is mended and replayed as one', async () => {
  const company = await testCompany();
  const text = await readFile(join(fixtures, 'shopify/orders_export.csv'), 'utf8');
  await company.import([await company.write('orders.csv', text.replace('122.00,12.20,24.20', 'much,12.20,24.20'))]);
  const key = await company.identifierKey();
  const shown = await showRejected(company.lake, key, { reason: 'wrong-number' }, 10);
  const mends = new Map(
    shown.map(({ record, original }) => {
      const id = rejectedId(key, record, original);
      return [
        id,
        (given: Buffer) => {
          const row = JSON.parse(
            JSON.parse(given.toString('utf8')).text.replace('"much"', '"122.00"').replace('"sixty"', '"61.00"'),
          );
          return mendedOriginal(given, row, id);
        },
      ];
    }),
  );
  const counts = await replayRejected(company.lake, key, await fileReplayers(company), {}, mends);
  expect(counts).toMatchObject({ taken: 2, events: 2, refused: 0 });
  const order = (await company.events()).find(({ event_id }) => event_id === 'order-5551001');
  expect(order?.value?.revenue).toBe('100.00');
  expect(order?.properties).toContain('BULB-2');
});

it('the export of Google Analytics is the same as Parquet', async () => {
  const company = await testCompany();
  const source = join(fixtures, 'ga4/events_20260105.jsonl');
  const path = join(company.dir, 'events.parquet');
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(
    `copy (select * from read_json('${source}', format = 'newline_delimited')) to '${path}' (format parquet)`,
  );
  connection.closeSync();
  const table = await canonicalOf(path, fileConnectors);
  const lines = await canonicalOf(source, fileConnectors);
  expect(table.says).toBe(lines.says);
  const told = (events: unknown[]) => JSON.parse(JSON.stringify(events));
  expect(told(table.events)).toEqual(told(lines.events));
});
