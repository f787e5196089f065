import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Analytics } from '@segment/analytics-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';

const events = 20_000;
const kills = 5;
const writeKey = 'a-key-of-the-crash-test';
let dir: string;
let port: number;
let door: ChildProcess | undefined;
let log = '';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function open(): Promise<void> {
  const process_ = spawn(
    process.execPath,
    ['bin/percorso.js', '--dir', dir, 'collect', '--port', String(port), '--every', '1'],
    { env: { ...process.env, CRASH_TEST_KEY: writeKey }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  process_.stderr.on('data', (text) => {
    log += String(text);
  });
  door = process_;
  const opened = once(process_.stdout, 'data');
  const ended = once(process_, 'exit').then(() => Promise.reject(new Error(`the door did not open: ${log}`)));
  await Promise.race([opened, ended]);
  ended.catch(() => undefined);
}

async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (door === undefined) return null;
  const exited = once(door, 'exit');
  door.kill(signal);
  const [code] = await exited;
  door = undefined;
  return code;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-crash-'));
  port = await freePort();
  await writeFile(
    join(dir, 'percorso.config.ts'),
    `export default { name: 'Crash', sources: { shop: { writeKeyEnv: 'CRASH_TEST_KEY' } } };\n`,
  );
});
afterAll(async () => {
  await end('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

it('loses and doubles nothing that the real SDK saw acknowledged, through five SIGKILLs', async () => {
  await open();
  const analytics = new Analytics({
    writeKey,
    host: `http://127.0.0.1:${port}`,
    maxEventsInBatch: 40,
    flushInterval: 200,
    maxRetries: 20,
  });
  analytics.on('error', () => undefined);
  const acknowledged = new Set<string>();
  const sent = new Set<string>();
  let failed = 0;

  function send(index: number): Promise<void> {
    const messageId = `crash-${index}`;
    sent.add(messageId);
    return new Promise((resolve) => {
      analytics.track(
        { messageId, anonymousId: `visitor-${index % 500}`, event: 'Product Viewed', properties: { index } },
        (error) => {
          if (error === undefined) acknowledged.add(messageId);
          else failed += 1;
          resolve();
        },
      );
    });
  }

  // A window of unanswered events is always under way, so that each kill falls among requests.
  let next = 0;
  const senders = Array.from({ length: 1_200 }, async () => {
    while (next < events) {
      const index = next;
      next += 1;
      await send(index);
    }
  });
  for (let kill = 1; kill <= kills; kill += 1) {
    while (acknowledged.size < (kill * events) / (kills + 2) && acknowledged.size + failed < events) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await end('SIGKILL');
    await open();
  }
  await Promise.all(senders);
  await analytics.closeAndFlush();
  expect(await end('SIGTERM')).toBe(0);

  const lake = createFolderStore(join(dir, 'lake'));
  const counted = new Map<string, number>();
  for (const key of await lake.list('raw/events/')) {
    const lines = gunzipSync((await lake.get(key)) ?? new Uint8Array())
      .toString()
      .split('\n');
    for (const line of lines.filter((text) => text !== '')) {
      const id = String(JSON.parse(line).event_id);
      counted.set(id, (counted.get(id) ?? 0) + 1);
    }
  }
  const lost = [...acknowledged].filter((id) => !counted.has(id));
  const foreign = [...counted.keys()].filter((id) => !sent.has(id));
  expect({ lost, foreign }).toEqual({ lost: [], foreign: [] });
  // The test would prove nothing if the SDK had given up on most of them.
  expect(acknowledged.size).toBeGreaterThan(events * 0.9);
  expect(await lake.list('rejected/')).toEqual([]);
});
