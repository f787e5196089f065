import type { Warehouse } from '#core/ports';
import { coalitionNumber, conversionTypes, firstDay, readCoalitions, readSteps } from '#solvers/path-counts';
import { type ChannelFactor, pathModels } from '#solvers/path-models';
import type { SolverModel } from '#solvers/solver-model';

/**
 * Fits every data-driven model for each conversion type and each month with a conversion of it.
 *
 * In: `transition_counts`, `coalition_counts`. Out: `fitted_factors`, one row per model, conversion_type, fit_month,
 * coalition and channel_no. Coalition 0 has the channel's factor over the whole fit, and the totals of the fit; a model whose
 * factors differ from one coalition to the next has rows of those that converted in the month beside it, with the factor alone, and
 * in the last month of all that converted in the fit: days to come are spread by it.
 */
export const fittedFactors: SolverModel = {
  name: 'fitted_factors',
  file: 'functions/solvers/fitted-factors.ts',
  inputs: ['transition_counts', 'coalition_counts'],
  async run(warehouse) {
    const rows: FactorRow[] = [];
    for (const conversion_type of await conversionTypes(warehouse, 'coalition_counts')) {
      const read = await readCoalitions(warehouse, conversion_type);
      const first = await readSteps(warehouse, conversion_type, 1);
      const second = await readSteps(warehouse, conversion_type, 2);
      const monthly = new Map(read.months.map((month) => [month, convertingIn(read.conversionsOf(month))]));
      const converting = [...new Set([...monthly.values()].flat())].sort((a, b) => a - b);
      const models = pathModels.map(({ name, open }) => ({
        model: name,
        fit: open({ coalitions: read.coalitions, converting }),
      }));
      const lastMonth = Math.max(...[...monthly].map(([month, places]) => (places.length > 0 ? month : 0)));
      for (const [month, ofMonth] of monthly) {
        if (ofMonth.length === 0) continue;
        const coalitions = read.window(month);
        const counts = {
          steps: { 1: first.window(month), 2: second.window(month) },
          coalitions,
          spread: month === lastMonth ? convertingIn(coalitions.conversions) : ofMonth,
        };
        const { journeys, conversions, revenue } = counts.coalitions;
        const totals = { journeys: sumOf(journeys), conversions: sumOf(conversions), revenue: sumOf(revenue) };
        for (const { model, fit } of models) {
          const { channels, coalitions = [] } = fit(counts);
          const of = { model, conversion_type, fit_month: firstDay(month) };
          for (const channel of channels) {
            const { channelNo, factor } = channel;
            rows.push({ ...of, coalition: 0n, channel_no: channelNo, factor, whole: { ...channel, ...totals } });
          }
          for (const { place, channels: members, factors } of coalitions) {
            const coalition = coalitionNumber(read.coalitions, place);
            for (const [i, channel_no] of members.entries()) {
              rows.push({ ...of, coalition, channel_no, factor: factors[i] ?? 0 });
            }
          }
        }
      }
    }
    await writeFactors(warehouse, rows);
  },
};

interface FactorRow {
  model: string;
  conversion_type: string;
  fit_month: string;
  coalition: bigint;
  channel_no: number;
  factor: number;
  /** Of a factor over the whole fit: what else is known of the channel, and the totals of the fit. */
  whole?: ChannelFactor & { journeys: number; conversions: number; revenue: number };
}

async function writeFactors(warehouse: Warehouse, rows: readonly FactorRow[]): Promise<void> {
  const numbers = (read: (row: FactorRow) => number | undefined) =>
    Float64Array.from(rows, (row) => read(row) ?? Number.NaN);
  await warehouse.createTableFromColumns('fitted_factors', [
    { name: 'model', type: 'varchar', values: rows.map((row) => row.model) },
    { name: 'conversion_type', type: 'varchar', values: rows.map((row) => row.conversion_type) },
    { name: 'fit_month', type: 'date', values: rows.map((row) => row.fit_month) },
    { name: 'coalition', type: 'bigint', values: BigInt64Array.from(rows, (row) => row.coalition) },
    { name: 'channel_no', type: 'bigint', values: numbers((row) => row.channel_no) },
    { name: 'factor', type: 'double', values: numbers((row) => row.factor) },
    { name: 'revenue_factor', type: 'double', values: numbers((row) => row.whole?.revenueFactor) },
    { name: 'removal_effect', type: 'double', values: numbers((row) => row.whole?.removalEffect) },
    { name: 'revenue_effect', type: 'double', values: numbers((row) => row.whole?.revenueEffect) },
    { name: 'zeroed_share', type: 'double', values: numbers((row) => row.whole?.zeroedShare) },
    { name: 'journeys', type: 'bigint', values: numbers((row) => row.whole?.journeys) },
    { name: 'conversions', type: 'bigint', values: numbers((row) => row.whole?.conversions) },
    { name: 'revenue', type: 'double', values: numbers((row) => row.whole?.revenue) },
  ]);
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function convertingIn(conversions: Float64Array): number[] {
  const places: number[] = [];
  for (const [place, count] of conversions.entries()) if (count > 0) places.push(place);
  return places;
}
