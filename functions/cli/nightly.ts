import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { buildCompany } from './build.ts';
import type { CliContext } from './context.ts';

/** `percorso nightly`: what a scheduler calls. */
export function register(program: Command, context: CliContext): void {
  program
    .command('nightly')
    .description('what a scheduler calls: import landing/, build, dashboards, prune; mails a failure; one at a time')
    .action(async () => {
      const company = await context.company();
      const [{ runNight }, { withLock }, { importFiles }, { pruneRejected }] = await Promise.all([
        import('#pipeline/imports/nightly'),
        import('#adapters/file-lock'),
        import('#pipeline/imports/import'),
        import('#pipeline/arrivals/rejected'),
      ]);
      const address = company.env[company.config.mail.smtpEnv] ?? '';
      const mailer = address === '' ? undefined : await (await import('#adapters/mailer')).createMailer(address);
      const result = await withLock(join(company.paths.locks, 'nightly.lock'), 'a nightly run', () =>
        runNight(company, {
          now: context.now,
          mailer,
          say: (line) => context.stderr(`${line}\n`),
          importFiles: async (paths) => {
            const progress = context.progress('import');
            const onProgress = (file: string, rows: number) => progress.update(`${basename(file)}, ${rows} rows`);
            const imported = await importFiles(company, paths, { cwd: company.dir, now: context.now, onProgress });
            progress.done(`${imported.files.length} files`);
            return imported;
          },
          build: async () => {
            const { manifest } = await buildCompany(
              company,
              { now: context.now },
              context.progress('build'),
              context.now,
            );
            return { build_id: manifest.build_id, as_of: manifest.as_of };
          },
          dashboards: existsSync(join(company.paths.site, 'index.html'))
            ? async () => {
                const { buildSite } = await import('./dashboards.ts');
                await buildSite(company, context.progress('dashboards'));
              }
            : undefined,
          compactVault: async () => {
            const { compactVault } = await import('#pipeline/people/vault');
            const { rawDays } = company.config.retention;
            const oldest =
              rawDays === undefined
                ? undefined
                : new Date(context.now().getTime() - rawDays * 86_400_000).toISOString();
            await compactVault(company.lake, await company.identifierKey(), oldest);
          },
          pruneRejected: (days) => pruneRejected(company.lake, days, context.now()),
        }),
      );
      if (context.json) context.stdout(`${JSON.stringify(result, null, 2)}\n`);
      if (result.problems.length > 0) context.exitWith(1);
    });
}
