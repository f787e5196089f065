import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { PercorsoError } from '#core/errors';
import type { Queue } from '#core/ports';

const finished = /^(\d{15}-\d+-[0-9a-f]{8})\.spool$/;
const unfinished = /\.tmp$/;
const header = 8;
/** A file that nobody finished is left by a process that was killed: what it holds was never acknowledged. */
const abandonedAfter = 3_600_000;

interface Waiting {
  messages: readonly Uint8Array[];
  bytes: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Frames: the message's number within its file (4 bytes), its length (4 bytes), its bytes. */
function framed(messages: readonly { index: number; body: Uint8Array }[]): Buffer[] {
  return messages.flatMap(({ index, body }) => {
    const head = Buffer.alloc(header);
    head.writeUInt32LE(index, 0);
    head.writeUInt32LE(body.byteLength, 4);
    return [head, Buffer.from(body.buffer, body.byteOffset, body.byteLength)];
  });
}

function unframed(bytes: Buffer): { index: number; body: Uint8Array }[] {
  const messages: { index: number; body: Uint8Array }[] = [];
  let at = 0;
  while (at + header <= bytes.length) {
    const end = at + header + bytes.readUInt32LE(at + 4);
    // A torn tail: the writer died before it acknowledged, so nobody counts on it.
    if (end > bytes.length) break;
    messages.push({ index: bytes.readUInt32LE(at), body: bytes.subarray(at + header, end) });
    at = end;
  }
  return messages;
}

/**
 * A Queue in a folder of this machine. Sends that wait at the same time are committed together: one file, written aside,
 * fsynced, then renamed to its name, so that a file is whole or absent whatever kills the process. Several processes
 * may send and receive; a message is then delivered to each of them until one removes it.
 * @param options.maxFileBytes messages above this go into the next commit.
 * @param options.maxReceiveBytes a receive stops after this much, so that the reader's memory is bounded.
 */
export function createSpoolQueue(
  folder: string,
  options: { maxFileBytes?: number; maxReceiveBytes?: number; now?: () => Date } = {},
): Queue {
  const base = resolve(folder);
  const maxFileBytes = options.maxFileBytes ?? 8_000_000;
  const maxReceiveBytes = options.maxReceiveBytes ?? 32_000_000;
  const now = options.now ?? (() => new Date());
  const own = randomBytes(4).toString('hex');
  let waiting: Waiting[] = [];
  let isCommitting = false;
  let lastStamp = 0;
  let ready: Promise<void> | undefined;

  async function prepare(): Promise<void> {
    const first = await mkdir(base, { recursive: true });
    if (first === undefined) return;
    for (let made = base; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
  }

  async function writeFile(path: string, messages: readonly { index: number; body: Uint8Array }[]): Promise<void> {
    const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(Buffer.concat(framed(messages)));
      await handle.sync();
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(base);
  }

  async function commit(): Promise<void> {
    if (isCommitting) return;
    isCommitting = true;
    while (waiting.length > 0) {
      const group: Waiting[] = [];
      let bytes = 0;
      for (const next of waiting) {
        if (group.length > 0 && bytes + next.bytes > maxFileBytes) break;
        bytes += next.bytes;
        group.push(next);
      }
      waiting = waiting.slice(group.length);
      try {
        ready ??= prepare();
        await ready;
        // Ascending also where the clock stands still or goes back, so that names sort in the order of sending.
        lastStamp = Math.max(lastStamp + 1, now().getTime() * 10);
        const name = `${String(lastStamp).padStart(15, '0')}-${process.pid}-${own}.spool`;
        const messages = group.flatMap((part) => part.messages).map((body, index) => ({ index, body }));
        await writeFile(join(base, name), messages);
        for (const part of group) part.resolve();
      } catch (cause) {
        ready = undefined;
        const error = new PercorsoError(`the spool ${base} cannot be written`, {
          mend: 'check that the disk has room and that the folder may be written to',
          cause,
        });
        for (const part of group) part.reject(error);
      }
    }
    isCommitting = false;
  }

  async function files(): Promise<string[]> {
    let names: string[];
    try {
      names = await readdir(base);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
    for (const name of names.filter((name) => unfinished.test(name))) {
      const path = join(base, name);
      const modified = await stat(path).then(
        (found) => found.mtimeMs,
        () => Number.POSITIVE_INFINITY,
      );
      if (now().getTime() - modified > abandonedAfter) await rm(path, { force: true });
    }
    return names.filter((name) => finished.test(name)).sort();
  }

  async function contents(name: string): Promise<{ index: number; body: Uint8Array }[]> {
    try {
      return unframed(await readFile(join(base, name)));
    } catch (error) {
      // Another process took it in and removed it.
      if (isMissing(error)) return [];
      throw error;
    }
  }

  return {
    send(messages) {
      if (messages.length === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const bytes = messages.reduce((sum, message) => sum + message.byteLength + header, 0);
        waiting.push({ messages, bytes, resolve, reject });
        void commit();
      });
    },
    async receive(max) {
      const received: { id: string; body: Uint8Array }[] = [];
      let bytes = 0;
      for (const name of await files()) {
        if (received.length >= max || bytes >= maxReceiveBytes) break;
        for (const { index, body } of await contents(name)) {
          if (received.length >= max || (received.length > 0 && bytes + body.byteLength > maxReceiveBytes)) break;
          received.push({ id: `${name}#${index}`, body });
          bytes += body.byteLength;
        }
      }
      return received;
    },
    async remove(ids) {
      const byFile = new Map<string, Set<number>>();
      for (const id of ids) {
        const [name, index] = id.split('#');
        if (name === undefined || index === undefined || !finished.test(name)) continue;
        byFile.set(name, (byFile.get(name) ?? new Set()).add(Number(index)));
      }
      for (const [name, taken] of byFile) {
        const left = (await contents(name)).filter(({ index }) => !taken.has(index));
        if (left.length === 0) await rm(join(base, name), { force: true });
        else await writeFile(join(base, name), left);
      }
      if (byFile.size > 0) await syncFolder(base);
    },
  };
}
