import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMarts } from '#adapters/duckdb-marts';
import { createFolderStore } from '#adapters/folder-store';
import type { StoredEvent } from '#core/event';
import { createRawWriter } from '#pipeline/arrivals/store';
import { readCurrentManifest } from '#pipeline/builds/publish';
import { withMarts } from '#pipeline/reading/query';
import { runProcess } from '../killed-process.ts';

let root: string;
let reference: string;
let buildMs: number;

/** Persons who visit twice, then buy, some again, some send back; over a year. */
function* events(): Generator<StoredEvent> {
  for (let person = 0; person < 400; person++) {
    const visitor = { anonymous_id: `a:${String(person).padStart(24, '0')}` };
    const customer = { ...visitor, email: `e:${String(person % 390).padStart(24, '0')}` };
    const at = (days: number) => new Date(Date.UTC(2025, 0, 1 + (person % 200) + days, 9, person % 60)).toISOString();
    const base = {
      source: 'shop',
      received_at: '2026-01-10T00:00:00.000Z',
      trust: 'server' as const,
      schema_version: 1 as const,
    };
    const touch =
      person % 3 === 0 ? { source: 'google', medium: 'cpc', campaign: 'brand' } : { referrer_host: 'facebook.com' };
    for (const [n, days] of [0, 3].entries()) {
      yield {
        ...base,
        event_id: `v${person}-${n}`,
        event_type: 'Page Viewed',
        occurred_at: at(days),
        keys: visitor,
        touch,
      };
    }
    if (person % 2 === 1) continue;
    const orders = 1 + (person % 3);
    for (let n = 0; n < orders; n++) {
      const value = { order_id: `o${person}-${n}`, revenue: `${50 + person}.10`, margin: '12.34', currency: 'EUR' };
      yield {
        ...base,
        event_id: `o${person}-${n}`,
        event_type: 'Order Completed',
        occurred_at: at(5 + n * 40),
        keys: customer,
        value,
      };
    }
    if (person % 10 === 0) {
      const value = { order_id: `o${person}-0`, revenue: '20.00', currency: 'EUR' };
      yield {
        ...base,
        event_id: `r${person}`,
        event_type: 'Order Refunded',
        occurred_at: at(20),
        keys: customer,
        value,
      };
    }
  }
}

/** Starts a build; kills it after so many milliseconds where told. Tells how long it took. */
async function build(dir: string, { killAfter, args = [] }: { killAfter?: number; args?: string[] } = {}) {
  const began = performance.now();
  const ended = await runProcess(['--dir', dir, 'build', ...args], killAfter === undefined ? {} : { killAfter });
  return { ...ended, ms: performance.now() - began };
}

/** All rows of all published tables, sorted; doubles to nine digits. */
async function published(dir: string): Promise<Record<string, string[]>> {
  const store = createFolderStore(join(dir, 'lake'));
  const manifest = await readCurrentManifest(store);
  const tables: Record<string, string[]> = {};
  await withMarts(
    store,
    (files) => openMarts(files),
    async (marts) => {
      for (const name of Object.keys(manifest?.tables ?? {}).sort()) {
        const { rows } = await marts.query(`select * from "${name}"`);
        tables[name] = rows
          .map((row) =>
            JSON.stringify(row.map((value) => (typeof value === 'number' ? Math.round(value * 1e9) / 1e9 : value))),
          )
          .sort();
      }
    },
  );
  return tables;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'percorso-kill-'));
  reference = join(root, 'reference');
  const writer = createRawWriter(createFolderStore(join(reference, 'lake')), { identifierKey: Buffer.alloc(32) });
  for (const event of events()) await writer.event(event);
  await writer.flush();
  await writeFile(join(reference, 'percorso.config.ts'), "export default { name: 'Acme' };\n");
  await cp(reference, join(root, 'killed'), { recursive: true });
  const { code, stderr, ms } = await build(reference);
  buildMs = ms;
  expect(code, stderr).toBe(0);
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('a build that is killed at any moment, and run again, publishes the same tables as one that was not', async () => {
  const dir = join(root, 'killed');
  const store = createFolderStore(join(dir, 'lake'));
  let killed = 0;
  for (const share of [0.3, 0.5, 0.6, 0.7, 0.8, 0.88, 0.94, 0.98]) {
    const before = await readCurrentManifest(store);
    // Each makes all anew, also once one of them has come to its end.
    const { code, ms } = await build(dir, { killAfter: buildMs * share, args: ['--full-refresh'] });
    if (code !== null) {
      // The machine has become quicker since: the next is killed as much sooner.
      buildMs = ms;
      continue;
    }
    killed += 1;
    // Either the pointer had moved, and to a whole build, or it had not.
    const after = await readCurrentManifest(store);
    if (after !== undefined && after.build_id !== before?.build_id) await published(dir);
    else expect(after).toEqual(before);
  }
  expect(killed).toBeGreaterThanOrEqual(4);
  const { code, stderr } = await build(dir);
  expect(code, stderr).toBe(0);
  expect(await published(dir)).toEqual(await published(reference));
  expect(Object.keys(await published(dir)).length).toBeGreaterThan(3);
  expect(await readdir(join(dir, '.percorso', 'work'))).toEqual([]);
});

test('two builds at once: one is done, the other says that one is under way', async () => {
  const results = await Promise.all([build(reference), build(reference)]);
  const codes = results.map(({ code }) => code).sort();
  // On a slow machine the second may begin only after the first has ended.
  expect(codes[0]).toBe(0);
  const refused = results.find(({ code }) => code === 1);
  if (refused !== undefined) expect(refused.stderr).toContain('a build is already under way');
});
