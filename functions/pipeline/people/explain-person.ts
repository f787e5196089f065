import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import * as z from 'zod';
import { UsageError } from '#core/errors';
import { type IdentifierKind, identifierKinds } from '#core/event';
import { kindOfHash } from '#core/named-identifier';
import type { MartReader, SqlValue, Store } from '#core/ports';
import { readUnlinks } from '#pipeline/people/unlinks';

/** One link of two identifiers, and the event that showed both. */
export interface StoryLink {
  identifier: string;
  with: string;
  event_id: string;
  event_type: string | null;
  source: string | null;
  channel: string | null;
  device_class: string | null;
  /** When the event occurred, or came in where that was earlier; UTC. */
  linked_at: string;
}

/** One thing of a person's life, in UTC and in the company's time. */
export interface StoryEntry {
  at: string;
  local_time: string;
  entry: 'touch' | 'conversion' | 'stage';
  /** Type of the touch or conversion, or the stage. */
  what: string;
  channel: string | null;
  device_class: string | null;
  campaign: string | null;
  /** The system that told of it. */
  source: string | null;
  /** Touch, conversion, or the event that let the person into the stage. */
  id: string;
  revenue: string | null;
}

/** What was or is known as one person. */
export interface PersonStory {
  identifiers: { identifier: string; kind: IdentifierKind | null; because: StoryLink[] }[];
  /** Shared identifiers that events of this person carried too: they tie nobody. */
  ignored: { identifier: string; kind: IdentifierKind | null; links: StoryLink[] }[];
  /** Links of these identifiers that people took out. */
  unlinked: { identifier_a: string; identifier_b: string; unlinked_at: string }[];
  story: StoryEntry[];
}

export interface ExplainedPerson {
  /** The person as of the published build. */
  person_id: string;
  /** Another name that was asked for and leads to this person. */
  asked_for?: string;
  time_zone: string;
  /** What was known at this instant (UTC); the published build where absent. */
  at?: string;
  /** One, unless `at` lies before what today ties together: then each part that stood alone. */
  known_as: PersonStory[];
}

type Row = Record<string, SqlValue>;

async function rowsOf(reader: MartReader, sql: string): Promise<Row[]> {
  const { columns, rows } = await reader.query(sql);
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null])));
}

const textOf = (value: SqlValue | undefined): string | null =>
  value === null || value === undefined ? null : String(value);
const instantOf = (value: SqlValue | undefined): string => new Date(String(value)).toISOString();

/** Identifiers and names of persons are hashes, so one fits into a statement as it stands. */
function literal(hash: string): string {
  if (!/^[a-z]:(?:[0-9a-f]{24}|[0-9a-f]{32})$/.test(hash)) {
    throw new UsageError('no identifier and no person is called that', {
      mend: 'name a person_id, or an identifier as people write it',
    });
  }
  return `'${hash}'`;
}

async function findPerson(reader: MartReader, hash: string): Promise<string> {
  const name = literal(hash);
  const [found] = await rowsOf(
    reader,
    `select person_id from persons where person_id = ${name}
     union all select new_person_id from person_aliases where old_person_id = ${name}`,
  );
  if (found !== undefined) return String(found.person_id);
  const hubs = await rowsOf(reader, `select linked_kind, links from identity_hubs where identifier = ${name}`);
  if (hubs.length > 0) {
    const links = hubs.map((hub) => `${hub.links} of kind ${hub.linked_kind}`).join(', ');
    throw new UsageError(`${hash} is a shared identifier (linked with ${links}), so it is nobody's`, {
      mend: 'ask for another identifier of the person; identity.limits says what is shared',
    });
  }
  throw new UsageError(`the published build knows no person ${hash}`, {
    mend: 'check how the identifier is written (kind:value names its kind), or run `percorso build` if it is new',
  });
}

function localTimes(timeZone: string): (instant: string) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return (instant) => format.format(new Date(instant));
}

const entryOrder = { touch: 0, stage: 1, conversion: 2 } as const;

async function readStory(reader: MartReader, person: string, events: ReadonlyMap<string, Row>, timeZone: string) {
  const local = localTimes(timeZone);
  const entry = (row: Row, kind: StoryEntry['entry'], event: Row | undefined): StoryEntry => ({
    at: instantOf(row.at),
    local_time: local(instantOf(row.at)),
    entry: kind,
    what: String(row.what),
    channel: textOf(row.channel ?? event?.channel),
    device_class: textOf(row.device_class ?? event?.device_class),
    campaign: textOf(row.campaign ?? event?.campaign),
    source: textOf(event?.source),
    id: String(row.id),
    revenue: textOf(row.revenue),
  });
  const [touches, conversions, stages] = [
    await rowsOf(
      reader,
      `select touch_id as id, occurred_at as at, touch_type as what, channel, device_class, campaign
       from touches where person_id = ${literal(person)}`,
    ),
    await rowsOf(
      reader,
      `select conversion_id as id, occurred_at as at, conversion_type as what, revenue
       from conversions where person_id = ${literal(person)}`,
    ),
    await rowsOf(
      reader,
      // A stage entry's own channel is that of the person's first contact; here it is that of the event.
      `select trigger_event_id as id, entered_at as at, stage as what
       from stage_entries where person_id = ${literal(person)}`,
    ),
  ];
  // The id of an order's conversion is the order's, not the event's.
  const orderAt = new Map(
    [...events.values()]
      .filter((event) => event.event_type === 'Order Completed')
      .map((event) => [instantOf(event.occurred_at), event]),
  );
  const story = [
    ...touches.map((row) => entry(row, 'touch', events.get(String(row.id)))),
    ...stages.map((row) => entry(row, 'stage', events.get(String(row.id)))),
    ...conversions.map((row) => {
      const key = String(row.id).replace(/^[^/]*\//, '');
      return entry(row, 'conversion', events.get(key) ?? orderAt.get(instantOf(row.at)));
    }),
  ];
  return story.sort(
    (a, b) =>
      (a.at < b.at ? -1 : a.at > b.at ? 1 : 0) ||
      entryOrder[a.entry] - entryOrder[b.entry] ||
      (a.id < b.id ? -1 : 1) ||
      (a.what < b.what ? -1 : 1),
  );
}

/**
 * How a person was put together: what happened to them in time order, which identifiers are theirs, and why.
 * @param hash a person_id, or the keyed hash of an identifier; an older name leads to today's.
 * @param options.at what was known at this instant: only events that had occurred and come in by then, and only links that
 *   these show. Shared identifiers and unlinks are those of today. Reads the raw objects of the person's events.
 * @param options.isPerson the hash was meant as a person_id: `at` then shows every part of the person, else the one that the
 *   identifier was in.
 * @throws UsageError where the build knows no such person, or the identifier is shared.
 */
export async function explainPerson(
  store: Store,
  reader: MartReader,
  hash: string,
  options: { timeZone: string; at?: Date; isPerson?: boolean },
): Promise<ExplainedPerson> {
  const person = await findPerson(reader, hash);
  const events = new Map(
    (
      await rowsOf(
        reader,
        `select source, event_id, event_type, channel, campaign, device_class, occurred_at, received_at, raw_object
         from events where person_id = ${literal(person)} and not is_bot`,
      )
    ).map((row) => [`${row.source}/${row.event_id}`, row]),
  );
  const story = await readStory(reader, person, events, options.timeZone);
  const unlinks = await readUnlinks(store);
  const known = {
    person_id: person,
    ...(hash === person ? {} : { asked_for: hash }),
    time_zone: options.timeZone,
  };
  if (options.at === undefined) {
    return { ...known, known_as: [await today(reader, person, events, story, unlinks)] };
  }
  const parts = await knownAt(store, reader, events, options.at, unlinks);
  const isWhole = options.isPerson === true && hash === person;
  return {
    ...known,
    at: options.at.toISOString(),
    known_as: parts
      .filter((part) => isWhole || part.identifiers.has(hash))
      .map((part) => tell(part, story, events, options.at ?? new Date(), unlinks)),
  };
}

function whyOf(row: Row, event: Row | undefined): Omit<StoryLink, 'identifier' | 'with'> {
  return {
    event_id: String(row.event_id),
    event_type: textOf(event?.event_type),
    source: textOf(event?.source),
    channel: textOf(event?.channel),
    device_class: textOf(event?.device_class),
    linked_at: instantOf(row.linked_at),
  };
}

const rankOf = (identifier: string): number => {
  const kind = kindOfHash(identifier);
  return kind === undefined ? identifierKinds.length : identifierKinds.indexOf(kind);
};
const byRank = (a: string, b: string): number => rankOf(a) - rankOf(b) || (a < b ? -1 : 1);

function listIdentifiers(identifiers: ReadonlySet<string>, links: readonly StoryLink[]): PersonStory['identifiers'] {
  return [...identifiers].sort(byRank).map((identifier) => ({
    identifier,
    kind: kindOfHash(identifier) ?? null,
    because: links
      .filter((link) => link.identifier === identifier || link.with === identifier)
      .map((link) => (link.identifier === identifier ? link : { ...link, identifier, with: link.identifier }))
      .sort((a, b) => (a.linked_at < b.linked_at ? -1 : a.linked_at > b.linked_at ? 1 : byRank(a.with, b.with))),
  }));
}

type Unlinks = Awaited<ReturnType<typeof readUnlinks>>;

function unlinksOf(unlinks: Unlinks, identifiers: ReadonlySet<string>): PersonStory['unlinked'] {
  return unlinks.filter((pair) => identifiers.has(pair.identifier_a) || identifiers.has(pair.identifier_b));
}

async function today(
  reader: MartReader,
  person: string,
  events: ReadonlyMap<string, Row>,
  story: StoryEntry[],
  unlinks: Unlinks,
): Promise<PersonStory> {
  const name = literal(person);
  const links = (
    await rowsOf(
      reader,
      `select identifier_a, identifier_b, event_id, linked_at from identity_links where person_id = ${name}`,
    )
  ).map((row) => ({
    identifier: String(row.identifier_a),
    with: String(row.identifier_b),
    ...whyOf(row, events.get(String(row.event_id))),
  }));
  const identifiers = new Set(links.flatMap((link) => [link.identifier, link.with]));
  if (kindOfHash(person) !== undefined) identifiers.add(person);
  const own = `select old_person_id as identifier from person_aliases where new_person_id = ${name} union all select ${name}`;
  const shared = await rowsOf(
    reader,
    `with own as (${own}), hubs as (select distinct identifier from identity_hubs),
     near as (
       select identifier_a as mine, identifier_b as other, event_id, linked_at from identity_links where person_id is null
       union all
       select identifier_b, identifier_a, event_id, linked_at from identity_links where person_id is null
     )
     select near.other, near.mine, near.event_id, near.linked_at from near
     inner join own on own.identifier = near.mine inner join hubs on hubs.identifier = near.other
     order by near.other, near.linked_at, near.mine`,
  );
  const hubs = [...new Set(shared.map((row) => String(row.other)))].sort(byRank);
  return {
    identifiers: listIdentifiers(identifiers, links),
    ignored: hubs.map((identifier) => ({
      identifier,
      kind: kindOfHash(identifier) ?? null,
      links: shared
        .filter((row) => row.other === identifier)
        .map((row) => ({ identifier, with: String(row.mine), ...whyOf(row, events.get(String(row.event_id))) })),
    })),
    unlinked: unlinksOf(unlinks, identifiers),
    story,
  };
}

const rawEvent = z.object({
  source: z.string(),
  event_id: z.string(),
  event_type: z.string(),
  received_at: z.string(),
  keys: z.partialRecord(z.enum(identifierKinds), z.string()).prefault({}),
  value: z.object({ order_id: z.string().optional() }).optional(),
});
type RawEvent = z.output<typeof rawEvent>;

const expand = promisify(gunzip);

/** What raw holds of these events, by source and id. */
async function readRaw(store: Store, events: ReadonlyMap<string, Row>, at: string): Promise<Map<string, RawEvent>> {
  const found = new Map<string, RawEvent>();
  for (const key of new Set([...events.values()].map((event) => String(event.raw_object)))) {
    const body = await store.get(key);
    if (body === undefined) continue;
    const text = new TextDecoder().decode(key.endsWith('.gz') ? await expand(body) : body);
    for (const line of text.split('\n')) {
      const id = /"event_id":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
      if (id === undefined) continue;
      const read = rawEvent.safeParse(JSON.parse(line));
      if (!read.success || read.data.received_at > at) continue;
      const name = `${read.data.source}/${read.data.event_id}`;
      if (events.has(name) && !found.has(name)) found.set(name, read.data);
    }
  }
  return found;
}

interface Part {
  identifiers: Set<string>;
  events: Set<string>;
  orders: Set<string>;
  links: StoryLink[];
  ignored: Map<string, StoryLink[]>;
}

/** Today's person as it stood in parts at an instant, by what had come in then. */
async function knownAt(
  store: Store,
  reader: MartReader,
  events: ReadonlyMap<string, Row>,
  at: Date,
  unlinks: Unlinks,
): Promise<Part[]> {
  const limit = at.toISOString();
  const then = new Map(
    [...events]
      .filter(([, event]) => instantOf(event.received_at) <= limit && instantOf(event.occurred_at) <= limit)
      .sort(([a, one], [b, other]) => {
        const [first, second] = [instantOf(one.received_at), instantOf(other.received_at)];
        return first < second ? -1 : first > second ? 1 : a < b ? -1 : 1;
      }),
  );
  const raw = await readRaw(store, then, limit);
  const hubs = new Set(
    (await rowsOf(reader, 'select distinct identifier from identity_hubs')).map((row) => row.identifier),
  );
  const apart = new Set(
    unlinks.flatMap((pair) => [
      `${pair.identifier_a} ${pair.identifier_b}`,
      `${pair.identifier_b} ${pair.identifier_a}`,
    ]),
  );

  const parent = new Map<string, string>();
  const find = (identifier: string): string => {
    let root = identifier;
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up;
    return root;
  };
  const links = new Map<string, StoryLink>();
  const ignored: StoryLink[] = [];
  const join = (a: string, b: string, name: string): void => {
    if (a === b || apart.has(`${a} ${b}`)) return;
    const event = then.get(name);
    const seen = [instantOf(event?.received_at), instantOf(event?.occurred_at)].sort()[0] ?? limit;
    const link = { identifier: a, with: b, ...whyOf({ event_id: name, linked_at: seen }, event) };
    if (hubs.has(a) || hubs.has(b)) {
      ignored.push(hubs.has(a) ? link : { ...link, identifier: b, with: a });
      return;
    }
    if (!links.has(`${a} ${b}`)) links.set(`${a} ${b}`, link);
    parent.set(find(a), find(b));
  };
  const orders = new Map<string, string[]>();
  const owner = new Map<string, string>();
  for (const name of then.keys()) {
    const event = raw.get(name);
    if (event === undefined) continue;
    const keys = identifierKinds.flatMap((kind) => event.keys[kind] ?? []);
    for (const key of keys) if (!hubs.has(key) && !parent.has(key)) parent.set(key, key);
    for (const [index, a] of keys.entries()) for (const b of keys.slice(index + 1)) join(a, b, name);
    const order = event.event_type === 'Order Completed' ? event.value?.order_id : undefined;
    if (order !== undefined) {
      const before = orders.get(order) ?? [];
      for (const a of before) {
        for (const b of keys) {
          if (byRank(a, b) < 0) join(a, b, name);
          else join(b, a, name);
        }
      }
      orders.set(order, [...new Set([...before, ...keys])]);
    }
    const first = keys.find((key) => !hubs.has(key));
    if (first !== undefined) owner.set(name, first);
  }
  const parts = new Map<string, Part>();
  for (const identifier of parent.keys()) {
    const root = find(identifier);
    const part = parts.get(root) ?? {
      identifiers: new Set(),
      events: new Set(),
      orders: new Set(),
      links: [],
      ignored: new Map(),
    };
    parts.set(root, part);
    part.identifiers.add(identifier);
  }
  for (const link of links.values()) parts.get(find(link.identifier))?.links.push(link);
  for (const link of ignored) {
    const part = parts.get(find(link.with));
    part?.ignored.set(link.identifier, [...(part.ignored.get(link.identifier) ?? []), link]);
  }
  for (const [name, first] of owner) {
    const part = parts.get(find(first));
    part?.events.add(name);
    const order = raw.get(name)?.value?.order_id;
    if (order !== undefined) part?.orders.add(order);
  }
  return [...parts.values()];
}

function tell(
  part: Part,
  story: readonly StoryEntry[],
  events: ReadonlyMap<string, Row>,
  at: Date,
  unlinks: Unlinks,
): PersonStory {
  const limit = at.toISOString();
  return {
    identifiers: listIdentifiers(part.identifiers, part.links),
    ignored: [...part.ignored].map(([identifier, links]) => ({
      identifier,
      kind: kindOfHash(identifier) ?? null,
      links,
    })),
    unlinked: unlinksOf(unlinks, part.identifiers).filter((pair) => pair.unlinked_at <= limit),
    story: story.filter((entry) => {
      if (entry.at > limit) return false;
      const key = entry.entry === 'conversion' ? entry.id.replace(/^[^/]*\//, '') : entry.id;
      return part.events.has(key) || (entry.entry === 'conversion' && !events.has(key) && part.orders.has(key));
    }),
  };
}
