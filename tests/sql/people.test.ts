import { beforeAll, describe, expect, test } from 'vitest';
import { type Arrival, at, type BuiltCompany, companyBuilder, order, visit } from './company-on-duckdb.ts';

const build = companyBuilder();

let minute = 0;
/** An event that carries these identifiers, each a minute after the one before. */
function seen(event_id: string, identifiers: Arrival['identifiers'], more: Partial<Arrival> = {}): Arrival {
  minute += 1;
  const occurred_at = new Date(Date.UTC(2026, 5, 1, 8, minute)).toISOString();
  return { event_id, event_type: 'Identify', occurred_at, source: 'app', identifiers, ...more };
}

const events: Arrival[] = [
  // A login ties what the browser did before to the account; two devices to one account.
  seen('login-1', { anonymous_id: 'laptop' }),
  seen('login-2', { anonymous_id: 'laptop', user_id: 'anna' }),
  seen('login-3', { anonymous_id: 'phone', user_id: 'anna' }),
  seen('login-4', { anonymous_id: 'phone' }),
  seen('login-5', { anonymous_id: 'stranger' }),
  // By telephone, however it is written.
  seen('tel-1', { phone: '+39 02 1234 5678', anonymous_id: 'form-visitor' }),
  seen('tel-2', { phone: '0212345678', crm_id: 'C-1' }),
  // By two copies of one order.
  order('x', 'ord-1', at('2026-06-02'), '10.00', { identifiers: { email: 'Bea@Example.org' }, event_id: 'copy-shop' }),
  order('x', 'ord-1', at('2026-06-02'), '10.00', {
    identifiers: { loyalty_card: 'L-9' },
    event_id: 'copy-till',
    source: 'till',
  }),
  seen('copy-card', { loyalty_card: 'L-9', anonymous_id: 'bea-tablet' }),
  // A tablet in the shop on which two accounts log in.
  seen('hub-carl', { anonymous_id: 'tablet', user_id: 'carl' }),
  seen('hub-dora', { anonymous_id: 'tablet', user_id: 'dora' }),
  seen('hub-dora-2', { user_id: 'dora' }),
  seen('hub-alone-1', { anonymous_id: 'tablet' }),
  seen('hub-alone-2', { anonymous_id: 'tablet' }),
  // A tablet on which visitors leave their addresses, without logging in.
  ...['m1', 'm2', 'm3', 'm4'].map((name) =>
    seen(`kiosk-${name}`, { anonymous_id: 'kiosk', email: `${name}@example.org` }),
  ),
  // Three addresses are one person still.
  ...['n1', 'n2', 'n3'].map((name) => seen(`own-${name}`, { anonymous_id: 'own', email: `${name}@example.org` })),
  // An agency's mailbox with four customers; its fourth address makes this browser shared too, though the mailbox is out.
  ...['c1', 'c2', 'c3', 'c4'].map((name) => seen(`agency-${name}`, { email: 'desk@agency.example', crm_id: name })),
  ...['desk@agency.example', 'o1@example.org', 'o2@example.org', 'o3@example.org'].map((email, index) =>
    seen(`browser-${index}`, { email, anonymous_id: 'agency-browser' }),
  ),
  // A strong identifier has any number of cookies.
  ...Array.from({ length: 12 }, (_, index) =>
    seen(`many-${index}`, { user_id: 'mia', anonymous_id: `cookie-${index}` }),
  ),
  // The strong identifier seen first names the person: by the lesser of when it occurred and when it came in.
  seen('name-1', { anonymous_id: 'n' }),
  seen('name-2', { anonymous_id: 'n', email: 'n@example.org' }),
  seen('name-3', { crm_id: 'N-1', email: 'n@example.org' }),
  seen('name-4', { user_id: 'nina', email: 'n@example.org' }),
  seen('clock-1', { user_id: 'otto', email: 'otto@example.org' }),
  seen(
    'clock-2',
    { crm_id: 'O-1', email: 'otto@example.org' },
    { occurred_at: at('2026-06-01', '23:00:00'), received_at: at('2026-06-01', '07:00:00') },
  ),
  // A machine ties nobody.
  seen('bot-1', { anonymous_id: 'bot-cookie', user_id: 'pia' }, { device: { is_bot: true } }),
  seen('bot-2', { anonymous_id: 'bot-cookie' }),
  seen('bot-3', { user_id: 'pia' }),
  // Nobody: no consent, no identifier.
  seen('refused', { anonymous_id: 'silent' }, { consent: { analytics: false } }),
  order('x', 'cash', at('2026-06-03'), '5.00', { identifiers: {}, consent: { analytics: false }, event_id: 'cash-1' }),
  order('x', 'cash-2', at('2026-06-03'), '5.00', {
    identifiers: {},
    consent: { analytics: false },
    event_id: 'cash-2',
  }),
  // A browser's key is public: it may not tie strong identifiers together.
  seen('forged', { user_id: 'quinn', crm_id: 'Q-1', email: 'q@example.org' }, { trust: 'browser' }),
  seen('forged-crm', { crm_id: 'Q-1' }),
  // A chain that grew for long.
  ...Array.from({ length: 40 }, (_, index) =>
    seen(`chain-${index}`, { user_id: `chain-${index}`, phone: `+39 02 5550 ${1000 + Math.floor(index / 2)}` }),
  ),
  ...Array.from({ length: 39 }, (_, index) =>
    seen(`joint-${index}`, { crm_id: `joint-${Math.floor(index / 2)}`, user_id: `chain-${index + (index % 2)}` }),
  ),
];

describe('a person', () => {
  let company: BuiltCompany;
  let persons: Map<string, string>;
  beforeAll(async () => {
    company = await build({ events });
    const rows = await company.query('select event_id, person_id from events');
    persons = new Map(rows.map((row) => [String(row.event_id), String(row.person_id)]));
  }, 60_000);
  const count = (...ids: string[]) => new Set(ids.map((id) => persons.get(id) ?? `no event ${id}`)).size;
  const kindOf = async (event_id: string) =>
    company.lines(
      `select identity_nodes.kind from events inner join identity_nodes on identity_nodes.identifier = events.person_id where events.event_id = '${event_id}'`,
    );

  test('was the browser before the login, and is on every device of the account', () => {
    expect(count('login-1', 'login-2', 'login-3', 'login-4')).toBe(1);
    expect(count('login-1', 'login-5')).toBe(2);
  });

  test('is known by a telephone number, however it is written', () => {
    expect(count('tel-1', 'tel-2')).toBe(1);
  });

  test('is known by two copies of one order, and what each copy carries', () => {
    expect(count('copy-shop', 'copy-till', 'copy-card')).toBe(1);
  });

  test('is not another one by a shared tablet, whose events follow the account that they carry', () => {
    expect(count('hub-carl', 'hub-dora')).toBe(2);
    expect(count('hub-dora', 'hub-dora-2')).toBe(1);
  });

  test('is each event of a shared identifier alone, for itself', () => {
    expect(count('hub-alone-1', 'hub-alone-2', 'hub-carl', 'hub-dora')).toBe(4);
  });

  test('has up to three addresses on one browser; a fourth makes the browser shared', () => {
    expect(count('own-n1', 'own-n2', 'own-n3')).toBe(1);
    expect(count('kiosk-m1', 'kiosk-m2', 'kiosk-m3', 'kiosk-m4')).toBe(4);
  });

  test('is not known by an agency’s mailbox; limits are counted on all links before any is taken out', async () => {
    expect(count('agency-c1', 'agency-c2', 'agency-c3', 'agency-c4')).toBe(4);
    // Three of its four addresses are unshared: had the mailbox gone first, they would be one person.
    expect(count('browser-1', 'browser-2', 'browser-3')).toBe(3);
    expect(await company.lines('select kind, linked_kind, links from identity_hubs order by 1, 2, 3')).toEqual([
      'anonymous_id email 4',
      'anonymous_id email 4',
      'anonymous_id user_id 2',
      'email crm_id 4',
    ]);
  });

  test('may lose any number of cookies', () => {
    expect(count(...Array.from({ length: 12 }, (_, index) => `many-${index}`))).toBe(1);
  });

  test('has the name of the strong identifier that was seen first', async () => {
    expect(count('name-1', 'name-2', 'name-3', 'name-4')).toBe(1);
    expect(await kindOf('name-1')).toEqual(['crm_id']);
    expect(await kindOf('login-1')).toEqual(['user_id']);
  });

  test('was first seen when the event came in, where the clock of the device ran ahead', async () => {
    expect(count('clock-1', 'clock-2')).toBe(1);
    expect(await kindOf('clock-1')).toEqual(['crm_id']);
  });

  test('is not tied together by a machine, nor by what a browser says of strong identifiers', () => {
    expect(count('bot-2', 'bot-3')).toBe(2);
    expect(count('forged', 'forged-crm')).toBe(2);
  });

  test('does not own events without identifiers, but each conversion has somebody', () => {
    expect(persons.get('refused')).toBe('null');
    expect(count('cash-1', 'cash-2', 'refused')).toBe(3);
    expect(persons.get('cash-1')).toMatch(/^x:/);
  });

  test('is one at the end of a long chain of links', () => {
    expect(count(...Array.from({ length: 40 }, (_, index) => `chain-${index}`))).toBe(1);
  });

  test('leads from every name that would have been theirs to the one that is, since the first link', async () => {
    const rows = await company.lines(
      `select identity_nodes.kind, date_format(person_aliases.since, '%H:%i') from person_aliases
       inner join identity_nodes on identity_nodes.identifier = person_aliases.old_person_id
       where person_aliases.new_person_id = '${persons.get('login-1')}' order by 2`,
    );
    expect(rows).toEqual(['anonymous_id 08:02', 'anonymous_id 08:03']);
    // The address was linked twice more: with the number of the CRM and with the account.
    expect(
      await company.lines(
        `select identity_nodes.kind, min(events.event_id) from person_aliases
         inner join identity_nodes on identity_nodes.identifier = person_aliases.old_person_id
         inner join events on events.occurred_at = person_aliases.since and events.event_id like 'name-%'
         where person_aliases.new_person_id = '${persons.get('name-1')}' group by 1 order by 1`,
      ),
    ).toEqual(['anonymous_id name-2', 'email name-2', 'user_id name-4']);
    expect(
      await company.lines(
        'select count(*) from person_aliases where old_person_id in (select identifier from identity_hubs) or old_person_id = new_person_id',
      ),
    ).toEqual(['0']);
  });

  test('has links that say which event made them, and none through a shared identifier', async () => {
    expect(
      await company.lines(
        "select event_id, person_id is not null from identity_links where event_id in ('app/login-2', 'app/hub-carl') order by 1",
      ),
    ).toEqual(['app/hub-carl false', 'app/login-2 true']);
    expect(
      await company.lines(
        `select count(*) from identity_links where person_id is not null
         and (identifier_a in (select identifier from identity_hubs) or identifier_b in (select identifier from identity_hubs))`,
      ),
    ).toEqual(['0']);
  });

  test('counts unshared identifiers, and is identified by more than a browser', async () => {
    expect(
      await company.lines(
        `select identifiers, is_identified from persons where person_id = '${persons.get('login-1')}'
         union all select identifiers, is_identified from persons where person_id = '${persons.get('login-5')}'
         union all select identifiers, is_identified from persons where person_id = '${persons.get('hub-alone-1')}'`,
      ),
    ).toEqual(['3 true', '1 false', '0 false']);
  });

  test('breaks no check', () => {
    expect(company.failing.error).toEqual([]);
  });
});

test('limits are settings', async () => {
  const company = await build({
    select: 'events',
    config: { identity: { limits: { anonymous_id: { user_id: 2 } } } },
    events: [
      seen('a', { anonymous_id: 'family', user_id: 'ma' }),
      seen('b', { anonymous_id: 'family', user_id: 'pa' }),
      visit('family', at('2026-06-01', '12:00:00')),
    ],
  });
  expect(await company.lines('select count(distinct person_id) from events')).toEqual(['1']);
});

describe('of two versions of one event', () => {
  test('the later updated one counts, whichever came in first; equal ones by content', async () => {
    const old = order('a', 'o', at('2026-06-01'), '10.00', { updated_at: at('2026-06-02') });
    const fresh = order('a', 'o', at('2026-06-01'), '12.00', { updated_at: at('2026-06-03') });
    const small = order('b', 'p', at('2026-06-01'), '20.00');
    const large = order('b', 'p', at('2026-06-01'), '30.00');
    const survey = (score: number): Arrival => ({
      ...visit('b', at('2026-06-02')),
      event_id: 's',
      event_type: 'Feedback Given',
      properties: { score },
    });
    const results = [];
    for (const events of [
      [old, fresh, small, large, survey(9), survey(3)],
      [survey(3), large, small, fresh, survey(9), old, fresh],
    ]) {
      const company = await build({ select: 'conversions,person_events', events });
      results.push([
        ...(await company.lines('select order_id, revenue from conversions order by 1')),
        ...(await company.lines("select score from person_events where event_type = 'Feedback Given'")),
      ]);
    }
    expect(results[0]?.[0]).toBe('o 12.00');
    expect(results[1]).toEqual(results[0]);
    expect(results[0]).toHaveLength(3);
  });
});
