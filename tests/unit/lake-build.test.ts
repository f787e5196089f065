import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { lake } from '#core/lake';
import type { Store } from '#core/ports';
import { programOf } from '#pipeline/builds/books';
import type { Catalogue } from '#pipeline/builds/catalogue';
import { type LakeBuilder, nextBatch, publishRun } from '#pipeline/builds/lake-build';
import type { SolverModel } from '#solvers/solver-model';

const solver = (source: string) => ({ name: 'fit', file: 'fit.ts', inputs: [], source, run: async () => {} });
const catalogue = (source: string): Catalogue => ({
  models: [solver(source) satisfies SolverModel & { source: string }],
  checks: [],
  seeds: {},
});

describe('a build whose statements others run', () => {
  let folder: string;
  let store: Store;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'percorso-lake-build-'));
    store = createFolderStore(folder);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const builder = (of: Catalogue) => ({ company: { lake: store }, catalogue: of }) as unknown as LakeBuilder;
  const plan = (content: object) => store.put(lake.plan('b1'), JSON.stringify(content));
  const run = { batches: [{ kind: 'solver', table: 'fit' }] };

  test('goes on with what the same version planned', async () => {
    await plan({ program: programOf(catalogue('1')), holder: 'a', run });
    expect(await nextBatch(builder(catalogue('1')), 'b1', 0)).toMatchObject({ kind: 'solver', table: 'fit', at: 1 });
  });

  test('ends where another version was deployed meanwhile, and publishes nothing', async () => {
    await plan({ program: programOf(catalogue('1')), holder: 'a', run });
    const other = builder(catalogue('2'));
    await expect(nextBatch(other, 'b1', 0)).rejects.toThrow('another version of Percorso planned the build b1');
    await expect(publishRun(other, 'b1')).rejects.toThrow('another version');
    expect(await store.get(lake.current)).toBeUndefined();
  });

  test('ends where a plan is of a form that this version does not know', async () => {
    await plan({ format: 1, holder: 'a', run });
    await expect(nextBatch(builder(catalogue('1')), 'b1', 0)).rejects.toThrow('another version');
  });
});
