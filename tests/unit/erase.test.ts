import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import type { StoredEvent } from '#core/event';
import { createIdentifiers } from '#core/identifiers';
import { importOfObject, lake as places } from '#core/lake';
import type { MartReader, SqlValue, Store } from '#core/ports';
import { asOfImport } from '#core/vault';
import { createVaultSealer, parseVaultKey, type VaultKey } from '#core/vault-sealing';
import { createRawWriter } from '#pipeline/arrivals/store';
import { publishManifest } from '#pipeline/builds/publish';
import type { Company } from '#pipeline/company/company';
import { type EraseWork, erasePersons } from '#pipeline/people/erase';
import { createPersonFinder } from '#pipeline/people/erase-finder';
import { unlink } from '#pipeline/people/unlinks';
import { testCompany } from './import-company.ts';

const key = Buffer.alloc(32, 7);
const vaultKey = parseVaultKey('11'.repeat(32)) ?? { publicKey: Buffer.alloc(0) };
const identifiers = createIdentifiers(key, 'IT');
const user = identifiers.hash('user_id', 'anna-7741');
const email = identifiers.hash('email', 'anna@esempio.it');
const cookie = identifiers.hash('anonymous_id', 'cookie-anna-1');
const late = identifiers.hash('anonymous_id', 'cookie-anna-2');
const hub = identifiers.hash('phone', '+39025551234');
const other = identifiers.hash('user_id', 'bruno-1');
const erasedAt = new Date('2026-03-10T12:00:00Z');

const bruno = identifiers.hash('email', 'bruno@esempio.it');
const sealAddress = createVaultSealer(vaultKey);
const sealed = { anna: sealAddress('anna@esempio.it'), bruno: sealAddress('bruno@esempio.it') };

const event = (id: string, day: number, rest: Partial<StoredEvent>): StoredEvent => ({
  source: 'web',
  event_id: id,
  event_type: 'Page Viewed',
  occurred_at: `2026-03-${String(day).padStart(2, '0')}T10:00:00.000Z`,
  received_at: `2026-03-${String(day).padStart(2, '0')}T11:00:00.000Z`,
  trust: 'server',
  keys: {},
  schema_version: 1,
  ...rest,
});

const events: StoredEvent[] = [
  event('1', 1, { keys: { user_id: user, email, anonymous_id: cookie }, identifiers: { user_id: 'anna-7741' } }),
  event('2', 2, { keys: { anonymous_id: cookie }, identifiers: { anonymous_id: 'cookie-anna-1' } }),
  event('3', 2, { keys: { user_id: other, phone: hub }, properties: `{"friend":"${email}","wish":"red"}` }),
  event('4', 3, { keys: { user_id: other } }),
  event('5', 10, { keys: { user_id: user, anonymous_id: late } }),
  event('6', 10, { keys: { anonymous_id: late } }),
  event('7', 4, { keys: { user_id: user, phone: hub } }),
  event('8', 11, { keys: { user_id: user } }),
];

/** The published tables as far as the command asks: one person of three identifiers, and a shared one. */
function marts(): MartReader {
  const answer = (sql: string): SqlValue[][] => {
    if (sql.includes('from identity_hubs')) return [[hub]];
    if (sql.includes('where old_person_id =')) return sql.includes(email) || sql.includes(cookie) ? [[user]] : [];
    if (sql.includes('where new_person_id =')) return sql.includes(user) ? [[email], [cookie]] : [];
    if (sql.includes('from persons where person_id =')) return sql.includes(user) ? [[user]] : [];
    return [];
  };
  return {
    query: async (sql) => ({ columns: [], rows: answer(sql) }),
    stream: () => Promise.reject(new Error('not asked for')),
    close() {},
  };
}

/** The import that the events are of. */
const importId = '1f'.repeat(16);

async function company(): Promise<{ company: Company; work: EraseWork }> {
  const made = await testCompany();
  const writer = createRawWriter(made.lake, { identifierKey: key, importId });
  for (const one of events) await writer.event(one);
  await writer.reject({
    rejected_at: '2026-03-05T00:00:00.000Z',
    source: 'web',
    reason: 'wrong-date',
    message: 'occurred_at',
    via: 'http:segment:track',
    original: Buffer.from('{"mail":"ANNA%40esempio.it"}').toString('base64'),
    schema_version: 1,
  });
  await writer.vault({ key: email, seen_at: erasedAt.toISOString(), address: sealed.anna, with: [user] });
  await writer.vault({ key: bruno, seen_at: erasedAt.toISOString(), address: sealed.bruno, with: [other, user] });
  await writer.flush();
  await unlink(made.lake, user, other, erasedAt, key);
  await publishManifest(made.lake, {
    build_id: '20260310T110000Z-aaaaaa',
    built_at: '',
    as_of: '2026-03-09',
    company: 'Test',
    settings_overridden: {},
    tables: {},
    checks: [],
  });
  return {
    company: {
      ...made,
      configPath: '',
      overrides: {},
      env: {},
      identifierKey: async () => key,
      vaultKeys: async (): Promise<[VaultKey]> => [vaultKey],
      addIdentifierSecret: () => Promise.reject(new Error('no change of the key here')),
      alone: <Result>(work: () => Promise<Result>) => work(),
      sealAddress: async () => sealAddress,
    },
    work: {
      build: async () => {},
      openMarts: async () => marts(),
      warehouse: () => createDuckDbWarehouse(),
      deleteLanding: false,
      say: () => {},
      now: () => erasedAt,
      random: (bytes) => Buffer.alloc(bytes, 3),
    },
  };
}

async function contents(store: Store): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of await store.list('')) {
    const body = Buffer.from((await store.get(name)) ?? []);
    found[name] = (name.endsWith('.gz') ? gunzipSync(body) : body).toString('utf8');
  }
  return found;
}

async function stored(store: Store): Promise<Map<string, StoredEvent>> {
  const all = Object.entries(await contents(store)).filter(([name]) => name.startsWith(places.rawEvents));
  const lines = all.flatMap(([, text]) => text.split('\n').filter((line) => line !== ''));
  return new Map(lines.map((line) => JSON.parse(line)).map((one: StoredEvent) => [one.event_id, one]));
}

test('the person is found through the tables, and beyond them where no build has read yet; others and later events stay', async () => {
  const { company: made, work } = await company();
  const result = await erasePersons(made, ['anna@esempio.it'], work);
  expect(result).toMatchObject({
    isUnknown: false,
    persons: 1,
    identifiers: 4,
    rejected: 1,
    held: [],
    held_by_hand: [],
  });
  const after = await stored(made.lake);
  const person = after.get('1')?.keys.user_id;
  expect(person).toMatch(/^u:/);
  // Devices stay apart, and one device one.
  expect(after.get('2')?.keys).toEqual({ user_id: person, anonymous_id: after.get('1')?.keys.anonymous_id });
  expect(after.get('6')?.keys.user_id).toBe(person);
  expect(after.get('6')?.keys.anonymous_id).toBe(after.get('5')?.keys.anonymous_id);
  expect(after.get('6')?.keys.anonymous_id).not.toBe(after.get('2')?.keys.anonymous_id);
  expect(after.get('7')?.keys).toEqual({ user_id: person });
  // Another person's event loses what names her, and keeps the shared number.
  expect(after.get('3')).toMatchObject({
    keys: { user_id: other, phone: hub },
    properties: '{"friend":"erased","wish":"red"}',
  });
  expect(after.get('4')).toEqual(events[3]);
  // What happens after the erasure is a new story.
  expect(after.get('8')).toEqual(events[7]);
  const rest = await contents(made.lake);
  // What was rewritten is of the same import, so that it can be taken back still.
  const raw = Object.keys(rest).filter((name) => name.startsWith(places.rawEvents));
  expect([...new Set(raw.map(importOfObject))]).toEqual([importId]);
  // Of the vault her address goes, and her account from what came with another's; that one's address stays.
  const vault = Object.entries(rest).flatMap(([name, text]) => (name.startsWith(places.vault) ? [text] : []));
  const kept = { key: bruno, seen_at: erasedAt.toISOString(), address: sealed.bruno, with: [other] };
  expect(vault).toEqual([`${JSON.stringify(kept)}\n`]);
  expect(result.vault).toBe(2);
  const old = Object.entries(rest).filter(
    ([name, text]) => name !== `${places.rawEvents}` && [email, cookie, late].some((one) => text.includes(one)),
  );
  expect(old).toEqual([]);
});

test('a shared identifier named outright goes from the events of all, and nobody else is erased', async () => {
  const { company: made, work } = await company();
  await erasePersons(made, ['+39 02 5551234'], work);
  const after = await stored(made.lake);
  expect(after.get('3')?.keys).toEqual({ user_id: other });
  expect(after.get('7')?.keys).toEqual({ user_id: user });
  expect(after.get('1')).toEqual(events[0]);
});

test('cut off at any write, and run again, an erasure ends with the same lake', async () => {
  const whole = await company();
  await erasePersons(whole.company, ['anna@esempio.it'], whole.work);
  const expected = await contents(whole.company.lake);
  let cuts = 0;
  for (let at = 1; ; at++) {
    const { company: made, work } = await company();
    let left = at;
    const step = () => {
      left -= 1;
      if (left < 0) throw new Error('cut off');
    };
    const failing: Store = {
      ...made.lake,
      put: async (name, body) => {
        step();
        return made.lake.put(name, body);
      },
      putIfAbsent: async (name, body) => {
        step();
        return made.lake.putIfAbsent(name, body);
      },
      remove: async (name) => {
        step();
        return made.lake.remove(name);
      },
    };
    const isWhole = await erasePersons({ ...made, lake: failing }, ['anna@esempio.it'], work).then(
      () => true,
      () => false,
    );
    if (isWhole) break;
    cuts += 1;
    const ended = await erasePersons(made, ['anna@esempio.it'], work);
    expect(ended).toMatchObject({ isUnknown: false, held: [] });
    const found = await contents(made.lake);
    // The record counts what the last run did.
    const record = Object.keys(expected).find((name) => name.startsWith(places.erased)) ?? '';
    expect({ ...found, [record]: '' }, `cut at ${at}`).toEqual({ ...expected, [record]: '' });
  }
  expect(cuts).toBeGreaterThan(10);
});

test('an address of an erased person does not come back into the vault with an old file; what is said later does', async () => {
  const { company: made, work } = await company();
  await erasePersons(made, ['anna@esempio.it'], work);
  const before = await made.lake.list(places.vault);
  const writer = createRawWriter(made.lake, { identifierKey: key });
  const old = { key: email, given_at: '2026-03-01T10:00:00.000Z', address: sealed.anna };
  await writer.vault(old);
  await writer.vault(asOfImport(old, 'f'.repeat(32), '2026-03-12T08:00:00.000Z'));
  await writer.flush();
  expect(await made.lake.list(places.vault)).toEqual(before);
  await writer.vault({ key: email, given_at: '2026-03-11T10:00:00.000Z', address: sealed.anna });
  await writer.flush();
  expect((await made.lake.list(places.vault)).length).toBe(before.length + 1);
});

test('who is in the vault alone, since raw was pruned, is erased from it', async () => {
  const { company: made, work } = await company();
  const carla = identifiers.hash('email', 'carla@esempio.it');
  const writer = createRawWriter(made.lake, { identifierKey: key });
  await writer.vault({ key: carla, seen_at: '2026-03-01T10:00:00.000Z', address: sealAddress('carla@esempio.it') });
  await writer.flush();
  const result = await erasePersons(made, ['carla@esempio.it'], work);
  expect(result).toMatchObject({ isUnknown: false, vault: 1, events: 0, held: [] });
});

test('what is sealed for another is opened by the proof', async () => {
  const { company: made, work } = await company();
  const writer = createRawWriter(made.lake, { identifierKey: key });
  // Her address under the name of another: only whoever opens it can see that.
  await writer.vault({ key: bruno, given_at: '2026-03-02T10:00:00.000Z', address: sealed.anna });
  await writer.flush();
  const { held } = await erasePersons(made, ['anna@esempio.it'], work);
  expect(held).toEqual([expect.stringMatching(/^lake\/vault\//)]);
});

test('what comes in again of an erased person has no person, and ranks below what the lake holds', async () => {
  const { company: made, work } = await company();
  await erasePersons(made, ['anna@esempio.it'], work);
  const writer = createRawWriter(made.lake, { identifierKey: key });
  const order = { order_id: 'o-anna-7741', revenue: '10.00', currency: 'EUR' };
  await writer.event(
    event('anna-7741-again', 2, {
      keys: { user_id: user },
      identifiers: { user_id: 'anna-7741' },
      value: order,
      properties: '{}',
    }),
  );
  await writer.event(event('new', 12, { keys: { user_id: user }, identifiers: { user_id: 'anna-7741' } }));
  await writer.event(event('friend', 3, { keys: { user_id: other }, properties: `{"friend":"${email}"}` }));
  await writer.flush();
  const after = await stored(made.lake);
  const again = [...after.values()].find((one) => one.value !== undefined);
  expect(again).toMatchObject({ keys: {}, updated_at: '1976-03-01T22:00:00.000Z' });
  expect(JSON.stringify(again)).not.toContain('anna');
  expect(after.get('new')?.keys).toEqual({ user_id: user });
  expect(after.get('friend')?.properties).toBe('{"friend":"erased"}');
});

test.each([
  ['plain', 'mail to anna@esempio.it now'],
  ['upper case', 'ANNA@ESEMPIO.IT'],
  ['URL-encoded', 'u=anna%40esempio.it&x=1'],
  ['URL-encoded twice', 'u=anna%2540esempio.it'],
  ['escaped in JSON', '{"a":"anna\\u0040esempio.it"}'],
  ['name of a file', 'anna@esempio.it.csv'],
  ['keyed hash', `x ${email} y`],
  ['keyed hash, URL-encoded', encodeURIComponent(email)],
  ['number with blanks', 'call 333 123 4567 please'],
  ['number of another country form', '0039-333-1234567'],
  ['number without signs', 'tel=3331234567;'],
])('an address or number is found in text: %s', (_, text) => {
  // Nothing is known in plain: the forms are found by their keyed hash alone.
  const finder = createPersonFinder(identifiers, [email, identifiers.hash('phone', '+393331234567')], []);
  expect(finder.holds(text)).toBe(true);
  expect(
    finder.holds(
      text
        .replace(/anna/i, 'hanna')
        .replace(/4567/, '4568')
        .replace(/[0-9a-f]{24}/, '0'.repeat(24)),
    ),
  ).toBe(false);
});

test('an identifier too short to mean a person is not looked for as a word', () => {
  expect(createPersonFinder(identifiers, [], ['42', '123456', 'anna']).says('42 123456 anna')).toBe(false);
  expect(createPersonFinder(identifiers, [], ['anna-7741']).says('X;ANNA-7741;')).toBe(true);
  expect(createPersonFinder(identifiers, [], ['anna-7741']).says('anna-77410')).toBe(false);
});
