// Connected components at scale: a million links in chains of 1,000, through the solver's rounds on DuckDB, with nodes in time
// order and shuffled as identity_nodes shuffles them. `node tests/bench/identity.js [links]` prints rounds, wall time and peak
// memory of each; the two run in processes of their own.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

const links = Number(process.argv[2] ?? 1_000_000);
const chain = 1_000;
const inTimeOrder = 'time order';
// [what is shown, the key of a node n: as identity_nodes makes it, for events as they came]
const orders = {
  [inTimeOrder]: 'n',
  shuffled: '(n * 48271) % 2147483647',
};

async function run(order) {
  register();
  const { createDuckDbWarehouse } = await import('../../functions/adapters/duckdb-warehouse.ts');
  const { identityComponents } = await import('../../functions/solvers/identity-components.ts');
  const warehouse = await createDuckDbWarehouse({ threads: 2, memory: '4GB' });
  // Chain c has the nodes c * 1001 + 1 to c * 1001 + 1001. Node numbers are by first seen: in time order they rise along a chain.
  await warehouse.run(
    `create table numbered as select i, row_number() over (order by ${orders[order].replaceAll('n', 'i')}) as node
     from range(1, ${links + links / chain + 1}) as numbers (i)`,
  );
  await warehouse.run(
    `create table identity_nodes as select i, (node * 1327217885) % 2147483647 as label_key from numbered`,
  );
  await warehouse.run(
    `create table identity_edges as
     select greatest(a.label_key, b.label_key) as hi, least(a.label_key, b.label_key) as lo
     from identity_nodes as a inner join identity_nodes as b on b.i = a.i + 1
     where a.i % ${chain + 1} <> 0`,
  );
  let rounds = 0;
  const counted = {
    ...warehouse,
    createTable: (name, select) => {
      if (name === 'component_hooks') rounds += 1;
      return warehouse.createTable(name, select);
    },
  };
  const solver = await identityComponents(fileURLToPath(new URL('../../sql/models/people/rounds', import.meta.url)));
  const began = performance.now();
  await solver.run(counted);
  const seconds = (performance.now() - began) / 1000;
  const [row] = await warehouse.query(
    'select count(*) as labelled, count(distinct root) as components from identity_labels',
  );
  const [edges] = await warehouse.query('select count(*) as n from identity_edges');
  await warehouse.close();
  if (Number(row.components) !== links / chain) throw new Error(`${row.components} components`);
  console.log(
    `| ${order} | ${edges.n} | ${row.components} | ${rounds} | ${seconds.toFixed(1)} | ${Math.round(process.resourceUsage().maxRSS / 1024)} |`,
  );
}

if (process.argv[3] !== undefined) await run(process.argv[3]);
else {
  console.log('| nodes | links | persons | rounds | wall s | peak MB |\n| --- | --- | --- | --- | --- | --- |');
  for (const order of Object.keys(orders)) {
    const done = spawnSync(process.execPath, [fileURLToPath(import.meta.url), String(links), order], {
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(done.stderr);
    process.stdout.write(done.stdout);
  }
}
