import { mkdir, readdir } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { Command } from 'commander';
import * as z from 'zod';
import { UsageError } from '#core/errors';
import type { CliContext } from './context.ts';

const wholeNumber = (least: number, most: number) => z.coerce.number().int().min(least).max(most);
const optionsSchema = z.object({
  customers: wholeNumber(10, 900_000),
  days: wholeNumber(30, 3650),
  seed: wholeNumber(0, 2_147_483_647),
  truth: z.boolean(),
});

/** `percorso demo DIR`: a simulated company, with its true effects in `truth/`. */
export function register(program: Command, context: CliContext): void {
  program
    .command('demo')
    .description('make a simulated company, with what is true of it in truth/')
    .argument('<dir>', 'the folder, new or empty')
    .option('--customers <n>', 'persons in its market; about 27 events each', '7000')
    .option('--days <n>', 'how many days of data, up to 2026-10-31', '730')
    .option('--seed <n>', 'the same seed gives the same bytes', '1')
    .option('--no-truth', "leave out each channel's true effect, for which lives are lived again")
    .action(async (folder: string, given: unknown) => {
      const parsed = optionsSchema.safeParse(given);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        throw new UsageError(`--${String(issue?.path[0] ?? '')}: ${issue?.message ?? 'wrong'}`, {
          mend: 'percorso demo --help shows the options',
        });
      }
      const dir = resolve(context.cwd, folder);
      await mkdir(dir, { recursive: true });
      if ((await readdir(dir)).length > 0) {
        throw new UsageError(`${dir} is not empty`, { mend: 'name a folder that is new or empty' });
      }
      const { makeDemo } = await import('#pipeline/demo/demo');
      const progress = context.progress('demo');
      const { customers, days, seed, truth } = parsed.data;
      const totals = makeDemo(dir, { customers, days, seed, withEffects: truth }, progress.update);
      progress.done(`${totals.events_all} events in ${totals.files} files`);
      if (context.json) context.stdout(`${JSON.stringify(totals)}\n`);
      context.stderr(
        `Made ${relative(context.cwd, dir) || '.'}. Next, in it: \`percorso nightly\`, which imports what lies in ` +
          'landing/ and builds.\n',
      );
    });
}
