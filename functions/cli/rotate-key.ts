import { join } from 'node:path';
import type { Command } from 'commander';
import * as z from 'zod';
import { lake as places } from '#core/lake';
import type { Company } from '#pipeline/company/company';
import { buildCompany } from './build.ts';
import type { CliContext } from './context.ts';

const options = z.object({ vault: z.boolean().default(false) });

/** `percorso rotate-key`: another key of identifiers, under which every person stays who they are. */
export function register(program: Command, context: CliContext): void {
  program
    .command('rotate-key')
    .description('changes the key of the keyed hashes, and every hash in the lake with it; nobody is lost')
    .option('--vault', "changes the vault's key instead, and seals its addresses anew")
    .action(async (given: unknown) => {
      const company = await context.company();
      if (options.parse(given).vault) return rotateVaultKey(company, context);
      const [{ rotateIdentifierKey }, { withLock }] = await Promise.all([
        import('#pipeline/people/rotate-key'),
        import('#adapters/file-lock'),
      ]);
      const say = (line: string) => context.stderr(`${line}\n`);
      const rotate = () =>
        rotateIdentifierKey(company, {
          now: context.now,
          say,
          build: async () => {
            const wanted = { now: context.now, fullRefresh: true };
            await buildCompany(company, wanted, context.progress('build'), context.now);
          },
        });
      // What is rewritten is read object by object; only the build at its end needs the lake here.
      const result = await withLock(join(company.paths.locks, 'nightly.lock'), 'a nightly run or an erasure', () =>
        company.alone(rotate, 'objects'),
      );
      if (context.json) context.stdout(`${JSON.stringify(result, null, 2)}\n`);
      say(
        `the key has ${result.generation} secrets now: ${result.events} events in ${result.raw_objects} raw objects, ` +
          `${result.rejected_objects} of refused records, ${result.vault_objects} of the vault rewritten, ${result.builds} old builds removed`,
      );
      say('every person_id is another one now. Back up the key anew: older backups of it open nothing of today.');
      if (company.formerKeyMs !== undefined) return say('The doors of the deployment have the new key.');
      say('A `percorso collect` that runs goes on; what it takes is put under the new key on its way into the lake.');
    });
}

async function rotateVaultKey(company: Company, context: CliContext): Promise<void> {
  const [{ addVaultKey }, { resealVault }, { withLock }] = await Promise.all([
    import('#pipeline/company/keys'),
    import('#pipeline/people/vault'),
    import('#adapters/file-lock'),
  ]);
  const reseal = async () => {
    // What was cut off is ended first; with a key of the environment a person has put the new one there already.
    const left = await resealVault(company.lake, await company.vaultKeys());
    if (left === 0) await addVaultKey(company);
    const resealed = left > 0 ? left : await resealVault(company.lake, await company.vaultKeys());
    await company.forgetFormerVersions?.([places.vault]);
    return { resealed, is_new: left === 0 };
  };
  const result = await withLock(join(company.paths.locks, 'nightly.lock'), 'a nightly run or an erasure', () =>
    company.alone(reseal, 'objects'),
  );
  if (context.json) context.stdout(`${JSON.stringify(result)}\n`);
  context.stderr(
    result.is_new
      ? `the vault has a new key, and its ${result.resealed} addresses are sealed under it. Start the doors anew\n`
      : `${result.resealed} addresses that were under a key of before are sealed under the key of today; run it again for another key\n`,
  );
}
