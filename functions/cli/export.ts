import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CliContext } from './context.ts';

/** `percorso export TABLE FILE`. */
export function register(program: Command, context: CliContext): void {
  program
    .command('export')
    .description('one published table as a file: .csv, .parquet or .xlsx')
    .argument('<table>', 'the published table')
    .argument('<file>', 'the file to write; its ending says how')
    .action(async (table: string, file: string) => {
      const company = await context.company();
      const [{ exportTable }, { openMarts, writeParquet }] = await Promise.all([
        import('#pipeline/reading/export'),
        import('#adapters/duckdb-marts'),
      ]);
      const path = resolve(context.cwd, file);
      const { memory } = company.config.engine;
      const rows = await exportTable(company.lake, table, path, {
        openMarts: (tables) => openMarts(tables, { memory }),
        writeParquet,
      });
      if (context.json) context.stdout(`${JSON.stringify({ table, file: path, rows: rows ?? null })}\n`);
      context.stderr(`Wrote ${table} to ${path}${rows === undefined ? '' : ` (${rows} rows)`}.\n`);
    });
}
