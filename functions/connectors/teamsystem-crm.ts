import { compact, type ExportRow, tableConnector } from '#connectors/table-export';

const created = ['data creazione', 'data di creazione', 'creato il', 'data inserimento'];
const changed = ['data modifica', 'data ultima modifica', 'modificato il', 'ultima modifica'];
const contactOf = ['id contatto', 'contatto id', 'id anagrafica', 'id azienda', 'azienda id'];
const recordId = ['id', 'codice', 'id contatto'];

/** Where leads come from, in the words of Italian offices. */
const origins: [RegExp, string][] = [
  [/google ads|adwords|sea\b/i, 'Paid Search'],
  [/ricerca|google|seo/i, 'Organic Search'],
  [/facebook ads|instagram ads|linkedin ads|meta/i, 'Paid Social'],
  [/facebook|instagram|linkedin|social/i, 'Organic Social'],
  [/e-?mail|newsletter/i, 'Email'],
  [/telefon|chiamata/i, 'Phone'],
  [/passaparola|segnalazione|amic/i, 'Word of Mouth'],
  [/fiera|evento/i, 'Event'],
  [/agente|commerciale/i, 'Field Sales'],
  [/negozio|punto vendita|showroom/i, 'Store'],
];
const channelOf = (origin: string) => origins.find(([test]) => test.test(origin))?.[1];

/** What kinds of activity are a contact with the customer, and on which channel. */
const activities: [RegExp, string][] = [
  [/telefon|chiamat/i, 'Phone'],
  [/visita|appuntamento|incontro|sopralluogo/i, 'Field Sales'],
  [/chat|whatsapp/i, 'Chat'],
  [/fiera|evento/i, 'Event'],
];

const updated = (row: ExportRow) => {
  const at = row.time(changed);
  return at === undefined ? {} : { updated_at: at };
};

/** TeamSystem CRM (CRM in Cloud): contacts, opportunities and activities, with Italian columns divided by semicolons. */
export const teamsystemCrm = tableConnector({
  name: 'teamsystem-crm',
  source: 'crm',
  amounts: ['valore', 'importo', 'valore opportunità', 'importo previsto'],
  times: ['dd/MM/yyyy HH:mm:ss', 'dd/MM/yyyy HH:mm', 'dd/MM/yyyy'],
  shapes: [
    {
      says: 'opportunities of TeamSystem CRM',
      marks: [
        recordId,
        ['fase', 'stato'],
        ['valore', 'importo', 'valore opportunità', 'importo previsto'],
        created,
        contactOf,
      ],
      read(row, context) {
        const id = row.need(recordId);
        const state = `${row.text('stato')} ${row.text('fase')}`;
        const closed = row.time(['data chiusura', 'data chiusura effettiva', 'chiusa il']);
        const amount = row.amount(['valore', 'importo', 'valore opportunità', 'importo previsto']);
        const about = {
          ...updated(row),
          identifiers: { crm_id: row.need(contactOf) },
          ...(amount === undefined
            ? {}
            : { value: { revenue: amount, currency: row.text('valuta') || context.currency } }),
          properties: compact({ opportunity_id: id, stage: row.text('fase'), state: row.text('stato') }),
        };
        const isWon = /vint[ao]|acquisit[ao]/i.test(state);
        const isLost = /pers[ao]\b|annullat[ao]/i.test(state);
        return [
          {
            ...about,
            event_id: `opportunity-${id}`,
            event_type: 'Opportunity Created',
            occurred_at: row.needTime(created),
          },
          ...(closed !== undefined && (isWon || isLost)
            ? [
                {
                  ...about,
                  event_id: `opportunity-${id}-closed`,
                  event_type: isWon ? 'Opportunity Won' : 'Opportunity Lost',
                  occurred_at: closed,
                },
              ]
            : []),
        ];
      },
    },
    {
      says: 'activities of TeamSystem CRM',
      marks: [recordId, ['tipo', 'tipo attività'], ['data', 'data inizio', 'data attività'], contactOf],
      read(row) {
        const kind = row.need(['tipo attività', 'tipo']);
        const channel = activities.find(([test]) => test.test(kind))?.[1];
        // A note or a task is work on a customer, no contact with one; what is only planned has not happened.
        if (channel === undefined || /pianificat|da fare|annullat|aperta/i.test(row.text(['stato', 'esito'])))
          return [];
        return [
          {
            event_id: `activity-${row.need(recordId)}`,
            event_type: 'Contact',
            occurred_at: row.needTime(['data', 'data inizio', 'data attività']),
            identifiers: { crm_id: row.need(contactOf) },
            touch: { channel },
            device: { class: 'offline' },
            properties: { kind },
          },
        ];
      },
    },
    {
      says: 'contacts of TeamSystem CRM',
      marks: [recordId, ['cognome', 'ragione sociale', 'denominazione'], ['email', 'e-mail'], created],
      read(row) {
        const id = row.need(recordId);
        const identifiers = compact({
          crm_id: id,
          email: row.text(['email', 'e-mail', 'email 1']),
          phone: row.text(['cellulare', 'telefono', 'telefono cellulare', 'telefono 1']),
        });
        const at = row.needTime(created);
        const origin = row.text(['provenienza', 'origine', 'fonte', 'origine lead']);
        const channel = channelOf(origin);
        const since = /^(\d\d)\/(\d\d)\/(\d{4})/.exec(row.text(['cliente dal', 'data primo acquisto']));
        return [
          {
            event_id: `contact-${id}`,
            event_type: 'Identify',
            occurred_at: at,
            ...updated(row),
            identifiers,
            properties: compact({ customer_since: since === null ? undefined : `${since[3]}-${since[2]}-${since[1]}` }),
          },
          {
            event_id: `contact-${id}-lead`,
            event_type: 'Lead Created',
            occurred_at: at,
            identifiers,
            ...(channel === undefined ? {} : { touch: { channel } }),
            properties: compact({ origin }),
          },
        ];
      },
    },
  ],
});
