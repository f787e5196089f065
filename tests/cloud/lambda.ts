import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';

export interface LambdaSpec {
  arn: string;
  folder: string;
  /** `index.handler`. */
  handler: string;
  env: Record<string, string>;
  timeoutSeconds: number;
}

export interface Lambda {
  /** Resolves to what the handler answered. @throws what it threw, or where the sandbox was killed. */
  invoke(event: unknown): Promise<unknown>;
  /** Ends the sandbox at this very moment, as a host that dies. The next invocation gets a new one. */
  kill(): Promise<void>;
  /** What it wrote to its log. */
  log(): string;
}

/** Runs the bundle of a Lambda in a sandbox of its own. @param environment what every Lambda has, such as addresses and a region. */
export function openLambda(spec: LambdaSpec, environment: Record<string, string>): Lambda {
  let worker: Worker | undefined;
  let log = '';
  const waiting = new Map<string, { resolve(answer: unknown): void; reject(error: Error): void }>();

  function start(): Worker {
    const started = new Worker(new URL('./lambda-worker.mjs', import.meta.url), {
      workerData: spec,
      execArgv: [],
      stdout: true,
      stderr: true,
      env: { PATH: process.env.PATH, TZ: 'UTC', NODE_NO_WARNINGS: '1', ...environment, ...spec.env },
    });
    for (const stream of [started.stdout, started.stderr]) {
      stream.on('data', (part) => {
        log += String(part);
      });
    }
    const fail = (error: Error) => {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
      if (worker === started) worker = undefined;
    };
    started.on('message', ({ id, answer, error }: { id: string; answer?: unknown; error?: string }) => {
      const asked = waiting.get(id);
      waiting.delete(id);
      if (error === undefined) asked?.resolve(answer);
      else asked?.reject(new Error(error));
    });
    started.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))));
    started.on('exit', () => fail(new Error('the sandbox ended')));
    return started;
  }

  return {
    invoke(event) {
      worker ??= start();
      const id = randomUUID();
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        worker?.postMessage({ id, event });
      });
    },
    async kill() {
      await worker?.terminate();
    },
    log: () => log,
  };
}
