import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openCatalogue } from '#cli/build';
import { asBuilt, type Bill, type FirmSize, reckonBill, savings } from '#pipeline/cost/bill';
import { type PriceTable, readPrices, readScannedBytes, type ScannedBytes } from '#pipeline/cost/price-tables';
import { runCommand } from '../run-command.ts';

/** Prices of round figures, so that a person can reckon with them; what is not named costs nothing. */
const named: Record<string, { usd: number; per?: number; free?: number }> = {
  's3-storage': { usd: 0.02 },
  's3-put': { usd: 0.005, per: 1000 },
  's3-get': { usd: 0.0004, per: 1000 },
  'lambda-request': { usd: 0.2, per: 1e6 },
  'lambda-arm': { usd: 0.00001 },
  'http-api': { usd: 1, per: 1e6 },
  sqs: { usd: 0.4, per: 1e6, free: 1e6 },
  athena: { usd: 5 },
  'step-functions': { usd: 0.025, per: 1000, free: 4000 },
  codebuild: { usd: 0.01 },
  'kms-key': { usd: 1 },
  'kms-request': { usd: 0.03, per: 10_000 },
  secret: { usd: 0.4 },
  alarm: { usd: 0.1, free: 10 },
  'nat-hour': { usd: 0.05 },
};
const free = [
  'secret-read',
  'glue-request',
  'logs',
  'metrics-dashboard',
  'trace',
  'cloudfront-request',
  'cloudfront-gb',
  'transfer-out',
  'signed-in',
];
const prices: PriceTable = [...Object.entries(named), ...free.map((item) => [item, { usd: 0 }] as const)].map(
  ([item, price]) => ({
    item,
    service: item,
    unit: 'unit',
    per: 'per' in price ? (price.per ?? 1) : 1,
    free_a_month: 'free' in price ? (price.free ?? 0) : 0,
    region: 'here',
    usd: price.usd,
    as_of: '2026-01',
    source: 'https://example.com/',
    seen: 'from memory',
  }),
);

/** One statement that reads 1,000 bytes for each event of a day, one that reads next to nothing, and a whole build of one statement. */
const scanned: ScannedBytes = {
  statements: [
    { build: 'daily', step: 'model touches', statements: 1, perDailyEvent: 1000, perEventOfHistory: 0, perMonth: 0 },
    { build: 'daily', step: 'model settings', statements: 1, perDailyEvent: 0, perEventOfHistory: 0, perMonth: 10 },
    { build: 'full', step: 'model events', statements: 1, perDailyEvent: 0, perEventOfHistory: 100, perMonth: 0 },
  ],
  stored: {
    raw: { perDailyEvent: 0, perEventOfHistory: 50, perMonth: 0 },
    published: { perDailyEvent: 0, perEventOfHistory: 30, perMonth: 0 },
    kept: { perDailyEvent: 0, perEventOfHistory: 20, perMonth: 0 },
    written: { perDailyEvent: 1000, perEventOfHistory: 0, perMonth: 0 },
    scratch: { perDailyEvent: 2000, perEventOfHistory: 0, perMonth: 0 },
  },
};
const size: FirmSize = { eventsPerDay: 1_200_000, historyMonths: 10, eventsPerRequest: 10, readers: 0 };
// 365 days and 12 months: 1.2 million a day are 36.5 million a month, in 3.65 million requests.

const usdOf = (bill: Bill, item: string, what?: string) =>
  bill.lines
    .filter((line) => line.service === item && (what === undefined || line.what === what))
    .reduce((sum, { usd }) => sum + usd, 0);

describe('a bill reckoned by hand', () => {
  const bill = reckonBill(size, 'here', { prices, scanned });

  test('the door: 3.65 million requests', () => {
    expect(usdOf(bill, 'http-api')).toBeCloseTo(3.65, 6);
    // 17,520 runs of the store, two each five minutes.
    expect(usdOf(bill, 'lambda-request')).toBeCloseTo((3_650_000 + 17_520) * 0.2e-6, 6);
    // 20 ms a request; half a second a run, and 5,000 events a second: 73,000 + 8,760 + 7,300 GB-seconds.
    expect(usdOf(bill, 'lambda-arm')).toBeCloseTo((73_000 + 8_760 + 7_300) * 1e-5, 6);
    // 4.38 million for messages and 1.314 million polls, a million of which are free.
    expect(usdOf(bill, 'sqs')).toBeCloseTo((4.38 + 1.314 - 1) * 0.4, 6);
  });

  test('the warehouse: each statement by its bytes, 10 MB at least', () => {
    const nights = 365 / 12 - 1;
    // 1.2 GB and 10 MB a night; once a month 36.5 GB.
    expect(usdOf(bill, 'athena')).toBeCloseTo(5 * (nights * (0.0012 + 0.00001) + 0.0365), 6);
    expect(bill.largestStatement).toEqual({ step: 'model events', bytes: 36.5e9 });
    const count = 2 * nights + 1;
    expect(usdOf(bill, 's3-put', 'what statements write, and listings')).toBeCloseTo((count * 8 * 0.005) / 1000, 8);
    // Objects, and pieces of 4 MB.
    const megabytes = nights * (1200 + 0.0001) + 36_500;
    expect(usdOf(bill, 's3-get')).toBeCloseTo(((count * 25 + megabytes / 4) * 0.0004) / 1000, 8);
    // 5 steps a statement and 30 a night, less 4,000.
    const steps = count * 5 + 30 * (365 / 12);
    expect(usdOf(bill, 'step-functions')).toBeCloseTo(Math.max(0, steps - 4000) * 0.025e-3, 8);
  });

  test('what is stored: 365 million events of history', () => {
    expect(usdOf(bill, 's3-storage', 'raw')).toBeCloseTo(0.02 * 18.25, 8);
    expect(usdOf(bill, 's3-storage', 'tables of the present build')).toBeCloseTo(0.02 * 18.25, 8);
    // 1.2 GB a night: four builds before this one, and one day of what was replaced.
    expect(usdOf(bill, 's3-storage', 'tables of builds before it')).toBeCloseTo(0.02 * 1.2 * 5, 8);
    expect(usdOf(bill, 's3-storage', 'tables between')).toBeCloseTo(0.02 * 2.4, 8);
  });

  test('what costs the same at any size', () => {
    expect(usdOf(bill, 'kms-key')).toBe(1);
    expect(usdOf(bill, 'secret')).toBeCloseTo(1.2, 8);
    expect(usdOf(bill, 'alarm')).toBeCloseTo(0.6, 8);
    expect(usdOf(bill, 'codebuild')).toBeCloseTo((5 * 365) / 12 / 100, 8);
    expect(usdOf(bill, 'nat-hour')).toBe(0);
  });

  test('all of it is the sum of the lines', () => {
    expect(bill.usd).toBeCloseTo(
      bill.lines.reduce((sum, { usd }) => sum + usd, 0),
      8,
    );
  });
});

test('an idea of the design saves what the bill is more without it', () => {
  const tables = { prices, scanned };
  const saved = new Map(savings(size, 'here', tables).map(({ idea, usd }) => [idea, usd]));
  // Two calls to KMS for each of 3.65 million messages, at 3 cents for 10,000.
  expect(saved.get('the queue is encrypted with its own key')).toBeCloseTo((2 * 3_650_000 * 0.03) / 10_000, 6);
  expect(saved.get('no network of its own, so no NAT gateway')).toBeCloseTo(0.05 * 730, 6);
  // 3.65 million runs with two objects each, instead of 17,520; KMS sees one in a hundred.
  const more = 3_650_000 - 17_520;
  const objects = more * 2 * (0.005 / 1000 + (0.01 * 0.03) / 10_000);
  expect(saved.get('events gather for 5 minutes before they are written')).toBeCloseTo(
    objects + more * (0.2e-6 + 0.5 * 1e-5),
    6,
  );
  const whole = reckonBill(size, 'here', tables, { ...asBuilt, isIncremental: false });
  expect(usdOf(whole, 'athena')).toBeCloseTo((5 * 0.0365 * 365) / 12, 6);
});

test('a region without prices is said, with those that have some', () => {
  expect(() => reckonBill(size, 'mars-1', { prices, scanned })).toThrow('no price of http-api in mars-1');
});

describe('the tables that come with the product', () => {
  test('have every price of both regions, once, with its source and date', async () => {
    const table = await readPrices();
    for (const region of ['eu-south-1', 'eu-west-1']) {
      const items = table.filter((one) => one.region === region).map(({ item }) => item);
      expect(new Set(items).size).toBe(items.length);
      for (const { item } of prices) expect(items, region).toContain(item);
    }
  });

  test('know the models of today: measured anew where they drift apart (tests/bench/scanned-bytes.ts)', async () => {
    const measured = new Set((await readScannedBytes()).statements.map(({ step }) => step.replace(/_open$/, '')));
    const models = (await openCatalogue()).models.map(({ name }) => name);
    const missing = models.filter((name) => !measured.has(`model ${name}`) && !measured.has(`solver ${name}`));
    expect(missing.length, missing.join(', ')).toBeLessThan(models.length / 10);
    // Rows of which there can be only so many do not grow without end.
    const [bounded] = (await readScannedBytes()).statements.filter(({ step }) => step === 'solver credit_intervals');
    expect(bounded?.mostPerMonth).toBeGreaterThan(0);
  });

  test.each([
    ['1 million events a month, each sent by itself', 33_000, 1, 15],
    ['100 million events a month, sent ten at a time', 3_300_000, 10, 400],
    ['100 million events a month, each sent by itself', 3_300_000, 1, 600],
  ])(
    'a firm with %s pays less than docs/cost.md promises, dashboards included',
    async (_, eventsPerDay, eventsPerRequest, most) => {
      const tables = { prices: await readPrices(), scanned: await readScannedBytes() };
      const firm = { eventsPerDay, historyMonths: 24, eventsPerRequest, readers: 20 };
      for (const region of ['eu-south-1', 'eu-west-1']) {
        const { usd } = reckonBill(firm, region, tables);
        expect(usd).toBeLessThan(most);
        expect(usd).toBeGreaterThan(most / 2);
      }
    },
  );
});

describe('percorso cost', () => {
  const run = (cwd: string, ...argv: string[]) => runCommand(['cost', ...argv], { cwd });

  test('needs no company, and shows services by what they cost', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'percorso-cost-'));
    const { code, stdout } = await run(cwd, '--events-per-day', '33000');
    expect(code).toBe(0);
    expect(stdout).toContain('33,000 events a day, 24 months behind, 1 a request, eu-south-1');
    expect(stdout).toMatch(/^Athena +\d+\.\d\d$/m);
    expect(stdout).toMatch(/^monthlyBudgetUsd +50 .*the bill is \d+\.\d\d$/m);
    expect(stdout).toContain('are from memory');
  });

  test("takes region and ceilings from the company's configuration, and says which are too low", async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'percorso-cost-'));
    await writeFile(
      join(cwd, 'percorso.config.ts'),
      "export default { name: 'Acme', aws: { id: 'acme', region: 'eu-west-1', monthlyBudgetUsd: 1, scanLimitGb: 0.5, requestsPerSecond: 5 } };",
    );
    const { stdout } = await run(cwd, '--events-per-day', '3300000', '--json');
    const said: { region: string; usd: number; ceilings: { setting: string; value: string; here: string }[] } =
      JSON.parse(stdout);
    expect(said.region).toBe('eu-west-1');
    expect(said.ceilings.map(({ setting, value }) => [setting, value])).toEqual([
      ['monthlyBudgetUsd', '1'],
      ['scanLimitGb', '0.5'],
      ['requestsPerSecond', '5'],
    ]);
    for (const { here } of said.ceilings) expect(here).toContain('TOO LOW');
  });

  test('refuses what is no size', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'percorso-cost-'));
    expect(await run(cwd, '--events-per-day', 'many')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--events-per-day'),
    });
    expect((await run(cwd)).code).toBe(2);
    expect(await run(cwd, '--events-per-day', '1', '--region', 'us-west-9')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('eu-west-1'),
    });
  });
});
