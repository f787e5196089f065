-- purpose: what each model credits to each channel in each period, and how sure that is
-- grain: one row per model, conversion type, channel and period; type (orders) is first and repeat orders together
-- key: model, conversion_type, channel, period
-- kept: table
-- published: yes
-- columns:
--   model: the attribution model
--   conversion_type: the type; (orders) for all orders and refunds
--   channel: the channel, or (unattributed)
--   period: as in channel_roi
--   conversions: credited conversions
--   conversions_low: lower end of the 90 % interval, by bootstrap over persons; null for models without one
--   conversions_high: its upper end
--   revenue: credited revenue, less refunds
--   revenue_low: lower end of its 90 % interval
--   revenue_high: its upper end
--   margin: credited margin, less refunds; null where a part of it is unknown
--   margin_low: lower end of its 90 % interval
--   margin_high: its upper end
--   is_thin: fewer than 30 conversions are credited in the period
--   cpa: cost per conversion of the type: the channel's spend / conversions; null where no cost is on record or none is credited
with by_span as (
    select
        channel_daily.model,
        channel_daily.conversion_type,
        channel_daily.channel,
        day_spans.span_no,
        sum(channel_daily.conversions) as conversions,
        sum(channel_daily.revenue) as revenue,
        sum(channel_daily.margin) as margin,
        count(*) - count(channel_daily.margin) as unknown_margins
    from channel_daily
    inner join day_spans on day_spans.day = channel_daily.day
    group by channel_daily.model, channel_daily.conversion_type, channel_daily.channel, day_spans.span_no
),

types as (
    select conversion_types.conversion_type, conversion_types.conversion_type as counted_as
    from conversion_types
    union all
    select conversion_types.conversion_type, '(orders)'
    from conversion_types
    where conversion_types.conversion_type in ('first_order', 'repeat_order')
),

totals as (
    select
        by_span.model,
        types.counted_as as conversion_type,
        by_span.channel,
        periods.period,
        cast(sum(by_span.conversions) as decimal(18, 6)) as conversions,
        cast(sum(by_span.revenue) as decimal(18, 6)) as revenue,
        case when sum(by_span.unknown_margins) = 0 then cast(sum(by_span.margin) as decimal(18, 6)) end as margin
    from by_span
    inner join types on types.conversion_type = by_span.conversion_type
    inner join period_spans on period_spans.span_no = by_span.span_no
    inner join periods on period_spans.from_day between periods.from_day and periods.to_day
    group by by_span.model, types.counted_as, by_span.channel, periods.period
)

select
    totals.model,
    totals.conversion_type,
    totals.channel,
    totals.period,
    totals.conversions,
    cast(round(credit_intervals.conversions_low, 6) as decimal(18, 6)) as conversions_low,
    cast(round(credit_intervals.conversions_high, 6) as decimal(18, 6)) as conversions_high,
    totals.revenue,
    cast(round(credit_intervals.revenue_low, 6) as decimal(18, 6)) as revenue_low,
    cast(round(credit_intervals.revenue_high, 6) as decimal(18, 6)) as revenue_high,
    totals.margin,
    case when totals.margin is not null then cast(round(credit_intervals.margin_low, 6) as decimal(18, 6)) end as margin_low,
    case when totals.margin is not null then cast(round(credit_intervals.margin_high, 6) as decimal(18, 6)) end as margin_high,
    cast(totals.conversions as double) < settings.thin_conversions as is_thin,
    cast(channel_returns.spend as double) / nullif(cast(totals.conversions as double), 0e0) as cpa
from totals
cross join settings
left join channel_returns
    on channel_returns.model = totals.model
    and channel_returns.channel = totals.channel
    and channel_returns.period = totals.period
left join credit_intervals
    on credit_intervals.model = totals.model
    and credit_intervals.conversion_type = totals.conversion_type
    and credit_intervals.channel = totals.channel
    and credit_intervals.period = totals.period
