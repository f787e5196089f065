import {
  type AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  type QueryExecution,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { PercorsoError } from '#core/errors';

export interface AthenaAddress {
  client: AthenaClient;
  workgroup: string;
  database: string;
}

/** What Athena said of a statement that failed or was stopped. */
export class AthenaError extends PercorsoError {
  override name = 'AthenaError';
}

/** Between two looks at a statement, in ms: at once at first, since many are short. */
const firstPause = 100;
const longestPause = 2000;

/**
 * Starts a statement and waits for its end.
 * @param token the same for the same start: Athena then starts it once. At least 32 letters.
 * @throws AthenaError where it failed or was stopped.
 */
export async function runOnAthena(
  { client, workgroup, database }: AthenaAddress,
  sql: string,
  token?: string,
): Promise<QueryExecution> {
  const { QueryExecutionId } = await client.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      WorkGroup: workgroup,
      QueryExecutionContext: { Catalog: 'AwsDataCatalog', Database: database },
      ...(token === undefined ? {} : { ClientRequestToken: token }),
    }),
  );
  for (let pause = firstPause; ; pause = Math.min(longestPause, pause * 1.5)) {
    const { QueryExecution: execution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    const state = execution?.Status?.State;
    if (execution !== undefined && state === 'SUCCEEDED') return execution;
    if (state === 'FAILED' || state === 'CANCELLED') {
      throw new AthenaError(`Athena: ${execution?.Status?.StateChangeReason ?? state}`, {
        mend: `statement ${QueryExecutionId} of the workgroup ${workgroup} shows the text that failed`,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Rows of a finished query, all as text; null is undefined. @param most rows at a time, up to 1000. */
export async function* readResults(
  client: AthenaClient,
  queryExecutionId: string,
): AsyncIterable<{ columns: { name: string; type: string }[]; rows: (string | undefined)[][] }> {
  let next: string | undefined;
  let isFirst = true;
  do {
    const page = await client.send(
      new GetQueryResultsCommand({ QueryExecutionId: queryExecutionId, NextToken: next, MaxResults: 1000 }),
    );
    const columns = (page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? []).map(
      ({ Name = '', Type = '', Precision = 0, Scale = 0 }) => ({
        name: Name,
        type: Type === 'decimal' ? `decimal(${Precision},${Scale})` : Type,
      }),
    );
    const rows = (page.ResultSet?.Rows ?? []).map(({ Data = [] }) => Data.map(({ VarCharValue }) => VarCharValue));
    // The first row of a SELECT names the columns.
    yield { columns, rows: isFirst ? rows.slice(1) : rows };
    isFirst = false;
    next = page.NextToken;
  } while (next !== undefined);
}
