import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSpoolQueue } from '#adapters/spool-queue';
import { createErasedMarks } from '#core/erasing';
import type { StoredEvent } from '#core/event';
import { createHashChain, type IdentifierKey } from '#core/identifier-key';
import { createIdentifiers } from '#core/identifiers';
import { lake as places } from '#core/lake';
import type { Store } from '#core/ports';
import { createSealing } from '#core/sealing';
import { createVaultSealer, parseVaultKey, type VaultKey } from '#core/vault-sealing';
import { createAdmitter } from '#pipeline/arrivals/admit';
import { drainSpool, encodeDelivery } from '#pipeline/arrivals/drain';
import { readErasedKeys, writeErasure } from '#pipeline/arrivals/erased-keys';
import { rejectedId, showRejected } from '#pipeline/arrivals/rejected';
import { createRawWriter } from '#pipeline/arrivals/store';
import type { Company } from '#pipeline/company/company';
import { addIdentifierSecret, readHashing, readIdentifierKey } from '#pipeline/company/keys';
import { type RotationWork, raiseLake, rotateIdentifierKey } from '#pipeline/people/rotate-key';
import { readUnlinks, unlink } from '#pipeline/people/unlinks';
import { compactVault, createVaultReader } from '#pipeline/people/vault';
import { testCompany } from './import-company.ts';

const first = Buffer.alloc(32, 7);
const second = Buffer.alloc(32, 8);
const third = Buffer.alloc(32, 9);
const keys: IdentifierKey[] = [first, [first, second], [first, second, third]];
const vaultKey = parseVaultKey('11'.repeat(32)) ?? { publicKey: Buffer.alloc(0) };
const sealAddress = createVaultSealer(vaultKey);

test('a hash of one generation becomes that of the next ones, as if the address had been hashed anew', () => {
  const kinds = ['user_id', 'crm_id', 'loyalty_card', 'email', 'phone', 'anonymous_id'] as const;
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.string({ minLength: 1 }), (kind, value) => {
      const hashes = keys.map((key) => createIdentifiers(key, 'IT').hash(kind, value));
      expect(new Set(hashes).size).toBe(3);
      for (const [to, key] of keys.entries()) {
        const chain = createHashChain(key);
        for (let from = 0; from <= to; from++) {
          expect(chain.raise(hashes[from] ?? '', from + 1)).toBe(hashes[to]);
          expect(chain.raiseText(`mail:\\n${hashes[from]}&x=${hashes[from]?.replace(':', '%3A')}`, from + 1)).toBe(
            `mail:\\n${hashes[to]}&x=${hashes[to]?.replace(':', '%3A')}`,
          );
        }
        expect(chain.lower(hashes[to] ?? '')).toBe(hashes[0]);
      }
    }),
    { numRuns: 200 },
  );
});

test('only the newest secret with all before it makes a hash of today, and neither alone', () => {
  const today = createIdentifiers([first, second], 'IT').hash('email', 'anna@esempio.it');
  for (const key of [first, second, [second, first], [first, third]] as const) {
    expect(createIdentifiers(key, 'IT').hash('email', 'anna@esempio.it')).not.toBe(today);
  }
});

test('text that only looks like a hash is left alone where it can be told', () => {
  const chain = createHashChain([first, second, third]);
  const id = '507f1f77bcf86cd799439011';
  for (const text of [`file:${id}`, `data:${id}`, `e:${id}0`, `x:${id}`, 'e:507f', `a:${id}${id.slice(0, 8)}`]) {
    expect(chain.raiseText(text, text.length === 34 ? 2 : 1), text).toBe(text);
  }
  expect(createHashChain([first, second]).lower(`e:${id}${id.slice(0, 8)}`)).toBe(`e:${id}${id.slice(0, 8)}`);
});

const identifiers = createIdentifiers(first, 'IT');
const at = (day: number) => `2026-03-${String(day).padStart(2, '0')}T10:00:00.000Z`;
const receivedAt = new Date('2026-03-10T08:00:00Z');

/** What came in, as people wrote it: no id of its own, an address in every place. */
const inputs = [
  {
    event_type: 'Order Completed',
    occurred_at: at(1),
    source: 'shop',
    identifiers: { user_id: 'anna-7741', email: 'Anna@Esempio.it', phone: '333 1234567', anonymous_id: 'cookie-1' },
    touch: {
      landing_page: 'https://a.it/?mail=anna%40esempio.it&q=%20+39 333 1234567',
      campaign: 'for anna@esempio.it',
    },
    value: { order_id: 'o of anna@esempio.it', revenue: '12.00', currency: 'EUR' },
    properties: { note: 'line\nanna@esempio.it\t+39 333 1234567', 'of anna@esempio.it': { deep: ['anna@esempio.it'] } },
  },
  {
    event_type: 'Feedback Given',
    occurred_at: at(2),
    source: 'crm',
    identifiers: { crm_id: 'C-1', email: 'bruno@esempio.it' },
  },
  {
    event_id: 'call-+39 333 1234567-1',
    event_type: 'Contact',
    occurred_at: at(3),
    source: 'calls',
    identifiers: { phone: '+39 333 1234567' },
  },
  {
    event_id: 'plain',
    event_type: 'Page Viewed',
    occurred_at: at(4),
    source: 'web',
    identifiers: { anonymous_id: 'cookie-1' },
  },
];

function admitted(key: IdentifierKey) {
  const door = createAdmitter({
    config: company0.config,
    identifierKey: key,
    trust: 'server',
    receivedAt,
    hasRate: () => true,
    sealAddress,
  });
  return inputs.map((input) => {
    const judged = door.event(input, (hash) => `${hash}-0`);
    if (!judged.ok) throw new Error(judged.message);
    return judged;
  });
}
const company0 = await testCompany();

const campaign = `for ${identifiers.hash('email', 'anna@esempio.it')}`;
const cost = {
  cost_date: '2026-03-01',
  source: 'ads',
  account: '',
  campaign_id: '1',
  campaign,
  ad_group: '',
  impressions: 1,
  clicks: 1,
  spend: '1.00',
  currency: 'EUR',
  platform_conversions: 0,
  platform_value: '0',
  received_at: at(2),
  import_id: 'i',
  schema_version: 1 as const,
};

async function company(): Promise<{ company: Company; work: RotationWork }> {
  const made = await testCompany();
  await writeFile(join(made.dir, 'identifier.key'), `${first.toString('hex')}\n`);
  const config = { ...made.config, secrets: { ...made.config.secrets, identifierKeyFile: 'identifier.key' } };
  const writer = createRawWriter(made.lake, { identifierKey: first, recordsPerObject: 3 });
  for (const { value, vault } of admitted(first)) {
    await writer.event(value);
    for (const entry of vault) await writer.vault(entry);
  }
  await writer.cost(cost);
  await writer.reject({
    rejected_at: at(5),
    source: 'web',
    reason: 'wrong-date',
    message: `of ${identifiers.hash('email', 'anna@esempio.it')}`,
    via: 'http:segment:track',
    original: Buffer.from('{"mail":"ANNA@esempio.it"}').toString('base64'),
    schema_version: 1,
  });
  await writer.flush();
  await unlink(
    made.lake,
    identifiers.hash('user_id', 'anna-7741'),
    identifiers.hash('crm_id', 'C-1'),
    receivedAt,
    first,
  );
  const { mark } = createErasedMarks(first);
  const carla = identifiers.hash('email', 'carla@esempio.it');
  await writeErasure(
    made.lake,
    'e1',
    { erased_at: at(8), marks: [mark(carla)], shared_marks: [], schema_version: 1 },
    1,
  );
  const place = { config, dir: made.dir, env: {} };
  return {
    company: {
      ...made,
      config,
      configPath: '',
      overrides: {},
      env: {},
      identifierKey: () => readIdentifierKey(place, made.lake),
      vaultKeys: async (): Promise<[VaultKey]> => [vaultKey],
      addIdentifierSecret: () => addIdentifierSecret(place),
      alone: <Result>(work: () => Promise<Result>) => work(),
      sealAddress: async () => sealAddress,
    },
    work: { build: async () => {}, say: () => {}, now: () => receivedAt },
  };
}

/** All that the lake holds, refused originals and addresses opened, in an order that names of objects do not change. */
async function contents(store: Store, key: IdentifierKey): Promise<string[]> {
  const sealing = createSealing(key);
  const found: string[] = [];
  for (const name of await store.list('')) {
    const body = Buffer.from((await store.get(name)) ?? []);
    const text = (name.endsWith('.gz') ? gunzipSync(body) : body).toString('utf8');
    const opened = text
      .replace(/sealed1:[A-Za-z0-9+/=]+/g, (sealed) => sealing.open(sealed))
      .replace(/vault1:[^"]+/g, 'sealed');
    found.push(`${name.replace(/[0-9a-f]{32}(?=\.k2)/, '*')} ${opened}`);
  }
  return found.sort();
}

async function eventsOf(store: Store): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (const name of await store.list(places.rawEvents)) {
    const text = gunzipSync((await store.get(name)) ?? new Uint8Array()).toString('utf8');
    for (const line of text.split('\n')) if (line !== '') events.push(JSON.parse(line));
  }
  return events.sort((a, b) => (a.occurred_at < b.occurred_at ? -1 : 1));
}

const firstHashes = ['anna@esempio.it', 'bruno@esempio.it', 'carla@esempio.it']
  .map((email) => identifiers.hash('email', email))
  .concat(
    identifiers.hash('phone', '+393331234567'),
    identifiers.hash('user_id', 'anna-7741'),
    identifiers.hash('crm_id', 'C-1'),
    identifiers.hash('anonymous_id', 'cookie-1'),
  );

test('after a change of the key the lake is what it would be, had all come in under the new one', async () => {
  const { company: made, work } = await company();
  const before = await showRejected(made.lake, first, {}, 10);
  const result = await rotateIdentifierKey(made, work);
  expect(result).toMatchObject({ generation: 2, isResumed: false, events: 4, raw_objects: 2, erasures: 1, unlinks: 1 });
  const key = await made.identifierKey();
  expect(await eventsOf(made.lake)).toEqual(admitted(key).map(({ value }) => ({ ...value })));
  // No old hash in any form, and no id that the old key could make again.
  const all = (await contents(made.lake, key)).join('\n');
  for (const hash of firstHashes) expect(all).not.toContain(hash.slice(2));
  for (const { value } of admitted(first)) {
    if (value.event_id !== 'plain') expect(all).not.toContain(value.event_id.slice(0, 32));
  }
  const today = createIdentifiers(key, 'IT');
  expect(await readUnlinks(made.lake)).toEqual([
    {
      identifier_a: today.hash('crm_id', 'C-1'),
      identifier_b: today.hash('user_id', 'anna-7741'),
      unlinked_at: receivedAt.toISOString(),
    },
  ]);
  const [refused] = await showRejected(made.lake, key, {}, 10);
  expect(refused?.original.toString()).toBe('{"mail":"ANNA@esempio.it"}');
  expect(refused?.record.message).toBe(`of ${today.hash('email', 'anna@esempio.it')}`);
  const [old] = before;
  if (refused === undefined || old === undefined) throw new Error('nothing is refused');
  expect(rejectedId(key, refused.record, refused.original)).toBe(rejectedId(first, old.record, old.original));
  // Who was erased stays erased.
  const erased = await readErasedKeys(made.lake, key);
  const carla = { ...(await eventsOf(made.lake))[0], keys: { email: today.hash('email', 'carla@esempio.it') } };
  expect(erased?.withoutErased(carla as StoredEvent).keys).toEqual({});
  // The vault opens to the same addresses.
  await compactVault(made.lake, key);
  const wanted = [today.hash('email', 'anna@esempio.it'), today.hash('phone', '+393331234567')];
  const reader = createVaultReader(made.lake, key, [vaultKey], today);
  expect([...(await reader.find(wanted)).values()].sort()).toEqual(['+393331234567', 'anna@esempio.it']);
  // And again, to a third secret.
  await rotateIdentifierKey(made, work);
  const third = await made.identifierKey();
  expect(await eventsOf(made.lake)).toEqual(admitted(third).map(({ value }) => value));
  const later = createVaultReader(made.lake, third, [vaultKey], createIdentifiers(third, 'IT'));
  const names = [createIdentifiers(third, 'IT').hash('email', 'bruno@esempio.it')];
  expect([...(await later.find(names)).values()]).toEqual(['bruno@esempio.it']);
});

test('cut off at any write, and run again, it ends with the same lake', async () => {
  let cuts = 0;
  for (let cut = 1; ; cut++) {
    const { company: made, work } = await company();
    let left = cut;
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
    const isWhole = await rotateIdentifierKey({ ...made, lake: failing }, work).then(
      () => true,
      () => false,
    );
    if (!isWhole) {
      cuts += 1;
      const ended = await rotateIdentifierKey(made, work);
      expect(ended).toMatchObject({ generation: 2, isResumed: true });
    }
    const key = await made.identifierKey();
    const found = await contents(made.lake, key);
    expect(await eventsOf(made.lake), `cut at ${cut}`).toEqual(admitted(key).map(({ value }) => value));
    expect(found.length, `cut at ${cut}`).toBe(9);
    expect(found.filter((line) => firstHashes.some((hash) => line.includes(hash.slice(2))))).toEqual([]);
    if (isWhole) break;
  }
  expect(cuts).toBeGreaterThan(12);
});

test('what a door took under the old key is put under the new one on its way, and an old process is refused', async () => {
  const { company: made, work } = await company();
  const queue = createSpoolQueue(made.paths.spool);
  const [order] = admitted(first);
  if (order === undefined) throw new Error('no event');
  await queue.send([encodeDelivery({ events: [order.value], rejected: [], vault: [...order.vault] })]);
  await rotateIdentifierKey(made, work);
  const key = await made.identifierKey();
  await drainSpool(made, queue);
  const told = (await eventsOf(made.lake)).filter((event) => event.event_type === 'Order Completed');
  expect(told.map(({ event_id, keys: found }) => ({ event_id, found }))).toEqual(
    [0, 1].map(() => ({ event_id: admitted(key)[0]?.value.event_id, found: admitted(key)[0]?.value.keys })),
  );
  const place = { config: made.config, dir: made.dir, env: { PERCORSO_IDENTIFIER_KEY: first.toString('hex') } };
  await expect(readIdentifierKey(place, made.lake)).rejects.toThrow('the identifier key was changed');
  // A message under a newer key waits for a process that has it.
  await queue.send([encodeDelivery({ events: [], rejected: [], generation: 2 })]);
  await expect(drainSpool({ lake: made.lake, identifierKey: async () => first }, queue)).rejects.toThrow('newer key');
  await drainSpool(made, queue);
});

test('what an import that began before wrote afterwards is put right by the next build, erased persons too', async () => {
  const { company: made, work } = await company();
  await rotateIdentifierKey(made, work);
  const key = await made.identifierKey();
  const late = createRawWriter(made.lake, { identifierKey: first });
  const [order] = admitted(first);
  if (order === undefined) throw new Error('no event');
  const carla = { email: identifiers.hash('email', 'carla@esempio.it') };
  const { made_id: _, ...value } = order.value;
  await late.event({ ...value, event_id: 'late', keys: { user_id: identifiers.hash('user_id', 'anna-7741') } });
  await late.event({ ...value, event_id: 'erased', keys: carla });
  await late.vault({ key: carla.email, seen_at: at(1), address: sealAddress('carla@esempio.it') });
  await late.flush();
  expect(await raiseLake(made, key, { changed_at: '' })).toMatchObject({ events: 2, vault_objects: 1 });
  const today = createIdentifiers(key, 'IT');
  const found = new Map((await eventsOf(made.lake)).map((event) => [event.event_id, event.keys]));
  expect(found.get('late')).toEqual({ user_id: today.hash('user_id', 'anna-7741') });
  expect(found.get('erased')).toEqual({});
  const carlas = today.hash('email', 'carla@esempio.it');
  expect((await createVaultReader(made.lake, key, [vaultKey], today).find([carlas])).size).toBe(0);
});

test('a key of the environment is a person’s to add to, and an erasure is ended first', async () => {
  const { company: made, work } = await company();
  const hex = [first, second].map((secret) => secret.toString('hex'));
  const under = (value: string): Company => {
    const env = { PERCORSO_IDENTIFIER_KEY: value };
    return {
      ...made,
      env,
      identifierKey: () => readIdentifierKey({ config: made.config, dir: made.dir, env }, made.lake),
      addIdentifierSecret: () => addIdentifierSecret({ config: made.config, dir: made.dir, env }),
    };
  };
  await expect(rotateIdentifierKey(under(hex[0] ?? ''), work)).rejects.toThrow('PERCORSO_IDENTIFIER_KEY');
  expect(await readHashing(made.lake)).toMatchObject({ generation: 1 });
  await made.lake.put(places.unfinishedErasure, '{}');
  await expect(rotateIdentifierKey(under(hex.join(',')), work)).rejects.toThrow('an erasure was cut off');
  await made.lake.remove(places.unfinishedErasure);
  expect(await rotateIdentifierKey(under(hex.join(',')), work)).toMatchObject({ generation: 2 });
  expect(await eventsOf(made.lake)).toEqual(admitted([first, second]).map(({ value }) => value));
});
