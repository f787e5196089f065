import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { Store } from '#core/ports';
import { refuseForeignKey } from './lake-key.ts';

/** Two writers of one key at the same instant: S3 tells one of them to try again, and then it sees who won. */
const conflictTries = 10;

const status = (error: unknown) => (error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined);

/** A Store in a bucket of S3. What is put is durable once S3 has answered; encryption and retention are the bucket's own. */
export function createS3Store(bucket: string, client: S3Client = new S3Client({})): Store {
  const named = (key: string) => {
    refuseForeignKey(key);
    return { Bucket: bucket, Key: key };
  };
  // Of an empty text the client does not know the length.
  const bytes = (body: Uint8Array | string) => (typeof body === 'string' ? Buffer.from(body) : body);
  return {
    async put(key, body) {
      await client.send(new PutObjectCommand({ ...named(key), Body: bytes(body) }));
    },
    async putIfAbsent(key, body) {
      for (let tries = 1; ; tries++) {
        try {
          await client.send(new PutObjectCommand({ ...named(key), Body: bytes(body), IfNoneMatch: '*' }));
          return true;
        } catch (error) {
          if (status(error) === 412) return false;
          if (status(error) !== 409 || tries === conflictTries) throw error;
        }
      }
    },
    async get(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand(named(key)));
        return await Body?.transformToByteArray();
      } catch (error) {
        if (status(error) === 404) return undefined;
        throw error;
      }
    },
    async list(prefix) {
      const folder = prefix.slice(0, prefix.lastIndexOf('/'));
      if (folder !== '') refuseForeignKey(folder);
      const keys: string[] = [];
      let next: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: next }),
        );
        for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
        next = page.NextContinuationToken;
      } while (next !== undefined);
      // S3 lists in the order of UTF-8 bytes, which is the order that the port promises.
      return keys;
    },
    async remove(key) {
      await client.send(new DeleteObjectCommand(named(key)));
    },
    locate(key) {
      refuseForeignKey(key);
      return `s3://${bucket}/${key}`;
    },
  };
}

/** The bucket of this account whose name is this and the account's number; undefined where there is none. */
export async function findBucket(beginning: string, client: S3Client): Promise<string | undefined> {
  let next: string | undefined;
  do {
    const page = await client.send(new ListBucketsCommand({ Prefix: beginning, ContinuationToken: next }));
    const found = (page.Buckets ?? []).find(
      ({ Name = '' }) => Name.startsWith(beginning) && /^\d{12}$/.test(Name.slice(beginning.length)),
    );
    if (found !== undefined) return found.Name;
    next = page.ContinuationToken;
  } while (next !== undefined);
  return undefined;
}

/** Removes all versions of these keys but the present one, and what marks a removed key as removed. */
export async function removeFormerVersions(bucket: string, keys: readonly string[], client: S3Client): Promise<void> {
  for (const key of keys) {
    let marker: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
    while (marker !== undefined) {
      const page: ListObjectVersionsCommandOutput = await client.send(
        new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key, ...marker }),
      );
      const versions = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].filter((one) => one.Key === key);
      const isGone = !(page.Versions ?? []).some((one) => one.Key === key && one.IsLatest);
      for (const { VersionId, IsLatest } of versions) {
        if (VersionId !== undefined && (isGone || !IsLatest)) {
          await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId }));
        }
      }
      const { NextKeyMarker, NextVersionIdMarker } = page;
      marker =
        NextKeyMarker === key && NextVersionIdMarker !== undefined
          ? { KeyMarker: NextKeyMarker, VersionIdMarker: NextVersionIdMarker }
          : undefined;
    }
  }
}
