import { callContact, type ExportEvent, phoneIn, tableConnector } from '#connectors/table-export';

/** `00:01:30` or seconds. */
function seconds(text: string): number | undefined {
  const parts = text.split(':').map(Number);
  if (text === '' || parts.some(Number.isNaN)) return undefined;
  return parts.reduce((sum, part) => sum * 60 + part, 0);
}

function call(about: {
  id?: string;
  at: string;
  from: string;
  to: string;
  isAnswered: boolean;
  talking: string;
}): ExportEvent[] {
  const caller = phoneIn(about.from);
  const called = phoneIn(about.to);
  // Extensions have few digits: a call between two of them is the firm's own.
  const phone = caller ?? called;
  if (phone === undefined || (caller === undefined && !about.isAnswered)) return [];
  return [
    callContact({
      id: about.id,
      at: about.at,
      phone,
      direction: caller === undefined ? 'outbound' : 'inbound',
      status: about.isAnswered ? 'answered' : 'unanswered',
      seconds: seconds(about.talking),
    }),
  ];
}

const isAnswered = (status: string) => /^(answered|risposta|risposto)$/i.test(status);

/** 3CX: the report of calls of its console, in its older and its newer columns. */
export const threeCx = tableConnector({
  name: '3cx',
  source: '3cx',
  times: ['dd/MM/yyyy HH:mm:ss', 'dd/MM/yyyy HH:mm'],
  shapes: [
    {
      says: 'a report of calls from 3CX',
      marks: ['call time', 'caller id', 'destination', 'status', 'talking'],
      notes: ['days that 3CX writes with strokes are read day first'],
      read: (row) =>
        /^totals?$/i.test(row.text('call time'))
          ? []
          : call({
              at: row.needTime('call time'),
              from: row.text('caller id'),
              to: row.text('destination'),
              isAnswered: isAnswered(row.text('status')),
              talking: row.text('talking'),
            }),
    },
    {
      says: 'a report of calls from 3CX',
      marks: ['call time', 'call id', 'from', 'to', 'status', 'talking'],
      notes: ['days that 3CX writes with strokes are read day first'],
      read: (row) =>
        call({
          id: `${row.need('call id')} ${row.needTime('call time')}`,
          at: row.needTime('call time'),
          from: row.text('from'),
          to: row.text('to'),
          isAnswered: isAnswered(row.text('status')),
          talking: row.text('talking'),
        }),
    },
  ],
});
