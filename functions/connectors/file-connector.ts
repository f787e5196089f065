import type { DecimalSign } from '#core/decimal-text';
import type { RowReader, SourceRow } from '#core/row-reading';

export interface ConnectorContext {
  /** As people are told of the file. */
  fileName: string;
  /** The name under which the company keeps what the file says. */
  source: string;
  /** The names of all columns, or of all fields of JSON objects. */
  names: readonly string[];
  /** What the configuration says of the source's amounts. */
  amounts: { gross: boolean; shippingIncluded: boolean };
  /** The header of a table; undefined for JSON objects. */
  columns: readonly string[] | undefined;
  /** What stands before the header. */
  preamble: readonly (readonly string[])[];
  /** The decimal sign that the file's numbers show. */
  decimal: DecimalSign | undefined;
  /** Of money in a file that names no currency. */
  currency: string;
  /** Whether a person named that currency; else it is the company's own, and said aloud. */
  isCurrencyGiven: boolean;
  /** Of times that name no offset. */
  timeZone: string;
}

export interface OpenedReport {
  read: RowReader;
  /** Rows that are no data, such as totals, in whatever number of cells. */
  isAside(cells: readonly string[]): boolean;
  /** What a person should know of how the file was read. */
  notes: string[];
}

/** A file shape of the outside world. Pure: it reads rows, and touches neither disk nor network. */
export interface FileConnector {
  name: string;
  /** The source's name where nobody gives another; undefined where only a person can say it. */
  source: string | undefined;
  /** What the file looks like ("a Google Ads campaign report"), or undefined where it is none of ours. Names are as in the file. */
  recognise(columns: readonly string[], preamble: readonly (readonly string[])[]): string | undefined;
  /** A record that holds several, such as a batch, as those; each then stands for itself. */
  expand?(row: SourceRow): SourceRow[] | undefined;
  /** The column by which rows that follow each other tell of one thing, such as the lines of an order; they are read as one. */
  joinBy?(columns: readonly string[]): string | undefined;
  /** Its columns are such as others may have too, so that all others are asked first. */
  isGeneral?: boolean;
  /** The columns by whose numbers the decimal sign is seen. */
  numberColumns(columns: readonly string[]): string[];
  /** @throws RefusedError where the report cannot be used as it is, with the mend. */
  open(context: ConnectorContext): Promise<OpenedReport>;
}
