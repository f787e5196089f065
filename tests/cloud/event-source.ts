import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';

const batchAnswer = z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })) });

export interface Batch {
  messages: Message[];
  event: { Records: object[] };
}

/** One batch as Lambda's poller makes it; undefined where nothing waits. */
export async function takeBatch(sqs: SQSClient, url: string, arn: string, size: number): Promise<Batch | undefined> {
  const messages: Message[] = [];
  while (messages.length < size) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: Math.min(10, size - messages.length),
        MessageSystemAttributeNames: ['ApproximateReceiveCount'],
      }),
    );
    if (Messages.length === 0) break;
    messages.push(...Messages);
  }
  if (messages.length === 0) return undefined;
  const Records = messages.map(({ MessageId, ReceiptHandle, Body, Attributes }) => ({
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes: Attributes ?? {},
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: arn,
  }));
  return { messages, event: { Records } };
}

/** Deletes what was worked off and gives back the rest, which is there again at once: time is what a test has not. */
export async function settle(sqs: SQSClient, url: string, messages: Message[], failed: Set<string>): Promise<void> {
  const tens = function* (all: Message[]) {
    for (let at = 0; at < all.length; at += 10) {
      yield all.slice(at, at + 10).map(({ ReceiptHandle = '' }, index) => ({ Id: String(index), ReceiptHandle }));
    }
  };
  const isFailed = ({ MessageId = '' }: Message) => failed.has(MessageId);
  for (const Entries of tens(messages.filter((message) => !isFailed(message)))) {
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }));
  }
  for (const entries of tens(messages.filter(isFailed))) {
    const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries }));
  }
}

/**
 * What "Start DLQ redrive" of SQS does (StartMessageMoveTask, which no server here speaks): every dead letter goes back into its
 * queue, as a new message. @returns how many.
 */
export async function redrive(sqs: SQSClient, dead: { url: string; arn: string }, url: string): Promise<number> {
  let moved = 0;
  for (;;) {
    const batch = await takeBatch(sqs, dead.url, dead.arn, 10);
    if (batch === undefined) return moved;
    for (const { Body } of batch.messages) await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: Body }));
    await settle(sqs, dead.url, batch.messages, new Set());
    moved += batch.messages.length;
  }
}

/**
 * What Lambda does for a queue, until it is empty: batches in, failed messages back. A handler that throws, or names a message
 * that was not in its batch, has failed with all of it.
 */
export async function workOff(
  sqs: SQSClient,
  queue: { url: string; arn: string },
  batchSize: number,
  invoke: (event: unknown) => Promise<unknown>,
): Promise<{ runs: number; worked: number; failed: number }> {
  const counts = { runs: 0, worked: 0, failed: 0 };
  for (;;) {
    const batch = await takeBatch(sqs, queue.url, queue.arn, batchSize);
    if (batch === undefined) return counts;
    const ids = new Set(batch.messages.map(({ MessageId = '' }) => MessageId));
    let failed = ids;
    try {
      const { batchItemFailures } = batchAnswer.parse(await invoke(batch.event));
      const named = batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
      if (named.every((id) => ids.has(id))) failed = new Set(named);
    } catch {
      // All of it comes again.
    }
    await settle(sqs, queue.url, batch.messages, failed);
    counts.runs += 1;
    counts.failed += failed.size;
    counts.worked += ids.size - failed.size;
  }
}
