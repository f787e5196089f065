import {
  type DeleteMarkerEntry,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { PercorsoError } from '#core/errors';
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

/**
 * Removes all versions but the present ones below these prefixes, and what marks removed keys as removed: that last, since an
 * object whose mark goes before its versions would be there again.
 */
export async function removeFormerVersionsBelow(
  bucket: string,
  prefixes: readonly string[],
  client: S3Client,
): Promise<void> {
  const remove = async (versions: { Key: string; VersionId: string }[]) => {
    const Delete = { Objects: versions, Quiet: true };
    const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }));
    const [first] = Errors;
    if (first === undefined) return;
    throw new PercorsoError(`${Errors.length} former versions could not be removed: ${first.Key}: ${first.Message}`, {
      mend: 'whoever runs this needs s3:DeleteObjectVersion on the bucket of the lake; run the command again',
    });
  };
  const named = (found: ObjectVersion[] | DeleteMarkerEntry[] = []) =>
    found.flatMap(({ Key, VersionId }) => (Key === undefined || VersionId === undefined ? [] : [{ Key, VersionId }]));
  const marks: { Key: string; VersionId: string }[] = [];
  for (const Prefix of prefixes) {
    let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } | undefined = {};
    while (marker !== undefined) {
      const page: ListObjectVersionsCommandOutput = await client.send(
        new ListObjectVersionsCommand({ Bucket: bucket, Prefix, ...marker }),
      );
      const former = named((page.Versions ?? []).filter(({ IsLatest }) => IsLatest === false));
      if (former.length > 0) await remove(former);
      marks.push(...named(page.DeleteMarkers));
      marker = page.IsTruncated
        ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
        : undefined;
    }
  }
  for (let at = 0; at < marks.length; at += 1000) await remove(marks.slice(at, at + 1000));
}
