import { createHmac, randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import * as z from 'zod';
import { createErasedMarks, firstKey, withoutKeys, withoutPerson } from '#core/erasing';
import { identifierKinds, type StoredEvent } from '#core/event';
import { createHashChain, generationOf, type IdentifierKey } from '#core/identifier-key';
import { createIdentifiers, type Identifiers, normaliseEmail } from '#core/identifiers';
import { importOfObject, lake as places } from '#core/lake';
import { hashOfIdentifier } from '#core/named-identifier';
import type { Clock, MartReader, Store, Warehouse } from '#core/ports';
import { createSealing } from '#core/sealing';
import { quoteText } from '#core/sql-text';
import { createVaultOpener } from '#core/vault-sealing';
import { newErasureId, readErasures, writeErasure } from '#pipeline/arrivals/erased-keys';
import { eraseRejected } from '#pipeline/arrivals/rejected';
import { createRawWriter } from '#pipeline/arrivals/store';
import { pruneBuilds } from '#pipeline/builds/publish';
import type { Company } from '#pipeline/company/company';
import { keyFilePath } from '#pipeline/company/keys';
import { createPersonFinder, type PersonFinder } from '#pipeline/people/erase-finder';
import { type Proof, proveErased } from '#pipeline/people/erase-proof';
import { eraseFromVault } from '#pipeline/people/vault';
import { type OpenMarts, withMarts } from '#pipeline/reading/query';

export interface EraseWork {
  /** Moves what waits in the spool into the lake, then builds all days anew and publishes: late facts that wait would move the totals. */
  build(): Promise<void>;
  openMarts: OpenMarts;
  /** An engine that reads Parquet files. */
  warehouse(): Promise<Warehouse>;
  /** Files of `landing/` that hold the person go as well. */
  deleteLanding: boolean;
  say(line: string): void;
  now?: Clock;
  /** Makes the secret of the new keys; only tests give another one. */
  random?(bytes: number): Buffer;
}

/** What was done. No field says who it was. */
export interface EraseResult {
  /** Nothing was known of any of the identifiers, now or at an earlier erasure. */
  isUnknown: boolean;
  persons: number;
  identifiers: number;
  events: number;
  raw_objects: number;
  rejected: number;
  /** Entries of the vault of addresses. */
  vault: number;
  import_records: number;
  builds: number;
  landing_files: number;
  files_searched: number;
  /** Files that hold the person still: they are a person's to clear. */
  held_by_hand: string[];
  /** Files of the lake or the state that hold the person still, such as what came in meanwhile: run again. */
  held: string[];
  /** Totals without persons that are not what they were. */
  moved: { total: string; before: string; after: string }[];
  totals: number;
}

const personShape = z.object({ keys: z.array(z.string()), isIdentified: z.boolean() });
const countsShape = z.object({
  events: z.number(),
  raw_objects: z.number(),
  rejected: z.number(),
  imports: z.number(),
});
/** Kept in the lake while an erasure is under way, and removed with the last step: after a kill it ends as it began. */
const unfinishedShape = z.object({
  id: z.string(),
  secret: z.string(),
  erased_at: z.string(),
  persons: z.array(personShape),
  /** Identifiers that others share, named outright. */
  shared: z.array(z.string()),
  hubs: z.array(z.string()),
  plain: z.array(z.string()),
  before: z.record(z.string(), z.string()),
  counts: countsShape,
});
type Unfinished = z.output<typeof unfinishedShape>;

const expand = promisify(gunzip);
const eventShape = z.custom<StoredEvent>(
  (value) => z.looseObject({ keys: z.looseObject({}) }).safeParse(value).success,
);
const readLine = (line: string) => eventShape.parse(JSON.parse(line));

/**
 * Erases persons: every record of theirs loses what names or describes them, and what a contract and the totals need
 * stays under keys that are made of chance. Killed at any moment and run again, with whatever identifiers, it first ends
 * what it began. The caller holds the lock of the night, so that no import runs beside it.
 * @param given an e-mail address, a telephone number, `kind:value`, a keyed hash or a person_id.
 */
export async function erasePersons(company: Company, given: readonly string[], work: EraseWork): Promise<EraseResult> {
  const key = await company.identifierKey();
  const identifiers = createIdentifiers(key, company.config.country);
  const named = given.map((text) => readIdentifier(text, identifiers));
  const pending = await readUnfinished(company.lake);
  if (pending !== undefined) {
    work.say('an erasure was cut off: it is ended first');
    const ended = await perform(company, pending, identifiers, work);
    const taken = new Set([...pending.persons.flatMap((person) => person.keys), ...pending.shared]);
    if (named.every(({ key: one }) => taken.has(one))) return ended;
  }
  await work.build();
  const now = work.now ?? (() => new Date());
  const random = work.random ?? randomBytes;
  const at = now();
  const { mark } = createErasedMarks(key);
  const erasures = await readErasures(company.lake, key);
  const wasErased = named.some(({ key: one }) =>
    erasures.some(({ marks, shared_marks }) => [...marks, ...shared_marks].includes(mark(one))),
  );
  const found = await withMarts(company.lake, work.openMarts, async (marts) => {
    const people = await findPersons(
      marts,
      named.map(({ key: one }) => one),
    );
    const plain = await meetRaw(company.lake, marts, people, identifiers);
    return { ...people, plain, before: await readTotals(marts) };
  });
  const unfinished: Unfinished = {
    id: newErasureId(at, random),
    secret: random(32).toString('hex'),
    erased_at: at.toISOString(),
    persons: found.persons,
    shared: found.shared,
    hubs: [...found.hubs],
    plain: [...new Set([...named.flatMap((one) => one.plain), ...found.plain])],
    before: found.before,
    counts: { events: 0, raw_objects: 0, rejected: 0, imports: 0 },
  };
  if (found.isKnown) await writeUnfinished(company.lake, unfinished);
  const result = await perform(company, unfinished, identifiers, work, found.isKnown);
  const isFound =
    found.isKnown ||
    wasErased ||
    result.rejected + result.vault + result.held_by_hand.length + result.landing_files > 0;
  return { ...result, isUnknown: !isFound };
}

/** An identifier as people name it: its keyed hash, and its plain forms. */
function readIdentifier(given: string, identifiers: Identifiers): { key: string; plain: string[] } {
  const text = given.trim();
  const key = hashOfIdentifier(text, identifiers);
  if (key === text) return { key, plain: [] };
  const kind = identifierKinds.find((one) => text.startsWith(`${one}:`));
  const value = kind === undefined ? text : text.slice(kind.length + 1).trim();
  if (key.startsWith('e:')) return { key, plain: [normaliseEmail(value) ?? value] };
  if (!key.startsWith('p:')) return { key, plain: [value] };
  return { key, plain: [(identifiers.phone(value) ?? value).replace(/\D/g, ''), value.replace(/\D/g, '')] };
}

interface Found {
  persons: z.output<typeof personShape>[];
  shared: string[];
  hubs: Set<string>;
  isKnown: boolean;
}

const inList = (texts: readonly string[]) => texts.map(quoteText).join(', ');

async function texts(marts: MartReader, sql: string): Promise<string[]> {
  return (await marts.query(sql)).rows.map((row) => String(row[0]));
}

/** The persons of some keyed hashes, each with all identifiers that are its own. Shared ones are nobody's. */
async function findPersons(marts: MartReader, keys: readonly string[]): Promise<Found> {
  const hubs = new Set(await texts(marts, 'select distinct identifier from identity_hubs'));
  const names = new Map<string, Set<string>>();
  const shared = new Set<string>();
  let isKnown = false;
  for (const key of new Set(keys)) {
    if (hubs.has(key)) {
      shared.add(key);
      isKnown = true;
      continue;
    }
    const [person = key] = await texts(
      marts,
      `select new_person_id from person_aliases where old_person_id = ${quoteText(key)}`,
    );
    const own = await texts(
      marts,
      `select old_person_id from person_aliases where new_person_id = ${quoteText(person)}`,
    );
    const seen = await texts(marts, `select person_id from persons where person_id = ${quoteText(person)}`);
    if (own.length + seen.length > 0) isKnown = true;
    names.set(person, new Set([...(names.get(person) ?? []), person, key, ...own].filter((one) => !hubs.has(one))));
  }
  const persons = [...names.values()].map((own) => ({ keys: [...own], isIdentified: isIdentified([...own]) }));
  return { persons, shared: [...shared], hubs, isKnown };
}

const isIdentified = (keys: readonly string[]) => keys.some((key) => !key.startsWith('a:'));

/**
 * Reads raw for what the tables cannot tell: identifiers that came with the persons' own after the last whole day, which
 * no build has read yet, and what the identifiers are in plain.
 */
async function meetRaw(lake: Store, marts: MartReader, found: Found, identifiers: Identifiers): Promise<string[]> {
  const plain = new Set<string>();
  for (;;) {
    const owners = new Map(found.persons.flatMap((person) => person.keys.map((key) => [key, person] as const)));
    const finder = createPersonFinder(identifiers, [...owners.keys(), ...found.shared], []);
    const met = new Map<string, (typeof found.persons)[number]>();
    for await (const { text } of rawObjects(lake)) {
      if (!finder.says(text)) continue;
      for (const line of text.split('\n')) {
        if (line === '' || !finder.says(line)) continue;
        const event = readLine(line);
        const owner = owners.get(firstKey(event.keys, (key) => !found.hubs.has(key)) ?? '');
        for (const kind of identifierKinds) {
          const key = event.keys[kind];
          if (key === undefined) continue;
          const isOwn = owners.has(key) || found.shared.includes(key);
          if (isOwn) found.isKnown = true;
          const name = kind === 'email' || kind === 'phone' ? undefined : event.identifiers?.[kind];
          if (isOwn && name !== undefined) plain.add(name);
          if (!isOwn && owner !== undefined && event.is_bot !== true && !found.hubs.has(key)) met.set(key, owner);
        }
      }
    }
    const known = new Set(
      met.size === 0
        ? []
        : await texts(
            marts,
            `select person_id from persons where person_id in (${inList([...met.keys()])})
             union all select old_person_id from person_aliases where old_person_id in (${inList([...met.keys()])})`,
          ),
    );
    const strangers = [...met].filter(([key]) => !known.has(key));
    for (const [key, person] of strangers) {
      person.keys.push(key);
      person.isIdentified = isIdentified(person.keys);
    }
    if (strangers.length === 0) return [...plain];
  }
}

async function* rawObjects(lake: Store): AsyncGenerator<{ key: string; text: string }> {
  for (const key of await lake.list(places.rawEvents)) {
    const body = await lake.get(key);
    if (body !== undefined) yield { key, text: (await expand(body)).toString('utf8') };
  }
}

/** Totals in which no person stands: orders, revenue, margin, spend, and each model's credit by channel. */
async function readTotals(marts: MartReader): Promise<Record<string, string>> {
  const { rows } = await marts.query(`
    select 'conversions ' || conversion_type as total, count(*) as n, sum(revenue) as revenue, sum(margin) as margin
    from conversions group by 1
    union all
    select 'credit ' || model || ' ' || conversion_type || ' ' || channel, round(sum(conversions), 6), sum(revenue), sum(margin)
    from channel_daily group by 1
    union all
    select 'spend ' || channel || ' ' || kind, 0, sum(spend), null from spend_daily group by 1
    union all
    select 'events ' || event_type, count(*), null, null from events group by 1`);
  const totals: Record<string, string> = {};
  for (const [name, n, revenue, margin] of rows) {
    totals[String(name)] = [n, revenue, margin].map((value) => (value === null ? '-' : String(value))).join(' / ');
  }
  return totals;
}

async function readUnfinished(lake: Store): Promise<Unfinished | undefined> {
  const body = await lake.get(places.unfinishedErasure);
  return body === undefined ? undefined : unfinishedShape.parse(JSON.parse(Buffer.from(body).toString('utf8')));
}

async function writeUnfinished(lake: Store, unfinished: Unfinished): Promise<void> {
  await lake.put(places.unfinishedErasure, JSON.stringify(unfinished));
}

/** Every step may be done twice: what an earlier run has done, a later one finds done. */
async function perform(
  company: Company,
  unfinished: Unfinished,
  identifiers: Identifiers,
  work: EraseWork,
  isKnown = true,
): Promise<EraseResult> {
  const { lake, paths } = company;
  const { persons, shared, counts, erased_at, id } = unfinished;
  const identifierKey = await company.identifierKey();
  const sealing = createSealing(identifierKey);
  const own = persons.flatMap((person) => person.keys);
  const finder = createPersonFinder(identifiers, [...own, ...shared], unfinished.plain);
  const { mark } = createErasedMarks(identifierKey);
  const marks = { marks: own.map(mark), shared_marks: shared.map(mark) };
  // First of all: what comes in from now on, while the lake is being gone through, is judged by it.
  const generation = generationOf(identifierKey);
  if (isKnown) await writeErasure(lake, id, { erased_at, ...marks, schema_version: 1 }, generation);

  if (isKnown) await rewriteRaw(company, unfinished, finder, identifierKey, work);
  counts.rejected += await eraseRejected(lake, identifierKey, (record, original) => {
    const { original: _, file, ...rest } = record;
    if (finder.holds(original.toString('utf8')) || finder.holds(JSON.stringify(rest))) return undefined;
    return file !== undefined && finder.holds(file) ? { ...record, file: '(erased)' } : record;
  });
  const vault = await eraseFromVault(lake, new Set([...own, ...shared]));
  counts.imports += await cleanLedger(lake, finder);
  // Her events carry other keys now: there is no link of hers left that could be taken out.
  if (isKnown) await removeUnlinks(lake, finder);
  let builds = 0;
  if (isKnown) {
    await writeUnfinished(lake, unfinished);
    await work.build();
    const pruned = await pruneBuilds(lake, 1);
    builds = new Set(pruned.map((key) => key.split('/')[2])).size;
  }
  for (const name of await readdir(paths.work).catch(() => [])) {
    await rm(join(paths.work, name), { recursive: true, force: true });
  }
  const relativeTo = (path: string) => relative(company.dir, path).split(sep).join('/');
  const { identifierKeyFile, vaultKeyFile } = company.config.secrets;
  const keyFiles = [identifierKeyFile, vaultKeyFile].map((file) => keyFilePath(company.dir, file));
  const request = {
    dir: company.dir,
    finder,
    sealing,
    openAddress: async () => createVaultOpener(...(await company.vaultKeys())),
    erasedAt: erased_at,
    except: [...keyFiles, paths.locks, join(paths.lake, places.unfinishedErasure)].map(relativeTo),
    warehouse: work.warehouse,
  };
  let proof: Proof = await proveErased(request);
  const landing = proof.held.filter((name) => name.startsWith(`${relativeTo(paths.landing)}/`));
  if (work.deleteLanding && landing.length > 0) {
    for (const name of landing) await rm(join(company.dir, name));
    proof = await proveErased(request);
  }
  const after = isKnown ? await withMarts(lake, work.openMarts, (marts) => readTotals(marts)) : unfinished.before;
  const moved = [...new Set([...Object.keys(unfinished.before), ...Object.keys(after)])]
    .filter((total) => unfinished.before[total] !== after[total])
    .map((total) => ({ total, before: unfinished.before[total] ?? '-', after: after[total] ?? '-' }));
  const isOurs = (name: string) => name.startsWith('lake/') || name.startsWith('.percorso/');
  const shownName = (name: string) => finder.cleaned(identifiers.scrubText(name));
  const result: EraseResult = {
    isUnknown: false,
    persons: isKnown ? persons.length : 0,
    identifiers: isKnown ? own.length + shared.length : 0,
    events: counts.events,
    raw_objects: counts.raw_objects,
    rejected: counts.rejected,
    vault,
    import_records: counts.imports,
    builds,
    landing_files: work.deleteLanding ? landing.length : 0,
    files_searched: proof.files,
    held_by_hand: proof.held.filter((name) => !isOurs(name)).map(shownName),
    held: proof.held.filter(isOurs).map(shownName),
    moved,
    totals: Object.keys(after).length,
  };
  if (isKnown && result.held.length === 0) {
    const { events, raw_objects, rejected } = result;
    const done = { raw_objects, events, rejected, builds, files_searched: result.files_searched };
    await writeErasure(lake, id, { erased_at, ...marks, done, schema_version: 1 }, generation);
    await lake.remove(places.unfinishedErasure);
  }
  return result;
}

/** Rewrites just the raw objects that hold the persons. The new object stands before the old one goes. */
async function rewriteRaw(
  company: Company,
  unfinished: Unfinished,
  finder: PersonFinder,
  identifierKey: IdentifierKey,
  work: EraseWork,
): Promise<void> {
  const { lake } = company;
  const { persons, counts, erased_at } = unfinished;
  const { rename } = createErasedMarks(identifierKey);
  const secret = Buffer.from(unfinished.secret, 'hex');
  const chain = createHashChain(identifierKey);
  // Not derivable from anything: the secret is made of chance and goes with the last step.
  const fresh = (letter: string, of: string) =>
    chain.raise(`${letter}:${createHmac('sha256', secret).update(of).digest('hex').slice(0, 24)}`, 1);
  const owners = new Map(persons.flatMap((person, index) => person.keys.map((key) => [key, index] as const)));
  const shared = new Set(unfinished.shared);
  const hubs = new Set(unfinished.hubs);
  const goes = (key: string) => owners.has(key) || shared.has(key);

  function rewritten(event: StoredEvent): StoredEvent {
    const owner = owners.get(firstKey(event.keys, (key) => !hubs.has(key)) ?? '');
    if (owner !== undefined) {
      const { anonymous_id } = event.keys;
      // A device stays one of its own, so that sessions are cut as they were.
      const keys = {
        ...(persons[owner]?.isIdentified ? { user_id: fresh('u', `person ${owner}`) } : {}),
        ...(anonymous_id === undefined ? {} : { anonymous_id: fresh('a', anonymous_id) }),
      };
      return withoutPerson(event, keys, finder.says, rename);
    }
    // What else names the person there is cut out of the text below, so that the rest of it stays.
    const rest = withoutKeys(event, goes, () => false);
    const isNobodys = Object.keys(rest.keys).length === 0 && Object.keys(event.keys).length > 0;
    const named = {
      ...rest,
      ...(isNobodys ? { keys: { anonymous_id: fresh('a', `${event.source}/${event.event_id}`) } } : {}),
      event_id: finder.says(event.event_id) ? rename(event.event_id) : event.event_id,
      ...(event.value?.order_id !== undefined && finder.says(event.value.order_id)
        ? { value: { ...event.value, order_id: rename(event.value.order_id) } }
        : {}),
    };
    return readLine(finder.cleaned(JSON.stringify(named)));
  }

  let objects = 0;
  for await (const { key, text } of rawObjects(lake)) {
    if (!finder.says(text)) continue;
    const writer = createRawWriter(lake, {
      identifierKey,
      importId: importOfObject(key),
      recordsPerObject: Number.POSITIVE_INFINITY,
      bytesPerObject: Number.POSITIVE_INFINITY,
    });
    let events = 0;
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const event = readLine(line);
      // What happened after the erasure began is a new story.
      const isTheirs = finder.says(line) && event.occurred_at <= erased_at;
      if (isTheirs) events += 1;
      await writer.event(isTheirs ? rewritten(event) : event);
    }
    if (events === 0) continue;
    await writer.flush();
    await lake.remove(key);
    counts.events += events;
    counts.raw_objects += 1;
    objects += 1;
    if (objects % 100 === 0) {
      await writeUnfinished(lake, unfinished);
      work.say(`${objects} raw objects rewritten`);
    }
  }
}

async function removeUnlinks(lake: Store, finder: PersonFinder): Promise<void> {
  for (const key of await lake.list(places.unlinks)) {
    const body = await lake.get(key);
    if (finder.says(Buffer.from(body ?? []).toString('utf8'))) await lake.remove(key);
  }
}

const recordShape = z.looseObject({ file: z.string() });

/** Names of files that were imported may hold an address. */
async function cleanLedger(lake: Store, finder: PersonFinder): Promise<number> {
  let cleaned = 0;
  for (const key of await lake.list(places.imports)) {
    const body = await lake.get(key);
    const text = Buffer.from(body ?? []).toString('utf8');
    if (!finder.holds(text)) continue;
    const record = recordShape.safeParse(JSON.parse(text));
    if (!record.success) continue;
    await lake.put(key, `${JSON.stringify({ ...record.data, file: '(erased)' })}\n`);
    cleaned += 1;
  }
  return cleaned;
}
