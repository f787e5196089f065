import Big from 'big.js';
import * as z from 'zod';

/** The kinds of message of Segment's tracking API. RudderStack's SDKs send the same. */
export const segmentTypes = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const;
export type SegmentType = (typeof segmentTypes)[number];

const name = z.union([z.string(), z.number()]).nullish();
const fields = z.record(z.string(), z.unknown()).nullish();
// What only decorates an event is left out where it has an unexpected form; it is no reason to refuse the event.
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().catch(undefined);
const words = optional(z.string());

const page = optional(z.looseObject({ url: words, referrer: words }));
const campaign = optional(
  z.looseObject({ source: name, medium: name, name, id: name, term: name, content: name }).partial(),
);
const context = z.looseObject({
  page,
  campaign,
  userAgent: words,
  traits: optional(fields),
  device: optional(z.looseObject({ type: words })),
  os: optional(z.looseObject({ name: words })),
  location: optional(z.looseObject({ country: words, region: words })),
  consent: optional(z.looseObject({ categoryPreferences: optional(z.record(z.string(), z.unknown())) })),
  channel: words,
  externalIds: optional(z.array(z.looseObject({ id: name, type: name }))),
});

/** One message as the SDKs send it. */
export const segmentMessage = z.looseObject({
  type: z.string().nullish(),
  messageId: name,
  timestamp: name,
  originalTimestamp: name,
  sentAt: name,
  event: z.string().nullish(),
  name: name,
  category: name,
  userId: name,
  anonymousId: name,
  previousId: name,
  groupId: name,
  properties: fields,
  traits: fields,
  context: optional(context),
});

/** What the request says around a message. */
export interface SegmentSurroundings {
  /** The company's name of the source: it comes from the write key, never from the sender. */
  source: string;
  /** The type that the route names (`/v1/track`), for messages that name none. */
  type?: SegmentType | undefined;
  /** When a message says no time at all: the batch's `sentAt`, or when it came in. ISO. */
  time: string;
  /** The source's amounts include VAT (or shipping), so that a `total` is its revenue as it is. */
  gross?: boolean | undefined;
  shippingIncluded?: boolean | undefined;
}

export type SegmentRead =
  | { ok: true; event: Record<string, unknown> }
  | { ok: false; reason: string; message: string; column?: string };

const eventTypes: Record<Exclude<SegmentType, 'track'>, string> = {
  identify: 'Identify',
  page: 'Page Viewed',
  screen: 'Screen Viewed',
  group: 'Group',
  alias: 'Alias',
};
const known = new Set([
  ...Object.keys(segmentMessage.shape),
  'integrations',
  'writeKey',
  '_metadata',
  'receivedAt',
  'channel',
  'version',
  'projectId',
]);
const knownContext = new Set([
  ...Object.keys(context.shape),
  'ip',
  'userAgentData',
  'library',
  'timezone',
  'sessionId',
  'sessionStart',
  'network',
]);
const traitIdentifiers = {
  email: 'email',
  phone: 'phone',
  crm_id: 'crm_id',
  crmId: 'crm_id',
  loyalty_card: 'loyalty_card',
  loyaltyCard: 'loyalty_card',
} as const;
const valueFields = ['revenue', 'tax', 'shipping', 'discount', 'margin'] as const;
const line = z.looseObject({
  sku: z.union([z.string().min(1), z.number().int()]).nullish(),
  product_id: z.union([z.string().min(1), z.number().int()]).nullish(),
  quantity: z.number().nullish(),
  price: z.union([z.string().regex(/^-?\d{1,15}(\.\d{1,9})?$/), z.number()]).nullish(),
});

/** A time as an SDK writes it, as ISO where it is one; anything else stays as it is, so that the door names it. */
function isoTime(value: string | number): string {
  const time =
    typeof value === 'number' ? value : /T.*(?:Z|[+-]\d\d:?\d\d)$/i.test(value) ? Date.parse(value) : Number.NaN;
  return Math.abs(time) < 8.64e15 ? new Date(time).toISOString() : String(value);
}

function isFilled(value: unknown): value is string | number {
  return (typeof value === 'string' && value !== '') || typeof value === 'number';
}

/** `total` less what revenue does not hold; the total itself where it is no amount, so that the door names it. */
function revenueOfTotal(properties: Record<string, unknown>, surroundings: SegmentSurroundings): unknown {
  const { total, tax, shipping } = properties;
  try {
    let revenue = new Big(String(total));
    if (surroundings.gross !== true && isFilled(tax)) revenue = revenue.minus(String(tax));
    if (surroundings.shippingIncluded !== true && isFilled(shipping)) revenue = revenue.minus(String(shipping));
    return revenue.toFixed();
  } catch {
    return total;
  }
}

function booleanOf(record: Record<string, unknown> | null | undefined, ...names: string[]): boolean | undefined {
  for (const name of names) if (typeof record?.[name] === 'boolean') return record[name];
  return undefined;
}

/** Takes the order's figures out of the properties. Events without any (a product viewed, with its currency) keep theirs. */
function readValue(
  properties: Record<string, unknown>,
  surroundings: SegmentSurroundings,
): Record<string, unknown> | undefined {
  const orderId = properties.order_id ?? properties.orderId;
  const hasValue = isFilled(orderId) || [...valueFields, 'total'].some((field) => isFilled(properties[field]));
  if (!hasValue) return undefined;
  const value: Record<string, unknown> = {};
  if (isFilled(orderId)) value.order_id = orderId;
  for (const field of valueFields) if (isFilled(properties[field])) value[field] = properties[field];
  if (!isFilled(properties.revenue) && isFilled(properties.total))
    value.revenue = revenueOfTotal(properties, surroundings);
  if (typeof properties.currency === 'string' && properties.currency !== '') {
    value.currency = properties.currency.trim().toUpperCase();
  }
  for (const field of ['order_id', 'orderId', 'currency', ...valueFields]) delete properties[field];
  const lines = z.array(line).safeParse(properties.products);
  if (lines.success && lines.data.length > 0) {
    value.lines = lines.data.map(({ product_id, sku, ...rest }) => ({
      sku: sku ?? product_id,
      ...(sku && product_id ? { product_id } : {}),
      ...rest,
    }));
    delete properties.products;
  }
  return value;
}

/**
 * A message of Segment's tracking API as a canonical event, or why it is none. Pure; the door judges the event itself.
 * Shapes: https://segment.com/docs/connections/spec/ and requests of the real SDKs.
 */
export function readSegmentMessage(input: unknown, surroundings: SegmentSurroundings): SegmentRead {
  const parsed = segmentMessage.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const column = issue?.path.map(String).join('.') ?? '';
    return {
      ok: false,
      reason: 'wrong-value',
      message: column === '' ? 'a message is an object with named fields' : `${column}: ${issue?.message}`,
      ...(column === '' ? {} : { column }),
    };
  }
  const message = parsed.data;
  const given = message.type ?? surroundings.type;
  const type = segmentTypes.find((candidate) => candidate === given);
  if (type === undefined) {
    return {
      ok: false,
      reason: isFilled(given) ? 'wrong-value' : 'missing-field',
      message: isFilled(given) ? `type: one of ${segmentTypes.join(', ')}` : 'type is missing',
      column: 'type',
    };
  }
  if (type === 'track' && !isFilled(message.event)) {
    return {
      ok: false,
      reason: 'missing-field',
      message: 'event is missing: a track message names what happened',
      column: 'event',
    };
  }

  const about = message.context ?? {};
  const properties: Record<string, unknown> = { ...message.properties };
  const extra = Object.entries(message).filter(([field, value]) => !known.has(field) && value !== undefined);
  for (const [field, value] of extra) properties[field] ??= value;
  if (isFilled(message.name)) properties.name ??= message.name;
  if (isFilled(message.category)) properties.category ??= message.category;
  if (isFilled(message.groupId)) properties.group_id ??= message.groupId;

  const identifiers: Record<string, unknown> = { user_id: message.userId, anonymous_id: message.anonymousId };
  // Traits of a group message are those of the group; the person's are in the context.
  const personal: Record<string, unknown> = { ...about.traits, ...(type === 'group' ? {} : message.traits) };
  for (const [trait, kind] of Object.entries(traitIdentifiers)) {
    if (isFilled(personal[trait])) identifiers[kind] ??= personal[trait];
    delete personal[trait];
  }
  // Proves a browser's userId (docs/collect.md); not a trait of anybody.
  const { user_hash: proof } = personal;
  delete personal.user_hash;
  for (const { id, type: kind } of about.externalIds ?? []) {
    if (isFilled(id) && (kind === 'crm_id' || kind === 'loyalty_card')) identifiers[kind] ??= id;
  }
  if (type === 'alias' && isFilled(message.previousId) && message.previousId !== message.userId) {
    identifiers.anonymous_id = message.previousId;
  }
  if (Object.keys(personal).length > 0) properties.traits = personal;
  if (type === 'group' && message.traits) properties.group_traits = message.traits;

  const url = isFilled(properties.url) ? properties.url : about.page?.url;
  const referrer = about.page?.referrer || (isFilled(properties.referrer) ? properties.referrer : undefined);
  // The address stands in the touch; pages repeat it, whole and in parts.
  if (properties.url === url) for (const field of ['url', 'path', 'search']) delete properties[field];
  if (properties.referrer === referrer) delete properties.referrer;

  const { source, medium, name: campaignName, id, content, term } = about.campaign ?? {};
  const text = (value: unknown) => (isFilled(value) ? String(value) : undefined);
  const touch = {
    source: text(source),
    medium: text(medium),
    campaign: text(campaignName),
    campaign_id: text(id),
    content: text(content),
    term: text(term),
    referrer: text(referrer),
    landing_page: text(url),
    // The door believes a channel before any rule; elsewhere a property of this name means whatever its sender means.
    channel: message.event === 'Contact' ? (about.channel ?? text(properties.channel)) : undefined,
  };
  if (message.event === 'Contact') delete properties.channel;
  const deviceType = about.device?.type?.toLowerCase();
  const device = {
    user_agent: about.userAgent || undefined,
    class: about.userAgent || (deviceType !== 'ios' && deviceType !== 'android') ? undefined : 'mobile',
    os: about.userAgent ? undefined : about.os?.name,
  };
  const preferences = about.consent?.categoryPreferences ?? about.consent;
  const changed = message.event === 'Consent Changed' ? properties : undefined;
  const consent = {
    analytics: booleanOf(changed, 'analytics') ?? booleanOf(preferences, 'analytics', 'Analytics'),
    marketing: booleanOf(changed, 'marketing') ?? booleanOf(preferences, 'marketing', 'Marketing', 'Advertising'),
  };
  const rest = Object.entries(about).filter(([field, value]) => !knownContext.has(field) && value !== undefined);
  if (rest.length > 0) properties.context ??= Object.fromEntries(rest);

  const value = type === 'track' ? readValue(properties, surroundings) : undefined;
  const time = message.timestamp || message.originalTimestamp || message.sentAt || surroundings.time;
  return {
    ok: true,
    event: {
      ...(isFilled(message.messageId) ? { event_id: String(message.messageId) } : {}),
      event_type: type === 'track' ? message.event : eventTypes[type],
      occurred_at: isoTime(time),
      source: surroundings.source,
      identifiers,
      ...(isFilled(proof) ? { user_hash: proof } : {}),
      touch,
      device,
      ...(about.location ? { place: { country: about.location.country, region: about.location.region } } : {}),
      consent,
      ...(value === undefined ? {} : { value }),
      properties,
    },
  };
}

/** The routes of Segment's HTTP API, long and short (the browser SDK's), and the type of message that each names. */
export const segmentRoutes: Record<string, SegmentType | 'batch'> = {
  batch: 'batch',
  b: 'batch',
  import: 'batch',
  track: 'track',
  t: 'track',
  identify: 'identify',
  i: 'identify',
  page: 'page',
  p: 'page',
  screen: 'screen',
  s: 'screen',
  group: 'group',
  g: 'group',
  alias: 'alias',
  a: 'alias',
};

/**
 * The messages of one request body: those of its `batch`, or the body itself.
 * Undefined where the body is no object, or a batch route brings no list.
 */
export function segmentMessages(body: unknown, route: SegmentType | 'batch'): unknown[] | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  if ('batch' in body && Array.isArray(body.batch)) return body.batch;
  return route === 'batch' ? undefined : [body];
}
