import { adConnector } from '#connectors/ad-report';

/** TikTok Ads: hourly or daily report rows as its API gives them. Hours of one day add up. */
export const tiktokAds = adConnector({
  name: 'tiktok-ads',
  source: 'tiktok_ads',
  recognise: (names) =>
    names.includes('spend') && (names.includes('stat_time_hour') || names.includes('stat_time_day'))
      ? 'TikTok Ads rows from its API'
      : undefined,
  columns: {
    day: ['stat_time_hour', 'stat_time_day'],
    account: ['advertiser_id'],
    campaignId: ['campaign_id'],
    campaign: ['campaign_name'],
    adGroup: ['adgroup_id'],
    ad: ['ad_id'],
    impressions: ['impressions'],
    clicks: ['clicks'],
    spend: ['spend'],
    currency: ['currency'],
    conversions: ['conversion'],
    value: ['total_purchase_value'],
  },
  channel: () => 'Paid Social',
  decimal: () => '.',
  dailyMend: 'ask for the report by stat_time_day',
});
