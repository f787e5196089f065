import type { FileConnector } from '#connectors/file-connector';
import { readSegmentMessage, segmentTypes } from '#connectors/segment';
import { isRecord, type SourceRow } from '#core/row-reading';

/**
 * Request bodies of Segment's tracking API, kept in a file: JSON Lines of `{"batch": [...]}` or of single messages. The
 * import takes each message of a batch as a row of its own, so that a bad one fails alone.
 */
export const segmentFile: FileConnector = {
  name: 'segment',
  source: undefined,
  recognise(columns) {
    if (columns.includes('batch')) return 'batches of the Segment API';
    const isMessage = columns.includes('type') && (columns.includes('userId') || columns.includes('anonymousId'));
    return isMessage ? 'messages of the Segment API' : undefined;
  },
  expand(row) {
    if (row.kind !== 'record') return undefined;
    const { batch, sentAt } = row.record;
    if (!Array.isArray(batch)) return undefined;
    return batch.map((message: unknown): SourceRow => {
      // A message that says no time has that of its batch.
      const record = isRecord(message) ? { ...(sentAt === undefined ? {} : { sentAt }), ...message } : { message };
      return { kind: 'record', record, text: JSON.stringify(record) };
    });
  },
  numberColumns: () => [],
  open: async (context) => ({
    notes: [],
    isAside: () => false,
    read(row) {
      if (row.kind !== 'record') {
        const message = 'a message of the Segment API is a JSON object';
        return { kind: 'problem', problem: { reason: 'wrong-value', message } };
      }
      const { type, sentAt } = row.record;
      const read = readSegmentMessage(row.record, {
        source: context.source,
        type: segmentTypes.find((known) => known === type),
        ...context.amounts,
        time: typeof sentAt === 'string' ? sentAt : '',
      });
      if (read.ok) return { kind: 'taken', events: [read.event], costs: [] };
      const { ok: _, ...problem } = read;
      return { kind: 'problem', problem };
    },
  }),
};
