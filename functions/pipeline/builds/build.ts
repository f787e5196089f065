import { createHash, randomBytes } from 'node:crypto';
import { PercorsoError } from '#core/errors';
import { type Books, type FiledTable, lake, type Manifest } from '#core/lake';
import type { Clock, FilingWarehouse, SqlValue, Store, TypedColumn, Warehouse } from '#core/ports';
import { createReportingDay } from '#core/reporting-day';
import { settingTables } from '#core/setting-tables';
import {
  daysBefore,
  type Footing,
  findFooting,
  lookBack,
  madeWith,
  rawToRead,
  writeTaken,
} from '#pipeline/builds/books';
import { type Catalogue, isSqlModel } from '#pipeline/builds/catalogue';
import { composeManifest } from '#pipeline/builds/manifest';
import {
  fillIn,
  horizonTable,
  type Literals,
  type Plan,
  type PlanOptions,
  planBuild,
  type Step,
} from '#pipeline/builds/plan';
import { NewerBuildError, pruneBuilds, publishManifest, readCurrentManifest } from '#pipeline/builds/publish';
import { readBy, runSteps } from '#pipeline/builds/run-steps';
import type { Company } from '#pipeline/company/company';
import { requireNoUndo } from '#pipeline/imports/import-ledger';

export interface BuildOptions {
  /** Which models to publish: `MODEL`, `MODEL+`, `+MODEL`; all by default. */
  select?: string;
  /** The last whole day, `YYYY-MM-DD`, instead of the data's own. */
  asOf?: string;
  /** Builds also where nothing has changed since the last build. */
  fullRefresh?: boolean;
  now?: Clock;
  /** Told before each step: how far the build is. */
  onStep?(position: { done: number; of: number; label: string }): void;
}

export interface CheckResult {
  check: string;
  model: string;
  severity: 'error' | 'warn';
  failing_rows: number;
  /** Up to three of the failing rows. Persons stand in them as keyed hashes only. */
  sample: Record<string, SqlValue>[];
}

export interface StepTiming {
  step: string;
  kind: Step['kind'];
  seconds: number;
  /** Of all threads of this process, where steps ran one at a time (`engine.stepsAtOnce` 1): what is not disturbed by what else the machine does. */
  cpu_seconds?: number;
  rows?: number;
  /** The most that the process held while the step ran, in MB. */
  peak_mb: number;
}

export interface BuildResult {
  manifest: Manifest;
  checks: CheckResult[];
  timings: StepTiming[];
  seconds: number;
  peak_mb: number;
  /** Nothing had changed since the build that readers see: it stands, and nothing ran. */
  isUnchanged: boolean;
}

/** What a check found wrong; nothing was published. */
export class ChecksFailedError extends PercorsoError {
  override name = 'ChecksFailedError';
  readonly checks: CheckResult[];

  constructor(checks: CheckResult[], cause?: unknown) {
    const lines = checks.flatMap((check) => [
      `  ${check.check} on ${check.model}: ${check.failing_rows} ${check.failing_rows === 1 ? 'row' : 'rows'}`,
      ...check.sample.map((row) => `    ${JSON.stringify(row)}`),
    ]);
    const count = checks.length === 1 ? 'a check' : `${checks.length} checks`;
    super(`${count} failed, and nothing was published:\n${lines.join('\n')}`, {
      mend: 'see sql/checks for what each means; mend the data or the settings and build again',
      ...(cause === undefined ? {} : { cause }),
    });
    this.checks = checks;
  }
}

/** The plan that a build of this company would follow, and why it is a full refresh, if it is. */
export async function planCompany(
  company: Company,
  catalogue: Catalogue,
  options: BuildOptions,
): Promise<{ plan: Plan; reason?: string }> {
  const { last, wanted, planWith } = await prepare(company, catalogue, options);
  const footing = await findFooting(company, catalogue, last, wanted);
  const plan = planWith(footing);
  return { plan, ...('reason' in footing ? { reason: footing.reason } : {}) };
}

/** What of a company a plan is made of. */
export type PlannedCompany = Pick<Company, 'config' | 'lists' | 'lake'>;

/** All that is known before the first statement. */
export async function prepare(company: PlannedCompany, catalogue: Catalogue, options: BuildOptions) {
  const now = options.now ?? (() => new Date());
  const today = createReportingDay(company.config.timeZone)(now().getTime());
  const settings = settingTables(company.config, company.lists, today, options.asOf);
  const store = company.lake;
  const last = await readCurrentManifest(store).catch((error: unknown) => {
    // Who goes back to an older version says so, and makes all anew.
    if (error instanceof NewerBuildError && !options.fullRefresh) throw error;
    // A pointer that names a build that is gone is set right by this one.
    return undefined;
  });
  const planOptions: PlanOptions = {
    timeZone: company.config.timeZone,
    settings,
    ...(options.select === undefined ? {} : { select: options.select }),
  };
  const bare = planBuild(catalogue, planOptions);
  const rawKeys = await listRaw(store, bare);
  return {
    last,
    rawKeys,
    isPartial: bare.isPartial,
    /** Raw objects are named by what they hold, and the plan holds every statement and setting: the same hash, the same tables. */
    madeOf: hashOf([bare.steps, [...rawKeys]]),
    wanted: {
      settings,
      rawEvents: rawKeys.get(lake.rawEvents) ?? [],
      unlinks: rawKeys.get(lake.unlinks) ?? [],
      asOf: options.asOf,
      fullRefresh: options.fullRefresh,
      today,
    },
    planWith: (footing: Footing): Plan =>
      last === undefined
        ? bare
        : planBuild(catalogue, {
            ...planOptions,
            last: {
              left: { ...last.tables, ...last.books?.tables },
              knownAt: now().toISOString(),
              ...(last.books === undefined ? {} : { closedBefore: last.books.open_from }),
              ...('reason' in footing ? {} : { stands: footing.stands }),
              ...('changed' in footing && footing.changed !== undefined ? { changed: footing.changed } : {}),
            },
          }),
  };
}

/** Ids of builds sort by time. */
export function createBuildId(now: Clock): string {
  const time = now()
    .toISOString()
    .replaceAll(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}

/** Beyond that many rows of a table a statement keeps all cores busy. */
const manyRows = 300_000;

const isMade = (step: Step) => step.kind !== 'check' && step.kind !== 'keep' && step.kind !== 'publish';

/** A daily build found that closed days would have to move. */
class RefreshNeeded extends Error {}

/**
 * Builds and publishes: loads raw and settings, makes each table, runs the checks, and only then writes the published
 * files, the manifest, and last the pointer. Killed at any moment it leaves the last build as it was. One at a time:
 * the caller holds the lock.
 * @throws ChecksFailedError where a check of severity error found rows, PercorsoError where half of an import was taken back;
 * nothing is published then.
 */
export async function build(
  company: Company,
  catalogue: Catalogue,
  warehouse: FilingWarehouse,
  options: BuildOptions = {},
): Promise<BuildResult> {
  const startedAt = performance.now();
  await requireNoUndo(company.lake);
  const prepared = await prepare(company, catalogue, options);
  const { last, madeOf, wanted, isPartial } = prepared;
  if (!options.fullRefresh && !isPartial && last?.made_of === madeOf) {
    const seconds = Math.round((performance.now() - startedAt) / 10) / 100;
    return { manifest: last, checks: [], timings: [], seconds, peak_mb: 0, isUnchanged: true };
  }
  await pruneBuilds(company.lake, 0);
  const footing: Footing = isPartial
    ? { reason: '--select makes a part' }
    : await findFooting(company, catalogue, last, wanted);
  try {
    return await perform(company, catalogue, warehouse, options, prepared, footing, startedAt);
  } catch (error) {
    if (!(error instanceof RefreshNeeded)) throw error;
    await pruneBuilds(company.lake, 0);
    return perform(
      company,
      catalogue,
      warehouse,
      options,
      prepared,
      { reason: error.message, changed: error.message },
      startedAt,
    );
  }
}

async function perform(
  company: Company,
  catalogue: Catalogue,
  warehouse: FilingWarehouse,
  options: BuildOptions,
  { last, rawKeys, madeOf, wanted, planWith }: Awaited<ReturnType<typeof prepare>>,
  footing: Footing,
  startedAt: number,
): Promise<BuildResult> {
  const now = options.now ?? (() => new Date());
  const store = company.lake;
  const isDaily = !('reason' in footing);
  const plan = planWith(footing);
  const buildId = createBuildId(now);

  const solvers = new Map(
    catalogue.models.flatMap((model) => (isSqlModel(model) ? [] : [[model.name, model] as const])),
  );
  const refreshChecks = new Map(catalogue.checks.map((check) => [check.name, check.purpose]));
  const checks: CheckResult[] = [];
  const tables: Manifest['tables'] = {};
  const stored: Books['tables'] = {};
  const timings: StepTiming[] = [];
  const failed = () => checks.filter((check) => check.severity === 'error' && check.failing_rows > 0);
  const asOf = async () => readAsOf(warehouse, plan, options.asOf, company, now);
  let horizon: { asOf: string; openFrom: string } | undefined;
  const days = async () => {
    if (horizon === undefined) {
      const day = await asOf();
      horizon = { asOf: day, openFrom: daysBefore(day, company.config.latenessDays) };
    }
    return horizon;
  };
  /** The literals of the build that will stand on this one. */
  const nextLiterals = async (): Promise<Literals> => {
    const { openFrom } = await days();
    return {
      'time zone': company.config.timeZone,
      'closed before': openFrom,
      'read from': daysBefore(openFrom, lookBack(wanted.settings)),
      'restated before': openFrom,
    };
  };
  /** Columns of the tables for readers, as they were made. */
  const held = new Map<string, TypedColumn[]>();
  const unload = async (table: string, parts: Omit<Filing, 'closedBefore' | 'columns'>) =>
    unloadTable(warehouse, store, buildId, table, {
      ...parts,
      columns: held.get(table) ?? (await warehouse.columns(table)),
      closedBefore: isDaily ? footing.stands.closedBefore : undefined,
    });

  const run = async (step: Step): Promise<number | undefined> => {
    switch (step.kind) {
      case 'rows':
        await warehouse.createTableFromRows(step.table, step.columns, step.rows);
        return step.rows.length;
      case 'raw': {
        const keys = rawToRead(step, rawKeys, footing);
        await warehouse.createTableFromJsonLines(
          step.table,
          step.columns,
          keys.map((key) => store.locate(key)),
          step.origin === undefined ? undefined : { column: step.origin, skip: store.locate('x').length - 1 },
        );
        return undefined;
      }
      case 'earlier':
        await createEarlierTable(warehouse, store, step);
        return step.files.length === 0 ? 0 : countRows(warehouse, step.table);
      case 'model': {
        const hints = { joinsAsWritten: step.joinsAsWritten === true };
        let rows: number | undefined;
        if (step.isView) await warehouse.createView(step.table, step.sql);
        else rows = await warehouse.createTable(step.table, step.sql, hints);
        const promised = plan.published.get(step.table);
        if (promised !== undefined) held.set(step.table, await holdColumns(warehouse, step.table, promised));
        return step.isView ? undefined : (rows ?? countRows(warehouse, step.table));
      }
      case 'solver':
        await solvers.get(step.table)?.run(warehouse);
        return countRows(warehouse, step.table);
      case 'check': {
        const found = await runCheck(warehouse, step);
        if (found.severity !== 'refresh') checks.push({ ...found, severity: found.severity });
        else if (found.failing_rows > 0) throw new RefreshNeeded(refreshChecks.get(step.check) ?? step.check);
        return undefined;
      }
      case 'drop':
        await warehouse.dropTable(step.table);
        return undefined;
      case 'keep':
      case 'publish': {
        // Nothing of this build will be seen: only what else its checks find is of use.
        if (failed().length > 0) return undefined;
        if (step.kind === 'publish' && step.view !== undefined) {
          tables[step.table] = {
            rows: await countRows(warehouse, step.table),
            columns: held.get(step.table) ?? (await warehouse.columns(step.table)),
            files: [],
            view: step.view,
          };
          return tables[step.table]?.rows;
        }
        if (step.referred !== undefined && step.partition === undefined) {
          (step.kind === 'keep' ? stored : tables)[step.table] = step.referred;
          return step.referred.rows;
        }
        const where = step.kind === 'keep' ? step.where : undefined;
        const filed = await unload(step.table, {
          partition: step.partition,
          referred: step.referred,
          where: where === undefined ? undefined : fillIn(where, step.table, await nextLiterals()),
          joinsAsWritten: step.joinsAsWritten === true,
        });
        (step.kind === 'keep' ? stored : tables)[step.table] = filed;
        return filed.rows;
      }
    }
  };

  const { stepsAtOnce } = company.config.engine;
  let begun = 0;
  const rowsOf = new Map<string, number>();
  // A view has about as many as the largest that it is made of; how many raw has nobody knows yet.
  const rowsReadBy = (step: Step) => Math.max(0, ...readBy(step).map((table) => rowsOf.get(table) ?? 0));
  const runTimed = async (step: Step): Promise<void> => {
    options.onStep?.({ done: begun++, of: plan.steps.length, label: stepName(step) });
    const peak = watchMemory();
    const began = performance.now();
    const cpuBefore = process.cpuUsage();
    try {
      const rows = await run(step);
      if (isMade(step)) rowsOf.set(step.table, rows ?? rowsReadBy(step));
      const seconds = (performance.now() - began) / 1000;
      const { user, system } = process.cpuUsage(cpuBefore);
      if (step.kind !== 'drop') {
        timings.push({
          step: stepName(step),
          kind: step.kind,
          seconds: Math.round(seconds * 1000) / 1000,
          ...(stepsAtOnce === 1 ? { cpu_seconds: Math.round((user + system) / 1000) / 1000 } : {}),
          ...(rows === undefined ? {} : { rows }),
          peak_mb: peak(),
        });
      }
    } catch (error) {
      if (error instanceof PercorsoError || error instanceof RefreshNeeded) throw error;
      // What a check has found before is the likelier reason.
      if (failed().length > 0) throw new ChecksFailedError(failed(), error);
      throw new PercorsoError(`${stepName(step)} failed: ${error instanceof Error ? error.message : String(error)}`, {
        mend: 'nothing was published; `percorso build --plan` shows the statement',
        cause: error,
      });
    } finally {
      peak();
    }
  };
  await runSteps(plan.steps, runTimed, {
    atOnce: stepsAtOnce,
    isLarge: (step) => step.kind !== 'solver' && rowsReadBy(step) > manyRows,
  });

  // As the plan has them, whichever was done first.
  const places = new Map(plan.steps.map((step, place) => [stepName(step), place]));
  const placeOf = (name: string) => places.get(name) ?? 0;
  checks.sort((a, b) => placeOf(`check ${a.check}`) - placeOf(`check ${b.check}`));
  timings.sort((a, b) => placeOf(a.step) - placeOf(b.step));
  if (failed().length > 0) throw new ChecksFailedError(failed());

  const { asOf: lastDay, openFrom } = await days();
  const carried = plan.isPartial || isDaily ? carriedChecks(last, catalogue, checks) : [];
  await createCheckResults(warehouse, checkResultRows(checks, lastDay, carried));
  tables[checkResults] = await unload(checkResults, {});

  const manifest = composeManifest({
    company,
    buildId,
    builtAt: now().toISOString(),
    asOf: lastDay,
    openFrom,
    tables,
    stored,
    checks: [...checks, ...carried],
    isPartial: plan.isPartial,
    last,
    ...(isDaily ? {} : { reason: footing.reason }),
    madeOf,
    today: wanted.today,
    madeWith: madeWith(company, catalogue, wanted, lastDay),
    taken: plan.isPartial ? '' : await writeTaken(store, buildId, wanted.rawEvents),
  });
  const seconds = Math.round((performance.now() - startedAt) / 10) / 100;
  const peak_mb = Math.round(process.resourceUsage().maxRSS / 1024);
  await store.put(
    `${lake.builds}${buildId}/timings.json`,
    `${JSON.stringify({ seconds, peak_mb, steps: timings }, null, 2)}\n`,
  );
  await publishManifest(store, manifest);
  await pruneBuilds(store, company.config.retention.builds);
  return { manifest, checks, timings, seconds, peak_mb, isUnchanged: false };
}

/** Rows of the last build, or a table of the same columns without any. */
export async function createEarlierTable(
  warehouse: Warehouse,
  store: Pick<Store, 'locate'>,
  step: Extract<Step, { kind: 'earlier' }>,
): Promise<void> {
  if (step.files.length === 0) await warehouse.createTableFromRows(step.table, step.columns, []);
  else {
    await warehouse.createTableFromParquet(
      step.table,
      step.columns,
      step.files.map((key) => store.locate(key)),
      step.where,
    );
  }
}

/** The raw objects that a build reads, by prefix: listed once, so that what comes in meanwhile is the next build's. */
async function listRaw(store: Store, plan: Plan): Promise<Map<string, string[]>> {
  const listed = new Map<string, string[]>();
  for (const step of plan.steps) {
    if (step.kind !== 'raw' || listed.has(step.prefix)) continue;
    listed.set(
      step.prefix,
      (await store.list(step.prefix)).filter((key) => /\.jsonl(\.gz)?$/.test(key)),
    );
  }
  return listed;
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

export const checkResults = 'check_results';

/** The columns of the one published table that no model makes. */
export const checkResultColumns = [
  { name: 'check_name', type: 'varchar', description: 'the check, as its file in sql/checks is called' },
  { name: 'model', type: 'varchar', description: 'the table that it checks' },
  { name: 'severity', type: 'varchar', description: 'error: a failing row publishes nothing; warn: it is shown here' },
  { name: 'failing_rows', type: 'bigint', description: 'how many rows failed' },
  { name: 'sample', type: 'varchar', description: 'up to three failing rows, as JSON' },
  {
    name: 'as_of',
    type: 'date',
    description: 'last whole day of the build that ran it: the last full refresh, where no daily build makes the table',
  },
] as const;

export type DatedResult = CheckResult & { as_of: string };

/**
 * What earlier builds found of tables that this one did not make: those of a full refresh in a daily build, all others in one of
 * a part. A check that is gone, or whose table is, is not handed on.
 */
export function carriedChecks(
  last: Manifest | undefined,
  catalogue: Catalogue,
  ran: readonly CheckResult[],
): DatedResult[] {
  if (last === undefined) return [];
  const models = new Map([
    ...catalogue.models.map(({ name }) => [`key_${name}`, name] as const),
    ...catalogue.checks.map(({ name, model }) => [name, model] as const),
  ]);
  const isRun = new Set(ran.map(({ check }) => check));
  return last.checks.flatMap((old) => {
    const model = models.get(old.check);
    return model === undefined || isRun.has(old.check)
      ? []
      : [{ ...old, model, sample: [], as_of: old.as_of ?? last.as_of }];
  });
}

/** The rows of `check_results`: what this build found up to its last whole day, and what it carries on of earlier ones. */
export function checkResultRows(
  checks: readonly CheckResult[],
  asOf: string,
  carried: readonly DatedResult[],
): Record<string, SqlValue>[] {
  return [...checks.map((check) => ({ ...check, as_of: asOf })), ...carried].map((check) => ({
    check_name: check.check,
    model: check.model,
    severity: check.severity,
    failing_rows: check.failing_rows,
    sample: check.sample.length === 0 ? null : JSON.stringify(check.sample),
    as_of: check.as_of,
  }));
}

async function createCheckResults(warehouse: Warehouse, rows: Record<string, SqlValue>[]): Promise<void> {
  await warehouse.createTableFromRows(
    checkResults,
    Object.fromEntries(checkResultColumns.map(({ name, type }) => [name, type])),
    rows,
  );
}

function stepName(step: Step): string {
  return step.kind === 'check' ? `check ${step.check}` : `${step.kind} ${step.table}`;
}

async function countRows(warehouse: Warehouse, table: string): Promise<number> {
  const [row] = await warehouse.query(`select count(*) as n from ${table}`);
  return Number(row?.n ?? 0);
}

async function runCheck(
  warehouse: Warehouse,
  step: Extract<Step, { kind: 'check' }>,
): Promise<Omit<CheckResult, 'severity'> & Pick<typeof step, 'severity'>> {
  const isSound = step.key !== undefined && (await warehouse.isKey(step.key.table, step.key.columns));
  const rows = isSound
    ? []
    : await warehouse.query(
        `select failing.*, count(*) over () as failing_rows_ from (\n${step.sql}\n) as failing limit 3`,
      );
  return {
    check: step.check,
    model: step.model,
    severity: step.severity,
    failing_rows: Number(rows[0]?.failing_rows_ ?? 0),
    sample: rows.map(({ failing_rows_: _, ...row }) => row),
  };
}

const publishable = /^(varchar|bigint|double|boolean|date|timestamptz|decimal\(18,[26]\))$/;

/** A published table is what its header says, in types that every reader of Parquet knows. */
async function holdColumns(warehouse: Warehouse, table: string, promised: readonly string[]): Promise<TypedColumn[]> {
  const columns = await warehouse.columns(table);
  const names = columns.map((column) => column.name);
  if (names.join() !== promised.join()) {
    const missing = promised.filter((name) => !names.includes(name));
    const extra = names.filter((name) => !promised.includes(name));
    const what = [
      missing.length > 0 ? `the select lacks ${missing.join(', ')}` : '',
      extra.length > 0 ? `the header lacks ${extra.join(', ')}` : '',
      missing.length + extra.length === 0 ? `the select gives ${names.join(', ')}` : '',
    ];
    throw new PercorsoError(
      `the columns of ${table} are not those of its header: ${what.filter((part) => part !== '').join('; ')}`,
      { mend: 'make the header and the select name the same columns in the same order' },
    );
  }
  const odd = columns.filter((column) => !publishable.test(column.type));
  if (odd.length > 0) {
    const list = odd.map((column) => `${column.name} is ${column.type}`).join(', ');
    throw new PercorsoError(`${table} cannot be published: ${list}`, {
      mend: 'cast to varchar, bigint, double, boolean, date, an instant, decimal(18,2) or decimal(18,6)',
    });
  }
  return columns;
}

interface Filing {
  columns: TypedColumn[];
  /** The column by whose month the files are cut. */
  partition?: string | undefined;
  /** Files of the last build: those of months that are wholly closed are referred to. */
  referred?: FiledTable | undefined;
  where?: string | undefined;
  joinsAsWritten?: boolean;
  /** The first open day; undefined where all are. */
  closedBefore: string | undefined;
}

async function unloadTable(
  warehouse: FilingWarehouse,
  store: Company['lake'],
  buildId: string,
  table: string,
  { columns, partition, referred, where, closedBefore, joinsAsWritten = false }: Filing,
): Promise<FiledTable> {
  const select = (conditions: readonly string[]) =>
    `select * from ${table}${conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`}`;
  const conditions = where === undefined ? [] : [`(${where})`];
  const keyOf = (part: string) => lake.table(buildId, table, part);
  const files: FiledTable['files'] = [];
  if (partition !== undefined) {
    // An instant may be of the day before in UTC.
    const openMonth =
      referred === undefined || closedBefore === undefined ? undefined : daysBefore(closedBefore, 1).slice(0, 7);
    if (referred !== undefined && openMonth !== undefined) {
      files.push(...referred.files.filter((file) => file.partition !== '' && file.partition < openMonth));
    }
    const open = openMonth === undefined ? [] : [`${partition} >= date '${openMonth}-01'`];
    const written = await warehouse.unloadByMonth(
      select([...conditions, ...open]),
      partition,
      (part) => store.locate(keyOf(part)),
      { joinsAsWritten },
    );
    for (const { part, rows } of written) files.push({ partition: part, key: keyOf(part), rows });
  }
  // An empty table still has a file, so that a reader finds its columns.
  if (files.length === 0) {
    files.push({
      partition: '',
      key: keyOf(''),
      rows: await warehouse.unload(select(conditions), store.locate(keyOf('')), { joinsAsWritten }),
    });
  }
  return { rows: files.reduce((sum, file) => sum + file.rows, 0), columns, files };
}

async function readAsOf(
  warehouse: Warehouse,
  plan: Plan,
  asOf: string | undefined,
  company: Company,
  now: Clock,
): Promise<string> {
  if (plan.steps.some((step) => step.kind === 'model' && step.table === horizonTable)) {
    const [row] = await warehouse.query(`select as_of_day from ${horizonTable}`);
    if (row?.as_of_day != null) return String(row.as_of_day);
  }
  return asOf ?? createReportingDay(company.config.timeZone)(now().getTime() - 86_400_000);
}

/** Watches the memory of this process, engine included, until it is called; gives the most in MB. */
function watchMemory(): () => number {
  let most = process.memoryUsage.rss();
  const look = () => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 50);
  timer.unref();
  return () => {
    clearInterval(timer);
    look();
    return Math.round(most / 1_048_576);
  };
}
