import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import * as z from 'zod';
import { configSchema } from '#core/config';
import type { SqlValue, Warehouse } from '#core/ports';
import { emptyLists, settingTables } from '#core/setting-tables';
import { type Catalogue, isSqlModel } from '#pipeline/builds/catalogue';

/*
 * A case is a folder tests/sql/cases/<model>/<case>/ with one CSV file for each table that the model reads, and
 * expected.csv. The first line of an input names and types its columns: `person_id:varchar,at_s:double`. An empty cell
 * is null, a quoted empty one ("") is the empty text. Tables of settings and seeds are filled in where the folder has no file for
 * them; config.json may hold settings that differ. expected.csv compares the columns that it names, rows in any order,
 * numbers to 1e-9.
 */
const root = fileURLToPath(new URL('./cases', import.meta.url));

/** The folders of all cases, below tests/sql/cases. */
export async function modelCases(): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name === 'expected.csv')
    .map((entry) => relative(root, entry.parentPath))
    .sort();
}

const cells = z.array(z.array(z.string().nullable()));
async function readCsv(file: string): Promise<(string | null)[][]> {
  return cells.parse(
    parse(await readFile(file, 'utf8'), {
      skip_empty_lines: true,
      comment: '#',
      comment_no_infix: true,
      cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
    }),
  );
}

function isNumber(text: string): boolean {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text);
}

/** Numbers by value to 1e-9, all else by text. */
function comparable(value: SqlValue): SqlValue {
  if (value === null) return null;
  const text = String(value);
  if (!isNumber(text)) return text;
  return (Math.round(Number(text) * 1e9) / 1e9).toString();
}

const byText = (a: SqlValue[], b: SqlValue[]) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** Makes a case's model of its inputs on an engine. @returns its rows and those that the case expects, to be equal. */
export async function runModelCase(
  folder: string,
  catalogue: Catalogue,
  warehouse: Warehouse,
): Promise<{ actual: SqlValue[][]; expected: SqlValue[][] }> {
  const dir = join(root, folder);
  const name = folder.split('/')[0] ?? '';
  const model = catalogue.models.find((one) => one.name === name);
  if (model === undefined) throw new Error(`no model is called ${name}`);
  const files = await readdir(dir);
  const config = files.includes('config.json') ? JSON.parse(await readFile(join(dir, 'config.json'), 'utf8')) : {};
  const settings = settingTables(configSchema.parse({ name: 'Case', ...config }), emptyLists, '2026-12-31', undefined);
  for (const input of model.inputs) {
    const given = settings[input] ?? catalogue.seeds[input];
    if (files.includes(`${input}.csv`)) {
      const [header = [], ...lines] = await readCsv(join(dir, `${input}.csv`));
      const typed = header.map((cell): [string, string] => {
        const at = cell?.indexOf(':') ?? -1;
        return [cell?.slice(0, at) ?? '', cell?.slice(at + 1) ?? ''];
      });
      await warehouse.createTableFromRows(
        input,
        Object.fromEntries(typed),
        lines.map((line) => Object.fromEntries(typed.map(([column], index) => [column, line[index] ?? null]))),
      );
    } else if (given !== undefined) {
      await warehouse.createTableFromRows(input, given.columns, given.rows);
    } else {
      throw new Error(`${name} reads ${input}: add ${input}.csv to tests/sql/cases/${folder}`);
    }
  }
  if (isSqlModel(model)) {
    await warehouse.createTable(name, model.sql);
  } else {
    await model.run(warehouse);
  }
  const [columns = [], ...expected] = await readCsv(join(dir, 'expected.csv'));
  const rows = await warehouse.query(`select ${columns.join(', ')} from ${name}`);
  for (const table of [name, ...model.inputs]) await warehouse.dropTable(table);
  return {
    actual: rows.map((row) => columns.map((column) => comparable(row[column ?? ''] ?? null))).sort(byText),
    expected: expected.map((row) => row.map(comparable)).sort(byText),
  };
}
