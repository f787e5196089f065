import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eachAtOnce } from '#core/each-at-once';
import type { Store } from '#core/ports';

export interface MirroredStore extends Store {
  /**
   * Brings what lies below these prefixes (or at these keys) into the folder, and takes out of it what the bucket has no
   * more, so that an engine, and whoever searches files, sees what the bucket holds. Resolves to the keys, in ascending order.
   */
  pull(prefixes: readonly string[]): Promise<string[]>;
  /** Keys that were replaced or removed through this store since it was opened: former versions of them may be there. */
  changed(): string[];
}

/** Objects whose names say what they hold, or that are written once: what is in the folder need not be fetched again. */
const written = /^(?:raw|rejected|queued)\/|^marts\/builds\//;

/** So many objects are fetched at a time. */
const atOnce = 16;

/**
 * A bucket with a folder of this machine before it, for engines that read and write files. The bucket counts: listings, reads
 * and writes are its own. What an engine wrote to an address of `locate` is brought up before anything else is put, so that
 * a pointer never names what is not there.
 */
export function createMirroredStore(bucket: Store, folder: string): MirroredStore {
  const root = createRoot(folder);
  const located = new Set<string>();
  const changed = new Set<string>();

  async function bringUp(): Promise<void> {
    for (const key of [...located]) {
      if (!existsSync(root.path(key))) continue;
      await bucket.putIfAbsent(key, await readFile(root.path(key)));
      located.delete(key);
    }
  }

  async function fetch(key: string): Promise<void> {
    if (written.test(key) && existsSync(root.path(key))) return;
    const body = await bucket.get(key);
    if (body === undefined) await rm(root.path(key), { force: true });
    else await root.write(key, body);
  }

  return {
    async put(key, body) {
      await bringUp();
      await bucket.put(key, body);
      changed.add(key);
      await root.write(key, body);
    },
    async putIfAbsent(key, body) {
      await bringUp();
      const isNew = await bucket.putIfAbsent(key, body);
      if (isNew) await root.write(key, body);
      return isNew;
    },
    get: (key) => bucket.get(key),
    list: (prefix) => bucket.list(prefix),
    async remove(key) {
      await bucket.remove(key);
      changed.add(key);
      located.delete(key);
      await rm(root.path(key), { force: true });
    },
    locate(key) {
      // An address of the bucket is asked for too, so that a name that is no key is refused here as there.
      bucket.locate(key);
      if (!existsSync(root.path(key))) located.add(key);
      return root.path(key);
    },
    async pull(prefixes) {
      const keys = new Set((await Promise.all(prefixes.map((prefix) => bucket.list(prefix)))).flat());
      for (const prefix of prefixes) {
        for (const key of await root.keysBelow(prefix)) if (!keys.has(key)) await rm(root.path(key), { force: true });
      }
      await eachAtOnce([...keys], atOnce, fetch);
      return [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    },
    changed: () => [...changed],
  };
}

function createRoot(folder: string) {
  const path = (key: string) => join(folder, ...key.split('/'));
  return {
    path,
    /** Whole or not at all, so that what a kill leaves is fetched again. */
    async write(key: string, body: Uint8Array | string): Promise<void> {
      const file = path(key);
      await mkdir(dirname(file), { recursive: true });
      const draft = `${file}.${process.pid}.part`;
      await writeFile(draft, body);
      await rename(draft, file);
    },
    async keysBelow(prefix: string): Promise<string[]> {
      const inside = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      const entries = await readdir(path(inside), { recursive: true, withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(folder.length + 1)
            .split(/[\\/]/)
            .join('/'),
        )
        .filter((key) => key.startsWith(prefix));
    },
  };
}
