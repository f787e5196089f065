import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { loadCompany } from '#pipeline/company/company';
import { type DemoTotals, makeDemo } from '#pipeline/demo/demo';
import { importFiles } from '#pipeline/imports/import';

const folders: string[] = [];
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'percorso-demo-'));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const options = { customers: 260, days: 240, seed: 7, withEffects: false };

function hashesOf(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names
      .filter((name) => statSync(join(dir, name)).isFile())
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(dir, name)))
          .digest('hex'),
      ]),
  );
}

function csvRows(file: string): string[][] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
}

const cents = (amount: string | undefined) => Math.round(Number(amount) * 100);

describe('the demo company', () => {
  let dir = '';
  let totals: DemoTotals;
  beforeAll(() => {
    dir = newFolder();
    totals = makeDemo(dir, options);
  });

  it('is the same bytes for the same seed, whenever it is made', () => {
    const again = newFolder();
    makeDemo(again, options);
    expect(hashesOf(again)).toEqual(hashesOf(dir));
    expect(Object.keys(hashesOf(dir)).length).toBeGreaterThan(60);
  });

  it('is another company for another seed', () => {
    const other = newFolder();
    makeDemo(other, { ...options, seed: 8 });
    const [one, two] = [hashesOf(dir), hashesOf(other)];
    expect(two['truth/ledger.csv']).not.toBe(one['truth/ledger.csv']);
  });

  it('has a ledger that adds up to its totals, refunds taken off', () => {
    const [header, ...rows] = csvRows(join(dir, 'truth', 'ledger.csv'));
    expect(header).toContain('revenue');
    const column = (name: string) => (header ?? []).indexOf(name);
    const sum = (name: string) => rows.reduce((all, row) => all + cents(row[column(name)]), 0);
    expect(sum('revenue')).toBe(cents(totals.revenue));
    expect(sum('margin')).toBe(cents(totals.margin));
    const kinds = rows.map((row) => row[column('kind')]);
    expect(kinds.filter((kind) => kind === 'order')).toHaveLength(totals.orders);
    expect(kinds.filter((kind) => kind === 'refund')).toHaveLength(totals.refunds);
    expect(totals.refunds).toBeGreaterThan(0);
  });

  it('refunds no more than was paid, and only orders that the ledger knows', () => {
    const [header = [], ...rows] = csvRows(join(dir, 'truth', 'ledger.csv'));
    const at = (row: readonly string[], name: string) => row[header.indexOf(name)] ?? '';
    const paid = new Map(
      rows.filter((row) => at(row, 'kind') === 'order').map((row) => [at(row, 'id'), cents(at(row, 'revenue'))]),
    );
    for (const row of rows.filter((candidate) => at(candidate, 'kind') === 'refund')) {
      const order = paid.get(at(row, 'order_id'));
      expect(order).toBeDefined();
      expect(-cents(at(row, 'revenue'))).toBeLessThanOrEqual(order ?? 0);
    }
  });

  it('sends the messages of its site as the browser SDK does', () => {
    const file = readdirSync(join(dir, 'landing')).find((name) => name.startsWith('web-sdk-'));
    const lines = gunzipSync(readFileSync(join(dir, 'landing', file ?? '')))
      .toString('utf8')
      .trimEnd()
      .split('\n');
    const first: unknown = JSON.parse(lines[0] ?? '');
    expect(first).toMatchObject({
      writeKey: expect.any(String),
      sentAt: expect.stringMatching(/Z$/),
      batch: [{ type: 'page', messageId: expect.any(String), context: { page: { url: expect.any(String) } } }],
    });
  });

  it('is imported without a refused file, and loses exactly the rows that were planted to be rejected', async () => {
    const company = await loadCompany({ dir, env: {}, openStore: createFolderStore });
    const result = await importFiles(company, [join(dir, 'landing')], { cwd: dir });
    expect(result.files.filter((file) => file.refused !== undefined)).toEqual([]);
    const rejected = result.files.filter((file) => file.rejected > 0).map((file) => [file.file, file.rejected]);
    expect(Object.fromEntries(rejected)).toEqual(totals.dirt.rejected);
    const events = result.files.reduce((sum, file) => sum + file.events, 0);
    const cutRows = result.files.find((file) => file.file === totals.dirt.cut_file)?.events ?? 0;
    const doubled = totals.dirt.doubled_messages + totals.dirt.doubled_shop_orders + cutRows;
    expect(events - doubled).toBe(totals.events_all);
  });
});
