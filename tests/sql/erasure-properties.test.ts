import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openMarts } from '#adapters/duckdb-marts';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import { createIdentifiers } from '#core/identifiers';
import { readCurrentManifest } from '#pipeline/builds/publish';
import { erasePersons } from '#pipeline/people/erase';
import { filesUnder } from '../e2e/company-files.ts';
import { type CompanyByDays, identifierKey, openCompanyByDays } from './company-by-days.ts';
import { companies, randomConfig } from './random-company.ts';

/*
 * Whoever is erased from whatever company: nothing that is read or stored holds an identifier of theirs, and what is no person's
 * stays as it was, or is named.
 */
/** `PROPERTY_RUNS=100` before the command tries more companies than the suite has time for. */
const runs = { numRuns: Number(process.env.PROPERTY_RUNS ?? 2), seed: 20_261_129, endOnFailure: true };
const config = { ...randomConfig, timeZone: 'UTC', fullRefresh: 'always' as const };
const identifiers = createIdentifiers(identifierKey, 'IT');

/** Figures without persons, under a name that an erasure's own list of totals begins with. */
const totals: Record<string, string> = {
  'events ': 'select event_type as cut, count(*) as n from events group by 1',
  'conversions ': `select conversion_type as cut, conversion_date, count(*) as n, sum(revenue) as revenue, sum(margin) as margin
    from conversions group by all`,
  'credit ': `select model || ' ' || conversion_type || ' ' || channel as cut, day, sum(conversions) as n, sum(revenue) as revenue,
    sum(margin) as margin from channel_daily group by all`,
};

async function figures(company: CompanyByDays): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  for (const [prefix, sql] of Object.entries(totals)) {
    for (const { cut, ...row } of await company.query(sql)) {
      const name = `${prefix}${cut}`;
      found.set(name, (found.get(name) ?? new Set()).add(JSON.stringify(row)));
    }
  }
  return found;
}

async function storedTexts(company: CompanyByDays): Promise<string[]> {
  const paths = await filesUnder(company.company.paths.lake);
  const readable = paths.filter((path) => path.endsWith('.gz') || path.endsWith('.json') || path.endsWith('.jsonl'));
  return Promise.all(
    readable.map(async (path) => {
      const body = await readFile(path);
      return (path.endsWith('.gz') ? gunzipSync(body) : body).toString('utf8');
    }),
  );
}

async function rowTexts(company: CompanyByDays): Promise<string[]> {
  const tables = Object.keys((await readCurrentManifest(company.company.lake))?.tables ?? {});
  const rows = await Promise.all(tables.map((table) => company.query(`select * from ${table}`)));
  return rows.map((table) => JSON.stringify(table));
}

const who = fc.constantFrom(
  ...['a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map((value) => ({ kind: 'anonymous_id', value }) as const),
  ...['u1', 'u2', 'u3', 'u4'].map((value) => ({ kind: 'user_id', value }) as const),
  ...['e1@x.it', 'e2@x.it', 'e3@x.it'].map((value) => ({ kind: 'email', value }) as const),
);

test('after an erasure nothing holds the identifier, and a figure without persons is as it was or is named', async () => {
  const seen = { erased: 0, figures: 0 };
  await fc.assert(
    fc.asyncProperty(companies, who, async ({ events }, { kind, value }) => {
      const company = await openCompanyByDays(config);
      try {
        await company.receive(events.map((event) => ({ ...event, received_at: '2026-03-20T10:00:00Z' })));
        const now = '2026-03-21T08:00:00Z';
        await company.build(now);
        const hash = identifiers.hash(kind, value);
        const wasHeld = (await storedTexts(company)).some((text) => text.includes(hash));
        const before = await figures(company);
        const result = await erasePersons(company.company, [`${kind}:${value}`], {
          build: async () => void (await company.build(now)),
          openMarts,
          warehouse: () => createDuckDbWarehouse({ threads: 1, memory: '1GB' }),
          deleteLanding: false,
          say: () => undefined,
          now: () => new Date(now),
        });
        expect(result.isUnknown).toBe(!wasHeld);
        expect(result.held).toEqual([]);
        for (const text of [...(await storedTexts(company)), ...(await rowTexts(company))]) {
          expect(text.includes(hash)).toBe(false);
        }
        const after = await figures(company);
        const moved = [...new Set([...before.keys(), ...after.keys()])].filter((name) => {
          const [was, is] = [before.get(name) ?? new Set(), after.get(name) ?? new Set()];
          return was.size !== is.size || [...was].some((row) => !is.has(row));
        });
        const named = new Set(result.moved.map(({ total }) => total));
        expect(moved.filter((name) => !named.has(name))).toEqual([]);
        seen.erased += result.events > 0 ? 1 : 0;
        seen.figures += after.size;
      } finally {
        await company.close();
      }
    }),
    runs,
  );
  expect(seen.erased).toBeGreaterThan(0);
  expect(seen.figures).toBeGreaterThan(20);
}, 600_000);
