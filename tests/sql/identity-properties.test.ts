import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type IdentifierKind, identifierKinds } from '#core/event';
import { type Arrival, at, companyBuilder, order } from './company-on-duckdb.ts';

const build = companyBuilder();

/*
 * The rule again, written apart from the SQL: pairs of identifiers that an event or the copies of an order show, less what
 * was unlinked; identifiers past a limit join nobody; the rest is union-find.
 */
type Carried = Partial<Record<IdentifierKind, string>>;
interface Seen {
  id: string;
  carried: Carried;
  order?: string;
}
const limits: Partial<Record<IdentifierKind, Partial<Record<IdentifierKind, number>>>> = {
  anonymous_id: { user_id: 1, email: 3, phone: 3 },
  email: { user_id: 3, crm_id: 3, loyalty_card: 3 },
  phone: { user_id: 3, crm_id: 3, loyalty_card: 3 },
};

function namesOf(carried: Carried): string[] {
  return identifierKinds.flatMap((kind) => (carried[kind] === undefined ? [] : [`${kind}:${carried[kind]}`]));
}

/** Which events are one person's: groups of event ids, sorted. */
function personsOf(events: readonly Seen[], unlinked: readonly [string, string][] = []): string[] {
  const pairs = new Map<string, [string, string]>();
  const out = new Set(unlinked.flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`]));
  const groups = [...events.map((event) => namesOf(event.carried))];
  for (const key of new Set(events.flatMap((event) => event.order ?? []))) {
    groups.push([...new Set(events.filter((event) => event.order === key).flatMap((event) => namesOf(event.carried)))]);
  }
  for (const group of groups) {
    for (const a of group) for (const b of group) if (a < b && !out.has(`${a} ${b}`)) pairs.set(`${a} ${b}`, [a, b]);
  }
  const neighbours = new Map<string, string[]>();
  for (const [a, b] of pairs.values()) {
    neighbours.set(a, [...(neighbours.get(a) ?? []), b]);
    neighbours.set(b, [...(neighbours.get(b) ?? []), a]);
  }
  const kindOf = (name: string) => identifierKinds.find((kind) => name.startsWith(`${kind}:`)) ?? 'anonymous_id';
  const isShared = (name: string) =>
    Object.entries(limits[kindOf(name)] ?? {}).some(
      ([kind, most]) => (neighbours.get(name) ?? []).filter((other) => kindOf(other) === kind).length > most,
    );
  const shared = new Set([...neighbours.keys()].filter(isShared));
  const parent = new Map<string, string>();
  const find = (name: string): string => {
    const up = parent.get(name) ?? name;
    return up === name ? name : find(up);
  };
  for (const [a, b] of pairs.values()) if (!shared.has(a) && !shared.has(b)) parent.set(find(a), find(b));
  const persons = new Map<string, string[]>();
  for (const { id, carried } of events) {
    const first = namesOf(carried).find((name) => !shared.has(name));
    const person = first === undefined ? `alone ${id}` : find(first);
    persons.set(person, [...(persons.get(person) ?? []), id]);
  }
  return [...persons.values()].map((ids) => ids.sort().join(' ')).sort();
}

const phones = ['+390212345670', '+390212345671', '+390212345672'];
/** An event as it goes in; all facts of it are made of what it is, so that a copy is equal. */
function arrival({ id, carried, order: order_id }: Seen, minute: number): Arrival {
  const identifiers: Arrival['identifiers'] = { ...carried };
  if (carried.email !== undefined) identifiers.email = `${carried.email}@example.org`;
  if (carried.phone !== undefined) identifiers.phone = phones[Number(carried.phone)] ?? '';
  const occurred_at = new Date(Date.UTC(2026, 4, 1, 8, minute)).toISOString();
  if (order_id !== undefined) return order('x', order_id, occurred_at, '10.00', { event_id: id, identifiers });
  return { event_id: id, event_type: 'Identify', occurred_at, source: 'app', identifiers };
}
function written(name: string): string {
  const [kind, value] = name.split(':');
  return kind === 'email' ? `${value}@example.org` : kind === 'phone' ? (phones[Number(value)] ?? '') : name;
}

async function builtPersons(events: readonly Arrival[], more: Partial<Parameters<typeof build>[0]> = {}) {
  const company = await build({ events, now: '2026-06-01T00:00:00Z', select: 'events', ...more });
  expect(company.failing.error).toEqual([]);
  expect(company.refused).toEqual([]);
  const rows = await company.query('select event_id, person_id from events');
  const persons = new Map<string, string[]>();
  for (const { event_id, person_id } of rows) {
    persons.set(String(person_id), [...(persons.get(String(person_id)) ?? []), String(event_id)]);
  }
  const named = await company.lines('select event_id, person_id from events order by 1');
  await company.close();
  return { groups: [...persons.values()].map((ids) => ids.sort().join(' ')).sort(), named };
}

const value = (of: number) => fc.option(fc.integer({ min: 0, max: of - 1 }).map(String), { nil: undefined, freq: 2 });
const carried = fc
  .record({
    user_id: value(9),
    crm_id: value(9),
    loyalty_card: value(9),
    email: value(6),
    phone: value(3),
    anonymous_id: value(9),
  })
  .map(
    (kinds): Carried =>
      Object.fromEntries(
        Object.entries(kinds).flatMap(([kind, name]) => (name === undefined ? [] : [[kind, `v${name}`]])),
      ),
  )
  .map(({ phone, ...rest }): Carried => ({ ...rest, ...(phone === undefined ? {} : { phone: phone.slice(1) }) }))
  .filter((kinds) => Object.keys(kinds).length > 0)
  // Few kinds at once, so that graphs are sparse enough to have several persons.
  .chain((kinds) =>
    fc
      .subarray(Object.entries(kinds), { minLength: 1, maxLength: Math.min(2, Object.keys(kinds).length) })
      .map((some): Carried => Object.fromEntries(some)),
  );
const graphs = fc
  .array(fc.record({ carried, order: fc.option(fc.constantFrom('o1', 'o2', 'o3'), { nil: undefined, freq: 5 }) }), {
    minLength: 1,
    maxLength: 25,
  })
  .map((events) =>
    events.map(
      ({ carried: of, order: key }, index): Seen => ({
        id: `e${index}`,
        carried: of,
        ...(key === undefined ? {} : { order: key }),
      }),
    ),
  );

describe('persons of random graphs', () => {
  test('are those of union-find with the hub rule, in any order, doubled, in several raw objects', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, fc.infiniteStream(fc.nat()), async (events, random) => {
        const arrivals = events.map(arrival);
        const first = await builtPersons(arrivals);
        expect(first.groups).toEqual(personsOf(events));
        const draw = () => Number(random.next().value);
        const doubled = [...arrivals, ...arrivals.filter(() => draw() % 2 === 0)]
          .map((event) => ({ event, at: draw() }))
          .sort((a, b) => a.at - b.at)
          .map(({ event }) => event);
        expect((await builtPersons(doubled, { recordsPerObject: 3 })).named).toEqual(first.named);
      }),
      { numRuns: 20 },
    );
  }, 120_000);

  test('lose an unlinked edge as if it had never been', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, fc.nat(), async (events, pick) => {
        const pairs = events.flatMap(({ carried: of }) => {
          const [a, b] = namesOf(of);
          return a === undefined || b === undefined ? [] : [[a, b] as [string, string]];
        });
        const pair = pairs[pick % Math.max(1, pairs.length)];
        if (pair === undefined) return;
        const unlinks: [string, string][] = [[written(pair[0]), written(pair[1])]];
        expect((await builtPersons(events.map(arrival), { unlinks })).groups).toEqual(personsOf(events, [pair]));
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});

describe('what many share', () => {
  const groupsOf = async (events: readonly Seen[]) => {
    const { groups } = await builtPersons(events.map(arrival));
    expect(groups).toEqual(personsOf(events));
    return groups.length;
  };
  const seen = (id: string, of: Carried): Seen => ({ id, carried: of });

  test('a tablet with 500 logins merges nobody', async () => {
    const logins = Array.from({ length: 500 }, (_, index) =>
      seen(`login-${index}`, { anonymous_id: 'tablet', user_id: `u${index}` }),
    );
    expect(await groupsOf(logins)).toBe(500);
  });

  test('a household of four, a switchboard and a shop’s tablet do not melt into one', async () => {
    // Three accounts on one telephone are within the default limit, as one person's may be; a firm that knows better says so.
    const household = ['ma', 'pa', 'kid'].map((name) => seen(name, { user_id: name, phone: '0' }));
    expect(await groupsOf(household)).toBe(1);
    const config = { identity: { limits: { phone: { user_id: 2 } } } };
    expect((await builtPersons(household.map(arrival), { config })).groups).toHaveLength(3);
    expect(await groupsOf([...household, seen('nan', { user_id: 'nan', phone: '0' })])).toBe(4);
    const switchboard = ['a', 'b', 'c', 'd'].map((name) => seen(name, { crm_id: name, phone: '1' }));
    expect(await groupsOf([...switchboard, seen('call', { phone: '1' }), seen('call-again', { phone: '1' })])).toBe(6);
    const kiosk = ['m', 'n', 'o', 'p'].map((name) => seen(name, { anonymous_id: 'kiosk', email: name }));
    expect(await groupsOf([...kiosk, seen('alone', { anonymous_id: 'kiosk' })])).toBe(5);
  }, 60_000);

  test('what stands for nobody merges nobody', async () => {
    const events = ['guest', '0', 'null', 'undefined', 'Anonymous', 'TEST'].flatMap((nobody) =>
      ['a', 'b'].map(
        (cookie): Arrival => ({
          event_id: `${nobody}-${cookie}`,
          event_type: 'Identify',
          occurred_at: at('2026-05-01'),
          source: 'app',
          identifiers: { user_id: nobody, crm_id: nobody, loyalty_card: nobody, anonymous_id: `${nobody}-${cookie}` },
        }),
      ),
    );
    expect((await builtPersons(events)).groups).toHaveLength(12);
  });
});
