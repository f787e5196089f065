import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import type { Store } from '#core/ports';
import { endRun, type LakeBuilder } from '#pipeline/builds/lake-build';
import { holdsLease, readLease, releaseLease, renewLease, takeLease, whileLeased } from '#pipeline/builds/lease';

const at = (time: string) => () => new Date(`2026-11-20T${time}Z`);
const wanted = (holder: string) => ({ holder, buildId: `build-of-${holder}`, seconds: 3600 });

describe('the right to build', () => {
  let folder: string;
  let store: Store;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'percorso-lease-'));
    store = createFolderStore(folder);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('is one holder’s, who gets the same build when asking again', async () => {
    const first = await takeLease(store, wanted('a'), at('03:00:00'));
    expect(first).toMatchObject({ taken: { holder: 'a', build_id: 'build-of-a', until: '2026-11-20T04:00:00.000Z' } });
    expect(await takeLease(store, { ...wanted('a'), buildId: 'another' }, at('03:10:00'))).toEqual(first);
    expect(await takeLease(store, wanted('b'), at('03:10:00'))).toMatchObject({ held: { build_id: 'build-of-a' } });
    expect(await holdsLease(store, 'a', at('03:59:59'))).toBe(true);
    expect(await holdsLease(store, 'b', at('03:59:59'))).toBe(false);
  });

  test('passes on once it is given back, and says nothing of a dead build then', async () => {
    await takeLease(store, wanted('a'), at('03:00:00'));
    await releaseLease(store, 'b', at('03:01:00'));
    expect(await holdsLease(store, 'a', at('03:02:00'))).toBe(true);
    await releaseLease(store, 'a', at('03:05:00'));
    expect(await holdsLease(store, 'a', at('03:05:01'))).toBe(false);
    const next = await takeLease(store, wanted('b'), at('03:05:01'));
    expect(next).toMatchObject({ taken: { holder: 'b' } });
    expect(next).not.toHaveProperty('died');
  });

  test('passes on when its time is over, with the build that died under it', async () => {
    await takeLease(store, wanted('a'), at('03:00:00'));
    expect(await takeLease(store, wanted('b'), at('04:00:00'))).toMatchObject({
      taken: { holder: 'b' },
      died: { build_id: 'build-of-a' },
    });
    // The one that was slow and not dead may not publish any more, nor give back what is not its own.
    expect(await holdsLease(store, 'a', at('04:00:01'))).toBe(false);
    await releaseLease(store, 'a', at('04:00:01'));
    expect((await readLease(store))?.holder).toBe('b');
    expect(await store.list('marts/lease/')).toHaveLength(1);
  });

  test('is given back by a build whose tables the engine would not drop, so that the nights to come build', async () => {
    await takeLease(store, wanted('a'), at('03:00:00'));
    const builder = {
      company: { lake: store },
      dialect: () => ({ dropDatabase: (name: string) => [`drop ${name}`] }),
      tables: store,
      rawDatabase: 'acme',
      openWarehouse: () => ({ run: () => Promise.reject(new Error('not allowed to drop')) }),
      now: at('03:05:00'),
    } as unknown as LakeBuilder;
    await expect(endRun(builder, 'a')).rejects.toThrow('not allowed to drop');
    const next = await takeLease(store, wanted('b'), at('03:05:01'));
    expect(next).toMatchObject({ taken: { holder: 'b' } });
    expect(next).not.toHaveProperty('died');
  });

  test('goes to one of many who see it free at the same instant', async () => {
    await takeLease(store, wanted('dead'), at('01:00:00'));
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, n) => takeLease(store, wanted(`n${n}`), at('03:00:00'))),
    );
    const taken = all.flatMap((one) => ('taken' in one ? [one.taken.holder] : []));
    expect(taken).toHaveLength(1);
    expect((await readLease(store))?.holder).toBe(taken[0]);
  });

  test('lasts longer where its holder renews it, and never again once it is over', async () => {
    await takeLease(store, wanted('a'), at('03:00:00'));
    await renewLease(store, 'b', 3600, at('03:30:00'));
    expect(await holdsLease(store, 'a', at('04:00:01'))).toBe(false);
    await renewLease(store, 'a', 3600, at('03:30:00'));
    expect(await holdsLease(store, 'a', at('04:29:59'))).toBe(true);
    await renewLease(store, 'a', 3600, at('04:30:00'));
    expect(await holdsLease(store, 'a', at('04:30:01'))).toBe(false);
  });

  test('is held while work goes on, and given back after it, also where it fails', async () => {
    const mine = { holder: 'operator', buildId: 'by-hand' };
    const held = await whileLeased(store, mine, at('03:00:00'), async () => {
      await expect(
        whileLeased(store, { holder: 'other', buildId: 'x' }, at('03:01:00'), async () => 'never'),
      ).rejects.toThrow('by-hand is under way');
      return holdsLease(store, 'operator', at('03:14:59'));
    });
    expect(held).toBe(true);
    expect(await takeLease(store, wanted('night'), at('03:00:01'))).toMatchObject({ taken: { holder: 'night' } });
    await releaseLease(store, 'night', at('03:00:02'));
    const failing = whileLeased(store, mine, at('03:00:03'), () => Promise.reject(new Error('no memory')));
    await expect(failing).rejects.toThrow('no memory');
    expect(await holdsLease(store, 'operator', at('03:00:04'))).toBe(false);
  });

  test('still tells the next build of one that died before the work', async () => {
    await takeLease(store, wanted('a'), at('03:00:00'));
    await whileLeased(store, { holder: 'operator', buildId: 'by-hand' }, at('04:00:00'), async () => undefined);
    expect(await takeLease(store, wanted('b'), at('04:10:00'))).toMatchObject({
      taken: { holder: 'b' },
      died: { build_id: 'build-of-a' },
    });
  });
});
