import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as z from 'zod';
import { runOnTrino, type TrinoAnswer } from '#adapters/trino-client';
import type { SqlValue, Warehouse } from '#core/ports';

/** Our names of types in Trino's words. */
const trinoType = (type: string) =>
  type.replace(/^struct\(/, 'row(').replace('timestamptz', 'timestamp(6) with time zone');
/** Trino's types in ours: what both engines call a column. */
export const ourType = (type: string) =>
  type
    .replace(/^timestamp\(\d\) with time zone$/, 'timestamptz')
    .replace(/^(varchar|char)\(\d+\)$/, 'varchar')
    .replaceAll(' ', '');

function literal(value: unknown, type: string): string {
  if (value === null || value === undefined) return 'null';
  if (type.startsWith('struct(')) {
    const fields = type
      .slice('struct('.length, -1)
      .split(', ')
      .map((field) => field.split(' '));
    const given = z.record(z.string(), z.unknown()).parse(value);
    const items = fields.map(([name = '', of = '']) => literal(given[name], of));
    return `cast(row(${items.join(', ')}) as ${trinoType(type)})`;
  }
  if (type === 'varchar') return `'${String(value).replaceAll("'", "''")}'`;
  if (type === 'date') return `date '${String(value)}'`;
  if (type === 'timestamptz') return `from_iso8601_timestamp('${String(value)}')`;
  if (type === 'double') return `double '${String(value)}'`;
  return type.startsWith('decimal') ? `cast('${String(value)}' as ${type})` : String(value);
}

/** The test's Warehouse on a real Trino's memory connector. Tables are dropped with the server; nothing is unloaded. */
export function createTrinoWarehouse(address: string): Warehouse & {
  rows(sql: string): Promise<TrinoAnswer>;
  /** Resolves once the server does work: one that has just started answers before its only node is known. */
  ready(): Promise<void>;
} {
  const rows = (sql: string) => runOnTrino({ url: address, catalog: 'memory', schema: 'default' }, sql);
  async function insert(name: string, columns: Record<string, string>, records: readonly Record<string, unknown>[]) {
    const typed = Object.entries(columns);
    await rows(`drop table if exists ${name}`);
    await rows(`create table ${name} (${typed.map(([column, type]) => `"${column}" ${trinoType(type)}`).join(', ')})`);
    for (let at = 0; at < records.length; at += 300) {
      const values = records
        .slice(at, at + 300)
        .map((record) => `(${typed.map(([column, type]) => literal(record[column], type)).join(', ')})`);
      await rows(`insert into ${name} values ${values.join(', ')}`);
    }
  }
  return {
    rows,
    async ready() {
      for (let tries = 0; ; tries++) {
        try {
          await rows('drop table if exists ready');
          await rows('create table ready as select 1 as one');
          return;
        } catch (error) {
          if (tries === 60) throw error;
          await new Promise((resolve) => setTimeout(resolve, 1000));
        }
      }
    },
    async run(sql) {
      await rows(sql);
    },
    async query(sql) {
      const result = await rows(sql);
      const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);
      return result.rows.map((row) => {
        const record: Record<string, SqlValue> = {};
        for (const [index, column] of result.columns.entries()) record[column.name] = value.parse(row[index] ?? null);
        return record;
      });
    },
    async createTableFromParquet() {
      throw new Error('the comparison of two engines has no earlier build');
    },
    async isKey() {
      return false;
    },
    async queryNumbers<Name extends string>(sql: string, columns: readonly Name[]) {
      // As it stands: around it Trino would forget its order.
      const { columns: given, rows: found } = await rows(sql);
      const places = new Map(given.map(({ name }, index) => [name, index]));
      const numbers: Partial<Record<Name, Float64Array>> = {};
      for (const column of columns) {
        const place = places.get(column) ?? -1;
        numbers[column] = Float64Array.from(found, (row) => (row[place] === null ? Number.NaN : Number(row[place])));
      }
      return numbers as Record<Name, Float64Array>;
    },
    async createTable(name, select) {
      await rows(`drop table if exists ${name}`);
      await rows(`create table ${name} as\n${select}`);
    },
    async createView(name, select) {
      await rows(`create or replace view ${name} as\n${select}`);
    },
    async createTableFromJsonLines(name, columns, locations, origin) {
      const records = locations.flatMap((location) => {
        const bytes = readFileSync(location);
        const text = (location.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').trim();
        return text.split('\n').map((line) => ({
          ...z.record(z.string(), z.unknown()).parse(JSON.parse(line)),
          ...(origin === undefined ? {} : { [origin.column]: location.slice(origin.skip) }),
        }));
      });
      await insert(name, { ...columns, ...(origin === undefined ? {} : { [origin.column]: 'varchar' }) }, records);
    },
    createTableFromRows: insert,
    async createTableFromColumns(name, columns) {
      const count = columns[0]?.values.length ?? 0;
      const records = Array.from({ length: count }, (_, at) =>
        Object.fromEntries(
          columns.map((column) => {
            const value = column.values[at];
            return [column.name, Number.isNaN(value) ? null : value];
          }),
        ),
      );
      await insert(name, Object.fromEntries(columns.map((column) => [column.name, column.type])), records);
    },
    async columns(name) {
      const described = await rows(`describe ${name}`);
      return described.rows.map(([column, type]) => ({ name: String(column), type: ourType(String(type)) }));
    },
    async dropTable(name) {
      await rows(`drop table if exists ${name}`);
    },
    async unload() {
      throw new Error('the memory connector unloads nothing');
    },
    async close() {},
  };
}
