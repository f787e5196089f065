import { italianTime, localIso } from '#pipeline/demo/calendar';
import { amount, csvLine, italianAmount } from '#pipeline/demo/export-text';
import type { Order, Refund, ShopVisit } from '#pipeline/demo/facts';

/** The web shop's system keeps the orders of the web, the telephone and the agents. Its totals hold VAT and shipping. */
export const shopOrderHeader = csvLine([
  'Order ID',
  'Created at',
  'Status',
  'Taken by',
  'Customer ID',
  'CRM ID',
  'Email',
  'Phone',
  'Total',
  'Tax',
  'Shipping',
  'Discount',
  'Margin',
  'Currency',
  'Items',
]);

const takenBy: Record<Order['route'], string> = { web: 'web', phone: 'telefono', agent: 'agente', store: 'negozio' };

export function shopOrderLine(order: Order): string {
  const { person } = order;
  return csvLine([
    order.id,
    localIso(order.day, order.second),
    'paid',
    takenBy[order.route],
    order.userId,
    order.crmId,
    order.showsContact ? person.email : '',
    order.showsContact ? person.phone : '',
    amount(order.net + order.shipping + order.tax),
    amount(order.tax),
    amount(order.shipping),
    amount(order.discount),
    order.margin === undefined ? '' : amount(order.margin),
    'EUR',
    order.lines.map((line) => `${line.quantity} x ${line.product.sku}`).join(', '),
  ]);
}

export const shopRefundHeader = csvLine([
  'Refund ID',
  'Order ID',
  'Refunded at',
  'Customer ID',
  'Email',
  'Total',
  'Tax',
  'Shipping',
  'Margin',
  'Currency',
  'Reason',
]);

export function shopRefundLine(refund: Refund): string {
  const { order } = refund;
  return csvLine([
    refund.id,
    order.id,
    localIso(refund.day, refund.second),
    order.userId,
    order.person.email,
    amount(refund.net + refund.shipping + refund.tax),
    amount(refund.tax),
    amount(refund.shipping),
    refund.margin === undefined ? '' : amount(refund.margin),
    'EUR',
    refund.net === order.net ? 'reso completo' : 'reso parziale, "articolo non conforme"',
  ]);
}

/** The till of the shop in town writes Italian files: semicolons, decimal commas, days first, prices with VAT. */
export const tillHeader = csvLine(
  ['Scontrino', 'Data', 'Negozio', 'Tipo', 'Riferimento', 'Tessera', 'Totale €', 'Pagamento'],
  ';',
);

export function tillOrderLine(order: Order): string {
  const isCash = order.person.draw('pays cash', order.day) < 0.2;
  return csvLine(
    [
      order.id,
      italianTime(order.day, order.second),
      'Bergamo – Città Bassa',
      'Vendita',
      '',
      order.card,
      italianAmount(order.net + order.tax),
      isCash ? 'contanti' : 'bancomat',
    ],
    ';',
  );
}

export function tillRefundLine(refund: Refund): string {
  const { order } = refund;
  return csvLine(
    [
      refund.id,
      italianTime(refund.day, refund.second),
      'Bergamo – Città Bassa',
      'Reso',
      order.id,
      order.card,
      italianAmount(-(refund.net + refund.tax)),
      'bancomat',
    ],
    ';',
  );
}

/** Visits to the shop without a purchase, as the staff writes them down. */
export const shopVisitHeader = csvLine(['Visita', 'Data', 'Tessera', 'Motivo'], ';');

export function shopVisitLine(visit: ShopVisit): string {
  return csvLine([visit.id, italianTime(visit.day, visit.second), visit.card, visit.reason], ';');
}
