import type { StoredCost } from '#core/cost';
import { createErasedMarks } from '#core/erasing';
import type { StoredEvent } from '#core/event';
import { createHashChain, type IdentifierKey } from '#core/identifier-key';
import type { RejectedRecord } from '#core/lake';
import { createSealing } from '#core/sealing';
import { type VaultEntry, withCompanions } from '#core/vault';

/** Stored records whose hashes are of an older generation of the key, in their newest form. One of the newest stays as it is. */
export interface Raise {
  event(event: StoredEvent, from: number): StoredEvent;
  cost(cost: StoredCost, from: number): StoredCost;
  rejected(record: RejectedRecord, from: number): RejectedRecord;
  entry(entry: VaultEntry, from: number): VaultEntry;
}

/** Every text of a record changed, names of fields included. */
function eachText<T>(value: T, change: (text: string) => string): T;
function eachText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: unknown) => eachText(item, change));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [change(name), eachText(item, change)]));
}

export function createRaise(identifierKey: IdentifierKey): Raise {
  const chain = createHashChain(identifierKey);
  const { raiseName } = createErasedMarks(identifierKey);
  const sealing = createSealing(identifierKey);

  function raisedEvent(event: StoredEvent, from: number): StoredEvent {
    const text = (given: string) => chain.raiseText(given, from);
    const { event_id, properties, value, referral_id, ...rest } = event;
    const name = (given: string) => raiseName(text(given), from);
    const raised: StoredEvent = {
      ...event,
      ...eachText(rest, text),
      event_id: name(event_id),
      ...(value === undefined
        ? {}
        : {
            value: {
              ...eachText(value, text),
              ...(value.order_id === undefined ? {} : { order_id: name(value.order_id) }),
            },
          }),
      ...(referral_id === undefined ? {} : { referral_id: name(referral_id) }),
      // Text of JSON within JSON: its own escapes must not stand before a hash.
      ...(properties === undefined ? {} : { properties: JSON.stringify(eachText(JSON.parse(properties), text)) }),
    };
    if (event.made_id !== true) return raised;
    // Whoever knows the old key could guess at an id that was made of the content.
    return { ...raised, event_id: event_id.replace(/^[0-9a-f]{32}/, (id) => chain.raiseContentId(id, from)) };
  }

  return {
    event: (event, from) => (from >= chain.generation ? event : raisedEvent(event, from)),
    cost: (cost, from) => (from >= chain.generation ? cost : eachText(cost, (text) => chain.raiseText(text, from))),
    rejected(record, from) {
      if (from >= chain.generation) return record;
      const { original, ...rest } = record;
      return {
        ...eachText(rest, (text) => chain.raiseText(text, from)),
        original: sealing.seal(sealing.open(original)),
      };
    },
    entry(entry, from) {
      if (from >= chain.generation) return entry;
      const raised = (key: string) => chain.raise(key, from);
      return withCompanions({ ...entry, key: raised(entry.key) }, (companions) => companions.map(raised));
    },
  };
}
