import type { Warehouse } from '#core/ports';

/** What has an interval: the amounts that a channel is credited with. */
export const measures = ['conversions', 'revenue', 'margin'] as const;

/** First and repeat orders together. */
export const orders = { name: '(orders)', types: ['first_order', 'repeat_order'] };

/** Collects the rows of a table of intervals: the columns that name a cell, and `_low` and `_high` of each measure. */
export function createIntervalCells<Name extends string>(names: readonly Name[]) {
  const cells: Record<Name, string>[] = [];
  const lows = measures.map((): number[] => []);
  const highs = measures.map((): number[] => []);
  return {
    /** @param bounds low and high of each measure; NaN where nothing is known. */
    add(cell: Record<Name, string>, bounds: readonly (readonly [low: number, high: number])[]): void {
      cells.push(cell);
      for (const [measure, [low, high]] of bounds.entries()) {
        lows[measure]?.push(low);
        highs[measure]?.push(high);
      }
    },
    async write(warehouse: Warehouse, table: string): Promise<void> {
      const words = names.map((name) => ({ name, type: 'varchar' as const, values: cells.map((cell) => cell[name]) }));
      const numbers = measures.flatMap((measure, index) => [
        { name: `${measure}_low`, type: 'double' as const, values: Float64Array.from(lows[index] ?? []) },
        { name: `${measure}_high`, type: 'double' as const, values: Float64Array.from(highs[index] ?? []) },
      ]);
      await warehouse.createTableFromColumns(table, [...words, ...numbers]);
    },
  };
}
