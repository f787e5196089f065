import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { configSchema } from '#core/config';
import type { RejectedRecord } from '#core/lake';
import { createSealing } from '#core/sealing';
import { createCollectApp } from '#handlers/collect';
import { createCollector } from '#pipeline/arrivals/collect';
import { createSnowplowReplayer } from '#pipeline/arrivals/rejected';

const config = configSchema.parse({
  name: 'Test',
  sources: {
    app1: { kind: 'browser' },
    slow: { kind: 'browser', ratePerSecond: 1 },
    web: { kind: 'browser', writeKeyEnv: 'KEY_WEB' },
    shop: { trust: 1 },
  },
});
const stored = z.looseObject({
  event_id: z.string(),
  event_type: z.string(),
  occurred_at: z.string(),
  trust: z.string(),
  source: z.string(),
  keys: z.record(z.string(), z.string()),
  properties: z.string().optional(),
});
const refused = z.custom<RejectedRecord>((value) => typeof value === 'object');
const delivery = z.object({ events: z.array(stored), rejected: z.array(refused) });
const identifierKey = Buffer.alloc(32, 1);
let events: z.output<typeof stored>[];
let rejected: RejectedRecord[];
let app: ReturnType<typeof createCollectApp>;

beforeEach(() => {
  events = [];
  rejected = [];
  app = createCollectApp(
    createCollector({
      config,
      env: { KEY_WEB: 'a-key' },
      queue: {
        async send(messages) {
          for (const message of messages) {
            const given = delivery.parse(JSON.parse(Buffer.from(message).toString()));
            events.push(...given.events);
            rejected.push(...given.rejected);
          }
        },
        receive: async () => [],
        remove: async () => undefined,
      },
      identifierKey,
      hasRate: () => true,
      now: () => new Date('2026-11-23T00:00:00Z'),
    }),
  );
});

const tp2 = '/com.snowplowanalytics.snowplow/tp2';
const schema = 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4';
const about = { eid: 'e1', aid: 'app1', p: 'web', tv: 'js-4.10.1', dtm: '1795342337054', duid: 'visitor-1' };
const unstruct = (name: string, data: unknown) =>
  JSON.stringify({
    schema: 'iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0',
    data: { schema: `iglu:com.acme/${name}/jsonschema/1-0-0`, data },
  });
const post = (data: unknown[], headers: Record<string, string> = {}, path = tp2) =>
  app.request(path, { method: 'POST', body: JSON.stringify({ schema, data }), headers });
const properties = () => z.record(z.string(), z.unknown()).parse(JSON.parse(events[0]?.properties ?? '{}'));

describe("an event of Snowplow's trackers", () => {
  it('is a page view with its address, referrer, visitor, user and device', async () => {
    const url = 'https://x.test/?utm_source=google&utm_medium=cpc&gclid=1';
    const answer = await post(
      [
        {
          ...about,
          e: 'pv',
          url,
          page: 'Home',
          refr: 'https://www.google.com/',
          uid: 'u1',
          lang: 'it-IT',
          ttm: '1795342337000',
        },
      ],
      { 'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148' },
    );
    expect(answer.status).toBe(200);
    expect(events[0]).toMatchObject({
      event_id: 'e1',
      event_type: 'Page Viewed',
      occurred_at: '2026-11-22T10:12:17.000Z',
      source: 'app1',
      trust: 'browser',
      identifiers: { user_id: 'u1', anonymous_id: 'visitor-1' },
      touch: {
        source: 'google',
        medium: 'cpc',
        referrer_host: 'google.com',
        landing_page: url,
        click_id_kind: 'gclid',
      },
      device: { class: 'mobile', os: 'iOS' },
    });
    expect(properties()).toEqual({ title: 'Home', context: { locale: 'it-IT' } });
  });

  it('keeps page pings by a name of their own, which counts for nothing', async () => {
    await post([{ ...about, e: 'pp', pp_mix: '0', pp_may: '120' }]);
    expect(events[0]?.event_type).toBe('Page Pinged');
    expect(properties()).toEqual({ pp_mix: 0, pp_may: 120 });
  });

  it('structured, is named by its action, with its number as a number', async () => {
    await post([{ ...about, e: 'se', se_ca: 'shop', se_ac: 'add_to_basket', se_la: 'l', se_pr: 'p', se_va: '42.5' }]);
    expect(events[0]?.event_type).toBe('Add To Basket');
    expect(properties()).toEqual({ category: 'shop', action: 'add_to_basket', label: 'l', property: 'p', value: 42.5 });
  });

  it.each([
    ['order_completed', 'Order Completed'],
    ['quoteRequested', 'Quote Requested'],
    ['screen_view', 'Screen Viewed'],
    ['link_click', 'Link Click'],
  ])('self-describing, is named by its schema: %s', async (name, type) => {
    const text = unstruct(name, { order_id: 'o1', revenue: 42.5, currency: 'EUR', colour: 'red' });
    await post([
      { ...about, e: 'ue', ue_pr: text },
      { ...about, eid: 'e2', e: 'ue', ue_px: Buffer.from(text).toString('base64url') },
    ]);
    expect(events.map((event) => event.event_type)).toEqual([type, type]);
    expect(events[0]).toMatchObject({ trust: 'browser', value: { order_id: 'o1', revenue: '42.5', currency: 'EUR' } });
    expect({ ...events[1], event_id: 'e1' }).toEqual(events[0]);
    expect(properties()).toEqual({ colour: 'red', schema: `iglu:com.acme/${name}/jsonschema/1-0-0` });
  });

  it('of e-commerce is an order less tax and shipping, once old and once new', async () => {
    await post([
      { ...about, e: 'tr', tr_id: 'o1', tr_tt: '130.00', tr_tx: '20.00', tr_sh: '10.00', tr_cu: 'eur' },
      { ...about, eid: 'e2', e: 'ti', ti_id: 'o1', ti_sk: 's', ti_pr: '50', ti_qu: '2' },
      {
        ...about,
        eid: 'e3',
        e: 'ue',
        ue_pr: unstruct('snowplow_ecommerce_action', { type: 'transaction' }),
        co: JSON.stringify({
          schema: 'iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0',
          data: [
            {
              schema: 'iglu:com.snowplowanalytics.snowplow.ecommerce/transaction/jsonschema/1-0-0',
              data: { transaction_id: 'o1', revenue: 130, tax: 20, shipping: 10, currency: 'EUR' },
            },
          ],
        }),
      },
    ]);
    const order = { order_id: 'o1', revenue: '100', tax: '20.00', shipping: '10.00', currency: 'EUR' };
    expect(events.map((event) => event.event_type)).toEqual(['Order Completed', 'Order Item Sent', 'Order Completed']);
    expect(events[0]).toMatchObject({ value: order });
    expect(events[2]).toMatchObject({ value: { ...order, tax: '20', shipping: '10' } });
  });

  it('keeps contexts by the name of their schema, plain or in base64, and is taken without those that are broken', async () => {
    const contexts = (...data: { schema: string; data: unknown }[]) =>
      JSON.stringify({ schema: 'iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0', data });
    const article = (data: unknown) => ({ schema: 'iglu:com.acme/article/jsonschema/1-0-0', data });
    await post([
      { ...about, e: 'pv', cx: Buffer.from(contexts(article({ n: 1 }), article({ n: 2 }))).toString('base64url') },
      { ...about, eid: 'e2', e: 'pv', co: '{' },
    ]);
    expect(properties()).toEqual({ contexts: { article: [{ n: 1 }, { n: 2 }] } });
    expect(events[1]?.properties).toBeUndefined();
  });

  it('that names nobody, or asks to stay unknown, is counted without identifiers', async () => {
    const { duid: _, ...nobody } = about;
    await post([{ ...nobody, e: 'pv' }]);
    await post([{ ...about, eid: 'e2', e: 'pv' }], { 'SP-Anonymous': '*' });
    for (const event of events) expect(event).toMatchObject({ keys: {}, consent: { analytics: false } });
    expect(events).toHaveLength(2);
  });

  it('of a server has not the device of the server', async () => {
    await post([{ ...about, p: 'srv', e: 'pv' }], { 'user-agent': 'node' });
    expect(events[0]?.device).toBeUndefined();
  });

  it('holds no address', async () => {
    await post([
      {
        ...about,
        e: 'pv',
        uid: 'anna@esempio.it',
        url: 'https://x.test/?email=anna@esempio.it',
        refr: 'https://y.test/?tel=+39%20333%201234567',
      },
    ]);
    expect(JSON.stringify(events)).not.toMatch(/anna@|esempio\.it|1234567/);
    expect(Object.keys(events[0]?.keys ?? {})).toEqual(['anonymous_id']);
  });

  it.each([
    [{ e: undefined }, 'missing-field', 'e'],
    [{ e: 'xx' }, 'wrong-value', 'e'],
    [{ e: 'se' }, 'missing-field', 'se_ac'],
    [{ e: 'ue' }, 'missing-field', 'ue_pr'],
    [{ e: 'ue', ue_pr: '{' }, 'wrong-value', 'ue_pr'],
    [{ e: 'ue', ue_px: '!' }, 'wrong-value', 'ue_px'],
    [{ e: 'pv', dtm: 'yesterday' }, 'wrong-date', 'occurred_at'],
  ])('%j is refused alone, and can be replayed', async (broken, reason, column) => {
    const answer = await post([
      { ...about, e: 'pv' },
      { ...about, eid: 'broken', ...broken },
    ]);
    expect(answer.status).toBe(200);
    expect(events).toHaveLength(1);
    expect(rejected).toMatchObject([{ reason, column, via: 'http:snowplow', source: 'app1', event_id: 'broken' }]);
    const replayer = createSnowplowReplayer({ config, identifierKey, hasRate: () => true, env: {} });
    const [record] = rejected;
    if (record === undefined) throw new Error('nothing was refused');
    const original = Buffer.from(createSealing(identifierKey).open(record.original), 'base64');
    expect(await replayer.replay(record, original)).toMatchObject({ ok: false, reason });
    const mended = Buffer.from(JSON.stringify({ ...about, e: 'pv', eid: 'broken' }));
    expect(await replayer.replay(record, mended)).toMatchObject({ ok: true, events: [{ trust: 'browser' }] });
  });
});

describe('the door for trackers', () => {
  const query = (fields: Record<string, string>) => `/i?${new URLSearchParams(fields)}`;

  it('answers a picture of one point to GET', async () => {
    const answer = await app.request(query({ ...about, e: 'pv', page: 'Città' }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('image/gif');
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([bytes.subarray(0, 6).toString(), bytes.readUInt16LE(6), bytes.readUInt16LE(8)]).toEqual(['GIF89a', 1, 1]);
    expect(properties()).toEqual({ title: 'Città' });
  });

  it('takes a path that the tracker was told', async () => {
    expect((await post([{ ...about, e: 'pv' }], {}, '/shop/news')).status).toBe(200);
    expect(events).toHaveLength(1);
  });

  it.each(['/v1/nothing', '/hooks/nothing', '/a/b/c'])('is not at %s', async (path) => {
    expect((await post([{ ...about, e: 'pv' }], {}, path)).status).toBe(404);
    expect(events).toEqual([]);
  });

  it('allows the page that asks, with credentials and the headers that it names', async () => {
    const headers = {
      origin: 'https://esempio.it',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,sp-anonymous',
    };
    const preflight = await app.request(tp2, { method: 'OPTIONS', headers });
    for (const answer of [preflight, await post([{ ...about, e: 'pv' }], headers)]) {
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://esempio.it');
      expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
    }
    expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type,sp-anonymous');
  });

  it.each([
    ['an unknown application', 'nobody'],
    ['a property of every object', 'constructor'],
    ['a source whose word counts', 'shop'],
    ['a source that has a key', 'web'],
  ])('refuses %s', async (_, aid) => {
    expect((await post([{ ...about, aid, e: 'pv' }])).status).toBe(401);
    expect((await app.request(query({ ...about, aid, e: 'pv' }))).status).toBe(401);
    expect(events).toEqual([]);
  });

  it('takes no event under the name of another application in one request', async () => {
    await post([
      { ...about, e: 'pv' },
      { ...about, eid: 'e2', aid: 'shop', e: 'pv' },
    ]);
    expect(events.map((event) => event.source)).toEqual(['app1']);
    expect(rejected).toMatchObject([{ reason: 'unknown-source', source: 'app1' }]);
  });

  it('answers 400 to what is none of it, and 429 above the rate', async () => {
    expect((await app.request(tp2, { method: 'POST', body: '{"data":[]}' })).status).toBe(400);
    expect((await post([])).status).toBe(400);
    expect((await post([{ ...about, aid: 'slow', e: 'pv' }])).status).toBe(200);
    const answer = await post([{ ...about, aid: 'slow', e: 'pv' }]);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
  });
});

const odd = fc.oneof(
  fc.constantFrom('constructor', '__proto__', '{', '', '1795342337054', 'iglu:a/constructor/jsonschema/1-0-0'),
  fc.constantFrom('constructor', '__proto__', 'toString').map((name) => unstruct(name, { type: name })),
  fc.string(),
  fc.jsonValue(),
);
const fields = [
  'e',
  'eid',
  'dtm',
  'ttm',
  'uid',
  'duid',
  'url',
  'refr',
  'ua',
  'p',
  'co',
  'cx',
  'ue_pr',
  'ue_px',
  'se_ac',
  'tr_tt',
  'page',
];

it('never fails of itself, whatever an event holds', async () => {
  const broken = fc.record(Object.fromEntries(fields.map((field) => [field, odd])), { requiredKeys: [] });
  const kind = fc.constantFrom('pv', 'pp', 'se', 'ue', 'tr', 'ti');
  await fc.assert(
    fc.asyncProperty(broken, kind, fc.boolean(), fc.jsonValue(), async (given, e, isKnown, junk) => {
      const answer = await post([{ ...about, e, ...given, ...(isKnown ? { e } : {}) }, junk]);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ rejected: expect.any(Number) });
    }),
    { numRuns: 300 },
  );
  expect(events.length + rejected.length).toBe(600);
});

it.each(['constructor', '__proto__', 'toString'])('takes a schema of the name %s for what it is', async (name) => {
  await post([{ ...about, e: 'ue', ue_pr: unstruct(name, {}) }]);
  expect(rejected).toEqual([]);
  expect(events).toHaveLength(1);
});

const requests = new URL('../../../shared/data/requests/', import.meta.url);
const isThere = existsSync(requests);
const recorded = z.object({ method: z.string(), path: z.string(), body: z.unknown() });

describe.skipIf(!isThere)(`requests of the node tracker${isThere ? '' : ' (skipped: no ../shared/data)'}`, () => {
  const names = isThere ? readdirSync(requests).filter((name) => /^snowplow-.*\.json$/.test(name)) : [];
  const page = {
    event_type: 'Page Viewed',
    touch: { source: 'google', referrer_host: 'google.com', landing_page: 'https://x.test/?utm_source=google' },
  };
  const order = { event_type: 'Order', value: { order_id: 'o1' } };
  const expected: Record<string, object[]> = {
    'snowplow-node-get-00.json': [{ ...page, event_id: 'dde4b2eb-8887-4bc8-ad56-337fb1b2ae29' }],
    'snowplow-node-get-01.json': [{ event_type: 'Buy' }],
    'snowplow-node-get-02.json': [order],
    'snowplow-node-post-00.json': [
      { ...page, occurred_at: '2026-11-22T10:12:17.054Z' },
      { event_type: 'Buy', properties: JSON.stringify({ category: 'shop', action: 'buy', value: 42.5 }) },
      order,
    ],
  };

  it.each(names)('%s is taken whole', async (file) => {
    const { method, path, body } = recorded.parse(JSON.parse(readFileSync(new URL(file, requests), 'utf8')));
    const init = method === 'GET' ? {} : { method, body: JSON.stringify(body) };
    expect((await app.request(path, init)).status).toBe(200);
    expect(events).toMatchObject(expected[file] ?? []);
    expect(events).toHaveLength(expected[file]?.length ?? 0);
    for (const event of events) expect(event).toMatchObject({ source: 'app1', identifiers: { user_id: 'u1' } });
  });
});
