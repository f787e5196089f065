import { mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { UsageError } from '#core/errors';
import type { Manifest } from '#core/lake';
import type { Clock, TypedColumn } from '#core/ports';
import type { BuildOptions, BuildResult } from '#pipeline/builds/build';
import type { Catalogue } from '#pipeline/builds/catalogue';
import type { LakeTarget } from '#pipeline/builds/lake-plan-text';
import type { Company } from '#pipeline/company/company';
import type { CliContext, Progress } from './context.ts';
import type { CompanyWithEngine } from './lake-engine.ts';

/** Others keep scratch in the same folder. */
const scratchPrefix = 'build-';

const engines = ['duckdb', 'athena'] as const;

const options = z.object({
  engine: z.enum(engines).default('duckdb'),
  plan: z.boolean().default(false),
  select: z.string().optional(),
  fullRefresh: z.boolean().default(false),
  asOf: z.string().optional(),
});

/** `percorso build`: raw to published marts. */
export function register(program: Command, context: CliContext): void {
  program
    .command('build')
    .description('make the published tables from all that has come in')
    .option('--plan', 'print the statements and run none')
    .option('--select <models>', 'only these: MODEL, MODEL+ (and all made of it), +MODEL (and all it is made of)')
    .option('--full-refresh', 'make everything anew, also where nothing has changed since the last build')
    .option('--as-of <day>', 'the last whole day, such as 2026-01-31, instead of the last one in the data')
    .addOption(
      new Option('--engine <engine>', 'whose statements --plan prints: duckdb, or athena as on AWS').choices(engines),
    )
    .action(async (given: unknown) => {
      const { plan, select, fullRefresh, asOf, engine } = options.parse(given);
      if (engine === 'athena' && !plan) {
        throw new UsageError('--engine athena without --plan: builds on Athena are run by AWS', {
          mend: 'add --plan to see the statements; docs/aws.md says how a build is started there',
        });
      }
      if (asOf !== undefined && !z.iso.date().safeParse(asOf).success) {
        throw new UsageError(`--as-of ${asOf}: not a day`, { mend: 'write it as 2026-01-31' });
      }
      const company = await context.company();
      const wanted: BuildOptions = {
        now: context.now,
        fullRefresh,
        ...(select === undefined ? {} : { select }),
        ...(asOf === undefined ? {} : { asOf }),
      };
      if (plan && (engine === 'athena' || company.engine !== undefined)) {
        return printLakePlan(company, context, wanted, engine === 'athena' ? undefined : company.engine?.target);
      }
      if (plan) return printPlan(company, context, wanted);
      const result = await buildCompany(company, wanted, context.progress('build'));
      report(result, context);
    });
}

async function printPlan(company: Company, context: CliContext, wanted: BuildOptions): Promise<void> {
  const [{ planCompany }, { describeStep }] = await Promise.all([
    import('#pipeline/builds/build'),
    import('#pipeline/builds/plan'),
  ]);
  const { plan, reason } = await planCompany(company, await openCatalogue(), wanted);
  if (context.json) context.stdout(`${JSON.stringify(plan.steps, null, 2)}\n`);
  else {
    const kind = reason === undefined ? 'a daily build' : `a full refresh: ${reason}`;
    context.stdout(`-- ${kind}\n\n${plan.steps.map(describeStep).join('\n\n')}\n`);
  }
}

/**
 * Every statement that a build of this company would run on an engine over a lake: on that of the company, or on Athena, as AWS
 * would see it but for the account's number.
 */
async function printLakePlan(
  company: Company,
  context: CliContext,
  wanted: BuildOptions,
  target: LakeTarget | undefined,
): Promise<void> {
  const { describeLakePlan, onAthena } = await import('#pipeline/builds/lake-plan-text');
  const catalogue = await openCatalogue();
  const types = await columnsOfTables(company, catalogue);
  const { text, steps } = await describeLakePlan(company, catalogue, types, wanted, target ?? onAthena(company));
  context.stdout(context.json ? `${JSON.stringify(steps, null, 2)}\n` : text);
}

/** Columns of every table that a model makes, as they come out on any engine. */
export async function columnsOfTables(company: Company, catalogue: Catalogue): Promise<Record<string, TypedColumn[]>> {
  const [{ createDuckDbWarehouse }, { typesOfTables }] = await Promise.all([
    import('#adapters/duckdb-warehouse'),
    import('#pipeline/builds/table-types'),
  ]);
  const warehouse = await createDuckDbWarehouse({ threads: 1, memory: '1GB' });
  try {
    return await typesOfTables(catalogue, company, warehouse);
  } finally {
    await warehouse.close();
  }
}

export async function openCatalogue(): Promise<Catalogue> {
  const [{ createQueryReader }, { readCatalogue }] = await Promise.all([
    import('#adapters/trino-reader'),
    import('#pipeline/builds/catalogue'),
  ]);
  return readCatalogue(await createQueryReader());
}

/** Builds the same company without any data, in memory and a scratch folder: only its tables' columns are of use. */
export async function buildEmpty(company: Company, catalogue: Catalogue): Promise<Manifest> {
  const [{ createFolderStore }, { createDuckDbWarehouse }, { build }] = await Promise.all([
    import('#adapters/folder-store'),
    import('#adapters/duckdb-warehouse'),
    import('#pipeline/builds/build'),
  ]);
  const scratch = await mkdtemp(join(tmpdir(), 'percorso-empty-'));
  const warehouse = await createDuckDbWarehouse({ threads: 1, memory: '1GB' });
  try {
    return (await build({ ...company, lake: createFolderStore(scratch) }, catalogue, warehouse)).manifest;
  } finally {
    await warehouse.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Builds a company, one build at a time: what waits in the spool first, then the tables, here or on the engine of its lake.
 * @throws ChecksFailedError where a check failed, PercorsoError where another build is under way; nothing is published then.
 */
export async function buildCompany(
  company: CompanyWithEngine,
  wanted: BuildOptions,
  progress: Progress,
  now: Clock = () => new Date(),
): Promise<BuildResult> {
  const [{ withLock }, catalogue] = await Promise.all([import('#adapters/file-lock'), openCatalogue()]);
  const buildNow = async () => {
    // Scratch of builds that died: nobody else can be using it while the lock is held.
    for (const name of await readdir(company.paths.work).catch(() => [])) {
      if (name.startsWith(scratchPrefix)) await rm(join(company.paths.work, name), { recursive: true, force: true });
    }
    await drain(company, now);
    const isWhole = await raise(company, now);
    const options: BuildOptions = {
      now,
      ...wanted,
      fullRefresh: isWhole || (wanted.fullRefresh ?? false),
      onStep: ({ done, of, label }) => progress.update(`${done + 1} of ${of}: ${label}`),
    };
    const result = await (company.engine?.build(catalogue, options) ?? buildHere(company, catalogue, options, now));
    const tables = `${Object.keys(result.manifest.tables).length} tables up to ${result.manifest.as_of}`;
    const { kind, reason } = result.manifest;
    if (!result.isUnchanged && reason !== undefined) progress.done(`${kind} refresh: ${reason}`);
    progress.done(result.isUnchanged ? `${tables}, as they stand: nothing has changed since` : tables);
    return result;
  };
  return withLock(join(company.paths.locks, 'build.lock'), 'a build', () => company.alone(buildNow));
}

async function buildHere(
  company: Company,
  catalogue: Catalogue,
  options: BuildOptions,
  now: Clock,
): Promise<BuildResult> {
  const [{ createDuckDbWarehouse }, { build }] = await Promise.all([
    import('#adapters/duckdb-warehouse'),
    import('#pipeline/builds/build'),
  ]);
  const { memory, threads } = company.config.engine;
  const warehouse = await createDuckDbWarehouse({
    spill: join(company.paths.work, `${scratchPrefix}${now().getTime()}-${process.pid}`),
    memory,
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const result = await build(company, catalogue, warehouse, options);
    await removeEmptyFolders(join(company.paths.lake, 'marts', 'builds'));
    return result;
  } finally {
    await warehouse.close();
  }
}

/** What the door has acknowledged belongs into this build, also where no collector runs any more. */
async function drain(company: Company, now: Clock): Promise<void> {
  if ((await readdir(company.paths.spool).catch(() => [])).length === 0) return;
  const [{ drainSpool }, { createSpoolQueue }] = await Promise.all([
    import('#pipeline/arrivals/drain'),
    import('#adapters/spool-queue'),
  ]);
  await drainSpool(company, createSpoolQueue(company.paths.spool), now);
}

/**
 * What a process wrote that began before the key of identifiers was changed belongs to the same persons all the same.
 * @returns whether a change of the key is under way, so that all is to be made anew.
 */
async function raise(company: Company, now: Clock): Promise<boolean> {
  const key = await company.identifierKey();
  const { generationOf } = await import('#core/identifier-key');
  if (generationOf(key) === 1) return false;
  const [{ raiseLake }, { readHashing }] = await Promise.all([
    import('#pipeline/people/rotate-key'),
    import('#pipeline/company/keys'),
  ]);
  await raiseLake(company, key, { changed_at: now().toISOString() });
  return (await readHashing(company.lake)).done < generationOf(key);
}

/** A store knows objects, not folders: those of pruned builds stay behind empty. Only builds write here, one at a time. */
async function removeEmptyFolders(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const empty = await Promise.all(
    entries.map(async (entry) => entry.isDirectory() && (await removeEmptyFolders(join(folder, entry.name)))),
  );
  if (!empty.every((one) => one)) return false;
  await rmdir(folder).catch(() => undefined);
  return true;
}

function report(result: BuildResult, context: CliContext): void {
  for (const check of result.manifest.checks.filter((one) => one.failing_rows > 0)) {
    context.stderr(`warning: ${check.check}: ${check.failing_rows} ${check.failing_rows === 1 ? 'row' : 'rows'}\n`);
  }
  if (!context.json) return;
  const { manifest, checks, timings, seconds, peak_mb, isUnchanged } = result;
  context.stdout(
    `${JSON.stringify(
      {
        build_id: manifest.build_id,
        as_of: manifest.as_of,
        kind: manifest.kind,
        reason: manifest.reason,
        seconds,
        peak_mb,
        is_unchanged: isUnchanged,
        tables: Object.fromEntries(Object.entries(manifest.tables).map(([name, table]) => [name, table.rows])),
        checks,
        timings,
      },
      null,
      2,
    )}\n`,
  );
}
