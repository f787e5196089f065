import { adConnector } from '#connectors/ad-report';

const spentIn = /^(?:amount spent|importo speso|montant dépensé) \(([a-z]{3})\)$/;
const isApi = (names: readonly string[]) =>
  names.includes('spend') &&
  names.some((name) => ['inline_link_clicks', 'date_start', 'actions', 'adset_id', 'adset_name'].includes(name));

/**
 * Meta Ads: reports downloaded from the Ads Manager (the account's currency stands in the header), and rows of its API.
 * `omni_purchase`, `purchase` and `fb_pixel_purchase` are one thing told three times: the first that is there counts.
 */
export const metaAds = adConnector({
  name: 'meta-ads',
  source: 'meta_ads',
  recognise(names) {
    if (names.some((name) => spentIn.test(name))) return 'a Meta Ads report';
    return isApi(names) ? 'Meta Ads rows from its API' : undefined;
  },
  columns: {
    day: ['day', 'giorno', 'jour', 'date', 'date_start', 'reporting starts', 'inizio dei report', 'inizio report'],
    endDay: ['date_stop', 'reporting ends', 'fine dei report', 'fine report'],
    account: ['account id', 'account_id', 'account name', "nome dell'account", 'account_name'],
    campaignId: ['campaign id', 'campaign_id', 'id campagna', 'id della campagna'],
    campaign: ['campaign name', 'campaign_name', 'nome della campagna', 'nome campagna', 'nom de la campagne'],
    adGroup: ['ad set id', 'adset_id', 'ad set name', 'adset_name', 'nome del gruppo di inserzioni'],
    ad: ['ad id', 'ad_id', 'ad name', 'ad_name', 'nome inserzione', "nome dell'inserzione"],
    impressions: ['impressions', 'impressioni', 'impression'],
    clicks: ['link clicks', 'clic sul link', 'inline_link_clicks', 'clicks (all)', 'clic (tutti)', 'clicks'],
    spend: [spentIn, 'spend'],
    currency: ['currency', 'valuta', 'account_currency'],
    conversions: [
      'purchases',
      'website purchases',
      'acquisti',
      'acquisti sul sito web',
      'actions:omni_purchase',
      'actions:purchase',
      'actions:offsite_conversion.fb_pixel_purchase',
    ],
    value: [
      'purchases conversion value',
      'website purchases conversion value',
      'valore di conversione degli acquisti',
      'action_values:omni_purchase',
      'action_values:purchase',
      'action_values:offsite_conversion.fb_pixel_purchase',
    ],
  },
  channel: () => 'Paid Social',
  currency(names) {
    for (const name of names) {
      const found = spentIn.exec(name)?.[1];
      if (found !== undefined) return found.toUpperCase();
    }
    return undefined;
  },
  decimal: (names) => (isApi(names) ? '.' : undefined),
  // The summary row names no campaign.
  isSummary: (fields, has) => has('campaign') && !fields.campaign && !fields.campaignId && !fields.ad,
  dailyMend: 'in the Ads Manager choose Breakdown > By time > Day, and export the report again',
});
