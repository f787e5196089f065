import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { PercorsoError } from '#core/errors';
import { lake } from '#core/lake';
import type { Queue, Store } from '#core/ports';

/** What one message, and what one batch of at most ten, may hold. */
const limitBytes = 256 * 1024;
const batchEntries = 10;
const sendTries = 5;
/** Also bounds what a bad message can unpack to. */
const unpackedLimit = 16 * 1024 * 1024;

const squeeze = promisify(gzip);
const unsqueeze = promisify(gunzip);

/**
 * Packs bytes as the text that SQS takes: gzip in base64. What does not fit a message goes to the store under the hash of
 * what it holds, and the message names it. A message is billed by 64 KB, so packing also makes it cheaper.
 */
async function packed(body: Uint8Array, store: Store): Promise<string> {
  const text = `gzip:${(await squeeze(body)).toString('base64')}`;
  if (text.length <= limitBytes) return text;
  const key = lake.queuedObject(createHash('sha256').update(body).digest('hex').slice(0, 32));
  // Put anew each time: its age, by which the bucket removes it, counts from its last message.
  await store.put(key, body);
  return `stored:${key}`;
}

/**
 * The bytes of a message of this queue, from the text that SQS delivers.
 * @throws PercorsoError where the text is none of ours, or the object that it names is gone.
 */
export async function readQueueText(text: string, store: Store): Promise<Uint8Array> {
  const at = text.indexOf(':');
  const value = text.slice(at + 1);
  if (text.slice(0, at) === 'gzip') {
    return unsqueeze(Buffer.from(value, 'base64'), { maxOutputLength: unpackedLimit });
  }
  if (text.slice(0, at) === 'stored' && value.startsWith(lake.queued)) {
    const body = await store.get(value);
    if (body !== undefined) return body;
    throw new PercorsoError(`the queued object ${value} is gone`, {
      mend: 'restore its last version from the bucket, then move the message back into its queue',
    });
  }
  throw new PercorsoError('a message of the queue was not written by this door', {
    mend: 'see who else may send to the queue; the message can be deleted',
  });
}

/** Groups of at most ten messages that together stay below the limit of one call. */
function batches(texts: readonly string[]): SendMessageBatchRequestEntry[][] {
  const groups: SendMessageBatchRequestEntry[][] = [];
  let group: SendMessageBatchRequestEntry[] = [];
  let bytes = 0;
  for (const [index, text] of texts.entries()) {
    if (group.length === batchEntries || (group.length > 0 && bytes + text.length > limitBytes)) {
      groups.push(group);
      group = [];
      bytes = 0;
    }
    group.push({ Id: String(index), MessageBody: text });
    bytes += text.length;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/**
 * A Queue in SQS. Order is kept as far as a standard queue keeps it. What was received comes again after the queue's
 * visibility timeout unless it is removed.
 * @param store holds the few messages that are too large for SQS.
 * @param options.waitSeconds how long a receive waits for a first message. With 0 it asks only some of the service's servers,
 * and may find a full queue empty.
 */
export function createSqsQueue(
  url: string,
  store: Store,
  client: SQSClient = new SQSClient({}),
  options: { waitSeconds?: number } = {},
): Queue {
  async function sendBatch(entries: SendMessageBatchRequestEntry[]): Promise<void> {
    let left = entries;
    for (let tries = 1; ; tries++) {
      const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: left }));
      if (Failed.length === 0) return;
      const reason = Failed[0];
      if (tries === sendTries || Failed.some(({ SenderFault }) => SenderFault)) {
        throw new PercorsoError(`${Failed.length} of ${left.length} messages were not queued: ${reason?.Code}`, {
          mend: 'send them again; if it goes on, see the permissions and the limits of the queue',
        });
      }
      const failed = new Set(Failed.map(({ Id }) => Id));
      left = left.filter(({ Id }) => failed.has(Id));
      await setTimeout(50 * 2 ** tries);
    }
  }

  return {
    async send(messages) {
      const texts = await Promise.all(messages.map((body) => packed(body, store)));
      for (const batch of batches(texts)) await sendBatch(batch);
    },
    async receive(max) {
      const received = new Map<string, { id: string; body: Uint8Array }>();
      while (received.size < max) {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl: url,
            MaxNumberOfMessages: Math.min(batchEntries, max - received.size),
            WaitTimeSeconds: options.waitSeconds ?? 1,
          }),
        );
        // Where reading takes longer than messages stay hidden, the first come again.
        if (Messages.every(({ MessageId = '' }) => received.has(MessageId))) break;
        for (const { MessageId = '', ReceiptHandle = '', Body = '' } of Messages) {
          received.set(MessageId, { id: ReceiptHandle, body: await readQueueText(Body, store) });
        }
      }
      return [...received.values()];
    },
    async remove(ids) {
      for (let at = 0; at < ids.length; at += batchEntries) {
        const entries = ids.slice(at, at + batchEntries);
        const { Failed = [] } = await client.send(
          new DeleteMessageBatchCommand({
            QueueUrl: url,
            Entries: entries.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle })),
          }),
        );
        const [first] = Failed;
        if (first !== undefined) {
          throw new PercorsoError(`${Failed.length} messages were not removed from the queue: ${first.Code}`, {
            mend: 'they come again and change nothing; if it goes on, see the permissions of the queue',
          });
        }
      }
    },
  };
}
