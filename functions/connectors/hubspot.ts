import type { ConnectorContext } from '#connectors/file-connector';
import { compact, type ExportEvent, type ExportRow, tableConnector } from '#connectors/table-export';

const contactId = [
  'record id',
  'record id - contact',
  'contact id',
  'contact_id',
  'id',
  'vid',
  'hs_object_id',
  'properties.hs_object_id',
];
const dealId = ['record id', 'record id - deal', 'deal id', 'deal_id', 'id', 'hs_object_id'];
const api = (name: string) => [`property_${name}`, `properties.${name}`, name];
const stageDate = (label: string, name: string) => [
  ...[`became a ${label} date`, `became an ${label} date`, `date entered "${label} (lifecycle stage pipeline)"`],
  ...api(`hs_lifecyclestage_${name}_date`),
];

/** What each stage of HubSpot's lifecycle is to us; the names that count for nothing are kept as they are. */
const lifecycle = [
  { type: 'Subscribed', names: stageDate('subscriber', 'subscriber') },
  { type: 'Lead Created', names: stageDate('lead', 'lead') },
  { type: 'Lead Qualified by Marketing', names: stageDate('marketing qualified lead', 'marketingqualifiedlead') },
  { type: 'Lead Qualified by Sales', names: stageDate('sales qualified lead', 'salesqualifiedlead') },
  { type: 'Opportunity Created', names: stageDate('opportunity', 'opportunity') },
  { type: 'Opportunity Won', names: stageDate('customer', 'customer') },
];

/** HubSpot's words for where a contact came from. */
const channels: [RegExp, string][] = [
  [/^organic.search$/, 'Organic Search'],
  [/^paid.search$/, 'Paid Search'],
  [/^paid.social$/, 'Paid Social'],
  [/^(organic.)?social(.media)?$/, 'Organic Social'],
  [/^email(.marketing)?$/, 'Email'],
  [/^referrals?$/, 'Referral'],
  [/^direct.traffic$/, 'Direct'],
];

const isTrue = (text: string) => /^(true|yes|1|vero|sì|si)$/i.test(text);
const isDeleted = (row: ExportRow) => isTrue(row.text(['_fivetran_deleted', 'is_deleted', 'archived']));

/** HubSpot's deals name their contacts in a table apart: this name joins the two. */
const dealName = (id: string) => `hubspot-deal-${id}`;

/** Two numbers of one contact, tied by a name that nothing else bears: an event holds one crm_id. */
function merged(kept: string, gone: string, at: string): ExportEvent[] {
  return [kept, gone].map((crm_id) => ({
    event_id: `merge-${kept}-${gone}-${crm_id}`,
    event_type: 'Identify',
    occurred_at: at,
    identifiers: { crm_id, anonymous_id: `hubspot-merge-${kept}-${gone}` },
  }));
}

function contact(row: ExportRow): ExportEvent[] {
  if (isDeleted(row)) return [];
  const id = row.need(contactId);
  const identifiers = compact({
    crm_id: id,
    email: row.text(['email', ...api('email')]),
    phone: row.text(['phone number', 'mobile phone number', 'phone', 'mobile', ...api('phone'), ...api('mobilephone')]),
  });
  const created = row.needTime(['create date', ...api('createdate'), ...api('created_at'), 'createdat']);
  const source = row.text(['original source', 'original traffic source', ...api('hs_analytics_source')]);
  const word = source.toLowerCase().trim();
  const channel = channels.find(([test]) => test.test(word))?.[1];
  const about = {
    identifiers,
    ...(channel === undefined ? {} : { touch: { channel } }),
    ...(source === '' ? {} : { properties: { original_source: source } }),
  };
  const stages = lifecycle.flatMap(({ type, names }) => {
    const at = row.time(names);
    return at === undefined ? [] : [{ event_id: `contact-${id}-${type}`, event_type: type, occurred_at: at, ...about }];
  });
  const gone = row.text(['merged contact ids', 'merged record ids', ...api('hs_merged_object_ids')]).split(/[;,\s]+/);
  return [
    { event_id: `contact-${id}`, event_type: 'Identify', occurred_at: created, identifiers },
    ...stages,
    ...gone.flatMap((other) => (other === '' ? [] : merged(id, other, created))),
  ];
}

function deal(row: ExportRow, currency: string): ExportEvent[] {
  if (isDeleted(row)) return [];
  const id = row.need(dealId);
  const contacts = row.text(['associated contact ids', 'associated contact id']).split(/[;,\s]+/);
  const identifiers = compact({ crm_id: contacts[0], anonymous_id: dealName(id) });
  const stage = row.text(['deal stage', ...api('dealstage'), 'deal_pipeline_stage_id']);
  const amount = row.amount(['amount', 'amount in company currency', ...api('amount')]);
  const currencyOf = row.text(['currency', ...api('deal_currency_code')]).toUpperCase() || currency;
  const closed = row.time(['close date', ...api('closedate')]);
  const changed = row.time(['last modified date', ...api('hs_lastmodifieddate')]);
  const about = {
    identifiers,
    ...(changed === undefined ? {} : { updated_at: changed }),
    ...(amount === undefined ? {} : { value: { revenue: amount, currency: currencyOf } }),
    properties: compact({ deal_id: id, stage }),
  };
  const isWon = isTrue(row.text(['is closed won', ...api('hs_is_closed_won')])) || wonStage.test(stage);
  const isLost = isTrue(row.text(['is closed lost', ...api('hs_is_closed_lost')])) || lostStage.test(stage);
  const events: ExportEvent[] = [
    {
      ...about,
      event_id: `deal-${id}`,
      event_type: 'Opportunity Created',
      occurred_at: row.needTime(['create date', ...api('createdate')]),
    },
  ];
  // An open deal's close date is a hope.
  if (closed !== undefined && (isWon || isLost)) {
    events.push({
      ...about,
      event_id: `deal-${id}-closed`,
      event_type: isWon ? 'Opportunity Won' : 'Opportunity Lost',
      occurred_at: closed,
    });
  }
  return events;
}

/** The first contact of each deal, a file. */
const firstContacts = new WeakMap<ConnectorContext, Map<string, string>>();

const wonStage = /closed.?won|^(chius[ao] )?vint[ao]$/i;
const lostStage = /closed.?lost|^(chius[ao] )?pers[ao]$/i;

/** HubSpot: contacts, deals, stages and merges, exported from its pages or copied from its API. */
export const hubspot = tableConnector({
  name: 'hubspot',
  source: 'hubspot',
  decimal: '.',
  amounts: ['amount', 'property_amount'],
  times: ['M/d/yyyy h:mm a'],
  shapes: [
    {
      says: 'merges of contacts from the API of HubSpot',
      marks: ['canonical_vid', 'vid_to_merge', 'timestamp'],
      read: (row) => merged(row.need('canonical_vid'), row.need('vid_to_merge'), row.needTime('timestamp')),
    },
    {
      says: 'the contacts of deals from the API of HubSpot',
      marks: ['contact_id', 'deal_id', 'type_id'],
      notes: ['of a deal with several contacts the first that the file names counts: they are not one person'],
      read(row, context) {
        const contactOf = row.need('contact_id');
        const id = row.need('deal_id');
        const first = firstContacts.get(context) ?? new Map<string, string>();
        firstContacts.set(context, first);
        if ((first.get(id) ?? contactOf) !== contactOf) return [];
        first.set(id, contactOf);
        return [
          {
            event_id: `deal-${id}-contact-${contactOf}`,
            event_type: 'Identify',
            occurred_at: row.needTime(['created_at', 'timestamp', '_fivetran_synced']),
            identifiers: { crm_id: contactOf, anonymous_id: dealName(id) },
          },
        ];
      },
    },
    {
      says: 'the history of deal stages from the API of HubSpot',
      marks: ['deal_id', 'date_entered', 'value'],
      read(row) {
        const id = row.need('deal_id');
        const stage = row.need(['label', 'value']);
        const at = row.needTime('date_entered');
        return [
          {
            event_id: `deal-${id}-${row.need('value')}-${at}`,
            event_type: wonStage.test(stage)
              ? 'Opportunity Won'
              : lostStage.test(stage)
                ? 'Opportunity Lost'
                : 'Deal Stage Entered',
            occurred_at: at,
            identifiers: { anonymous_id: dealName(id) },
            properties: { deal_id: id, stage },
          },
        ];
      },
    },
    {
      says: 'deals from the API of HubSpot',
      marks: [
        'deal_id',
        ['property_createdate', 'properties.createdate'],
        ['property_dealname', 'properties.dealname'],
      ],
      read: (row, context) => deal(row, context.currency),
    },
    {
      says: 'an export of deals from HubSpot',
      marks: [dealId, 'deal name', 'deal stage', 'create date'],
      read: (row, context) => deal(row, context.currency),
    },
    {
      says: 'forms that contacts sent, from the API of HubSpot',
      marks: ['contact_id', 'form_id', 'timestamp', 'page_url'],
      read: (row) => [
        {
          event_id: `form-${row.need('form_id')}-${row.need('contact_id')}-${row.needTime('timestamp')}`,
          event_type: 'Form Submitted',
          occurred_at: row.needTime('timestamp'),
          identifiers: { crm_id: row.need('contact_id') },
          touch: compact({ landing_page: row.text('page_url') }),
          properties: compact({ form: row.text('form_id'), title: row.text('title') }),
        },
      ],
    },
    {
      says: 'clicks in e-mails from the API of HubSpot',
      marks: ['id', ['recipient', 'recipient_email'], ['created', 'created_at'], 'url'],
      read(row) {
        const type = row.text('type').toUpperCase();
        if (type !== '' && type !== 'CLICK') return [];
        return [
          {
            event_id: `email-${row.need('id')}`,
            event_type: 'Email Clicked',
            occurred_at: row.needTime(['created', 'created_at']),
            identifiers: { email: row.need(['recipient', 'recipient_email']) },
            touch: compact({
              source: 'hubspot',
              medium: 'email',
              campaign_id: row.text(['emailcampaignid', 'email_campaign_id']),
              landing_page: row.text('url'),
            }),
            device: compact({ user_agent: row.text(['useragent', 'user_agent']) }),
          },
        ];
      },
    },
    {
      says: 'clicks in e-mails from the API of HubSpot',
      marks: ['id', 'url', 'browser', 'user_agent', '_fivetran_synced'],
      refuse: {
        why: 'it says of no click who clicked, nor when',
        mend: 'join it by `id` with the table of e-mail events (email_event), which has `recipient` and `created`',
      },
      read: () => [],
    },
    {
      says: 'contacts from the API of HubSpot',
      marks: [contactId, ['property_email', 'properties.email'], ['property_createdate', 'properties.createdate']],
      read: contact,
    },
    {
      says: 'an export of contacts from HubSpot',
      marks: [['record id', 'record id - contact', 'contact id'], 'email', 'create date'],
      read: contact,
    },
  ],
});
