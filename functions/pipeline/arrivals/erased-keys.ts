import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { createErasedMarks, isTelling, withoutKeys, withoutPerson, wordPattern } from '#core/erasing';
import type { StoredEvent } from '#core/event';
import { generationOf, type IdentifierKey } from '#core/identifier-key';
import { generationOfObject, lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import { createRecentlyUsed } from '#core/recently-used';
import { type VaultEntry, wholeWord, withCompanions } from '#core/vault';

const erasureShape = z.object({
  erased_at: z.string(),
  /** Marks of keyed hashes; no hash stands here. */
  marks: z.array(z.string()),
  /** Marks of identifiers that others share: only they go from a record, never the record's person. */
  shared_marks: z.array(z.string()),
  /** Absent while the erasure is under way. */
  done: z.record(z.string(), z.number()).optional(),
  schema_version: z.literal(1),
});
export type Erasure = z.output<typeof erasureShape>;

/** An erasure that is done leaves this: when, how much, and the marks. Nobody can be told from it. */
export async function writeErasure(lake: Store, id: string, erasure: Erasure, generation: number): Promise<void> {
  await lake.put(places.erasure(id, generation), `${JSON.stringify(erasure, null, 2)}\n`);
}

export const newErasureId = (now: Date, random: (bytes: number) => Buffer = randomBytes) =>
  `${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${random(3).toString('hex')}`;

/** The erasures of a company, their marks in the newest form, whichever generation of the key made them. */
export async function readErasures(lake: Store, identifierKey: IdentifierKey): Promise<Erasure[]> {
  return (await erasureObjects(lake, identifierKey)).map(({ erasure }) => erasure);
}

async function erasureObjects(
  lake: Store,
  identifierKey: IdentifierKey,
): Promise<{ object: string; from: number; erasure: Erasure }[]> {
  const { raise } = createErasedMarks(identifierKey);
  const found = [];
  for (const object of await lake.list(places.erased)) {
    const body = await lake.get(object);
    if (body === undefined) continue;
    const erasure = erasureShape.parse(JSON.parse(Buffer.from(body).toString('utf8')));
    const from = generationOfObject(object);
    const newest = (marks: readonly string[]) => marks.map((mark) => raise(mark, from));
    const marks = { marks: newest(erasure.marks), shared_marks: newest(erasure.shared_marks) };
    found.push({ object, from, erasure: { ...erasure, ...marks } });
  }
  return found;
}

/** Puts the marks of older generations of the key into their newest form. */
export async function raiseErasures(lake: Store, identifierKey: IdentifierKey): Promise<number> {
  const generation = generationOf(identifierKey);
  const old = (await erasureObjects(lake, identifierKey)).filter(({ from }) => from < generation);
  for (const { object, erasure } of old) {
    const id = object.slice(places.erased.length).replace(/(?:\.k\d+)?\.json$/, '');
    await writeErasure(lake, id, erasure, generation);
    await lake.remove(object);
  }
  return old.length;
}

/** So far back that no record which came in before the erasure is older. */
const before = 50 * 365.25 * 86_400_000;

export interface ErasedKeys {
  /**
   * What becomes of an event on its way into the lake where its person was erased after it happened: it is taken without
   * person, and ranks below the copy of it that the lake holds, so that an old file changes nothing. Later events of the
   * same identifiers are a new story.
   */
  withoutErased(event: StoredEvent): StoredEvent;
  /** The same for what an event says for the vault. */
  entryWithoutErased(entry: VaultEntry): VaultEntry | undefined;
}

/** Who was erased; undefined where nobody ever was. */
export async function readErasedKeys(lake: Store, identifierKey: IdentifierKey): Promise<ErasedKeys | undefined> {
  const erasures = await readErasures(lake, identifierKey);
  if (erasures.length === 0) return undefined;
  const { mark, rename } = createErasedMarks(identifierKey);
  const until = { own: new Map<string, string>(), shared: new Map<string, string>() };
  const note = (known: Map<string, string>, found: string, at: string) => {
    const last = known.get(found);
    if (last === undefined || last < at) known.set(found, at);
  };
  for (const { erased_at, marks, shared_marks } of erasures) {
    for (const found of marks) note(until.own, found, erased_at);
    for (const found of shared_marks) note(until.shared, found, erased_at);
  }
  const marked = createRecentlyUsed<{ own: string; shared: string }>(100_000);
  const untilOf = (key: string) => {
    const known = marked.get(key);
    if (known !== undefined) return known;
    const made = mark(key);
    const found = { own: until.own.get(made) ?? '', shared: until.shared.get(made) ?? '' };
    marked.set(key, found);
    return found;
  };
  function entryWithoutErased(entry: VaultEntry): VaultEntry | undefined {
    const { own, shared } = untilOf(entry.key);
    const { refused_at, given_at, seen_at } = wholeWord(entry);
    const said = [refused_at, given_at, seen_at].filter((at) => at !== undefined);
    if (said.every((at) => own >= at || shared >= at)) return undefined;
    return withCompanions(entry, (companions) =>
      companions.filter((other) => said.every((at) => untilOf(other).own < at)),
    );
  }

  function withoutErased(event: StoredEvent): StoredEvent {
    const { occurred_at } = event;
    const keys = Object.values(event.keys);
    const isErased = keys.some((key) => untilOf(key).own >= occurred_at);
    const goes = (key: string) => untilOf(key).shared >= occurred_at;
    if (!isErased && !keys.some(goes)) return withoutMentions(event, (key) => untilOf(key).own >= occurred_at);
    const words = wordPattern(Object.values(event.identifiers ?? {}).filter(isTelling));
    const tells = (text: string) => keys.some((key) => text.includes(key.slice(2))) || (words?.test(text) ?? false);
    if (!isErased) return withoutKeys(event, goes, tells);
    const kept = withoutPerson(event, {}, tells, rename);
    return { ...kept, updated_at: new Date(Date.parse(event.updated_at ?? occurred_at) - before).toISOString() };
  }

  return { withoutErased, entryWithoutErased };
}

const hashInText = /[uclepa](?::|%3A)(?:[0-9a-f]{32}|[0-9a-f]{24})/gi;

/** What others say of the person goes from their events: the door has made keyed hashes of the addresses there. */
function withoutMentions(event: StoredEvent, isErased: (key: string) => boolean): StoredEvent {
  const { properties, touch } = event;
  const cleaned = (text: string) =>
    text.replace(hashInText, (found) => (isErased(found.replace(/%3A/i, ':').toLowerCase()) ? 'erased' : found));
  const page = touch?.landing_page;
  return {
    ...event,
    ...(properties === undefined ? {} : { properties: cleaned(properties) }),
    ...(page === undefined ? {} : { touch: { ...touch, landing_page: cleaned(page) } }),
  };
}
