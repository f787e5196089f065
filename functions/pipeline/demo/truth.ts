import { isoDay, monthOf } from '#pipeline/demo/calendar';
import { type Part, parts } from '#pipeline/demo/campaigns';
import { amount, csvLine } from '#pipeline/demo/export-text';
import type { Facts } from '#pipeline/demo/facts';
import { live, mailingDays, type Word, type World } from '#pipeline/demo/life';
import { personOf } from '#pipeline/demo/market';

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
  social_prospecting: 'Paid Social',
  social_retargeting: 'Paid Social',
  organic_social: 'Organic Social',
  comparison: 'Comparison Site',
  email: 'Email',
  phone: 'Phone',
  store: 'Store',
  field_sales: 'Field Sales',
  word_of_mouth: 'Word of Mouth',
};

/** One person's life in the whole world. */
interface Life {
  rows: LedgerRow[];
  met: ReadonlySet<Part>;
  told: { friend: number; word: Word }[];
}

/**
 * Each channel's true effect: the same persons with the same chances live again without it. Whom the channel never met,
 * and who hears the same words from others, lives the same life: it is not lived again.
 */
export function trueEffects(world: World, progress: (done: number, of: number) => void): Effect[] {
  const mailings = mailingDays(world);
  const liveOne = (number: number, removed: ReadonlySet<Part>, heard: readonly Word[]): Life => {
    const ledger = createLedger();
    const told: Life['told'] = [];
    const person = personOf(number, world.seed, world.firstDay);
    const met = live(person, { ...world, removed }, mailings, ledger.facts, heard, (friend, word) => {
      told.push({ friend, word });
    });
    return { rows: ledger.rows, met, told };
  };
  const hear = (words: Map<number, Word[]>, told: Life['told']) => {
    for (const { friend, word } of told) words.set(friend, [...(words.get(friend) ?? []), word]);
  };

  const whole: Life[] = [];
  const wholeWords = new Map<number, Word[]>();
  for (let number = 0; number < world.customers; number++) {
    const life = liveOne(number, new Set(), wholeWords.get(number) ?? []);
    hear(wholeWords, life.told);
    whole.push(life);
  }
  const all = sumOf(whole.flatMap((life) => life.rows));

  // A channel of several parts is taken out whole first, then part by part.
  const trials = [...new Set(parts.map((part) => channelOf[part]))].flatMap(
    (channel): { channel: string; part: Effect['part']; removed: readonly Part[] }[] => {
      const own = parts.filter((part) => channelOf[part] === channel);
      return [
        { channel, part: '(all)', removed: own },
        ...(own.length === 1 ? [] : own.map((part) => ({ channel, part, removed: [part] }))),
      ];
    },
  );
  return trials.map(({ channel, part, removed }, index) => {
    const without = new Set(removed);
    const words = new Map<number, Word[]>();
    const rows: LedgerRow[] = [];
    whole.forEach((before, number) => {
      const heard = words.get(number) ?? [];
      const isSame =
        removed.every((one) => !before.met.has(one)) &&
        JSON.stringify(heard) === JSON.stringify(wholeWords.get(number) ?? []);
      const life = isSame ? before : liveOne(number, without, heard);
      hear(words, life.told);
      for (const row of life.rows) rows.push(row);
    });
    const rest = sumOf(rows);
    progress(index + 1, trials.length);
    return {
      channel,
      part,
      missing: {
        orders: all.orders - rest.orders,
        firstOrders: all.firstOrders - rest.firstOrders,
        refunds: all.refunds - rest.refunds,
        revenue: all.revenue - rest.revenue,
        margin: all.margin - rest.margin,
      },
    };
  });
}
