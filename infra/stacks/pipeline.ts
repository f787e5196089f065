import { Aws, CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { leaseSeconds, lake as places } from '../../functions/core/lake.ts';
import type { HandlerName } from '../bundles.ts';
import { BuildMachine } from '../constructs/build-machine.ts';
import { HandlerFunction } from '../constructs/handler-function.ts';
import { permit } from '../constructs/permissions.ts';
import type { Deployment } from '../deployment.ts';
import type { LakeStack } from './lake.ts';

export interface PipelineStackProps extends StackProps {
  deployment: Deployment;
  lake: LakeStack;
  bundles: Readonly<Record<HandlerName, string>>;
}

/** Raw to published tables: once a night, in the company's time zone, one build at a time. */
export class PipelineStack extends Stack {
  readonly machine: StateMachine;
  /** What the Lambda of the builds says. */
  readonly buildLog: ILogGroup;

  constructor(scope: Construct, id: string, props: PipelineStackProps) {
    super(scope, id, props);
    const { lake, bundles, deployment } = props;
    const { name, database, company, aws } = deployment;
    const [hour, minute] = aws.buildAt.split(':').map(Number);

    const build = new HandlerFunction(this, 'Build', {
      name: `${name}-build`,
      bundle: bundles.build,
      memoryMb: 2048,
      timeout: Duration.minutes(15),
      environment: {
        LAKE_BUCKET: lake.lake.bucketName,
        TABLES_BUCKET: lake.results.bucketName,
        WORKGROUP: lake.workgroup,
        RAW_DATABASE: database,
      },
    });
    this.buildLog = build.log;
    this.useAthena(build.role, props);
    permit(build.role, {
      actions: ['s3:PutObject', 's3:DeleteObject'],
      resources: [`${lake.lake.arn}/marts/*`],
      because:
        'builds and leases are named by their time; the role writes and prunes below this prefix of the lake alone',
    });

    const role = new Role(this, 'MachineRole', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    this.useAthena(role, props);
    permit(role, { actions: ['lambda:InvokeFunction'], resources: [build.lambda.functionArn] });
    const topicArn = `arn:${Aws.PARTITION}:sns:${Aws.REGION}:${Aws.ACCOUNT_ID}:percorso-${name}-alarms`;
    permit(role, { actions: ['sns:Publish'], resources: [topicArn] });
    permit(role, {
      actions: [
        'logs:CreateLogDelivery',
        'logs:GetLogDelivery',
        'logs:UpdateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:DescribeResourcePolicies',
        'logs:DescribeLogGroups',
        'xray:PutTraceSegments',
        'xray:PutTelemetryRecords',
        'xray:GetSamplingRules',
        'xray:GetSamplingTargets',
      ],
      resources: ['*'],
      because: 'deliveries of logs and traces know no resource to name',
    });
    const { machine } = new BuildMachine(this, 'Nightly', {
      name: `${name}-build`,
      tasks: build.lambda,
      role,
      workgroup: lake.workgroup,
      topicArn,
      timeout: Duration.seconds(leaseSeconds),
      concurrency: 4,
    });
    this.machine = machine;

    const starter = new Role(this, 'ScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    });
    permit(starter, { actions: ['states:StartExecution'], resources: [machine.stateMachineArn] });
    new CfnSchedule(this, 'Schedule', {
      name: `${name}-build`,
      description: `Percorso, ${name}: the nightly build`,
      scheduleExpression: `cron(${minute} ${hour} * * ? *)`,
      scheduleExpressionTimezone: company.config.timeZone,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: machine.stateMachineArn,
        roleArn: starter.roleArn,
        input: '{}',
        retryPolicy: { maximumRetryAttempts: 3, maximumEventAgeInSeconds: 3600 },
      },
    });
    new CfnOutput(this, 'BuildMachine', {
      value: machine.stateMachineArn,
      description: 'Started each night; docs/aws.md',
    });
  }

  /** What Athena does for whoever asks it: it has no rights of its own. */
  private useAthena(role: Role, { lake, deployment: { database } }: PipelineStackProps): void {
    permit(role, {
      actions: [
        'athena:StartQueryExecution',
        'athena:GetQueryExecution',
        'athena:GetQueryResults',
        'athena:StopQueryExecution',
        'athena:GetWorkGroup',
      ],
      resources: [`arn:${Aws.PARTITION}:athena:${Aws.REGION}:${Aws.ACCOUNT_ID}:workgroup/${lake.workgroup}`],
    });
    permit(role, {
      actions: ['athena:GetDataCatalog'],
      resources: [`arn:${Aws.PARTITION}:athena:${Aws.REGION}:${Aws.ACCOUNT_ID}:datacatalog/AwsDataCatalog`],
    });
    const glue = (resource: string) => `arn:${Aws.PARTITION}:glue:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
    permit(role, {
      actions: ['glue:GetDatabase', 'glue:GetTable', 'glue:GetTables', 'glue:GetPartitions', 'glue:GetPartition'],
      resources: [glue('catalog'), glue(`database/${database}`), glue(`table/${database}/*`)],
      because: 'the raw tables are read, all of them',
    });
    // Athena looks for it with each statement, and fails where it may not.
    permit(role, { actions: ['glue:GetDatabase'], resources: [glue('database/default')] });
    permit(role, {
      actions: [
        'glue:CreateDatabase',
        'glue:DeleteDatabase',
        'glue:GetDatabase',
        'glue:CreateTable',
        'glue:UpdateTable',
        'glue:DeleteTable',
        'glue:BatchDeleteTable',
        'glue:GetTable',
        'glue:GetTables',
        'glue:BatchCreatePartition',
        'glue:CreatePartition',
        'glue:DeletePartition',
        'glue:BatchDeletePartition',
        'glue:GetPartition',
        'glue:GetPartitions',
        'glue:BatchGetPartition',
      ],
      resources: [
        glue('catalog'),
        glue(`database/${database}_run_*`),
        glue(`table/${database}_run_*/*`),
        // Dropping a database asks for its functions too, of which there are none.
        glue(`userDefinedFunction/${database}_run_*/*`),
      ],
      because: 'each build has a database of its own, named by its time, and drops it',
    });
    permit(role, {
      actions: [
        's3:GetObject',
        's3:PutObject',
        's3:DeleteObject',
        's3:AbortMultipartUpload',
        's3:ListMultipartUploadParts',
      ],
      resources: [`${lake.results.arn}/*`],
      because: 'tables of a build and results of queries lie there, and nothing else',
    });
    permit(role, {
      actions: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
      resources: [lake.results.arn, lake.lake.arn],
    });
    permit(role, {
      actions: ['s3:GetObject'],
      resources: ['raw/', places.rejected, 'people/', 'marts/'].map((prefix) => `${lake.lake.arn}/${prefix}*`),
      because: 'a build reads all that came in, and the last build',
    });
    permit(role, {
      actions: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      resources: [`${lake.lake.arn}/${places.builds}*`],
      because: 'files for readers are named by the engine, below the folder of their build',
    });
    permit(role, { actions: ['kms:GenerateDataKey', 'kms:Decrypt'], resources: [lake.key.keyArn] });
  }
}
