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

/** The column that tells folders of a table of files apart. */
export const folderColumn = 'folder_';

/** How an engine makes and files tables. */
export interface LakeDialect {
  /** An Iceberg table of a select, below `location`. */
  createTable(name: string, select: string, location: string): string;
  createView(name: string, select: string): string;
  /** Statements, in order, that let `name` read files. JSON columns are read as text; see `readFiles`. */
  createFileTable(name: string, table: FileTable): string[];
  /** Statements, in order, that write a select as Parquet below an empty folder, in folders by `partition` where one is named. */
  unload(select: string, location: string, partition?: string): string[];
  drop(kind: 'table' | 'view' | 'files', name: string): string;
  createDatabase(name: string, location: string): string;
  dropDatabase(name: string): string;
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
    return [`unload (\n${select}\n)\nto ${quoteText(location)}\nwith (format = 'PARQUET', compression = 'ZSTD'${by})`];
  },
  drop: (kind, name) =>
    kind === 'view' ? `drop view if exists ${quoteName(name)}` : `drop table if exists \`${name}\``,
  createDatabase: (name, location) => `create database if not exists \`${name}\` location ${quoteText(location)}`,
  dropDatabase: (name) => `drop database if exists \`${name}\` cascade`,
  filesName: quoteName,
};

/**
 * Trino with an Iceberg catalogue for tables and a Hive catalogue for files, both over the same objects.
 * @param files the Hive catalogue and the schema in it: `hive.percorso`.
 */
export function trinoDialect(files: string): LakeDialect {
  const [catalog = ''] = files.split('.');
  const filesName = (name: string) => `${files}.${quoteName(name)}`;
  return {
    createTable: (name, select, location) =>
      `create table ${quoteName(name)}\nwith (location = ${quoteText(location)}, format = 'PARQUET')\nas\n${select}`,
    createView: (name, select) => `create or replace view ${quoteName(name)} as\n${select}`,
    createFileTable(name, { format, columns, folders }) {
      const declared = columns.map(
        // Hive's instants have three digits and no zone.
        (column) =>
          `${quoteName(column.name)} ${trinoType(fileType(format, column.type)).replace(/timestamp\(6\)( with time zone)?/g, 'timestamp(3)')}`,
      );
      const location = folders[0]?.location ?? '';
      const properties = `format = '${format === 'json' ? 'OPENX_JSON' : 'PARQUET'}', external_location = ${quoteText(location)}, partitioned_by = array['${folderColumn}']`;
      const create = `create table ${filesName(name)} (${declared.join(', ')}, ${folderColumn} varchar)\nwith (${properties})`;
      const add = folders.map(
        (folder) =>
          `call ${catalog}.system.register_partition(schema_name => ${quoteText(files.slice(catalog.length + 1))}, table_name => ${quoteText(name)}, partition_columns => array['${folderColumn}'], partition_values => array[${quoteText(folder.partition)}], location => ${quoteText(folder.location)})`,
      );
      return [create, ...add];
    },
    unload(select, location, partition) {
      const name = filesName(`unload_${location.replaceAll(/[^a-z0-9]+/gi, '_')}`);
      const by = partition === undefined ? '' : `, partitioned_by = array['${partition}']`;
      return [
        `create table ${name}\nwith (external_location = ${quoteText(location)}, format = 'PARQUET'${by})\nas\n${select}`,
        // The files stay where they are.
        `drop table ${name}`,
      ];
    },
    drop: (kind, name) =>
      kind === 'view'
        ? `drop view if exists ${quoteName(name)}`
        : `drop table if exists ${kind === 'files' ? filesName(name) : quoteName(name)}`,
    createDatabase: (name, location) =>
      `create schema if not exists ${quoteName(name)} with (location = ${quoteText(location)})`,
    dropDatabase: (name) => `drop schema if exists ${quoteName(name)} cascade`,
    filesName,
  };
}
