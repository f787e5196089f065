import type { SqlValue, Warehouse } from '#core/ports';
import { expectedOrdersIfAlive, fitBgNbd, seesLeaving } from '#solvers/bg-nbd';
import { fitGammaGamma } from '#solvers/gamma-gamma';

/** The models are fitted in weeks, as in the papers: their parameters can be compared with published ones. */
const daysInAWeek = 7;

/**
 * Fits BG/NBD and Gamma-Gamma for each cut of the data. In: `value_counts`, `spending_counts`, and how many customers a
 * fit needs at least from `settings`. Out: `value_parameters`, one row per cut: parameters and log-likelihoods, null with
 * a note where there are too few customers or no such model tells what they did; and whether the histories show that customers leave.
 */
export const valueParameters = {
  name: 'value_parameters',
  file: 'functions/solvers/lifetime-value.ts',
  inputs: ['value_counts', 'spending_counts', 'settings'],
  async run(warehouse: Warehouse): Promise<void> {
    const [setting] = await warehouse.query('select thin_conversions from settings');
    const least = number(setting?.thin_conversions);
    // Sums of doubles depend on their order: a build twice gives the same parameters.
    const histories = byCut(
      await warehouse.query('select * from value_counts order by cut, frequency, recency_days, age_days'),
    );
    const spending = byCut(await warehouse.query('select * from spending_counts order by cut, orders, step'));
    const rows = [...histories].map(([cut, counts]) => {
      const fitted = counts.filter((row) => number(row.new_customers) > 0);
      const orders = fitWhere(
        customersIn(fitted.filter((row) => number(row.frequency) > 0)) >= least,
        `fewer than ${least} customers came again`,
        'BG/NBD settles on nothing',
        () =>
          fitBgNbd(
            fitted.map((row) => ({
              frequency: number(row.frequency),
              recency: number(row.recency_days) / daysInAWeek,
              age: number(row.age_days) / daysInAWeek,
              customers: number(row.new_customers),
            })),
          ),
      );
      const spent = spending.get(cut) ?? [];
      const value = fitWhere(
        spent.reduce((sum, row) => sum + number(row.customers), 0) >= least,
        `fewer than ${least} customers came again with a known margin above 0`,
        'Gamma-Gamma settles on no mean margin',
        () =>
          fitGammaGamma(
            spent.map((row) => ({
              orders: number(row.orders),
              value: number(row.mean_margin),
              logValue: number(row.log_margin),
              customers: number(row.customers),
            })),
          ),
      );
      const { r = null, alpha: alpha_weeks = null, a = null, b = null } = orders.fit?.model ?? {};
      const { p = null, q = null, v = null } = value.fit?.model ?? {};
      const sees_leaving = orders.fit === undefined ? null : seesLeaving(orders.fit.model);
      return {
        ...{ cut, r, alpha_weeks, a, b, orders_log_likelihood: orders.fit?.logLikelihood ?? null },
        ...{ p, q, v, value_log_likelihood: value.fit?.logLikelihood ?? null },
        sees_leaving,
        note:
          orders.note ??
          value.note ??
          (sees_leaving === false ? 'nobody is seen to leave: P(alive) is not known' : null),
      };
    });
    const doubles = ['r', 'alpha_weeks', 'a', 'b', 'orders_log_likelihood', 'p', 'q', 'v', 'value_log_likelihood'];
    const types = Object.fromEntries(doubles.map((column) => [column, 'double']));
    await warehouse.createTableFromRows(
      'value_parameters',
      { cut: 'varchar', ...types, sees_leaving: 'boolean', note: 'varchar' },
      rows,
    );
  },
};

/**
 * The part of BG/NBD's forecast that is a series and no formula, which SQL leaves to us. In: `value_parameters` and the
 * ages and frequencies of `value_counts`. Out: `value_expectations` (cut, frequency, age_days, orders_if_alive), of cuts
 * with a fit: orders of a customer who is still there, over the cut's horizon.
 */
export const valueExpectations = {
  name: 'value_expectations',
  file: 'functions/solvers/lifetime-value.ts',
  inputs: ['value_parameters', 'value_counts'],
  async run(warehouse: Warehouse): Promise<void> {
    const asked = await warehouse.query(
      `select distinct
        value_counts.cut, value_counts.horizon_days, value_counts.frequency, value_counts.age_days,
        value_parameters.r, value_parameters.alpha_weeks, value_parameters.a, value_parameters.b
      from value_counts
      inner join value_parameters on value_parameters.cut = value_counts.cut
      where value_parameters.r is not null`,
    );
    const rows = asked.map(({ cut = null, frequency = null, age_days = null, ...row }) => {
      const model = {
        r: number(row.r),
        alpha: number(row.alpha_weeks),
        a: number(row.a),
        b: number(row.b),
      };
      const age = number(age_days) / daysInAWeek;
      const orders = expectedOrdersIfAlive(model, number(frequency), age, number(row.horizon_days) / daysInAWeek);
      return { cut, frequency, age_days, orders_if_alive: Number.isFinite(orders) ? orders : null };
    });
    const columns = { cut: 'varchar', frequency: 'bigint', age_days: 'bigint', orders_if_alive: 'double' };
    await warehouse.createTableFromRows('value_expectations', columns, rows);
  },
};

function fitWhere<Fit>(isEnough: boolean, tooFew: string, unsettled: string, fit: () => Fit | undefined) {
  if (!isEnough) return { fit: undefined, note: tooFew };
  const found = fit();
  return { fit: found, note: found === undefined ? unsettled : null };
}

function byCut(rows: readonly Record<string, SqlValue>[]): Map<string, Record<string, SqlValue>[]> {
  const cuts = new Map<string, Record<string, SqlValue>[]>();
  for (const row of rows) {
    const cut = String(row.cut);
    const own = cuts.get(cut);
    if (own === undefined) cuts.set(cut, [row]);
    else own.push(row);
  }
  return cuts;
}

function customersIn(rows: readonly Record<string, SqlValue>[]): number {
  return rows.reduce((sum, row) => sum + number(row.new_customers), 0);
}

/** Whole numbers of an engine come as text. */
function number(value: SqlValue | undefined): number {
  return Number(value);
}
