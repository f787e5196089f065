import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import * as z from 'zod';
import { PercorsoError } from '#core/errors';

const holderSchema = z.object({ pid: z.number(), host: z.string(), started: z.string(), since: z.string() });
type Holder = z.output<typeof holderSchema>;

/**
 * Does one piece of work at a time over all processes of this machine. A lock whose process has died is taken over.
 * @throws PercorsoError where another process holds it.
 */
export async function withLock<Result>(file: string, what: string, work: () => Promise<Result>): Promise<Result> {
  await mkdir(dirname(file), { recursive: true });
  const own = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const mine: Holder = {
    pid: process.pid,
    host: hostname(),
    started: (await processStart(process.pid)) ?? '',
    since: new Date().toISOString(),
  };
  await writeFile(own, JSON.stringify(mine));
  try {
    for (let attempt = 0; ; attempt++) {
      if (await place(own, file)) break;
      const holder = await readHolder(file);
      if (holder === 'gone') continue;
      if (attempt > 100 || (holder !== 'broken' && (await isAlive(holder)))) {
        const by =
          holder === 'broken' ? 'another process' : `process ${holder.pid} on ${holder.host} since ${holder.since}`;
        throw new PercorsoError(`${what} is already under way (${by})`, {
          mend: `wait for it; if it is certain that none runs, remove ${file}`,
        });
      }
      await takeAway(file, holder);
    }
    return await work();
  } finally {
    await rm(own, { force: true });
    const holder = await readHolder(file);
    if (typeof holder === 'object' && holder.pid === mine.pid && holder.started === mine.started)
      await rm(file, { force: true });
  }
}

async function place(own: string, file: string): Promise<boolean> {
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(file: string): Promise<Holder | 'gone' | 'broken'> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'gone';
    throw error;
  }
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return 'broken';
  }
}

/** Moves a dead lock aside. Of two that try, the second may have moved the first one's new lock: then it puts that back. */
async function takeAway(file: string, dead: Holder | 'broken'): Promise<void> {
  const aside = `${file}.dead.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  const moved = await readHolder(aside);
  if (JSON.stringify(moved) !== JSON.stringify(dead)) await place(aside, file);
  await rm(aside, { force: true });
}

/** A number may have passed to another process since, so the time at which it started counts as well, where it is known. */
async function isAlive(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
  }
  const started = await processStart(holder.pid);
  return started === undefined || holder.started === '' || started === holder.started;
}

/** Clock ticks from boot to the start of a process, where the system tells (Linux). */
async function processStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the name in brackets, which may hold blanks.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
