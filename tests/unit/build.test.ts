import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openMarts, writeParquet } from '#adapters/duckdb-marts';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import { createFolderStore } from '#adapters/folder-store';
import { createQueryReader } from '#adapters/trino-reader';
import type { StoredEvent } from '#core/event';
import { lake } from '#core/lake';
import type { MartTables, Store } from '#core/ports';
import { createRawWriter } from '#pipeline/arrivals/store';
import { type BuildOptions, build } from '#pipeline/builds/build';
import { readCatalogue } from '#pipeline/builds/catalogue';
import { describeStep, planBuild } from '#pipeline/builds/plan';
import { pruneBuilds, readCurrentManifest } from '#pipeline/builds/publish';
import { type Company, loadCompany } from '#pipeline/company/company';
import { exportTable } from '#pipeline/reading/export';
import { queryMarts } from '#pipeline/reading/query';

let dir: string;
let company: Company;
let minute = 0;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-build-'));
  await writeFile(join(dir, 'percorso.config.ts'), "export default { name: 'Acme', timeZone: 'America/Lima' };\n");
  company = await loadCompany({ dir, env: {}, openStore: createFolderStore });
  await writeModels(models);
  await receive(['a', 'b', 'b']);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const header = (published: string, columns: string, more = '') =>
  `-- purpose: a table of this test\n-- grain: one row per event\n-- key: ${columns.includes(' day') ? 'event_id, day' : 'event_id'}\n-- kept: table\n-- published: ${published}\n${more}-- columns:\n${columns
    .split(' ')
    .map((column) => `--   ${column}: its ${column}`)
    .join('\n')}\n`;

const models: Record<string, string> = {
  'models/staging/seen.sql': `${header('no', 'event_id')}select event_id, source, cast(substr(occurred_at, 1, 10) as date) as day, raw_object from raw_events`,
  'models/staging/horizon.sql': `${header('no', 'as_of_day')}select coalesce(max(settings.as_of_wanted), max(seen.day)) as as_of_day from seen cross join settings`,
  'models/visits.sql': `${header('yes', 'event_id day zone', '-- partition: day month\n')}select distinct seen.event_id, seen.day, 'Europe/Rome' /* time zone */ as zone from seen`,
  'models/totals.sql': `${header('yes', 'event_id visits share')}select visits.event_id, count(*) as visits, cast(1 as double) / 3 as share from visits group by visits.event_id`,
  'checks/few_visits.sql':
    "-- purpose: no event is called bad\n-- severity: error\n-- model: visits\nselect visits.event_id from visits where visits.event_id = 'bad'",
  'checks/noted.sql':
    "-- purpose: every event is called a\n-- severity: warn\n-- model: visits\nselect visits.event_id from visits where visits.event_id <> 'a'",
};

async function writeModels(files: Record<string, string>): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, 'sql', file)), { recursive: true });
    await writeFile(join(dir, 'sql', file), text);
  }
}

async function receive(ids: readonly string[], month = '01'): Promise<void> {
  const writer = createRawWriter(company.lake, { identifierKey: Buffer.alloc(32) });
  for (const [index, event_id] of ids.entries()) {
    const event: StoredEvent = {
      source: 'shop',
      event_id,
      event_type: 'Contact',
      occurred_at: `2026-${month}-0${index + 1}T10:00:00.000Z`,
      received_at: '2026-03-01T10:00:00.000Z',
      trust: 'server',
      keys: {},
      schema_version: 1,
    };
    await writer.event(event);
  }
  await writer.flush();
}

async function run(options: BuildOptions = {}, store: Store = company.lake) {
  const catalogue = await readCatalogue(await createQueryReader(), join(dir, 'sql'));
  const warehouse = await createDuckDbWarehouse();
  minute += 1;
  const now = new Date(Date.UTC(2026, 2, 2, 10, minute));
  try {
    return await build({ ...company, lake: store }, catalogue, warehouse, { now: () => now, ...options });
  } finally {
    await warehouse.close();
  }
}

async function rows(sql: string) {
  return (await queryMarts(company.lake, (tables) => openMarts(tables), sql)).rows;
}

const builds = async () => [
  ...new Set((await company.lake.list(lake.builds)).map((key) => key.slice(lake.builds.length).split('/')[0])),
];

describe('a view', () => {
  const view = {
    // The wide table is nobody's but the view's.
    'models/wide.sql': `${header('no', 'event_id')}select seen.event_id, count(*) as visits from seen group by seen.event_id`,
    'models/long.sql': `${header('yes', 'event_id visits').replace('kept: table', 'kept: view')}select wide.event_id, wide.visits from wide where wide.visits > 0`,
    'models/summary.sql': `${header('no', 'event_id')}select max(long.visits) as visits from long`,
    'checks/key_long.sql':
      '-- purpose: the key of long\n-- severity: error\n-- model: long\nselect wide.event_id from wide group by wide.event_id having count(*) > 1',
  };
  beforeEach(() => writeModels(view));

  test('is published as its select over what it reads, which is stored for it', async () => {
    const { manifest } = await run();
    expect(manifest.tables.long).toMatchObject({ rows: 2, files: [], view: expect.stringContaining('from wide') });
    expect(manifest.tables.long?.columns.map((column) => column.name)).toEqual(['event_id', 'visits']);
    expect(manifest.tables.wide?.files).toHaveLength(1);
    // b came twice.
    expect(await rows('select * from long order by event_id')).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  test('is exported as any table', async () => {
    await run();
    const adapters = { openMarts: (tables: MartTables) => openMarts(tables), writeParquet };
    const [csv, parquet] = [join(dir, 'long.csv'), join(dir, 'long.parquet')];
    await exportTable(company.lake, 'long', csv, adapters);
    expect((await readFile(csv, 'utf8')).trim().split('\r\n').sort()).toEqual(['a,1', 'b,2', 'event_id,visits']);
    await exportTable(company.lake, 'long', parquet, adapters);
    const written = await openMarts({ written: [parquet] });
    expect((await written.query('select count(*) from written')).rows).toEqual([[2]]);
    written.close();
    await expect(exportTable(company.lake, 'lang', csv, adapters)).rejects.toThrow('no published table is called lang');
  });

  test('keeps what it reads until its own readers are done, and is made alone where it alone is asked for', async () => {
    const { manifest, timings } = await run({ select: 'long' });
    expect(Object.keys(manifest.tables).sort()).toEqual(['check_results', 'long', 'wide']);
    expect(timings.map((timing) => timing.step)).toContain('publish wide');
    const { timings: all } = await run({ fullRefresh: true });
    expect(all.map((timing) => timing.step)).toContain('model summary');
  });
});

describe('a build', () => {
  test('publishes what raw holds, by month where the model says so, with the zone of the company', async () => {
    await receive(['c'], '02');
    const { manifest, timings } = await run();
    expect(await rows('select * from visits order by event_id, day')).toEqual([
      ['a', '2026-01-01', 'America/Lima'],
      ['b', '2026-01-02', 'America/Lima'],
      ['b', '2026-01-03', 'America/Lima'],
      ['c', '2026-02-01', 'America/Lima'],
    ]);
    expect(manifest.as_of).toBe('2026-02-01');
    expect(manifest.tables.visits?.files.map((file) => [file.partition, file.rows])).toEqual([
      ['2026-01', 3],
      ['2026-02', 1],
    ]);
    expect(manifest.tables.totals?.columns[2]).toEqual({ name: 'share', type: 'double' });
    expect(Object.keys(manifest.tables)).not.toContain('seen');
    expect(timings.find((timing) => timing.step === 'model seen')?.rows).toBe(4);
  });

  test('of a company without any data publishes empty tables with their columns', async () => {
    await rm(join(dir, 'lake'), { recursive: true });
    const { manifest } = await run();
    expect(manifest.tables.visits).toMatchObject({ rows: 0 });
    expect(await rows('select event_id, day from visits')).toEqual([]);
  });

  test('ends on the day that --as-of sets', async () => {
    expect((await run({ asOf: '2026-01-02' })).manifest.as_of).toBe('2026-01-02');
  });

  test('counts what a check of severity warn finds, in a table of its own', async () => {
    await run();
    expect(
      await rows(
        "select check_name, model, severity, failing_rows, sample from check_results where check_name = 'noted'",
      ),
    ).toEqual([['noted', 'visits', 'warn', 2, '[{"event_id":"b"},{"event_id":"b"}]']]);
  });
});

describe('a build that finds something wrong publishes nothing', () => {
  async function expectUnmoved(attempt: () => Promise<unknown>, message: RegExp): Promise<void> {
    await run();
    const before = await readCurrentManifest(company.lake);
    await expect(attempt()).rejects.toThrow(message);
    expect(await readCurrentManifest(company.lake)).toEqual(before);
  }

  test('a failed check says which, how many rows, and shows three', () =>
    expectUnmoved(async () => {
      await receive(['bad', 'bad', 'bad', 'bad'], '02');
      await run();
    }, /few_visits on visits: 4 rows\n(\s+\{"event_id":"bad"\}\n?){3}/));

  test('a key that stands twice', () =>
    expectUnmoved(async () => {
      await writeModels({ 'models/totals.sql': `${header('yes', 'event_id')}select seen.event_id from seen` });
      await run();
    }, /key_totals on totals: 1 row\n\s+\{"event_id":"b","copies":"2"\}/));

  test('a header that promises other columns', () =>
    expectUnmoved(async () => {
      await writeModels({
        'models/totals.sql': `${header('yes', 'event_id visit')}select 'a' as event_id, 1 as visits`,
      });
      await run();
    }, /totals.*the select lacks visit; the header lacks visits/));

  test('a type that a reader of Parquet would not know', () =>
    expectUnmoved(async () => {
      await writeModels({
        'models/totals.sql': `${header('yes', 'event_id visits')}select 'a' as event_id, sum(2) as visits from visits`,
      });
      await run();
    }, /visits is hugeint/));

  test('a statement that fails', () =>
    expectUnmoved(async () => {
      await writeModels({
        'models/totals.sql': `${header('yes', 'event_id')}select visits.eventid as event_id from visits`,
      });
      await run();
    }, /model totals failed: .*eventid/));
});

describe('a build that dies', () => {
  /** A store that fails from its n-th write on, as if the process had died there. */
  function dying(store: Store, writes: number): Store {
    let left = writes;
    return {
      ...store,
      async put(key, body) {
        if (left-- <= 0) throw new Error('died');
        await store.put(key, body);
      },
    };
  }

  test.each([0, 1, 2])(
    'after %i writes leaves the last build as it was, and the next one cleans up',
    async (writes) => {
      await run();
      const before = await readCurrentManifest(company.lake);
      await receive(['c'], '02');
      await expect(run({}, dying(company.lake, writes))).rejects.toThrow('died');
      expect(await readCurrentManifest(company.lake)).toEqual(before);
      expect(await builds()).toHaveLength(2);

      const { manifest } = await run();
      expect(await rows('select count(*) from visits')).toEqual([[4]]);
      expect(await builds()).toEqual([before?.build_id, manifest.build_id]);
    },
  );
});

describe('a build of chosen models', () => {
  test('publishes these, and refers to the last build for all others', async () => {
    const first = (await run()).manifest;
    await receive(['c'], '02');
    const second = (await run({ select: 'totals' })).manifest;
    expect(second.tables.visits).toEqual(first.tables.visits);
    expect(await rows('select count(*) from totals')).toEqual([[3]]);
    expect(await rows('select count(*) from visits')).toEqual([[3]]);
    expect(second.checks.map((check) => check.check).sort()).toEqual(first.checks.map((check) => check.check).sort());
  });

  test('keeps files of older builds that it refers to when these are pruned', async () => {
    await run();
    await run({ select: 'totals' });
    await pruneBuilds(company.lake, 1);
    expect(await rows('select count(*) from visits')).toEqual([[3]]);
    const kept = (await company.lake.list(lake.builds)).filter((key) => key.endsWith('manifest.json'));
    expect(kept).toHaveLength(1);
  });
});

describe('a build of which nothing has changed', () => {
  test('stands, and runs again once a fact, a setting or a model is another', async () => {
    const first = await run();
    const again = await run();
    expect(again.isUnchanged).toBe(true);
    expect(again.manifest).toEqual(first.manifest);
    expect(await builds()).toEqual([first.manifest.build_id]);

    await receive(['c'], '02');
    const withFact = await run();
    expect(withFact.isUnchanged).toBe(false);
    expect((await run({ asOf: '2026-01-01' })).isUnchanged).toBe(false);
    expect((await run({ fullRefresh: true })).isUnchanged).toBe(false);
  });

  test('is not taken for a whole one where the last was a part', async () => {
    await run();
    await run({ select: 'totals' });
    expect((await run()).isUnchanged).toBe(false);
  });
});

describe('pruning', () => {
  test('keeps as many builds as it is told, the present one among them', async () => {
    await run();
    await run({ fullRefresh: true });
    const last = (await run({ fullRefresh: true })).manifest;
    await pruneBuilds(company.lake, 2);
    expect(await builds()).toHaveLength(2);
    expect((await readCurrentManifest(company.lake))?.build_id).toBe(last.build_id);
  });
});

test('a pointer to a build that is gone is set right by the next build, and nothing is pruned before', async () => {
  const { build_id } = (await run()).manifest;
  await company.lake.put(lake.current, '{"build_id":"gone"}');
  await expect(readCurrentManifest(company.lake)).rejects.toThrow('names the build gone');
  expect(await pruneBuilds(company.lake, 1)).toEqual([]);
  const next = (await run()).manifest;
  expect((await readCurrentManifest(company.lake))?.build_id).toBe(next.build_id);
  expect(await builds()).toEqual([build_id, next.build_id]);
});

describe('the plan', () => {
  test('is the same whenever it is made, publishes each table when it is checked, and drops it after its last reader', async () => {
    const catalogue = await readCatalogue(await createQueryReader(), join(dir, 'sql'));
    const options = {
      timeZone: 'Europe/Rome',
      settings: { settings: { columns: { as_of_wanted: 'date' }, rows: [] } },
    };
    const { steps } = planBuild(catalogue, options);
    const reversed = { ...catalogue, models: [...catalogue.models].reverse() };
    expect(planBuild(reversed, options).steps).toEqual(steps);
    const order = steps.map((step) => (step.kind === 'check' ? step.check : `${step.kind} ${step.table}`));
    expect(order).toEqual(
      [
        'raw raw_events',
        'model seen',
        'drop raw_events',
        'rows settings',
        'model horizon',
        'drop settings',
        'model visits',
        'few_visits',
        'noted',
        'key_visits',
        'drop seen',
        'model totals',
        'key_totals',
        'publish totals',
        'publish visits',
        'drop visits',
        'drop totals',
      ].sort((a, b) => order.indexOf(a) - order.indexOf(b)),
    );
    expect(order.indexOf('drop seen')).toBeGreaterThan(order.indexOf('model visits'));
    for (const table of ['visits', 'totals']) {
      const [check, publish, drop] = [`key_${table}`, `publish ${table}`, `drop ${table}`].map((of) =>
        order.indexOf(of),
      );
      expect(publish).toBeGreaterThan(check ?? 0);
      expect(drop).toBeGreaterThan(publish ?? 0);
    }
    expect(order.indexOf('drop visits')).toBeGreaterThan(order.indexOf('model totals'));
    expect(steps.map(describeStep).join('\n')).toContain("'Europe/Rome' as zone");
  });

  test('refuses a place-holder that nothing fills in', async () => {
    await writeModels({ 'models/totals.sql': `${header('no', 'event_id')}select 'x' /* start day */ as event_id` });
    const catalogue = await readCatalogue(await createQueryReader(), join(dir, 'sql'));
    const settings = { settings: { columns: { as_of_wanted: 'date' }, rows: [] } };
    expect(() => planBuild(catalogue, { timeZone: 'Europe/Rome', settings })).toThrow(
      "nothing fills in 'x' /* start day */",
    );
  });
});
