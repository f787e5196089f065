import { spawn } from 'node:child_process';
import { once } from 'node:events';
import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import { Analytics } from '@segment/analytics-node';
import { buildPageView, buildSelfDescribingEvent, buildStructEvent, newTracker } from '@snowplow/node-tracker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type FlakyProxy,
  flakyProxy,
  onceEach,
  openDoor,
  type RawEvent,
  type RunningDoor,
  until,
} from '../flaky-door.ts';

const mishaps = [500, 429, 'cut'] as const;
/** Events of a day that is over, so that a build counts them. */
const days = 86_400_000;
const at = new Date(Math.floor(Date.now() / days) * days - 3 * days + 36_000_000);
const url = 'https://esempio.it/offerte?utm_source=google&utm_medium=cpc&utm_campaign=primavera&gclid=1';
const context = { page: { url, referrer: 'https://www.google.com/' } };
const touch = {
  source: 'google',
  medium: 'cpc',
  campaign: 'primavera',
  referrer: 'https://www.google.com/',
  referrer_host: 'google.com',
  landing_page: url,
  click_id_kind: 'gclid',
};
const order = { order_id: 'o-1', revenue: 100, tax: 22, currency: 'EUR', coupon: 'BENVENUTO' };
const value = { order_id: 'o-1', revenue: '100', tax: '22', currency: 'EUR' };

let door: RunningDoor;
let proxy: FlakyProxy;
const keys = { SEGMENT_KEY: 'segment-key', RUDDER_KEY: 'rudder-key' };

beforeAll(async () => {
  door = await openDoor(
    `{ segment: { writeKeyEnv: 'SEGMENT_KEY' }, rudder: { writeKeyEnv: 'RUDDER_KEY' }, snowplow: { kind: 'browser' } }`,
    keys,
  );
});
afterAll(() => door?.remove());

/** What the lake holds of a source, each event once, without what differs from run to run. */
async function held(source: string, count: number): Promise<Omit<RawEvent, 'event_id' | 'received_at' | 'source'>[]> {
  let raw: RawEvent[] = [];
  await until(
    async () => {
      raw = await door.raw(source);
      // The request whose answer was cut off had been taken, so its events came twice.
      return proxy.answered.length > 1 && new Set(raw.map((event) => event.event_id)).size >= count;
    },
    () => [proxy.log, raw],
  );
  const events = onceEach(raw).map(({ event_id, received_at, source: _, keys, ...event }) => {
    expect(event_id.length).toBeGreaterThan(20);
    expect(Math.abs(Date.parse(received_at) - Date.now())).toBeLessThan(120_000);
    for (const key of Object.values(keys)) expect(key).toMatch(/^[uclepa]:[0-9a-f]{24}$/);
    return { ...event, keys: Object.fromEntries(Object.keys(keys).map((kind) => [kind, 'hash'])) };
  });
  expect(new Set(proxy.answered)).toEqual(new Set([200]));
  return events.sort((a, b) => a.event_type.localeCompare(b.event_type));
}

const segmentEvents = (trust: string) => [
  {
    event_type: 'Identify',
    occurred_at: at.toISOString(),
    trust,
    keys: { user_id: 'hash', anonymous_id: 'hash', email: 'hash', phone: 'hash' },
    identifiers: { user_id: 'u-1', anonymous_id: 'a-1' },
    properties: JSON.stringify({ traits: { plan: 'oro' } }),
    schema_version: 1,
  },
  {
    event_type: 'Order Completed',
    occurred_at: at.toISOString(),
    trust,
    keys: { user_id: 'hash', anonymous_id: 'hash' },
    identifiers: { user_id: 'u-1', anonymous_id: 'a-1' },
    value,
    properties: JSON.stringify({ coupon: 'BENVENUTO' }),
    schema_version: 1,
  },
  {
    event_type: 'Page Viewed',
    occurred_at: at.toISOString(),
    trust,
    keys: { anonymous_id: 'hash' },
    identifiers: { anonymous_id: 'a-1' },
    touch,
    properties: JSON.stringify({ name: 'Offerte' }),
    schema_version: 1,
  },
  {
    event_type: 'Product Viewed',
    occurred_at: at.toISOString(),
    trust,
    keys: { anonymous_id: 'hash' },
    identifiers: { anonymous_id: 'a-1' },
    properties: JSON.stringify({ sku: 'S1', price: 12.5 }),
    schema_version: 1,
  },
];
const traits = { email: 'anna@esempio.it', phone: '+39 333 1234567', plan: 'oro' };

describe('through a server that fails with 500, 429 and a cut connection, what the SDK sent is held once', () => {
  it("Segment's node SDK", async () => {
    proxy = await flakyProxy(door.address, mishaps);
    const analytics = new Analytics({
      writeKey: keys.SEGMENT_KEY,
      host: proxy.address,
      maxRetries: 10,
      flushInterval: 50,
    });
    const timestamp = at;
    analytics.page({ anonymousId: 'a-1', name: 'Offerte', context, timestamp });
    analytics.identify({ userId: 'u-1', anonymousId: 'a-1', traits, timestamp });
    analytics.track({ anonymousId: 'a-1', event: 'Product Viewed', properties: { sku: 'S1', price: 12.5 }, timestamp });
    analytics.track({ userId: 'u-1', anonymousId: 'a-1', event: 'Order Completed', properties: order, timestamp });
    await analytics.flush({ timeout: 30_000 });
    const events = await held('segment', 4);
    expect(proxy.log.slice(0, 4)).toEqual([...mishaps, 'pass']);
    expect(events).toEqual(segmentEvents('server'));
    await proxy.close();
  });

  it("RudderStack's node SDK", async () => {
    proxy = await flakyProxy(door.address, mishaps);
    const analytics = new RudderAnalytics(keys.RUDDER_KEY, {
      dataPlaneUrl: proxy.address,
      flushInterval: 50,
      retryCount: 10,
      logLevel: 'off',
    });
    const timestamp = at;
    analytics.page({ anonymousId: 'a-1', name: 'Offerte', context, timestamp });
    analytics.identify({ userId: 'u-1', anonymousId: 'a-1', traits, timestamp });
    analytics.track({
      anonymousId: 'a-1',
      event: 'Product Viewed',
      properties: { sku: 'S1', price: 12.5 },
      timestamp,
    });
    analytics.track({
      userId: 'u-1',
      anonymousId: 'a-1',
      event: 'Order Completed',
      properties: order,
      timestamp,
    });
    await analytics.flush();
    const events = await held('rudder', 4);
    expect(proxy.log.slice(0, 4)).toEqual([...mishaps, 'pass']);
    expect(events).toEqual(segmentEvents('server'));
    await proxy.close();
  });

  it.each(['post', 'get'] as const)("Snowplow's node tracker, by %s", async (eventMethod) => {
    proxy = await flakyProxy(door.address, mishaps);
    const tracker = newTracker(
      { namespace: 't', appId: 'snowplow', encodeBase64: eventMethod === 'get' },
      { endpoint: '127.0.0.1', protocol: 'http', port: proxy.port, eventMethod, bufferSize: 4 },
    );
    // Both ways send to one source; the visitor tells them apart.
    const visitor = `visitor-of-${eventMethod}`;
    tracker.setDomainUserId(visitor);
    const time = { type: 'ttm', value: at.getTime() } as const;
    tracker.track(buildPageView({ pageUrl: url, pageTitle: 'Offerte', referrer: 'https://www.google.com/' }), [], time);
    tracker.setUserId('u-1');
    tracker.track(buildStructEvent({ category: 'shop', action: 'login', value: 2 }), [], time);
    const data = { sku: 'S1', price: 12.5 };
    tracker.track(
      buildSelfDescribingEvent({ event: { schema: 'iglu:it.esempio/product_viewed/jsonschema/1-0-0', data } }),
      [],
      time,
    );
    tracker.track(
      buildSelfDescribingEvent({ event: { schema: 'iglu:it.esempio/order_completed/jsonschema/1-0-0', data: order } }),
      [],
      time,
    );
    await tracker.flush();
    await until(
      async () => {
        const known = (await door.raw('snowplow')).filter((event) => JSON.stringify(event).includes(visitor));
        // A tracker sends what failed with its next flush.
        await tracker.flush();
        return new Set(known.map((event) => event.event_id)).size === 4 && proxy.log.length > 3;
      },
      () => proxy.log,
    );
    const events = await held('snowplow', 4);
    const common = {
      occurred_at: at.toISOString(),
      trust: 'browser',
      keys: { user_id: 'hash', anonymous_id: 'hash' },
      identifiers: { user_id: 'u-1', anonymous_id: visitor },
      schema_version: 1,
    };
    const schema = (name: string) => `iglu:it.esempio/${name}/jsonschema/1-0-0`;
    expect(proxy.log.slice(0, 4)).toEqual([...mishaps, 'pass']);
    expect(events.filter((event) => JSON.stringify(event).includes(visitor))).toEqual([
      { ...common, event_type: 'Login', properties: JSON.stringify({ category: 'shop', action: 'login', value: 2 }) },
      {
        ...common,
        event_type: 'Order Completed',
        value,
        properties: JSON.stringify({ coupon: 'BENVENUTO', schema: schema('order_completed') }),
      },
      {
        ...common,
        event_type: 'Page Viewed',
        keys: { anonymous_id: 'hash' },
        identifiers: { anonymous_id: visitor },
        touch,
        properties: JSON.stringify({ title: 'Offerte' }),
      },
      {
        ...common,
        event_type: 'Product Viewed',
        properties: JSON.stringify({ ...data, schema: schema('product_viewed') }),
      },
    ]);
    await proxy.close();
  });
});

it('is counted once by a build, and only what came with a key is an order', async () => {
  await door.end();
  async function percorso(...args: string[]): Promise<string> {
    const ran = spawn(process.execPath, ['bin/percorso.js', '--dir', door.dir, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    ran.stdout.on('data', (part) => {
      text += String(part);
    });
    const [code] = await once(ran, 'exit');
    expect(code).toBe(0);
    return text;
  }
  await percorso('build');
  const counted = await percorso(
    'query',
    '--format',
    'csv',
    'select source, count(*) as events, count(distinct event_id) as ids from events group by source order by source',
  );
  expect(counted.trim().split(/\r?\n/)).toEqual(['source,events,ids', 'rudder,4,4', 'segment,4,4', 'snowplow,8,8']);
  const orders = await percorso(
    'query',
    '--format',
    'csv',
    "select order_id, revenue from conversions where conversion_type = 'first_order'",
  );
  expect(orders.trim().split(/\r?\n/)).toEqual(['order_id,revenue', 'o-1,100.00']);
});
