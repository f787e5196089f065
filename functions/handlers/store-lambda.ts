import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readQueueText } from '#adapters/sqs-queue';
import { storeDeliveries } from '#pipeline/arrivals/drain';
import { openLambdaCompany } from './lambda-company.ts';
import { causeOf, log } from './lambda-log.ts';

const company = await openLambdaCompany(process.env);

/**
 * The queue into raw objects. A message that cannot be read fails alone, and goes to the dead letters after its receives;
 * where the lake cannot be written the whole batch fails and comes again, to the same end.
 */
export async function handler(event: SQSEvent): Promise<SQSBatchResponse> {
  const failed: string[] = [];
  const ids: string[] = [];
  const bodies: Uint8Array[] = [];
  for (const { messageId, body } of event.Records) {
    try {
      bodies.push(await readQueueText(body, company.lake));
      ids.push(messageId);
    } catch (error) {
      log('error', 'message_unreadable', { message: messageId, ...causeOf(error) });
      failed.push(messageId);
    }
  }
  const keyOf = async (generation: number) => (await company.secrets(generation)).identifierKey;
  const { counts, unreadable } = await storeDeliveries(company.lake, keyOf, bodies);
  for (const { index, why } of unreadable) {
    const messageId = ids[index] ?? '';
    log('error', 'message_unreadable', { message: messageId, ...causeOf(why), mend: why.mend ?? '' });
    failed.push(messageId);
  }
  log('info', 'stored', { messages: event.Records.length, failed: failed.length, ...counts });
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}
