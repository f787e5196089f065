import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { hiveType, readType } from '../../functions/core/column-type.ts';
import { leaseSeconds } from '../../functions/core/lake.ts';
import { type HandlerName, handlers, writeBundles } from '../bundles.ts';
import { readDeployment } from '../deployment.ts';
import { writeSiteSource } from '../site-source.ts';
import { addStacks, cdkFlags } from '../stacks/stacks.ts';
import { propertyLines, shown, withoutHash } from './property-lines.ts';

let folder: string;
let bundles: Record<HandlerName, string>;
let siteSource: string;
/** Of one company's production: only read here. */
let stacks: ReturnType<typeof addStacks>;

const company = (aws: string) => `export default { name: 'Acme', aws: ${aws} };\n`;
const acme = "{ id: 'acme', alarmsTo: ['it@acme.it'], monthlyBudgetUsd: 30, scanLimitGb: 5 }";

async function companyFolder(name: string, config: string): Promise<string> {
  const dir = join(folder, name);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'percorso.config.ts'), config);
  return dir;
}

async function stacksOf(aws: string, stage: string) {
  const deployment = await readDeployment(await companyFolder('acme', company(aws)), stage);
  const app = new App({ postCliContext: cdkFlags, outdir: join(folder, `out-${stage}`) });
  return { app, stacks: addStacks(app, deployment, bundles, siteSource) };
}

const resource = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
  Metadata: z
    .looseObject({
      cdk_nag: z.looseObject({ rules_to_suppress: z.array(z.looseObject({ id: z.string(), reason: z.string() })) }),
    })
    .partial()
    .optional(),
});
type Resource = z.output<typeof resource>;

function resourcesOf(stack: Stack): [string, Resource][] {
  const found = z.record(z.string(), resource).parse(Template.fromStack(stack).toJSON().Resources);
  return Object.entries(found);
}

const statements = z.object({
  PolicyDocument: z.object({
    Statement: z.array(
      z.looseObject({
        Effect: z.string(),
        Action: z.union([z.string(), z.array(z.string())]),
        Resource: z.unknown().optional(),
        Condition: z.unknown().optional(),
      }),
    ),
  }),
});
const list = (value: unknown) => (Array.isArray(value) ? value : [value]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'percorso-infra-'));
  const deployment = await readDeployment(await companyFolder('acme', company(acme)), 'prod');
  bundles = await writeBundles(deployment.company, join(folder, 'bundles'));
  siteSource = await writeSiteSource(deployment.company, join(folder, 'site-source'));
  ({ stacks } = await stacksOf(acme, 'prod'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the bundles', () => {
  test('are each below 3 MB, and hold the company but no secret', async () => {
    for (const [name, dir] of Object.entries(bundles)) {
      const bundle = await readFile(join(dir, 'index.mjs'));
      expect(bundle.byteLength, name).toBeLessThan(3_000_000);
      expect((await readdir(dir)).includes('catalogue'), name).toBe(name === 'build');
      expect(await readdir(join(dir, 'company')), name).toEqual(['mappings', 'percorso.config.json']);
    }
  });

  test('come out the same of the same sources, so that nothing is deployed for nothing', async () => {
    const { company } = await readDeployment(join(folder, 'acme'), 'prod');
    const again = await writeBundles(company, join(folder, 'again'));
    for (const name of handlers) {
      const files = (await readdir(bundles[name], { recursive: true, withFileTypes: true })).filter((one) =>
        one.isFile(),
      );
      expect(files.length).toBeGreaterThan(1);
      for (const file of files) {
        const path = join(file.parentPath, file.name).slice(bundles[name].length);
        const [first, second] = await Promise.all([readFile(bundles[name] + path), readFile(again[name] + path)]);
        expect(first.equals(second), `${name}${path}`).toBe(true);
      }
    }
  });
});

describe('policy', () => {
  test('cdk-nag (AWS Solutions) finds nothing that is not excused, and would find what is wrong', async () => {
    const { app, stacks } = await stacksOf(acme, 'prod');
    expect(new AwsSolutionsChecks(app).validateScope(app)).toMatchObject({ success: true, violations: [] });
    new Bucket(stacks.doors, 'Careless');
    const report = new AwsSolutionsChecks(app).validateScope(app);
    expect(report.success).toBe(false);
    expect(report.violations.map(({ ruleName }) => ruleName).join()).toContain('AwsSolutions-S10');
  });

  test('each excuse says why', async () => {
    for (const stack of Object.values(stacks)) {
      for (const [id, { Metadata }] of resourcesOf(stack)) {
        for (const { reason } of Metadata?.cdk_nag?.rules_to_suppress ?? []) {
          expect(reason.length, id).toBeGreaterThan(30);
        }
      }
    }
  });

  test('each role may do what is listed here, and no star stands without its reason', async () => {
    const lines: string[] = [];
    for (const stack of Object.values(stacks)) {
      for (const [id, { Type, Properties, Metadata }] of resourcesOf(stack)) {
        if (Type === 'AWS::IAM::Role') {
          expect(Properties.ManagedPolicyArns, id).toBeUndefined();
          expect(Properties.Policies, id).toBeUndefined();
        }
        if (Type !== 'AWS::IAM::Policy') continue;
        const reasons = new Map(Metadata?.cdk_nag?.rules_to_suppress.map((one) => [one.id, one.reason]));
        lines.push('', `${stack.stackName} ${id.replace(/RoleDefaultPolicy[0-9A-F]{8}$/, '')}`);
        for (const statement of statements.parse(Properties).PolicyDocument.Statement) {
          expect(statement.Effect).toBe('Allow');
          const actions = list(statement.Action).map(String);
          expect(
            actions.filter((action) => action.includes('*')),
            id,
          ).toEqual([]);
          for (const target of list(statement.Resource).map((one) => shown(one))) {
            const reason = reasons.get(`AwsSolutions-IAM5[Resource::${target}]`);
            if (target.includes('*')) expect(reason, `${id}: ${target} without a reason`).toBeDefined();
            // A star alone is for those services that know no resource: traces, and the delivery of a state machine's log.
            if (target === '*') {
              expect(
                actions.filter(
                  (action) => !/^xray:|^logs:(?:\w+LogDeliver(?:y|ies)|\w+Resource\w+|DescribeLogGroups)$/.test(action),
                ),
              ).toEqual([]);
            }
            const condition = statement.Condition === undefined ? '' : ` if ${JSON.stringify(statement.Condition)}`;
            lines.push(`  ${actions.join(', ')} on ${target}${condition}`);
            if (reason !== undefined) lines.push(`    because ${reason}`);
          }
        }
      }
    }
    // An asset is named by what it holds: the site's is the source of this program, another with each change.
    const listed = lines.map((line) => line.replace(/[0-9a-f]{64}\.zip/, 'ASSET.zip'));
    await expect(`${listed.join('\n').trim()}\n`).toMatchFileSnapshot('permissions.txt');
  });

  test('a role cannot be given a star without a reason, nor any star as an action', async () => {
    const { permit } = await import('../constructs/permissions.ts');
    const { stacks } = await stacksOf(acme, 'prod');
    const { role } = stacks.doors.collect;
    expect(() => permit(role, { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::x/*'] })).toThrow('because');
    expect(() => permit(role, { actions: ['s3:*'], resources: ['arn:aws:s3:::x'], because: 'lazy' })).toThrow(
      'name each action',
    );
  });
});

describe('what must never change', () => {
  test('every bucket is private, encrypted, over TLS only; the lake keeps versions and outlives its stack', async () => {
    let buckets = 0;
    for (const stack of Object.values(stacks)) {
      const template = Template.fromStack(stack);
      for (const [id, { Type, Properties, DeletionPolicy }] of resourcesOf(stack)) {
        if (Type !== 'AWS::S3::Bucket') continue;
        buckets += 1;
        expect(Properties.PublicAccessBlockConfiguration, id).toEqual({
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        });
        expect(Properties.OwnershipControls, id).toEqual({ Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] });
        const isLogs = id.startsWith('AccessLogs');
        expect(JSON.stringify(Properties.BucketEncryption), id).toContain(
          isLogs ? '"SSEAlgorithm":"AES256"' : '"BucketKeyEnabled":true',
        );
        if (!isLogs) expect(JSON.stringify(Properties.BucketEncryption), id).toContain('"SSEAlgorithm":"aws:kms"');
        template.hasResourceProperties('AWS::S3::BucketPolicy', {
          Bucket: { Ref: id },
          PolicyDocument: {
            Statement: Match.arrayWith([
              Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
            ]),
          },
        });
        expect(DeletionPolicy, id).toBe(id.startsWith('Lake') || isLogs ? 'Retain' : 'Delete');
      }
      // Nothing of ours empties a bucket so that it can be deleted.
      expect(Object.keys(template.findResources('Custom::S3AutoDeleteObjects'))).toEqual([]);
    }
    expect(buckets).toBe(5);
    const lake = Template.fromStack(stacks.lake);
    lake.hasResourceProperties('AWS::S3::Bucket', {
      BucketName: { 'Fn::Join': ['', ['acme-prod-lake-', { Ref: 'AWS::AccountId' }]] },
      VersioningConfiguration: { Status: 'Enabled' },
      LifecycleConfiguration: {
        Rules: Match.arrayWith([
          Match.objectLike({ Id: 'former-versions', NoncurrentVersionExpiration: { NoncurrentDays: 30 } }),
          Match.objectLike({ Id: 'rejected', Prefix: 'rejected/', ExpirationInDays: 30 }),
          Match.objectLike({ Id: 'queued', Prefix: 'queued/', ExpirationInDays: 16 }),
        ]),
      },
    });
  });

  test('no rule of the lake ever removes what was taken in, unless the company says for how long it keeps it', async () => {
    const lake = resourcesOf(stacks.lake).find(([id]) => id.startsWith('LakeBucket'));
    const rules = z
      .object({ LifecycleConfiguration: z.object({ Rules: z.array(z.looseObject({ Id: z.string() })) }) })
      .parse(lake?.[1].Properties).LifecycleConfiguration.Rules;
    const expiring = rules.filter((rule) => 'ExpirationInDays' in rule).map(({ Id }) => Id);
    expect(expiring).toEqual(['rejected', 'queued']);
  });

  test('the key, the secrets and the database outlive their stack, which cannot be deleted by mistake', async () => {
    expect(stacks.lake.terminationProtection).toBe(true);
    for (const type of ['AWS::KMS::Key', 'AWS::SecretsManager::Secret', 'AWS::Glue::Database']) {
      const found = resourcesOf(stacks.lake).filter(([, { Type }]) => Type === type);
      expect(found.length, type).toBeGreaterThan(0);
      for (const [id, { DeletionPolicy }] of found) expect(DeletionPolicy, id).toBe('Retain');
    }
    Template.fromStack(stacks.lake).hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });

  test('the secret of the keyed hashes is made as it was the first time: another text here would replace it', async () => {
    const key = resourcesOf(stacks.lake).find(([id]) => id === 'IdentifierKey');
    expect(key?.[1].Properties.GenerateSecretString).toEqual({
      ExcludeCharacters: 'ghijklmnopqrstuvwxyz',
      ExcludePunctuation: true,
      ExcludeUppercase: true,
      GenerateStringKey: 'PERCORSO_IDENTIFIER_KEY',
      IncludeSpace: false,
      PasswordLength: 64,
      SecretStringTemplate: '{}',
    });
  });

  test('queues keep what they hold for 14 days, have dead letters, and hide a message for longer than its work takes', async () => {
    const template = Template.fromStack(stacks.doors);
    const queues = Object.values(template.findResources('AWS::SQS::Queue'));
    expect(queues).toHaveLength(4);
    for (const { Properties } of queues) {
      expect(Properties).toMatchObject({ MessageRetentionPeriod: 14 * 86_400, SqsManagedSseEnabled: true });
      if (String(Properties.QueueName).endsWith('-dead')) continue;
      expect(Properties.RedrivePolicy.maxReceiveCount).toBeGreaterThanOrEqual(3);
    }
    template.allResourcesProperties('AWS::Lambda::EventSourceMapping', {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
    template.hasResourceProperties('AWS::Lambda::Function', { FunctionName: 'acme-prod-import', Timeout: 900 });
    template.hasResourceProperties('AWS::SQS::Queue', { QueueName: 'acme-prod-landings', VisibilityTimeout: 1800 });
    template.hasResourceProperties('AWS::SQS::Queue', { QueueName: 'acme-prod-events', VisibilityTimeout: 420 });
  });

  test('no query reads more than the company allows, and results are encrypted', async () => {
    Template.fromStack(stacks.lake).hasResourceProperties('AWS::Athena::WorkGroup', {
      Name: 'percorso-acme-prod',
      WorkGroupConfiguration: {
        BytesScannedCutoffPerQuery: 5_000_000_000,
        EnforceWorkGroupConfiguration: true,
        ResultConfiguration: { EncryptionConfiguration: { EncryptionOption: 'SSE_KMS' } },
      },
    });
  });

  test('a build runs each night in the time zone of the company, and a build at a time', () => {
    const pipeline = Template.fromStack(stacks.pipeline);
    pipeline.hasResourceProperties('AWS::Scheduler::Schedule', {
      Name: 'acme-prod-build',
      ScheduleExpression: 'cron(30 3 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Rome',
    });
    const [machine] = Object.values(pipeline.findResources('AWS::StepFunctions::StateMachine'));
    const definition = shown(machine?.Properties.DefinitionString);
    // As long as the lease that it takes: what runs on after it could publish over another.
    expect(definition).toContain(`"TimeoutSeconds":${leaseSeconds}`);
    // Whatever fails is told.
    const { States } = z
      .object({
        States: z.record(
          z.string(),
          z.looseObject({ Type: z.string(), Catch: z.array(z.looseObject({ Next: z.string() })).optional() }),
        ),
      })
      .parse(JSON.parse(definition));
    for (const state of ['Plan', 'Plan anew', 'Ask', 'Statements', 'Judge', 'Solve', 'File', 'Publish']) {
      expect(
        States[state]?.Catch?.map(({ Next }) => Next),
        state,
      ).toEqual(['Tell']);
    }
  });

  test('at another time where the configuration says so, and at no time that is none', async () => {
    const { stacks } = await stacksOf("{ id: 'acme', buildAt: '05:05' }", 'early');
    Template.fromStack(stacks.pipeline).hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(5 5 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Rome',
    });
    for (const none of ['24:00', '3:30', '03:60', '0330']) {
      const wrong = await companyFolder('wrong-time', company(`{ id: 'acme', buildAt: '${none}' }`));
      await expect(readDeployment(wrong, 'prod'), none).rejects.toThrow('aws.buildAt');
    }
  });

  test('the log of requests names neither the sender nor what it asked for', async () => {
    const stage = resourcesOf(stacks.doors).find(([, { Type }]) => Type === 'AWS::ApiGatewayV2::Stage');
    const { Format } = z
      .object({ AccessLogSettings: z.object({ Format: z.string() }) })
      .parse(stage?.[1].Properties).AccessLogSettings;
    expect(Format).not.toMatch(/identity|sourceIp|userAgent|path|queryString|authorizer/i);
    expect(Format).toContain('$context.requestId');
  });

  test('alarms tell the people of the configuration, and the budget too', async () => {
    const watch = Template.fromStack(stacks.watch);
    watch.hasResourceProperties('AWS::SNS::Subscription', { Endpoint: 'it@acme.it', Protocol: 'email' });
    const alarms = Object.values(watch.findResources('AWS::CloudWatch::Alarm'));
    expect(alarms.map(({ Properties }) => Properties.AlarmName).sort()).toEqual([
      'percorso-acme-prod-build-failed',
      'percorso-acme-prod-build-missing',
      'percorso-acme-prod-build-timed-out',
      'percorso-acme-prod-door-failures',
      'percorso-acme-prod-door-throttled',
      'percorso-acme-prod-events-dead-letters',
      'percorso-acme-prod-events-errors',
      'percorso-acme-prod-events-waiting',
      'percorso-acme-prod-landing-refused',
      'percorso-acme-prod-landings-dead-letters',
      'percorso-acme-prod-landings-errors',
      'percorso-acme-prod-landings-waiting',
      'percorso-acme-prod-source-stale',
    ]);
    for (const { Properties } of alarms) expect(Properties.AlarmActions).toHaveLength(1);
    // The topic's own policy takes the place of the default one: without this an alarm may not speak.
    watch.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
          }),
        ]),
      },
    });
    // An alarm that hangs on the name of a check falls silent where there is none of that name.
    const patterns = Object.values(watch.findResources('AWS::Logs::MetricFilter')).map(({ Properties }) =>
      String(Properties.FilterPattern),
    );
    const checks = patterns.flatMap((pattern) => /message\.check = "([^"]+)"/.exec(pattern)?.[1] ?? []);
    expect(checks).toEqual(['sources_are_fresh']);
    expect(await readdir(new URL('../../sql/checks', import.meta.url))).toEqual(
      expect.arrayContaining(checks.map((check) => `${check}.sql`)),
    );
    Template.fromStack(stacks.spend).hasResourceProperties('AWS::Budgets::Budget', {
      Budget: { BudgetLimit: { Amount: 30, Unit: 'USD' } },
    });
  });
});

describe('the site', () => {
  test('is read through CloudFront alone, over TLS, by whoever has signed in', () => {
    const template = Template.fromStack(stacks.site);
    template.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: Match.objectLike({
        DefaultCacheBehavior: Match.objectLike({
          ViewerProtocolPolicy: 'redirect-to-https',
          FunctionAssociations: [Match.objectLike({ EventType: 'viewer-request' })],
        }),
        CacheBehaviors: [
          Match.objectLike({
            PathPattern: '/auth/*',
            ViewerProtocolPolicy: 'redirect-to-https',
            // Nothing of one reader's sign-in is given to another.
            CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
            FunctionAssociations: [Match.objectLike({ EventType: 'viewer-request' })],
          }),
        ],
        Origins: [
          Match.objectLike({ OriginAccessControlId: Match.anyValue(), S3OriginConfig: { OriginAccessIdentity: '' } }),
          Match.objectLike({ OriginAccessControlId: Match.anyValue() }),
        ],
      }),
    });
    // Each path is behind the function: a behaviour without it would be open to all.
    template.resourceCountIs('AWS::CloudFront::OriginAccessControl', 2);
    template.allResourcesProperties('AWS::CloudFront::OriginAccessControl', {
      OriginAccessControlConfig: { SigningBehavior: 'always' },
    });
    // Nobody but CloudFront calls the Lambda that signs in.
    template.allResourcesProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM' });
    template.allResourcesProperties('AWS::Lambda::Permission', { Principal: 'cloudfront.amazonaws.com' });
    const policies = JSON.stringify(template.findResources('AWS::S3::BucketPolicy'));
    expect(policies).toContain('"Service":"cloudfront.amazonaws.com"');
    expect(policies).not.toContain('"Effect":"Allow","Principal":"*"');
    expect(policies).not.toContain('"Effect":"Allow","Principal":{"AWS":"*"}');
  });

  test('sends the headers that the server of one machine sends, and HSTS', () => {
    Template.fromStack(stacks.site).hasResourceProperties('AWS::CloudFront::ResponseHeadersPolicy', {
      ResponseHeadersPolicyConfig: Match.objectLike({
        SecurityHeadersConfig: {
          ContentSecurityPolicy: { ContentSecurityPolicy: "frame-ancestors 'none'", Override: true },
          ContentTypeOptions: { Override: true },
          FrameOptions: { FrameOption: 'DENY', Override: true },
          ReferrerPolicy: { ReferrerPolicy: 'no-referrer', Override: true },
          StrictTransportSecurity: { AccessControlMaxAgeSec: 63_072_000, IncludeSubdomains: true, Override: true },
        },
      }),
    });
  });

  test('is made anew when the pointer of the published build moves, one build at a time, of the published prefix alone', () => {
    const template = Template.fromStack(stacks.site);
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: {
          bucket: { name: [{ 'Fn::Join': ['', ['acme-prod-lake-', { Ref: 'AWS::AccountId' }]] }] },
          object: { key: ['marts/current.json'] },
        },
      },
    });
    Template.fromStack(stacks.lake).hasResourceProperties('AWS::S3::Bucket', {
      BucketName: { 'Fn::Join': ['', ['acme-prod-lake-', { Ref: 'AWS::AccountId' }]] },
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    });
    template.hasResourceProperties('AWS::CodeBuild::Project', {
      ConcurrentBuildLimit: 1,
      Environment: Match.objectLike({ PrivilegedMode: false }),
      EncryptionKey: Match.anyValue(),
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'percorso-acme-prod-site-failed',
      AlarmActions: Match.anyValue(),
    });
  });

  test('has readers whom an administrator names, with a second factor; they outlive the stack', () => {
    const template = Template.fromStack(stacks.site);
    template.hasResource('AWS::Cognito::UserPool', {
      DeletionPolicy: 'Retain',
      Properties: Match.objectLike({
        AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
        MfaConfiguration: 'ON',
        EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
        DeletionProtection: 'ACTIVE',
      }),
    });
    template.hasResourceProperties('AWS::Cognito::UserPoolClient', {
      AllowedOAuthFlows: ['code'],
      AllowedOAuthScopes: ['openid'],
    });
  });

  test("leaves signing in to the firm's own service where the configuration names one", async () => {
    const own = acme.replace(
      "'acme',",
      "'acme', signIn: { issuer: 'https://login.acme.it', clientId: 'percorso', clientSecretName: 'SITE_CLIENT' },",
    );
    const { stacks } = await stacksOf(own, 'oidc');
    const template = Template.fromStack(stacks.site);
    template.resourceCountIs('AWS::Cognito::UserPool', 0);
    template.hasResourceProperties('AWS::SSM::Parameter', {
      Value: JSON.stringify({ issuer: 'https://login.acme.it', clientId: 'percorso', clientSecretName: 'SITE_CLIENT' }),
    });
    const plain = company("{ id: 'acme', signIn: { issuer: 'http://login.acme.it', clientId: 'percorso' } }");
    await expect(readDeployment(await companyFolder('plain', plain), 'prod')).rejects.toThrow('issuer');
  });

  test('the source of its build holds the program and the company, no secret, and nothing that was made or installed', async () => {
    const files = (await readdir(siteSource, { recursive: true })).map(String);
    for (const file of [
      'bin/percorso.js',
      'dashboards/package-lock.json',
      'company/percorso.config.ts',
      'sql/models/lifecycle/persons.sql',
    ]) {
      expect(files).toContain(file);
    }
    expect(files.filter((file) => /node_modules|\.key$|\.env|^tests|static\/data\/|\.evidence/.test(file))).toEqual([]);
  });
});

describe('several companies or stages in one account', () => {
  test('share no name', async () => {
    const name = /^(?:.*Name|Alias.*|Name)$/;
    const namesOf = async (aws: string, stage: string) => {
      const { stacks } = await stacksOf(aws, stage);
      const names = new Set<string>();
      for (const stack of Object.values(stacks)) {
        names.add(stack.stackName);
        for (const [, { Type, Properties }] of resourcesOf(stack)) {
          // Policies within a role are named within it.
          if (Type === 'AWS::IAM::Policy') continue;
          // Tables are named as the models name them, within the company's own database.
          if (Type === 'AWS::Glue::Table') names.add(`table in ${shown(Properties.DatabaseName)}`);
          const bearers = [Properties, ...Object.values(Properties)].filter(
            (one) => typeof one === 'object' && one !== null,
          );
          for (const bearer of bearers) {
            for (const [key, value] of Object.entries(bearer ?? {})) {
              const text = shown(value);
              // References to resources by their own id are within the stack; metrics are named by AWS.
              if (
                name.test(key) &&
                !/^[<{[]/.test(text) &&
                !/^(?:AWS\/|Errors|Throttles|5xx|Approx|Refused|Stale|Executions|FailedBuilds|\$default)/.test(text)
              ) {
                if (!(Type === 'AWS::Glue::Table' && key === 'Name')) names.add(text);
              }
            }
          }
        }
      }
      return names;
    };
    const [prod, test, other] = [
      await namesOf(acme, 'prod'),
      await namesOf(acme, 'test'),
      await namesOf(acme.replace("'acme'", "'borea'"), 'prod'),
    ];
    expect(prod.size).toBeGreaterThan(25);
    expect([...prod].filter((one) => test.has(one) || other.has(one))).toEqual([]);
    for (const one of prod) expect(one).toMatch(/acme[-_]prod/);
  });
});

describe('a wrong deployment', () => {
  test('is refused with the mend', async () => {
    const without = await companyFolder('without', "export default { name: 'Acme' };\n");
    await expect(readDeployment(without, 'prod')).rejects.toThrow('does not say how the company runs on AWS');
    await expect(readDeployment(join(folder, 'acme'), 'Prod!')).rejects.toThrow('is no name of a stage');
    const wrong = await companyFolder('wrong', company("{ id: 'Acme S.p.A.' }"));
    await expect(readDeployment(wrong, 'prod')).rejects.toThrow('aws.id');
  });
});

test('types of the models become types of Hive, also within a struct', () => {
  expect(hiveType(readType('varchar'))).toBe('string');
  expect(hiveType(readType('double'))).toBe('double');
  expect(hiveType(readType('struct(analytics boolean, country varchar)'))).toBe(
    'struct<analytics:boolean,country:string>',
  );
});

test('all resources, as a reviewer reads them', async () => {
  const lines = Object.values(stacks).flatMap((stack) => [
    '',
    stack.stackName,
    ...resourcesOf(stack).flatMap(([id, { Type, DeletionPolicy, Properties }]) => {
      const kept = DeletionPolicy === 'Retain' ? ', kept when the stack goes' : '';
      // What roles may do stands in permissions.txt.
      const properties = Type.startsWith('AWS::IAM::') ? [] : propertyLines(Properties, '    ');
      return [`  ${Type} ${withoutHash(id)}${kept}`, ...properties];
    }),
  ]);
  await expect(`${lines.join('\n').trim()}\n`).toMatchFileSnapshot('resources.txt');
});
