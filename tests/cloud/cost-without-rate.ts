import { gzipSync } from 'node:zlib';

/** A raw object of costs that breaks a check of severity error, money_has_a_rate: nobody knows what its currency is worth. */
export const costWithoutRate = {
  key: 'raw/costs/by_hand/0000.jsonl.gz',
  body: gzipSync(
    `${JSON.stringify({
      cost_date: '2026-10-01',
      source: 'by_hand',
      account: '',
      campaign: '',
      campaign_id: '',
      ad_group: '',
      spend: '5.00',
      currency: 'XXX',
      import_id: 'by-hand',
      received_at: '2026-10-02T00:00:00Z',
    })}\n`,
  ),
};
