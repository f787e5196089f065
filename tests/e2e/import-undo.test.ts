import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMarts } from '#adapters/duckdb-marts';
import { withLock } from '#adapters/file-lock';
import { createFolderStore } from '#adapters/folder-store';
import { lake as places } from '#core/lake';
import { readCurrentManifest, requireBuild } from '#pipeline/builds/publish';
import { beginUndo, listImports } from '#pipeline/imports/import-ledger';
import { locateTables } from '#pipeline/reading/query';
import { runCommand } from '../run-command.ts';

/*
 * A file that should never have come in: half of it is what another file says too, half of it is wrong, on days that are closed
 * by the time that somebody sees it. Taken back, the lake and all tables are those of a company that never had it.
 */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'percorso-undo-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const event = (event_type: string, event_id: string, day: string, card: string, more: object = {}) => ({
  event_type,
  event_id,
  occurred_at: `${day}T10:00:00Z`,
  source: 'till',
  identifiers: { loyalty_card: card },
  ...more,
});
const order = (id: string, day: string, card: string, revenue: string) =>
  event('Order Completed', id, day, card, { value: { order_id: id, revenue, currency: 'EUR' } });
const call = (id: string, day: string, card: string) =>
  event('Contact', id, day, card, { touch: { channel: 'Phone' } });
const radio = (day: string, spend: string) => ({
  ...{ cost_date: day, source: 'radio', campaign: 'spring', channel: 'Radio', spend, currency: 'EUR' },
});

const files: Record<string, object[]> = {
  'good.jsonl': [
    call('c1', '2026-03-02', 'A'),
    order('o1', '2026-03-05', 'A', '100.00'),
    call('c2', '2026-03-06', 'B'),
    order('o2', '2026-03-10', 'B', '50.00'),
    radio('2026-03-05', '20.00'),
  ],
  'bad.jsonl': [
    order('o1', '2026-03-05', 'A', '100.00'),
    call('c9', '2026-03-03', 'B'),
    order('o9', '2026-03-06', 'A', '9000.00'),
    order('o8', 'soon', 'A', '1.00'),
    radio('2026-03-05', '2000.00'),
  ],
  'later.jsonl': [call('c3', '2026-03-30', 'A'), order('o3', '2026-03-31', 'A', '30.00')],
};

/** A company to whom it happens, and its command line at an instant. */
async function company(name: string) {
  const dir = join(folder, name);
  const { code } = await runCommand(['init', dir], { cwd: folder });
  expect(code).toBe(0);
  await writeFile(
    join(dir, 'percorso.config.ts'),
    `export default { name: 'Proof', timeZone: 'UTC', fullRefresh: 'never', attribution: { lookbackDays: 30 } };\n`,
  );
  for (const [file, records] of Object.entries(files)) {
    await writeFile(join(dir, file), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }
  const env = { PERCORSO_IDENTIFIER_KEY: 'ab'.repeat(32) };
  const run = (now: string, ...argv: string[]) =>
    runCommand(['--dir', dir, ...argv], { cwd: dir, env, now: () => new Date(now) });
  const done = async (now: string, ...argv: string[]) => {
    const result = await run(now, ...argv);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    return result;
  };
  return { dir, lake: createFolderStore(join(dir, 'lake')), run, done };
}
type TestCompany = Awaited<ReturnType<typeof company>>;

const [first, second, third] = ['2026-03-12T08:00:00Z', '2026-04-01T08:00:00Z', '2026-04-02T08:00:00Z'];

/** Every published table, but what tells of the builds themselves. */
async function tables({ lake }: TestCompany): Promise<Record<string, string[]>> {
  const build = await requireBuild(lake);
  const reader = await openMarts(locateTables(lake, build));
  const found: Record<string, string[]> = {};
  for (const name of Object.keys(build.tables).filter((one) => one !== 'restatements')) {
    const { rows } = await reader.query(`select * from ${name}`);
    found[name] = rows.map((row) => JSON.stringify(row)).sort();
  }
  reader.close();
  return found;
}
const built = async ({ lake }: TestCompany) => {
  const { kind, reason } = (await readCurrentManifest(lake)) ?? {};
  return { kind, reason };
};

async function hadNone(): Promise<Record<string, string[]>> {
  const wanted = await company('never-had-it');
  await wanted.done(first, 'import', 'good.jsonl');
  await wanted.done(first, 'build');
  await wanted.done(second, 'import', 'later.jsonl');
  await wanted.done(second, 'build');
  await wanted.done(third, 'build', '--full-refresh');
  return tables(wanted);
}

test('a bad import taken back leaves the tables of a company that never had it, and says which days moved', async () => {
  const made = await company('had-it');
  await made.done(first, 'import', 'good.jsonl');
  await made.done(first, 'import', 'bad.jsonl');
  await made.done(first, 'build');
  await made.done(second, 'import', 'later.jsonl');
  await made.done(second, 'build');
  expect((await built(made)).kind).toBe('daily');
  const revenue = async () =>
    JSON.parse((await made.done(third, 'query', 'select sum(revenue) as n from conversions', '--json')).stdout)[0].n;
  expect(await revenue()).toBe('9180.00');

  const listed = await made.done(third, 'imports');
  expect(listed.stdout).toMatch(/^ *[0-9a-f]{12} +2026-03-12 08:00 +bad\.jsonl +3 +1 +1 +taken$/m);

  // A build holds the lock of builds, and a night that of nights.
  for (const name of ['build.lock', 'nightly.lock']) {
    const held = await withLock(join(made.dir, '.percorso', 'locks', name), 'x', () =>
      made.run(third, 'imports', 'undo', 'bad.jsonl'),
    );
    expect(held).toMatchObject({ code: 1, stderr: expect.stringContaining('is already under way') });
  }
  expect(await revenue()).toBe('9180.00');
  expect((await made.run(third, 'imports', 'undo', 'none.jsonl')).code).toBe(2);

  // One that was killed as it began: nobody publishes half of it.
  const entry = (await listImports(made.lake)).find(({ file }) => file === 'bad.jsonl');
  if (entry === undefined) throw new Error('the import is not in the ledger');
  await beginUndo(made.lake, entry);
  const refused = await made.run(third, 'build');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`imports undo ${entry.import_id}`) });
  expect((await made.run(third, 'doctor')).stdout).toMatch(/wrong +imports: .* was taken back in part/);

  const undone = await made.done(third, 'imports', 'undo', 'bad.jsonl', '--json');
  expect(JSON.parse(undone.stdout)).toMatchObject({ event_objects: 1, cost_objects: 1, rejected_objects: 1 });
  // What is published stands until the next build.
  expect(await revenue()).toBe('9180.00');
  expect((await made.done(third, 'build', '--plan')).stdout).toMatch(/^-- a full refresh: an import was taken back\n/);
  await made.done(third, 'build');
  expect(await built(made)).toEqual({ kind: 'full', reason: 'an import was taken back' });
  expect(await tables(made)).toEqual(await hadNone());
  const moved =
    "select reason, sum(revenue_after - revenue_before) as revenue from restatements where table_name = 'conversions' group by 1";
  const restated = JSON.parse((await made.done(third, 'query', moved, '--json')).stdout);
  expect(restated).toEqual([{ reason: 'an import was taken back', revenue: '-9000.000000' }]);

  // Again it does nothing, and the build has nothing to do.
  const again = await made.done(third, 'imports', 'undo', 'bad.jsonl');
  expect(again.stderr).toContain('was taken back before: nothing of it is in the lake');
  expect((await made.done(third, 'build')).stderr).toContain('nothing has changed since');

  // Corrected it comes in as any file.
  await writeFile(join(made.dir, 'bad.jsonl'), `${JSON.stringify(order('o9', '2026-03-06', 'A', '90.00'))}\n`);
  await made.done(third, 'import', 'bad.jsonl');
  await made.done(third, 'build', '--full-refresh');
  expect(await revenue()).toBe('270.00');
  expect((await made.lake.list(places.importUndos)).length).toBe(0);
});

test('an import that no build has taken in leaves no trace, and the next build is a daily one', async () => {
  const made = await company('not-built');
  await made.done(first, 'import', 'good.jsonl');
  await made.done(first, 'build');
  await made.done(second, 'import', 'bad.jsonl', 'later.jsonl');
  await made.done(second, 'imports', 'undo', 'bad.jsonl');
  await made.done(second, 'build');
  expect(await built(made)).toEqual({ kind: 'daily', reason: undefined });
  const { stdout } = await made.done(third, 'query', 'select sum(revenue) as n from conversions', '--json');
  expect(JSON.parse(stdout)).toEqual([{ n: '180.00' }]);
});
