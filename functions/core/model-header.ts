import { PercorsoError } from '#core/errors';
import { nearest } from '#core/nearest';

/** What the comment at the head of a model says. The docs, the Glossary page and the key checks are made from it. */
const keptHow = [
  /** Made anew in each build. */
  'table',
  /** Never stored: readers get its select over the tables that it reads, which a build stores for it. */
  'view',
  /** Made in a full refresh alone; a daily build has it as the last refresh left it. */
  'refreshed',
  /** A daily build makes the rows of the open days, and keeps those of the closed ones as they are. */
  'incremental',
  /** What came in since the last build; all of it in a full refresh. */
  'arrivals',
  /** A daily build adds what came in since the last build. */
  'appended',
  /** Read by itself in the next build, as `<name>_stored`: for sums over all days that grow day by day. */
  'accumulated',
] as const;

/** A table of the last build that a model reads: `<model>_stored`, empty in a full refresh, or `<model>_published`. */
export interface EarlierTable {
  name: string;
  model: string;
  of: 'stored' | 'published';
  columns: Record<string, string>;
}

export interface ModelHeader {
  purpose: string;
  /** `one row per ...` */
  grain: string;
  key: string[];
  kept: (typeof keptHow)[number];
  published: boolean;
  /** Reckoned where it is read, also where what it gives is stored at the end. */
  isView: boolean;
  /**
   * The engine joins as the statement is written, the larger side first, here and in what reads this view: its own guess of
   * sizes is wrong by orders of magnitude.
   */
  joinsAsWritten: boolean;
  /** Which rows the next build needs of a table that is not published; all where absent. */
  state?: string;
  /** What it reads of the last build. */
  reads: EarlierTable[];
  /** Its Parquet is cut by month of this column, which also tells closed days from open ones. */
  partition?: { column: string; by: 'month' };
  /** In the order of the select. */
  columns: { name: string; description: string }[];
}

export interface CheckHeader {
  purpose: string;
  /**
   * `error`: a row publishes nothing. `warn`: rows are counted in check_results. `refresh`: a row means that closed days
   * would have to move, so that a daily build becomes a full refresh.
   */
  severity: 'error' | 'warn' | 'refresh';
  /** The table that is checked. */
  model: string;
}

interface Field {
  line: number;
  text: string;
  /** The indented lines below it, without their comment signs. */
  below: { line: number; text: string }[];
}

const modelFields = [
  'purpose',
  'grain',
  'key',
  'kept',
  'published',
  'form',
  'joins',
  'partition',
  'state',
  'reads',
  'note',
  'columns',
];
const checkFields = ['purpose', 'severity', 'model', 'note'];

/**
 * Reads the header of a model.
 * @throws PercorsoError with file and line where a field is missing, unknown or wrong.
 */
export function parseModelHeader(text: string, file: string): ModelHeader {
  const fields = readFields(text, file, modelFields);
  const kept = oneOf(fields, 'kept', keptHow, file);
  const published = oneOf(fields, 'published', ['yes', 'no'] as const, file) === 'yes';
  const columns = readColumns(fields.get('columns'), file);
  if (published && columns.length === 0) {
    throw wrong(file, 1, 'a published model describes no columns', 'add `-- columns:` and one line for each column');
  }
  const key = required(fields, 'key', file)
    .text.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const partition = readPartition(fields.get('partition'), file);
  if (kept === 'incremental' && partition === undefined) {
    throw wrong(file, 1, 'an incremental model names no day', 'add `-- partition: <column> month`');
  }
  const state = fields.get('state');
  const isView = kept === 'view' || (fields.has('form') && oneOf(fields, 'form', ['view'] as const, file) === 'view');
  return {
    purpose: whole(required(fields, 'purpose', file)),
    grain: whole(required(fields, 'grain', file)),
    key,
    kept,
    published,
    isView,
    joinsAsWritten: fields.has('joins') && oneOf(fields, 'joins', ['as written'] as const, file) === 'as written',
    reads: readEarlier(fields.get('reads'), file),
    columns,
    ...(state === undefined ? {} : { state: whole(state) }),
    ...(partition === undefined ? {} : { partition }),
  };
}

/** Reads the header of a check. @throws PercorsoError with file and line. */
export function parseCheckHeader(text: string, file: string): CheckHeader {
  const fields = readFields(text, file, checkFields);
  return {
    purpose: whole(required(fields, 'purpose', file)),
    severity: oneOf(fields, 'severity', ['error', 'warn', 'refresh'] as const, file),
    model: required(fields, 'model', file).text,
  };
}

function readFields(text: string, file: string, known: readonly string[]): Map<string, Field> {
  const fields = new Map<string, Field>();
  let current: Field | undefined;
  const lines = text.split('\n');
  for (const [index, raw] of lines.entries()) {
    const comment = /^--(.*)$/.exec(raw.trimEnd());
    if (comment === null) break;
    const content = comment[1] ?? '';
    const line = index + 1;
    if (content.trim() === '') continue;
    const started = /^ ([a-z]+):\s*(.*)$/.exec(content);
    if (started === null) {
      if (current === undefined)
        throw wrong(file, line, 'the header begins without a field', 'begin with `-- purpose:`');
      current.below.push({ line, text: content });
      continue;
    }
    const name = started[1] ?? '';
    if (!known.includes(name)) {
      const near = nearest(name, known);
      const mend = near === undefined ? `the fields are ${known.join(', ')}` : `did you mean ${near}?`;
      throw wrong(file, line, `a header has no field "${name}"`, mend);
    }
    current = { line, text: (started[2] ?? '').trim(), below: [] };
    fields.set(name, current);
  }
  return fields;
}

function required(fields: ReadonlyMap<string, Field>, name: string, file: string): Field {
  const field = fields.get(name);
  if (field === undefined || field.text === '') {
    throw wrong(file, field?.line ?? 1, `the header names no ${name}`, `add \`-- ${name}: ...\``);
  }
  return field;
}

function oneOf<const Value extends string>(
  fields: ReadonlyMap<string, Field>,
  name: string,
  values: readonly Value[],
  file: string,
): Value {
  const field = required(fields, name, file);
  const value = values.find((candidate) => candidate === field.text);
  if (value === undefined) {
    throw wrong(file, field.line, `${name} is "${field.text}"`, `write one of ${values.join(', ')}`);
  }
  return value;
}

/** A field with the lines that continue it; those with a single blank before them are prose. */
function whole(field: Field): string {
  const continued = field.below.filter((line) => line.text.startsWith('  ')).map((line) => line.text.trim());
  return [field.text, ...continued].join(' ');
}

function readColumns(field: Field | undefined, file: string): { name: string; description: string }[] {
  const columns: { name: string; description: string }[] = [];
  for (const { line, text } of field?.below ?? []) {
    if (!text.startsWith('  ')) continue;
    const named = /^ {2,3}([a-z][a-z0-9_]*):\s*(.+)$/.exec(text);
    const last = columns.at(-1);
    if (named !== null) columns.push({ name: named[1] ?? '', description: named[2] ?? '' });
    else if (/^ {4,}\S/.test(text) && last !== undefined) last.description += ` ${text.trim()}`;
    else throw wrong(file, line, 'this line describes no column', 'write `--   column_name: what it holds`');
  }
  return columns;
}

const earlierTable = /([a-z][a-z0-9_]*)_(stored|published) \(([^()]*(?:\([^()]*\)[^()]*)*)\)/g;

/** `reads: touches_published (touch_date date), ...`: an empty table can be made of it where there was no build. */
function readEarlier(field: Field | undefined, file: string): EarlierTable[] {
  if (field === undefined) return [];
  const found = [...whole(field).matchAll(earlierTable)].map(([, model = '', of, list = '']): EarlierTable => {
    const columns = list.split(/,\s+/).map((column) => column.trim().split(' '));
    return {
      name: `${model}_${of}`,
      model,
      of: of === 'stored' ? 'stored' : 'published',
      columns: Object.fromEntries(columns.map(([name = '', type = '']) => [name, type])),
    };
  });
  if (found.length === 0) {
    throw wrong(
      file,
      field.line,
      `"${field.text}" is no table of an earlier build`,
      'write `name_stored (column type, ...)`',
    );
  }
  return found;
}

function readPartition(field: Field | undefined, file: string): { column: string; by: 'month' } | undefined {
  if (field === undefined) return undefined;
  const match = /^([a-z][a-z0-9_]*) month$/.exec(field.text);
  if (match === null)
    throw wrong(file, field.line, `partition is "${field.text}"`, 'write `-- partition: a_date month`');
  return { column: match[1] ?? '', by: 'month' };
}

function wrong(file: string, line: number, message: string, mend: string): PercorsoError {
  return new PercorsoError(`${file}, line ${line}: ${message}`, { mend });
}
