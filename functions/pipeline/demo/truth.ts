import { isoDay, monthOf } from '#pipeline/demo/calendar';
import { type Part, parts } from '#pipeline/demo/campaigns';
import { amount, csvLine } from '#pipeline/demo/export-text';
import type { Facts } from '#pipeline/demo/facts';
import type { World } from '#pipeline/demo/life';
import { liveAll } from '#pipeline/demo/world';

export interface LedgerRow {
  id: string;
  orderId: string;
  kind: 'order' | 'refund';
  day: number;
  person: number;
  type: 'first_order' | 'repeat_order';
  system: 'shop' | 'till';
  revenue: number;
  margin: number;
  marginIsEstimated: boolean;
}

export interface Ledger {
  facts: Facts;
  rows: LedgerRow[];
}

/** Keeps every order and refund as the marts must show it. Cents. */
export function createLedger(): Ledger {
  const rows: LedgerRow[] = [];
  return {
    rows,
    facts: {
      order: (order) =>
        rows.push({
          id: order.id,
          orderId: order.id,
          kind: 'order',
          day: order.day,
          person: order.person.number,
          type: order.isFirst ? 'first_order' : 'repeat_order',
          system: order.system,
          revenue: order.net,
          margin: order.shownMargin,
          marginIsEstimated: order.margin === undefined,
        }),
      refund: (refund) =>
        rows.push({
          id: refund.id,
          orderId: refund.order.id,
          kind: 'refund',
          day: refund.day,
          person: refund.person.number,
          type: refund.order.isFirst ? 'first_order' : 'repeat_order',
          system: refund.order.system,
          revenue: -refund.net,
          margin: -refund.shownMargin,
          marginIsEstimated: refund.margin === undefined,
        }),
    },
  };
}

export function ledgerFile(rows: readonly LedgerRow[]): string {
  const sorted = [...rows].sort((a, b) => a.day - b.day || (a.id < b.id ? -1 : 1));
  const lines = sorted.map((row) =>
    csvLine([
      isoDay(row.day),
      row.kind,
      row.id,
      row.orderId,
      `person-${row.person}`,
      row.type,
      row.system,
      amount(row.revenue),
      amount(row.margin),
      String(row.marginIsEstimated),
    ]),
  );
  const header = 'day,kind,id,order_id,person,conversion_type,source,revenue,margin,margin_is_estimated';
  return `${[header, ...lines].join('\n')}\n`;
}

export interface Sums {
  orders: number;
  firstOrders: number;
  refunds: number;
  revenue: number;
  margin: number;
}

export function sumOf(rows: readonly LedgerRow[]): Sums {
  const orders = rows.filter((row) => row.kind === 'order');
  return {
    orders: orders.length,
    firstOrders: orders.filter((row) => row.type === 'first_order').length,
    refunds: rows.length - orders.length,
    revenue: rows.reduce((sum, row) => sum + row.revenue, 0),
    margin: rows.reduce((sum, row) => sum + row.margin, 0),
  };
}

/** What finance knows: the ledger by month, but for one invoice that was booked a month late. */
export function invoicesFile(rows: readonly LedgerRow[]): string {
  const months = new Map<string, number>();
  for (const row of rows) months.set(monthOf(row.day), (months.get(monthOf(row.day)) ?? 0) + row.revenue);
  const names = [...months.keys()].sort();
  const late = Math.floor(names.length / 2);
  const bookedLate = 125_000;
  const lines = names.map((month, index) => {
    const shift = index === late ? -bookedLate : index === late + 1 ? bookedLate : 0;
    return csvLine([month, amount((months.get(month) ?? 0) + shift)]);
  });
  return `${['month,amount', ...lines].join('\n')}\n`;
}

export interface Effect {
  channel: string;
  /** The part of the channel that was taken out; `(all)` for the whole of it. */
  part: Part | '(all)';
  /** What is missing in the world without it: cents, orders. */
  missing: Sums;
}

const channelOf: Record<Part, string> = {
  brand_search: 'Paid Search',
  generic_search: 'Paid Search',
  organic_search: 'Organic Search',
  paid_video: 'Paid Video',
  paid_social: 'Paid Social',
  organic_social: 'Organic Social',
  comparison: 'Comparison Site',
  email: 'Email',
  phone: 'Phone',
  store: 'Store',
  field_sales: 'Field Sales',
  word_of_mouth: 'Word of Mouth',
};

/** Each channel's true effect: the same persons with the same chances live again without it. */
export function trueEffects(world: World, whole: Sums, progress: (done: number, of: number) => void): Effect[] {
  const trials: { channel: string; part: Effect['part']; removed: readonly Part[] }[] = [
    { channel: 'Paid Search', part: '(all)', removed: ['brand_search', 'generic_search'] },
    ...parts.map((part) => ({ channel: channelOf[part], part, removed: [part] })),
  ];
  return trials.map(({ channel, part, removed }, index) => {
    const ledger = createLedger();
    liveAll({ ...world, removed: new Set(removed) }, ledger.facts);
    const without = sumOf(ledger.rows);
    progress(index + 1, trials.length);
    return {
      channel,
      part: part === '(all)' || channel === 'Paid Search' ? part : '(all)',
      missing: {
        orders: whole.orders - without.orders,
        firstOrders: whole.firstOrders - without.firstOrders,
        refunds: whole.refunds - without.refunds,
        revenue: whole.revenue - without.revenue,
        margin: whole.margin - without.margin,
      },
    };
  });
}
