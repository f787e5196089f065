import { createHash } from 'node:crypto';
import * as z from 'zod';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';

/** What is known of a file that was imported to its end. Written last, so that an import that died is done again. */
const importRecord = z.object({
  import_id: z.string(),
  file: z.string(),
  content_hash: z.string(),
  via: z.string(),
  via_hash: z.string(),
  settings_hash: z.string(),
  rates_hash: z.string(),
  /** When the import began: the time that its events and costs carry, also where it was begun again. */
  received_at: z.string(),
  finished_at: z.string(),
  rows: z.number(),
  events: z.number(),
  costs: z.number(),
  rejected: z.number(),
  /** Of the rejected: for want of a rate of exchange. */
  without_rate: z.number(),
  left_out: z.number(),
  schema_version: z.literal(1),
});
export type ImportRecord = z.output<typeof importRecord>;

const startRecord = z.object({ received_at: z.string() });

/** What decides what an import makes of a file. */
export interface ImportIdentity {
  contentHash: string;
  /** Hash of the mapping, or the name of the connector with its options. */
  viaHash: string;
  /** Hash of the settings by which rows are judged: bounds, time zone, currency. */
  settingsHash: string;
  /** Hash of the rates of exchange: they grow by the day, so a change counts only where rates were missing. */
  ratesHash: string;
}

/** Whether a finished import leaves nothing for this one to do. */
export function isSettledBy(record: ImportRecord, identity: ImportIdentity): boolean {
  if (record.via_hash !== identity.viaHash) return false;
  if (record.rejected === 0) return true;
  const isRateMended = record.without_rate > 0 && record.rates_hash !== identity.ratesHash;
  return record.settings_hash === identity.settingsHash && !isRateMended;
}

export function importIdOf({ contentHash, viaHash, settingsHash, ratesHash }: ImportIdentity): string {
  const identity = [contentHash, viaHash, settingsHash, ratesHash].join('\n');
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

export interface ImportLedger {
  /** The finished imports of this content, by whatever mapping. */
  finished(contentHash: string): Promise<ImportRecord[]>;
  /** Begins an import, or goes on with one that died: the time that its records carry. */
  begin(importId: string, now: Date): Promise<Date>;
  finish(record: ImportRecord): Promise<void>;
}

const recordKey = (contentHash: string, importId: string) =>
  places.importRecord(`${contentHash.slice(0, 32)}-${importId}`);
const startKey = (importId: string) => `${places.imports}started/${importId}.json`;

async function read<T>(lake: Store, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const body = await lake.get(key);
  if (body === undefined) return undefined;
  const parsed = schema.safeParse(JSON.parse(Buffer.from(body).toString('utf8')));
  return parsed.success ? parsed.data : undefined;
}

/** The ledger of what was imported, in the lake: by content, so that a renamed or repacked file is the same import. */
export function createImportLedger(lake: Store): ImportLedger {
  return {
    async finished(contentHash) {
      const keys = await lake.list(`${places.imports}${contentHash.slice(0, 32)}-`);
      const records = await Promise.all(keys.map((key) => read(lake, key, importRecord)));
      return records.filter((record) => record !== undefined);
    },
    async begin(importId, now) {
      await lake.putIfAbsent(startKey(importId), `${JSON.stringify({ received_at: now.toISOString() })}\n`);
      const started = await read(lake, startKey(importId), startRecord);
      return started === undefined ? now : new Date(started.received_at);
    },
    async finish(record) {
      await lake.putIfAbsent(recordKey(record.content_hash, record.import_id), `${JSON.stringify(record)}\n`);
    },
  };
}
