import { PercorsoError } from '#core/errors';

/** A column's type, taken apart: a single value, a list, or fields with names. */
export type ColumnType =
  | { kind: 'single'; name: string }
  | { kind: 'list'; of: ColumnType }
  | { kind: 'fields'; fields: { name: string; type: ColumnType }[] };

/**
 * Reads a type as the tables of a build have it: `varchar`, `decimal(18,2)`, `struct(a varchar, b boolean)`, `bigint[]`; also
 * as Trino writes it: `array(varchar)`, `row(a varchar)`, `timestamp(6) with time zone`.
 * @throws PercorsoError where the text is no type.
 */
export function readType(text: string): ColumnType {
  const type = text.trim().toLowerCase();
  if (type.endsWith('[]')) return { kind: 'list', of: readType(type.slice(0, -2)) };
  const list = /^array\((.+)\)$/s.exec(type)?.[1];
  if (list !== undefined) return { kind: 'list', of: readType(list) };
  const fields = /^(?:struct|row)\((.+)\)$/s.exec(type)?.[1];
  if (fields !== undefined) {
    return {
      kind: 'fields',
      fields: splitOutside(fields).map((field) => {
        const [, quoted, plain, of] = /^(?:"([^"]+)"|(\S+))\s+(.+)$/s.exec(field) ?? [];
        const name = quoted ?? plain;
        if (name === undefined || of === undefined) throw unreadable(text);
        return { name, type: readType(of) };
      }),
    };
  }
  if (/^timestamp(\(\d+\))? with time zone$/.test(type)) return { kind: 'single', name: 'timestamptz' };
  if (/^timestamp\(\d+\)$/.test(type)) return { kind: 'single', name: 'timestamp' };
  if (/^(varchar|char)\(\d+\)$/.test(type)) return { kind: 'single', name: 'varchar' };
  const single = type.replaceAll(' ', '');
  if (!/^[a-z]+(\(\d+(,\d+)?\))?$/.test(single)) throw unreadable(text);
  return { kind: 'single', name: single };
}

function unreadable(text: string): PercorsoError {
  return new PercorsoError(`"${text}" is no type of a column`, {
    mend: 'cast to varchar, bigint, double, boolean, date, an instant, a decimal, or lists and structs of these',
  });
}

/** Parts between commas that no bracket encloses. */
function splitOutside(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (const [at, letter] of [...text].entries()) {
    if (letter === '(') depth += 1;
    else if (letter === ')') depth -= 1;
    else if (letter === ',' && depth === 0) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  parts.push(text.slice(from).trim());
  return parts;
}

/** One form of a type: what both engines' names of it come to. */
export function plainType(type: ColumnType): string {
  if (type.kind === 'list') return `${plainType(type.of)}[]`;
  if (type.kind === 'single') return type.name;
  return `struct(${type.fields.map((field) => `${field.name} ${plainType(field.type)}`).join(', ')})`;
}

/** As Trino and Athena write it in a query; instants with six digits, since Iceberg keeps no other. */
export function trinoType(type: ColumnType): string {
  if (type.kind === 'list') return `array(${trinoType(type.of)})`;
  if (type.kind === 'fields') {
    return `row(${type.fields.map((field) => `"${field.name}" ${trinoType(field.type)}`).join(', ')})`;
  }
  if (type.name === 'timestamptz') return 'timestamp(6) with time zone';
  return type.name === 'timestamp' ? 'timestamp(6)' : type.name;
}

/** As Hive writes it, whose words stand in `create external table`. It knows no instant with a zone: they stand in UTC. */
export function hiveType(type: ColumnType): string {
  if (type.kind === 'list') return `array<${hiveType(type.of)}>`;
  if (type.kind === 'fields') {
    return `struct<${type.fields.map((field) => `${field.name}:${hiveType(field.type)}`).join(',')}>`;
  }
  if (type.name === 'varchar') return 'string';
  return type.name === 'timestamptz' ? 'timestamp' : type.name;
}

/** Whether an instant is in it, with or without a zone. */
export function hasInstant(type: ColumnType): boolean {
  if (type.kind === 'list') return hasInstant(type.of);
  if (type.kind === 'fields') return type.fields.some((field) => hasInstant(field.type));
  return type.name.startsWith('timestamp');
}
