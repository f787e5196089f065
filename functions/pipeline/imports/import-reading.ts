import type { FileConnector } from '#connectors/file-connector';
import { fileConnectors } from '#connectors/registry';
import type { Config } from '#core/config';
import { type DecimalSign, decimalSignOf } from '#core/decimal-text';
import { RefusedError, UsageError } from '#core/errors';
import { nearest } from '#core/nearest';
import { columnReader, distinctColumns, fieldNames, isRecord, type RowReader, type SourceRow } from '#core/row-reading';
import type { FileContent } from '#pipeline/imports/file-bytes';
import { isForFile, type MappingFile } from '#pipeline/imports/mapping';
import { createMappingReader, headerDifference, headerRefusal, numberColumns } from '#pipeline/imports/mapping-rows';
import {
  type FormatHints,
  firstObjects,
  firstRecords,
  openTable,
  parquetColumns,
  type ReadOptions,
  type TableFile,
} from '#pipeline/imports/table-file';

/** How a file is to be read: what a person said on the command line, and the company's mappings. */
export interface ReadingRequest {
  /** The one mapping that was named; no other is tried. */
  mapping: MappingFile | undefined;
  /** The mappings in the company's folder. */
  mappings: readonly MappingFile[];
  /** The connector that was named. */
  connector: FileConnector | undefined;
  /** The connectors that may know a header; those of the product where absent. */
  connectors?: readonly FileConnector[];
  source: string | undefined;
  currency: string | undefined;
  company: Pick<Config, 'timeZone' | 'currency' | 'sources'>;
}

/** By what a file is read, and what a rejected row of it needs to be read again. */
export interface FileReading {
  table: TableFile;
  options: ReadOptions;
  /** `mapping:till.yaml`, `connector:google-ads` or `canonical`. */
  via: string;
  /** Hash of all that decides what the rows become. */
  viaHash: string;
  /** What to say of it: "as a Google Ads campaign report". */
  says: string;
  /** The source that refused rows are counted under. */
  source: string;
  /** Of a table; undefined for JSON objects. */
  columns: string[] | undefined;
  preamble: string[][];
  decimal: DecimalSign | undefined;
  onCut: 'rows' | 'refuse';
  isAside(cells: readonly string[]): boolean;
  expand?: FileConnector['expand'] | undefined;
  /** The column by which rows that follow each other are read as one. */
  joinBy?: string | undefined;
  read: RowReader;
  notes: string[];
}

/** @throws UsageError where there is no such connector. */
export function namedConnector(name: string): FileConnector {
  const wanted = name.toLowerCase().replaceAll('_', '-');
  const found = fileConnectors.find((connector) => connector.name === wanted);
  if (found !== undefined) return found;
  const names = fileConnectors.map((connector) => connector.name);
  const near = nearest(wanted, names);
  throw new UsageError(`no connector is called ${name}`, {
    mend: near === undefined ? `there are: ${names.join(', ')}` : `did you mean ${near}?`,
  });
}

/** The names of the columns of a file, and where its rows begin. */
interface Header {
  columns: string[];
  isJson: boolean;
  options: ReadOptions;
  preamble: string[][];
}

async function headerOf(table: TableFile, hints: FormatHints, at = 0): Promise<Header> {
  const { kind } = table.shape;
  if (kind === 'json' || kind === 'jsonl') {
    const objects = await firstObjects(table);
    const columns = [...new Set(objects.flatMap(fieldNames))];
    return { columns, isJson: true, options: { skipLines: hints.skipLines ?? 0, skipRecords: 0 }, preamble: [] };
  }
  if (kind === 'parquet') {
    const options = { skipLines: 0, skipRecords: 0 };
    return { columns: await parquetColumns(table), isJson: false, options, preamble: [] };
  }
  const skipLines = hints.skipLines ?? 0;
  const records = firstRecords(table, skipLines);
  if (Array.isArray(hints.header)) {
    return { columns: hints.header, isJson: false, options: { skipLines, skipRecords: 0 }, preamble: [] };
  }
  if (hints.header === false) {
    const columns = distinctColumns((records[0] ?? []).map(() => ''));
    return { columns, isJson: false, options: { skipLines, skipRecords: 0 }, preamble: [] };
  }
  return {
    columns: distinctColumns(records[at] ?? []),
    isJson: false,
    options: { skipLines, skipRecords: at + 1 },
    preamble: records.slice(0, at),
  };
}

/** The decimal sign that the named columns show in the beginning of the file. */
function seenDecimal(table: TableFile, header: Header, names: readonly string[]): DecimalSign | undefined {
  const { kind } = table.shape;
  if (kind !== 'csv' && kind !== 'fixed') return '.';
  const { skipLines, skipRecords } = header.options;
  const readers = names.map((name) => columnReader(name, header.columns));
  const rows = firstRecords(table, skipLines, 3000).slice(skipRecords);
  return decimalSignOf(rows.flatMap((cells) => readers.map((read) => read({ kind: 'cells', cells }))));
}

/**
 * Finds by what a file is to be read: the mapping that was named or is for it, the connector that was named or knows its
 * header, else the canonical shape.
 * @throws RefusedError where nothing fits, or a mapping is for files of this name and not for these columns.
 */
export async function findReading(content: FileContent, request: ReadingRequest): Promise<FileReading> {
  if (request.connector !== undefined) return byConnector(content, request.connector, request, true);
  const fitting =
    request.mapping === undefined
      ? request.mappings.filter(({ mapping }) => isForFile(mapping, content.fileName))
      : [request.mapping];
  let refusal: RefusedError | undefined;
  for (const file of fitting) {
    const { connector } = file.mapping;
    if (connector !== undefined) return byConnector(content, namedConnector(connector), request, true, file);
    const table = await openTable(content, file.mapping.format);
    const header = await headerOf(table, file.mapping.format);
    const difference = headerDifference(file.mapping, header.columns, header.isJson);
    if (difference === undefined) return byMapping(table, header, file, request);
    refusal ??= headerRefusal(content.name, file.name, difference);
  }
  if (refusal !== undefined) throw refusal;
  return byHeader(content, request);
}

async function byMapping(
  table: TableFile,
  header: Header,
  file: MappingFile,
  request: ReadingRequest,
): Promise<FileReading> {
  const { mapping } = file;
  const columns = header.isJson ? undefined : header.columns;
  const source = request.source ?? mapping.source;
  const decimal = mapping.format.decimal ?? seenDecimal(table, header, numberColumns(mapping));
  const timeZone = mapping.timeZone ?? request.company.timeZone;
  return {
    table,
    options: header.options,
    via: `mapping:${file.path}`,
    viaHash: `${file.hash} ${source} ${decimal ?? '?'}`,
    says: `by the mapping ${file.name}`,
    source,
    columns,
    preamble: [],
    decimal,
    onCut: mapping.onCut,
    isAside: () => false,
    read: await createMappingReader(mapping, { source, columns, decimal, timeZone }),
    notes: [],
  };
}

async function byConnector(
  content: FileContent,
  connector: FileConnector,
  request: ReadingRequest,
  isForced: boolean,
  file?: MappingFile,
): Promise<FileReading> {
  const hints = file?.mapping.format ?? {};
  const table = await openTable(content, hints);
  const found = await recognised(table, hints, [connector]);
  if (found === undefined && !isForced) throw unknownShape(content.name, []);
  const header = found?.header ?? (await headerOf(table, hints));
  const source = request.source ?? file?.mapping.source ?? connector.source;
  if (source === undefined) {
    throw new RefusedError(
      `${content.name} looks like ${found?.says ?? connector.name}, which says nothing of its source`,
      {
        mend: 'name the source with --source NAME, or in a mapping with `source`, `files` and `connector`',
      },
    );
  }
  const columns = header.isJson ? undefined : header.columns;
  const decimal = hints.decimal ?? seenDecimal(table, header, connector.numberColumns(header.columns));
  const currency = request.currency ?? file?.mapping.currency;
  const amounts = amountsOf(request.company, source);
  const timeZone = file?.mapping.timeZone ?? request.company.timeZone;
  const opened = await connector.open({
    fileName: content.name,
    source,
    amounts,
    names: header.columns,
    columns,
    preamble: header.preamble,
    decimal,
    currency: currency ?? request.company.currency,
    isCurrencyGiven: currency !== undefined,
    timeZone,
  });
  return {
    table,
    options: header.options,
    via: file === undefined ? `connector:${connector.name}` : `mapping:${file.path}`,
    viaHash: `${connector.name} ${source} ${decimal ?? '?'} ${currency ?? request.company.currency} ${JSON.stringify(amounts)}`,
    says: `as ${found?.says ?? connector.name}`,
    source,
    columns,
    preamble: header.preamble,
    decimal,
    onCut: file?.mapping.onCut ?? 'rows',
    isAside: opened.isAside,
    expand: connector.expand,
    joinBy: columns === undefined ? undefined : connector.joinBy?.(columns),
    read: opened.read,
    notes: opened.notes,
  };
}

/** What the configuration says of a source's amounts; a source that it does not name has net ones. */
export function amountsOf(
  company: Pick<Config, 'sources'>,
  source: string,
): { gross: boolean; shippingIncluded: boolean } {
  const { gross = false, shippingIncluded = false } = company.sources[source] ?? {};
  return { gross, shippingIncluded };
}

const headerWithin = 10;

/** Looks for the header that one of the connectors knows, in the first records of a table or the fields of JSON objects. */
export async function recognised(
  table: TableFile,
  hints: FormatHints,
  connectors: readonly FileConnector[],
): Promise<{ connector: FileConnector; says: string; header: Header } | undefined> {
  const isText = table.shape.kind === 'csv' || table.shape.kind === 'fixed';
  for (let at = 0; at < (isText ? headerWithin : 1); at++) {
    const header = await headerOf(table, hints, at);
    for (const connector of connectors) {
      const says = connector.recognise(header.columns, header.preamble);
      if (says !== undefined) return { connector, says, header };
    }
  }
  return undefined;
}

async function byHeader(content: FileContent, request: ReadingRequest): Promise<FileReading> {
  const table = await openTable(content);
  const header = await headerOf(table, {});
  const isEvents = header.columns.includes('event_type');
  const isCosts = header.columns.includes('cost_date') && header.columns.includes('spend');
  if (header.isJson && (isEvents || isCosts)) {
    return {
      table,
      options: header.options,
      via: 'canonical',
      viaHash: `canonical ${request.source ?? ''}`,
      says: `as canonical ${isEvents && isCosts ? 'events and costs' : isEvents ? 'events' : 'costs'}`,
      source: request.source ?? '',
      columns: undefined,
      preamble: [],
      decimal: undefined,
      onCut: 'rows',
      isAside: () => false,
      read: canonicalReader(request.source),
      notes: [],
    };
  }
  const found = await recognised(table, {}, request.connectors ?? fileConnectors);
  if (found === undefined) throw unknownShape(content.name, header.columns);
  return byConnector(content, found.connector, request, false);
}

function unknownShape(fileName: string, columns: readonly string[]): RefusedError {
  const shown = columns.slice(0, 8).join(', ');
  return new RefusedError(
    `${fileName} is no export that Percorso knows, and no mapping is for it${shown === '' ? '' : `; its columns: ${shown}${columns.length > 8 ? ', ...' : ''}`}`,
    { mend: `draft a mapping with \`percorso import --suggest ${fileName}\`, correct it, and save it in mappings/` },
  );
}

/** Reads canonical events and costs (docs/interface.md); `source` stands in where a line names none. */
export function canonicalReader(source: string | undefined): RowReader {
  return (row: SourceRow) => {
    if (row.kind !== 'record') {
      return { kind: 'problem', problem: { reason: 'wrong-value', message: 'a canonical line is a JSON object' } };
    }
    const { record } = row;
    const named = record.source === undefined && source !== undefined ? { ...record, source } : record;
    if (isRecord(record) && 'cost_date' in record && !('event_type' in record)) {
      return { kind: 'taken', events: [], costs: [named] };
    }
    return { kind: 'taken', events: [named], costs: [] };
  };
}
