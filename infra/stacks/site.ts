import { readFileSync } from 'node:fs';
import { Aws, CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  Function as EdgeFunction,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
  FunctionUrlOriginAccessControl,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  OriginRequestPolicy,
  PriceClass,
  ResponseHeadersPolicy,
  S3OriginAccessControl,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { FunctionUrlOrigin, S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { CfnProject } from 'aws-cdk-lib/aws-codebuild';
import { FeaturePlan, Mfa, OAuthScope, UserPool } from 'aws-cdk-lib/aws-cognito';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { lake as places } from '../../functions/core/lake.ts';
import type { HandlerName } from '../bundles.ts';
import { HandlerFunction } from '../constructs/handler-function.ts';
import { excuse, permit } from '../constructs/permissions.ts';
import { PrivateBucket } from '../constructs/private-bucket.ts';
import type { Deployment } from '../deployment.ts';
import { siteBuildspec } from '../site-source.ts';
import type { LakeStack } from './lake.ts';
import type { WatchStack } from './watch.ts';

export interface SiteStackProps extends StackProps {
  deployment: Deployment;
  lake: LakeStack;
  watch: WatchStack;
  bundles: Readonly<Record<HandlerName, string>>;
  /** The folder of what CodeBuild runs: infra/site-source.ts. */
  source: string;
}

const sessionKeyName = 'SESSION_KEY';

/** The dashboards: made after each publish, kept in a private bucket, read by whoever has signed in. */
export class SiteStack extends Stack {
  constructor(scope: Construct, id: string, props: SiteStackProps) {
    super(scope, id, props);
    const { lake, watch, deployment } = props;
    const { name } = deployment;
    const site = new PrivateBucket(this, 'Site', {
      name: `${name}-site`,
      key: lake.key,
      accessLogs: lake.accessLogs,
      isVersioned: false,
      // It is made of the lake again at any time.
      onRemoval: 'refuse',
      lifecycle: [],
    });
    const project = this.addBuild(props, site);
    const failures = new Metric({
      namespace: 'AWS/CodeBuild',
      metricName: 'FailedBuilds',
      dimensionsMap: { ProjectName: project },
      period: Duration.minutes(5),
      statistic: 'Sum',
    });
    const alarm = new Alarm(this, 'BuildFailed', {
      alarmName: `percorso-${name}-site-failed`,
      alarmDescription:
        'The dashboards could not be made anew; the old ones stay. The log /percorso/...-site-build says why',
      metric: failures,
      threshold: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(watch.topic));
    alarm.addOkAction(new SnsAction(watch.topic));
    this.addReading(props, site);
  }

  private addBuild({ deployment, lake, source }: SiteStackProps, site: PrivateBucket): string {
    const { name, stage } = deployment;
    const asset = new Asset(this, 'Source', { path: source });
    const log = new LogGroup(this, 'BuildLog', {
      logGroupName: `/percorso/${name}-site-build`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'BuildRole', { assumedBy: new ServicePrincipal('codebuild.amazonaws.com') });
    permit(role, { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [log.logGroupArn] });
    permit(role, {
      actions: ['s3:GetObject', 's3:GetObjectVersion'],
      resources: [`${asset.bucket.bucketArn}/${asset.s3ObjectKey}`],
    });
    permit(role, {
      actions: ['s3:ListBucket'],
      resources: [lake.lake.arn],
      conditions: { StringLike: { 's3:prefix': ['marts/*'] } },
    });
    permit(role, {
      actions: ['s3:GetObject'],
      resources: [`${lake.lake.arn}/marts/*`],
      because: 'it reads what is published, which lies below this prefix, and nothing else of the lake',
    });
    permit(role, { actions: ['s3:ListBucket'], resources: [site.arn] });
    permit(role, {
      actions: ['s3:PutObject', 's3:DeleteObject'],
      resources: [`${site.arn}/*`],
      because: 'pages are named as they are called; the bucket holds nothing else',
    });
    permit(role, { actions: ['kms:GenerateDataKey', 'kms:Decrypt'], resources: [lake.key.keyArn] });
    const projectName = `${name}-site`;
    const project = new CfnProject(this, 'Build', {
      name: projectName,
      description: `Percorso, ${name}: makes the dashboards of the published tables`,
      serviceRole: role.roleArn,
      encryptionKey: lake.key.keyArn,
      source: {
        type: 'S3',
        location: `${asset.s3BucketName}/${asset.s3ObjectKey}`,
        buildSpec: JSON.stringify(siteBuildspec(stage, site.bucketName)),
      },
      artifacts: { type: 'NO_ARTIFACTS' },
      environment: {
        type: 'LINUX_CONTAINER',
        image: 'aws/codebuild/amazonlinux-x86_64-standard:5.0',
        // The compiler of the pages takes 3.2 GB; this has 7.
        computeType: 'BUILD_GENERAL1_MEDIUM',
        privilegedMode: false,
        environmentVariables: [{ name: 'PERCORSO_LAKE_BUCKET', value: lake.lake.bucketName }],
      },
      logsConfig: { cloudWatchLogs: { status: 'ENABLED', groupName: log.logGroupName } },
      timeoutInMinutes: 30,
      queuedTimeoutInMinutes: 60,
      // An older build must not be put over a newer one.
      concurrentBuildLimit: 1,
    });
    const starter = new Role(this, 'StartRole', { assumedBy: new ServicePrincipal('events.amazonaws.com') });
    permit(starter, { actions: ['codebuild:StartBuild'], resources: [project.attrArn] });
    new CfnRule(this, 'Published', {
      name: `percorso-${name}-published`,
      description: 'The pointer to the published build has moved, whoever built it',
      eventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: [lake.lake.bucketName] }, object: { key: [places.current] } },
      },
      targets: [{ id: 'site', arn: project.attrArn, roleArn: starter.roleArn }],
    });
    return projectName;
  }

  private addReading({ deployment, lake, bundles }: SiteStackProps, site: PrivateBucket): void {
    const { name, aws } = deployment;
    const session = new CfnSecret(this, 'Session', {
      name: `percorso/${name}/site-session`,
      description: 'Signs the cookies of readers. Another one signs all of them out, once the stack is deployed again.',
      kmsKeyId: lake.key.keyArn,
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: sessionKeyName,
        passwordLength: 64,
        excludePunctuation: true,
        includeSpace: false,
      },
    });
    excuse(session, 'AwsSolutions-SMG4', 'another key signs every reader out; it is changed by hand');
    const parameterName = `/percorso/${name}/sign-in`;
    const signIn = new HandlerFunction(this, 'SignIn', {
      name: `${name}-sign-in`,
      bundle: bundles['sign-in'],
      memoryMb: 512,
      timeout: Duration.seconds(10),
      environment: {
        SIGN_IN_PARAMETER: parameterName,
        SECRET_IDS: [session.ref, ...(aws.signIn?.clientSecretName === undefined ? [] : [lake.senders.secretArn])].join(
          ' ',
        ),
      },
    });
    permit(signIn.role, {
      actions: ['secretsmanager:GetSecretValue'],
      resources: [session.ref, ...(aws.signIn?.clientSecretName === undefined ? [] : [lake.senders.secretArn])],
    });
    permit(signIn.role, { actions: ['kms:Decrypt'], resources: [lake.key.keyArn] });
    permit(signIn.role, {
      actions: ['ssm:GetParameter'],
      resources: [`arn:${Aws.PARTITION}:ssm:${Aws.REGION}:${Aws.ACCOUNT_ID}:parameter${parameterName}`],
    });

    const file = new URL('../site/viewer-request.js', import.meta.url);
    const code = readFileSync(file, 'utf8')
      .replace('SESSION_SECRET', `percorso/${name}/site-session`)
      .replace(':SESSION_KEY}}', `:${sessionKeyName}}}`);
    const edge = new EdgeFunction(this, 'ViewerRequest', {
      functionName: `percorso-${name}-viewer-request`,
      comment: 'Lets through who has signed in',
      runtime: FunctionRuntime.JS_2_0,
      code: FunctionCode.fromInline(code),
    });
    edge.node.addDependency(session);
    const first = [{ function: edge, eventType: FunctionEventType.VIEWER_REQUEST }];
    const headers = new ResponseHeadersPolicy(this, 'Headers', {
      responseHeadersPolicyName: `percorso-${name}`,
      comment: 'As `percorso dashboards serve` sends them, and TLS from now on',
      securityHeadersBehavior: {
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
        referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
        strictTransportSecurity: {
          accessControlMaxAge: Duration.days(730),
          includeSubdomains: true,
          override: true,
        },
        // The pages carry the rest of the policy themselves, with the hashes of their scripts; a page cannot forbid its own framing.
        contentSecurityPolicy: { contentSecurityPolicy: "frame-ancestors 'none'", override: true },
      },
      customHeadersBehavior: {
        customHeaders: [
          { header: 'Cross-Origin-Opener-Policy', value: 'same-origin', override: true },
          { header: 'Permissions-Policy', value: 'camera=(), microphone=(), geolocation=()', override: true },
        ],
      },
    });
    const address = signIn.lambda.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });
    const common = {
      viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
      functionAssociations: first,
      responseHeadersPolicy: headers,
    };
    // No header, cookie or query of the reader tells pages apart: the managed policies that heed the origin's word have the
    // host and all cookies in the key, so that each session would have a cache of its own.
    const pages = new CachePolicy(this, 'Pages', {
      cachePolicyName: `percorso-${name}-pages`,
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(0),
      maxTtl: Duration.days(365),
      enableAcceptEncodingGzip: true,
      enableAcceptEncodingBrotli: true,
    });
    const distribution = new Distribution(this, 'Distribution', {
      comment: `Percorso, ${name}: the dashboards`,
      defaultRootObject: 'index.html',
      httpVersion: HttpVersion.HTTP2_AND_3,
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      priceClass: PriceClass.PRICE_CLASS_100,
      // Pages say `no-cache`, so that a reader meets the newest; what is named by its content is kept for a year.
      defaultBehavior: {
        ...common,
        origin: S3BucketOrigin.withOriginAccessControl(site.bucket, {
          originAccessControl: new S3OriginAccessControl(this, 'SiteAccess', {
            originAccessControlName: `percorso-${name}-site`,
          }),
        }),
        cachePolicy: pages,
        compress: true,
      },
      additionalBehaviors: {
        '/auth/*': {
          ...common,
          origin: FunctionUrlOrigin.withOriginAccessControl(address, {
            originAccessControl: new FunctionUrlOriginAccessControl(this, 'SignInAccess', {
              originAccessControlName: `percorso-${name}-sign-in`,
            }),
          }),
          cachePolicy: CachePolicy.CACHING_DISABLED,
          originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        },
      },
    });
    excuse(
      distribution,
      'AwsSolutions-CFR3',
      'CloudFront delivers its standard logs to no bucket in eu-south-1; reads of the bucket and sign-ins are logged in the region',
    );
    excuse(
      distribution,
      'AwsSolutions-CFR4',
      'the address of CloudFront itself comes with its own certificate and protocol list',
    );
    excuse(distribution, 'AwsSolutions-CFR1', 'readers travel; who may read is decided by signing in, not by country');
    excuse(
      distribution,
      'AwsSolutions-CFR2',
      'all but the way to sign in is refused at the edge before anything is asked',
    );
    const host = distribution.distributionDomainName;
    new StringParameter(this, 'SignInService', {
      parameterName,
      description: 'Who signs readers in: issuer and client',
      stringValue: JSON.stringify(aws.signIn ?? this.addReaders(name, host)),
    });
    new CfnOutput(this, 'Dashboards', { value: `https://${host}/`, description: 'Where readers go' });
  }

  /** A user pool whose members an administrator names: nobody signs himself up. */
  private addReaders(name: string, host: string): { issuer: string; clientId: string } {
    const readers = new UserPool(this, 'Readers', {
      userPoolName: `percorso-${name}-readers`,
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      mfa: Mfa.REQUIRED,
      mfaSecondFactor: { otp: true, sms: false },
      passwordPolicy: {
        minLength: 12,
        requireLowercase: true,
        requireUppercase: true,
        requireDigits: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(7),
      },
      featurePlan: FeaturePlan.ESSENTIALS,
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    excuse(
      readers,
      'AwsSolutions-COG3',
      'threat protection costs 2 cents a reader; nobody signs himself up and a second factor is asked of all',
    );
    excuse(readers, 'AwsSolutions-COG8', 'the Plus plan is for that threat protection');
    readers.addDomain('SignInPage', { cognitoDomain: { domainPrefix: `${name}-${Aws.ACCOUNT_ID}` } });
    const client = readers.addClient('Site', {
      userPoolClientName: `percorso-${name}-site`,
      generateSecret: false,
      preventUserExistenceErrors: true,
      authFlows: {},
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [OAuthScope.OPENID],
        callbackUrls: [`https://${host}/auth/done`],
        logoutUrls: [`https://${host}/`],
      },
    });
    new CfnOutput(this, 'ReadersPool', {
      value: readers.userPoolId,
      description: 'Where an administrator adds readers',
    });
    return {
      issuer: `https://cognito-idp.${Aws.REGION}.amazonaws.com/${readers.userPoolId}`,
      clientId: client.userPoolClientId,
    };
  }
}
