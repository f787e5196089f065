import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { StoredCost } from '#core/cost';
import type { StoredEvent } from '#core/event';
import { generationOf, type IdentifierKey } from '#core/identifier-key';
import { wellFormed } from '#core/identifiers';
import { lake as places, type RejectedRecord } from '#core/lake';
import type { Store } from '#core/ports';
import { createSealing } from '#core/sealing';
import { mergeEntries, type VaultEntry } from '#core/vault';
import { type ErasedKeys, readErasedKeys } from '#pipeline/arrivals/erased-keys';

export interface WrittenCounts {
  events: number;
  costs: number;
  rejected: number;
  /** Objects newly written. */
  objects: number;
  /** Objects that stood already: the same content came in before. */
  alreadyThere: number;
  /** What the objects are called, those that stood already too. */
  keys: string[];
}

/** Stored records in, raw objects out. Records of one kind and place gather until an object is full or `flush` is called. */
export interface RawWriter {
  event(event: StoredEvent): void | Promise<void>;
  cost(cost: StoredCost): void | Promise<void>;
  /** `original` is base64 of the record's bytes; it is sealed here, before anything is written. */
  reject(record: RejectedRecord): void | Promise<void>;
  /** What an event says for the vault. Addresses in it are sealed already. */
  vault(entry: VaultEntry): void | Promise<void>;
  /** Resolves once all that was given is in the lake. Counts are of everything since the writer was made. */
  flush(): Promise<WrittenCounts>;
}

interface Pile {
  key: (contentHash: string) => string;
  lines: string[];
  bytes: number;
  hash: ReturnType<typeof createHash>;
}

const squeeze = promisify(gzip);
// JSON writes half a character and NUL only as these escapes; engines refuse both, and with them the whole object.
const unreadableEscape = /\\u(?:d[89a-f]|0000)/i;

function line(record: object): string {
  const text = JSON.stringify(record);
  if (!unreadableEscape.test(text)) return text;
  return JSON.stringify(record, (_, value: unknown) => (typeof value === 'string' ? wellFormed(value) : value));
}

/**
 * Writes raw objects named by what they hold, less the times at which it came in: the same records again, in the same
 * order, make the same names, and the object that is there already stands. Objects of an import of a file bear its id too.
 * @param options.identifierKey the company's secret, with which refused originals are sealed.
 * @param options.recordsPerObject where objects are cut; equal for all runs, or the same file makes other names.
 */
export function createRawWriter(
  lake: Store,
  options: {
    identifierKey: IdentifierKey;
    /** The import of a file that the records are of; what comes in otherwise is of none. */
    importId?: string | undefined;
    recordsPerObject?: number;
    bytesPerObject?: number;
  },
): RawWriter {
  const recordsPerObject = options.recordsPerObject ?? 50_000;
  const bytesPerObject = options.bytesPerObject ?? 64_000_000;
  const sealing = createSealing(options.identifierKey);
  const generation = generationOf(options.identifierKey);
  const { importId } = options;
  const entries = new Map<string, VaultEntry>();
  const piles = new Map<string, Pile>();
  const counts: WrittenCounts = { events: 0, costs: 0, rejected: 0, objects: 0, alreadyThere: 0, keys: [] };

  async function write(name: string, pile: Pile): Promise<void> {
    piles.delete(name);
    const key = pile.key(pile.hash.digest('hex').slice(0, 32));
    const body = await squeeze(`${pile.lines.join('\n')}\n`, { level: 3 });
    counts.keys.push(key);
    if (await lake.putIfAbsent(key, body)) counts.objects += 1;
    else counts.alreadyThere += 1;
  }

  function add(place: string, key: Pile['key'], content: string, stored: string): void | Promise<void> {
    let pile = piles.get(place);
    if (pile === undefined) {
      pile = { key, lines: [], bytes: 0, hash: createHash('sha256') };
      piles.set(place, pile);
    }
    pile.hash.update(content).update('\n');
    pile.lines.push(stored);
    pile.bytes += stored.length;
    if (pile.lines.length >= recordsPerObject || pile.bytes >= bytesPerObject) return write(place, pile);
  }

  // What was erased stays erased, whichever way an old record comes in again.
  let erased: ErasedKeys | undefined;
  let isLoaded = false;
  let loading: Promise<void> | undefined;

  /** Does it now where what was erased is known, else once it is. */
  function judged(write: () => void | Promise<void>): void | Promise<void> {
    if (isLoaded) return write();
    loading ??= readErasedKeys(lake, options.identifierKey).then((keys) => {
      erased = keys;
      isLoaded = true;
    });
    return loading.then(write);
  }

  function addEvent(given: StoredEvent): void | Promise<void> {
    const { received_at, ...rest } = erased?.withoutErased(given) ?? given;
    const content = line(rest);
    const day = received_at.slice(0, 10);
    const stored = `${content.slice(0, -1)},"received_at":${JSON.stringify(received_at)}}`;
    return add(
      `${places.rawEvents}${day}`,
      (hash) => places.rawEvent(day, hash, generation, importId),
      content,
      stored,
    );
  }

  function addEntry(given: VaultEntry): void | Promise<void> {
    const entry = erased === undefined ? given : erased.entryWithoutErased(given);
    if (entry === undefined) return;
    entries.set(entry.key, mergeEntries(entries.get(entry.key) ?? entry, entry));
    if (entries.size >= recordsPerObject) return writeEntries();
  }

  /** In the order of their keys, and named without the seals, which differ each time: so that the same makes the same name. */
  async function writeEntries(): Promise<void> {
    const sorted = [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    entries.clear();
    const pile: Pile = {
      key: (hash) => places.vaultObject(hash, generation),
      lines: [],
      bytes: 0,
      hash: createHash('sha256'),
    };
    for (const entry of sorted) {
      const { address, ...rest } = entry;
      pile.hash.update(line({ ...rest, has_address: address !== undefined })).update('\n');
      pile.lines.push(line(entry));
    }
    await write(places.vaultNew, pile);
  }

  return {
    event(event) {
      counts.events += 1;
      return judged(() => addEvent(event));
    },
    vault: (entry) => judged(() => addEntry(entry)),
    cost(cost) {
      counts.costs += 1;
      const { received_at, ...rest } = cost;
      const content = line(rest);
      const stored = `${content.slice(0, -1)},"received_at":${JSON.stringify(received_at)}}`;
      const folder = cost.source.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 100) || '_';
      return add(`${places.rawCosts}${folder}`, (hash) => places.rawCost(folder, hash, importId), content, stored);
    },
    reject(record) {
      counts.rejected += 1;
      const { rejected_at, original, ...rest } = record;
      const day = rejected_at.slice(0, 10);
      // The name must not tell what the sealed original says, so a fingerprint under the secret stands for it.
      const content = line({ ...rest, original: sealing.fingerprint(sealing.open(original)) });
      const stored = line({ ...rest, rejected_at, original: sealing.seal(original) });
      return add(
        `${places.rejected}${day}`,
        (hash) => places.rejectedObject(day, hash, generation, importId),
        content,
        stored,
      );
    },
    async flush() {
      if (entries.size > 0) await writeEntries();
      for (const [name, pile] of [...piles]) await write(name, pile);
      return { ...counts };
    },
  };
}
