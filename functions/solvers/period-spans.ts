import type { Warehouse } from '#core/ports';

/** A period, and the numbers of the spans of days that it is made of. */
export interface Period {
  period: string;
  spans: number[];
}

/** In: `periods`, `period_spans`. In the order of the periods' names. */
export async function readPeriods(warehouse: Warehouse): Promise<Period[]> {
  const rows = await warehouse.query(
    `select periods.period, period_spans.span_no from periods
     inner join period_spans on period_spans.from_day between periods.from_day and periods.to_day
     order by periods.period, period_spans.span_no`,
  );
  const periods = new Map<string, number[]>();
  for (const row of rows) {
    const within = periods.get(String(row.period)) ?? [];
    within.push(Number(row.span_no));
    periods.set(String(row.period), within);
  }
  return [...periods].map(([period, spans]) => ({ period, spans }));
}
