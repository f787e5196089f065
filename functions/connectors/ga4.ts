import * as z from 'zod';
import { compact, type ExportEvent, type ExportRow, rejectRow, tableConnector } from '#connectors/table-export';
import { isRecord } from '#core/row-reading';

/** Google Analytics sends these by itself; what they say, other events say too. */
const automatic = new Set(['session_start', 'first_visit', 'first_open', 'user_engagement', 'scroll']);
const types: Record<string, string> = {
  page_view: 'Page Viewed',
  screen_view: 'Screen Viewed',
  purchase: 'Order Completed',
  refund: 'Order Refunded',
  generate_lead: 'Lead Created',
  sign_up: 'Signed Up',
  form_submit: 'Form Submitted',
};
const classes: Record<string, string> = { desktop: 'desktop', mobile: 'mobile', tablet: 'tablet', 'smart tv': 'tv' };

/** BigQuery's Parquet wraps lists as `{list: [{element: ...}]}`; its JSON does not. */
function listOf(value: unknown): Record<string, unknown>[] {
  const inner = isRecord(value) ? value.list : value;
  if (!Array.isArray(inner)) return [];
  return inner.filter(isRecord).map((one) => (isRecord(one.element) ? one.element : one));
}

function parametersOf(row: ExportRow): Map<string, string> {
  const found = new Map<string, string>();
  for (const { key, value } of listOf(row.json('event_params'))) {
    if (typeof key !== 'string' || !isRecord(value)) continue;
    const held = value.string_value ?? value.int_value ?? value.double_value ?? value.float_value;
    if (held !== undefined && held !== null) found.set(key, String(held));
  }
  return found;
}

const part = (value: unknown) => z.record(z.string(), z.unknown()).catch({}).parse(value);
const known = (text: unknown) => {
  const word = text === undefined || text === null ? '' : String(text);
  return /^\((not set|none|direct|data deleted|not provided)\)$/.test(word) || word === '' ? undefined : word;
};

function read(row: ExportRow): ExportEvent[] {
  const name = row.need('event_name');
  if (automatic.has(name)) return [];
  const parameters = parametersOf(row);
  const micros = row.need('event_timestamp');
  if (!/^\d{15,17}$/.test(micros)) {
    return rejectRow('wrong-date', 'event_timestamp holds no microseconds since 1970', 'event_timestamp');
  }
  const privacy = part(row.json('privacy_info'));
  const device = part(row.json('device'));
  const browser = part(device.web_info);
  const place = part(row.json('geo'));
  const collected = part(row.json('collected_traffic_source'));
  // Traffic source is that of the person's first visit; of other visits it says nothing.
  const first = parameters.get('ga_session_number') === '1' && parameters.get('entrances') === '1';
  const acquired = first ? part(row.json('traffic_source')) : {};
  const source = known(collected.manual_source) ?? known(parameters.get('source'));
  const declared =
    source === undefined && known(acquired.source) !== undefined
      ? { source: known(acquired.source), medium: known(acquired.medium), campaign: known(acquired.name) }
      : {
          source,
          medium: known(collected.manual_medium) ?? known(parameters.get('medium')),
          campaign: known(collected.manual_campaign_name) ?? known(parameters.get('campaign')),
          campaign_id: known(collected.manual_campaign_id) ?? known(parameters.get('campaign_id')),
          content: known(collected.manual_content) ?? known(parameters.get('content')),
          term: known(collected.manual_term) ?? known(parameters.get('term')),
        };
  const ecommerce = part(row.json('ecommerce'));
  const isOrder = name === 'purchase' || name === 'refund';
  const items = listOf(row.json('items')).map((item) =>
    compact({
      sku: known(item.item_id) ?? known(item.item_name),
      quantity: item.quantity === undefined || item.quantity === null ? undefined : Number(item.quantity),
      price: item.price === null ? undefined : item.price,
    }),
  );
  const revenue =
    name === 'refund'
      ? (ecommerce.refund_value ?? parameters.get('value'))
      : (ecommerce.purchase_revenue ?? parameters.get('value'));
  const value = compact({
    order_id: known(ecommerce.transaction_id) ?? known(parameters.get('transaction_id')),
    revenue: revenue ?? undefined,
    tax: ecommerce.tax_value ?? undefined,
    shipping: ecommerce.shipping_value ?? undefined,
    currency: known(parameters.get('currency')),
  });
  const analytics = { Yes: true, No: false }[String(privacy.analytics_storage)];
  return [
    {
      event_type: types[name] ?? name,
      occurred_at: new Date(Math.floor(Number(micros) / 1000)).toISOString(),
      identifiers: compact({ anonymous_id: row.text('user_pseudo_id'), user_id: row.text('user_id') }),
      touch: compact({
        ...declared,
        landing_page: parameters.get('page_location'),
        referrer: parameters.get('page_referrer'),
      }),
      device: compact({
        class: classes[String(device.category).toLowerCase()],
        os: known(device.operating_system),
        browser: known(browser.browser) ?? known(device.browser),
      }),
      place: compact({ country: known(place.country), region: known(place.region) }),
      ...(analytics === undefined ? {} : { consent: { analytics } }),
      ...(isOrder ? { value: { ...value, ...(items.length === 0 ? {} : { lines: items }) } } : {}),
      properties: compact({
        title: parameters.get('page_title'),
        session: parameters.get('ga_session_id'),
        platform: row.text('platform'),
      }),
    },
  ];
}

/** Google Analytics 4: its export to BigQuery (`events_YYYYMMDD`), saved as JSON Lines or Parquet: the time before the first day. */
export const ga4 = tableConnector({
  name: 'ga4',
  source: 'ga4',
  decimal: '.',
  shapes: [
    {
      says: 'the BigQuery export of Google Analytics 4',
      marks: ['event_name', 'event_timestamp', 'event_params', 'user_pseudo_id'],
      notes: [
        'a browser told Google of these orders: where the shop tells of them too, give the shop the lower `trust`',
      ],
      read,
    },
  ],
});
