import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { loadCompany } from '#pipeline/company/company';
import { packCompany, readPackedCompany } from '#pipeline/company/packed-company';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'percorso-packed-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function company(config: string) {
  const dir = join(folder, 'company');
  await mkdir(join(dir, 'mappings'), { recursive: true });
  await writeFile(join(dir, 'percorso.config.ts'), `export default ${config};\n`);
  await writeFile(join(dir, 'fx-rates.csv'), 'rate_date,currency,rate\n2026-01-05,USD,0.9231\n');
  await writeFile(join(dir, 'mappings', 'till.yaml'), 'source: till\n');
  await writeFile(join(dir, 'mappings', 'notes.txt'), 'not a mapping\n');
  await mkdir(join(dir, '.percorso'));
  await writeFile(join(dir, '.percorso', 'identifier.key'), 'ab'.repeat(32));
  return loadCompany({ dir, env: {}, openStore: createFolderStore });
}

test('a packed company is the one that was packed, and no secret goes with it', async () => {
  const packed = join(folder, 'packed');
  const opened = await company(
    `{ name: 'Acme', conversions: { demo: { event: 'Demo', value: 25 } }, money: { fxRatesFile: 'fx-rates.csv' },
       sources: { site: { kind: 'browser', writeKeyEnv: 'KEY_SITE' } }, web: { ownDomains: ['WWW.Acme.it'] } }`,
  );
  await packCompany(opened, packed);
  const read = await readPackedCompany(packed);
  expect(read.config).toEqual(opened.config);
  expect(read.lists).toEqual(opened.lists);
  expect(read.lists.fxRates).toHaveLength(1);
  expect((await readdir(packed, { recursive: true })).sort()).toEqual([
    'fx-rates.csv',
    'mappings',
    'mappings/till.yaml',
    'percorso.config.json',
  ]);
});

test('a list outside of the company is refused rather than left behind', async () => {
  const opened = await company("{ name: 'Acme', money: { fxRatesFile: '../rates.csv' } }");
  await expect(packCompany(opened, join(folder, 'packed'))).rejects.toThrow('the list ../rates.csv lies outside of');
});
