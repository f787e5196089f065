import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { configSchema } from '#core/config';
import type { Queue, Store } from '#core/ports';
import { createCollectApp } from '#handlers/collect';
import { createCollector } from '#pipeline/arrivals/collect';
import { drainSpool } from '#pipeline/arrivals/drain';
import { createHookReceiver, createHookReplayer, readHookSecrets } from '#pipeline/arrivals/hooks';
import { listRejected, replayRejected } from '#pipeline/arrivals/rejected';

const identifierKey = Buffer.alloc(32, 1);
const config = configSchema.parse({
  name: 'Test',
  sources: {
    shopify: { hookSecretEnv: 'SECRET_SHOPIFY' },
    gross: { hookSecretEnv: 'SECRET_SHOPIFY', gross: true, shippingIncluded: true },
    woocommerce: { hookSecretEnv: 'SECRET_WOO' },
    crm: { hookSecretEnv: 'SECRET_HUBSPOT' },
    calls: { hookSecretEnv: 'SECRET_TWILIO' },
    erp: { hookSecretEnv: 'SECRET_ERP', ratePerSecond: 1000 },
    slow: { hookSecretEnv: 'SECRET_ERP', ratePerSecond: 1 },
    closed: { hookSecretEnv: 'SECRET_CLOSED' },
    keyed: { writeKeyEnv: 'KEY' },
  },
});
const env = {
  SECRET_SHOPIFY: 's-shopify',
  SECRET_WOO: 's-woo',
  SECRET_HUBSPOT: 's-hubspot',
  SECRET_TWILIO: 's-twilio',
  SECRET_ERP: 's-erp',
  SECRET_CLOSED: ' ',
};
const deliveryShape = z.object({
  events: z.array(z.looseObject({ event_id: z.string(), event_type: z.string() })),
  costs: z.array(z.looseObject({ import_id: z.string() })),
  rejected: z.array(z.looseObject({ reason: z.string(), via: z.string() })),
});
let waiting: Uint8Array[];
let isFull: boolean;
let now: Date;
let app: ReturnType<typeof createCollectApp>;

const queue: Queue = {
  async send(messages) {
    if (isFull) throw new Error('disk full');
    waiting.push(...messages);
  },
  receive: async () => waiting.map((body, index) => ({ id: String(index), body })),
  remove: async () => {
    waiting = [];
  },
};
const door = { config, env, queue, identifierKey, hasRate: () => true, now: () => now };
const sent = () => waiting.map((body) => deliveryShape.parse(JSON.parse(Buffer.from(body).toString())));
const events = () => sent().flatMap((delivery) => delivery.events);

beforeEach(() => {
  waiting = [];
  isFull = false;
  now = new Date('2026-11-22T12:00:00Z');
  app = createCollectApp(createCollector(door), createHookReceiver(door));
});

const hmac = (algorithm: string, secret: string, text: string | Uint8Array) =>
  createHmac(algorithm, secret).update(text).digest();
async function post(path: string, body: string | Uint8Array, headers: Record<string, string>) {
  const response = await app.request(`http://door.test${path}`, { method: 'POST', body, headers });
  return { status: response.status, body: z.looseObject({}).parse(await response.json()) };
}
function fromShopify(topic: string, body: unknown, path = '/hooks/shopify', secret = 's-shopify') {
  const text = JSON.stringify(body);
  return post(path, text, {
    'x-shopify-topic': topic,
    'x-shopify-hmac-sha256': hmac('sha256', secret, text).toString('base64'),
  });
}
function fromWoo(topic: string, body: unknown, secret = 's-woo') {
  const text = JSON.stringify(body);
  return post('/hooks/woocommerce', text, {
    'x-wc-webhook-topic': topic,
    'x-wc-webhook-signature': hmac('sha256', secret, text).toString('base64'),
  });
}
function fromHubspot(body: unknown, options: { secret?: string; at?: number; signedUrl?: string } = {}) {
  const text = JSON.stringify(body);
  const at = String(options.at ?? now.getTime());
  const signed = `POST${options.signedUrl ?? 'https://door.test/hooks/hubspot?source=crm'}${text}${at}`;
  return post('/hooks/hubspot?source=crm', text, {
    'x-hubspot-signature-v3': hmac('sha256', options.secret ?? 's-hubspot', signed).toString('base64'),
    'x-hubspot-request-timestamp': at,
    'x-forwarded-proto': 'https',
  });
}
function fromTwilio(fields: Record<string, string>, options: { secret?: string; url?: string } = {}) {
  const url = options.url ?? 'https://door.test/hooks/twilio/calls';
  const signed = Object.entries(fields)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => name + value)
    .join('');
  return post('/hooks/twilio/calls', new URLSearchParams(fields).toString(), {
    'content-type': 'application/x-www-form-urlencoded',
    'x-twilio-signature': hmac('sha1', options.secret ?? 's-twilio', url + signed).toString('base64'),
  });
}
function fromErp(body: string | Uint8Array, options: { secret?: string; at?: number; path?: string } = {}) {
  const t = Math.floor((options.at ?? now.getTime()) / 1000);
  const v1 = hmac('sha256', options.secret ?? 's-erp', Buffer.concat([Buffer.from(`${t}.`), Buffer.from(body)]));
  return post(options.path ?? '/hooks/generic/erp', body, {
    'x-percorso-signature': `t=${t},v1=${v1.toString('hex')}`,
  });
}

/** An Italian shop: prices hold 22 % of VAT. */
const shopifyOrder = {
  id: 5_123_456_789_012,
  admin_graphql_api_id: 'gid://shopify/Order/5123456789012',
  name: '#1001',
  created_at: '2026-11-20T10:00:00+01:00',
  updated_at: '2026-11-20T10:01:00+01:00',
  financial_status: 'paid',
  test: false,
  currency: 'EUR',
  taxes_included: true,
  subtotal_price: '122.00',
  current_subtotal_price: '122.00',
  total_price: '128.10',
  total_tax: '23.10',
  total_discounts: '12.20',
  total_shipping_price_set: { shop_money: { amount: '6.10', currency_code: 'EUR' } },
  shipping_lines: [{ price: '6.10', tax_lines: [{ price: '1.10' }] }],
  line_items: [{ sku: 'LAMP', quantity: 2, price: '67.10', tax_lines: [{ price: '22.00' }] }],
  refunds: [],
  customer: { id: 77, email: 'Anna@Esempio.it', phone: '+39 333 1234567' },
  landing_site: '/?utm_source=google&utm_medium=cpc',
  referring_site: 'https://www.google.com/',
  source_name: 'web',
  browser_ip: '203.0.113.7',
  client_details: { browser_ip: '203.0.113.7', user_agent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)' },
};
const refund = {
  id: 99,
  order_id: 5_123_456_789_012,
  created_at: '2026-11-21T10:00:00+01:00',
  refund_line_items: [{ subtotal: '61.00', total_tax: '11.00' }],
  order_adjustments: [],
  transactions: [{ kind: 'refund', status: 'success', amount: '61.00', currency: 'EUR' }],
};
const wooOrder = {
  id: 727,
  number: '727',
  status: 'processing',
  currency: 'EUR',
  date_created_gmt: '2026-11-20T16:28:02',
  date_modified_gmt: '2026-11-20T16:30:00',
  discount_total: '10.00',
  shipping_total: '10.00',
  shipping_tax: '2.20',
  total: '134.20',
  total_tax: '24.20',
  customer_id: 0,
  customer_ip_address: '203.0.113.7',
  customer_user_agent: 'Mozilla/5.0 (Windows NT 10.0)',
  billing: { email: 'luca@esempio.it', phone: '3331234567', country: 'IT' },
  line_items: [{ sku: 'CHAIR', product_id: 3, quantity: 1, price: 100 }],
  refunds: [],
  meta_data: [
    { key: '_wc_order_attribution_source_type', value: 'utm' },
    { key: '_wc_order_attribution_utm_source', value: 'newsletter' },
  ],
};
const twilioCall = {
  CallSid: 'CA0123456789',
  From: '+393331234567',
  To: '+390212345678',
  Direction: 'inbound',
  CallStatus: 'completed',
  CallDuration: '90',
  Timestamp: 'Sun, 22 Nov 2026 11:00:00 +0000',
};
const contactEvent = {
  eventId: 1,
  subscriptionType: 'contact.propertyChange',
  objectId: 512,
  occurredAt: 1_795_000_000_000,
  propertyName: 'email',
  propertyValue: 'anna@esempio.it',
};
const canonical = {
  event_id: 'e1',
  event_type: 'Contact',
  occurred_at: '2026-11-20T10:00:00Z',
  identifiers: { crm_id: 'c1' },
};

describe('a signature', () => {
  const calls = {
    shopify: {
      right: () => fromShopify('orders/paid', shopifyOrder),
      wrong: () => fromShopify('orders/paid', shopifyOrder, undefined, 'other'),
    },
    woocommerce: {
      right: () => fromWoo('order.updated', wooOrder),
      wrong: () => fromWoo('order.updated', wooOrder, 'other'),
    },
    hubspot: {
      right: () => fromHubspot([contactEvent]),
      wrong: () => fromHubspot([contactEvent], { secret: 'other' }),
    },
    twilio: { right: () => fromTwilio(twilioCall), wrong: () => fromTwilio(twilioCall, { secret: 'other' }) },
    generic: {
      right: () => fromErp(JSON.stringify(canonical)),
      wrong: () => fromErp(JSON.stringify(canonical), { secret: 'other' }),
    },
  };
  it.each(Object.entries(calls))(
    'of %s opens the door where it is right, and only there',
    async (_, { right, wrong }) => {
      expect(await wrong()).toMatchObject({ status: 401 });
      expect(waiting).toEqual([]);
      expect(await right()).toMatchObject({ status: 200, body: { accepted: 1, rejected: 0 } });
      expect(events()[0]).toMatchObject({ trust: 'server' });
    },
  );

  it.each(['shopify', 'woocommerce', 'hubspot?source=crm', 'twilio/calls', 'generic/erp'])(
    'is needed for /hooks/%s',
    async (path) => {
      expect((await post(`/hooks/${path}`, '{}', {})).status).toBe(401);
    },
  );

  it('is over the bytes as they came: one blank more is another body', async () => {
    const signature = hmac('sha256', 's-shopify', JSON.stringify(shopifyOrder)).toString('base64');
    const headers = { 'x-shopify-topic': 'orders/paid', 'x-shopify-hmac-sha256': signature };
    expect((await post('/hooks/shopify', `${JSON.stringify(shopifyOrder)} `, headers)).status).toBe(401);
  });

  it.each([-301, 301])('%i s away is refused where the vendor signs the time', async (seconds) => {
    const at = now.getTime() + seconds * 1000;
    for (const answer of [
      await fromErp(JSON.stringify(canonical), { at }),
      await fromHubspot([contactEvent], { at }),
    ]) {
      expect(answer).toMatchObject({ status: 401, body: { message: expect.stringContaining('too old') } });
    }
    expect(waiting).toEqual([]);
  });

  it('cannot be made younger: the time is signed too', async () => {
    const old = Math.floor(now.getTime() / 1000) - 900;
    const v1 = hmac('sha256', 's-erp', `${old}.${JSON.stringify(canonical)}`).toString('hex');
    const fresh = Math.floor(now.getTime() / 1000);
    const answer = await post('/hooks/generic/erp', JSON.stringify(canonical), {
      'x-percorso-signature': `t=${fresh},v1=${v1}`,
    });
    expect(answer.body.message).toBe('unknown source, or wrong signature');
  });

  it('counts for the address that was signed, not for another', async () => {
    expect((await fromHubspot([contactEvent], { signedUrl: 'https://elsewhere.test/hooks/hubspot' })).status).toBe(401);
    expect((await fromTwilio(twilioCall, { url: 'https://elsewhere.test/hooks/twilio/calls' })).status).toBe(401);
    expect((await fromTwilio(twilioCall, { url: 'https://door.test:443/hooks/twilio/calls' })).status).toBe(200);
  });

  it('of another source, or of a source without a secret, opens nothing', async () => {
    for (const path of [
      '/hooks/shopify/woocommerce',
      '/hooks/shopify/closed',
      '/hooks/shopify/keyed',
      '/hooks/shopify/x',
    ]) {
      expect((await fromShopify('orders/paid', shopifyOrder, path)).status, path).toBe(401);
    }
    expect(readHookSecrets(config, env).missing).toEqual([{ source: 'closed', variable: 'SECRET_CLOSED' }]);
  });
});

describe('an address', () => {
  it('of no known connector is not found', async () => {
    for (const path of ['/hooks/paypal', '/hooks/paypal/shop', '/hooks/constructor']) {
      expect((await post(path, '{}', {})).status).toBe(404);
    }
  });
  it('may name the source in its path or its query; else the connector gives it', async () => {
    for (const path of ['/hooks/shopify', '/hooks/shopify/gross', '/hooks/shopify?source=gross']) {
      expect((await fromShopify('orders/paid', shopifyOrder, path)).status).toBe(200);
    }
    expect(events().map((event) => event.source)).toEqual(['shopify', 'gross', 'gross']);
  });
});

describe('Shopify', () => {
  it('tells of an order: goods net of VAT and shipping, the customer, the landing page; no IP address', async () => {
    await fromShopify('orders/paid', shopifyOrder);
    expect(events()[0]).toMatchObject({
      event_id: 'order-5123456789012',
      event_type: 'Order Completed',
      occurred_at: '2026-11-20T09:00:00.000Z',
      updated_at: '2026-11-20T09:01:00.000Z',
      source: 'shopify',
      keys: {
        user_id: expect.stringMatching(/^u:/),
        email: expect.stringMatching(/^e:/),
        phone: expect.stringMatching(/^p:/),
      },
      touch: { source: 'google', medium: 'cpc', referrer_host: 'google.com' },
      device: { class: 'mobile' },
      value: {
        order_id: '5123456789012',
        revenue: '100.00',
        tax: '23.10',
        shipping: '5.00',
        discount: '12.20',
        currency: 'EUR',
      },
    });
    expect(JSON.stringify(sent())).not.toMatch(/203\.0\.113\.7|Esempio\.it|esempio\.it|3331234567/);
  });

  it('tells the same to a source whose amounts hold VAT and shipping, which are taken off later', async () => {
    await fromShopify('orders/paid', shopifyOrder, '/hooks/shopify/gross');
    expect(events()[0]?.value).toMatchObject({ revenue: '128.10', tax: '23.10', shipping: '5.00' });
  });

  it.each([
    ['pending', null, 'Order Placed'],
    ['authorized', null, 'Order Completed'],
    ['refunded', '2026-11-21T00:00:00Z', 'Order Completed'],
    ['voided', '2026-11-21T00:00:00Z', 'Order Cancelled'],
    ['pending', '2026-11-21T00:00:00Z', 'Order Cancelled'],
  ])(
    'calls an order that is %s, cancelled at %s, %s, always under one id',
    async (financial_status, cancelled_at, type) => {
      await fromShopify('orders/updated', { ...shopifyOrder, financial_status, cancelled_at });
      expect(events()).toMatchObject([{ event_id: 'order-5123456789012', event_type: type }]);
    },
  );

  it('keeps an order at what was sold when part of it comes back; the refund is an event of its own', async () => {
    await fromShopify('orders/updated', { ...shopifyOrder, current_subtotal_price: '61.00', refunds: [refund] });
    await fromShopify('refunds/create', refund);
    expect(events()).toMatchObject([
      { event_type: 'Order Completed', value: { revenue: '100.00' } },
      {
        event_id: 'refund-99',
        event_type: 'Order Refunded',
        occurred_at: '2026-11-21T09:00:00.000Z',
        value: { order_id: '5123456789012', revenue: '50.00', tax: '11.00' },
      },
    ]);
  });

  it('reads ids that no JSON number holds exactly', async () => {
    const big = { ...shopifyOrder, admin_graphql_api_id: 'gid://shopify/Order/820982911946154509' };
    const text = JSON.stringify(big).replace('"id":5123456789012,', '"id":820982911946154509,');
    await post('/hooks/shopify', text, {
      'x-shopify-topic': 'orders/create',
      'x-shopify-hmac-sha256': hmac('sha256', 's-shopify', text).toString('base64'),
    });
    expect(events()[0]?.event_id).toBe('order-820982911946154509');
  });

  it('gives nothing of test orders, refunds without money and topics that say nothing of ours', async () => {
    for (const answer of [
      await fromShopify('orders/paid', { ...shopifyOrder, test: true }),
      await fromShopify('refunds/create', { ...refund, transactions: [] }),
      await fromShopify('products/update', { id: 1 }),
      await fromShopify('constructor', { id: 1 }),
    ]) {
      expect(answer).toMatchObject({ status: 200, body: { accepted: 0, rejected: 0 } });
    }
    expect(waiting).toEqual([]);
  });

  it('tells who a customer is, each version for itself', async () => {
    const customer = {
      id: 77,
      email: 'new@esempio.it',
      updated_at: '2026-11-21T10:00:00Z',
      email_marketing_consent: { state: 'subscribed' },
    };
    await fromShopify('customers/update', customer);
    await fromShopify('customers/update', { ...customer, updated_at: '2026-11-21T11:00:00Z' });
    expect(events()).toMatchObject([
      {
        event_type: 'Identify',
        keys: { user_id: expect.stringMatching(/^u:/), email: expect.stringMatching(/^e:/) },
        consent: { marketing: true },
      },
      {},
    ]);
    expect(new Set(events().map(({ event_id }) => event_id)).size).toBe(2);
  });
});

describe('WooCommerce', () => {
  it('tells of an order, and of its refunds in the order’s proportion', async () => {
    await fromWoo('order.updated', { ...wooOrder, refunds: [{ id: 9, reason: 'rotto', total: '-61.00' }] });
    expect(events()).toMatchObject([
      {
        event_id: 'order-727',
        event_type: 'Order Completed',
        occurred_at: '2026-11-20T16:28:02.000Z',
        updated_at: '2026-11-20T16:30:00.000Z',
        touch: { source: 'newsletter' },
        value: { order_id: '727', revenue: '100.00', tax: '24.20', shipping: '10.00' },
      },
      {
        event_id: 'refund-9',
        event_type: 'Order Refunded',
        value: { order_id: '727', revenue: '50.00', tax: '11.00' },
      },
    ]);
    expect(JSON.stringify(sent())).not.toContain('203.0.113.7');
  });
  it('refunds the whole of an order as it was', async () => {
    await fromWoo('order.updated', { ...wooOrder, status: 'refunded', refunds: [{ id: 9, total: '-134.20' }] });
    expect(events()[1]?.value).toMatchObject({ revenue: '100.00', tax: '24.20' });
  });
  it.each([
    ['on-hold', 'Order Placed'],
    ['pending', 'Order Placed'],
    ['completed', 'Order Completed'],
    ['cancelled', 'Order Cancelled'],
    ['failed', 'Order Cancelled'],
  ])('calls an order that is %s %s', async (status, type) => {
    await fromWoo('order.created', { ...wooOrder, status });
    expect(events()).toMatchObject([{ event_id: 'order-727', event_type: type }]);
  });
  it('is answered when it tries the address, unsigned, and nothing comes of it', async () => {
    expect((await post('/hooks/woocommerce', 'webhook_id=12', {})).status).toBe(200);
    expect((await post('/hooks/woocommerce', 'webhook_id=12', { 'x-wc-webhook-signature': 'x' })).status).toBe(401);
    expect(waiting).toEqual([]);
  });
});

describe('HubSpot', () => {
  it('tells who a contact is, and when it becomes a lead', async () => {
    await fromHubspot([
      { ...contactEvent, subscriptionType: 'contact.creation', propertyName: undefined },
      contactEvent,
      { ...contactEvent, eventId: 2, propertyName: 'lifecyclestage', propertyValue: 'lead' },
    ]);
    expect(events()).toMatchObject([
      { event_type: 'Identify', keys: { crm_id: expect.stringMatching(/^c:/) } },
      { event_type: 'Identify', keys: { crm_id: expect.stringMatching(/^c:/), email: expect.stringMatching(/^e:/) } },
      { event_type: 'Lead Created' },
    ]);
    expect(new Set(events().map(({ event_id }) => event_id)).size).toBe(3);
  });
  it('tells how a deal goes, and whose it is by its primary contact alone', async () => {
    const deal = { eventId: 5, objectId: 31, occurredAt: 1_795_000_000_000 };
    const association = {
      eventId: 6,
      occurredAt: deal.occurredAt,
      subscriptionType: 'deal.associationChange',
      associationType: 'DEAL_TO_CONTACT',
      fromObjectId: 31,
      toObjectId: 512,
    };
    await fromHubspot([
      { ...deal, subscriptionType: 'deal.creation' },
      { ...deal, subscriptionType: 'deal.propertyChange', propertyName: 'dealstage', propertyValue: 'closedwon' },
      {
        ...deal,
        subscriptionType: 'deal.propertyChange',
        propertyName: 'dealstage',
        propertyValue: 'closedlost',
        eventId: 7,
      },
      { ...association, isPrimaryAssociation: true },
      { ...association, isPrimaryAssociation: false, toObjectId: 513 },
      { ...deal, subscriptionType: 'company.creation' },
    ]);
    expect(events().map(({ event_type }) => event_type)).toEqual([
      'Opportunity Created',
      'Opportunity Won',
      'Opportunity Lost',
      'Identify',
    ]);
    expect(events()[3]).toMatchObject({
      keys: { crm_id: expect.stringMatching(/^c:/), anonymous_id: expect.stringMatching(/^a:/) },
    });
  });
});

describe('Twilio', () => {
  it('makes a call that was answered a contact by phone, at its beginning, of the one who is not the firm', async () => {
    await fromTwilio(twilioCall);
    await fromTwilio({
      ...twilioCall,
      CallSid: 'CA2',
      Direction: 'outbound-api',
      From: twilioCall.To,
      To: twilioCall.From,
    });
    expect(events()).toMatchObject([
      {
        event_id: 'CA0123456789',
        event_type: 'Contact',
        occurred_at: '2026-11-22T10:58:30.000Z',
        touch: { channel: 'Phone' },
        device: { class: 'offline' },
      },
      { event_id: 'CA2' },
    ]);
    const phones = events().map((event) => z.object({ phone: z.string() }).parse(event.keys).phone);
    expect(phones[0]).toBe(phones[1]);
  });
  it('says nothing while it rings, and makes a missed call no contact', async () => {
    await fromTwilio({ ...twilioCall, CallStatus: 'ringing' });
    await fromTwilio({ ...twilioCall, CallStatus: 'no-answer' });
    expect(events().map(({ event_type }) => event_type)).toEqual(['Call Missed']);
  });
});

describe('the generic hook', () => {
  it.each([
    ['one event', canonical, 1],
    ['a list', [canonical, { ...canonical, event_id: 'e2' }], 2],
    ['a batch', { batch: [canonical] }, 1],
  ])('takes %s', async (_, body, accepted) => {
    expect((await fromErp(JSON.stringify(body))).body).toMatchObject({ accepted, rejected: 0 });
    expect(events()[0]).toMatchObject({ source: 'erp', event_id: 'e1' });
  });
  it('takes costs, each delivery as a set of its own: a repeated one replaces, it never adds', async () => {
    const cost = { cost_date: '2026-11-20', account: 'a', campaign_id: '1', spend: '12.50', currency: 'EUR' };
    await fromErp(JSON.stringify([cost, { ...cost, campaign_id: '2' }]));
    await fromErp(JSON.stringify([cost, { ...cost, campaign_id: '2' }]));
    const ids = sent().map(({ costs }) => [...new Set(costs.map(({ import_id }) => import_id))]);
    expect(ids.map((names) => names.length)).toEqual([1, 1]);
    expect(ids[0]).not.toEqual(ids[1]);
  });
  it('takes gzip, signed as it came, and refuses a bomb', async () => {
    expect((await fromErp(gzipSync(JSON.stringify(canonical)))).body).toMatchObject({ accepted: 1 });
    expect((await fromErp(gzipSync(Buffer.alloc(50_000_000, 32)))).status).toBe(413);
    expect((await fromErp('['.repeat(600_000))).status).toBe(413);
  });
  it('refuses alone what is wrong, what is too large and what names another source', async () => {
    const body = [
      canonical,
      7,
      { ...canonical, source: 'shop' },
      { ...canonical, occurred_at: 'x' },
      { ...canonical, big: 'x'.repeat(40_000) },
    ];
    expect((await fromErp(JSON.stringify(body))).body).toMatchObject({ accepted: 1, rejected: 4 });
    expect(sent()[0]?.rejected.map(({ reason }) => reason)).toEqual([
      'wrong-value',
      'wrong-source',
      'wrong-date',
      'too-large',
    ]);
  });
  it('answers 429 above the source’s rate, and 503 where nothing can be written down', async () => {
    await fromErp(JSON.stringify(canonical), { path: '/hooks/generic/slow' });
    expect((await fromErp(JSON.stringify(canonical), { path: '/hooks/generic/slow' })).status).toBe(429);
    isFull = true;
    expect((await fromErp(JSON.stringify(canonical))).status).toBe(503);
  });
});

describe('what was refused', () => {
  it('is kept, and taken once after the mend, costs within the set of their call', async () => {
    const cost = { cost_date: '2026-11-20', account: 'a', campaign_id: '1', spend: '12.50', currency: 'USD' };
    let hasRate = false;
    const closed = { ...door, hasRate: (currency: string) => currency === 'EUR' || hasRate };
    app = createCollectApp(createCollector(closed), createHookReceiver(closed));
    await fromErp(JSON.stringify([{ ...cost, currency: 'EUR' }, cost]));
    await fromShopify('orders/paid', { ...shopifyOrder, currency: 'USD' });
    await fromTwilio({ ...twilioCall, From: 'anonymous' });
    const importId = sent()[0]?.costs[0]?.import_id;

    const objects = new Map<string, Uint8Array>();
    const lake: Store = {
      put: async (key, body) => void objects.set(key, Buffer.from(body)),
      putIfAbsent: async (key, body) => !objects.has(key) && Boolean(objects.set(key, Buffer.from(body))),
      get: async (key) => objects.get(key),
      list: async (prefix) => [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
      remove: async (key) => void objects.delete(key),
      locate: (key) => key,
    };
    const company = { lake, identifierKey: async () => identifierKey };
    const drainOnce: Queue = {
      ...queue,
      receive: async () => waiting.map((body, index) => ({ id: String(index), body })),
    };
    expect(await drainSpool(company, drainOnce, () => now)).toMatchObject({ events: 0, costs: 1, rejected: 3 });
    expect((await listRejected(lake)).map(({ source, reason }) => `${source} ${reason}`).sort()).toEqual([
      'calls wrong-identifier',
      'erp no-rate',
      'shopify no-rate',
    ]);

    hasRate = true;
    const replayer = createHookReplayer({ config, identifierKey, hasRate: closed.hasRate });
    expect(await replayRejected(lake, identifierKey, [replayer])).toMatchObject({
      events: 1,
      costs: 1,
      taken: 2,
      refused: 1,
    });
    expect(await replayRejected(lake, identifierKey, [replayer])).toMatchObject({ taken: 0, refused: 1 });
    const { gunzipSync } = await import('node:zlib');
    const costs = [...objects]
      .filter(([key]) => key.startsWith('raw/costs/'))
      .flatMap(([, body]) => gunzipSync(body).toString().trim().split('\n'))
      .map((line) => z.object({ import_id: z.string(), received_at: z.string() }).parse(JSON.parse(line)));
    expect(costs).toHaveLength(2);
    expect(new Set(costs.map(({ import_id, received_at }) => import_id + received_at))).toEqual(
      new Set([`${importId}${now.toISOString()}`]),
    );
  });
});

describe('whatever a rightly signed body holds', () => {
  const json = fc.jsonValue({ maxDepth: 3 });
  const mutated = (good: object) =>
    fc
      .dictionary(fc.constantFrom(...Object.keys(good)), json, { maxKeys: 4 })
      .map((changes) => ({ ...good, ...changes }));
  const isAnswered = ({ status }: { status: number }) => [200, 400].includes(status);

  it('the door answers it well or calls it no JSON, and never fails', async () => {
    const senders = [
      (body: unknown) => fromShopify('orders/updated', body),
      (body: unknown) => fromShopify('refunds/create', body),
      (body: unknown) => fromShopify('customers/update', body),
      (body: unknown) => fromWoo('order.updated', body),
      (body: unknown) => fromHubspot(body),
      (body: unknown) => fromErp(JSON.stringify(body)),
    ];
    const bodies = fc.oneof(
      json,
      mutated(shopifyOrder),
      mutated(refund),
      mutated(wooOrder),
      fc.array(mutated(contactEvent)),
      mutated(canonical),
    );
    await fc.assert(
      fc.asyncProperty(bodies, fc.constantFrom(...senders), async (body, send) => isAnswered(await send(body))),
      { numRuns: 1500 },
    );
  });
  it('nor do bytes of any kind, or forms', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => isAnswered(await fromErp(bytes))),
      { numRuns: 500 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...Object.keys(twilioCall)), fc.stringMatching(/^[ -~]{0,40}$/)),
        async (changes) => isAnswered(await fromTwilio({ ...twilioCall, ...changes })),
      ),
      { numRuns: 500 },
    );
  });
});
