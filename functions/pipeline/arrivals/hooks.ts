import { randomBytes } from 'node:crypto';
import type { HookCall, HookConnector, HookRecord } from '#connectors/hooks/hook-connector';
import { hookConnectors } from '#connectors/hooks/registry';
import type { Config } from '#core/config';
import type { StoredCost } from '#core/cost';
import type { StoredEvent } from '#core/event';
import { generationOf } from '#core/identifier-key';
import { createIdentifiers } from '#core/identifiers';
import type { RejectedRecord } from '#core/lake';
import { createSealing } from '#core/sealing';
import type { VaultEntry } from '#core/vault';
import { type AdmitContext, type Admitted, createAdmitter } from '#pipeline/arrivals/admit';
import {
  batchLimit,
  type CollectAnswer,
  type CollectContext,
  createRateLimit,
  eventLimit,
  plainBody,
} from '#pipeline/arrivals/collect';
import { encodeDelivery } from '#pipeline/arrivals/drain';
import type { Replayer } from '#pipeline/arrivals/rejected';

const viaPrefix = 'http:hook:';
const errorsShown = 20;

export interface HookReceiver {
  /** Whether there is a connector of this name. */
  knows(connector: string): boolean;
  /**
   * Answers 200 only once all that the call holds is durably queued, the refused records too. Throws on no input.
   * @param source the source that the address names; the connector's own name where it names none.
   */
  receive(connector: string, source: string | undefined, call: HookCall): Promise<CollectAnswer>;
}

/** The sources that web hooks can send for now, and those whose configured variable holds no secret. */
export function readHookSecrets(
  config: Config,
  env: Record<string, string | undefined>,
): { secrets: Map<string, string>; missing: { source: string; variable: string }[] } {
  const secrets = new Map<string, string>();
  const missing: { source: string; variable: string }[] = [];
  for (const [source, { hookSecretEnv }] of Object.entries(config.sources)) {
    if (hookSecretEnv === undefined) continue;
    const secret = env[hookSecretEnv]?.trim();
    if (secret) secrets.set(source, secret);
    else missing.push({ source, variable: hookSecretEnv });
  }
  return { secrets, missing };
}

interface Taken {
  events: StoredEvent[];
  costs: StoredCost[];
  vault: VaultEntry[];
}

type JudgeContext = Pick<AdmitContext, 'config' | 'identifierKey' | 'hasRate' | 'sealAddress'>;

/** One record of a call, read and judged: all of it is taken, or none. */
function createJudge(
  context: JudgeContext,
  receivedAt: () => Date,
): (connector: HookConnector, record: HookRecord, source: string, importId: string) => Admitted<Taken> {
  const { config } = context;
  const door = createAdmitter({ ...context, trust: 'server', receivedAt });
  return (connector, record, source, importId) => {
    const settings = config.sources[source];
    const amounts = { gross: settings?.gross ?? false, shippingIncluded: settings?.shippingIncluded ?? false };
    const read = connector.read(record, { source, receivedAt: receivedAt(), amounts });
    if (!read.ok) return read;
    const value: Taken = { events: [], costs: [], vault: [] };
    for (const event of read.events ?? []) {
      const admitted = door.event(event);
      if (!admitted.ok) return admitted;
      value.events.push(admitted.value);
      value.vault.push(...admitted.vault);
    }
    for (const cost of read.costs ?? []) {
      const admitted = door.cost(cost, importId);
      if (!admitted.ok) return admitted;
      value.costs.push(admitted.value);
    }
    return { ok: true, value };
  };
}

/** The use case behind `/hooks`: signed calls of vendors in, durable deliveries in the queue. */
export function createHookReceiver(
  context: CollectContext & { random?: (bytes: number) => Buffer; connectors?: readonly HookConnector[] },
): HookReceiver {
  const { config, identifierKey, queue } = context;
  const now = context.now ?? (() => new Date());
  const random = context.random ?? randomBytes;
  const connectors = new Map((context.connectors ?? hookConnectors).map((connector) => [connector.name, connector]));
  const { secrets } = readHookSecrets(config, context.env);
  const sealing = createSealing(identifierKey);
  const identifiers = createIdentifiers(identifierKey, config.country);
  const wait = createRateLimit(now);
  // What a call says came in at one instant: its costs are one set.
  let receivedAt = now();
  const judge = createJudge(context, () => receivedAt);

  async function receive(name: string, named: string | undefined, call: HookCall): Promise<CollectAnswer> {
    const connector = connectors.get(name);
    const nothing: CollectAnswer = { status: 200, accepted: 0, rejected: 0, errors: [] };
    const source = named ?? name;
    const secret = secrets.get(source);
    const wrong: CollectAnswer = { status: 401, message: 'unknown source, or wrong signature' };
    if (connector === undefined || secret === undefined) return wrong;
    if (call.body.byteLength > batchLimit) {
      return { status: 413, message: `a body may hold ${batchLimit / 1024} KB at most` };
    }
    if (connector.isPing?.(call)) return nothing;
    const verdict = connector.verify(call, secret, now());
    if (verdict === 'wrong') return wrong;
    if (verdict === 'old') return { status: 401, message: 'the signature is too old; sign it anew' };
    const seconds = wait(source, config.sources[source]?.ratePerSecond ?? 1000);
    if (seconds > 0) {
      return { status: 429, message: 'more requests than this source may send', retryAfterSeconds: seconds };
    }

    const bytes = await plainBody(call.body);
    if (bytes === 'too-large') return { status: 413, message: `a body may hold ${batchLimit / 1024} KB at most` };
    if (bytes === 'broken') return { status: 400, message: 'the body is no whole gzip' };
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      return { status: 400, message: 'the body is not UTF-8' };
    }
    const records = connector.records(call, text);
    if ('problem' in records) return { status: 400, message: records.problem };

    receivedAt = now();
    const at = receivedAt.toISOString();
    // Of two deliveries of the same costs the later one stands, whole; under one name they would add up.
    const importId = `hook-${at}-${random(4).toString('hex')}`;
    const delivery = {
      events: [] as StoredEvent[],
      costs: [] as StoredCost[],
      rejected: [] as RejectedRecord[],
      vault: [] as VaultEntry[],
      generation: generationOf(identifierKey),
    };
    const errors: { index: number; reason: string; message: string }[] = [];
    for (const [index, record] of records.entries()) {
      const original = JSON.stringify(record.body) ?? 'null';
      // A vendor's order may be large; what others write as one event is held to the size of one.
      const isTooLarge = name === 'generic' && Buffer.byteLength(original) > eventLimit;
      const judged = isTooLarge
        ? { ok: false as const, reason: 'too-large', message: `an event may hold ${eventLimit / 1024} KB at most` }
        : judge(connector, record, source, importId);
      if (judged.ok) {
        delivery.events.push(...judged.value.events);
        delivery.costs.push(...judged.value.costs);
        delivery.vault.push(...judged.value.vault);
        continue;
      }
      const { reason, column } = judged;
      const message = identifiers.scrubText(judged.message);
      delivery.rejected.push({
        rejected_at: at,
        source,
        reason,
        message,
        ...(column === undefined ? {} : { column }),
        via: `${viaPrefix}${name}:${importId}:${identifiers.scrubText(record.topic).slice(0, 200)}`,
        original: sealing.seal(Buffer.from(original).toString('base64')),
        schema_version: 1,
      });
      if (errors.length < errorsShown) errors.push({ index, reason, message });
    }
    const accepted = delivery.events.length + delivery.costs.length;
    if (accepted + delivery.rejected.length > 0) {
      try {
        await queue.send([encodeDelivery(delivery)]);
      } catch {
        return { status: 503, message: 'the event could not be written down; send it again', retryAfterSeconds: 5 };
      }
    }
    return { status: 200, accepted, rejected: delivery.rejected.length, errors };
  }

  return { knows: (connector) => connectors.has(connector), receive };
}

/** The replayer of what came in by web hooks. */
export function createHookReplayer(context: JudgeContext): Replayer {
  const { config } = context;
  // A record is judged as of the time at which it came in, and its costs join the set of their call.
  let receivedAt = new Date(0);
  const judge = createJudge(context, () => receivedAt);
  return {
    prefix: viaPrefix,
    replay(record, original) {
      const [, name, importId = '', topic = ''] =
        /^http:hook:([a-z]+):(hook-\d{4}-\d\d-\d\dT[\d:.]+Z-[0-9a-f]+):(.*)$/s.exec(record.via) ?? [];
      const connector = hookConnectors.find((candidate) => candidate.name === name);
      if (connector === undefined) {
        return { ok: false, reason: 'unknown-hook', message: 'no web hook of this kind is known' };
      }
      if (config.sources[record.source] === undefined) {
        return { ok: false, reason: 'unknown-source', message: `no source "${record.source}" in the configuration` };
      }
      let body: unknown;
      try {
        body = JSON.parse(original.toString('utf8'));
      } catch {
        return { ok: false, reason: 'wrong-value', message: 'the original is not JSON' };
      }
      receivedAt = new Date(record.rejected_at);
      const judged = judge(connector, { topic, body }, record.source, importId);
      return judged.ok ? { ok: true, ...judged.value } : judged;
    },
  };
}
