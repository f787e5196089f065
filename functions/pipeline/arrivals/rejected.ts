import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import * as z from 'zod';
import { readSegmentMessage, type SegmentRead, segmentTypes } from '#connectors/segment';
import { readSnowplowEvent, snowplowSource } from '#connectors/snowplow';
import type { Config } from '#core/config';
import type { StoredCost } from '#core/cost';
import { PercorsoError } from '#core/errors';
import type { StoredEvent } from '#core/event';
import { createHashChain, generationOf, type IdentifierKey, secretsOf } from '#core/identifier-key';
import { generationOfObject, importOfObject, lake as places, type RejectedRecord } from '#core/lake';
import type { Store } from '#core/ports';
import { loginCheckOf, withProvedLogin } from '#core/proved-login';
import { isRecord } from '#core/row-reading';
import { createSealing } from '#core/sealing';
import type { VaultEntry } from '#core/vault';
import { type AdmitContext, createAdmitter } from '#pipeline/arrivals/admit';
import { createRaise } from '#pipeline/arrivals/raise';
import { createRawWriter } from '#pipeline/arrivals/store';

type SourceSettings = NonNullable<Config['sources'][string]>;

const recordShape = z.object({
  rejected_at: z.string(),
  source: z.string(),
  reason: z.string(),
  message: z.string(),
  file: z.string().optional(),
  line: z.number().optional(),
  column: z.string().optional(),
  via: z.string(),
  original: z.string(),
  event_id: z.string().optional(),
  schema_version: z.literal(1),
});

/** Which refused records: those of every field that is named. */
export interface RejectedFilter {
  source?: string | undefined;
  reason?: string | undefined;
}

export interface RejectedGroup {
  source: string;
  reason: string;
  records: number;
  first_at: string;
  last_at: string;
  /** One message of the group, as an example. */
  sample: string;
}

/** What became of a record that was read again. */
export type Replayed =
  | {
      ok: true;
      events: readonly StoredEvent[];
      costs: readonly StoredCost[];
      /** What the events say for the vault. */
      vault?: readonly VaultEntry[];
    }
  | { ok: false; reason: string; message: string; column?: string };

/**
 * Reads refused records again by the way that they came. A cost must keep the import id and received time of its import:
 * the newest set of a source, account and day stands whole, and a set of its own would replace the rest.
 */
export interface Replayer {
  /** The beginning of `via` of the records that it reads. */
  prefix: string;
  replay(record: RejectedRecord, original: Buffer): Replayed | Promise<Replayed>;
}

export interface ReplayCounts {
  events: number;
  costs: number;
  /** Records that were taken and are no longer among the refused. */
  taken: number;
  /** Records that were refused again; they stay. */
  refused: number;
  /** Why records were refused again: one message of each source and reason. */
  why: { source: string; reason: string; message: string }[];
  /** Records whose way in cannot be gone again; they stay. */
  unknown: number;
}

const expand = promisify(gunzip);

function matches(record: RejectedRecord, filter: RejectedFilter): boolean {
  return (
    (filter.source === undefined || record.source === filter.source) &&
    (filter.reason === undefined || record.reason === filter.reason)
  );
}

async function readObject(lake: Store, key: string): Promise<RejectedRecord[]> {
  const body = await lake.get(key);
  if (body === undefined) return [];
  const text = (await expand(body)).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { file, line: at, column, event_id, ...rest } = recordShape.parse(JSON.parse(line));
      return {
        ...rest,
        ...(file === undefined ? {} : { file }),
        ...(at === undefined ? {} : { line: at }),
        ...(column === undefined ? {} : { column }),
        ...(event_id === undefined ? {} : { event_id }),
      };
    });
}

/** The refused records by source and reason, the most first. */
export async function listRejected(lake: Store, filter: RejectedFilter = {}): Promise<RejectedGroup[]> {
  const groups = new Map<string, RejectedGroup>();
  for (const key of await lake.list(places.rejected)) {
    for (const record of await readObject(lake, key)) {
      if (!matches(record, filter)) continue;
      const { source, reason, rejected_at, message } = record;
      const name = JSON.stringify([source, reason]);
      const group = groups.get(name);
      if (group === undefined) {
        groups.set(name, { source, reason, records: 1, first_at: rejected_at, last_at: rejected_at, sample: message });
        continue;
      }
      group.records += 1;
      if (rejected_at < group.first_at) group.first_at = rejected_at;
      if (rejected_at > group.last_at) group.last_at = rejected_at;
    }
  }
  return [...groups.values()].sort(
    (a, b) => b.records - a.records || (a.source + a.reason < b.source + b.reason ? -1 : 1),
  );
}

/** Refused records with their originals opened, oldest first. Holds `limit` of them at most. */
export async function showRejected(
  lake: Store,
  identifierKey: IdentifierKey,
  filter: RejectedFilter,
  limit: number,
): Promise<{ record: RejectedRecord; original: Buffer }[]> {
  const sealing = createSealing(identifierKey);
  const shown: { record: RejectedRecord; original: Buffer }[] = [];
  for (const key of await lake.list(places.rejected)) {
    for (const record of await readObject(lake, key)) {
      if (!matches(record, filter)) continue;
      shown.push({ record, original: Buffer.from(sealing.open(record.original), 'base64') });
      if (shown.length >= limit) return shown;
    }
  }
  return shown;
}

/**
 * Names a refused record, so that its mend can find it; it tells nothing of what the record holds. The name is of the
 * first secret: it stays what it was where the key is changed between the record and its mend.
 */
export function rejectedId(
  identifierKey: IdentifierKey,
  record: Pick<RejectedRecord, 'via'>,
  original: Buffer,
): string {
  const via = createHashChain(identifierKey).lowerText(record.via);
  return createSealing(secretsOf(identifierKey).slice(0, 1))
    .fingerprint(`${via}\n${original.toString('base64')}`)
    .slice(0, 16);
}

/** Costs that a replay has taken, kept until their refused records are gone: a kill in between must not count them twice. */
const costBatch = z.object({
  ids: z.array(z.string()),
  costs: z.array(z.custom<StoredCost>((cost) => isRecord(cost))),
});
const batchesOf = (key: string) =>
  `${places.imports}replays/${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;

/** Writes what an earlier replay of this object took, once more and under the same names; the ids of those records. */
async function finishCosts(
  lake: Store,
  identifierKey: IdentifierKey,
  key: string,
): Promise<{ ids: Set<string>; files: string[] }> {
  const ids = new Set<string>();
  const files = await lake.list(`${batchesOf(key)}-`);
  for (const file of files) {
    const body = await lake.get(file);
    if (body === undefined) continue;
    const batch = costBatch.parse(JSON.parse(Buffer.from(body).toString('utf8')));
    const raw = createRawWriter(lake, { identifierKey, importId: importOfObject(key) });
    for (const cost of batch.costs) await raw.cost(cost);
    await raw.flush();
    for (const id of batch.ids) ids.add(id);
  }
  return { ids, files };
}

/**
 * Reads refused records again. What is taken leaves `rejected/`, so a second replay does nothing; what is refused again
 * stays. Killed half way it is run again: the event ids decide, and costs that were taken are known by their record.
 * @param mends by `rejectedId`, what stands in a record's place; with it only these records are read.
 */
export async function replayRejected(
  lake: Store,
  identifierKey: IdentifierKey,
  replayers: readonly Replayer[],
  filter: RejectedFilter = {},
  mends?: ReadonlyMap<string, (original: Buffer) => Buffer>,
): Promise<ReplayCounts> {
  const sealing = createSealing(identifierKey);
  const counts: ReplayCounts = { events: 0, costs: 0, taken: 0, refused: 0, why: [], unknown: 0 };
  // A kill may have left a record in two objects.
  const costsTaken = new Set<string>();
  const keys = await lake.list(places.rejected);
  const waiting = new Set(keys.map(batchesOf));
  for (const file of await lake.list(`${places.imports}replays/`)) {
    if (!waiting.has(file.replace(/-\d+\.json$/, ''))) await lake.remove(file);
  }
  for (const key of keys) {
    const records = await readObject(lake, key);
    // What is taken later is of the same import as the rest of its file.
    const importId = importOfObject(key);
    const raw = createRawWriter(lake, { identifierKey, importId });
    const left: RejectedRecord[] = [];
    const { ids: finished, files } = await finishCosts(lake, identifierKey, key);
    for (const id of finished) costsTaken.add(id);
    const batch: z.output<typeof costBatch> = { ids: [], costs: [] };
    let taken = 0;
    for (const record of records) {
      const original = Buffer.from(sealing.open(record.original), 'base64');
      const id = rejectedId(identifierKey, record, original);
      const mend = mends?.get(id);
      if (!matches(record, filter) || (mends !== undefined && mend === undefined && !finished.has(id))) {
        left.push(record);
        continue;
      }
      const replayer = replayers.find(({ prefix }) => record.via.startsWith(prefix));
      if (replayer === undefined) {
        counts.unknown += 1;
        left.push(record);
        continue;
      }
      const replayed = await replayer.replay(record, mend === undefined ? original : mend(original));
      if (!replayed.ok && !finished.has(id)) {
        counts.refused += 1;
        // It stays as it was: the reason for which it came here is the one to group by. Why it failed now is told.
        left.push(record);
        const { reason, message } = replayed;
        const isTold = counts.why.some((told) => told.source === record.source && told.reason === reason);
        if (!isTold && counts.why.length < 10) counts.why.push({ source: record.source, reason, message });
        continue;
      }
      taken += 1;
      if (!replayed.ok) continue;
      for (const event of replayed.events) await raw.event(event);
      for (const entry of replayed.vault ?? []) await raw.vault(entry);
      counts.events += replayed.events.length;
      if (replayed.costs.length === 0 || costsTaken.has(id)) continue;
      costsTaken.add(id);
      batch.ids.push(id);
      batch.costs.push(...replayed.costs);
      counts.costs += replayed.costs.length;
    }
    if (taken === 0) continue;
    if (batch.ids.length > 0) {
      const file = `${batchesOf(key)}-${files.length}.json`;
      await lake.put(file, JSON.stringify(batch));
      files.push(file);
      for (const cost of batch.costs) await raw.cost(cost);
    }
    // First what was taken, then what is left, and only then the old object goes: a kill can double, never lose.
    await raw.flush();
    const rest = createRawWriter(lake, { identifierKey, importId });
    for (const record of left) await rest.reject(record);
    await rest.flush();
    await lake.remove(key);
    for (const file of files) await lake.remove(file);
    counts.taken += taken;
  }
  return counts;
}

export type HttpReplayContext = Pick<AdmitContext, 'config' | 'identifierKey' | 'hasRate' | 'sealAddress'> & {
  /** The secrets of proved logins stand in the variables that the configuration names. */
  env: Record<string, string | undefined>;
};

/** A replayer of what came in over HTTP as JSON and `read` makes canonical events of. */
function createHttpReplayer(
  prefix: string,
  read: (
    message: unknown,
    record: Pick<RejectedRecord, 'source' | 'via' | 'rejected_at'>,
    settings: SourceSettings,
  ) => SegmentRead,
  { env, ...given }: HttpReplayContext,
): Replayer {
  // A record is judged as of the time at which it came in, and counts as received then.
  let receivedAt = new Date(0);
  const { config } = given;
  const context = { ...given, receivedAt: () => receivedAt };
  const doors = {
    browser: createAdmitter({ ...context, trust: 'browser' }),
    server: createAdmitter({ ...context, trust: 'server' }),
  };
  return {
    prefix,
    replay(record, original) {
      const settings = config.sources[record.source];
      if (settings === undefined) {
        return { ok: false, reason: 'unknown-source', message: `no source "${record.source}" in the configuration` };
      }
      let message: unknown;
      try {
        message = JSON.parse(original.toString('utf8'));
      } catch {
        return { ok: false, reason: 'wrong-value', message: 'the original is not JSON' };
      }
      receivedAt = new Date(record.rejected_at);
      const event = read(message, record, settings);
      if (!event.ok) return event;
      const judged = withProvedLogin(event.event, loginCheckOf(settings, env));
      if (!judged.ok) return judged;
      const admitted = doors[settings.kind === 'browser' ? 'browser' : 'server'].event(judged.event);
      return admitted.ok ? { ok: true, events: [admitted.value], costs: [], vault: admitted.vault } : admitted;
    },
  };
}

/**
 * Rewrites the refused records that hold a person. What is left of an object is written before the old one goes.
 * @param judge the record, as it is or changed, or undefined where it goes; it is given the opened original as well.
 * @returns how many records went or changed.
 */
export async function eraseRejected(
  lake: Store,
  identifierKey: IdentifierKey,
  judge: (record: RejectedRecord, original: Buffer) => RejectedRecord | undefined,
): Promise<number> {
  const sealing = createSealing(identifierKey);
  let erased = 0;
  for (const key of await lake.list(places.rejected)) {
    const records = await readObject(lake, key);
    const judged = records.map((record) => judge(record, Buffer.from(sealing.open(record.original), 'base64')));
    const changed = records.filter((record, index) => judged[index] !== record).length;
    if (changed === 0) continue;
    const writer = createRawWriter(lake, { identifierKey, importId: importOfObject(key) });
    for (const record of judged) if (record !== undefined) await writer.reject(record);
    await writer.flush();
    await lake.remove(key);
    erased += changed;
  }
  return erased;
}

/** Puts the refused records of older generations of the key into their newest form, their originals sealed anew. */
export async function raiseRejected(lake: Store, identifierKey: IdentifierKey): Promise<number> {
  const raise = createRaise(identifierKey);
  const generation = generationOf(identifierKey);
  let raised = 0;
  for (const key of await lake.list(places.rejected)) {
    const from = generationOfObject(key);
    if (from >= generation) continue;
    const unlimited = { recordsPerObject: Number.POSITIVE_INFINITY, bytesPerObject: Number.POSITIVE_INFINITY };
    const writer = createRawWriter(lake, { identifierKey, importId: importOfObject(key), ...unlimited });
    for (const record of await readObject(lake, key)) await writer.reject(raise.rejected(record, from));
    const { keys } = await writer.flush();
    // What a replay has taken of this object, and was cut off before it could say so, must be known of the new one.
    const batches = await lake.list(`${batchesOf(key)}-`);
    for (const [index, file] of batches.entries()) {
      const body = await lake.get(file);
      const [moved] = keys;
      if (body !== undefined && moved !== undefined) await lake.put(`${batchesOf(moved)}-${index}.json`, body);
    }
    await lake.remove(key);
    for (const file of batches) await lake.remove(file);
    raised += 1;
  }
  return raised;
}

/** The replayer of what came in over HTTP in Segment's shapes. */
export function createSegmentReplayer(context: HttpReplayContext): Replayer {
  const prefix = 'http:segment:';
  return createHttpReplayer(
    prefix,
    (message, { source, via, rejected_at }, { gross, shippingIncluded }) => {
      const type = segmentTypes.find((type) => via === prefix + type);
      return readSegmentMessage(message, { source, type, time: rejected_at, gross, shippingIncluded });
    },
    context,
  );
}

/** The replayer of what Snowplow's trackers sent. */
export function createSnowplowReplayer(context: HttpReplayContext): Replayer {
  return createHttpReplayer(
    'http:snowplow',
    (message, { source, rejected_at }, { gross, shippingIncluded }) =>
      snowplowSource(message) === source
        ? readSnowplowEvent(message, { source, time: rejected_at, gross, shippingIncluded })
        : { ok: false, reason: 'unknown-source', message: 'aid: another than the first event of the request' },
    context,
  );
}

/**
 * Removes refused records older than the configured days (config.retention.rejectedDays).
 * @returns how many objects went.
 */
export async function pruneRejected(lake: Store, days: number, now: Date): Promise<number> {
  if (!(days >= 1))
    throw new PercorsoError(`retention.rejectedDays is ${days}`, { mend: 'keep them for a day at least' });
  const firstKept = new Date(now.getTime() - days * 86_400_000).toISOString().slice(0, 10);
  let removed = 0;
  for (const key of await lake.list(places.rejected)) {
    const day = key.slice(places.rejected.length, places.rejected.length + 10);
    if (day >= firstKept) continue;
    await lake.remove(key);
    removed += 1;
  }
  return removed;
}
