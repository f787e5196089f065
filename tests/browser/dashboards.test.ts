import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningSite, serveSite } from '#cli/dashboards';
import { readItalian } from '#pipeline/site/glossary';
import { launch } from './chromium.ts';
import { percorso, query, queryNumber } from './companies.ts';
import {
  amount,
  cell,
  choose,
  openPage,
  openTables,
  pages,
  seriousFaults,
  shown,
  unreachedByTab,
  visit,
} from './pages.ts';

let folder: string;
let browser: Browser;
let dir: string;
let site: RunningSite;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'percorso-pages-'));
  browser = await launch();
  dir = join(folder, 'demo');
  await percorso(folder, 'demo', dir, '--customers', '1500');
  // The data begin in November 2024.
  await appendFile(join(dir, 'invoices.csv'), '2024-08,1000.00\n');
  await percorso(dir, 'import', 'landing');
  await percorso(dir, 'build');
  await percorso(dir, 'dashboards', 'build');
  site = await serveSite(join(dir, '.percorso', 'site'), 4390);
});
afterAll(async () => {
  await site?.close();
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('every page', () => {
  test.each(['desktop', 'phone'] as const)(
    'opens without an error, a foreign request or a sideways scroll, and axe finds nothing serious: %s',
    async (size) => {
      const { page, wrong, requests } = await openPage(browser, size);
      for (const path of pages) {
        await visit(page, site.address + path);
        expect(await shown(page, '#sentence')).toMatch(/\d/);
        expect(
          await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth'),
          path,
        ).toBeLessThanOrEqual(0);
        const text = await page.locator('main').innerText();
        expect(text).not.toMatch(/undefined|NaN|Infinity/);
        // The Glossary alone speaks of columns by their names.
        if (path !== 'glossary/') expect(text).not.toMatch(/\bnull\b|[a-z]+_[a-z]+_[a-z]+/);
        expect(await shown(page, '#adds-up')).toContain('0,00');
        if (size === 'phone') await page.locator('button.filters').click();
        expect(await seriousFaults(page), path).toEqual([]);
      }
      expect(requests.filter((address) => address.endsWith('.wasm'))).toEqual([]);
      expect(wrong).toEqual([]);
      await page.close();
    },
  );

  test('is reached by keyboard in every control', async () => {
    const { page } = await openPage(browser, 'desktop');
    for (const path of pages) {
      await visit(page, site.address + path);
      expect(await unreachedByTab(page), path).toEqual([]);
    }
    await page.close();
  });

  test('is in the language of the company, with one heading and named regions', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, site.address);
    expect(await page.evaluate<string>('document.documentElement.lang')).toBe('it');
    expect(await page.locator('h1').allInnerTexts()).toEqual(['Panoramica']);
    await page.close();
  });

  test('prints what was chosen, without the controls', async () => {
    const { page } = await openPage(browser, 'desktop');
    await page.emulateMedia({ media: 'print' });
    await visit(page, `${site.address}channels/?period=2026-03&model=linear`);
    expect(await page.locator('.controls').isVisible()).toBe(false);
    expect(await page.locator('nav').isVisible()).toBe(false);
    expect(await page.locator('.actions').first().isVisible()).toBe(false);
    expect(await shown(page, '#frame-line')).toMatch(/marzo 2026: 1 mar 2026 – 31 mar 2026, rispetto a .*Lineare/);
    await page.close();
  });
});

describe('the figures of the pages are those of the marts', () => {
  test('Overview shows the figures of the marts', async () => {
    const { page } = await openPage(browser, 'desktop');
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
    const { page } = await openPage(browser, 'desktop');
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

  test('Channels shows what one conversion of each type cost, by the name that the figure has', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/?period=all_time`);
    expect(await shown(page, '#cpa thead')).toContain('Costo per nuovo cliente (CAC)');
    let compared = 0;
    for (const [model, type, name] of [
      ['position_based', 'first_order', '(CAC)'],
      ['position_based', '(orders)', '(CPA)'],
      ['last_touch', 'lead', '(CPL)'],
    ] as const) {
      await choose(page, 'model', model);
      await choose(page, 'type', type);
      expect(await shown(page, '#cpa thead')).toContain(name);
      const rows = await query(
        dir,
        `select channel, spend, conversions, cpa from channel_credit inner join (select model as of_model, channel as of_channel, period as of_period, spend from channel_roi) as paid
           on of_model = model and of_channel = channel and of_period = period
         where model = '${model}' and period = 'all_time' and conversion_type = '${type}' and spend is not null`,
      );
      for (const row of rows) {
        const cost = await cell(page, 'costs', row.channel ?? '', 'cpa');
        if (cost.includes('<') || row.cpa === null || row.cpa === undefined) continue;
        compared++;
        expect(amount(cost, ',')).toBeCloseTo(Number(row.cpa), 1);
        expect(amount(await cell(page, 'costs', row.channel ?? '', 'spend'), ',')).toBe(Number(row.spend));
        expect(amount(await cell(page, 'costs', row.channel ?? '', 'conversions'), ',')).toBeCloseTo(
          Number(row.conversions),
          0,
        );
      }
    }
    expect(compared).toBeGreaterThan(9);
    // A kind that Journeys does not draw leaves it as it is, and stays chosen.
    await choose(page, 'type', '(orders)');
    await page.click('nav a[href*="journeys"]');
    await page.waitForSelector('h1:has-text("Percorsi")');
    expect(await page.inputValue('select[name=type]')).toBe('first_order');
    expect(await shown(page, '#sentence')).toContain('primi ordini');
    await page.goBack();
    await page.waitForSelector('#cpa');
    expect(await page.inputValue('select[name=type]')).toBe('(orders)');
    await page.close();
  });

  test('Data health tells months before the data as such, not as months of nothing sold', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}health/`);
    await openTables(page);
    expect(await cell(page, 'ledger-months', 'agosto 2024', 'ledger')).toBe('prima dei dati');
    expect(await cell(page, 'ledger-months', 'agosto 2024', 'off')).toBe('–');
    expect(amount(await cell(page, 'ledger-months', 'agosto 2024', 'invoiced'), ',')).toBe(1000);
    expect(await shown(page, '#early')).toContain('novembre 2024');
    expect(await page.locator('#ledger .chart').first().innerHTML()).not.toContain('ago 24');
    await page.close();
  });

  test('Stages shows who entered and who went on', async () => {
    const { page } = await openPage(browser, 'desktop');
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
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}cohorts/`);
    const rows = await query(
      dir,
      'select cohort_month, period, sum(size) as size, sum(retained) as retained, sum(retained_from) as retained_from, sum(revenue) / sum(size) as revenue, bool_and(is_complete) as is_complete from cohort_retention where period between 1 and 12 group by cohort_month, period having sum(size) >= 5',
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
    const complete = rows.filter((row) => row.is_complete === 'true').slice(0, 20);
    const cellOf = (row: (typeof rows)[number]) =>
      page.locator(`#retention [data-cell="${row.cohort_month}/${row.period}"]`);
    await page.locator('#measure').selectOption('share_from');
    for (const row of complete) {
      expect(await cellOf(row).getAttribute('title')).toBe(`${Number(row.retained_from)} / ${Number(row.size)}`);
    }
    await page.locator('#measure').selectOption('revenue_per_customer');
    for (const row of complete) {
      expect(amount((await cellOf(row).textContent()) ?? '', ',')).toBeCloseTo(Number(row.revenue), 1);
    }
    await page.close();
  });

  test('Journeys shows who opens and closes, and when people come', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}journeys/?period=all_time`);
    await openTables(page);
    const roles = await query(
      dir,
      "select channel, conversions, opened, closed from journey_channels where period = 'all_time' and device_class = '(all)' and conversion_type = 'first_order' and persons >= 5",
    );
    expect(roles.length).toBeGreaterThan(3);
    for (const row of roles) {
      expect(amount(await cell(page, 'roles', row.channel ?? '', 'conversions'), ',')).toBe(Number(row.conversions));
      const share = (100 * Number(row.opened)) / Number(row.conversions);
      expect(amount(await cell(page, 'roles', row.channel ?? '', 'opens'), ',')).toBeCloseTo(share, 1);
    }
    const lengths = await query(
      dir,
      "select bucket, conversions from journey_shapes where period = 'all_time' and device_class = '(all)' and conversion_type = 'first_order' and measure = 'touches' and persons >= 5",
    );
    for (const row of lengths) {
      const label = row.bucket === '11' ? '11+' : (row.bucket ?? '');
      expect(amount(await cell(page, 'journey-length', label, 'value'), ',')).toBe(Number(row.conversions));
    }
    const [hour] = await query(
      dir,
      "select weekday, hour, touches from touch_hours where period = 'all_time' and device_class = '(all)' order by touches desc, weekday, hour limit 1",
    );
    const place = page
      .locator('table.clock tbody tr')
      .nth(Number(hour?.weekday) - 1)
      .locator('td')
      .nth(Number(hour?.hour));
    expect(amount(await place.innerText(), ',')).toBe(Number(hour?.touches));
    // An hour of many contacts may be one of few orders: each is hidden for itself.
    await page.click('#hours button:has-text("Ordini")');
    const ordered = await query(
      dir,
      "select weekday, hour, orders, order_persons from touch_hours where period = 'all_time' and device_class = '(all)' and orders > 0",
    );
    expect(ordered.some((row) => Number(row.order_persons) < 5)).toBe(true);
    for (const row of ordered) {
      const text = await page
        .locator('table.clock tbody tr')
        .nth(Number(row.weekday) - 1)
        .locator('td')
        .nth(Number(row.hour))
        .innerText();
      expect(text, `${row.weekday}/${row.hour}`).toBe(Number(row.order_persons) < 5 ? '' : (row.orders ?? ''));
    }
    await page.close();
  });

  test('Loyalty shows the states of the customers and how often they ordered', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}loyalty/`);
    await openTables(page);
    const names: Record<string, string> = {
      active: '● Attivi',
      'at risk': '◐ A rischio',
      lapsed: '○ Persi',
      'won back': '↺ Riconquistati',
    };
    const states = await query(
      dir,
      'select state, count(*) as n, sum(margin) as margin from persons where state is not null group by state',
    );
    let compared = 0;
    for (const row of states) {
      const text = await cell(page, 'states', names[row.state ?? ''] ?? '', 'customers');
      if (Number(row.n) < 5) expect(text).toBe('< 5 persone');
      else {
        compared++;
        expect(amount(text, ',')).toBe(Number(row.n));
      }
    }
    expect(compared).toBeGreaterThan(1);
    const lapsed = await query(
      dir,
      "select month, sum(customers) as customers from state_months where state = 'lapsed' group by month having sum(customers) >= 5 order by month desc limit 4",
    );
    for (const row of lapsed) {
      const name = new Intl.DateTimeFormat('it-IT', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
        new Date(`${row.month}-01`),
      );
      expect(amount(await cell(page, 'state-months', name, 'lapsed'), ',')).toBe(Number(row.customers));
    }
    const repeats = await query(
      dir,
      'select least(orders, 10) as orders, count(*) as n, sum(revenue) as revenue from persons where orders > 0 and state is not null group by 1 having count(*) >= 5',
    );
    for (const row of repeats) {
      const label = row.orders === '10' ? '10+' : (row.orders ?? '');
      expect(amount(await cell(page, 'repeats', label, 'customers'), ',')).toBe(Number(row.n));
      expect(amount(await cell(page, 'repeats', label, 'revenue'), ',')).toBeCloseTo(Number(row.revenue), 2);
    }
    expect(repeats.length).toBeGreaterThan(4);
    await page.close();
  });

  test('Data health shows the proof per model and month, and each source', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}health/`);
    const [nameless] = await query(dir, 'select sum(orders) as n from persons where orders > 0 and state is null');
    expect(Number(nameless?.n)).toBeGreaterThan(4);
    expect(await shown(page, '#people')).toContain(`${nameless?.n} ordini (`);
    const months = await query(
      dir,
      "select month, attributed, unattributed, ledger from reconciliation where model = 'position_based' and conversion_type = '(orders)' order by month desc limit 6",
    );
    let compared = 0;
    for (const row of months) {
      const name = new Intl.DateTimeFormat('it-IT', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
        new Date(`${row.month}-01`),
      );
      for (const column of ['attributed', 'unattributed', 'ledger']) {
        const text = await cell(page, 'ledger-months', name, column);
        if (text === '< 5 persone') continue;
        compared++;
        expect(amount(text, ',')).toBe(Number(row[column]));
      }
    }
    expect(compared).toBeGreaterThan(9);
    const sources = await query(dir, 'select source, events_7d, duplicates_7d from source_health');
    for (const row of sources)
      for (const column of ['events_7d', 'duplicates_7d'])
        expect(amount(await cell(page, 'sources', row.source ?? '', column), ',')).toBe(Number(row[column]));
    expect(await page.locator('[data-table="reconciliation"] tbody tr').count()).toBe(
      await queryNumber(dir, 'select count(distinct model) from reconciliation'),
    );
    await page.close();
  });

  test('Channels shows what returns cost, and what each finding says stands on Overview', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/?period=all_time`);
    const refunds = await query(
      dir,
      "select channel, revenue, margin from channel_refunds where model = 'position_based' and period = 'all_time' and persons >= 5 and channel not like '(%'",
    );
    expect(refunds.length).toBeGreaterThan(1);
    for (const row of refunds)
      for (const column of ['revenue', 'margin'])
        expect(amount(await cell(page, 'returns', row.channel ?? '', column), ',')).toBeCloseTo(Number(row[column]), 2);
    await visit(page, `${site.address}?period=2026`);
    const findings = await query(
      dir,
      "select text_it from findings where period in ('2026', '(now)') order by importance desc, finding_id limit 5",
    );
    expect(findings.length).toBeGreaterThan(1);
    const said = await page.locator('#findings').innerText();
    for (const { text_it } of findings) expect(said).toContain(text_it);
    await page.close();
  });

  test('Glossary holds the text of the code, in the language of the company', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}glossary/`);
    const header = await readFile(new URL('../../sql/models/roi/channel_roi.sql', import.meta.url), 'utf8');
    const line = /roi_low: (.+)/.exec(header)?.[1] ?? 'none';
    const italian = (await readItalian()).get(line) ?? line;
    await page.fill('input[type=search]', italian);
    expect(await page.locator('main').innerText()).toContain(italian);
    await page.fill('input[type=search]', '');
    for (const section of await page.locator('details summary').all()) await section.click();
    // Every rule and every column is open now, and none of them is in English.
    const text = await page.locator('main').innerText();
    expect(text.length).toBeGreaterThan(50_000);
    expect(text).not.toMatch(/\b(the|which|whose|of the)\b/);
    await page.close();
  });
});

describe('the frame', () => {
  test('what is chosen stays in the address, from page to page and by a link', async () => {
    const { page, wrong } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/`);
    await choose(page, 'period', '2026-03');
    await choose(page, 'model', 'linear');
    expect(new URL(page.url()).search).toBe('?period=2026-03&model=linear');
    const margin = await cell(page, 'channels', 'Paid Search', 'margin');
    await page.click('nav a[href^="/?"]');
    await page.waitForURL('**/?period=2026-03&model=linear');
    expect(await page.inputValue('select[name=period]')).toBe('2026-03');
    await expect.poll(() => page.isDisabled('select[name=model]')).toBe(true);
    await page.click('#findings a[href*="channels"]');
    await page.waitForURL('**/channels/?period=2026-03&model=linear');
    expect(await cell(page, 'channels', 'Paid Search', 'margin')).toBe(margin);
    const { page: other } = await openPage(browser, 'desktop');
    await visit(other, `${site.address}channels/?period=2026-03&model=linear`);
    expect(await cell(other, 'channels', 'Paid Search', 'margin')).toBe(margin);
    await visit(other, `${site.address}?period=d'estate&model=<img>`);
    expect(await other.inputValue('select[name=period]')).toBe('last_90_days');
    expect(wrong).toEqual([]);
    await Promise.all([page.close(), other.close()]);
  });

  test('compares with the days before, the year before, or nothing', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/?period=2026-03`);
    const margin = async (period: string) =>
      Number(
        (
          await query(
            dir,
            `select margin from channel_roi where model = 'position_based' and channel = 'Paid Search' and period = '${period}'`,
          )
        )[0]?.margin,
      );
    expect(amount(await cell(page, 'channels', 'Paid Search', 'then_margin'), ',')).toBeCloseTo(
      await margin('2025-03'),
      1,
    );
    await choose(page, 'compare', 'before');
    expect(new URL(page.url()).search).toBe('?period=2026-03&compare=before');
    expect(amount(await cell(page, 'channels', 'Paid Search', 'then_margin'), ',')).toBeCloseTo(
      await margin('2026-02'),
      1,
    );
    await choose(page, 'compare', 'none');
    expect(await page.locator('[data-column="then_margin"]').count()).toBe(0);
    await choose(page, 'period', 'last_30_days');
    await choose(page, 'compare', 'year');
    expect(amount(await cell(page, 'channels', 'Paid Search', 'then_margin'), ',')).toBeCloseTo(
      await margin('last_30_days:year'),
      1,
    );
    await page.close();
  });

  test('cuts by device, and writes amounts as chosen', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/?period=all_time`);
    await choose(page, 'device', 'mobile');
    const rows = await query(
      dir,
      "select channel, sum(margin) as margin from channel_daily where model = 'position_based' and device_class = 'mobile' and conversion_type in ('first_order', 'repeat_order') group by channel",
    );
    let compared = 0;
    for (const row of rows) {
      const text = await cell(page, 'channels', row.channel ?? '', 'margin');
      if (text.includes('<')) continue;
      compared++;
      expect(amount(text, ',')).toBeCloseTo(Number(row.margin), 1);
    }
    expect(compared).toBeGreaterThan(2);
    await choose(page, 'device', '(all)');
    const full = amount(await cell(page, 'channels', 'Paid Search', 'revenue'), ',');
    await choose(page, 'money', 'thousands');
    const thousands = await cell(page, 'channels', 'Paid Search', 'revenue');
    expect(thousands).toContain('k');
    expect(amount(thousands, ',')).toBeCloseTo(full / 1000, 1);
    await choose(page, 'money', 'whole');
    expect(amount(await cell(page, 'channels', 'Paid Search', 'revenue'), ',')).toBe(Math.round(full));
    await visit(page, `${site.address}stages/?period=all_time&device=mobile`);
    const [step] = await query(
      dir,
      "select entered, advanced from stage_conversion where cohort_month = '(all)' and channel = '(all)' and device_class = 'mobile' and stage = 'awareness'",
    );
    expect(amount(await cell(page, 'stages', 'Consapevolezza', 'entered'), ',')).toBe(Number(step?.entered));
    expect(amount(await cell(page, 'stages', 'Consapevolezza', 'advanced'), ',')).toBe(Number(step?.advanced));
    await page.close();
  });

  test('cuts Overview, Journeys and Loyalty by device, and says beside a figure that it is not cut', async () => {
    const { page, wrong } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}?period=all_time`);
    await choose(page, 'device', 'mobile');
    const [sold] = await query(
      dir,
      "select orders, first_orders, revenue, margin from sales_devices where period = 'all_time' and device_class = 'mobile'",
    );
    const kpi = async (id: string) => amount(await shown(page, `#kpi-${id} .value`), ',');
    expect(await kpi('revenue')).toBe(Math.round(Number(sold?.revenue)));
    expect(await kpi('margin')).toBe(Math.round(Number(sold?.margin)));
    expect(await kpi('new_customers')).toBe(Number(sold?.first_orders));
    expect(await shown(page, '#kpi-spend')).toContain('la spesa non conosce dispositivi');
    expect(await shown(page, '#findings .uncut')).toContain('Tutti i dispositivi insieme');
    const months = await query(
      dir,
      "select period, revenue, persons from sales_devices where device_class = 'mobile' and length(period) = 7 order by period desc limit 5",
    );
    for (const row of months) {
      const name = new Intl.DateTimeFormat('it-IT', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
        new Date(`${row.period}-01`),
      );
      const text = await cell(page, 'months', name, 'revenue');
      if (Number(row.persons) < 5) expect(text).toBe('< 5 persone');
      else expect(amount(text, ',')).toBe(Number(row.revenue));
    }
    // The choice goes along to the other pages.
    await page.click('nav a[href^="/journeys/"]');
    await page.waitForURL('**/journeys/?period=all_time&device=mobile');
    await openTables(page);
    const lengths = await query(
      dir,
      "select bucket, conversions from journey_shapes where period = 'all_time' and device_class = 'mobile' and conversion_type = 'first_order' and measure = 'touches' and persons >= 5",
    );
    expect(lengths.length).toBeGreaterThan(2);
    for (const row of lengths) {
      const label = row.bucket === '11' ? '11+' : (row.bucket ?? '');
      expect(amount(await cell(page, 'journey-length', label, 'value'), ',')).toBe(Number(row.conversions));
    }
    expect(await page.locator('#moves tbody th').allInnerTexts()).toEqual(['Cellulare']);
    expect(await shown(page, '#paths .uncut')).toContain('non conosce dispositivi');
    await page.click('nav a[href^="/loyalty/"]');
    await page.waitForURL('**/loyalty/?period=all_time&device=mobile');
    const [active] = await query(
      dir,
      "select count(*) as n from persons where state = 'active' and first_device = 'mobile'",
    );
    expect(amount(await cell(page, 'states', '● Attivi', 'customers'), ',')).toBe(Number(active?.n));
    const [month] = await query(
      dir,
      "select month, customers from state_months where state = 'active' and device_class = 'mobile' and customers >= 5 order by month desc limit 1",
    );
    expect(Number(month?.customers)).toBe(Number(active?.n));
    expect(amount(await shown(page, '[data-table="state-months"] [data-column="active"] .text'), ',')).toBe(
      Number(month?.customers),
    );
    expect(await shown(page, '#referrals .uncut')).toContain('non conosce dispositivi');
    expect(wrong).toEqual([]);
    await page.close();
  });

  test('shows charts and the chosen period before any script, and none of the default’s once something else is chosen', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const still = await context.newPage();
    await still.goto(`${site.address}channels/`);
    expect(await still.locator('#roi .drawn.wide svg path').count()).toBeGreaterThan(10);
    expect(await still.locator('#roi .drawn.wide').isVisible()).toBe(true);
    expect(await still.locator('#roi .drawn.narrow').isVisible()).toBe(false);
    expect(await still.inputValue('select[name=period]')).toBe('last_90_days');
    await still.setViewportSize({ width: 390, height: 844 });
    expect(await still.locator('#roi .drawn.narrow').isVisible()).toBe(true);
    expect(await still.locator('#roi .drawn.wide').isVisible()).toBe(false);
    const drawn = new Map<string, number>();
    for (const path of pages) {
      await still.goto(site.address + path);
      drawn.set(path, await still.locator('.drawn svg').count());
      expect(drawn.get(path)).toBe(2 * (await still.locator('.chart').count()));
    }
    await context.close();
    // ECharts never comes: the drawn pictures stay for the default, and are gone for what somebody has chosen.
    const { page } = await openPage(browser, 'desktop');
    await page.route('**/echarts*.js', (route) => route.abort());
    for (const path of pages) {
      await visit(page, site.address + path);
      expect(await page.locator('.drawn svg').count(), path).toBe(drawn.get(path));
    }
    await visit(page, `${site.address}channels/`);
    await choose(page, 'period', '2026-03');
    await expect.poll(() => page.locator('.drawn').count()).toBe(0);
    expect(await shown(page, '#roi .chart')).toContain('ROI per canale');
    await visit(page, `${site.address}channels/?period=2026-03`);
    expect(await page.locator('.drawn').count()).toBe(0);
    await page.close();
  });

  test('fetches another model when it is chosen, and never shows the default’s figures under its name', async () => {
    const { page, requests, wrong } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/`);
    expect(requests.filter((address) => address.includes('/more/'))).toEqual([]);
    await choose(page, 'model', 'first_touch');
    expect(requests.filter((address) => address.includes('/more/channels/first_touch.json'))).toHaveLength(1);
    // By a link: whatever is visible at any moment is what stays.
    const { page: other } = await openPage(browser, 'desktop');
    await other.addInitScript(`
      window.__seen = new Set();
      const look = () => {
        const main = document.querySelector('main');
        if (main && getComputedStyle(main).visibility === 'visible') {
          const sentence = document.querySelector('#sentence')?.textContent;
          if (sentence) window.__seen.add(sentence);
        }
        requestAnimationFrame(look);
      };
      look();
    `);
    const link = `${site.address}channels/?period=all_time&model=first_touch`;
    const session = await other.context().newCDPSession(other);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 150,
      downloadThroughput: 300_000,
      uploadThroughput: 100_000,
    });
    await visit(other, link);
    await other.waitForTimeout(300);
    expect(await other.evaluate<string[]>('[...window.__seen]')).toEqual([await shown(other, '#sentence')]);
    expect(wrong).toEqual([]);
    await Promise.all([page.close(), other.close()]);
  });

  test('is operated by keyboard alone', async () => {
    const { page } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/`);
    await page.focus('select[name=period]');
    const before = await shown(page, '#sentence');
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => shown(page, '#sentence')).not.toBe(before);
    const header = page.locator('[data-table="channels"] thead button', { hasText: 'Spesa' });
    await header.focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('[data-table="channels"] th[aria-sort]').getAttribute('aria-sort')).toBe('descending');
    await page.focus('[data-table="channels"] [data-download=csv]');
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    expect(download.suggestedFilename()).toBe('channels.csv');
    await page.focus('details.definition summary');
    await page.keyboard.press('Enter');
    expect(await page.locator('details.definition').getAttribute('open')).not.toBeNull();
    await page.close();
  });
});

describe('tables', () => {
  test('sort, search and open out', async () => {
    const { page } = await openPage(browser, 'desktop');
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

  test('are downloaded as CSV and as a workbook, with the numbers behind what is shown', async () => {
    const { page, wrong } = await openPage(browser, 'desktop');
    await visit(page, `${site.address}channels/?period=all_time`);
    const file = async (ending: string) => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator(`[data-table="channels"] [data-download=${ending}]`).click(),
      ]);
      return readFile(await download.path());
    };
    const [row] = await query(
      dir,
      "select spend, revenue from channel_roi where model = 'position_based' and period = 'all_time' and channel = 'Paid Search'",
    );
    const csv = (await file('csv')).toString('utf8');
    const line = csv
      .split('\r\n')
      .find((text) => text.startsWith('Paid Search'))
      ?.split(',');
    expect([Number(line?.[1]), Number(line?.[2])]).toEqual([Number(row?.spend), Number(row?.revenue)]);
    const sheet = unzipSync(await file('xlsx'));
    const xml = Object.entries(sheet)
      .map(([name, bytes]) => (name.endsWith('.xml') ? strFromU8(bytes) : ''))
      .join('');
    expect(xml).toContain(`<v>${Number(row?.spend)}</v>`);
    expect(xml).toContain('Paid Search');
    expect(xml).not.toContain('<f>');
    expect(wrong).toEqual([]);
    await page.close();
  });
});

describe('the site', () => {
  test('holds no figure of fewer than five persons and no person, in any of its files', async () => {
    const root = join(dir, '.percorso', 'site');
    const small = await query(
      dir,
      `select channel_roi.revenue from channel_roi
       inner join credit_persons on credit_persons.model = channel_roi.model and credit_persons.channel = channel_roi.channel
         and credit_persons.period = channel_roi.period and credit_persons.device_class = '(all)' and credit_persons.moment = '(all)'
       where credit_persons.persons between 1 and 4 and channel_roi.revenue > 100 and channel_roi.model = 'linear' and channel_roi.revenue <> round(channel_roi.revenue, 2) limit 50`,
    );
    const persons = await query(dir, 'select person_id from persons limit 20');
    expect(small.length).toBeGreaterThan(10);
    const doubles = small.map((row) => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(Number(row.revenue));
      return bytes;
    });
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || /\.(br|wasm|png|ico)$/.test(entry.name) || entry.parentPath.includes('_app')) continue;
      const bytes = await readFile(join(entry.parentPath, entry.name));
      for (const { person_id } of persons) expect(bytes.includes(person_id ?? '-')).toBe(false);
      if (/\.(arrow|parquet)$/.test(entry.name)) {
        for (const double of doubles) {
          for (let at = bytes.indexOf(double); at !== -1; at = bytes.indexOf(double, at + 1))
            expect(at % 8, entry.name).not.toBe(0);
        }
      } else for (const row of small) expect(bytes.includes(`,${Number(row.revenue)},`)).toBe(false);
    }
  });

  test('that is up to date is not made again', async () => {
    const result: unknown = JSON.parse(await percorso(dir, 'dashboards', 'build', '--json'));
    expect(result).toMatchObject({ did: 'nothing' });
  });

  test('weighs no more than it may: what a reader fetches, and the data', async () => {
    const { page } = await openPage(browser, 'desktop');
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.setCacheDisabled', { cacheDisabled: true });
    let bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    for (const path of pages) {
      bytes = 0;
      await visit(page, site.address + path);
      expect(bytes / 1024, path).toBeLessThan(700);
    }
    let data = 0;
    const root = join(dir, '.percorso', 'site');
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true }))
      if (/\.(arrow|json)\.br$/.test(entry.name)) data += (await stat(join(entry.parentPath, entry.name))).size;
    expect(data / 2 ** 20).toBeLessThan(3);
    await page.close();
  });
});
