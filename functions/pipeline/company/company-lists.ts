import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import * as z from 'zod';
import type { Config } from '#core/config';
import { RefusedError } from '#core/errors';
import { nearest } from '#core/nearest';
import type { CompanyLists } from '#core/setting-tables';

const text = z.string();
const named = z.string().min(1, 'empty');
const day = z.iso.date('not a day such as 2026-01-31');
const amount = z.string().regex(/^-?\d{1,15}(\.\d{1,6})?$/, 'not an amount such as 1250.00');
const currency = z.string().regex(/^[A-Z]{3}$/, 'not an ISO currency code such as EUR');

/** A column that is left out, or left empty, has the value given here. */
const orElse = (schema: z.ZodType<string, string>, value: string) =>
  z
    .string()
    .optional()
    .transform((cell) => (cell === undefined || cell === '' ? value : cell))
    .pipe(schema);
const optional = orElse(text, '');

const invoice = z.object({ month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'not a month such as 2026-01'), amount });
const fixedCost = (reporting: string) =>
  z
    .object({
      channel: named,
      label: optional,
      from_date: day,
      to_date: day,
      amount,
      currency: orElse(currency, reporting),
    })
    .refine((row) => row.from_date <= row.to_date, { path: ['to_date'], message: 'before from_date' });
const rate = z.object({
  rate_date: day,
  currency,
  rate: z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'not a rate such as 0.9231')
    .refine((value) => Number(value) > 0, 'not above 0'),
});
const vat = z.object({
  source: named,
  vat_rate: z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'not a share such as 0.22')
    .refine((value) => Number(value) <= 1, 'above 1; write 22 % as 0.22'),
});
const campaign = z
  .object({ source: optional, campaign_id: optional, alias: optional, channel: optional, campaign: optional })
  .refine((row) => row.campaign_id !== '' || row.alias !== '', {
    path: ['alias'],
    message: 'neither campaign_id nor alias',
  });
const channelRule = z
  .object({ channel: named, source: optional, medium: optional, campaign: optional, site_category: optional })
  .refine((row) => `${row.source}${row.medium}${row.campaign}${row.site_category}` !== '', {
    path: ['source'],
    message: 'a rule without any condition would take everything',
  });

/**
 * Reads the CSV lists that stand beside the configuration. A file that is not there gives an empty list.
 * @throws RefusedError with file, line and column of the first wrong cell.
 */
export async function readLists(dir: string, config: Config): Promise<CompanyLists> {
  const { money, web } = config;
  const [fixedCosts, fxRates, vatRows, campaigns, channelRules, invoices] = await Promise.all([
    readList(join(dir, money.fixedCostsFile), fixedCost(config.currency), [
      'channel',
      'from_date',
      'to_date',
      'amount',
    ]),
    readList(join(dir, money.fxRatesFile), rate, ['rate_date', 'currency', 'rate']),
    readList(join(dir, money.vatFile), vat, ['source', 'vat_rate']),
    readList(join(dir, web.campaignsFile), campaign, ['source']),
    readList(join(dir, web.channelRulesFile), channelRule, ['channel']),
    readList(join(dir, money.invoicesFile), invoice, ['month', 'amount']),
  ]);
  return { fixedCosts, fxRates, vat: vatRows, campaigns, channelRules, invoices };
}

async function readList<Row>(file: string, row: z.ZodType<Row>, required: readonly string[]): Promise<Row[]> {
  let content: string;
  try {
    content = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw new RefusedError(`${file} cannot be read as UTF-8 text`, { mend: 'save it as "CSV UTF-8"', cause });
  }
  const known = columnsOf(row);
  const name = basename(file);
  const records = parseCsv(content, file);
  const header = records.header;
  for (const column of header) {
    if (known.includes(column)) continue;
    const near = nearest(column, known);
    throw new RefusedError(`${file}, line 1: no column is called "${column}" in ${name}`, {
      mend: near === undefined ? `its columns are: ${known.join(', ')}` : `did you mean ${near}?`,
    });
  }
  const missing = required.filter((column) => !header.includes(column));
  if (missing.length > 0) {
    throw new RefusedError(
      `${file}, line 1: without the column${missing.length > 1 ? 's' : ''} ${missing.join(', ')}`,
      {
        mend: `add ${missing.join(', ')} to its first line; its columns are: ${known.join(', ')}`,
      },
    );
  }
  return records.rows.map(({ cells, line }) => {
    const checked = row.safeParse(cells);
    if (checked.success) return checked.data;
    const issue = checked.error.issues[0];
    const column = String(issue?.path[0] ?? '');
    throw new RefusedError(
      `${file}, line ${line}, column ${column}: "${cells[column] ?? ''}" is ${issue?.message ?? 'wrong'}`,
      { mend: 'correct this cell and run the command again' },
    );
  });
}

function columnsOf(row: z.ZodType): string[] {
  return row instanceof z.ZodObject ? Object.keys(row.shape) : [];
}

function parseCsv(
  content: string,
  file: string,
): { header: string[]; rows: { cells: Record<string, string>; line: number }[] } {
  const firstLine = content.slice(0, content.search(/[\r\n]|$/));
  // Spreadsheets in Italian write semicolons.
  const delimiter = firstLine.includes(';') ? ';' : firstLine.includes('\t') ? '\t' : ',';
  try {
    const parsed = z
      .array(z.object({ record: z.array(z.string()), info: z.object({ lines: z.number() }) }))
      .parse(parse(content, { bom: true, delimiter, trim: true, skip_empty_lines: true, info: true }));
    const header = (parsed[0]?.record ?? []).map((column) => column.toLowerCase());
    const rows = parsed.slice(1).map(({ record, info }) => ({
      cells: Object.fromEntries(header.map((column, index) => [column, record[index] ?? ''])),
      line: info.lines,
    }));
    return { header, rows };
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new RefusedError(`${file}: ${cause.message}`, { mend: 'correct this line of the CSV file', cause });
  }
}
