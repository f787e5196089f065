import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import { PercorsoError } from '#core/errors';
import { generationOfObject, lake, type Manifest } from '#core/lake';
import type { LakeDialect } from '#core/lake-sql';
import type { Clock, SqlValue, Store, TypedColumn, Warehouse } from '#core/ports';
import { createReportingDay } from '#core/reporting-day';
import type { SettingTable } from '#core/setting-tables';
import { daysBefore, findFooting, lookBack, madeWith, programOf, rawToRead, writeTaken } from '#pipeline/builds/books';
import {
  type BuildOptions,
  type CheckResult,
  ChecksFailedError,
  carriedChecks,
  checkResultColumns,
  checkResultRows,
  checkResults,
  createBuildId,
  type DatedResult,
  type PlannedCompany,
  prepare,
} from '#pipeline/builds/build';
import { type Catalogue, isSqlModel } from '#pipeline/builds/catalogue';
import {
  type Filing,
  filedTable,
  filingOf,
  type MonthRows,
  monthQueries,
  readMonths,
  unloadStatements,
} from '#pipeline/builds/lake-filing';
import {
  type Batch,
  type LakePlace,
  type LakePlan,
  planOnLake,
  rowsFolder,
  type Statement,
} from '#pipeline/builds/lake-plan';
import { holdsLease, type Lease, readLease, releaseLease, takeLease } from '#pipeline/builds/lease';
import { composeManifest } from '#pipeline/builds/manifest';
import { fillIn, horizonTable } from '#pipeline/builds/plan';
import { pruneBuilds, publishManifest, readCurrentManifest } from '#pipeline/builds/publish';
import { readHashing } from '#pipeline/company/keys';
import { requireNoUndo } from '#pipeline/imports/import-ledger';

/**
 * A build whose statements others run: a state machine, or a loop of this process (`lake-run.ts`), asks what to do next, runs
 * it on an engine over a lake, and asks again. Each task reads what it needs from the lake, does its part, and may be done twice.
 */
export interface LakeBuilder {
  company: PlannedCompany & { overrides?: Record<string, string> };
  catalogue: Catalogue;
  /** Columns of every table that a model makes, as they come out on any engine. */
  types: Readonly<Record<string, readonly TypedColumn[]>>;
  /** What a command has behind `--on` to work on this lake. */
  on: 'aws' | 'trino';
  /** How statements are written in a database. */
  dialect(database: string): LakeDialect;
  /** The database of the raw tables, where they are there for good; builds have databases named after it. */
  rawDatabase: string;
  /** For how many seconds a build takes the lease: at most a build lasts, or until whoever runs it renews it. */
  leaseSeconds: number;
  /** Where tables lie while a build runs, below `tables/` and the id of the build. */
  tables: Store;
  /** Opens the engine in a database. @param prefix where below `tables` it makes its own. */
  openWarehouse(database: string, prefix: string): Warehouse;
  /** Rows of a statement that has been run, by its id. */
  results(execution: string): Promise<Record<string, SqlValue>[]>;
  now: Clock;
}

const runFile = z.object({
  /** What planned it. Every task asks: a release may come in the middle of a build. */
  program: z.record(z.string(), z.string()),
  holder: z.string(),
  run: z.custom<LakeRun>((value) => typeof value === 'object' && value !== null),
});

interface LakeRun extends Omit<LakePlan, 'files'> {
  kind: 'full' | 'daily';
  reason?: string;
  closedBefore?: string;
  isPartial: boolean;
  published: string[];
  madeOf: string;
  today: string;
  asOf?: string;
  settings: Record<string, SettingTable>;
  unlinks: string[];
  taken: string;
}

const filingFile = z.object({
  asOf: z.string(),
  openFrom: z.string(),
  filings: z.custom<Filing[]>((value) => Array.isArray(value)),
  months: z.custom<MonthRows[]>((value) => Array.isArray(value)),
  statements: z.custom<Statement[]>((value) => Array.isArray(value)),
});

export interface Planned {
  /** `unchanged`: since the build that readers see nothing has. `held`: another build is under way. */
  kind: 'planned' | 'unchanged' | 'held';
  buildId: string;
  database: string;
}

/** What was run: its id, and what the engine told of it. */
export interface Ran {
  id: string;
  execution: string;
  bytes: number;
  milliseconds: number;
}

/** Longest answer of `nextBatch`, in bytes: a state machine hands on no more than 256 KB. */
const longestBatch = 180_000;
const mostStatements = 40;

const encoded = (value: unknown) => `${JSON.stringify(value)}\n`;

async function read(store: Pick<Store, 'get'>, key: string): Promise<unknown> {
  const bytes = await store.get(key);
  if (bytes === undefined) {
    throw new PercorsoError(`the lake has no ${key}: the build that wrote it is gone`, { mend: 'start a new build' });
  }
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** @throws PercorsoError where another version planned the build: of two, none could say what its tables were made with. */
async function readRun(
  { company, catalogue }: Pick<LakeBuilder, 'catalogue'> & { company: { lake: Pick<Store, 'get'> } },
  buildId: string,
): Promise<z.output<typeof runFile>> {
  const { data } = runFile.safeParse(await read(company.lake, lake.plan(buildId)));
  if (data !== undefined && isDeepStrictEqual(data.program, programOf(catalogue))) return data;
  throw new PercorsoError(`another version of Percorso planned the build ${buildId}: one was deployed meanwhile`, {
    mend: 'nothing was published; start a new build',
  });
}

/** The database of one build. Names of databases know neither capitals nor a minus. */
export function databaseOf(rawDatabase: string, buildId: string): string {
  return `${rawDatabase}_run_${buildId.toLowerCase().replaceAll('-', '_')}`;
}

export function placeOf(
  builder: Pick<LakeBuilder, 'dialect' | 'rawDatabase'> & {
    tables: Pick<Store, 'locate'>;
    company: { lake: Pick<Store, 'locate'> };
  },
  buildId: string,
): LakePlace {
  const database = databaseOf(builder.rawDatabase, buildId);
  return {
    dialect: builder.dialect(database),
    database,
    rawDatabase: builder.rawDatabase,
    locate: (key) => builder.company.lake.locate(key),
    tables: builder.tables.locate(`tables/${buildId}/x`).slice(0, -1),
  };
}

const warehouseOf = (builder: LakeBuilder, buildId: string) =>
  builder.openWarehouse(databaseOf(builder.rawDatabase, buildId), `tables/${buildId}/`);

/** Files of a build that an engine over a lake wrote: each month in a folder of its own, which one that DuckDB wrote has not. */
function isOnLake({ tables, books }: Manifest): boolean {
  return [...Object.values(tables), ...Object.values(books?.tables ?? {})].every((table) =>
    table.files.every(({ key }) => /\/(?:all|m\d+)\//.test(key)),
  );
}

/**
 * The statements of a build, on what it stands.
 * @param refresh why all is made anew, where the build itself found that out.
 */
export async function planStatements(
  { company, catalogue, types }: Pick<LakeBuilder, 'company' | 'catalogue' | 'types'>,
  { last, wanted, isPartial, rawKeys, planWith }: Awaited<ReturnType<typeof prepare>>,
  place: LakePlace,
  refresh?: string,
) {
  const footing = isPartial
    ? { reason: '--select makes a part' }
    : refresh !== undefined
      ? { reason: refresh, changed: refresh }
      : last !== undefined && !isOnLake(last)
        ? { reason: 'the last build was made on one machine' }
        : await findFooting(company, catalogue, last, wanted);
  const plan = planWith(footing);
  const raw = new Map(
    plan.steps.flatMap((step) =>
      step.kind === 'raw' ? [[step.table, rawToRead(step, rawKeys, footing)] as const] : [],
    ),
  );
  return { footing, plan, statements: planOnLake({ plan, types, raw }, place) };
}

/**
 * Takes the lease and plans a build; its statements go into the lake.
 * @param holder who builds: the execution of the state machine. Asking again, it goes on with the same build.
 * `refresh` is why all is made anew, where the build `instead` found that out.
 */
export async function planRun(
  builder: LakeBuilder,
  holder: string,
  options: Omit<BuildOptions, 'now' | 'onStep'> & { refresh?: string; instead?: string } = {},
): Promise<Planned> {
  const { company, catalogue, now } = builder;
  const store = company.lake;
  // What it made so far is of another plan.
  if (options.instead !== undefined && (await readLease(store))?.build_id === options.instead) {
    await endRun(builder, holder);
  }
  const wantedLease = { holder, buildId: createBuildId(now), seconds: builder.leaseSeconds };
  const lease = await takeLease(store, wantedLease, now);
  const planned = (kind: Planned['kind'], id: string): Planned => ({
    kind,
    buildId: id,
    database: databaseOf(builder.rawDatabase, id),
  });
  if ('held' in lease) return planned('held', lease.held.build_id);
  if (lease.died !== undefined) await dropDatabase(builder, lease.died);
  const buildId = lease.taken.build_id;
  const { refresh, instead: _, ...wantedOptions } = options;
  const prepared = await prepare(company, catalogue, { ...wantedOptions, now });
  await requireNoUndo(store);
  await requireOneKey(store, [...prepared.wanted.rawEvents, ...prepared.wanted.unlinks], builder.on);
  const { last, madeOf, wanted, isPartial } = prepared;
  if (refresh === undefined && !options.fullRefresh && !isPartial && last?.made_of === madeOf) {
    return planned('unchanged', buildId);
  }
  await pruneBuilds(store, 0);
  const place = placeOf(builder, buildId);
  const { footing, plan, statements } = await planStatements(builder, prepared, place, refresh);
  const { files, ...rest } = statements;
  for (const { table, lines } of files) {
    const key = `${rowsFolder({ tables: `tables/${buildId}/` }, table)}rows.json.gz`;
    await builder.tables.put(key, gzipSync(`${lines.join('\n')}\n`));
  }
  const run: LakeRun = {
    ...rest,
    kind: 'reason' in footing ? 'full' : 'daily',
    ...('reason' in footing ? { reason: footing.reason } : { closedBefore: footing.stands.closedBefore }),
    isPartial: plan.isPartial,
    published: [...plan.published.keys()],
    madeOf,
    today: wanted.today,
    ...(options.asOf === undefined ? {} : { asOf: options.asOf }),
    settings: wanted.settings,
    unlinks: [...wanted.unlinks],
    taken: await writeTaken(store, buildId, wanted.rawEvents),
  };
  const warehouse = builder.openWarehouse(builder.rawDatabase, `tables/${buildId}/`);
  for (const sql of place.dialect.createDatabase(place.database, place.tables)) await warehouse.run(sql);
  await store.put(lake.plan(buildId), encoded({ program: programOf(catalogue), holder, run }));
  return planned('planned', buildId);
}

/**
 * Who builds here has no key of the hashes, and under two of them each person would be two.
 * @throws PercorsoError while a change of the key is under way, and where something came in under one of before.
 */
async function requireOneKey(store: Store, raw: readonly string[], on: string): Promise<void> {
  const { generation, done } = await readHashing(store);
  if (done < generation) {
    throw new PercorsoError('a change of the key of the hashes was cut off, and the lake is under two keys', {
      mend: `run \`percorso rotate-key --on ${on}\` again: it ends it, and builds`,
    });
  }
  const older = raw.filter((key) => generationOfObject(key) < generation);
  if (older.length === 0) return;
  throw new PercorsoError(`${older.length} raw objects are under a key of the hashes of before, such as ${older[0]}`, {
    mend: `run \`percorso build --on ${on}\`: it puts them under that of today`,
  });
}

/** All that is done, in order, as far as it is known: what is written for readers only once the checks have passed. */
async function batchesOf(builder: LakeBuilder, buildId: string, run: LakeRun): Promise<Batch[]> {
  const filed = await builder.company.lake.get(lake.filing(buildId));
  const statements =
    filed === undefined ? [] : filingFile.parse(JSON.parse(new TextDecoder().decode(filed))).statements;
  const batches: Batch[] = [...run.batches, { kind: 'statements', statements }, { kind: 'publish' }];
  return batches.flatMap(cutBatch);
}

function cutBatch(batch: Batch): Batch[] {
  if (!('statements' in batch)) return [batch];
  const cut: Batch[] = [];
  let some: Statement[] = [];
  let bytes = 0;
  for (const statement of batch.statements) {
    const more = Buffer.byteLength(JSON.stringify(statement));
    if (some.length > 0 && (some.length === mostStatements || bytes + more > longestBatch)) {
      cut.push({ ...batch, statements: some });
      some = [];
      bytes = 0;
    }
    some.push(statement);
    bytes += more;
  }
  return some.length === 0 ? cut : [...cut, { ...batch, statements: some }];
}

/** What a build does next, and the number by which whoever runs it asks for what comes after that. */
export async function nextBatch(
  builder: LakeBuilder,
  buildId: string,
  at: number,
  ran: readonly Ran[] = [],
): Promise<Batch & { at: number; kind: Batch['kind'] }> {
  if (ran.length > 0) await builder.company.lake.put(lake.ran(buildId, at), encoded(ran));
  const { run } = await readRun(builder, buildId);
  const batch = (await batchesOf(builder, buildId, run))[at];
  if (batch === undefined)
    throw new PercorsoError(`the build ${buildId} has no part ${at}`, { mend: 'start a new build' });
  return { ...batch, at: at + 1 };
}

/** Makes a table that no statement makes. */
export async function solve(builder: LakeBuilder, buildId: string, table: string): Promise<void> {
  const model = builder.catalogue.models.find((one) => one.name === table);
  if (model === undefined || isSqlModel(model)) {
    throw new PercorsoError(`no solver makes ${table}`, {
      mend: 'deploy the same version everywhere, and build again',
    });
  }
  await model.run(warehouseOf(builder, buildId));
}

/** A statement, and how often it has been tried. */
interface Tried extends Required<Pick<Statement, 'id' | 'sql'>> {
  location?: string | undefined;
  table?: string | undefined;
  files?: string | undefined;
  attempt: number;
}

/** Why a statement failed. */
export interface Failure {
  reason: string;
  /** The statement is wrong, and would fail again. */
  isOfStatement: boolean;
  /** The command that shows the statement. */
  shownBy: string;
}

/**
 * Makes room for a statement that failed for the engine's sake, so that it can run once more.
 * @throws PercorsoError where the statement itself is at fault, and where it has failed often enough.
 */
export async function clearForRetry<One extends Tried>(
  builder: LakeBuilder,
  buildId: string,
  statement: One,
  { reason, isOfStatement, shownBy }: Failure,
): Promise<One> {
  if (isOfStatement || statement.attempt >= mostAttempts) {
    throw new PercorsoError(`"${statement.id}" failed: ${reason}`, {
      mend: `nothing was published; \`${shownBy}\` shows the statement`,
    });
  }
  const warehouse = warehouseOf(builder, buildId);
  const { dialect } = placeOf(builder, buildId);
  if (statement.table !== undefined) await warehouse.run(dialect.drop('table', statement.table));
  if (statement.files !== undefined) await warehouse.run(dialect.drop('files', statement.files));
  const { location } = statement;
  for (const store of location === undefined ? [] : [builder.tables, builder.company.lake]) {
    const root = store.locate('x').slice(0, -1);
    if (location === undefined || !location.startsWith(root)) continue;
    for (const key of await store.list(location.slice(root.length))) await store.remove(key);
  }
  return { ...statement, attempt: statement.attempt + 1 };
}

const mostAttempts = 3;

/** The same start of a statement, by a text that is the same: an engine then starts it once. */
export function tokenOf(buildId: string, at: number, index: number): string {
  return `percorso-${buildId}-${at}-${index}`.padEnd(40, '-');
}

/**
 * Reads what the checks found.
 * @returns why all must be made anew, where closed days would have to move.
 * @throws ChecksFailedError where a check of severity error found rows.
 */
export async function judge(
  builder: LakeBuilder,
  buildId: string,
  executions: readonly string[],
): Promise<{ refresh?: string }> {
  const { company, catalogue } = builder;
  const { run } = await readRun(builder, buildId);
  const found = await readChecks(builder, buildId);
  const warehouse = warehouseOf(builder, buildId);
  const byName = new Map(run.checks.map((check) => [check.check, check]));
  for (const execution of executions) {
    for (const row of await builder.results(execution)) {
      const check = byName.get(String(row.check_name));
      if (check === undefined || found.some((one) => one.check === check.check)) continue;
      const failing = Number(row.failing_rows);
      if (check.severity === 'refresh') {
        if (failing === 0) continue;
        return { refresh: catalogue.checks.find((one) => one.name === check.check)?.purpose ?? check.check };
      }
      found.push({
        check: check.check,
        model: check.model,
        severity: check.severity,
        failing_rows: failing,
        sample: failing === 0 ? [] : await warehouse.query(`select * from (\n${check.sql}\n) as failing limit 3`),
      });
    }
  }
  await company.lake.put(lake.checked(buildId), encoded(found));
  return {};
}

/** What the checks of a build have found so far. */
export const readChecks = async (builder: LakeBuilder, buildId: string) => {
  const bytes = await builder.company.lake.get(lake.checked(buildId));
  return bytes === undefined ? [] : z.custom<CheckResult[]>().parse(JSON.parse(new TextDecoder().decode(bytes)));
};

/** What earlier builds found of tables that this one does not make. */
async function carriedOn(builder: LakeBuilder, run: LakeRun, checks: readonly CheckResult[]): Promise<DatedResult[]> {
  if (!run.isPartial && run.kind === 'full') return [];
  const last = await readCurrentManifest(builder.company.lake).catch(() => undefined);
  return carriedChecks(last, builder.catalogue, checks);
}

/**
 * Decides what is written for readers and for the next build, and by which statements.
 * @throws ChecksFailedError where a check of severity error found rows: nothing is written then.
 */
export async function planFiling(builder: LakeBuilder, buildId: string): Promise<void> {
  const { company } = builder;
  const { run } = await readRun(builder, buildId);
  const checks = await readChecks(builder, buildId);
  const missing = run.checks.filter(
    (check) => check.severity !== 'refresh' && !checks.some((one) => one.check === check.check),
  );
  if (missing.length > 0) {
    throw new PercorsoError(`checks were not run: ${missing.map((check) => check.check).join(', ')}`, {
      mend: 'start a new build',
    });
  }
  const failed = checks.filter((check) => check.severity === 'error' && check.failing_rows > 0);
  if (failed.length > 0) throw new ChecksFailedError(failed);
  const warehouse = warehouseOf(builder, buildId);
  const asOf = await readAsOf(builder, run, warehouse);
  const openFrom = daysBefore(asOf, company.config.latenessDays);
  const literals = {
    'time zone': company.config.timeZone,
    'closed before': openFrom,
    'read from': daysBefore(openFrom, lookBack(run.settings)),
    'restated before': openFrom,
  };
  await warehouse.createTableFromRows(
    checkResults,
    Object.fromEntries(checkResultColumns.map(({ name, type }) => [name, type])),
    checkResultRows(checks, asOf, await carriedOn(builder, run, checks)),
  );
  const columnsOf = (table: string) => {
    if (table === checkResults) return checkResultColumns.map(({ name, type }) => ({ name, type }));
    const columns = builder.types[table];
    if (columns !== undefined) return columns;
    throw new PercorsoError(`the columns of ${table} are not known`, { mend: 'deploy the pipeline again' });
  };
  const filings = run.filings.map((step) => {
    const where =
      step.kind === 'keep' && step.where !== undefined ? fillIn(step.where, step.table, literals) : undefined;
    return filingOf(step, columnsOf, run.closedBefore, where);
  });
  filings.push(filingOf({ kind: 'publish', table: checkResults }, columnsOf, undefined, undefined));
  const months: MonthRows[] = [];
  for (const sql of monthQueries(filings)) months.push(...readMonths(await warehouse.query(sql)));
  const { dialect, locate } = placeOf(builder, buildId);
  const statements = filings.flatMap((filing) => unloadStatements(filing, months, buildId, dialect, locate));
  await company.lake.put(lake.filing(buildId), encoded({ asOf, openFrom, filings, months, statements }));
}

async function readAsOf(builder: LakeBuilder, run: LakeRun, warehouse: Warehouse): Promise<string> {
  const isThere = run.batches.some(
    (batch) => 'statements' in batch && batch.statements.some(({ table }) => table === horizonTable),
  );
  const [row] = isThere ? await warehouse.query(`select as_of_day from ${horizonTable}`) : [];
  if (row?.as_of_day != null) return String(row.as_of_day);
  const { timeZone } = builder.company.config;
  return run.asOf ?? createReportingDay(timeZone)(builder.now().getTime() - 86_400_000);
}

/**
 * Writes the manifest and moves the pointer, and keeps as many builds as the company wants.
 * @throws PercorsoError where the lease is not held any more: another build may be under way.
 */
export async function publishRun(builder: LakeBuilder, buildId: string): Promise<Manifest> {
  const { company, catalogue, now } = builder;
  const store = company.lake;
  const { holder, run } = await readRun(builder, buildId);
  if (!(await holdsLease(store, holder, now))) {
    throw new PercorsoError(`the build ${buildId} took longer than its lease, and was not published`, {
      mend: 'see which statement took so long (marts/builds/.../ran), and build again',
    });
  }
  const filing = filingFile.parse(await read(store, lake.filing(buildId)));
  const tables: Manifest['tables'] = {};
  const stored: Manifest['tables'] = {};
  for (const one of filing.filings) {
    const keys = await store.list(lake.tableFolder(buildId, one.table));
    (one.isKept ? stored : tables)[one.table] = filedTable(one, filing.months, keys, run.closedBefore);
  }
  const last = await readCurrentManifest(store).catch(() => undefined);
  const checks = await readChecks(builder, buildId);
  const manifest = composeManifest({
    company,
    buildId,
    builtAt: now().toISOString(),
    asOf: filing.asOf,
    openFrom: filing.openFrom,
    tables,
    stored,
    checks: [...checks, ...(await carriedOn(builder, run, checks))],
    isPartial: run.isPartial,
    last,
    ...(run.reason === undefined ? {} : { reason: run.reason }),
    madeOf: run.madeOf,
    today: run.today,
    madeWith: madeWith(company, catalogue, { settings: run.settings, unlinks: run.unlinks }, filing.asOf),
    taken: run.taken,
  });
  await publishManifest(store, manifest);
  await pruneBuilds(store, company.config.retention.builds);
  return manifest;
}

/** Removes what a build made for itself, and gives the lease back. Where its holder has none any more, nothing is left to do. */
export async function endRun(builder: LakeBuilder, holder: string): Promise<void> {
  const { lake: store } = builder.company;
  const lease = await readLease(store);
  if (lease?.holder !== holder) return;
  try {
    await dropDatabase(builder, lease);
  } finally {
    // A database that could not be dropped is told of by its error; it must not hold up the nights to come.
    await releaseLease(store, holder, builder.now);
  }
}

async function dropDatabase(builder: LakeBuilder, { build_id }: Pick<Lease, 'build_id'>): Promise<void> {
  const warehouse = builder.openWarehouse(builder.rawDatabase, `tables/${build_id}/`);
  const { dialect, database } = placeOf(builder, build_id);
  for (const sql of dialect.dropDatabase(database)) await warehouse.run(sql);
}
