import { adConnector } from '#connectors/ad-report';

/** Microsoft Advertising: daily performance rows as its reporting API gives them. */
export const microsoftAds = adConnector({
  name: 'microsoft-ads',
  source: 'microsoft_ads',
  recognise: (names) =>
    names.includes('spend') &&
    names.some((name) => ['bid_match_type', 'top_vs_other', 'ad_distribution'].includes(name))
      ? 'a Microsoft Ads performance report'
      : undefined,
  columns: {
    day: ['date', 'time_period', 'timeperiod'],
    account: ['account_id', 'account_name'],
    campaignId: ['campaign_id'],
    campaign: ['campaign_name'],
    adGroup: ['ad_group_id', 'ad_group_name'],
    impressions: ['impressions'],
    clicks: ['clicks'],
    spend: ['spend'],
    currency: ['currency_code'],
    conversions: ['conversions'],
    value: ['revenue'],
  },
  channel: () => 'Paid Search',
  decimal: () => '.',
  dailyMend: 'ask for the report with the aggregation Daily',
});
