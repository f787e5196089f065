import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Big from 'big.js';
import { describe, expect, it } from 'vitest';
import { exampleCompany } from './import-company.ts';

const data = join(import.meta.dirname, '../../../shared/data');
const sum = (amounts: readonly string[]) =>
  amounts.reduce((total, amount) => total.plus(amount), new Big(0)).toFixed(2);

describe.skipIf(!existsSync(data))('the examples on their public data (skipped: no ../shared/data)', () => {
  it('takes every CDNOW order, also two equal ones of one customer on one day', async () => {
    const company = await exampleCompany(
      'cdnow',
      { timeZone: 'America/New_York', currency: 'USD', bounds: { earliest: '1995-01-01' } },
      ['orders.yaml'],
    );
    const { files } = await company.import([join(data, 'cdnow/CDNOW_master.txt')]);
    expect(files[0]).toMatchObject({ rows: 69_659, events: 69_659, rejected: 0 });
    const events = await company.events();
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(69_659);
    expect(sum(events.map(({ value }) => value?.revenue ?? '0'))).toBe('2500315.63');
    expect(new Set(events.map(({ keys }) => keys.crm_id)).size).toBe(23_570);
    const days = events.map(({ occurred_at }) => occurred_at).sort();
    expect([days[0], days.at(-1)]).toEqual(['1997-01-01T05:00:00.000Z', '1998-06-30T04:00:00.000Z']);
  });

  it('takes every Olist lead with its channel of origin, and every deal', async () => {
    const config = { timeZone: 'America/Sao_Paulo', currency: 'BRL' };
    const company = await exampleCompany('olist', config, ['leads.yaml', 'deals.yaml']);
    const { files } = await company.import([join(data, 'olist')]);
    expect(files.map(({ rejected }) => rejected)).toEqual([0, 0]);
    const events = await company.events();
    const ofType = (type: string) => events.filter(({ event_type }) => event_type === type);
    expect(ofType('Lead Created')).toHaveLength(8000);
    expect(ofType('Opportunity Won')).toHaveLength(842);
    const channels: Record<string, number> = {};
    for (const { touch } of ofType('Contact'))
      channels[touch?.channel ?? ''] = (channels[touch?.channel ?? ''] ?? 0) + 1;
    expect(channels).toEqual({
      'Organic Search': 2296,
      'Paid Search': 1586,
      'Organic Social': 1350,
      Unknown: 1099,
      Direct: 499,
      Email: 493,
      Referral: 284,
      Other: 150,
      Display: 118,
      'Other Publicities': 65,
      '(not given)': 60,
    });
  });

  it('takes every touch as a contact, and the conversions as orders', async () => {
    const company = await exampleCompany('touches', { timeZone: 'UTC', currency: 'USD' }, ['touches.yaml']);
    const { files } = await company.import([join(data, 'touches/attribution_data.csv.gz')]);
    expect(files[0]).toMatchObject({ rows: 62_483, events: 64_321, rejected: 0 });
    const events = await company.events();
    const orders = events.filter(({ event_type }) => event_type === 'Order Completed');
    expect(orders).toHaveLength(1838);
    expect(sum(orders.map(({ value }) => value?.revenue ?? '0'))).toBe('11423.50');
    expect(new Set(events.map(({ keys }) => keys.crm_id)).size).toBe(7896);
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(64_321);
  });

  it('takes every Facebook ad as a cost of its own', async () => {
    const company = await exampleCompany('facebook-ads', { timeZone: 'UTC', currency: 'USD' }, ['ads.yaml']);
    const { files } = await company.import([join(data, 'kag_facebook_ads')]);
    expect(files[0]).toMatchObject({ rows: 625, costs: 625, rejected: 0 });
    const costs = await company.costs();
    expect(sum(costs.map(({ spend }) => spend))).toBe('55662.15');
    expect(costs.reduce((total, { clicks }) => total + clicks, 0)).toBe(36_068);
    expect(costs.reduce((total, { impressions }) => total + impressions, 0)).toBe(204_823_716);
    expect(costs.reduce((total, cost) => total + cost.platform_conversions, 0)).toBe(872);
    expect(new Set(costs.map((cost) => `${cost.campaign_id} ${cost.ad_group}`)).size).toBe(625);
  });
});
