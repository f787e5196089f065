import { mkdtemp, readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSpoolQueue } from '#adapters/spool-queue';
import type { Queue } from '#core/ports';

const adapters: Record<string, (folder: string) => Queue> = { 'spool queue': (folder) => createSpoolQueue(folder) };
const bytes = (text: string) => new TextEncoder().encode(text);
const texts = (messages: { body: Uint8Array }[]) => messages.map(({ body }) => Buffer.from(body).toString());
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'percorso-queue-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe.each(Object.entries(adapters))('every Queue: %s', (_, create) => {
  it('delivers what was sent, oldest first, again and again until it is removed', async () => {
    const queue = create(folder);
    await queue.send([bytes('a'), bytes('b')]);
    await queue.send([bytes('')]);
    await queue.send([bytes('c')]);
    expect(texts(await queue.receive(10))).toEqual(['a', 'b', '', 'c']);
    const first = await queue.receive(2);
    expect(texts(first)).toEqual(['a', 'b']);
    await queue.remove(first.map(({ id }) => id));
    expect(texts(await queue.receive(10))).toEqual(['', 'c']);
  });

  it('takes out one message of several that were sent together, for good', async () => {
    await create(folder).send([bytes('a'), bytes('b'), bytes('c')]);
    const queue = create(folder);
    const [, second] = await queue.receive(3);
    await queue.remove([second?.id ?? '']);
    await queue.remove([second?.id ?? '']);
    expect(texts(await create(folder).receive(3))).toEqual(['a', 'c']);
    await queue.remove((await queue.receive(3)).map(({ id }) => id));
    expect(await create(folder).receive(3)).toEqual([]);
  });

  it('is empty before anything is sent', async () => {
    expect(await create(folder).receive(1)).toEqual([]);
    await create(folder).send([]);
    expect(await create(folder).receive(1)).toEqual([]);
  });

  it('gives one reader what many senders, also of other processes, sent at once', async () => {
    const queues = [create(folder), create(folder), create(folder)];
    const sent = Array.from({ length: 300 }, (_, i) => `message ${i}`);
    await Promise.all(sent.map((text, i) => queues[i % 3]?.send([bytes(text)])));
    expect(texts(await create(folder).receive(1000)).sort()).toEqual([...sent].sort());
  });
});

describe('the spool queue', () => {
  it('delivers the same batch, to every process, until the whole of it is removed', async () => {
    await createSpoolQueue(folder).send([bytes('a')]);
    await createSpoolQueue(folder).send([bytes('b')]);
    expect(texts(await createSpoolQueue(folder).receive(10))).toEqual(['a', 'b']);
    await createSpoolQueue(folder).send([bytes('c')]);
    const again = await createSpoolQueue(folder).receive(10);
    expect(texts(again)).toEqual(['a', 'b']);
    await createSpoolQueue(folder).remove(again.map(({ id }) => id));
    expect(texts(await createSpoolQueue(folder).receive(10))).toEqual(['c']);
  });

  it('ends a removal that was killed half way, and never delivers the rest of that batch', async () => {
    const queue = createSpoolQueue(folder);
    await queue.send([bytes('a')]);
    await queue.send([bytes('b')]);
    await queue.receive(10);
    const [claim = ''] = (await readdir(folder)).filter((name) => name.endsWith('.claim'));
    await rename(join(folder, claim), join(folder, claim.replace(/claim$/, 'done')));
    await queue.send([bytes('c')]);
    expect(texts(await queue.receive(10))).toEqual(['c']);
    expect((await readdir(folder)).filter((name) => name.endsWith('.spool'))).toHaveLength(1);
  });

  it('commits sends that wait together as few files, not one each', async () => {
    const queue = createSpoolQueue(folder);
    await Promise.all(Array.from({ length: 200 }, () => queue.send([bytes('x')])));
    expect((await readdir(folder)).length).toBeLessThan(10);
  });

  it('ignores a torn tail at any length of it, and a file that nobody finished', async () => {
    const queue = createSpoolQueue(folder);
    await queue.send([bytes('whole'), bytes('torn tail')]);
    const [name = ''] = await readdir(folder);
    const whole = await readFile(join(folder, name));
    const firstEnd = 8 + 'whole'.length;
    for (let length = whole.length - 1; length >= firstEnd; length -= 1) {
      await truncate(join(folder, name), length);
      expect(texts(await queue.receive(10))).toEqual(['whole']);
    }
    await writeFile(join(folder, `${name}.1-0a0b0c0d.tmp`), whole);
    expect(texts(await queue.receive(10))).toEqual(['whole']);
  });

  it('clears away after an hour what a killed process left unfinished', async () => {
    const queue = createSpoolQueue(folder);
    await writeFile(join(folder, 'old.tmp'), 'x');
    await writeFile(join(folder, 'new.tmp'), 'x');
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    await utimes(join(folder, 'old.tmp'), longAgo, longAgo);
    await queue.receive(1);
    expect(await readdir(folder)).toEqual(['new.tmp']);
  });

  it('bounds what one receive holds in memory, but always gives at least one message', async () => {
    const queue = createSpoolQueue(folder, { maxReceiveBytes: 10 });
    await queue.send([bytes('0123456789abcdef'), bytes('small')]);
    expect(texts(await queue.receive(10))).toEqual(['0123456789abcdef']);
  });

  it('says in its error that the spool cannot be written, and recovers', async () => {
    const path = join(folder, 'spool');
    await writeFile(path, 'a file where the folder should be');
    const queue = createSpoolQueue(path);
    await expect(queue.send([bytes('a')])).rejects.toThrow('cannot be written');
    await rm(path);
    await queue.send([bytes('b')]);
    expect(texts(await queue.receive(2))).toEqual(['b']);
  });
});
