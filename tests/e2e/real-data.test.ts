import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { main } from '#cli/main';

/*
 * Public data sets through the front door, by the mappings of examples/, against their published facts. The data is not
 * the project's to ship: it lies beside the checkout, or these tests are skipped.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const data = join(root, '..', 'shared', 'data');
const folder = mkdtempSync(join(tmpdir(), 'percorso-real-data-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = z.array(z.array(z.string()));

function company(name: string, example: string) {
  const dir = join(folder, name);
  cpSync(join(root, 'examples', example), dir, { recursive: true });
  async function percorso(...argv: string[]): Promise<string> {
    let written = '';
    let said = '';
    const code = await main(['--dir', dir, ...argv], {
      cwd: dir,
      env: {},
      now: () => new Date('2026-11-20T09:00:00Z'),
      stdout: (text) => {
        written += text;
      },
      stderr: (text) => {
        said += text;
      },
      isTerminal: false,
    });
    expect(code, said).toBe(0);
    return written;
  }
  return {
    dir,
    percorso,
    /** Rows of a query as text, without the header. */
    query: async (sql: string) => rows.parse(parse(await percorso('query', sql, '--format', 'csv'))).slice(1),
  };
}

describe.skipIf(!existsSync(data))('public data, by the examples (skipped: no ../shared/data)', () => {
  describe('leads and deals of Olist', () => {
    const olist = company('olist', 'olist');
    beforeAll(async () => {
      await olist.percorso('import', join(data, 'olist'));
      await olist.percorso('build');
    });

    test('are 8,000 leads and 842 customers, won by origin as published', async () => {
      const won = await olist.query(
        `select channel,
            count(case when stage = 'acquisition' then 1 end) as leads,
            count(case when stage = 'conversion' then 1 end) as won
         from stage_entries group by channel order by leads desc`,
      );
      expect(won).toEqual([
        ['Organic Search', '2296', '271'],
        ['Paid Search', '1586', '195'],
        ['Organic Social', '1350', '75'],
        ['Unknown', '1099', '179'],
        ['Direct', '499', '56'],
        ['Email', '493', '15'],
        ['Referral', '284', '24'],
        ['Other', '150', '4'],
        ['Display', '118', '6'],
        ['Other Publicities', '65', '3'],
        ['(not given)', '60', '14'],
      ]);
    });

    test('keep the deal won before its first contact, flagged, without a negative duration', async () => {
      expect(
        await olist.query('select stage, count(*) from stage_entries where is_inferred group by stage order by stage'),
      ).toEqual([
        ['acquisition', '1'],
        ['awareness', '1'],
      ]);
      expect(await olist.query('select min(day) from stage_survival')).toEqual([['0']]);
      expect(
        await olist.query(
          `select entered, skipped, advanced from stage_conversion
           where stage = 'acquisition' and cohort_month = '(all)' and channel = '(all)' and device_class = '(all)'`,
        ),
      ).toEqual([['7999', '1', '841']]);
    });

    test('show no ROI, since no cost is on record', async () => {
      expect(
        await olist.query("select count(*) from channel_roi where roi is not null or verdict <> 'no cost'"),
      ).toEqual([['0']]);
    });
  });

  describe('orders of CDNOW', () => {
    const cdnow = company('cdnow', 'cdnow');
    beforeAll(async () => {
      await cdnow.percorso('import', join(data, 'cdnow', 'CDNOW_master.txt'));
      await cdnow.percorso('build');
    });

    test('are 69,659 worth 2,500,315.63, equal ones included', async () => {
      expect(
        await cdnow.query("select count(*), sum(revenue) from conversions where conversion_type like '%_order'"),
      ).toEqual([['69659', '2500315.63']]);
    });

    test('come again in the three monthly cohorts as published', async () => {
      const retained = await cdnow.query(
        'select cohort_month, period, sum(retained) from cohort_retention group by cohort_month, period order by 1, 2',
      );
      const of = (month: string) => retained.filter(([cohort]) => cohort === month).map((row) => Number(row[2]));
      expect(of('1997-01')).toEqual([
        7846, 1157, 964, 810, 679, 736, 720, 582, 559, 594, 673, 634, 528, 511, 664, 472, 497, 498,
      ]);
      expect(of('1997-02')).toEqual([
        8476, 1312, 980, 783, 847, 786, 626, 619, 666, 721, 661, 545, 568, 718, 545, 548, 551,
      ]);
      expect(of('1997-03')).toEqual([7248, 1032, 752, 756, 674, 564, 561, 579, 634, 569, 464, 472, 678, 420, 443, 457]);
    });
  });

  describe('ad touches', () => {
    const touches = company('touches', 'touches');
    const shuffled = company('touches-shuffled', 'touches');
    const file = join(data, 'touches', 'attribution_data.csv.gz');
    const sums = `select model, sum(attributed), sum(unattributed), sum(ledger), sum(difference)
      from reconciliation where conversion_type = '(orders)' group by model order by model`;
    const credited = `select model, channel, sum(conversions), sum(revenue) from credit
      where conversion_type like '%_order' group by model, channel order by model, channel`;
    beforeAll(async () => {
      await touches.percorso('import', file);
      await touches.percorso('import', file);
      await touches.percorso('build');
    });

    test('bring 1,838 conversions worth 11,423.50, which every model shares out to the cent', async () => {
      expect(await touches.query("select count(*) from conversions where conversion_type like '%_order'")).toEqual([
        ['1838'],
      ]);
      const models = [
        'first_touch',
        'last_non_direct',
        'last_touch',
        'linear',
        'position_based',
        'time_decay',
        'w_shaped',
      ];
      expect(await touches.query(sums)).toEqual(models.map((model) => [model, '11423.50', '0.00', '11423.50', '0.00']));
    });

    test('give the same credit in another order of rows', async () => {
      const [header = '', ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
      const other = lines.map((line, index) => [(index * 7919) % lines.length, line] as const);
      other.sort(([a], [b]) => a - b);
      const again = join(shuffled.dir, 'attribution_data.csv');
      writeFileSync(again, `${[header, ...other.map(([, line]) => line)].join('\n')}\n`);
      await shuffled.percorso('import', again);
      await shuffled.percorso('build');
      expect(await shuffled.query(sums)).toEqual(await touches.query(sums));
      expect(await shuffled.query(credited)).toEqual(await touches.query(credited));
    });
  });

  describe('Facebook ads', () => {
    const ads = company('facebook-ads', 'facebook-ads');
    beforeAll(async () => {
      await ads.percorso('import', join(data, 'kag_facebook_ads'));
      await ads.percorso('build');
    });

    test('cost 55,662.15 for 36,068 clicks, with 872 conversions as the platform claims', async () => {
      expect(
        await ads.query(
          'select count(*), sum(spend), sum(clicks), sum(impressions), sum(platform_conversions) from costs',
        ),
      ).toEqual([['625', '55662.15', '36068', '204823716', '872']]);
    });

    test('have an unknown ROI, for no conversion is on record', async () => {
      const roi = await ads.query(
        "select distinct channel, spend, roas, roi, roi_low, cac, note from channel_roi where period = 'all_time'",
      );
      expect(roi).toEqual([['Paid Social', '55662.15', '', '', '', '', 'no conversions']]);
    });
  });
});
