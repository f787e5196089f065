import { CreateDatabaseCommand, CreateTableCommand, type GlueClient } from '@aws-sdk/client-glue';
import { CreateBucketCommand, PutBucketVersioningCommand, type S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import type { LambdaSpec } from './lambda.ts';
import { type Known, readTemplates, resolved } from './templates.ts';

export const region = 'eu-south-1';
const account = '123456789012';

export interface Clients {
  s3: S3Client;
  sqs: SQSClient;
  glue: GlueClient;
  secrets: SecretsManagerClient;
}

export interface EventSource {
  queueArn: string;
  functionArn: string;
  batchSize: number;
}

export interface Deployed {
  /** By name, as `acme-test-collect`. */
  lambdas: Map<string, LambdaSpec>;
  sources: EventSource[];
  /** Address of each queue by its name, and the other way by its ARN. */
  queues: Map<string, { url: string; arn: string; maxReceives: number | undefined }>;
  buckets: string[];
  /** The queue that hears of new objects of a bucket, by the bucket's name. */
  notified: Map<string, string>;
  secretNames: string[];
  workgroups: string[];
  /** Definitions by the machine's name. */
  machines: Map<string, string>;
}

const text = z.string();
const shapes = {
  'AWS::S3::Bucket': z.looseObject({
    BucketName: text,
    VersioningConfiguration: z.object({ Status: text }).optional(),
    NotificationConfiguration: z
      .looseObject({ QueueConfigurations: z.array(z.object({ Event: text, Queue: text })).default([]) })
      .optional(),
  }),
  'AWS::SQS::Queue': z.looseObject({
    QueueName: text,
    MessageRetentionPeriod: z.number(),
    VisibilityTimeout: z.number().optional(),
    RedrivePolicy: z.object({ deadLetterTargetArn: text, maxReceiveCount: z.number() }).optional(),
  }),
  'AWS::Glue::Database': z.object({ DatabaseInput: z.looseObject({ Name: text }) }),
  'AWS::Glue::Table': z.object({ DatabaseName: text, TableInput: z.looseObject({ Name: text }) }),
  'AWS::Lambda::Function': z.looseObject({
    FunctionName: text,
    Handler: text,
    Timeout: z.number(),
    Code: z.object({ S3Key: text }),
    Environment: z.object({ Variables: z.record(text, text) }),
  }),
  'AWS::Lambda::EventSourceMapping': z.looseObject({
    EventSourceArn: text,
    FunctionName: text,
    BatchSize: z.number(),
    FunctionResponseTypes: z.tuple([z.literal('ReportBatchItemFailures')]),
  }),
  'AWS::Athena::WorkGroup': z.looseObject({ Name: text }),
  'AWS::StepFunctions::StateMachine': z.looseObject({ StateMachineName: text, DefinitionString: text }),
  'AWS::SecretsManager::Secret': z.looseObject({
    Name: text,
    SecretString: text.optional(),
    GenerateSecretString: z.object({ GenerateStringKey: text, SecretStringTemplate: text }).loose().optional(),
  }),
};

/**
 * Makes what the templates describe, as far as data runs through it: buckets, queues, secrets, database, tables. The rest
 * (roles, alarms) is what the tests of infra/ hold. Resources are made in the order in which they refer to each other.
 * @param generated stands in for what Secrets Manager makes at random.
 */
export async function deploy(folder: string, clients: Clients, generated: string): Promise<Deployed> {
  const known: Known = {
    attributes: new Map([
      ['AWS::AccountId', { Ref: account }],
      ['AWS::Region', { Ref: region }],
      ['AWS::Partition', { Ref: 'aws' }],
      ['AWS::URLSuffix', { Ref: 'amazonaws.com' }],
    ]),
    exports: new Map(),
  };
  const result: Deployed = {
    lambdas: new Map(),
    sources: [],
    queues: new Map(),
    buckets: [],
    notified: new Map(),
    secretNames: [],
    workgroups: [],
    machines: new Map(),
  };
  for (const template of readTemplates(folder)) {
    // An id counts within its stack.
    const here: Known = { attributes: new Map(known.attributes), exports: known.exports };
    const make = makers(clients, result, template.assetFolder, generated);
    let waiting = template.resources;
    while (waiting.length > 0) {
      const later: typeof waiting = [];
      let reason: unknown;
      for (const entry of waiting) {
        const [id, { Type, Properties }] = entry;
        let properties: unknown;
        try {
          properties = resolved(Properties ?? {}, here);
        } catch (error) {
          // What it refers to is made in the next round.
          reason ??= error;
          later.push(entry);
          continue;
        }
        here.attributes.set(id, await make(id, Type, properties));
      }
      if (later.length === waiting.length) throw reason;
      waiting = later;
    }
    for (const { Value, Export } of Object.values(template.outputs)) {
      if (Export !== undefined) known.exports.set(Export.Name, String(resolved(Value, here)));
    }
  }
  return result;
}

function makers(
  { s3, sqs, glue, secrets }: Clients,
  result: Deployed,
  assetFolder: (hash: string) => string,
  generated: string,
): (id: string, type: string, properties: unknown) => Promise<Record<string, string>> {
  return async (id, type, properties) => {
    switch (type) {
      case 'AWS::S3::Bucket': {
        const bucket = shapes[type].parse(properties);
        const Bucket = bucket.BucketName;
        await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }));
        if (bucket.VersioningConfiguration?.Status === 'Enabled') {
          await s3.send(
            new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' as const } }),
          );
        }
        result.buckets.push(Bucket);
        for (const { Queue } of bucket.NotificationConfiguration?.QueueConfigurations ?? []) {
          result.notified.set(Bucket, Queue);
        }
        const RegionalDomainName = `${Bucket}.s3.${region}.amazonaws.com`;
        return { Ref: Bucket, Arn: `arn:aws:s3:::${Bucket}`, RegionalDomainName };
      }
      case 'AWS::SQS::Queue': {
        const queue = shapes[type].parse(properties);
        const Attributes = {
          MessageRetentionPeriod: String(queue.MessageRetentionPeriod),
          VisibilityTimeout: String(queue.VisibilityTimeout ?? 30),
          ...(queue.RedrivePolicy === undefined ? {} : { RedrivePolicy: JSON.stringify(queue.RedrivePolicy) }),
        };
        const { QueueUrl: url = '' } = await sqs.send(
          new CreateQueueCommand({ QueueName: queue.QueueName, Attributes }),
        );
        const told = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }));
        const arn = told.Attributes?.QueueArn ?? '';
        result.queues.set(queue.QueueName, { url, arn, maxReceives: queue.RedrivePolicy?.maxReceiveCount });
        return { Ref: url, Arn: arn, QueueName: queue.QueueName };
      }
      case 'AWS::Glue::Database': {
        const { DatabaseInput } = shapes[type].parse(properties);
        await glue.send(new CreateDatabaseCommand({ DatabaseInput }));
        return { Ref: DatabaseInput.Name };
      }
      case 'AWS::Glue::Table': {
        const { DatabaseName, TableInput } = shapes[type].parse(properties);
        // CloudFormation writes the fields of the API with capitals, as the API does.
        await glue.send(new CreateTableCommand({ DatabaseName, TableInput }));
        return { Ref: TableInput.Name };
      }
      case 'AWS::SecretsManager::Secret': {
        const { Name, SecretString, GenerateSecretString } = shapes[type].parse(properties);
        const made =
          GenerateSecretString === undefined
            ? SecretString
            : JSON.stringify({
                ...JSON.parse(GenerateSecretString.SecretStringTemplate),
                [GenerateSecretString.GenerateStringKey]: generated,
              });
        const { ARN = '' } = await secrets.send(new CreateSecretCommand({ Name, SecretString: made }));
        result.secretNames.push(Name);
        return { Ref: ARN, Id: ARN };
      }
      case 'AWS::Lambda::Function': {
        const { FunctionName, Handler, Timeout, Code, Environment } = shapes[type].parse(properties);
        const arn = `arn:aws:lambda:${region}:${account}:function:${FunctionName}`;
        result.lambdas.set(FunctionName, {
          arn,
          folder: assetFolder(Code.S3Key.replace(/\.zip$/, '')),
          handler: Handler,
          env: Environment.Variables,
          timeoutSeconds: Timeout,
        });
        return { Ref: FunctionName, Arn: arn };
      }
      case 'AWS::Lambda::EventSourceMapping': {
        const { EventSourceArn, FunctionName, BatchSize } = shapes[type].parse(properties);
        result.sources.push({ queueArn: EventSourceArn, functionArn: FunctionName, batchSize: BatchSize });
        return { Ref: id };
      }
      case 'AWS::Athena::WorkGroup': {
        const { Name } = shapes[type].parse(properties);
        result.workgroups.push(Name);
        return { Ref: Name };
      }
      case 'AWS::StepFunctions::StateMachine': {
        const { StateMachineName, DefinitionString } = shapes[type].parse(properties);
        result.machines.set(StateMachineName, DefinitionString);
        return { Ref: `arn:aws:states:${region}:${account}:stateMachine:${StateMachineName}`, Name: StateMachineName };
      }
      default:
        return new Proxy({ Ref: id }, { get: (_, name) => `${String(name)}-of-${id}` });
    }
  };
}
