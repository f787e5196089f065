import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import type { Warehouse } from '#core/ports';
import { identityComponents } from '#solvers/identity-components';

const rounds = fileURLToPath(new URL('../../sql/models/people/rounds', import.meta.url));
let warehouse: Warehouse;
beforeAll(async () => {
  warehouse = await createDuckDbWarehouse();
});
afterAll(() => warehouse.close());

type Edge = [number, number];

async function components(edges: readonly Edge[]): Promise<Map<number, number>> {
  const distinct = new Map(
    edges
      .filter(([a, b]) => a !== b)
      .map(([a, b]) => [`${Math.max(a, b)}-${Math.min(a, b)}`, { hi: Math.max(a, b), lo: Math.min(a, b) }]),
  );
  await warehouse.createTableFromRows('identity_edges', { hi: 'bigint', lo: 'bigint' }, [...distinct.values()]);
  const solver = await identityComponents(rounds);
  await solver.run(warehouse);
  const rows = await warehouse.query('select label_key, root from identity_labels');
  expect(new Set(rows.map((row) => row.label_key)).size).toBe(rows.length);
  return new Map(rows.map((row) => [Number(row.label_key), Number(row.root)]));
}

/** The same by union-find, node by node. */
function unionFind(edges: readonly Edge[]): Map<number, number> {
  const parent = new Map<number, number>();
  const find = (node: number): number => {
    let root = node;
    for (let up = parent.get(root) ?? root; up !== root; up = parent.get(root) ?? root) root = up;
    parent.set(node, root);
    return root;
  };
  for (const [a, b] of edges) {
    if (a === b) continue;
    const [low, high] = [find(a), find(b)].sort((x, y) => x - y);
    if (low !== undefined && high !== undefined) parent.set(high, low);
  }
  const nodes = new Set(edges.filter(([a, b]) => a !== b).flat());
  return new Map([...nodes].map((node) => [node, find(node)]));
}

const sorted = (labels: Map<number, number>) => [...labels].sort((a, b) => a[0] - b[0]);

test('every graph falls into the same components as by union-find, each named by its smallest node', async () => {
  const edge = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }));
  await fc.assert(
    fc.asyncProperty(fc.array(edge, { maxLength: 45 }), async (edges) => {
      expect(sorted(await components(edges))).toEqual(sorted(unionFind(edges)));
    }),
    { numRuns: 25 },
  );
});

test('a chain of a thousand links in any order is one person', async () => {
  const shuffled = (index: number) => Number((BigInt(index) * 1_327_217_885n) % 2_147_483_647n);
  const chain: Edge[] = Array.from({ length: 1000 }, (_, index) => [shuffled(index + 1), shuffled(index + 2)]);
  const labels = await components(chain);
  expect(labels.size).toBe(1001);
  expect(new Set(labels.values())).toEqual(new Set([Math.min(...chain.flat())]));
});

test('a chain whose names rise along it comes to an end too', async () => {
  const chain: Edge[] = Array.from({ length: 300 }, (_, index) => [index + 1, index + 2]);
  expect(new Set((await components(chain)).values())).toEqual(new Set([1]));
});

test('a graph without edges has no labels', async () => {
  expect(await components([])).toEqual(new Map());
});
