import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as z from 'zod';
import { fetchLanded, type LandedFile, removeLanded } from '#adapters/s3-landing';
import { importFiles } from '#pipeline/imports/import';
import { openLambdaCompany } from './lambda-company.ts';
import { causeOf, log } from './lambda-log.ts';

const company = await openLambdaCompany(process.env);

const notification = z.object({
  // A test message, which S3 sends when the notification is set up, has no records.
  Records: z
    .array(
      z.object({
        s3: z.object({
          bucket: z.object({ name: z.string() }),
          object: z.object({ key: z.string(), size: z.number(), versionId: z.string().optional() }),
        }),
      }),
    )
    .default([]),
});

/** Half of the disk that the stack gives: DuckDB's and gzip's needs are not foreseen to the byte. */
const largestFile = Number(process.env.LANDING_LIMIT_MB ?? '4096') * 1_000_000;

/** Keys stand in notifications as in a query: a blank is a plus sign. */
const plainKey = (key: string) => decodeURIComponent(key.replaceAll('+', ' '));

/**
 * Takes one landed file into the lake, then removes it. What is refused stays where it is, for a person to mend: taken
 * again it would be refused again.
 */
async function take(file: LandedFile, size: number): Promise<void> {
  const shown = { bucket: file.bucket, key: file.key };
  if (file.key.endsWith('/')) return;
  if (size > largestFile) {
    log('error', 'landing_refused', { ...shown, bytes: size, cause: `larger than ${largestFile} bytes: split it` });
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'landed-'));
  try {
    // Mappings know files by their names.
    const path = join(folder, basename(file.key));
    if (!(await fetchLanded(file, path))) {
      log('info', 'landing_gone', shown);
      return;
    }
    const { identifierKey, sealAddress } = await company.secrets();
    const { files } = await importFiles(
      {
        ...company,
        paths: { mappings: company.mappingsDir },
        identifierKey: async () => identifierKey,
        sealAddress: async () => sealAddress,
      },
      [path],
      { cwd: folder },
    );
    const refused = files.filter((summary) => summary.refused !== undefined);
    for (const { refused: why } of refused) {
      log('error', 'landing_refused', { ...shown, cause: why?.message ?? '', mend: why?.mend ?? '' });
    }
    for (const { via, rows, events, costs, rejected, leftOut, alreadyThere } of files) {
      log('info', 'landing_taken', { ...shown, via, rows, events, costs, rejected, leftOut, alreadyThere });
    }
    if (refused.length === 0) await removeLanded(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Notifications of the landing bucket, by way of a queue. A file that fails for the moment comes again by its message. */
export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const failed: string[] = [];
  for (const { messageId, body } of event.Records) {
    try {
      for (const { s3 } of notification.parse(JSON.parse(body)).Records) {
        const { key, versionId, size } = s3.object;
        await take({ bucket: s3.bucket.name, key: plainKey(key), version: versionId }, size);
      }
    } catch (error) {
      log('error', 'landing_failed', { message: messageId, ...causeOf(error) });
      failed.push(messageId);
    }
  }
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}
