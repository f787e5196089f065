import { describe, expect, test } from 'vitest';
import { lake } from '#core/lake';
import { athenaDialect, longestStatement, trinoDialect } from '#core/lake-sql';
import { filedTable, filingOf, monthQueries, unloadStatements } from '#pipeline/builds/lake-filing';
import { type LakePlace, planOnLake } from '#pipeline/builds/lake-plan';
import type { Step } from '#pipeline/builds/plan';

const place: LakePlace = {
  dialect: athenaDialect,
  database: 'acme_run_1',
  rawDatabase: 'acme',
  locate: (key) => `s3://lake/${key}`,
  tables: 's3://tables/1/',
};
const planOf = (steps: Step[], raw: [string, string[]][] = [], types = {}) =>
  planOnLake({ plan: { steps, published: new Map(), isPartial: false }, types, raw: new Map(raw) }, place);
const statementsOf = ({ batches }: ReturnType<typeof planOf>) =>
  batches.flatMap((batch) => ('statements' in batch ? batch.statements : []));
const model = (table: string, inputs: string[], sql = `select 1 as n from ${inputs[0] ?? 'x'}`): Step => ({
  kind: 'model',
  table,
  inputs,
  sql,
});

describe('a plan for an engine over a lake', () => {
  test('runs at one time what does not read each other, and solvers by themselves', () => {
    const plan = planOf([
      { kind: 'rows', table: 'settings', columns: { n: 'bigint' }, rows: [{ n: 1 }] },
      model('a', ['settings']),
      model('b', ['settings']),
      { kind: 'solver', table: 'solved', inputs: ['b'], source: 'a' },
      model('c', ['a', 'solved']),
      {
        kind: 'check',
        check: 'sound',
        model: 'c',
        severity: 'error',
        inputs: ['c'],
        sql: 'select 1 as n from c where false',
      },
    ]);
    const shown = plan.batches.map((batch) =>
      'statements' in batch ? [batch.kind, ...batch.statements.map(({ id }) => id)] : Object.values(batch),
    );
    expect(shown).toEqual([
      ['statements', 'view settings'],
      ['statements', 'table a', 'table b'],
      ['solver', 'solved'],
      ['statements', 'table c'],
      ['checks', 'check sound'],
      ['file'],
    ]);
  });

  test('makes tables of raw objects where none are there for good, of the days that it reads', () => {
    const raw: Step = {
      kind: 'raw',
      table: 'raw_events',
      columns: { source: 'varchar', keys: 'struct(email varchar)' },
      prefix: lake.rawEvents,
      isNewOnly: false,
    };
    const keys = ['raw/events/2026-02-28/a.jsonl.gz', 'raw/events/2026-02-27/b.jsonl.gz'];
    const onTrino = { ...place, dialect: trinoDialect('hive-2.acme_run_1_files') };
    const inputs = { plan: { steps: [raw], published: new Map(), isPartial: false }, types: {} };
    const of = (read: string[]) =>
      statementsOf(planOnLake({ ...inputs, raw: new Map([['raw_events', read]]) }, onTrino)).map(({ sql }) => sql);
    const made = of(keys).find((sql) => sql.startsWith('create table')) ?? '';
    expect(made).toContain(
      'create table "hive-2"."acme_run_1_files"."raw_events_files" ("source" varchar, "keys" row(',
    );
    // Trino projects no range of a single day.
    expect(made).toContain("partition_projection_range = array['2026-02-27', '2026-03-01']");
    expect(made).toMatch(/partition_projection_location_template = 's3:\/\/lake\/raw\/events\/\$\{received_day\}\/'/);
    expect(of(keys).at(-1)).toMatch(
      /from "hive-2"\."acme_run_1_files"\."raw_events_files"\nwhere received_day between '2026-02-27' and '2026-02-28'/,
    );
    expect(of([]).filter((sql) => sql.startsWith('create table'))).toEqual([]);
    expect(statementsOf(planOf([raw], [['raw_events', keys]])).some(({ sql }) => sql.startsWith('create table'))).toBe(
      false,
    );
  });

  test('keeps instants in UTC without a zone, and gives it back to what a statement reads', () => {
    const at = { name: 'at', type: 'timestamptz' };
    const n = { name: 'n', type: 'decimal(18,2)' };
    const plan = planOf(
      [
        { kind: 'rows', table: 'settings', columns: { at: 'timestamptz' }, rows: [] },
        model('a', ['settings'], 'select at, n from settings'),
        { kind: 'model', table: 'seen', inputs: ['a'], sql: 'select at from a', isView: true },
        model('b', ['seen', 'a'], 'with x as (select n from a) select n from x'),
        model('c', ['b']),
        { kind: 'check', check: 'sound', model: 'a', severity: 'error', inputs: ['a'], sql: 'select n from a' },
      ],
      [],
      { a: [at, n], seen: [at], b: [n], c: [n] },
    );
    const sql = new Map(statementsOf(plan).map((statement) => [statement.id, statement.sql]));
    expect(sql.get('view settings')).toContain(
      `as\nselect cast("at" at time zone 'UTC' as timestamp(3)) as "at"\nfrom (`,
    );
    const settings = `with "settings" as (select with_timezone("at", 'UTC') as "at" from "acme_run_1"."settings")`;
    expect(sql.get('table a')).toContain(
      `as\nselect cast("at" at time zone 'UTC' as timestamp(6)) as "at", "n"\nfrom (\n${settings}\nselect at, n from settings\n) as made`,
    );
    const a = `"a" as (select with_timezone("at", 'UTC') as "at", "n" from "acme_run_1"."a")`;
    expect(sql.get('view seen')).toBe(
      `create or replace view "seen" as\nselect cast("at" at time zone 'UTC' as timestamp(3)) as "at"\nfrom (\nwith ${a}\nselect at from a\n) as made`,
    );
    const seen = `"seen" as (select with_timezone("at", 'UTC') as "at" from "acme_run_1"."seen")`;
    expect(sql.get('table b')).toContain(
      `as\nwith ${seen},\n${a}\nselect * from (\nwith x as (select n from a) select n from x\n) as read`,
    );
    expect(sql.get('table c')).toContain('as\nselect 1 as n from b');
    // A check is asked for the rows that it found by the same text.
    expect(plan.checks[0]?.sql).toBe(`with ${a}\nselect n from a`);
    expect(sql.get('check sound')).toContain(`from (\nwith ${a}\nselect n from a\n) as failing`);
  });

  test('refuses an instant within a list or a struct, by its name', () => {
    const columns = [{ name: 'steps', type: 'struct(at timestamp with time zone, n bigint)[]' }];
    expect(() => planOf([model('a', [])], [], { a: columns })).toThrow('"steps" has an instant within a list');
  });

  test('reads the raw objects that it was given and no other, on their days', () => {
    const keys = [lake.rawEvent('2026-11-02', 'b', 1), lake.rawEvent('2026-11-01', 'a', 1)];
    const raw: Step = {
      kind: 'raw',
      table: 'raw_events',
      columns: { source: 'varchar' },
      prefix: lake.rawEvents,
      origin: 'raw_object',
      isNewOnly: false,
    };
    const view = statementsOf(planOf([raw], [['raw_events', keys]])).find(({ id }) => id === 'view raw_events');
    expect(view?.sql).toContain("received_day between '2026-11-01' and '2026-11-02'");
    expect(view?.sql).toContain('"$path" in (select location from "raw_objects" where raw_table = \'raw_events\')');
    expect(view?.sql).toContain('substr("$path", 11) as "raw_object"');
    const [none] = statementsOf(planOf([raw], [['raw_events', []]]));
    expect(none?.sql).toContain('where false');
  });

  test('hands many rows over as a file, and quotes what stands in few', () => {
    const columns = { name: 'varchar', day: 'date' };
    const rows = Array.from({ length: 101 }, (_, n) => ({ name: `n${n}`, day: '2026-01-01' }));
    const many = planOf([{ kind: 'rows', table: 'rates', columns, rows }]);
    expect(many.files).toEqual([
      { table: 'rates', lines: expect.arrayContaining(['{"name":"n7","day":"2026-01-01"}']) },
    ]);
    expect(statementsOf(many).map(({ id }) => id)).toEqual(['files of rates', 'folders of rates 1', 'view rates']);
    const few = planOf([{ kind: 'rows', table: 'rates', columns, rows: [{ name: "it's", day: null }] }]);
    expect(few.files).toEqual([]);
    expect(statementsOf(few)[0]?.sql).toContain("('it''s', cast(null as varchar))");
  });

  test('refuses a statement that Athena would not take, by its name', () => {
    const sql = `select '${'x'.repeat(longestStatement)}' as n`;
    expect(() => planOf([model('wide', [], sql)])).toThrow(/"table wide" has \d+ bytes/);
  });
});

describe('what is written for readers', () => {
  const columns = [
    { name: 'day', type: 'date' },
    { name: 'at', type: 'timestamptz' },
  ];
  const publish: Extract<Step, { kind: 'publish' }> = { kind: 'publish', table: 'events', partition: 'day' };
  const monthsFrom = (year: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({
      table: 'events',
      month: new Date(Date.UTC(year, n, 1)).toISOString().slice(0, 7),
      rows: 1,
    }));

  test('goes by months, at most 100 of them a statement, instants in UTC', () => {
    const filing = filingOf(publish, () => columns, undefined, undefined);
    const statements = unloadStatements(filing, monthsFrom(2005, 230), 'B', athenaDialect, place.locate);
    expect(statements.map(({ location }) => location)).toEqual([
      's3://lake/marts/builds/B/events/m1/',
      's3://lake/marts/builds/B/events/m2/',
      's3://lake/marts/builds/B/events/m3/',
    ]);
    const listed = statements.map(({ sql }) => sql.match(/'\d{4}-\d{2}'/g) ?? []);
    expect(listed.map((months) => months.length)).toEqual([100, 100, 30]);
    expect(new Set(listed.flat()).size).toBe(230);
    expect(statements[0]?.sql).toContain(
      `unload (\nselect "day", cast("at" at time zone 'UTC' as timestamp(3)) as "at", coalesce(`,
    );
    expect(statements[0]?.sql).toContain(
      `from (\nselect * from (select "day", with_timezone("at", 'UTC') as "at" from "events") as "events" where `,
    );
    expect(unloadStatements(filing, [], 'B', athenaDialect, place.locate)).toEqual([]);
  });

  test('is counted by months of what models see, as it is written', () => {
    const counted = filingOf({ ...publish, partition: 'at' }, () => columns, undefined, 'at is not null');
    expect(monthQueries([counted])[0]).toContain(
      `from (select "day", with_timezone("at", 'UTC') as "at" from "events") as "events" where (at is not null)`,
    );
  });

  test('is the open months in a daily build; closed ones are referred to', () => {
    const file = (month: string) => ({ partition: month, key: `marts/builds/A/events/m1/month_=${month}/x`, rows: 5 });
    const referred = { rows: 15, columns, files: ['2026-08', '2026-09', '2026-10'].map(file) };
    const filing = filingOf({ ...publish, referred }, () => columns, '2026-10-05', undefined);
    expect(filing.where).toBe(`("day" >= date '2026-10-01' or "day" is null)`);
    const months = [{ table: 'events', month: '2026-10', rows: 9 }];
    const keys = ['one', 'two'].map((name) => `marts/builds/B/events/m1/month_=2026-10/${name}`);
    expect(filedTable(filing, months, keys, '2026-10-05')).toEqual({
      rows: 19,
      columns,
      files: [
        file('2026-08'),
        file('2026-09'),
        { partition: '2026-10', key: keys[0], rows: 9 },
        { partition: '2026-10', key: keys[1], rows: 0 },
      ],
    });
  });
});
