import Big from 'big.js';
import type { ConnectorContext, FileConnector, OpenedReport } from '#connectors/file-connector';
import { type DecimalSign, parseDecimal } from '#core/decimal-text';
import { RefusedError } from '#core/errors';
import { fieldNames, isRecord, type Problem, type SourceRow, shownValue } from '#core/row-reading';
import { createTimeReader, type TimeReader } from '#core/time-text';

/** A column by its names in several versions and languages, in lower case; the first that the row has counts. */
export type Names = string | readonly string[];

/** One row of an export, or several that tell of one thing. */
export interface ExportRow {
  /** The text of a column; '' where the row has none. */
  text(names: Names): string;
  /** The text of a column that must be there. */
  need(names: Names): string;
  /** A decimal in text. */
  amount(names: Names): string | undefined;
  /** An instant, ISO in UTC. */
  time(names: Names): string | undefined;
  needTime(names: Names): string;
  /** The instant that a text names, such as a day and a clock from two columns. */
  timeOf(text: string): string;
  /** What a column holds as JSON. */
  json(names: Names): unknown;
  /** The rows that tell of one thing together; this row alone where they are not joined. */
  lines: readonly ExportRow[];
}

export type ExportEvent = Record<string, unknown>;

/** One shape of an export: how it is known, and what its rows become. */
export interface ExportShape {
  /** In words, as in "looks like ...". */
  says: string;
  /** The columns by which it is known; each must be there under one of its names. */
  marks: readonly Names[];
  /** Rows that follow each other and hold the same in this column tell of one thing. */
  joinBy?: Names;
  /** What a person should know of how it is read. */
  notes?: readonly string[];
  /** Why such a file cannot be used, and the mend: it is known, and tells of nobody. */
  refuse?: { why: string; mend: string };
  /** None of the row's business: an empty list. */
  read(row: ExportRow, context: ConnectorContext): readonly ExportEvent[];
}

export interface TableExport {
  name: string;
  source: string | undefined;
  shapes: readonly ExportShape[];
  /** Formats of its times beside ISO, in luxon's tokens. */
  times?: readonly string[];
  /** Columns by whose numbers the decimal sign is seen. */
  amounts?: Names;
  /** The decimal sign where the numbers do not show it. */
  decimal?: DecimalSign;
  /** Its columns are such as other exports may have too. */
  isGeneral?: boolean;
}

/** Ends the reading of one row. Caught in this file. */
class RowProblem extends Error {
  override name = 'RowProblem';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Rejects the row that is being read. */
export function rejectRow(reason: string, message: string, column?: string): never {
  throw new RowProblem({ reason, message, ...(column === undefined ? {} : { column }) });
}

const list = (names: Names): readonly string[] => (typeof names === 'string' ? [names] : names);
const keyOf = (name: string) => name.trim().toLowerCase();
/** The field of a record that joins several rows of a table. */
export const joinedRows = 'joined_rows';

/** Makes a connector of exports whose rows are events. */
export function tableConnector(table: TableExport): FileConnector {
  const find: ShapeFinder = (columns) => {
    const has = new Set(columns.map(keyOf));
    return table.shapes.find(({ marks }) => marks.every((names) => list(names).some((name) => has.has(name))));
  };
  return {
    name: table.name,
    source: table.source,
    isGeneral: table.isGeneral ?? false,
    recognise: (columns) => find(columns)?.says,
    joinBy: (columns) => {
      const joined = list(find(columns)?.joinBy ?? []);
      return columns.find((column) => joined.includes(keyOf(column)));
    },
    numberColumns: (columns) => columns.filter((column) => list(table.amounts ?? []).includes(keyOf(column))),
    open: (context) => openExport(table, find, context),
  };
}

type ShapeFinder = (columns: readonly string[]) => ExportShape | undefined;

async function openExport(table: TableExport, find: ShapeFinder, context: ConnectorContext): Promise<OpenedReport> {
  const formats = [undefined, ...(table.times ?? [])];
  const readers = await Promise.all(formats.map((format) => createTimeReader(format, context.timeZone)));
  const decimal = context.decimal ?? table.decimal;
  const ofFile = find(context.names);
  if (ofFile?.refuse !== undefined) {
    throw new RefusedError(`${context.fileName}: ${ofFile.refuse.why}`, { mend: ofFile.refuse.mend });
  }
  // A joined row that is replayed brings its columns itself.
  if (ofFile === undefined && !context.names.includes(joinedRows)) {
    const wanted = table.shapes.map(({ says, marks }) => `${says}: ${marks.map((names) => list(names)[0]).join(', ')}`);
    throw new RefusedError(`${context.fileName} has not the columns that ${table.name} is read by`, {
      mend: `each of these must be there: ${wanted.join('; ')}`,
    });
  }
  const columnAt = new Map(context.columns?.map((name, index) => [keyOf(name), index]));
  return {
    notes: [...(ofFile?.notes ?? [])],
    isAside: () => false,
    read: (row) => {
      try {
        const read = rowOf(row, columnAt, readers, decimal);
        const shape = ofFile ?? find(read.names);
        if (shape === undefined) return rejectRow('wrong-columns', `has not the columns of ${table.name}`);
        const events = shape.read(read, context).map((event) => ({ source: context.source, ...event }));
        return events.length === 0 ? { kind: 'left-out' } : { kind: 'taken', events, costs: [] };
      } catch (error) {
        if (error instanceof RowProblem) return { kind: 'problem', problem: error.problem };
        throw error;
      }
    },
  };
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value).trim();
}

function flatten(record: Record<string, unknown>): Map<string, string> {
  const flat = new Map<string, string>();
  for (const name of fieldNames(record)) {
    let value: unknown = record[name];
    if (value === undefined) {
      value = record;
      for (const step of name.split('.')) value = isRecord(value) ? value[step] : undefined;
    }
    flat.set(keyOf(name), textOf(value));
  }
  return flat;
}

function rowOf(
  row: SourceRow,
  columnAt: ReadonlyMap<string, number>,
  readers: readonly TimeReader[],
  decimal: DecimalSign | undefined,
): ExportRow & { names: readonly string[] } {
  if (row.kind === 'cells') {
    const get = (name: string) => {
      const index = columnAt.get(name);
      return index === undefined ? '' : (row.cells[index]?.trim() ?? '');
    };
    return exportRow(get, [...columnAt.keys()], readers, decimal);
  }
  const joined = row.record[joinedRows];
  const records = Array.isArray(joined) ? joined.filter(isRecord) : [row.record];
  const rows = records.map((record) => {
    const flat = flatten(record);
    return exportRow((name) => flat.get(name) ?? '', [...flat.keys()], readers, decimal);
  });
  const first = rows[0] ?? exportRow(() => '', [], readers, decimal);
  return { ...first, lines: rows };
}

function exportRow(
  get: (name: string) => string,
  names: readonly string[],
  readers: readonly TimeReader[],
  decimal: DecimalSign | undefined,
): ExportRow & { names: readonly string[] } {
  const filled = (wanted: Names) => list(wanted).find((name) => get(name) !== '');
  const text = (wanted: Names) => {
    const name = filled(wanted);
    return name === undefined ? '' : get(name);
  };
  const shown = (wanted: Names) => list(wanted).find((name) => names.includes(name)) ?? list(wanted)[0] ?? '';
  const empty = (wanted: Names): never => rejectRow('missing-field', `${shown(wanted)} is empty`, shown(wanted));
  const timeOf = (given: string, name?: string): string => {
    const instant = instantOf(given, readers);
    if (instant !== undefined) return new Date(instant).toISOString();
    return rejectRow('wrong-date', `${name === undefined ? '' : `${name}: `}${shownValue(given)} is not a time`, name);
  };
  const time = (wanted: Names): string | undefined => {
    const name = filled(wanted);
    return name === undefined ? undefined : timeOf(get(name), name);
  };
  const row: ExportRow & { names: readonly string[] } = {
    names,
    text,
    need: (wanted) => text(wanted) || empty(wanted),
    amount(wanted) {
      const name = filled(wanted);
      if (name === undefined) return undefined;
      const read = parseDecimal(get(name), decimal);
      return read.ok ? read.value : rejectRow('wrong-number', `${name}: ${shownValue(get(name))} ${read.why}`, name);
    },
    time,
    timeOf: (given) => timeOf(given),
    needTime: (wanted) => time(wanted) ?? empty(wanted),
    json(wanted) {
      const name = filled(wanted);
      if (name === undefined) return undefined;
      try {
        return JSON.parse(get(name));
      } catch {
        return rejectRow('wrong-value', `${name} is no JSON`, name);
      }
    },
    lines: [],
  };
  row.lines = [row];
  return row;
}

/** ISO, the formats of the export, Unix seconds to microseconds, and the form of mail headers. */
function instantOf(text: string, readers: readonly TimeReader[]): number | undefined {
  for (const read of readers) {
    const found = read(text);
    if (found.ok) return found.value;
  }
  if (/^\d{10}$/.test(text)) return Number(text) * 1000;
  if (/^\d{13}$/.test(text)) return Number(text);
  if (/^\d{16}$/.test(text)) return Math.floor(Number(text) / 1000);
  if (/^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d ([+-]\d{4}|GMT)$/.test(text)) return Date.parse(text);
  return undefined;
}

/** Leaves out what is empty, so that records are as short as what they tell. */
export function compact(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ''));
}

/**
 * The money of an order as the configuration says that its source counts: the goods net of VAT, with VAT and shipping
 * put on where the source's amounts include them, since the models take those off again.
 */
export function orderValue(
  order: { id: string; goods: string; tax: string; shipping: string; discount?: string | undefined; currency: string },
  amounts: ConnectorContext['amounts'],
): Record<string, unknown> {
  let revenue = new Big(order.goods);
  if (amounts.gross) revenue = revenue.plus(order.tax);
  if (amounts.shippingIncluded) revenue = revenue.plus(order.shipping);
  return compact({
    order_id: order.id,
    revenue: revenue.toFixed(2),
    tax: order.tax,
    shipping: order.shipping,
    discount: order.discount,
    currency: order.currency,
  });
}

/** The digits of a telephone number within a text such as `Mario Rossi (+39 333 1234567)`; undefined where it holds none. */
export function phoneIn(text: string): string | undefined {
  const found = /\+?\d[\d\s().-]{5,}\d/.exec(text)?.[0];
  return found !== undefined && found.replace(/\D/g, '').length >= 7 ? found.replace(/[^\d+]/g, '') : undefined;
}

/** A telephone call, as a contact of the caller or of the one who was called. */
export function callContact(call: {
  id?: string | undefined;
  at: string;
  phone: string;
  direction: 'inbound' | 'outbound';
  status: string;
  seconds?: number | undefined;
}): ExportEvent {
  return {
    ...(call.id === undefined || call.id === '' ? {} : { event_id: call.id }),
    event_type: 'Contact',
    occurred_at: call.at,
    identifiers: { phone: call.phone },
    touch: { channel: 'Phone' },
    device: { class: 'offline' },
    properties: compact({ direction: call.direction, status: call.status, seconds: call.seconds }),
  };
}
