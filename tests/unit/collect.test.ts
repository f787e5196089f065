import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { configSchema } from '#core/config';
import type { Queue } from '#core/ports';
import { createCollectApp } from '#handlers/collect';
import { createCollector, readWriteKeys } from '#pipeline/arrivals/collect';

const config = configSchema.parse({
  name: 'Test',
  sources: {
    shop: { writeKeyEnv: 'KEY_SHOP' },
    web: { writeKeyEnv: 'KEY_WEB', kind: 'browser' },
    slow: { writeKeyEnv: 'KEY_SLOW', ratePerSecond: 2 },
    closed: { writeKeyEnv: 'KEY_CLOSED' },
  },
});
const env = { KEY_SHOP: 'WRITE_KEY_1', KEY_WEB: 'WRITE_KEY_3', KEY_SLOW: 'slow', KEY_CLOSED: '' };
const deliveryShape = z.object({
  events: z.array(z.looseObject({ event_type: z.string(), trust: z.string(), source: z.string() })),
  rejected: z.array(z.looseObject({ reason: z.string(), original: z.string() })),
});
let sent: z.output<typeof deliveryShape>[];
let isFull: boolean;
let now: Date;

const queue: Queue = {
  async send(messages) {
    if (isFull) throw new Error('disk full');
    for (const message of messages) sent.push(deliveryShape.parse(JSON.parse(Buffer.from(message).toString())));
  },
  receive: async () => [],
  remove: async () => undefined,
};
function open() {
  const collector = createCollector({
    config,
    env,
    queue,
    identifierKey: Buffer.alloc(32, 1),
    hasRate: () => true,
    now: () => now,
  });
  return createCollectApp(collector);
}
let app: ReturnType<typeof open>;
const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` });
const event = {
  type: 'track',
  event: 'Product Viewed',
  anonymousId: 'a1',
  messageId: 'm1',
  timestamp: '2026-11-22T10:00:00Z',
};
async function post(path: string, body: string | object, headers: Record<string, string> = basic('WRITE_KEY_1')) {
  const isBytes = typeof body === 'string' || body instanceof Uint8Array;
  const response = await app.request(path, { method: 'POST', headers, body: isBytes ? body : JSON.stringify(body) });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

beforeEach(() => {
  sent = [];
  isFull = false;
  now = new Date('2026-11-22T12:00:00Z');
  app = open();
});

describe('the door takes', () => {
  it('a batch, and answers once it is in the queue, with counts and what was refused', async () => {
    const answer = await post('/v1/batch', { batch: [event, { ...event, event: '' }, 7] });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      success: true,
      accepted: 1,
      rejected: 2,
      errors: [{ index: 1 }, { index: 2 }],
    });
    expect(sent).toHaveLength(1);
    expect(sent[0]?.events).toMatchObject([{ source: 'shop', event_type: 'Product Viewed', trust: 'server' }]);
    expect(sent[0]?.rejected).toMatchObject([
      { reason: 'missing-field', via: 'http:segment:batch', event_id: 'm1' },
      {},
    ]);
  });

  it('gzip by its first bytes, whatever the header says', async () => {
    const body = gzipSync(JSON.stringify({ batch: [event] }));
    for (const type of ['application/x-www-form-urlencoded', 'application/json', 'text/plain']) {
      const answer = await post('/v1/batch', body, { ...basic('WRITE_KEY_1'), 'content-type': type });
      expect(answer.body).toMatchObject({ accepted: 1 });
    }
  });

  it('the key in the body, as beacons and browsers send it', async () => {
    const answer = await post('/v1/t', { ...event, writeKey: 'WRITE_KEY_3' }, { 'content-type': 'text/plain' });
    expect(answer.body).toMatchObject({ accepted: 1 });
    expect(sent[0]?.events[0]).toMatchObject({ source: 'web', trust: 'browser' });
  });

  it('from a browser behaviour and its own login, but no card, no address and no tie of strong identifiers', async () => {
    await post(
      '/v1/i',
      { type: 'identify', anonymousId: 'a', userId: 'u', traits: { email: 'a@b.it', crm_id: 'c' } },
      basic('WRITE_KEY_3'),
    );
    expect(Object.keys(z.object({ keys: z.object({}).loose() }).parse(sent[0]?.events[0]).keys).sort()).toEqual([
      'anonymous_id',
      'user_id',
    ]);
  });

  it.each([
    ['/v1/identify', { userId: 'u' }, 'Identify'],
    ['/v1/i', { userId: 'u' }, 'Identify'],
    ['/v1/page', { userId: 'u' }, 'Page Viewed'],
    ['/v1/p/', { userId: 'u' }, 'Page Viewed'],
    ['/v1/screen', { userId: 'u' }, 'Screen Viewed'],
    ['/v1/s', { userId: 'u' }, 'Screen Viewed'],
    ['/v1/group', { userId: 'u', groupId: 'g' }, 'Group'],
    ['/v1/g', { userId: 'u', groupId: 'g' }, 'Group'],
    ['/v1/alias', { userId: 'u', previousId: 'p' }, 'Alias'],
    ['/v1/a', { userId: 'u', previousId: 'p' }, 'Alias'],
    ['/v1/import', { batch: [event] }, 'Product Viewed'],
    ['/v1/b', { batch: [event] }, 'Product Viewed'],
  ])('%s', async (path, body, type) => {
    expect((await post(path, body)).body).toMatchObject({ accepted: 1 });
    expect(sent[0]?.events[0]?.event_type).toBe(type);
  });

  it('the preflight for authorization from any page', async () => {
    const response = await app.request('/v1/p', { method: 'OPTIONS', headers: { origin: 'https://esempio.it' } });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://esempio.it');
    expect(response.headers.get('access-control-allow-headers')).toContain('authorization');
  });

  it('the browser SDK asking for settings, and sends it to itself', async () => {
    const settings = await app.request('http://door.it/v1/projects/WRITE_KEY_3/settings', {
      headers: { host: 'door.it:8443' },
    });
    expect(await settings.json()).toMatchObject({
      integrations: { 'Segment.io': { apiHost: 'door.it:8443/v1', protocol: 'http' } },
    });
    expect((await app.request('/v1/projects/none/settings', { headers: { host: 'x' } })).status).toBe(401);
    expect(await (await app.request('/health')).json()).toEqual({ ok: true });
  });
});

describe('the door answers', () => {
  it.each([
    ['what is not JSON', '{"event":'],
    ['what is no object', '[1]'],
    ['a batch without its list', '{}'],
    ['text that is no UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['a torn gzip', gzipSync('{"batch":[]}').subarray(0, 15)],
    ['nothing', ''],
  ])('400 to %s', async (_, body) => {
    expect((await post('/v1/batch', body)).status).toBe(400);
    expect(sent).toEqual([]);
  });

  it('401 to a key that it does not know, wherever it stands, and to none', async () => {
    expect((await post('/v1/batch', { batch: [event] }, basic('WRITE_KEY_2'))).status).toBe(401);
    expect((await post('/v1/batch', { batch: [event], writeKey: 'other' }, {})).status).toBe(401);
    expect((await post('/v1/batch', { batch: [event] }, {})).status).toBe(401);
    expect((await post('/v1/batch', { batch: [event] }, basic(''))).status).toBe(401);
    expect(sent).toEqual([]);
  });

  it('413 to a batch above 500 KB, also to one that inflates beyond it', async () => {
    const large = JSON.stringify({ batch: [], padding: 'x'.repeat(500 * 1024) });
    expect((await post('/v1/batch', large)).status).toBe(413);
    expect((await post('/v1/batch', gzipSync(large))).status).toBe(413);
    expect((await post('/v1/batch', gzipSync(Buffer.alloc(100_000_000)))).status).toBe(413);
  });

  it('413 to one event above 32 KB; in a batch that event alone is refused', async () => {
    const large = { ...event, properties: { text: 'x'.repeat(33 * 1024) } };
    expect((await post('/v1/track', large)).status).toBe(413);
    expect(sent).toEqual([]);
    expect((await post('/v1/batch', { batch: [event, large] })).body).toMatchObject({
      accepted: 1,
      rejected: 1,
      errors: [{ index: 1, reason: 'too-large' }],
    });
  });

  it('429 with Retry-After above the rate of a source, and takes again when the time is over', async () => {
    const statuses = [];
    for (let i = 0; i < 3; i += 1) statuses.push(await post('/v1/track', event, basic('slow')));
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(Number(statuses[2]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await post('/v1/track', event)).status).toBe(200);
    now = new Date(now.getTime() + 1_000);
    expect((await post('/v1/track', event, basic('slow'))).status).toBe(200);
  });

  it('503 where the queue cannot be written, so that the SDK sends again', async () => {
    isFull = true;
    const answer = await post('/v1/track', event);
    expect(answer.status).toBe(503);
    expect(JSON.stringify(answer.body)).not.toContain('disk');
  });

  it('404 elsewhere', async () => {
    expect((await app.request('/v2/track', { method: 'POST' })).status).toBe(404);
  });

  it('never with a failure of its own, whatever the body is', async () => {
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array([0x1f, 0x8b, ...bytes])),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .jsonValue()
        .map((value) =>
          Buffer.from(JSON.stringify({ batch: [value, { ...event, properties: value, context: value }] })),
        ),
      fc.jsonValue().map((value) =>
        Buffer.from(
          JSON.stringify({
            ...event,
            context: { page: value, campaign: value, traits: value },
            properties: { order_id: value, revenue: value, products: value },
          }),
        ),
      ),
      fc.jsonValue().map((value) => gzipSync(JSON.stringify({ batch: value }))),
    );
    await fc.assert(
      fc.asyncProperty(bodies, fc.constantFrom('/v1/batch', '/v1/t', '/v1/a', '/v1/i'), async (body, path) => {
        const { status } = await post(path, new Uint8Array(body));
        expect([200, 400, 413, 429]).toContain(status);
      }),
      { numRuns: 300 },
    );
  });
});

describe('write keys', () => {
  it('that are missing are named, and two sources may not share one', () => {
    expect(readWriteKeys(config, env).missing).toEqual([{ source: 'closed', variable: 'KEY_CLOSED' }]);
    expect(() => readWriteKeys(config, { ...env, KEY_CLOSED: 'slow' })).toThrow('same write key');
  });
});

const requests = new URL('../../../shared/data/requests/', import.meta.url);
const isThere = existsSync(requests);
const recorded = z.object({
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.unknown(),
});

describe.skipIf(!isThere)(`requests of real SDKs over HTTP${isThere ? '' : ' (skipped: no ../shared/data)'}`, () => {
  const names = isThere ? readdirSync(requests).filter((name) => /^(segment|rudderstack)-/.test(name)) : [];

  it.each(names)('%s is answered with 200', async (name) => {
    const { method, path, headers, body } = recorded.parse(JSON.parse(readFileSync(new URL(name, requests), 'utf8')));
    const key =
      /projects\/([^/]+)/.exec(path)?.[1] ??
      Buffer.from(headers.authorization?.slice(6) ?? '', 'base64')
        .toString()
        .split(':')[0];
    const collector = createCollector({
      config,
      env: { KEY_WEB: key },
      queue,
      identifierKey: Buffer.alloc(32, 1),
      hasRate: () => true,
      now: () => new Date('2026-11-22T12:00:00Z'),
    });
    const text = JSON.stringify(body);
    const response = await createCollectApp(collector).request(path, {
      method,
      headers: { ...headers, host: 'door.it' },
      ...(method === 'GET' ? {} : { body: headers['content-encoding'] === 'gzip' ? gzipSync(text) : text }),
    });
    expect(response.status).toBe(200);
    if (method === 'POST') expect(await response.json()).toMatchObject({ success: true, rejected: 0 });
  });
});
