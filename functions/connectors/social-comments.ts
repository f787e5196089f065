import { compact, type ExportRow, tableConnector } from '#connectors/table-export';

const author = ['from.id', 'from_id', 'author_id', 'user_id', 'username', 'from.username'];
const time = ['timestamp', 'created_time', 'created_at', 'comment_time'];
const text = ['text', 'message', 'comment', 'comment_text'];

/** The name of a person in a network; what was said stays there, since people name themselves and others in it. */
function contact(row: ExportRow, channel: string, kind: string) {
  const network = row.text(['platform', 'network']).toLowerCase() || 'meta';
  return {
    event_id: `${kind}-${row.need(['id', 'comment_id', 'message_id'])}`,
    event_type: 'Contact',
    occurred_at: row.needTime(time),
    identifiers: { anonymous_id: `${network}:${row.need(author)}` },
    touch: compact({
      channel,
      source: network,
      landing_page: row.text(['permalink', 'permalink_url', 'post_url', 'media.permalink']),
      content: row.text(['media.id', 'media_id', 'post_id', 'post.id']),
    }),
    properties: compact({ kind, is_reply: row.text(['parent_id', 'parent.id']) === '' ? undefined : true }),
  };
}

/** Comments and messages of Facebook and Instagram, as the Graph API gives them, in JSON or as a table. */
export const socialComments = tableConnector({
  name: 'social-comments',
  source: 'social',
  shapes: [
    {
      says: 'messages of a social network',
      marks: [['id', 'message_id'], author, ['to', 'to.data', 'recipient_id', 'to_id', 'conversation_id'], time, text],
      read: (row) => [contact(row, 'Chat', 'message')],
    },
    {
      says: 'comments of a social network',
      marks: [
        ['id', 'comment_id'],
        author,
        time,
        text,
        [
          'media',
          'media.id',
          'media_id',
          'post_id',
          'post.id',
          'parent_id',
          'permalink',
          'permalink_url',
          'like_count',
        ],
      ],
      read: (row) => [contact(row, 'Organic Social', 'comment')],
    },
  ],
});
