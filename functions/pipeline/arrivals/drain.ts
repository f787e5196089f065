import { setImmediate } from 'node:timers/promises';
import * as z from 'zod';
import type { StoredCost } from '#core/cost';
import { PercorsoError } from '#core/errors';
import type { StoredEvent } from '#core/event';
import { generationOf, type IdentifierKey } from '#core/identifier-key';
import type { RejectedRecord } from '#core/lake';
import type { Clock, Queue, Store } from '#core/ports';
import type { VaultEntry } from '#core/vault';
import { createRaise } from '#pipeline/arrivals/raise';
import { createRawWriter, type RawWriter, type WrittenCounts } from '#pipeline/arrivals/store';

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

/**
 * The form of a message. To be raised where an older store would read a message wrongly: what waited in a queue through an
 * upgrade is read as it was written, so a change of the form keeps the way in of those before.
 */
const deliveryVersion = 1;

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
// Messages of the first versions of Percorso say none.
const versionShape = z.object({ version: z.number().int().min(1).default(1) });
type Decoded = { delivery: Required<Delivery> } | { unreadable: PercorsoError; isNewer: boolean };

export function encodeDelivery({ vault = [], generation = 1, ...delivery }: Delivery): Uint8Array {
  const said = { ...(vault.length === 0 ? {} : { vault }), ...(generation === 1 ? {} : { generation }) };
  return Buffer.from(JSON.stringify({ version: deliveryVersion, ...delivery, ...said }));
}

/** Read off the end, where encodeDelivery puts it, so that a batch need not lie in memory decoded before it is written. */
function generationOfDelivery(body: Uint8Array): number {
  return Number(/"generation":(\d+)\}$/.exec(Buffer.from(body.subarray(-40)).toString('latin1'))?.[1] ?? 1);
}

function decodeDelivery(body: Uint8Array): Decoded {
  try {
    const given: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    const { version } = versionShape.parse(given);
    if (version <= deliveryVersion) return { delivery: deliveryShape.parse(given) };
    const unreadable = new PercorsoError(
      `a message of the queue is of version ${version}, and this Percorso reads up to ${deliveryVersion}: a newer one wrote it`,
      {
        mend: 'upgrade what works the queue off; on AWS then move the message back from the dead letters (docs/aws.md, Upgrade)',
      },
    );
    return { unreadable, isNewer: true };
  } catch (cause) {
    const unreadable = new PercorsoError('a message of the queue is no delivery', {
      mend: 'see who else may send to the queue; the message can be deleted',
      cause,
    });
    return { unreadable, isNewer: false };
  }
}

/** What was moved; the objects' names aside. */
export type MovedCounts = Omit<WrittenCounts, 'keys'>;

const noCounts = (): MovedCounts => ({ events: 0, costs: 0, rejected: 0, objects: 0, alreadyThere: 0 });

function addCounts(total: MovedCounts, counts: WrittenCounts): void {
  total.events += counts.events;
  total.costs += counts.costs;
  total.rejected += counts.rejected;
  total.objects += counts.objects;
  total.alreadyThere += counts.alreadyThere;
}

/** Writes what one request left, its hashes in their newest form. */
function createDeliveryWriter(identifierKey: IdentifierKey) {
  const raise = createRaise(identifierKey);
  return async (
    writer: RawWriter,
    { events, costs, rejected, vault, generation }: Required<Delivery>,
  ): Promise<void> => {
    if (generation > generationOf(identifierKey)) {
      throw new PercorsoError('the queue holds events that were hashed with a newer key than this process has', {
        mend: 'start it again with the key that `percorso rotate-key` made',
      });
    }
    for (const event of events) await writer.event(raise.event(event, generation));
    for (const cost of costs) await writer.cost(raise.cost(cost, generation));
    for (const record of rejected) await writer.reject(raise.rejected(record, generation));
    for (const entry of vault) await writer.vault(raise.entry(entry, generation));
  };
}

/**
 * Writes messages of a queue that may cut its batches differently when it delivers again, as SQS does. An event that comes
 * in two objects counts once, by its id; of costs each row counts, so a message that has some gets objects of its own, whose
 * names are the same whatever company it comes in. Resolves once all that could be read is durable.
 * @param keyOf the key as it is now; it is told the newest generation with which any of it was hashed.
 * @returns `unreadable`: which messages, by their place, are no deliveries that this version reads, and why. Nothing of them
 * was written.
 */
export async function storeDeliveries(
  lake: Store,
  keyOf: (generation: number) => Promise<IdentifierKey>,
  bodies: readonly Uint8Array[],
): Promise<{ counts: MovedCounts; unreadable: { index: number; why: PercorsoError }[] }> {
  const counts = noCounts();
  const unreadable: { index: number; why: PercorsoError }[] = [];
  const identifierKey = await keyOf(Math.max(1, ...bodies.map(generationOfDelivery)));
  const write = createDeliveryWriter(identifierKey);
  const shared = createRawWriter(lake, { identifierKey });
  for (const [index, body] of bodies.entries()) {
    const decoded = decodeDelivery(body);
    if ('unreadable' in decoded) {
      unreadable.push({ index, why: decoded.unreadable });
      continue;
    }
    const { delivery } = decoded;
    if (delivery.costs.length === 0) {
      await write(shared, delivery);
    } else {
      const own = createRawWriter(lake, { identifierKey });
      await write(own, delivery);
      addCounts(counts, await own.flush());
    }
  }
  addCounts(counts, await shared.flush());
  return { counts, unreadable };
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
): Promise<MovedCounts> {
  const total = noCounts();
  for (;;) {
    const messages = await queue.receive(Number.MAX_SAFE_INTEGER);
    if (messages.length === 0) return total;
    const identifierKey = await company.identifierKey();
    const writer = createRawWriter(company.lake, { identifierKey });
    const write = createDeliveryWriter(identifierKey);
    let sinceTurn = 0;
    for (const { body } of messages) {
      // The door answers on the same thread: it gets its turn every few milliseconds.
      sinceTurn += body.byteLength;
      if (sinceTurn > turnBytes) {
        sinceTurn = 0;
        await setImmediate();
      }
      const decoded = decodeDelivery(body);
      if ('delivery' in decoded) {
        await write(writer, decoded.delivery);
      } else if (decoded.isNewer) {
        // Nothing is wrong with it: it waits until a version runs that reads it.
        throw decoded.unreadable;
      } else {
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
    addCounts(total, counts);
  }
}
