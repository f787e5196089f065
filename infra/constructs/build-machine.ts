import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  Choice,
  Condition,
  CustomState,
  DefinitionBody,
  Fail,
  JitterType,
  JsonPath,
  LogLevel,
  Map as MapState,
  Pass,
  StateMachine,
  StateMachineType,
  Succeed,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';

export interface BuildMachineProps {
  /** `acme-prod-build`. */
  name: string;
  /** Does what is no statement. */
  tasks: IFunction;
  role: Role;
  workgroup: string;
  /** Hears of a build that failed. */
  topicArn: string;
  /** After this a build counts as dead. */
  timeout: Duration;
  /** Statements at one time: Athena runs 20 and more of an account's, and others want some. */
  concurrency: number;
}

/**
 * Runs a build: it asks the Lambda what is next, runs that, and asks again. Statements go to Athena by the machine itself, so
 * that no Lambda waits for them. Whatever fails ends the build, is told, and has published nothing.
 */
export class BuildMachine extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, props: BuildMachineProps) {
    super(scope, id);
    const failed = new Fail(this, 'Failed', { errorPath: '$.error.Error', causePath: '$.error.Cause' });
    const endAfterFailure = this.task(
      props,
      'End after failure',
      { task: 'end', holder: JsonPath.executionId },
      JsonPath.DISCARD,
    );
    endAfterFailure.addCatch(failed, { resultPath: JsonPath.DISCARD });
    const tell = new CustomState(this, 'Tell', {
      stateJson: {
        Type: 'Task',
        Resource: `arn:${Aws.PARTITION}:states:::sns:publish`,
        Parameters: {
          TopicArn: props.topicArn,
          Subject: `Percorso ${props.name}: the build failed`,
          'Message.$':
            "States.Format('{}: {} | Nothing was published; readers see the last build. Execution: {}', $.error.Error, $.error.Cause, $$.Execution.Id)",
        },
        ResultPath: null,
      },
    });
    tell.addCatch(endAfterFailure, { resultPath: JsonPath.DISCARD });
    tell.next(endAfterFailure);
    endAfterFailure.next(failed);
    const caught = <Step extends LambdaInvoke | MapState>(step: Step): Step => {
      step.addCatch(tell, { resultPath: '$.error' });
      return step;
    };
    const buildId = JsonPath.stringAt('$.planned.buildId');

    const begin = new Pass(this, 'Begin', {
      parameters: { 'input.$': '$', ran: [], step: { at: 0 } },
    });
    const plan = caught(
      this.task(
        props,
        'Plan',
        { task: 'plan', holder: JsonPath.executionId, input: JsonPath.objectAt('$.input') },
        '$.planned',
      ),
    );
    const planAnew = caught(
      this.task(
        props,
        'Plan anew',
        {
          task: 'plan',
          holder: JsonPath.executionId,
          input: JsonPath.objectAt('$.input'),
          refresh: JsonPath.stringAt('$.judged.refresh'),
          instead: buildId,
        },
        '$.planned',
      ),
    );
    const beginAnew = new Pass(this, 'Begin anew', {
      parameters: { 'input.$': '$.input', 'planned.$': '$.planned', ran: [], step: { at: 0 } },
    });
    const next = caught(
      this.task(
        props,
        'Ask',
        { task: 'next', buildId, at: JsonPath.numberAt('$.step.at'), ran: JsonPath.listAt('$.ran') },
        '$.step',
      ),
    );
    const statements = caught(this.statements(props));
    const judge = caught(
      this.task(props, 'Judge', { task: 'judge', buildId, ran: JsonPath.listAt('$.ran') }, '$.judged'),
    );
    const solve = caught(
      this.task(props, 'Solve', { task: 'solve', buildId, table: JsonPath.stringAt('$.step.table') }, '$.ran'),
    );
    const file = caught(this.task(props, 'File', { task: 'file', buildId }, '$.ran'));
    const publish = caught(this.task(props, 'Publish', { task: 'publish', buildId }, '$.published'));
    const end = this.task(props, 'End', { task: 'end', holder: JsonPath.executionId }, JsonPath.DISCARD);
    const done = new Succeed(this, 'Done');
    const underWay = new Fail(this, 'Another is under way', {
      error: 'BuildUnderWay',
      causePath: '$.planned.buildId',
    });
    const isHeld = Condition.stringEquals('$.planned.kind', 'held');
    const isKind = (kind: string) => Condition.stringEquals('$.step.kind', kind);

    const what = new Choice(this, 'What is next')
      .when(Condition.or(isKind('statements'), isKind('checks')), statements)
      .when(isKind('solver'), solve)
      .when(isKind('file'), file)
      .otherwise(publish);
    const judged = new Choice(this, 'Closed days would move')
      .when(Condition.isPresent('$.judged.refresh'), planAnew)
      .otherwise(next);
    next.next(what);
    statements.next(new Choice(this, 'Checks were run').when(isKind('checks'), judge).otherwise(next));
    judge.next(judged);
    solve.next(next);
    file.next(next);
    publish.next(end);
    end.next(done);
    // It gave the lease back for the new plan: who took it meanwhile builds, and finds the same.
    planAnew.next(new Choice(this, 'Is it its turn still').when(isHeld, underWay).otherwise(beginAnew));
    beginAnew.next(next);
    begin
      .next(plan)
      .next(
        new Choice(this, 'Is there work')
          .when(Condition.stringEquals('$.planned.kind', 'unchanged'), end)
          .when(isHeld, underWay)
          .otherwise(next),
      );

    const log = new LogGroup(this, 'Log', {
      // Step Functions writes to groups of this prefix without a policy of their own for each.
      logGroupName: `/aws/vendedlogs/states/percorso/${props.name}`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.machine = new StateMachine(this, 'Machine', {
      stateMachineName: props.name,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromChainable(begin),
      // What it may is said by whoever makes the role: the tasks would ask for every bucket and table.
      role: props.role.withoutPolicyUpdates(),
      timeout: props.timeout,
      tracingEnabled: true,
      logs: { destination: log, level: LogLevel.ALL, includeExecutionData: false },
    });
  }

  private task(
    props: BuildMachineProps,
    id: string,
    payload: Record<string, unknown>,
    resultPath: string,
  ): LambdaInvoke {
    const task = new LambdaInvoke(this, id, {
      lambdaFunction: props.tasks,
      payload: TaskInput.fromObject(payload),
      payloadResponseOnly: true,
      resultPath,
      taskTimeout: Timeout.duration(Duration.minutes(16)),
      retryOnServiceExceptions: true,
    });
    // A sandbox that died: each task may be done twice.
    task.addRetry({
      errors: ['Lambda.Unknown', 'Runtime.ExitError', 'Sandbox.Timedout', 'Lambda.TooManyRequestsException'],
      maxAttempts: 3,
      interval: Duration.seconds(5),
      backoffRate: 2,
    });
    return task;
  }

  private statements(props: BuildMachineProps): MapState {
    const run = new CustomState(this, 'Run', {
      stateJson: {
        Type: 'Task',
        Resource: `arn:${Aws.PARTITION}:states:::athena:startQueryExecution.sync`,
        Parameters: {
          'QueryString.$': '$.statement.sql',
          'ClientRequestToken.$': '$.statement.token',
          WorkGroup: props.workgroup,
          QueryExecutionContext: { Catalog: 'AwsDataCatalog', 'Database.$': '$.database' },
        },
        ResultSelector: {
          'execution.$': '$.QueryExecution.QueryExecutionId',
          'bytes.$': '$.QueryExecution.Statistics.DataScannedInBytes',
          'milliseconds.$': '$.QueryExecution.Statistics.EngineExecutionTimeInMillis',
        },
        ResultPath: '$.done',
        TimeoutSeconds: 3600,
      },
    });
    const again = this.task(
      props,
      'Again',
      {
        task: 'again',
        buildId: JsonPath.stringAt('$.buildId'),
        statement: JsonPath.objectAt('$.statement'),
        said: JsonPath.stringAt('$.error.Cause'),
      },
      '$.statement',
    );
    const ran = new Pass(this, 'Ran', {
      parameters: {
        'id.$': '$.statement.id',
        'execution.$': '$.done.execution',
        'bytes.$': '$.done.bytes',
        'milliseconds.$': '$.done.milliseconds',
      },
    });
    run.addRetry({
      // It was not started: the account has too many at a time, or Athena failed. A statement that failed once it ran is another error.
      errors: ['Athena.TooManyRequestsException', 'Athena.InternalServerException', 'Athena.AmazonAthenaException'],
      interval: Duration.seconds(5),
      maxAttempts: 6,
      backoffRate: 2,
      jitterStrategy: JitterType.FULL,
    });
    run.addCatch(again, { resultPath: '$.error' });
    run.next(ran);
    again.next(run);
    return new MapState(this, 'Statements', {
      itemsPath: '$.step.statements',
      itemSelector: {
        'statement.$': '$$.Map.Item.Value',
        'buildId.$': '$.planned.buildId',
        'database.$': '$.planned.database',
      },
      maxConcurrency: props.concurrency,
      resultPath: '$.ran',
    }).itemProcessor(run);
  }
}
