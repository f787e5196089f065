/** What the pipeline asks of the world. One contract suite (tests/contract) runs on every adapter of each port. */

/** Objects by key, as in S3: keys are `/`-separated, have no leading slash, and an object is whole or absent, never half. */
export interface Store {
  /** Writes an object whole and durably (it survives a power cut once this resolves). Replaces what stood there. */
  put(key: string, body: Uint8Array | string): Promise<void>;
  /** As `put`, but leaves an object that is already there as it is. Resolves to whether it wrote. */
  putIfAbsent(key: string, body: Uint8Array | string): Promise<boolean>;
  /** The object's bytes, or undefined where there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** The keys that begin with a prefix, in ascending byte order. Files that are still being written are not among them. */
  list(prefix: string): Promise<string[]>;
  /** Removes an object; a missing one is no error. */
  remove(key: string): Promise<void>;
  /** How a SQL engine addresses the object: an absolute path or an `s3://` address. */
  locate(key: string): string;
}

/** A durable queue between the door and the lake. At least once: a message may be delivered again until it is removed. */
export interface Queue {
  /** Resolves once the messages are on disk (or acknowledged by the service), so that the door may answer. */
  send(messages: readonly Uint8Array[]): Promise<void>;
  /** Up to `max` messages, oldest first as far as the service keeps an order. */
  receive(max: number): Promise<{ id: string; body: Uint8Array }[]>;
  /** Takes delivered messages out of the queue. */
  remove(ids: readonly string[]): Promise<void>;
}

/** The company's secrets, by the names that the configuration gives them. */
export interface Secrets {
  /** As they are now: whoever keeps them decides for how long. */
  read(): Promise<Record<string, string>>;
}

/** The present instant. Comes in as an argument so that tests can set it. */
export type Clock = () => Date;

export type SqlValue = string | number | bigint | boolean | null;

/** A column as the process holds it. A double of a `bigint` column is a whole number. */
export type ColumnValues =
  | { name: string; type: 'varchar' | 'date'; values: readonly string[] }
  | { name: string; type: 'bigint'; values: Float64Array | BigInt64Array }
  | { name: string; type: 'double'; values: Float64Array };

/** What an engine may be told of a statement; it changes the time that it takes, never its rows. */
export interface StatementHints {
  /** Join in the order in which the statement is written, and hold the right side in memory. */
  joinsAsWritten?: boolean;
}

/** One SQL engine that speaks our Trino subset. Tables are named as the models name them. */
export interface Warehouse {
  /** Runs one statement. */
  run(sql: string): Promise<void>;
  /** Rows of one query; money and 64-bit integers come as text so that nothing is rounded, instants as ISO text in UTC. */
  query(sql: string): Promise<Record<string, SqlValue>[]>;
  /**
   * The named columns of one query, whole, as doubles and in its order; null as NaN. For what is reckoned on many rows: whole numbers
   * beyond 2^53 would lose digits here.
   */
  queryNumbers<Name extends string>(sql: string, columns: readonly Name[]): Promise<Record<Name, Float64Array>>;
  /** Makes (or replaces) a table of a select; resolves to its rows where the engine tells them. */
  createTable(name: string, select: string, hints?: StatementHints): Promise<number | undefined>;
  /** Names a select, so that it is read as a table is; an engine may also make a table of it. */
  createView(name: string, select: string): Promise<void>;
  /** Makes a table, or a view, which parses them each time that it is read, from JSON Lines files (none gives an empty table) with named and typed columns. */
  createTableFromJsonLines(
    name: string,
    columns: Record<string, string>,
    locations: readonly string[],
    /** One column more, which says from which location a row came, without its first `skip` characters. */
    origin?: { column: string; skip: number },
  ): Promise<void>;
  /** A table, or view, of the rows of Parquet files that meet a condition. At least one file. */
  createTableFromParquet(
    name: string,
    columns: Record<string, string>,
    locations: readonly string[],
    where?: string,
  ): Promise<void>;
  /** Makes a table of a few rows, such as settings: handed over as data, never as SQL text. */
  createTableFromRows(
    name: string,
    columns: Record<string, string>,
    rows: readonly Record<string, SqlValue>[],
  ): Promise<void>;
  /** Makes (or replaces) a table of many rows, column by column. NaN is null. */
  createTableFromColumns(name: string, columns: readonly ColumnValues[]): Promise<void>;
  /** A table's columns in order, with types of our subset: `decimal(18,2)`, `bigint`, `timestamptz`, ... */
  columns(name: string): Promise<{ name: string; type: string }[]>;
  /**
   * Whether these columns are never null and never twice the same, where the engine can tell quickly: false also means
   * that it cannot, so that whoever asks looks again.
   */
  isKey(table: string, columns: readonly string[]): Promise<boolean>;
  /** Drops a table or view if it is there. */
  dropTable(name: string): Promise<void>;
  /** Writes a select as Parquet: one file at the location, or files below it where the engine writes several; resolves to its rows. */
  unload(select: string, location: string, hints?: StatementHints): Promise<number>;
  close(): Promise<void>;
}

/** An engine whose build runs in this process, statement after statement. */
export interface FilingWarehouse extends Warehouse {
  /**
   * Writes a select as one Parquet file for each month of a day or an instant (in UTC), in one pass over it; rows without one
   * go to the part `none`. Resolves to what was written, by month.
   * @param locate where the file of a part goes: parts are `2026-03`, or `none`.
   */
  unloadByMonth(
    select: string,
    column: string,
    locate: (part: string) => string,
    hints?: StatementHints,
  ): Promise<{ part: string; rows: number }[]>;
}

/** A value's column and its type, in our names of types. */
export interface TypedColumn {
  name: string;
  type: string;
}

/**
 * Published tables by name: where the files of one lie, with those columns of instants that an engine may have filed without
 * a zone, in UTC; or the select of a view over others.
 */
export type MartTables = Readonly<
  Record<string, readonly string[] | { files: readonly string[]; instants: readonly string[] } | { view: string }>
>;

/** Read-only SQL over published tables. Nothing else on the machine can be reached or changed through it. */
export interface MartReader {
  /**
   * Rows of one SELECT. Money comes as text so that nothing is rounded, instants as ISO text in UTC, whole numbers as
   * numbers where these hold them exactly and as text beyond.
   * @throws UsageError where it is not one SELECT, or reaches for what it may not.
   */
  query(sql: string): Promise<{ columns: TypedColumn[]; rows: SqlValue[][] }>;
  /** The same, some thousand rows at a time, for what memory need not hold whole. */
  stream(sql: string): Promise<{ columns: TypedColumn[]; batches: AsyncIterable<SqlValue[][]> }>;
  close(): void;
}

/** Sends plain-text mail. */
export interface Mailer {
  /** Resolves once the server has taken the message. */
  send(mail: { from: string; to: readonly string[]; subject: string; text: string }): Promise<void>;
}
