import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest } from '#core/lake';
import type { Store, Warehouse } from '#core/ports';
import { quoteText } from '#core/sql-text';
import type { Catalogue } from '#pipeline/builds/catalogue';
import type { Company } from '#pipeline/company/company';
import { readGlossary } from '#pipeline/site/glossary';
import { describeTables } from '#pipeline/site/table-docs';

/** What a person chose that the pages show. */
export function settingsOfPages(company: Pick<Company, 'config'>) {
  const { name, currency, language, timeZone, attribution } = company.config;
  return {
    name,
    currency,
    language,
    time_zone: timeZone,
    default_model: attribution.defaultModel,
    default_period: 'last_90_days',
  };
}

interface PageTableOptions {
  /** The folder of one SELECT a page table. */
  selects: string;
  /** Where the Parquet files go, and below `more/` what pages fetch only when asked. */
  output: string;
  catalogue: Catalogue;
  buildEmpty(catalogue: Catalogue): Promise<Manifest>;
}

/**
 * Writes the tables that the pages read, as Parquet: aggregates only, and no cell that stands for fewer than 5 persons.
 * Each SELECT is over the published tables, `site` (what the company is called, its currency ...) and `glossary_entries`.
 * One that begins with `-- apart: model` gives the page the rows of the default model; those of each other model become a
 * JSON file `more/<table>/<model>.json`, which the page fetches when the model is chosen.
 */
export async function preparePageTables(
  company: { config: Company['config']; lake: Pick<Store, 'locate'> },
  manifest: Manifest,
  warehouse: Warehouse,
  options: PageTableOptions,
): Promise<void> {
  await openPublished(company.lake, manifest, warehouse, options);
  const site = { ...settingsOfPages(company), as_of: manifest.as_of, built_at: manifest.built_at };
  await warehouse.run(
    `create table site as select ${Object.entries(site)
      .map(([name, value]) => `${quoteText(value)} as "${name}"`)
      .join(', ')}`,
  );
  await warehouse.createTableFromRows(
    'glossary_entries',
    {
      place: 'bigint',
      section_en: 'varchar',
      section_it: 'varchar',
      term_en: 'varchar',
      term_it: 'varchar',
      text_en: 'varchar',
      text_it: 'varchar',
      source: 'varchar',
    },
    (await readGlossary(describeTables(options.catalogue))).map((entry) => ({ ...entry })),
  );
  const models = (await warehouse.query('select distinct model from channel_roi order by model')).map((row) =>
    String(row.model),
  );
  const others = models.filter((model) => model !== site.default_model && plainName.test(model));
  const more = join(options.output, 'more');
  await rm(more, { recursive: true, force: true });
  await mkdir(more, { recursive: true });
  for (const file of (await readdir(options.selects)).filter((name) => name.endsWith('.sql')).sort()) {
    const name = file.slice(0, -'.sql'.length);
    const select = await readFile(join(options.selects, file), 'utf8');
    const parquet = join(options.output, `${name}.parquet`);
    if (!select.startsWith('-- apart: model\n')) {
      await warehouse.unload(select, parquet);
      continue;
    }
    const table = `page_${name}`;
    await warehouse.createTable(table, select);
    await warehouse.unload(`select * from ${table} where model = ${quoteText(site.default_model)}`, parquet);
    for (const model of others) await writeMore(warehouse, table, model, join(more, name));
    await warehouse.dropTable(table);
  }
}

/** A model's name becomes a file's name, so only plain ones do. */
const plainName = /^[a-z0-9_]+$/;

async function writeMore(warehouse: Warehouse, table: string, model: string, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const rows = await warehouse.query(`select * from ${table} where model = ${quoteText(model)}`);
  const columns = Object.keys(rows[0] ?? {});
  const body = { columns, rows: rows.map((row) => columns.map((column) => row[column])) };
  await writeFile(join(dir, `${model}.json`), JSON.stringify(body));
}

/**
 * A view a published table. A build of an older version, or of a part, lacks tables or columns that the pages read: they are
 * there then, and empty, so that a page can say what is missing.
 */
async function openPublished(
  lake: Pick<Store, 'locate'>,
  manifest: Manifest,
  warehouse: Warehouse,
  { catalogue, buildEmpty }: PageTableOptions,
): Promise<void> {
  const lacking = describeTables(catalogue).some(({ name, columns }) => {
    const there = new Set(manifest.tables[name]?.columns.map((column) => column.name));
    return columns.some((column) => !there.has(column.name));
  });
  const complete = lacking ? (await buildEmpty(catalogue)).tables : {};
  const typed = ({ name, type }: { name: string; type: string }) => `cast(null as ${type}) as "${name}"`;
  const tables = Object.entries({ ...complete, ...manifest.tables });
  for (const [table, { files, columns, view }] of tables) {
    if (view !== undefined && table in manifest.tables) continue;
    const names = new Set(columns.map((column) => column.name));
    const added = (complete[table]?.columns ?? []).filter((column) => !names.has(column.name));
    const paths = files.map((file) => quoteText(lake.locate(file.key))).join(', ');
    const select =
      table in manifest.tables && files.length > 0
        ? `select ${['*', ...added.map(typed)].join(', ')} from read_parquet([${paths}])`
        : `select ${[...columns, ...added].map(typed).join(', ')} where false`;
    await warehouse.createView(table, select);
  }
  for (const [table, { view }] of Object.entries(manifest.tables))
    if (view !== undefined) await warehouse.createView(table, view);
}
