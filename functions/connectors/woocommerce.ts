import Big from 'big.js';
import { compact, orderValue, tableConnector } from '#connectors/table-export';

const number = ['order number', 'order_number', 'order id', 'order_id'];
const status = ['order status', 'order_status', 'status'];
const total = ['order total amount', 'order total', 'order_total'];
const itemName = ['item name', 'item_name', 'product name'];

/** Columns that hold an amount each, of which several add up. */
const taxes = ['order total tax amount', 'order total tax', 'order_total_tax', 'total_tax', 'tax_total'];
const shippingNet = ['order shipping amount', 'order shipping', 'shipping_total', 'order_shipping'];
const shippingTax = ['shipping_tax_total', 'order shipping tax amount', 'order_shipping_tax'];
const refundedAmount = ['order refund amount', 'refunded_total', 'order_refund_amount', 'total_refunded'];

/** WooCommerce: orders as its export plugins write them, one row an order or one a line. */
export const woocommerce = tableConnector({
  name: 'woocommerce',
  source: 'woocommerce',
  decimal: '.',
  amounts: [...total, ...taxes],
  shapes: [
    {
      says: 'an export of orders from WooCommerce',
      marks: [
        number,
        status,
        ['order date', 'order_date', 'date'],
        total,
        ['email (billing)', 'billing email', 'billing_email'],
      ],
      joinBy: number,
      read(row, context) {
        const state = row.need(status).toLowerCase().replace(/^wc-/, '');
        // Pending, failed, cancelled and on-hold orders are no sales; a draft is none either.
        if (!/^(processing|completed|refunded|in lavorazione|completato|rimborsato)$/.test(state)) return [];
        const id = row.need(['order_id', 'order id', ...number]);
        const at = row.needTime(['paid date', 'paid_date', 'date_paid', 'order date', 'order_date', 'date']);
        const email = row.text(['email (billing)', 'billing email', 'billing_email']);
        const phone = row.text(['phone (billing)', 'billing phone', 'billing_phone']);
        const user = row.text(['customer_id', 'customer id', 'customer user id', 'customer_user']);
        const identifiers = compact({
          user_id: /^0?$/.test(user) || user.includes('@') ? '' : user,
          email,
          phone,
          ...(email || phone || !/^0?$/.test(user) ? {} : { anonymous_id: `woocommerce-order-${id}` }),
        });
        const currency = row.text(['currency', 'order_currency', 'order currency']) || context.currency;
        const paid = new Big(row.amount(total) ?? row.need(total));
        const split = row.amount(['tax_total']) !== undefined;
        const tax = new Big(row.amount(taxes) ?? '0').plus(split ? (row.amount(shippingTax) ?? '0') : '0');
        const shipping = row.amount(shippingNet) ?? '0';
        const net = { goods: paid.minus(tax).minus(shipping).toFixed(2), tax: tax.toFixed(2), shipping };
        const lines = row.lines.flatMap((line) =>
          line.text(itemName) === ''
            ? []
            : [
                compact({
                  sku: line.text(['sku', 'item_sku', 'product_sku', ...itemName]),
                  name: line.text(itemName),
                  quantity: Number(line.amount(['quantity', 'quantity (- refund)', 'item_quantity', 'qty']) ?? 1),
                  price: line.amount(['item cost', 'item_cost', 'item price', 'item_price']),
                }),
              ],
        );
        const order = {
          event_id: `order-${id}`,
          event_type: 'Order Completed',
          occurred_at: at,
          identifiers,
          value: {
            ...orderValue({ id, ...net, currency }, context.amounts),
            ...(lines.length === 0 ? {} : { lines }),
          },
          properties: { status: state },
        };
        const refunded = new Big(
          row.amount(refundedAmount) ?? (/^(refunded|rimborsato)$/.test(state) ? paid.toFixed() : '0'),
        ).abs();
        if (refunded.lte(0) || paid.lte(0)) return [order];
        const share = refunded.div(paid);
        const part = (amount: string) => share.times(amount).toFixed(2);
        const refund = { goods: part(net.goods), tax: part(net.tax), shipping: part(net.shipping) };
        return [
          order,
          {
            event_id: `refund-${id}`,
            event_type: 'Order Refunded',
            occurred_at: row.time(['refund date', 'refund_date']) ?? at,
            identifiers,
            value: orderValue({ id, ...refund, currency }, context.amounts),
            properties: { status: state },
          },
        ];
      },
    },
  ],
});
