import type { SqlValue, TypedColumn } from '#core/ports';

/**
 * A text as a spreadsheet may hold it: one that begins with = + - @, a tab or a carriage return would be taken for a
 * formula, so an apostrophe goes before it. Source: OWASP, "CSV Injection".
 */
export function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

/** Rows as CSV (RFC 4180, UTF-8, lines end in CR LF), with a line of names. Null is an empty cell. */
export function formatCsv(columns: readonly TypedColumn[], rows: readonly (readonly SqlValue[])[]): string {
  return `${columns.map((column) => quote(column.name)).join(',')}\r\n${csvLines(columns, rows)}`;
}

/** The same without the line of names. */
export function csvLines(columns: readonly TypedColumn[], rows: readonly (readonly SqlValue[])[]): string {
  return rows.map((row) => `${row.map((value, index) => cell(value, columns[index]?.type)).join(',')}\r\n`).join('');
}

function cell(value: SqlValue, type: string | undefined): string {
  if (value === null) return '';
  const text = String(value);
  return quote(isText(type) ? harmless(text) : text);
}

/** Whether a column holds what people or systems wrote, rather than amounts, days or flags. */
export function isText(type: string | undefined): boolean {
  return (
    type === undefined ||
    !/^(bigint|integer|smallint|double|boolean|date|timestamptz|timestamp|decimal\(.*\))$/.test(type)
  );
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
