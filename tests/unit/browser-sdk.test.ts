import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { configSchema } from '#core/config';
import { createCollectApp } from '#handlers/collect';
import { createCollector } from '#pipeline/arrivals/collect';

const app = createCollectApp(
  createCollector({
    config: configSchema.parse({ name: 'x', sources: { web: { kind: 'browser', writeKeyEnv: 'KEY' } } }),
    env: { KEY: 'a-key' },
    queue: { send: async () => undefined, receive: async () => [], remove: async () => undefined },
    identifierKey: Buffer.alloc(32, 1),
    hasRate: () => true,
  }),
);
const script = async (headers: Record<string, string>) => app.request('/percorso.js', { headers });
const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer());

describe('GET /percorso.js', () => {
  it('is one script, the same in each coding, and small', async () => {
    const plain = await script({});
    const gzip = await script({ 'accept-encoding': 'gzip, deflate' });
    const br = await script({ 'accept-encoding': 'gzip, deflate, br' });
    expect([plain, gzip, br].map((one) => one.headers.get('content-encoding'))).toEqual([null, 'gzip', 'br']);
    expect(plain.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    const text = await bytes(plain);
    const small = await bytes(br);
    expect(gunzipSync(await bytes(gzip))).toEqual(text);
    expect(brotliDecompressSync(small)).toEqual(text);
    // The documentation says 32 KB.
    expect(small.byteLength).toBeLessThan(33_000);
    expect(text.toString()).not.toContain('sourceMappingURL');
  });

  it('is not sent again to a browser that has it, and is another in another coding', async () => {
    const first = await script({ 'accept-encoding': 'br' });
    const tag = first.headers.get('etag') ?? '';
    expect(first.headers.get('cache-control')).toContain('max-age=3600');
    expect(first.headers.get('vary')).toContain('accept-encoding');
    const again = await script({ 'accept-encoding': 'br', 'if-none-match': `"other", W/${tag}` });
    expect([again.status, (await bytes(again)).byteLength]).toEqual([304, 0]);
    expect((await script({ 'accept-encoding': 'gzip', 'if-none-match': tag })).status).toBe(200);
  });
});

describe("the configuration that RudderStack's browser SDK asks for", () => {
  it('names an enabled source without destinations and measurements, for a known key only', async () => {
    const authorization = `Basic ${Buffer.from('a-key:').toString('base64')}`;
    const answers = [
      await app.request('/sourceConfig/?p=npm&v=3.34.1', { headers: { authorization } }),
      await app.request('/sourceConfig?writeKey=a-key'),
    ];
    for (const answer of answers) {
      const { source } = z.object({ source: z.looseObject({}) }).parse(await answer.json());
      expect(source).toMatchObject({
        id: 'web',
        enabled: true,
        destinations: [],
        config: { statsCollection: { errors: { enabled: false } } },
      });
    }
    expect((await app.request('/sourceConfig?writeKey=other')).status).toBe(401);
  });

  it('may send its beacons with the key in their address', async () => {
    const body = JSON.stringify({
      batch: [{ type: 'page', anonymousId: 'a', messageId: 'm', originalTimestamp: '2026-01-05T10:00:00Z' }],
    });
    const answer = await app.request('/beacon/v1/batch?writeKey=a-key', { method: 'POST', body });
    expect(await answer.json()).toMatchObject({ accepted: 1 });
    expect((await app.request('/beacon/v1/batch?writeKey=b', { method: 'POST', body })).status).toBe(401);
  });
});
