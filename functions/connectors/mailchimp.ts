import { compact, type ExportEvent, rejectRow, tableConnector } from '#connectors/table-export';
import { isRecord } from '#core/row-reading';

const types: Record<string, string> = {
  sent: 'Email Sent',
  send: 'Email Sent',
  open: 'Email Opened',
  opened: 'Email Opened',
  click: 'Email Clicked',
  clicked: 'Email Clicked',
};

function activity(about: { action: string; at: string; email: string; campaign: string; url?: string }): ExportEvent[] {
  const type = types[about.action.toLowerCase()];
  // Bounces and the like are no contact.
  if (type === undefined) return [];
  return [
    {
      event_type: type,
      occurred_at: about.at,
      identifiers: { email: about.email },
      touch: compact({
        source: 'mailchimp',
        medium: 'email',
        campaign: about.campaign,
        landing_page: type === 'Email Clicked' ? about.url : undefined,
      }),
    },
  ];
}

const email = ['email address', 'email', 'email_address'];
const campaign = ['campaign title', 'campaign', 'campaign_id', 'campaign id', 'title'];

/** Mailchimp: who was sent, opened and clicked what. Sums of opens and clicks tell of no time, so they are not taken. */
export const mailchimp = tableConnector({
  name: 'mailchimp',
  source: 'mailchimp',
  times: ['LLL d, yyyy hh:mm a', 'LLL d, yyyy h:mm a'],
  shapes: [
    {
      says: 'the e-mail activity of a campaign from the API of Mailchimp',
      marks: ['campaign_id', 'email_address', 'activity'],
      read(row) {
        const actions = row.json('activity');
        if (!Array.isArray(actions)) return rejectRow('wrong-value', 'activity is no list', 'activity');
        return actions.filter(isRecord).flatMap((action) => {
          const at = new Date(String(action.timestamp));
          if (Number.isNaN(at.getTime()))
            return rejectRow('wrong-date', 'activity: a timestamp is no time', 'activity');
          return activity({
            action: String(action.action),
            at: at.toISOString(),
            email: row.need('email_address'),
            campaign: row.text(campaign),
            url: typeof action.url === 'string' ? action.url : '',
          });
        });
      },
    },
    {
      says: 'an activity report of Mailchimp',
      marks: [
        email,
        ['action', 'activity type'],
        ['timestamp', 'date', 'action date'],
        ['campaign title', 'campaign id', 'campaign_id'],
      ],
      read: (row) =>
        activity({
          action: row.need(['action', 'activity type']),
          at: row.needTime(['timestamp', 'date', 'action date']),
          email: row.need(email),
          campaign: row.text(campaign),
          url: row.text('url'),
        }),
    },
    {
      says: 'the clicks of a campaign in an export of all data from Mailchimp',
      marks: ['timestamp', 'email', 'ip', 'url'],
      read: (row) =>
        activity({
          action: 'click',
          at: row.needTime('timestamp'),
          email: row.need('email'),
          campaign: '',
          url: row.text('url'),
        }),
    },
    {
      says: 'the opens of a campaign in an export of all data from Mailchimp',
      marks: ['timestamp', 'email', 'ip'],
      read: (row) =>
        activity({ action: 'open', at: row.needTime('timestamp'), email: row.need('email'), campaign: '' }),
    },
  ],
});
