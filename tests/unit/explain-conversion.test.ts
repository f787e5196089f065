import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMarts } from '#adapters/duckdb-marts';
import type { MartReader, MartTables } from '#core/ports';
import { type ExplainSettings, explainConversion, modelWords } from '#pipeline/reading/explain-conversion';
import { describeConversion } from '../../functions/cli/conversion-text.ts';
import { at, type BuiltCompany, buildCompany, contact, modelCatalogue, order } from '../sql/company-on-duckdb.ts';

let dir: string;
let company: BuiltCompany;
let reader: MartReader;
let settings: ExplainSettings;
const touch = (who: string, channel: string, day: string) =>
  contact(who, channel, at(day), { touch: { channel, campaign: `${channel} spring` } });
const sale = (who: string, id: string, day: string, revenue: string, margin: string) => ({
  ...order(who, id, at(day), revenue),
  value: { order_id: id, revenue, margin },
});

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-explain-'));
  company = await buildCompany({
    events: [
      touch('anna', 'Store', '2026-01-01'),
      touch('anna', 'Paid Search', '2026-05-01'),
      touch('anna', 'Email', '2026-05-08'),
      touch('anna', 'Paid Search', '2026-05-15'),
      sale('anna', 'A-1', '2026-05-15', '100.00', '40.00'),
      { ...sale('anna', 'A-1', '2026-05-20', '25.00', '10.00'), event_id: 'back', event_type: 'Order Refunded' },
      sale('anna', 'A-2', '2026-05-25', '10.00', '4.00'),
      sale('anna', 'A-3', '2026-05-28', '10.00', '4.00'),
      sale('nobody', "O'Hara", '2026-05-15', '7.00', '1.00'),
      touch('bruno', 'Email', '2026-05-02'),
      { ...sale('receipt', 'T-1', '2026-05-16', '5.00', '2.00'), device: { class: 'offline' } },
      ...Array.from({ length: 5 }, (_, index) => touch(`lost-${index}`, 'Paid Search', '2026-05-03')),
    ],
  });
  // Published as a build would: a file a table, and views over them.
  const { models, seeds } = await modelCatalogue();
  const tables: Record<string, MartTables[string]> = {};
  for (const model of models) {
    if (!('header' in model)) continue;
    const { published, kept } = model.header;
    if (kept === 'view') tables[model.name] = { view: model.sql };
    else if (published || ['credit_touches', 'channel_days'].includes(model.name)) {
      const file = join(dir, `${model.name}.parquet`);
      await company.warehouse.unload(`select * from ${model.name}`, file);
      tables[model.name] = [file];
    }
  }
  reader = await openMarts(tables);
  settings = {
    timeZone: 'Europe/Rome',
    currency: 'EUR',
    pathStart: 'lookback',
    lookbackDays: () => 90,
    models: modelWords(seeds.attribution_models?.rows ?? []),
  };
}, 60_000);
afterAll(async () => {
  reader?.close();
  await company?.close();
  await rm(dir, { recursive: true, force: true });
});

test('an order is told with its window, its path and its refund, and every model adds up to the ledger', async () => {
  const told = await explainConversion(reader, 'A-1', settings);
  expect(told).toMatchObject({
    conversion_id: 'order/A-1',
    conversion_type: 'first_order',
    is_named: true,
    revenue: '100.00',
    margin: '40.00',
    net_revenue: '75.00',
    net_margin: '30.00',
    window: { from: '2026-02-14T10:00:00.000Z', lookback_days: 90 },
    refunds: [{ revenue: '-25.00', margin: '-10.00', at: '2026-05-20T10:00:00.000Z' }],
  });
  expect(told.path.map((one) => `${one.no} ${one.at.slice(0, 10)} ${one.channel} ${one.campaign}`)).toEqual([
    '1 2026-05-01 Paid Search Paid Search spring',
    '2 2026-05-08 Email Email spring',
    '3 2026-05-15 Paid Search Paid Search spring',
  ]);
  expect(told.models.map((model) => model.model)).toEqual(settings.models.map((model) => model.model));
  for (const model of told.models) {
    expect(model.totals).toMatchObject({ revenue: '100.000000', margin: '40.000000', conversions: '1.000000' });
    expect(model.totals.weight).toBeCloseTo(1, 9);
    expect(model.equals_ledger, model.model).toBe(true);
  }
  const credited = (name: string) =>
    told.models
      .find((model) => model.model === name)
      ?.touches.map((one) => `${one.touch_no} ${one.channel} ${one.revenue} ${one.net_revenue}`);
  expect(credited('position_based')).toEqual([
    '1 Paid Search 40.000000 30.000000',
    '2 Email 20.000000 15.000000',
    '3 Paid Search 40.000000 30.000000',
  ]);
  expect(credited('last_touch')).toEqual(['3 Paid Search 100.000000 75.000000']);
});

test('an order that does not say whose it is says why it is no new customer’s', async () => {
  const told = await explainConversion(reader, 'T-1', settings);
  expect(told).toMatchObject({ conversion_type: 'repeat_order', is_named: false });
  expect(describeConversion(told, 'en')).toMatch(/person {2,}a:\S+ \(the order does not say whose it is: /);
  expect(await explainConversion(reader, 'A-3', settings)).toMatchObject({
    conversion_type: 'repeat_order',
    is_named: true,
  });
});

test('a data-driven model tells the factors of the channels and how they are divided', async () => {
  const told = await explainConversion(reader, 'order/A-1', settings);
  const fit = told.models.find((model) => model.model === 'markov_1')?.fit;
  expect(fit?.month).toBe('2026-05-01');
  const shares = new Map(fit?.shares.map((share) => [share.channel, share]));
  const [paid, email] = [shares.get('Paid Search'), shares.get('Email')];
  expect([paid?.touches, email?.touches]).toEqual([2, 1]);
  const all = (paid?.factor ?? 0) + (email?.factor ?? 0);
  expect(paid?.share).toBeCloseTo((paid?.factor ?? 0) / all, 9);
  expect((paid?.share ?? 0) + (email?.share ?? 0)).toBeCloseTo(1, 9);
  // Shapley's factors are of the path's own set of channels: only the shares can be told.
  expect(told.models.find((model) => model.model === 'shapley')?.fit?.shares[0]?.factor).toBeNull();
});

test('a refund leads to the order that it undoes', async () => {
  const [refund] = await company.query("select conversion_id from conversions where conversion_id like 'refund/%'");
  const told = await explainConversion(reader, String(refund?.conversion_id), settings);
  expect(told.conversion_id).toBe('order/A-1');
});

test('a path that starts after the previous conversion says after which', async () => {
  const told = await explainConversion(reader, 'A-3', { ...settings, pathStart: 'after_previous' });
  expect(told.window).toEqual({
    from: '2026-05-25T10:00:00.000Z',
    lookback_days: 90,
    after: { conversion_id: 'order/A-2', at: '2026-05-25T10:00:00.000Z' },
  });
});

test('a conversion without a touch is unattributed in every model', async () => {
  const told = await explainConversion(reader, "O'Hara", settings);
  expect(told.path).toEqual([]);
  for (const model of told.models) {
    expect(model.touches.map((one) => `${one.channel} ${one.revenue}`)).toEqual(['(unattributed) 7.000000']);
    expect(model.equals_ledger).toBe(true);
  }
  expect(describeConversion(told, 'en')).toContain('every model leaves the conversion (unattributed)');
});

test('one that the build does not know is refused, with the mend', async () => {
  await expect(explainConversion(reader, 'A-9', settings)).rejects.toMatchObject({
    message: 'the published build knows no conversion and no order A-9',
    exitCode: 2,
  });
});

test.each([
  [
    'en',
    'refund of 2026-05-20',
    'Every touch gets the same share.',
    'The touches add up to the ledger, exactly.',
    'removal effect',
  ],
  [
    'it',
    'rimborso del 2026-05-20',
    'Ogni contatto riceve la stessa quota.',
    'uguale al registro, esattamente',
    'effetto di rimozione',
  ],
] as const)('in words of %s the arithmetic stands line by line', async (language, ...phrases) => {
  const text = describeConversion(await explainConversion(reader, 'A-1', settings), language);
  for (const phrase of phrases) expect(text).toContain(phrase);
  const lines = text.split('\n').map((line) => line.trim().replace(/\s+/g, ' '));
  expect(lines).toContain('1 Paid Search 0.333333 x 100.00 = 33.333333 13.333333 25.00');
  expect(lines).toContain('3 Paid Search 0.333333 x 100.00 = 33.333334 13.333334 25.00');
  expect(text).not.toMatch(/undefined|null|NaN/);
});
