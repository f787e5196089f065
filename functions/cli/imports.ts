import { join } from 'node:path';
import type { Command } from 'commander';
import * as z from 'zod';
import type { CliContext } from './context.ts';
import { formatTable } from './output.ts';

const listShape = z.object({ limit: z.coerce.number().int().min(1).max(1_000_000) });

/** `percorso imports`: the files that were taken in, and one of them taken back. */
export function register(program: Command, context: CliContext): void {
  const imports = program.command('imports').description('the files that were taken in; one of them taken back');
  imports
    .command('list', { isDefault: true })
    .description('the last imports, with their ids')
    .option('--limit <n>', 'how many at most', '20')
    .action(async (given: unknown) => list(context, listShape.parse(given).limit));
  imports
    .command('undo')
    .description('take back what one import brought; the next build is without it, and its file may come in again')
    .argument('<import>', 'its id, or the first six digits of it or more; or the name of its file')
    .action(async (given: string) => undo(context, given));
}

async function list(context: CliContext, limit: number): Promise<void> {
  const company = await context.company();
  const { listImports } = await import('#pipeline/imports/import-ledger');
  const entries = (await listImports(company.lake)).slice(-limit);
  if (context.json) {
    context.stdout(`${JSON.stringify(entries)}\n`);
  } else if (entries.length === 0) {
    context.stderr('No file was imported.\n');
  } else {
    const rows = entries.map((entry) => [
      entry.import_id.slice(0, 12),
      entry.received_at.slice(0, 16).replace('T', ' '),
      printable(entry.file),
      ...[entry.events, entry.costs, entry.rejected].map(String),
      entry.undone_at === undefined || entry.state !== 'taken back'
        ? entry.state
        : `${entry.state} ${entry.undone_at.slice(0, 10)}`,
    ]);
    context.stdout(formatTable(['id', 'came in (UTC)', 'file', 'events', 'costs', 'rejected', 'state'], rows));
  }
}

async function undo(context: CliContext, given: string): Promise<void> {
  const company = await context.company();
  const [{ listImports }, { findImport, undoImport }, { withLock }] = await Promise.all([
    import('#pipeline/imports/import-ledger'),
    import('#pipeline/imports/import-undo'),
    import('#adapters/file-lock'),
  ]);
  const lock = (name: string) => join(company.paths.locks, name);
  const result = await withLock(lock('nightly.lock'), 'a nightly run or an erasure', () =>
    withLock(lock('build.lock'), 'a build', () =>
      company.alone(
        async () => undoImport(company.lake, findImport(await listImports(company.lake), given), context.now()),
        'objects',
      ),
    ),
  );
  if (context.json) context.stdout(`${JSON.stringify(result)}\n`);
  const removed = [
    [result.event_objects, 'objects of events'],
    [result.cost_objects, 'objects of costs'],
    [result.rejected_objects, 'objects of refused records'],
    [result.vault_entries, 'entries of the vault'],
  ]
    .filter(([count]) => count !== 0)
    .map(([count, what]) => `${count} ${what}`);
  const name = `${printable(result.file)} (${result.import_id.slice(0, 12)})`;
  if (removed.length === 0) {
    context.stderr(`${name}${result.was_undone ? ' was taken back before:' : ':'} nothing of it is in the lake.\n`);
    return;
  }
  context.stderr(`${name} is taken back: removed ${removed.join(', ')}.\n`);
  context.stderr('`percorso build` takes it out of the figures; the file, corrected or not, can be imported again.\n');
}

/** Names of files come from outside: control characters must not reach the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
