import { cpSync, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { strFromU8, unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningSite, serveSite } from '#cli/dashboards';
import { launch } from './chromium.ts';
import {
  hostileNames,
  makeCompanyWithoutCosts,
  makeCompanyWithoutOrders,
  makeEmptyCompany,
  makeHostileCompany,
  makeWideCompany,
  percorso,
  queryNumber,
} from './companies.ts';
import { amount, cell, choose, openPage, openTables, pages, seriousFaults, shown, visit, type Width } from './pages.ts';

/*
 * The same pages on other companies. Pages are compiled once, for whichever company is first; every other site is that
 * compile with other data, so that the matrix of companies and languages costs some seconds each.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));
const data = join(root, '..', 'shared', 'data');
let folder: string;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'percorso-companies-'));
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

async function siteOf(dir: string): Promise<RunningSite> {
  await percorso(dir, 'dashboards', 'build');
  return serveSite(join(dir, '.percorso', 'site'), 4410);
}

/** Moves over every chart, so that each tooltip opens. */
async function openTooltips(page: Page): Promise<void> {
  for (const chart of await page.locator('.chart').all()) {
    await chart.scrollIntoViewIfNeeded();
    const box = await chart.boundingBox();
    if (box === null) continue;
    for (let x = 0.1; x < 1; x += 0.2)
      for (let y = 0.15; y < 1; y += 0.2) await page.mouse.move(box.x + box.width * x, box.y + box.height * y);
  }
}

const isUnharmed = async (page: Page) => {
  expect(await page.evaluate<unknown>('window.__hostile')).toBeUndefined();
  expect(await page.locator('img[src="x"]').count()).toBe(0);
  expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
};

describe('hostile names', () => {
  let dir: string;
  let site: RunningSite;

  beforeAll(async () => {
    dir = join(folder, 'hostile');
    await makeHostileCompany(dir);
    site = await siteOf(dir);
  });
  afterAll(() => site?.close());

  test.each(['desktop', 'phone'] as const)('execute nothing in pages and tooltips: %s', async (size) => {
    const { page, wrong } = await openPage(browser, size);
    for (const path of pages) {
      await visit(page, `${site.address}${path}?period=all_time`);
      await openTables(page);
      await openTooltips(page);
      await isUnharmed(page);
      expect(await seriousFaults(page), path).toEqual([]);
    }
    expect(wrong).toEqual([]);
    await page.close();
  });

  test('execute nothing in legends, filters and searches', async () => {
    const { page, wrong } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}cohorts/`);
    for (const entry of await page.locator('.chart svg text').all()) await entry.click({ force: true }).catch(() => {});
    // The door takes blanks off the ends of a name.
    for (const name of hostileNames.map((one) => one.trim())) {
      await choose(page, 'channel', name);
      expect(new URL(page.url()).searchParams.get('channel')).toBe(name);
      await isUnharmed(page);
    }
    await visit(page, `${site.address}channels/?period=all_time`);
    for (const name of hostileNames.map((one) => one.trim())) {
      await page.locator('[data-table="channels"] input[type=search]').fill(name);
      expect(await page.locator('[data-table="channels"] tbody th .text').count()).toBe(1);
      await isUnharmed(page);
    }
    expect(wrong).toEqual([]);
    await page.close();
  });

  test('execute nothing as inputs of an address, on any page', async () => {
    const { page, wrong } = await openPage(browser, 'desktop');
    for (const path of pages) {
      for (const name of hostileNames) {
        const query = ['period', 'compare', 'model', 'device', 'money', 'channel', 'type', name]
          .map((input) => `${encodeURIComponent(input)}=${encodeURIComponent(name)}`)
          .join('&');
        await visit(page, `${site.address}${path}?${query}#${encodeURIComponent(name)}`);
        await isUnharmed(page);
      }
    }
    expect(wrong).toEqual([]);
    await page.close();
  });

  test('stand as text, in English and in pounds', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/?period=all_time`);
    const names = await page.locator('[data-table="channels"] tbody th .text').allInnerTexts();
    for (const name of hostileNames) expect(names.map((one) => one.trim())).toContain(name.trim());
    // What is cut off can be seen whole.
    expect(
      await page.locator(`[data-table="channels"] tbody th[title=${JSON.stringify(hostileNames[4]?.trim())}]`).count(),
    ).toBe(1);
    expect(await page.locator('[data-column="margin"] .text').first().innerText()).toMatch(/^£\d/);
    expect(await page.title()).toContain(hostileNames[0]);
    await page.close();
  });

  test('are no formula in a download, as CSV or as a workbook', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/?period=all_time`);
    const file = async (ending: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator(`[data-table="channels"] [data-download=${ending}]`).click(),
      ]);
      return readFile(await download.path());
    };
    const csv = (await file('csv')).toString('utf8');
    expect(csv).toContain(`"'=HYPERLINK(""http`);
    expect(csv).not.toMatch(/(^|,|")=HYP/m);
    const sheet = unzipSync(await file('xlsx'));
    const xml = Object.entries(sheet)
      .map(([name, bytes]) => (name.endsWith('.xml') ? strFromU8(bytes) : ''))
      .join('');
    expect(xml).toContain("'=HYPERLINK(");
    expect(xml).not.toContain('<f>');
    expect(xml).not.toContain('<img');
    await page.close();
  });

  test('new data need no compile, and leave no figure of the old in the pages as they come', async () => {
    const before = await (await fetch(`${site.address}channels/`)).text();
    const lines = Array.from({ length: 12 }, (_, person) =>
      JSON.stringify({
        source: 'shop',
        event_id: `more-${person}`,
        event_type: 'Order Completed',
        occurred_at: '2026-04-01T10:00:00Z',
        identifiers: { user_id: `u-0-${person % 8}` },
        value: { order_id: `more-${person}`, revenue: '1000.00', margin: '500.00', currency: 'GBP' },
      }),
    );
    await writeFile(join(dir, 'more.jsonl'), `${lines.join('\n')}\n`);
    await percorso(dir, 'import', join(dir, 'more.jsonl'));
    await percorso(dir, 'build');
    const result: unknown = JSON.parse(await percorso(dir, 'dashboards', 'build', '--json'));
    expect(result).toMatchObject({ did: 'refresh' });
    const after = await (await fetch(`${site.address}channels/`)).text();
    expect(after).not.toBe(before);
    const { page, wrong } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}?period=all_time`);
    const revenue = await queryNumber(
      dir,
      "select sum(revenue) from channel_roi where model = 'position_based' and period = 'all_time'",
    );
    expect(amount(await shown(page, '#kpi-revenue .value'), '.')).toBe(Math.round(revenue));
    expect(wrong).toEqual([]);
    await page.close();
  });

  test('the server forbids framing and keeps hashed files for long', async () => {
    const page = await fetch(site.address, { headers: { 'Accept-Encoding': 'br' } });
    expect(page.headers.get('content-encoding')).toBe('br');
    expect(page.headers.get('content-security-policy')).toBe("frame-ancestors 'none'");
    const html = await page.text();
    expect(html).toContain('http-equiv="content-security-policy"');
    const script = /_app\/immutable\/[^"]+\.js/.exec(html)?.[0] ?? '';
    const file = await fetch(site.address + script);
    expect(file.headers.get('cache-control')).toContain('immutable');
    expect((await fetch(`${site.address}..%2f..%2fpercorso.config.ts`)).status).toBe(404);
  });
});

describe('companies that lack something', () => {
  test.each([
    ['without orders', makeCompanyWithoutOrders, 'orders', 'Nessun ordine ancora'],
    ['without costs', makeCompanyWithoutCosts, 'costs', 'Nessun costo ancora'],
    ['empty', makeEmptyCompany, undefined, 'Non ci sono ancora dati'],
  ] as const)('%s: each page says what is missing and the command that adds it', async (name, make, missing, words) => {
    const dir = join(folder, name.replaceAll(' ', '-'));
    await make(dir);
    const site = await siteOf(dir);
    try {
      const { page, wrong } = await openPage(browser, 'phone');
      for (const path of pages) {
        await visit(page, site.address + path);
        const text = await page.locator('main').innerText();
        expect(text).not.toMatch(/undefined|NaN|Infinity/);
        expect(await seriousFaults(page), path).toEqual([]);
        if (path === 'glossary/') continue;
        if (missing === undefined || path === '' || path === 'channels/') {
          expect(text).toContain(words);
          expect(text).toContain('percorso import');
        }
      }
      expect(wrong).toEqual([]);
      await page.close();
    } finally {
      await site.close();
    }
  });

  test('a build of an older version or of a part: its pages open, and say what they lack', async () => {
    const dir = join(folder, 'older');
    await makeCompanyWithoutCosts(dir);
    const { current, manifest } = await manifestOf(dir);
    for (const table of ['journey_shapes', 'touch_hours', 'findings']) delete manifest.tables[table];
    await writeFile(current, JSON.stringify(manifest));
    const site = await siteOf(dir);
    try {
      const { page, wrong } = await openPage(browser, 'desktop');
      for (const path of pages) await visit(page, site.address + path);
      await visit(page, `${site.address}journeys/`);
      expect(await page.locator('[data-missing=journeys]').count()).toBe(1);
      expect(wrong).toEqual([]);
      await page.close();
    } finally {
      await site.close();
    }
  });
});

async function manifestOf(dir: string) {
  const pointer = JSON.parse(await readFile(join(dir, 'lake', 'marts', 'current.json'), 'utf8'));
  const current = join(dir, 'lake', 'marts', 'builds', pointer.build_id, 'manifest.json');
  return { current, manifest: JSON.parse(await readFile(current, 'utf8')) };
}

describe('a company of 40 channels and 36 months', () => {
  let dir: string;
  let site: RunningSite;

  beforeAll(async () => {
    dir = join(folder, 'wide');
    await makeWideCompany(dir);
    site = await siteOf(dir);
  });
  afterAll(() => site?.close());

  test.each(['desktop', 'phone'] as const)('stays legible and harmless: %s', async (size: Width) => {
    const { page, wrong } = await openPage(browser, size);
    for (const path of pages) {
      await visit(page, `${site.address}${path}?period=all_time`);
      await openTables(page);
      if (size === 'desktop') await openTooltips(page);
      await isUnharmed(page);
      expect(await page.locator('main').innerText()).not.toMatch(/undefined|NaN|Infinity/);
    }
    expect(wrong).toEqual([]);
    await page.close();
  });

  test('shows every channel and month with its figures', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/?period=all_time`);
    await openTables(page);
    expect(await page.locator('[data-table="channels"] tbody tr').count()).toBe(40);
    expect(amount(await cell(page, 'channels', 'Canale numero 7', 'revenue'), ',')).toBe(60 * 120);
    await visit(page, site.address);
    await openTables(page);
    expect(await page.locator('[data-table="months"] tbody tr').count()).toBe(36);
    await page.close();
  });
});

describe.skipIf(!existsSync(data))('public data sets (skipped: no ../shared/data)', () => {
  test.each([
    ['olist', 'leads alone, without costs', 'olist', ['stages/', 'journeys/']],
    ['cdnow', 'orders alone', 'cdnow/CDNOW_master.txt', ['', 'cohorts/', 'loyalty/', 'health/']],
  ] as const)('%s: %s', async (name, _what, files, telling) => {
    const dir = join(folder, name);
    cpSync(join(root, 'examples', name), dir, { recursive: true });
    await percorso(dir, 'import', join(data, files));
    await percorso(dir, 'build');
    const site = await siteOf(dir);
    try {
      const { page, wrong } = await openPage(browser, 'desktop');
      for (const path of pages) {
        await visit(page, `${site.address}${path}?period=all_time`);
        const text = await page.locator('main').innerText();
        expect(text).not.toMatch(/undefined|NaN|Infinity/);
        expect(await seriousFaults(page), path).toEqual([]);
      }
      for (const path of telling) {
        await visit(page, `${site.address}${path}?period=all_time`);
        expect(await shown(page, '#sentence')).toMatch(/\d/);
      }
      expect(wrong).toEqual([]);
      await page.close();
    } finally {
      await site.close();
    }
  });
});
