import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DeleteObjectCommand, GetObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';

/** One version of an object in a landing bucket: a file that is written anew under its name is another one. */
export interface LandedFile {
  bucket: string;
  key: string;
  version: string | undefined;
}

const target = ({ bucket, key, version }: LandedFile) => ({ Bucket: bucket, Key: key, VersionId: version });

/**
 * Fetches a landed file to a path of this machine.
 * @returns false where it is gone, as after a delivery that came twice.
 */
export async function fetchLanded(file: LandedFile, path: string, client = new S3Client({})): Promise<boolean> {
  try {
    const { Body } = await client.send(new GetObjectCommand(target(file)));
    if (!(Body instanceof Readable)) throw new Error('S3 answered without a body');
    await pipeline(Body, createWriteStream(path));
    return true;
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return false;
    throw error;
  }
}

/** Removes this version for good: nothing of it stays behind a marker. */
export async function removeLanded(file: LandedFile, client = new S3Client({})): Promise<void> {
  await client.send(new DeleteObjectCommand(target(file)));
}
