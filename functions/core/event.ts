import * as z from 'zod';

/** Kinds of identifier, strong ones first. `email` and `phone` go in plain and are kept as keyed hashes only. */
export const identifierKinds = ['user_id', 'crm_id', 'loyalty_card', 'email', 'phone', 'anonymous_id'] as const;
export type IdentifierKind = (typeof identifierKinds)[number];

const text = z.string().max(2048);
/** Identifiers may arrive as numbers; they are names, not amounts. */
const identifier = z.union([z.string().trim().min(1).max(512), z.number().int().transform(String)]);
/** A decimal in text or a number; kept as text so that nothing is rounded on the way. */
const amount = z.union([
  z.string().regex(/^-?\d{1,15}(\.\d{1,9})?$/, 'an amount such as "120.00"'),
  z.number().refine((value) => Number.isFinite(value) && Math.abs(value) < 1e15, 'a finite amount'),
]);
const instant = z.iso.datetime({
  offset: true,
  message: 'an instant with offset or Z, such as 2026-01-05T10:00:00+01:00',
});

/** The canonical event as it goes in (docs/interface.md). Unknown fields are kept in `properties`. */
export const eventSchema = z.looseObject({
  event_id: z.string().min(1).max(512).optional(),
  event_type: z.string().trim().min(1).max(200),
  occurred_at: instant,
  /** When the sender last changed this fact: of two versions the later one counts. */
  updated_at: instant.optional(),
  source: z.string().min(1).max(100),
  identifiers: z
    .strictObject({
      anonymous_id: identifier.nullish(),
      user_id: identifier.nullish(),
      crm_id: identifier.nullish(),
      loyalty_card: identifier.nullish(),
      email: identifier.nullish(),
      phone: identifier.nullish(),
    })
    .prefault({}),
  touch: z
    .strictObject({
      channel: text.nullish(),
      source: text.nullish(),
      medium: text.nullish(),
      campaign: text.nullish(),
      campaign_id: text.nullish(),
      content: text.nullish(),
      term: text.nullish(),
      referrer: z.string().max(8192).nullish(),
      landing_page: z.string().max(8192).nullish(),
    })
    .prefault({}),
  device: z
    .strictObject({
      class: z.enum(['desktop', 'mobile', 'tablet', 'tv', 'offline', 'other']).nullish(),
      os: text.nullish(),
      browser: text.nullish(),
      user_agent: z.string().max(4096).nullish(),
      is_bot: z.boolean().nullish(),
    })
    .prefault({}),
  place: z.strictObject({ country: text.nullish(), region: text.nullish() }).prefault({}),
  consent: z.strictObject({ analytics: z.boolean().nullish(), marketing: z.boolean().nullish() }).prefault({}),
  value: z
    .strictObject({
      order_id: identifier.nullish(),
      revenue: amount.nullish(),
      tax: amount.nullish(),
      shipping: amount.nullish(),
      discount: amount.nullish(),
      margin: amount.nullish(),
      currency: z
        .string()
        .regex(/^[A-Z]{3}$/, 'an ISO currency code such as "EUR"')
        .nullish(),
      lines: z
        .array(z.looseObject({ sku: identifier.nullish(), quantity: z.number().nullish(), price: amount.nullish() }))
        .nullish(),
    })
    .prefault({}),
  properties: z.record(z.string(), z.unknown()).prefault({}),
});
export type EventInput = z.input<typeof eventSchema>;

/** One line of `raw/events`: what the door makes of an accepted event. Absent values are left out of the JSON. */
export interface StoredEvent {
  source: string;
  event_id: string;
  /** The event brought no id: this one was made of what it held when it came in. */
  made_id?: true;
  event_type: string;
  /** ISO, UTC, milliseconds, `Z`. */
  occurred_at: string;
  received_at: string;
  updated_at?: string;
  /** Who said it: a browser's key is public, so what it says of orders and strong identifiers does not count. */
  trust: 'server' | 'browser' | 'file';
  /** Keyed hashes, all of them: `u:`, `c:`, `l:`, `e:`, `p:` or `a:` and 24 hex digits (32 once the key was changed). SQL holds no secret. */
  keys: Partial<Record<IdentifierKind, string>>;
  /** What the sender calls the person, for systems that resolve it. Never an e-mail address or a phone number. */
  identifiers?: Partial<Record<'anonymous_id' | 'user_id' | 'crm_id' | 'loyalty_card', string>>;
  touch?: {
    channel?: string;
    source?: string;
    medium?: string;
    campaign?: string;
    campaign_id?: string;
    content?: string;
    term?: string;
    referrer?: string;
    /** The referrer's host, lower case, without www., m. or l. */
    referrer_host?: string;
    landing_page?: string;
    /** Which click identifier the address carried: gclid, gbraid, wbraid, msclkid, ttclid, li_fat_id, twclid, fbclid. */
    click_id_kind?: string;
  };
  device?: { class?: string; os?: string; browser?: string };
  is_bot?: boolean;
  place?: { country?: string; region?: string };
  consent?: { analytics?: boolean; marketing?: boolean };
  value?: {
    order_id?: string;
    revenue?: string;
    tax?: string;
    shipping?: string;
    discount?: string;
    margin?: string;
    currency?: string;
  };
  /** Of Feedback Given, 0 to 10. */
  score?: number;
  /** Of Feedback Given: which survey (properties.kind), such as nps or csat. */
  feedback_kind?: string;
  /** Ties a Referral Made to the lead it became (properties.referral_id of both). */
  referral_id?: string;
  /** The day since when the person is a customer, as a CRM knows it (properties or traits `customer_since`): `YYYY-MM-DD`. */
  customer_since?: string;
  /** JSON text: all the rest, order lines included. */
  properties?: string;
  schema_version: 1;
}

/** The columns of `raw_events` as an engine reads them from JSON Lines; the builder adds `raw_object`, the object's key. */
export const rawEventColumns = {
  source: 'varchar',
  event_id: 'varchar',
  event_type: 'varchar',
  occurred_at: 'varchar',
  received_at: 'varchar',
  updated_at: 'varchar',
  trust: 'varchar',
  keys: 'struct(user_id varchar, crm_id varchar, loyalty_card varchar, email varchar, phone varchar, anonymous_id varchar)',
  touch:
    'struct(channel varchar, source varchar, medium varchar, campaign varchar, campaign_id varchar, content varchar, term varchar, referrer_host varchar, landing_page varchar, click_id_kind varchar)',
  device: 'struct(class varchar, os varchar, browser varchar)',
  is_bot: 'boolean',
  consent: 'struct(analytics boolean, marketing boolean)',
  value:
    'struct(order_id varchar, revenue varchar, tax varchar, shipping varchar, discount varchar, margin varchar, currency varchar)',
  score: 'double',
  feedback_kind: 'varchar',
  referral_id: 'varchar',
  customer_since: 'varchar',
} as const;
