import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { createSpoolQueue } from '#adapters/spool-queue';
import { configSchema } from '#core/config';
import type { StoredCost } from '#core/cost';
import type { StoredEvent } from '#core/event';
import type { RejectedRecord } from '#core/lake';
import type { Store } from '#core/ports';
import { createSealing } from '#core/sealing';
import { drainSpool, encodeDelivery, storeDeliveries } from '#pipeline/arrivals/drain';
import {
  createSegmentReplayer,
  listRejected,
  pruneRejected,
  type Replayer,
  replayRejected,
  showRejected,
} from '#pipeline/arrivals/rejected';
import { createRawWriter } from '#pipeline/arrivals/store';

const identifierKey = Buffer.alloc(32, 5);
let folder: string;
let lake: Store;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'percorso-raw-'));
  lake = createFolderStore(join(folder, 'lake'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const event = (id: string, received_at = '2026-01-10T12:00:00.000Z'): StoredEvent => ({
  source: 'shop',
  event_id: id,
  event_type: 'Page Viewed',
  occurred_at: '2026-01-05T09:00:00.000Z',
  received_at,
  trust: 'server',
  keys: {},
  schema_version: 1,
});
const refused = (original: string, change: Partial<RejectedRecord> = {}): RejectedRecord => ({
  rejected_at: '2026-01-10T12:00:00.000Z',
  source: 'shop',
  reason: 'missing-field',
  message: 'event is missing',
  via: 'http:segment:track',
  original: Buffer.from(original).toString('base64'),
  schema_version: 1,
  ...change,
});
async function lines(prefix: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (const key of await lake.list(prefix)) {
    const text = gunzipSync((await lake.get(key)) ?? new Uint8Array()).toString();
    found.push(
      ...text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
  }
  return found;
}

describe('raw objects', () => {
  it('are named by what they hold, so the same records again write nothing and the first stands', async () => {
    const write = async (received: string) => {
      const writer = createRawWriter(lake, { identifierKey, recordsPerObject: 2 });
      for (const id of ['1', '2', '3']) await writer.event(event(id, received));
      await writer.reject(refused('{}', { rejected_at: received }));
      return writer.flush();
    };
    expect(await write('2026-01-10T12:00:00.000Z')).toMatchObject({
      events: 3,
      costs: 0,
      rejected: 1,
      objects: 3,
      alreadyThere: 0,
    });
    expect(await write('2026-01-10T13:00:00.000Z')).toMatchObject({
      events: 3,
      costs: 0,
      rejected: 1,
      objects: 0,
      alreadyThere: 3,
    });
    const stored = await lines('raw/events/');
    expect(stored.map(({ event_id }) => event_id).sort()).toEqual(['1', '2', '3']);
    expect(stored.every(({ received_at }) => received_at === '2026-01-10T12:00:00.000Z')).toBe(true);
  });

  it('lie under the day on which their records came in', async () => {
    const writer = createRawWriter(lake, { identifierKey });
    await writer.event(event('1', '2026-01-10T23:59:59.999Z'));
    await writer.event(event('2', '2026-01-11T00:00:00.000Z'));
    await writer.flush();
    expect((await lake.list('raw/events/')).map((key) => key.split('/')[2])).toEqual(['2026-01-10', '2026-01-11']);
  });

  it('hold no half character, which would make an engine refuse them whole', async () => {
    const writer = createRawWriter(lake, { identifierKey });
    await writer.event({ ...event('1'), event_type: 'a\ud800b\0' });
    await writer.flush();
    expect((await lines('raw/'))[0]?.event_type).toBe('a\ufffdb\ufffd');
  });

  it('keep a cost under its source, whatever the source is called', async () => {
    const writer = createRawWriter(lake, { identifierKey });
    await writer.cost({
      cost_date: '2026-01-05',
      source: '../../evil',
      account: '',
      campaign_id: '',
      campaign: '',
      ad_group: '',
      impressions: 0,
      clicks: 0,
      spend: '1',
      currency: 'EUR',
      platform_conversions: 0,
      platform_value: '0',
      received_at: '2026-01-10T12:00:00.000Z',
      import_id: 'i',
      schema_version: 1,
    });
    await writer.flush();
    expect(await lake.list('raw/costs/')).toHaveLength(1);
  });
});

describe('sealed originals', () => {
  it('open with the key that sealed them and no other, and say nothing of what they hold', () => {
    const sealing = createSealing(identifierKey);
    const sealed = sealing.seal('mario@example.com');
    expect(sealed).not.toContain('mario');
    expect(sealing.seal(sealed)).toBe(sealed);
    expect(sealing.open(sealed)).toBe('mario@example.com');
    expect(() => createSealing(Buffer.alloc(32, 6)).open(sealed)).toThrow('another identifier key');
    expect(sealing.seal('x')).not.toBe(sealing.seal('x'));
    expect(sealing.fingerprint('x')).toBe(sealing.fingerprint('x'));
  });
});

describe('draining the spool', () => {
  const company = () => ({ lake, identifierKey: async () => identifierKey });
  const spool = () => createSpoolQueue(join(folder, 'spool'));

  it('moves everything into the lake, and again has nothing to do', async () => {
    await spool().send([encodeDelivery({ events: [event('1'), event('2')], rejected: [refused('{"a":1}')] })]);
    expect(await drainSpool(company(), spool())).toMatchObject({ events: 2, rejected: 1, objects: 2 });
    expect(await drainSpool(company(), spool())).toMatchObject({ events: 0, objects: 0 });
    expect(await lines('raw/events/')).toHaveLength(2);
    expect(JSON.stringify(await lines('rejected/'))).not.toContain(Buffer.from('{"a":1}').toString('base64'));
  });

  it('that dies after writing and before removing writes the same objects the next time', async () => {
    const queue = spool();
    await queue.send([encodeDelivery({ events: [event('1')], rejected: [refused('{}')] })]);
    const dying = { ...queue, remove: () => Promise.reject(new Error('killed')) };
    await expect(drainSpool(company(), dying)).rejects.toThrow('killed');
    // What came in meanwhile must not change what the first objects hold.
    await queue.send([encodeDelivery({ events: [event('2')], rejected: [refused('{"b":1}')] })]);
    await drainSpool(company(), spool());
    expect((await lines('raw/events/')).map(({ event_id }) => event_id).sort()).toEqual(['1', '2']);
    expect(await lines('rejected/')).toHaveLength(2);
  });

  it('by two processes at once loses nothing', async () => {
    for (let i = 0; i < 20; i += 1) {
      await spool().send([encodeDelivery({ events: [event(`${i}`)], rejected: [refused(`${i}`)] })]);
    }
    await Promise.all([drainSpool(company(), spool()), drainSpool(company(), spool())]);
    expect(new Set((await lines('raw/events/')).map(({ event_id }) => event_id)).size).toBe(20);
    expect(await spool().receive(1)).toEqual([]);
  });

  it('is not stopped by a damaged message', async () => {
    await spool().send([Buffer.from('{"events":[{}],'), encodeDelivery({ events: [event('1')], rejected: [] })]);
    expect(await drainSpool(company(), spool())).toMatchObject({ events: 1, rejected: 1 });
    expect((await lines('rejected/'))[0]).toMatchObject({ reason: 'unreadable-delivery' });
  });
});

describe('storing deliveries of a queue that cuts its batches anew', () => {
  const cost = (import_id: string, spend: string): StoredCost => ({
    cost_date: '2026-01-05',
    source: 'radio',
    account: '',
    campaign_id: '',
    campaign: 'spring',
    ad_group: '',
    impressions: 0,
    clicks: 0,
    spend,
    currency: 'EUR',
    platform_conversions: 0,
    platform_value: '0',
    received_at: '2026-01-10T12:00:00.000Z',
    import_id,
    schema_version: 1,
  });
  const deliveries = [
    encodeDelivery({ events: [event('1')], rejected: [] }),
    encodeDelivery({ events: [event('2')], costs: [cost('a', '10.00'), cost('a', '10.00')], rejected: [] }),
    encodeDelivery({ events: [], costs: [cost('b', '10.00')], rejected: [] }),
    encodeDelivery({ events: [event('3')], rejected: [refused('{"a":1}')] }),
  ];

  it('keeps every cost row once and every event by its id, however often and in whatever company messages come', async () => {
    await storeDeliveries(lake, async () => identifierKey, deliveries);
    const costs = await lines('raw/costs/');
    const some = fc.subarray(deliveries, { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(some, async (again) => {
        await storeDeliveries(lake, async () => identifierKey, again);
        expect(await lines('raw/costs/')).toEqual(costs);
        expect(new Set((await lines('raw/events/')).map(({ event_id }) => event_id))).toEqual(new Set(['1', '2', '3']));
      }),
      { numRuns: 20 },
    );
    expect(costs.map(({ import_id }) => import_id).sort()).toEqual(['a', 'a', 'b']);
  });

  it('says which messages are none, and takes the others', async () => {
    const bodies = [Buffer.from('{"events":[{}],'), ...deliveries, Buffer.from('null')];
    const { counts, unreadable } = await storeDeliveries(lake, async () => identifierKey, bodies);
    expect(unreadable.map(({ index }) => index)).toEqual([0, 5]);
    expect(unreadable[0]?.why.message).toBe('a message of the queue is no delivery');
    expect(counts).toMatchObject({ events: 3, costs: 3, rejected: 1, alreadyThere: 0 });
  });

  it('fails as a whole where the lake cannot be written', async () => {
    const full = { ...lake, putIfAbsent: () => Promise.reject(new Error('no space')) };
    await expect(storeDeliveries(full, async () => identifierKey, deliveries)).rejects.toThrow('no space');
  });
});

describe('what was refused', () => {
  async function refuse(...records: RejectedRecord[]): Promise<void> {
    const writer = createRawWriter(lake, { identifierKey });
    for (const record of records) await writer.reject(record);
    await writer.flush();
  }
  const good = JSON.stringify({
    messageId: 'm1',
    event: 'Order Completed',
    userId: 'u',
    timestamp: '2026-01-05T09:00:00Z',
  });

  it('is listed by source and reason, the most first, with the first and the last time', async () => {
    await refuse(
      refused('1'),
      refused('2', { rejected_at: '2026-01-11T12:00:00.000Z' }),
      refused('3', { reason: 'no-rate', message: 'no rate' }),
    );
    expect(await listRejected(lake)).toEqual([
      {
        source: 'shop',
        reason: 'missing-field',
        records: 2,
        first_at: '2026-01-10T12:00:00.000Z',
        last_at: '2026-01-11T12:00:00.000Z',
        sample: 'event is missing',
      },
      expect.objectContaining({ reason: 'no-rate', records: 1 }),
    ]);
    expect(await listRejected(lake, { reason: 'no-rate' })).toHaveLength(1);
    expect(await listRejected(lake, { source: 'other' })).toEqual([]);
  });

  it('is shown with its original', async () => {
    await refuse(refused('{"a":1}'), refused('{"a":2}'));
    const shown = await showRejected(lake, identifierKey, {}, 1);
    expect(shown.map(({ original }) => original.toString())).toEqual(['{"a":1}']);
  });

  it('goes in by the same way after the mend, once; what is refused again stays', async () => {
    await refuse(refused(good), refused('{"event":5}'), refused('x', { via: 'unheard-of' }));
    const replayer = createSegmentReplayer({
      config: configSchema.parse({ name: 'x', sources: { shop: {} } }),
      identifierKey,
      hasRate: () => true,
      env: {},
    });
    const first = await replayRejected(lake, identifierKey, [replayer]);
    expect(first).toMatchObject({ events: 1, costs: 0, taken: 1, refused: 1, unknown: 1 });
    const second = await replayRejected(lake, identifierKey, [replayer]);
    expect(second).toMatchObject({ events: 0, costs: 0, taken: 0, refused: 1, unknown: 1 });
    expect(await lines('raw/events/')).toMatchObject([
      { event_id: 'm1', source: 'shop', trust: 'server', received_at: '2026-01-10T12:00:00.000Z' },
    ]);
    const left = await showRejected(lake, identifierKey, {}, 10);
    expect(left.map(({ original }) => original.toString()).sort()).toEqual(['x', '{"event":5}']);
  });

  it('says why it is refused again, and stays under the reason for which it came', async () => {
    await refuse(refused('1'), refused('2'));
    const refusing: Replayer = {
      prefix: 'http:',
      replay: () => ({ ok: false, reason: 'no-rate', message: 'no rate' }),
    };
    expect(await replayRejected(lake, identifierKey, [refusing])).toMatchObject({
      taken: 0,
      refused: 2,
      why: [{ source: 'shop', reason: 'no-rate', message: 'no rate' }],
    });
    expect(await listRejected(lake)).toMatchObject([{ reason: 'missing-field', records: 2 }]);
  });

  it('is replayed only where it meets the filter', async () => {
    await refuse(refused('1'), refused('2', { reason: 'no-rate' }));
    const taking: Replayer = { prefix: 'http:', replay: () => ({ ok: true, events: [event('e')], costs: [] }) };
    expect(await replayRejected(lake, identifierKey, [taking], { reason: 'no-rate' })).toMatchObject({ taken: 1 });
    expect(await listRejected(lake)).toMatchObject([{ reason: 'missing-field', records: 1 }]);
  });

  it('goes after its days', async () => {
    await refuse(refused('old', { rejected_at: '2026-01-01T00:00:00.000Z' }), refused('new'));
    expect(await pruneRejected(lake, 30, new Date('2026-02-05T00:00:00Z'))).toBe(1);
    expect(await listRejected(lake)).toMatchObject([{ records: 1 }]);
  });
});
