import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { createDuckDbWarehouse } from '#adapters/duckdb-warehouse';
import { createFolderStore } from '#adapters/folder-store';
import { createQueryReader } from '#adapters/trino-reader';
import type { Warehouse } from '#core/ports';
import { createEarlierTable, planCompany } from '#pipeline/builds/build';
import { type Catalogue, isSqlModel, readCatalogue } from '#pipeline/builds/catalogue';
import type { Plan, Step } from '#pipeline/builds/plan';
import { type Company, loadCompany } from '#pipeline/company/company';
import { runCommand } from '../run-command.ts';
import { askedInUtc, differenceFrom, readDialectCases } from '../sql/dialect-cases.ts';
import { modelCases, runModelCase } from '../sql/model-cases.ts';
import { firstDifference } from './compare-rows.ts';
import { startTrino, whatIsMissing } from './server.ts';
import { createTrinoWarehouse, ourType } from './trino-warehouse.ts';

/*
 * The same build on DuckDB and on a real Trino, the engine behind Athena: every table that a model makes is compared row
 * by row, doubles to 1e-9 of their size, all else exactly. The company is a small demo, so that dirt and every kind of source are in it.
 */
const missing = whatIsMissing();
if (missing !== undefined) process.stderr.write(`skipped: a real Trino needs ${missing}\n`);

describe.skipIf(missing !== undefined)('the models on a real Trino', () => {
  const folder = mkdtempSync(join(tmpdir(), 'percorso-two-engines-'));
  const dir = join(folder, 'demo');
  let trino: Awaited<ReturnType<typeof startTrino>>;
  let onTrino: ReturnType<typeof createTrinoWarehouse>;
  let onDuckDb: Warehouse;
  let company: Company;
  let catalogue: Catalogue;
  let plan: Plan;

  beforeAll(async () => {
    const starting = startTrino();
    const percorso = async (codes: number[], ...argv: string[]) => {
      const { code, stderr } = await runCommand(argv, { cwd: folder, now: () => new Date('2026-11-20T09:00:00Z') });
      expect(codes, stderr).toContain(code);
    };
    await percorso([0], 'demo', dir, '--customers', '600', '--days', '240', '--no-truth');
    // 1: the bad rows that the demo plants may be all that a small file holds.
    await percorso([0, 1], '--dir', dir, 'import', join(dir, 'landing'));
    company = await loadCompany({ dir, env: {}, openStore: createFolderStore });
    catalogue = await readCatalogue(await createQueryReader());
    ({ plan } = await planCompany(company, catalogue, { now: () => new Date('2026-11-20T09:00:00Z') }));
    onDuckDb = await createDuckDbWarehouse();
    trino = await starting;
    onTrino = createTrinoWarehouse(trino.address);
    await onTrino.ready();
  }, 900_000);
  afterAll(async () => {
    await onDuckDb?.close();
    trino?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function perform(step: Step, warehouse: Warehouse): Promise<void> {
    if (step.kind === 'rows') await warehouse.createTableFromRows(step.table, step.columns, step.rows);
    if (step.kind === 'raw') {
      const keys = (await company.lake.list(step.prefix)).filter((key) => /\.jsonl(\.gz)?$/.test(key));
      await warehouse.createTableFromJsonLines(
        step.table,
        step.columns,
        keys.map((key) => company.lake.locate(key)),
        step.origin === undefined ? undefined : { column: step.origin, skip: company.lake.locate('x').length - 1 },
      );
    }
    if (step.kind === 'solver') {
      const solver = catalogue.models.find((model) => model.name === step.table);
      if (solver !== undefined && !isSqlModel(solver)) await solver.run(warehouse);
    }
    if (step.kind === 'earlier') await createEarlierTable(warehouse, company.lake, step);
    if (step.kind === 'model' && step.isView) await warehouse.createView(step.table, step.sql);
    else if (step.kind === 'model') await warehouse.createTable(step.table, step.sql);
  }

  test('lean on a dialect of which it answers what the cases hold, value and type', async () => {
    const cases = await readDialectCases();
    const different: string[] = [];
    for (const one of cases) {
      const answer = await onTrino.rows(askedInUtc(one)).catch((error: unknown) => String(error).slice(0, 300));
      if (typeof answer === 'string') different.push(`${one.id}: ${answer}`);
      else {
        const types = answer.columns.map(({ type }) => type);
        const difference = differenceFrom(one, { types, rows: z.array(z.array(z.json())).parse(answer.rows) });
        if (difference !== undefined) different.push(`${one.id}: ${difference}`);
      }
    }
    process.stderr.write(`${cases.length} cases of the dialect asked\n`);
    expect(different).toEqual([]);
  }, 300_000);

  test('make of the inputs of each case what it expects', async () => {
    for (const folder of await modelCases()) {
      const { actual, expected } = await runModelCase(folder, catalogue, onTrino);
      expect(actual, folder).toEqual(expected);
    }
  }, 300_000);

  test('give the same rows and the same types as on DuckDB, table by table', async () => {
    const compared: string[] = [];
    const different: string[] = [];
    for (const step of plan.steps) {
      if (step.kind === 'publish' || step.kind === 'keep' || step.kind === 'drop') continue;
      if (step.kind === 'check') {
        const here = await onDuckDb.query(step.sql);
        const there = await onTrino.rows(step.sql).catch((error: unknown) => String(error).slice(0, 300));
        const count = typeof there === 'string' ? there : there.rows.length;
        if (count !== here.length) different.push(`check ${step.check}: ${count} rows, ${here.length} on DuckDB`);
        continue;
      }
      await perform(step, onDuckDb);
      try {
        await perform(step, onTrino);
      } catch (error) {
        // The others are compared all the same; what reads this one fails too.
        different.push(`${step.kind} ${'table' in step ? step.table : ''}: ${String(error).slice(0, 300)}`);
        continue;
      }
      if (step.kind !== 'model' && step.kind !== 'solver') continue;
      const columns = await onDuckDb.columns(step.table);
      const types = columns.map((column) => column.type);
      const there = await onTrino.rows(`select * from ${step.table}`);
      const typesThere = there.columns.map((column) => ourType(column.type));
      if (typesThere.join() !== types.join())
        different.push(`types of ${step.table}: ${typesThere.join()}, ${types.join()} on DuckDB`);
      const here = (await onDuckDb.query(`select * from ${step.table}`)).map((row) =>
        columns.map(({ name }) => row[name]),
      );
      const difference = firstDifference(there.rows, here, types);
      if (difference !== undefined) different.push(`${step.table}: ${JSON.stringify(difference)}`);
      compared.push(`${step.table} (${here.length})`);
    }
    process.stderr.write(`${compared.length} tables compared, rows in each: ${compared.join(', ')}\n`);
    expect(different).toEqual([]);
    expect(compared.length).toBe(catalogue.models.length);
  }, 900_000);
});
