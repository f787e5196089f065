import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Big from 'big.js';
import { describe, expect, it } from 'vitest';
import type { StoredCost } from '#core/cost';
import { testCompany } from './import-company.ts';

const usd = { currency: 'USD', bounds: { earliest: '2015-01-01' } };
const spend = (costs: readonly StoredCost[]) =>
  costs.reduce((total, cost) => total.plus(cost.spend), new Big(0)).toFixed(2);
const total = (costs: readonly StoredCost[], field: 'clicks' | 'impressions' | 'platform_conversions') =>
  costs.reduce((sum, cost) => sum + cost[field], 0);

async function report(name: string, text: string | Uint8Array, config: { currency?: string } = { currency: 'USD' }) {
  const company = await testCompany(config);
  const result = await company.import([await company.write(name, text)]);
  return { summary: result.files[0], costs: await company.costs(), hasFailed: result.hasFailed };
}

describe('a Google Ads report', () => {
  const campaigns = `\ufeff"Campaign report"
"Aug 1, 2026 - Aug 3, 2026"
Day,Campaign,Campaign type,Currency code,Cost,Impr.,Clicks,Conversions,Conv. value,Search impr. share
2026-01-01,Brand - Search,Search,USD,"$1,200.50","15,000",320,12.50,"2,000.00",< 10%
2026-01-02,"Everything, max",Performance Max,USD, --,0,0,0.00,0.00,--
2026-01-02,Spots,Video,USD,40.00,"9,001",12,--,--,40%
"Total: account",,,USD,"1,240.50","24,001",332,12.50,"2,000.00",--
"Total: All campaigns",,,USD,"1,240.50"
`;
  it('is read without its preamble and totals, with thousands, signs and dashes', async () => {
    const { summary, costs, hasFailed } = await report('campaigns.csv', campaigns);
    expect(hasFailed).toBe(false);
    expect(summary).toMatchObject({ says: 'as a Google Ads campaign report', costs: 3, leftOut: 2, rejected: 0 });
    expect(costs.map((cost) => [cost.cost_date, cost.campaign, cost.channel, cost.spend, cost.impressions])).toEqual([
      ['2026-01-01', 'Brand - Search', 'Paid Search', '1200.50', 15_000],
      ['2026-01-02', 'Everything, max', 'Cross-network', '0', 0],
      ['2026-01-02', 'Spots', 'Paid Video', '40.00', 9001],
    ]);
    expect(costs[0]).toMatchObject({ source: 'google_ads', platform_conversions: 12.5, platform_value: '2000.00' });
  });

  it('is read in Italian, with decimal commas', async () => {
    const text = `Rapporto sulle campagne;;;;;
1 gen 2026 - 31 gen 2026;;;;;
Giorno;Campagna;Codice valuta;Costo;Impr.;Clic
2026-01-01;Marchio;EUR;1.200,50;15.000;320
Totale: account;;EUR;1.200,50;15.000;320
`;
    const { summary, costs } = await report('campagne.csv', text, { currency: 'EUR' });
    expect(summary).toMatchObject({ costs: 1, leftOut: 1, rejected: 0 });
    expect(costs[0]).toMatchObject({ spend: '1200.50', impressions: 15_000, clicks: 320, currency: 'EUR' });
  });

  const noDays = (range: string) =>
    `Campaign report\n"${range}"\nCampaign,Currency code,Cost,Impr.,Clicks\nBrand,USD,5.00,100,3\n`;
  it('without days is refused, with the mend, unless its range is one day', async () => {
    const { summary, hasFailed, costs } = await report('a.csv', noDays('Jan 1, 2026 - Jan 3, 2026'));
    expect(hasFailed).toBe(true);
    expect(costs).toEqual([]);
    expect(summary?.refused?.message).toMatch(/sums up 2026-01-01 to 2026-01-03/);
    expect(summary?.refused?.mend).toMatch(/Time > Day/);
    const oneDay = await report('a.csv', noDays('Jan 3, 2026 - Jan 3, 2026'));
    expect(oneDay.costs.map(({ cost_date }) => cost_date)).toEqual(['2026-01-03']);
  });

  it('rejects a bad row alone, with its column', async () => {
    const { summary } = await report('a.csv', campaigns.replace('40.00', 'forty'));
    expect(summary).toMatchObject({ costs: 2, rejected: 1 });
    expect(summary?.reasons[0]).toBe('line 6: Cost: "forty" is not a number');
  });

  it('of its API is read in millionths, by the network that was paid', async () => {
    const text =
      'customer_id,date,ad_network_type,id,clicks,conversions,cost_micros,impressions\n7,2026-01-01,YOUTUBE_WATCH,9,3,1.5,36150001,166\n';
    const { costs, summary } = await report('stats.csv', text, { currency: 'EUR' });
    expect(costs[0]).toMatchObject({
      account: '7',
      campaign_id: '9',
      spend: '36.150001',
      channel: 'Paid Video',
      currency: 'EUR',
    });
    expect(summary?.notes).toEqual([
      "the file names no currency: taken as EUR, the company's (another one: --currency)",
    ]);
  });

  it('of its API is read as JSON too', async () => {
    const row = {
      campaign: { id: '9', name: 'Brand' },
      metrics: { costMicros: '5000000', clicks: '2', impressions: '10' },
      segments: { date: '2026-01-01' },
    };
    const { costs } = await report('rows.json', JSON.stringify({ results: [row] }));
    expect(costs[0]).toMatchObject({ campaign_id: '9', campaign: 'Brand', spend: '5', clicks: 2 });
  });
});

describe('a Meta Ads report', () => {
  const text = (rows: string) =>
    `Reporting starts,Reporting ends,Campaign name,Ad set name,Ad name,Impressions,Reach,Link clicks,Amount spent (USD),Purchases,"CPM (cost per 1,000 impressions) (USD)"\n${rows}`;
  it('takes the currency from its header', async () => {
    const rows = '2026-01-01,2026-01-01,Winter,Homes,Film A,1000,900,10,12.34,2,3.1\n,,,,,1000,900,10,12.34,2,3.1\n';
    const { summary, costs } = await report('ads.csv', text(rows), { currency: 'USD' });
    expect(summary).toMatchObject({ says: 'as a Meta Ads report', costs: 1, leftOut: 1, rejected: 0 });
    expect(costs[0]).toMatchObject({
      source: 'meta_ads',
      campaign: 'Winter',
      ad_group: 'Homes / Film A',
      channel: 'Paid Social',
      spend: '12.34',
      currency: 'USD',
      platform_conversions: 2,
    });
  });
  it('refuses rows that sum up several days, with the mend', async () => {
    const { summary, hasFailed } = await report(
      'ads.csv',
      text('2026-01-01,2026-01-31,Winter,Homes,A,1,1,1,1.00,0,1\n'),
    );
    expect(hasFailed).toBe(true);
    expect(summary?.reasons[0]).toMatch(/Breakdown > By time > Day/);
  });
  it('counts purchases once, though the API tells of them three times', async () => {
    const api =
      'date_start,date_stop,campaign_id,impressions,inline_link_clicks,spend,actions:omni_purchase,actions:purchase,actions:offsite_conversion.fb_pixel_purchase\n2026-01-01,2026-01-01,9,100,5,7.50,3,3,3\n';
    const { costs } = await report('insights.csv', api);
    expect(costs[0]?.platform_conversions).toBe(3);
  });
});

describe('a report whose header is not enough', () => {
  it('is read by the connector that is named', async () => {
    const company = await testCompany({ currency: 'USD' });
    const text = 'date,campaign_id,impressions,clicks,spend\n2026-01-01,9,100,5,7.50\n';
    const path = await company.write('report.csv', text);
    expect((await company.import([path])).hasFailed).toBe(true);
    const { files } = await company.import([path], { as: 'microsoft-ads', source: 'bing', currency: 'USD' });
    expect(files[0]).toMatchObject({ costs: 1, rejected: 0, notes: [] });
    expect((await company.costs())[0]).toMatchObject({ source: 'bing', channel: 'Paid Search', currency: 'USD' });
  });
});

const data = join(import.meta.dirname, '../../../shared/data/ad_exports');
describe.skipIf(!existsSync(data))('real exports of ad platforms (skipped: no ../shared/data)', () => {
  async function real(name: string) {
    const company = await testCompany(usd);
    const { files } = await company.import([join(data, name)]);
    expect(files[0]).toMatchObject({ rejected: 0 });
    return company.costs();
  }
  it('give what Google says: 280 clicks, 1,854 impressions, 231.33 spent', async () => {
    const costs = await real('google_ads_campaign_stats_data.csv');
    expect([total(costs, 'clicks'), total(costs, 'impressions'), spend(costs)]).toEqual([280, 1854, '231.33']);
  });
  it('give what Microsoft says: 2,630 rows, 946.34 spent', async () => {
    const costs = await real('microsoft_ads_campaign_performance_daily_report_data.csv');
    expect([costs.length, spend(costs)]).toEqual([2630, '946.34']);
  });
  it('give what Facebook says: 37,275 impressions, 643.63 spent', async () => {
    const costs = await real('facebook_ads_basic_ad_data.csv');
    expect([total(costs, 'impressions'), spend(costs)]).toEqual([37_275, '643.63']);
  });
  it('give what LinkedIn says: 530.62 spent', async () => {
    expect(spend(await real('linkedin_ad_analytics_by_campaign_data.csv'))).toBe('530.62');
  });
  it('give what TikTok says of each hour', async () => {
    const costs = await real('tiktok_campaign_report_hourly_data.csv');
    expect(costs.map(({ cost_date, spend: spent }) => [cost_date, spent])).toContainEqual(['2021-09-15', '222.12']);
  });
});
