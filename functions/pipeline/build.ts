import { createHash, randomBytes } from 'node:crypto';
import { PercorsoError } from '#core/errors';
import { lake, type Manifest } from '#core/lake';
import type { Clock, SqlValue, Store, Warehouse } from '#core/ports';
import { createReportingDay } from '#core/reporting-day';
import { settingTables } from '#core/setting-tables';
import { type Catalogue, isSqlModel } from '#pipeline/catalogue';
import type { Company } from '#pipeline/company';
import { horizonTable, type Plan, planBuild, type Step } from '#pipeline/plan';
import { pruneBuilds, publishManifest, readCurrentManifest } from '#pipeline/publish';

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

/** The plan that a build of this company would follow. */
export function planCompany(company: Company, catalogue: Catalogue, options: BuildOptions): Plan {
  const today = createReportingDay(company.config.timeZone)((options.now ?? (() => new Date()))().getTime());
  return planBuild(catalogue, {
    timeZone: company.config.timeZone,
    settings: settingTables(company.config, company.lists, today, options.asOf),
    ...(options.select === undefined ? {} : { select: options.select }),
  });
}

/**
 * Builds and publishes: loads raw and settings, makes each table, runs the checks, and only then writes the published
 * files, the manifest, and last the pointer. Killed at any moment it leaves the last build as it was. One at a time:
 * the caller holds the lock.
 * @throws ChecksFailedError where a check of severity error found rows; nothing is published then.
 */
export async function build(
  company: Company,
  catalogue: Catalogue,
  warehouse: Warehouse,
  options: BuildOptions = {},
): Promise<BuildResult> {
  const now = options.now ?? (() => new Date());
  const startedAt = performance.now();
  const plan = planCompany(company, catalogue, options);
  const store = company.lake;
  const rawKeys = await listRaw(store, plan);
  const madeOf = hashOf(plan, rawKeys);
  if (!options.fullRefresh && !plan.isPartial) {
    const current = await readCurrentManifest(store).catch(() => undefined);
    if (current?.made_of === madeOf) {
      const seconds = Math.round((performance.now() - startedAt) / 10) / 100;
      return { manifest: current, checks: [], timings: [], seconds, peak_mb: 0, isUnchanged: true };
    }
  }
  await pruneBuilds(store, 0);
  const buildId = `${now()
    .toISOString()
    .replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(3).toString('hex')}`;

  const solvers = new Map(
    catalogue.models.flatMap((model) => (isSqlModel(model) ? [] : [[model.name, model] as const])),
  );
  const checks: CheckResult[] = [];
  const tables: Manifest['tables'] = {};
  const timings: StepTiming[] = [];
  const failed = () => checks.filter((check) => check.severity === 'error' && check.failing_rows > 0);

  const perform = async (step: Step): Promise<number | undefined> => {
    switch (step.kind) {
      case 'rows':
        await warehouse.createTableFromRows(step.table, step.columns, step.rows);
        return step.rows.length;
      case 'raw': {
        const keys = rawKeys.get(step.prefix) ?? [];
        await warehouse.createTableFromJsonLines(
          step.table,
          step.columns,
          keys.map((key) => store.locate(key)),
          step.origin === undefined ? undefined : { column: step.origin, skip: store.locate('x').length - 1 },
        );
        return countRows(warehouse, step.table);
      }
      case 'model': {
        if (step.isView) await warehouse.createView(step.table, step.sql);
        else await warehouse.createTable(step.table, step.sql);
        const promised = plan.published.get(step.table);
        if (promised !== undefined) await holdColumns(warehouse, step.table, promised);
        return step.isView ? undefined : countRows(warehouse, step.table);
      }
      case 'solver':
        await solvers.get(step.table)?.run(warehouse);
        return countRows(warehouse, step.table);
      case 'check':
        checks.push(await runCheck(warehouse, step));
        return undefined;
      case 'drop':
        await warehouse.dropTable(step.table);
        return undefined;
      case 'publish': {
        // The first table to be published comes after the last check.
        if (failed().length > 0) throw new ChecksFailedError(failed());
        tables[step.table] =
          step.view === undefined
            ? await unloadTable(warehouse, store, buildId, step.table, step.partition)
            : await describeView(warehouse, step.table, step.view);
        return tables[step.table]?.rows;
      }
    }
  };

  for (const [index, step] of plan.steps.entries()) {
    options.onStep?.({ done: index, of: plan.steps.length, label: stepName(step) });
    const peak = watchMemory();
    const began = performance.now();
    try {
      const rows = await perform(step);
      const seconds = (performance.now() - began) / 1000;
      if (step.kind !== 'drop') {
        timings.push({
          step: stepName(step),
          kind: step.kind,
          seconds: Math.round(seconds * 1000) / 1000,
          ...(rows === undefined ? {} : { rows }),
          peak_mb: peak(),
        });
      }
    } catch (error) {
      if (error instanceof PercorsoError) throw error;
      // What a check has found before is the likelier reason.
      if (failed().length > 0) throw new ChecksFailedError(failed(), error);
      throw new PercorsoError(`${stepName(step)} failed: ${error instanceof Error ? error.message : String(error)}`, {
        mend: 'nothing was published; `percorso build --plan` shows the statement',
        cause: error,
      });
    } finally {
      peak();
    }
  }
  if (failed().length > 0) throw new ChecksFailedError(failed());

  const previous = plan.isPartial ? await readCurrentManifest(store) : undefined;
  const models = new Map(catalogue.checks.map((check) => [check.name, check.model]));
  const carried = (previous?.checks ?? []).filter((old) => !checks.some((check) => check.check === old.check));
  await createCheckResults(warehouse, [
    ...checks,
    ...carried.map((old) => ({ ...old, model: models.get(old.check) ?? old.check.replace(/^key_/, ''), sample: [] })),
  ]);
  tables[checkResults] = await unloadTable(warehouse, store, buildId, checkResults, undefined);

  const manifest: Manifest = {
    build_id: buildId,
    built_at: now().toISOString(),
    as_of: await readAsOf(warehouse, plan, options.asOf, company, now),
    company: company.config.name,
    settings_overridden: company.overrides,
    tables: { ...previous?.tables, ...tables },
    checks: [...checks.map(({ check, severity, failing_rows }) => ({ check, severity, failing_rows })), ...carried],
    ...(plan.isPartial ? {} : { made_of: madeOf }),
  };
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

/** Raw objects are named by what they hold, and the plan holds every statement and setting: the same hash, the same tables. */
function hashOf(plan: Plan, rawKeys: ReadonlyMap<string, readonly string[]>): string {
  return createHash('sha256')
    .update(JSON.stringify([plan.steps, [...rawKeys]]))
    .digest('hex')
    .slice(0, 32);
}

const checkResults = 'check_results';

/** The columns of the one published table that no model makes. */
export const checkResultColumns = [
  { name: 'check_name', type: 'varchar', description: 'the check, as its file in sql/checks is called' },
  { name: 'model', type: 'varchar', description: 'the table that it checks' },
  { name: 'severity', type: 'varchar', description: 'error: a failing row publishes nothing; warn: it is shown here' },
  { name: 'failing_rows', type: 'bigint', description: 'how many rows failed' },
  { name: 'sample', type: 'varchar', description: 'up to three failing rows, as JSON' },
] as const;

async function createCheckResults(warehouse: Warehouse, checks: readonly CheckResult[]): Promise<void> {
  await warehouse.createTableFromRows(
    checkResults,
    Object.fromEntries(checkResultColumns.map(({ name, type }) => [name, type])),
    checks.map((check) => ({
      check_name: check.check,
      model: check.model,
      severity: check.severity,
      failing_rows: check.failing_rows,
      sample: check.sample.length === 0 ? null : JSON.stringify(check.sample),
    })),
  );
}

function stepName(step: Step): string {
  return step.kind === 'check' ? `check ${step.check}` : `${step.kind} ${step.table}`;
}

async function countRows(warehouse: Warehouse, table: string): Promise<number> {
  const [row] = await warehouse.query(`select count(*) as n from ${table}`);
  return Number(row?.n ?? 0);
}

async function runCheck(warehouse: Warehouse, step: Extract<Step, { kind: 'check' }>): Promise<CheckResult> {
  const rows = await warehouse.query(
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
async function holdColumns(warehouse: Warehouse, table: string, promised: readonly string[]): Promise<void> {
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
}

async function unloadTable(
  warehouse: Warehouse,
  store: Company['lake'],
  buildId: string,
  table: string,
  partition: string | undefined,
): Promise<Manifest['tables'][string]> {
  const columns = await warehouse.columns(table);
  const parts =
    partition === undefined
      ? [{ partition: '', where: '' }]
      : (await months(warehouse, table, partition)).map((month) => ({
          partition: month ?? 'none',
          where:
            month === undefined
              ? ` where ${partition} is null`
              : ` where ${partition} >= date '${month}-01' and ${partition} < date '${monthAfter(month)}-01'`,
        }));
  // An empty table still has a file, so that a reader finds its columns.
  if (parts.length === 0) parts.push({ partition: '', where: '' });
  const files = [];
  for (const part of parts) {
    const key = lake.table(buildId, table, part.partition);
    const rows = await warehouse.unload(`select * from ${table}${part.where}`, store.locate(key));
    files.push({ partition: part.partition, key, rows });
  }
  return { rows: files.reduce((sum, file) => sum + file.rows, 0), columns, files };
}

async function describeView(warehouse: Warehouse, table: string, view: string): Promise<Manifest['tables'][string]> {
  return { rows: await countRows(warehouse, table), columns: await warehouse.columns(table), files: [], view };
}

function monthAfter(month: string): string {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 7);
}

async function months(warehouse: Warehouse, table: string, column: string): Promise<(string | undefined)[]> {
  const rows = await warehouse.query(
    `select distinct date_format(date_trunc('month', ${column}), '%Y-%m') as month from ${table} order by month`,
  );
  return rows.map((row) => (row.month === null ? undefined : String(row.month)));
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
