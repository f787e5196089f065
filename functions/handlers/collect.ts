import { type Context, Hono } from 'hono';
import { segmentRoutes } from '#connectors/segment';
import { payloadSchema } from '#connectors/snowplow';
import { batchLimit, type CollectAnswer, type Collector, type CollectRequest } from '#pipeline/arrivals/collect';
import type { HookReceiver } from '#pipeline/arrivals/hooks';
import { type BrowserSdk, browserSdk as bundledBrowserSdk } from './browser-sdk.ts';
import { mountHooks } from './hooks.ts';

/** The user of Basic auth; Segment's SDKs put the write key there, with an empty password. */
function basicUser(header: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const user = Buffer.from(encoded, 'base64').toString('utf8').split(':')[0];
  return user === '' ? undefined : user;
}

/** Bytes of all bodies that are being read and worked on; beyond it senders are asked to come back. */
const heldLimit = 64 * 1024 * 1024;

function answered(context: Context, answer: CollectAnswer): Response {
  if (answer.status === 200) {
    const { accepted, rejected, errors } = answer;
    return context.json({ success: true, accepted, rejected, ...(errors.length > 0 ? { errors } : {}) }, 200);
  }
  if (answer.retryAfterSeconds !== undefined) context.header('retry-after', String(answer.retryAfterSeconds));
  return context.json({ success: false, message: answer.message }, answer.status);
}

/** The least that analytics-next asks of its settings: no remote plugins, and the same door for what it sends. */
function browserSettings(writeKey: string, host: string, protocol: string): object {
  const enabled = { __default: { enabled: true, integrations: {} } };
  return {
    integrations: {
      'Segment.io': {
        apiKey: writeKey,
        apiHost: `${host}/v1`,
        protocol,
        unbundledIntegrations: [],
        addBundledMetadata: true,
        type: 'browser',
      },
    },
    plan: { track: enabled, identify: enabled, group: enabled },
    edgeFunction: {},
    analyticsNextEnabled: true,
    middlewareSettings: {},
    enabledMiddleware: {},
    // Its own measurements would go to Segment.
    metrics: { sampleRate: 0 },
    legacyVideoPluginsEnabled: false,
    remotePlugins: [],
  };
}

/** The least that RudderStack's browser SDK takes as the configuration of its source. */
function rudderConfig(source: string, writeKey: string): object {
  const statsCollection = { errors: { enabled: false }, metrics: { enabled: false } };
  return {
    source: {
      id: source,
      name: source,
      writeKey,
      enabled: true,
      workspaceId: 'percorso',
      config: { statsCollection },
      connections: [],
      destinations: [],
      dataplanes: {},
    },
    updatedAt: '2026-01-01T00:00:00.000Z',
  };
}

/** What the trackers of Snowplow show for a picture: GIF, 1 by 1, see-through. */
const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/**
 * The HTTP door: Segment's tracking API (docs/collect.md). Parses the request, calls the use case, maps its answer.
 * @param sdk gives what `GET /percorso.js` serves.
 */
export function createCollectApp(
  collector: Collector,
  hooks?: HookReceiver,
  sdk: () => Promise<BrowserSdk> = bundledBrowserSdk,
): Hono {
  const app = new Hono({ strict: false });
  let held = 0;

  /** Reads the whole body, within the limits whatever length its header names, and lets `use` answer it. */
  async function withBody(request: Request, use: (body: Uint8Array) => Promise<CollectAnswer>): Promise<CollectAnswer> {
    const parts: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const part of request.body ?? []) {
        length += part.byteLength;
        held += part.byteLength;
        if (length > batchLimit) return { status: 413, message: `a body may hold ${batchLimit / 1024} KB at most` };
        if (held > heldLimit) return { status: 503, message: 'too much at once; send it again', retryAfterSeconds: 1 };
        parts.push(part);
      }
      return await use(Buffer.concat(parts));
    } finally {
      held -= length;
    }
  }

  app.use(async (context, next) => {
    const origin = context.req.header('origin');
    // Keys are in the request itself and there are no cookies, so any page may send with a key that it knows. Beacons
    // come with credentials, for which browsers want the origin named.
    context.header('access-control-allow-origin', origin ?? '*');
    if (origin !== undefined) {
      context.header('access-control-allow-credentials', 'true');
      context.header('vary', 'origin');
    }
    if (context.req.method === 'OPTIONS') {
      context.header('access-control-allow-methods', 'GET, POST, OPTIONS');
      // What is asked for is allowed: no header decides anything here that the body could not.
      const asked = context.req.header('access-control-request-headers') ?? '';
      const headers = /^[A-Za-z0-9, -]{1,500}$/.test(asked) ? asked : 'authorization, content-type, content-encoding';
      context.header('access-control-allow-headers', headers);
      context.header('access-control-max-age', '86400');
      return context.body(null, 204);
    }
    return next();
  });

  app.get('/health', (context) => context.json({ ok: true }));

  app.get('/v1/projects/:key/settings', (context) => {
    const key = context.req.param('key');
    if (collector.sourceOf(key) === undefined)
      return context.json({ success: false, message: 'unknown write key' }, 401);
    const host = context.req.header('host') ?? '';
    if (!/^[A-Za-z0-9.:[\]_-]{1,255}$/.test(host)) return context.json({ success: false, message: 'no host' }, 400);
    const isTls = context.req.header('x-forwarded-proto') === 'https' || new URL(context.req.url).protocol === 'https:';
    return context.json(browserSettings(key, host, isTls ? 'https' : 'http'));
  });

  app.get('/percorso.js', async (context) => {
    const { etag, plain, br, gzip } = await sdk();
    const accepted = context.req.header('accept-encoding') ?? '';
    const coding = /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : undefined;
    const tag = `"${etag}${coding === undefined ? '' : `-${coding}`}"`;
    context.header('etag', tag);
    context.header('cache-control', 'public, max-age=3600, stale-while-revalidate=86400');
    context.header('vary', 'accept-encoding', { append: true });
    const known = (context.req.header('if-none-match') ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
    if (known.includes(tag)) return context.body(null, 304);
    context.header('content-type', 'text/javascript; charset=utf-8');
    if (coding !== undefined) context.header('content-encoding', coding);
    return context.body(new Uint8Array(coding === 'br' ? br : coding === 'gzip' ? gzip : plain));
  });

  // RudderStack's browser SDK asks for its source first: no destinations, and no measurements of itself.
  app.on('GET', ['/sourceConfig', '/sourceConfig/'], (context) => {
    const key = basicUser(context.req.header('authorization')) ?? context.req.query('writeKey') ?? '';
    const source = collector.sourceOf(key);
    if (source === undefined) return context.json({ success: false, message: 'unknown write key' }, 401);
    return context.json(rudderConfig(source, key));
  });

  // The browser SDK's measurements of itself: answered so that it does not repeat them, and dropped.
  app.post('/v1/m', (context) => context.json({ success: true }));

  async function take(context: Context, type: CollectRequest['type'], writeKey?: string): Promise<Response> {
    const answer = await withBody(context.req.raw, (body) =>
      collector.collect({
        type,
        body,
        writeKey: basicUser(context.req.header('authorization')) ?? writeKey,
        userAgent: context.req.header('user-agent'),
        isAnonymous: context.req.header('sp-anonymous') !== undefined,
      }),
    );
    return answered(context, answer);
  }

  for (const [route, type] of Object.entries(segmentRoutes)) {
    app.post(`/v1/${route}`, (context) => take(context, type));
  }
  // A beacon of RudderStack's has no headers of its own: the key stands in its address.
  app.post('/beacon/v1/batch', (context) => take(context, 'batch', context.req.query('writeKey')));

  app.get('/i', async (context) => {
    // The address of a picture is the event itself, which then goes the way of the bodies.
    const data = [Object.fromEntries(new URL(context.req.url).searchParams)];
    const answer = await collector.collect({
      type: 'snowplow',
      body: Buffer.from(JSON.stringify({ schema: payloadSchema, data })),
      writeKey: undefined,
      userAgent: context.req.header('user-agent'),
      isAnonymous: context.req.header('sp-anonymous') !== undefined,
    });
    if (answer.status !== 200) return answered(context, answer);
    return context.body(pixel, 200, { 'content-type': 'image/gif', 'cache-control': 'no-store' });
  });
  // Trackers may be told to post elsewhere, at two words of any name, to go unnoticed by blockers.
  app.post('/:vendor{(?!v\\d+$|hooks$)[^/]+}/:version', (context) => take(context, 'snowplow'));

  if (hooks !== undefined) mountHooks(app, hooks, withBody, answered);

  app.notFound((context) => context.json({ success: false, message: 'nothing is served at this address' }, 404));
  // The cause goes to the log of the process that serves; a sender is told nothing of the inside.
  app.onError((_, context) => context.json({ success: false, message: 'the door failed; send it again' }, 500));
  return app;
}
