import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  BatchCreatePartitionCommand,
  CreateDatabaseCommand,
  CreateTableCommand,
  DeleteDatabaseCommand,
  DeleteTableCommand,
  GetTableCommand,
  GetTablesCommand,
  type GlueClient,
} from '@aws-sdk/client-glue';
import { ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { runOnTrino, type TrinoAnswer, TrinoError } from '#adapters/trino-client';
import { longestStatement } from '#core/lake-sql';
import { Refusal, type Translated, translate } from './athena-dialect.ts';
import { cellText } from './athena-text.ts';

/** The catalogues that this stand-in needs of Trino: tables of Iceberg under the name that Athena gives them, files, and a place to unload. */
export function athenaCatalogs(address: string, region: string, folder: string): Record<string, string[]> {
  const s3 = [
    'fs.native-s3.enabled=true',
    `s3.endpoint=${address}`,
    `s3.region=${region}`,
    's3.path-style-access=true',
    's3.aws-access-key=test',
    's3.aws-secret-key=test',
  ];
  const glue = [
    `hive.metastore.glue.region=${region}`,
    `hive.metastore.glue.endpoint-url=${address}`,
    'hive.metastore.glue.aws-access-key=test',
    'hive.metastore.glue.aws-secret-key=test',
  ];
  return {
    // The two show each other's tables, so that names need no catalogue.
    awsdatacatalog: [
      'connector.name=iceberg',
      'iceberg.catalog.type=glue',
      'iceberg.hive-catalog-name=hive',
      'iceberg.file-format=PARQUET',
      'iceberg.max-partitions-per-writer=100',
      ...glue,
      ...s3,
    ],
    hive: [
      'connector.name=hive',
      'hive.metastore=glue',
      'hive.iceberg-catalog-name=awsdatacatalog',
      'hive.partition-projection-enabled=true',
      'hive.recursive-directories=true',
      ...glue,
      ...s3,
    ],
    // What writes files keeps its tables out of Glue.
    unload: [
      'connector.name=hive',
      'hive.metastore=file',
      'hive.metastore.catalog.dir=local:///unload',
      'fs.native-local.enabled=true',
      `local.location=${folder}`,
      'hive.non-managed-table-writes-enabled=true',
      'hive.allow-register-partition-procedure=true',
      'hive.max-partitions-per-writers=100',
      ...s3,
    ],
  };
}

interface Execution {
  id: string;
  query: string;
  workgroup: string;
  database: string;
  state: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  reason?: string;
  isOfStatement?: boolean;
  answer?: TrinoAnswer;
  abort: AbortController;
  scannedBytes: number;
  milliseconds: number;
  submitted: number;
}

/** Fails a statement as Athena might, before it runs; undefined lets it run. */
export type Sabotage = (query: string) => { message: string; isOfStatement: boolean } | undefined;

class ApiError extends Error {
  readonly type = 'InvalidRequestException';
}

const start = z.object({
  QueryString: z.string().min(1),
  WorkGroup: z.string(),
  QueryExecutionContext: z.object({ Catalog: z.string().optional(), Database: z.string() }),
  ClientRequestToken: z.string().min(32).max(128).optional(),
});
const of = z.object({ QueryExecutionId: z.string() });
const page = of.extend({ NextToken: z.string().optional(), MaxResults: z.number().max(1000).default(1000) });

const jsonFormat = {
  InputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
  OutputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
  SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
};
const parquetFormat = {
  InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
  OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
  SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
};

/**
 * Athena's API over a real Trino: its statements are translated where they differ from Trino's, its rules are held (location,
 * lower case, instants without a zone and with as many digits as it keeps, 256 KB, an empty place to unload to, one start a token).
 */
export async function startAthena(options: {
  trino: string;
  glue: GlueClient;
  s3: S3Client;
  workgroups: readonly string[];
}): Promise<{
  address: string;
  /** Every statement that was started, in order. */
  started: readonly Execution[];
  sabotage(judge: Sabotage | undefined): void;
  stop(): void;
}> {
  const executions = new Map<string, Execution>();
  const started: Execution[] = [];
  const tokens = new Map<string, Execution>();
  let judge: Sabotage | undefined;
  const onTrino = (sql: string, database: string, signal?: AbortSignal) =>
    runOnTrino({ url: options.trino, catalog: 'awsdatacatalog', schema: database }, sql, signal);
  await runOnTrino({ url: options.trino, catalog: 'unload', schema: 't' }, 'create schema if not exists unload.t');

  const typesOf = async (select: string, database: string) =>
    (await onTrino(`select * from (\n${select}\n) as asked limit 0`, database)).columns.map(({ type }) => type);

  async function perform(execution: Execution, step: Translated): Promise<TrinoAnswer | undefined> {
    const { database, abort } = execution;
    const { glue, s3 } = options;
    switch (step.kind) {
      case 'select':
        return onTrino(step.sql, database, abort.signal);
      case 'utility':
        await onTrino(step.sql, database, abort.signal);
        return undefined;
      case 'view':
        holdViewTypes(await typesOf(step.select, database));
        await onTrino(step.sql, database, abort.signal);
        return undefined;
      case 'iceberg-ctas': {
        holdIcebergTypes(await typesOf(step.select, database));
        execution.scannedBytes = (await onTrino(step.sql, database, abort.signal)).scannedBytes;
        return undefined;
      }
      case 'unload': {
        const [, Bucket, Prefix] = /^s3:\/\/([^/]+)\/(.*)$/.exec(step.location) ?? [];
        const there = await s3.send(new ListObjectsV2Command({ Bucket, Prefix, MaxKeys: 1 }));
        if ((there.KeyCount ?? 0) > 0) {
          throw new Refusal('HIVE_PATH_ALREADY_EXISTS', `Target directory for table already exists: ${step.location}`);
        }
        refuseZones(await typesOf(step.select, database));
        const by = step.properties.get('partitioned_by');
        const table = `unload.t.u_${randomUUID().replaceAll('-', '')}`;
        const given = [`external_location = '${step.location}'`, "format = 'PARQUET'"];
        if (by !== undefined) given.push(`partitioned_by = ${by}`);
        try {
          await onTrino(`create table ${table} with (${given.join(', ')}) as\n${step.select}`, database, abort.signal);
        } finally {
          await onTrino(`drop table if exists ${table}`, database);
        }
        return undefined;
      }
      case 'external-table': {
        const named = (columns: [string, string][]) => columns.map(([Name, Type]) => ({ Name, Type }));
        await glue.send(
          new CreateTableCommand({
            DatabaseName: database,
            TableInput: {
              Name: step.table,
              TableType: 'EXTERNAL_TABLE',
              Parameters: { EXTERNAL: 'TRUE' },
              PartitionKeys: named(step.partitions),
              StorageDescriptor: {
                Columns: named(step.columns),
                Location: step.location,
                ...(step.format === 'json' ? jsonFormat : parquetFormat),
              },
            },
          }),
        );
        return undefined;
      }
      case 'partitions': {
        const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name: step.table }));
        await glue.send(
          new BatchCreatePartitionCommand({
            DatabaseName: database,
            TableName: step.table,
            PartitionInputList: step.partitions.map(({ values, location }) => ({
              Values: values,
              StorageDescriptor: { ...Table?.StorageDescriptor, Location: location },
            })),
          }),
        );
        return undefined;
      }
      case 'create-database':
        await glue
          .send(new CreateDatabaseCommand({ DatabaseInput: { Name: step.name, LocationUri: step.location } }))
          .catch(unless('AlreadyExistsException'));
        return undefined;
      case 'drop-database': {
        const tables: string[] = [];
        try {
          for (let NextToken: string | undefined, isFirst = true; isFirst || NextToken !== undefined; isFirst = false) {
            const some = await glue.send(new GetTablesCommand({ DatabaseName: step.name, NextToken }));
            tables.push(...(some.TableList ?? []).map(({ Name = '' }) => Name));
            NextToken = some.NextToken;
          }
        } catch (error) {
          unless('EntityNotFoundException')(error);
          return undefined;
        }
        for (const table of tables) await dropTable(step.name, table);
        await glue.send(new DeleteDatabaseCommand({ Name: step.name }));
        return undefined;
      }
      case 'drop-table':
        await dropTable(database, step.table);
        return undefined;
    }
  }

  /** Of what Iceberg made the objects go too; of files and views the catalogue's entry alone. */
  async function dropTable(database: string, table: string): Promise<void> {
    const found = await options.glue
      .send(new GetTableCommand({ DatabaseName: database, Name: table }))
      .catch(unless('EntityNotFoundException'));
    if (found?.Table === undefined) return;
    if (found.Table.Parameters?.table_type?.toLowerCase() === 'iceberg') {
      await onTrino(`drop table if exists "${table}"`, database);
    } else await options.glue.send(new DeleteTableCommand({ DatabaseName: database, Name: table }));
  }

  async function work(execution: Execution): Promise<void> {
    execution.state = 'RUNNING';
    const began = performance.now();
    try {
      const fault = judge?.(execution.query);
      if (fault !== undefined) throw new TrinoError(fault.message, 'SABOTAGED', fault.isOfStatement);
      const answer = await perform(execution, translate(execution.query));
      if (answer !== undefined) {
        execution.answer = answer;
        execution.scannedBytes = answer.scannedBytes;
      }
      execution.milliseconds = Math.round(performance.now() - began);
      execution.state = 'SUCCEEDED';
    } catch (error) {
      const isOurs = error instanceof TrinoError || error instanceof Refusal;
      const code = error instanceof TrinoError ? error.errorName : error instanceof Refusal ? error.code : 'GENERIC';
      execution.isOfStatement = error instanceof Refusal || (error instanceof TrinoError && error.isOfStatement);
      execution.reason = `${code}: ${error instanceof Error ? error.message : String(error)}`;
      execution.state = execution.abort.signal.aborted && isOurs ? 'CANCELLED' : 'FAILED';
    }
  }

  const get = (id: string) => {
    const found = executions.get(id);
    if (found === undefined) throw new ApiError(`QueryExecution ${id} was not found`);
    return found;
  };

  const operations: Record<string, (body: unknown) => unknown> = {
    StartQueryExecution(body) {
      const asked = start.parse(body);
      if (Buffer.byteLength(asked.QueryString) > longestStatement) {
        throw new ApiError(`Value at 'queryString' must have length less than or equal to ${longestStatement}`);
      }
      if (!options.workgroups.includes(asked.WorkGroup))
        throw new ApiError(`WorkGroup ${asked.WorkGroup} is not found.`);
      const { ClientRequestToken: token } = asked;
      const before = token === undefined ? undefined : tokens.get(token);
      if (before !== undefined) {
        if (before.query !== asked.QueryString) throw new ApiError('Idempotent parameters do not match');
        return { QueryExecutionId: before.id };
      }
      const execution: Execution = {
        id: randomUUID(),
        query: asked.QueryString,
        workgroup: asked.WorkGroup,
        database: asked.QueryExecutionContext.Database,
        state: 'QUEUED',
        abort: new AbortController(),
        scannedBytes: 0,
        milliseconds: 0,
        submitted: Date.now() / 1000,
      };
      executions.set(execution.id, execution);
      started.push(execution);
      if (token !== undefined) tokens.set(token, execution);
      void work(execution);
      return { QueryExecutionId: execution.id };
    },
    GetQueryExecution(body) {
      const execution = get(of.parse(body).QueryExecutionId);
      const { id, query, workgroup, database, state, reason, isOfStatement, scannedBytes, submitted } = execution;
      return {
        QueryExecution: {
          QueryExecutionId: id,
          Query: query,
          WorkGroup: workgroup,
          QueryExecutionContext: { Catalog: 'awsdatacatalog', Database: database },
          Statistics: { DataScannedInBytes: scannedBytes, EngineExecutionTimeInMillis: execution.milliseconds },
          Status: {
            State: state,
            SubmissionDateTime: submitted,
            ...(reason === undefined
              ? {}
              : {
                  StateChangeReason: reason,
                  AthenaError: {
                    ErrorCategory: isOfStatement ? 2 : 1,
                    ErrorType: isOfStatement ? 1006 : 401,
                    Retryable: !isOfStatement,
                    ErrorMessage: reason,
                  },
                }),
          },
        },
      };
    },
    StopQueryExecution(body) {
      get(of.parse(body).QueryExecutionId).abort.abort();
      return {};
    },
    GetQueryResults(body) {
      const { QueryExecutionId, NextToken, MaxResults } = page.parse(body);
      const { answer, state } = get(QueryExecutionId);
      if (state !== 'SUCCEEDED') throw new ApiError(`Query has not yet finished. Current state: ${state}`);
      const columns = answer?.columns ?? [];
      const all: unknown[][] = answer === undefined ? [] : [columns.map(({ name }) => name), ...answer.rows];
      const from = Number(NextToken ?? 0);
      const Rows = all.slice(from, from + MaxResults).map((row) => ({
        Data: row.map((value) => (value === null || value === undefined ? {} : { VarCharValue: cellText(value) })),
      }));
      const ColumnInfo = columns.map(({ name, type }) => {
        const [, precision, scale] = /^decimal\((\d+), ?(\d+)\)$/.exec(type) ?? [];
        return {
          Name: name,
          Type: type
            .replace(/^(decimal|timestamp|varchar|char)\([\d, ]+\)/, '$1')
            .replace(/^(array|row|map)\(.*$/, '$1'),
          Precision: Number(precision ?? 0),
          Scale: Number(scale ?? 0),
        };
      });
      return {
        UpdateCount: 0,
        ResultSet: { Rows, ResultSetMetadata: { ColumnInfo } },
        ...(from + MaxResults < all.length ? { NextToken: String(from + MaxResults) } : {}),
      };
    },
  };

  const server = createServer((request, response) => {
    const body: Buffer[] = [];
    request.on('data', (part) => body.push(part));
    request.on('end', () => {
      const operation = String(request.headers['x-amz-target'] ?? '').replace(/^.*\./, '');
      const answer = (code: number, said: unknown) =>
        response.writeHead(code, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(said));
      try {
        const run = operations[operation];
        if (run === undefined) throw new ApiError(`here is no ${operation}`);
        answer(200, run(JSON.parse(Buffer.concat(body).toString() || '{}')));
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        answer(400, { __type: 'InvalidRequestException', message, Message: message });
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('Athena has no port');
  return {
    address: `http://127.0.0.1:${bound.port}`,
    started,
    sabotage(wanted) {
      judge = wanted;
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Neither tables nor views nor files keep an instant with its zone; only a query may give one. */
function refuseZones(types: readonly string[]): void {
  const zoned = /timestamp\(\d+\) with time zone/.exec(types.join('\n'))?.[0];
  if (zoned !== undefined) throw new Refusal('NOT_SUPPORTED', `Unsupported Hive type: ${zoned}`);
}

function holdIcebergTypes(types: readonly string[]): void {
  refuseZones(types);
  const short = /timestamp\(([0-57-9])\)/.exec(types.join('\n'))?.[1];
  if (short === undefined) return;
  throw new Refusal(
    'NOT_SUPPORTED',
    `Timestamp precision (${short}) not supported for Iceberg. Use "timestamp(6)" instead.`,
  );
}

/** The catalogue keeps columns of a view as Hive's types, whose instants have three digits: others make the view stale. */
function holdViewTypes(types: readonly string[]): void {
  refuseZones(types);
  const long = /timestamp\([0-24-9]\d*\)/.exec(types.join('\n'))?.[0];
  if (long !== undefined) throw new Refusal('NOT_SUPPORTED', `Unsupported Hive type: ${long}`);
}

function unless(name: string): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof Error && error.name === name) return undefined;
    throw error;
  };
}
