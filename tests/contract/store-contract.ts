import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '#core/ports';

/** What every Store keeps. @param create opens an empty store; `discard` is called after each case. */
export function storeContract(name: string, create: () => Promise<{ store: Store; discard(): Promise<void> }>): void {
  describe(`every Store: ${name}`, () => {
    let store: Store;
    let discard: () => Promise<void>;
    const text = async (key: string) => Buffer.from((await store.get(key)) ?? []).toString();

    beforeEach(async () => {
      ({ store, discard } = await create());
    });
    afterEach(() => discard());

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

    it('lists more keys than one page of any service holds', async () => {
      const keys = Array.from({ length: 1100 }, (_, i) => `raw/${String(i).padStart(4, '0')}`);
      for (let at = 0; at < keys.length; at += 50) {
        await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, '')));
      }
      expect(await store.list('raw/')).toEqual(keys);
    });

    it('keeps bytes as they are, none of them too', async () => {
      const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256);
      await store.put('raw/bytes', bytes);
      expect(Buffer.compare(Buffer.from((await store.get('raw/bytes')) ?? []), Buffer.from(bytes))).toBe(0);
      await store.put('raw/empty', new Uint8Array());
      expect((await store.get('raw/empty'))?.byteLength).toBe(0);
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
}
