import { type DecimalSign, parseDecimal, type Reading } from '#core/decimal-text';
import { RefusedError } from '#core/errors';
import { nearest } from '#core/nearest';
import {
  type ColumnReader,
  columnReader,
  type Problem,
  type RowReader,
  type SourceRow,
  shownValue,
} from '#core/row-reading';
import { createDayReader, createTimeReader } from '#core/time-text';
import type { CostMapping, EventMapping, Mapping, MappingValue } from '#pipeline/imports/mapping-schema';

/** Ends the reading of one row. Caught in this file, once a row. */
class RowProblem extends Error {
  override name = 'RowProblem';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

const placeholder = /\{([^{}]+)\}/g;

function columnsOfText(text: string): string[] {
  return [...text.matchAll(placeholder)].map((found) => found[1] ?? '');
}

function columnsOfValue(value: MappingValue): string[] {
  if (typeof value === 'string') return columnsOfText(value);
  if (value.column === undefined) return [];
  return value.column.includes('{') ? columnsOfText(value.column) : [value.column];
}

type Conditions = Mapping['where'];
type Group = Partial<Record<string, MappingValue>>;
const groupNames = ['identifiers', 'touch', 'device', 'place', 'consent', 'value', 'properties'] as const;

function valuesOfEvent(event: EventMapping): MappingValue[] {
  const groups = groupNames.flatMap((name): MappingValue[] => {
    const group: Group = event[name] ?? {};
    return Object.values(group).filter((value) => value !== undefined);
  });
  const single = [event.event_type, event.event_id, event.occurred_at, event.updated_at];
  return [...groups, ...single.filter((value) => value !== undefined)];
}

function valuesOfCost(cost: CostMapping): MappingValue[] {
  const { when: _, ...fields } = cost;
  return Object.values(fields).filter((value) => value !== undefined);
}

/** The columns that a mapping reads: all of them, and those without which no row could be taken. */
export function columnsOfMapping(mapping: Mapping): { all: string[]; needed: string[] } {
  const events = mapping.events ?? [];
  const costs = mapping.costs ?? [];
  const conditions = [mapping.where, ...events.map(({ when }) => when), ...costs.map(({ when }) => when)];
  const named = conditions.flatMap((condition) => Object.keys(condition ?? {}));
  const all = [...events.flatMap(valuesOfEvent), ...costs.flatMap(valuesOfCost)].flatMap(columnsOfValue);
  const needed = [
    ...events.flatMap(({ event_type, occurred_at }) => [event_type, occurred_at]),
    ...costs.flatMap(({ cost_date, spend, currency }) => [cost_date, spend, currency]),
  ].flatMap(columnsOfValue);
  return { all: [...new Set([...named, ...all])], needed: [...new Set(needed)] };
}

/** Columns that hold amounts or counts, to see the file's decimal sign by. */
export function numberColumns(mapping: Mapping): string[] {
  const counts = (mapping.costs ?? []).flatMap((cost) => [
    cost.spend,
    cost.platform_value,
    cost.impressions,
    cost.clicks,
  ]);
  const amounts = (mapping.events ?? []).flatMap(({ value = {} }) => [
    ...[value.revenue, value.tax, value.shipping, value.discount, value.margin],
  ]);
  return [...counts, ...amounts].filter((value) => value !== undefined).flatMap(columnsOfValue);
}

export interface HeaderDifference {
  missing: string[];
  added: string[];
}

/** How a file's columns differ from those that a mapping reads; undefined where all that it reads are there. */
export function headerDifference(
  mapping: Mapping,
  columns: readonly string[],
  isJson: boolean,
): HeaderDifference | undefined {
  const { all, needed } = columnsOfMapping(mapping);
  const known = new Set(columns);
  // A JSON object may leave out what it has no value for, so only what each row must have is asked of the first ones.
  const missing = (isJson ? needed : all).filter((column) => !known.has(column));
  if (missing.length === 0) return undefined;
  const used = new Set(all);
  return { missing, added: columns.filter((column) => !used.has(column)) };
}

export function headerRefusal(fileName: string, mappingName: string, difference: HeaderDifference): RefusedError {
  const { missing, added } = difference;
  const listed = (names: readonly string[]) =>
    names.length > 12 ? `${names.slice(0, 12).join(', ')} and ${names.length - 12} more` : names.join(', ');
  const missed = missing.map((column) => {
    const near = nearest(column, added) ?? added.find((other) => looseName(other) === looseName(column));
    return near === undefined ? column : `${column} (nearest: ${near})`;
  });
  const lines = [
    `${fileName} has other columns than ${mappingName}: nothing was taken`,
    `  missing: ${listed(missed)}`,
    `  not in the mapping: ${added.length === 0 ? 'none' : listed(added)}`,
  ];
  return new RefusedError(lines.join('\n'), {
    mend: `correct the names in ${mappingName}, or give the file a mapping of its own (\`percorso import --suggest FILE\`)`,
  });
}

const looseName = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

export interface RowContext {
  source: string;
  /** The header of a table; undefined for JSON objects. */
  columns: readonly string[] | undefined;
  decimal: DecimalSign | undefined;
  timeZone: string;
}

type TextReader = (row: SourceRow) => string | undefined;
type Converter = (row: SourceRow, text: string) => unknown;

/** Makes the function that reads rows as a mapping says. */
export async function createMappingReader(mapping: Mapping, context: RowContext): Promise<RowReader> {
  const column = (name: string) => columnReader(name, context.columns);

  function template(text: string): TextReader {
    const names = columnsOfText(text);
    if (names.length === 0) return () => text;
    const readers = names.map(column);
    const between = text.split(placeholder).filter((_, index) => index % 2 === 0);
    return (row) => {
      let made = between[0] ?? '';
      for (let index = 0; index < readers.length; index++) {
        const cell = readers[index]?.(row) ?? '';
        if (cell === '') return undefined;
        made += cell + (between[index + 1] ?? '');
      }
      return made;
    };
  }

  function textReader(value: MappingValue): TextReader {
    if (typeof value === 'string') return template(value);
    const { column: from, map, default: otherwise } = value;
    const name = columnName(value);
    const raw: TextReader =
      from === undefined ? () => value.value : from.includes('{') ? template(from) : filled(column(from));
    if (map === undefined) return (row) => raw(row) ?? otherwise;
    const known = new Map(Object.entries(map));
    return (row) => {
      const text = raw(row);
      const mapped = known.get(text ?? '');
      if (mapped !== undefined) return mapped === '' ? undefined : mapped;
      if (text === undefined || otherwise !== undefined) return otherwise;
      throw new RowProblem({
        reason: 'unmapped-value',
        message: `${name}: ${shownValue(text)} is not in the map of the mapping`,
        column: name,
      });
    };
  }

  /** One field: its text, turned into what the canonical field holds. */
  function field(value: MappingValue | undefined, target: string, convert: Converter, isRequired = false) {
    if (value === undefined) return undefined;
    const read = textReader(value);
    const name = columnName(value);
    const required = isRequired || (typeof value !== 'string' && value.required === true);
    return (row: SourceRow): unknown => {
      const text = read(row);
      if (text !== undefined && text !== '') return convert(row, text);
      if (!required) return undefined;
      const where = name === '' ? target : name;
      throw new RowProblem({
        reason: 'missing-field',
        message: `${where} is empty; ${target} needs it`,
        column: where,
      });
    };
  }

  const wrong = (value: MappingValue, text: string, reason: string, why: string): RowProblem => {
    const name = columnName(value);
    return new RowProblem({
      reason,
      message: `${name}: ${shownValue(text)} ${why}`,
      ...(name ? { column: name } : {}),
    });
  };
  const or = <T>(read: Reading<T>, value: MappingValue, text: string, reason: string): T => {
    if (read.ok) return read.value;
    throw wrong(value, text, reason, read.why);
  };

  const asText: Converter = (_, text) => text;
  const asAmount =
    (value: MappingValue): Converter =>
    (_, text) =>
      or(parseDecimal(text, decimalOf(value)), value, text, 'wrong-number');
  const asCount =
    (value: MappingValue): Converter =>
    (_, text) =>
      Number(or(parseDecimal(text, decimalOf(value)), value, text, 'wrong-number'));
  const decimalOf = (value: MappingValue) => (typeof value === 'string' ? undefined : value.decimal) ?? context.decimal;

  async function asTime(value: MappingValue): Promise<Converter> {
    const read = await createTimeReader(formatOf(value), context.timeZone, localeOf(value));
    return (_, text) => new Date(or(read(text), value, text, 'wrong-date')).toISOString();
  }
  async function asDay(value: MappingValue): Promise<Converter> {
    const read = await createDayReader(formatOf(value), localeOf(value));
    return (_, text) => or(read(text), value, text, 'wrong-date');
  }
  const asBoolean =
    (value: MappingValue): Converter =>
    (_, text) => {
      if (/^(true|1|yes|y|si|sì|s|vero|x|on)$/i.test(text)) return true;
      if (/^(false|0|no|n|falso|off)$/i.test(text)) return false;
      throw wrong(value, text, 'wrong-value', 'is neither yes nor no');
    };

  const amounts = new Set(['revenue', 'tax', 'shipping', 'discount', 'margin']);
  function converter(group: string, name: string, value: MappingValue): Converter {
    if (group === 'value' && amounts.has(name)) return asAmount(value);
    if (group === 'consent' || (group === 'device' && name === 'is_bot')) return asBoolean(value);
    if (group === 'properties' && typeof value !== 'string') {
      if (value.type === 'number') return asCount(value);
      if (value.type === 'boolean') return asBoolean(value);
    }
    return asText;
  }

  function condition(conditions: Conditions): (row: SourceRow) => boolean {
    const tests = Object.entries(conditions ?? {}).map(([name, values]) => {
      const read = column(name);
      const wanted = new Set(values);
      return (row: SourceRow) => wanted.has(read(row));
    });
    return (row) => tests.every((test) => test(row));
  }

  async function eventReader(event: EventMapping) {
    const when = condition(event.when);
    const single = {
      event_type: field(event.event_type, 'event_type', asText, true),
      event_id: field(event.event_id, 'event_id', asText),
      occurred_at: field(event.occurred_at, 'occurred_at', await asTime(event.occurred_at), true),
      updated_at: field(event.updated_at, 'updated_at', await asTime(event.updated_at ?? '')),
    };
    const groups = groupNames.flatMap((group) => {
      const members: Group = event[group] ?? {};
      const readers = Object.entries(members).flatMap(([name, value]) => {
        if (value === undefined) return [];
        const read = field(value, `${group}.${name}`, converter(group, name, value));
        return read === undefined ? [] : [{ name, read }];
      });
      return readers.length === 0 ? [] : [{ group, readers }];
    });
    const singles = Object.entries(single).flatMap(([name, read]) => (read === undefined ? [] : [{ name, read }]));
    return (row: SourceRow): Record<string, unknown> | undefined => {
      if (!when(row)) return undefined;
      const made: Record<string, unknown> = { source: context.source };
      for (const { name, read } of singles) {
        const value = read(row);
        if (value !== undefined) made[name] = value;
      }
      for (const { group, readers } of groups) {
        const inner: Record<string, unknown> = {};
        for (const { name, read } of readers) {
          const value = read(row);
          if (value !== undefined) inner[name] = value;
        }
        made[group] = inner;
      }
      return made;
    };
  }

  async function costReader(cost: CostMapping) {
    const when = condition(cost.when);
    const counts = (value: MappingValue | undefined, name: string) => field(value, name, asCount(value ?? ''));
    const readers = Object.entries({
      cost_date: field(cost.cost_date, 'cost_date', await asDay(cost.cost_date), true),
      account: field(cost.account, 'account', asText),
      campaign_id: field(cost.campaign_id, 'campaign_id', asText),
      campaign: field(cost.campaign, 'campaign', asText),
      ad_group: field(cost.ad_group, 'ad_group', asText),
      channel: field(cost.channel, 'channel', asText),
      impressions: counts(cost.impressions, 'impressions'),
      clicks: counts(cost.clicks, 'clicks'),
      spend: field(cost.spend, 'spend', asAmount(cost.spend), true),
      currency: field(cost.currency, 'currency', asText, true),
      platform_conversions: counts(cost.platform_conversions, 'platform_conversions'),
      platform_value: field(cost.platform_value, 'platform_value', asAmount(cost.platform_value ?? '')),
    }).flatMap(([name, read]) => (read === undefined ? [] : [{ name, read }]));
    return (row: SourceRow): Record<string, unknown> | undefined => {
      if (!when(row)) return undefined;
      const made: Record<string, unknown> = { source: context.source };
      for (const { name, read } of readers) {
        const value = read(row);
        if (value !== undefined) made[name] = value;
      }
      return made;
    };
  }

  const where = condition(mapping.where);
  const events = await Promise.all((mapping.events ?? []).map(eventReader));
  const costs = await Promise.all((mapping.costs ?? []).map(costReader));
  return (row) => {
    if (!where(row)) return { kind: 'left-out' };
    try {
      const made = {
        events: events.map((read) => read(row)).filter((event) => event !== undefined),
        costs: costs.map((read) => read(row)).filter((cost) => cost !== undefined),
      };
      // A row that none of the mapping's `when` is for.
      if (made.events.length === 0 && made.costs.length === 0) return { kind: 'left-out' };
      return { kind: 'taken', ...made };
    } catch (error) {
      if (error instanceof RowProblem) return { kind: 'problem', problem: error.problem };
      throw error;
    }
  };
}

const filled =
  (read: ColumnReader): TextReader =>
  (row) =>
    read(row) || undefined;
const formatOf = (value: MappingValue) => (typeof value === 'string' ? undefined : value.format);
const localeOf = (value: MappingValue) => (typeof value === 'string' ? undefined : value.locale);

function columnName(value: MappingValue): string {
  if (typeof value !== 'string' && value.column !== undefined && !value.column.includes('{')) return value.column;
  return columnsOfValue(value).join(', ');
}
