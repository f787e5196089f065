import { join } from 'node:path';
import type { Command } from 'commander';
import { buildCompany } from './build.ts';
import type { CliContext } from './context.ts';

/** `percorso rotate-key`: another key of identifiers, under which every person stays who they are. */
export function register(program: Command, context: CliContext): void {
  program
    .command('rotate-key')
    .description('changes the key of the keyed hashes, and every hash in the lake with it; nobody is lost')
    .action(async () => {
      const company = await context.company();
      const [{ rotateIdentifierKey }, { withLock }] = await Promise.all([
        import('#pipeline/rotate-key'),
        import('#adapters/file-lock'),
      ]);
      const say = (line: string) => context.stderr(`${line}\n`);
      const result = await withLock(join(company.paths.locks, 'nightly.lock'), 'a nightly run or an erasure', () =>
        rotateIdentifierKey(company, {
          now: context.now,
          say,
          build: async () => {
            const wanted = { now: context.now, fullRefresh: true };
            await buildCompany(company, wanted, context.progress('build'), context.now);
          },
        }),
      );
      if (context.json) context.stdout(`${JSON.stringify(result, null, 2)}\n`);
      say(
        `the key has ${result.generation} secrets now: ${result.events} events in ${result.raw_objects} raw objects, ` +
          `${result.rejected_objects} of refused records, ${result.vault_objects} of the vault rewritten, ${result.builds} old builds removed`,
      );
      say('every person_id is another one now. Back up the key anew: older backups of it open nothing of today.');
      say('A `percorso collect` that runs goes on; what it takes is put under the new key on its way into the lake.');
    });
}
