#!/usr/bin/env node
// Makes the pictures of docs/dashboards.md anew: a demo company in a scratch folder, its site, and a picture a page.
// `node bin/tour.js [COMPANY]` takes a company that is there already, with its site made.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';
import { run } from './install.js';

register();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { launch } = await import('../tests/browser/chromium.ts');
const { serveSite } = await import('../functions/cli/dashboards.ts');

const given = process.argv[2];
const folder = given === undefined ? mkdtempSync(join(tmpdir(), 'percorso-tour-')) : undefined;
const company = given ?? join(folder, 'demo');
const images = join(root, 'docs', 'images');
mkdirSync(images, { recursive: true });

async function percorso(...args) {
  const code = await run(process.execPath, [join(root, 'bin/percorso.js'), ...args], { cwd: root });
  if (code !== 0) throw new Error(`percorso ${args[0]} failed`);
}

/** What is seen first of each page: the frame, the sentence and the picture that proves it. */
const pictures = [
  ['overview', '', 980],
  ['channels', 'channels/?period=last_365_days', 980],
  ['stages', 'stages/?period=last_365_days', 900],
  ['cohorts', 'cohorts/', 980],
  ['journeys', 'journeys/?period=all_time', 980],
  ['loyalty', 'loyalty/?period=all_time', 980],
  ['health', 'health/', 980],
  ['glossary', 'glossary/', 800],
];

try {
  if (folder !== undefined) {
    await percorso('demo', company);
    await percorso('import', join(company, 'landing'), '--dir', company);
    await percorso('build', '--dir', company);
    await percorso('dashboards', 'build', '--dir', company);
  }
  const site = await serveSite(join(company, '.percorso', 'site'), 4700);
  const browser = await launch();
  for (const [name, address, height] of pictures) {
    const page = await browser.newPage({ viewport: { width: 1120, height } });
    await page.goto(site.address + address, { waitUntil: 'networkidle' });
    await page.waitForSelector('main[data-ready=true]');
    await page.waitForTimeout(700);
    await page.screenshot({ path: join(images, `${name}.png`) });
    await page.close();
  }
  await browser.close();
  await site.close();
} finally {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
}
