import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import {
  type FlakyProxy,
  flakyProxy,
  onceEach,
  openDoor,
  type RawEvent,
  type RunningDoor,
  until,
} from '../flaky-door.ts';
import { launch } from './chromium.ts';

const mishaps = [500, 429, 'cut'] as const;
const query = '?utm_source=google&utm_medium=cpc&utm_campaign=primavera&gclid=1';
const keys = { SEGMENT_KEY: 'segment-key', RUDDER_KEY: 'rudder-key', OWN_KEY: 'own-key' };
/** The same visit, told with each SDK. `door` is another origin than the page's, as a customer's door is. */
const door_ = 'const door = "http://127.0.0.1:" + location.port;';
const visit = (analytics: string) => `
  ${analytics}.page('Offerte');
  ${analytics}.identify('u-1', { email: 'anna@esempio.it', plan: 'oro' });
  ${analytics}.track('Product Viewed', { sku: 'S1', price: 12.5 });
  ${analytics}.track('Order Completed', { order_id: 'o-1', revenue: 100, currency: 'EUR', coupon: 'BENVENUTO' });`;
const scripts: Record<string, string> = {
  segment: `import { AnalyticsBrowser } from '@segment/analytics-next';
    ${door_}
    const analytics = AnalyticsBrowser.load(
      { writeKey: 'segment-key', cdnURL: door },
      { integrations: { 'Segment.io': { apiHost: new URL(door).host + '/v1', protocol: 'http' } } },
    );
    ${visit('analytics')}`,
  rudder: `import { RudderAnalytics } from '@rudderstack/analytics-js/bundled';
    ${door_}
    const analytics = new RudderAnalytics();
    analytics.load('rudder-key', door, { configUrl: door });
    ${visit('analytics')}`,
  snowplow: `import { flushBuffer, newTracker, setUserId, trackPageView, trackSelfDescribingEvent, trackStructEvent } from '@snowplow/browser-tracker';
    ${door_}
    newTracker('sp', door, { appId: 'snowplow' });
    const event = (name, data) => trackSelfDescribingEvent({ event: { schema: 'iglu:it.esempio/' + name + '/jsonschema/1-0-0', data } });
    trackPageView({ title: 'Offerte' });
    setUserId('u-1');
    trackStructEvent({ category: 'account', action: 'identify' });
    event('product_viewed', { sku: 'S1', price: 12.5 });
    event('order_completed', { order_id: 'o-1', revenue: 100, currency: 'EUR', coupon: 'BENVENUTO' });
    // A tracker sends what failed with what it sends next.
    window.again = () => flushBuffer();`,
};

let browser: Browser;
let door: RunningDoor;
let proxy: FlakyProxy;
const pages: Record<string, string> = {};

beforeAll(async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  for (const [name, contents] of Object.entries(scripts)) {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: root },
      bundle: true,
      format: 'iife',
      platform: 'browser',
      write: false,
      logLevel: 'error',
      define: { 'process.env.NODE_ENV': '"production"' },
    });
    pages[`/${name}.js`] = outputFiles[0]?.text ?? '';
    pages[`/${name}`] = `<!doctype html><title>Bottega</title><script src="/${name}.js"></script>`;
  }
  pages['/own'] = `<!doctype html><title>Bottega</title>
    <script>(window.percorso = window.percorso || []).push(['track', 'Product Viewed', { sku: 'S1', price: 12.5 }]);</script>
    <script>document.write('<script src="http://127.0.0.1:' + location.port + '/percorso.js" data-write-key="own-key"></' + 'script>')</script>
    <script>
      percorso.identify('u-1', { email: 'anna@esempio.it', plan: 'oro' });
      percorso.track('Order Completed', { order_id: 'o-1', revenue: 100, currency: 'EUR', coupon: 'BENVENUTO' });
    </script>`;
  // As a tag manager puts it in: later, without attributes, the key in the address.
  pages['/tagged'] = `<!doctype html><title>Bottega</title><script>
      const script = document.createElement('script');
      script.src = 'http://127.0.0.1:' + location.port + '/percorso.js?key=own-key';
      document.head.append(script);
    </script>`;
  door = await openDoor(
    `{ segment: { kind: 'browser', writeKeyEnv: 'SEGMENT_KEY' }, rudder: { kind: 'browser', writeKeyEnv: 'RUDDER_KEY' },
       own: { kind: 'browser', writeKeyEnv: 'OWN_KEY' }, snowplow: { kind: 'browser' } }`,
    keys,
  );
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await proxy?.close();
  await door?.remove();
});

/** Opens the page of an SDK, through a proxy that fails at first, until the lake holds this many events of its source. */
async function visited(source: string, count: number): Promise<{ events: RawEvent[]; page: Page }> {
  proxy = await flakyProxy(door.address, mishaps, pages);
  const page = await browser.newPage({
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  });
  const foreign: string[] = [];
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith('http') && !['localhost', '127.0.0.1'].includes(hostname)) foreign.push(request.url());
  });
  const broken: string[] = [];
  page.on('pageerror', (error) => broken.push(String(error)));
  await page.goto(`http://localhost:${proxy.port}/${source}${query}`, { referer: 'https://www.google.com/' });
  let raw: RawEvent[] = [];
  await until(
    async () => {
      raw = await door.raw(source);
      await page.evaluate('window.again?.()');
      return new Set(raw.map((event) => event.event_id)).size >= count && proxy.log.length > mishaps.length;
    },
    () => [proxy.log, proxy.answered, raw.map((event) => event.event_type), broken],
    60,
  );
  expect({ foreign, broken }).toEqual({ foreign: [], broken: [] });
  expect(proxy.log.slice(0, 3)).toEqual(mishaps);
  expect(new Set(proxy.answered)).toEqual(new Set([200]));
  const events = onceEach(raw);
  expect(events).toHaveLength(count);
  return { events, page };
}

describe('what the SDK in a browser sent, through a server that fails at first, is held once, field by field', () => {
  test.each([
    ['segment', "Segment's browser SDK"],
    ['rudder', "RudderStack's browser SDK"],
    ['snowplow', "Snowplow's browser tracker"],
    ['own', 'percorso.js'],
  ])('%s: %s', async (source) => {
    const { events, page } = await visited(source, 4);
    const landing_page = `http://localhost:${proxy.port}/${source}${query}`;
    const of = (type: string) => {
      const found = events.filter((event) => event.event_type === type);
      expect(found, type).toHaveLength(1);
      return { ...found[0], properties: z.looseObject({}).parse(JSON.parse(found[0]?.properties ?? '{}')) };
    };
    for (const event of events) {
      expect(event).toMatchObject({
        source,
        trust: 'browser',
        device: { class: 'desktop', os: 'Linux', browser: 'Chrome' },
        touch: {
          source: 'google',
          medium: 'cpc',
          campaign: 'primavera',
          referrer: 'https://www.google.com/',
          referrer_host: 'google.com',
          landing_page,
          click_id_kind: 'gclid',
        },
      });
      expect(Math.abs(Date.parse(String(event.occurred_at)) - Date.now())).toBeLessThan(120_000);
      expect(event.event_id.length).toBeGreaterThan(20);
    }
    // One visitor, who is logged in from the identify on; her address is nowhere.
    expect(new Set(events.map((event) => event.keys.anonymous_id)).size).toBe(1);
    expect(JSON.stringify(events)).not.toContain('anna@');
    const user = { identifiers: { user_id: 'u-1' } };
    if (source === 'rudder' || source === 'snowplow')
      expect(Object.keys(of('Page Viewed').keys ?? {})).toEqual(['anonymous_id']);
    expect(of('Page Viewed').properties).toMatchObject(
      source === 'own' ? { title: 'Bottega' } : source === 'snowplow' ? { title: 'Offerte' } : { name: 'Offerte' },
    );
    expect(of('Identify')).toMatchObject(
      source === 'snowplow' ? user : { ...user, properties: { traits: { plan: 'oro' } } },
    );
    expect(of('Product Viewed').properties).toMatchObject({ sku: 'S1', price: 12.5 });
    expect(of('Order Completed')).toMatchObject({
      ...user,
      value: { order_id: 'o-1', revenue: '100', currency: 'EUR' },
      properties: { coupon: 'BENVENUTO' },
    });
    for (const type of ['Identify', 'Order Completed'])
      expect(Object.keys(of(type).keys ?? {}).sort()).toEqual(['anonymous_id', 'user_id']);
    await page.close();
    await proxy.close();
  });
});

test('percorso.js works from a tag manager too, and without a key says so and sends nothing', async () => {
  proxy = await flakyProxy(door.address, [], pages);
  const page = await browser.newPage();
  const broken: string[] = [];
  page.on('pageerror', (error) => broken.push(String(error)));
  await page.goto(`http://localhost:${proxy.port}/tagged${query}`);
  await until(
    async () => JSON.stringify(await door.raw('own')).includes(`/tagged${query}`),
    () => broken,
  );
  expect(broken).toEqual([]);
  const asked = proxy.log.length;
  await page.setContent(`<script src="http://127.0.0.1:${proxy.port}/percorso.js"></script>`, { waitUntil: 'load' });
  expect(broken.join()).toContain('data-write-key');
  expect(proxy.log).toHaveLength(asked);
  await page.close();
  await proxy.close();
});

test('percorso.js remembers the consent, and sends it with every event from there on', async () => {
  proxy = await flakyProxy(door.address, [], pages);
  const page = await browser.newPage();
  const before = new Set((await door.raw('own')).map((event) => event.event_id));
  await page.goto(`http://localhost:${proxy.port}/own`);
  await page.evaluate(
    "percorso.consent({ analytics: false, marketing: false }).then(() => percorso.track('After', {}))",
  );
  await page.reload();
  let later: RawEvent[] = [];
  await until(
    async () => {
      later = (await door.raw('own')).filter((event) => !before.has(event.event_id));
      return (
        later.filter((event) => event.event_type === 'Page Viewed').length === 2 &&
        later.some((event) => event.event_type === 'After')
      );
    },
    () => later,
  );
  const refused = later.filter(
    (event) => z.looseObject({ analytics: z.literal(false) }).safeParse(event.consent).success,
  );
  expect(refused.map((event) => event.event_type)).toEqual(
    expect.arrayContaining(['Consent Changed', 'After', 'Page Viewed']),
  );
  for (const event of refused.filter((event) => event.event_type === 'Page Viewed' || event.event_type === 'After'))
    expect(event.keys).toEqual({});
  await page.close();
  await proxy.close();
});
