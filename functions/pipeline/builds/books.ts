import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type Books, importOfObject, lake, type Manifest, manifestVersion } from '#core/lake';
import type { Store } from '#core/ports';
import type { SettingTable } from '#core/setting-tables';
import { type Catalogue, isSqlModel } from '#pipeline/builds/catalogue';
import { type Standing, standsFor } from '#pipeline/builds/plan';
import type { Company } from '#pipeline/company/company';

/** Whether a build may stand on the last one: with what, or why not. */
export type Footing = { stands: Standing; taken: ReadonlySet<string> } | { reason: string; changed?: string };

export interface Wanted {
  settings: Readonly<Record<string, SettingTable>>;
  /** Keys of all raw events and of all unlinks. */
  rawEvents: readonly string[];
  unlinks: readonly string[];
  asOf?: string | undefined;
  fullRefresh?: boolean | undefined;
  /** The reporting day on which the build runs. */
  today: string;
}

const takenSchema = z.array(z.string());

/**
 * Chooses between a daily build, which leaves closed days as they are, and a full refresh, and says why the latter. A
 * daily build needs the models, settings and lists of the last one, and that raw objects were only added.
 */
export async function findFooting(
  company: Pick<Company, 'config' | 'lake'>,
  catalogue: Catalogue,
  last: Manifest | undefined,
  wanted: Wanted,
): Promise<Footing> {
  if (wanted.fullRefresh) return { reason: 'asked for' };
  if (wanted.asOf !== undefined) return { reason: '--as-of sets the last whole day' };
  if (company.config.fullRefresh === 'always') return { reason: 'fullRefresh is "always"' };
  if (last === undefined) return { reason: 'there is no build to stand on' };
  if (last.books === undefined) return { reason: 'the last build made only a part' };
  if ((last.schema_version ?? 1) < manifestVersion) {
    return { reason: 'the form of the tables changed', changed: 'the form of the tables changed' };
  }
  const { books } = last;
  const now = madeWith(company, catalogue, wanted, last.as_of);
  for (const name of new Set([...Object.keys(now), ...Object.keys(books.made_with)])) {
    if (now[name] !== books.made_with[name]) return { reason: `${name} changed`, changed: `${name} changed` };
  }
  if (wanted.today <= last.as_of) return { reason: 'the last build ends on a day that is not over yet' };
  if (company.config.fullRefresh === 'monthly' && books.refreshed_at.slice(0, 7) !== wanted.today.slice(0, 7)) {
    return { reason: 'the first build of a month' };
  }
  const taken = new Set(await readTaken(company.lake, books));
  const there = new Set(wanted.rawEvents);
  const gone = [...taken].filter((key) => !there.has(key));
  if (gone.length > 0) {
    const standing = new Set(wanted.rawEvents.map(importOfObject));
    // What is rewritten stays with its import, so one of which nothing is left was taken back, unless days go by their age.
    const isUndo =
      company.config.retention.rawDays === undefined &&
      gone.map(importOfObject).every((id) => id !== undefined && !standing.has(id));
    if (isUndo) return { reason: 'an import was taken back', changed: 'an import was taken back' };
    return { reason: 'raw objects are gone: an erasure rewrote them, or their retention is over' };
  }
  return {
    stands: {
      stored: { ...last.tables, ...books.tables },
      closedBefore: books.open_from,
      readFrom: daysBefore(books.open_from, lookBack(wanted.settings)),
    },
    taken,
  };
}

/** The raw objects that a step of a plan reads: of what only models of arrivals read, a daily build those that none took in. */
export function rawToRead(
  step: { prefix: string; isNewOnly: boolean },
  rawKeys: ReadonlyMap<string, readonly string[]>,
  footing: Footing,
): readonly string[] {
  const all = rawKeys.get(step.prefix) ?? [];
  return step.isNewOnly && 'taken' in footing ? all.filter((key) => !footing.taken.has(key)) : all;
}

/** Hashes of what a daily build must find as the last build had it, by what a person would call it. */
export function madeWith(
  company: Pick<Company, 'config'>,
  catalogue: Catalogue,
  wanted: Pick<Wanted, 'settings' | 'unlinks'>,
  asOf: string,
): Record<string, string> {
  const made: Record<string, string> = {
    'the models': hashOf(
      catalogue.models.flatMap((model) => (isSqlModel(model) ? [[model.name, model.sql]] : [[model.name]])),
    ),
    'the solvers': hashOf(catalogue.models.flatMap((model) => (isSqlModel(model) ? [] : [[model.name, model.source]]))),
    'the time zone': company.config.timeZone,
    'the list of links taken out': hashOf(wanted.unlinks),
  };
  const lasting = tablesOfBooks(catalogue);
  for (const [name, table] of Object.entries({ ...catalogue.seeds, ...wanted.settings })) {
    if (lasting.has(name)) made[`the table ${name} of the settings`] = hashOf(standingRows(name, table, asOf));
  }
  return made;
}

/** Rows of a setting that closed days were made with: not the day of the build, and not the rates of days to come. */
function standingRows(name: string, table: SettingTable, asOf: string): unknown {
  if (name === 'settings') return table.rows.map(({ today: _, as_of_wanted: __, ...lasting }) => lasting);
  if (name === 'fx_rates') return table.rows.filter((row) => String(row.rate_date) <= asOf);
  return table.rows;
}

/** Everything that a table of closed days is made of, directly or not. What only other tables read may change freely. */
function tablesOfBooks(catalogue: Catalogue): Set<string> {
  const byName = new Map(catalogue.models.map((model) => [model.name, model]));
  const open = catalogue.models.flatMap((model) =>
    isSqlModel(model) && standsFor.includes(model.header.kept) ? [model.name] : [],
  );
  const found = new Set<string>();
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(byName.get(name)?.inputs ?? []));
  }
  return found;
}

export async function readTaken(store: Store, books: Books): Promise<string[]> {
  const text = await store.get(books.taken);
  return text === undefined ? [] : takenSchema.parse(JSON.parse(new TextDecoder().decode(text)));
}

export async function writeTaken(store: Store, buildId: string, keys: readonly string[]): Promise<string> {
  const key = lake.taken(buildId);
  await store.put(key, `${JSON.stringify(keys, null, 0)}\n`);
  return key;
}

/** How many days before the first open one are read: the longest look-back, and two for visits and clocks. */
export function lookBack(settings: Readonly<Record<string, SettingTable>>): number {
  return Math.max(0, ...(settings.conversion_types?.rows ?? []).map((row) => Number(row.lookback_days))) + 2;
}

/** `2026-03-10` and 7 give `2026-03-03`. */
export function daysBefore(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) - days * 86_400_000).toISOString().slice(0, 10);
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}
