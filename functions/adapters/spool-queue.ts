import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as z from 'zod';
import { PercorsoError } from '#core/errors';
import type { Queue } from '#core/ports';
import { hasCode, makeDurableFolder, syncFolder, writeNewFile } from './durable-files.ts';

const finished = /^(\d{15}-\d+-[0-9a-f]{8})\.spool$/;
const claimed = /\.spool\.claim$/;
const retired = /\.spool\.done$/;
const unfinished = /\.tmp$/;
const listShape = z.array(z.string().regex(finished));
const header = 8;
/** A file that nobody finished is left by a process that was killed: what it holds was never acknowledged. */
const abandonedAfter = 3_600_000;

interface Waiting {
  messages: readonly Uint8Array[];
  bytes: number;
  resolve: () => void;
  reject: (error: unknown) => void;
}

const isMissing = (error: unknown) => hasCode(error, 'ENOENT');

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
 * may send and receive.
 *
 * What is received is a batch that stays the same, for every process and after every kill, until all of it is removed:
 * so that whoever writes it elsewhere under a name made of its content writes the same again, never a different cut of it.
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

  async function writeFile(path: string, messages: readonly { index: number; body: Uint8Array }[]): Promise<void> {
    const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
    try {
      await writeNewFile(temporary, Buffer.concat(framed(messages)));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
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
        ready ??= makeDurableFolder(base);
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
    const found = await names();
    for (const name of found.filter((candidate) => unfinished.test(candidate))) {
      const path = join(base, name);
      const modified = await stat(path).then(
        (file) => file.mtimeMs,
        () => Number.POSITIVE_INFINITY,
      );
      if (now().getTime() - modified > abandonedAfter) await rm(path, { force: true });
    }
    return found.filter((name) => finished.test(name));
  }

  /** The files that a claim names, or undefined where it is no longer there. */
  async function readList(name: string): Promise<string[] | undefined> {
    try {
      return listShape.parse(JSON.parse(await readFile(join(base, name), 'utf8')));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async function names(): Promise<string[]> {
    try {
      return (await readdir(base)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** Removes what a retired claim names; a process that was killed in the midst of it left the rest to the next. */
  async function sweep(): Promise<void> {
    for (const done of (await names()).filter((name) => retired.test(name))) {
      for (const file of (await readList(done)) ?? []) await rm(join(base, file), { force: true });
      await syncFolder(base);
      await rm(join(base, done), { force: true });
    }
  }

  async function currentClaim(): Promise<{ name: string; files: string[] } | undefined> {
    await sweep();
    for (const name of (await names()).filter((candidate) => claimed.test(candidate))) {
      const files = await readList(name);
      if (files !== undefined) return { name, files };
    }
    return undefined;
  }

  /** Binds the oldest files to one batch. It is named by its first file, which is never there again. */
  async function makeClaim(): Promise<{ name: string; files: string[] } | undefined> {
    const batch: string[] = [];
    let bytes = 0;
    for (const name of await files()) {
      const { size } = await stat(join(base, name)).catch(() => ({ size: 0 }));
      if (batch.length > 0 && bytes + size > maxReceiveBytes) break;
      bytes += size;
      batch.push(name);
    }
    const [first] = batch;
    if (first === undefined) return undefined;
    const name = `${first}.claim`;
    const temporary = join(base, `${name}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
    await writeNewFile(temporary, JSON.stringify(batch));
    try {
      // A link fails where the name is taken: of two processes that claim at once, the first one's batch stands for both.
      await link(temporary, join(base, name));
      await syncFolder(base);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    } finally {
      await rm(temporary, { force: true });
    }
    return currentClaim();
  }

  /** In one step the whole batch is out of the queue; its files go afterwards. */
  async function retire(claim: string): Promise<void> {
    try {
      await rename(join(base, claim), join(base, claim.replace(/claim$/, 'done')));
      await syncFolder(base);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    await sweep();
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
      for (;;) {
        const claim = (await currentClaim()) ?? (await makeClaim());
        if (claim === undefined) return [];
        const received: { id: string; body: Uint8Array }[] = [];
        let bytes = 0;
        let isCut = false;
        for (const name of claim.files) {
          for (const { index, body } of isCut ? [] : await contents(name)) {
            isCut = received.length >= max || (received.length > 0 && bytes + body.byteLength > maxReceiveBytes);
            if (isCut) break;
            received.push({ id: `${name}#${index}`, body });
            bytes += body.byteLength;
          }
        }
        // Another process took it in while it was being read: what was read may be half of it.
        if (!(await readList(claim.name))) continue;
        if (received.length > 0 || max < 1) return received;
        await retire(claim.name);
      }
    },
    async remove(ids) {
      const byFile = new Map<string, Set<number>>();
      for (const id of ids) {
        const [name, index] = id.split('#');
        if (name === undefined || index === undefined || !finished.test(name)) continue;
        byFile.set(name, (byFile.get(name) ?? new Set()).add(Number(index)));
      }
      const left = async (name: string) => (await contents(name)).filter(({ index }) => !byFile.get(name)?.has(index));
      const claim = await currentClaim();
      if (claim?.files.some((name) => byFile.has(name))) {
        const lefts = await Promise.all(claim.files.map(left));
        if (lefts.every((messages) => messages.length === 0)) {
          await retire(claim.name);
          for (const name of claim.files) byFile.delete(name);
        }
      }
      for (const name of byFile.keys()) {
        const messages = await left(name);
        if (messages.length === 0) await rm(join(base, name), { force: true });
        else await writeFile(join(base, name), messages);
      }
      if (byFile.size > 0) await syncFolder(base);
    },
  };
}
