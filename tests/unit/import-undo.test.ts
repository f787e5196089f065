import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createIdentifiers } from '#core/identifiers';
import { generationOfObject, importOfObject, lake as places } from '#core/lake';
import { athenaDialect } from '#core/lake-sql';
import type { Store } from '#core/ports';
import { type VaultEntry, wholeWord } from '#core/vault';
import { createVaultSealer, parseVaultKey } from '#core/vault-sealing';
import { rejectedId, replayRejected, showRejected } from '#pipeline/arrivals/rejected';
import { createRawWriter } from '#pipeline/arrivals/store';
import { type LakeBuilder, planRun } from '#pipeline/builds/lake-build';
import { fileReplayers } from '#pipeline/imports/file-replay';
import { importFiles } from '#pipeline/imports/import';
import { beginUndo, type ImportEntry, listImports, requireNoUndo } from '#pipeline/imports/import-ledger';
import { findImport, undoImport } from '#pipeline/imports/import-undo';
import { raiseLake } from '#pipeline/people/rotate-key';
import { compactVault, createVaultReader } from '#pipeline/people/vault';
import { type TestCompany, testCompany } from './import-company.ts';

const vaultKey = parseVaultKey('11'.repeat(32)) ?? { publicKey: Buffer.alloc(0) };
const at = (minute: number) => new Date(Date.UTC(2026, 2, 11, 8, minute));
const order = (id: string, revenue = '10.00') => ({
  event_type: 'Order Completed',
  event_id: id,
  occurred_at: '2026-01-05T10:00:00Z',
  source: 'till',
  identifiers: { loyalty_card: `card-${id}` },
  value: { order_id: id, revenue, currency: 'EUR' },
});
const cost = (spend: string) => ({
  cost_date: '2026-01-05',
  source: 'radio',
  channel: 'Radio',
  spend,
  currency: 'EUR',
});
const jsonLines = (...records: object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** Two imports: one that is right, and one that says some of the same, and more that is wrong. */
async function company(): Promise<TestCompany> {
  const made = await testCompany();
  await made.import([await made.write('good.jsonl', jsonLines(order('1'), order('2'), cost('5.00')))]);
  const bad = jsonLines(order('2'), order('3'), { ...order('4'), value: { revenue: 'ten' } }, cost('500.00'));
  await made.import([await made.write('bad.jsonl', bad)]);
  return made;
}

const entries = (made: TestCompany) => listImports(made.lake);
const named = async (made: TestCompany, name: string) => findImport(await entries(made), name);
const undo = async (made: TestCompany, name: string, lake: Store = made.lake) =>
  undoImport(lake, await named(made, name), at(0));
const orders = async (made: TestCompany) => (await made.events()).map(({ event_id }) => event_id).sort();
const spends = async (made: TestCompany) => (await made.costs()).map(({ spend }) => spend).sort();

/** Everything below `raw/` and `rejected/`, byte for byte. */
async function contents(made: TestCompany) {
  const keys = [...(await made.rawKeys()), ...(await made.lake.list(places.rejected))];
  return Promise.all(keys.map(async (key) => [key, Buffer.from((await made.lake.get(key)) ?? '').toString('base64')]));
}

/** A store that dies at its nth change. */
function dyingStore(lake: Store, changes: number): Store {
  let left = changes;
  const live = () => {
    left -= 1;
    if (left < 0) throw new Error('died');
  };
  return {
    ...lake,
    async put(key, body) {
      live();
      await lake.put(key, body);
    },
    async putIfAbsent(key, body) {
      live();
      return lake.putIfAbsent(key, body);
    },
    async remove(key) {
      live();
      await lake.remove(key);
    },
  };
}

describe('taking back an import', () => {
  it('takes away what it wrote and no more: the same event of another import stays', async () => {
    const made = await company();
    expect(await orders(made)).toEqual(['1', '2', '2', '3']);
    expect(await undo(made, 'bad.jsonl')).toMatchObject({
      event_objects: 1,
      cost_objects: 1,
      rejected_objects: 1,
      was_undone: false,
    });
    expect(await orders(made)).toEqual(['1', '2']);
    expect(await spends(made)).toEqual(['5.00']);
    expect(await made.lake.list(places.rejected)).toEqual([]);
    expect((await entries(made)).map(({ file, state, undone_at }) => [file, state, undone_at])).toEqual([
      ['good.jsonl', 'taken', undefined],
      ['bad.jsonl', 'taken back', at(0).toISOString()],
    ]);
  });

  it('leaves what came in at the door, though it says the same', async () => {
    const made = await company();
    const writer = createRawWriter(made.lake, { identifierKey: await made.identifierKey() });
    for (const event of await made.events()) await writer.event(event);
    const { keys } = await writer.flush();
    await undo(made, 'bad.jsonl');
    expect(await made.rawKeys()).toEqual(expect.arrayContaining(keys));
    expect(await orders(made)).toEqual(['1', '1', '2', '2', '2', '3']);
  });

  it('killed anywhere is run again to the same end; until then nobody builds or begins the import again', async () => {
    const wanted = await company();
    await undo(wanted, 'bad.jsonl');
    // Its mark, three objects, the start, the entry, the mark again: at the last it dies no more.
    for (let changes = 0; changes <= 7; changes += 1) {
      let isKilled = false;
      const made = await company();
      try {
        await undo(made, 'bad.jsonl', dyingStore(made.lake, changes));
      } catch {
        isKilled = true;
        const { state, import_id } = await named(made, 'bad.jsonl');
        if (changes > 0) {
          expect(state).toBe('cut off');
          await expect(requireNoUndo(made.lake)).rejects.toThrow(`the import ${import_id} was taken back in part`);
          await expect(made.import([`${made.dir}/bad.jsonl`])).rejects.toThrow('was taken back in part');
        } else expect(state).toBe('taken');
        await undo(made, import_id.slice(0, 8));
      }
      await requireNoUndo(made.lake);
      expect(await contents(made)).toEqual(await contents(wanted));
      expect((await entries(made)).map(({ state }) => state)).toEqual(['taken', 'taken back']);
      expect(isKilled).toBe(changes < 7);
    }
  });

  it('done twice is done once', async () => {
    const made = await company();
    await undo(made, 'bad.jsonl');
    const before = await contents(made);
    const second = await undoImport(made.lake, await named(made, 'bad.jsonl'), at(9));
    expect(second).toMatchObject({ event_objects: 0, cost_objects: 0, rejected_objects: 0, was_undone: true });
    expect(await contents(made)).toEqual(before);
    expect((await named(made, 'bad.jsonl')).undone_at).toBe(at(0).toISOString());
  });

  it('lets the file in again, as a new import whose costs are the newest', async () => {
    const made = await company();
    const before = await made.rawKeys();
    await undo(made, 'bad.jsonl');
    await made.import([await made.write('later.jsonl', jsonLines(cost('7.00')))]);
    const { files } = await made.import([`${made.dir}/bad.jsonl`]);
    expect(files[0]).toMatchObject({ alreadyThere: false, events: 2, costs: 1, rejected: 1 });
    expect(await made.rawKeys()).toEqual(expect.arrayContaining(before));
    const newest = (await made.costs()).sort((a, b) => (a.received_at < b.received_at ? -1 : 1)).at(-1);
    expect(newest?.spend).toBe('500.00');
    expect((await named(made, 'bad.jsonl')).state).toBe('taken');
    // And that one can be taken back as well.
    expect(await undo(made, 'bad.jsonl')).toMatchObject({ event_objects: 1, cost_objects: 1, was_undone: false });
    expect(await spends(made)).toEqual(['5.00', '7.00']);
  });

  it('takes along what a replay has taken of its refused rows since', async () => {
    const made = await company();
    const key = await made.identifierKey();
    const text = JSON.stringify(order('5'));
    const [refused] = await showRejected(made.lake, key, {}, 1);
    if (refused === undefined) throw new Error('nothing was refused');
    const id = rejectedId(key, refused.record, refused.original);
    const mend = (original: Buffer) => Buffer.from(JSON.stringify({ ...JSON.parse(original.toString()), text }));
    expect(await replayRejected(made.lake, key, await fileReplayers(made), {}, new Map([[id, mend]]))).toMatchObject({
      taken: 1,
    });
    expect(await orders(made)).toEqual(['1', '2', '2', '3', '5']);
    await undo(made, 'bad.jsonl');
    expect(await orders(made)).toEqual(['1', '2']);
  });

  it('finds its objects also after the key of the hashes was changed', async () => {
    const made = await company();
    const key = [Buffer.alloc(32, 7), Buffer.alloc(32, 8)];
    await raiseLake(made, key, { changed_at: at(0).toISOString() });
    const events = await made.lake.list(places.rawEvents);
    expect(events.map(generationOfObject)).toEqual([2, 2]);
    expect(new Set(events.map(importOfObject)).size).toBe(2);
    await undo(made, 'bad.jsonl');
    expect(await orders(made)).toEqual(['1', '2']);
    expect(await made.lake.list(places.rejected)).toEqual([]);
  });

  it('takes back an import that was killed before its end', async () => {
    const made = await testCompany();
    const path = await made.write('half.jsonl', jsonLines(order('1'), cost('5.00')));
    // It begins, writes its events, and dies at its costs.
    const dying = { ...made, lake: dyingStore(made.lake, 2) };
    await expect(importFiles(dying, [path], { cwd: made.dir })).rejects.toThrow('died');
    expect((await entries(made)).map(({ file, state }) => [file, state])).toEqual([['half.jsonl', 'unfinished']]);
    expect(await undo(made, 'half.jsonl')).toMatchObject({ event_objects: 1, cost_objects: 0 });
    expect(await made.rawKeys()).toEqual([]);
    expect(await entries(made)).toEqual([]);
  });

  it('while the same import runs has it say so, and run again leaves nothing of it', async () => {
    const made = await company();
    await undo(made, 'bad.jsonl');
    const path = `${made.dir}/bad.jsonl`;
    // The import begins anew; before it says that it has ended, somebody takes it back.
    const late: Store = {
      ...made.lake,
      async get(key) {
        if (key.startsWith('imports/started/') && (await made.rawKeys()).length > 2) {
          await undoImport(made.lake, await named(made, 'bad.jsonl'), at(1));
        }
        return made.lake.get(key);
      },
    };
    await expect(importFiles({ ...made, lake: late }, [path], { cwd: made.dir })).rejects.toThrow(
      'was taken back while it ran',
    );
    await undo(made, 'bad.jsonl');
    expect(await orders(made)).toEqual(['1', '2']);
  });

  it('refuses an import whose objects do not say that they are of it', async () => {
    const made = await company();
    for (const key of await made.lake.list('imports/')) {
      const text = Buffer.from((await made.lake.get(key)) ?? '').toString();
      await made.lake.put(key, text.replace('"schema_version":2', '"schema_version":1'));
    }
    const before = await contents(made);
    await expect(undo(made, 'bad.jsonl')).rejects.toThrow('by a version that did not mark its objects');
    expect(await contents(made)).toEqual(before);
    await requireNoUndo(made.lake);
    // It is known all the same: the file brings nothing new.
    expect((await made.import([`${made.dir}/bad.jsonl`])).files[0]).toMatchObject({ alreadyThere: true });
  });
});

describe('what an import alone brought into the vault', () => {
  const sealAddress = createVaultSealer(vaultKey);
  const contact = (email: string, more: object = {}) => ({
    event_type: 'Identify',
    event_id: `of ${email}`,
    occurred_at: '2026-01-05T10:00:00Z',
    source: 'crm',
    identifiers: { email },
    ...more,
  });
  const refused = (email: string) => contact(email, { consent: { marketing: false } });
  const identifiers = createIdentifiers(Buffer.alloc(32, 7), 'IT');
  const people = ['anna', 'bruno', 'carla', 'dora'].map((name) => `${name}@esempio.it`) as [
    string,
    string,
    string,
    string,
  ];
  const [anna, bruno, carla, dora] = people;

  /** The door knows Bruno and Dora, another file Carla; the bad file names all four, and says that Dora refuses. */
  async function contacts(): Promise<TestCompany> {
    const bare = await testCompany();
    let clock = at(0).getTime();
    const keeping = { ...bare, sealAddress: async () => sealAddress };
    const made: TestCompany = {
      ...keeping,
      import: (files, options = {}) =>
        importFiles(keeping, files, {
          cwd: bare.dir,
          now() {
            clock += 1000;
            return new Date(clock);
          },
          ...options,
        }),
    };
    await made.import([await made.write('good.jsonl', jsonLines(contact(carla)))]);
    await made.import([
      await made.write('bad.jsonl', jsonLines(contact(anna), contact(bruno), contact(carla), refused(dora))),
    ]);
    const writer = createRawWriter(made.lake, { identifierKey: await made.identifierKey() });
    for (const email of [bruno, dora]) {
      const key = identifiers.hash('email', email);
      await writer.vault({ key, seen_at: '2026-01-04T10:00:00.000Z', address: sealAddress(email) });
    }
    await writer.flush();
    return made;
  }

  async function known(made: TestCompany): Promise<string[]> {
    const reader = createVaultReader(made.lake, await made.identifierKey(), [vaultKey], identifiers);
    const found = await reader.find(people.map((email) => identifiers.hash('email', email)));
    return [...found.values()].sort();
  }
  const vaultText = async ({ lake }: TestCompany) => {
    const bodies = await Promise.all((await lake.list(places.vault)).map((key) => lake.get(key)));
    return bodies.map((body) => gunzipSync(body ?? '').toString()).join('');
  };

  it.each([
    ['before the night merges it', false],
    ['after the night has merged it', true],
  ])('goes with it, and what others brought too stays, %s', async (_, isMerged) => {
    const made = await contacts();
    const { import_id } = await named(made, 'bad.jsonl');
    if (isMerged) {
      // By night an address goes that is refused; it comes in again at the door.
      await compactVault(made.lake, await made.identifierKey());
      const writer = createRawWriter(made.lake, { identifierKey: await made.identifierKey() });
      const key = identifiers.hash('email', dora);
      await writer.vault({ key, seen_at: '2026-01-06T10:00:00.000Z', address: sealAddress(dora) });
      await writer.flush();
    }
    expect(await known(made)).toEqual([anna, bruno, carla]);
    expect(await undo(made, 'bad.jsonl')).toMatchObject({ vault_entries: 4 });
    expect(await known(made)).toEqual([bruno, carla, dora]);
    expect(await vaultText(made)).not.toContain(import_id);
    expect(await vaultText(made)).not.toContain(identifiers.hash('email', anna));
    // Done twice is done once; and corrected or not, the file comes in again.
    expect(await undo(made, 'bad.jsonl')).toMatchObject({ vault_entries: 0, was_undone: true });
    await made.import([`${made.dir}/bad.jsonl`]);
    expect(await known(made)).toEqual([anna, bruno, carla]);
  });

  it('is found under another key of the hashes too, and in what a replay took', async () => {
    const made = await contacts();
    await compactVault(made.lake, await made.identifierKey());
    const path = await made.write(
      'bad.csv',
      `event_type,when,mail\nIdentify,2026-01-05 10:00,${anna}\nIdentify,never,dario@esempio.it\n`,
    );
    await made.write(
      'mappings/bad.yaml',
      [
        'source: crm',
        'format: { type: csv }',
        'events:',
        '  - event_type: Identify',
        '    occurred_at: { column: when, format: "yyyy-MM-dd HH:mm" }',
        '    identifiers: { email: "{mail}" }',
      ].join('\n'),
    );
    expect((await made.import([path], { mapping: 'bad' })).files[0]).toMatchObject({ events: 1, rejected: 1 });
    const key = await made.identifierKey();
    const [row] = await showRejected(made.lake, key, {}, 1);
    if (row === undefined) throw new Error('nothing was refused');
    const mend = (original: Buffer) => Buffer.from(original.toString().replace('never', '2026-01-05 11:00'));
    const mends = new Map([[rejectedId(key, row.record, row.original), mend]]);
    expect(await replayRejected(made.lake, key, await fileReplayers(made), {}, mends)).toMatchObject({ taken: 1 });
    const newer = [Buffer.alloc(32, 7), Buffer.alloc(32, 8)];
    await raiseLake(made, newer, { changed_at: at(0).toISOString() });
    const today = createIdentifiers(newer, 'IT');
    const found = async () => {
      const reader = createVaultReader(made.lake, newer, [vaultKey], today);
      const all = [...people, 'dario@esempio.it'].map((email) => today.hash('email', email));
      return [...(await reader.find(all)).values()].sort();
    };
    expect(await found()).toEqual([anna, bruno, carla, 'dario@esempio.it']);
    await undo(made, 'bad.csv');
    expect(await found()).toEqual([anna, bruno, carla]);
    await undo(made, 'bad.jsonl');
    expect(await found()).toEqual([bruno, carla]);
  });

  it('goes to the end where an undo was killed anywhere', async () => {
    for (const isMerged of [false, true]) {
      for (let changes = 0, isKilled = true; isKilled; changes += 1) {
        const made = await contacts();
        if (isMerged) await compactVault(made.lake, await made.identifierKey());
        isKilled = false;
        try {
          await undo(made, 'bad.jsonl', dyingStore(made.lake, changes));
        } catch {
          isKilled = true;
          const { import_id } = await named(made, 'bad.jsonl');
          await undo(made, import_id);
        }
        await requireNoUndo(made.lake);
        // Dora's address went in the night that the bad file had her refuse.
        expect(await known(made)).toEqual(isMerged ? [bruno, carla] : [bruno, carla, dora]);
      }
    }
  });

  it('is not known of what a version wrote that did not tell: that stays', async () => {
    const made = await contacts();
    const { import_id } = await named(made, 'bad.jsonl');
    // As it was written before: the words of all as one.
    const lines = (await vaultText(made)).trim().split('\n');
    for (const key of await made.lake.list(places.vault)) await made.lake.remove(key);
    const writer = createRawWriter(made.lake, { identifierKey: await made.identifierKey() });
    for (const line of lines) {
      const { imports: _, ...entry }: VaultEntry = JSON.parse(line);
      await writer.vault({ ...entry, ...wholeWord(JSON.parse(line)) });
    }
    await writer.flush();
    expect(await vaultText(made)).not.toContain(import_id);
    expect(await undo(made, 'bad.jsonl')).toMatchObject({ event_objects: 1, vault_entries: 0 });
    expect(await known(made)).toEqual([anna, bruno, carla]);
  });
});

describe('which import is meant', () => {
  const entry = (import_id: string, file: string, state: ImportEntry['state'] = 'taken'): ImportEntry => ({
    ...{ import_id: import_id.padEnd(32, '0'), file, state, via: 'canonical', received_at: '2026-03-10T08:00:00.000Z' },
    ...{ rows: 1, events: 1, costs: 0, rejected: 0 },
  });
  const known = [
    entry('aaaaaa1', 'till.csv', 'taken back'),
    entry('aaaaaa2', 'till.csv'),
    entry('bbbbbb1', 'export.csv'),
    entry('bbbbbb2', 'export.csv'),
    entry('cccccc1', 'gone.csv', 'taken back'),
  ];

  it('is told by its id, the first digits of it, or the name of its file', () => {
    expect(findImport(known, 'aaaaaa1')).toBe(known[0]);
    expect(findImport(known, 'landing/till.csv')).toBe(known[1]);
    expect(findImport(known, 'bbbbbb2'.padEnd(32, '0'))).toBe(known[3]);
    expect(findImport(known, 'gone.csv')).toBe(known[4]);
  });

  it('is asked for where several are, or none', () => {
    expect(() => findImport(known, 'export.csv')).toThrow(
      '2 imports are called export.csv: bbbbbb100000 of 2026-03-10',
    );
    expect(() => findImport(known, 'none.csv')).toThrow('no import none.csv');
    expect(() => findImport(known, 'aaaaa')).toThrow('no import aaaaa');
  });
});

it('a build on AWS does not begin while half of an import is there', async () => {
  const made = await company();
  await beginUndo(made.lake, await named(made, 'bad.jsonl'));
  const builder: LakeBuilder = {
    company: made,
    catalogue: { models: [], checks: [], seeds: {} },
    types: {},
    on: 'aws',
    dialect: () => athenaDialect,
    rawDatabase: 'acme_test',
    leaseSeconds: 3600,
    tables: made.lake,
    openWarehouse: () => {
      throw new Error('no statement may run');
    },
    results: async () => [],
    now: () => at(0),
  };
  await expect(planRun(builder, 'execution')).rejects.toThrow('was taken back in part');
  await undo(made, 'bad.jsonl');
  await expect(planRun(builder, 'execution')).rejects.toThrow('no statement may run');
});
