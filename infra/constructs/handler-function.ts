import { type Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { excuse, permit } from './permissions.ts';

export interface HandlerFunctionProps {
  /** `acme-prod-collect`. */
  name: string;
  /** The folder that holds its bundle. */
  bundle: string;
  memoryMb: number;
  timeout: Duration;
  environment: Record<string, string>;
  diskMb?: number;
  /** X-Ray records some of its calls; else only those that a caller marks (`X-Amzn-Trace-Id: ...;Sampled=1`). On by default. */
  isTraced?: boolean;
}

/** A Lambda of ours: its bundle, a role of its own that may write its own log and nothing else yet, and that log. */
export class HandlerFunction extends Construct {
  readonly lambda: LambdaFunction;
  readonly role: Role;
  readonly log: LogGroup;

  constructor(scope: Construct, id: string, props: HandlerFunctionProps) {
    super(scope, id);
    this.log = new LogGroup(this, 'Log', {
      logGroupName: `/percorso/${props.name}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    permit(this.role, { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [this.log.logGroupArn] });
    this.lambda = new LambdaFunction(this, 'Function', {
      functionName: props.name,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(props.bundle),
      handler: 'index.handler',
      memorySize: props.memoryMb,
      timeout: props.timeout,
      environment: props.environment,
      role: this.role,
      logGroup: this.log,
      loggingFormat: LoggingFormat.JSON,
      // Lambda's own three lines a call would cost more than the call: metrics count calls, and errors are still told.
      systemLogLevelV2: SystemLogLevel.WARN,
      tracing: props.isTraced === false ? Tracing.PASS_THROUGH : Tracing.ACTIVE,
      ...(props.diskMb === undefined ? {} : { ephemeralStorageSize: Size.mebibytes(props.diskMb) }),
    });
    excuse(
      this.role,
      'AwsSolutions-IAM5[Resource::*]',
      'X-Ray takes traces of the whole account and knows no resource to name (xray:PutTraceSegments, xray:PutTelemetryRecords)',
    );
  }
}
