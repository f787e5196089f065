import Big from 'big.js';
import * as z from 'zod';

/** An amount as shops write it: decimal text or a number. */
export const shopAmount = z.union([
  z.string().regex(/^-?\d{1,15}(\.\d{1,9})?$/, 'an amount such as "120.00"'),
  z.number().refine((value) => Number.isFinite(value) && Math.abs(value) < 1e15, 'a finite amount'),
]);

/** What an order is made of, without discounts, each part net of VAT. */
export interface OrderAmounts {
  goods: Big;
  goodsTax: Big;
  shipping: Big;
  /** VAT of goods and shipping. */
  tax: Big;
}

export function sum(amounts: readonly (string | number | null | undefined)[]): Big {
  return amounts.reduce<Big>((total, amount) => total.plus(amount ?? 0), new Big(0));
}

/**
 * The same order as its source's settings expect it: a company that says of the source `gross` or `shippingIncluded`, because
 * its exports are so, has VAT and shipping taken off later, and once.
 */
export function orderValue(
  order: OrderAmounts,
  says: { gross: boolean; shippingIncluded: boolean },
): { revenue: string; tax: string; shipping: string } {
  const tax = says.gross && !says.shippingIncluded ? order.goodsTax : order.tax;
  let revenue = order.goods;
  if (says.shippingIncluded) revenue = revenue.plus(order.shipping);
  if (says.gross) revenue = revenue.plus(tax);
  return { revenue: revenue.toFixed(2), tax: tax.toFixed(2), shipping: order.shipping.toFixed(2) };
}
