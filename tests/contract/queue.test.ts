import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFolderStore } from '#adapters/folder-store';
import { createSpoolQueue } from '#adapters/spool-queue';
import { createSqsQueue, readQueueText } from '#adapters/sqs-queue';
import type { Queue } from '#core/ports';

const bytes = (text: string) => new TextEncoder().encode(text);
const texts = (messages: { body: Uint8Array }[]) => messages.map(({ body }) => Buffer.from(body).toString());
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'percorso-queue-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** SQS's protocol, in this process. */
let server: FauxqsServer;
let sqs: SQSClient;
beforeAll(async () => {
  server = await startFauxqs({ port: 0, logger: false, defaultRegion: 'eu-south-1' });
  sqs = new SQSClient({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: 'eu-south-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
});
afterAll(async () => {
  sqs.destroy();
  await server.stop();
});

const visibilitySeconds = 1;
let sqsUrl = '';

function openSqs(): Queue {
  return createSqsQueue(sqsUrl, createFolderStore(folder), sqs, { waitSeconds: 0 });
}

interface QueueAdapter {
  /** Makes the queue of a case; several openings are several processes. */
  prepare(): void;
  open(): Queue;
  /** Resolves once what was received and not removed may come again. */
  again(): Promise<void>;
}

const adapters: Record<string, QueueAdapter> = {
  'spool queue': { prepare: () => {}, open: () => createSpoolQueue(folder), again: async () => {} },
  'SQS queue': {
    prepare: () => {
      ({ queueUrl: sqsUrl } = server.createQueue(`q-${randomBytes(6).toString('hex')}`, {
        attributes: { VisibilityTimeout: String(visibilitySeconds) },
      }));
    },
    open: openSqs,
    again: () => new Promise((resolve) => setTimeout(resolve, visibilitySeconds * 1000 + 100)),
  },
};

describe.each(Object.entries(adapters))('every Queue: %s', (_, { prepare, open, again }) => {
  beforeEach(() => prepare());

  it('delivers what was sent, oldest first, again and again until it is removed', async () => {
    const queue = open();
    await queue.send([bytes('a'), bytes('b')]);
    await queue.send([bytes('')]);
    await queue.send([bytes('c')]);
    expect(texts(await queue.receive(10))).toEqual(['a', 'b', '', 'c']);
    await again();
    const first = await queue.receive(2);
    expect(first).toHaveLength(2);
    await queue.remove(first.map(({ id }) => id));
    await again();
    const rest = texts(await queue.receive(10));
    expect([...texts(first), ...rest].sort()).toEqual(['', 'a', 'b', 'c']);
  });

  it('takes out one message of several that were sent together, for good', async () => {
    await open().send([bytes('a'), bytes('b'), bytes('c')]);
    const queue = open();
    const [, second] = await queue.receive(3);
    await queue.remove([second?.id ?? '']);
    await queue.remove([second?.id ?? '']);
    await again();
    expect(texts(await open().receive(3))).toEqual(['a', 'c']);
    await again();
    await queue.remove((await queue.receive(3)).map(({ id }) => id));
    await again();
    expect(await open().receive(3)).toEqual([]);
  });

  it('is empty before anything is sent', async () => {
    expect(await open().receive(1)).toEqual([]);
    await open().send([]);
    expect(await open().receive(1)).toEqual([]);
  });

  it('gives one reader what many senders, also of other processes, sent at once', async () => {
    const queues = [open(), open(), open()];
    const sent = Array.from({ length: 300 }, (_, i) => `message ${i}`);
    await Promise.all(sent.map((text, i) => queues[i % 3]?.send([bytes(text)])));
    expect(texts(await open().receive(1000)).sort()).toEqual([...sent].sort());
  });

  it('carries what is far larger than one message of a service may be, and many messages of that kind at once', async () => {
    // Bytes that no packing makes smaller.
    const sent = [randomBytes(900_000), randomBytes(150_000), randomBytes(150_000), randomBytes(150_000), bytes('x')];
    await open().send(sent);
    const hashes = (bodies: Uint8Array[]) =>
      bodies.map((body) => createHash('sha256').update(body).digest('hex')).sort();
    expect(hashes((await open().receive(10)).map(({ body }) => body))).toEqual(hashes(sent));
  });
});

describe('the SQS queue', () => {
  beforeEach(() => adapters['SQS queue']?.prepare());

  it('packs messages, so that a large body of JSON is one billed unit of 64 KB', async () => {
    const events = Array.from({ length: 400 }, (_, i) => ({
      event_id: `event-${i}`,
      event_type: 'Page Viewed',
      keys: {},
    }));
    await openSqs().send([bytes(JSON.stringify({ events, rejected: [] }))]);
    const [message] = server.inspectQueue(sqsUrl.split('/').at(-1) ?? '')?.messages.ready ?? [];
    expect(message?.body.length).toBeLessThan(64_000);
  });

  it('sends what the service refused for the moment again, and only that', async () => {
    const sent: string[][] = [];
    const flaky = new SQSClient({
      region: 'eu-south-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    flaky.middlewareStack.add(
      () => async (args) => {
        const input: unknown = args.input;
        const entries = typeof input === 'object' && input !== null && 'Entries' in input ? input.Entries : [];
        const ids = Array.isArray(entries) ? entries.map(({ Id }) => String(Id)) : [];
        sent.push(ids);
        const failed = sent.length === 1 ? ids.slice(1) : [];
        const output = {
          $metadata: {},
          Successful: [],
          Failed: failed.map((Id) => ({ Id, SenderFault: false, Code: 'InternalError' })),
        };
        return { response: {}, output };
      },
      { step: 'initialize' },
    );
    await createSqsQueue('http://127.0.0.1:1/q', createFolderStore(folder), flaky).send([
      bytes('a'),
      bytes('b'),
      bytes('c'),
    ]);
    expect(sent).toEqual([
      ['0', '1', '2'],
      ['1', '2'],
    ]);
  });

  it('does not say that it queued what the service refuses', async () => {
    const queue = createSqsQueue(sqsUrl.replace('/q-', '/none-'), createFolderStore(folder), sqs);
    await expect(queue.send([bytes('a')])).rejects.toThrow();
  });

  it('refuses the text of a message that is not its own, and an object that is gone', async () => {
    const store = createFolderStore(folder);
    await expect(readQueueText('{"hello":1}', store)).rejects.toThrow('was not written by this door');
    await expect(readQueueText('stored:raw/events/x', store)).rejects.toThrow('was not written by this door');
    await expect(readQueueText('stored:queued/0123', store)).rejects.toThrow('queued/0123 is gone');
    await expect(readQueueText('gzip:AAAA', store)).rejects.toThrow();
    await sqs.send(new SendMessageCommand({ QueueUrl: sqsUrl, MessageBody: 'poison' }));
    await expect(openSqs().receive(10)).rejects.toThrow('was not written by this door');
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: sqsUrl, AttributeNames: ['ApproximateNumberOfMessagesNotVisible'] }),
    );
    expect(Attributes?.ApproximateNumberOfMessagesNotVisible).toBe('1');
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
