import type { Warehouse } from '#core/ports';
import type { StepCounts } from '#solvers/markov';
import type { CoalitionCounts, Coalitions } from '#solvers/shapley';

/** Factors that spread the conversions of a month are fitted on the journeys that ended in so many months up to its end. */
const fitMonths = 12;

/** A month as a number, `12 * year + month - 1`, and as the date of its first day. */
export const monthNumber = (column: string) => `12 * extract(year from ${column}) + extract(month from ${column}) - 1`;
export function firstDay(month: number): string {
  return `${String(Math.floor(month / 12)).padStart(4, '0')}-${String((month % 12) + 1).padStart(2, '0')}-01`;
}

/** Coalitions hold up to 60 bits: they pass through doubles as two halves of 30. */
const halfOf = 1_073_741_824;
export const coalitionHalves = (column: string) => `mod(${column}, ${halfOf}) as low, ${column} / ${halfOf} as high`;
export function coalitionNumber({ low, high }: Coalitions, place: number): bigint {
  return BigInt(high[place] ?? 0) * BigInt(halfOf) + BigInt(low[place] ?? 0);
}

/** The names of the conversion types that a table counts, in order. They are checked names of the configuration. */
export async function conversionTypes(warehouse: Warehouse, table: string): Promise<string[]> {
  const rows = await warehouse.query(`select distinct conversion_type from ${table} order by conversion_type`);
  return rows.map((row) => String(row.conversion_type));
}

/** Counts of months, item by item, and their sums over the months of a fit. */
interface MonthlySums {
  months: number[];
  of(month: number): Float64Array;
  window(month: number): Float64Array;
}

function monthlySums(size: number, months: Float64Array, items: Int32Array, values: Float64Array): MonthlySums {
  const counts = new Map<number, Float64Array>();
  for (const [row, item] of items.entries()) {
    const month = months[row] ?? 0;
    const counted = counts.get(month) ?? new Float64Array(size);
    counted[item] = (counted[item] ?? 0) + (values[row] ?? 0);
    counts.set(month, counted);
  }
  return {
    months: [...counts.keys()].sort((a, b) => a - b),
    of: (month) => counts.get(month) ?? new Float64Array(size),
    // Summed anew for each fit, and in the order of months, so that it does not matter which other months there are.
    window(month) {
      const sums = new Float64Array(size);
      for (const each of monthsOfFit(month)) {
        const counted = counts.get(each);
        if (counted !== undefined) addTo(sums, counted);
      }
      return sums;
    },
  };
}

/** The months on whose journeys the factors of a month are fitted. */
export function monthsOfFit(month: number): number[] {
  return Array.from({ length: fitMonths }, (_, index) => month - fitMonths + 1 + index);
}

export function addTo(sums: Float64Array, counts: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (counts[i] ?? 0);
}

/** Numbers distinct rows of two columns in the order in which they come; gives each row's number. */
function numberPairs(a: Float64Array, b: Float64Array): { items: Int32Array; first: Int32Array; second: Int32Array } {
  const numbers = new Map<number, Map<number, number>>();
  const items = new Int32Array(a.length);
  const first: number[] = [];
  const second: number[] = [];
  for (let row = 0; row < a.length; row++) {
    const x = a[row] ?? 0;
    const y = b[row] ?? 0;
    const inner = numbers.get(x) ?? new Map<number, number>();
    numbers.set(x, inner);
    let item = inner.get(y);
    if (item === undefined) {
      item = first.length;
      inner.set(y, item);
      first.push(x);
      second.push(y);
    }
    items[row] = item;
  }
  return { items, first: Int32Array.from(first), second: Int32Array.from(second) };
}

/** Steps of one conversion type and order of the chain, with their sums for the fit of any month. */
export async function readSteps(
  warehouse: Warehouse,
  type: string,
  order: 1 | 2,
): Promise<{ window(month: number): StepCounts }> {
  const { month, state_from, state_to, steps, revenue } = await warehouse.queryNumbers(
    `select ${monthNumber('end_month')} as month, state_from, state_to, sum(steps) as steps, cast(sum(revenue) as double) as revenue
     from transition_counts
     where conversion_type = '${type}' and order_k = ${order}
     group by end_month, state_from, state_to
     order by state_from, state_to, end_month`,
    ['month', 'state_from', 'state_to', 'steps', 'revenue'],
  );
  const { items, first, second } = numberPairs(state_from, state_to);
  const counted = monthlySums(first.length, month, items, steps);
  const valued = monthlySums(first.length, month, items, revenue);
  return {
    window: (fit) => ({ from: first, to: second, steps: counted.window(fit), value: valued.window(fit) }),
  };
}

export interface TypeCoalitions {
  coalitions: Coalitions;
  /** Months in which journeys of the type ended. */
  months: number[];
  /** Conversions by place of coalition in the journeys that ended in a month. */
  conversionsOf(month: number): Float64Array;
  window(month: number): CoalitionCounts;
}

/** Coalitions of one conversion type, with their sums for the fit of any month. */
export async function readCoalitions(warehouse: Warehouse, type: string): Promise<TypeCoalitions> {
  const rows = await warehouse.queryNumbers(
    `select ${monthNumber('end_month')} as month, ${coalitionHalves('coalition')}, journeys, conversions, cast(revenue as double) as revenue
     from coalition_counts
     where conversion_type = '${type}'
     order by coalition, end_month`,
    ['month', 'low', 'high', 'journeys', 'conversions', 'revenue'],
  );
  const { items, first, second } = numberPairs(rows.low, rows.high);
  const monthly = (values: Float64Array) => monthlySums(first.length, rows.month, items, values);
  const counted = {
    journeys: monthly(rows.journeys),
    conversions: monthly(rows.conversions),
    revenue: monthly(rows.revenue),
  };
  return {
    coalitions: { low: first, high: second },
    months: counted.journeys.months,
    conversionsOf: (month) => counted.conversions.of(month),
    window: (month) => ({
      journeys: counted.journeys.window(month),
      conversions: counted.conversions.window(month),
      revenue: counted.revenue.window(month),
    }),
  };
}
