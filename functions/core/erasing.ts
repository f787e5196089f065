import { createHmac } from 'node:crypto';
import { type IdentifierKind, identifierKinds, type StoredEvent } from '#core/event';
import { createHashChain, derived, type IdentifierKey, secretsOf } from '#core/identifier-key';

/** How an erased person is known again without being kept: marks under a secret of their own, derived from the company's. */
export interface ErasedMarks {
  /** The mark of a keyed hash. Neither the identifier nor its keyed hash can be had from it. */
  mark(key: string): string;
  /** The name that an event or order gets whose own name holds an identifier: the same each time it comes in. */
  rename(text: string): string;
  /** The newest form of a mark that an older generation of the key made. */
  raise(mark: string, from: number): string;
  /** The newest form of a name that `rename` made; any other name stays. */
  raiseName(name: string, from: number): string;
}

export function createErasedMarks(identifierKey: IdentifierKey): ErasedMarks {
  const [first = Buffer.alloc(0), ...later] = secretsOf(identifierKey).map((secret) =>
    derived(secret, 'percorso erased keys'),
  );
  const chain = createHashChain(identifierKey);
  const made = (text: string, secret: Buffer) => createHmac('sha256', secret).update(text).digest('hex').slice(0, 32);
  const raise = (mark: string, from: number) =>
    later.slice(from - 1).reduce((text, secret) => made(text, secret), mark);
  return {
    mark: (key) => raise(made(`key ${chain.lower(key)}`, first), 1),
    rename: (text) => `erased-${raise(made(`name ${chain.lowerText(text)}`, first), 1)}`,
    raise,
    raiseName: (name, from) =>
      name.replace(/^erased-([0-9a-f]{32})$/, (_, mark: string) => `erased-${raise(mark, from)}`),
  };
}

/** The first identifier in the order in which kinds name a person, of those for which `counts` holds. */
export function firstKey(keys: StoredEvent['keys'], counts: (key: string) => boolean): string | undefined {
  for (const kind of identifierKinds) {
    const key = keys[kind];
    if (key !== undefined && counts(key)) return key;
  }
  return undefined;
}

/**
 * What stays of an event whose person is erased: what a contract and the totals without persons need. Its time, kind,
 * amounts, order, channel, campaign, page without query and class of device stay; what names the person or describes them
 * goes: identifiers, properties, place, device detail, queries of addresses, search terms.
 * @param keys what stands in place of its identifiers.
 * @param tells whether a text names the person; then it goes, or is renamed where others refer to it.
 */
export function withoutPerson(
  event: StoredEvent,
  keys: StoredEvent['keys'],
  tells: (text: string) => boolean,
  rename: (text: string) => string,
): StoredEvent {
  const { touch, device, value } = event;
  const quiet = (text: string | undefined) => (text === undefined || tells(text) ? undefined : text);
  const named = (text: string) => (tells(text) ? rename(text) : text);
  const kept = {
    channel: quiet(touch?.channel),
    source: quiet(touch?.source),
    medium: quiet(touch?.medium),
    campaign: quiet(touch?.campaign),
    campaign_id: quiet(touch?.campaign_id),
    referrer_host: quiet(touch?.referrer_host),
    landing_page: quiet(touch?.landing_page?.replace(/[?#].*$/s, '')),
    click_id_kind: touch?.click_id_kind,
  };
  const known = Object.fromEntries(Object.entries(kept).filter(([, text]) => text !== undefined));
  return {
    source: event.source,
    event_id: named(event.event_id),
    ...(event.made_id === undefined ? {} : { made_id: event.made_id }),
    event_type: event.event_type,
    occurred_at: event.occurred_at,
    received_at: event.received_at,
    ...(event.updated_at === undefined ? {} : { updated_at: event.updated_at }),
    trust: event.trust,
    keys,
    ...(Object.keys(known).length === 0 ? {} : { touch: known }),
    ...(device?.class === undefined ? {} : { device: { class: device.class } }),
    ...(event.is_bot === undefined ? {} : { is_bot: event.is_bot }),
    ...(event.consent === undefined ? {} : { consent: event.consent }),
    ...(value === undefined
      ? {}
      : { value: { ...value, ...(value.order_id === undefined ? {} : { order_id: named(value.order_id) }) } }),
    ...(event.score === undefined ? {} : { score: event.score }),
    ...(event.referral_id === undefined ? {} : { referral_id: named(event.referral_id) }),
    ...(event.customer_since === undefined ? {} : { customer_since: event.customer_since }),
    schema_version: 1,
  };
}

/** The same event without some of its identifiers: of one that is another person's. */
export function withoutKeys(event: StoredEvent, goes: (key: string) => boolean, tells: (text: string) => boolean) {
  const keys = { ...event.keys };
  const identifiers = { ...event.identifiers };
  for (const kind of identifierKinds) {
    const key = keys[kind];
    if (key === undefined || !goes(key)) continue;
    delete keys[kind];
    if (isNamed(kind)) delete identifiers[kind];
  }
  const { identifiers: _, properties, ...rest } = event;
  return {
    ...rest,
    keys,
    ...(Object.keys(identifiers).length === 0 ? {} : { identifiers }),
    ...(properties === undefined || tells(properties) ? {} : { properties }),
  };
}

function isNamed(kind: IdentifierKind): kind is 'anonymous_id' | 'user_id' | 'crm_id' | 'loyalty_card' {
  return kind !== 'email' && kind !== 'phone';
}

/** Whether a plain identifier is long enough that text which holds it as a word can only mean it. */
export function isTelling(identifier: string): boolean {
  if (/^[\d.,\s-]*$/.test(identifier)) return identifier.replace(/\D/g, '').length >= 8;
  return identifier.length >= 10 || (identifier.length >= 6 && /\d/.test(identifier));
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** Finds any of some plain identifiers as a word of a text, in any case, also URL-encoded; undefined for none. */
export function wordPattern(words: readonly string[]): RegExp | undefined {
  const forms = new Set(words.flatMap((word) => [word, encodeURIComponent(word)].map(escaped)));
  if (forms.size === 0) return undefined;
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${[...forms].join('|')})(?![\\p{L}\\p{N}])`, 'iu');
}
