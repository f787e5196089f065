import { Aws, CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { PolicyStatement, type Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { longestWriterSeconds } from '../../functions/core/key-change.ts';
import { lake as places } from '../../functions/core/lake.ts';
import type { HandlerName } from '../bundles.ts';
import { HandlerFunction } from '../constructs/handler-function.ts';
import { excuse, permit } from '../constructs/permissions.ts';
import { PrivateBucket } from '../constructs/private-bucket.ts';
import { WorkQueue } from '../constructs/work-queue.ts';
import type { Deployment } from '../deployment.ts';
import type { LakeStack } from './lake.ts';

export interface DoorsStackProps extends StackProps {
  deployment: Deployment;
  lake: LakeStack;
  bundles: Readonly<Record<HandlerName, string>>;
}

/** Largest landed file, in MB; the disk has as much again for what unpacking needs. */
const landingLimitMb = 4096;

/** How data comes in: over HTTP by way of a queue, and as files by a bucket of their own. */
export class DoorsStack extends Stack {
  readonly collect: HandlerFunction;
  readonly api: HttpApi;
  readonly apiStage: HttpStage;
  readonly events: WorkQueue;
  readonly landings: WorkQueue;

  constructor(scope: Construct, id: string, props: DoorsStackProps) {
    super(scope, id, props);
    const { bundles, lake } = props;
    const { name, aws } = props.deployment;
    const lakeEnvironment = (...secrets: ISecret[]) => ({
      LAKE_BUCKET: lake.lake.bucketName,
      SECRET_IDS: secrets.map((secret) => secret.secretArn).join(' '),
    });
    const readSecrets = (role: Role, ...secrets: ISecret[]) => {
      permit(role, {
        actions: ['secretsmanager:GetSecretValue'],
        resources: secrets.map((secret) => secret.secretArn),
      });
    };
    const useKey = (role: Role) => {
      permit(role, { actions: ['kms:GenerateDataKey', 'kms:Decrypt'], resources: [lake.key.keyArn] });
    };
    const inLake = (...prefixes: string[]) => prefixes.map((prefix) => `${lake.lake.arn}/${prefix}*`);

    const storeTimeout = Duration.minutes(1);
    const store = new HandlerFunction(this, 'Store', {
      name: `${name}-store`,
      bundle: bundles.store,
      memoryMb: 1024,
      timeout: storeTimeout,
      environment: lakeEnvironment(lake.identifierKey),
    });
    readSecrets(store.role, lake.identifierKey);
    useKey(store.role);
    permit(store.role, {
      actions: ['s3:PutObject'],
      resources: inLake(places.rawEvents, places.rawCosts, places.rejected, places.vaultNew),
      because: 'objects are named by what they hold; the role writes below these prefixes of the lake alone',
    });
    permit(store.role, {
      actions: ['s3:GetObject'],
      resources: inLake(places.queued, places.erased),
      because: 'it reads large messages and marks of erasures, which are named by what they are, below these prefixes',
    });
    permit(store.role, {
      actions: ['s3:ListBucket'],
      resources: [lake.lake.arn],
      conditions: { StringLike: { 's3:prefix': [`${places.erased}*`] } },
    });
    this.events = new WorkQueue(this, 'Events', {
      name: `${name}-events`,
      worker: store,
      workerTimeout: storeTimeout,
      // Few large objects rather than many small ones: at most one a kind, day and run.
      batchSize: 10_000,
      gather: Duration.minutes(5),
      maxReceives: 5,
      concurrency: 2,
    });

    this.collect = new HandlerFunction(this, 'Collect', {
      name: `${name}-collect`,
      bundle: bundles.collect,
      memoryMb: 1024,
      timeout: Duration.seconds(10),
      environment: {
        ...lakeEnvironment(lake.identifierKey, lake.senders),
        QUEUE_URL: this.events.queue.queueUrl,
      },
      // Lambda's share of calls that are recorded cannot be set, and one in twenty of the door's would be its dearest part.
      isTraced: false,
    });
    readSecrets(this.collect.role, lake.identifierKey, lake.senders);
    useKey(this.collect.role);
    permit(this.collect.role, { actions: ['sqs:SendMessage'], resources: [this.events.queue.queueArn] });
    permit(this.collect.role, {
      actions: ['s3:PutObject'],
      resources: inLake(places.queued),
      because: 'a message too large for the queue is named by what it holds, below this prefix of the lake alone',
    });

    this.api = new HttpApi(this, 'Api', {
      apiName: name,
      description: `Percorso, ${name}: what docs/collect.md describes`,
      createDefaultStage: false,
      defaultIntegration: new HttpLambdaIntegration('CollectIntegration', this.collect.lambda),
    });
    const requests = new LogGroup(this, 'Requests', {
      logGroupName: `/percorso/${name}-requests`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // One line a request, with neither the sender's address nor what it asked for: picture requests hold the event itself.
    const said = ['requestId', 'requestTime', 'status', 'responseLatency', 'integrationLatency', 'responseLength'];
    this.apiStage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: aws.requestsPerSecond, burstLimit: aws.requestsPerSecond * 2 },
      accessLogSettings: {
        destination: new LogGroupLogDestination(requests),
        format: AccessLogFormat.custom(JSON.stringify(Object.fromEntries(said.map((one) => [one, `$context.${one}`])))),
      },
    });
    excuse(
      this.api,
      'AwsSolutions-APIG4',
      'browsers and SDKs bring write keys, hooks are signed: the handler judges both, and an authorizer could not read either',
    );
    new CfnOutput(this, 'Door', { value: this.api.apiEndpoint, description: 'The address that SDKs and hooks call' });

    this.landings = this.addLanding(props, {
      readSecrets,
      useKey,
      inLake,
      environment: lakeEnvironment(lake.identifierKey, lake.senders),
    });
  }

  private addLanding(
    { bundles, lake, deployment: { name } }: DoorsStackProps,
    tools: {
      readSecrets(role: Role, ...secrets: ISecret[]): void;
      useKey(role: Role): void;
      inLake(...prefixes: string[]): string[];
      environment: Record<string, string>;
    },
  ): WorkQueue {
    const landing = new PrivateBucket(this, 'Landing', {
      name: `${name}-landing`,
      key: lake.key,
      accessLogs: lake.accessLogs,
      // Each upload is a version of its own, so that the one that was imported can be removed and no other.
      isVersioned: true,
      onRemoval: 'refuse',
      // Files hold addresses in plain: they go once they are taken in, and refused ones after a month.
      lifecycle: [
        { id: 'refused', expiration: Duration.days(30), noncurrentVersionExpiration: Duration.days(7) },
        { id: 'markers', expiredObjectDeleteMarker: true },
      ],
    });
    const timeout = Duration.seconds(longestWriterSeconds);
    const importer = new HandlerFunction(this, 'Import', {
      name: `${name}-import`,
      bundle: bundles.import,
      memoryMb: 2048,
      timeout,
      environment: { ...tools.environment, LANDING_LIMIT_MB: String(landingLimitMb) },
      diskMb: 2 * landingLimitMb,
    });
    const { role } = importer;
    tools.readSecrets(role, lake.identifierKey, lake.senders);
    tools.useKey(role);
    permit(role, {
      actions: ['s3:PutObject'],
      resources: tools.inLake(places.rawEvents, places.rawCosts, places.rejected, places.vaultNew, places.imports),
      because: 'objects are named by what they hold; the role writes below these prefixes of the lake alone',
    });
    permit(role, {
      actions: ['s3:GetObject'],
      resources: tools.inLake(places.rawCosts, places.imports, places.erased),
      because:
        'former costs, the ledger of imports and marks of erasures are read below these prefixes before it writes',
    });
    permit(role, { actions: ['s3:ListBucket'], resources: [lake.lake.arn, landing.arn] });
    permit(role, {
      actions: ['s3:GetObjectVersion', 's3:DeleteObjectVersion'],
      resources: [`${landing.arn}/*`],
      because: 'files are named by whoever drops them; the bucket holds nothing else',
    });
    const landings = new WorkQueue(this, 'Landings', {
      name: `${name}-landings`,
      worker: importer,
      workerTimeout: timeout,
      batchSize: 1,
      gather: Duration.seconds(0),
      maxReceives: 3,
      concurrency: 2,
    });
    landings.queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [landings.queue.queueArn],
        conditions: {
          ArnEquals: { 'aws:SourceArn': landing.arn },
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
        },
      }),
    );
    const bucket = landing.bucket.node.defaultChild;
    if (!(bucket instanceof CfnBucket)) throw new Error('the landing bucket has no resource');
    bucket.notificationConfiguration = {
      queueConfigurations: [{ event: 's3:ObjectCreated:*', queue: landings.queue.queueArn }],
    };
    // S3 refuses a notification to a queue that does not let it in yet.
    landing.bucket.node.addDependency(landings.queue.node.findChild('Policy'));
    new CfnOutput(this, 'LandingBucket', { value: landing.bucketName, description: 'Files dropped here are imported' });
    return landings;
  }
}
