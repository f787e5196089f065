import { createHmac } from 'node:crypto';
import * as z from 'zod';
import { type HookConnector, type HookContext, type HookRead, isEqual, unreadable } from './hook-connector.ts';

const call = z.looseObject({
  CallSid: z.string().min(1).max(100),
  CallStatus: z.string(),
  From: z.string(),
  To: z.string(),
  Direction: z.string().default('inbound'),
  CallDuration: z
    .string()
    .regex(/^\d{1,7}$/, 'seconds')
    .optional(),
  Timestamp: z.string().optional(),
});

const missed = new Set(['busy', 'no-answer', 'failed', 'canceled']);

/** Twilio leaves out or adds the usual port when it signs: each form of the address is tried. */
function forms(address: string): string[] {
  const split = /^(https?):\/\/([^/?#]*?)(?::(\d+))?([/?#].*)?$/.exec(address);
  if (split === null) return [address];
  const [, protocol = '', host = '', port, rest = ''] = split;
  const usual = protocol === 'https' ? '443' : '80';
  return [address, `${protocol}://${host}${rest}`, `${protocol}://${host}:${port ?? usual}${rest}`];
}

/** The fields in the order of their names, each with its values, as Twilio signs them. */
function signedFields(form: URLSearchParams): string {
  const names = [...new Set(form.keys())].sort();
  return names
    .map((name) =>
      [...new Set(form.getAll(name))]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('');
}

function readCall(body: unknown, context: HookContext): HookRead {
  const parsed = call.safeParse(body);
  if (!parsed.success) return unreadable(parsed.error, body);
  const given = parsed.data;
  const isDone = given.CallStatus === 'completed';
  // Ringing and in progress: the same call tells of its end.
  if (!isDone && !missed.has(given.CallStatus)) return { ok: true };
  const seconds = Number(given.CallDuration ?? 0);
  const ended = given.Timestamp === undefined ? context.receivedAt.getTime() : Date.parse(given.Timestamp);
  if (Number.isNaN(ended)) {
    return { ok: false, reason: 'wrong-date', message: 'Timestamp is no time', column: 'Timestamp' };
  }
  const isInbound = given.Direction === 'inbound';
  return {
    ok: true,
    events: [
      {
        event_id: given.CallSid,
        event_type: isDone ? 'Contact' : 'Call Missed',
        // Calls back come at the end; the customer was there from the beginning.
        occurred_at: new Date(ended - seconds * 1000).toISOString(),
        source: context.source,
        identifiers: { phone: isInbound ? given.From : given.To },
        ...(isDone ? { touch: { channel: 'Phone' } } : {}),
        device: { class: 'offline' },
        properties: { direction: isInbound ? 'inbound' : 'outbound', call_status: given.CallStatus, seconds },
      },
    ],
  };
}

/** Twilio's calls back on the status of a phone call: https://www.twilio.com/docs/usage/security. It signs no time. */
export const twilio: HookConnector = {
  name: 'twilio',
  verify({ body, urls, header }, secret) {
    const signature = header('x-twilio-signature') ?? '';
    const fields = signedFields(new URLSearchParams(Buffer.from(body).toString('utf8')));
    let isRight = false;
    for (const url of new Set(urls.flatMap(forms))) {
      const expected = createHmac('sha1', secret)
        .update(url + fields)
        .digest('base64');
      if (isEqual(signature, expected)) isRight = true;
    }
    return isRight ? 'right' : 'wrong';
  },
  records(_, text) {
    return [{ topic: 'call', body: Object.fromEntries(new URLSearchParams(text)) }];
  },
  read: ({ body }, context) => readCall(body, context),
};
