import { beforeAll, describe, expect, test } from 'vitest';
import { expectedOrdersIfAlive, fitBgNbd } from '#solvers/bg-nbd';
import { type Arrival, at, type BuiltCompany, companyBuilder, contact } from './company-on-duckdb.ts';

const build = companyBuilder();
const dayOf = (days: number) => new Date(Date.UTC(2026, 0, 1) + days * 86_400_000).toISOString().slice(0, 10);
const sold = (who: string, id: string, day: string, revenue: string, margin?: string): Arrival => ({
  event_id: `order-${id}`,
  event_type: 'Order Completed',
  occurred_at: at(day, '12:00:00'),
  source: 'shop',
  identifiers: { anonymous_id: who },
  value: { order_id: id, revenue, ...(margin === undefined ? {} : { margin }) },
});

/** Days with orders of 240 customers over 200 days: three in five come again, at a pace of their own, until they leave. */
function histories(): number[][] {
  let state = 5;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 1;
    return (state % 65_536) / 65_536;
  };
  return Array.from({ length: 240 }, () => {
    const first = Math.floor(random() * 90);
    const days = [first];
    const pace = 4 + 60 * random() ** 2;
    const leaves = 0.1 + 0.5 * random();
    for (let day = first; random() >= (days.length > 1 ? leaves : 0.4); ) {
      day += 1 + Math.floor(-Math.log(1 - random()) * pace);
      if (day >= 200) break;
      days.push(day);
    }
    return days;
  });
}

const customers = histories();
const margin = (who: number, order: number) => 5 + ((who * 7 + order * 3) % 40) + (who % 5) * 20;
const orders = customers.flatMap((days, who) =>
  days.flatMap((day, order) => [
    sold(`c${who}`, `${who}-${order}`, dayOf(day), '200.00', `${margin(who, order)}.00`),
    // A second order of the first day is no repeat.
    ...(order === 0 && who % 10 === 0 ? [sold(`c${who}`, `${who}-0b`, dayOf(day), '20.00', '3.00')] : []),
  ]),
);
const refund: Arrival = {
  ...sold('desk', '1-0', dayOf(150), '200.00', `${margin(1, 0)}.00`),
  event_id: 'refund-1-0',
  event_type: 'Order Refunded',
};

describe('the value of a customer', () => {
  let company: BuiltCompany;
  let fit: Record<string, number>;
  const values = new Map<number, Record<string, string | number | null>>();
  const read = async (built: BuiltCompany) =>
    built.query(
      `select customer_value.*, min(conversions.order_id) as order_id from customer_value
       inner join conversions on conversions.person_id = customer_value.person_id
       group by all order by order_id`,
    );
  beforeAll(async () => {
    company = await build({ asOf: dayOf(199), now: '2026-12-01T10:00:00Z', events: [...orders, refund] });
    const [row = {}] = await company.query("select * from value_fit where cut = 'today'");
    fit = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
    for (const value of await read(company)) {
      values.set(Number(String(value.order_id).split('-')[0]), value as Record<string, string | number | null>);
    }
  }, 60_000);

  test('is there for each of them, by days with an order', () => {
    expect(values.size).toBe(customers.length);
    for (const [who, days] of customers.entries()) {
      const first = days[0] ?? 0;
      const repeats = [...new Set(days)].length - 1;
      const row = values.get(who);
      expect([row?.frequency, row?.recency_days, row?.age_days].map(Number)).toEqual([
        repeats,
        (days.at(-1) ?? 0) - first,
        199 - first,
      ]);
    }
  });

  test('stands on the parameters that a fit on a row for each customer gives', () => {
    const one = fitBgNbd(
      customers.map((days) => ({
        frequency: days.length - 1,
        recency: ((days.at(-1) ?? 0) - (days[0] ?? 0)) / 7,
        age: (199 - (days[0] ?? 0)) / 7,
        customers: 1,
      })),
    );
    expect(fit.customers).toBe(240);
    expect(fit.repeat_customers).toBe(customers.filter((days) => days.length > 1).length);
    for (const [name, value] of [
      ['r', one?.model.r],
      ['alpha_weeks', one?.model.alpha],
      ['a', one?.model.a],
      ['b', one?.model.b],
    ] as const) {
      expect((fit[name] ?? 0) / (value ?? 1)).toBeCloseTo(1, 5);
    }
    expect(fit.orders_log_likelihood).toBeCloseTo(one?.logLikelihood ?? 0, 6);
  });

  test('is what the two models say of their history', () => {
    const { r = 0, alpha_weeks: alpha = 0, a = 0, b = 0, p = 0, q = 0, v = 0 } = fit;
    const paid = orders.reduce((sum, order) => sum + Number(order.value?.margin), 0);
    expect(fit.margin_kept).toBeCloseTo((paid - margin(1, 0)) / paid, 12);
    let seenAlive = 0;
    for (const [who, days] of customers.entries()) {
      const row = values.get(who);
      const x = days.length - 1;
      const age = (199 - (days[0] ?? 0)) / 7;
      const recency = ((days.at(-1) ?? 0) - (days[0] ?? 0)) / 7;
      const alive = x === 0 ? 1 : 1 / (1 + (a / (b + x - 1)) * ((alpha + age) / (alpha + recency)) ** (r + x));
      if (x === 0) expect(row?.p_alive).toBeNull();
      else {
        expect(Number(row?.p_alive)).toBeCloseTo(alive, 9);
        seenAlive++;
      }
      const expected = alive * expectedOrdersIfAlive({ r, alpha, a, b }, x, age, 365 / 7);
      expect(Number(row?.expected_orders_12m)).toBeCloseTo(expected, 9);
      const repeats = days.slice(1).map((_, order) => margin(who, order + 1));
      const mean = x === 0 ? 0 : repeats.reduce((sum, value) => sum + value, 0) / x;
      const worth = (p * (v + x * mean)) / (p * x + q - 1);
      expect(Number(row?.expected_value_12m)).toBeCloseTo(expected * worth * (fit.margin_kept ?? 0), 1.9);
      const own = days.reduce((sum, _, order) => sum + margin(who, order), 0) + (who % 10 === 0 ? 3 : 0);
      expect(row?.observed_margin).toBe((own - (who === 1 ? margin(1, 0) : 0)).toFixed(2));
    }
    expect(seenAlive).toBeGreaterThan(100);
  });

  test('is tried on the half of the data that the fit has not seen', async () => {
    const [row] = await company.query("select * from value_fit where cut = 'holdout'");
    const seen = customers.filter((days) => (days[0] ?? 0) < 100);
    const later = seen.flatMap((days) => days.filter((day) => day >= 100));
    expect([row?.cut_day, Number(row?.horizon_days), Number(row?.customers), Number(row?.actual_orders)]).toEqual([
      dayOf(99),
      100,
      seen.length,
      later.length,
    ]);
    expect(later.length).toBeGreaterThan(30);
    expect(Number(row?.orders_error)).toBeCloseTo(Number(row?.predicted_orders) / later.length - 1, 9);
    expect(Math.abs(Number(row?.orders_error))).toBeLessThan(0.5);
    const [today] = await company.query(
      "select actual_orders, actual_margin, orders_error, note from value_fit where cut = 'today'",
    );
    expect(today).toEqual({ actual_orders: null, actual_margin: null, orders_error: null, note: null });
    // What came in money, less the refund.
    const worth = customers.flatMap((days, who) =>
      (days[0] ?? 0) < 100 ? days.flatMap((day, order) => (day >= 100 ? [margin(who, order)] : [])) : [],
    );
    expect(Number(row?.actual_margin)).toBeCloseTo(worth.reduce((sum, value) => sum + value, 0) - margin(1, 0), 9);
  });

  test('does not hang on the order in which events came in', async () => {
    const other = await build({
      select: 'customer_value,conversions',
      asOf: dayOf(199),
      now: '2026-12-01T10:00:00Z',
      events: [refund, ...orders.toReversed()],
      recordsPerObject: 50,
    });
    const rounded = (rows: Record<string, unknown>[]) =>
      rows.map((row) => Object.values(row).map((value) => (typeof value === 'number' ? value.toFixed(9) : value)));
    expect(rounded(await read(other))).toEqual(rounded(await read(company)));
  });

  test('of a cohort and a channel is what it has brought and is expected to bring, for each customer', async () => {
    const [all] = await company.query(
      "select customers, observed_ltv, expected_ltv, note from payback where cohort_month = '(all)' and channel = '(all)'",
    );
    const sum = (column: string) => [...values.values()].reduce((total, row) => total + Number(row[column]), 0);
    expect(Number(all?.customers)).toBe(240);
    expect(Number(all?.observed_ltv)).toBeCloseTo(sum('observed_margin') / 240, 9);
    expect(Number(all?.expected_ltv)).toBeCloseTo((sum('observed_margin') + sum('expected_value_12m')) / 240, 9);
    expect(all?.note).toBe('no cost on record');
  });

  test('breaks no check', () => {
    expect(company.failing.error).toEqual([]);
  });
});

describe('where nobody is seen to leave', () => {
  test('orders are foretold as of customers who all stay; how likely each still buys is not told', async () => {
    // Each orders every so often up to the last day: nobody has been gone for longer than usual.
    const company = await build({
      select: 'value_fit,customer_value',
      asOf: dayOf(199),
      now: '2026-12-01T10:00:00Z',
      events: Array.from({ length: 60 }, (_, who) => who).flatMap((who) => {
        const pace = 10 + (who % 20);
        return Array.from({ length: Math.floor((199 - (who % 7)) / pace) + 1 }, (__, order) =>
          sold(`s${who}`, `${who}-${order}`, dayOf(199 - order * pace), '20.00', `${5 + (who % 9)}.00`),
        );
      }),
    });
    expect(
      await company.lines(
        "select r > 0, alpha_weeks > 0, a, b, predicted_orders > 100, note from value_fit where cut = 'today'",
      ),
    ).toEqual(['true true null null true nobody is seen to leave: P(alive) is not known']);
    expect(
      await company.lines(
        'select count(*), count(p_alive), count(expected_orders_12m), count(expected_value_12m) from customer_value',
      ),
    ).toEqual(['60 0 60 60']);
  });
});

describe('where no forecast can be', () => {
  const notes = (company: BuiltCompany) =>
    company.lines('select cut, customers, repeat_customers, r, p, note from value_fit order by cut');

  test('too few came again: the value is unknown, and the table says why', async () => {
    const company = await build({
      events: [
        sold('a', 'a1', '2026-01-01', '10.00', '4.00'),
        sold('a', 'a2', '2026-03-01', '10.00', '4.00'),
        sold('b', 'b1', '2026-01-01', '10.00'),
      ],
      asOf: '2026-06-30',
    });
    expect(await notes(company)).toEqual([
      'holdout 2 1 null null fewer than 30 customers came again',
      'today 2 1 null null fewer than 30 customers came again',
    ]);
    expect(
      await company.lines(
        'select frequency, recency_days, age_days, p_alive, expected_orders_12m, expected_value_12m, observed_margin from customer_value order by 1',
      ),
    ).toEqual(['0 0 180 null null null null', '1 59 180 null null null 8.00']);
    expect(company.failing.error).toEqual([]);
  });

  test('no order at all: no customer, no fit, no error', async () => {
    const company = await build({ events: [contact('a', 'Store', at('2026-01-01'))] });
    expect(await notes(company)).toEqual([]);
    expect(await company.lines('select * from customer_value')).toEqual([]);
    expect(company.failing.error).toEqual([]);
  });

  test('no margin is known: orders are foretold, their worth is not', async () => {
    const company = await build({
      select: 'value_fit,customer_value',
      asOf: dayOf(199),
      now: '2026-12-01T10:00:00Z',
      events: orders.map((order) => ({ ...order, value: { order_id: order.value?.order_id, revenue: '200.00' } })),
    });
    expect(
      await company.lines("select note, p, margin_kept, predicted_orders > 0 from value_fit where cut = 'today'"),
    ).toEqual(['fewer than 30 customers came again with a known margin above 0 null null true']);
    expect(
      await company.lines(
        'select count(expected_orders_12m), count(expected_value_12m), count(observed_margin) from customer_value',
      ),
    ).toEqual(['240 0 0']);
  });

  test('an old customer has a forecast, and is in no fit', async () => {
    const company = await build({
      asOf: dayOf(199),
      now: '2026-12-01T10:00:00Z',
      config: { customers: { historyStarts: dayOf(10) } },
      events: orders,
    });
    const old = customers.filter((days) => (days[0] ?? 0) < 10).length;
    expect(old).toBeGreaterThan(5);
    expect(
      await company.lines(
        "select customers, (select count(*) from customer_value), (select count(expected_value_12m) from customer_value) from value_fit where cut = 'today'",
      ),
    ).toEqual([`${240 - old} 240 240`]);
    expect(company.failing.error).toEqual([]);
  });
});
