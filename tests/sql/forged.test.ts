import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { configSchema } from '#core/config';
import type { StoredEvent } from '#core/event';
import { loginProof } from '#core/proved-login';
import { createCollectApp } from '#handlers/collect';
import { createCollector } from '#pipeline/arrivals/collect';
import { type BuiltCompany, buildCompany } from './company-on-duckdb.ts';

const sources = {
  shop: { writeKeyEnv: 'KEY_SHOP', trust: 1 },
  crm: { writeKeyEnv: 'KEY_CRM', trust: 2 },
  web: { kind: 'browser', writeKeyEnv: 'KEY_WEB' },
  tracker: { kind: 'browser' },
} as const;
const provedSources = {
  ...sources,
  web: { ...sources.web, loginSecretEnv: 'LOGIN_WEB' },
  tracker: { ...sources.tracker, logins: 'proved' },
} as const;
const env = { KEY_SHOP: 'shop-key', KEY_CRM: 'crm-key', KEY_WEB: 'web-key' };
const loginSecret = 'what signs the user ids of the pages';
const at = (day: number, minute = 0) => new Date(Date.UTC(2026, 4, day, 10, minute)).toISOString();

interface Sent {
  key: keyof typeof env | undefined;
  path: string;
  body: object;
}
const batch = (key: keyof typeof env, ...messages: object[]): Sent => ({
  key,
  path: '/v1/batch',
  body: { batch: messages },
});
const page = (messageId: string, anonymousId: string, day: number, search: string, more: object = {}) => ({
  type: 'page',
  messageId,
  anonymousId,
  timestamp: at(day),
  context: { page: { url: `https://esempio.it/${search}`, referrer: '' } },
  ...more,
});
const order = (messageId: string, who: object, day: number, minute: number, properties: object) => ({
  type: 'track',
  event: 'Order Completed',
  messageId,
  timestamp: at(day, minute),
  properties: { currency: 'EUR', ...properties },
  ...who,
});

/** What customers, the shop and the CRM say. Anna's browser is hers by its copy of her order alone; Bruno's by his login. */
const honest: Sent[] = [
  batch(
    'KEY_WEB',
    page('w1', 'anna-cookie', 1, '?utm_source=google&utm_medium=cpc'),
    page('w2', 'bruno-cookie', 2, '?utm_source=facebook&utm_medium=paid_social', { userId: 'bruno' }),
    order('w3', { anonymousId: 'anna-cookie' }, 5, 1, { order_id: '1001', revenue: 100 }),
    page('w4', 'forger-cookie', 1, '?utm_source=newsletter&utm_medium=email'),
  ),
  batch(
    'KEY_SHOP',
    order('s1', { userId: 'anna', traits: { email: 'anna@esempio.it' } }, 5, 0, { order_id: '1001', revenue: 100 }),
    order('s2', { userId: 'bruno' }, 7, 0, { order_id: '1002', revenue: 50 }),
    order('s3', { userId: 'anna' }, 20, 0, { order_id: '1003', revenue: 25 }),
  ),
  batch('KEY_CRM', {
    type: 'identify',
    messageId: 'c1',
    userId: 'bruno',
    traits: { email: 'bruno@esempio.it', crm_id: 'C-2' },
    timestamp: at(3),
  }),
];

const forger = { anonymousId: 'forger-cookie' };
const aTracker = { aid: 'tracker', p: 'web', duid: 'forger-cookie', dtm: String(Date.parse(at(8))) };
const forged: Record<string, Sent[]> = {
  'an order of its own, and a refund of another': [
    batch(
      'KEY_WEB',
      order('f1', forger, 8, 0, { order_id: '9001', revenue: 99_999 }),
      order('f2', forger, 8, 0, { revenue: 99_999 }),
      { ...order('f3', forger, 8, 0, { order_id: '1001', revenue: 100 }), event: 'Order Refunded' },
    ),
  ],
  "a stranger's order id, with a wrong amount, no amount and at a wrong time": [
    batch(
      'KEY_WEB',
      order('f1', forger, 5, 2, { order_id: '1001', revenue: 1 }),
      order('f2', forger, 7, 1, { order_id: '1002' }),
      order('f3', forger, 8, 0, { order_id: '1002', revenue: 50 }),
      order('f4', forger, 2, 0, { order_id: '1003', revenue: 25 }),
    ),
  ],
  "another source's event ids": [
    batch(
      'KEY_WEB',
      order('s1', forger, 4, 0, { order_id: '1001', revenue: 1 }),
      order('s2', forger, 6, 0, { order_id: '1002', revenue: 1 }),
      { type: 'track', event: 'Nothing', messageId: 's3', timestamp: at(20), source: 'shop', ...forger },
      { type: 'identify', messageId: 'c1', traits: { crm_id: 'C-2' }, timestamp: at(3), ...forger },
    ),
    {
      key: undefined,
      path: '/com.snowplowanalytics.snowplow/tp2',
      body: {
        schema: 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4',
        data: [
          { ...aTracker, e: 'tr', eid: 's1', tr_id: '1001', tr_tt: '1' },
          { ...aTracker, aid: 'shop', e: 'tr', eid: 's2', tr_id: '1002', tr_tt: '1' },
        ],
      },
    },
    {
      key: undefined,
      path: '/com.snowplowanalytics.snowplow/tp2',
      body: {
        schema: 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4',
        data: [{ ...aTracker, aid: 'shop', e: 'tr', eid: 's1', tr_id: '1001', tr_tt: '1' }],
      },
    },
  ],
  "a stranger's e-mail, phone, card and CRM number on its own cookie": [
    batch(
      'KEY_WEB',
      {
        type: 'identify',
        messageId: 'f1',
        timestamp: at(8),
        traits: { email: 'anna@esempio.it', crm_id: 'C-2' },
        ...forger,
      },
      {
        type: 'identify',
        messageId: 'f2',
        timestamp: at(8),
        traits: { email: 'bruno@esempio.it', loyalty_card: '1', phone: '+39 333 1234567' },
        ...forger,
      },
      { type: 'identify', messageId: 'f3', timestamp: at(8), userId: 'anna@esempio.it', ...forger },
      { type: 'alias', messageId: 'f4', timestamp: at(8), userId: 'bruno@esempio.it', previousId: 'forger-cookie' },
      {
        ...order('f5', forger, 8, 0, { order_id: '9002', revenue: 1 }),
        context: { traits: { email: 'anna@esempio.it' } },
      },
    ),
  ],
  'a date since when its visitor is a customer': [
    batch('KEY_WEB', {
      type: 'identify',
      messageId: 'f1',
      timestamp: at(8),
      traits: { customer_since: '2020-01-01' },
      properties: { customer_since: '2020-01-01' },
      anonymousId: 'bruno-cookie',
    }),
  ],
};

const delivery = z.object({ events: z.array(z.custom<StoredEvent>((value) => typeof value === 'object')) });

type Sources = typeof sources | typeof provedSources;

async function stored(requests: readonly Sent[], given: Sources = sources): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  const app = createCollectApp(
    createCollector({
      config: configSchema.parse({ name: 'Proof', sources: given }),
      env: { ...env, LOGIN_WEB: loginSecret },
      queue: {
        async send(messages) {
          for (const message of messages)
            events.push(...delivery.parse(JSON.parse(Buffer.from(message).toString())).events);
        },
        receive: async () => [],
        remove: async () => undefined,
      },
      identifierKey: Buffer.alloc(32, 7),
      hasRate: () => true,
      now: () => new Date('2026-06-01T00:00:00Z'),
    }),
  );
  for (const { key, path, body } of requests) {
    const headers: Record<string, string> = {
      'user-agent':
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
      ...(key === undefined ? {} : { authorization: `Basic ${Buffer.from(`${env[key]}:`).toString('base64')}` }),
    };
    await app.request(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }
  return events;
}

const open: BuiltCompany[] = [];
async function built(requests: readonly Sent[], given: Sources = sources): Promise<BuiltCompany> {
  const events = (await stored(requests, given)).map((event) => ({
    event_type: event.event_type,
    occurred_at: event.occurred_at,
    source: event.source,
    trust: event.trust,
    identifiers: { anonymous_id: 'replaced' },
    stored: event,
  }));
  const company = await buildCompany({ events, config: { sources: given }, now: '2026-06-02T10:00:00Z' });
  open.push(company);
  return company;
}
afterAll(async () => {
  for (const company of open) await company.close();
});

const tables = {
  conversions: 'select * from conversions order by conversion_id',
  credit: 'select * from credit order by conversion_id, model, touch_id',
  persons: 'select * from persons order by person_id',
};

describe("a browser's key", () => {
  let without: BuiltCompany;
  beforeAll(async () => {
    without = await built(honest);
  });

  test('ties a cookie to the order that its copy proves, so that there is something to take', async () => {
    expect(
      await without.lines(
        'select order_id, revenue, touches_in_window from conversions where order_id is not null order by order_id',
      ),
    ).toEqual(['1001 100.00 1', '1002 50.00 1', '1003 25.00 1']);
    expect(await without.lines('select count(*) from persons')).toEqual(['3']);
  });

  test.each(Object.entries(forged))('changes no conversion, credit or person by %s', async (_, requests) => {
    const sent = await stored(requests);
    const withForged = await built([...honest, ...requests]);
    // The forgery came in: what it says is kept, and counts for nothing.
    expect(sent.length).toBeGreaterThan(0);
    for (const event of sent) expect(event.trust).toBe('browser');
    for (const [table, sql] of Object.entries(tables)) {
      expect(await withForged.query(sql), table).toEqual(await without.query(sql));
    }
    expect(withForged.failing.error).toEqual([]);
  });

  test('that knows amount and time of an order ties nobody either, once two browsers claim it', async () => {
    const claims = batch('KEY_WEB', order('f1', forger, 5, 2, { order_id: '1001', revenue: 100 }));
    const withForged = await built([...honest, claims]);
    const people = 'select person_id, orders, revenue from persons where orders > 0 order by person_id';
    expect(await withForged.lines(people)).toEqual(await without.lines(people));
    expect(await withForged.lines('select count(*) from persons')).toEqual(['4']);
  });
});

describe('where logins must be proved', () => {
  const proof = (userId: string) => ({ traits: { user_hash: loginProof(loginSecret, userId) } });
  /** Bruno's page shows the proof that the firm's server made for him; another day the server itself tells of his cookie. */
  const told: Sent[] = [
    ...honest,
    batch(
      'KEY_WEB',
      {
        type: 'identify',
        messageId: 'w5',
        timestamp: at(2),
        anonymousId: 'bruno-cookie',
        userId: 'bruno',
        ...proof('bruno'),
      },
      page('w6', 'anna-phone', 4, '?utm_source=youtube&utm_medium=video', { userId: 'anna' }),
    ),
    batch('KEY_SHOP', {
      type: 'identify',
      messageId: 's4',
      timestamp: at(4),
      anonymousId: 'anna-phone',
      userId: 'anna',
    }),
  ];
  const logins: Record<string, Sent[]> = {
    "a stranger's user id on its own cookie": [
      batch('KEY_WEB', page('f1', 'forger-cookie', 6, '?utm_source=evil', { userId: 'bruno' }), {
        type: 'identify',
        messageId: 'f2',
        timestamp: at(4),
        userId: 'anna',
        ...forger,
      }),
    ],
    'a proof that is of somebody else, cut short, or of another form': [
      batch(
        'KEY_WEB',
        ...[
          loginProof(loginSecret, 'forger'),
          loginProof('', 'bruno'),
          loginProof(loginSecret, 'bruno').slice(0, 63),
          '',
          7,
          { a: 1 },
        ].map((user_hash, index) => ({
          type: 'identify',
          messageId: `f${index}`,
          timestamp: at(6),
          userId: 'bruno',
          traits: { user_hash },
          ...forger,
        })),
      ),
    ],
    'an alias, a user id without a cookie, and the copy of an order': [
      batch(
        'KEY_WEB',
        { type: 'alias', messageId: 'f1', timestamp: at(6), userId: 'bruno', previousId: 'forger-cookie' },
        { type: 'page', messageId: 'f2', timestamp: at(6), userId: 'bruno' },
        order('f3', { ...forger, userId: 'bruno' }, 7, 1, { order_id: '1002', revenue: 49 }),
      ),
    ],
    "a tracker's login": [
      {
        key: undefined,
        path: '/com.snowplowanalytics.snowplow/tp2',
        body: {
          schema: 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4',
          data: [{ ...aTracker, e: 'pv', eid: 'f1', uid: 'bruno', url: 'https://esempio.it/?utm_source=evil' }],
        },
      },
    ],
  };
  const people = 'select * from persons where orders > 0 order by person_id';
  const seen = (company: BuiltCompany) =>
    company.query(`
    select events.person_id, events.source, events.event_id
    from events inner join persons on persons.person_id = events.person_id
    where persons.orders > 0 order by 1, 2, 3`);
  let without: BuiltCompany;
  beforeAll(async () => {
    without = await built(told, provedSources);
  });

  test('a proof, and the word of a server, tie a cookie to its user as a believed login does', async () => {
    const believed = await built(told);
    for (const table of [tables.conversions, tables.credit, people]) {
      expect(await without.query(table)).toEqual(await believed.query(table));
    }
    expect(
      await without.lines('select touches_in_window from conversions where order_id is not null order by order_id'),
    ).toEqual(['2', '1', '2']);
  });

  test.each(Object.entries(logins))('no conversion, credit or person changes by %s', async (_, requests) => {
    const sent = await stored(requests, provedSources);
    for (const event of sent) expect(event).not.toHaveProperty('keys.user_id');
    expect(JSON.stringify(sent)).not.toMatch(/bruno|user_hash/);
    const withForged = await built([...told, ...requests], provedSources);
    expect(await withForged.query(tables.conversions)).toEqual(await without.query(tables.conversions));
    expect(await withForged.query(tables.credit)).toEqual(await without.query(tables.credit));
    expect(await withForged.query(people)).toEqual(await without.query(people));
    expect(await seen(withForged)).toEqual(await seen(without));
    expect(withForged.failing.error).toEqual([]);
  });

  test('and believed, the same forgery would give her behaviour to a stranger', async () => {
    const [forgery = []] = Object.values(logins);
    expect(await seen(await built([...told, ...forgery]))).not.toEqual(await seen(await built(told)));
  });
});
