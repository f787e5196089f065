import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SqlValue } from '#core/ports';
import { daysBefore } from '#pipeline/books';
import { type CompanyByDays, openCompanyByDays } from './company-by-days.ts';
import type { Arrival } from './company-on-duckdb.ts';
import { companies, randomConfig } from './random-company.ts';

/*
 * Random companies whose facts come in over several days with a build after each: what a daily build makes of the open days
 * is what a full refresh makes of them, closed days stand still, and what was published and restated is what stands.
 */
const latenessDays = 5;
const config = { ...randomConfig, timeZone: 'UTC', latenessDays, fullRefresh: 'never' as const };
const start = Date.parse('2026-01-01T00:00:00Z');
const dayOf = (instant: string) => instant.slice(0, 10);
const dayNo = (n: number) => new Date(start + n * 86_400_000).toISOString().slice(0, 10);
const runs = { numRuns: 3, seed: 20_261_124, endOnFailure: true };

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

test('a daily build is the full refresh on the open days, closed days stand, and published + restated = refreshed', async () => {
  const seen = { daily: 0, open: 0, late: 0, restated: 0 };
  await fc.assert(
    fc.asyncProperty(schedules, fc.boolean(), async ({ events: all, cuts, delays, again }, withLate) => {
      const events = onceEach(all);
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
        const late = withLate ? events.filter((_, index) => index % 17 === 3 && (takenBy[index] ?? 0) === 0) : [];
        let closed: { day: string; tables: Record<string, string[]> } | undefined;
        for (const [number, cut] of builds.entries()) {
          const now = `${dayNo(cut + 1)}T08:00:00Z`;
          const batch = events.filter((event, index) => takenBy[index] === number && !late.includes(event));
          const copies = again.flatMap((index) => (takenBy[index] === number ? (events[index] ?? []) : []));
          const received = [...batch, ...copies.filter((event) => !late.includes(event))];
          await company.receive(received.map((event) => ({ ...event, received_at: now })));
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
        const open = await tablesOf(company, '>=', openFrom);
        const money =
          'select conversion_date as day, sum(revenue) as revenue from conversions group by conversion_date';
        const published = await company.query(money);
        await company.build(`${dayNo(77)}T09:00:00Z`, { fullRefresh: true });
        if (late.length === 0) expect(open).toEqual(await tablesOf(company, '>=', openFrom));
        const cents = new Map<string, number>();
        const add = (day: SqlValue | undefined, revenue: SqlValue | undefined, sign: number) =>
          cents.set(String(day), (cents.get(String(day)) ?? 0) + sign * Math.round(Number(revenue) * 100));
        for (const row of published) if (String(row.day) < openFrom) add(row.day, row.revenue, 1);
        const restated = await company.query("select * from restatements where table_name = 'conversions'");
        for (const row of restated) {
          add(row.day, row.revenue_after, 1);
          add(row.day, row.revenue_before, -1);
        }
        for (const row of await company.query(money)) if (String(row.day) < openFrom) add(row.day, row.revenue, -1);
        expect([...cents.values()].filter((left) => left !== 0)).toEqual([]);
        seen.open += open.events?.length ?? 0;
        seen.late += late.length;
        seen.restated += restated.length;
      } finally {
        await company.close();
      }
    }),
    runs,
  );
  expect(seen.daily).toBeGreaterThan(3);
  expect(seen.open).toBeGreaterThan(10);
  expect(seen.late).toBeGreaterThan(0);
}, 600_000);
