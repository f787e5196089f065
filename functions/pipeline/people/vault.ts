import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { generationOf, type IdentifierKey } from '#core/identifier-key';
import type { Identifiers } from '#core/identifiers';
import { generationOfObject, lake as places } from '#core/lake';
import { kindOfHash } from '#core/named-identifier';
import type { Store } from '#core/ports';
import { mayBeKept, mergeEntries, type VaultEntry, type VaultWord, wholeWord, withCompanions } from '#core/vault';
import { createVaultOpener, createVaultSealer, nameOfVaultKey, sealedUnder, type VaultKey } from '#core/vault-sealing';
import { createRaise } from '#pipeline/arrivals/raise';
import { createRawWriter } from '#pipeline/arrivals/store';
import { changeVault, entriesOf } from '#pipeline/arrivals/vault-objects';

const squeeze = promisify(gzip);
const digits = [...'0123456789abcdef'];

const shardOf = (key: string) => key.slice(2, 3);
const isAddress = (key: string) => key.startsWith('e:') || key.startsWith('p:');

/** What a vault holds of the newest generation of the key. */
async function objectsOf(lake: Store, generation: number): Promise<{ fresh: string[]; all: string[] }> {
  const all = (await lake.list(places.vault)).filter((object) => generationOfObject(object) === generation);
  return { all, fresh: all.filter((object) => object.startsWith(places.vaultNew)) };
}

/** When each identifier that is no address was last refused under: addresses that came with it follow. */
async function refusals(lake: Store, objects: readonly string[]): Promise<Map<string, string>> {
  const refused = new Map<string, string>();
  for (const object of objects) {
    for (const entry of await entriesOf(lake, object)) {
      const { key } = entry;
      const { refused_at } = wholeWord(entry);
      if (refused_at === undefined || isAddress(key)) continue;
      const known = refused.get(key);
      if (known === undefined || known < refused_at) refused.set(key, refused_at);
    }
  }
  return refused;
}

function lastRefused(said: VaultWord, refused: ReadonlyMap<string, string>): string | undefined {
  const times = (said.with ?? []).flatMap((key) => refused.get(key) ?? []);
  return times.sort().at(-1);
}

/** All that the objects say of the identifiers of one shard. */
async function merged(lake: Store, objects: readonly string[], digit: string): Promise<Map<string, VaultEntry>> {
  const entries = new Map<string, VaultEntry>();
  for (const object of objects) {
    const isShard = !object.startsWith(places.vaultNew);
    if (isShard && !object.startsWith(`${places.vault}kept/${digit}.`)) continue;
    for (const entry of await entriesOf(lake, object)) {
      if (shardOf(entry.key) !== digit) continue;
      const known = entries.get(entry.key);
      entries.set(entry.key, known === undefined ? entry : mergeEntries(known, entry));
    }
  }
  return entries;
}

export interface VaultCounts {
  /** Addresses that may be sent to. */
  addresses: number;
  /** Identifiers under which marketing or analytics is refused. */
  refused: number;
  /** Objects that wait to be merged. */
  waiting: number;
}

/**
 * Merges what has come in, sixteenth by sixteenth, and drops the addresses of those who refused. Killed at any moment it is
 * done again to the same end. The caller holds the lock of the night.
 * @param oldest addresses that have not come in since this instant (ISO, UTC) go too.
 */
export async function compactVault(lake: Store, identifierKey: IdentifierKey, oldest = ''): Promise<VaultCounts> {
  const generation = generationOf(identifierKey);
  const { all, fresh } = await objectsOf(lake, generation);
  const counts: VaultCounts = { addresses: 0, refused: 0, waiting: 0 };
  if (all.length === 0) return counts;
  const refused = await refusals(lake, all);
  for (const digit of digits) {
    const lines: string[] = [];
    for (const entry of (await merged(lake, all, digit)).values()) {
      const { address, ...rest } = entry;
      const said = wholeWord(entry);
      const isFresh = (said.given_at ?? '') >= oldest || (said.seen_at ?? '') >= oldest;
      const isKept = address !== undefined && isFresh && mayBeKept(said, lastRefused(said, refused));
      if (isKept) counts.addresses += 1;
      if (said.refused_at !== undefined) counts.refused += 1;
      lines.push(JSON.stringify(isKept ? entry : rest));
    }
    const shard = places.vaultShard(digit, generation);
    if (lines.length > 0) await lake.put(shard, await squeeze(`${lines.sort().join('\n')}\n`));
    else await lake.remove(shard);
  }
  for (const object of fresh) await lake.remove(object);
  return counts;
}

/** How much the vault holds; never what. */
export async function countVault(lake: Store, identifierKey: IdentifierKey): Promise<VaultCounts> {
  const { all, fresh } = await objectsOf(lake, generationOf(identifierKey));
  const refused = await refusals(lake, all);
  const counts: VaultCounts = { addresses: 0, refused: 0, waiting: fresh.length };
  for (const digit of all.length === 0 ? [] : digits) {
    for (const entry of (await merged(lake, all, digit)).values()) {
      const said = wholeWord(entry);
      if (entry.address !== undefined && mayBeKept(said, lastRefused(said, refused))) counts.addresses += 1;
      if (said.refused_at !== undefined) counts.refused += 1;
    }
  }
  return counts;
}

/** For the sender alone. */
export interface VaultReader {
  /**
   * The addresses of keyed hashes (`e:...`, `p:...`), normalised: lower-case e-mail addresses and numbers such as `+39...`.
   * Absent are those that never came in, and those under which marketing is refused. Whom to send to is not the vault's
   * to say: consent by person stands in the events.
   */
  find(keys: readonly string[]): Promise<Map<string, string>>;
}

/** @throws PercorsoError where only the public half of the vault's key is here. */
export function createVaultReader(
  lake: Store,
  identifierKey: IdentifierKey,
  vaultKeys: readonly VaultKey[],
  identifiers: Identifiers,
): VaultReader {
  const open = createVaultOpener(...vaultKeys);
  return {
    async find(keys) {
      const found = new Map<string, string>();
      const { all } = await objectsOf(lake, generationOf(identifierKey));
      if (all.length === 0) return found;
      const refused = await refusals(lake, all);
      const wanted = new Set(keys);
      for (const digit of new Set([...wanted].map(shardOf))) {
        for (const [key, entry] of await merged(lake, all, digit)) {
          if (!wanted.has(key) || entry.address === undefined) continue;
          const said = wholeWord(entry);
          if (!mayBeKept(said, lastRefused(said, refused))) continue;
          const address = open(entry.address);
          // Whoever can write to the lake could put one address in another's place.
          const kind = kindOfHash(key);
          if (kind !== undefined && identifiers.hash(kind, address) === key) found.set(key, address);
        }
      }
      return found;
    },
  };
}

/**
 * Takes persons out of the vault.
 * @returns how many entries went or changed.
 */
export async function eraseFromVault(lake: Store, keys: ReadonlySet<string>): Promise<number> {
  return changeVault(lake, (entry) => {
    if (keys.has(entry.key)) return undefined;
    let isChanged = false;
    const left = withCompanions(entry, (companions) => {
      const others = companions.filter((key) => !keys.has(key));
      if (others.length < companions.length) isChanged = true;
      return others;
    });
    return isChanged ? left : entry;
  });
}

/** Puts the entries of older generations of the key into their newest form; their shards are others then. */
export async function raiseVault(lake: Store, identifierKey: IdentifierKey): Promise<number> {
  const raise = createRaise(identifierKey);
  const generation = generationOf(identifierKey);
  let raised = 0;
  for (const object of await lake.list(places.vault)) {
    const from = generationOfObject(object);
    if (from >= generation) continue;
    const writer = createRawWriter(lake, { identifierKey });
    for (const entry of await entriesOf(lake, object)) await writer.vault(raise.entry(entry, from));
    await writer.flush();
    await lake.remove(object);
    raised += 1;
  }
  return raised;
}

/**
 * Seals every address under the newest key that another key sealed. Objects keep their names, which do not tell of seals;
 * so what was killed half way is ended by doing it again.
 * @returns how many addresses were sealed anew.
 */
export async function resealVault(lake: Store, vaultKeys: readonly [VaultKey, ...VaultKey[]]): Promise<number> {
  const [newest] = vaultKeys;
  const open = createVaultOpener(...vaultKeys);
  const seal = createVaultSealer(newest);
  return changeVault(lake, (entry) => {
    if (entry.address === undefined || sealedUnder(entry.address) === nameOfVaultKey(newest)) return entry;
    return { ...entry, address: seal(open(entry.address)) };
  });
}
