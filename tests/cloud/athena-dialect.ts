import { splitAt } from './athena-text.ts';

/** What a statement of Athena comes to: statements of Trino, or calls of the catalogue for which Trino has no word. */
export type Translated =
  | { kind: 'select' | 'utility'; sql: string }
  | { kind: 'iceberg-ctas' | 'view'; sql: string; select: string }
  | { kind: 'unload'; location: string; select: string; properties: Map<string, string> }
  | {
      kind: 'external-table';
      table: string;
      columns: [string, string][];
      partitions: [string, string][];
      format: 'json' | 'parquet';
      location: string;
    }
  | { kind: 'partitions'; table: string; partitions: { values: string[]; location: string }[] }
  | { kind: 'create-database'; name: string; location: string | undefined }
  | { kind: 'drop-database'; name: string }
  | { kind: 'drop-table'; table: string };

/** A statement that Athena refuses. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const icebergOnly = new Set(['table_type', 'is_external', 'write_compression']);
const name = '(?:`([^`]+)`|"([^"]+)"|([\\w.]+))';
const named = (match: RegExpExecArray, from: number) => match[from] ?? match[from + 1] ?? match[from + 2] ?? '';
const unquoted = (text: string | undefined) => text?.trim().replace(/^'|'$/g, '');

function properties(body: string): Map<string, string> {
  return new Map(
    splitAt(body).map((property) => {
      const [, key = '', value = ''] = /^'?(\w+)'?\s*=\s*([\s\S]+)$/.exec(property) ?? [];
      if (key === '') throw new Refusal('SYNTAX_ERROR', `no property: ${property}`);
      return [key.toLowerCase(), value.trim()];
    }),
  );
}

const statement = (pattern: string) => new RegExp(`^${pattern}`, 'i');

/** Translates what Athena and Trino say differently; all else goes through as it is. @throws Refusal as Athena would. */
export function translate(raw: string): Translated {
  const text = raw.replace(/^(\s|--[^\n]*\n)+/, '').trimEnd();
  let found = statement(`create\\s+table\\s+${name}\\s*with\\s*(?=\\()`).exec(text);
  if (found !== null) {
    const { inside, after } = bracket(text, found[0].length);
    const given = properties(inside);
    if (unquoted(given.get('table_type'))?.toLowerCase() !== 'iceberg') {
      throw new Refusal('NOT_SUPPORTED', 'here only Iceberg tables are made of a select');
    }
    if (!given.has('location'))
      throw new Refusal('INVALID_TABLE_PROPERTY', 'Location must be specified for Iceberg CTAS');
    if (given.get('is_external') !== 'false') {
      throw new Refusal('INVALID_TABLE_PROPERTY', 'is_external must be false for Iceberg CTAS');
    }
    const kept = [...given].filter(([key]) => !icebergOnly.has(key)).map(([key, value]) => `${key} = ${value}`);
    const select = after.replace(/^\s*as\s/i, '');
    const table = named(found, 1);
    if (table !== table.toLowerCase()) throw new Refusal('SYNTAX_ERROR', `${table}: names of tables are in lower case`);
    return { kind: 'iceberg-ctas', sql: `create table "${table}" with (${kept.join(', ')}) as\n${select}`, select };
  }
  found = statement('unload\\s*(?=\\()').exec(text);
  if (found !== null) {
    const { inside: select, after } = bracket(text, found[0].length);
    const to = /^\s*to\s+'([^']+)'\s*with\s*(?=\()/i.exec(after);
    if (to?.[1] === undefined) throw new Refusal('SYNTAX_ERROR', "expecting to '...' with (...)");
    const given = properties(bracket(after, to[0].length).inside);
    for (const key of given.keys()) {
      if (!['format', 'compression', 'partitioned_by'].includes(key))
        throw new Refusal('SYNTAX_ERROR', `unknown property ${key}`);
    }
    return { kind: 'unload', select, location: to[1].replace(/\/?$/, '/'), properties: given };
  }
  found = statement(`create\\s+external\\s+table\\s+${name}\\s*(?=\\()`).exec(text);
  if (found !== null) {
    const { inside, after } = bracket(text, found[0].length);
    const by = /^\s*partitioned\s+by\s*(?=\()/i.exec(after);
    const partitions = by === null ? '' : bracket(after, by[0].length).inside;
    const location = /\slocation\s+'([^']+)'/i.exec(after)?.[1];
    if (location === undefined) throw new Refusal('SYNTAX_ERROR', 'an external table has a location');
    return {
      kind: 'external-table',
      table: named(found, 1),
      columns: columnsOf(inside),
      partitions: columnsOf(partitions),
      format: /stored\s+as\s+parquet/i.test(after) ? 'parquet' : 'json',
      location,
    };
  }
  found = statement(`alter\\s+table\\s+${name}\\s+add\\s+if\\s+not\\s+exists\\s`).exec(text);
  if (found !== null) {
    const partitions = [
      ...text.slice(found[0].length).matchAll(/partition\s*\(`\w+`\s*=\s*'([^']*)'\)\s*location\s*'([^']+)'/gi),
    ];
    return {
      kind: 'partitions',
      table: named(found, 1),
      partitions: partitions.map(([, value = '', location = '']) => ({ values: [value], location })),
    };
  }
  found = statement(`create\\s+database\\s+if\\s+not\\s+exists\\s+${name}(?:\\s+location\\s+'([^']+)')?$`).exec(text);
  if (found !== null) return { kind: 'create-database', name: named(found, 1), location: found[4] };
  found = statement(`drop\\s+database\\s+if\\s+exists\\s+${name}\\s+cascade$`).exec(text);
  if (found !== null) return { kind: 'drop-database', name: named(found, 1) };
  found = statement(`drop\\s+table\\s+if\\s+exists\\s+${name}$`).exec(text);
  if (found !== null) return { kind: 'drop-table', table: named(found, 1) };
  const plain = text.replace(/`/g, '"');
  found = statement(`create\\s+(?:or\\s+replace\\s+)?view\\s+${name}\\s+as\\s`).exec(plain);
  if (found !== null) return { kind: 'view', sql: plain, select: plain.slice(found[0].length) };
  if (/^(alter|msck|create\s+table)\b/i.test(text))
    throw new Refusal('NOT_SUPPORTED', `here is no ${text.slice(0, 60)}`);
  return { kind: /^(select|with|values)\b/i.test(text) ? 'select' : 'utility', sql: plain };
}

function columnsOf(body: string): [string, string][] {
  return splitAt(body).map((column) => {
    const [, quoted = '', type = ''] = /^`([^`]+)`\s+([\s\S]+)$/.exec(column) ?? [];
    return [quoted, type.trim()];
  });
}

/** What stands in the bracket that opens at a place, and what comes after it. Quotes and comments are passed over. */
function bracket(text: string, at: number): { inside: string; after: string } {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const letter = text[i] ?? '';
    if (`'"\``.includes(letter)) i = text.indexOf(letter, i + 1);
    else if (text.startsWith('--', i)) i = text.indexOf('\n', i);
    else if (text.startsWith('/*', i)) i = text.indexOf('*/', i) + 1;
    else if (letter === '(') depth += 1;
    else if (letter === ')') {
      depth -= 1;
      if (depth === 0) return { inside: text.slice(at + 1, i), after: text.slice(i + 1) };
    }
    if (i < at) break;
  }
  throw new Refusal('SYNTAX_ERROR', 'a bracket is not closed');
}
