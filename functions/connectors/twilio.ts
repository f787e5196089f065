import { callContact, phoneIn, tableConnector } from '#connectors/table-export';

/** Twilio: the log of calls, as the console exports it or the API lists it. */
export const twilio = tableConnector({
  name: 'twilio',
  source: 'twilio',
  decimal: '.',
  shapes: [
    {
      says: 'a log of calls from Twilio',
      marks: [['call sid', 'callsid', 'sid'], 'from', 'to', 'direction', ['start time', 'start_time', 'starttime']],
      read(row) {
        const direction = /^out/i.test(row.need('direction')) ? 'outbound' : 'inbound';
        const status = row.text('status').toLowerCase();
        // One who was called and did not answer was not reached; one who called and got nobody has made contact.
        if (direction === 'outbound' && status !== 'completed' && status !== '') return [];
        const phone = phoneIn(row.text(direction === 'inbound' ? 'from' : 'to'));
        // Legs to apps and SIP telephones are the firm's own.
        if (phone === undefined) return [];
        const seconds = row.amount(['duration', 'duration (seconds)', 'call duration']);
        return [
          callContact({
            id: row.need(['call sid', 'callsid', 'sid']),
            at: row.needTime(['start time', 'start_time', 'starttime']),
            phone,
            direction,
            status,
            seconds: seconds === undefined ? undefined : Number(seconds),
          }),
        ];
      },
    },
  ],
});
