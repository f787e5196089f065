import { Aws, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { CfnDatabase } from 'aws-cdk-lib/aws-glue';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { CfnSecret, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { rawCostColumns } from '../../functions/core/cost.ts';
import { rawEventColumns } from '../../functions/core/event.ts';
import { lake as places } from '../../functions/core/lake.ts';
import { excuse } from '../constructs/permissions.ts';
import { PrivateBucket } from '../constructs/private-bucket.ts';
import { RawTable } from '../constructs/raw-table.ts';
import type { Deployment } from '../deployment.ts';

export interface LakeStackProps extends StackProps {
  deployment: Deployment;
}

const rejectedColumns = {
  source: 'varchar',
  reason: 'varchar',
  rejected_at: 'varchar',
  message: 'varchar',
} as const;
const unlinkColumns = { identifier_a: 'varchar', identifier_b: 'varchar', unlinked_at: 'varchar' } as const;

/** How long messages may wait in a queue (14 days) and a little more. */
const queuedDays = 16;

/**
 * All that must outlive everything else: the lake and the key and secrets without which it says nothing, and what names it
 * to SQL. Its resources stay when it is deleted, and it cannot be deleted by mistake.
 */
export class LakeStack extends Stack {
  readonly key: Key;
  readonly lake: PrivateBucket;
  readonly accessLogs: Bucket;
  /** Results of queries, and the tables of a build while it runs. */
  readonly results: PrivateBucket;
  readonly identifierKey: ISecret;
  readonly senders: ISecret;
  readonly workgroup: string;

  constructor(scope: Construct, id: string, props: LakeStackProps) {
    super(scope, id, props);
    const { name, database, aws, company } = props.deployment;

    this.key = new Key(this, 'Key', {
      alias: `percorso/${name}`,
      description: `Percorso, ${name}: encrypts the lake, the landing bucket, query results, secrets and alarms`,
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // Alarms go to an encrypted topic, so CloudWatch must be able to write to it.
    this.key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );

    // CloudFront reads the site, which is encrypted with this key, for distributions of this account alone.
    this.key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudfront.amazonaws.com')],
        actions: ['kms:Decrypt'],
        resources: ['*'],
        conditions: {
          ArnLike: { 'aws:SourceArn': `arn:${Aws.PARTITION}:cloudfront::${Aws.ACCOUNT_ID}:distribution/*` },
        },
      }),
    );

    this.accessLogs = new Bucket(this, 'AccessLogs', {
      bucketName: `${name}-logs-${Aws.ACCOUNT_ID}`,
      // S3 delivers access logs to no bucket with another key.
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      lifecycleRules: [{ id: 'old', expiration: Duration.days(90) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    excuse(this.accessLogs, 'AwsSolutions-S1', 'it holds the access logs of the others; its own would log themselves');

    this.lake = new PrivateBucket(this, 'Lake', {
      name: `${name}-lake`,
      key: this.key,
      accessLogs: this.accessLogs,
      isVersioned: true,
      onRemoval: 'retain',
      lifecycle: [
        // Long enough to notice a mistake, short enough for what a person asked to be forgotten.
        { id: 'former-versions', noncurrentVersionExpiration: Duration.days(30) },
        { id: 'markers', expiredObjectDeleteMarker: true },
        // Each night replaces tables. Builds that readers may go back to are kept as builds, not as versions.
        { id: 'former-builds', prefix: places.builds, noncurrentVersionExpiration: Duration.days(1) },
        {
          id: 'rejected',
          prefix: places.rejected,
          expiration: Duration.days(company.config.retention.rejectedDays),
          noncurrentVersionExpiration: Duration.days(1),
        },
        {
          id: 'queued',
          prefix: places.queued,
          expiration: Duration.days(queuedDays),
          noncurrentVersionExpiration: Duration.days(1),
        },
        ...(company.config.retention.rawDays === undefined
          ? []
          : [
              {
                id: 'raw-events',
                prefix: places.rawEvents,
                expiration: Duration.days(company.config.retention.rawDays),
                noncurrentVersionExpiration: Duration.days(1),
              },
            ]),
      ],
    });

    // The site is made anew when the pointer of the published build moves.
    const bucket = this.lake.bucket.node.defaultChild;
    if (!(bucket instanceof CfnBucket)) throw new Error('the lake has no resource');
    bucket.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };

    this.results = new PrivateBucket(this, 'Results', {
      name: `${name}-results`,
      key: this.key,
      accessLogs: this.accessLogs,
      isVersioned: false,
      onRemoval: 'refuse',
      lifecycle: [{ id: 'old', expiration: Duration.days(7) }],
    });

    const glue = new CfnDatabase(this, 'Database', {
      catalogId: Aws.ACCOUNT_ID,
      databaseInput: { name: database, description: `Percorso, ${name}` },
    });
    glue.applyRemovalPolicy(RemovalPolicy.RETAIN);
    const tables = {
      raw_events: {
        columns: rawEventColumns,
        prefix: places.rawEvents,
        days: { column: 'received_day', from: aws.firstDay },
      },
      raw_costs: { columns: rawCostColumns, prefix: places.rawCosts },
      rejected_index: {
        columns: rejectedColumns,
        prefix: places.rejected,
        days: { column: 'rejected_day', from: aws.firstDay },
      },
      raw_unlinks: { columns: unlinkColumns, prefix: places.unlinks },
    };
    for (const [table, of] of Object.entries(tables)) {
      const made = new RawTable(this, table, { database, table, bucketName: this.lake.bucketName, ...of });
      made.table.addResourceDependency(glue);
    }

    this.workgroup = `percorso-${name}`;
    new CfnWorkGroup(this, 'Workgroup', {
      name: this.workgroup,
      description: `Percorso, ${name}: no query reads more than ${aws.scanLimitGb} GB`,
      recursiveDeleteOption: false,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: Math.round(aws.scanLimitGb * 1e9),
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: `s3://${this.results.bucketName}/`,
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: this.key.keyArn },
        },
      },
    });

    // Made once, at random. Whoever changes what stands here makes a new key of it, and every person a stranger.
    const identifierKey = new CfnSecret(this, 'IdentifierKey', {
      name: `percorso/${name}/identifier-key`,
      description: 'The secret of the keyed hashes. Never replace it: every person would become a stranger.',
      kmsKeyId: this.key.keyArn,
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: company.config.secrets.identifierKeyEnv,
        passwordLength: 64,
        excludeUppercase: true,
        excludePunctuation: true,
        includeSpace: false,
        // What is left are the hex digits.
        excludeCharacters: 'ghijklmnopqrstuvwxyz',
      },
    });
    const senders = new CfnSecret(this, 'Senders', {
      name: `percorso/${name}/senders`,
      description:
        'Write keys, hook and login secrets, the public key of the vault: {"NAME": "value"}, each name as percorso.config.ts has it',
      kmsKeyId: this.key.keyArn,
      secretString: '{}',
    });
    for (const secret of [identifierKey, senders]) secret.applyRemovalPolicy(RemovalPolicy.RETAIN);
    excuse(
      identifierKey,
      'AwsSolutions-SMG4',
      'another key would make a stranger of every person; it is changed by hand',
    );
    excuse(senders, 'AwsSolutions-SMG4', 'a write key is changed together with the site or shop that sends with it');
    const named = (secret: CfnSecret, as: string) =>
      Secret.fromSecretAttributes(this, as, { secretCompleteArn: secret.ref, encryptionKey: this.key });
    this.identifierKey = named(identifierKey, 'IdentifierKeyRead');
    this.senders = named(senders, 'SendersRead');
  }
}
