import { expect, test } from 'vitest';
import { type Arrival, at, type BuiltCompany, companyBuilder, contact, order, visit } from './company-on-duckdb.ts';

const build = companyBuilder();

const login = (day: string, who: string, user_id: string): Arrival => ({
  event_id: `login-${who}-${day}`,
  event_type: 'Identify',
  occurred_at: at(day, '09:00:00'),
  source: 'app',
  identifiers: { anonymous_id: who, user_id },
});
const said = (
  day: string,
  analytics: boolean,
  identifiers: Arrival['identifiers'],
  more: Partial<Arrival> = {},
): Arrival => ({
  event_id: `consent-${day}-${analytics}`,
  event_type: 'Consent Changed',
  occurred_at: at(day, '12:00:00'),
  source: 'crm',
  identifiers,
  consent: { analytics },
  ...more,
});

/** Anna on two devices and by telephone, with an order and a refund; Bruno beside her. */
const before: Arrival[] = [
  visit('laptop', at('2026-05-01'), { source: 'google', medium: 'cpc' }),
  visit('mobile', at('2026-05-02'), { source: 'newsletter', medium: 'email' }),
  login('2026-05-03', 'laptop', 'anna'),
  login('2026-05-04', 'mobile', 'anna'),
  contact('x', 'Phone', at('2026-05-05'), { identifiers: { user_id: 'anna', phone: '+39 02 1234 5678' } }),
  order('x', 'A-1', at('2026-05-06'), '100.00', { identifiers: { user_id: 'anna', email: 'anna@example.org' } }),
  {
    ...order('x', 'A-1', at('2026-05-07'), '40.00', { identifiers: { user_id: 'anna' } }),
    event_type: 'Order Refunded',
    event_id: 'refund-A-1',
  },
  visit('other', at('2026-05-02'), { source: 'google', medium: 'cpc' }),
  order('other', 'B-1', at('2026-05-06'), '70.00'),
];
const between = [visit('mobile', at('2026-05-12'), { source: 'google', medium: 'cpc' })];
const after = [
  visit('mobile', at('2026-05-22'), { source: 'newsletter', medium: 'email' }),
  order('x', 'A-2', at('2026-05-23'), '30.00', { identifiers: { user_id: 'anna', anonymous_id: 'mobile' } }),
  visit('laptop', at('2026-05-24')),
];
/** The same without identifiers, as the door would have taken it from somebody who never consented. */
const stripped = (event: Arrival): Arrival => ({ ...event, identifiers: {}, consent: { analytics: false } });

const tables = 'events,touches,sessions,conversions,credit,persons,identity_links,person_aliases,stage_entries';
const facts = [
  'select event_id, person_id, has_consent from events order by 1',
  'select * from touches order by 1',
  'select * from sessions order by 1',
  'select * from conversions order by 1',
  'select * from credit order by 1, 2, 3',
  'select * from persons order by 1',
  'select * from identity_links order by 1, 2',
  'select * from person_aliases order by 1',
  'select * from stage_entries order by 1, 2',
];
async function same(actual: BuiltCompany, expected: BuiltCompany): Promise<void> {
  for (const fact of facts) expect(await actual.lines(fact), fact).toEqual(await expected.lines(fact));
  expect(actual.failing.error).toEqual([]);
}

test('a withdrawal strips the person’s past on every device, as if it had come without identifiers', async () => {
  const gone = said('2026-05-10', false, { phone: '02 12345678' });
  const events = [...before, gone, ...between];
  const withdrawn = await build({ events });
  const never = await build({
    select: tables,
    events: [
      ...before.map((event) =>
        event.event_id?.includes('other') || event.event_id === 'order-B-1' ? event : stripped(event),
      ),
      stripped(gone),
      ...between.map(stripped),
    ],
  });
  await same(withdrawn, never);
  // The money stays in the ledger, nobody's and unattributed.
  expect(
    await withdrawn.lines(
      "select order_id, revenue, touches_in_window, person_id like 'x:%' from conversions order by 1, 2",
    ),
  ).toEqual(['A-1 -40.00 0 true', 'A-1 100.00 0 true', 'B-1 70.00 1 false']);
  const shuffled = await build({ events: [...events].reverse() });
  await same(shuffled, withdrawn);
}, 60_000);

test('consent given again counts from then on, and ties only what is seen together from then on', async () => {
  const gone = said('2026-05-10', false, { user_id: 'anna' });
  const back = said('2026-05-20', true, { user_id: 'anna' });
  const again = await build({ events: [...before, gone, ...between, back, ...after] });
  const never = await build({
    select: tables,
    events: [
      ...before.map((event) =>
        event.event_id?.includes('other') || event.event_id === 'order-B-1' ? event : stripped(event),
      ),
      stripped(gone),
      ...between.map(stripped),
      back,
      ...after,
    ],
  });
  await same(again, never);
  // The telephone of today is hers again; the laptop has not shown yet that it is.
  expect(
    await again.lines(
      "select events.event_id from touches inner join events on events.source || '/' || events.event_id = touches.touch_id where touches.person_id = (select person_id from conversions where order_id = 'A-2')",
    ),
  ).toEqual([after[0]?.event_id]);
}, 60_000);

test('a browser speaks for its own cookie only: its key is public', async () => {
  const forged = said('2026-05-10', false, { anonymous_id: 'forger', user_id: 'anna' }, { trust: 'browser' });
  const select = 'conversions,credit,touches';
  const calm = await build({ select, events: before });
  const attacked = await build({ select, events: [...before, forged] });
  for (const fact of [
    'select * from conversions order by 1',
    'select * from credit order by 1, 2, 3',
    'select * from touches order by 1',
  ]) {
    expect(await attacked.lines(fact)).toEqual(await calm.lines(fact));
  }
  const own = await build({
    select: 'events,conversions',
    events: [...before, said('2026-05-10', false, { anonymous_id: 'laptop' }, { trust: 'browser' })],
  });
  expect(await own.lines('select count(*) from events where person_id is null')).toEqual(['3']);
  expect(await own.lines("select touches_in_window from conversions where order_id = 'A-1' and revenue > 0")).toEqual([
    '2',
  ]);
}, 60_000);

test('whoever claims a stranger’s order in a browser withdraws for himself alone', async () => {
  const claim = order('forger', 'A-1', at('2026-05-06', '23:00:00'), '1.00', {
    event_id: 'claim',
    source: 'web',
    trust: 'browser',
  });
  const company = await build({
    select: 'events',
    events: [...before, claim, said('2026-05-10', false, { anonymous_id: 'forger' })],
  });
  expect(
    await company.lines(
      "select person_id like 'x:%' from events where event_id in ('order-A-1', 'claim') order by event_id",
    ),
  ).toEqual(['true', 'false']);
});

test('a shared telephone withdraws nobody but the one who said so', async () => {
  const shared = ['c1', 'c2', 'c3', 'c4'].map(
    (crm_id): Arrival =>
      contact('x', 'Phone', at('2026-05-05'), { event_id: crm_id, identifiers: { crm_id, phone: '+39 02 1234 5678' } }),
  );
  const company = await build({
    select: 'events',
    events: [...shared, said('2026-05-10', false, { crm_id: 'c1', phone: '+39 02 1234 5678' })],
  });
  expect(await company.lines('select event_id, person_id is null from events order by 1')).toEqual([
    'c1 true',
    'c2 false',
    'c3 false',
    'c4 false',
    'consent-2026-05-10-false true',
  ]);
});
