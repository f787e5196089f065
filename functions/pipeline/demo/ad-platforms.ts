import { isoDay, italianDay } from '#pipeline/demo/calendar';
import { type Campaign, type CampaignKey, campaignList, pressure } from '#pipeline/demo/campaigns';
import { amount, csvLine, italianAmount, usNumber } from '#pipeline/demo/export-text';
import { stream } from '#pipeline/demo/random';

/** One campaign's day as its platform bills and claims it. Money in cents. */
export interface AdDay {
  campaign: Campaign;
  day: number;
  spend: number;
  clicks: number;
  impressions: number;
  conversions: number;
  value: number;
}

/** Sales that the platforms claim, by campaign and day. */
export type Claims = Map<string, { conversions: number; value: number }>;

export function claimKey(campaign: CampaignKey, day: number): string {
  return `${campaign}/${day}`;
}

/** @param size the market against the usual 7,000 persons: budgets grow with it. */
export function adDays(
  platform: Campaign['platform'],
  from: number,
  to: number,
  seed: number,
  size: number,
  claims: Claims,
): AdDay[] {
  const rows: AdDay[] = [];
  for (let day = from; day <= to; day++) {
    for (const campaign of campaignList) {
      const planned = pressure(campaign, day, seed);
      if (campaign.platform !== platform || planned === 0) continue;
      const draw = stream(seed, campaign.key);
      const spend = Math.round(campaign.dailyBudget * size * planned * 100 * (0.93 + 0.14 * draw('spend', day)));
      const clicks = Math.round((spend / 100 / campaign.cpc) * (0.9 + 0.2 * draw('clicks', day)));
      const claimed = claims.get(claimKey(campaign.key, day));
      rows.push({
        campaign,
        day,
        spend,
        clicks,
        impressions: Math.round((spend / 100 / campaign.cpc / campaign.clickRate) * (0.95 + 0.1 * draw('shown', day))),
        conversions: claimed?.conversions ?? 0,
        value: claimed?.value ?? 0,
      });
    }
  }
  return rows;
}

const englishMonths = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function englishDay(day: number): string {
  const [year, month, date] = isoDay(day).split('-');
  return `${englishMonths[Number(month) - 1]} ${Number(date)}, ${year}`;
}

/** A campaign report as it is downloaded from the Google Ads pages: two lines before the header, totals after the rows. */
export function googleReport(rows: readonly AdDay[], from: number, to: number): string {
  const line = (row: AdDay) =>
    csvLine([
      isoDay(row.day),
      row.campaign.name,
      row.campaign.id,
      row.campaign.key === 'video' ? 'Video' : 'Search',
      'EUR',
      usNumber(amount(row.spend)),
      usNumber(row.impressions),
      usNumber(row.clicks),
      `${usNumber(row.conversions)}.00`,
      usNumber(amount(row.value)),
    ]);
  const total = (label: string, of: readonly AdDay[]) => {
    const sum = (field: 'spend' | 'impressions' | 'clicks' | 'conversions' | 'value') =>
      of.reduce((all, row) => all + row[field], 0);
    return csvLine([
      label,
      '',
      '',
      '',
      'EUR',
      usNumber(amount(sum('spend'))),
      usNumber(sum('impressions')),
      usNumber(sum('clicks')),
      `${usNumber(sum('conversions'))}.00`,
      usNumber(amount(sum('value'))),
    ]);
  };
  return [
    '\ufeffCampaign report',
    `"${englishDay(from)} - ${englishDay(to)}"`,
    'Day,Campaign,Campaign ID,Campaign type,Currency code,Cost,Impr.,Clicks,Conversions,Conv. value',
    ...rows.map(line),
    total('Total: Campaigns', rows),
    total('Total: Account', rows),
    '',
  ].join('\n');
}

/** A daily export of the Meta Ads Manager: the currency stands in the header. */
export function metaReport(rows: readonly AdDay[]): string {
  return [
    csvLine([
      'Reporting starts',
      'Reporting ends',
      'Campaign name',
      'Campaign ID',
      'Ad set name',
      'Impressions',
      'Reach',
      'Link clicks',
      'Amount spent (EUR)',
      'CPC (cost per link click) (EUR)',
      'Results',
      'Result indicator',
      'Purchases',
      'Purchases conversion value',
    ]),
    ...rows.map((row) =>
      csvLine([
        isoDay(row.day),
        isoDay(row.day),
        row.campaign.name,
        row.campaign.id,
        row.campaign.key === 'retargeting' ? 'Visitatori 14 giorni' : 'Proprietari di casa, Lombardia',
        row.impressions,
        Math.round(row.impressions * 0.72),
        row.clicks,
        amount(row.spend),
        row.clicks === 0 ? '' : (row.spend / 100 / row.clicks).toFixed(6),
        row.conversions,
        'actions:offsite_conversion.fb_pixel_purchase',
        row.conversions,
        amount(row.value),
      ]),
    ),
    '',
  ].join('\n');
}

/** What the comparison site bills for one qualified click, in cents. */
export const comparisonPrice = 650;

export interface ComparisonDay {
  day: number;
  clicks: number;
  spend: number;
}

export const comparisonHeader = csvLine(
  ['Società', 'Data', 'Campagna', 'Clic qualificati', 'Prezzo unitario', 'Importo €'],
  ';',
);

/** The comparison site's invoice: Italian, in Windows-1252. */
export function comparisonLine(row: ComparisonDay): string {
  return csvLine(
    [
      'ConfrontaClima – Società a responsabilità limitata',
      italianDay(row.day),
      'Preventivi riscaldamento – qualità',
      row.clicks,
      italianAmount(comparisonPrice),
      italianAmount(row.spend),
    ],
    ';',
  );
}
