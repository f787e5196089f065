import { type Config, lookbackDays } from '#core/config';
import type { SqlValue } from '#core/ports';

/** A setting as SQL sees it: a small table, loaded as data, never as SQL text. Types are of our Trino subset. */
export interface SettingTable {
  columns: Record<string, string>;
  rows: Record<string, SqlValue>[];
}

/** The lists that people edit as CSV files beside the configuration, already read and checked. Absent files give empty lists. */
export interface CompanyLists {
  /** Spread evenly over the days from `from_date` to `to_date`, both included. */
  fixedCosts: {
    channel: string;
    label: string;
    from_date: string;
    to_date: string;
    amount: string;
    currency: string;
  }[];
  fxRates: { rate_date: string; currency: string; rate: string }[];
  vat: { source: string; vat_rate: string }[];
  campaigns: { source: string; campaign_id: string; alias: string; channel: string; campaign: string }[];
  /** The company's own channel rules; they come before the built-in ones. */
  channelRules: { channel: string; source: string; medium: string; campaign: string; site_category: string }[];
  invoices: { month: string; amount: string }[];
}

export const emptyLists: CompanyLists = {
  fixedCosts: [],
  fxRates: [],
  vat: [],
  campaigns: [],
  channelRules: [],
  invoices: [],
};

const stageNumbers = { acquisition: 2, conversion: 3, retention: 4, loyalty: 5 } as const;
const leadEvents = ['Lead Created', 'Quote Requested', 'Form Submitted', 'Signed Up'];

/**
 * Settings as the tables that the models read.
 * @param today the reporting day on which the build runs, `YYYY-MM-DD`: never the last whole day.
 * @param asOf the last whole day, where a person set it.
 */
export function settingTables(
  config: Config,
  lists: CompanyLists,
  today: string,
  asOf: string | undefined,
): Record<string, SettingTable> {
  const { attribution } = config;
  const builtInTypes = (['lead', 'opportunity', 'first_order', 'repeat_order', 'referral'] as const).map(
    (conversion_type) => ({ conversion_type, lookback_days: lookbackDays(config, conversion_type), is_built_in: true }),
  );
  const ownTypes = Object.keys(config.conversions).map((conversion_type) => ({
    conversion_type,
    lookback_days: lookbackDays(config, conversion_type),
    is_built_in: false,
  }));
  return {
    settings: {
      columns: {
        company: 'varchar',
        currency: 'varchar',
        default_model: 'varchar',
        path_start: 'varchar',
        half_life_days: 'double',
        position_first: 'double',
        position_between: 'double',
        position_last: 'double',
        open_journey_days: 'bigint',
        session_gap_seconds: 'double',
        default_margin_rate: 'double',
        at_risk_days: 'bigint',
        history_starts: 'date',
        lateness_days: 'bigint',
        thin_conversions: 'bigint',
        bootstrap_replicates: 'bigint',
        nearest_names: 'bigint',
        today: 'date',
        as_of_wanted: 'date',
        earliest_day: 'date',
      },
      rows: [
        {
          company: config.name,
          currency: config.currency,
          default_model: attribution.defaultModel,
          path_start: attribution.pathStart,
          half_life_days: attribution.halfLifeDays,
          position_first: attribution.position[0],
          position_between: attribution.position[1],
          position_last: attribution.position[2],
          open_journey_days: attribution.openJourneyDays,
          session_gap_seconds: config.sessions.gapMinutes * 60,
          default_margin_rate: config.money.defaultMarginRate ?? null,
          at_risk_days: config.customers.atRiskDays,
          history_starts: config.customers.historyStarts ?? null,
          lateness_days: config.latenessDays,
          thin_conversions: 30,
          bootstrap_replicates: 200,
          nearest_names: 500,
          today,
          as_of_wanted: asOf ?? null,
          earliest_day: config.bounds.earliest,
        },
      ],
    },
    conversion_types: {
      columns: { conversion_type: 'varchar', lookback_days: 'bigint', is_built_in: 'boolean' },
      rows: [...builtInTypes, ...ownTypes],
    },
    conversion_rules: {
      columns: { event_type: 'varchar', conversion_type: 'varchar', value: 'decimal(18,2)' },
      rows: [
        ...leadEvents.map((event_type) => ({ event_type, conversion_type: 'lead', value: '0' })),
        { event_type: 'Opportunity Created', conversion_type: 'opportunity', value: '0' },
        { event_type: 'Referral Made', conversion_type: 'referral', value: '0' },
        ...Object.entries(config.conversions).map(([conversion_type, type]) => ({
          event_type: type.event,
          conversion_type,
          value: type.value ?? '0',
        })),
      ],
    },
    stage_rules: {
      columns: {
        stage: 'varchar',
        stage_no: 'bigint',
        event_type: 'varchar',
        channel: 'varchar',
        before_first_order: 'boolean',
        days_after_first_order: 'bigint',
        min_score: 'double',
      },
      rows: (['acquisition', 'conversion', 'retention', 'loyalty'] as const).flatMap((stage) =>
        config.stages[stage].map((rule) => ({
          stage,
          stage_no: stageNumbers[stage],
          event_type: rule.event,
          channel: rule.channel ?? null,
          before_first_order: rule.beforeFirstOrder ?? false,
          days_after_first_order: rule.daysAfterFirstOrder ?? null,
          min_score: rule.minScore ?? null,
        })),
      ),
    },
    identity_limits: {
      columns: { kind: 'varchar', linked_kind: 'varchar', max_links: 'bigint' },
      rows: Object.entries(config.identity.limits).flatMap(([kind, limits]) =>
        Object.entries(limits).map(([linked_kind, max_links]) => ({ kind, linked_kind, max_links })),
      ),
    },
    source_settings: {
      columns: {
        source: 'varchar',
        trust: 'bigint',
        is_gross: 'boolean',
        vat_rate: 'double',
        shipping_included: 'boolean',
        stale_after_hours: 'double',
      },
      rows: Object.entries(config.sources).map(([source, settings]) => ({
        source,
        trust: settings.trust,
        is_gross: settings.gross,
        vat_rate: settings.vatRate ?? Number(lists.vat.find((row) => row.source === source)?.vat_rate ?? 0),
        shipping_included: settings.shippingIncluded,
        stale_after_hours: settings.staleAfterHours,
      })),
    },
    own_sites: {
      columns: { site: 'varchar' },
      rows: [...new Set([...config.web.ownDomains, ...config.web.excludedReferrers])].map((site) => ({ site })),
    },
    campaigns: {
      columns: { source: 'varchar', campaign_id: 'varchar', alias: 'varchar', channel: 'varchar', campaign: 'varchar' },
      rows: lists.campaigns.map((row) => ({
        ...row,
        source: row.source.toLowerCase(),
        alias: row.alias.toLowerCase(),
      })),
    },
    company_channel_rules: {
      columns: {
        rule_no: 'bigint',
        channel: 'varchar',
        source: 'varchar',
        medium: 'varchar',
        campaign: 'varchar',
        site_category: 'varchar',
      },
      rows: lists.channelRules.map((row, index) => ({ rule_no: index - lists.channelRules.length, ...row })),
    },
    fixed_costs: {
      columns: {
        channel: 'varchar',
        label: 'varchar',
        from_date: 'date',
        to_date: 'date',
        amount: 'decimal(18,2)',
        currency: 'varchar',
      },
      rows: lists.fixedCosts.map((row) => ({ ...row })),
    },
    fx_rates: {
      columns: { rate_date: 'date', currency: 'varchar', rate: 'double' },
      rows: lists.fxRates.map((row) => ({ ...row, rate: Number(row.rate) })),
    },
    invoices: {
      columns: { month: 'varchar', amount: 'decimal(18,2)' },
      rows: lists.invoices.map((row) => ({ ...row })),
    },
    verdict_models: {
      columns: { model: 'varchar' },
      rows: attribution.verdictModels.map((model) => ({ model })),
    },
  };
}
