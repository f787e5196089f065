import { type Command, Option } from 'commander';
import * as z from 'zod';
import { formatCsv } from '#core/csv-text';
import type { CliContext } from './context.ts';
import { formatTable } from './output.ts';

const optionsSchema = z.object({ format: z.enum(['table', 'csv', 'json']).default('table') });

/** `percorso query SQL`: read-only SQL over the published tables. */
export function register(program: Command, context: CliContext): void {
  program
    .command('query')
    .description('read-only SQL over the published tables; it can reach nothing else on the machine')
    .argument('<sql>', 'one SELECT; "show tables" lists the tables')
    .addOption(
      new Option('--format <format>', 'how rows are written').choices(['table', 'csv', 'json']).default('table'),
    )
    .action(async (sql: string, given: unknown) => {
      const { format } = optionsSchema.parse(given);
      const company = await context.company();
      const [{ queryMarts }, { openMarts }] = await Promise.all([
        import('#pipeline/reading/query'),
        import('#adapters/duckdb-marts'),
      ]);
      const { memory, threads } = company.config.engine;
      const { columns, rows } = await queryMarts(
        company.lake,
        (tables) => openMarts(tables, { memory, ...(threads === undefined ? {} : { threads }) }),
        sql,
      );
      if (context.json || format === 'json') {
        const objects = rows.map((row) =>
          Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null])),
        );
        context.stdout(`${JSON.stringify(objects)}\n`);
      } else if (format === 'csv') {
        context.stdout(formatCsv(columns, rows));
      } else {
        const names = columns.map((column) => column.name);
        context.stdout(
          formatTable(
            names,
            rows.map((row) => row.map((value) => (value === null ? '-' : plain(String(value))))),
          ),
        );
      }
    });
}

/** Control characters of what others wrote must not steer the terminal. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
