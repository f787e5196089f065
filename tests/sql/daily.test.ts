import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Manifest } from '#core/lake';
import { type CompanyByDays, openCompanyByDays } from './company-by-days.ts';
import { type Arrival, at, contact, order, visit } from './company-on-duckdb.ts';

// Each test runs several whole builds.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const config = { attribution: { lookbackDays: 30 }, timeZone: 'UTC', fullRefresh: 'never' as const };

async function withCompany<Result>(
  use: (company: CompanyByDays) => Promise<Result>,
  more = {},
  like?: CompanyByDays,
): Promise<Result> {
  const company = await openCompanyByDays({ ...config, ...more }, like);
  try {
    return await use(company);
  } finally {
    await company.close();
  }
}

/** All rows of a table as sorted texts. */
async function rowsOf(company: CompanyByDays, sql: string): Promise<string[]> {
  return (await company.query(sql)).map((row) => JSON.stringify(row)).sort();
}

describe('a daily build', () => {
  const first: Arrival[] = [
    visit('a', at('2026-03-01'), { source: 'google', medium: 'cpc' }),
    contact('b', 'Phone', at('2026-03-02')),
    order('a', 'o1', at('2026-03-05'), '100.00'),
    visit('a', at('2026-03-19'), { source: 'facebook', medium: 'social' }),
  ];
  const second: Arrival[] = [
    visit('b', at('2026-03-20'), { source: 'newsletter', medium: 'email' }),
    order('b', 'o2', at('2026-03-20', '12:00:00'), '50.00'),
    order('a', 'o3', at('2026-03-20', '13:00:00'), '20.00'),
  ];

  test('gives the tables of a full refresh, and takes in only what is new', () =>
    withCompany(async (company) => {
      await company.receive(first);
      expect((await company.build('2026-03-20T08:00:00Z')).manifest).toMatchObject({
        kind: 'full',
        reason: 'there is no build to stand on',
      });
      await company.receive(second);
      const daily = await company.build('2026-03-21T08:00:00Z');
      expect(daily.manifest.kind).toBe('daily');
      expect(daily.timings.find(({ step }) => step === 'model stg_arrivals')?.rows).toBe(3);
      const tables = ['events', 'touches', 'sessions', 'conversions', 'persons', 'channel_daily', 'stage_entries'];
      const made = await Promise.all(tables.map((table) => rowsOf(company, `select * from ${table}`)));
      expect((await company.build('2026-03-21T08:00:00Z', { fullRefresh: true })).manifest.kind).toBe('full');
      for (const [index, table] of tables.entries()) {
        expect(made[index], table).toEqual(await rowsOf(company, `select * from ${table}`));
      }
    }));

  test('keeps every hour of the first open day where the company is, and none of the day before', () =>
    withCompany(
      async (company) => {
        // Open from 12 March on, which in Rome begins at 23:00 UTC of the 11th.
        const firstOpen = ['2026-03-11T23:10:00.000Z', '2026-03-12T11:00:00.000Z', '2026-03-12T22:50:00.000Z'];
        await company.receive([
          ...['2026-03-11T22:50:00.000Z', ...firstOpen, '2026-03-12T23:10:00.000Z'].flatMap((on, index) => [
            visit('a', on, { source: 'google', medium: 'cpc' }),
            order('a', `o${index}`, on, '10.00'),
          ]),
          visit('b', '2026-03-19T10:00:00.000Z'),
        ]);
        expect((await company.build('2026-03-20T08:00:00Z')).manifest.books?.open_from).toBe('2026-03-12');
        await company.receive([visit('b', '2026-03-20T10:00:00.000Z')]);
        expect((await company.build('2026-03-21T08:00:00Z')).manifest.kind).toBe('daily');
        const tables = ['events', 'sessions', 'touches', 'conversions', 'credit', 'channel_daily'];
        const made = await Promise.all(tables.map((table) => rowsOf(company, `select * from ${table}`)));
        const orders = "select occurred_at from conversions where conversion_date = date '2026-03-12'";
        expect(await rowsOf(company, orders)).toEqual(firstOpen.map((occurred_at) => JSON.stringify({ occurred_at })));
        await company.build('2026-03-21T08:00:00Z', { fullRefresh: true });
        for (const [index, table] of tables.entries()) {
          expect(made[index], table).toEqual(await rowsOf(company, `select * from ${table}`));
        }
      },
      { timeZone: 'Europe/Rome' },
    ));
});

describe('a daily build that dies', () => {
  test('at any write leaves the last build whole, and the next run gives the same tables', () =>
    withCompany(async (company) => {
      await company.receive([
        visit('a', at('2026-03-01'), { source: 'google', medium: 'cpc' }),
        order('a', 'o1', at('2026-03-19'), '100.00'),
      ]);
      await company.build('2026-03-20T08:00:00Z');
      const tables = ['events', 'touches', 'conversions', 'credit', 'restatements', 'persons', 'check_results'];
      const all = () => Promise.all(tables.map((table) => rowsOf(company, `select * from ${table}`)));
      const before = await all();
      const pointer = () => company.company.lake.get('marts/current.json');
      const stood = await pointer();
      await company.receive([order('b', 'o2', at('2026-03-20'), '50.00')]);
      for (const dieAt of [0, 1, 9, 30]) {
        await expect(company.build('2026-03-21T08:00:00Z', {}, dieAt)).rejects.toThrow('died');
        expect(await pointer()).toEqual(stood);
        expect(await all()).toEqual(before);
      }
      const { manifest } = await company.build('2026-03-21T08:00:00Z');
      expect(manifest.kind).toBe('daily');
      // What is fitted, and checks of it, belong to a full refresh alone.
      const made = () =>
        Promise.all(
          ['events', 'touches', 'conversions', 'persons', "credit where model = 'linear'"].map((table) =>
            rowsOf(company, `select * from ${table}`),
          ),
        );
      const daily = await made();
      await company.build('2026-03-21T08:00:00Z', { fullRefresh: true });
      expect(daily).toEqual(await made());
    }));
});

describe('the checks of a daily build', () => {
  test('are those of a full refresh: what it does not make anew keeps its last result, with the day of that', () =>
    withCompany(async (company) => {
      await company.receive([
        visit('a', at('2026-03-01'), { source: 'google', medium: 'cpc' }),
        order('a', 'o1', at('2026-03-19'), '100.00'),
      ]);
      const full = (await company.build('2026-03-20T08:00:00Z')).manifest;
      for (const day of ['20', '21']) {
        await company.receive([order('b', `o${day}`, at(`2026-03-${day}`), '50.00')]);
        const { manifest } = await company.build(`2026-03-${Number(day) + 1}T08:00:00Z`);
        expect(manifest.kind).toBe('daily');
        const names = (checks: typeof manifest.checks) => checks.map(({ check }) => check).sort();
        expect(names(manifest.checks)).toEqual(names(full.checks));
        expect(
          await rowsOf(
            company,
            `select check_name, model, failing_rows from check_results where as_of = date '2026-03-19'`,
          ),
        ).toEqual(
          [
            ['key_channel_factors', 'channel_factors'],
            ['key_paths', 'paths'],
          ].map(([check_name, model]) => JSON.stringify({ check_name, model, failing_rows: 0 })),
        );
        expect(
          await rowsOf(company, `select count(*) as n from check_results where as_of = date '2026-03-${day}'`),
        ).toEqual([JSON.stringify({ n: full.checks.length - 2 })]);
      }
    }));
});

/** Rows of the files that a build wrote itself, by table and month; the others are those of builds before, referred to. */
function writtenByMonth({ build_id, tables, books }: Manifest): Record<string, Record<string, number>> {
  const all = Object.entries({ ...tables, ...books?.tables });
  return Object.fromEntries(
    all.map(([name, { files }]) => [
      name,
      Object.fromEntries(
        files.filter(({ key }) => key.includes(`/${build_id}/`)).map(({ partition, rows }) => [partition, rows]),
      ),
    ]),
  );
}

describe('what a daily build reads and writes', () => {
  test('event by event, is no more after 24 months than after 6', async () => {
    const read = await Promise.all(
      [6, 24].map((months) =>
        withCompany(async (company) => {
          const events: Arrival[] = [];
          for (let day = 0; day < months * 30; day++) {
            const on = new Date(Date.parse('2026-03-19T10:00:00Z') - day * 86_400_000).toISOString();
            events.push(visit(`v${day % 9}`, on), contact(`v${day % 7}`, 'Phone', on));
          }
          await company.receive([...events, order('v1', 'o1', at('2026-03-18'), '10.00')]);
          await company.build('2026-03-20T08:00:00Z');
          await company.receive([visit('v1', at('2026-03-20'))]);
          const { manifest, timings } = await company.build('2026-03-21T08:00:00Z');
          expect(manifest.kind).toBe('daily');
          const rows = (step: string) => timings.find((timing) => timing.step === step)?.rows;
          // Calls are leads by the default stage rules, so they are milestones and read of all days.
          return {
            arrivals: rows('model stg_arrivals'),
            copies: rows('earlier stg_events_closed'),
            events: Number(rows('earlier event_once_closed')) - months * 30,
            written: writtenByMonth(manifest),
          };
        }),
      ),
    );
    expect(read[0]).toMatchObject({ arrivals: 1 });
    expect(read[0]?.events).toBeLessThan(60);
    expect(read[1]?.copies).toBe(read[0]?.copies);
    expect(Math.abs(Number(read[1]?.events) - Number(read[0]?.events))).toBeLessThan(2);
    // Of what has a row an event or a touch, the open months are written, and no other.
    const perEvent = ['events', 'touches', 'touch_days', 'sessions', 'stg_events', 'event_once'];
    for (const table of perEvent) {
      const [six, all] = read.map(({ written }) => written[table]);
      expect(six, table).toBeDefined();
      expect(all, table).toEqual(six);
      expect(Math.max(...Object.values(all ?? {}))).toBeLessThan(150);
    }
    const months = new Set(perEvent.flatMap((table) => Object.keys(read[1]?.written[table] ?? {})));
    expect([...months].filter((month) => month !== '' && month < '2026-03')).toEqual([]);
  });
});

describe('what comes in too late', () => {
  test('moves nothing until the full refresh, is counted until then, and is listed after it', () =>
    withCompany(async (company) => {
      await company.receive([
        visit('a', at('2026-01-10'), { source: 'google', medium: 'cpc' }),
        order('a', 'o1', at('2026-01-12'), '100.00'),
        order('b', 'o2', at('2026-07-30'), '30.00'),
      ]);
      await company.build('2026-07-31T08:00:00Z');
      const tables = ['touches', 'conversions', 'credit', 'channel_daily', 'persons', 'events'];
      const before = await Promise.all(tables.map((table) => rowsOf(company, `select * from ${table}`)));

      // 200 days late, with a copy of what is known beside it.
      await company.receive([
        order('c', 'late', at('2026-01-12', '15:00:00'), '70.00', { received_at: at('2026-07-31') }),
        order('a', 'o1', at('2026-01-12'), '100.00', { received_at: at('2026-07-31') }),
      ]);
      const daily = await company.build('2026-08-01T08:00:00Z');
      expect(daily.manifest.kind).toBe('daily');
      for (const [index, table] of tables.entries()) {
        expect(await rowsOf(company, `select * from ${table}`), table).toEqual(before[index]);
      }
      const waiting = "select late_waiting from source_health where source = 'shop'";
      expect(await rowsOf(company, waiting)).toEqual(['{"late_waiting":1}']);
      expect(await rowsOf(company, 'select * from restatements')).toEqual([]);

      await company.build('2026-08-02T08:00:00Z', { fullRefresh: true });
      expect(await rowsOf(company, waiting)).toEqual(['{"late_waiting":0}']);
      const restated = `select day, table_name, stage, reason, rows, revenue_before, revenue_after, known_at from restatements
        where model in ('(none)', 'linear')`;
      // Its person enters the stage of conversion by it, and those before by inference.
      const moved = [
        ['channel_daily', '(all)'],
        ['conversions', '(all)'],
        ...['acquisition', 'awareness', 'conversion'].map((stage) => ['stage_entries', stage]),
      ];
      const expected = moved.map(([table_name, stage]) =>
        JSON.stringify({
          day: '2026-01-12',
          table_name,
          stage,
          reason: 'late facts',
          rows: 1,
          revenue_before: '0.000000',
          revenue_after: table_name === 'stage_entries' ? '0.000000' : '70.000000',
          known_at: '2026-08-02T08:00:00.000Z',
        }),
      );
      expect(await rowsOf(company, restated)).toEqual(expected);
      expect(
        await rowsOf(company, 'select sum(revenue) as revenue from conversions where order_id is not null'),
      ).toEqual(['{"revenue":"200.00"}']);

      // They stay listed, also after the next daily build.
      await company.receive([order('d', 'o9', at('2026-08-02'), '5.00')]);
      expect((await company.build('2026-08-03T08:00:00Z')).manifest.kind).toBe('daily');
      expect(await rowsOf(company, restated)).toEqual(expected);
    }));
});

describe('a full refresh is made, and says why', () => {
  const day = (n: number) => `2026-03-${String(n).padStart(2, '0')}`;
  /** Built, with a day's facts waiting: what both tests begin with. */
  let stood: CompanyByDays;
  beforeAll(async () => {
    stood = await openCompanyByDays(config);
    await stood.receive([visit('a', at(day(1)), {}, { identifiers: { anonymous_id: 'a', user_id: 'u1' } })]);
    await stood.receive([visit('b', at(day(19)))]);
    await stood.build('2026-03-20T08:00:00Z');
    await stood.receive([visit('b', at(day(20)))]);
  });
  afterAll(() => stood.close());

  test('where a withdrawal of consent reaches closed days; not where all of it is open', () =>
    withCompany(
      async (company) => {
        const withdraws = (user_id: string, anonymous_id: string): Arrival => ({
          event_id: `no-${user_id}`,
          event_type: 'Consent Changed',
          occurred_at: at(day(20), '12:00:00'),
          source: 'shop',
          identifiers: { user_id, anonymous_id },
          consent: { analytics: false },
        });
        await company.receive([withdraws('u2', 'b')]);
        expect((await company.build('2026-03-21T08:00:00Z')).manifest.kind).toBe('daily');
        await company.receive([withdraws('u1', 'a')]);
        expect((await company.build('2026-03-21T09:00:00Z')).manifest).toMatchObject({
          kind: 'full',
          reason: 'a withdrawal of consent reaches closed days',
        });
        expect(await rowsOf(company, 'select reason, table_name, rows from restatements')).toEqual([
          '{"reason":"a withdrawal of consent reaches closed days","table_name":"stage_entries","rows":1}',
          '{"reason":"a withdrawal of consent reaches closed days","table_name":"touches","rows":1}',
        ]);
      },
      {},
      stood,
    ));

  test('where raw objects are gone, a setting of closed days changed, or a month begins', () =>
    withCompany(
      async (company) => {
        expect((await company.build('2026-03-21T08:00:00Z')).manifest.kind).toBe('daily');
        const [oldest = ''] = await company.company.lake.list('raw/events/');
        await company.company.lake.remove(oldest);
        expect((await company.build('2026-03-22T08:00:00Z')).manifest.reason).toMatch(/raw objects are gone/);
        expect((await company.build('2026-04-01T08:00:00Z')).manifest.reason).toBe('the first build of a month');
        company.company.config.sessions.gapMinutes = 10;
        expect((await company.build('2026-04-02T08:00:00Z')).manifest.reason).toBe(
          'the table settings of the settings changed',
        );
        // What only a report of costs reads may change.
        company.company.lists.invoices = [{ month: '2026-03', amount: '10.00' }];
        expect((await company.build('2026-04-03T08:00:00Z')).manifest.kind).toBe('daily');
      },
      { fullRefresh: 'monthly' },
      stood,
    ));
});
