import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import * as z from 'zod';

/** Every page, as its address below the site. */
export const pages = ['', 'channels/', 'stages/', 'cohorts/', 'journeys/', 'loyalty/', 'health/', 'glossary/'];
export const widths = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
export type Width = keyof typeof widths;

/** A page that remembers what went wrong on it: errors, answers of 400 and more, and requests to another host. */
export async function openPage(
  browser: Browser,
  size: Width,
): Promise<{ page: Page; wrong: string[]; requests: string[] }> {
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

export async function visit(page: Page, address: string): Promise<void> {
  await page.goto(address, { waitUntil: 'networkidle' });
  await page.waitForSelector('main[data-ready=true]');
}

/** `1.234,56 €` or `£1,234.56` as a number. */
export function amount(text: string, decimal: ',' | '.'): number {
  const kept = text.replace(decimal === ',' ? /[^\d,-]/g : /[^\d.-]/g, '');
  return Number(kept.replace(',', '.'));
}

export const shown = async (page: Page, selector: string) => (await page.locator(selector).first().innerText()).trim();

/** The text of a table's cell, by the text of its row's head and its column. */
export const cell = (page: Page, table: string, row: string, column: string) =>
  page
    .locator(`[data-table="${table}"] tbody tr`)
    .filter({
      has: page.locator('th .text', { hasText: new RegExp(`^${row.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`) }),
    })
    .first()
    .locator(`[data-column="${column}"] .text`)
    .innerText();

/** Chooses a value of the frame as a reader would; on a phone the frame is opened first. */
export async function choose(page: Page, name: string, value: string): Promise<void> {
  const button = page.locator('button.filters');
  if ((await button.isVisible()) && (await button.getAttribute('aria-expanded')) === 'false') await button.click();
  await page.selectOption(`select[name=${name}]`, value);
  await page.waitForSelector('main:not([aria-busy=true])');
  // The page's policy forbids what Playwright's own waiting would evaluate.
  for (let turn = 0; turn < 100 && (await page.inputValue(`select[name=${name}]`)) !== value; turn++) {
    await page.waitForTimeout(50);
  }
}

/** Opens every table that shows only its first rows. */
export async function openTables(page: Page): Promise<void> {
  for (const button of await page.locator('.tablebox .more').all()) await button.click();
}

const findings = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.object({ html: z.string() })) }),
);

/** What axe finds serious or critical on the page as it stands, as `rule: element`. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = findings.parse(
    await page.evaluate(
      "axe.run(document, { resultTypes: ['violations'] }).then((result) => result.violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html }) => ({ html })) })))",
    ),
  );
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
}

/** The controls of the page that the Tab key does not reach, as their markup. */
export async function unreachedByTab(page: Page): Promise<string[]> {
  const count = z.number().parse(
    await page.evaluate(`(() => {
      const controls = [...document.querySelectorAll('a[href], button, select, input, summary, [tabindex="0"]')]
        .filter((element) => !element.disabled && element.getClientRects().length > 0 && getComputedStyle(element).visibility !== 'hidden');
      controls.forEach((element) => element.setAttribute('data-unreached', ''));
      document.activeElement?.blur?.();
      window.scrollTo(0, 0);
      return controls.length;
    })()`),
  );
  for (let press = 0; press < count + 5; press++) {
    await page.keyboard.press('Tab');
    await page.evaluate("document.activeElement?.removeAttribute('data-unreached')");
  }
  const left = z
    .array(z.string())
    .parse(
      await page.evaluate(
        "[...document.querySelectorAll('[data-unreached]')].map((element) => { element.removeAttribute('data-unreached'); return element.outerHTML.slice(0, 150); })",
      ),
    );
  return left;
}
