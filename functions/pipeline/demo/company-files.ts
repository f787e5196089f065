import { isoDay, monthNumber, monthsBetween } from '#pipeline/demo/calendar';
import { campaignList } from '#pipeline/demo/campaigns';
import { amount, csvLine } from '#pipeline/demo/export-text';
import { defaultMarginRate, vatRate } from '#pipeline/demo/ordering';

/** One line of fixed-costs.csv; cents. */
export interface FixedCost {
  channel: string;
  label: string;
  from: number;
  to: number;
  amount: number;
}

const monthly = [
  ['Phone', 'Centralino e operatori', 140_000],
  ['Store', 'Affitto e personale del negozio', 190_000],
  ['Field Sales', 'Agente: fisso, provvigioni e auto', 240_000],
  ['Paid Search', 'Agenzia', 26_000],
  ['Paid Social', 'Agenzia e creatività', 22_000],
  ['Email', 'Strumento per la newsletter', 9_000],
] as const;
/** What the films of one flight cost. */
const filmCost = 250_000;

/** @param size the market against the usual 7,000 persons. */
export function fixedCosts(firstDay: number, lastDay: number, size: number): FixedCost[] {
  const months = monthsBetween(firstDay, lastDay);
  const share = ({ from, to }: { from: number; to: number }) => (to - from + 1) / 30.4375;
  const rows = months.flatMap((month) =>
    monthly.map(([channel, label, cents]) => ({
      channel,
      label,
      from: month.from,
      to: month.to,
      amount: Math.round(cents * size * Math.min(1, share(month))),
    })),
  );
  const flights = months
    .filter(({ from }) => [2, 9].includes(monthNumber(from)))
    .map(({ from, to }) => ({
      channel: 'Paid Video',
      label: 'Produzione dei filmati',
      from,
      to,
      amount: Math.round(filmCost * size),
    }));
  return [...rows, ...flights];
}

export function fixedCostsFile(rows: readonly FixedCost[]): string {
  const lines = rows.map((row) =>
    csvLine([row.channel, row.label, isoDay(row.from), isoDay(row.to), amount(row.amount), 'EUR']),
  );
  return `${['channel,label,from_date,to_date,amount,currency', ...lines].join('\n')}\n`;
}

/** Ties the platforms' campaign ids and the spellings in addresses to one name. The last spelling of each is not known here. */
export function campaignsFile(): string {
  const rows = campaignList.flatMap((campaign) => {
    const known = campaign.spellings.length > 2 ? campaign.spellings.slice(0, -1) : campaign.spellings;
    const source = campaign.platform === 'google' ? 'google_ads' : 'meta_ads';
    const aliases = [...new Set(known.map(([spelling]) => spelling.toLowerCase()))];
    return [
      [source, campaign.id, '', campaign.channel, campaign.name],
      ...aliases.map((alias) => [campaign.utm.source, '', alias, campaign.channel, campaign.name]),
    ];
  });
  return `${['source,campaign_id,alias,channel,campaign', ...rows.map((row) => csvLine(row))].join('\n')}\n`;
}

/** The one site that no public list knows. Patterns are regular expressions. */
export const channelRulesFile = `channel,source,medium,campaign,site_category
Comparison Site,^confrontaclima,,,
`;

export const configFile = `import { defineConfig } from 'percorso';

// Officine Esempio sells heat pumps, boilers, their maintenance and spare parts, to homes and to trade, on the web, by
// telephone, through agents and in one shop. It is simulated: nobody in it exists. See docs/demo.md of Percorso.
export default defineConfig({
  name: 'Officine Esempio',
  timeZone: 'Europe/Rome',
  currency: 'EUR',
  language: 'it',
  country: 'IT',

  attribution: {
    lookbackDays: 90,
    defaultModel: 'position_based',
  },

  web: {
    // Never a referrer, whichever page of ours sent somebody on.
    ownDomains: ['officine-esempio.example'],
  },

  money: {
    // The till knows no cost of goods; its orders get this share of their revenue, flagged as an estimate.
    defaultMarginRate: ${defaultMarginRate},
  },

  customers: {
    // Units last for years, but whoever has a contract calls at least once a year.
    atRiskDays: 240,
  },

  // Lower trust is believed first where two sources tell of one order.
  sources: {
    // The web shop's system: its totals hold VAT and shipping, and it says how much of each.
    shop: { trust: 1, kind: 'file', gross: true, shippingIncluded: true, staleAfterHours: 96 },
    // The till says prices with VAT and not how much it is.
    till: { trust: 2, kind: 'file', gross: true, vatRate: ${vatRate}, staleAfterHours: 240 },
    crm: { trust: 10, kind: 'file', staleAfterHours: 960 },
    calls: { trust: 20, kind: 'file', staleAfterHours: 240 },
    newsletter: { trust: 30, kind: 'file', staleAfterHours: 960 },
    survey: { trust: 30, kind: 'file', staleAfterHours: 960 },
    // The browser's SDK. Its key stands in every page, so its copies of orders tell of the touch, never of the money.
    web: { trust: 90, kind: 'browser', writeKeyEnv: 'PERCORSO_KEY_WEB' },
  },
});
`;

/** mappings/*.yaml: how the company's own systems write. The ad platforms are recognised without one. */
export const mappingFiles: Record<string, string> = {
  'web.yaml': `# What the browser's SDK sent, as the door kept it. Its shape is known; only the source's name is ours.
source: web
files: 'web-sdk-*'
connector: segment
`,
  'shop-orders.yaml': `# The web shop's export of orders: web, telephone and agents.
source: shop
files: 'shop-orders-*.csv'
events:
  - event_type: Order Completed
    event_id: 'order-{Order ID}'
    occurred_at: { column: Created at, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers:
      user_id: '{Customer ID}'
      crm_id: '{CRM ID}'
      email: '{Email}'
      phone: '{Phone}'
    value:
      order_id: '{Order ID}'
      revenue: { column: Total, required: true }
      tax: '{Tax}'
      shipping: '{Shipping}'
      discount: '{Discount}'
      margin: '{Margin}'
      currency: '{Currency}'
    properties:
      taken_by: '{Taken by}'
      items: '{Items}'
`,
  'shop-refunds.yaml': `# What came back to the web shop, whole or in part.
source: shop
files: 'shop-refunds-*.csv'
events:
  - event_type: Order Refunded
    event_id: 'refund-{Refund ID}'
    occurred_at: { column: Refunded at, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { user_id: '{Customer ID}', email: '{Email}' }
    value:
      order_id: '{Order ID}'
      revenue: { column: Total, required: true }
      tax: '{Tax}'
      shipping: '{Shipping}'
      margin: '{Margin}'
      currency: '{Currency}'
    properties: { reason: '{Reason}' }
`,
  'till.yaml': `# The till of the shop in town. Each receipt is a purchase and a visit; a receipt without a card is a person of its own.
source: till
files: 'till-*.csv'
format: { delimiter: ';', encoding: windows-1252, decimal: ',' }
events:
  - when: { Tipo: [Vendita] }
    event_type: Contact
    event_id: 'visit-{Scontrino}'
    occurred_at: { column: Data, format: 'dd/MM/yyyy HH:mm' }
    identifiers: { anonymous_id: 'till-{Scontrino}', loyalty_card: '{Tessera}' }
    touch: { channel: Store }
    device: { class: offline }
    properties: { shop: '{Negozio}' }
  - when: { Tipo: [Vendita] }
    event_type: Order Completed
    event_id: 'receipt-{Scontrino}'
    occurred_at: { column: Data, format: 'dd/MM/yyyy HH:mm' }
    identifiers: { anonymous_id: 'till-{Scontrino}', loyalty_card: '{Tessera}' }
    device: { class: offline }
    value:
      order_id: '{Scontrino}'
      revenue: { column: Totale €, required: true }
      currency: EUR
    properties: { shop: '{Negozio}', payment: '{Pagamento}' }
  - when: { Tipo: [Reso] }
    event_type: Order Refunded
    event_id: 'receipt-{Scontrino}'
    occurred_at: { column: Data, format: 'dd/MM/yyyy HH:mm' }
    identifiers: { anonymous_id: 'till-{Riferimento}', loyalty_card: '{Tessera}' }
    device: { class: offline }
    value:
      order_id: '{Riferimento}'
      revenue: { column: Totale €, required: true }
      currency: EUR
`,
  'shop-visits.yaml': `# Who came to the shop and bought nothing, as the staff writes it down.
source: till
files: 'shop-visits-*.csv'
format: { delimiter: ';' }
events:
  - event_type: Contact
    event_id: 'visit-{Visita}'
    occurred_at: { column: Data, format: 'dd/MM/yyyy HH:mm' }
    identifiers: { anonymous_id: 'visit-{Visita}', loyalty_card: '{Tessera}' }
    touch: { channel: Store }
    device: { class: offline }
    properties: { reason: '{Motivo}' }
`,
  'crm-contacts.yaml': `# All contacts of the CRM, once more at each export. Who is in it already as a customer is no lead.
source: crm
files: 'crm-contacts*.csv'
events:
  - event_type: Identify
    event_id: 'contact-{Contact ID}'
    occurred_at: { column: Created, format: 'yyyy-MM-dd HH:mm:ss' }
    updated_at: { column: Updated, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers:
      crm_id: '{Contact ID}'
      email: '{Email}'
      phone: '{Phone}'
      loyalty_card: '{Loyalty card}'
      user_id: '{Web account}'
      anonymous_id: '{Web visitor}'
    consent: { marketing: { column: Newsletter, map: { 'yes': 'true', 'no': 'false' } } }
    place: { country: IT, region: '{Province}' }
    properties:
      kind: '{Type}'
      birth_date: '{Birth date}'
      customer_since: '{Customer since}'
  - when: { Origin: [sito, telefono, negozio, agente, passaparola] }
    event_type: Lead Created
    event_id: 'lead-{Contact ID}'
    occurred_at: { column: Created, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { crm_id: '{Contact ID}' }
    properties: { origin: '{Origin}', kind: '{Type}', referral_id: '{Friend code}' }
  # Who says that somebody sent them has had that touch, though no system saw it.
  - when: { Origin: [passaparola] }
    event_type: Contact
    event_id: 'word-{Contact ID}'
    occurred_at: { column: Created, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { crm_id: '{Contact ID}' }
    touch: { channel: Word of Mouth }
    device: { class: offline }
`,
  'crm-deals.yaml': `# Quotes for units and projects. The money of a won one is in the shop's order.
source: crm
files: 'crm-deals-*.csv'
events:
  - event_type: Opportunity Created
    event_id: 'deal-{Deal ID}-created'
    occurred_at: { column: Created, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { crm_id: '{Contact ID}' }
    properties: { deal_id: '{Deal ID}' }
  - when: { Stage: [won] }
    event_type: Opportunity Won
    event_id: 'deal-{Deal ID}-won'
    occurred_at: { column: Closed, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { crm_id: '{Contact ID}' }
    properties: { deal_id: '{Deal ID}', order: '{Order ID}', amount: '{Amount}' }
  - when: { Stage: [lost] }
    event_type: Opportunity Lost
    event_id: 'deal-{Deal ID}-lost'
    occurred_at: { column: Closed, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { crm_id: '{Contact ID}' }
    properties: { deal_id: '{Deal ID}' }
`,
  'crm-activities.yaml': `# The agents' visits.
source: crm
files: 'crm-activities-*.csv'
events:
  - event_type: Contact
    event_id: 'activity-{Activity ID}'
    occurred_at: { column: Date, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { crm_id: '{Contact ID}' }
    touch: { channel: Field Sales }
    device: { class: offline }
    properties: { agent: '{Agent}', kind: '{Kind}' }
`,
  'crm-recommendations.yaml': `# Codes that customers have handed to friends; a friend's lead names the code.
source: crm
files: 'crm-recommendations*.csv'
events:
  - event_type: Referral Made
    event_id: 'recommendation-{Code}'
    occurred_at: { column: Date, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { crm_id: '{Contact ID}' }
    properties: { referral_id: '{Code}' }
`,
  'calls.yaml': `# The telephone system's log. Sales calls are touches; an answered call for help is none, but a sign that somebody stays.
source: calls
files: 'calls-*.csv'
events:
  - when: { Queue: [vendite] }
    event_type: Contact
    event_id: 'call-{Call ID}'
    occurred_at: { column: Start, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { anonymous_id: 'call-{Call ID}', phone: '{Caller}' }
    touch: { channel: Phone }
    device: { class: offline }
    properties: { seconds: { column: Seconds, type: number } }
  - when: { Queue: [assistenza] }
    event_type: Support Answered
    event_id: 'call-{Call ID}'
    occurred_at: { column: Start, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { anonymous_id: 'call-{Call ID}', phone: '{Caller}' }
    device: { class: offline }
    properties: { seconds: { column: Seconds, type: number } }
`,
  'newsletter.yaml': `# What was sent, opened and clicked. Only a click is a touch: mail programs open by themselves.
source: newsletter
files: 'newsletter-*.csv'
onCut: rows
events:
  - event_type: { column: Activity, map: { sent: Email Sent, opened: Email Opened, clicked: Email Clicked } }
    event_id: '{Message ID}-{Activity}'
    occurred_at: '{Time}'
    identifiers: { email: '{Email}' }
    touch: { channel: Email, source: newsletter, medium: email, campaign: '{Mailing}' }
    properties: { link: '{Link}' }
`,
  'survey.yaml': `# "How likely are you to recommend us?", 0 to 10.
source: survey
files: 'survey-*.csv'
events:
  - event_type: Feedback Given
    event_id: 'answer-{Answer ID}'
    occurred_at: { column: Answered at, format: 'yyyy-MM-dd HH:mm:ss' }
    identifiers: { email: '{Email}' }
    properties:
      kind: nps
      score: { column: Score, type: number }
      order: '{Order ID}'
      comment: '{Comment}'
`,
  'confrontaclima.yaml': `# The comparison site's invoice, a line a day.
source: confrontaclima
files: 'confrontaclima-*.csv'
format: { delimiter: ';', encoding: windows-1252, decimal: ',' }
costs:
  - cost_date: { column: Data, format: 'dd/MM/yyyy' }
    campaign: '{Campagna}'
    channel: Comparison Site
    clicks: '{Clic qualificati}'
    spend: { column: Importo €, required: true }
    currency: EUR
`,
};
