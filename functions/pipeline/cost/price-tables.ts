import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import * as z from 'zod';
import { UsageError } from '#core/errors';

const folder = new URL('../../../infra/prices/', import.meta.url);

const priceRow = z.object({
  item: z.string(),
  service: z.string(),
  unit: z.string(),
  /** The price is of so many units. */
  per: z.coerce.number().positive(),
  /** Units a month that cost nothing, for ever: allowances of a first year are not counted. */
  free_a_month: z.coerce.number().min(0),
  region: z.string(),
  usd: z.coerce.number().min(0),
  as_of: z.string().regex(/^\d{4}-\d{2}$/),
  source: z.url(),
  seen: z.enum(['in stored copies', 'from memory']),
});

export type PriceTable = readonly z.output<typeof priceRow>[];

const scannedRow = z.object({
  build: z.enum(['daily', 'full', 'stored']),
  step: z.string(),
  statements: z.coerce.number().int().min(0),
  bytes_per_daily_event: z.coerce.number().min(0),
  bytes_per_event_of_history: z.coerce.number().min(0),
  bytes_per_month: z.coerce.number().min(0),
  at_most_per_month: z.string().transform((text) => (text === '' ? undefined : Number(text))),
});

export interface Growth {
  /** Bytes for each event that comes in on a day. */
  perDailyEvent: number;
  /** Bytes for each event that ever came in. */
  perEventOfHistory: number;
  /** Bytes for each month behind, however many events it had. */
  perMonth: number;
  /** What all of it comes to at most, for each month: rows of which there can be only so many. */
  mostPerMonth?: number | undefined;
}

/** What each statement reads, and what is stored, as tests/bench/scanned-bytes.ts measured it. */
export interface ScannedBytes {
  statements: readonly ({ build: 'daily' | 'full'; step: string; statements: number } & Growth)[];
  /** raw, published, kept; written and scratch by one day's build. */
  stored: Readonly<Record<string, Growth>>;
}

async function readRows(name: string): Promise<unknown[]> {
  return parse(await readFile(new URL(name, folder), 'utf8'), { columns: true });
}

export async function readPrices(): Promise<PriceTable> {
  return z.array(priceRow).parse(await readRows('aws.csv'));
}

export async function readScannedBytes(): Promise<ScannedBytes> {
  const rows = z.array(scannedRow).parse(await readRows('scanned-bytes.csv'));
  const statements: ScannedBytes['statements'][number][] = [];
  const stored: Record<string, Growth> = {};
  for (const { build, step, statements: count, ...row } of rows) {
    const bytes = {
      perDailyEvent: row.bytes_per_daily_event,
      perEventOfHistory: row.bytes_per_event_of_history,
      perMonth: row.bytes_per_month,
      mostPerMonth: row.at_most_per_month,
    };
    if (build === 'stored') stored[step] = bytes;
    else statements.push({ build, step, statements: count, ...bytes });
  }
  return { statements, stored };
}

/** @throws UsageError where the table has no such price. */
export function priceOf(prices: PriceTable, item: string, region: string) {
  const row = prices.find((one) => one.item === item && one.region === region);
  if (row !== undefined) return { ...row, free: row.free_a_month };
  const known = [...new Set(prices.map((one) => one.region))].join(', ');
  throw new UsageError(`no price of ${item} in ${region}`, {
    mend: `prices are known of ${known}: take the nearest with --region, or add rows to infra/prices/aws.csv`,
  });
}
