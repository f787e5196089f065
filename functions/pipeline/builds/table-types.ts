import type { TypedColumn, Warehouse } from '#core/ports';
import { emptyLists, settingTables } from '#core/setting-tables';
import type { PlannedCompany } from '#pipeline/builds/build';
import { type Catalogue, isSqlModel } from '#pipeline/builds/catalogue';
import { planBuild } from '#pipeline/builds/plan';

/**
 * Columns and types of every table that a model makes, found by making them all without a row: an engine over a lake wants
 * some types written out, and nobody writes them down twice.
 * @param warehouse one without a table in it; the tables stay there.
 */
export async function typesOfTables(
  catalogue: Catalogue,
  { config }: Pick<PlannedCompany, 'config'>,
  warehouse: Warehouse,
): Promise<Record<string, TypedColumn[]>> {
  // Days and lists change rows, never columns.
  const settings = settingTables(config, emptyLists, '2000-01-02', '2000-01-01');
  const { steps } = planBuild(catalogue, { timeZone: config.timeZone, settings });
  const types: Record<string, TypedColumn[]> = {};
  for (const step of steps) {
    if (step.kind === 'rows') await warehouse.createTableFromRows(step.table, step.columns, step.rows);
    else if (step.kind === 'raw') {
      const origin = step.origin === undefined ? undefined : { column: step.origin, skip: 0 };
      await warehouse.createTableFromJsonLines(step.table, step.columns, [], origin);
    } else if (step.kind === 'earlier') await warehouse.createTableFromRows(step.table, step.columns, []);
    else if (step.kind === 'model') {
      if (step.isView) await warehouse.createView(step.table, step.sql);
      else await warehouse.createTable(step.table, step.sql);
    } else if (step.kind === 'solver') {
      const solver = catalogue.models.find((model) => model.name === step.table);
      if (solver !== undefined && !isSqlModel(solver)) await solver.run(warehouse);
    } else continue;
    types[step.table] = await warehouse.columns(step.table);
  }
  return types;
}
