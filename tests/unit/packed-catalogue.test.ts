import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import { createQueryReader } from '#adapters/trino-reader';
import { isSqlModel, readCatalogue } from '#pipeline/builds/catalogue';
import { packCatalogue, readPackedCatalogue } from '#pipeline/builds/packed-catalogue';

test('the models come out of a bundle as they were read, solvers that run SQL of their own too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'percorso-packed-'));
  const warehouse = await createDuckDbWarehouse({ threads: 1, memory: '500MB' });
  try {
    const catalogue = await readCatalogue(await createQueryReader());
    const types = { costs: [{ name: 'spend', type: 'decimal(18,2)' }] };
    await packCatalogue({ catalogue, types }, folder);
    const back = await readPackedCatalogue(folder);
    expect(back.types).toEqual(types);
    expect(back.catalogue.checks).toEqual(catalogue.checks);
    expect(back.catalogue.seeds).toEqual(catalogue.seeds);
    expect(back.catalogue.models.filter(isSqlModel)).toEqual(catalogue.models.filter(isSqlModel));
    expect(back.catalogue.models.map(({ name }) => name)).toEqual(catalogue.models.map(({ name }) => name));
    // A Lambda has no sources of solvers: where it stands on a build, it must know them as the machine does that packed them.
    const sources = ({ models }: typeof catalogue) =>
      models.flatMap((model) => (isSqlModel(model) ? [] : [[model.name, model.source]]));
    expect(sources(back.catalogue)).toEqual(sources(catalogue));
    // A chain of three and a pair: two persons.
    await warehouse.createTable(
      'identity_edges',
      'select cast(hi as bigint) as hi, cast(lo as bigint) as lo from (values (2, 1), (3, 2), (9, 8)) as edges (hi, lo)',
    );
    const solver = back.catalogue.models.find(({ name }) => name === 'identity_labels');
    if (solver === undefined || isSqlModel(solver)) throw new Error('no solver of identities');
    await solver.run(warehouse);
    expect(await warehouse.query('select label_key, root from identity_labels order by label_key')).toEqual(
      [
        [1, 1],
        [2, 1],
        [3, 1],
        [8, 8],
        [9, 8],
      ].map(([label_key, root]) => ({ label_key: String(label_key), root: String(root) })),
    );
  } finally {
    await warehouse.close();
    await rm(folder, { recursive: true, force: true });
  }
});
