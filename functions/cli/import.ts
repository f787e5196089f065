import type { Command } from 'commander';
import * as z from 'zod';
import { UsageError } from '#core/errors';
import type { FileSummary, ImportResult } from '#pipeline/imports/import';
import type { CliContext } from './context.ts';

const options = z.object({
  mapping: z.string().optional(),
  source: z.string().optional(),
  as: z.string().optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional(),
  again: z.boolean().optional(),
  suggest: z.union([z.string(), z.literal(true)]).optional(),
});

/** `percorso import`: files in. */
export function register(program: Command, context: CliContext): void {
  program
    .command('import')
    .description('files in: CSV, JSON Lines, JSON or Parquet, plain, gzip or zip; folders too')
    .argument('[files...]', 'files, or folders of them')
    .option('--mapping <file>', 'the mapping to read them by: a path, or a name in mappings/')
    .option('--source <name>', 'the name of the source, in place of the one that the mapping or the report gives')
    .option('--as <connector>', 'read them as this known export, such as google-ads')
    .option('--currency <code>', 'of the money in a report that names no currency')
    .option('--again', 'take files that were imported before once more, as the newest word on their costs')
    .option('--suggest <file>', 'draft a mapping for this file, on stdout; nothing is imported')
    .action(async (files: string[], given: unknown) => {
      const parsed = options.safeParse(given);
      if (!parsed.success) {
        throw new UsageError('--currency is not an ISO currency code', { mend: 'write for example --currency EUR' });
      }
      const { suggest, ...rest } = parsed.data;
      if (typeof suggest === 'string') return draft(context, suggest);
      if (files.length === 0) {
        throw new UsageError('no file to import', { mend: 'name files or folders: percorso import FILE...' });
      }
      if (rest.mapping !== undefined && rest.as !== undefined) {
        throw new UsageError('--mapping and --as exclude each other', { mend: 'leave one of them out' });
      }
      return take(context, files, rest);
    });
}

async function draft(context: CliContext, file: string): Promise<void> {
  const { suggestMapping } = await import('#pipeline/imports/suggest');
  const { resolve } = await import('node:path');
  const text = await suggestMapping(resolve(context.cwd, file));
  context.stdout(context.json ? `${JSON.stringify({ mapping: text })}\n` : text);
}

async function take(
  context: CliContext,
  files: readonly string[],
  given: Omit<z.output<typeof options>, 'suggest'>,
): Promise<void> {
  const company = await context.company();
  const { importFiles } = await import('#pipeline/imports/import');
  const progress = context.progress('import');
  let result: ImportResult;
  try {
    result = await importFiles(company, files, {
      ...given,
      cwd: context.cwd,
      now: context.now,
      onProgress: (file, rows) => progress.update(`${file}: ${count(rows, 'row')}`),
    });
  } catch (error) {
    progress.done('failed');
    throw error;
  }
  progress.done(count(result.files.length, 'file'));
  context.stderr(describeAll(result.files));
  if (context.json) context.stdout(`${JSON.stringify(result)}\n`);
  if (result.hasFailed) context.exitWith(1);
}

const numbers = new Intl.NumberFormat('en-US');
const count = (number: number, noun: string) => `${numbers.format(number)} ${noun}${number === 1 ? '' : 's'}`;

/** Up to so many files are told of one by one. */
const fewFiles = 12;

/** What became of files: of many, those with nothing to say about are summed up by what read them. */
export function describeAll(files: readonly FileSummary[]): string {
  if (files.length <= fewFiles) return files.map(describe).join('');
  const plain = new Map<string, FileSummary[]>();
  const told: FileSummary[] = [];
  for (const file of files) {
    if (file.refused !== undefined || file.rejected > 0 || (file.notes.length > 0 && !file.alreadyThere))
      told.push(file);
    else {
      const kind = file.alreadyThere ? 'imported before: nothing new' : `read ${file.says}`;
      plain.set(kind, [...(plain.get(kind) ?? []), file]);
    }
  }
  const sums = [...plain].map(([kind, group]) => {
    const sum = (name: 'rows' | 'events' | 'costs') => group.reduce((total, file) => total + file[name], 0);
    const parts = [count(sum('rows'), 'row'), count(sum('events'), 'event'), count(sum('costs'), 'cost')];
    const figures = parts.filter((part) => !part.startsWith('0 ')).join(', ');
    return printable([`${count(group.length, 'file')} ${kind}${figures === '' ? '' : `: ${figures}`}`]);
  });
  return [...sums, ...told.map(describe)].join('');
}

/** What became of a file, as a person reads it. */
export function describe(file: FileSummary): string {
  const lines: string[] = [];
  if (file.refused !== undefined) {
    lines.push(`${file.file}: refused`, ...file.refused.message.split('\n').map((line) => `  ${line}`));
    if (file.refused.mend !== undefined) lines.push(`  mend: ${file.refused.mend}`);
    return printable(lines);
  }
  const looks = file.says.startsWith('as ') ? `looks like ${file.says.slice(3)}` : `read ${file.says}`;
  lines.push(`${file.file}: ${file.via === 'canonical' ? `read ${file.says}` : looks}`);
  if (file.alreadyThere) {
    lines.push(...file.notes.map((note) => `  ${note}`));
    return printable(lines);
  }
  const taken = [count(file.events, 'event'), count(file.costs, 'cost')].filter((part) => !part.startsWith('0 '));
  const parts = [
    `${count(file.rows, 'row')}: ${taken.length === 0 ? 'nothing taken' : `${taken.join(' and ')} taken`}`,
    ...(file.leftOut > 0 ? [`${numbers.format(file.leftOut)} left out`] : []),
    ...(file.rejected > 0 ? [`${numbers.format(file.rejected)} rejected`] : []),
  ];
  lines.push(`  ${parts.join(', ')}`);
  lines.push(...file.notes.map((note) => `  ${note}`));
  if (file.rejected > 0) {
    lines.push(...file.reasons.map((reason) => `  rejected: ${reason}`));
    if (file.rejected > file.reasons.length) {
      lines.push(`  and ${numbers.format(file.rejected - file.reasons.length)} more`);
    }
    lines.push('  see them with `percorso rejected`; after the mend, `percorso rejected replay` takes them in');
  }
  return printable(lines);
}

/** Names of files and values come from outside: control characters must not reach the terminal. */
function printable(lines: readonly string[]): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return `${lines.map((line) => line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')).join('\n')}\n`;
}
