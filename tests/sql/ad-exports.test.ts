import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { StoredCost } from '#core/cost';
import { type TestCompany, testCompany } from '../unit/import-company.ts';
import { type CostImport, companyBuilder } from './company-on-duckdb.ts';

const build = companyBuilder();
const usd = { currency: 'USD', bounds: { earliest: '2015-01-01' } };

/** The costs that lie in the lake, import by import, as the models get them. */
function importsOf(costs: readonly StoredCost[]): CostImport[] {
  const imports = new Map<string, CostImport & { rows: CostImport['rows'][number][] }>();
  for (const { import_id: id, received_at, schema_version: _, ...cost } of costs) {
    const known = imports.get(id) ?? { id, received_at, rows: [] };
    imports.set(id, known);
    known.rows.push(cost);
  }
  return [...imports.values()];
}

async function built(company: TestCompany) {
  const { lines } = await build({ select: 'costs', costs: importsOf(await company.costs()), config: usd });
  return {
    totals: await lines(
      'select source, cast(sum(spend) as decimal(18, 2)), cast(sum(impressions) as bigint), cast(sum(clicks) as bigint) from costs group by source order by source',
    ),
    days: await lines('select source, cost_date, sum(spend) from costs group by source, cost_date order by 1, 2'),
  };
}

const data = join(import.meta.dirname, '../../../shared/data/ad_exports');
const names = {
  google: 'google_ads_campaign_stats_data.csv',
  microsoft: 'microsoft_ads_campaign_performance_daily_report_data.csv',
  facebook: 'facebook_ads_basic_ad_data.csv',
  linkedin: 'linkedin_ad_analytics_by_campaign_data.csv',
};

describe.skipIf(!existsSync(data))(
  'real exports of ad platforms, through to the costs (skipped: no ../shared/data)',
  () => {
    it('give the facts to the cent, once and again; restated days change, and no other', async () => {
      const company = await testCompany(usd);
      const paths = Object.values(names).map((name) => join(data, name));
      await company.import(paths);
      const first = await built(company);
      const spend = Object.fromEntries(first.totals.map((line) => [line.split(' ')[0], line.split(' ').slice(1)]));
      expect(spend.google_ads).toEqual(['231.33', '1854', '280']);
      expect(spend.meta_ads?.slice(0, 2)).toEqual(['643.63', '37275']);
      expect(spend.linkedin_ads?.[0]).toBe('530.62');
      expect(spend.microsoft_ads?.[0]).toBe('946.34');

      const keys = await company.rawKeys();
      const { files } = await company.import(paths);
      expect(files.map(({ alreadyThere }) => alreadyThere)).toEqual([true, true, true, true]);
      expect(await company.rawKeys()).toEqual(keys);

      // The last day of Google's report comes again, with another spend; so it does with attribution windows.
      const [header = '', ...rows] = (await readFile(join(data, names.google), 'utf8')).trim().split(/\r?\n/);
      const at = (name: string) => header.split(',').indexOf(name);
      const last =
        rows
          .map((row) => row.split(',')[at('date')] ?? '')
          .sort()
          .at(-1) ?? '';
      const restated = rows
        .filter((row) => row.split(',')[at('date')] === last)
        .map((row) =>
          row
            .split(',')
            .map((cell, index) => (index === at('cost_micros') ? '7000000' : cell))
            .join(','),
        );
      await company.import([await company.write('restated.csv', [header, ...restated, ''].join('\n'))]);
      const second = await built(company);
      const changed = second.days.filter((line) => !first.days.includes(line));
      expect(changed.map((line) => line.split(' ')[0])).toEqual(['google_ads']);
      expect(changed[0]).toContain(`${(restated.length * 7).toFixed(2)}`);
      expect(second.days.length).toBe(first.days.length);
    });
  },
);

describe('an old report that is imported again after a newer one', () => {
  const report = (spend: string) =>
    `date,campaign_id,bid_match_type,clicks,impressions,spend,currency_code\n2026-01-01,9,Exact,1,10,${spend},USD\n`;
  it('changes nothing and says so; with --again it is the newest word', async () => {
    const company = await testCompany(usd);
    const old = await company.write('old.csv', report('5.00'));
    const newer = await company.write('newer.csv', report('6.00'));
    await company.import([old]);
    await company.import([newer]);
    const again = await company.import([old]);
    expect(again.files[0]).toMatchObject({ alreadyThere: true });
    expect(again.files[0]?.notes.join()).toContain('later reports stand for a day of its costs');
    expect((await built(company)).totals).toEqual(['microsoft_ads 6.00 10 1']);
    const quiet = await company.import([newer]);
    expect(quiet.files[0]?.notes.join()).not.toContain('later reports');

    expect((await company.import([old], { again: true })).files[0]).toMatchObject({ alreadyThere: false, costs: 1 });
    expect((await built(company)).totals).toEqual(['microsoft_ads 5.00 10 1']);
    await company.import([old], { again: true });
    expect((await built(company)).totals).toEqual(['microsoft_ads 5.00 10 1']);
  });

  it('adds no event when it is taken again', async () => {
    const company = await testCompany();
    const path = await company.write(
      'a.jsonl',
      '{"event_type":"Contact","occurred_at":"2026-01-05T10:00:00Z","source":"x","identifiers":{"crm_id":"1"}}\n',
    );
    await company.import([path]);
    const before = (await company.events()).map(({ event_id }) => event_id);
    await company.import([path], { again: true });
    expect(new Set((await company.events()).map(({ event_id }) => event_id))).toEqual(new Set(before));
  });
});
