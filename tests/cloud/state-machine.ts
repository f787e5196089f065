import { type AthenaClient, GetQueryExecutionCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { StateMachine } from 'aws-local-stepfunctions';
import * as z from 'zod';

type Definition = ConstructorParameters<typeof StateMachine>[0];
type Input = Parameters<StateMachine['run']>[0];

/** What a state machine hands from one state to the next at most, in bytes. */
const longestPayload = 262_144;

interface State {
  Type: string;
  Resource?: string | undefined;
  ItemProcessor?: { States: Record<string, State> } | undefined;
  Branches?: { States: Record<string, State> }[] | undefined;
  Retry?: unknown[] | undefined;
}
const state: z.ZodType<State> = z.lazy(() =>
  z.looseObject({
    Type: z.string(),
    Resource: z.string().optional(),
    ItemProcessor: z.looseObject({ States: z.record(z.string(), state) }).optional(),
    Branches: z.array(z.looseObject({ States: z.record(z.string(), state) })).optional(),
    Retry: z.array(z.unknown()).optional(),
  }),
);
const machine = z.looseObject({ StartAt: z.string(), States: z.record(z.string(), state) });

export interface Services {
  athena: AthenaClient;
  /** Runs a Lambda by its ARN. */
  invoke(arn: string, event: unknown): Promise<unknown>;
  /** What `sns:publish` was given. */
  publish(message: { TopicArn: string; Subject: string; Message: string }): void;
}

export type Ended =
  | { status: 'SUCCEEDED'; states: string[] }
  | { status: 'FAILED'; error: string; cause: string; states: string[] };

const told = z.object({ TopicArn: z.string(), Subject: z.string().max(100), Message: z.string() });

class StatesError extends Error {
  constructor(name: string, cause: string) {
    super(cause);
    this.name = name;
  }
}

/** Starts a statement and waits for it, as the service does for `.sync`. */
async function runStatement(athena: AthenaClient, parameters: unknown): Promise<unknown> {
  const asked = z.looseObject({ QueryString: z.string(), ClientRequestToken: z.string() }).parse(parameters);
  const { QueryExecutionId } = await athena.send(new StartQueryExecutionCommand(asked)).catch((error: unknown) => {
    throw new StatesError(`Athena.${error instanceof Error ? error.name : 'Error'}`, String(error));
  });
  for (let pause = 40; ; pause = Math.min(pause * 1.4, 400)) {
    const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    const ended = QueryExecution?.Status?.State;
    if (ended === 'SUCCEEDED') return JSON.parse(JSON.stringify({ QueryExecution }));
    if (ended === 'FAILED' || ended === 'CANCELLED') {
      throw new StatesError('States.TaskFailed', JSON.stringify({ QueryExecution }));
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function withResolvers() {
  let resolve: (value: unknown) => void = () => {};
  let reject: (reason?: unknown) => void = () => {};
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/**
 * Runs a machine as synthesised. Its tasks go to the Lambdas' bundles and to Athena's API; a resource that is not known here
 * is refused. Waits between retries are short, since time is what a test has not.
 */
export async function runMachine(text: string, execution: string, input: Input, services: Services): Promise<Ended> {
  // The runner is written for Node 22, which has this.
  if (!('withResolvers' in Promise)) Object.assign(Promise, { withResolvers });
  const definition: unknown = JSON.parse(text);
  const handlers: Record<string, (given: unknown) => Promise<Input>> = {};
  const retries: Record<string, number> = {};
  const entered: string[] = [];
  const handle =
    (resource: string) =>
    async (given: unknown): Promise<unknown> => {
      const bytes = Buffer.byteLength(JSON.stringify(given));
      if (bytes > longestPayload) throw new StatesError('States.DataLimitExceeded', `${bytes} bytes`);
      if (resource.endsWith(':states:::athena:startQueryExecution.sync')) return runStatement(services.athena, given);
      if (resource.endsWith(':states:::sns:publish')) {
        services.publish(told.parse(given));
        return { MessageId: 'told' };
      }
      return services.invoke(resource, given).catch((error: unknown) => {
        const said = error instanceof Error ? error.message : String(error);
        if (said === 'the sandbox ended') throw new StatesError('Lambda.Unknown', said);
        const [, name = 'Error', message = said] = /^(\w+): ([\s\S]*)$/.exec(said) ?? [];
        throw new StatesError(name, JSON.stringify({ errorType: name, errorMessage: message }));
      });
    };
  const walk = (states: Record<string, State>): void => {
    for (const [name, { Type, Resource, ItemProcessor, Branches, Retry }] of Object.entries(states)) {
      if (Retry !== undefined) retries[name] = 20;
      if (Type === 'Task' && Resource !== undefined) {
        if (name in handlers) throw new Error(`two states are called ${name}`);
        if (!/:states:::(athena:startQueryExecution\.sync|sns:publish)$|:lambda:.*:function:/.test(Resource)) {
          throw new Error(`here is no ${Resource}`);
        }
        const run = handle(Resource);
        handlers[name] = async (given) => {
          entered.push(name);
          const answer = await run(given);
          const bytes = Buffer.byteLength(JSON.stringify(answer ?? null));
          if (bytes > longestPayload) throw new StatesError('States.DataLimitExceeded', `${name} gave ${bytes} bytes`);
          return answer as Input;
        };
      }
      for (const inner of [ItemProcessor, ...(Branches ?? [])]) if (inner !== undefined) walk(inner.States);
    }
  };
  walk(machine.parse(definition).States);
  const local = new StateMachine(definition as Definition);
  const { result } = local.run(input, {
    overrides: { taskResourceLocalHandlers: handlers, retryIntervalOverrides: retries },
    context: { Execution: { Id: execution, Name: execution.replace(/^.*:/, ''), Input: input } },
  } as Parameters<StateMachine['run']>[1]);
  try {
    await result;
    return { status: 'SUCCEEDED', states: entered };
  } catch (error) {
    // The runner wraps what a machine failed with.
    const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const { name, message } = inner instanceof Error ? inner : new Error(String(inner));
    return { status: 'FAILED', error: name, cause: message, states: entered };
  }
}
