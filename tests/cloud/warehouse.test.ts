import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AthenaClient } from '@aws-sdk/client-athena';
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runOnAthena } from '#adapters/athena-client';
import { createAthenaWarehouse } from '#adapters/athena-warehouse';
import { createS3Store } from '#adapters/s3-store';
import { runOnTrino } from '#adapters/trino-client';
import { createTrinoWarehouse } from '#adapters/trino-warehouse';
import { athenaDialect } from '#core/lake-sql';
import type { Store } from '#core/ports';
import { type WarehousePlace, warehouseContract } from '../contract/warehouse-contract.ts';
import { startTrino, whatIsMissing } from '../trino/server.ts';
import { athenaCatalogs, startAthena } from './athena-api.ts';
import { region } from './deployed.ts';
import { startMoto, whatMotoMisses } from './moto.ts';

const missing = whatMotoMisses() ?? whatIsMissing();
if (missing !== undefined) process.stderr.write(`skipped: engines over a lake need ${missing}\n`);

describe.skipIf(missing !== undefined)('engines over a lake', () => {
  const folder = mkdtempSync(join(tmpdir(), 'percorso-engines-'));
  const Bucket = 'engines';
  let moto: Awaited<ReturnType<typeof startMoto>>;
  let trino: Awaited<ReturnType<typeof startTrino>>;
  let athena: Awaited<ReturnType<typeof startAthena>>;
  let clients: { s3: S3Client; glue: GlueClient; athena: AthenaClient };

  beforeAll(async () => {
    moto = await startMoto();
    trino = await startTrino(athenaCatalogs(moto.address, region, folder));
    const at = (endpoint: string) => ({
      endpoint,
      region,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const [s3, glue] = [new S3Client(at(moto.address)), new GlueClient(at(moto.address))];
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }));
    for (const Name of ['on_trino', 'on_athena']) {
      await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name } }));
    }
    await trino.ready('select count(*) from awsdatacatalog.information_schema.tables');
    athena = await startAthena({ trino: trino.address, glue, s3, workgroups: ['engines'] });
    clients = { s3, glue, athena: new AthenaClient(at(athena.address)) };
  }, 600_000);
  afterAll(() => {
    for (const client of Object.values(clients ?? {})) client.destroy();
    athena?.stop();
    trino?.stop();
    moto?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function placeIn(store: Store, prefix: string): WarehousePlace {
    return {
      async put(name, body) {
        await store.put(`${prefix}put/${name}`, body);
        return store.locate(`${prefix}put/${name}`);
      },
      at: (name) => `${store.locate(`${prefix}${name}`)}/`,
      async written(name) {
        const [first = ''] = await store.list(`${prefix}${name}/`);
        return store.locate(first);
      },
    };
  }

  test('the stand-in of Athena keeps no instant with a zone, as Athena does', async () => {
    const zoned = "select with_timezone(timestamp '2026-01-05 09:00:00.250', 'UTC') as z";
    const address = { client: clients.athena, workgroup: 'engines', database: 'on_athena' };
    for (const refused of [
      athenaDialect.createTable('zoned', zoned, `s3://${Bucket}/zoned/`),
      athenaDialect.createView('zoned', zoned),
      athenaDialect.unload(zoned, `s3://${Bucket}/unloaded/`),
    ]) {
      await expect(runOnAthena(address, refused)).rejects.toThrow('Unsupported Hive type: timestamp(3) with time zone');
    }
  });

  warehouseContract('Athena', async () => {
    const store = createS3Store(Bucket, clients.s3);
    return {
      warehouse: createAthenaWarehouse({
        client: clients.athena,
        workgroup: 'engines',
        database: 'on_athena',
        store,
        prefix: 'athena/',
      }),
      place: placeIn(store, 'files-of-athena/'),
      discard: async () => {},
    };
  });

  warehouseContract('Trino', async () => {
    const store = createS3Store(Bucket, clients.s3);
    const files = 'unload.files';
    await runOnTrino(
      { url: trino.address, catalog: 'unload', schema: 'files' },
      `create schema if not exists ${files}`,
    );
    return {
      warehouse: createTrinoWarehouse({
        url: trino.address,
        catalog: 'awsdatacatalog',
        schema: 'on_trino',
        files,
        store,
        prefix: 'trino/',
      }),
      place: placeIn(store, 'files-of-trino/'),
      discard: async () => {},
    };
  });
});
