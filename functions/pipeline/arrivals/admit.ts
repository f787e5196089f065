import Big from 'big.js';
import type * as z from 'zod';
import type { Config } from '#core/config';
import { costSchema, type StoredCost } from '#core/cost';
import { createDeviceReader } from '#core/device';
import { eventSchema, identifierKinds, type StoredEvent } from '#core/event';
import { createHashChain, type IdentifierKey } from '#core/identifier-key';
import { createIdentifiers, normaliseEmail } from '#core/identifiers';
import type { Clock } from '#core/ports';
import { createReportingDay } from '#core/reporting-day';
import type { VaultEntry } from '#core/vault';

export interface AdmitContext {
  config: Config;
  /** The secret of the keyed hashes. */
  identifierKey: IdentifierKey;
  /** Seals an address for the vault; where it is absent nothing is kept for later sending. */
  sealAddress?: ((address: string) => string) | undefined;
  /** Who says it. A browser's key is public. */
  trust: StoredEvent['trust'];
  /** When it came in: one instant for a file, a clock for a door that stays open. */
  receivedAt: Date | Clock;
  /** Whether money of this currency and day can be converted (createRateCheck of #core/fx-rates). */
  hasRate(currency: string, day: string): boolean;
}

/** `column` is the field that was wrong, such as `value.revenue`. Neither message nor column holds an address. */
export type Admitted<T> = { ok: true; value: T } | Refused;
interface Refused {
  ok: false;
  reason: string;
  message: string;
  column?: string;
}

/** An event, and what it says for the vault. */
export type AdmittedEvent = { ok: true; value: StoredEvent; vault: readonly VaultEntry[] } | Refused;

/** An id, or how to make one of the hash of what the event holds. */
export type FallbackId = string | ((contentHash: string) => string);

export interface Admitter {
  /** The stored shape of a canonical event, or why it is not taken. `fallbackId` counts where the event brings no id. */
  event(input: unknown, fallbackId?: FallbackId): AdmittedEvent;
  /** The stored shape of a canonical cost, or why it is not taken. */
  cost(input: unknown, importId: string): Admitted<StoredCost>;
}

/** Events that a contract needs: they keep their identifiers also without consent for analytics. */
const contractEvents = new Set(['Order Completed', 'Order Refunded']);
/** Says that the person withdrew: its keys are kept, and nothing else, so that builds can strip what came before. */
const consentEvent = 'Consent Changed';
const feedbackEvent = 'Feedback Given';
const clickIds = ['gclid', 'gbraid', 'wbraid', 'msclkid', 'ttclid', 'li_fat_id', 'twclid', 'fbclid'] as const;
const moneyFields = ['revenue', 'tax', 'shipping', 'discount', 'margin'] as const;
const groups = ['identifiers', 'touch', 'device', 'place', 'consent', 'value'] as const;
const groupFields: Record<(typeof groups)[number], Set<string>> = {
  identifiers: new Set(identifierKinds),
  touch: new Set([
    'channel',
    'source',
    'medium',
    'campaign',
    'campaign_id',
    'content',
    'term',
    'referrer',
    'landing_page',
  ]),
  device: new Set(['class', 'os', 'browser', 'user_agent', 'is_bot']),
  place: new Set(['country', 'region']),
  consent: new Set(['analytics', 'marketing']),
  value: new Set([...moneyFields, 'order_id', 'currency', 'lines']),
};
const topFields = new Set<string>([
  ...groups,
  'event_id',
  'event_type',
  'occurred_at',
  'updated_at',
  'source',
  'properties',
]);
/** Never stored, wherever a sender puts it. */
const ipFields = new Set(['ip', 'ip_address', 'client_ip']);
/** What other parts of the door have judged already. */
const spentFields = new Set(['schema_version', 'user_hash']);

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An amount as decimal text, exactly as it came: a number's shortest form, written without exponent. */
function decimalText(amount: string | number): string {
  const text = String(amount);
  return text.includes('e') ? new Big(text).toFixed() : text;
}

type Known<T> = { [K in keyof T]?: Exclude<T[K], undefined | null> };

function isKnownOf<T extends object>(_fields: T, kept: object): kept is Known<T> {
  for (const _ in kept) return true;
  return false;
}

/** Leaves out what is undefined, null or empty, so that raw holds only what is known; undefined where nothing is left. */
function compact<T extends object>(fields: T): Known<T> | undefined {
  const kept: Record<string, unknown> = {};
  for (const name in fields) {
    const value: unknown = fields[name];
    if (value !== undefined && value !== null && value !== '') kept[name] = value;
  }
  return isKnownOf(fields, kept) ? kept : undefined;
}

/** The host of a referrer, lower case, without www., m. or l.; undefined where it names none. */
export function referrerHost(referrer: string): string | undefined {
  const host = /^(?:[a-z][a-z0-9+.-]*:)?\/\/(?:[^/?#@]*@)?([^/?#:]+)|^([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?=[/?#:]|$)/i.exec(
    referrer.trim(),
  );
  let name = (host?.[1] ?? host?.[2])?.toLowerCase();
  while (name !== undefined) {
    const shorter = name.replace(/^(?:www|m|l)\./, '');
    if (shorter === name || !shorter.includes('.')) return name;
    name = shorter;
  }
  return undefined;
}

function queryOf(address: string): URLSearchParams | undefined {
  const start = address.indexOf('?');
  if (start < 0) return undefined;
  const end = address.indexOf('#', start);
  return new URLSearchParams(address.slice(start + 1, end < 0 ? undefined : end));
}

/** Moves what the schema does not know out of the way: unknown fields are kept in properties, never a reason to refuse. */
function tidy(input: Record<string, unknown>): { known: Record<string, unknown>; extra: Record<string, unknown> } {
  const known: Record<string, unknown> = {};
  const extra: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input)) {
    if (!topFields.has(name)) {
      if (!ipFields.has(name) && !spentFields.has(name)) extra[name] = value;
    } else if (value !== null && value !== undefined) known[name] = value;
  }
  for (const group of groups) {
    const fields = known[group];
    if (!isRecord(fields)) continue;
    const names = groupFields[group];
    let kept: Record<string, unknown> | undefined;
    for (const [name, value] of Object.entries(fields)) {
      if (names.has(name)) {
        // An empty text is how exports write "none".
        if (value !== '') continue;
      } else if (!ipFields.has(name)) extra[`${group}.${name}`] = value;
      kept ??= { ...fields };
      delete kept[name];
    }
    if (kept !== undefined) known[group] = kept;
  }
  return { known, extra };
}

/**
 * The door's judge of canonical events and costs: what it lets in has the stored shape and holds no e-mail address, phone
 * number or IP address; what it does not let in gets a reason. Never throws on data.
 */
export function createAdmitter(context: AdmitContext): Admitter {
  const { config, trust, sealAddress } = context;
  const identifiers = createIdentifiers(context.identifierKey, config.country);
  const chain = createHashChain(context.identifierKey);
  const readDevice = createDeviceReader();
  const reportingDay = createReportingDay(config.timeZone);
  const { receivedAt } = context;
  const now = () => (typeof receivedAt === 'function' ? receivedAt() : receivedAt);
  const placeholders = new Set(config.identity.placeholders);
  const isPlaceholder = (name: string | null | undefined) => placeholders.has(name?.toLowerCase() ?? '');
  const standsForNobody = ({ user_id, crm_id, loyalty_card }: z.output<typeof eventSchema>['identifiers']) =>
    [user_id, crm_id, loyalty_card].some(isPlaceholder);
  const latestAt = (received: Date) => received.getTime() + config.bounds.maxFutureHours * 3_600_000;

  /** What stood at a path of the input, for a message: short, and without addresses. */
  function shown(input: unknown, path: readonly PropertyKey[]): string {
    let value = input;
    for (const step of path)
      value = isRecord(value) ? value[String(step)] : Array.isArray(value) ? value[Number(step)] : undefined;
    if (value === undefined) return '';
    const text = identifiers.scrubText(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
    return `, got ${typeof value === 'string' ? JSON.stringify(text.slice(0, 80)) : text.slice(0, 80)}`;
  }

  function refusal(error: z.ZodError, input: unknown): Refused {
    const issue = error.issues[0];
    if (issue === undefined) return { ok: false, reason: 'wrong-value', message: 'not a canonical record' };
    const column = issue.path.map(String).join('.');
    let present: unknown = input;
    for (const step of issue.path) present = isRecord(present) ? present[String(step)] : undefined;
    const last = String(issue.path[0] ?? '') === 'value' ? String(issue.path[1] ?? '') : column;
    const isAmount = [...moneyFields, 'spend', 'platform_value', 'impressions', 'clicks', 'platform_conversions'].some(
      (name) => name === last,
    );
    const isMissing = issue.path.length > 0 && (present === undefined || present === null || present === '');
    const isTime = /_at$|_date$/.test(column);
    const reason = isMissing
      ? 'missing-field'
      : issue.code === 'unrecognized_keys'
        ? 'unknown-field'
        : isAmount
          ? 'wrong-number'
          : isTime
            ? 'wrong-date'
            : 'wrong-value';
    const expected = issue.code === 'invalid_union' ? unionMessage(issue) : issue.message;
    const message = isMissing
      ? `${column} is missing`
      : `${column === '' ? 'record' : column}: ${expected}${shown(input, issue.path)}`;
    return { ok: false, reason, message, ...(column === '' ? {} : { column }) };
  }

  function outOfBounds(column: string, text: string): Refused {
    return {
      ok: false,
      reason: 'out-of-bounds',
      message: `${column} is ${text}; taken are ${config.bounds.earliest} to ${config.bounds.maxFutureHours} hours after the record came in`,
      column,
    };
  }

  function noRate(currency: string, day: string, column: string): Refused {
    return {
      ok: false,
      reason: 'no-rate',
      message: `no rate from ${currency} to ${config.currency} for ${day} or the 7 days before it in ${config.money.fxRatesFile}`,
      column,
    };
  }

  type ParsedEvent = z.output<typeof eventSchema>;

  function identify(given: ParsedEvent['identifiers']): {
    keys: NonNullable<StoredEvent['keys']>;
    names: NonNullable<StoredEvent['identifiers']>;
    addresses: { email?: string; phone?: string };
  } {
    const keys: StoredEvent['keys'] = {};
    const addresses: { email?: string; phone?: string } = {};
    const names: NonNullable<StoredEvent['identifiers']> = {};
    const email = given.email ? normaliseEmail(given.email) : undefined;
    const phone = given.phone ? identifiers.phone(given.phone) : undefined;
    if (email !== undefined) {
      keys.email = identifiers.hash('email', email);
      addresses.email = email;
    }
    if (phone !== undefined) {
      keys.phone = identifiers.hash('phone', phone);
      addresses.phone = phone;
    }
    for (const kind of ['user_id', 'crm_id', 'loyalty_card', 'anonymous_id'] as const) {
      const name = given[kind];
      if (!name) continue;
      if (kind !== 'anonymous_id' && isPlaceholder(name)) continue;
      const found = identifiers.recognise(name);
      if (found === undefined) {
        keys[kind] = identifiers.hash(kind, name);
        names[kind] = identifiers.scrubText(name);
        continue;
      }
      // An address given as a name is that address; where another one has its place, it stays a name, as a hash only.
      const hash = identifiers.hash(found.kind, found.value);
      keys[found.kind] ??= hash;
      addresses[found.kind] ??= found.value;
      if (keys[found.kind] !== hash) keys[kind] = identifiers.hash(kind, found.value);
    }
    if (trust === 'browser') {
      // A browser's write key is public, so what it says may tie no strong identifiers together. It may say who is logged
      // in on its own cookie: the hub guard lets a cookie link to one user_id only, so that a forger who names several
      // users on one cookie joins nobody. Cards, CRM numbers, addresses and telephones have no such limit and are dropped.
      for (const kind of identifierKinds) {
        if (kind === 'anonymous_id' || kind === 'user_id') continue;
        delete keys[kind];
        if (kind === 'crm_id' || kind === 'loyalty_card') delete names[kind];
      }
    }
    return { keys, names, addresses };
  }

  function readTouch(given: ParsedEvent['touch'], withAddress: boolean): StoredEvent['touch'] {
    const { referrer, landing_page } = given;
    const query = landing_page ? queryOf(landing_page) : undefined;
    const declared = query?.get('utm_source');
    // Where another source is named already, its medium or campaign with the address's would make a third, untrue one.
    const fits = !given.source || declared?.toLowerCase() === given.source.toLowerCase();
    const said = fits ? query : undefined;
    const field = (value: string | null | undefined, parameter: string) =>
      scrubbed(value || said?.get(parameter)?.slice(0, 2048));
    // Without consent the click identifiers and whatever else an address carries go; what it declared is read before.
    const address = (text: string | null | undefined) => scrubbed(withAddress ? text : text?.replace(/[?#].*$/s, ''));
    return compact({
      channel: scrubbed(given.channel),
      source: field(given.source, 'utm_source'),
      medium: field(given.medium, 'utm_medium'),
      campaign: field(given.campaign, 'utm_campaign'),
      campaign_id: field(given.campaign_id, 'utm_id'),
      content: field(given.content, 'utm_content'),
      term: field(given.term, 'utm_term'),
      referrer: address(referrer),
      referrer_host: scrubbed(referrer ? referrerHost(referrer) : undefined),
      landing_page: address(landing_page),
      click_id_kind: query === undefined ? undefined : clickIds.find((name) => query.get(name)),
    });
  }

  function scrubbed(text: string | null | undefined): string | undefined {
    return text ? identifiers.scrubText(text) : undefined;
  }

  function admitEvent(input: unknown, fallbackId?: FallbackId): AdmittedEvent {
    if (!isRecord(input))
      return { ok: false, reason: 'wrong-value', message: 'an event is an object with named fields' };
    const { known, extra } = tidy(input);
    const parsed = eventSchema.safeParse(known);
    if (!parsed.success) return refusal(parsed.error, input);
    const event = parsed.data;

    const received = now();
    const occurredAt = Date.parse(event.occurred_at);
    const day = reportingDay(occurredAt);
    if (day < config.bounds.earliest || occurredAt > latestAt(received))
      return outOfBounds('occurred_at', event.occurred_at);

    const hasMoney = moneyFields.some((field) => event.value[field] !== undefined && event.value[field] !== null);
    const currency = event.value.currency ?? (hasMoney ? config.currency : undefined);
    if (hasMoney && currency !== undefined && !context.hasRate(currency, day)) {
      return noRate(currency, day, 'value.currency');
    }

    const isContract = contractEvents.has(event.event_type);
    const withIdentifiers = event.consent.analytics !== false || isContract;
    const { keys, names, addresses } = identify(event.identifiers);
    // A refund's person is its order's, so one that names its order needs no identifier of its own; shops tell none.
    const isOfAnOrder = trust !== 'browser' && event.event_type === 'Order Refunded' && event.value.order_id;
    // The order of a guest is an order all the same.
    const isGuests = trust !== 'browser' && isContract && standsForNobody(event.identifiers);
    if (Object.keys(keys).length === 0 && event.consent.analytics !== false && !isOfAnOrder && !isGuests) {
      const given = Object.values(event.identifiers).some((value) => value);
      return {
        ok: false,
        reason: given ? 'wrong-identifier' : 'missing-field',
        message: given
          ? `identifiers: none of them can be used${trust === 'browser' ? '; a browser may send anonymous_id and user_id' : ''}${shown(input, ['identifiers'])}`
          : 'identifiers: one of user_id, crm_id, loyalty_card, email, phone or anonymous_id is needed',
        column: 'identifiers',
      };
    }

    const userAgent = event.device.user_agent ? readDevice(event.device.user_agent) : undefined;
    const device = compact({
      class: event.device.class ?? userAgent?.class,
      os: event.device.os ?? userAgent?.os,
      browser: event.device.browser ?? userAgent?.browser,
    });
    const isBot = event.device.is_bot ?? userAgent?.isBot;

    const given: Record<string, unknown> = { ...event.properties, ...extra };
    if (event.value.lines && event.value.lines.length > 0) given.lines = event.value.lines;
    const score = typeof given.score === 'string' && given.score.trim() !== '' ? Number(given.score) : given.score;
    const hasScore = typeof score === 'number' && Number.isFinite(score);
    if (hasScore) delete given.score;
    const referral = given.referral_id;
    const hasReferral = (typeof referral === 'string' && referral !== '') || typeof referral === 'number';
    if (hasReferral) delete given.referral_id;
    // It decides which order is a person's first, so a browser's key does not say it.
    const customerSince =
      trust === 'browser' ? undefined : /^\d{4}-\d{2}-\d{2}(?!\d)/.exec(String(given.customer_since ?? ''))?.[0];
    if (customerSince !== undefined) delete given.customer_since;
    // Traits and the like name a person in many ways, so without consent none of them is kept.
    const properties = withIdentifiers ? identifiers.scrubValue(given) : undefined;
    const hasProperties = isRecord(properties) && Object.keys(properties).length > 0;

    const touch = readTouch(event.touch, withIdentifiers);
    const place = compact(event.place);
    const consent = compact(event.consent);
    const value = compact({
      order_id: event.value.order_id ? identifiers.scrubText(event.value.order_id) : undefined,
      ...Object.fromEntries(
        moneyFields.map((field) => {
          const amount = event.value[field];
          return [field, amount === undefined || amount === null ? undefined : decimalText(amount)];
        }),
      ),
      currency,
    });
    const body: StoredEvent = {
      source: identifiers.scrubText(event.source),
      event_id: '',
      event_type: identifiers.scrubText(event.event_type),
      occurred_at: new Date(occurredAt).toISOString(),
      received_at: '',
      ...(event.updated_at === undefined ? {} : { updated_at: new Date(event.updated_at).toISOString() }),
      trust,
      keys: withIdentifiers || event.event_type === consentEvent ? keys : {},
      ...(withIdentifiers && Object.keys(names).length > 0 ? { identifiers: names } : {}),
      ...(touch === undefined ? {} : { touch }),
      ...(device === undefined ? {} : { device }),
      ...(isBot === undefined ? {} : { is_bot: isBot }),
      ...(place === undefined ? {} : { place }),
      ...(consent === undefined ? {} : { consent }),
      ...(value === undefined ? {} : { value }),
      ...(hasScore ? { score } : {}),
      ...(hasReferral && withIdentifiers ? { referral_id: identifiers.scrubText(String(referral)) } : {}),
      ...(customerSince !== undefined && withIdentifiers ? { customer_since: customerSince } : {}),
      ...(hasProperties ? { properties: JSON.stringify(properties) } : {}),
      schema_version: 1 as const,
    };
    if (event.event_id === undefined) {
      const contentHash = chain.contentId(JSON.stringify(body));
      body.event_id = typeof fallbackId === 'string' ? fallbackId : (fallbackId?.(contentHash) ?? contentHash);
      if (body.event_id.startsWith(contentHash)) body.made_id = true;
    } else {
      body.event_id = identifiers.scrubText(event.event_id);
    }
    body.received_at = received.toISOString();
    // After the id: it says nothing that properties do not, and an id is the hash of what an event says.
    const kind = event.event_type === feedbackEvent ? given.kind : undefined;
    const feedback_kind = typeof kind === 'string' ? { feedback_kind: identifiers.scrubText(kind) } : {};
    return { ok: true, value: { ...body, ...feedback_kind }, vault: vaultEntries(body, addresses) };
  }

  /**
   * What an event says for later sending: addresses under which nobody refused, or the refusal, of all that it names. A
   * browser's key is public: it neither puts an address in nor takes one out.
   */
  function vaultEntries(event: StoredEvent, addresses: { email?: string; phone?: string }): VaultEntry[] {
    if (sealAddress === undefined || trust === 'browser' || event.is_bot === true) return [];
    const { anonymous_id: _, ...keys } = event.keys;
    const at = event.updated_at ?? event.occurred_at;
    if (event.consent?.analytics === false || event.consent?.marketing === false) {
      return Object.values(keys).map((key) => ({ key, refused_at: at }));
    }
    const said = event.consent?.marketing === true ? { given_at: at } : { seen_at: at };
    const companions = [keys.user_id, keys.crm_id, keys.loyalty_card].filter((key) => key !== undefined);
    return (['email', 'phone'] as const).flatMap((kind) => {
      const [key, address] = [keys[kind], addresses[kind]];
      if (key === undefined || address === undefined) return [];
      const entry = { key, ...said, address: sealAddress(address) };
      return [companions.length === 0 ? entry : { ...entry, with: companions }];
    });
  }

  function admitCost(input: unknown, importId: string): Admitted<StoredCost> {
    const parsed = costSchema.safeParse(input);
    if (!parsed.success) return refusal(parsed.error, input);
    const cost = parsed.data;
    const received = now();
    if (cost.cost_date < config.bounds.earliest || cost.cost_date > reportingDay(latestAt(received))) {
      return outOfBounds('cost_date', cost.cost_date);
    }
    if (!context.hasRate(cost.currency, cost.cost_date)) return noRate(cost.currency, cost.cost_date, 'currency');
    const label = (text: string | null | undefined) => identifiers.scrubText(text ?? '');
    return {
      ok: true,
      value: {
        cost_date: cost.cost_date,
        source: label(cost.source),
        account: label(cost.account),
        campaign_id: label(cost.campaign_id),
        campaign: label(cost.campaign),
        ad_group: label(cost.ad_group),
        ...(cost.channel ? { channel: cost.channel } : {}),
        impressions: cost.impressions ?? 0,
        clicks: cost.clicks ?? 0,
        spend: decimalText(cost.spend),
        currency: cost.currency,
        platform_conversions: cost.platform_conversions ?? 0,
        platform_value: decimalText(cost.platform_value ?? '0'),
        received_at: received.toISOString(),
        import_id: importId,
        schema_version: 1,
      },
    };
  }

  return { event: admitEvent, cost: admitCost };
}

/** Of a value that fits none of several forms: what the forms ask for. */
function unionMessage(issue: { message: string; errors?: unknown }): string {
  const branches = Array.isArray(issue.errors) ? issue.errors.flat() : [];
  const messages = branches.flatMap((branch: unknown) =>
    isRecord(branch) && typeof branch.message === 'string' ? [branch.message] : [],
  );
  return messages.find((message) => !message.startsWith('Invalid input')) ?? messages[0] ?? issue.message;
}
