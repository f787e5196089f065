import type { StoredCost } from '#core/cost';
import { PercorsoError } from '#core/errors';
import type { StoredEvent } from '#core/event';
import { createRateCheck } from '#core/fx-rates';
import { createIdentifiers } from '#core/identifiers';
import type { RowReader, SourceRow } from '#core/row-reading';
import { fieldNames, isRecord } from '#core/row-reading';
import { asOfImport, type VaultEntry } from '#core/vault';
import { createAdmitter } from '#pipeline/arrivals/admit';
import type { Replayed, Replayer } from '#pipeline/arrivals/rejected';
import { parseRejectedRow, type RejectedRow } from '#pipeline/arrivals/rejected-row';
import type { ImportCompany } from '#pipeline/imports/import';
import { amountsOf, canonicalReader, namedConnector } from '#pipeline/imports/import-reading';
import { type MappingFile, namedMapping } from '#pipeline/imports/mapping';
import { createMappingReader } from '#pipeline/imports/mapping-rows';

/**
 * Reads refused rows of files again, by the mapping, connector and configuration as they are now. A row that was whole
 * and lacked only its mend goes in under the id that the import would have given it.
 */
export async function fileReplayers(company: ImportCompany): Promise<Replayer[]> {
  const { config, lists } = company;
  const identifierKey = await company.identifierKey();
  const hasRate = createRateCheck(config.currency, lists.fxRates);
  const mappings = new Map<string, Promise<MappingFile>>();

  function mappingOf(name: string): Promise<MappingFile> {
    const known = mappings.get(name) ?? namedMapping(name, company.paths.mappings, company.paths.mappings);
    mappings.set(name, known);
    return known;
  }

  const identifiers = createIdentifiers(identifierKey, config.country);
  // A record is judged as of the time at which its file came in.
  let receivedAt = new Date(0);
  const sealAddress = await company.sealAddress();
  const context = { config, identifierKey, hasRate, sealAddress };
  const admitter = createAdmitter({ ...context, trust: 'file', receivedAt: () => receivedAt });
  const readers = new Map<string, Promise<RowReader>>();

  function cachedReader(via: string, row: RejectedRow, given: SourceRow): Promise<RowReader> {
    const { source, columns, preamble, decimal, currency } = row;
    const names = given.kind === 'record' ? fieldNames(given.record) : (columns ?? []);
    const key = JSON.stringify([via, source, names, preamble, decimal, currency]);
    const known = readers.get(key) ?? readerOf(via, row, names);
    readers.set(key, known);
    return known;
  }

  async function readerOf(via: string, row: RejectedRow, names: readonly string[]): Promise<RowReader> {
    const columns = row.columns;
    if (via === 'canonical') return canonicalReader(row.source || undefined);
    const [kind = '', name = ''] = [via.slice(0, via.indexOf(':')), via.slice(via.indexOf(':') + 1)];
    const file = kind === 'mapping' ? await mappingOf(name) : undefined;
    const mapping = file?.mapping;
    const decimal = mapping?.format.decimal ?? row.decimal;
    if (mapping !== undefined && mapping.connector === undefined) {
      const timeZone = mapping.timeZone ?? config.timeZone;
      return createMappingReader(mapping, { source: row.source, columns, decimal, timeZone });
    }
    const currency = row.currency ?? mapping?.currency;
    const opened = await namedConnector(mapping?.connector ?? name).open({
      fileName: 'the refused row',
      source: row.source,
      amounts: amountsOf(config, row.source),
      names,
      columns,
      preamble: row.preamble,
      decimal,
      currency: currency ?? config.currency,
      isCurrencyGiven: currency !== undefined,
      timeZone: mapping?.timeZone ?? config.timeZone,
    });
    return opened.read;
  }

  async function replay(via: string, original: Buffer): Promise<Replayed> {
    const row = parseRejectedRow(original);
    const source = row === undefined ? undefined : sourceRow(row);
    if (row === undefined || source === undefined) {
      return { ok: false, reason: 'unreadable', message: 'this was no whole row: mend the file and import it again' };
    }
    let read: ReturnType<RowReader>;
    try {
      read = (await cachedReader(via, row, source))(source);
    } catch (error) {
      if (!(error instanceof PercorsoError)) throw error;
      return { ok: false, reason: 'unreadable', message: error.message };
    }
    if (read.kind === 'problem') {
      return { ok: false, ...read.problem, message: identifiers.scrubText(read.problem.message) };
    }
    if (read.kind === 'left-out') return { ok: true, events: [], costs: [] };
    receivedAt = new Date(row.received_at);
    const events: StoredEvent[] = [];
    const costs: StoredCost[] = [];
    const vault: VaultEntry[] = [];
    for (const input of read.events) {
      const admitted = admitter.event(input, (contentHash) => `${contentHash}-${row.mend ?? row.ordinal}`);
      if (!admitted.ok) return admitted;
      events.push(admitted.value);
      vault.push(...admitted.vault.map((entry) => asOfImport(entry, row.import_id, row.received_at)));
    }
    for (const input of read.costs) {
      const admitted = admitter.cost(input, row.import_id);
      if (!admitted.ok) return admitted;
      costs.push(admitted.value);
    }
    return { ok: true, events, costs, vault };
  }

  return ['mapping:', 'connector:', 'canonical'].map((prefix) => ({
    prefix,
    replay: (record, original) => replay(record.via, original),
  }));
}

function sourceRow(row: RejectedRow): SourceRow | undefined {
  if (row.values !== undefined) {
    return row.values.length === row.columns?.length ? { kind: 'cells', cells: row.values } : undefined;
  }
  try {
    const record: unknown = JSON.parse(row.text ?? '');
    return isRecord(record) ? { kind: 'record', record, text: row.text ?? '' } : undefined;
  } catch {
    return undefined;
  }
}
