import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { joinedRows } from '#connectors/table-export';
import type { StoredCost } from '#core/cost';
import { type PercorsoError, RefusedError, UsageError } from '#core/errors';
import type { StoredEvent } from '#core/event';
import { createRateCheck } from '#core/fx-rates';
import type { IdentifierKey } from '#core/identifier-key';
import { createIdentifiers, type Identifiers } from '#core/identifiers';
import type { Clock } from '#core/ports';
import type { Problem, SourceRow } from '#core/row-reading';
import { asOfImport, type VaultEntry } from '#core/vault';
import { type Admitter, createAdmitter } from '#pipeline/arrivals/admit';
import { type RejectedRow, rejectedRow } from '#pipeline/arrivals/rejected-row';
import { createRawWriter } from '#pipeline/arrivals/store';
import type { Company } from '#pipeline/company/company';
import { createCostSets, supersededDays } from '#pipeline/imports/cost-sets';
import { type FileContent, fileContents, pathKind } from '#pipeline/imports/file-bytes';
import { createImportLedger, importIdOf, isSettledBy } from '#pipeline/imports/import-ledger';
import { type FileReading, findReading, namedConnector, type ReadingRequest } from '#pipeline/imports/import-reading';
import { companyMappings, namedMapping } from '#pipeline/imports/mapping';
import { createOrdinals } from '#pipeline/imports/ordinals';
import { type FileRow, readRows } from '#pipeline/imports/table-file';

/** What of a company an import needs. */
export type ImportCompany = Pick<Company, 'config' | 'lists' | 'lake' | 'identifierKey' | 'sealAddress'> & {
  paths: Pick<Company['paths'], 'mappings'>;
};

export interface ImportOptions {
  /** Where names of files and of a mapping begin. */
  cwd: string;
  /** A mapping by path or by its name in mappings/. */
  mapping?: string | undefined;
  /** The source's name, in place of the mapping's or the connector's. */
  source?: string | undefined;
  /** The connector to read the files by, whatever their header looks like. */
  as?: string | undefined;
  /** Of money in reports that name no currency. */
  currency?: string | undefined;
  /** Takes files that were imported before once more, as the newest word on their costs. */
  again?: boolean | undefined;
  now?: Clock;
  /** Called every few thousand rows. */
  onProgress?: (file: string, rows: number) => void;
}

/** What became of one file. */
export interface FileSummary {
  file: string;
  /** Where the file lies; several contents of one zip have one path. */
  path?: string;
  /** `mapping:till.yaml`, `connector:google-ads` or `canonical`; '' where the file was refused before. */
  via: string;
  /** By what it was read, in words. */
  says: string;
  rows: number;
  events: number;
  costs: number;
  rejected: number;
  /** The first three refusals, in words, without personal data. */
  reasons: string[];
  /** Rows that the mapping's `where` or `when`, or the report's totals, leave out. */
  leftOut: number;
  /** The same content was imported before, the same way: nothing was done. */
  alreadyThere: boolean;
  /** What a person should know: how it was read, where it was cut off, spend that shrank. */
  notes: string[];
  /** Why the whole file was refused. */
  refused?: { message: string; mend: string | undefined };
}

export interface ImportResult {
  files: FileSummary[];
  /** Something failed: a file was refused whole, or not one row of it could be taken. */
  hasFailed: boolean;
}

/**
 * Takes files into the lake. The same file again changes nothing; a killed import is begun again to the same end; two at
 * once do not double anything. A bad row is rejected alone; a file that cannot be taken is refused, and the others go on.
 * @throws UsageError where a path, a mapping or a connector is not there. RefusedError where a mapping is wrong.
 */
export async function importFiles(
  company: ImportCompany,
  paths: readonly string[],
  options: ImportOptions,
): Promise<ImportResult> {
  const { config, lists } = company;
  const now = options.now ?? (() => new Date());
  const files = await filesOf(paths, options.cwd);
  const request: ReadingRequest = {
    mapping:
      options.mapping === undefined
        ? undefined
        : await namedMapping(options.mapping, options.cwd, company.paths.mappings),
    mappings:
      options.mapping === undefined && options.as === undefined ? await companyMappings(company.paths.mappings) : [],
    connector: options.as === undefined ? undefined : namedConnector(options.as),
    source: options.source,
    currency: options.currency,
    company: config,
  };
  const identifierKey = await company.identifierKey();
  let receivedAt = now();
  const admitter = createAdmitter({
    config,
    identifierKey,
    sealAddress: await company.sealAddress(),
    trust: 'file',
    receivedAt: () => receivedAt,
    hasRate: createRateCheck(config.currency, lists.fxRates),
  });
  const context: ImportContext = {
    company,
    request,
    now: increasing(now),
    identifierKey,
    identifiers: createIdentifiers(identifierKey, config.country),
    admitterAt(at) {
      receivedAt = at;
      return admitter;
    },
    settingsHash: hashOf([config.timeZone, config.currency, config.country, config.bounds]),
    ratesHash: hashOf(lists.fxRates),
    again: options.again ?? false,
    onProgress: options.onProgress ?? (() => {}),
  };
  const summaries: FileSummary[] = [];
  for (const path of files) {
    for (const content of await contentsOf(path, summaries))
      summaries.push({ ...(await importFile(content, context)), path });
  }
  const hasFailed = summaries.some(
    (file) => file.refused !== undefined || (file.rejected > 0 && file.events + file.costs === 0 && !file.alreadyThere),
  );
  return { files: summaries, hasFailed };
}

interface ImportContext {
  company: ImportCompany;
  request: ReadingRequest;
  now: Clock;
  identifierKey: IdentifierKey;
  /** One of each for all files: what they remember of hashes and devices is costly to set up, and holds for the next file. */
  identifiers: Identifiers;
  admitterAt(receivedAt: Date): Admitter;
  settingsHash: string;
  ratesHash: string;
  again: boolean;
  onProgress: (file: string, rows: number) => void;
}

const hashOf = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);

/** Of two cost files for one day the later one stands, so no two imports of a run may carry the same time. */
function increasing(now: Clock): Clock {
  let last = 0;
  return () => {
    last = Math.max(last + 1, now().getTime());
    return new Date(last);
  };
}

async function filesOf(paths: readonly string[], cwd: string): Promise<string[]> {
  const files: string[] = [];
  for (const given of paths) {
    const path = resolve(cwd, given);
    const kind = await pathKind(path);
    if (kind === 'none') throw new UsageError(`no file ${given}`, { mend: 'check the name and the folder' });
    if (kind === 'file') files.push(path);
    else {
      const entries = await readdir(path, { recursive: true, withFileTypes: true });
      const within = entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => join(entry.parentPath, entry.name));
      files.push(...within.sort());
    }
  }
  return [...new Set(files)];
}

async function contentsOf(path: string, summaries: FileSummary[]): Promise<FileContent[]> {
  try {
    return await fileContents(path);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    summaries.push({ ...refusedSummary(basename(path), error), path });
    return [];
  }
}

function emptySummary(file: string): FileSummary {
  const counts = { rows: 0, events: 0, costs: 0, rejected: 0, leftOut: 0 };
  return { file, via: '', says: '', ...counts, reasons: [], alreadyThere: false, notes: [] };
}

function refusedSummary(file: string, error: PercorsoError): FileSummary {
  return { ...emptySummary(file), refused: { message: error.message, mend: error.mend } };
}

async function importFile(content: FileContent, context: ImportContext): Promise<FileSummary> {
  try {
    const reading = await findReading(content, context.request);
    if (reading.onCut === 'refuse') await refuseCut(reading);
    return await importRows(content.name, reading, context);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return refusedSummary(content.name, error);
  }
}

async function importRows(file: string, reading: FileReading, context: ImportContext): Promise<FileSummary> {
  const { lake } = context.company;
  const summary: FileSummary = {
    ...emptySummary(file),
    via: reading.via,
    says: reading.says,
    notes: [...reading.notes],
  };
  const contentHash = reading.table.examined.contentHash;
  const viaHash = hashOf(reading.viaHash);
  const { settingsHash, ratesHash } = context;
  const identity = { contentHash, viaHash, settingsHash, ratesHash };
  const ledger = createImportLedger(lake);
  const before = await ledger.finished(contentHash);
  const standing = before.filter(({ undone_at }) => undone_at === undefined);
  const same = standing.find((record) => isSettledBy(record, identity));
  // A set of costs is what one import says: taken again, the file is another import, and the newest.
  const importId = importIdOf(context.again ? { ...identity, ratesHash: `${ratesHash} ${before.length}` } : identity);
  await ledger.requireWhole(same !== undefined && !context.again ? same.import_id : importId);
  if (same !== undefined && !context.again) {
    const then =
      same.rejected > 0 ? `; the ${same.rejected} rows rejected then wait for \`percorso rejected replay\`` : '';
    summary.notes = [`imported on ${same.finished_at.slice(0, 10)} as ${same.file}: nothing new${then}`];
    const superseded = same.costs === 0 ? 0 : await supersededDays(lake, same.import_id);
    if (superseded > 0) {
      summary.notes.push(
        `warning: later reports stand for ${superseded === 1 ? 'a day' : `${superseded} days`} of its costs; if this file is right, import it with --again`,
      );
    }
    return { ...summary, rows: same.rows, leftOut: same.left_out, alreadyThere: true };
  }
  if (standing.some((record) => record.via_hash !== viaHash)) {
    summary.notes.push(
      'this file was imported before, read in another way; an event whose content now differs and that has no event_id of its own counts beside the old one',
    );
  }

  const receivedAt = await ledger.begin({ importId, file, via: reading.via }, context.now());
  const { identifierKey } = context;
  const admitter = context.admitterAt(receivedAt);
  const { identifiers } = context;
  const writer = createRawWriter(lake, { identifierKey, importId });
  const sets = createCostSets(importId);
  const ordinalOf = createOrdinals();
  const eventIds = (contentHash: string) => `${contentHash}-${ordinalOf(contentHash)}`;
  const rejectedOrdinalOf = createOrdinals();
  let withoutRate = 0;

  async function reject(row: FileRow, problem: Problem): Promise<void> {
    summary.rejected += 1;
    if (problem.reason === 'no-rate') withoutRate += 1;
    const message = identifiers.scrubText(problem.message);
    if (summary.reasons.length < 3) summary.reasons.push(`line ${row.line}: ${message}`);
    const content =
      row.kind === 'cells'
        ? { columns: reading.columns ?? [], values: [...row.cells] }
        : row.kind === 'problem' && row.cells !== undefined
          ? // Cells that do not fit the header: without columns no replay can read them by the wrong ones.
            { columns: [], values: [...row.cells] }
          : { text: row.text };
    const original: RejectedRow = {
      source: reading.source,
      line: row.line,
      ...content,
      preamble: reading.preamble,
      ...(reading.decimal === undefined ? {} : { decimal: reading.decimal }),
      ...(context.request.currency === undefined ? {} : { currency: context.request.currency }),
      import_id: importId,
      received_at: receivedAt.toISOString(),
      ordinal: rejectedOrdinalOf(hashOf(content)),
    };
    await writer.reject(rejectedRow(original, { file, via: reading.via, problem: { ...problem, message } }));
  }

  /** A row is taken whole or not at all: were half of it taken, its replay would have to know which half. */
  async function take(row: FileRow): Promise<void> {
    if (row.kind === 'problem') return reject(row, row.problem);
    const read = reading.read(row);
    if (read.kind === 'left-out') {
      summary.leftOut += 1;
      return;
    }
    if (read.kind === 'problem') return reject(row, read.problem);
    const events: StoredEvent[] = [];
    const costs: StoredCost[] = [];
    const entries: VaultEntry[] = [];
    for (const input of read.events) {
      const admitted = admitter.event(input, eventIds);
      if (!admitted.ok) return reject(row, admitted);
      events.push(admitted.value);
      entries.push(...admitted.vault.map((entry) => asOfImport(entry, importId, receivedAt.toISOString())));
    }
    for (const input of read.costs) {
      const admitted = admitter.cost(input, importId);
      if (!admitted.ok) return reject(row, admitted);
      costs.push(admitted.value);
    }
    for (const event of events) {
      const written = writer.event(event);
      if (written !== undefined) await written;
    }
    for (const cost of costs) {
      sets.add(cost);
      const written = writer.cost(cost);
      if (written !== undefined) await written;
    }
    for (const entry of entries) {
      const written = writer.vault(entry);
      if (written !== undefined) await written;
    }
    summary.events += events.length;
    summary.costs += costs.length;
  }

  for await (const batch of rowsOf(reading, summary)) {
    for (const row of batch) {
      summary.rows += 1;
      await take(row);
    }
    context.onProgress(file, summary.rows);
  }
  for (const surprise of await sets.surprises(lake)) summary.notes.push(`warning: ${surprise}`);
  await writer.flush();
  await ledger.finish({
    import_id: importId,
    file,
    content_hash: contentHash,
    via: reading.via,
    via_hash: viaHash,
    settings_hash: settingsHash,
    rates_hash: ratesHash,
    received_at: receivedAt.toISOString(),
    finished_at: context.now().toISOString(),
    rows: summary.rows,
    events: summary.events,
    costs: summary.costs,
    rejected: summary.rejected,
    without_rate: withoutRate,
    left_out: summary.leftOut,
    schema_version: 2,
  });
  return summary;
}

/** The rows of a file as its reader takes them: checked in their form, and joined where several tell of one thing. */
export async function* rowsOf(
  reading: FileReading,
  summary: Pick<FileSummary, 'notes' | 'leftOut'>,
): AsyncGenerator<FileRow[]> {
  const { joinBy, columns = [] } = reading;
  const at = joinBy === undefined ? -1 : columns.indexOf(joinBy);
  if (at < 0) return yield* checkedRows(reading, summary);
  let key = '';
  let line = 0;
  let held: Record<string, string>[] = [];
  const joined = (): FileRow[] => {
    if (held.length === 0) return [];
    const record = { [joinedRows]: held };
    held = [];
    return [{ kind: 'record', line, record, text: JSON.stringify(record) }];
  };
  for await (const batch of checkedRows(reading, summary)) {
    const rows: FileRow[] = [];
    for (const row of batch) {
      const value = row.kind === 'cells' ? (row.cells[at]?.trim() ?? '') : '';
      if (value !== key || value === '') rows.push(...joined());
      if (row.kind !== 'cells') {
        rows.push(row);
        continue;
      }
      if (held.length === 0) line = row.line;
      key = value;
      held.push(Object.fromEntries(columns.map((column, index) => [column, row.cells[index]?.trim() ?? ''])));
    }
    yield rows;
  }
  yield joined();
}

/** So many rows in a row with other columns are no slips: the file changes its columns there. */
const runOfChange = 3;

/**
 * The rows of a file with what is wrong in their form found: cells missing or too many, a cut-off last row, a header
 * repeated half way. What a batch holds is split into its messages.
 */
async function* checkedRows(
  reading: FileReading,
  summary: Pick<FileSummary, 'notes' | 'leftOut'>,
): AsyncGenerator<FileRow[]> {
  const { columns, table } = reading;
  const isTable = table.shape.kind === 'csv' || table.shape.kind === 'fixed';
  const names = new Set(columns);
  const width = columns?.length ?? 0;
  let held: FileRow | undefined;
  let otherRun = 0;
  let changedAt: number | undefined;
  let isReordered = false;

  function checked(row: FileRow, isLast: boolean): FileRow[] {
    if (row.kind === 'record') {
      const within: SourceRow[] | undefined = reading.expand?.(row);
      return within === undefined ? [row] : within.map((inner) => ({ ...inner, line: row.line }));
    }
    if (row.kind === 'problem') {
      if (row.problem.reason === 'cut-off') summary.notes.push(`cut off: ${row.problem.message}`);
      return [row];
    }
    if (!isTable) return [row];
    const { cells, line } = row;
    if (reading.isAside(cells)) {
      summary.leftOut += 1;
      return [];
    }
    const asProblem = (reason: string, message: string): FileRow[] => [
      { kind: 'problem', line, problem: { reason, message }, text: '', cells },
    ];
    if (names.has(cells[0]?.trim() ?? '') && names.has(cells.at(-1)?.trim() ?? '') && cells.length > 1) {
      if (cells.length === width && cells.every((cell, index) => cell.trim() === columns?.[index])) {
        summary.notes.push(`line ${line} repeats the header: left out`);
        summary.leftOut += 1;
        return [];
      }
      if (cells.every((cell) => names.has(cell.trim()))) {
        isReordered = true;
        summary.notes.push(`the columns change on line ${line}: what follows was rejected`);
      }
    }
    if (isReordered) return asProblem('columns-changed', 'the columns of the file change before this row');
    if (cells.length === width) {
      otherRun = 0;
      if (isLast && !table.examined.endsWithLineBreak) {
        summary.notes.push(
          `line ${line}, the last, has no line break: if the file was cut off there, its last value may be short`,
        );
      }
      return [row];
    }
    if (cells.length > width && cells.slice(width).every((cell) => cell.trim() === '')) {
      return [{ kind: 'cells', line, cells: cells.slice(0, width) }];
    }
    if (isLast && !table.examined.endsWithLineBreak && cells.length < width) {
      summary.notes.push(`cut off: line ${line}, the last, ends after ${cells.length} of ${width} columns`);
      return asProblem('cut-off', `the file ends within this row, after ${cells.length} of ${width} columns`);
    }
    otherRun += 1;
    if (otherRun === runOfChange && changedAt === undefined) {
      changedAt = line;
      summary.notes.push(`the columns change near line ${line}: ${cells.length} instead of ${width}`);
    }
    return asProblem('wrong-columns', `the row has ${cells.length} columns instead of ${width}`);
  }

  for await (const batch of readRows(table, reading.options)) {
    const rows: FileRow[] = [];
    for (const row of batch) {
      if (held !== undefined) rows.push(...checked(held, false));
      held = row;
    }
    yield rows;
  }
  if (held !== undefined) yield checked(held, true);
}

/** For mappings that say `onCut: refuse`: reads all rows once for their form alone. */
async function refuseCut(reading: FileReading): Promise<void> {
  const seen = { notes: [], leftOut: 0 };
  for await (const _ of checkedRows(reading, seen)) {
    const cut = seen.notes.find((note: string) => /^(cut off|the columns change)/.test(note));
    if (cut === undefined) continue;
    throw new RefusedError(`${reading.table.content.name}: ${cut}; nothing was taken`, {
      mend: 'fetch the file again; or write `onCut: rows` in the mapping to take its whole rows',
    });
  }
}
