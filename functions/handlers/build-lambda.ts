import { AthenaClient } from '@aws-sdk/client-athena';
import * as z from 'zod';
import { readResults } from '#adapters/athena-client';
import { createAthenaWarehouse } from '#adapters/athena-warehouse';
import { createS3Store } from '#adapters/s3-store';
import { PercorsoError } from '#core/errors';
import { leaseSeconds } from '#core/lake';
import { athenaDialect } from '#core/lake-sql';
import type { SqlValue } from '#core/ports';
import {
  clearForRetry,
  endRun,
  type Failure,
  judge,
  type LakeBuilder,
  nextBatch,
  planFiling,
  planRun,
  publishRun,
  solve,
  tokenOf,
} from '#pipeline/builds/lake-build';
import { readPackedCatalogue } from '#pipeline/builds/packed-catalogue';
import { readPackedCompany } from '#pipeline/company/packed-company';
import { bundleFolder, catalogueFolder, companyFolder, variable } from './lambda-company.ts';
import { causeOf, log } from './lambda-log.ts';

const client = new AthenaClient({});

async function openBuilder(): Promise<LakeBuilder> {
  const [company, { catalogue, types }] = await Promise.all([
    readPackedCompany(`${bundleFolder}${companyFolder}`),
    readPackedCatalogue(`${bundleFolder}${catalogueFolder}`),
  ]);
  const tables = createS3Store(variable(process.env, 'TABLES_BUCKET'));
  const workgroup = variable(process.env, 'WORKGROUP');
  return {
    company: { ...company, lake: createS3Store(variable(process.env, 'LAKE_BUCKET')) },
    catalogue,
    types,
    on: 'aws',
    dialect: () => athenaDialect,
    rawDatabase: variable(process.env, 'RAW_DATABASE'),
    leaseSeconds,
    tables,
    openWarehouse: (database, prefix) => createAthenaWarehouse({ client, workgroup, database, store: tables, prefix }),
    async results(execution) {
      const found: Record<string, SqlValue>[] = [];
      for await (const { columns, rows } of readResults(client, execution)) {
        for (const row of rows) found.push(Object.fromEntries(columns.map(({ name }, at) => [name, row[at] ?? null])));
      }
      return found;
    },
    now: () => new Date(),
  };
}

const opening = openBuilder();

const statement = z.object({
  id: z.string(),
  sql: z.string(),
  location: z.string().optional(),
  table: z.string().optional(),
  files: z.string().optional(),
  attempt: z.number(),
  token: z.string(),
});
const ran = z.object({ id: z.string(), execution: z.string(), bytes: z.number(), milliseconds: z.number() });
const run = { buildId: z.string() };

const request = z.discriminatedUnion('task', [
  z.object({
    task: z.literal('plan'),
    holder: z.string(),
    /** Why all is made anew, and the build that found that out. */
    refresh: z.string().optional(),
    instead: z.string().optional(),
    /** What whoever starts the machine by hand may ask for. */
    input: z
      .object({ fullRefresh: z.boolean().optional(), asOf: z.iso.date().optional(), select: z.string().optional() })
      .default({}),
  }),
  z.object({ task: z.literal('next'), ...run, at: z.number(), ran: z.array(ran).optional() }),
  z.object({ task: z.literal('solve'), ...run, table: z.string() }),
  z.object({ task: z.literal('again'), ...run, statement, said: z.string() }),
  z.object({ task: z.literal('judge'), ...run, ran: z.array(ran) }),
  z.object({ task: z.literal('file'), ...run }),
  z.object({ task: z.literal('publish'), ...run }),
  z.object({ task: z.literal('end'), holder: z.string() }),
]);
type Request = z.output<typeof request>;

/** What a task tells the machine that ran no statement for it. */
const nothingRan: never[] = [];

/** @param said what Athena said of a statement that failed, as JSON or text. */
function failureOf(said: string): Failure {
  return {
    reason: /"StateChangeReason":\s*"((?:[^"\\]|\\.)*)"/.exec(said)?.[1] ?? said.slice(0, 500),
    isOfStatement: !(/"Retryable":\s*true/.test(said) || /"ErrorCategory":\s*1\b/.test(said)),
    shownBy: 'percorso build --plan --engine athena',
  };
}

const tokenAgain = (token: string, attempt: number) => `${token}-again-${attempt}`;

async function perform(asked: Request): Promise<unknown> {
  const builder = await opening;
  switch (asked.task) {
    case 'plan': {
      const { fullRefresh, asOf, select } = asked.input;
      return planRun(builder, asked.holder, {
        ...(asked.refresh === undefined ? {} : { refresh: asked.refresh }),
        ...(asked.instead === undefined ? {} : { instead: asked.instead }),
        ...(fullRefresh === undefined ? {} : { fullRefresh }),
        ...(asOf === undefined ? {} : { asOf }),
        ...(select === undefined ? {} : { select }),
      });
    }
    case 'next': {
      const batch = await nextBatch(builder, asked.buildId, asked.at, asked.ran);
      if (!('statements' in batch)) return batch;
      const statements = batch.statements.map((one, index) => ({
        ...one,
        attempt: 1,
        token: tokenOf(asked.buildId, asked.at, index),
      }));
      return { ...batch, statements };
    }
    case 'solve':
      await solve(builder, asked.buildId, asked.table);
      return nothingRan;
    case 'again': {
      const cleared = await clearForRetry(builder, asked.buildId, asked.statement, failureOf(asked.said));
      log('error', 'statement_again', { statement: cleared.id, attempt: cleared.attempt });
      return { ...cleared, token: tokenAgain(asked.statement.token, cleared.attempt) };
    }
    case 'judge':
      return judge(
        builder,
        asked.buildId,
        asked.ran.map(({ execution }) => execution),
      );
    case 'file':
      await planFiling(builder, asked.buildId);
      return nothingRan;
    case 'publish': {
      const { build_id, as_of, kind, reason = '', checks } = await publishRun(builder, asked.buildId);
      log('info', 'build_published', { build_id, as_of, kind: kind ?? '', reason });
      for (const { check, failing_rows } of checks) {
        // One of severity error would have kept the build from being published.
        if (failing_rows > 0) log('info', 'check_warned', { check, failing_rows });
      }
      return { build_id, as_of, kind };
    }
    case 'end':
      await endRun(builder, asked.holder);
      return {};
  }
}

/** One task of a build; the state machine of the pipeline stack asks for them in turn. */
export async function handler(event: unknown): Promise<unknown> {
  const asked = request.parse(event);
  try {
    return await perform(asked);
  } catch (error) {
    // The mail of a build that failed has the message and no more.
    if (error instanceof PercorsoError && error.mend !== undefined) error.message += `. Mend: ${error.mend}`;
    log('error', 'build_failed', { task: asked.task, ...causeOf(error) });
    throw error;
  }
}
