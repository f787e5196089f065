import * as z from 'zod';
import type { RejectedRecord } from '#core/lake';
import type { Problem } from '#core/row-reading';

/** What is kept of a row that was refused: all that a replay needs to read it as the import would have. */
const rejectedRowSchema = z.object({
  source: z.string(),
  line: z.number(),
  /** Of a table. */
  columns: z.array(z.string()).optional(),
  values: z.array(z.string()).optional(),
  /** Of JSON: as it stood in the file. */
  text: z.string().optional(),
  /** What stood before the header. */
  preamble: z.array(z.array(z.string())),
  decimal: z.enum(['.', ',']).optional(),
  currency: z.string().optional(),
  /** A cost must join the set of its import: a set of its own would replace the rest of the day. */
  import_id: z.string(),
  received_at: z.string(),
  /** Which of the equal rows of its file it was. */
  ordinal: z.number().int().min(1),
});
export type RejectedRow = z.output<typeof rejectedRowSchema>;

/** The record of a refused row. Its original is sealed by the writer. */
export function rejectedRow(row: RejectedRow, about: { file: string; via: string; problem: Problem }): RejectedRecord {
  const { reason, message, column } = about.problem;
  return {
    rejected_at: row.received_at,
    source: row.source,
    reason,
    message,
    file: about.file,
    line: row.line,
    ...(column === undefined ? {} : { column }),
    via: about.via,
    original: Buffer.from(JSON.stringify(row)).toString('base64'),
    schema_version: 1,
  };
}

/** The refused row out of its record's original; undefined where the original is none of ours. */
export function parseRejectedRow(original: Buffer): RejectedRow | undefined {
  try {
    const parsed = rejectedRowSchema.safeParse(JSON.parse(original.toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
