import Big from 'big.js';
import * as z from 'zod';
import type { ConnectorContext, FileConnector, OpenedReport } from '#connectors/file-connector';
import { type DecimalSign, parseDecimal } from '#core/decimal-text';
import { RefusedError } from '#core/errors';
import { columnReader, type RowReading, shownValue } from '#core/row-reading';
import { createDayReader, type DayReader } from '#core/time-text';

/** What an advertising report may say of one row. */
export const adFields = [
  'day',
  'endDay',
  'account',
  'campaignId',
  'campaign',
  'campaignType',
  'adGroup',
  'ad',
  'impressions',
  'clicks',
  'spend',
  'spendMicros',
  'currency',
  'conversions',
  'value',
] as const;
export type AdField = (typeof adFields)[number];

/** Names of columns, in lower case, by what they hold; of several the first that the file has counts. */
export type AdColumns = Partial<Record<AdField, readonly (string | RegExp)[]>>;

export interface AdPlatform {
  name: string;
  source: string;
  recognise(names: readonly string[], preamble: readonly (readonly string[])[]): string | undefined;
  columns: AdColumns;
  /** The channel of a campaign type, in lower case ('' where none is known). */
  channel(campaignType: string): string;
  /** The currency that the header itself names. */
  currency?(names: readonly string[]): string | undefined;
  /** The decimal sign of numbers that come from a programming interface. */
  decimal?(names: readonly string[]): DecimalSign | undefined;
  /** A row of totals. */
  isTotals?(cells: readonly string[]): boolean;
  /** A row of totals that shows only in its named fields. */
  isSummary?(fields: Partial<Record<AdField, string>>, has: (field: AdField) => boolean): boolean;
  /** Rows without spend have an empty cell, not a 0. */
  leavesSpendEmpty?: boolean;
  /** How one asks this platform for a row a day. */
  dailyMend: string;
}

const nothing = new Set(['', '--', '-', ' --', '—', 'n/a']);

/** Days as reports write them: ISO first, then names of months. Never 01/02/2026, which may be either day. */
async function createReportDay(): Promise<DayReader> {
  const readers = await Promise.all([
    createDayReader(undefined),
    createDayReader('yyyyMMdd'),
    createDayReader('LLL d, yyyy', 'en'),
    createDayReader('LLLL d, yyyy', 'en'),
    createDayReader('d LLL yyyy', 'it'),
    createDayReader('d LLLL yyyy', 'it'),
    createDayReader('d LLL yyyy', 'en'),
  ]);
  return (text) => {
    for (const read of readers) {
      const found = read(text);
      if (found.ok) return found;
    }
    return { ok: false, why: 'is not a day such as 2026-01-31' };
  };
}

/** The first and last day that a preamble names, such as `Aug 1, 2026 - Aug 3, 2026`. */
async function rangeOf(preamble: readonly (readonly string[])[]): Promise<[string, string] | undefined> {
  const read = await createReportDay();
  for (const record of preamble) {
    const text = record.join(', ').replace(/\s*,\s*/g, ', ');
    const parts = text.split(/\s+[-–—]\s+/);
    const from = read(parts[0] ?? '');
    const to = read(parts[1] ?? parts[0] ?? '');
    if (parts.length <= 2 && from.ok && to.ok) return [from.value, to.value];
  }
  return undefined;
}

const lower = (columns: readonly string[]) => columns.map((column) => column.trim().toLowerCase());

function findColumn(columns: readonly string[], wanted: readonly (string | RegExp)[] | undefined): string | undefined {
  const names = lower(columns);
  for (const want of wanted ?? []) {
    const index = names.findIndex((name) => (typeof want === 'string' ? name === want : want.test(name)));
    if (index >= 0) return columns[index];
  }
  return undefined;
}

function rowSchema(readDay: DayReader, decimal: DecimalSign | undefined) {
  const amount = z.string().transform((text, context) => {
    if (nothing.has(text)) return '0';
    const read = parseDecimal(text, decimal);
    if (read.ok) return read.value;
    context.addIssue({ code: 'custom', message: read.why });
    return z.NEVER;
  });
  // Reports write no spend as 0 or as a dash; an empty cell says that something is missing.
  const spent = z.string().min(1).pipe(amount);
  const day = z.string().transform((text, context) => {
    const read = readDay(text);
    if (read.ok) return read.value;
    context.addIssue({ code: 'custom', message: read.why });
    return z.NEVER;
  });
  const words = z.string().transform((text) => (nothing.has(text) ? undefined : text));
  return z.object({
    day,
    endDay: day.optional(),
    account: words.optional(),
    campaignId: words.optional(),
    campaign: words.optional(),
    campaignType: z.string().optional(),
    adGroup: words.optional(),
    ad: words.optional(),
    impressions: amount.optional(),
    clicks: amount.optional(),
    spend: spent.optional(),
    spendMicros: spent.optional(),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'is not an ISO currency code such as "EUR"')
      .optional(),
    conversions: amount.optional(),
    value: amount.optional(),
  });
}

/** Makes the connector of an advertising platform whose reports are one cost a row. */
export function adConnector(platform: AdPlatform): FileConnector {
  return {
    name: platform.name,
    source: platform.source,
    recognise: (columns, preamble) => platform.recognise(lower(columns), preamble),
    numberColumns: (columns) =>
      (['spend', 'value', 'impressions', 'clicks'] as const).flatMap(
        (field) => findColumn(columns, platform.columns[field]) ?? [],
      ),
    open: (context) => openReport(platform, context),
  };
}

async function openReport(platform: AdPlatform, context: ConnectorContext): Promise<OpenedReport> {
  const { fileName, columns } = context;
  const header = context.names;
  const names = lower(header);
  const columnOf = new Map<AdField, string>();
  for (const field of adFields) {
    const column = findColumn(header, platform.columns[field]);
    if (column !== undefined) columnOf.set(field, column);
  }
  // With a column of days the report's own first and last day say nothing of a row.
  if (/^(day|giorno|jour)$/i.test(columnOf.get('day') ?? '')) columnOf.delete('endDay');
  const notes: string[] = [];
  const readDay = await createReportDay();
  let fixedDay: string | undefined;
  if (!columnOf.has('day')) {
    const range = await rangeOf(context.preamble);
    if (range === undefined || range[0] !== range[1]) {
      throw new RefusedError(
        range === undefined
          ? `${fileName} says of no row on which day it was spent`
          : `${fileName} sums up ${range[0]} to ${range[1]}: it does not say on which day what was spent`,
        { mend: platform.dailyMend },
      );
    }
    fixedDay = range[0];
    notes.push(`no column of days: all of it is of ${fixedDay}, which the report names above its header`);
  }
  const headerCurrency = platform.currency?.(names);
  const fixedCurrency = headerCurrency ?? (columnOf.has('currency') ? undefined : context.currency);
  if (headerCurrency === undefined && fixedCurrency !== undefined && !context.isCurrencyGiven) {
    notes.push(`the file names no currency: taken as ${fixedCurrency}, the company's (another one: --currency)`);
  }
  const readers = [...columnOf].map(([field, column]) => ({ field, read: columnReader(column, columns) }));
  const schema = rowSchema(readDay, platform.decimal?.(names) ?? context.decimal);
  const has = (field: AdField) => columnOf.has(field);

  return {
    notes,
    isAside: (cells) => platform.isTotals?.(cells) ?? false,
    read: (row): RowReading => {
      if (row.kind === 'cells' && platform.isTotals?.(row.cells)) return { kind: 'left-out' };
      const fields: Partial<Record<AdField, string>> = fixedDay === undefined ? {} : { day: fixedDay };
      for (const { field, read } of readers) fields[field] = read(row);
      if (platform.leavesSpendEmpty) fields.spend ||= '0';
      if (platform.isSummary?.(fields, has)) return { kind: 'left-out' };
      const parsed = schema.safeParse(fields);
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        const field = adFields.find((name) => name === issue?.path[0]) ?? 'day';
        const column = columnOf.get(field) ?? field;
        const text = fields[field] ?? '';
        const reason = field === 'day' || field === 'endDay' ? 'wrong-date' : 'wrong-number';
        const message =
          text === '' ? `${column} is empty` : `${column}: ${shownValue(text)} ${issue?.message ?? 'is wrong'}`;
        return { kind: 'problem', problem: { reason: text === '' ? 'missing-field' : reason, message, column } };
      }
      const ad = parsed.data;
      if (ad.endDay !== undefined && ad.endDay !== ad.day) {
        const column = columnOf.get('endDay') ?? 'endDay';
        const message = `the row sums up ${ad.day} to ${ad.endDay}: it does not say on which day what was spent. ${platform.dailyMend}`;
        return { kind: 'problem', problem: { reason: 'not-daily', message, column } };
      }
      const spend = ad.spendMicros === undefined ? ad.spend : new Big(ad.spendMicros).div(1_000_000).toFixed();
      const group = [ad.adGroup, ad.ad].filter((part) => part !== undefined).join(' / ');
      const cost = {
        cost_date: ad.day,
        source: context.source,
        account: ad.account,
        campaign_id: ad.campaignId,
        campaign: ad.campaign,
        ad_group: group === '' ? undefined : group,
        channel: platform.channel((ad.campaignType ?? '').toLowerCase()),
        impressions: Number(ad.impressions ?? 0),
        clicks: Number(ad.clicks ?? 0),
        spend: spend ?? '0',
        currency: fixedCurrency ?? ad.currency,
        platform_conversions: Number(ad.conversions ?? 0),
        platform_value: ad.value ?? '0',
      };
      return { kind: 'taken', events: [], costs: [cost] };
    },
  };
}
