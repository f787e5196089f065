import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import type { Store } from '#core/ports';

const adapters: Record<string, (folder: string) => Store> = { 'folder store': createFolderStore };

describe.each(Object.entries(adapters))('every Store: %s', (_, create) => {
  let folder: string;
  let store: Store;
  const text = async (key: string) => Buffer.from((await store.get(key)) ?? []).toString();

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'percorso-store-'));
    store = create(folder);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gives back what was put, and replaces it', async () => {
    await store.put('raw/a/b.txt', 'one');
    await store.put('raw/a/b.txt', new TextEncoder().encode('two'));
    expect(await text('raw/a/b.txt')).toBe('two');
  });

  it('has nothing where nothing was put', async () => {
    expect(await store.get('raw/none')).toBeUndefined();
    expect(await store.list('raw/')).toEqual([]);
    await store.put('raw/x', '1');
    expect(await store.get('raw/x/below')).toBeUndefined();
  });

  it('leaves an object that is there as it is, and says so', async () => {
    expect(await store.putIfAbsent('raw/a', 'first')).toBe(true);
    expect(await store.putIfAbsent('raw/a', 'second')).toBe(false);
    expect(await text('raw/a')).toBe('first');
  });

  it('lets exactly one of many that put the same absent object win', async () => {
    const wins = await Promise.all(Array.from({ length: 20 }, (_, i) => store.putIfAbsent('raw/a', `writer ${i}`)));
    expect(wins.filter((won) => won)).toHaveLength(1);
    expect(await text('raw/a')).toBe(`writer ${wins.indexOf(true)}`);
  });

  it('lists keys by prefix in byte order, also where the prefix ends within a name', async () => {
    for (const key of ['raw/b', 'raw/a/2', 'raw/a/10', 'raw/a-b', 'raw/é', 'rejected/a']) await store.put(key, key);
    expect(await store.list('raw/')).toEqual(['raw/a-b', 'raw/a/10', 'raw/a/2', 'raw/b', 'raw/é']);
    expect(await store.list('raw/a/1')).toEqual(['raw/a/10']);
    expect(await store.list('raw/a')).toEqual(['raw/a-b', 'raw/a/10', 'raw/a/2']);
    expect(await store.list('')).toHaveLength(6);
    expect(await store.list('r')).toHaveLength(6);
  });

  it('removes an object, and does not mind one that is not there', async () => {
    await store.put('raw/a', '1');
    await store.remove('raw/a');
    await store.remove('raw/a');
    expect(await store.list('raw/')).toEqual([]);
  });

  it('refuses keys that would leave it', async () => {
    for (const key of ['../x', '/etc/x', 'a/../../x', 'a//b', '', '.', 'a\\..\\b', 'a\0b']) {
      await expect(async () => store.put(key, 'x')).rejects.toThrow('not a key');
      await expect(async () => store.get(key)).rejects.toThrow('not a key');
    }
    await expect(async () => store.list('../')).rejects.toThrow('not a key');
  });

  it('says where an engine finds an object', () => {
    expect(store.locate('raw/a')).toContain('raw/a');
  });
});

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
