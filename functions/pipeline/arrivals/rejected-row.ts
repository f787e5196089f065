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
  /** Of a row that a person mended: it is none of the rows that the file has, also where it equals one. */
  mend: z.string().optional(),
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

/** What of a refused record a person mends: the row by its columns, or the JSON as it came. */
export function editableRecord(original: Buffer): unknown {
  const row = parseRejectedRow(original);
  if (row?.values !== undefined) {
    const { columns = [], values } = row;
    return Object.fromEntries(values.map((value, index) => [columns[index] ?? `column_${index + 1}`, value]));
  }
  try {
    return JSON.parse(row?.text ?? original.toString('utf8'));
  } catch {
    return row?.text ?? original.toString('utf8');
  }
}

/** The original with its record mended: all else, such as the import that its costs belong to, stays. */
export function mendedOriginal(original: Buffer, record: Record<string, unknown>, id: string): Buffer {
  const row = parseRejectedRow(original);
  if (row === undefined) return Buffer.from(JSON.stringify(record));
  const { columns: _columns, values, text: _text, ...rest } = row;
  const content =
    values === undefined
      ? { text: JSON.stringify(record) }
      : { columns: Object.keys(record), values: Object.values(record).map((value) => String(value ?? '')) };
  return Buffer.from(JSON.stringify({ ...rest, ...content, mend: id }));
}
