import { createHash, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { readSegmentMessage, type SegmentRead, type SegmentType, segmentMessages } from '#connectors/segment';
import { readSnowplowEvent, snowplowPayloads, snowplowSource } from '#connectors/snowplow';
import type { Config } from '#core/config';
import { PercorsoError } from '#core/errors';
import type { StoredEvent } from '#core/event';
import { generationOf, type IdentifierKey } from '#core/identifier-key';
import { createIdentifiers } from '#core/identifiers';
import type { RejectedRecord } from '#core/lake';
import type { Clock, Queue } from '#core/ports';
import { type LoginCheck, loginCheckOf, withProvedLogin } from '#core/proved-login';
import { createSealing } from '#core/sealing';
import type { VaultEntry } from '#core/vault';
import { type AdmitContext, type Admitter, createAdmitter } from '#pipeline/arrivals/admit';
import { encodeDelivery } from '#pipeline/arrivals/drain';

/** Segment's own limits: SDKs cut their batches by them. */
export const batchLimit = 500 * 1024;
export const eventLimit = 32 * 1024;
const errorsShown = 20;

export interface CollectContext {
  config: Config;
  identifierKey: IdentifierKey;
  sealAddress?: AdmitContext['sealAddress'];
  /** The write keys stand in the variables that the configuration names. */
  env: Record<string, string | undefined>;
  queue: Queue;
  hasRate: AdmitContext['hasRate'];
  now?: Clock;
}

export interface CollectRequest {
  /** What the route takes: messages of Segment's API, or `snowplow`, the events of Snowplow's trackers. */
  type: SegmentType | 'batch' | 'snowplow';
  body: Uint8Array;
  /** The user of Basic auth, where the request has one. */
  writeKey: string | undefined;
  /** The sender's own user agent. A browser's stands for events that name none. */
  userAgent: string | undefined;
  /** A Snowplow tracker asks for its visitor to stay unknown. */
  isAnonymous?: boolean;
}

/** What the door answers. `refused` answers took nothing in. */
export type CollectAnswer =
  | {
      status: 200;
      accepted: number;
      rejected: number;
      errors: { index: number; reason: string; message: string }[];
    }
  | { status: 400 | 401 | 413 | 429 | 503; message: string; retryAfterSeconds?: number };

export interface Collector {
  /** Answers 200 only once all that the body holds is durably queued, the refused messages too. Throws on no input. */
  collect(request: CollectRequest): Promise<CollectAnswer>;
  /** The source that a write key belongs to. */
  sourceOf(writeKey: string): string | undefined;
}

interface KeyedSource {
  source: string;
  digest: Buffer;
}

const inflate = promisify(gunzip);
const digest = (text: string) => createHash('sha256').update(text).digest();

/** The sources that can send over HTTP now, and those whose configured variable holds no key. */
export function readWriteKeys(
  config: Config,
  env: Record<string, string | undefined>,
): { keys: { source: string; key: string }[]; missing: { source: string; variable: string }[] } {
  const keys: { source: string; key: string }[] = [];
  const missing: { source: string; variable: string }[] = [];
  for (const [source, { writeKeyEnv }] of Object.entries(config.sources)) {
    if (writeKeyEnv === undefined) continue;
    const key = env[writeKeyEnv]?.trim();
    if (key) keys.push({ source, key });
    else missing.push({ source, variable: writeKeyEnv });
  }
  const doubled = keys.find(({ key }, index) => keys.findIndex((other) => other.key === key) !== index);
  if (doubled !== undefined) {
    throw new PercorsoError(`source "${doubled.source}" has the same write key as another source`, {
      mend: 'give each source a key of its own: the key alone says whose an event is',
    });
  }
  return { keys, missing };
}

/** A bucket of one second's requests per source, filled at its rate. */
export function createRateLimit(now: Clock): (source: string, perSecond: number) => number {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (source, perSecond) => {
    const at = now().getTime();
    const full = Math.max(1, perSecond);
    const bucket = buckets.get(source) ?? { tokens: full, at };
    bucket.tokens = Math.min(full, bucket.tokens + (Math.max(0, at - bucket.at) / 1000) * perSecond);
    bucket.at = at;
    buckets.set(source, bucket);
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
    bucket.tokens -= 1;
    return 0;
  };
}

/** The body's bytes, never inflated past the limit. Which coding it has, its first bytes say: SDKs' headers do not always. */
export async function plainBody(body: Uint8Array): Promise<Uint8Array | 'too-large' | 'broken'> {
  if (body.byteLength > batchLimit) return 'too-large';
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body;
  try {
    return await inflate(body, { maxOutputLength: batchLimit });
  } catch (error) {
    return error instanceof RangeError ? 'too-large' : 'broken';
  }
}

function parseJson(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

function textField(value: unknown, field: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found = Object.entries(value).find(([name]) => name === field)?.[1];
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** The use case behind the HTTP door: bodies of Segment's API and of Snowplow's trackers in, durable deliveries in the queue. */
export function createCollector(context: CollectContext): Collector {
  const { config, identifierKey, queue } = context;
  const now = context.now ?? (() => new Date());
  const sources: KeyedSource[] = readWriteKeys(config, context.env).keys.map(({ source, key }) => ({
    source,
    digest: digest(key),
  }));
  const generation = generationOf(identifierKey);
  const sealing = createSealing(identifierKey);
  const identifiers = createIdentifiers(identifierKey, config.country);
  const wait = createRateLimit(now);
  const admitters = new Map<AdmitContext['trust'], Admitter>();
  const loginChecks = new Map<string, LoginCheck | undefined>(
    Object.entries(config.sources).map(([name, settings]) => [name, loginCheckOf(settings, context.env)]),
  );

  function admitter(trust: AdmitContext['trust']): Admitter {
    const known = admitters.get(trust);
    if (known !== undefined) return known;
    const made = createAdmitter({ ...context, trust, receivedAt: now });
    admitters.set(trust, made);
    return made;
  }

  function sourceOf(writeKey: string): string | undefined {
    const given = digest(writeKey);
    let found: string | undefined;
    // Every key is compared, in constant time each, so that the time taken says nothing of any.
    for (const { source, digest } of sources) if (timingSafeEqual(given, digest)) found = source;
    return found;
  }

  /**
   * The source that an application id names. Snowplow's trackers send no key, so a source that has one is not theirs, and
   * a source whose word counts for more than a visitor's is nobody's without a key.
   */
  function openSource(name: string | undefined): string | undefined {
    const settings = name !== undefined && Object.hasOwn(config.sources, name) ? config.sources[name] : undefined;
    return settings?.kind === 'browser' && settings.writeKeyEnv === undefined ? name : undefined;
  }

  async function collect(request: CollectRequest): Promise<CollectAnswer> {
    const isSnowplow = request.type === 'snowplow';
    const unknownKey = {
      status: 401 as const,
      message: isSnowplow ? 'the app id names no source that takes events without a key' : 'unknown write key',
    };
    if (!isSnowplow && request.writeKey !== undefined && sourceOf(request.writeKey) === undefined) return unknownKey;

    const bytes = await plainBody(request.body);
    if (bytes === 'too-large') return { status: 413, message: `a body may hold ${batchLimit / 1024} KB at most` };
    if (bytes === 'broken') return { status: 400, message: 'the body is no whole gzip' };
    const parsed = parseJson(bytes);
    if (parsed === undefined) return { status: 400, message: 'the body is not JSON' };
    const body = parsed.value;
    const messages = request.type === 'snowplow' ? snowplowPayloads(body) : segmentMessages(body, request.type);
    if (messages === undefined) {
      const missing = { batch: 'the body has no list "batch"', snowplow: 'the body is no payload_data with events' };
      return {
        status: 400,
        message:
          request.type === 'batch' || request.type === 'snowplow'
            ? missing[request.type]
            : 'the body is no JSON object',
      };
    }

    const writeKey = request.writeKey ?? textField(body, 'writeKey') ?? textField(messages[0], 'writeKey');
    const source = isSnowplow
      ? openSource(snowplowSource(messages[0]))
      : writeKey === undefined
        ? undefined
        : sourceOf(writeKey);
    if (source === undefined) return unknownKey;
    const settings = config.sources[source];
    const seconds = wait(source, settings?.ratePerSecond ?? 1000);
    if (seconds > 0) {
      return { status: 429, message: 'more requests than this source may send', retryAfterSeconds: seconds };
    }
    const isSingle = messages[0] === body;
    if (isSingle && bytes.byteLength > eventLimit) {
      return { status: 413, message: `an event may hold ${eventLimit / 1024} KB at most` };
    }

    const isBrowser = settings?.kind === 'browser';
    const door = admitter(isBrowser ? 'browser' : 'server');
    const receivedAt = now();
    const surroundings = {
      source,
      time: textField(body, 'timestamp') ?? textField(body, 'sentAt') ?? receivedAt.toISOString(),
      gross: settings?.gross,
      shippingIncluded: settings?.shippingIncluded,
    };
    function read(message: unknown): SegmentRead {
      if (request.type === 'snowplow') {
        // One request is one tracker's; an event of another application would come in under a foreign name.
        if (snowplowSource(message) !== source) {
          return { ok: false, reason: 'unknown-source', message: 'aid: another than the first event of the request' };
        }
        const { userAgent, isAnonymous } = request;
        return readSnowplowEvent(message, { ...surroundings, userAgent, isAnonymous });
      }
      const type = request.type === 'batch' ? undefined : request.type;
      const event = readSegmentMessage(message, { ...surroundings, type });
      if (!event.ok || !isBrowser || !request.userAgent) return event;
      const { device } = event.event;
      if (typeof device === 'object' && device !== null && textField(device, 'user_agent') === undefined) {
        event.event.device = { ...device, user_agent: request.userAgent };
      }
      return event;
    }
    const accepted: StoredEvent[] = [];
    const vault: VaultEntry[] = [];
    const rejected: RejectedRecord[] = [];
    const errors: { index: number; reason: string; message: string }[] = [];
    for (const [index, message] of messages.entries()) {
      // A whole body below the limit holds no event above it.
      const isTooLarge = bytes.byteLength > eventLimit && Buffer.byteLength(JSON.stringify(message)) > eventLimit;
      const event: SegmentRead = isTooLarge
        ? { ok: false, reason: 'too-large', message: `an event may hold ${eventLimit / 1024} KB at most` }
        : read(message);
      const judged = event.ok ? withProvedLogin(event.event, loginChecks.get(source)) : event;
      const admitted = judged.ok ? door.event(judged.event) : judged;
      if (admitted.ok) {
        accepted.push(admitted.value);
        vault.push(...admitted.vault);
        continue;
      }
      const eventId = textField(message, isSnowplow ? 'eid' : 'messageId');
      rejected.push({
        rejected_at: receivedAt.toISOString(),
        source,
        reason: admitted.reason,
        message: identifiers.scrubText(admitted.message),
        ...(admitted.column === undefined ? {} : { column: admitted.column }),
        via: isSnowplow ? 'http:snowplow' : `http:segment:${request.type}`,
        original: sealing.seal(Buffer.from(JSON.stringify(message) ?? 'null').toString('base64')),
        ...(eventId === undefined ? {} : { event_id: identifiers.scrubText(eventId).slice(0, 512) }),
        schema_version: 1,
      });
      if (errors.length < errorsShown) errors.push({ index, reason: admitted.reason, message: admitted.message });
    }
    if (messages.length > 0) {
      try {
        await queue.send([encodeDelivery({ events: accepted, rejected, vault, generation })]);
      } catch {
        return { status: 503, message: 'the event could not be written down; send it again', retryAfterSeconds: 5 };
      }
    }
    return { status: 200, accepted: accepted.length, rejected: rejected.length, errors };
  }

  return { sourceOf, collect };
}
