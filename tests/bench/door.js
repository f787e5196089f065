// The door under load: `node tests/bench/door.js [seconds] [connections] [events per request] [events per second]`
// (default 60 200 20, as fast as it answers). Opens `percorso collect` on loopback and sends from this process over kept-alive
// connections, each of which sends again once it is answered. Prints accepted events per second, latency, and the server's memory;
// then ends the server and fails if an event that was answered with 200 is not in the lake, once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const [seconds = 60, connections = 200, size = 20, rate = 0] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'percorso-door-'));
const key = 'a-key-of-the-bench';
const authorization = `Basic ${Buffer.from(`${key}:`).toString('base64')}`;

/** Resident memory in MB, as Linux counts it. */
function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

/** What a browser's page view is like, with an address, a campaign and a user agent. */
function body(connection, turn) {
  const at = new Date().toISOString();
  const batch = Array.from({ length: size }, (_, index) => ({
    type: 'page',
    messageId: `${connection}-${turn}-${index}`,
    anonymousId: `visitor-${connection}-${turn % 50}`,
    timestamp: at,
    name: 'Product',
    properties: { product_id: `sku-${(turn * size + index) % 500}`, category: 'lamps', price: 49.9 },
    context: {
      page: {
        url: `https://shop.test/p/${index}?utm_source=google&utm_medium=cpc&gclid=x`,
        referrer: 'https://www.google.com/',
      },
      userAgent: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/${120 + (connection % 10)}.0.0.0 Safari/537.36`,
      locale: 'it-IT',
    },
  }));
  return JSON.stringify({ batch, sentAt: at });
}

function send(agent, port, text) {
  return new Promise((resolve, reject) => {
    const headers = { authorization, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const sent = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/v1/batch', headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

writeFileSync(
  join(folder, 'percorso.config.ts'),
  `export default { name: 'Bench', sources: { shop: { writeKeyEnv: 'BENCH_KEY', ratePerSecond: 1000000 } } };\n`,
);
const door = spawn(
  process.execPath,
  [join(root, 'bin/percorso.js'), '--dir', folder, '--json', 'collect', '--port', '0', '--every', '5'],
  { env: { ...process.env, BENCH_KEY: key }, stdio: ['ignore', 'pipe', 'pipe'] },
);
let log = '';
door.stderr.on('data', (text) => {
  log += text;
});

try {
  const ended = once(door, 'exit');
  const [opened] = await Promise.race([once(door.stdout, 'data'), ended.then(() => Promise.reject(new Error(log)))]);
  const { port } = JSON.parse(String(opened));
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latencies = [];
  const statuses = new Map();
  const acknowledged = new Set();
  const memories = [];
  const gapMs = rate > 0 ? (1000 * connections * size) / rate : 0;
  let end = 0;

  async function stream(connection, warm) {
    if (gapMs > 0) await pause((gapMs * connection) / connections);
    for (let turn = 0; performance.now() < end; turn += 1) {
      const text = body(`${warm ? 'w' : 'c'}${connection}`, turn);
      const began = performance.now();
      const status = await send(agent, port, text).catch((error) => error.code ?? 'failed');
      const took = performance.now() - began;
      if (status === 200) acknowledged.add(`${warm ? 'w' : 'c'}${connection}-${turn}`);
      if (!warm) {
        if (status === 200) latencies.push(took);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      if (gapMs > took) await pause(gapMs - took);
    }
  }
  const streams = (warm) => Promise.all(Array.from({ length: connections }, (_, index) => stream(index, warm)));

  // The first seconds compile the program; memory is compared from there on.
  end = performance.now() + 5_000;
  await streams(true);
  const began = performance.now();
  end = began + seconds * 1000;
  const watch = setInterval(() => memories.push(memory(door.pid)), 1000);
  await streams(false);
  const took = (performance.now() - began) / 1000;
  clearInterval(watch);
  agent.destroy();
  door.kill('SIGTERM');
  const [code] = await ended;
  if (code !== 0) throw new Error(`the door ended with ${code}:\n${log}`);

  const found = new Map();
  const raw = join(folder, 'lake/raw/events');
  for (const name of readdirSync(raw, { recursive: true }).filter((file) => String(file).endsWith('.gz'))) {
    for (const line of gunzipSync(readFileSync(join(raw, String(name))))
      .toString()
      .split('\n')) {
      const id = /"event_id":"([cw]\d+-\d+)-\d+"/.exec(line)?.[1];
      if (id !== undefined) found.set(id, (found.get(id) ?? 0) + 1);
    }
  }
  const lost = [...acknowledged].filter((id) => found.get(id) !== size).length;

  latencies.sort((a, b) => a - b);
  const percentile = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  const mean = (values) => Math.round(values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length));
  const part = Math.max(1, Math.floor(memories.length / 6));
  const sixths = [0, 1, 2, 3, 4, 5].map((sixth) => mean(memories.slice(sixth * part, (sixth + 1) * part)));
  const cells = [
    connections,
    size,
    rate > 0 ? rate : 'all it takes',
    Math.round((latencies.length * size) / took),
    percentile(0.5).toFixed(0),
    percentile(0.99).toFixed(0),
    sixths.join(' '),
    Math.max(...memories),
    lost,
  ];
  console.log(
    `${seconds} s, ${availableParallelism()} cores shared by door and senders, Node ${process.versions.node}\n`,
  );
  console.log(
    '| connections | events a request | events/s offered | events/s accepted | p50 ms | p99 ms | MB of the server, by sixths | peak | requests lost |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
  console.log(`| ${cells.join(' | ')} |`);
  console.log(`\nanswers: ${[...statuses].map(([status, count]) => `${count} of ${status}`).join(', ')}`);
  if (lost > 0) process.exitCode = 1;
} finally {
  door.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
