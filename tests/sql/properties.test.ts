import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { modelNames } from '#core/model-names';
import type { SqlValue } from '#core/ports';
import { createReportingDay } from '#core/reporting-day';
import { type BuiltCompany, buildCompany } from './company-on-duckdb.ts';
import { companies, randomConfig as config } from './random-company.ts';

/*
 * What holds for every company: small random ones are built from their events in several orders of arrival, and their
 * credit is worked out again, slowly and apart from the SQL, from touches and conversions alone.
 */
/** `PROPERTY_RUNS=100` before the command tries more companies than the suite has time for. */
const runs = { numRuns: Number(process.env.PROPERTY_RUNS ?? 5), seed: 20_260_701, endOnFailure: true };
/** Columns that tell when and how often a fact came in. */
const ofArrival = ['received_at', 'raw_object', 'duplicates_7d', 'late_7d', 'events_7d', 'events_before_7d', 'bots_7d'];

async function publishedTables(company: BuiltCompany): Promise<Record<string, string[]>> {
  const tables: Record<string, string[]> = {};
  for (const [table, columns] of company.published) {
    const kept = columns.filter((column) => !ofArrival.includes(column));
    const rows = await company.query(`select ${kept.join(', ')} from ${table}`);
    // To the last digit, doubles too.
    tables[table] = rows.map((row) => JSON.stringify(kept.map((column) => row[column]))).sort();
  }
  return tables;
}

interface Touch {
  id: string;
  channel: string;
  at: number;
}

/** The seven rule models as docs/definitions.md words them, on one path in time order. */
const reference: Record<string, (path: Touch[], milestones: Set<number>) => number[]> = {
  first_touch: (path) => path.map((_, index) => (index === 0 ? 1 : 0)),
  last_touch: (path) => path.map((_, index) => (index === path.length - 1 ? 1 : 0)),
  last_non_direct: (path) => {
    const last = path.findLastIndex((touch) => touch.channel !== 'Direct');
    return path.map((_, index) => (index === (last < 0 ? path.length - 1 : last) ? 1 : 0));
  },
  linear: (path) => path.map(() => 1 / path.length),
  time_decay: (path) => {
    const end = path.at(-1)?.at ?? 0;
    const shares = path.map((touch) => 2 ** (-(end - touch.at) / (7 * 86_400_000)));
    const total = shares.reduce((sum, share) => sum + share, 0);
    return shares.map((share) => share / total);
  },
  position_based: (path) => {
    if (path.length === 1) return [1];
    if (path.length === 2) return [0.5, 0.5];
    return path.map((_, index) => (index === 0 || index === path.length - 1 ? 0.4 : 0.2 / (path.length - 2)));
  },
  w_shaped: (path, milestones) => {
    const others = path.length - milestones.size;
    const shares = path.map((_, index) => (milestones.has(index) ? 0.3 : 0.1 / others));
    const total = shares.reduce((sum, share) => sum + share, 0);
    return shares.map((share) => share / total);
  },
};

const millis = (value: SqlValue | undefined) => Date.parse(String(value));

/** All weights of a company, from its touches and conversions: `model conversion touch` -> weight. */
async function referenceWeights(company: BuiltCompany, pathStart: string): Promise<Map<string, number>> {
  const touches = new Map<string, Touch[]>();
  for (const row of await company.query('select touch_id, person_id, channel, occurred_at from touches')) {
    const own = touches.get(String(row.person_id)) ?? [];
    own.push({ id: String(row.touch_id), channel: String(row.channel), at: millis(row.occurred_at) });
    touches.set(String(row.person_id), own);
  }
  for (const own of touches.values()) own.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  const firsts = async (sql: string) =>
    new Map((await company.query(sql)).map((row) => [String(row.person_id), millis(row.at)]));
  const leads = await firsts('select person_id, lead_at as at from persons where lead_at is not null');
  const opportunities = await firsts(
    "select person_id, min(occurred_at) as at from events where event_type = 'Opportunity Created' and not is_bot group by person_id",
  );
  const conversions = await company.query(
    "select conversion_id, conversion_type, person_id, occurred_at from conversions where conversion_id not like 'refund/%'",
  );
  const weights = new Map<string, number>();
  for (const conversion of conversions) {
    const person = String(conversion.person_id);
    const type = String(conversion.conversion_type);
    const end = millis(conversion.occurred_at);
    const days = type === 'demo_booked' ? 10 : 30;
    const before = conversions
      .filter((other) => other.person_id === conversion.person_id && other.conversion_type === type)
      .map((other) => millis(other.occurred_at))
      .filter((at) => at < end);
    const after = pathStart === 'after_previous' && before.length > 0 ? Math.max(...before) : Number.NEGATIVE_INFINITY;
    const path = (touches.get(person) ?? []).filter(
      (touch) => touch.at <= end && touch.at >= end - days * 86_400_000 && touch.at > after,
    );
    const milestones = new Set([0]);
    for (const milestone of [leads.get(person), opportunities.get(person)]) {
      if (milestone === undefined || milestone > end) continue;
      const last = path.findLastIndex((touch) => touch.at <= milestone);
      if (last >= 0) milestones.add(last);
    }
    for (const [model, share] of Object.entries(reference)) {
      if (path.length === 0) weights.set(`${model} ${conversion.conversion_id} (unattributed)`, 1);
      for (const [index, weight] of share(path, milestones).entries()) {
        if (weight > 0) weights.set(`${model} ${conversion.conversion_id} ${path[index]?.id}`, weight);
      }
    }
  }
  return weights;
}

/** Decimals as whole millionths. */
const millionths = (value: SqlValue | undefined) => BigInt(String(value).replace('.', ''));

describe('every company', () => {
  test('has the same tables whatever the order of arrival, its credit is the ledger, and its weights are the reference', async () => {
    const seen = { conversions: 0, paths: 0, refunds: 0, stages: 0 };
    await fc.assert(
      fc.asyncProperty(companies, async ({ events, order, again, recordsPerObject, pathStart }) => {
        const settings = { ...config, attribution: { ...config.attribution, pathStart } };
        const known = events.map((one) => ({ ...one, received_at: '2026-03-20T10:00:00Z' }));
        // Copies come in at other hours, on other days.
        const arrived = (place: number) =>
          new Date(Date.parse('2026-03-18T10:00:00Z') + ((place * 37) % 2880) * 60_000).toISOString();
        const shuffled = [...again, ...order, ...again].flatMap((index, place) =>
          known[index] === undefined ? [] : [{ ...known[index], received_at: arrived(place) }],
        );
        const company = await buildCompany({ events: known, config: settings });
        const other = await buildCompany({ events: shuffled, config: settings, recordsPerObject });
        try {
          expect(company.refused).toEqual([]);
          expect(company.failing.error).toEqual([]);
          expect(other.failing.error).toEqual([]);
          expect(await publishedTables(other)).toEqual(await publishedTables(company));

          const weights = await referenceWeights(company, pathStart);
          const credit = await company.query(
            `select model, conversion_id, touch_id, weight from credit
             where conversion_id not like 'refund/%' and model in (select model from attribution_models where kind = 'rule')`,
          );
          const found = new Map(
            credit.map((row) => [`${row.model} ${row.conversion_id} ${row.touch_id}`, Number(row.weight)]),
          );
          expect([...found.keys()].sort()).toEqual([...weights.keys()].sort());
          for (const [key, weight] of weights) expect(found.get(key)).toBeCloseTo(weight, 9);

          const ledger = await company.query(
            'select cast(sum(revenue) as decimal(18, 6)) as revenue, count(*) as conversions from conversions',
          );
          for (const model of modelNames) {
            const rows = await company.query(
              `select revenue, conversions, touch_id from credit where model = '${model}'`,
            );
            const total = rows.reduce((sum, row) => sum + millionths(row.revenue), 0n);
            expect(total).toBe(ledger[0]?.revenue === null ? 0n : millionths(ledger[0]?.revenue));
          }
          expect(
            await company.query(
              'select conversion_id from credit group by model, conversion_id having abs(sum(weight) - 1) > 1e-9',
            ),
          ).toEqual([]);
          expect(
            await company.query(
              `select earlier.person_id from stage_times as earlier inner join stage_times as later
               on later.person_id = earlier.person_id and later.stage_no > earlier.stage_no
               where later.entered_at < earlier.entered_at`,
            ),
          ).toEqual([]);
          seen.conversions += Number(ledger[0]?.conversions);
          seen.paths += [...weights.keys()].filter((key) => key.startsWith('linear') && !key.includes('(')).length;
          seen.refunds += (
            await company.query("select 1 from conversions where conversion_id like 'refund/order%' or revenue < 0")
          ).length;
          seen.stages += (await company.query("select 1 from stage_entries where stage = 'loyalty'")).length;
        } finally {
          await company.close();
          await other.close();
        }
      }),
      runs,
    );
    // The random companies have in them what is to be proved.
    expect(seen.conversions).toBeGreaterThan(50);
    expect(seen.paths).toBeGreaterThan(50);
    expect(seen.refunds).toBeGreaterThan(2);
    expect(seen.stages).toBeGreaterThan(2);
  }, 120_000);

  test('is, up to a day, what it would be if nothing had happened since', async () => {
    const asOf = '2026-02-10';
    const dayOf = createReportingDay('Europe/Rome');
    await fc.assert(
      fc.asyncProperty(companies, async ({ events }) => {
        const past = events.filter((one) => dayOf(Date.parse(one.occurred_at)) <= asOf);
        const company = await buildCompany({ events, config, asOf });
        const other = await buildCompany({ events: past, config, asOf });
        try {
          expect(past.length).toBeLessThan(events.length);
          // How fresh a source is does not end with the day that is read, nor does what is said of it.
          const upToTheDay = async (built: BuiltCompany): Promise<Record<string, string[]>> => {
            const { source_health: _, findings = [], ...tables } = await publishedTables(built);
            return { ...tables, findings: findings.filter((finding) => !finding.startsWith('["stale/')) };
          };
          const tables = await upToTheDay(company);
          expect(tables.conversions?.length).toBeGreaterThan(0);
          expect(tables).toEqual(await upToTheDay(other));
        } finally {
          await company.close();
          await other.close();
        }
      }),
      { ...runs, numRuns: Math.ceil((3 / 5) * runs.numRuns) },
    );
  }, 120_000);
});
