import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { loginCheckOf, loginProof } from '#core/proved-login';
import { loadCompany } from '#pipeline/company/company';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-company-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function open(config: string, set: string[] = [], env: NodeJS.ProcessEnv = {}) {
  await writeFile(
    join(dir, 'percorso.config.ts'),
    `import { defineConfig } from 'percorso';\nexport default defineConfig(${config});\n`,
  );
  return loadCompany({ dir, env, set, openStore: createFolderStore });
}

test('a configuration with a name alone has every default', async () => {
  const { config, lists } = await open("{ name: 'Acme' }");
  expect(config).toMatchObject({ timeZone: 'Europe/Rome', currency: 'EUR', attribution: { lookbackDays: 90 } });
  expect(lists.fixedCosts).toEqual([]);
});

test('a folder without a configuration is met with the mend', async () => {
  const attempt = loadCompany({ dir, env: {}, openStore: createFolderStore });
  await expect(attempt).rejects.toMatchObject({ exitCode: 2, mend: expect.stringContaining('percorso init') });
});

test('every wrong setting is named by its path, an unknown one with its nearest name', async () => {
  const attempt = open("{ name: 'Acme', currency: 'eur', attribution: { lookbackDay: 3 }, halfLifeDays: 2 } as never");
  await expect(attempt).rejects.toThrow(/currency is "eur": an ISO currency code/);
  await expect(attempt).rejects.toThrow(
    /attribution\.lookbackDay: no such setting; did you mean attribution\.lookbackDays\?/,
  );
  await expect(attempt).rejects.toThrow(/halfLifeDays: no such setting; did you mean attribution\.halfLifeDays\?/);
});

test('--set replaces settings, typed as the schema says', async () => {
  const { config, overrides } = await open("{ name: 'Acme' }", [
    'attribution.pathStart=after_previous',
    'attribution.lookbackDays=30',
    'attribution.position=[0.5,0,0.5]',
    'attribution.verdictModels=linear,first_touch',
    'money.defaultMarginRate=0.35',
    'sources.shop.gross=true',
  ]);
  expect(config.attribution).toMatchObject({ pathStart: 'after_previous', lookbackDays: 30, position: [0.5, 0, 0.5] });
  expect(config.attribution.verdictModels).toEqual(['linear', 'first_touch']);
  expect(config.sources.shop?.gross).toBe(true);
  expect(overrides['attribution.lookbackDays']).toBe('30');
});

test.each([
  ['attribution.lookbackDay=3', 'no such setting'],
  ['attribution.lookbackDays=many', 'not a number'],
  ['attribution.lookbackDays=0', 'attribution.lookbackDays is 0'],
  ['attribution.lookbackDays', 'has no value'],
  ['sources.shop.gross=yes', 'neither true nor false'],
])('--set %s is refused', async (setting, message) => {
  await expect(open("{ name: 'Acme' }", [setting])).rejects.toThrow(message);
});

test('lists are read with either separator, and an empty currency means the reporting one', async () => {
  await writeFile(
    join(dir, 'fixed-costs.csv'),
    '﻿channel;label;from_date;to_date;amount;currency\nStore;Rent;2026-01-01;2026-01-31;900.00;\n',
  );
  await writeFile(join(dir, 'campaigns.csv'), 'source,alias,channel\ngoogle,brand,Paid Search\n');
  const { lists } = await open("{ name: 'Acme', currency: 'CHF' }");
  expect(lists.fixedCosts).toEqual([
    {
      channel: 'Store',
      label: 'Rent',
      from_date: '2026-01-01',
      to_date: '2026-01-31',
      amount: '900.00',
      currency: 'CHF',
    },
  ]);
  expect(lists.campaigns[0]).toMatchObject({ source: 'google', alias: 'brand', campaign_id: '', campaign: '' });
});

test('a wrong cell of a list is named by file, line and column', async () => {
  await writeFile(join(dir, 'fx-rates.csv'), 'rate_date,currency,rate\n2026-01-01,USD,0.9\n2026-01-02,USD,0\n');
  await expect(open("{ name: 'Acme' }")).rejects.toThrow(/fx-rates\.csv, line 3, column rate: "0" is not above 0/);
});

test('an unknown column of a list is met with the nearest name', async () => {
  await writeFile(join(dir, 'invoices.csv'), 'month,amonut\n2026-01,5\n');
  await expect(open("{ name: 'Acme' }")).rejects.toMatchObject({ mend: 'did you mean amount?' });
});

test('the key of identifiers is made once, readable by its owner alone, and stays', async () => {
  const company = await open("{ name: 'Acme' }");
  const key = await company.identifierKey();
  const file = join(dir, '.percorso/identifier.key');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await readFile(file, 'utf8')).trim()).toBe(key.toString('hex'));
  const again = await (await open("{ name: 'Acme' }")).identifierKey();
  expect(again).toEqual(key);
});

test('the key of identifiers is taken from the environment where it is set, and a broken one is refused', async () => {
  const hex = 'ab'.repeat(32);
  const fromEnv = await (await open("{ name: 'Acme' }", [], { PERCORSO_IDENTIFIER_KEY: hex })).identifierKey();
  expect(fromEnv.toString('hex')).toBe(hex);
  const broken = await open("{ name: 'Acme' }", [], { PERCORSO_IDENTIFIER_KEY: 'secret' });
  await expect(broken.identifierKey()).rejects.toThrow('no usable key');
});

test('a login is a page’s to prove, so a server source has no setting of it', async () => {
  await expect(open("{ name: 'Acme', sources: { shop: { logins: 'proved' } } }")).rejects.toThrow(/sources\.shop/);
  const { config } = await open("{ name: 'Acme', sources: { web: { kind: 'browser', loginSecretEnv: 'LOGIN_WEB' } } }");
  expect(loginCheckOf(config.sources.web, {})?.('bruno', loginProof('', 'bruno'))).toBe(false);
  expect(loginCheckOf(config.sources.web, { LOGIN_WEB: 's' })?.('bruno', loginProof('s', 'bruno').toUpperCase())).toBe(
    true,
  );
});

test('a key of several secrets, and one that is older than the lake', async () => {
  const hex = ['ab'.repeat(32), 'cd'.repeat(32)];
  const under = (value: string) => open("{ name: 'Acme' }", [], { PERCORSO_IDENTIFIER_KEY: value });
  expect(await (await under(hex.join(','))).identifierKey()).toEqual(hex.map((one) => Buffer.from(one, 'hex')));
  await expect((await under(`${hex[0]},short`)).identifierKey()).rejects.toThrow('no usable key');
});
