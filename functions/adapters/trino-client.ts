import * as z from 'zod';
import { PercorsoError } from '#core/errors';
import type { TypedColumn } from '#core/ports';

const page = z.looseObject({
  id: z.string(),
  nextUri: z.string().optional(),
  columns: z.array(z.looseObject({ name: z.string(), type: z.string() })).optional(),
  data: z.array(z.array(z.unknown())).optional(),
  updateType: z.string().optional(),
  updateCount: z.number().optional(),
  stats: z.looseObject({ physicalInputBytes: z.number().default(0) }).optional(),
  error: z.looseObject({ message: z.string(), errorName: z.string(), errorType: z.string() }).optional(),
});
type Page = z.output<typeof page>;

export interface TrinoAddress {
  /** Such as `https://trino.acme.it`. */
  url: string;
  catalog: string;
  schema: string;
  user?: string;
  /** Sent as it is in the header `Authorization`. */
  authorization?: string;
}

export interface TrinoAnswer {
  /** By which the engine knows the statement. */
  id: string;
  /** As Trino names their types. */
  columns: TypedColumn[];
  /** Whole numbers of 16 digits and more as text, since a number of JavaScript would lose some. */
  rows: unknown[][];
  /** What kind of statement it was, where it gave no rows of its own. */
  updateType?: string;
  updateCount?: number;
  scannedBytes: number;
}

/** What Trino said of a statement: its own name of the error, and whether the statement or the engine is at fault. */
export class TrinoError extends PercorsoError {
  override name = 'TrinoError';

  readonly errorName: string;
  readonly isOfStatement: boolean;

  constructor(message: string, errorName: string, isOfStatement: boolean, mend?: string) {
    super(message, {
      mend: mend ?? (isOfStatement ? 'correct the statement' : 'run it again; see the log of the engine'),
    });
    this.errorName = errorName;
    this.isOfStatement = isOfStatement;
  }
}

/** Answers by which the protocol asks to come again. */
const comeAgain = [429, 502, 503, 504];
const mostTries = 50;

/** Whole numbers beyond 2^53 would lose digits in JSON.parse: they become text. Texts are left alone. */
function withDigits(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d{16,}$/.test(token) ? `"${token}"` : token,
  );
}

/** An engine that has just started, or begins from no node, has none to run a statement on: nothing of it has begun. */
const noNode = 'NO_NODES_AVAILABLE';
const secondsForANode = 60;

/**
 * Runs one statement over Trino's HTTP protocol and waits for its end; for an engine without a node, up to a minute for one.
 * @param signal cancels it. @throws TrinoError where the statement failed or was cancelled.
 */
export async function runOnTrino(address: TrinoAddress, sql: string, signal?: AbortSignal): Promise<TrinoAnswer> {
  for (let waited = 0; ; waited++) {
    try {
      return await runOnce(address, sql, signal);
    } catch (error) {
      if (!(error instanceof TrinoError) || error.errorName !== noNode || waited === secondsForANode) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

async function runOnce(address: TrinoAddress, sql: string, signal?: AbortSignal): Promise<TrinoAnswer> {
  const headers = {
    'X-Trino-User': address.user ?? 'percorso',
    'X-Trino-Catalog': address.catalog,
    'X-Trino-Schema': address.schema,
    // By it an engine's groups of resources know our statements.
    'X-Trino-Source': 'percorso',
    'X-Trino-Time-Zone': 'UTC',
    // Without it instants are cut to milliseconds.
    'X-Trino-Client-Capabilities': 'PARAMETRIC_DATETIME',
    'Content-Type': 'text/plain; charset=utf-8',
    ...(address.authorization === undefined ? {} : { Authorization: address.authorization }),
  };
  async function call(url: string, init: RequestInit = {}): Promise<Page> {
    if (address.authorization !== undefined && !url.startsWith('https:')) {
      const mend =
        'write trino.url with https; where it has it, set http-server.process-forwarded=true on a Trino behind a proxy';
      throw new TrinoError(`a password or a token would go to ${new URL(url).origin}`, 'NO_HTTPS', true, mend);
    }
    for (let tries = 1; ; tries++) {
      const answer = await fetch(url, { ...init, headers }).catch((error: unknown) => {
        const said = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
        throw new TrinoError(`${new URL(url).origin} does not answer: ${said}`, 'NO_ANSWER', false);
      });
      if (answer.status === 401 || answer.status === 403) {
        const refused = `Trino refuses the user "${headers['X-Trino-User']}" (HTTP ${answer.status})`;
        throw new TrinoError(refused, 'REFUSED', true, 'check the name, and the password or token');
      }
      if (answer.status === 200) return page.parse(JSON.parse(withDigits(await answer.text())));
      if (tries === mostTries || !comeAgain.includes(answer.status)) {
        throw new TrinoError(`HTTP ${answer.status} of Trino: ${await answer.text()}`, 'HTTP_STATUS', false);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  let answer = await call(`${address.url}/v1/statement`, { method: 'POST', body: sql });
  const result: TrinoAnswer = { id: answer.id, columns: [], rows: [], scannedBytes: 0 };
  for (;;) {
    if (answer.columns) result.columns = answer.columns.map(({ name, type }) => ({ name, type }));
    if (answer.data) for (const row of answer.data) result.rows.push(row);
    if (answer.updateType !== undefined) result.updateType = answer.updateType;
    if (answer.updateCount !== undefined) result.updateCount = answer.updateCount;
    if (answer.stats !== undefined) result.scannedBytes = answer.stats.physicalInputBytes;
    const { error, nextUri } = answer;
    if (error !== undefined) throw new TrinoError(error.message, error.errorName, error.errorType === 'USER_ERROR');
    if (nextUri === undefined) return result;
    if (signal?.aborted) {
      await fetch(nextUri, { method: 'DELETE', headers });
      throw new TrinoError('the statement was cancelled', 'USER_CANCELED', true);
    }
    answer = await call(nextUri);
  }
}
