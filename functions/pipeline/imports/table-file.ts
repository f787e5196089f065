import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse';
import { parse as parseNow } from 'csv-parse/sync';
import * as z from 'zod';
import { RefusedError } from '#core/errors';
import { isRecord, type Problem, type SourceRow } from '#core/row-reading';
import { quoteName, quoteText } from '#core/sql-text';
import { brokenParquet, decoded, type Examined, examine, type FileContent } from '#pipeline/imports/file-bytes';
import { jsonPieces } from '#pipeline/imports/json-values';

/** What a mapping may say of a file because it cannot be seen from it. */
export interface FormatHints {
  type?: 'csv' | 'jsonl' | 'json' | 'parquet' | 'fixed' | undefined;
  delimiter?: string | undefined;
  encoding?: 'utf-8' | 'windows-1252' | undefined;
  /** false: no line names the columns; a list: these are their names. */
  header?: boolean | string[] | undefined;
  skipLines?: number | undefined;
}

export type Shape =
  | { kind: 'csv'; delimiter: string }
  | { kind: 'fixed' }
  | { kind: 'jsonl' }
  | { kind: 'json' }
  | { kind: 'parquet' };

export interface TableFile {
  content: FileContent;
  examined: Examined;
  shape: Shape;
}

/** One row as it stands in the file: cells of a table, a JSON object, or what could not be read as either. */
export type FileRow =
  | (SourceRow & { line: number })
  | { kind: 'problem'; line: number; problem: Problem; text: string; cells?: readonly string[] };

/**
 * Examines a file and sees what shape it has, as far as the hints leave it open.
 * @throws RefusedError as `examine` does, and where the shape cannot be seen.
 */
export async function openTable(content: FileContent, hints: FormatHints = {}): Promise<TableFile> {
  const examined = await examine(content, hints.encoding);
  if (examined.kind === 'parquet') return { content, examined, shape: { kind: 'parquet' } };
  if (hints.type === 'parquet') throw brokenParquet(content.name);
  return { content, examined, shape: shapeOf(examined, hints) };
}

function shapeOf(examined: Examined, hints: FormatHints): Shape {
  const { head } = examined;
  if (hints.type === 'fixed' || hints.delimiter === 'whitespace') return { kind: 'fixed' };
  if (hints.type === 'jsonl' || hints.type === 'json') return { kind: hints.type };
  if (hints.delimiter !== undefined) return { kind: 'csv', delimiter: hints.delimiter };
  if (hints.type === undefined) {
    const begin = head.trimStart();
    if (begin.startsWith('[') && /^\[\s*([{\]]|$)/.test(begin)) return { kind: 'json' };
    if (begin.startsWith('{')) {
      const [first = '', ...others] = begin.split('\n');
      // One object alone may be an answer of an API, with its records in a list.
      const isAlone = examined.isWholeInHead && others.every((line) => line.trim() === '');
      return { kind: isJson(first) && !isAlone ? 'jsonl' : 'json' };
    }
  }
  const delimiter = delimiterOf(examined);
  if (delimiter !== undefined) return { kind: 'csv', delimiter };
  if (hints.type === undefined && isWhitespaceTable(head)) return { kind: 'fixed' };
  return { kind: 'csv', delimiter: ',' };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // A first line that is broken is still a line where the second begins as one.
    return false;
  }
}

const csvOptions = {
  relax_column_count: true,
  relax_quotes: true,
  skip_empty_lines: true,
  record_delimiter: ['\r\n', '\n', '\r'],
  skip_records_with_error: true,
};

const records = z.array(z.array(z.string()));

function headLines(examined: Examined): string[] {
  const lines = examined.head.split(/\r\n|\n|\r/);
  if (!examined.isWholeInHead) lines.pop();
  return lines;
}

/**
 * The sign that divides the earliest line, which is the header or what stands above it; of several the one that makes the
 * most cells. Undefined where none divides. (Decimal commas divide the rows of an Italian table too, but not its header.)
 */
function delimiterOf(examined: Examined): string | undefined {
  const sample = headLines(examined).slice(0, 60).join('\n');
  let best: { delimiter: string; first: number; cells: number } | undefined;
  for (const delimiter of [',', ';', '\t', '|']) {
    const widths = records.parse(parseNow(sample, { ...csvOptions, delimiter, to: 50 })).map((record) => record.length);
    const first = widths.findIndex((width) => width > 1);
    if (first < 0) continue;
    const cells = widths.reduce((total, width) => total + width - 1, 0);
    if (best === undefined || first < best.first || (first === best.first && cells > best.cells)) {
      best = { delimiter, first, cells };
    }
  }
  return best?.delimiter;
}

function isWhitespaceTable(head: string): boolean {
  const widths = head
    .split('\n')
    .slice(0, 20)
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/).length);
  widths.length = Math.max(1, widths.length - 1);
  return (widths[0] ?? 0) > 1 && widths.every((width) => width === widths[0]);
}

/** The first records of a table in text, those before its header included. */
export function firstRecords(file: TableFile, skipLines = 0, count = 60): string[][] {
  const { shape, examined } = file;
  const lines = headLines(examined).slice(skipLines);
  if (shape.kind === 'fixed') {
    return lines
      .filter((line) => line.trim() !== '')
      .slice(0, count)
      .map((line) => line.trim().split(/\s+/));
  }
  if (shape.kind !== 'csv') return [];
  const sample = lines.slice(0, count * 20).join('\n');
  return records.parse(parseNow(sample, { ...csvOptions, delimiter: shape.delimiter, to: count }));
}

/** The first objects of a JSON file, as far as they can be read. */
export async function firstObjects(file: TableFile, count = 200): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const batch of readRows(file, { skipLines: 0, skipRecords: 0 })) {
    for (const row of batch) if (row.kind === 'record') found.push(row.record);
    if (found.length >= count || batch.length >= 20 * count) break;
  }
  return found.slice(0, count);
}

export interface ReadOptions {
  skipLines: number;
  /** Records before the first row of data: preamble and header. */
  skipRecords: number;
}

/** The rows of a file in batches, in order, with bounded memory. */
export function readRows(file: TableFile, options: ReadOptions): AsyncGenerator<FileRow[]> {
  switch (file.shape.kind) {
    case 'csv':
      return csvRows(file, file.shape.delimiter, options);
    case 'fixed':
      return fixedRows(file, options);
    case 'jsonl':
      return jsonLines(file, options);
    case 'json':
      return jsonValues(file);
    case 'parquet':
      return parquetRows(file);
  }
}

/** A record that never ends is an open quote: what comes after it cannot be told apart. */
const longestRecord = 4 * 2 ** 20;

const parsedRecord = z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) });
type ParsedRecord = z.output<typeof parsedRecord>;
// Checked by its first record: to check each of a million would cost more than to parse them.
function isParsedRecord(value: unknown): value is ParsedRecord {
  return isRecord(value) && Array.isArray(value.record);
}

async function* csvRows(file: TableFile, delimiter: string, options: ReadOptions): AsyncGenerator<FileRow[]> {
  let ready: FileRow[] = [];
  let brokenOff = false;
  let lastLine = options.skipLines;
  let toSkip = options.skipRecords;
  let failure: Error | undefined;
  const parser = parse({
    ...csvOptions,
    delimiter,
    bom: true,
    info: true,
    max_record_size: longestRecord,
    on_skip: () => {
      brokenOff = true;
    },
  });
  parser.on('data', (value: unknown) => {
    if (!isParsedRecord(value)) return;
    const { record, info } = value;
    lastLine = options.skipLines + info.lines;
    if (toSkip > 0) {
      toSkip--;
      return;
    }
    let line = lastLine;
    for (const cell of record) if (cell.includes('\n')) line -= cell.split('\n').length - 1;
    ready.push({ kind: 'cells', line, cells: record });
  });
  const ended = new Promise<void>((resolve) => {
    parser.on('end', resolve);
    parser.on('close', resolve);
    parser.on('error', (error) => {
      failure = error;
      resolve();
    });
  });
  const write = (piece: string | Buffer) =>
    new Promise<void>((resolve) => {
      parser.write(piece, () => resolve());
    });
  for await (const piece of withoutLines(textPieces(file), options.skipLines)) {
    await write(piece);
    if (ready.length > 0) {
      yield ready;
      ready = [];
    }
    if (brokenOff || failure !== undefined) break;
  }
  parser.end();
  await ended;
  if (brokenOff || failure !== undefined) {
    ready.push({
      kind: 'problem',
      line: lastLine + 1,
      problem: {
        reason: 'cut-off',
        message: `a quote that opens on line ${lastLine + 1} is never closed: nothing after line ${lastLine} can be read`,
      },
      text: '',
    });
  }
  if (ready.length > 0) yield ready;
}

/** UTF-8 goes to the parser as the bytes that it is; other encodings are turned into text first. */
function textPieces(file: TableFile): AsyncIterable<string | Buffer> {
  return file.examined.encoding === 'utf-8' ? file.content.bytes() : decoded(file.content, file.examined.encoding);
}

async function* withoutLines(
  pieces: AsyncIterable<string | Buffer>,
  skipLines: number,
): AsyncGenerator<string | Buffer> {
  let left = skipLines;
  for await (const piece of pieces) {
    let rest = piece;
    while (left > 0) {
      const at = rest.indexOf('\n');
      if (at < 0) break;
      rest = typeof rest === 'string' ? rest.slice(at + 1) : rest.subarray(at + 1);
      left--;
    }
    if (left === 0 && rest.length > 0) yield rest;
  }
}

/** A line longer than this is no line of a table. */
const longestLine = 64 * 2 ** 20;

async function* lines(file: TableFile): AsyncGenerator<string[]> {
  let rest = '';
  for await (const piece of decoded(file.content, file.examined.encoding)) {
    const parts = (rest + piece).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > longestLine) {
      throw new RefusedError(`${file.content.name} has a line of more than 64 MB`, { mend: 'check what file it is' });
    }
    if (parts.length > 0) yield parts;
  }
  if (rest !== '') yield [rest];
}

async function* fixedRows(file: TableFile, options: ReadOptions): AsyncGenerator<FileRow[]> {
  let line = 0;
  let toSkip = options.skipRecords;
  for await (const batch of lines(file)) {
    const rows: FileRow[] = [];
    for (const text of batch) {
      line++;
      const trimmed = text.trim();
      if (line <= options.skipLines || trimmed === '') continue;
      if (toSkip > 0) toSkip--;
      else rows.push({ kind: 'cells', line, cells: trimmed.split(/\s+/) });
    }
    yield rows;
  }
}

function jsonRow(line: number, text: string, isCut: boolean): FileRow {
  try {
    const record: unknown = JSON.parse(text);
    if (isRecord(record)) return { kind: 'record', line, record, text };
    return {
      kind: 'problem',
      line,
      problem: { reason: 'not-an-object', message: 'this is JSON, but not an object with named fields' },
      text,
    };
  } catch {
    const problem = isCut
      ? { reason: 'cut-off', message: 'the file ends within this record' }
      : { reason: 'not-json', message: 'this is not JSON' };
    return { kind: 'problem', line, problem, text };
  }
}

async function* jsonLines(file: TableFile, options: ReadOptions): AsyncGenerator<FileRow[]> {
  let line = 0;
  let held: { line: number; text: string } | undefined;
  for await (const batch of lines(file)) {
    const rows: FileRow[] = [];
    for (const text of batch) {
      line++;
      if (line <= options.skipLines || text.trim() === '') continue;
      // Whether a broken line is the last one, and so cut off, is known only when the next has come.
      if (held !== undefined) rows.push(jsonRow(held.line, held.text, false));
      held = { line, text };
    }
    yield rows;
  }
  if (held !== undefined) yield [jsonRow(held.line, held.text, !file.examined.endsWithLineBreak)];
}

const listNames = new Set(['results', 'data', 'records', 'rows', 'value', 'elements']);

/**
 * The records of an API's answer: its list by a usual name, or by any name where the answer holds nothing else. Another
 * list belongs to its object, such as the lines of an order, or the messages of a Segment batch.
 */
function unwrapped(record: Record<string, unknown>): Record<string, unknown>[] | undefined {
  const fields = Object.entries(record);
  const found = fields.find(([name, value]) => Array.isArray(value) && (listNames.has(name) || fields.length === 1));
  const list: unknown = found?.[1];
  return found?.[0] !== 'batch' && Array.isArray(list) && list.length > 0 && list.every(isRecord) ? list : undefined;
}

async function* jsonValues(file: TableFile): AsyncGenerator<FileRow[]> {
  let isFirst = true;
  try {
    for await (const pieces of jsonPieces(decoded(file.content, file.examined.encoding))) {
      const rows: FileRow[] = [];
      for (const piece of pieces) {
        const row = jsonRow(piece.line, piece.text, piece.isCut);
        const list = isFirst && row.kind === 'record' ? unwrapped(row.record) : undefined;
        isFirst = false;
        if (list === undefined) rows.push(row);
        else {
          for (const record of list)
            rows.push({ kind: 'record', line: piece.line, record, text: JSON.stringify(record) });
        }
      }
      yield rows;
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new RefusedError(`${file.content.name} is broken JSON: ${cause.message}`, { mend: 'export it again', cause });
  }
}

/** Columns of a Parquet file, in order. */
export async function parquetColumns(file: TableFile): Promise<string[]> {
  const { describe, close } = await openParquet(file);
  try {
    return (await describe()).map(({ name }) => name);
  } finally {
    close();
  }
}

/** Parquet is read here and there, not from its beginning to its end, so a packed one is unpacked beside. */
async function unpackedPath(content: FileContent): Promise<{ path: string; remove(): void }> {
  if (content.path !== undefined) return { path: content.path, remove: () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'percorso-parquet-'));
  const path = join(folder, 'table.parquet');
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    await writeFile(path, content.bytes(), { mode: 0o600 });
  } catch (error) {
    remove();
    throw error;
  }
  return { path, remove };
}

async function openParquet(file: TableFile) {
  const { DuckDBInstance } = await import('@duckdb/node-api').catch((cause: unknown) => {
    throw new RefusedError(`${file.content.name} is a Parquet file, and the reader of those is not installed here`, {
      mend: 'export it as CSV or JSON Lines',
      cause,
    });
  });
  const { path, remove } = await unpackedPath(file.content);
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '1GB', threads: '1' });
  const connection = await instance.connect();
  const address = quoteText(path);
  const close = () => {
    connection.closeSync();
    instance.closeSync();
    remove();
  };
  const describe = async () => {
    try {
      const reader = await connection.runAndReadAll(`describe select * from read_parquet(${address})`);
      return reader.getRows().map((row) => ({ name: String(row[0]), type: String(row[1]) }));
    } catch (cause) {
      close();
      throw brokenParquet(file.content.name, cause);
    }
  };
  return { connection, address, describe, close };
}

/** The text of a Parquet value is what it would be in CSV: ISO times (with Z where they have a zone), plain decimals, JSON. */
function asText(column: string, type: string): string {
  if (type === 'TIMESTAMP WITH TIME ZONE') return `strftime(${column} at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%gZ')`;
  if (type.startsWith('TIMESTAMP')) return `strftime(${column}::timestamp, '%Y-%m-%dT%H:%M:%S.%g')`;
  if (/\[|^STRUCT|^MAP/.test(type)) return `to_json(${column})::varchar`;
  return `${column}::varchar`;
}

async function* parquetRows(file: TableFile): AsyncGenerator<FileRow[]> {
  const { connection, address, describe, close } = await openParquet(file);
  const columns = await describe();
  try {
    const select = columns.map(({ name, type }) => `coalesce(${asText(quoteName(name), type)}, '')`).join(', ');
    const result = await connection.stream(`select ${select} from read_parquet(${address})`);
    let line = 0;
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      yield chunk.getRows().map((row) => ({ kind: 'cells', line: ++line, cells: row.map(String) }));
    }
  } catch (cause) {
    throw brokenParquet(file.content.name, cause);
  } finally {
    close();
  }
}
