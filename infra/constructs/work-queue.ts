import { Duration } from 'aws-cdk-lib';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { HandlerFunction } from './handler-function.ts';
import { permit } from './permissions.ts';

export interface WorkQueueProps {
  /** `acme-prod-events`; the dead letters' queue is called the same with `-dead` behind. */
  name: string;
  worker: HandlerFunction;
  workerTimeout: Duration;
  batchSize: number;
  /** How long messages gather before the worker is called. */
  gather: Duration;
  maxReceives: number;
  /** Runs of the worker at a time: 2 at least, by SQS. */
  concurrency: number;
}

const keptFor = Duration.days(14);

/**
 * A queue with its dead letters and the Lambda that works it off, which reports messages that failed one by one. Both keep
 * what they hold for 14 days. They are encrypted with SQS's own key: what waits holds keyed hashes, and a call to KMS for
 * each message would cost more than the queue.
 */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly worker: HandlerFunction;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    this.worker = props.worker;
    this.deadLetters = new Queue(this, 'DeadLetters', {
      queueName: `${props.name}-dead`,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: keptFor,
    });
    this.queue = new Queue(this, 'Queue', {
      queueName: props.name,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: keptFor,
      // A message must stay hidden while it gathers, waits for a free run and is worked on.
      visibilityTimeout: props.workerTimeout.plus(props.gather).plus(props.workerTimeout),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: props.maxReceives },
    });
    new EventSourceMapping(this, 'Source', {
      target: props.worker.lambda,
      eventSourceArn: this.queue.queueArn,
      batchSize: props.batchSize,
      maxBatchingWindow: props.gather,
      maxConcurrency: props.concurrency,
      reportBatchItemFailures: true,
    });
    permit(props.worker.role, {
      actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
      resources: [this.queue.queueArn],
    });
  }
}
