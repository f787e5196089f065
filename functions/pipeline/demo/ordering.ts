import { basket, type Category } from '#pipeline/demo/catalogue';
import type { Order, Refund } from '#pipeline/demo/facts';
import type { Person } from '#pipeline/demo/market';

/** VAT of all that the company sells. */
export const vatRate = 0.22;
/** `money.defaultMarginRate` of the company: where no system knows the margin. */
export const defaultMarginRate = 0.34;

/** In whole percent, so that the estimate is exact in cents. */
const marginPercent = 34;

export function estimatedMargin(net: number): number {
  return Math.round((net * marginPercent) / 100);
}

/** An estimate that falls on half a cent could be rounded either way; such revenue is never used for one. */
function roundsClearly(net: number): boolean {
  return (net * marginPercent) % 100 !== 50;
}

export interface OrderInput {
  person: Person;
  day: number;
  second: number;
  id: string;
  category: Category;
  route: Order['route'];
  isFirst: boolean;
  userId: string | undefined;
  crmId: string | undefined;
  card: string | undefined;
}

/** Prices a basket. The till knows no cost of goods, and the shop lacks it for a few orders. */
export function makeOrder(input: OrderInput): Order {
  const { person, day, category, route } = input;
  const isTrade = person.kind === 'trade';
  const lines = basket(category, isTrade, person.draw, day);
  const listed = lines.reduce((sum, line) => sum + line.product.price * line.quantity, 0);
  const cost = Math.round(lines.reduce((sum, line) => sum + line.product.price * line.quantity * line.product.cost, 0));
  const rebate = isTrade ? 0.08 : person.draw('coupon', day) < 0.12 ? 0.05 : 0;
  let net = listed - Math.round(listed * rebate);
  if (!roundsClearly(net)) net -= 1;
  const isShipped = category === 'part' && route !== 'store';
  const shipping = isShipped && net < 10_000 ? 690 : 0;
  const isKnown = route !== 'store' && person.draw('margin unknown', day) >= 0.03;
  const margin = isKnown ? net - cost : undefined;
  return {
    person,
    day,
    second: input.second,
    id: input.id,
    system: route === 'store' ? 'till' : 'shop',
    route,
    isFirst: input.isFirst,
    category,
    lines,
    net,
    discount: listed - net,
    shipping,
    tax: Math.round((net + shipping) * vatRate),
    margin,
    shownMargin: margin ?? estimatedMargin(net),
    userId: input.userId,
    crmId: input.crmId,
    card: input.card,
    showsContact: route !== 'store' || person.draw('names themselves', day) < 0.2,
  };
}

/** Whether and how an order comes back: whole, or (where its margin is known) in part. */
export function makeRefund(order: Order): Refund | undefined {
  const { draw } = order.person;
  const risk = { unit: 0.02, maintenance: 0.025, part: 0.065 }[order.category];
  if (draw('comes back', order.day) >= risk) return undefined;
  const isPartial = order.margin !== undefined && draw('comes back in part', order.day) < 0.45;
  const share = isPartial ? 0.2 + 0.5 * draw('part that comes back', order.day) : 1;
  const net = isPartial ? Math.round(order.net * share) : order.net;
  const shipping = isPartial ? 0 : order.shipping;
  const partialMargin = Math.round((order.margin ?? 0) * share);
  const saysMargin = isPartial || (order.margin !== undefined && draw('refund names margin', order.day) < 0.5);
  return {
    person: order.person,
    day: order.day + 3 + Math.floor(draw('days until return', order.day) * 22),
    second: 9 * 3600 + Math.floor(draw('hour of return', order.day) * 8 * 3600),
    id: `${order.id}-R`,
    order,
    net,
    shipping,
    tax: isPartial ? Math.round(net * vatRate) : order.tax,
    margin: saysMargin ? (isPartial ? partialMargin : order.margin) : undefined,
    shownMargin: isPartial ? partialMargin : order.shownMargin,
  };
}
