import { describe, expect, test } from 'vitest';
import { type CompanyByDays, openCompanyByDays } from './company-by-days.ts';
import { type Arrival, at, contact, order, visit } from './company-on-duckdb.ts';

const config = { attribution: { lookbackDays: 30 }, timeZone: 'UTC', fullRefresh: 'never' as const };

async function withCompany<Result>(use: (company: CompanyByDays) => Promise<Result>, more = {}): Promise<Result> {
  const company = await openCompanyByDays({ ...config, ...more });
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
});
