import { compact, type ExportEvent, type ExportRow, tableConnector } from '#connectors/table-export';

/** What Brevo calls what happened, in its API, its web hooks and its exports. */
function typeOf(name: string): string | undefined {
  const event = name.toLowerCase().replace(/[\s-]+/g, '_');
  if (/^(delivered|consegnat[ao])$/.test(event)) return 'Email Sent';
  if (/^(opened|open|unique_opened|first_opening|apert[ao]|prima_apertura)$/.test(event)) return 'Email Opened';
  if (/^(clicks?|clicked|cliccat[ao])$/.test(event)) return 'Email Clicked';
  return undefined;
}

function activity(row: ExportRow, event: string, at: string): ExportEvent[] {
  const type = typeOf(event);
  // Requests, bounces, complaints and what Brevo's own proxies load are no contact.
  if (type === undefined) return [];
  return [
    {
      event_type: type,
      occurred_at: at,
      identifiers: { email: row.need('email') },
      touch: compact({
        source: 'brevo',
        medium: 'email',
        campaign: row.text(['campaign name', 'tag', 'subject', 'sub']),
        landing_page: type === 'Email Clicked' ? row.text(['link', 'url']) : undefined,
      }),
    },
  ];
}

/** Brevo: the activity of campaigns and single e-mails. */
export const brevo = tableConnector({
  name: 'brevo',
  source: 'brevo',
  times: ['dd-MM-yyyy HH:mm:ss', 'dd/MM/yyyy HH:mm:ss', 'dd/MM/yyyy HH:mm'],
  shapes: [
    {
      says: 'e-mail events from the API of Brevo',
      marks: ['email', 'event', ['messageid', 'message-id', 'camp_id'], ['date', 'ts_event', 'ts']],
      read: (row) => activity(row, row.need('event'), row.needTime(['ts_event', 'ts', 'date'])),
    },
    {
      says: 'a log of e-mails exported from Brevo',
      marks: ['st_text', 'ts', 'email'],
      notes: ['days that Brevo writes with strokes are read day first'],
      read: (row) => activity(row, row.need('st_text'), row.needTime('ts')),
    },
  ],
});
