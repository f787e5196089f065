import Big from 'big.js';
import { compact, orderValue, tableConnector } from '#connectors/table-export';

const receipt = ['numero documento', 'n. documento', 'num. documento', 'numero scontrino', 'n. scontrino', 'scontrino'];
const day = ['data', 'data documento', 'data scontrino', 'data e ora', 'data/ora'];
const total = ['totale', 'totale documento', 'importo totale', 'totale scontrino', 'importo'];
const till = ['matricola', 'matricola rt', 'matricola dispositivo', 'cassa'];
const closing = ['numero chiusura', 'n. chiusura', 'chiusura', 'numero azzeramento', 'n. azzeramento', 'azzeramento'];

/** The shop's till (registratore telematico): a row a receipt. */
export const shopTill = tableConnector({
  name: 'till',
  source: 'till',
  amounts: [...total, 'imponibile', 'totale imponibile', 'iva', 'totale iva', 'imposta'],
  times: ['dd/MM/yyyy HH:mm:ss', 'dd/MM/yyyy HH:mm', 'dd/MM/yyyy', 'dd-MM-yyyy HH:mm', 'dd-MM-yyyy'],
  shapes: [
    {
      says: 'receipts of a till',
      marks: [receipt, day, total, [...till, ...closing]],
      notes: [
        'where the till writes no VAT, its totals count as the configuration says of the source (`gross`, `vatRate`)',
      ],
      read(row, context) {
        const kind = row.text(['tipo documento', 'tipo']);
        const annulled = /annull/i.test(kind);
        const amount = new Big(row.amount(total) ?? row.need(total));
        const isRefund = /reso/i.test(kind) || annulled || amount.lt(0);
        const number = row.need(receipt);
        const at = row.needTime(day);
        const date = row.text(day);
        const clock = row.text(['ora', 'ora documento']);
        const id = ['till', row.text(till), row.text(closing) || date, number].filter((part) => part !== '').join('-');
        const card = row.text([
          'tessera',
          'numero tessera',
          'tessera fedeltà',
          'carta fedeltà',
          'fidelity',
          'codice cliente',
        ]);
        const email = row.text(['email', 'e-mail']);
        const phone = row.text(['telefono', 'cellulare']);
        const tax = row.amount(['iva', 'totale iva', 'imposta']);
        const net = row.amount(['imponibile', 'totale imponibile']);
        const vat = tax ?? (net === undefined ? undefined : amount.minus(net).toFixed(2));
        const known =
          vat === undefined
            ? { order_id: id, revenue: amount.abs().toFixed(2), currency: context.currency }
            : orderValue(
                {
                  id,
                  goods: amount.minus(vat).abs().toFixed(2),
                  tax: new Big(vat).abs().toFixed(2),
                  shipping: '0.00',
                  currency: context.currency,
                },
                context.amounts,
              );
        const undone = row.text(['documento di riferimento', 'rif. documento', 'documento reso']);
        return [
          {
            event_id: id,
            event_type: isRefund ? 'Order Refunded' : 'Order Completed',
            occurred_at: clock === '' || /\d:\d/.test(date) ? at : row.timeOf(`${date} ${clock.replace('.', ':')}`),
            // Who shows no card is a customer all the same, of whom nothing else is known.
            identifiers: compact({
              loyalty_card: card,
              email,
              phone,
              ...(card || email || phone ? {} : { anonymous_id: id }),
            }),
            touch: { channel: 'Store' },
            device: { class: 'offline' },
            value: { ...known, ...(undone === '' ? {} : { order_id: undone }) },
            properties: compact({
              shop: row.text(['negozio', 'punto vendita', 'punto di vendita']),
              till: row.text(till),
              payment: row.text(['pagamento', 'tipo pagamento', 'forma di pagamento']),
            }),
          },
        ];
      },
    },
  ],
});
