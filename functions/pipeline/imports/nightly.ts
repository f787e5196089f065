import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PercorsoError } from '#core/errors';
import { lake } from '#core/lake';
import type { Clock, Mailer, Store } from '#core/ports';
import type { Company } from '#pipeline/company/company';
import type { ImportResult } from '#pipeline/imports/import';

/** What the night asks of the rest of the house. */
export interface NightlyWork {
  importFiles(paths: string[]): Promise<ImportResult>;
  build(): Promise<{ build_id: string; as_of: string }>;
  /** Absent where the site was never built. */
  dashboards?: (() => Promise<void>) | undefined;
  /** Removes refused records older than so many days; resolves to how many objects went. */
  pruneRejected(days: number): Promise<number>;
  /** Merges what came in for the vault of addresses. */
  compactVault(): Promise<void>;
  /** Absent where nobody is to be told. */
  mailer?: Mailer | undefined;
  say(line: string): void;
  now?: Clock;
}

export interface NightlyResult {
  imported: number;
  build?: { build_id: string; as_of: string };
  pruned: { rejected: number; raw: number };
  /** What went wrong, step by step; empty after a good night. */
  problems: { step: string; message: string; mend?: string }[];
}

/**
 * One night: files of `landing/`, build, dashboards, pruning. A step that fails does not keep the next ones from their
 * work, but the dashboards follow only a good build. What failed is mailed.
 */
export async function runNight(company: Company, work: NightlyWork): Promise<NightlyResult> {
  const now = work.now ?? (() => new Date());
  const result: NightlyResult = { imported: 0, pruned: { rejected: 0, raw: 0 }, problems: [] };
  const attempt = async (step: string, action: () => Promise<void>): Promise<boolean> => {
    try {
      await action();
      return true;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const mend = error instanceof PercorsoError ? error.mend : undefined;
      result.problems.push({ step, message, ...(mend === undefined ? {} : { mend }) });
      work.say(`${step} failed: ${message}`);
      return false;
    }
  };

  await attempt('import', async () => {
    result.imported = await takeLanding(company.paths.landing, work, result);
  });
  const isBuilt = await attempt('build', async () => {
    result.build = await work.build();
    work.say(`built up to ${result.build.as_of}`);
  });
  const { dashboards } = work;
  if (isBuilt && dashboards !== undefined) await attempt('dashboards', dashboards);
  await attempt('vault', work.compactVault);
  await attempt('prune', async () => {
    const { retention } = company.config;
    result.pruned.rejected = await work.pruneRejected(retention.rejectedDays);
    if (retention.rawDays !== undefined) result.pruned.raw = await pruneRaw(company.lake, retention.rawDays, now());
  });
  const { mailer } = work;
  const { from, onFailureTo } = company.config.mail;
  if (result.problems.length > 0 && mailer !== undefined && from !== undefined && onFailureTo.length > 0) {
    await attempt('mail', () => mailer.send({ from, to: onFailureTo, ...failureMail(company, result) }));
  }
  return result;
}

/** Imports what lies there; a file goes once it is taken in. A refused one stays, to be mended. */
async function takeLanding(folder: string, work: NightlyWork, result: NightlyResult): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.') && !/\.(part|tmp|crdownload)$/.test(entry.name))
    .map((entry) => join(folder, entry.name))
    .sort();
  if (files.length === 0) return 0;
  const before = new Map(await Promise.all(files.map(async (file) => [file, await fingerprint(file)] as const)));
  const { files: summaries } = await work.importFiles(files);
  // One zip holds several contents: it stays while one of them is refused.
  const refused = new Set(summaries.filter((summary) => summary.refused !== undefined).map((summary) => summary.path));
  for (const summary of summaries) {
    if (summary.refused !== undefined) {
      const { message, mend } = summary.refused;
      result.problems.push({ step: `import ${summary.file}`, message, ...(mend === undefined ? {} : { mend }) });
      work.say(`${summary.file} was refused: ${message}`);
      continue;
    }
    work.say(`${summary.file}: ${summary.events} events, ${summary.costs} costs, ${summary.rejected} rejected`);
    for (const note of summary.notes) work.say(`  ${note}`);
  }
  for (const path of files) {
    const isTaken = summaries.some((summary) => summary.path === path) && !refused.has(path);
    // Somebody may still have been writing it: then the next night takes the rest.
    if (isTaken && (await fingerprint(path)) === before.get(path)) await rm(path);
  }
  return summaries.filter((summary) => summary.refused === undefined).length;
}

async function fingerprint(file: string): Promise<string> {
  const { size, mtimeMs } = await stat(file);
  return `${size} ${mtimeMs}`;
}

/** Removes raw events by the day on which they came in. Costs are no personal data and stay. */
export async function pruneRaw(store: Store, days: number, now: Date): Promise<number> {
  const oldest = new Date(now.getTime() - days * 86_400_000).toISOString().slice(0, 10);
  const keys = await store.list(lake.rawEvents);
  const old = keys.filter((key) => {
    const day = key.slice(lake.rawEvents.length).split('/')[0] ?? '';
    return /^\d{4}-\d{2}-\d{2}$/.test(day) && day < oldest;
  });
  for (const key of old) await store.remove(key);
  return old.length;
}

function failureMail(company: Company, result: NightlyResult): { subject: string; text: string } {
  const lines = result.problems.flatMap(({ step, message, mend }) => [
    `${step}: ${message}`,
    ...(mend === undefined ? [] : [`  mend: ${mend}`]),
    '',
  ]);
  const shown =
    result.build === undefined ? 'The dashboards show the last good build.' : 'A new build was published all the same.';
  return {
    subject: `Percorso, ${company.config.name}: ${result.problems.length === 1 ? 'a step' : `${result.problems.length} steps`} of tonight failed`,
    text: [...lines, shown, `Folder: ${company.dir}`].join('\n'),
  };
}
