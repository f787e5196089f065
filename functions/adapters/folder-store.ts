import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Store } from '#core/ports';
import { hasCode, makeDurableFolder, syncFolder, writeNewFile } from './durable-files.ts';
import { notAKey, refuseForeignKey } from './lake-key.ts';

/** How a file is called while it is being written. No key may end so, and no listing shows one. */
const unfinished = /\.\d+-[0-9a-f]{12}\.tmp$/;

const isMissing = (error: unknown) => hasCode(error, 'ENOENT', 'ENOTDIR');

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** A Store in a folder of this machine. Keys that would leave the folder are an error. */
export function createFolderStore(root: string): Store {
  const base = resolve(root);

  function pathOf(key: string): string {
    refuseForeignKey(key);
    if (unfinished.test(key)) throw notAKey(key);
    return join(base, ...key.split('/'));
  }

  async function writeUnfinished(path: string, body: Uint8Array | string): Promise<string> {
    await makeDurableFolder(dirname(path));
    const temporary = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
    try {
      await writeNewFile(temporary, body);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    return temporary;
  }

  return {
    async put(key, body) {
      const path = pathOf(key);
      const temporary = await writeUnfinished(path, body);
      await rename(temporary, path);
      await syncFolder(dirname(path));
    },
    async putIfAbsent(key, body) {
      const path = pathOf(key);
      if (await isFile(path)) {
        // Its writer may have died before the name was durable, and the caller will count on it.
        await syncFolder(dirname(path));
        return false;
      }
      const temporary = await writeUnfinished(path, body);
      try {
        // A link fails where the name is taken, also when another process takes it at this very moment.
        await link(temporary, path);
        await syncFolder(dirname(path));
        return true;
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return false;
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
    },
    async get(key) {
      try {
        return await readFile(pathOf(key));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    async list(prefix) {
      // The prefix may end within a name: its last whole folder is read, and the names are compared.
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      const keys: string[] = [];
      async function read(inside: string): Promise<void> {
        const path = inside === '' ? base : pathOf(inside.slice(0, -1));
        const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
          if (isMissing(error)) return [];
          throw error;
        });
        for (const entry of entries) {
          const key = inside + entry.name;
          if (entry.isDirectory()) {
            if (key.startsWith(prefix)) await read(`${key}/`);
          } else if (key.startsWith(prefix) && !unfinished.test(key)) keys.push(key);
        }
      }
      await read(folder);
      return keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    },
    async remove(key) {
      const path = pathOf(key);
      await rm(path, { force: true });
    },
    locate: (key) => pathOf(key),
  };
}
