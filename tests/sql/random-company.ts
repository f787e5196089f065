import fc from 'fast-check';
import type { Arrival, CompanyInput } from './company-on-duckdb.ts';

/*
 * Small random companies: few persons, devices and orders, so that merges, shared devices, ties and versions are common.
 */
export const randomConfig: Exclude<CompanyInput['config'], undefined> = {
  attribution: { lookbackDays: 30 },
  conversions: { demo_booked: { event: 'Demo Booked', lookbackDays: 10, value: '25.00' } },
  sources: { shop: { trust: 1 }, web: { kind: 'browser' } },
};
const start = Date.parse('2026-01-01T00:00:00Z');

const pick = <T>(...values: T[]) => fc.constantFrom(...values);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const traffic = pick<NonNullable<Arrival['touch']>>(
  {},
  {},
  { source: 'google', medium: 'cpc' },
  { source: 'google', medium: 'organic' },
  { source: 'facebook', medium: 'paid_social', campaign: 'spring' },
  { referrer: 'https://blog.example.org/' },
  { landing_page: 'https://x.it/?gclid=1' },
);

/** Instants fall on few days, hours and minutes, so that ties, sessions and windows' ends are common. */
const instant = fc
  .record({ day: fc.integer({ min: 0, max: 75 }), hour: pick(9, 9, 10, 22), minute: pick(0, 0, 10, 30, 45) })
  .map(({ day, hour, minute }) => new Date(start + ((day * 24 + hour) * 60 + minute) * 60_000).toISOString());

export const event = fc
  .record({
    kind: pick(
      ...['Page Viewed', 'Page Viewed', 'Page Viewed', 'Contact', 'Contact', 'Email Clicked', 'Order Completed'],
      ...[
        'Order Completed',
        'Order Refunded',
        'Lead Created',
        'Opportunity Created',
        'Feedback Given',
        'Referral Made',
      ],
      ...['Demo Booked', 'Product Used'],
    ),
    occurred_at: instant,
    anonymous_id: maybe(pick('a1', 'a2', 'a3', 'a4', 'a5', 'a6')),
    user_id: fc.option(pick('u1', 'u2', 'u3', 'u4'), { nil: undefined, freq: 1 }),
    email: fc.option(pick('e1@x.it', 'e2@x.it', 'e3@x.it'), { nil: undefined, freq: 1 }),
    touch: traffic,
    channel: pick('Phone', 'Store', 'Event'),
    order_id: pick('o1', 'o2', 'o3', 'o4', 'o5', 'o6', 'o7', 'o8'),
    source: pick('shop', 'till', 'crm'),
    cents: fc.integer({ min: 0, max: 30_000 }),
    margin: maybe(fc.integer({ min: -500, max: 9_000 })),
    /** Few ids, so that some events are versions of one another. */
    id: fc.integer({ min: 0, max: 70 }),
    updated_at: maybe(instant),
    score: fc.integer({ min: 0, max: 10 }),
    browser: fc.integer({ min: 0, max: 9 }),
    bot: fc.integer({ min: 0, max: 30 }),
  })
  .map((made): Arrival => {
    const isOrder = made.kind.startsWith('Order');
    const money = (cents: number) => (cents / 100).toFixed(2);
    // Some orders are of a till, or without a sum: whose they are, or what they are worth, is not known.
    const lacks = made.cents % 13;
    return {
      event_id: `${made.id}`,
      event_type: made.kind,
      occurred_at: made.occurred_at,
      source: made.source,
      identifiers: {
        anonymous_id: made.anonymous_id ?? (made.user_id || made.email ? undefined : 'a1'),
        user_id: made.user_id,
        email: made.email,
      },
      touch: made.kind === 'Contact' ? { channel: made.channel } : made.touch,
      device: { is_bot: made.bot === 0, ...(isOrder && lacks < 3 ? { class: 'offline' } : {}) },
      ...(made.updated_at === undefined ? {} : { updated_at: made.updated_at }),
      ...(isOrder
        ? {
            value: {
              order_id: made.order_id,
              ...(lacks === 4 ? {} : { revenue: money(made.cents) }),
              ...(made.margin === undefined ? {} : { margin: money(made.margin) }),
            },
          }
        : {}),
      properties: { score: made.score },
      trust: made.browser === 0 ? 'browser' : 'server',
    };
  })
  // A browser may not name an address: what carries nothing else would be refused.
  .map((made) =>
    made.trust === 'browser' && !made.identifiers?.anonymous_id && !made.identifiers?.user_id
      ? { ...made, trust: 'server' as const }
      : made,
  );

export const companies = fc.array(event, { minLength: 30, maxLength: 110 }).chain((events) =>
  fc.record({
    events: fc.constant(events),
    order: fc.shuffledSubarray([...events.keys()], { minLength: events.length, maxLength: events.length }),
    again: fc.subarray([...events.keys()]),
    recordsPerObject: fc.integer({ min: 3, max: 40 }),
    pathStart: pick('lookback' as const, 'after_previous' as const),
  }),
);
