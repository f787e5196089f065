import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { storeContract } from './store-contract.ts';

storeContract('folder store', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'percorso-store-'));
  return { store: createFolderStore(folder), discard: () => rm(folder, { recursive: true, force: true }) };
});

it.skip('every Store: S3 store (skipped here: it needs a server; `npm run test:cloud` starts one and runs it)');

describe('the folder store', () => {
  it('shows no file that is still being written, and leaves none behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'percorso-store-'));
    try {
      const store = createFolderStore(folder);
      await mkdir(join(folder, 'raw'));
      await writeFile(join(folder, 'raw', 'a.4711-0123456789ab.tmp'), 'half');
      await store.put('raw/b', '1');
      await store.putIfAbsent('raw/b', '2');
      expect(await store.list('raw/')).toEqual(['raw/b']);
      expect(await readdir(join(folder, 'raw'))).toEqual(['a.4711-0123456789ab.tmp', 'b']);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
