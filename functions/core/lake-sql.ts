import { type ColumnType, hiveType, readType, trinoType } from '#core/column-type';
import { PercorsoError } from '#core/errors';
import type { SqlValue, TypedColumn } from '#core/ports';
import { quoteName as quoteNameAsIs, quoteText } from '#core/sql-text';

/*
 * Statements of engines whose tables lie in a lake: Athena, and Trino itself over the same objects. A select is the same
 * on both, and on DuckDB; what makes and files a table is not.
 */

/** Longest text of a statement that Athena takes, in bytes. */
export const longestStatement = 262_144;
/** Most partitions that one statement may write. */
export const mostPartitions = 100;

/** A name as SQL. Catalogues keep names in lower case. */
export const quoteName = (name: string) => quoteNameAsIs(name.toLowerCase());

/** The folders of some addresses or keys, each once, with a slash at the end. */
export function foldersOf(addresses: readonly string[]): string[] {
  return [...new Set(addresses.map((address) => address.slice(0, address.lastIndexOf('/') + 1)))];
}

/** Files as a table reads them: all below a folder, or below one folder a partition. */
export interface FileTable {
  format: 'json' | 'parquet';
  columns: readonly TypedColumn[];
  /** Addresses that end with a slash. */
  folders: readonly { partition: string; location: string }[];
}

/** Raw objects as a table reads them: JSON Lines below an address that ends with a slash. */
export interface RawTable {
  columns: readonly TypedColumn[];
  location: string;
  /** Where the next part of their addresses is a UTC day: the column that has it, and the days that are looked for. */
  days?: { column: string; from: string; to: string };
}

/** The column that tells folders of a table of files apart. */
export const folderColumn = 'folder_';

/** How an engine makes and files tables. */
export interface LakeDialect {
  /** An Iceberg table of a select, below `location`. */
  createTable(name: string, select: string, location: string): string;
  createView(name: string, select: string): string;
  /** Statements, in order, that let `name` read files. JSON columns are read as text; see `readFiles`. */
  createFileTable(name: string, table: FileTable): string[];
  /** Lets `name` read raw objects. Absent where the raw tables are there for good, in a database of their own. */
  createRawTable?(name: string, table: RawTable): string;
  /** Writes a select as Parquet below an empty folder, in folders by `partition` where one is named. */
  unload(select: string, location: string, partition?: string): string;
  drop(kind: 'table' | 'view' | 'files', name: string): string;
  /** Statements, in order, as are those of `dropDatabase`. */
  createDatabase(name: string, location: string): string[];
  dropDatabase(name: string): string[];
  /** The name by which a table of files is read in a query. */
  filesName(name: string): string;
}

/** A select over a table of files, with the types that the files do not keep. */
export function readFiles(name: string, { format, columns }: FileTable, where?: string): string {
  const selected = columns.map((column) => {
    const type = readType(column.type);
    const quoted = quoteName(column.name);
    return `${format === 'json' ? ofText(quoted, type) : ofFile(quoted, type)} as ${quoted}`;
  });
  const select = `select ${selected.join(', ')}\nfrom ${name}`;
  return where === undefined ? select : `select * from (\n${select}\n) as files\nwhere ${where}`;
}

function ofText(quoted: string, type: ColumnType): string {
  if (type.kind !== 'single') {
    throw new PercorsoError(`${quoted} of a table of rows is a list or a struct`, {
      mend: 'hand over single values: these are written as text',
    });
  }
  if (type.name === 'varchar') return quoted;
  if (type.name === 'timestamptz') return `from_iso8601_timestamp(${quoted})`;
  return `cast(${quoted} as ${trinoType(type)})`;
}

function ofFile(quoted: string, type: ColumnType): string {
  if (type.kind === 'single' && type.name === 'timestamptz') {
    return withZone(quoted);
  }
  return quoted;
}

/** An instant of a column that has it in UTC without a zone. */
export const withZone = (quoted: string) => `with_timezone(${quoted}, 'UTC')`;

/** A row as a line of JSON whose values are all text, which every reader of JSON takes as it is. */
export function textLine(row: Readonly<Record<string, SqlValue | undefined>>): string {
  const texts = Object.entries(row).map(([name, value]) => [
    name.toLowerCase(),
    value === null || value === undefined ? null : String(value),
  ]);
  return JSON.stringify(Object.fromEntries(texts));
}

/** Types of a table of files in the catalogue: JSON is read as text where rows of ours are, see `textLine`. */
const fileType = (format: FileTable['format'], type: string): ColumnType =>
  format === 'json' && readType(type).kind === 'single' ? { kind: 'single', name: 'varchar' } : readType(type);

export function parts<Item>(all: readonly Item[], most: number): Item[][] {
  const cut: Item[][] = [];
  for (let at = 0; at < all.length; at += most) cut.push(all.slice(at, at + most));
  return cut;
}

/** Athena, engine version 3. Its `create external table` and `alter table` speak Hive's words, with backticks. */
export const athenaDialect: LakeDialect = {
  createTable(name, select, location) {
    const properties = `table_type = 'ICEBERG', is_external = false, location = ${quoteText(location)}, format = 'PARQUET'`;
    return `create table ${quoteName(name)}\nwith (${properties})\nas\n${select}`;
  },
  createView: (name, select) => `create or replace view ${quoteName(name)} as\n${select}`,
  createFileTable(name, { format, columns, folders }) {
    const declared = columns.map(
      (column) => `\`${column.name.toLowerCase()}\` ${hiveType(fileType(format, column.type))}`,
    );
    const as = format === 'json' ? "row format serde 'org.openx.data.jsonserde.JsonSerDe'" : 'stored as parquet';
    const location = folders[0]?.location ?? '';
    const create = `create external table \`${name}\` (${declared.join(', ')})\npartitioned by (\`${folderColumn}\` string)\n${as}\nlocation ${quoteText(location)}`;
    const add = parts(folders, mostPartitions).map(
      (some) =>
        `alter table \`${name}\` add if not exists\n${some.map((folder) => `partition (\`${folderColumn}\` = ${quoteText(folder.partition)}) location ${quoteText(folder.location)}`).join('\n')}`,
    );
    return [create, ...add];
  },
  unload(select, location, partition) {
    const by = partition === undefined ? '' : `, partitioned_by = array['${partition}']`;
    return `unload (\n${select}\n)\nto ${quoteText(location)}\nwith (format = 'PARQUET', compression = 'ZSTD'${by})`;
  },
  drop: (kind, name) =>
    kind === 'view' ? `drop view if exists ${quoteName(name)}` : `drop table if exists \`${name}\``,
  createDatabase: (name, location) => [`create database if not exists \`${name}\` location ${quoteText(location)}`],
  dropDatabase: (name) => [`drop database if exists \`${name}\` cascade`],
  filesName: quoteName,
};

/** Trino projects no range of a single day. */
const dayAfter = (day: string) => new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);

/**
 * Trino with an Iceberg catalogue for tables and a Hive catalogue for files, both over the same objects. Whether the two share
 * a metastore is all one: files have a schema of their own, which comes and goes with the database.
 * @param files the Hive catalogue and the schema in it: `hive.percorso`.
 */
export function trinoDialect(files: string): LakeDialect {
  const [catalog = ''] = files.split('.');
  const schema = files.slice(catalog.length + 1);
  const filesSchema = `${quoteName(catalog)}.${quoteName(schema)}`;
  const filesName = (name: string) => `${filesSchema}.${quoteName(name)}`;
  const declare = ({ name, type }: TypedColumn, format: FileTable['format'] | 'raw') => {
    const of = format === 'raw' ? readType(type) : fileType(format, type);
    // Hive's instants have three digits and no zone.
    return `${quoteName(name)} ${trinoType(of).replace(/timestamp\(6\)( with time zone)?/g, 'timestamp(3)')}`;
  };
  return {
    createTable: (name, select, location) =>
      `create table ${quoteName(name)}\nwith (location = ${quoteText(location)}, format = 'PARQUET')\nas\n${select}`,
    createView: (name, select) => `create or replace view ${quoteName(name)} as\n${select}`,
    createFileTable(name, { format, columns, folders }) {
      const declared = columns.map((column) => declare(column, format));
      const location = folders[0]?.location ?? '';
      const properties = `format = '${format === 'json' ? 'OPENX_JSON' : 'PARQUET'}', external_location = ${quoteText(location)}, partitioned_by = array['${folderColumn}']`;
      const create = `create table ${filesName(name)} (${declared.join(', ')}, ${folderColumn} varchar)\nwith (${properties})`;
      const add = folders.map(
        (folder) =>
          `call ${quoteName(catalog)}.system.register_partition(schema_name => ${quoteText(schema)}, table_name => ${quoteText(name.toLowerCase())}, partition_columns => array['${folderColumn}'], partition_values => array[${quoteText(folder.partition)}], location => ${quoteText(folder.location)})`,
      );
      return [create, ...add];
    },
    createRawTable(name, { columns, location, days }) {
      const declared = columns.map((column) => declare(column, 'raw'));
      const properties = [`format = 'OPENX_JSON'`, `external_location = ${quoteText(location)}`];
      if (days !== undefined) {
        const { column, from, to } = days;
        // No partition is registered: a query that names its days lists those alone.
        declared.push(
          `${quoteName(column)} varchar with (partition_projection_type = 'DATE', partition_projection_format = 'yyyy-MM-dd', partition_projection_range = array[${quoteText(from)}, ${quoteText(dayAfter(to))}], partition_projection_interval = 1, partition_projection_interval_unit = 'DAYS')`,
        );
        properties.push(
          `partitioned_by = array[${quoteText(column)}]`,
          'partition_projection_enabled = true',
          `partition_projection_location_template = ${quoteText(`${location}\${${column}}/`)}`,
        );
      }
      return `create table ${filesName(name)} (${declared.join(', ')})\nwith (${properties.join(', ')})`;
    },
    unload(select, location, partition) {
      // Dropped with its schema, the table leaves its files where they are. Metastores keep no long names.
      const name = filesName(
        `unload_${location
          .split('/')
          .slice(-3, -1)
          .join('_')
          .replaceAll(/[^a-z0-9]+/gi, '_')}`,
      );
      const by = partition === undefined ? '' : `, partitioned_by = array['${partition}']`;
      return `create table ${name}\nwith (external_location = ${quoteText(location)}, format = 'PARQUET'${by})\nas\n${select}`;
    },
    drop: (kind, name) =>
      kind === 'view'
        ? `drop view if exists ${quoteName(name)}`
        : `drop table if exists ${kind === 'files' ? filesName(name) : quoteName(name)}`,
    // Each table says where it lies, so that a schema needs no place: not every metastore takes one.
    createDatabase: (name) => [
      `create schema if not exists ${quoteName(name)}`,
      `create schema if not exists ${filesSchema}`,
    ],
    dropDatabase: (name) => [
      `drop schema if exists ${filesSchema} cascade`,
      `drop schema if exists ${quoteName(name)} cascade`,
    ],
    filesName,
  };
}
