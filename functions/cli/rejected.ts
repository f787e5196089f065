import type { Command } from 'commander';
import * as z from 'zod';
import { UsageError } from '#core/errors';
import type { Company } from '#pipeline/company/company';
import type { CliContext } from './context.ts';
import { formatTable } from './output.ts';

const filterShape = z.object({ source: z.string().optional(), reason: z.string().optional() });
const showShape = filterShape.extend({
  limit: z.coerce.number().int().min(1).max(100_000),
  editable: z.boolean().optional(),
});
const replayShape = filterShape.extend({ file: z.string().optional() });
/** A line of `show --editable`, mended. */
const mendedLine = z.looseObject({ rejected: z.string().min(1), record: z.record(z.string(), z.unknown()) });

/** `percorso rejected`: what could not be read, why, and again after the mend. */
export function register(program: Command, context: CliContext): void {
  const rejected = program.command('rejected').description('what could not be read, why, and again after the mend');
  const filtered = (command: Command) =>
    command
      .option('--source <name>', 'only of this source')
      .option('--reason <reason>', 'only with this reason, such as wrong-number');

  filtered(rejected.command('list', { isDefault: true }).description('counts by source and reason')).action(
    async (given: unknown) => list(context, filterShape.parse(given)),
  );
  filtered(rejected.command('show').description('the refused records with their originals'))
    .option('--limit <n>', 'how many at most', '20')
    .option('--editable', 'as JSON Lines, to mend the records and hand them to `replay --file`')
    .action(async (given: unknown) => show(context, showShape.parse(given)));
  filtered(rejected.command('replay').description('read them again, after the mend'))
    .option('--file <file>', 'only the records in this file, as they stand in it (see `show --editable`)')
    .action(async (given: unknown) => replay(context, replayShape.parse(given)));
}

type Filter = z.output<typeof filterShape>;

/** The company, with what still waits in the spool moved into its lake: refused messages are there too. */
async function openCompany(context: CliContext): Promise<Company> {
  const company = await context.company();
  const [{ drainSpool }, { createSpoolQueue }] = await Promise.all([
    import('#pipeline/arrivals/drain'),
    import('#adapters/spool-queue'),
  ]);
  await drainSpool(company, createSpoolQueue(company.paths.spool), context.now);
  return company;
}

async function list(context: CliContext, filter: Filter): Promise<void> {
  const company = await openCompany(context);
  const { listRejected } = await import('#pipeline/arrivals/rejected');
  const groups = await listRejected(company.lake, filter);
  if (context.json) {
    context.stdout(`${JSON.stringify(groups)}\n`);
  } else if (groups.length === 0) {
    context.stderr('Nothing was refused.\n');
  } else {
    const rows = groups.map((group) => [
      group.source,
      group.reason,
      String(group.records),
      group.first_at.slice(0, 16).replace('T', ' '),
      group.last_at.slice(0, 16).replace('T', ' '),
      printable(group.sample).slice(0, 100),
    ]);
    context.stdout(formatTable(['source', 'reason', 'records', 'first (UTC)', 'last (UTC)', 'for example'], rows));
  }
}

async function show(context: CliContext, options: z.output<typeof showShape>): Promise<void> {
  const company = await openCompany(context);
  const { showRejected } = await import('#pipeline/arrivals/rejected');
  const { limit, editable, ...filter } = options;
  const shown = await showRejected(company.lake, await company.identifierKey(), filter, limit);
  if (editable) {
    const [{ rejectedId }, { editableRecord }] = await Promise.all([
      import('#pipeline/arrivals/rejected'),
      import('#pipeline/arrivals/rejected-row'),
    ]);
    const identifierKey = await company.identifierKey();
    for (const { record, original } of shown) {
      const { source, reason, message, file, line } = record;
      const rejected = rejectedId(identifierKey, record, original);
      const about = { rejected, source, reason, message, file, line, record: editableRecord(original) };
      context.stdout(`${JSON.stringify(about)}\n`);
    }
    return;
  }
  if (context.json) {
    const records = shown.map(({ record: { original: _, ...record }, original }) => ({
      ...record,
      original: original.toString('utf8'),
    }));
    context.stdout(`${JSON.stringify(records)}\n`);
    return;
  }
  if (shown.length === 0) context.stderr('Nothing was refused.\n');
  for (const { record, original } of shown) {
    const place = [record.file, record.line === undefined ? undefined : `line ${record.line}`, record.column];
    const where = place.filter((part) => part !== undefined).join(', ');
    context.stdout(
      `${record.source}  ${record.reason}  ${record.rejected_at}${where === '' ? '' : `  ${printable(where)}`}\n` +
        `  ${printable(record.message)}\n  ${printable(original.toString('utf8'))}\n`,
    );
  }
}

/** @throws UsageError where the file is not there, or a line of it is no mended record. */
async function mendsIn(context: CliContext, name: string): Promise<Map<string, (original: Buffer) => Buffer>> {
  const [{ readFile }, { resolve }, { mendedOriginal }] = await Promise.all([
    import('node:fs/promises'),
    import('node:path'),
    import('#pipeline/arrivals/rejected-row'),
  ]);
  let text: string;
  try {
    text = await readFile(resolve(context.cwd, name), 'utf8');
  } catch (cause) {
    throw new UsageError(`no file ${name}`, { mend: 'write one with `percorso rejected show --editable`', cause });
  }
  const mends = new Map<string, (original: Buffer) => Buffer>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = mendedLine.safeParse(jsonOf(line));
    if (!parsed.success) {
      throw new UsageError(`${name}, line ${index + 1} is no record of \`percorso rejected show --editable\``, {
        mend: 'keep `rejected` and mend the fields of `record`; one JSON object a line',
      });
    }
    const { rejected, record } = parsed.data;
    mends.set(rejected, (original) => mendedOriginal(original, record, rejected));
  }
  return mends;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function replay(context: CliContext, given: z.output<typeof replayShape>): Promise<void> {
  const { file, ...filter } = given;
  const mends = file === undefined ? undefined : await mendsIn(context, file);
  const company = await openCompany(context);
  const [{ replayRejected }, { companyReplayers }] = await Promise.all([
    import('#pipeline/arrivals/rejected'),
    import('#pipeline/imports/replayers'),
  ]);
  const identifierKey = await company.identifierKey();
  const replayers = await companyReplayers(company);
  const counts = await replayRejected(company.lake, identifierKey, replayers, filter, mends);
  if (context.json) context.stdout(`${JSON.stringify(counts)}\n`);
  const { taken, events, costs, refused, unknown } = counts;
  context.stderr(`${taken} records taken (${events} events, ${costs} costs); ${refused} refused again.\n`);
  for (const { source, reason, message } of counts.why) {
    context.stderr(`  ${source}, ${reason}: ${printable(message)}\n`);
  }
  if (unknown > 0) {
    context.stderr(`${unknown} cannot be read again from here: correct their file and import it again.\n`);
  }
  if (mends !== undefined && taken + refused + unknown < mends.size) {
    const gone = mends.size - taken - refused - unknown;
    context.stderr(
      `${gone} of the file ${gone === 1 ? 'is' : 'are'} no longer among the refused: taken before, or dropped.\n`,
    );
  }
  if (taken > 0) context.stderr('`percorso build` brings them into the figures.\n');
}

/** Text of strangers, safe for a terminal: its control characters (which could move the cursor or hide lines) are written out. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\x${(control.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`);
}
