import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';

const writeKey = 'a-key-of-the-abuse-test';
const secret = 'a-secret-of-the-abuse-test';
const basic = { authorization: `Basic ${Buffer.from(`${writeKey}:`).toString('base64')}` };
const agent = new Agent({ keepAlive: true, maxSockets: 40 });
let dir: string;
let port: number;
let door: ChildProcess;
let exit: number | null | undefined;
let log = '';

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'percorso-abuse-'));
  await writeFile(
    join(dir, 'percorso.config.ts'),
    `export default { name: 'Abuse', sources: {
       shop: { writeKeyEnv: 'ABUSE_KEY', hookSecretEnv: 'ABUSE_SECRET', ratePerSecond: 1_000_000 } } };\n`,
  );
  door = spawn(
    process.execPath,
    ['bin/percorso.js', '--dir', dir, '--json', 'collect', '--port', '0', '--every', '2'],
    { env: { ...process.env, ABUSE_KEY: writeKey, ABUSE_SECRET: secret }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  door.stderr?.on('data', (text) => {
    log += String(text);
  });
  door.on('exit', (code) => {
    exit = code;
  });
  if (door.stdout === null) throw new Error('no output');
  const ended = once(door, 'exit').then(() => Promise.reject(new Error(`the door did not open: ${log}`)));
  ended.catch(() => undefined);
  const [opened] = await Promise.race([once(door.stdout, 'data'), ended]);
  port = z.object({ port: z.number() }).parse(JSON.parse(String(opened))).port;
});
afterAll(async () => {
  agent.destroy();
  door.kill('SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

/** The status of one request; 0 where the door hung up before it answered. */
function post(path: string, body: Uint8Array, headers: Record<string, string> = basic): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(
      {
        agent,
        port,
        host: '127.0.0.1',
        method: 'POST',
        path,
        headers: { ...headers, 'content-length': body.byteLength },
      },
      (answer: IncomingMessage) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
        answer.on('error', () => resolve(0));
      },
    );
    sent.on('error', () => resolve(0));
    sent.end(body);
  });
}

async function takesAnEvent(): Promise<void> {
  const event = { type: 'track', event: 'Product Viewed', anonymousId: 'a', messageId: `alive-${performance.now()}` };
  const began = performance.now();
  expect(await post('/v1/batch', Buffer.from(JSON.stringify({ batch: [event] })))).toBe(200);
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(exit, log).toBeUndefined();
}

/** Resident memory in MB; only Linux tells it here. */
async function memory(): Promise<number> {
  if (!existsSync(`/proc/${door.pid}/status`)) return 0;
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${door.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

/** A client that says a little, then nothing, or a byte now and then; resolves to what it got once the door hangs up. */
function slowClient(opening: string, dripMs?: number): Promise<{ answer: string; ms: number }> {
  return new Promise((resolve) => {
    const began = performance.now();
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(opening));
    const drip = dripMs === undefined ? undefined : setInterval(() => socket.write('x'), dripMs);
    socket.on('data', (text) => {
      answer += String(text);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(drip);
      resolve({ answer, ms: performance.now() - began });
    });
  });
}

describe('the door stands', () => {
  it('slow clients: each is sent away in its time, and others are served meanwhile', async () => {
    const head = 'POST /v1/batch HTTP/1.1\r\nHost: door\r\n';
    const slow = [
      ...Array.from({ length: 100 }, () => slowClient(head)),
      ...Array.from({ length: 100 }, () => slowClient(`${head}X-Long: `, 1_000)),
      ...Array.from({ length: 100 }, () => slowClient(`${head}Content-Length: 400000\r\n\r\n{"batch":[`, 1_000)),
    ];
    for (let turn = 0; turn < 10; turn += 1) {
      await takesAnEvent();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const ends = await Promise.all(slow);
    // 10 s for headers, 20 s for a whole request, and what a busy machine adds.
    expect(Math.max(...ends.slice(0, 200).map(({ ms }) => ms))).toBeLessThan(18_000);
    expect(Math.max(...ends.map(({ ms }) => ms))).toBeLessThan(30_000);
    expect(ends.filter(({ answer }) => /^HTTP\/1.1 (?:200|5)/.test(answer))).toEqual([]);
    await takesAnEvent();
  });

  it('gzip bombs: 400 MB of nothing in 400 KB are refused, and never inflated', async () => {
    await takesAnEvent();
    const bomb = gzipSync(Buffer.alloc(400_000_000));
    const before = await memory();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/v1/batch', bomb)));
    expect(new Set(answers)).toEqual(new Set([413]));
    expect((await memory()) - before).toBeLessThan(200);
    await takesAnEvent();
  });

  it('bodies of 100 MB: they are cut off at the limit, whatever their header says', async () => {
    const before = await memory();
    const chunk = Buffer.alloc(1_000_000, 0x20);
    const huge = (headers: Record<string, string>) =>
      new Promise<number>((resolve) => {
        let status = 0;
        const sent = request({
          port,
          host: '127.0.0.1',
          method: 'POST',
          path: '/v1/batch',
          headers: { ...basic, ...headers },
        });
        sent.on('response', (answer) => {
          status = answer.statusCode ?? 0;
          answer.resume();
        });
        sent.on('error', () => resolve(status));
        sent.on('close', () => resolve(status));
        let left = 100;
        const more = () => {
          while (left > 0 && !sent.destroyed) {
            left -= 1;
            if (!sent.write(chunk)) {
              sent.once('drain', more);
              return;
            }
          }
          sent.end();
        };
        more();
      });
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => huge({ 'content-length': '100000000' })),
      ...Array.from({ length: 5 }, () => huge({ 'transfer-encoding': 'chunked' })),
    ]);
    // A sender that goes on writing may see its connection cut before it reads why.
    expect(answers.filter((status) => status !== 413 && status !== 0)).toEqual([]);
    expect((await memory()) - before).toBeLessThan(200);
    await takesAnEvent();
  });

  it('10,000 malformed bodies on every route: none is answered with a failure of the door', async () => {
    const json = fc.jsonValue({ maxDepth: 3 });
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), json);
    const message = fc
      .dictionary(
        fc.constantFrom(
          'type',
          'event',
          'userId',
          'messageId',
          'timestamp',
          'properties',
          'traits',
          'context',
          '__proto__',
        ),
        text,
        { maxKeys: 6 },
      )
      .map((fields) => ({ type: 'track', event: 'x', anonymousId: 'a', ...fields }));
    const whole = fc
      .oneof(
        json,
        message,
        fc.array(message, { maxLength: 4 }).map((batch) => ({ batch })),
        json.map((batch) => ({ batch })),
      )
      .map((value) => Buffer.from(JSON.stringify(value) ?? ''));
    const nested = (depth: number) => Buffer.from('{"batch":'.repeat(depth));
    const deep = fc.integer({ min: 1, max: 2_000 }).map(nested);
    const cut = fc.tuple(whole, fc.double({ min: 0, max: 1, noNaN: true }));
    const bytes = fc.oneof(
      { weight: 6, arbitrary: whole },
      { weight: 3, arbitrary: cut.map(([body, share]) => body.subarray(0, Math.floor(body.length * share))) },
      {
        weight: 2,
        arbitrary: cut.map(([body, share]) => gzipSync(body).subarray(0, Math.ceil((body.length + 20) * share))),
      },
      { weight: 2, arbitrary: fc.uint8Array({ maxLength: 100 }) },
      { weight: 1, arbitrary: deep },
    );
    const routes = [
      '/v1/batch',
      '/v1/track',
      '/v1/identify',
      '/v1/p',
      '/v1/import',
      '/hooks/generic/shop',
      '/com.x/tp2',
    ];
    const bodies = [
      ...routes.map((route): [Uint8Array, string] => [nested(50_000), route]),
      ...fc.sample(fc.tuple(bytes, fc.constantFrom(...routes)), 10_000),
    ];
    // To make the bodies takes seconds in which nothing else is heard: the door may have closed idle connections meanwhile.
    agent.destroy();
    const wrong: { status: number; path: string; body: string }[] = [];
    const statuses = new Map<number, number>();
    let next = 0;
    const senders = Array.from({ length: 40 }, async () => {
      for (;;) {
        const one = bodies[next];
        next += 1;
        if (one === undefined) return;
        const [body, path] = one;
        const t = Math.floor(Date.now() / 1000);
        const v1 = createHmac('sha256', secret).update(`${t}.`).update(body).digest('hex');
        const headers = path.startsWith('/hooks') ? { 'x-percorso-signature': `t=${t},v1=${v1}` } : basic;
        const status = await post(path, body, headers);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 0 || status >= 500) wrong.push({ status, path, body: Buffer.from(body).toString('base64') });
      }
    });
    await Promise.all(senders);
    expect(wrong.slice(0, 3)).toEqual([]);
    // The test would prove nothing if all of them were turned away at once.
    expect(statuses.get(200)).toBeGreaterThan(1_000);
    expect(statuses.get(400)).toBeGreaterThan(1_000);
    await takesAnEvent();
  });

  it('all of it: it ends in order, with everything in the lake', async () => {
    const exited = once(door, 'exit');
    door.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(log).toContain('stopped; all that was acknowledged is in the lake');
    expect(log).not.toMatch(/could not be moved|Error/);
  });
});
