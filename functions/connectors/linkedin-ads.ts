import { adConnector } from '#connectors/ad-report';

/** LinkedIn Ads: daily analytics rows as its API gives them. Its `cost_in_usd` is the one amount whose currency is certain. */
export const linkedinAds = adConnector({
  name: 'linkedin-ads',
  source: 'linkedin_ads',
  recognise: (names) =>
    names.includes('cost_in_usd') || names.includes('cost_in_local_currency')
      ? 'LinkedIn Ads rows from its API'
      : undefined,
  columns: {
    day: ['day', 'date'],
    account: ['account_id'],
    campaignId: ['campaign_id'],
    campaign: ['campaign_name'],
    adGroup: ['creative_id'],
    impressions: ['impressions'],
    clicks: ['clicks'],
    spend: ['cost_in_usd', 'cost_in_local_currency'],
    conversions: ['external_website_conversions'],
  },
  channel: () => 'Paid Social',
  currency: (names) => (names.includes('cost_in_usd') ? 'USD' : undefined),
  decimal: () => '.',
  leavesSpendEmpty: true,
  dailyMend: 'ask for the analytics with the time granularity DAILY',
});
