import { type App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { HandlerName } from '../bundles.ts';
import type { Deployment } from '../deployment.ts';
import { DoorsStack } from './doors.ts';
import { LakeStack } from './lake.ts';
import { PipelineStack } from './pipeline.ts';
import { SiteStack } from './site.ts';
import { SpendStack } from './spend.ts';
import { WatchStack } from './watch.ts';

/** Ways of the CDK that a new app takes; they are set here so that tests and the command line synthesise the same. */
export const cdkFlags = {
  '@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy': true,
  '@aws-cdk/aws-iam:minimizePolicies': true,
  '@aws-cdk/core:checkSecretUsage': true,
  // What another stack uses cannot be taken away from under it.
  '@aws-cdk/core:defaultCrossStackReferences': 'strong',
  // What CloudFormation would refuse, synthesis refuses.
  '@aws-cdk/core:validateAgainstDefaultRules': true,
} as const;

/**
 * The stacks of one company and stage. Nothing is shared with another: names, keys, database and workgroup are its own.
 * @param bundles the folder that each Lambda runs. @param siteSource what the dashboards are made with.
 */
export function addStacks(
  app: App,
  deployment: Deployment,
  bundles: Readonly<Record<HandlerName, string>>,
  siteSource: string,
) {
  const { aws, name, stage } = deployment;
  const common = { env: { region: aws.region }, deployment };
  const stackName = (part: string) => `percorso-${name}-${part}`;
  const lake = new LakeStack(app, stackName('lake'), {
    ...common,
    description: `Percorso, ${name}: the lake. Never delete it: it holds all that was ever taken in.`,
    terminationProtection: true,
  });
  const doors = new DoorsStack(app, stackName('doors'), {
    ...common,
    description: `Percorso, ${name}: the HTTP door, the queue behind it, and the landing bucket`,
    lake,
    bundles,
  });
  const pipeline = new PipelineStack(app, stackName('pipeline'), {
    ...common,
    description: `Percorso, ${name}: the nightly build`,
    lake,
    bundles,
  });
  const watch = new WatchStack(app, stackName('watch'), {
    ...common,
    description: `Percorso, ${name}: alarms and dashboard`,
    lake,
    doors,
    pipeline,
  });
  const site = new SiteStack(app, stackName('site'), {
    ...common,
    description: `Percorso, ${name}: the dashboards, and who may read them`,
    lake,
    watch,
    bundles,
    source: siteSource,
  });
  const spend = new SpendStack(app, stackName('spend'), {
    deployment,
    // Budgets are the account's; not every region can make them.
    env: { region: 'us-east-1' },
    description: `Percorso, ${name}: the monthly budget`,
  });
  Tags.of(app).add('percorso', name);
  Tags.of(app).add('stage', stage);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { writeSuppressionsToCloudFormation: true }));
  return { lake, doors, pipeline, watch, site, spend };
}
