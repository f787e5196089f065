import type { Context, Hono } from 'hono';
import type { CollectAnswer } from '#pipeline/arrivals/collect';
import type { HookReceiver } from '#pipeline/arrivals/hooks';

/** The addresses that a caller may have signed: behind a proxy the outer one, as its headers tell. Only the secret makes one right. */
function addresses(context: Context): string[] {
  const split = /^(https?):\/\/([^/?#]*)(.*)$/.exec(context.req.url);
  const path = split?.[3] ?? '/';
  const first = (header: string) => context.req.header(header)?.split(',')[0]?.trim();
  const protocols = [first('x-forwarded-proto'), 'https', 'http'];
  const hosts = [first('x-forwarded-host'), context.req.header('host'), split?.[2]];
  const given = (text: string | undefined) => text !== undefined && text !== '' && text.length <= 255;
  return [
    ...new Set(
      hosts.filter(given).flatMap((host) => protocols.filter(given).map((protocol) => `${protocol}://${host}${path}`)),
    ),
  ];
}

/**
 * `POST /hooks/CONNECTOR`, `/hooks/CONNECTOR/SOURCE` and `/hooks/CONNECTOR?source=SOURCE` (docs/hooks.md).
 * @param withBody reads the request's body within the door's limits.
 */
export function mountHooks(
  app: Hono,
  hooks: HookReceiver,
  withBody: (request: Request, use: (body: Uint8Array) => Promise<CollectAnswer>) => Promise<CollectAnswer>,
  answered: (context: Context, answer: CollectAnswer) => Response,
): void {
  const receive = async (context: Context) => {
    const connector = context.req.param('connector') ?? '';
    if (!hooks.knows(connector)) {
      return context.json({ success: false, message: 'no web hook of this name is known' }, 404);
    }
    const source = context.req.param('source') ?? context.req.query('source');
    const { method } = context.req;
    const urls = addresses(context);
    const header = (name: string) => context.req.header(name);
    const answer = await withBody(context.req.raw, (body) =>
      hooks.receive(connector, source, { body, method, urls, header }),
    );
    return answered(context, answer);
  };
  app.post('/hooks/:connector', receive);
  app.post('/hooks/:connector/:source', receive);
}
