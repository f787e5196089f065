import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  percorso,
  query,
  queryNumber,
} from './companies.ts';

const pages = ['', 'channels/', 'stages/', 'cohorts/'];
const widths = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

let folder: string;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'percorso-pages-'));
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A page that remembers what went wrong on it. */
async function openPage(size: keyof typeof widths): Promise<{ page: Page; wrong: string[]; requests: string[] }> {
  const page = await browser.newPage({ viewport: widths[size], acceptDownloads: true });
  const wrong: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  page.on('request', (request) => {
    requests.push(request.url());
    const { protocol, hostname } = new URL(request.url());
    if (protocol.startsWith('http') && hostname !== 'localhost') wrong.push(`a request to ${request.url()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) wrong.push(`${response.status()} ${response.url()}`);
  });
  return { page, wrong, requests };
}

async function visit(page: Page, address: string): Promise<void> {
  await page.goto(address, { waitUntil: 'networkidle' });
  await page.waitForSelector('main[data-ready=true]');
}

/** `1.234,56 €` or `£1,234.56` as a number. */
function amount(text: string, decimal: ',' | '.'): number {
  const kept = text.replace(decimal === ',' ? /[^\d,-]/g : /[^\d.-]/g, '');
  return Number(kept.replace(',', '.'));
}

const shown = async (page: Page, selector: string) => (await page.locator(selector).first().innerText()).trim();
const cell = (page: Page, table: string, row: string, column: string) =>
  page
    .locator(`[data-table="${table}"] tbody tr`)
    .filter({ has: page.locator('th .text', { hasText: new RegExp(`^${row}$`) }) })
    .first()
    .locator(`[data-column="${column}"] .text`)
    .innerText();
const choose = async (page: Page, name: string, value: string) => {
  await page.selectOption(`select[name=${name}]`, value);
};

describe('the pages of the demo company', () => {
  let dir: string;
  let site: RunningSite;

  beforeAll(async () => {
    dir = join(folder, 'demo');
    await percorso(folder, 'demo', dir, '--customers', '1500');
    await percorso(dir, 'import', 'landing');
    await percorso(dir, 'build');
    await percorso(dir, 'dashboards', 'build');
    site = await serveSite(join(dir, '.percorso', 'site'), 4390);
  });
  afterAll(() => site?.close());

  test.each(['desktop', 'phone'] as const)(
    'open without an error, a foreign request or a sideways scroll: %s',
    async (size) => {
      const { page, wrong, requests } = await openPage(size);
      for (const path of pages) {
        await visit(page, site.address + path);
        expect(await shown(page, '#sentence')).toMatch(/\d/);
        expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
        expect(await page.locator('main').innerText()).not.toMatch(/undefined|NaN|null|Infinity|[a-z]+_[a-z]+_[a-z]+/);
        expect(await shown(page, '#adds-up')).toContain('0,00');
      }
      expect(requests.filter((address) => address.endsWith('.wasm'))).toEqual([]);
      expect(wrong).toEqual([]);
      await page.close();
    },
  );

  test('are in the language of the company, with one heading and named regions', async () => {
    const { page } = await openPage('desktop');
    await visit(page, site.address);
    expect(await page.evaluate<string>('document.documentElement.lang')).toBe('it');
    expect(await page.locator('h1').allInnerTexts()).toEqual(['Panoramica']);
    await page.close();
  });

  test('Overview shows the figures of the marts', async () => {
    const { page } = await openPage('desktop');
    await visit(page, site.address);
    const where = "where model = 'position_based' and period = 'last_90_days'";
    const near = async (id: string, sql: string) =>
      expect(amount(await shown(page, `#kpi-${id} .value`), ',')).toBe(Math.round(await queryNumber(dir, sql)));
    await near('revenue', `select sum(revenue) from channel_roi ${where}`);
    await near('margin', `select sum(margin) from channel_roi ${where}`);
    await near('spend', `select sum(spend) from channel_roi ${where}`);
    await near('new_customers', `select sum(first_orders) from channel_roi ${where}`);
    await near(
      'roi',
      `select 100 * (cast(sum(margin) as double) - cast(sum(spend) as double)) / cast(sum(spend) as double) from channel_roi ${where}`,
    );
    const months = await query(
      dir,
      "select month, ledger from reconciliation where model = 'linear' and conversion_type = '(orders)' order by month desc limit 3",
    );
    for (const { month, ledger } of months) {
      const name = new Intl.DateTimeFormat('it-IT', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
        new Date(`${month}-01`),
      );
      expect(amount(await cell(page, 'months', name, 'revenue'), ',')).toBe(Number(ledger));
    }
    await page.close();
  });

  test('Channels follows the model and the period, and says the unknown', async () => {
    const { page } = await openPage('desktop');
    await visit(page, `${site.address}channels/`);
    for (const [model, period] of [
      ['position_based', 'last_90_days'],
      ['last_touch', 'last_90_days'],
      ['linear', '2026-03'],
      ['first_touch', 'all_time'],
    ] as const) {
      await choose(page, 'model', model);
      await choose(page, 'period', period);
      const rows = await query(
        dir,
        `select channel, spend, margin, roi from channel_roi where model = '${model}' and period = '${period}' and channel <> '(unattributed)'`,
      );
      let compared = 0;
      for (const row of rows) {
        const name = row.channel ?? '';
        const spend = await cell(page, 'channels', name, 'spend');
        if (row.spend === null) {
          expect(spend).toBe('costo non noto');
          expect(await cell(page, 'channels', name, 'roi')).toMatch(/^non noto$|< 5/);
        } else expect(amount(spend, ',')).toBe(Number(row.spend));
        const margin = await cell(page, 'channels', name, 'margin');
        if (margin.includes('<') || row.margin === null || row.margin === undefined) continue;
        compared++;
        expect(amount(margin, ',')).toBeCloseTo(Number(row.margin), 1);
        if (row.roi !== null)
          expect(amount(await cell(page, 'channels', name, 'roi'), ',')).toBe(Math.round(Number(row.roi) * 100));
      }
      expect(compared).toBeGreaterThan(2);
    }
    await page.close();
  });

  test('Stages shows who entered and who went on', async () => {
    const { page } = await openPage('desktop');
    await visit(page, `${site.address}stages/?period=all_time`);
    const rows = await query(
      dir,
      "select stage, entered, advanced, undecided from stage_conversion where cohort_month = '(all)' and channel = '(all)' and device_class = '(all)'",
    );
    const names: Record<string, string> = {
      awareness: 'Consapevolezza',
      acquisition: 'Acquisizione',
      conversion: 'Conversione',
      retention: 'Conservazione',
    };
    expect(rows.length).toBe(4);
    for (const row of rows) {
      for (const column of ['entered', 'advanced', 'undecided'] as const) {
        expect(amount(await cell(page, 'stages', names[row.stage ?? ''] ?? '', column), ',')).toBe(Number(row[column]));
      }
    }
    await page.close();
  });

  test('Cohorts shows complete months, and leaves the others blank', async () => {
    const { page } = await openPage('desktop');
    await visit(page, `${site.address}cohorts/`);
    const rows = await query(
      dir,
      'select cohort_month, period, sum(size) as size, sum(retained) as retained, bool_and(is_complete) as is_complete from cohort_retention where period between 1 and 12 group by cohort_month, period having sum(size) >= 5',
    );
    let checked = 0;
    for (const row of rows) {
      const place = page.locator(`#retention [data-cell="${row.cohort_month}/${row.period}"]`);
      if (row.is_complete === 'false') expect(await place.count()).toBe(0);
      else if (checked < 40 && (await place.count()) === 1) {
        checked++;
        expect(await place.getAttribute('title')).toBe(`${Number(row.retained)} / ${Number(row.size)}`);
      }
    }
    expect(checked).toBeGreaterThan(10);
    await page.close();
  });

  test('what is chosen stays in the address, from page to page and by a link', async () => {
    const { page, wrong } = await openPage('desktop');
    await visit(page, site.address);
    await choose(page, 'period', '2026-03');
    await choose(page, 'model', 'linear');
    expect(new URL(page.url()).search).toBe('?period=2026-03&model=linear');
    const revenue = await shown(page, '#kpi-revenue .value');
    await page.click('nav a[href*="channels"]');
    await page.waitForURL('**/channels/?period=2026-03&model=linear');
    expect(await page.inputValue('select[name=model]')).toBe('linear');
    const { page: other } = await openPage('desktop');
    await visit(other, `${site.address}?period=2026-03&model=linear`);
    expect(await shown(other, '#kpi-revenue .value')).toBe(revenue);
    await visit(other, `${site.address}?period=d'estate&model=<img>`);
    expect(await other.inputValue('select[name=period]')).toBe('last_90_days');
    expect(wrong).toEqual([]);
    await Promise.all([page.close(), other.close()]);
  });

  test('tables sort, search and open out', async () => {
    const { page } = await openPage('desktop');
    await visit(page, `${site.address}channels/`);
    const table = page.locator('[data-table="channels"]');
    await table.locator('thead button', { hasText: 'Spesa' }).click();
    const spend = (await table.locator('[data-column="spend"] .text').allInnerTexts())
      .filter((text) => text !== 'costo non noto')
      .map((text) => amount(text, ','));
    expect(spend).toEqual([...spend].sort((a, b) => b - a));
    await table.locator('input[type=search]').fill('paid sea');
    expect(await table.locator('tbody th .text').allInnerTexts()).toEqual(['Paid Search']);
    await page.close();
  });

  test('a site that is up to date is not made again', async () => {
    const result: unknown = JSON.parse(await percorso(dir, 'dashboards', 'build', '--json'));
    expect(result).toMatchObject({ did: 'nothing' });
  });
});

describe('hostile names', () => {
  let site: RunningSite;

  beforeAll(async () => {
    const dir = join(folder, 'hostile');
    await makeHostileCompany(dir);
    const result: unknown = JSON.parse(await percorso(dir, 'dashboards', 'build', '--json'));
    // New data needs no compile, in whatever language and currency.
    expect(result).toMatchObject({ did: 'refresh' });
    site = await serveSite(join(dir, '.percorso', 'site'), 4410);
  });
  afterAll(() => site?.close());

  test.each(['desktop', 'phone'] as const)('execute nothing in pages and tooltips: %s', async (size) => {
    const { page, wrong } = await openPage(size);
    for (const path of pages) {
      await visit(page, `${site.address}${path}?period=all_time`);
      for (const chart of await page.locator('.chart').all()) {
        await chart.scrollIntoViewIfNeeded();
        const box = await chart.boundingBox();
        if (box === null) continue;
        for (let x = 0.1; x < 1; x += 0.2)
          for (let y = 0.15; y < 1; y += 0.14) await page.mouse.move(box.x + box.width * x, box.y + box.height * y);
      }
      expect(await page.evaluate<unknown>('window.__hostile')).toBeUndefined();
      expect(await page.locator('img[src="x"]').count()).toBe(0);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    }
    expect(wrong).toEqual([]);
    await page.close();
  });

  test('stand as text, in English and in pounds', async () => {
    const { page } = await openPage('desktop');
    await visit(page, `${site.address}channels/?period=all_time`);
    const names = await page.locator('[data-table="channels"] tbody th .text').allInnerTexts();
    for (const name of hostileNames) expect(names.map((one) => one.trim())).toContain(name.trim());
    expect(await page.locator('[data-column="margin"] .text').first().innerText()).toMatch(/^£\d/);
    expect(await page.title()).toContain(hostileNames[0]);
    await page.close();
  });

  test('are no formula in a download', async () => {
    const { page } = await openPage('desktop');
    await visit(page, `${site.address}channels/?period=all_time`);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('[data-table="channels"] .actions button').click(),
    ]);
    const csv = await readFile(await download.path(), 'utf8');
    expect(csv).toContain(`"'=HYPERLINK(""http`);
    expect(csv).not.toMatch(/(^|,|")=HYP/m);
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
    await percorso(dir, 'dashboards', 'build');
    const site = await serveSite(join(dir, '.percorso', 'site'), 4430);
    try {
      const { page, wrong } = await openPage('phone');
      for (const path of pages) {
        await visit(page, site.address + path);
        const text = await page.locator('main').innerText();
        expect(text).not.toMatch(/undefined|NaN|Infinity/);
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
});
