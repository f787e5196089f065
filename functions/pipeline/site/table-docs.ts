import { checkResultColumns } from '#pipeline/builds/build';
import { type Catalogue, isSqlModel } from '#pipeline/builds/catalogue';

/** A published table as its header describes it. */
export interface PublishedTable {
  name: string;
  purpose: string;
  grain: string;
  key: readonly string[];
  columns: readonly { name: string; description: string }[];
}

/** Every published table as its header describes it, by name; also what the Glossary page is made from. */
export function describeTables(catalogue: Catalogue): PublishedTable[] {
  const tables = catalogue.models.filter(isSqlModel).flatMap(({ name, header }): PublishedTable[] => {
    if (!header.published) return [];
    const { purpose, grain, key, columns } = header;
    return [{ name, purpose, grain, key, columns }];
  });
  tables.push({
    name: 'check_results',
    purpose: 'what each check of the build found',
    grain: 'one row per check',
    key: ['check_name'],
    columns: checkResultColumns,
  });
  return tables.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `docs/tables.md`, whole. */
export function tablesDocument(catalogue: Catalogue): string {
  const tables = describeTables(catalogue);
  const sections = tables.map(({ name, purpose, grain, key, columns }) =>
    [
      `## ${name}`,
      '',
      `${sentence(purpose)} ${sentence(grain)} Key: ${key.map((column) => `\`${column}\``).join(', ')}.`,
      '',
      '| column | holds |',
      '| --- | --- |',
      ...columns.map((column) => `| \`${column.name}\` | ${column.description.replaceAll('|', '\\|')} |`),
    ].join('\n'),
  );
  return [
    '# Published tables',
    '',
    '<!-- Made from the headers of sql/models by `npm run docs`; change those, not this file. -->',
    '',
    `${tables.length} tables of plain Parquet. Days are reporting days in the company's time zone; columns that end in \`_at\` are instants in UTC; money is in the reporting currency.`,
    '',
    tables.map(({ name }) => `[\`${name}\`](#${name})`).join(' · '),
    '',
    `${sections.join('\n\n')}\n`,
  ].join('\n');
}

function sentence(text: string): string {
  const [first = '', ...rest] = text;
  return `${first.toUpperCase()}${rest.join('').replace(/\.$/, '')}.`;
}
