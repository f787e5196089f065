import { adConnector } from '#connectors/ad-report';

const has = (names: readonly string[], ...wanted: string[]) => wanted.some((name) => names.includes(name));

const microColumns = ['cost_micros', 'metrics.cost_micros', 'metrics.costmicros'];

/** Types of campaign in the interface's words, and networks in the API's. */
function channel(type: string): string {
  if (/video|youtube/.test(type)) return 'Paid Video';
  if (/performance.?max|mixed|demand.?gen|multi.?channel/.test(type)) return 'Cross-network';
  if (/shopping/.test(type)) return 'Paid Shopping';
  if (/display|^content$|discovery/.test(type)) return 'Display';
  return 'Paid Search';
}

/**
 * Google Ads: reports downloaded from its pages (English and Italian; a preamble, `Total:` rows, thousands separators,
 * currency signs, `--`), and rows of its API, where money is in millionths.
 */
export const googleAds = adConnector({
  name: 'google-ads',
  source: 'google_ads',
  recognise(names, preamble) {
    if (has(names, ...microColumns)) return 'Google Ads rows from its API';
    if (!has(names, 'cost', 'costo') || !has(names, 'campaign', 'campagna')) return undefined;
    const title = preamble[0]?.[0]?.trim() ?? '';
    const isTitled = /report|rapporto/i.test(title) && preamble.length <= 4;
    if (!has(names, 'impr.') && !(isTitled && has(names, 'impressions', 'impressioni'))) return undefined;
    return has(names, 'ad group', 'gruppo di annunci')
      ? 'a Google Ads ad group report'
      : 'a Google Ads campaign report';
  },
  columns: {
    day: ['day', 'giorno', 'date', 'segments.date'],
    account: ['customer.id', 'customer id', 'id cliente', 'account', 'customer_id'],
    campaignId: ['campaign id', 'id campagna', 'campaign_id', 'campaign.id', /^id$/],
    campaign: ['campaign.name', 'campaign', 'campagna', 'campaign_name'],
    campaignType: [
      'campaign type',
      'tipo di campagna',
      'advertising_channel_type',
      'campaign.advertisingchanneltype',
      'ad_network_type',
      'segments.adnetworktype',
    ],
    adGroup: ['ad group id', 'ad group', 'gruppo di annunci', 'ad_group_id', 'adgroup.id', 'base_ad_group'],
    impressions: ['impr.', 'impressions', 'impressioni', 'metrics.impressions'],
    clicks: ['clicks', 'clic', 'metrics.clicks'],
    spend: ['cost', 'costo'],
    spendMicros: microColumns,
    currency: ['currency code', 'currency', 'codice valuta', 'valuta', 'customer.currencycode'],
    conversions: ['conversions', 'conversioni', 'conv.', 'metrics.conversions'],
    value: [
      'conv. value',
      'conversion value',
      'valore conv.',
      'valore di conversione',
      'conversions_value',
      'metrics.conversionsvalue',
    ],
  },
  channel,
  decimal: (names) => (has(names, ...microColumns) ? '.' : undefined),
  isTotals: (cells) => cells.slice(0, 3).some((cell) => /^\s*total[ei]?\s*(:|$)/i.test(cell)),
  dailyMend: 'in Google Ads add the segment Time > Day to the report, and download it again',
});
