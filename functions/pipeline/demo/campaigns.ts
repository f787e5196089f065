import { monthNumber, week } from '#pipeline/demo/calendar';
import { stream } from '#pipeline/demo/random';

/** What can be taken out of the world to see what would be missing. */
export const parts = [
  'brand_search',
  'generic_search',
  'organic_search',
  'paid_video',
  'social_prospecting',
  'social_retargeting',
  'organic_social',
  'comparison',
  'email',
  'phone',
  'store',
  'field_sales',
  'word_of_mouth',
] as const;
export type Part = (typeof parts)[number];

export type CampaignKey = 'brand' | 'heating' | 'parts' | 'video' | 'prospecting' | 'retargeting';

/** One paid campaign: its plan, and how it is written in the platform and in the addresses of its ads. */
export interface Campaign {
  key: CampaignKey;
  platform: 'google' | 'meta';
  part: Part;
  channel: string;
  id: string;
  name: string;
  /** Planned spend of a usual day, in EUR, for a market of 7,000 persons. */
  dailyBudget: number;
  cpc: number;
  clickRate: number;
  /** Months in which it runs; all where absent. */
  months?: readonly number[];
  utm: { source: string; medium: string };
  /** Spellings of utm_campaign with their weights. Those that `campaigns.csv` does not know are dirt. */
  spellings: readonly [readonly [string, number], ...(readonly [string, number])[]];
}

export const campaigns: Record<CampaignKey, Campaign> = {
  brand: {
    key: 'brand',
    platform: 'google',
    part: 'brand_search',
    channel: 'Paid Search',
    id: '20461180011',
    name: 'Brand - Search',
    dailyBudget: 9,
    cpc: 0.75,
    clickRate: 0.19,
    utm: { source: 'google', medium: 'cpc' },
    spellings: [['brand_search', 1]],
  },
  heating: {
    key: 'heating',
    platform: 'google',
    part: 'generic_search',
    channel: 'Paid Search',
    id: '20461180022',
    name: 'Generic - Pompe di calore e caldaie',
    dailyBudget: 15,
    cpc: 5.2,
    clickRate: 0.041,
    utm: { source: 'google', medium: 'cpc' },
    spellings: [
      ['generic_pompe_calore', 15],
      ['Generic-Pompe-Calore', 3],
      ['generic pompe di calore', 2],
    ],
  },
  parts: {
    key: 'parts',
    platform: 'google',
    part: 'generic_search',
    channel: 'Paid Search',
    id: '20461180033',
    name: 'Generic - Ricambi e manutenzione',
    dailyBudget: 9,
    cpc: 2.1,
    clickRate: 0.052,
    utm: { source: 'google', medium: 'cpc' },
    spellings: [['generic_ricambi', 1]],
  },
  video: {
    key: 'video',
    platform: 'google',
    part: 'paid_video',
    channel: 'Paid Video',
    id: '20461180044',
    name: 'Video - La casa che respira',
    dailyBudget: 52,
    cpc: 17,
    clickRate: 0.0009,
    months: [2, 3, 9, 10, 11],
    utm: { source: 'youtube', medium: 'cpv' },
    spellings: [['video_casa_che_respira', 1]],
  },
  prospecting: {
    key: 'prospecting',
    platform: 'meta',
    part: 'social_prospecting',
    channel: 'Paid Social',
    id: '120210880011',
    name: 'Prospecting - Casa',
    dailyBudget: 30,
    cpc: 1.9,
    clickRate: 0.011,
    utm: { source: 'facebook', medium: 'paid_social' },
    spellings: [
      ['prospecting_casa', 4],
      ['Prospecting_Casa', 1],
    ],
  },
  retargeting: {
    key: 'retargeting',
    platform: 'meta',
    part: 'social_retargeting',
    channel: 'Paid Social',
    id: '120210880022',
    name: 'Retargeting - Carrello',
    dailyBudget: 6,
    cpc: 1.2,
    clickRate: 0.021,
    utm: { source: 'instagram', medium: 'paid_social' },
    spellings: [['retargeting_carrello', 1]],
  },
};

export const campaignList = Object.values(campaigns);

/** How much of the need for heat falls on a month: two winters in two years, and a smaller peak before summer. */
const heatByMonth = [1.25, 1.1, 0.95, 0.8, 0.85, 1.0, 0.9, 0.6, 1.15, 1.5, 1.45, 1.15] as const;

export function season(day: number): number {
  return heatByMonth[monthNumber(day) - 1] ?? 1;
}

/** A campaign's spend of the day against its usual day: flights, season, and a plan that changes by the week. */
export function pressure(campaign: Campaign, day: number, seed: number): number {
  if (campaign.months !== undefined && !campaign.months.includes(monthNumber(day))) return 0;
  const weekly = 0.55 + 0.9 * stream(seed, campaign.key)('weekly plan', week(day));
  return weekly * (campaign.key === 'brand' ? 1 : 0.5 + 0.5 * season(day));
}

const presences = new Map<string, Map<number, number>>();

/** More money is seen more often, with falling returns. Asked for millions of times, so it is kept by day. */
export function presence(campaign: Campaign, day: number, seed: number): number {
  const plan = `${campaign.key} ${seed}`;
  const days = presences.get(plan) ?? new Map<number, number>();
  presences.set(plan, days);
  let shown = days.get(day);
  if (shown === undefined) {
    shown = pressure(campaign, day, seed) ** 0.6;
    days.set(day, shown);
  }
  return shown;
}
