import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Arrival,
  at,
  type BuiltCompany,
  buildCompany,
  companyBuilder,
  contact,
  order,
} from './company-on-duckdb.ts';

const build = companyBuilder();
const event = (who: string, event_type: string, occurred_at: string): Arrival => ({
  event_id: `${event_type}-${who}-${occurred_at}`,
  event_type,
  occurred_at,
  source: 'site',
  identifiers: { anonymous_id: who },
});
const z = 1.6448536269514722;

/**
 * Remission of leukemia under 6-MP, in weeks, of 21 patients (Freireich et al. 1963), as Kaplan-Meier is taught by
 * (Kleinbaum & Klein, Survival Analysis, table 2.1): 9 relapses, 12 followed no longer.
 */
const relapsed = [6, 6, 6, 7, 10, 13, 16, 22, 23];
const followed = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35];

describe('Kaplan-Meier', () => {
  test('has the published curve, its standard errors and its median of the 6-MP patients, days for weeks', async () => {
    const end = Date.parse('2026-06-30T22:00:00Z');
    const day = 86_400_000;
    const company = await build({
      asOf: '2026-06-30',
      events: [
        ...relapsed.flatMap((days, index) => {
          const entered = Date.parse(at('2026-03-01'));
          return [
            contact(`r${index}`, 'A', new Date(entered).toISOString()),
            event(`r${index}`, 'Form Submitted', new Date(entered + days * day).toISOString()),
          ];
        }),
        ...followed.map((days, index) =>
          contact(`f${index}`, 'A', new Date(end - days * day - 3_600_000).toISOString()),
        ),
      ],
    });
    const rows = await company.query(
      `select day, at_risk, share_advanced, share_low, share_high from stage_survival
       where stage = 'awareness' and channel = '(all)' and device_class = '(all)' and cohort_month = '(all)' and advanced > 0 order by day`,
    );
    // Week, at risk, S(t), standard error: Kleinbaum & Klein; the error of S by Greenwood.
    const published = [
      [6, 21, 0.8571, 0.0764],
      [7, 17, 0.8067, 0.0869],
      [10, 15, 0.7529, 0.0963],
      [13, 12, 0.6902, 0.1068],
      [16, 11, 0.6275, 0.1141],
      [22, 7, 0.5378, 0.1282],
      [23, 6, 0.4482, 0.1346],
    ] as const;
    expect(rows.map((row) => [Number(row.day), Number(row.at_risk)])).toEqual(
      published.map(([week, atRisk]) => [week, atRisk]),
    );
    for (const [index, [, , survival, error]] of published.entries()) {
      const row = rows[index];
      expect(1 - Number(row?.share_advanced)).toBeCloseTo(survival, 4);
      const half = (z * error) / (survival * Math.abs(Math.log(survival)));
      expect(1 - Number(row?.share_low)).toBeCloseTo(survival ** Math.exp(-half), 3);
      expect(1 - Number(row?.share_high)).toBeCloseTo(survival ** Math.exp(half), 3);
    }
    expect(
      await company.lines(
        `select p25_days, median_days, p75_days from stage_conversion
         where stage = 'awareness' and channel = '(all)' and device_class = '(all)' and cohort_month = '(all)'`,
      ),
    ).toEqual(['13 23 null']);
  });

  test('and the counts of every cut agree with a slow reckoning from the stage entries, person by person', async () => {
    const start = Date.parse('2026-01-01T00:00:00Z');
    const instant = (most: number) =>
      fc.integer({ min: 0, max: most * 24 }).map((hours) => new Date(start + hours * 3_600_000).toISOString());
    const person = fc.record({
      channel: fc.constantFrom('Store', 'Phone', 'Event'),
      first: instant(60),
      others: fc.array(
        fc.record({
          kind: fc.constantFrom(
            'Form Submitted',
            'Order Completed',
            'Order Completed',
            'Order Completed',
            'Product Used',
          ),
          when: instant(119),
        }),
        { maxLength: 5 },
      ),
    });
    const seen = { rows: 0, medians: 0, skipped: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(person, { minLength: 15, maxLength: 40 }), async (persons) => {
        const company = await buildCompany({
          select: 'stage_survival,stage_conversion,stage_entries',
          asOf: '2026-04-30',
          events: persons.flatMap(({ channel, first, others }, index) => [
            contact(`p${index}`, channel, first),
            ...others.map(({ kind, when }, no) =>
              kind === 'Order Completed'
                ? order(`p${index}`, `${index}-${no}`, when, '10.00')
                : event(`p${index}`, kind, when),
            ),
          ]),
        });
        try {
          const { survival, conversion } = await reckoned(company);
          const found = await company.query('select * from stage_survival');
          expect(found.map((row) => cellOf(row) + row.day).sort()).toEqual([...survival.keys()].sort());
          for (const row of found) {
            const want = survival.get(cellOf(row) + row.day);
            expect([row.at_risk, row.advanced, row.censored].map(Number)).toEqual(want?.counts);
            for (const [index, name] of ['share_advanced', 'share_low', 'share_high'].entries()) {
              expect(Number(row[name])).toBeCloseTo(want?.shares[index] ?? Number.NaN, 9);
            }
          }
          const cells = await company.query('select * from stage_conversion');
          expect(cells.map(cellOf).sort()).toEqual([...conversion.keys()].sort());
          for (const cell of cells) {
            const names = ['entered', 'skipped', 'advanced', 'undecided', 'p25_days', 'median_days', 'p75_days'];
            expect(
              names.map((name) => (cell[name] === null ? null : Number(cell[name]))),
              cellOf(cell),
            ).toEqual(conversion.get(cellOf(cell)));
            if (cell.median_days !== null) seen.medians++;
            if (Number(cell.skipped) > 0) seen.skipped++;
          }
          seen.rows += found.length;
        } finally {
          await company.close();
        }
      }),
      { numRuns: 4, seed: 20_260_703 },
    );
    expect(seen.rows).toBeGreaterThan(500);
    expect(seen.medians).toBeGreaterThan(50);
    expect(seen.skipped).toBeGreaterThan(20);
  }, 120_000);
});

const stages = ['awareness', 'acquisition', 'conversion', 'retention', 'loyalty'];

function cellOf(row: Record<string, unknown>): string {
  return [row.stage, row.channel, row.device_class, row.cohort_month, ''].join('|');
}

/** Both tables from `stage_entries`, cell by cell and day by day, by the textbook. */
async function reckoned(company: BuiltCompany) {
  const entries = await company.query('select * from stage_entries');
  const atOf = (row: Record<string, unknown>) => Date.parse(String(row.entered_at));
  const next = new Map(entries.map((row) => [`${row.person_id} ${row.stage}`, atOf(row)]));
  const end = Date.parse('2026-04-30T22:00:00Z');
  const inRome = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Rome', year: 'numeric', month: '2-digit' });
  const groups = new Map<string, { days: number; advanced: boolean; inferred: boolean }[]>();
  for (const row of entries) {
    const follower = stages[stages.indexOf(String(row.stage)) + 1];
    if (follower === undefined) continue;
    const then = next.get(`${row.person_id} ${follower}`);
    const step = {
      days: Math.floor(((then ?? end) - atOf(row)) / 86_400_000),
      advanced: then !== undefined,
      inferred: String(row.is_inferred) === 'true',
    };
    const month = inRome.format(atOf(row)).slice(0, 7);
    for (const channel of ['(all)', row.channel]) {
      for (const device_class of ['(all)', row.device_class]) {
        for (const cohort_month of ['(all)', month]) {
          const cell = cellOf({ stage: row.stage, channel, device_class, cohort_month });
          groups.set(cell, [...(groups.get(cell) ?? []), step]);
        }
      }
    }
  }
  const survival = new Map<string, { counts: number[]; shares: number[] }>();
  const conversion = new Map<string, (number | null)[]>();
  for (const [cell, all] of groups) {
    const steps = all.filter((step) => !step.inferred);
    const quantiles: (number | null)[] = [null, null, null];
    let left = 1;
    let variance = 0;
    for (const day of [...new Set(steps.map((step) => step.days))].sort((a, b) => a - b)) {
      const atRisk = steps.filter((step) => step.days >= day).length;
      const here = steps.filter((step) => step.days === day);
      const advanced = here.filter((step) => step.advanced).length;
      left *= 1 - advanced / atRisk;
      if (advanced < atRisk) variance += advanced / (atRisk * (atRisk - advanced));
      const half = (z * Math.sqrt(variance)) / Math.abs(Math.log(left));
      const isSure = left === 0 || left === 1;
      survival.set(cell + day, {
        counts: [atRisk, advanced, here.length - advanced],
        shares: [left, isSure ? left : left ** Math.exp(-half), isSure ? left : left ** Math.exp(half)].map(
          (s) => 1 - s,
        ),
      });
      for (const [index, share] of [0.25, 0.5, 0.75].entries()) {
        if (quantiles[index] === null && 1 - left >= share - 1e-12) quantiles[index] = day;
      }
    }
    const advanced = steps.filter((step) => step.advanced).length;
    conversion.set(cell, [steps.length, all.length - steps.length, advanced, steps.length - advanced, ...quantiles]);
  }
  return { survival, conversion };
}
