import { createHmac } from 'node:crypto';
import Big from 'big.js';
import * as z from 'zod';
import {
  type HookConnector,
  type HookContext,
  type HookRead,
  isEqual,
  jsonBody,
  optional,
  unreadable,
  words,
} from './hook-connector.ts';
import { orderValue, shopAmount, sum } from './order-amounts.ts';

const amount = optional(shopAmount);
const id = z.union([z.string().min(1), z.number().int()]);
const order = z.looseObject({
  id,
  number: words,
  status: z.string(),
  currency: words,
  date_created_gmt: z.string(),
  date_modified_gmt: words,
  discount_total: amount,
  shipping_total: amount,
  shipping_tax: amount,
  total: shopAmount,
  total_tax: amount,
  customer_id: optional(z.number().int()),
  customer_user_agent: words,
  billing: optional(z.looseObject({ email: words, phone: words, country: words })),
  line_items: optional(
    z.array(z.looseObject({ sku: words, product_id: optional(id), quantity: optional(z.number()), price: amount })),
  ),
  refunds: optional(z.array(z.looseObject({ id, reason: words, total: shopAmount }))),
  meta_data: optional(z.array(z.looseObject({ key: words, value: z.unknown() }))),
});

// WooCommerce calls an order that will be paid at the door `processing` too: the shop ships it.
const paid = new Set(['processing', 'completed', 'refunded']);
const ended = new Set(['cancelled', 'failed', 'trash']);

/** WooCommerce's GMT times carry no offset. */
function utc(text: string): string {
  return /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`;
}

function readOrder(body: unknown, context: HookContext): HookRead {
  const parsed = order.safeParse(body);
  if (!parsed.success) return unreadable(parsed.error, body);
  const given = parsed.data;
  const orderId = String(given.id);
  const total = new Big(given.total);
  const tax = sum([given.total_tax]);
  const shipping = sum([given.shipping_total]);
  const shippingTax = sum([given.shipping_tax]);
  const whole = {
    goods: total.minus(tax).minus(shipping),
    goodsTax: tax.minus(shippingTax),
    shipping,
    tax,
  };
  const meta = new Map(
    (given.meta_data ?? []).flatMap(({ key, value }) => (key && typeof value === 'string' ? [[key, value]] : [])),
  );
  // "(direct)" and the like are WooCommerce's own guess of a source; its address and referrer say it first-hand.
  const told = (name: string) => meta.get(`_wc_order_attribution_${name}`);
  const type = told('source_type');
  const updated = given.date_modified_gmt ? utc(given.date_modified_gmt) : undefined;
  const contact = {
    // Guests have the number 0.
    user_id: given.customer_id ? String(given.customer_id) : undefined,
    email: given.billing?.email,
    phone: given.billing?.phone,
  };
  const isNameless = !contact.user_id && !contact.email && !contact.phone;
  const identifiers = isNameless ? { anonymous_id: `woocommerce-order-${orderId}` } : contact;
  const isPaid = paid.has(given.status);
  const events: Record<string, unknown>[] = [
    {
      event_id: `order-${orderId}`,
      event_type: isPaid ? 'Order Completed' : ended.has(given.status) ? 'Order Cancelled' : 'Order Placed',
      occurred_at: utc(given.date_created_gmt),
      ...(updated ? { updated_at: updated } : {}),
      source: context.source,
      identifiers,
      touch: {
        landing_page: told('session_entry'),
        referrer: told('referrer'),
        ...(type === 'utm'
          ? {
              source: told('utm_source'),
              medium: told('utm_medium'),
              campaign: told('utm_campaign'),
              content: told('utm_content'),
              term: told('utm_term'),
            }
          : {}),
      },
      device: { user_agent: given.customer_user_agent },
      place: { country: given.billing?.country },
      value: {
        order_id: orderId,
        ...orderValue(whole, context.amounts),
        ...(given.discount_total ? { discount: given.discount_total } : {}),
        currency: given.currency,
        lines: (given.line_items ?? []).map(({ sku, product_id, quantity, price }) => ({
          sku: sku || (product_id ? String(product_id) : undefined),
          quantity,
          price,
        })),
      },
      properties: { status: given.status, ...(given.number ? { order_name: given.number } : {}) },
    },
  ];
  for (const refund of isPaid ? (given.refunds ?? []) : []) {
    const money = new Big(refund.total).abs();
    const isWhole = money.eq(total);
    // The order tells a refund's total alone: VAT is in the order's proportion, and what is not whole is of the goods.
    const taxed = total.eq(0) ? new Big(0) : money.times(tax).div(total).round(2);
    const part = { goods: money.minus(taxed), goodsTax: taxed, shipping: new Big(0), tax: taxed };
    events.push({
      event_id: `refund-${refund.id}`,
      event_type: 'Order Refunded',
      // When, the order does not tell either: the first version that names it is the nearest that is known.
      occurred_at: updated ?? utc(given.date_created_gmt),
      source: context.source,
      identifiers,
      value: {
        order_id: orderId,
        ...orderValue(isWhole ? whole : part, context.amounts),
        currency: given.currency,
      },
      properties: refund.reason ? { reason: refund.reason } : {},
    });
  }
  return { ok: true, events };
}

/** WooCommerce's web hooks: https://woocommerce.com/document/webhooks/. It signs no time: the ids protect from repetition. */
export const woocommerce: HookConnector = {
  name: 'woocommerce',
  verify({ body, header }, secret) {
    const expected = createHmac('sha256', secret).update(body).digest('base64');
    return isEqual(header('x-wc-webhook-signature') ?? '', expected) ? 'right' : 'wrong';
  },
  // When a hook is saved WooCommerce tries the address, unsigned, and keeps the hook off where it is not answered.
  isPing: ({ body, header }) =>
    header('x-wc-webhook-signature') === undefined &&
    body.byteLength < 40 &&
    /^webhook_id=\d+$/.test(Buffer.from(body).toString('latin1')),
  records({ header }, text) {
    const body = jsonBody(text);
    return 'problem' in body ? body : [{ topic: header('x-wc-webhook-topic') ?? '', body: body.value }];
  },
  read({ topic, body }, context) {
    return topic === 'order.created' || topic === 'order.updated' || topic === 'order.restored'
      ? readOrder(body, context)
      : { ok: true };
  },
};
