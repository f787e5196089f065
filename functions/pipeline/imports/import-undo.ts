import { basename } from 'node:path';
import { eachAtOnce } from '#core/each-at-once';
import { PercorsoError, UsageError } from '#core/errors';
import { importOfObject, lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import { withoutImport } from '#core/vault';
import { changeVault } from '#pipeline/arrivals/vault-objects';
import { beginUndo, endUndo, type ImportEntry } from '#pipeline/imports/import-ledger';

export interface UndoneImport {
  import_id: string;
  file: string;
  /** Objects that were removed. */
  event_objects: number;
  cost_objects: number;
  rejected_objects: number;
  /** Entries of the vault that went or changed. */
  vault_entries: number;
  /** It had been taken back to the end before. */
  was_undone: boolean;
}

const shortId = (entry: ImportEntry) => `${entry.import_id.slice(0, 12)} of ${entry.received_at}`;

/**
 * The import that is meant: by its id, or the first digits of it, or by the name of its file.
 * @throws UsageError where none is, or several are.
 */
export function findImport(entries: readonly ImportEntry[], given: string): ImportEntry {
  const byId = /^[0-9a-f]{6,32}$/.test(given) ? entries.filter(({ import_id }) => import_id.startsWith(given)) : [];
  const meant = byId.length > 0 ? byId : entries.filter(({ file }) => file === given || file === basename(given));
  const standing = meant.filter(({ state }) => state !== 'taken back');
  const [found, other] = standing.length > 0 ? standing : meant.slice(-1);
  if (found === undefined) {
    throw new UsageError(`no import ${given}`, { mend: 'see `percorso imports list`, and name one by its id' });
  }
  if (other === undefined) return found;
  throw new UsageError(`${standing.length} imports are called ${given}: ${standing.map(shortId).join(', ')}`, {
    mend: `name one by its id, such as \`percorso imports undo ${found.import_id.slice(0, 12)}\``,
  });
}

const placesOfImports = [places.rawEvents, places.rawCosts, places.rejected] as const;

/** Objects are small, and to remove one is mostly waiting. */
const objectsAtOnce = 8;

/**
 * Takes back what an import of a file wrote: its events, its costs, its refused records, what replays took of these, and what it
 * said for the vault. The same event from elsewhere stands in an object of its own, and stays; so does an address that came in by
 * another way too. Killed at any moment it is run again, to the same end; until then nobody builds. The caller holds the lock of
 * the night and those of builds.
 * @throws PercorsoError where the import is of a version whose objects do not say of which import they are.
 */
export async function undoImport(lake: Store, entry: ImportEntry, now: Date): Promise<UndoneImport> {
  const { import_id, file, received_at } = entry;
  if (entry.isUnmarked) {
    throw new PercorsoError(`the import ${import_id} was made by a version that did not mark its objects`, {
      mend: `find the objects below raw/ whose lines say "received_at":"${received_at}", remove them and the entry of imports/ that ends with ${import_id}.json, and build with --full-refresh`,
    });
  }
  await beginUndo(lake, entry);
  const [events = [], costs = [], rejected = []] = await Promise.all(
    placesOfImports.map(async (place) => (await lake.list(place)).filter((key) => importOfObject(key) === import_id)),
  );
  await eachAtOnce([...events, ...costs, ...rejected], objectsAtOnce, (key) => lake.remove(key));
  const vault_entries = await changeVault(lake, (stored) => withoutImport(stored, import_id), import_id);
  await endUndo(lake, import_id, now);
  return {
    import_id,
    file,
    event_objects: events.length,
    cost_objects: costs.length,
    rejected_objects: rejected.length,
    vault_entries,
    was_undone: entry.state === 'taken back',
  };
}
