import { UsageError } from '#core/errors';
import type { MartReader, SqlValue } from '#core/ports';
import { quoteText } from '#core/sql-text';

/** One touch of a path. */
export interface PathTouch {
  /** Its place in the path, from 1. */
  no: number;
  touch_id: string;
  at: string;
  channel: string;
  campaign: string | null;
  device_class: string;
  stage: string;
}

/** What a model credits to one touch. Money is exact, in text. */
export interface TouchCredit {
  touch_no: number;
  channel: string;
  weight: number;
  conversions: string;
  revenue: string;
  margin: string | null;
  /** Revenue and margin once the refunds are taken off. */
  net_revenue: string;
  net_margin: string | null;
}

/** How a data-driven model came to the share of one channel of the path. */
export interface ChannelShare {
  /** As the fit names it: `(other)` for the least frequent ones together, where there are more than sixty. */
  channel: string;
  touches: number;
  /** The model's factor of the channel, where it has one that does not depend on the path; null too where the fit does not know it. */
  factor: number | null;
  /** Whether the fit met the channel. */
  is_known: boolean;
  /** The channel's share of this conversion: its touches' weights together. */
  share: number;
}

export interface ModelCredit {
  model: string;
  name: { en: string; it: string };
  rule: { en: string; it: string };
  /**
   * Of a data-driven model: the month whose fit spreads this conversion, null where its type was not fitted yet; whether all touches
   * share evenly, since the fit gives the path's channels nothing; and the shares of the path's channels.
   */
  fit?: { month: string | null; is_even: boolean; shares: ChannelShare[] };
  touches: TouchCredit[];
  /** What the touches add up to. */
  totals: { weight: number; conversions: string; revenue: string; margin: string | null };
  /** The touches add up to the ledger's figures, before and after refunds. */
  equals_ledger: boolean;
}

export interface ExplainedConversion {
  conversion_id: string;
  conversion_type: string;
  person_id: string | null;
  /** False of an order that does not say whose it is: it is no new customer's. */
  is_named: boolean;
  order_id: string | null;
  at: string;
  /** The reporting day. */
  conversion_date: string;
  time_zone: string;
  currency: string;
  revenue: string;
  margin: string | null;
  margin_is_estimated: boolean;
  refunds: { conversion_id: string; at: string; revenue: string; margin: string | null }[];
  /** Revenue and margin less refunds. */
  net_revenue: string;
  net_margin: string | null;
  window: {
    from: string;
    lookback_days: number;
    /** The conversion after which the path starts, where `attribution.pathStart` says so and it lies in the look-back. */
    after?: { conversion_id: string; at: string };
  };
  /** None: nothing touched the person in the window, and every model leaves the conversion unattributed. */
  path: PathTouch[];
  models: ModelCredit[];
}

/** A model as the seed lists it, in words. */
export interface ModelWords {
  model: string;
  kind: string;
  name: { en: string; it: string };
  rule: { en: string; it: string };
}

/**
 * The models in words, from the rows of the seed.
 * @param fill puts the settings into the text of a rule.
 */
export function modelWords(
  rows: readonly Readonly<Record<string, unknown>>[],
  fill: (text: unknown) => string = String,
): ModelWords[] {
  return rows.map((row) => ({
    model: String(row.model),
    kind: String(row.kind),
    name: { en: String(row.name_en), it: String(row.name_it) },
    rule: { en: fill(row.rule_en), it: fill(row.rule_it) },
  }));
}

export interface ExplainSettings {
  timeZone: string;
  currency: string;
  pathStart: 'lookback' | 'after_previous';
  /** Look-back in days of a conversion type. */
  lookbackDays(type: string): number;
  models: readonly ModelWords[];
}

type Row = Record<string, SqlValue>;

/**
 * Writes out one conversion: its path, and what every model credits to each touch.
 * @param id a conversion_id or the id of an order. Of a refund, the order that it undoes is told.
 * @throws UsageError where the build knows no such conversion.
 */
export async function explainConversion(
  reader: MartReader,
  id: string,
  settings: ExplainSettings,
): Promise<ExplainedConversion> {
  const { told, refunds } = await find(reader, id.trim());
  const at = instantOf(told.occurred_at);
  const type = String(told.conversion_type);
  const lookback_days = settings.lookbackDays(type);
  const from = new Date(Date.parse(at) - lookback_days * 86_400_000).toISOString();
  const after = settings.pathStart === 'after_previous' ? await previousOf(reader, told, from) : undefined;
  const path = await readPath(reader, told);
  const net = await netOf(reader, [told, ...refunds]);
  return {
    conversion_id: String(told.conversion_id),
    conversion_type: type,
    person_id: textOf(told.person_id),
    is_named: !(type === 'repeat_order' && (await isWithoutState(reader, told))),
    order_id: textOf(told.order_id),
    at,
    conversion_date: String(told.conversion_date).slice(0, 10),
    time_zone: settings.timeZone,
    currency: settings.currency,
    revenue: String(told.revenue),
    margin: textOf(told.margin),
    margin_is_estimated: told.margin_is_estimated === true,
    refunds: refunds.map((refund) => ({
      conversion_id: String(refund.conversion_id),
      at: instantOf(refund.occurred_at),
      revenue: String(refund.revenue),
      margin: textOf(refund.margin),
    })),
    net_revenue: net.revenue,
    net_margin: net.margin,
    window: { from: after?.at ?? from, lookback_days, ...(after === undefined ? {} : { after }) },
    path,
    models: await readModels(reader, told, refunds, path, net, settings.models),
  };
}

async function find(reader: MartReader, id: string): Promise<{ told: Row; refunds: Row[] }> {
  const select = `select conversion_id, conversion_type, person_id, order_id, occurred_at, conversion_date, revenue, margin, margin_is_estimated
    from conversions`;
  const [named] = await rowsOf(
    reader,
    `${select} where conversion_id = ${quoteText(id)} or order_id = ${quoteText(id)}
     order by case when conversion_id = ${quoteText(id)} then 0 else 1 end, conversion_id limit 1`,
  );
  if (named === undefined) {
    throw new UsageError(`the published build knows no conversion and no order ${id}`, {
      mend: 'name an order as the shop does, or a conversion_id of the table conversions; run `percorso build` if it is new',
    });
  }
  if (named.order_id === null) return { told: named, refunds: [] };
  const all = await rowsOf(
    reader,
    `${select} where order_id = ${quoteText(String(named.order_id))} order by occurred_at, conversion_id`,
  );
  const isRefund = (row: Row) => String(row.conversion_id).startsWith('refund/');
  const order = all.find((row) => !isRefund(row));
  // A refund of an order that was never seen stands by itself.
  if (order === undefined) return { told: named, refunds: [] };
  return { told: order, refunds: all.filter(isRefund) };
}

/** Who has ordered has a state, but where the order names nobody. */
async function isWithoutState(reader: MartReader, told: Row): Promise<boolean> {
  const [person] = await rowsOf(
    reader,
    `select state from persons where person_id = ${quoteText(String(told.person_id))}`,
  );
  return person?.state === null;
}

async function previousOf(
  reader: MartReader,
  told: Row,
  from: string,
): Promise<{ conversion_id: string; at: string } | undefined> {
  const at = instantOf(told.occurred_at);
  const rows = await rowsOf(
    reader,
    `select conversion_id, occurred_at from conversions
     where person_id = ${quoteText(String(told.person_id))} and conversion_type = ${quoteText(String(told.conversion_type))}
       and conversion_id not like 'refund/%' order by occurred_at desc, conversion_id`,
  );
  const previous = rows.find((row) => instantOf(row.occurred_at) < at);
  if (previous === undefined || instantOf(previous.occurred_at) < from) return undefined;
  return { conversion_id: String(previous.conversion_id), at: instantOf(previous.occurred_at) };
}

async function readPath(reader: MartReader, told: Row): Promise<PathTouch[]> {
  const rows = await rowsOf(
    reader,
    `select touches.touch_id, touches.occurred_at, credited.channel, credited.campaign, credited.device_class, credited.stage
     from (
       select distinct touch_id, channel, campaign, device_class, stage from credit where ${isOf([told])}
     ) as credited
     inner join touches on touches.touch_id = credited.touch_id
     order by touches.occurred_at, touches.touch_id`,
  );
  return rows.map((row, index) => ({
    no: index + 1,
    touch_id: String(row.touch_id),
    at: instantOf(row.occurred_at),
    channel: String(row.channel),
    campaign: textOf(row.campaign),
    device_class: String(row.device_class),
    stage: String(row.stage),
  }));
}

/** Money is summed where it is exact: in SQL. A sum of which a part is unknown is unknown. */
const sums = `cast(sum(revenue) as decimal(18, 6)) as revenue,
  case when count(margin) = count(*) then cast(sum(margin) as decimal(18, 6)) end as margin`;

async function netOf(reader: MartReader, rows: readonly Row[]): Promise<{ revenue: string; margin: string | null }> {
  const [net] = await rowsOf(
    reader,
    `select cast(sum(revenue) as decimal(18, 2)) as revenue,
       case when count(margin) = count(*) then cast(sum(margin) as decimal(18, 2)) end as margin
     from conversions where ${isOf(rows)}`,
  );
  return { revenue: String(net?.revenue), margin: textOf(net?.margin) };
}

async function readModels(
  reader: MartReader,
  told: Row,
  refunds: readonly Row[],
  path: readonly PathTouch[],
  net: { revenue: string; margin: string | null },
  models: readonly ModelWords[],
): Promise<ModelCredit[]> {
  const own = await rowsOf(
    reader,
    `select model, touch_id, channel, weight, conversions, revenue, margin from credit where ${isOf([told])}`,
  );
  const nets = await rowsOf(
    reader,
    `select model, touch_id, ${sums} from credit where ${isOf([told, ...refunds])} group by model, touch_id`,
  );
  const totals = await rowsOf(
    reader,
    `select model, sum(weight) as weight, cast(sum(conversions) as decimal(18, 6)) as conversions, ${sums}
     from credit where ${isOf([told])} group by model`,
  );
  const netTotals = await rowsOf(
    reader,
    `select model, ${sums} from credit where ${isOf([told, ...refunds])} group by model`,
  );
  const month = `${String(told.conversion_date).slice(0, 7)}-01`;
  const fit = await readFit(reader, String(told.conversion_type), month);
  const placeOf = new Map(path.map((touch) => [touch.touch_id, touch.no]));
  return models.map(({ model, kind, name, rule }) => {
    const touches = own
      .filter((row) => row.model === model)
      .map((row): TouchCredit => {
        const left = nets.find((one) => one.model === model && one.touch_id === row.touch_id);
        return {
          touch_no: placeOf.get(String(row.touch_id)) ?? 0,
          channel: String(row.channel),
          weight: Number(row.weight),
          conversions: String(row.conversions),
          revenue: String(row.revenue),
          margin: textOf(row.margin),
          net_revenue: String(left?.revenue),
          net_margin: textOf(left?.margin),
        };
      })
      .sort((a, b) => a.touch_no - b.touch_no);
    const total = totals.find((row) => row.model === model);
    const netTotal = netTotals.find((row) => row.model === model);
    return {
      model,
      name,
      rule,
      ...(kind === 'data_driven' && path.length > 0
        ? { fit: { month: fit.month, ...sharesOf(path, touches, fit.factors.get(model)) } }
        : {}),
      touches,
      totals: {
        weight: Number(total?.weight ?? 0),
        conversions: String(total?.conversions),
        revenue: String(total?.revenue),
        margin: textOf(total?.margin),
      },
      equals_ledger:
        isSame(total?.revenue, told.revenue) &&
        isSame(total?.margin, told.margin) &&
        isSame(netTotal?.revenue, net.revenue) &&
        isSame(netTotal?.margin, net.margin),
    };
  });
}

/** What a fit says of a channel. */
interface FittedChannel {
  /** Its share of the textbook total. */
  factor: number;
  removalEffect: number | null;
}

/**
 * The fit that spreads the conversions of a month, as `fit_months` says: its own, or the last before it, where no full refresh
 * has fitted the month yet. Channels by data-driven model.
 */
async function readFit(
  reader: MartReader,
  type: string,
  month: string,
): Promise<{ month: string | null; factors: Map<string, Map<string, FittedChannel>> }> {
  const [table] = await rowsOf(
    reader,
    "select table_name from information_schema.tables where table_name = 'channel_factors'",
  );
  const factors = new Map<string, Map<string, FittedChannel>>();
  if (table === undefined) return { month: null, factors };
  const [fit] = await rowsOf(
    reader,
    `select coalesce(max(case when fit_month <= date '${month}' then fit_month end), min(fit_month)) as month
     from channel_factors where conversion_type = ${quoteText(type)}`,
  );
  const fitMonth = textOf(fit?.month)?.slice(0, 10) ?? null;
  if (fitMonth === null) return { month: null, factors };
  for (const row of await rowsOf(
    reader,
    `select model, channel, factor, removal_effect from channel_factors
     where conversion_type = ${quoteText(type)} and fit_month = date '${fitMonth}'`,
  )) {
    const ofModel = factors.get(String(row.model)) ?? new Map<string, FittedChannel>();
    const removalEffect = row.removal_effect === null ? null : Number(row.removal_effect);
    ofModel.set(String(row.channel), { factor: Number(row.factor), removalEffect });
    factors.set(String(row.model), ofModel);
  }
  return { month: fitMonth, factors };
}

function sharesOf(
  path: readonly PathTouch[],
  touches: readonly TouchCredit[],
  factors: ReadonlyMap<string, FittedChannel> = new Map(),
): { is_even: boolean; shares: ChannelShare[] } {
  const namedAs = (channel: string) => (!factors.has(channel) && factors.has('(other)') ? '(other)' : channel);
  const channels = [...new Set(path.map((touch) => namedAs(touch.channel)))];
  return {
    is_even: channels.every((channel) => (factors.get(channel)?.factor ?? 0) === 0),
    shares: channels.map((channel) => ({
      channel,
      touches: path.filter((touch) => namedAs(touch.channel) === channel).length,
      factor: factors.get(channel)?.removalEffect ?? null,
      is_known: factors.has(channel),
      share: touches
        .filter((touch) => namedAs(touch.channel) === channel)
        .reduce((sum, touch) => sum + touch.weight, 0),
    })),
  };
}

async function rowsOf(reader: MartReader, sql: string): Promise<Row[]> {
  const { columns, rows } = await reader.query(sql);
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index] ?? null])));
}

/** Some conversions, named by their days too, so that few files are read. */
function isOf(rows: readonly Row[]): string {
  const ids = rows.map((row) => quoteText(String(row.conversion_id))).join(', ');
  const days = [...new Set(rows.map((row) => `date '${String(row.conversion_date)}'`))].join(', ');
  return `conversion_id in (${ids}) and conversion_date in (${days})`;
}

const textOf = (value: SqlValue | undefined): string | null =>
  value === null || value === undefined ? null : String(value);
const instantOf = (value: SqlValue | undefined): string => new Date(String(value)).toISOString();

/** Whether two exact amounts are the same, however many zeros they end in. */
function isSame(a: SqlValue | undefined, b: SqlValue | undefined): boolean {
  const plain = (value: SqlValue | undefined) =>
    textOf(value)
      ?.replace(/(\.\d*?)0+$/, '$1')
      .replace(/\.$/, '') ?? null;
  return plain(a) === plain(b);
}
