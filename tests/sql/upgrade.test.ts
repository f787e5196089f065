import { expect, test, vi } from 'vitest';
import { createSpoolQueue } from '#adapters/spool-queue';
import type { StoredEvent } from '#core/event';
import { lake, type Manifest, manifestVersion } from '#core/lake';
import { drainSpool, encodeDelivery, storeDeliveries } from '#pipeline/arrivals/drain';
import { pruneBuilds, readCurrentManifest } from '#pipeline/builds/publish';
import { type CompanyByDays, openCompanyByDays } from './company-by-days.ts';
import { at, contact, order, visit } from './company-on-duckdb.ts';

/*
 * What a version of before has left, in the queue and in the lake, when a new one takes over; and what a version that was left
 * behind meets of a newer one.
 */
vi.setConfig({ testTimeout: 300_000 });

const config = { attribution: { lookbackDays: 30 }, timeZone: 'UTC', fullRefresh: 'never' as const };
const key = Buffer.alloc(32, 7);
const tables = ['events', 'touches', 'sessions', 'conversions', 'persons', 'channel_daily', 'stage_entries'];

const first = [
  visit('a', at('2026-03-01'), { source: 'google', medium: 'cpc' }),
  order('a', 'o1', at('2026-03-05'), '100.00'),
  visit('a', at('2026-03-19'), { source: 'facebook', medium: 'social' }),
];
/** As a door has judged it. */
const waiting: StoredEvent = {
  event_id: 'w1',
  event_type: 'Order Completed',
  occurred_at: '2026-03-20T13:00:00.000Z',
  received_at: '2026-03-20T13:00:01.000Z',
  source: 'shop',
  trust: 'server',
  keys: { anonymous_id: 'a:w' },
  value: { order_id: 'w1', revenue: '20.00', currency: 'EUR' },
  schema_version: 1,
};

/** The message as versions wrote it that knew of no version: `{"events":[...],"rejected":[]}`. */
function unversioned(): Uint8Array {
  const { version, ...rest } = JSON.parse(Buffer.from(encodeDelivery({ events: [waiting], rejected: [] })).toString());
  expect(version).toBe(1);
  return Buffer.from(JSON.stringify(rest));
}
const ofVersion = (version: number) =>
  Buffer.from(JSON.stringify({ version, batches: ['in a form that nobody here knows'] }));

async function withCompany<Result>(use: (company: CompanyByDays) => Promise<Result>): Promise<Result> {
  const company = await openCompanyByDays(config);
  try {
    return await use(company);
  } finally {
    await company.close();
  }
}

const all = (company: CompanyByDays) =>
  Promise.all(
    tables.map(async (table) =>
      // An object is named by what it holds, and two deliveries hold other events than one.
      (await company.query(`select * from ${table}`)).map(({ raw_object: _, ...row }) => JSON.stringify(row)).sort(),
    ),
  );

/** Changes the manifest of the build that readers see. */
async function rewriteManifest({ company }: CompanyByDays, change: (manifest: Manifest) => object): Promise<void> {
  const manifest = await readCurrentManifest(company.lake);
  if (manifest === undefined) throw new Error('nothing is published');
  await company.lake.put(lake.manifest(manifest.build_id), JSON.stringify(change(manifest)));
}

async function drain({ company }: CompanyByDays, ...messages: Uint8Array[]) {
  const queue = createSpoolQueue(company.paths.spool);
  await queue.send(messages);
  return drainSpool({ lake: company.lake, identifierKey: async () => key }, queue);
}

test('messages and a build of before give the tables that the new version makes of the same facts', async () => {
  const fresh = await withCompany(async (company) => {
    await company.receive(first);
    await drain(company, encodeDelivery({ events: [waiting], rejected: [] }));
    await company.build('2026-03-21T08:00:00Z');
    return all(company);
  });
  for (const [kind, reason] of [
    ['daily', undefined],
    ['full', 'the solvers changed'],
  ]) {
    await withCompany(async (company) => {
      await company.receive(first);
      await company.build('2026-03-20T08:00:00Z');
      await rewriteManifest(company, ({ schema_version, ...manifest }) => {
        expect(schema_version).toBe(1);
        // Books that knew solvers by name alone.
        if (kind === 'full') delete manifest.books?.made_with['the solvers'];
        return manifest;
      });
      expect(await company.query('select count(*) as n from events')).toEqual([{ n: 3 }]);
      expect(await drain(company, unversioned())).toMatchObject({ events: 1, rejected: 0 });
      const { manifest } = await company.build('2026-03-21T08:00:00Z');
      expect([manifest.kind, manifest.reason]).toEqual([kind, reason]);
      expect(await all(company)).toEqual(fresh);
    });
  }
});

test('a build of an older form is read, and the next one is whole', () =>
  withCompany(async (company) => {
    await company.receive(first);
    await company.build('2026-03-20T08:00:00Z');
    await rewriteManifest(company, (manifest) => ({ ...manifest, schema_version: manifestVersion - 1 }));
    expect(await company.query('select count(*) as n from events')).toEqual([{ n: 3 }]);
    await company.receive([contact('b', 'Phone', at('2026-03-20'))]);
    const { manifest } = await company.build('2026-03-21T08:00:00Z');
    expect(manifest).toMatchObject({ schema_version: manifestVersion, reason: 'the form of the tables changed' });
  }));

test('a message of a newer version is refused alone by a queue that has dead letters, and waits in a spool', () =>
  withCompany(async (company) => {
    const { lake: store } = company.company;
    const { counts, unreadable } = await storeDeliveries(store, async () => key, [ofVersion(2), unversioned()]);
    expect(counts).toMatchObject({ events: 1, objects: 1 });
    expect(unreadable.map(({ index }) => index)).toEqual([0]);
    expect(unreadable[0]?.why.message).toContain('of version 2, and this Percorso reads up to 1');
    expect(unreadable[0]?.why.mend).toContain('dead letters');
    await expect(drain(company, unversioned(), ofVersion(2))).rejects.toThrow('of version 2');
    // Both are there still, for the version that reads them.
    expect(await createSpoolQueue(company.company.paths.spool).receive(10)).toHaveLength(2);
    expect(await store.list(lake.rejected)).toEqual([]);
  }));

test('a build of a newer version is left alone, until somebody goes back to this one for good', () =>
  withCompany(async (company) => {
    await company.receive(first);
    await company.build('2026-03-20T08:00:00Z');
    const older = await company.company.lake.list(lake.builds);
    await company.receive([contact('b', 'Phone', at('2026-03-20'))]);
    await company.build('2026-03-21T08:00:00Z');
    const unknown = { schema_version: 2, tables: 'in a form that nobody here knows' };
    await rewriteManifest(company, (manifest) => ({ ...manifest, ...unknown }));
    const built = await company.company.lake.list(lake.builds);
    const refusal = /of version 2, and this Percorso reads up to 1: a newer one published it/;
    await expect(readCurrentManifest(company.company.lake)).rejects.toThrow(refusal);
    await expect(company.build('2026-03-22T08:00:00Z')).rejects.toThrow(refusal);
    expect(await pruneBuilds(company.company.lake, 1)).toEqual([]);
    expect(await company.company.lake.list(lake.builds)).toEqual(built);
    const { manifest } = await company.build('2026-03-22T08:00:00Z', { fullRefresh: true });
    expect(manifest.kind).toBe('full');
    expect(await company.query('select count(*) as n from events')).toEqual([{ n: 4 }]);
    // While the newer one is kept nobody knows what it refers to.
    expect(await pruneBuilds(company.company.lake, 2)).toEqual([]);
    expect(await pruneBuilds(company.company.lake, 1)).toEqual(expect.arrayContaining(older));
  }));
