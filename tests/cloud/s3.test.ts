import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchLanded, removeLanded } from '#adapters/s3-landing';
import { createS3Store } from '#adapters/s3-store';
import { storeContract } from '../contract/store-contract.ts';
import { startMoto, whatMotoMisses } from './moto.ts';

const missing = whatMotoMisses();
if (missing !== undefined) process.stderr.write(`skipped: S3 here needs ${missing}\n`);

describe.skipIf(missing !== undefined)('S3', () => {
  let moto: Awaited<ReturnType<typeof startMoto>>;
  let client: S3Client;
  beforeAll(async () => {
    moto = await startMoto();
    client = new S3Client({
      endpoint: moto.address,
      region: 'eu-south-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  });
  afterAll(() => {
    client?.destroy();
    moto?.stop();
  });

  async function newBucket(): Promise<string> {
    const Bucket = `b-${randomBytes(6).toString('hex')}`;
    const CreateBucketConfiguration = { LocationConstraint: 'eu-south-1' as const };
    await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    return Bucket;
  }

  storeContract('S3 store', async () => ({ store: createS3Store(await newBucket(), client), discard: async () => {} }));

  it('is addressed as engines address it', async () => {
    expect(createS3Store('acme-lake', client).locate('raw/a')).toBe('s3://acme-lake/raw/a');
  });

  it('fails rather than to call a bucket that is not there empty', async () => {
    const store = createS3Store('none', client);
    await expect(store.list('raw/')).rejects.toThrow();
    await expect(store.putIfAbsent('raw/a', 'x')).rejects.toThrow();
  });

  it('gives and removes one version of a landed file, and leaves the next one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'percorso-landed-'));
    try {
      const bucket = await newBucket();
      const VersioningConfiguration = { Status: 'Enabled' as const };
      await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
      const put = async (Body: string) => {
        const { VersionId } = await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a b/till.csv', Body }));
        return { bucket, key: 'a b/till.csv', version: VersionId };
      };
      const [first, second] = [await put('one'), await put('two')];
      const path = join(folder, 'till.csv');
      expect(await fetchLanded(first, path, client)).toBe(true);
      expect(await readFile(path, 'utf8')).toBe('one');
      await removeLanded(first, client);
      await removeLanded(first, client);
      expect(await fetchLanded(first, path, client)).toBe(false);
      expect(await fetchLanded(second, path, client)).toBe(true);
      expect(await readFile(path, 'utf8')).toBe('two');
      await removeLanded(second, client);
      const left = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
      expect([...(left.Versions ?? []), ...(left.DeleteMarkers ?? [])]).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
