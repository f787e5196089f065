import { join } from 'node:path';
import type { Command } from 'commander';
import * as z from 'zod';
import { PercorsoError } from '#core/errors';
import { lake as places } from '#core/lake';
import type { EraseResult } from '#pipeline/people/erase';
import { buildCompany } from './build.ts';
import type { CliContext } from './context.ts';

const options = z.object({ landing: z.boolean().default(false) });

/** `percorso erase`: forgets a person, and proves it. */
export function register(program: Command, context: CliContext): void {
  program
    .command('erase')
    .description('forgets a person, and proves it; what a contract and the totals need stays, without the person')
    .argument(
      '<identifiers...>',
      'an e-mail address, a telephone number, user_id:VALUE (crm_id, loyalty_card, anonymous_id), a keyed hash or a person_id',
    )
    .option('--landing', 'delete the files of landing/ that hold the person, too')
    .action(async (identifiers: string[], given: unknown) => {
      const { landing } = options.parse(given);
      const company = await context.company();
      const [{ erasePersons }, { withLock }, { openMarts }, { createDuckDbWarehouse }] = await Promise.all([
        import('#pipeline/people/erase'),
        import('#adapters/file-lock'),
        import('#adapters/duckdb-marts'),
        import('#adapters/duckdb-warehouse'),
      ]);
      const { memory, threads } = company.config.engine;
      const engine = { memory, ...(threads === undefined ? {} : { threads }) };
      const erase = () =>
        erasePersons(company, identifiers, {
          now: context.now,
          deleteLanding: landing,
          say: (line) => context.stderr(`${line}\n`),
          openMarts: (tables) => openMarts(tables, engine),
          warehouse: () => createDuckDbWarehouse(engine),
          build: async () => {
            const wanted = { now: context.now, fullRefresh: true };
            await buildCompany(company, wanted, context.progress('build'), context.now);
          },
        });
      const result = await withLock(join(company.paths.locks, 'nightly.lock'), 'a nightly run or an erasure', () =>
        company.alone(erase),
      );
      // What the bucket keeps of objects that were rewritten would hold the person for another month; and so would what other
      // commands, nights and the end of a retention removed shortly before.
      await company.forgetFormerVersions?.();
      await company.forgetFormerVersions?.([places.rawEvents, places.builds, places.rejected, places.vault]);
      report(result, context);
    });
}

function report(result: EraseResult, context: CliContext): void {
  if (context.json) context.stdout(`${JSON.stringify(result, null, 2)}\n`);
  const say = (line: string) => context.stderr(`${line}\n`);
  if (result.isUnknown) {
    throw new PercorsoError(`nothing is known of it: ${result.files_searched} files were searched`, {
      mend: 'check the spelling; an identifier of a system needs its kind, such as user_id:42 or crm_id:C-17',
    });
  }
  say(
    `${result.persons} ${result.persons === 1 ? 'person' : 'persons'} with ${result.identifiers} identifiers: ` +
      `${result.events} events in ${result.raw_objects} raw objects rewritten, ${result.rejected} refused records, ${result.vault} entries of the vault, ` +
      `${result.import_records} names of files and ${result.builds} old builds removed`,
  );
  if (result.landing_files > 0) say(`${result.landing_files} files of landing/ deleted`);
  if (result.moved.length === 0) say(`${result.totals} totals without persons are as they were`);
  for (const { total, before, after } of result.moved) say(`moved: ${total}: ${before}, now ${after}`);
  if (result.held.length + result.held_by_hand.length === 0) {
    say(`proved: none of ${result.files_searched} files holds an identifier in any form`);
    return;
  }
  for (const file of result.held) say(`still held in ${file}`);
  for (const file of result.held_by_hand) say(`still held in ${file}: a file of yours; remove it, or the rows`);
  if (result.held.length > 0) say('something came in meanwhile: run the command again');
  if (result.held_by_hand.some((file) => file.startsWith('landing/'))) say('--landing deletes those in landing/');
  context.exitWith(1);
}
