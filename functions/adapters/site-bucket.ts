import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { lookup } from 'mrmime';

/** Its name says what it holds: a reader need not ask for it again. */
export const isNamedByContent = (path: string) =>
  path.startsWith('_app/immutable/') || /^data\/.*\/[0-9a-f]{32}\//.test(path);

/**
 * Puts a site's folder into a bucket from which it is read. What is named by its content goes first and pages last, and only
 * then goes what the site has no more: a reader meanwhile meets the old pages or the new ones, each with what it needs.
 * @returns how many files were put and removed.
 */
export async function publishSite(
  folder: string,
  bucket: string,
  client: S3Client = new S3Client({}),
): Promise<{ put: number; removed: number }> {
  const there = new Set<string>();
  let next: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: next }));
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) there.add(Key);
    next = page.NextContinuationToken;
  } while (next !== undefined);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    // CloudFront compresses what it sends; these are for the server of one machine.
    .filter((path) => !path.endsWith('.br'))
    .sort((a, b) => rank(a) - rank(b));
  let put = 0;
  for (const path of paths) {
    if (isNamedByContent(path) && there.has(path)) continue;
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: path,
        Body: await readFile(join(folder, path)),
        ContentType: lookup(path) ?? 'application/octet-stream',
        CacheControl: isNamedByContent(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
      }),
    );
    put += 1;
  }
  const here = new Set(paths);
  const gone = [...there].filter((key) => !here.has(key));
  for (const Key of gone) await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  return { put, removed: gone.length };
}

/** Files that others name, then pages, then the front page. */
function rank(path: string): number {
  if (path === 'index.html') return 2;
  return path.endsWith('.html') ? 1 : 0;
}
