import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import * as z from 'zod';
import { type AttributionModel, forEachModel } from '#core/each-model';
import { PercorsoError } from '#core/errors';
import type { ReadQuery } from '#core/model-graph';
import { type CheckHeader, type ModelHeader, parseCheckHeader, parseModelHeader } from '#core/model-header';
import type { SettingTable } from '#core/setting-tables';
import { hashSolverSources, programFolder } from '#pipeline/builds/solver-sources';
import { creditIntervals } from '#solvers/credit-intervals';
import { fittedFactors } from '#solvers/fitted-factors';
import { identityComponents } from '#solvers/identity-components';
import { valueExpectations, valueParameters } from '#solvers/lifetime-value';
import { markovIntervals } from '#solvers/markov-intervals';
import type { SolverModel } from '#solvers/solver-model';

/** A table that one SELECT makes. */
export interface SqlModel {
  name: string;
  /** Path below `sql/`. */
  file: string;
  header: ModelHeader;
  sql: string;
  inputs: string[];
}

/** A table that TypeScript makes, and a hash of what it runs: a fit of another source is another fit. */
export interface Solver extends SolverModel {
  source: string;
}

export type Model = SqlModel | Solver;

export interface Check extends CheckHeader {
  name: string;
  file: string;
  sql: string;
  inputs: string[];
}

/** All that `sql/` holds, read and parsed. */
export interface Catalogue {
  models: Model[];
  checks: Check[];
  seeds: Record<string, SettingTable>;
}

export const sqlFolder = fileURLToPath(new URL('../../../sql', import.meta.url));

/** Parts of a solver: not models by themselves. */
const roundsFolder = 'rounds';
/** Where that SQL stands, below the folder of all SQL. */
export const rounds = join('models', 'people', roundsFolder);

/**
 * Reads the models, checks and seeds.
 * @param program the folder below which the sources of the solvers stand.
 * @throws PercorsoError with file and line of the first that cannot be read.
 */
export async function readCatalogue(
  readQuery: ReadQuery,
  folder: string = sqlFolder,
  program: string = programFolder,
): Promise<Catalogue> {
  const seeds = await readSeeds(folder);
  const attributionModels = (seeds.attribution_models?.rows ?? []).map(
    ({ model, kind }): AttributionModel => ({ model: String(model), kind: String(kind) }),
  );
  const readSql = async (path: string, file: string) =>
    forEachModel(await readFile(path, 'utf8'), file, attributionModels);
  const models: SqlModel[] = [];
  for (const path of await filesUnder(join(folder, 'models'), '.sql')) {
    const file = relative(folder, path);
    const sql = await readSql(path, file);
    if (file.split('/').includes(roundsFolder)) continue;
    const header = parseModelHeader(sql, file);
    const { tables } = await readQuery(sql, file);
    models.push({ name: basename(path, '.sql'), file, header, sql: sql.trimEnd(), inputs: tables });
  }
  const checks: Check[] = [];
  for (const path of await filesUnder(join(folder, 'checks'), '.sql')) {
    const file = relative(folder, path);
    const sql = await readSql(path, file);
    const { tables } = await readQuery(sql, file);
    checks.push({
      ...parseCheckHeader(sql, file),
      name: basename(path, '.sql'),
      file,
      sql: sql.trimEnd(),
      inputs: tables,
    });
  }
  const solvers = await solversOf(models, join(folder, rounds));
  const sources = await hashSolverSources(
    solvers.map(({ file }) => file),
    join(folder, rounds),
    program,
  );
  return { models: [...models, ...withSources(solvers, (solver) => sources.get(solver.file))], checks, seeds };
}

/**
 * The tables that TypeScript makes, where something reads them.
 * @param roundsIn the folder of the SQL that they run in rounds.
 */
export async function solversOf(models: readonly SqlModel[], roundsIn: string): Promise<SolverModel[]> {
  const solvers: SolverModel[] = [];
  for (const graph of ['identity', 'consent']) {
    const tables = { edges: `${graph}_edges`, labels: `${graph}_labels` };
    if (models.some((model) => model.name === tables.edges)) solvers.push(await identityComponents(roundsIn, tables));
  }
  // Readers stand before what they read.
  for (const solver of [creditIntervals, markovIntervals, fittedFactors, valueExpectations, valueParameters]) {
    if ([...models, ...solvers].some((model) => model.inputs.includes(solver.name))) solvers.push(solver);
  }
  return solvers;
}

/** The seeds by name. @throws PercorsoError where a first line names no typed columns. */
export async function readSeeds(folder: string = sqlFolder): Promise<Record<string, SettingTable>> {
  const seeds: Record<string, SettingTable> = {};
  for (const path of await filesUnder(join(folder, 'seeds'), '.csv')) {
    seeds[basename(path, '.csv')] = readSeed(await readFile(path, 'utf8'), relative(folder, path));
  }
  return seeds;
}

/** @param sourceOf the hash of what a solver runs. */
export function withSources(
  solvers: readonly SolverModel[],
  sourceOf: (solver: SolverModel) => string | undefined,
): Solver[] {
  return solvers.map((solver) => {
    const source = sourceOf(solver);
    if (source !== undefined) return { ...solver, source };
    throw new PercorsoError(`the source of ${solver.file} is not known`, { mend: 'deploy the pipeline again' });
  });
}

export function isSqlModel(model: Model): model is SqlModel {
  return 'header' in model;
}

async function filesUnder(folder: string, extension: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

const cells = z.array(z.array(z.string()));
const seedTypes = ['varchar', 'bigint', 'double', 'boolean', 'date', 'decimal(18,2)', 'decimal(18,6)'];

/** A seed's first line names and types its columns: `rule_no:bigint,channel:varchar`. An empty cell is null unless it is text. */
function readSeed(text: string, file: string): SettingTable {
  const [header = [], ...lines] = cells.parse(parse(text, { bom: true, skip_empty_lines: true, comment: '#' }));
  const columns = header.map((cell) => {
    const [name = '', type = ''] = cell.trim().split(':');
    if (!/^[a-z][a-z0-9_]*$/.test(name) || !seedTypes.includes(type)) {
      throw new PercorsoError(`${file}, line 1: "${cell}" names no column with a type`, {
        mend: `write name:type with one of ${seedTypes.join(', ')}`,
      });
    }
    return { name, type };
  });
  const rows = lines.map((line) =>
    Object.fromEntries(
      columns.map(({ name, type }, index) => {
        const cell = line[index] ?? '';
        return [name, cell === '' && type !== 'varchar' ? null : cell];
      }),
    ),
  );
  return { columns: Object.fromEntries(columns.map(({ name, type }) => [name, type])), rows };
}
