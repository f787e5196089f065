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

const id = z.union([z.string().min(1), z.number()]);
const amount = optional(shopAmount);
const taxLines = optional(z.array(z.looseObject({ price: amount })));
const refund = z.looseObject({
  id,
  admin_graphql_api_id: words,
  order_id: optional(id),
  created_at: z.string(),
  processed_at: words,
  note: words,
  refund_line_items: optional(z.array(z.looseObject({ subtotal: amount, total_tax: amount }))),
  order_adjustments: optional(z.array(z.looseObject({ kind: words, amount, tax_amount: amount }))),
  transactions: optional(
    z.array(z.looseObject({ kind: words, status: words, amount, currency: words, gateway: words })),
  ),
});
const customer = z.looseObject({
  id,
  admin_graphql_api_id: words,
  email: words,
  phone: words,
  updated_at: words,
  created_at: words,
  accepts_marketing: optional(z.boolean()),
  email_marketing_consent: optional(z.looseObject({ state: words })),
});
const order = z.looseObject({
  id,
  admin_graphql_api_id: words,
  name: words,
  created_at: z.string(),
  updated_at: words,
  cancelled_at: words,
  financial_status: words,
  test: optional(z.boolean()),
  currency: words,
  taxes_included: optional(z.boolean()),
  subtotal_price: amount,
  current_subtotal_price: amount,
  total_price: shopAmount,
  total_tax: amount,
  total_discounts: amount,
  total_shipping_price_set: optional(z.looseObject({ shop_money: z.looseObject({ amount: shopAmount }) })),
  shipping_lines: optional(z.array(z.looseObject({ tax_lines: taxLines }))),
  line_items: optional(
    z.array(
      z.looseObject({
        sku: words,
        variant_id: optional(id),
        product_id: optional(id),
        title: words,
        quantity: optional(z.number()),
        price: amount,
        tax_lines: taxLines,
      }),
    ),
  ),
  refunds: optional(z.array(refund)),
  customer: optional(customer),
  email: words,
  phone: words,
  landing_site: words,
  referring_site: words,
  source_name: words,
  client_details: optional(z.looseObject({ user_agent: words })),
  shipping_address: optional(z.looseObject({ country_code: words })),
  discount_codes: optional(z.array(z.looseObject({ code: words }))),
});

/** Ids of Shopify may pass what a JSON number holds exactly; their text form then still has them whole. */
function idText(record: { id: string | number; admin_graphql_api_id?: string | null | undefined }): string {
  const { id } = record;
  if (typeof id === 'string' || Number.isSafeInteger(id)) return String(id);
  return /\/(\d+)$/.exec(record.admin_graphql_api_id ?? '')?.[1] ?? BigInt(Math.trunc(id)).toString();
}

/** Money that went back; a refund of goods alone (an order that is edited before it is paid) gives none. */
function returned(given: z.output<typeof refund>): Big {
  const done = (given.transactions ?? []).filter(
    ({ kind, status }) => kind === 'refund' && (status === 'success' || status === 'pending'),
  );
  return sum(done.map(({ amount }) => amount));
}

// An order counts once money is bound for it, and stays what it was when it is refunded: refunds are events of their own.
const paid = new Set(['authorized', 'partially_paid', 'paid', 'partially_refunded', 'refunded']);

function orderType(given: z.output<typeof order>): string {
  if (paid.has(given.financial_status ?? '')) return 'Order Completed';
  return given.cancelled_at || given.financial_status === 'voided' ? 'Order Cancelled' : 'Order Placed';
}

function readOrder(body: unknown, context: HookContext): HookRead {
  const parsed = order.safeParse(body);
  if (!parsed.success) return unreadable(parsed.error, body);
  const given = parsed.data;
  if (given.test === true) return { ok: true };
  const orderId = idText(given);

  // What is there now falls with each refund; with the refunded goods it is the order as it was sold, edits included.
  const refundedGoods = (given.refunds ?? [])
    .filter((made) => returned(made).gt(0))
    .flatMap((made) => made.refund_line_items ?? []);
  const original = given.subtotal_price ?? given.current_subtotal_price ?? given.total_price;
  const subtotal = given.current_subtotal_price
    ? sum([given.current_subtotal_price, ...refundedGoods.map(({ subtotal }) => subtotal)])
    : new Big(original);
  const shippingTax = sum(
    (given.shipping_lines ?? []).flatMap((line) => line.tax_lines ?? []).map(({ price }) => price),
  );
  const itemTaxes = (given.line_items ?? []).flatMap((line) => line.tax_lines ?? []);
  let goodsTax =
    itemTaxes.length > 0 ? sum(itemTaxes.map(({ price }) => price)) : sum([given.total_tax]).minus(shippingTax);
  // Lines keep the tax of what was ordered first; of an edited order it is in proportion.
  if (!subtotal.eq(original) && !new Big(original).eq(0)) goodsTax = goodsTax.times(subtotal).div(original).round(2);
  const shipping = sum([given.total_shipping_price_set?.shop_money.amount]);
  const isTaxIn = given.taxes_included === true;
  const value = orderValue(
    {
      goods: isTaxIn ? subtotal.minus(goodsTax) : subtotal,
      goodsTax,
      shipping: isTaxIn ? shipping.minus(shippingTax) : shipping,
      tax: goodsTax.plus(shippingTax),
    },
    context.amounts,
  );
  const contact = {
    user_id: given.customer ? idText(given.customer) : undefined,
    email: given.customer?.email || given.email,
    phone: given.customer?.phone || given.phone,
  };
  const isNameless = !contact.user_id && !contact.email && !contact.phone;
  const isStore = given.source_name === 'pos';
  const codes = (given.discount_codes ?? []).flatMap(({ code }) => (code ? [code] : []));
  return {
    ok: true,
    events: [
      {
        // One id for the order in all its states: of two versions the later updated one counts.
        event_id: `order-${orderId}`,
        event_type: orderType(given),
        occurred_at: given.created_at,
        ...(given.updated_at ? { updated_at: given.updated_at } : {}),
        source: context.source,
        // A sale over the counter to nobody in particular is a person of its own.
        identifiers: isNameless ? { anonymous_id: `shopify-order-${orderId}` } : contact,
        touch: {
          landing_page: given.landing_site,
          referrer: given.referring_site,
          ...(isStore ? { channel: 'Store' } : {}),
        },
        device: isStore ? { class: 'offline' } : { user_agent: given.client_details?.user_agent },
        place: { country: given.shipping_address?.country_code },
        value: {
          order_id: orderId,
          ...value,
          ...(given.total_discounts ? { discount: given.total_discounts } : {}),
          currency: given.currency,
          lines: (given.line_items ?? []).map(({ sku, variant_id, product_id, quantity, price }) => ({
            sku: sku || (variant_id ? String(variant_id) : undefined),
            ...(product_id ? { product_id: String(product_id) } : {}),
            quantity,
            price,
          })),
        },
        properties: {
          ...(given.name ? { order_name: given.name } : {}),
          ...(given.financial_status ? { financial_status: given.financial_status } : {}),
          ...(given.source_name ? { sold_through: given.source_name } : {}),
          ...(codes.length > 0 ? { discount_codes: codes } : {}),
        },
      },
    ],
  };
}

function readRefund(body: unknown, context: HookContext): HookRead {
  const parsed = refund.safeParse(body);
  if (!parsed.success) return unreadable(parsed.error, body);
  const given = parsed.data;
  if (given.order_id === undefined || given.order_id === null) {
    return { ok: false, reason: 'missing-field', message: 'order_id is missing', column: 'order_id' };
  }
  const money = returned(given);
  if (!money.gt(0)) return { ok: true };
  const goodsTax = sum((given.refund_line_items ?? []).map(({ total_tax }) => total_tax));
  // Adjustments are negative where money went back.
  const ofShipping = (given.order_adjustments ?? []).filter(({ kind }) => kind === 'shipping_refund');
  const shipping = sum(ofShipping.map(({ amount }) => amount)).abs();
  const shippingTax = sum(ofShipping.map(({ tax_amount }) => tax_amount)).abs();
  const tax = goodsTax.plus(shippingTax);
  // From the money itself, so that it holds for shops with prices with and without VAT.
  const goods = money.minus(tax).minus(shipping);
  const currency = (given.transactions ?? []).find(({ currency }) => currency)?.currency;
  return {
    ok: true,
    events: [
      {
        event_id: `refund-${idText(given)}`,
        event_type: 'Order Refunded',
        occurred_at: given.processed_at || given.created_at,
        source: context.source,
        value: {
          order_id: idText({ id: given.order_id }),
          ...orderValue({ goods, goodsTax, shipping, tax }, context.amounts),
          currency,
        },
        properties: given.note ? { note: given.note } : {},
      },
    ],
  };
}

function readCustomer(body: unknown, context: HookContext): HookRead {
  const parsed = customer.safeParse(body);
  if (!parsed.success) return unreadable(parsed.error, body);
  const given = parsed.data;
  const at = given.updated_at || given.created_at;
  if (!at) return { ok: false, reason: 'missing-field', message: 'updated_at is missing', column: 'updated_at' };
  const state = given.email_marketing_consent?.state;
  const marketing = state ? state === 'subscribed' : given.accepts_marketing;
  const userId = idText(given);
  return {
    ok: true,
    events: [
      {
        // Each version stands: a former address was this customer's too.
        event_id: `customer-${userId}-${at}`,
        event_type: 'Identify',
        occurred_at: at,
        source: context.source,
        identifiers: { user_id: userId, email: given.email, phone: given.phone },
        ...(typeof marketing === 'boolean' ? { consent: { marketing } } : {}),
      },
    ],
  };
}

const readers: Record<string, (body: unknown, context: HookContext) => HookRead> = {
  'orders/create': readOrder,
  'orders/paid': readOrder,
  'orders/updated': readOrder,
  'orders/cancelled': readOrder,
  'refunds/create': readRefund,
  'customers/create': readCustomer,
  'customers/update': readCustomer,
};

/** Shopify's web hooks: https://shopify.dev/docs/apps/build/webhooks. It signs no time: the ids protect from repetition. */
export const shopify: HookConnector = {
  name: 'shopify',
  verify({ body, header }, secret) {
    const expected = createHmac('sha256', secret).update(body).digest('base64');
    return isEqual(header('x-shopify-hmac-sha256') ?? '', expected) ? 'right' : 'wrong';
  },
  records({ header }, text) {
    const body = jsonBody(text);
    return 'problem' in body ? body : [{ topic: header('x-shopify-topic') ?? '', body: body.value }];
  },
  // A topic that says nothing of ours is answered well: Shopify ends subscriptions that fail.
  read: ({ topic, body }, context) =>
    Object.hasOwn(readers, topic) ? (readers[topic]?.(body, context) ?? { ok: true }) : { ok: true },
};
