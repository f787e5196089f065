// What a reader of the dashboards waits for and fetches. `node tests/bench/pages.js SITE [RUNS]`, SITE being the folder of a
// made site (a company's `.percorso/site`), prints for each page, with an empty cache: requests, KiB as sent (and how many of them
// before the first chart stands), the seconds until the first figure and the first chart stand and until the controls answer, on this
// machine's own connection and on Chromium's Fast 3G preset with a CPU four times slower. The least of RUNS (default 3), since other
// work on the machine only adds.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { register } from 'tsx/esm/api';

register();
const { launch } = await import('../browser/chromium.ts');
const { serveSite } = await import('../../functions/cli/dashboards.ts');
const { pages } = await import('../browser/pages.ts');

const [site, runs = '3'] = process.argv.slice(2);
if (site === undefined) throw new Error('name the folder of a made site');

// DevTools' preset "Fast 3G".
const fast3g = {
  offline: false,
  latency: 150 * 3.75,
  downloadThroughput: ((1.6 * 1000 * 1000) / 8) * 0.9,
  uploadThroughput: ((750 * 1000) / 8) * 0.9,
};
const watch = `
  const look = () => {
    const main = document.querySelector('main');
    const isVisible = main && getComputedStyle(main).visibility === 'visible';
    if (isVisible && window.__value === undefined && document.querySelector('#sentence')?.textContent.trim()) window.__value = performance.now();
    if (document.querySelector('main[data-ready=true]') && window.__ready === undefined) window.__ready = performance.now();
    if (isVisible && window.__chart === undefined && document.querySelector('.chart svg path, table.heat td.cell')) window.__chart = performance.now();
    requestAnimationFrame(look);
  };
  look();
`;

const running = await serveSite(site, 4600);
const browser = await launch();
async function load(path, isSlow) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  if (isSlow) {
    await session.send('Network.emulateNetworkConditions', fast3g);
    await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  }
  let bytes = 0;
  let requests = 0;
  let startedAt;
  const parts = [];
  session.on('Network.requestWillBeSent', ({ timestamp }) => {
    startedAt ??= timestamp;
  });
  session.on('Network.dataReceived', ({ timestamp, encodedDataLength }) => {
    parts.push({ at: (timestamp - startedAt) * 1000, bytes: encodedDataLength });
  });
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
    requests++;
  });
  await page.addInitScript(watch);
  await page.goto(running.address + path, { waitUntil: 'networkidle', timeout: 120_000 });
  await page.waitForSelector('main[data-ready=true]', { timeout: 120_000 });
  await page.waitForTimeout(isSlow ? 1500 : 300);
  const [value, chart, ready] = await page.evaluate('[window.__value, window.__chart, window.__ready]');
  await context.close();
  const before = parts.filter(({ at }) => at <= (chart ?? Infinity)).reduce((sum, part) => sum + part.bytes, 0);
  return { bytes, before, requests, value, chart, ready };
}

console.log(
  '| page | requests | KiB | before the first chart | first figure | first chart | controls | Fast 3G, 4x CPU: figure | chart | controls |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
const kib = (count) => Math.round(count / 1024);
const least = (list, key) =>
  list[0][key] == null ? '-' : `${(Math.min(...list.map((one) => one[key])) / 1000).toFixed(2)} s`;
for (const path of pages) {
  const quick = [];
  const slow = [];
  for (let run = 0; run < Number(runs); run++) {
    quick.push(await load(path, false));
    slow.push(await load(path, true));
  }
  const { bytes, requests } = quick[0];
  const before = Math.min(...slow.map((one) => one.before));
  const times = [quick, slow].flatMap((list) => ['value', 'chart', 'ready'].map((key) => least(list, key)));
  const name = path === '' ? 'overview' : path.slice(0, -1);
  console.log(`| ${[name, requests, kib(bytes), slow[0].chart == null ? '-' : kib(before), ...times].join(' | ')} |`);
}
let data = 0;
let pressed = 0;
for (const entry of readdirSync(site, { recursive: true, withFileTypes: true })) {
  const place = join(entry.parentPath, entry.name);
  if (!entry.isFile() || place.includes('_app')) continue;
  if (/\.(arrow|parquet|json)$/.test(entry.name)) data += statSync(place).size;
  if (/\.(arrow|parquet|json)\.br$/.test(entry.name)) pressed += statSync(place).size;
}
console.log(`\ndata of the whole site: ${Math.round(data / 1024)} KiB, ${Math.round(pressed / 1024)} KiB compressed`);
await browser.close();
await running.close();
