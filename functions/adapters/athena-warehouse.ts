import { type AthenaAddress, AthenaError, readResults, runOnAthena } from '#adapters/athena-client';
import { athenaDialect } from '#core/lake-sql';
import type { SqlValue, Store, TypedColumn, Warehouse } from '#core/ports';
import { createLakeWarehouse, type LakeEngine } from './lake-warehouse.ts';

export interface AthenaWarehouseOptions extends AthenaAddress {
  /** Objects of tables, and where below it they are made. */
  store: Store;
  prefix: string;
}

/** Athena, in a database that is there already. Results are read page by page: solvers read sums, not events. */
export function createAthenaWarehouse(options: AthenaWarehouseOptions): Warehouse {
  const engine: LakeEngine = {
    dialect: athenaDialect,
    async run(sql) {
      await runOnAthena(options, sql);
    },
    async rows(sql) {
      const { QueryExecutionId = '' } = await runOnAthena(options, sql);
      let columns: TypedColumn[] = [];
      const rows: (SqlValue | undefined)[][] = [];
      for await (const page of readResults(options.client, QueryExecutionId)) {
        columns = page.columns;
        for (const row of page.rows) rows.push(row);
      }
      return { columns, rows };
    },
    refusesInstants: (error) =>
      error instanceof AthenaError &&
      /timestamp precision \(\d+\)|unsupported hive type: timestamp/i.test(error.message),
  };
  return createLakeWarehouse({ engine, database: options.database, store: options.store, prefix: options.prefix });
}
