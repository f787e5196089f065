import { eachAtOnce } from '#core/each-at-once';
import type { SqlValue, Store } from '#core/ports';
import type { BuildOptions, BuildResult } from '#pipeline/builds/build';
import {
  clearForRetry,
  endRun,
  judge,
  type LakeBuilder,
  nextBatch,
  type Planned,
  planFiling,
  planRun,
  publishRun,
  type Ran,
  readChecks,
  solve,
} from '#pipeline/builds/lake-build';
import type { Statement } from '#pipeline/builds/lake-plan';
import { isHeld, keepLease, readLease } from '#pipeline/builds/lease';
import { requireBuild } from '#pipeline/builds/publish';

/** An engine over a lake that runs the statements which this process gives it. */
export interface StatementEngine {
  /** Runs one statement to its end. */
  run(database: string, sql: string): Promise<{ id: string; bytes: number; rows: Record<string, SqlValue>[] }>;
  /** Whether a statement failed because it is wrong: it would fail again. */
  isOfStatement(error: unknown): boolean;
  /** Statements at one time. */
  atOnce: number;
  /** The command that shows the statements. */
  shownBy: string;
}

/** Before a statement that failed for the engine's sake runs again, the engine has so long to come back, once more each time. */
const pauseMs = 2000;
/** Objects that are removed at one time. */
const removedAtOnce = 16;

/**
 * Builds on an engine over a lake, as the state machine does on AWS, with a loop of this process in its place: it asks what is
 * next, runs that, and asks again. Killed at any moment it leaves the last build as it was; what it made goes with the next one.
 * @param holder who builds, told apart from whoever else may.
 * @throws PercorsoError where another build is under way, ChecksFailedError where a check failed; nothing is published then,
 * what it made is gone, and the lease is given back.
 */
export async function runLakeBuild(
  given: Omit<LakeBuilder, 'results'>,
  engine: StatementEngine,
  holder: string,
  options: Omit<BuildOptions, 'now'> = {},
): Promise<BuildResult> {
  const began = performance.now();
  const rows = new Map<string, Record<string, SqlValue>[]>();
  const builder: LakeBuilder = { ...given, results: async (execution) => rows.get(execution) ?? [] };
  const { company, tables, now } = builder;
  const { onStep, ...wanted } = options;
  const seconds = () => Math.round((performance.now() - began) / 10) / 100;

  async function plan(anew: { refresh: string; instead: string } | undefined): Promise<Planned> {
    const planned = await planRun(builder, holder, { ...wanted, ...anew });
    if (planned.kind !== 'held') return planned;
    throw isHeld({ build_id: planned.buildId, until: (await readLease(company.lake))?.until ?? '' });
  }

  let done = 0;
  async function runOne({ database, buildId }: Planned, statement: Statement): Promise<Ran> {
    for (let trying = { ...statement, attempt: 1 }; ; ) {
      const started = performance.now();
      try {
        const { id, bytes, rows: found } = await engine.run(database, trying.sql);
        if (found.length > 0) rows.set(id, found);
        return { id: trying.id, execution: id, bytes, milliseconds: Math.round(performance.now() - started) };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const failure = { reason, isOfStatement: engine.isOfStatement(error), shownBy: engine.shownBy };
        if (!failure.isOfStatement) await new Promise((resolve) => setTimeout(resolve, pauseMs * trying.attempt));
        trying = await clearForRetry(builder, buildId, trying, failure);
      }
    }
  }

  async function runAll(planned: Planned, statements: readonly Statement[]): Promise<Ran[]> {
    const ran: Ran[] = [];
    const of = done + statements.length;
    await eachAtOnce(statements, engine.atOnce, async (statement) => {
      onStep?.({ done: done++, of, label: statement.id });
      ran.push(await runOne(planned, statement));
    });
    return ran;
  }

  /** Does all that a plan holds. Resolves to why it must be planned anew, where closed days would have to move. */
  async function follow(planned: Planned): Promise<BuildResult | { refresh: string }> {
    const { buildId } = planned;
    let ran: Ran[] = [];
    for (let at = 0; ; ) {
      const batch = await nextBatch(builder, buildId, at, ran);
      at = batch.at;
      ran = [];
      switch (batch.kind) {
        case 'statements':
          ran = await runAll(planned, batch.statements);
          break;
        case 'checks': {
          ran = await runAll(planned, batch.statements);
          const { refresh } = await judge(
            builder,
            buildId,
            ran.map(({ execution }) => execution),
          );
          if (refresh !== undefined) return { refresh };
          break;
        }
        case 'solver':
          onStep?.({ done, of: done + 1, label: batch.table });
          await solve(builder, buildId, batch.table);
          break;
        case 'file':
          await planFiling(builder, buildId);
          break;
        case 'publish': {
          const checks = await readChecks(builder, buildId);
          const manifest = await publishRun(builder, buildId);
          return { manifest, checks, timings: [], seconds: seconds(), peak_mb: 0, isUnchanged: false };
        }
      }
    }
  }

  async function build(): Promise<BuildResult> {
    for (let anew: { refresh: string; instead: string } | undefined; ; ) {
      const planned = await plan(anew);
      if (planned.kind === 'unchanged') {
        const manifest = await requireBuild(company.lake);
        return { manifest, checks: [], timings: [], seconds: seconds(), peak_mb: 0, isUnchanged: true };
      }
      // Under the lease nobody else builds: what lies there is of builds that died.
      await removeTables(tables, (buildId) => buildId !== planned.buildId);
      const built = await follow(planned);
      if ('manifest' in built) return built;
      anew = { refresh: built.refresh, instead: planned.buildId };
    }
  }

  const stop = keepLease(company.lake, holder, now);
  let result: BuildResult;
  try {
    result = await build();
  } catch (error) {
    await end().catch((second: unknown) => {
      const said = second instanceof Error ? second.message : String(second);
      if (error instanceof Error) error.message += `; and what it made could not be dropped: ${said}`;
    });
    throw error;
  } finally {
    stop();
  }
  await end();
  return result;

  async function end(): Promise<void> {
    const lease = await readLease(company.lake);
    await endRun(builder, holder);
    if (lease?.holder === holder) await removeTables(tables, (buildId) => buildId === lease.build_id);
  }
}

/** Removes what builds left below `tables/`, each in a folder of its own. */
async function removeTables(tables: Store, isMeant: (buildId: string) => boolean): Promise<void> {
  const keys = (await tables.list('tables/')).filter((key) => {
    const [, buildId = '', inside] = key.split('/');
    return inside !== undefined && isMeant(buildId);
  });
  await eachAtOnce(keys, removedAtOnce, (key) => tables.remove(key));
}
