import { createHash } from 'node:crypto';
import * as z from 'zod';
import { eachAtOnce } from '#core/each-at-once';
import { PercorsoError } from '#core/errors';
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
  /** When it was taken back: the file may come in again. */
  undone_at: z.string().optional(),
  /** From 2 on its objects bear its id, by which they are found; before that they are named by what they hold alone. */
  schema_version: z.union([z.literal(1), z.literal(2)]),
});
export type ImportRecord = z.output<typeof importRecord>;

/** `file` and `via` are absent where a version wrote it whose objects do not bear the import's id. */
const startRecord = z.object({ received_at: z.string(), file: z.string().optional(), via: z.string().optional() });
const undoRecord = z.object({ file: z.string(), via: z.string(), received_at: z.string() });

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

/** Of how objects are named: what a version left half way that names them otherwise is another import, and adds up with none. */
const naming = 'objects bear the id';

export function importIdOf({ contentHash, viaHash, settingsHash, ratesHash }: ImportIdentity): string {
  const identity = [contentHash, viaHash, settingsHash, ratesHash, naming].join('\n');
  return createHash('sha256').update(identity).digest('hex').slice(0, 32);
}

export interface ImportLedger {
  /** @throws PercorsoError where the import was taken back in part: neither is it there, nor may it begin. */
  requireWhole(importId: string): Promise<void>;
  /** The finished imports of this content, by whatever mapping, those that were taken back too. */
  finished(contentHash: string): Promise<ImportRecord[]>;
  /** Begins an import, or goes on with one that died: the time that its records carry. */
  begin(begun: { importId: string; file: string; via: string }, now: Date): Promise<Date>;
  /** @throws PercorsoError where it was taken back while it ran: what it wrote since is left over. */
  finish(record: ImportRecord): Promise<void>;
}

const recordKey = (contentHash: string, importId: string) =>
  places.importRecord(`${contentHash.slice(0, 32)}-${importId}`);

async function read<T>(lake: Store, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const body = await lake.get(key);
  if (body === undefined) return undefined;
  const parsed = schema.safeParse(JSON.parse(Buffer.from(body).toString('utf8')));
  return parsed.success ? parsed.data : undefined;
}

const written = (value: object) => `${JSON.stringify(value)}\n`;

const cutOffUndo = (importId: string) =>
  new PercorsoError(`the import ${importId} was taken back in part: half of what it brought may be there still`, {
    mend: `run \`percorso imports undo ${importId}\` again, with --on aws for the lake of a deployment: it ends it`,
  });

/** The ledger of what was imported, in the lake: by content, so that a renamed or repacked file is the same import. */
export function createImportLedger(lake: Store): ImportLedger {
  return {
    async requireWhole(importId) {
      if ((await lake.get(places.importUndo(importId))) !== undefined) throw cutOffUndo(importId);
    },
    async finished(contentHash) {
      const keys = await lake.list(`${places.imports}${contentHash.slice(0, 32)}-`);
      const records = await Promise.all(keys.map((key) => read(lake, key, importRecord)));
      return records.filter((record) => record !== undefined);
    },
    async begin({ importId, file, via }, now) {
      const key = places.importStart(importId);
      await lake.putIfAbsent(key, written({ received_at: now.toISOString(), file, via }));
      const started = await read(lake, key, startRecord);
      return started === undefined ? now : new Date(started.received_at);
    },
    async finish(record) {
      const { import_id, received_at } = record;
      const started = await read(lake, places.importStart(import_id), startRecord);
      if (started?.received_at !== received_at) {
        throw new PercorsoError(`the import ${import_id} of ${record.file} was taken back while it ran`, {
          mend: `run \`percorso imports undo ${import_id}\` once more, which removes what came in after; then import the file again`,
        });
      }
      const key = recordKey(record.content_hash, import_id);
      if (await lake.putIfAbsent(key, written(record))) return;
      if ((await read(lake, key, importRecord))?.undone_at !== undefined) await lake.put(key, written(record));
    },
  };
}

/** An import as the ledger has it. */
export interface ImportEntry {
  import_id: string;
  file: string;
  via: string;
  /** When it began. */
  received_at: string;
  /** `unfinished`: under way, or killed. `cut off`: taken back in part. */
  state: 'taken' | 'unfinished' | 'cut off' | 'taken back';
  rows: number;
  events: number;
  costs: number;
  rejected: number;
  undone_at?: string;
  /** Its objects do not bear its id: a version wrote them that knew of no way back. */
  isUnmarked?: true;
}

/** So many entries are read at a time. */
const atOnce = 16;

/** All imports of files, the oldest first. */
export async function listImports(lake: Store): Promise<ImportEntry[]> {
  const keys = await lake.list(places.imports);
  const below = (prefix: string) =>
    keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length).replace(/\.json$/, ''));
  const undoing = new Set(below(places.importUndos));
  const entries = new Map<string, ImportEntry>();
  const none = { rows: 0, events: 0, costs: 0, rejected: 0 };
  const finished = keys.filter((key) => /^imports\/[0-9a-f]{32}-[0-9a-f]{32}\.json$/.test(key));
  await eachAtOnce(finished, atOnce, async (key) => {
    const record = await read(lake, key, importRecord);
    if (record === undefined) return;
    const { import_id, file, via, received_at, rows, events, costs, rejected, undone_at } = record;
    entries.set(import_id, {
      ...{ import_id, file, via, received_at, rows, events, costs, rejected },
      state: undone_at === undefined ? 'taken' : 'taken back',
      ...(undone_at === undefined ? {} : { undone_at }),
      ...(record.schema_version === 1 ? { isUnmarked: true } : {}),
    });
  });
  const begun = below(places.importStart('').replace(/\.json$/, '')).filter(
    (id) => entries.get(id)?.state !== 'taken' && !undoing.has(id),
  );
  await eachAtOnce(begun, atOnce, async (import_id) => {
    const started = await read(lake, places.importStart(import_id), startRecord);
    if (started === undefined) return;
    const { received_at, file = '', via = '' } = started;
    const isUnmarked = started.file === undefined;
    entries.set(import_id, {
      ...{ import_id, file, via, received_at, ...none, state: 'unfinished' },
      ...(isUnmarked ? { isUnmarked } : {}),
    });
  });
  for (const import_id of undoing) {
    const begun = await read(lake, places.importUndo(import_id), undoRecord);
    const known = entries.get(import_id);
    if (known !== undefined) entries.set(import_id, { ...known, state: 'cut off' });
    else if (begun !== undefined) entries.set(import_id, { import_id, ...begun, ...none, state: 'cut off' });
  }
  return [...entries.values()].sort((a, b) => (a.received_at < b.received_at ? -1 : 1));
}

/** From here on the import cannot be begun, and nobody builds, until it is taken back to the end. */
export async function beginUndo(lake: Store, { import_id, file, via, received_at }: ImportEntry): Promise<void> {
  await lake.putIfAbsent(places.importUndo(import_id), written({ file, via, received_at }));
}

/** Nothing of the import is left in the lake: the ledger says so. May be done twice. */
export async function endUndo(lake: Store, importId: string, now: Date): Promise<void> {
  // Begun again it is a new import, with a time of its own.
  await lake.remove(places.importStart(importId));
  const own = (await lake.list(places.imports)).filter((key) => key.endsWith(`-${importId}.json`));
  for (const key of own) {
    const record = await read(lake, key, importRecord);
    if (record === undefined || record.undone_at !== undefined) continue;
    await lake.put(key, written({ ...record, undone_at: now.toISOString() }));
  }
  await lake.remove(places.importUndo(importId));
}

/**
 * What is published has the whole of an import or nothing of it.
 * @throws PercorsoError where one was taken back in part.
 */
export async function requireNoUndo(lake: Store): Promise<void> {
  const [key] = await lake.list(places.importUndos);
  if (key !== undefined) throw cutOffUndo(key.slice(places.importUndos.length).replace(/\.json$/, ''));
}
