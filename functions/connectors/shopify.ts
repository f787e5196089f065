import Big from 'big.js';
import { compact, type ExportRow, orderValue, tableConnector } from '#connectors/table-export';

/** States in which nobody owes or owed the money. */
const unpaid = new Set(['pending', 'voided', 'expired', 'unpaid', '']);

/**
 * The goods net of VAT, and the shipping net of it. Prices that include tax show in the sum: then the subtotal and the
 * shipping already make the total, and each holds its share of the tax.
 */
function netOf(row: ExportRow): { goods: string; tax: string; shipping: string } {
  const total = new Big(row.amount('total') ?? '0');
  const tax = new Big(row.amount('taxes') ?? '0');
  const shipping = new Big(row.amount('shipping') ?? '0');
  const subtotal = new Big(row.amount('subtotal') ?? total.minus(tax).minus(shipping).toFixed());
  const isIncluded = tax.gt(0) && subtotal.plus(shipping).minus(total).abs().lt('0.02');
  const net = isIncluded && total.gt(0) ? total.minus(tax).div(total) : new Big(1);
  const netShipping = shipping.times(net).round(2);
  return {
    goods: total.minus(tax).minus(netShipping).toFixed(2),
    tax: tax.toFixed(2),
    shipping: netShipping.toFixed(2),
  };
}

/** Shopify: the export of orders. An order stands in as many rows as it has lines; its own figures are in the first. */
export const shopify = tableConnector({
  name: 'shopify',
  source: 'shopify',
  decimal: '.',
  amounts: ['total', 'subtotal', 'lineitem price'],
  shapes: [
    {
      says: 'an export of orders from Shopify',
      marks: ['name', 'financial status', 'created at', 'lineitem quantity', 'lineitem name'],
      joinBy: 'name',
      notes: [
        'an export of Shopify says what was refunded, not when: a refund is dated as the cancellation, or else as the order',
      ],
      read(row, context) {
        if (unpaid.has(row.text('financial status').toLowerCase())) return [];
        const name = row.need('name').replace(/^#/, '');
        const id = row.text('id') || name;
        const currency = row.need('currency').toUpperCase();
        const at = row.needTime(['paid at', 'created at']);
        const email = row.text('email');
        const phone = row.text(['phone', 'billing phone', 'shipping phone']).replace(/^'/, '');
        const about = {
          identifiers: compact({ email, phone, ...(email || phone ? {} : { anonymous_id: `shopify-order-${id}` }) }),
          ...(row.text('source') === 'pos' ? { touch: { channel: 'Store' }, device: { class: 'offline' } } : {}),
        };
        const net = netOf(row);
        const lines = row.lines.map((line) =>
          compact({
            sku: line.text(['lineitem sku', 'lineitem name']),
            name: line.text('lineitem name'),
            quantity: Number(line.amount('lineitem quantity') ?? 1),
            price: line.amount('lineitem price'),
          }),
        );
        const order = {
          ...about,
          event_id: `order-${id}`,
          event_type: 'Order Completed',
          occurred_at: at,
          value: {
            ...orderValue({ id, ...net, discount: row.amount('discount amount'), currency }, context.amounts),
            lines,
          },
          properties: compact({ order_name: name, discount_code: row.text('discount code'), tags: row.text('tags') }),
        };
        const refunded = new Big(row.amount('refunded amount') ?? '0');
        const total = new Big(row.amount('total') ?? '0');
        if (refunded.lte(0) || total.lte(0)) return [order];
        const share = refunded.div(total);
        const part = (amount: string) => share.times(amount).toFixed(2);
        const refund = { goods: part(net.goods), tax: part(net.tax), shipping: part(net.shipping) };
        return [
          order,
          {
            ...about,
            event_id: `refund-${id}`,
            event_type: 'Order Refunded',
            occurred_at: row.time('cancelled at') ?? at,
            value: orderValue({ id, ...refund, currency }, context.amounts),
            properties: { order_name: name },
          },
        ];
      },
    },
  ],
});
