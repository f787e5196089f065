import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSpoolQueue } from '#adapters/spool-queue';
import { configSchema } from '#core/config';
import { createIdentifiers } from '#core/identifiers';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import { asOfImport, mergeEntries, type VaultEntry, wholeWord, withoutImport } from '#core/vault';
import {
  createVaultOpener,
  createVaultSealer,
  parseVaultKey,
  parseVaultKeys,
  publicVaultKey,
  type VaultKey,
} from '#core/vault-sealing';
import { createAdmitter } from '#pipeline/arrivals/admit';
import { createCollector } from '#pipeline/arrivals/collect';
import { drainSpool } from '#pipeline/arrivals/drain';
import { createRawWriter } from '#pipeline/arrivals/store';
import { addVaultKey, readVaultKeys } from '#pipeline/company/keys';
import { compactVault, countVault, createVaultReader, eraseFromVault, resealVault } from '#pipeline/people/vault';
import { testCompany } from './import-company.ts';

function keyOf(text: string): VaultKey {
  const key = parseVaultKey(text);
  if (key === undefined) throw new Error('no key');
  return key;
}

const identifierKey = Buffer.alloc(32, 7);
const identifiers = createIdentifiers(identifierKey, 'IT');
const vaultKey = keyOf('11'.repeat(32));
const sealAddress = createVaultSealer(vaultKey);
const anna = identifiers.hash('email', 'anna@esempio.it');
const annasPhone = identifiers.hash('phone', '+393331234567');
const at = (day: number) => `2026-03-${String(day).padStart(2, '0')}T10:00:00.000Z`;

const door = (trust: 'server' | 'browser' | 'file', seal: typeof sealAddress | undefined) =>
  createAdmitter({
    config: configSchema.parse({ name: 'Test' }),
    identifierKey,
    trust,
    receivedAt: new Date('2026-04-10T08:00:00Z'),
    hasRate: () => true,
    sealAddress: seal,
  });

function said(event: object, trust: 'server' | 'browser' | 'file' = 'server', seal = true) {
  const judged = door(trust, seal ? sealAddress : undefined).event({
    event_type: 'Identify',
    occurred_at: at(1),
    source: 'shop',
    ...event,
  });
  if (!judged.ok) throw new Error(judged.message);
  return judged.vault.map(({ address, ...entry }) => ({
    ...entry,
    ...(address === undefined ? {} : { opens: createVaultOpener(vaultKey)(address) }),
  }));
}

const both = { email: ' Anna@Esempio.it', phone: '333 1234567' };
const user = identifiers.hash('user_id', 'u-1');

describe('an event says for the vault', () => {
  test('its addresses, in their normal form, and what came with them', () => {
    expect(said({ identifiers: { ...both, user_id: 'u-1', anonymous_id: 'c' } })).toEqual([
      { key: anna, seen_at: at(1), with: [user], opens: 'anna@esempio.it' },
      { key: annasPhone, seen_at: at(1), with: [user], opens: '+393331234567' },
    ]);
    expect(said({ identifiers: { user_id: 'Anna@esempio.it' }, consent: { marketing: true } })).toEqual([
      { key: anna, given_at: at(1), opens: 'anna@esempio.it' },
    ]);
  });

  test.each([
    ['marketing is refused', { consent: { marketing: false } }],
    [
      'analytics is refused on an order',
      { event_type: 'Order Completed', consent: { analytics: false, marketing: true } },
    ],
    ['consent is withdrawn', { event_type: 'Consent Changed', consent: { analytics: false } }],
  ])('a refusal of all that it names, and no address, where %s', (_, event) => {
    expect(said({ ...event, identifiers: { ...both, user_id: 'u-1', anonymous_id: 'c' } })).toEqual(
      [anna, annasPhone, user].map((key) => ({ key, refused_at: at(1) })),
    );
  });

  test.each([
    ['it comes from a browser', { identifiers: { ...both, anonymous_id: 'c' } }, 'browser', true],
    ['a browser refuses', { identifiers: { anonymous_id: 'c' }, consent: { marketing: false } }, 'browser', true],
    [
      'analytics is refused, so that it counts without identifiers',
      { identifiers: both, consent: { analytics: false } },
      'server',
      true,
    ],
    ['a machine sent it', { identifiers: both, device: { is_bot: true } }, 'server', true],
    [
      'an address stands in text alone',
      { identifiers: { user_id: 'u-1' }, properties: { mail: 'anna@esempio.it' } },
      'file',
      true,
    ],
    ['the company keeps none', { identifiers: both }, 'server', false],
  ] as const)('nothing where %s', (_, event, trust, keeps) => {
    expect(said(event, trust, keeps)).toEqual([]);
  });
});

async function written(store: Store, entries: readonly VaultEntry[]): Promise<void> {
  const writer = createRawWriter(store, { identifierKey });
  for (const entry of entries) await writer.vault(entry);
  await writer.flush();
}

const reader = (store: Store) => createVaultReader(store, identifierKey, [vaultKey], identifiers);
const address = sealAddress('anna@esempio.it');

describe('the newest word on consent decides', () => {
  test.each<[string, VaultEntry[], boolean]>([
    ['never asked', [{ key: anna, seen_at: at(1), address }], true],
    [
      'refused',
      [
        { key: anna, seen_at: at(1), address },
        { key: anna, refused_at: at(2) },
      ],
      false,
    ],
    [
      'refused before an order that says nothing',
      [
        { key: anna, refused_at: at(1) },
        { key: anna, seen_at: at(2), address },
      ],
      false,
    ],
    [
      'refused and given again',
      [
        { key: anna, refused_at: at(1) },
        { key: anna, given_at: at(2), address },
      ],
      true,
    ],
    [
      'given and refused',
      [
        { key: anna, given_at: at(1), address },
        { key: anna, refused_at: at(2) },
      ],
      false,
    ],
    [
      'given and refused in one instant',
      [
        { key: anna, given_at: at(1), address },
        { key: anna, refused_at: at(1) },
      ],
      false,
    ],
    [
      'refused under the account that it came with',
      [
        { key: anna, seen_at: at(1), address, with: [user] },
        { key: user, refused_at: at(2) },
      ],
      false,
    ],
    [
      'refused under an account, and given again',
      [
        { key: user, refused_at: at(2) },
        { key: anna, given_at: at(3), address, with: [user] },
      ],
      true,
    ],
    [
      'refused under another account',
      [
        { key: anna, seen_at: at(1), address },
        { key: user, refused_at: at(2) },
      ],
      true,
    ],
  ])('%s', async (_, entries, isKept) => {
    const { lake } = await testCompany();
    await written(lake, entries);
    const expected = isKept ? [[anna, 'anna@esempio.it']] : [];
    expect([...(await reader(lake).find([anna]))]).toEqual(expected);
    // The same, where files said it.
    const { lake: filed } = await testCompany();
    await written(
      filed,
      entries.map((entry, n) => asOfImport(entry, importId(n), at(9))),
    );
    expect([...(await reader(filed).find([anna]))]).toEqual(expected);
    expect(await countVault(filed, identifierKey)).toMatchObject({ addresses: isKept ? 1 : 0 });
    await compactVault(lake, identifierKey);
    expect([...(await reader(lake).find([anna]))]).toEqual(expected);
    const bodies = await Promise.all((await lake.list(places.vault)).map(async (key) => (await lake.get(key)) ?? ''));
    expect(
      bodies
        .map((body) => gunzipSync(body).toString())
        .join('')
        .includes('vault1:'),
    ).toBe(isKept);
  });

  test('in any order, doubled, and merged at any time, it comes to the same', async () => {
    const time = fc.integer({ min: 1, max: 6 }).map(at);
    const account = fc.constantFrom(user, identifiers.hash('crm_id', 'C-1'));
    const said: fc.Arbitrary<VaultEntry> = fc.oneof(
      fc
        .record({ key: fc.constantFrom(anna, annasPhone), seen_at: time, with: fc.array(account, { maxLength: 2 }) })
        .map((entry) => ({ ...entry, address })),
      fc.record({ key: fc.constantFrom(anna, annasPhone), given_at: time }).map((entry) => ({ ...entry, address })),
      fc.record({ key: fc.oneof(fc.constantFrom(anna, annasPhone), account), refused_at: time }),
    );
    // More imports than an entry tells apart, and the door.
    const importIds = Array.from({ length: 12 }, (_, n) => n);
    const word = fc
      .tuple(said, fc.option(fc.constantFrom(...importIds), { freq: 6 }))
      .map(([entry, n]) => (n === null ? entry : asOfImport(entry, importId(n), at(n + 1))));
    const state = async (store: Store) => {
      await compactVault(store, identifierKey);
      const bodies = await Promise.all((await store.list(places.vault)).map((key) => store.get(key)));
      return bodies.map((body) => gunzipSync(body ?? '').toString()).join('');
    };
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(word, { minLength: 1, maxLength: 16 })
          .chain((words) =>
            fc.tuple(
              fc.constant(words),
              fc.shuffledSubarray([...words, ...words], { minLength: words.length * 2 }),
              fc.infiniteStream(fc.boolean()),
            ),
          ),
        async ([words, shuffled, merges]) => {
          const [{ lake: one }, { lake: other }] = await Promise.all([testCompany(), testCompany()]);
          await written(one, words);
          for (const entry of shuffled) {
            await written(other, [entry]);
            if (merges.next().value) await compactVault(other, identifierKey);
          }
          expect(await state(other)).toBe(await state(one));
        },
      ),
      { numRuns: 40 },
    );
    const a = {
      key: anna,
      seen_at: at(1),
      with: Array.from({ length: 30 }, (_, n) => `u:${String(n).padStart(24, '0')}`),
    };
    expect(mergeEntries(a, { key: anna }).with).toHaveLength(16);
  }, 120_000);
});

const importId = (n: number) => String(n).padStart(32, '0');

describe('what an import said', () => {
  const seen = (n: number): VaultEntry => asOfImport({ key: anna, seen_at: at(n), address }, importId(n), at(n));
  const merged = (...words: [VaultEntry, ...VaultEntry[]]) => words.reduce(mergeEntries);

  test.each<[string, VaultEntry, VaultEntry | undefined]>([
    ['goes with it where nobody else said anything', seen(1), undefined],
    ['goes, and what another import said stays', merged(seen(1), seen(2)), seen(2)],
    [
      'goes, and what the door said stays, with the address',
      merged(seen(1), { key: anna, given_at: at(3), address }),
      { key: anna, given_at: at(3), address },
    ],
    [
      'leaves no address to a refusal of the door',
      merged(seen(1), { key: anna, refused_at: at(3) }),
      { key: anna, refused_at: at(3) },
    ],
    [
      'takes its yes along, and the address that the door knows under a no',
      mergeEntries(
        { key: anna, seen_at: at(1), refused_at: at(2) },
        asOfImport({ key: anna, given_at: at(3), address }, importId(1), at(4)),
      ),
      { key: anna, seen_at: at(1), refused_at: at(2) },
    ],
    [
      'takes its refusal along',
      merged({ key: anna, seen_at: at(2), address }, asOfImport({ key: anna, refused_at: at(3) }, importId(1), at(1))),
      { key: anna, seen_at: at(2), address },
    ],
    ['is not missed where it said nothing', seen(2), seen(2)],
  ])('%s', (_, entry, left) => expect(withoutImport(entry, importId(1))).toEqual(left));

  test('is told apart for the newest eight of one identifier; what older ones said stays', () => {
    const every = [...Array(12).keys()].map((n) => seen(n + 1));
    const entry = every.reduce(mergeEntries);
    expect(entry.imports?.map(({ received_at }) => received_at)).toEqual([12, 11, 10, 9, 8, 7, 6, 5].map(at));
    expect(entry).toMatchObject({ seen_at: at(4), address });
    expect(wholeWord(entry)).toEqual({ seen_at: at(12) });
    expect(withoutImport(entry, importId(2))).toBe(entry);
    expect(wholeWord(withoutImport(entry, importId(12)) ?? { key: anna })).toEqual({ seen_at: at(11) });
  });
});

test('one half of the key puts in, the other takes out, and neither opens what another key sealed', () => {
  const publicHalf = keyOf(publicVaultKey(vaultKey));
  expect(publicHalf.privateKey).toBeUndefined();
  const sealed = createVaultSealer(publicHalf)('anna@esempio.it');
  expect(createVaultOpener(vaultKey)(sealed)).toBe('anna@esempio.it');
  expect(() => createVaultOpener(publicHalf)).toThrow('only the public half');
  expect(() => createVaultOpener(keyOf('22'.repeat(32)))(sealed)).toThrow('another key');
  const torn = `${sealed.slice(0, -6)}AAAAA=`;
  expect(() => createVaultOpener(vaultKey)(torn)).toThrow('cannot be opened');
  expect(parseVaultKey('11'.repeat(31))).toBeUndefined();
});

test('under another key of the vault its addresses are sealed anew, and the old key opens none', async () => {
  const { lake } = await testCompany();
  await written(lake, [{ key: anna, seen_at: at(1), address }]);
  const next = keyOf('33'.repeat(32));
  const names = await lake.list(places.vault);
  expect(await resealVault(lake, [next, vaultKey])).toBe(1);
  expect(await resealVault(lake, [next, vaultKey])).toBe(0);
  expect(await lake.list(places.vault)).toEqual(names);
  await expect(reader(lake).find([anna])).rejects.toThrow('another key');
  // What a door seals that has the old key still, opens.
  await written(lake, [{ key: annasPhone, seen_at: at(1), address: sealAddress('+393331234567') }]);
  const both = createVaultReader(lake, identifierKey, [next, vaultKey], identifiers);
  expect([...(await both.find([anna, annasPhone])).values()]).toEqual(['anna@esempio.it', '+393331234567']);
  const keys = parseVaultKeys(`${'33'.repeat(32)}\n${'11'.repeat(32)}\n`);
  expect(keys).toEqual([next, vaultKey]);
  expect(parseVaultKeys('33,no')).toBeUndefined();
});

test('the key file gets the new key before the last one, and no older one', async () => {
  const company = await testCompany();
  const place = { config: company.config, dir: company.dir, env: {} };
  const [first] = await readVaultKeys(place);
  await addVaultKey(place);
  await addVaultKey(place);
  const keys = await readVaultKeys(place);
  expect(keys).toHaveLength(2);
  expect(keys).not.toContainEqual(first);
  await expect(addVaultKey({ ...place, env: { PERCORSO_VAULT_KEY: '11'.repeat(32) } })).rejects.toThrow(
    'PERCORSO_VAULT_KEY',
  );
});

test('an address goes with the raw events that brought it', async () => {
  const { lake } = await testCompany();
  const phone = { key: annasPhone, given_at: at(1), seen_at: at(9), address: sealAddress('+393331234567') };
  await written(lake, [{ key: anna, seen_at: at(1), address }, phone]);
  await compactVault(lake, identifierKey, at(5));
  expect([...(await reader(lake).find([anna, annasPhone])).values()]).toEqual(['+393331234567']);
});

test('an address that was put in the place of another is not given out', async () => {
  const { lake } = await testCompany();
  await written(lake, [{ key: anna, seen_at: at(1), address: sealAddress('thief@esempio.it') }]);
  expect((await reader(lake).find([anna])).size).toBe(0);
});

test('what the HTTP door takes reaches the vault, with nothing in plain on the disk on the way', async () => {
  const company = await testCompany({ sources: { shop: { writeKeyEnv: 'KEY' } } });
  const queue = createSpoolQueue(company.paths.spool);
  const collector = createCollector({
    config: company.config,
    identifierKey,
    sealAddress,
    env: { KEY: 'k' },
    queue,
    hasRate: () => true,
    now: () => new Date('2026-04-10T08:00:00Z'),
  });
  const send = (traits: object, more: object = {}) =>
    collector.collect({
      type: 'identify',
      body: Buffer.from(
        JSON.stringify({ type: 'identify', messageId: 'm', timestamp: at(2), userId: 'u-1', traits, ...more }),
      ),
      writeKey: 'k',
      userAgent: undefined,
    });
  expect(await send({ email: 'anna@esempio.it', phone: '+39 333 1234567' })).toMatchObject({
    status: 200,
    accepted: 1,
  });
  // An SDK that saw no answer sends it again.
  await send({ email: 'anna@esempio.it', phone: '+39 333 1234567' });
  for (const file of await readdir(company.paths.spool)) {
    expect((await readFile(join(company.paths.spool, file))).toString('latin1')).not.toMatch(
      /anna@|3331234567|333 123/,
    );
  }
  await drainSpool(company, queue);
  expect([...(await reader(company.lake).find([anna, annasPhone])).values()]).toEqual([
    'anna@esempio.it',
    '+393331234567',
  ]);
  expect(await countVault(company.lake, identifierKey)).toEqual({ addresses: 2, refused: 0, waiting: 1 });
  await send({}, { type: 'track', event: 'Consent Changed', properties: { marketing: false } });
  await drainSpool(company, queue);
  expect(await compactVault(company.lake, identifierKey)).toEqual({ addresses: 0, refused: 1, waiting: 0 });
  expect((await reader(company.lake).find([anna])).size).toBe(0);
});

test('the same file again writes nothing new, and a person is taken out whole', async () => {
  const { lake } = await testCompany();
  const entries: VaultEntry[] = [
    { key: anna, seen_at: at(1), address, with: [user] },
    { key: annasPhone, given_at: at(1), address: sealAddress('+393331234567'), with: [user] },
    { key: user, refused_at: at(0) },
    // A file's word goes as well, and from what came with another's.
    asOfImport({ key: anna, given_at: at(1), address }, importId(1), at(2)),
    asOfImport(
      { key: annasPhone, seen_at: at(1), address: sealAddress('+393331234567'), with: [user] },
      importId(1),
      at(2),
    ),
  ];
  await written(lake, entries);
  const names = await lake.list(places.vault);
  await written(
    lake,
    [...entries].reverse().map((entry) => ({
      ...entry,
      ...(entry.address ? { address: createVaultSealer(vaultKey)(createVaultOpener(vaultKey)(entry.address)) } : {}),
    })),
  );
  expect(await lake.list(places.vault)).toEqual(names);
  expect(await eraseFromVault(lake, new Set([anna, user]))).toBe(3);
  expect([...(await reader(lake).find([anna, annasPhone]))]).toEqual([[annasPhone, '+393331234567']]);
  const [body] = await Promise.all((await lake.list(places.vault)).map((key) => lake.get(key)));
  expect(gunzipSync(body ?? '').toString()).not.toContain(user);
});
