import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileConnectors } from '#connectors/registry';
import { decimalSignOf, parseDecimal } from '#core/decimal-text';
import { RefusedError, UsageError } from '#core/errors';
import { columnReader, distinctColumns, fieldNames, type SourceRow } from '#core/row-reading';
import { createDayReader, createTimeReader } from '#core/time-text';
import { fileContents } from '#pipeline/imports/file-bytes';
import { recognised } from '#pipeline/imports/import-reading';
import {
  firstObjects,
  firstRecords,
  openTable,
  parquetColumns,
  readRows,
  type TableFile,
} from '#pipeline/imports/table-file';

type Kind = 'time' | 'clock' | 'number' | 'email' | 'phone' | 'text' | 'empty';

interface Profile {
  column: string;
  kind: Kind;
  /** Of times; undefined: ISO. */
  format: string | undefined;
  /** Other formats that fit as well: only a person knows which is meant. */
  otherFormat: string | undefined;
  isUnique: boolean;
  isFilled: boolean;
  distinct: string[];
}

const timeFormats = [
  ...['dd/MM/yyyy', 'MM/dd/yyyy', 'd/M/yyyy', 'M/d/yyyy', 'dd/MM/yy', 'dd-MM-yyyy', 'dd.MM.yyyy', 'yyyy/MM/dd'].flatMap(
    (day) => [day, `${day} HH:mm`, `${day} HH:mm:ss`, `${day} H:mm`, `${day}, HH:mm`],
  ),
  ...['LLL d, yyyy', 'd LLL yyyy', 'LLLL d, yyyy', 'd LLLL yyyy', 'M/d/yyyy h:mm a', 'LLL d, yyyy, h:mm a'],
];
const dateName = /date|data|day|giorno|time|_at$|created|quando|timestamp|ora\b/i;

/** Names that say what a column holds, in English and Italian. */
const names = {
  spend: /^(amount )?spen[dt]\b|^cost(o|i)?\b|^spes[ao]\b|importo speso|ad.?spend/i,
  impressions: /^impr/i,
  clicks: /\bclick?s?\b|^clic/i,
  account: /^account|advertiser.?id|customer.?id/i,
  campaignId: /campaign.?id|id.?campagna/i,
  campaign: /campaign|campagna/i,
  adGroup: /ad.?(group|set)|gruppo/i,
  ad: /^ad.?(id|name)?$|inserzione/i,
  conversions: /^(?!.*(per|rate|cost)).*(conversion(s|i)?$|conv\.$|approved|acquisti|purchases)/i,
  money: /amount|total|revenue|price|importo|totale|prezzo|value|valore|fatturato|paid|pagato|dollar/i,
  tax: /\b(vat|iva|tax)\b/i,
  currency: /currency|valuta|divisa/i,
  channel: /channel|canale|origin|provenienza|lead.?source|fonte/i,
  order: /order|ordine|receipt|scontrino|invoice|fattura|transaction/i,
  card: /loyalty|tessera|card|fidelity/i,
  user: /user.?id|utente|login/i,
  visitor: /anonymous|cookie|visitor|device.?id/i,
  person: /customer|client|crm|contact|lead|mql|person|anagrafica|member/i,
  won: /\bwon\b|chius|closed|vinto/i,
  lead: /lead|contact.?request|richiesta|form|quote|preventivo/i,
  call: /call|chiamat|telefonat|durat|duration/i,
};

/**
 * Drafts a mapping for a table: what its header and first rows show, and `# unsure:` where only a person can know.
 * @throws UsageError where there is no such file; RefusedError where it cannot be read.
 */
export async function suggestMapping(path: string): Promise<string> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('not a file');
  } catch (cause) {
    throw new UsageError(`no file ${basename(path)}`, { mend: 'name one file, not a folder', cause });
  }
  const content = (await fileContents(path))[0];
  if (content === undefined) throw new RefusedError(`${basename(path)} holds nothing`);
  const table = await openTable(content);
  const known = await knownExport(content.fileName, table);
  if (known.draft !== undefined) return known.draft;
  const { columns, rows, hasHeader } = await sampleOf(table);
  if (columns.length === 0 || rows.length === 0) throw new RefusedError(`${content.name} has no row of data`);
  const isJson = table.shape.kind === 'json' || table.shape.kind === 'jsonl';
  const cells = columns.map((column) => {
    const read = columnReader(column, isJson ? undefined : columns);
    return { column, values: rows.map(read) };
  });
  const profiles = await Promise.all(cells.map(({ column, values }) => profileOf(column, values)));
  return draft(content.fileName, table, profiles, cells, { hasHeader, remark: known.remark });
}

/** A known export needs no mapping of its columns: the draft binds the file to a source. */
async function knownExport(fileName: string, table: TableFile): Promise<{ draft?: string; remark?: string }> {
  const found = await recognised(table, {}, fileConnectors);
  if (found === undefined) return {};
  const { connector, says, header } = found;
  try {
    const { notes } = await connector.open({
      fileName,
      source: connector.source ?? sourceName(fileName),
      names: header.columns,
      columns: header.isJson ? undefined : header.columns,
      preamble: header.preamble,
      amounts: { gross: false, shippingIncluded: false },
      decimal: undefined,
      currency: 'EUR',
      isCurrencyGiven: false,
      timeZone: 'UTC',
    });
    const lines = [
      `# Drafted from ${fileName}, which looks like ${says}: it can be imported as it is, without a mapping.`,
      '# This one binds such files to a source of your own. Save it in mappings/.',
      `source: ${connector.source ?? sourceName(fileName)} # unsure: how you call the system that this file comes from`,
      `files: ${quoted(fileGlob(fileName))}`,
      `connector: ${connector.name}`,
      ...(notes.some((note) => note.includes('names no currency'))
        ? ['currency: EUR # unsure: the file names no currency; the one that its amounts are in']
        : []),
      ...notes.filter((note) => !note.includes('names no currency')).map((note) => `# ${note}`),
    ];
    return { draft: `${lines.join('\n')}\n` };
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { remark: `# unsure: ${error.message}; ${error.mend ?? ''}` };
  }
}

const fileGlob = (fileName: string) => fileName.replace(/\d{2,}([-_.]?\d+)*/g, '*');

async function sampleOf(table: TableFile): Promise<{ columns: string[]; rows: SourceRow[]; hasHeader: boolean }> {
  const { kind } = table.shape;
  if (kind === 'json' || kind === 'jsonl') {
    const objects = await firstObjects(table, 1000);
    const columns = [...new Set(objects.flatMap(fieldNames))];
    return { columns, rows: objects.map((record) => ({ kind: 'record', record, text: '' })), hasHeader: true };
  }
  if (kind === 'parquet') {
    const columns = await parquetColumns(table);
    const rows: SourceRow[] = [];
    for await (const batch of readRows(table, { skipLines: 0, skipRecords: 0 })) {
      for (const row of batch) if (row.kind === 'cells') rows.push(row);
      if (rows.length >= 1000) break;
    }
    return { columns, rows, hasHeader: true };
  }
  const records = firstRecords(table, 0, 2000);
  // A first line without a letter names nothing: it is the first row.
  const hasHeader = (records[0] ?? []).some((cell) => /\p{L}/u.test(cell));
  const columns = distinctColumns(hasHeader ? (records[0] ?? []) : (records[0] ?? []).map(() => ''));
  const rows = records.slice(hasHeader ? 1 : 0).filter((record) => record.length === columns.length);
  return { columns, rows: rows.map((row) => ({ kind: 'cells', cells: row })), hasHeader };
}

async function profileOf(column: string, values: readonly string[]): Promise<Profile> {
  const filled = values.filter((value) => value !== '');
  const distinct = [...new Set(filled)];
  const base = {
    column,
    format: undefined,
    otherFormat: undefined,
    isUnique: distinct.length === values.length && values.length > 1,
    isFilled: filled.length === values.length,
    distinct: distinct.slice(0, 40),
  };
  if (filled.length === 0) return { ...base, kind: 'empty' };
  const all = (test: (value: string) => boolean) => distinct.every(test);
  if (all((value) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value))) return { ...base, kind: 'email' };
  if (all((value) => /^\d{1,2}:\d\d(:\d\d)?$/.test(value))) return { ...base, kind: 'clock' };
  const time = await timeFormatOf(column, distinct);
  if (time !== undefined) return { ...base, kind: 'time', ...time };
  const isPhoneName = /phone|tel(efono)?\b|mobile|cell|caller|chiamante|numero/i.test(column);
  if (all((value) => /^\+?[\d\s().-]{7,20}$/.test(value)) && (isPhoneName || all((value) => value.startsWith('+')))) {
    return { ...base, kind: 'phone' };
  }
  const sign = decimalSignOf(distinct) ?? '.';
  if (all((value) => parseDecimal(value, sign).ok)) return { ...base, kind: 'number' };
  return { ...base, kind: 'text' };
}

async function timeFormatOf(
  column: string,
  values: readonly string[],
): Promise<{ format: string | undefined; otherFormat: string | undefined } | undefined> {
  const fits = async (format: string | undefined) => {
    const read = await createTimeReader(format, 'UTC');
    return values.every((value) => read(value).ok);
  };
  if (await fits(undefined)) return { format: undefined, otherFormat: undefined };
  const isNumber = values.every((value) => /^\d+$/.test(value));
  if (isNumber) {
    const isUnnamed = /^column_\d+$/.test(column) && values.length >= 5;
    if (!dateName.test(column) && !isUnnamed) return undefined;
    const plausible = async (format: string) => {
      const read = await createDayReader(format);
      return values.every((value) => {
        const day = read(value);
        return day.ok && day.value >= '1980-01-01' && day.value < '2100-01-01';
      });
    };
    for (const format of isUnnamed ? ['yyyyMMdd'] : ['yyyyMMdd', 'X', 'x']) {
      if (await plausible(format)) return { format, otherFormat: undefined };
    }
    return undefined;
  }
  if (!values.every((value) => /\d/.test(value) && value.length <= 40)) return undefined;
  const fitting: string[] = [];
  for (const format of timeFormats) if (await fits(format)) fitting.push(format);
  const format = fitting[0];
  if (format === undefined) return undefined;
  const dayFirst = /^dd?[/]MM?/.test(format);
  return { format, otherFormat: fitting.find((other) => dayFirst && /^MM?[/]dd?/.test(other)) };
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
const slot = (profile: Profile) => quoted(`{${profile.column}}`);

function draft(
  fileName: string,
  table: TableFile,
  profiles: readonly Profile[],
  cells: readonly { column: string; values: readonly string[] }[],
  about: { hasHeader: boolean; remark: string | undefined },
): string {
  const used = new Set<Profile>();
  const take = (test: RegExp, ...kinds: Kind[]): Profile | undefined => {
    const found = profiles.find(
      (profile) =>
        !used.has(profile) && test.test(profile.column) && (kinds.length === 0 || kinds.includes(profile.kind)),
    );
    if (found !== undefined) used.add(found);
    return found;
  };
  const ofKind = (kind: Kind): Profile | undefined => {
    const found = profiles.find((profile) => !used.has(profile) && profile.kind === kind);
    if (found !== undefined) used.add(found);
    return found;
  };
  const lines = [
    `# Drafted from ${fileName}. Lines marked "unsure" need you: correct them, then save this file in mappings/.`,
    `source: ${sourceName(fileName)} # unsure: how you call the system that this file comes from`,
    ...(about.remark === undefined ? [] : [about.remark]),
    `files: ${quoted(fileGlob(fileName))}`,
    ...formatLines(table, profiles, cells),
    ...(about.hasHeader
      ? []
      : ['  header: false # unsure: no line names the columns; write their names here as a list']),
  ];
  const spend = take(names.spend, 'number');
  const hasPerson = profiles.some(({ kind }) => kind === 'email' || kind === 'phone');
  const isCost =
    spend !== undefined &&
    !hasPerson &&
    profiles.some(
      ({ column }) => names.clicks.test(column) || names.impressions.test(column) || names.campaign.test(column),
    );
  if (spend !== undefined && !isCost) used.delete(spend);
  return `${[...lines, ...(isCost && spend !== undefined ? costLines(spend, take, ofKind, channelOfSpend(`${fileName} ${profiles.map(({ column }) => column).join(' ')}`)) : eventLines(profiles, take, ofKind, fileName)), ...restLines(profiles, used, isCost)].join('\n')}\n`;
}

type Take = (test: RegExp, ...kinds: Kind[]) => Profile | undefined;

function sourceName(fileName: string): string {
  const stem = fileName.replace(/\.[^.]*$/, '').toLowerCase();
  const name = stem.replace(/[^a-z]+/g, '_').replace(/^_+|_+$/g, '');
  return name === '' ? 'files' : name;
}

function formatLines(
  table: TableFile,
  profiles: readonly Profile[],
  cells: readonly { column: string; values: readonly string[] }[],
): string[] {
  const lines = ['format:', `  type: ${table.shape.kind}`];
  if (table.shape.kind === 'csv') {
    const { delimiter } = table.shape;
    lines.push(`  delimiter: ${delimiter === '\t' ? 'tab' : quoted(delimiter)}`);
    if (table.examined.encoding === 'windows-1252') lines.push('  encoding: windows-1252');
  }
  if (table.shape.kind === 'csv' || table.shape.kind === 'fixed') {
    const numbers = cells.filter((_, index) => profiles[index]?.kind === 'number').flatMap(({ values }) => values);
    const sign = decimalSignOf(numbers);
    if (sign !== undefined) lines.push(`  decimal: ${quoted(sign)}`);
    else if (numbers.some((value) => /[.,]/.test(value))) {
      lines.push("  decimal: '.' # unsure: whether 1.234 is a thousand or a fraction");
    }
  }
  return lines;
}

function dayValue(time: Profile | undefined, clock: Profile | undefined): string {
  if (time === undefined) return "{ value: 'YYYY-MM-DD' } # unsure: no column holds a date; write the day of all rows";
  const doubt =
    time.otherFormat === undefined ? '' : ` # unsure: the day or the month first? It may be ${time.otherFormat}`;
  if (clock !== undefined) {
    const length = clock.distinct.some((value) => value.split(':').length > 2) ? 'HH:mm:ss' : 'HH:mm';
    const format = `${time.format ?? 'yyyy-MM-dd'} ${length}`;
    return `{ column: ${quoted(`{${time.column}} {${clock.column}}`)}, format: ${quoted(format)} }${doubt}`;
  }
  const format = time.format === undefined ? '' : `, format: ${quoted(time.format)}`;
  return `{ column: ${quoted(time.column)}${format} }${doubt}`;
}

function channelOfSpend(words: string): string {
  return /facebook|(^|[^a-z])fb[^a-z]|meta|instagram|tiktok|linkedin/i.test(words) ? 'Paid Social' : 'Paid Search';
}

function costLines(spend: Profile, take: Take, ofKind: (kind: Kind) => Profile | undefined, channel: string): string[] {
  const optional = (name: string, profile: Profile | undefined) => (profile ? [`    ${name}: ${slot(profile)}`] : []);
  const currency = take(names.currency, 'text');
  return [
    'costs:',
    `  - cost_date: ${dayValue(take(dateName, 'time') ?? ofKind('time'), undefined)}`,
    ...optional('account', take(names.account)),
    ...optional('campaign_id', take(names.campaignId)),
    ...optional('campaign', take(names.campaign)),
    ...optional('ad_group', take(names.adGroup) ?? take(names.ad)),
    `    channel: ${channel} # unsure: the channel that this money was spent on`,
    ...optional('impressions', take(names.impressions, 'number')),
    ...optional('clicks', take(names.clicks, 'number')),
    `    spend: { column: ${quoted(spend.column)} }`,
    currency ? `    currency: ${slot(currency)}` : '    currency: EUR # unsure: the currency of the spend',
    ...optional('platform_conversions', take(names.conversions, 'number')),
  ];
}

function eventLines(
  profiles: readonly Profile[],
  take: Take,
  ofKind: (kind: Kind) => Profile | undefined,
  fileName: string,
): string[] {
  const time = take(dateName, 'time') ?? ofKind('time');
  const clock = time === undefined ? undefined : ofKind('clock');
  const isOrder = (profile: Profile) => names.order.test(profile.column) && profile.kind !== 'time';
  const order = profiles.find((profile) => isOrder(profile) && profile.isUnique) ?? profiles.find(isOrder);
  if (order !== undefined) take(new RegExp(`^${order.column.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`));
  const utm = ['source', 'medium', 'campaign', 'content', 'term'].flatMap((name) => {
    const found = take(new RegExp(`utm_?${name}`, 'i'));
    return found === undefined ? [] : [`      ${name}: ${slot(found)}`];
  });
  const channel = take(names.channel, 'text');
  const identifiers = [
    { name: 'email', profile: ofKind('email') },
    { name: 'phone', profile: ofKind('phone') },
    { name: 'loyalty_card', profile: take(names.card, 'text', 'number') },
    { name: 'user_id', profile: take(names.user, 'text', 'number') },
    { name: 'anonymous_id', profile: take(names.visitor, 'text', 'number') },
    { name: 'crm_id', profile: take(names.person, 'text', 'number') ?? take(/^(id|code|codice)$/i, 'text', 'number') },
  ].filter(({ profile }) => profile !== undefined);
  const tax = take(names.tax, 'number');
  const money = take(names.money, 'number');
  const currency = take(names.currency, 'text');

  const words = `${fileName} ${time?.column ?? ''}`;
  const type =
    (order !== undefined || names.order.test(words)) && money !== undefined
      ? 'Order Completed # unsure: or Order Refunded, Quote Requested, ...'
      : names.won.test(words)
        ? 'Opportunity Won # unsure: or Opportunity Lost, Order Completed, ...'
        : names.lead.test(words)
          ? 'Lead Created # unsure: or Contact, Quote Requested, Form Submitted, ...'
          : money !== undefined && channel === undefined
            ? 'Order Completed # unsure: whether each row is an order'
            : 'Contact # unsure: what happened; see docs/interface.md for the names that count';
  const kinds = money === undefined ? undefined : kindsOf(profiles);
  const lines = kinds === undefined ? ['events:', `  - event_type: ${type}`] : ['events:', ...kindLines(kinds)];
  if (order?.isUnique) lines.push(`    event_id: ${slot(order)}`);
  else lines.push('    # no column names each row alone: equal rows of one file count as different events');
  lines.push(`    occurred_at: ${dayValue(time, clock)}`);
  if (identifiers.length === 0) {
    lines.push(
      "    identifiers: { crm_id: '' } # unsure: the column that names the person; without one no row can be taken",
    );
  } else {
    lines.push('    identifiers:');
    for (const { name, profile } of identifiers) {
      const doubt = name === 'crm_id' ? ' # unsure: whether this is your own number of the person' : '';
      if (profile !== undefined) lines.push(`      ${name}: ${slot(profile)}${doubt}`);
    }
  }
  if (channel !== undefined || utm.length > 0) {
    lines.push('    touch:', ...utm);
    if (channel !== undefined) {
      lines.push(
        '      channel: # unsure: the channel that each value means',
        `        column: ${quoted(channel.column)}`,
        '        map:',
      );
      for (const value of channel.distinct) lines.push(`          ${quoted(value)}: ${quoted(channelOf(value))}`);
      if (!channel.isFilled) lines.push("          '': '(not given)'");
    }
  }
  if (money !== undefined) {
    lines.push('    value:');
    if (order !== undefined) lines.push(`      order_id: ${slot(order)}`);
    lines.push(
      `      revenue: { column: ${quoted(money.column)} } # unsure: net of VAT? Else set \`gross\` for the source`,
    );
    if (tax !== undefined) lines.push(`      tax: { column: ${quoted(tax.column)} }`);
    lines.push(
      currency ? `      currency: ${slot(currency)}` : '      currency: EUR # unsure: the currency of the amounts',
    );
  }
  return lines;
}

/** A column that tells orders from what led to them, as exports of touches have. */
function kindsOf(profiles: readonly Profile[]): Profile | undefined {
  return profiles.find(
    ({ column, kind, distinct }) =>
      kind === 'text' &&
      /interaction|event|action|^type$|tipo/i.test(column) &&
      distinct.length > 1 &&
      distinct.length <= 8 &&
      distinct.some((value) => orderWord.test(value)),
  );
}

const orderWord = /^(conversion|purchase|order|sale|acquisto|ordine|vendita)s?$/i;

function kindLines({ column, distinct }: Profile): string[] {
  const typeOf = (value: string) =>
    orderWord.test(value) ? 'Order Completed' : /impression|view|visualizz/i.test(value) ? 'Ad Viewed' : 'Contact';
  return [
    '  - event_type: # unsure: what each value means',
    `      column: ${quoted(column)}`,
    '      map:',
    ...distinct.map((value) => `        ${quoted(value)}: ${typeOf(value)}`),
  ];
}

/** Columns without a place: kept as properties where they are few words or numbers, and named in any case. */
function restLines(profiles: readonly Profile[], used: ReadonlySet<Profile>, isCost: boolean): string[] {
  const rest = profiles.filter((profile) => !used.has(profile) && profile.kind !== 'empty');
  if (rest.length === 0) return [];
  if (isCost) return [`# not used: ${rest.map(({ column }) => column).join(', ')}`];
  const lines = ['    properties: # unsure: leave out what names a person and what you do not need'];
  for (const profile of rest.slice(0, 12)) {
    const name =
      profile.column
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '_')
        .replace(/^_+|_+$/g, '') || 'other';
    lines.push(`      ${quoted(name)}: ${slot(profile)}`);
  }
  if (rest.length > 12)
    lines.push(
      `# not used: ${rest
        .slice(12)
        .map(({ column }) => column)
        .join(', ')}`,
    );
  return lines;
}

const channelWords: [RegExp, string][] = [
  [/paid.?search|sem|ppc|adwords|google.?ads/i, 'Paid Search'],
  [/organic|seo/i, 'Organic Search'],
  [/paid.?social|facebook.?ads|meta/i, 'Paid Social'],
  [/social|facebook|instagram|linkedin|tiktok/i, 'Organic Social'],
  [/e-?mail|newsletter|mail/i, 'Email'],
  [/direct|diretto/i, 'Direct'],
  [/display|banner/i, 'Display'],
  [/video|youtube/i, 'Paid Video'],
  [/refer|passaparola|amic/i, 'Referral'],
  [/phone|tel|call|chiamat/i, 'Phone'],
  [/shop|store|negozio|punto vendita/i, 'Store'],
  [/agent|field|fiera|event/i, 'Event'],
];

function channelOf(value: string): string {
  return channelWords.find(([test]) => test.test(value))?.[1] ?? value;
}
