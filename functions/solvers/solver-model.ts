import type { Warehouse } from '#core/ports';

/** A table that TypeScript makes: rows in, rows out, all of it in the warehouse. */
export interface SolverModel {
  name: string;
  file: string;
  inputs: readonly string[];
  run(warehouse: Warehouse): Promise<void>;
}
