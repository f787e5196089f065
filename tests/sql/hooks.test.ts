import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { shopify } from '#connectors/hooks/shopify';
import type { EventInput } from '#core/event';
import { eventSchema } from '#core/event';
import { type Arrival, type BuiltCompany, companyBuilder } from './company-on-duckdb.ts';

const build = companyBuilder();

/** An Italian shop's order: 122.00 of goods and 6.10 of shipping, VAT of 22 % within. */
const sold = (id: number, minute: number, more: object = {}) => ({
  id,
  created_at: '2026-06-01T10:00:00+02:00',
  updated_at: `2026-06-01T10:${String(minute).padStart(2, '0')}:00+02:00`,
  financial_status: 'paid',
  currency: 'EUR',
  taxes_included: true,
  subtotal_price: '122.00',
  current_subtotal_price: '122.00',
  total_price: '128.10',
  total_tax: '23.10',
  total_shipping_price_set: { shop_money: { amount: '6.10' } },
  shipping_lines: [{ tax_lines: [{ price: '1.10' }] }],
  line_items: [{ sku: 'LAMP', quantity: 1, price: '122.00', tax_lines: [{ price: '22.00' }] }],
  customer: { id: id + 1000, email: `anna${id}@esempio.it` },
  ...more,
});
const back = (id: number, order_id: number) => ({
  id,
  order_id,
  created_at: '2026-06-03T10:00:00+02:00',
  refund_line_items: [{ subtotal: '61.00', total_tax: '11.00' }],
  transactions: [{ kind: 'refund', status: 'success', amount: '61.00', currency: 'EUR' }],
});

function heard(topic: string, body: object, source: string, receivedAt: string): Arrival[] {
  const says =
    source === 'shopify' ? { gross: false, shippingIncluded: false } : { gross: true, shippingIncluded: true };
  const read = shopify.read({ topic, body }, { source, receivedAt: new Date(receivedAt), amounts: says });
  if (!read.ok) throw new Error(read.message);
  const inputs: EventInput[] = (read.events ?? []).map((event) =>
    z.custom<EventInput>((value) => eventSchema.safeParse(value).success).parse(event),
  );
  return inputs.map((event) => ({ ...event, received_at: receivedAt }));
}

/** In the order of the calls, as vendors make them: late, twice, and the older version last. */
const calls = (source: string): Arrival[] => [
  ...heard('orders/paid', sold(1, 5), source, '2026-06-01T08:05:01Z'),
  ...heard('orders/create', sold(1, 0, { financial_status: 'pending' }), source, '2026-06-01T08:06:00Z'),
  ...heard('orders/paid', sold(1, 5), source, '2026-06-02T08:05:01Z'),
  ...heard('orders/create', sold(2, 0, { financial_status: 'pending' }), source, '2026-06-01T08:00:00Z'),
  ...heard('orders/create', sold(3, 0, { financial_status: 'authorized' }), source, '2026-06-01T08:00:00Z'),
  ...heard(
    'orders/cancelled',
    sold(3, 9, { financial_status: 'voided', cancelled_at: '2026-06-01T10:09:00+02:00' }),
    source,
    '2026-06-01T08:09:00Z',
  ),
  ...heard('refunds/create', back(9, 1), source, '2026-06-03T08:00:00Z'),
  ...heard('refunds/create', back(9, 1), source, '2026-06-03T08:01:00Z'),
  ...heard(
    'orders/updated',
    sold(1, 30, { financial_status: 'partially_refunded', current_subtotal_price: '61.00', refunds: [back(9, 1)] }),
    source,
    '2026-06-03T08:02:00Z',
  ),
];

describe.each(['shopify', 'gross'])('orders told by web hook to the source %s', (source) => {
  let company: BuiltCompany;
  beforeAll(async () => {
    company = await build({
      config: {
        sources: { [source]: source === 'gross' ? { gross: true, vatRate: 0.22, shippingIncluded: true } : {} },
      },
      events: calls(source),
      now: '2026-06-04T10:00:00Z',
    });
  });

  test('count once, once they are paid, at what was sold; what comes back is a row of its own', async () => {
    expect(company.refused).toEqual([]);
    expect(
      await company.lines(`select order_id, conversion_type, revenue, conversion_date from conversions
        where conversion_type in ('first_order', 'repeat_order') order by conversion_date, order_id`),
    ).toEqual(['1 first_order 100.00 2026-06-01', '1 first_order -50.00 2026-06-03']);
    expect(await company.lines('select count(distinct person_id) from conversions')).toEqual(['1']);
  });

  test('leave every check content', () => {
    expect(company.failing).toEqual({ error: [], warn: [] });
  });
});
