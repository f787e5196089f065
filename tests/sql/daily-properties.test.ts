import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SqlValue } from '#core/ports';
import { daysBefore } from '#pipeline/builds/books';
import { readCurrentManifest } from '#pipeline/builds/publish';
import { type CompanyByDays, openCompanyByDays } from './company-by-days.ts';
import { type Arrival, order } from './company-on-duckdb.ts';
import { companies, randomConfig } from './random-company.ts';

/*
 * Random companies whose facts come in over several days with a build after each: what a daily build makes of the open days
 * is what a full refresh makes of them, closed days stand still, and what was published and restated is what stands.
 */
const latenessDays = 5;
const config = {
  ...randomConfig,
  // Without a value of its own, so that what is restated of credit is what is restated of orders.
  conversions: { demo_booked: { event: 'Demo Booked', lookbackDays: 10 } },
  timeZone: 'UTC',
  latenessDays,
  fullRefresh: 'never' as const,
};
const start = Date.parse('2026-01-01T00:00:00Z');
const dayOf = (instant: string) => instant.slice(0, 10);
const dayNo = (n: number) => new Date(start + n * 86_400_000).toISOString().slice(0, 10);
/** `PROPERTY_RUNS=100` before the command tries more companies than the suite has time for. */
const runs = { numRuns: Number(process.env.PROPERTY_RUNS ?? 1), seed: 20_261_124, endOnFailure: true };

/** Models that are fitted anew in a full refresh alone. */
const fitted = ['markov_1', 'markov_2', 'shapley'];

/** Published tables that have days, with the column that says which. */
const byDay: Record<string, string> = {
  events: 'event_date',
  touches: 'touch_date',
  conversions: 'conversion_date',
  credit: 'conversion_date',
  channel_daily: 'day',
  sessions: 'cast(started_at as date)',
};
const ofArrival = ['received_at', 'raw_object'];

const isOfFitted = (cut: string) => fitted.some((model) => cut.startsWith(`${model} `));

/**
 * Tables that a daily build need not have as a full refresh has them: of what is fitted, alone or beside what is not, and of how
 * and when facts came in.
 */
const notTheSame = [
  ...['channel_factors', 'paths', 'credit_touches', 'channel_days', 'channel_evidence', 'findings'],
  ...['source_health', 'restatements', 'check_results', 'person_aliases'],
];

async function rowsOf(company: CompanyByDays, table: string, where: string): Promise<string[]> {
  const rows = await company.query(`select * from ${table} where ${where}`);
  const comparable = (value: SqlValue) => (typeof value === 'number' ? Number(value.toFixed(9)) : value);
  return rows
    .filter((row) => !fitted.includes(String(row.model)))
    .map((row) =>
      JSON.stringify(
        Object.entries(row)
          .filter(([column]) => !ofArrival.includes(column))
          .map(([, value]) => comparable(value)),
      ),
    )
    .sort();
}

async function tablesOf(company: CompanyByDays, side: '<' | '>=', day: string): Promise<Record<string, string[]>> {
  const tables: Record<string, string[]> = {};
  for (const [table, column] of Object.entries(byDay)) {
    tables[table] = await rowsOf(company, table, `${column} ${side} date '${day}'`);
  }
  return tables;
}

async function wholeTables(company: CompanyByDays): Promise<Record<string, string[]>> {
  const tables: Record<string, string[]> = {};
  const all = Object.keys((await readCurrentManifest(company.company.lake))?.tables ?? {});
  for (const table of all) {
    if (notTheSame.includes(table)) continue;
    tables[table] = await rowsOf(company, table, 'true');
  }
  return tables;
}

/** What can be restated, as sums of closed days: a name of the sum, then its figures. */
const restatable = {
  touches:
    'select touch_date as day, channel as cut, count(*) as counted, 0 as revenue, 0 as margin from touches group by 1, 2',
  conversions: `select conversion_date as day, '(all)' as cut, count(*) as counted, sum(revenue) as revenue, sum(margin) as margin
    from conversions group by 1`,
  stage_entries: `select cast(entered_at as date) as day, stage as cut, count(*) as counted, 0 as revenue, 0 as margin
    from stage_entries group by 1, 2`,
  channel_daily: `select day, model || ' ' || channel as cut, sum(conversions) as counted, sum(revenue) as revenue, sum(margin) as margin
    from channel_daily group by 1, 2`,
};
const restated = `select table_name, day, case table_name when 'touches' then channel when 'conversions' then '(all)'
    when 'stage_entries' then stage else model || ' ' || channel end as cut,
    sum(count_after - count_before) as counted, sum(revenue_after - revenue_before) as revenue, sum(margin_after - margin_before) as margin
  from restatements group by 1, 2, 3`;
const figures = ['counted', 'revenue', 'margin'] as const;
type Sums = Map<string, number>;

function addFigures(sums: Sums, table: string, rows: readonly Record<string, SqlValue>[], before: string): void {
  for (const row of rows) {
    if (String(row.day) >= before) continue;
    for (const figure of figures) {
      const key = `${row.cut} ${table} ${row.day} ${figure}`;
      // Whole millionths, so that sums are exact.
      sums.set(key, (sums.get(key) ?? 0) + Math.round(Number(row[figure] ?? 0) * 1e6));
    }
  }
}

async function closedSums(company: CompanyByDays, before: string): Promise<Sums> {
  const sums: Sums = new Map();
  for (const [table, sql] of Object.entries(restatable)) addFigures(sums, table, await company.query(sql), before);
  return sums;
}

/** Channels whose share of a conversion under a Markov model is not what the fit that spreads it says. */
const sharedOtherwise = `with fits as (
    select conversion_type, fit_month, model, channel, removal_effect from channel_factors where removal_effect is not null
  ),
  credited as (
    select c.model, c.conversion_type, c.conversion_id, c.channel, sum(c.weight) as share,
      (select coalesce(max(case when f.fit_month <= date_trunc('month', c.conversion_date) then f.fit_month end), min(f.fit_month))
       from fits as f where f.conversion_type = c.conversion_type) as fit_month
    from credit as c
    where c.model in ('markov_1', 'markov_2') and c.channel <> '(unattributed)' and c.conversion_id not like 'refund/%'
    group by c.model, c.conversion_type, c.conversion_id, c.channel, c.conversion_date
  ),
  on_path as (
    select distinct linear.conversion_id, linear.conversion_type, credited.model, credited.fit_month, linear.channel
    from credit as linear
    inner join credited on credited.conversion_id = linear.conversion_id and credited.conversion_type = linear.conversion_type
    where linear.model = 'linear'
  ),
  shares as (
    select on_path.*, coalesce(fits.removal_effect, 0) / sum(fits.removal_effect) over (
      partition by on_path.conversion_id, on_path.conversion_type, on_path.model) as expected
    from on_path left join fits using (conversion_type, fit_month, model, channel)
  )
  select shares.model, shares.conversion_id, shares.channel, shares.expected, credited.share
  from shares left join credited using (model, conversion_type, conversion_id, channel)
  where shares.expected is not null and not isnan(shares.expected) and abs(coalesce(credited.share, 0) - shares.expected) > 1e-9`;

/** Credit of markov_1 that lies outside of its interval. */
const outsideOfInterval = `select conversion_type, channel, period, conversions, conversions_low, conversions_high from channel_credit
  where model = 'markov_1' and not (conversions between conversions_low - 1e-6 and conversions_high + 1e-6)`;

/** Revenue and margin of whole months as a reader sees them; a margin that is unknown is left out. */
async function monthlyRoi(company: CompanyByDays, before: string): Promise<Sums> {
  const rows = await company.query(
    `select model, channel, period, revenue, margin from channel_roi
     where regexp_matches(period, '^\\d{4}-\\d{2}$') and period < '${before.slice(0, 7)}'`,
  );
  return new Map(
    rows.flatMap((row) =>
      (['revenue', 'margin'] as const).flatMap((figure) =>
        row[figure] === null
          ? []
          : [[`${row.period} ${row.model} ${row.channel} ${figure}`, Math.round(Number(row[figure]) * 1e6)] as const],
      ),
    ),
  );
}

/** Which build takes in an event: the first after it, or a later one, within lateness. */
const schedules = companies.chain(({ events }) =>
  fc.record({
    events: fc.constant(events),
    cuts: fc
      .uniqueArray(fc.integer({ min: 50, max: 74 }), { minLength: 2, maxLength: 3 })
      .map((cuts) => cuts.sort((a, b) => a - b)),
    delays: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: events.length, maxLength: events.length }),
    again: fc.subarray([...events.keys()]),
  }),
);

/** One version of each event: a version of another day may be a correction of a closed one. */
function onceEach(events: readonly Arrival[]): Arrival[] {
  return [...new Map(events.map((event) => [`${event.source}/${event.event_id}`, event])).values()];
}

/**
 * The same events, each person known by all identifiers from the first one on and each order told of once, before its refunds: no
 * event of an open day says anything of a closed one.
 */
function settled(events: readonly Arrival[]): Arrival[] {
  const ordered = new Map<string, string>();
  return [...events]
    .sort((a, b) => (a.occurred_at < b.occurred_at ? -1 : 1))
    .map((event, index) => {
      const { anonymous_id, user_id, email } = event.identifiers ?? {};
      const who = /\d/.exec(String(user_id ?? anonymous_id ?? email))?.[0] ?? '1';
      const isOrder = event.event_type === 'Order Completed';
      const order_id = isOrder ? `o${index}` : (ordered.get(who) ?? 'unknown');
      if (isOrder) ordered.set(who, order_id);
      return {
        ...event,
        trust: 'server',
        identifiers: { anonymous_id: `a${who}`, user_id: `u${who}` },
        ...(event.value === undefined ? {} : { value: { ...event.value, order_id } }),
      };
    });
}

const kinds = {
  'late facts': { isLate: true, isSettled: false },
  'merging persons': { isLate: false, isSettled: false },
  neither: { isLate: false, isSettled: true },
};

test.each(Object.entries(kinds))(
  'with %s, a daily build is the full refresh on the open days, closed days stand, and published + restated = refreshed',
  async (_, { isLate, isSettled }) => {
    const seen = { daily: 0, open: 0, months: 0, tables: 0, moved: {} as Record<string, number> };
    await fc.assert(
      fc.asyncProperty(schedules, async ({ events: all, cuts, delays, again }) => {
        const events = onceEach(isSettled ? settled(all) : all);
        const company = await openCompanyByDays(config);
        try {
          const builds = [...cuts, 76];
          // The first build that runs after the event, or one later, if the event's day is still open then.
          const takenBy = events.map((event, index) => {
            const first = builds.findIndex((cut) => dayOf(event.occurred_at) <= dayNo(cut));
            const later = first + (delays[index] ?? 0);
            const openFrom = later === 0 ? '' : daysBefore(dayNo(builds[later - 1] ?? 0), latenessDays);
            const isOpen = later < builds.length && dayOf(event.occurred_at) >= openFrom;
            return isOpen ? later : first;
          });
          const late = isLate
            ? [
                ...events.filter((_, index) => index % 17 === 3 && (takenBy[index] ?? 0) === 0),
                order('somebody new', 'late', `${dayNo(20)}T10:00:00Z`, '70.00'),
              ]
            : [];
          let closed: { day: string; tables: Record<string, string[]> } | undefined;
          for (const [number, cut] of builds.entries()) {
            const now = `${dayNo(cut + 1)}T08:00:00Z`;
            const batch = events.filter((event, index) => takenBy[index] === number && !late.includes(event));
            const copies = again.flatMap((index) => (takenBy[index] === number ? (events[index] ?? []) : []));
            const received = [...batch, ...copies.filter((event) => !late.includes(event))];
            // In several imports, which may cut anywhere.
            const imports = 1 + (received.length % 3);
            for (let part = 0; part < imports; part++) {
              const own = received.filter((_, index) => index % imports === part);
              await company.receive(own.map((event) => ({ ...event, received_at: now })));
            }
            if (number === builds.length - 1)
              await company.receive(late.map((event) => ({ ...event, received_at: now })));
            const { manifest } = await company.build(now);
            if (number === 0) continue;
            if (manifest.kind !== 'daily') return;
            seen.daily += 1;
            if (closed !== undefined) expect(await tablesOf(company, '<', closed.day)).toEqual(closed.tables);
            const openFrom = manifest.books?.open_from ?? '';
            closed = { day: openFrom, tables: await tablesOf(company, '<', openFrom) };
          }
          const openFrom = closed?.day ?? '';
          expect(await company.query(sharedOtherwise)).toEqual([]);
          expect(await company.query(outsideOfInterval)).toEqual([]);
          const open = await tablesOf(company, '>=', openFrom);
          const whole = await wholeTables(company);
          const sums = await closedSums(company, openFrom);
          const roi = await monthlyRoi(company, openFrom);
          await company.build(`${dayNo(77)}T09:00:00Z`, { fullRefresh: true });
          if (late.length === 0) {
            expect(open).toEqual(await tablesOf(company, '>=', openFrom));
          }
          // Published + restated = refreshed, figure by figure.
          const moved = await company.query(restated);
          if (isSettled) {
            expect(moved.filter((row) => !isOfFitted(String(row.cut)))).toEqual([]);
            const tables = await wholeTables(company);
            for (const [table, rows] of Object.entries(tables)) expect(whole[table], table).toEqual(rows);
            seen.tables = Math.max(seen.tables, Object.values(tables).filter((rows) => rows.length > 0).length);
          }
          for (const row of moved) addFigures(sums, String(row.table_name), [row], openFrom);
          const refreshed = await closedSums(company, openFrom);
          const apart = [...new Set([...sums.keys(), ...refreshed.keys()])].filter((key) => {
            const off = Math.abs((sums.get(key) ?? 0) - (refreshed.get(key) ?? 0));
            // What a fitted model moves by less than a thousandth is not listed.
            return off > (isOfFitted(key) ? 10_000 : 0);
          });
          expect(apart.map((key) => [key, sums.get(key), refreshed.get(key)])).toEqual([]);
          const roiRefreshed = await monthlyRoi(company, openFrom);
          for (const [key, published] of roi) {
            const now = roiRefreshed.get(key);
            const [period = '', model = ''] = key.split(' ');
            if (now === undefined || fitted.includes(model)) continue;
            const cut = key.slice(period.length + 1, key.lastIndexOf(' '));
            const figure = key.endsWith('revenue') ? 'revenue' : 'margin';
            const listed = moved
              .filter(
                (row) => row.table_name === 'channel_daily' && row.cut === cut && String(row.day).startsWith(period),
              )
              .reduce((sum, row) => sum + Math.round(Number(row[figure]) * 1e6), 0);
            expect([key, published + listed]).toEqual([key, now]);
            seen.months += 1;
          }
          for (const table of Object.keys(restatable)) seen.moved[table] ??= 0;
          for (const { table_name } of moved)
            seen.moved[String(table_name)] = (seen.moved[String(table_name)] ?? 0) + 1;
          seen.open += open.events?.length ?? 0;
        } finally {
          await company.close();
        }
      }),
      runs,
    );
    expect(seen.daily).toBeGreaterThan(1);
    expect(seen.open).toBeGreaterThan(0);
    expect(seen.months).toBeGreaterThan(5);
    if (isSettled) expect(seen.tables).toBeGreaterThan(25);
    if (isLate) expect(Object.entries(seen.moved).filter(([, count]) => count === 0)).toEqual([]);
  },
  600_000,
);
