import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PercorsoError } from '#core/errors';
import type { Warehouse } from '#core/ports';
import type { SolverModel } from '#solvers/solver-model';

/** Rounds that any graph of persons needs stay below 12; a thousand means that the SQL of a round does not shrink it. */
const mostRounds = 1000;

/**
 * Connected components of the identity graph, in rounds of SQL: each node hooks to its smallest neighbour, jumps three
 * times along such hooks (so up to eight links at once), and what is left is contracted, until no edge is left. The
 * edges halve at least in each round unless node names rise along a chain, so names should be shuffled.
 *
 * In: `identity_edges` (hi bigint > lo bigint, distinct). Out: `identity_labels` (label_key, root): one row for each
 * node of an edge; root is the smallest node of its component.
 * @param tables other names of these two tables.
 * @param folder where the SQL of the rounds stands.
 */
export async function identityComponents(
  folder: string,
  tables: { edges: string; labels: string } = { edges: 'identity_edges', labels: 'identity_labels' },
): Promise<SolverModel> {
  const sql = (part: string) => readFile(join(folder, `${part}.sql`), 'utf8');
  const [start, hook, follow, contract, labels] = await Promise.all([
    sql('component_start'),
    sql('component_hooks'),
    sql('component_follow'),
    sql('component_contract'),
    sql('component_labels'),
  ]);
  return {
    name: tables.labels,
    file: 'functions/solvers/identity-components.ts',
    inputs: [tables.edges],
    async run(warehouse) {
      await warehouse.createTable('component_edges', `select hi, lo from ${tables.edges}`);
      await warehouse.createTable('component_roots', start);
      for (let round = 0; await hasRows(warehouse, 'component_edges'); round++) {
        if (round === mostRounds) {
          throw new PercorsoError(`identities are still not connected after ${mostRounds} rounds`, {
            mend: 'check sql/models/people/rounds: each round must leave fewer edges',
          });
        }
        await warehouse.createTable('component_hooks', hook);
        await replace(warehouse, 'component_roots', follow);
        await replace(warehouse, 'component_edges', contract);
      }
      await warehouse.createTable(tables.labels, labels);
      for (const table of ['component_edges', 'component_roots', 'component_hooks', 'component_next']) {
        await warehouse.dropTable(table);
      }
    },
  };
}

/** Not every engine may write the table that it reads. */
async function replace(warehouse: Warehouse, table: string, select: string): Promise<void> {
  await warehouse.createTable('component_next', select);
  await warehouse.createTable(table, 'select * from component_next');
}

async function hasRows(warehouse: Warehouse, table: string): Promise<boolean> {
  return (await warehouse.query(`select 1 as one from ${table} limit 1`)).length > 0;
}
