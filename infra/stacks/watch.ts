import { Aws, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  TextWidget,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { FilterPattern, MetricFilter, type MetricFilterProps } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { Deployment } from '../deployment.ts';
import type { DoorsStack } from './doors.ts';
import type { LakeStack } from './lake.ts';
import type { PipelineStack } from './pipeline.ts';

export interface WatchStackProps extends StackProps {
  deployment: Deployment;
  lake: LakeStack;
  doors: DoorsStack;
  pipeline: PipelineStack;
}

/** Who is told, and of what. */
export class WatchStack extends Stack {
  /** Whatever raises an alarm tells it. */
  readonly topic: Topic;
  private readonly prefix: string;

  constructor(scope: Construct, id: string, props: WatchStackProps) {
    super(scope, id, props);
    const { deployment, lake, doors, pipeline } = props;
    const { name, aws } = deployment;
    this.prefix = name;
    this.topic = new Topic(this, 'Alarms', {
      topicName: `percorso-${name}-alarms`,
      displayName: `Percorso ${name}`,
      masterKey: lake.key,
      enforceSSL: true,
    });
    // The policy that demands TLS takes the place of the one that a topic has by itself, which lets alarms in.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    for (const address of aws.alarmsTo) this.topic.addSubscription(new EmailSubscription(address));

    const minutes = (count: number) => ({ period: Duration.minutes(count) });
    const queues = { events: doors.events, landings: doors.landings };
    for (const [kind, { queue, deadLetters, worker }] of Object.entries(queues)) {
      const dead = deadLetters.metricApproximateNumberOfMessagesVisible({ ...minutes(5), statistic: 'Maximum' });
      this.alarm(
        `${kind}-dead-letters`,
        dead,
        1,
        `Messages of ${kind} could not be worked off: docs/aws.md, Dead letters`,
      );
      const age = queue.metricApproximateAgeOfOldestMessage({ ...minutes(5), statistic: 'Maximum' });
      this.alarm(`${kind}-waiting`, age, 3600, `The oldest message of ${kind} waits for more than an hour`);
      const errors = worker.lambda.metricErrors({ ...minutes(5), statistic: 'Sum' });
      this.alarm(`${kind}-errors`, errors, 1, `The Lambda that works off ${kind} failed; its log says why`, {
        evaluationPeriods: 3,
        datapointsToAlarm: 2,
      });
    }
    const door = {
      errors: doors.collect.lambda.metricErrors({ ...minutes(5), statistic: 'Sum' }),
      throttles: doors.collect.lambda.metricThrottles({ ...minutes(5), statistic: 'Sum' }),
      failures: doors.apiStage.metricServerError({ ...minutes(5), statistic: 'Sum' }),
      count: doors.apiStage.metricCount({ ...minutes(5), statistic: 'Sum' }),
      refused: doors.apiStage.metricClientError({ ...minutes(5), statistic: 'Sum' }),
      latency: doors.apiStage.metricLatency({ ...minutes(5), statistic: 'p99' }),
    };
    this.alarm('door-failures', door.failures, 5, 'The door answered 5 requests or more with a failure in 5 minutes');
    this.alarm('door-throttled', door.throttles, 1, 'The account has no more Lambdas at a time to give to the door');

    const refusedFiles = this.counted('RefusedFiles', {
      logGroup: doors.landings.worker.log,
      filterPattern: FilterPattern.stringValue('$.message.event', '=', 'landing_refused'),
      metricValue: '1',
    }).with({ ...minutes(5), statistic: 'Sum' });
    this.alarm(
      'landing-refused',
      refusedFiles,
      1,
      'A landed file was refused and lies in its bucket: docs/aws.md, Files',
    );

    const { machine } = pipeline;
    const builds = {
      failed: machine.metricFailed({ ...minutes(5), statistic: 'Sum' }),
      timedOut: machine.metricTimedOut({ ...minutes(5), statistic: 'Sum' }),
      succeeded: machine.metricSucceeded({ period: Duration.days(1), statistic: 'Sum' }),
    };
    const buildFailed = 'A build failed, and nothing was published: docs/aws.md, A failed night';
    this.alarm('build-failed', builds.failed, 1, buildFailed);
    this.alarm('build-timed-out', builds.timedOut, 1, buildFailed);
    this.alarm('build-missing', builds.succeeded, 1, 'No build has ended well for a day: docs/aws.md, A failed night', {
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
    });

    // A build a night says it: a shorter period would end the alarm before anybody has read the mail.
    const staleSources = this.counted('StaleSources', {
      logGroup: pipeline.buildLog,
      filterPattern: FilterPattern.all(
        FilterPattern.stringValue('$.message.event', '=', 'check_warned'),
        FilterPattern.stringValue('$.message.check', '=', 'sources_are_fresh'),
      ),
      metricValue: '$.message.failing_rows',
    }).with({ period: Duration.days(1), statistic: 'Maximum' });
    this.alarm(
      'source-stale',
      staleSources,
      1,
      'A source is silent for longer than it may be: docs/aws.md, Silent source',
    );

    const graph = (title: string, ...left: IMetric[]) => new GraphWidget({ title, left, width: 8 });
    new Dashboard(this, 'Dashboard', {
      dashboardName: `percorso-${name}`,
      defaultInterval: Duration.days(7),
      widgets: [
        [new TextWidget({ markdown: `# Percorso, ${name}\nWhat comes in, and what waits.`, width: 24, height: 2 })],
        [
          graph('Requests at the door', door.count),
          graph('Answered with a failure, or refused', door.failures, door.refused),
          graph('Answered within (99 of 100), ms', door.latency),
        ],
        Object.entries(queues).flatMap(([kind, { queue, deadLetters }]) => [
          graph(
            `${kind}: waiting`,
            queue.metricApproximateNumberOfMessagesVisible(),
            queue.metricApproximateAgeOfOldestMessage(),
          ),
          graph(`${kind}: dead letters`, deadLetters.metricApproximateNumberOfMessagesVisible()),
        ]),
        [
          graph(
            'Lambdas: runs',
            ...[doors.collect, doors.events.worker, doors.landings.worker].map((one) => one.lambda.metricInvocations()),
          ),
          graph(
            'Lambdas: ms',
            ...[doors.collect, doors.events.worker, doors.landings.worker].map((one) => one.lambda.metricDuration()),
          ),
          graph('Refused files', refusedFiles),
        ],
        [
          graph('Builds: ended well, failed', builds.succeeded, builds.failed, builds.timedOut),
          graph('Builds: ms', machine.metricTime()),
        ],
      ],
    });
  }

  /** What the lines of a log count. */
  private counted(
    metricName: string,
    counts: Pick<MetricFilterProps, 'logGroup' | 'filterPattern' | 'metricValue'>,
  ): Metric {
    const metricNamespace = `Percorso/${this.prefix}`;
    new MetricFilter(this, metricName, { ...counts, metricNamespace, metricName });
    return new Metric({ namespace: metricNamespace, metricName });
  }

  private alarm(id: string, metric: IMetric, threshold: number, says: string, more: Partial<AlarmProps> = {}): void {
    const alarm = new Alarm(this, id, {
      alarmName: `percorso-${this.prefix}-${id}`,
      alarmDescription: says,
      metric,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      // Nothing happened: nothing is wrong.
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...more,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
  }
}
