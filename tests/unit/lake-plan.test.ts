import { describe, expect, test } from 'vitest';
import { lake } from '#core/lake';
import { athenaDialect, longestStatement } from '#core/lake-sql';
import { filedTable, filingOf, unloadStatements } from '#pipeline/lake-filing';
import { type LakePlace, planOnLake } from '#pipeline/lake-plan';
import type { Step } from '#pipeline/plan';

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

  test('casts instants to six digits, also within lists and structs, and leaves other selects alone', () => {
    const columns = [
      { name: 'at', type: 'timestamptz' },
      { name: 'steps', type: 'struct(at timestamp with time zone, n bigint)[]' },
      { name: 'n', type: 'decimal(18,2)' },
    ];
    const [made, plain] = statementsOf(planOf([model('a', []), model('b', [])], [], { a: columns, b: [columns[2]] }));
    expect(made?.sql).toContain(
      'select cast("at" as timestamp(6) with time zone) as "at", cast("steps" as array(row("at" timestamp(6) with time zone, "n" bigint))) as "steps", "n"',
    );
    expect(plain?.sql).not.toContain('cast(');
    expect(made?.location).toBe('s3://tables/1/a/');
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
    expect(statements[0]?.sql).toContain(`cast("at" at time zone 'UTC' as timestamp(3)) as "at"`);
    expect(unloadStatements(filing, [], 'B', athenaDialect, place.locate)).toEqual([]);
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
