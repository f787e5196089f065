/** Why a row, or a whole file, cannot be taken. The message holds no address and no telephone number. */
export interface Problem {
  /** A short kebab-case code to group by. */
  reason: string;
  message: string;
  column?: string;
}

/** One row of a file: the cells of a table, or a JSON object with the text that it was. */
export type SourceRow =
  | { kind: 'cells'; cells: readonly string[] }
  | { kind: 'record'; record: Record<string, unknown>; text: string };

/** What a mapping or a connector makes of one row: canonical events and costs (the door still judges them), or why none. */
export type RowReading =
  | { kind: 'taken'; events: readonly unknown[]; costs: readonly unknown[] }
  /** Not for us: a totals row, or a row that the mapping's `where` leaves out. */
  | { kind: 'left-out' }
  | { kind: 'problem'; problem: Problem };

export type RowReader = (row: SourceRow) => RowReading;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Gives a column's text in a row; '' where the row has none. */
export type ColumnReader = (row: SourceRow) => string;

/**
 * @param columns the header of a table; undefined for JSON objects, where a name may be a path such as `customer.email`.
 */
export function columnReader(column: string, columns: readonly string[] | undefined): ColumnReader {
  if (columns !== undefined) {
    const index = columns.indexOf(column);
    return (row) => (row.kind === 'cells' ? (row.cells[index]?.trim() ?? '') : '');
  }
  const path = column.split('.');
  return (row) => {
    if (row.kind !== 'record') return '';
    let value: unknown = row.record[column];
    if (value === undefined && path.length > 1) {
      value = row.record;
      for (const step of path) value = isRecord(value) ? value[step] : undefined;
    }
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return value.trim();
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
}

/** The names of a JSON object's fields, those within other objects as paths. */
export function fieldNames(record: Record<string, unknown>): string[] {
  return Object.entries(record).flatMap(([name, value]) =>
    isRecord(value) ? [name, ...fieldNames(value).map((inner) => `${name}.${inner}`)] : [name],
  );
}

/** A value as a message may show it: short, and not where it may be a person's address or number. */
export function shownValue(text: string): string {
  const isNumber = /^\+?[\d\s().-]+$/.test(text) && text.replace(/\D/g, '').length >= 9;
  if (text.includes('@') || isNumber) return 'a value not shown, since it may be personal,';
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

/** Names of columns, made distinct: of two equal ones the second becomes `name_2`. Empty ones are named by their place. */
export function distinctColumns(header: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return header.map((cell, index) => {
    const name = cell.trim().replace(/\s+/g, ' ') || `column_${index + 1}`;
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}_${count}`;
  });
}
