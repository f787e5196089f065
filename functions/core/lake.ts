/** Objects that hold keyed hashes say by their name with which generation of the key these were made, where it is not the first. */
const ending = (generation: number) => (generation === 1 ? '' : `.k${generation}`);

/** The generation of the key with which the hashes of an object were made. */
export function generationOfObject(key: string): number {
  return Number(/\.k(\d+)\.jsonl?(?:\.gz)?$/.exec(key)?.[1] ?? 1);
}

/** What an import of a file wrote says so by its name, so that the import can be taken back, also after its objects were rewritten. */
const ofImport = (importId: string | undefined) => (importId === undefined ? '' : `.i${importId}`);

/** The import of a file that wrote an object; undefined where none did. */
export function importOfObject(key: string): string | undefined {
  return /\.i([0-9a-f]{32})(?:\.k\d+)?\.jsonl\.gz$/.exec(key)?.[1];
}

/** For how long a build may run where several machines could: after it another may take over. */
export const leaseSeconds = 6 * 3600;

/** Where things lie in a company's lake: the folder `lake/` on one machine, a bucket on AWS. Keys, not paths. */
export const lake = {
  /** Raw events by the UTC day on which they came in; the name is a hash of what the object holds, and the import that wrote it. */
  rawEvents: 'raw/events/',
  rawEvent: (receivedDay: string, contentHash: string, generation: number, importId?: string) =>
    `raw/events/${receivedDay}/${contentHash}${ofImport(importId)}${ending(generation)}.jsonl.gz`,
  rawCosts: 'raw/costs/',
  rawCost: (source: string, contentHash: string, importId?: string) =>
    `raw/costs/${source}/${contentHash}${ofImport(importId)}.jsonl.gz`,
  /** One JSON line a refused record: reason, place and the original bytes. */
  rejected: 'rejected/',
  rejectedObject: (day: string, contentHash: string, generation: number, importId?: string) =>
    `rejected/${day}/${contentHash}${ofImport(importId)}${ending(generation)}.jsonl.gz`,
  /** Addresses for later sending, encrypted, by keyed hash: what has come in, and what that came to, by the hash's first digit. */
  vault: 'vault/',
  vaultNew: 'vault/new/',
  vaultObject: (contentHash: string, generation: number) => `vault/new/${contentHash}${ending(generation)}.jsonl.gz`,
  vaultShard: (digit: string, generation: number) => `vault/kept/${digit}${ending(generation)}.jsonl.gz`,
  /** Messages too large for the queue on AWS, until they are taken out of it; gone after 16 days. */
  queued: 'queued/',
  queuedObject: (hash: string) => `queued/${hash}`,
  /** What has been imported, by the hash of the file and of its mapping. */
  imports: 'imports/',
  importRecord: (hash: string) => `imports/${hash}.json`,
  importStart: (importId: string) => `imports/started/${importId}.json`,
  /** Imports that are being taken back: no build runs over half of one. */
  importUndos: 'imports/undoing/',
  importUndo: (importId: string) => `imports/undoing/${importId}.json`,
  /** One object an erasure: when, how much, and marks by which records that come in again are known. */
  erased: 'erased/',
  erasure: (id: string, generation: number) => `erased/${id}${ending(generation)}.json`,
  /** What an erasure under way needs to go on after a kill; gone once it is done. */
  unfinishedErasure: 'erasing.json',
  /** Links between two identifiers that a person took out: one object a pair, named by the pair. */
  unlinks: 'people/unlinks/',
  unlink: (pairHash: string, generation: number) => `people/unlinks/${pairHash}${ending(generation)}.jsonl`,
  /** Which generation of the key the lake is under; absent where the key was never changed. */
  hashing: 'people/hashing.json',
  /** Published builds. `current.json` names the one that readers see. */
  builds: 'marts/builds/',
  manifest: (buildId: string) => `marts/builds/${buildId}/manifest.json`,
  table: (buildId: string, table: string, partition: string) =>
    `marts/builds/${buildId}/${table}/${partition === '' ? 'all' : partition}.parquet`,
  taken: (buildId: string) => `marts/builds/${buildId}/taken.json`,
  current: 'marts/current.json',
  /** Who may build, where several machines could: see `lease.ts`. */
  leases: 'marts/lease/',
  /** A build on AWS: its statements, what its checks found, what it writes for readers, and what each statement scanned. */
  plan: (buildId: string) => `marts/builds/${buildId}/plan.json`,
  checked: (buildId: string) => `marts/builds/${buildId}/checked.json`,
  filing: (buildId: string) => `marts/builds/${buildId}/filing.json`,
  ran: (buildId: string, batch: number) => `marts/builds/${buildId}/ran/${String(batch).padStart(4, '0')}.json`,
  /** The folder of a table's files, where an engine names the files itself. */
  tableFolder: (buildId: string, table: string) => `marts/builds/${buildId}/${table}/`,
} as const;

/** A refused record, as kept in `rejected/`. */
export interface RejectedRecord {
  rejected_at: string;
  source: string;
  /** A short kebab-case code to group by: wrong-number, missing-field, out-of-bounds, no-rate, ... */
  reason: string;
  /** The whole message, with the value. */
  message: string;
  /** Where it stood. */
  file?: string;
  line?: number;
  column?: string;
  /** What a replay needs: the mapping or connector that read it, or the HTTP route. */
  via: string;
  /** The original record, base64 of its bytes. */
  original: string;
  /** The source's id for it, where that could be read. */
  event_id?: string;
  schema_version: 1;
}

/** A table as Parquet files, each of one month or of all. */
export interface FiledTable {
  rows: number;
  columns: { name: string; type: string }[];
  files: { partition: string; key: string; rows: number }[];
  /** The table has no files: it is this select over others of the manifest. */
  view?: string | undefined;
}

/**
 * The form of a manifest and of the tables that it names. To be raised where a reader or a build of before would read them
 * wrongly; what is of a lower one is read as ever, and the next build is whole.
 */
export const manifestVersion = 1;

/** What stands in `manifest.json` of a build. Paths are keys in the lake. */
export interface Manifest {
  /** Manifests of the first versions of Percorso say none: it is 1. */
  schema_version?: number | undefined;
  build_id: string;
  built_at: string;
  as_of: string;
  company: string;
  settings_overridden: Record<string, string>;
  tables: Record<string, FiledTable>;
  /** `as_of`: the last whole day of the build that ran the check, where that is an earlier one. */
  checks: { check: string; severity: 'error' | 'warn'; failing_rows: number; as_of?: string | undefined }[];
  /** Hash of all that the build was made of; absent where `--select` made only a part. */
  made_of?: string | undefined;
  /** `daily`: made on top of an earlier build; its closed days are that one's. */
  kind?: 'full' | 'daily' | undefined;
  /** Why it was a full refresh. */
  reason?: string | undefined;
  /** What the next daily build stands on; absent where `--select` made only a part. */
  books?: Books | undefined;
}

/** What a build hands on to the next one, beside what it publishes. */
export interface Books {
  /** The first day that is still open. */
  open_from: string;
  /** When everything was last made anew. */
  refreshed_at: string;
  /** Hashes of what a daily build must find unchanged, by what a person would call it. */
  made_with: Record<string, string>;
  /** The object that lists the raw objects taken in. */
  taken: string;
  /** Tables that are not published. */
  tables: Record<string, FiledTable>;
}
