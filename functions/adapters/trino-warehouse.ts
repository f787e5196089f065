import * as z from 'zod';
import { runOnTrino, type TrinoAddress, type TrinoAnswer } from '#adapters/trino-client';
import { trinoDialect } from '#core/lake-sql';
import type { SqlValue, Store, Warehouse } from '#core/ports';
import { createLakeWarehouse, type LakeEngine } from './lake-warehouse.ts';

export interface TrinoWarehouseOptions extends TrinoAddress {
  /** Hive catalogue and schema for tables of files: `hive.percorso`. The catalogue of `TrinoAddress` is an Iceberg one. */
  files: string;
  /** Objects that the engine reads and writes too, and where below it tables are made. */
  store: Store;
  prefix: string;
}

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]).catch((given) => JSON.stringify(given.value));

export const valuesOf = ({ rows }: TrinoAnswer): SqlValue[][] =>
  rows.map((row) => row.map((one): SqlValue => value.parse(one ?? null)));

/** Any Trino that keeps Iceberg tables and reads files of an S3. Its schema and that of the files are there already. */
export function createTrinoWarehouse(options: TrinoWarehouseOptions): Warehouse {
  const engine: LakeEngine = {
    dialect: trinoDialect(options.files),
    async run(sql) {
      await runOnTrino(options, sql);
    },
    async rows(sql) {
      const answer = await runOnTrino(options, sql);
      return { columns: answer.columns, rows: valuesOf(answer) };
    },
    // It keeps them, and writes six digits where Iceberg wants them.
    refusesInstants: () => false,
  };
  return createLakeWarehouse({ engine, database: options.schema, store: options.store, prefix: options.prefix });
}
