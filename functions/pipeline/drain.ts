import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import type { StoredCost } from '#core/cost';
import { PercorsoError } from '#core/errors';
import type { StoredEvent } from '#core/event';
import { generationOf, type IdentifierKey } from '#core/identifier-key';
import type { RejectedRecord } from '#core/lake';
import type { Clock, Queue, Store } from '#core/ports';
import type { VaultEntry } from '#core/vault';
import { createRaise } from '#pipeline/raise';
import { createRawWriter, type WrittenCounts } from '#pipeline/store';

/** What one request leaves in the queue: all that is in it was judged at the door already. */
export interface Delivery {
  events: StoredEvent[];
  costs?: StoredCost[];
  rejected: RejectedRecord[];
  /** What the events say for the vault, addresses sealed. */
  vault?: VaultEntry[];
  /** With which generation of the key its hashes were made; the first where it says none. */
  generation?: number;
}

const text = z.string();
// Written by encodeDelivery of this file alone, so only what the raw writer leans on is looked at again.
const eventShape = z.looseObject({
  source: text,
  event_id: text,
  event_type: text,
  occurred_at: text,
  received_at: text,
});
const costShape = z.looseObject({ source: text, cost_date: text, import_id: text, received_at: text });
const rejectedShape = z.looseObject({ source: text, reason: text, message: text, rejected_at: text, original: text });
const entryShape = z.looseObject({ key: text });
const deliveryShape = z.object({
  events: z.array(z.custom<StoredEvent>((value) => eventShape.safeParse(value).success)),
  costs: z.array(z.custom<StoredCost>((value) => costShape.safeParse(value).success)).default([]),
  rejected: z.array(z.custom<RejectedRecord>((value) => rejectedShape.safeParse(value).success)),
  vault: z.array(z.custom<VaultEntry>((value) => entryShape.safeParse(value).success)).default([]),
  generation: z.number().int().min(1).default(1),
});

export function encodeDelivery({ vault = [], generation = 1, ...delivery }: Delivery): Uint8Array {
  const said = { ...(vault.length === 0 ? {} : { vault }), ...(generation === 1 ? {} : { generation }) };
  return Buffer.from(JSON.stringify({ ...delivery, ...said }));
}

function decodeDelivery(body: Uint8Array): Required<Delivery> | undefined {
  try {
    return deliveryShape.parse(JSON.parse(Buffer.from(body).toString('utf8')));
  } catch {
    return undefined;
  }
}

/** How much is moved at one go. */
const turnBytes = 100_000;

export interface Drainable {
  lake: Store;
  identifierKey(): Promise<IdentifierKey>;
}

/**
 * Moves all that waits in the queue into raw objects. A message leaves the queue only once the objects that hold it are
 * durable; killed in between, the next drain receives the same batch and writes the same objects again.
 */
export async function drainSpool(
  company: Drainable,
  queue: Queue,
  now: Clock = () => new Date(),
): Promise<Omit<WrittenCounts, 'keys'>> {
  const total = { events: 0, costs: 0, rejected: 0, objects: 0, alreadyThere: 0 };
  for (;;) {
    const messages = await queue.receive(Number.MAX_SAFE_INTEGER);
    if (messages.length === 0) return total;
    const identifierKey = await company.identifierKey();
    const writer = createRawWriter(company.lake, { identifierKey });
    const raise = createRaise(identifierKey);
    let sinceTurn = 0;
    for (const { body } of messages) {
      // The door answers on the same thread: it gets its turn every few milliseconds.
      sinceTurn += body.byteLength;
      if (sinceTurn > turnBytes) {
        sinceTurn = 0;
        await setImmediate();
      }
      const delivery = decodeDelivery(body);
      const from = delivery?.generation ?? 1;
      if (from > generationOf(identifierKey)) {
        throw new PercorsoError('the spool holds events that were hashed with a newer key than this process has', {
          mend: 'start it again with the key that `percorso rotate-key` made',
        });
      }
      for (const event of delivery?.events ?? []) await writer.event(raise.event(event, from));
      for (const cost of delivery?.costs ?? []) await writer.cost(raise.cost(cost, from));
      for (const record of delivery?.rejected ?? []) await writer.reject(raise.rejected(record, from));
      for (const entry of delivery?.vault ?? []) await writer.vault(raise.entry(entry, from));
      if (delivery === undefined) {
        // Damaged on the disk after it was written: kept for a person to look at, since it must not stop the queue.
        await writer.reject({
          rejected_at: now().toISOString(),
          source: '(spool)',
          reason: 'unreadable-delivery',
          message: 'a message of the spool could not be read',
          via: 'spool',
          original: Buffer.from(body).toString('base64'),
          schema_version: 1,
        });
      }
    }
    const counts = await writer.flush();
    await queue.remove(messages.map(({ id }) => id));
    total.events += counts.events;
    total.costs += counts.costs;
    total.rejected += counts.rejected;
    total.objects += counts.objects;
    total.alreadyThere += counts.alreadyThere;
  }
}
