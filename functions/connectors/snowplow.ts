import * as z from 'zod';
import { readSegmentMessage, type SegmentRead, type SegmentSurroundings } from '#connectors/segment';

/** The schema that names the body of a POST of Snowplow's trackers. */
export const payloadSchema = 'iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4';
const payloadPrefix = 'iglu:com.snowplowanalytics.snowplow/payload_data/';

/** What a request says around an event of a tracker. */
export interface SnowplowSurroundings extends Omit<SegmentSurroundings, 'type'> {
  /** The user agent of the request: that of a visitor, unless a server sent it. */
  userAgent?: string | undefined;
  /** The tracker asked for its visitor to stay unknown (the header SP-Anonymous). */
  isAnonymous?: boolean | undefined;
}

const body = z.object({ schema: z.string().startsWith(payloadPrefix), data: z.array(z.unknown()).min(1) });
const payload = z.record(z.string(), z.unknown());
const selfDescribing = z.object({ schema: z.string(), data: z.unknown() });
const outer = z.object({ data: selfDescribing });
const contextList = z.object({ data: z.array(selfDescribing) });

/** Names that Snowplow's own schemas have for what the Segment spec names otherwise. */
const eventNames = new Map([
  ['screen_view', 'Screen Viewed'],
  ['product_view', 'Product Viewed'],
  ['list_view', 'Product List Viewed'],
  ['list_click', 'Product Clicked'],
  ['add_to_cart', 'Product Added'],
  ['remove_from_cart', 'Product Removed'],
  ['checkout_step', 'Checkout Step Viewed'],
  ['transaction', 'Order Completed'],
]);
/** What the protocol says of an event and of the machine; all else is kept in the properties. */
const known = new Set(
  [
    'aid,cd,co,cookie,cs,cx,ds,dtm,duid,e,eid,f_ag,f_dir,f_fla,f_gears,f_java,f_pdf,f_qt,f_realp,f_wma,fp,ip,lang,mac,nuid,p',
    'page,refr,res,se_ac,se_ca,se_la,se_pr,se_va,sid,stm,tid,tna,tnuid,tv,tz,ttm,ua,ue_pr,ue_px,uid,url,vid,vp',
    'pp_mix,pp_max,pp_miy,pp_may,tr_af,tr_ci,tr_co,tr_cu,tr_id,tr_sh,tr_st,tr_tt,tr_tx,ti_ca,ti_cu,ti_id,ti_nm,ti_pr,ti_qu,ti_sk',
  ].flatMap((names) => names.split(',')),
);

/** The events of a tracker's POST; undefined where the body is none. */
export function snowplowPayloads(input: unknown): unknown[] | undefined {
  const parsed = body.safeParse(input);
  return parsed.success ? parsed.data.data : undefined;
}

/** The application that an event names: the company's name of its source. */
export function snowplowSource(input: unknown): string | undefined {
  const parsed = payload.safeParse(input);
  return parsed.success ? textOf(parsed.data.aid) : undefined;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A number that came as text, as all of the protocol's values do; the text where it is none. */
function numberOf(value: unknown): number | string | undefined {
  const text = textOf(value);
  return text !== undefined && /^-?\d{1,15}(\.\d{1,9})?$/.test(text) ? Number(text) : text;
}

/** `order_completed` and `orderCompleted` as `Order Completed`. */
function titleCase(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').split(/[\s_.-]+/);
  return words
    .filter((word) => word !== '')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}

/** The name in `iglu:com.acme/order_completed/jsonschema/1-0-0`. */
function schemaName(schema: string): string | undefined {
  return /^iglu:[^/]+\/([^/]+)\/jsonschema\//.exec(schema)?.[1];
}

/** JSON as the tracker wrote it: plain, or in base64 for URLs. */
function jsonOf(plain: unknown, encoded: unknown): unknown {
  const text = textOf(plain) ?? Buffer.from(textOf(encoded) ?? '', 'base64url').toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Contexts by the name of their schema; what cannot be read is left out, for it only decorates the event. */
function contextsOf(plain: unknown, encoded: unknown): Record<string, unknown> {
  const parsed = contextList.safeParse(jsonOf(plain, encoded));
  const contexts = new Map<string, unknown>();
  for (const { schema, data } of parsed.success ? parsed.data.data : []) {
    const name = schemaName(schema) ?? schema;
    const before = contexts.get(name);
    contexts.set(name, before === undefined ? data : Array.isArray(before) ? [...before, data] : [before, data]);
  }
  return Object.fromEntries(contexts);
}

function recordOf(value: unknown): Record<string, unknown> | undefined {
  const parsed = payload.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

type Named = { type: 'page' | 'track'; event?: string; properties: Record<string, unknown> };

function refusal(reason: string, column: string, message: string): Extract<SegmentRead, { ok: false }> {
  return { ok: false, reason, column, message: `${column}${message}` };
}

/** A self-describing event by the name of its schema; of Snowplow's e-commerce events, by the action that they name. */
function readSelfDescribing(
  input: Record<string, unknown>,
  contexts: Record<string, unknown>,
): Named | Extract<SegmentRead, { ok: false }> {
  const column = textOf(input.ue_pr) === undefined ? 'ue_px' : 'ue_pr';
  if (textOf(input[column]) === undefined) return refusal('missing-field', 'ue_pr', ' is missing: the event itself');
  const parsed = outer.safeParse(jsonOf(input.ue_pr, input.ue_px));
  if (!parsed.success) return refusal('wrong-value', column, ': no self-describing JSON');
  const { schema, data } = parsed.data.data;
  const name = schemaName(schema);
  if (name === undefined)
    return refusal('wrong-value', column, ': its schema is no iglu:vendor/name/jsonschema/version');
  const fields = recordOf(data);
  const action = name === 'snowplow_ecommerce_action' ? (textOf(fields?.type) ?? name) : name;
  const properties: Record<string, unknown> = fields === undefined ? { data } : { ...fields };
  if (name === 'snowplow_ecommerce_action' && action === 'transaction') {
    const { transaction_id, revenue, ...rest } = recordOf(contexts.transaction) ?? {};
    Object.assign(properties, rest, { order_id: transaction_id, total: revenue });
  }
  properties.schema ??= schema;
  return { type: 'track', event: eventNames.get(action) ?? titleCase(action), properties };
}

function readNamed(
  input: Record<string, unknown>,
  contexts: Record<string, unknown>,
): Named | Extract<SegmentRead, { ok: false }> {
  const kind = textOf(input.e);
  switch (kind) {
    case 'pv':
      return { type: 'page', properties: { title: textOf(input.page) } };
    case 'pp':
      return {
        type: 'track',
        event: 'Page Pinged',
        properties: {
          title: textOf(input.page),
          ...Object.fromEntries(['pp_mix', 'pp_max', 'pp_miy', 'pp_may'].map((name) => [name, numberOf(input[name])])),
        },
      };
    case 'se': {
      const action = textOf(input.se_ac);
      if (action === undefined)
        return refusal('missing-field', 'se_ac', ' is missing: a structured event names its action');
      const properties = {
        category: textOf(input.se_ca),
        action,
        label: textOf(input.se_la),
        property: textOf(input.se_pr),
        value: numberOf(input.se_va),
      };
      return { type: 'track', event: titleCase(action), properties };
    }
    case 'ue':
      return readSelfDescribing(input, contexts);
    case 'tr':
      return {
        type: 'track',
        event: 'Order Completed',
        properties: {
          order_id: textOf(input.tr_id),
          total: textOf(input.tr_tt),
          tax: textOf(input.tr_tx),
          shipping: textOf(input.tr_sh),
          currency: textOf(input.tr_cu),
          affiliation: textOf(input.tr_af),
        },
      };
    case 'ti':
      return {
        type: 'track',
        event: 'Order Item Sent',
        properties: {
          order_id: textOf(input.ti_id),
          sku: textOf(input.ti_sk),
          name: textOf(input.ti_nm),
          category: textOf(input.ti_ca),
          price: textOf(input.ti_pr),
          quantity: numberOf(input.ti_qu),
          currency: textOf(input.ti_cu),
        },
      };
    case undefined:
      return refusal('missing-field', 'e', ' is missing: the kind of event');
    default:
      return refusal('wrong-value', 'e', ': one of pv, pp, se, ue, tr, ti');
  }
}

/**
 * An event of Snowplow's tracker protocol as a canonical event, or why it is none. Pure; the door judges the event itself.
 * Shapes: https://docs.snowplow.io/docs/events/going-deeper/event-parameters/ and requests of the real trackers.
 */
export function readSnowplowEvent(payloadInput: unknown, surroundings: SnowplowSurroundings): SegmentRead {
  const input = recordOf(payloadInput);
  if (input === undefined) {
    return { ok: false, reason: 'wrong-value', message: 'an event is an object with named fields' };
  }
  const contexts = contextsOf(input.co, input.cx);
  const named = readNamed(input, contexts);
  if ('ok' in named) return named;

  const platform = textOf(input.p) ?? 'web';
  const userId = textOf(input.uid);
  const anonymousId = textOf(input.duid) ?? textOf(input.nuid) ?? textOf(input.tnuid);
  const properties = Object.fromEntries(
    Object.entries({
      ...Object.fromEntries(Object.entries(input).filter(([field]) => !known.has(field))),
      ...named.properties,
    }).filter(([, value]) => value !== undefined),
  );
  if (Object.keys(contexts).length > 0) properties.contexts ??= contexts;
  const userAgent = textOf(input.ua) ?? (platform === 'srv' ? undefined : surroundings.userAgent);
  // A tracker that names nobody tracks anonymously, whether it asks for it in a header or not.
  const isAnonymous = surroundings.isAnonymous === true || (userId === undefined && anonymousId === undefined);

  const read = readSegmentMessage(
    {
      type: named.type,
      event: named.event,
      messageId: textOf(input.eid),
      timestamp: numberOf(input.ttm) ?? numberOf(input.dtm),
      userId,
      anonymousId,
      properties,
      context: {
        page: { url: textOf(input.url), referrer: textOf(input.refr) },
        userAgent,
        locale: textOf(input.lang),
        consent: isAnonymous ? { analytics: false } : undefined,
      },
    },
    surroundings,
  );
  if (read.ok && userAgent === undefined && (platform === 'mob' || platform === 'tv')) {
    read.event.device = { class: platform === 'mob' ? 'mobile' : 'tv' };
  }
  return read;
}
