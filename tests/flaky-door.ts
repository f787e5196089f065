import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { createFolderStore } from '#adapters/folder-store';

const rawEvent = z.looseObject({
  source: z.string(),
  event_id: z.string(),
  event_type: z.string(),
  received_at: z.string(),
  keys: z.record(z.string(), z.string()),
  properties: z.string().optional(),
});
export type RawEvent = z.output<typeof rawEvent>;

export interface RunningDoor {
  dir: string;
  address: string;
  /** Ends `percorso collect`, and gives what its lake then holds of a source. */
  end(): Promise<void>;
  raw(source: string): Promise<RawEvent[]>;
  remove(): Promise<void>;
}

/** A company of these sources with `percorso collect` before it, as a process of its own. */
export async function openDoor(sources: string, env: Record<string, string>): Promise<RunningDoor> {
  const dir = await mkdtemp(join(tmpdir(), 'percorso-sdk-'));
  await writeFile(join(dir, 'percorso.config.ts'), `export default { name: 'SDKs', sources: ${sources} };\n`);
  const args = ['bin/percorso.js', '--dir', dir, 'collect', '--port', '0', '--json', '--every', '1'];
  const door: ChildProcess = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (door.stdout === null) throw new Error('the door has no output');
  const [said] = await once(door.stdout, 'data');
  const { address } = z.object({ address: z.string() }).parse(JSON.parse(String(said)));
  async function end(): Promise<void> {
    if (door.exitCode !== null) return;
    door.kill('SIGTERM');
    await once(door, 'exit');
  }
  return {
    dir,
    address,
    end,
    async raw(source) {
      const lake = createFolderStore(join(dir, 'lake'));
      const events: RawEvent[] = [];
      for (const key of await lake.list('raw/events/')) {
        const text = gunzipSync((await lake.get(key)) ?? new Uint8Array()).toString();
        for (const line of text.split('\n').filter((line) => line !== ''))
          events.push(rawEvent.parse(JSON.parse(line)));
      }
      return events.filter((event) => event.source === source);
    },
    async remove() {
      await end();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** What a proxy does to one request: answers itself, or lets the door take it and cuts the line before the answer. */
export type Mishap = 500 | 429 | 'cut';

export interface FlakyProxy {
  address: string;
  port: number;
  /** What befell the requests that could carry events, in order: `pass` where nothing did. */
  log: (Mishap | 'pass')[];
  /** What the door itself answered, also where the line was cut before the sender heard it. */
  answered: number[];
  close(): Promise<void>;
}

const serve = async (server: Server, port: number): Promise<number> => {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return z.object({ port: z.number() }).parse(server.address()).port;
};

/**
 * A proxy before the door with which the first requests that carry events go wrong, one mishap each. `pages` are what it
 * serves of its own, for browsers.
 */
export async function flakyProxy(
  door: string,
  mishaps: readonly Mishap[],
  pages: Record<string, string> = {},
): Promise<FlakyProxy> {
  const waiting = [...mishaps];
  const log: FlakyProxy['log'] = [];
  const answered: number[] = [];
  function pass(asked: IncomingMessage, answer: ServerResponse, body: Buffer, isCut: boolean): void {
    const { host } = asked.headers;
    const isPost = asked.method === 'POST' || asked.url?.startsWith('/i?') === true;
    const forwarded = request(
      new URL(asked.url ?? '/', door),
      { method: asked.method ?? 'GET', headers: { ...asked.headers, host } },
      (given) => {
        const parts: Buffer[] = [];
        given.on('data', (part: Buffer) => parts.push(part));
        given.on('end', () => {
          if (isPost) answered.push(given.statusCode ?? 0);
          if (isCut) asked.socket.destroy();
          else answer.writeHead(given.statusCode ?? 502, given.headers).end(Buffer.concat(parts));
        });
      },
    );
    forwarded.on('error', () => asked.socket.destroy());
    forwarded.end(body);
  }
  const server = createServer((asked, answer) => {
    const parts: Buffer[] = [];
    asked.on('data', (part: Buffer) => parts.push(part));
    asked.on('end', () => {
      const path = (asked.url ?? '/').split('?')[0] ?? '/';
      const page = pages[path];
      if (asked.method === 'GET' && page !== undefined) {
        answer
          .writeHead(200, { 'content-type': path.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8' })
          .end(page);
        return;
      }
      const carries = asked.method === 'POST' || path === '/i';
      const mishap = carries ? waiting.shift() : undefined;
      if (carries) log.push(mishap ?? 'pass');
      if (mishap === 500 || mishap === 429) {
        const { origin } = asked.headers;
        answer
          .writeHead(mishap, {
            ...(origin === undefined
              ? {}
              : { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' }),
            ...(mishap === 429 ? { 'retry-after': '1' } : {}),
          })
          .end('{}');
      } else pass(asked, answer, Buffer.concat(parts), mishap === 'cut');
    });
  });
  const port = await serve(server, 0);
  return {
    address: `http://127.0.0.1:${port}`,
    port,
    log,
    answered,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Each event once by its id, the way a build counts; fails where copies of one id differ in more than their arrival. */
export function onceEach(events: readonly RawEvent[]): RawEvent[] {
  const byId = new Map<string, RawEvent>();
  for (const { received_at, ...event } of events) {
    const before = byId.get(event.event_id);
    const text = JSON.stringify({ ...event, received_at: '' });
    if (before !== undefined && JSON.stringify({ ...before, received_at: '' }) !== text)
      throw new Error(`two events of one id: ${event.event_id}`);
    byId.set(event.event_id, { ...event, received_at: before?.received_at ?? received_at });
  }
  return [...byId.values()];
}

/** Waits until `isDone`, or fails with what was seen last. */
export async function until(
  isDone: () => boolean | Promise<boolean>,
  what: () => unknown,
  seconds = 40,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await isDone())) {
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${JSON.stringify(what())}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
