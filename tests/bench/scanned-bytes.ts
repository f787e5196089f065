// What each statement of a build reads, as Athena would bill it: `node --import tsx tests/bench/scanned-bytes.ts DIR DIR DIR`.
// Three companies whose facts are imported (`percorso demo DIR --customers N --days N`, then `percorso import`): 24,000
// persons in 730 days, 20,000 in 182, 6,000 in 182. Each is built whole on DuckDB, then one day's events are added and built on top; of every statement the plan
// that DuckDB makes names the tables and columns that it reads, and those columns are weighed as they lie in Parquet. From
// the three it is reckoned what grows with a day's events, what with all of them, and what with the months alone. Writes infra/prices/scanned-bytes.csv, which `percorso cost` reckons with. Raw data is not changed.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import { createDuckDbWarehouse } from '../../functions/adapters/duckdb-warehouse.ts';
import { createFolderStore } from '../../functions/adapters/folder-store.ts';
import { openCatalogue } from '../../functions/cli/build.ts';
import { lake } from '../../functions/core/lake.ts';
import type { FilingWarehouse, Store } from '../../functions/core/ports.ts';
import { build } from '../../functions/pipeline/builds/build.ts';
import { loadCompany } from '../../functions/pipeline/company/company.ts';

interface Measured {
  statements: number;
  bytes: number;
}

/** What one company's builds read, by step, and what they were made of. */
interface Company {
  /** Events that count, of all days. */
  history: number;
  /** Events a day, of the last 90. */
  perDay: number;
  months: number;
  full: Map<string, Measured>;
  daily: Map<string, Measured>;
  sizes: Sizes;
}

interface Sizes {
  raw: number;
  published: number;
  kept: number;
  /** What a day's build writes of tables that the next ones stand on or readers see, and of others. */
  written: number;
  scratch: number;
}

type Plan = z.output<typeof planNode>;
interface Node {
  name: string;
  children: Node[];
  extra_info: Record<string, unknown>;
}
const planNode: z.ZodType<Node> = z.lazy(() =>
  z.object({ name: z.string(), children: z.array(planNode), extra_info: z.record(z.string(), z.unknown()) }),
);
const textOf = (value: unknown) => (Array.isArray(value) ? value.join(' AND ') : String(value ?? ''));

function scansOf(node: Plan): { table: string; columns: string[]; filters: string }[] {
  const table = /SEQ_SCAN/.test(node.name) ? textOf(node.extra_info.Table).split('.').pop() : undefined;
  const projected = node.extra_info.Projections;
  const columns = (Array.isArray(projected) ? projected.map(String) : [textOf(projected)]).filter((one) => one !== '');
  const own = table === undefined ? [] : [{ table, columns, filters: textOf(node.extra_info.Filters) }];
  return [...own, ...node.children.flatMap(scansOf)];
}

/** A warehouse that weighs what each statement reads before it runs it. */
async function createScale(scratch: string, inner: FilingWarehouse, partitions: ReadonlyMap<string, string>) {
  const measured = new Map<string, Measured>();
  /** Compressed bytes of each column of each table; `*` is of all columns, however few are read. */
  const weights = new Map<string, Map<string, number>>();
  let step = '';
  // As on Trino: a CTE is made anew wherever it is read, and no two equal parts are made once.
  await inner.run("set disabled_optimizers = 'common_subplan,materialized_cte'");

  let scratchBytes = 0;
  const note = (bytes: number) => {
    const known = measured.get(step) ?? { statements: 0, bytes: 0 };
    measured.set(step, { statements: known.statements + 1, bytes: known.bytes + bytes });
  };
  const weigh = async (table: string) => {
    const file = join(scratch, 'weighed.parquet');
    await inner.unload(`select * from ${table}`, file);
    const rows = await inner.query(
      `select path_in_schema as name, sum(total_compressed_size) as bytes from parquet_metadata('${file}') group by path_in_schema`,
    );
    // `keys, anonymous_id` is a field of the struct `keys`.
    const columns = new Map<string, number>();
    for (const { name, bytes } of rows) {
      const column = String(name).split(/[.,]/)[0] ?? '';
      columns.set(column, (columns.get(column) ?? 0) + Number(bytes));
    }
    weights.set(table, columns);
    return [...columns.values()].reduce((sum, bytes) => sum + bytes, 0);
  };
  /** The share of a table that a condition on its partition leaves. */
  const shareOf = async (table: string, filters: string): Promise<number> => {
    const column = partitions.get(table.replace(/_(open|closed|stored|published)$/, ''));
    const conditions = filters
      .split(/ AND (?![^(]*\))/)
      .filter((one) => column !== undefined && one.startsWith(column));
    if (conditions.length === 0) return 1;
    const [row] = await inner.query(
      `select cast(count(*) filter (where ${conditions.join(' and ')}) as double) / nullif(count(*), 0) as share from ${table}`,
    );
    return Number(row?.share ?? 1);
  };
  const look = async (sql: string) => {
    const asTrino = sql.replaceAll(/^((?:with )?[a-z_0-9]+) as \($/gm, '$1 as not materialized (');
    const [row] = await inner.query(`explain (format json) ${asTrino}`);
    const plans = z.array(planNode).parse(JSON.parse(String(row?.explain_value)));
    let bytes = 0;
    for (const { table, columns, filters } of plans.flatMap(scansOf)) {
      const of = weights.get(table);
      if (of === undefined) throw new Error(`${table} was never weighed`);
      const words = new Set(filters.match(/\w+/g));
      const read = new Set([...columns, ...[...of.keys()].filter((name) => words.has(name))]);
      const weight =
        of.get('*') ?? [...read].reduce((sum, column) => sum + (of.get(column.split('.')[0] ?? '') ?? 0), 0);
      bytes += weight * (await shareOf(table, filters));
    }
    note(bytes);
  };

  const scale: FilingWarehouse = {
    ...inner,
    async query(sql) {
      if (!/^select count\(\*\) as n from \w+$/.test(sql)) await look(sql);
      return inner.query(sql);
    },
    async queryNumbers(sql, columns) {
      await look(sql);
      return inner.queryNumbers(sql, columns);
    },
    async createTable(name, select, hints) {
      await look(select);
      const rows = await inner.createTable(name, select, hints);
      scratchBytes += await weigh(name);
      return rows;
    },
    // A view costs who reads it, as on Athena: DuckDB's plan of the reader names the tables behind it.
    async createTableFromJsonLines(name, columns, locations, origin) {
      await inner.createTableFromJsonLines(`json_${name}`, columns, locations, origin);
      await inner.createTable(name, `select * from json_${name}`);
      let bytes = 0;
      for (const location of locations) bytes += (await stat(location)).size;
      weights.set(name, new Map([['*', bytes]]));
    },
    async createTableFromParquet(name, columns, locations, where) {
      await inner.createTableFromParquet(`files_${name}`, columns, locations, where);
      await inner.createTable(name, `select * from files_${name}`);
      await weigh(name);
    },
    async createTableFromRows(name, columns, rows) {
      await inner.createTableFromRows(name, columns, rows);
      await weigh(name);
    },
    async createTableFromColumns(name, columns) {
      await inner.createTableFromColumns(name, columns);
      await weigh(name);
    },
    async isKey(table, columns) {
      await look(
        `select ${columns.join(', ')}, count(*) as n from ${table} group by ${columns.join(', ')} having count(*) > 1`,
      );
      return inner.isKey(table, columns);
    },
    async unload(select, location, hints) {
      await look(select);
      return inner.unload(select, location, hints);
    },
    async unloadByMonth(select, column, locate, hints) {
      await look(select);
      return inner.unloadByMonth(select, column, locate, hints);
    },
  };
  return { scale, measured, scratch: () => scratchBytes, at: (label: string) => (step = label) };
}

async function buildWeighed(dir: string, scratch: string, fullRefresh: boolean) {
  const company = await loadCompany({
    dir,
    env: process.env,
    openStore: createFolderStore,
    // Each statement is weighed in a table of one name.
    set: ['fullRefresh=never', 'engine.stepsAtOnce=1'],
  });
  const catalogue = await openCatalogue();
  const partitions = new Map<string, string>();
  for (const model of catalogue.models) {
    if ('header' in model && model.header.partition !== undefined)
      partitions.set(model.name, model.header.partition.column);
  }
  const inner = await createDuckDbWarehouse({ spill: join(scratch, 'spill'), memory: '3GB' });
  const { scale, measured, at, scratch: scratchBytes } = await createScale(scratch, inner, partitions);
  try {
    const result = await build(company, catalogue, scale, { fullRefresh, onStep: ({ label }) => at(label) });
    return { company, measured, manifest: result.manifest, scratchBytes: scratchBytes() };
  } finally {
    await scale.close();
  }
}

async function bytesOf(store: Store, keys: Iterable<string>): Promise<number> {
  let bytes = 0;
  for (const key of new Set(keys)) bytes += (await stat(store.locate(key))).size;
  return bytes;
}

async function measureCompany(dir: string): Promise<Company> {
  const scratch = await mkdtemp(join(tmpdir(), 'percorso-scale-'));
  let added: { store: Store; key: string } | undefined;
  try {
    const whole = await buildWeighed(dir, scratch, true);
    const { lake: store } = whole.company;
    // One object of the last day once more, under ids of its own: what a night brings.
    const objects = await store.list(lake.rawEvents);
    const last = objects.at(-1) ?? '';
    const text = `${(await import('node:zlib')).gunzipSync((await store.get(last)) ?? '').toString()}`;
    const line = z.looseObject({ event_id: z.string(), occurred_at: z.string() });
    const day = new Date(Date.parse(whole.manifest.as_of) + 86_400_000).toISOString().slice(0, 10);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((one) => line.parse(JSON.parse(one)));
    const fresh = lines
      .filter((one) => one.occurred_at.startsWith(whole.manifest.as_of))
      .map((one) =>
        JSON.stringify({ ...one, event_id: `next-${one.event_id}`, occurred_at: `${day}${one.occurred_at.slice(10)}` }),
      );
    added = { store, key: lake.rawEvent(day, '0'.repeat(32), 1) };
    await store.put(added.key, gzipSync(`${fresh.join('\n')}\n`));
    const next = await buildWeighed(dir, scratch, false);
    if (next.manifest.kind !== 'daily') throw new Error(`not a daily build: ${next.manifest.reason ?? ''}`);
    const { tables, books } = next.manifest;
    const files = (of: typeof tables) => Object.values(of).flatMap((table) => table.files.map((file) => file.key));
    const events = tables.events;
    const counts = await import('../../functions/pipeline/reading/query.ts').then(async ({ queryMarts }) => {
      const { openMarts } = await import('../../functions/adapters/duckdb-marts.ts');
      return queryMarts(
        store,
        (marts) => openMarts(marts),
        `select count(*) filter (where event_date > date '${next.manifest.as_of}' - interval '90' day) / 90.0 as per_day,
           date_diff('day', min(event_date), max(event_date)) / 30.4 as months from events`,
      );
    });
    return {
      history: events?.rows ?? 0,
      perDay: Number(counts.rows[0]?.[0]),
      months: Number(counts.rows[0]?.[1]),
      full: whole.measured,
      daily: next.measured,
      sizes: {
        raw: await bytesOf(store, objects),
        published: await bytesOf(store, files(tables)),
        kept: await bytesOf(store, files(books?.tables ?? {})),
        written: await bytesOf(
          store,
          [...files(tables), ...files(books?.tables ?? {})].filter((key) => key.includes(next.manifest.build_id)),
        ),
        scratch: next.scratchBytes,
      },
    };
  } finally {
    if (added !== undefined) await added.store.remove(added.key);
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Growth {
  perDay: number;
  history: number;
  months: number;
}

/**
 * bytes = events a day x a + events of history x b + months x c through all companies, none below zero: the best, by relative
 * error, of what each choice of the three gives.
 */
function fit(companies: readonly Company[], bytes: readonly number[]): Growth {
  const terms = companies.map(({ perDay, history, months }) => [perDay, history, months]);
  const weights = bytes.map((one) => 1 / Math.max(one, 1000));
  let best = { error: Number.POSITIVE_INFINITY, found: [0, 0, 0] };
  for (let choice = 1; choice < 8; choice++) {
    const chosen = [0, 1, 2].filter((term) => (choice >> term) % 2 === 1);
    const rows = terms.map((row, at) => chosen.map((term) => (row[term] ?? 0) * (weights[at] ?? 0)));
    const solved = leastSquares(
      rows,
      bytes.map((one, at) => one * (weights[at] ?? 0)),
    );
    if (solved === undefined || solved.some((one) => one < 0)) continue;
    const found = [0, 1, 2].map((term) => solved[chosen.indexOf(term)] ?? 0);
    const error = terms.reduce((sum, row, at) => {
      const reckoned = row.reduce((all, value, term) => all + value * (found[term] ?? 0), 0);
      return sum + ((reckoned - (bytes[at] ?? 0)) * (weights[at] ?? 0)) ** 2;
    }, 0);
    if (error < best.error - 1e-9) best = { error, found };
  }
  const [perDay = 0, history = 0, months = 0] = best.found;
  return { perDay, history, months };
}

/** The x of least |rows x - values|, by the normal equations; undefined where they have no single solution. */
function leastSquares(rows: readonly number[][], values: readonly number[]): number[] | undefined {
  const size = rows[0]?.length ?? 0;
  const system = Array.from({ length: size }, (_, i) => [
    ...Array.from({ length: size }, (_, j) => rows.reduce((sum, row) => sum + (row[i] ?? 0) * (row[j] ?? 0), 0)),
    rows.reduce((sum, row, at) => sum + (row[i] ?? 0) * (values[at] ?? 0), 0),
  ]);
  for (let i = 0; i < size; i++) {
    const pivot = system[i]?.[i] ?? 0;
    if (Math.abs(pivot) < 1e-12) return undefined;
    for (let j = 0; j < size; j++) {
      if (j === i) continue;
      const factor = (system[j]?.[i] ?? 0) / pivot;
      system[j] = (system[j] ?? []).map((value, at) => value - factor * (system[i]?.[at] ?? 0));
    }
  }
  return system.map((row, i) => (row[size] ?? 0) / (row[i] ?? 1));
}

const dirs = process.argv.slice(2);
if (dirs.length !== 3) throw new Error('scanned-bytes.ts DIR DIR DIR');
const companies: Company[] = [];
for (const dir of dirs) {
  const one = await measureCompany(dir);
  companies.push(one);
  const sum = (of: Map<string, Measured>) => [...of.values()].reduce((all, { bytes }) => all + bytes, 0);
  const count = (of: Map<string, Measured>) => [...of.values()].reduce((all, { statements }) => all + statements, 0);
  console.log(
    `${one.history} events, ${one.perDay.toFixed(0)} a day, ${one.months.toFixed(0)} months; whole build ${count(one.full)} statements, ` +
      `${(sum(one.full) / 1e6).toFixed(1)} MB; a day's ${count(one.daily)}, ${(sum(one.daily) / 1e6).toFixed(1)} MB; stored ${JSON.stringify(one.sizes)}`,
  );
}
/**
 * The most that a step reads for each month, where its rows are no longer more once all there can be are there. The intervals
 * read buckets (7 types, 14 channels, 256 buckets, 20 columns of 8 bytes) once a channel, and replicates (8 types, 14 channels,
 * 200 replicates, 5 columns) once a channel and once more.
 */
const mostPerMonth: Record<string, number> = {
  'solver credit_intervals': 7 * 14 * 256 * 20 * 8 * 14 + 8 * 14 * 200 * 5 * 8 * 15,
};
const rows = [
  'build,step,statements,bytes_per_daily_event,bytes_per_event_of_history,bytes_per_month,at_most_per_month',
];
const [largest] = companies;
const line = (build: string, step: string, statements: number, bytes: readonly number[]) => {
  const { perDay, history, months } = fit(companies, bytes);
  rows.push(
    [build, step, statements, perDay.toFixed(1), history.toFixed(3), Math.round(months), mostPerMonth[step] ?? ''].join(
      ',',
    ),
  );
};
for (const kind of ['daily', 'full'] as const) {
  for (const [step, { statements }] of largest?.[kind] ?? []) {
    line(
      kind,
      step,
      statements,
      companies.map((one) => one[kind].get(step)?.bytes ?? 0),
    );
  }
}
for (const size of ['raw', 'published', 'kept', 'written', 'scratch'] as const) {
  line(
    'stored',
    size,
    0,
    companies.map((one) => one.sizes[size]),
  );
}
await writeFile(
  fileURLToPath(new URL('../../infra/prices/scanned-bytes.csv', import.meta.url)),
  `${rows.join('\n')}\n`,
);
