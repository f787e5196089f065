import type { Command } from 'commander';
import * as z from 'zod';
import type { Company } from '#pipeline/company';
import type { CliContext } from './context.ts';
import { formatTable } from './output.ts';

const filterShape = z.object({ source: z.string().optional(), reason: z.string().optional() });
const showShape = filterShape.extend({ limit: z.coerce.number().int().min(1).max(100_000) });

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
    .action(async (given: unknown) => show(context, showShape.parse(given)));
  filtered(rejected.command('replay').description('read them again, after the mend')).action(async (given: unknown) =>
    replay(context, filterShape.parse(given)),
  );
}

type Filter = z.output<typeof filterShape>;

/** The company, with what still waits in the spool moved into its lake: refused messages are there too. */
async function openCompany(context: CliContext): Promise<Company> {
  const company = await context.company();
  const [{ drainSpool }, { createSpoolQueue }] = await Promise.all([
    import('#pipeline/drain'),
    import('#adapters/spool-queue'),
  ]);
  await drainSpool(company, createSpoolQueue(company.paths.spool), context.now);
  return company;
}

async function list(context: CliContext, filter: Filter): Promise<void> {
  const company = await openCompany(context);
  const { listRejected } = await import('#pipeline/rejected');
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
  const { showRejected } = await import('#pipeline/rejected');
  const { limit, ...filter } = options;
  const shown = await showRejected(company.lake, await company.identifierKey(), filter, limit);
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

async function replay(context: CliContext, filter: Filter): Promise<void> {
  const company = await openCompany(context);
  const [
    { createSegmentReplayer, createSnowplowReplayer, replayRejected },
    { createHookReplayer },
    { fileReplayers },
    { createRateCheck },
  ] = await Promise.all([
    import('#pipeline/rejected'),
    import('#pipeline/hooks'),
    import('#pipeline/file-replay'),
    import('#core/fx-rates'),
  ]);
  const identifierKey = await company.identifierKey();
  const hasRate = createRateCheck(company.config.currency, company.lists.fxRates);
  const replayers = [
    createSegmentReplayer(company.config, identifierKey, hasRate),
    createSnowplowReplayer(company.config, identifierKey, hasRate),
    createHookReplayer(company.config, identifierKey, hasRate),
    ...(await fileReplayers(company)),
  ];
  const counts = await replayRejected(company.lake, identifierKey, replayers, filter);
  if (context.json) context.stdout(`${JSON.stringify(counts)}\n`);
  const { taken, events, costs, refused, unknown } = counts;
  context.stderr(`${taken} records taken (${events} events, ${costs} costs); ${refused} refused again.\n`);
  for (const { source, reason, message } of counts.why) {
    context.stderr(`  ${source}, ${reason}: ${printable(message)}\n`);
  }
  if (unknown > 0) {
    context.stderr(`${unknown} cannot be read again from here: correct their file and import it again.\n`);
  }
  if (taken > 0) context.stderr('`percorso build` brings them into the figures.\n');
}

/** Text of strangers, safe for a terminal: its control characters (which could move the cursor or hide lines) are written out. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\x${(control.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`);
}
