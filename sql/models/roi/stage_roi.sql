-- purpose: at which moment of the purchase each channel earns: before the lead, before the first order, or after it
-- grain: one row per model, channel, moment and period
-- key: model, channel, moment, period
-- kept: table
-- published: yes
-- columns:
--   model: the attribution model
--   channel: the channel; (unattributed) holds what no touch earned
--   moment: before_lead, before_first_order or after_first_order, by where the person stood at the touch; (unattributed) where there was none
--   period: last_30_days, last_90_days, last_365_days, all_time, YYYY-MM or YYYY
--   touches: touches at that moment in the period
--   spend: the channel's spend, shared over the moments by its touches of each month (spend knows no moment); null where none is on record
--   revenue: credited revenue of orders less refunds
--   margin: credited margin of orders less refunds; null where a part of it is unknown
--   roi: (margin - spend) / spend; null where spend is unknown or 0, margin is unknown, or no order is credited
--   leads: credited leads
--   first_orders: credited first orders
--   orders: credited orders
--   note: what the reader must know: no cost on record, no conversions, margin unknown, fewer than 30 conversions
-- Over the moments of a channel spend, revenue and margin add up to channel_roi.
with touched as (
    select
        segment_periods.period,
        touches_by_campaign.channel,
        touches_by_campaign.moment,
        cast(sum(touches_by_campaign.touches) as bigint) as touches
    from touches_by_campaign
    inner join segment_periods on segment_periods.segment = touches_by_campaign.segment
    group by segment_periods.period, touches_by_campaign.channel, touches_by_campaign.moment
),

credited as (
    select
        credit_periods.period,
        credit_periods.model,
        credit_periods.channel,
        credit_periods.moment,
        cast(sum(credit_periods.leads) as decimal(18, 6)) as leads,
        cast(sum(credit_periods.first_orders) as decimal(18, 6)) as first_orders,
        cast(sum(credit_periods.orders) as decimal(18, 6)) as orders,
        cast(sum(credit_periods.revenue) as decimal(18, 6)) as revenue,
        cast(sum(credit_periods.margin) as decimal(18, 6)) as margin,
        max(credit_periods.has_unknown_margin) as has_unknown_margin
    from credit_periods
    group by credit_periods.period, credit_periods.model, credit_periods.channel, credit_periods.moment
),

spent as (
    select moment_spend.period, moment_spend.channel
    from moment_spend
    group by moment_spend.period, moment_spend.channel
    having sum(moment_spend.spend) <> 0
),

cells as (
    select models.model, seen.channel, seen.moment, seen.period
    from (select distinct channel_roi.model from channel_roi) as models
    cross join (
        select credited.channel, credited.moment, credited.period from credited
        union
        select moment_spend.channel, moment_spend.moment, moment_spend.period from moment_spend where moment_spend.spend <> 0
        union
        select touched.channel, touched.moment, touched.period from touched
    ) as seen
),

figures as (
    select
        cells.model,
        cells.channel,
        cells.moment,
        cells.period,
        coalesce(touched.touches, 0) as touches,
        case when spent.channel is not null then coalesce(moment_spend.spend, cast(0 as decimal(18, 2))) end as spend,
        coalesce(credited.revenue, cast(0 as decimal(18, 6))) as revenue,
        case
            when credited.has_unknown_margin = 1 then null
            else coalesce(credited.margin, cast(0 as decimal(18, 6)))
        end as margin,
        coalesce(credited.leads, cast(0 as decimal(18, 6))) as leads,
        coalesce(credited.first_orders, cast(0 as decimal(18, 6))) as first_orders,
        coalesce(credited.orders, cast(0 as decimal(18, 6))) as orders
    from cells
    left join credited
        on credited.model = cells.model
        and credited.channel = cells.channel
        and credited.moment = cells.moment
        and credited.period = cells.period
    left join spent on spent.channel = cells.channel and spent.period = cells.period
    left join moment_spend
        on moment_spend.channel = cells.channel
        and moment_spend.moment = cells.moment
        and moment_spend.period = cells.period
    left join touched
        on touched.channel = cells.channel
        and touched.moment = cells.moment
        and touched.period = cells.period
)

select
    figures.model,
    figures.channel,
    figures.moment,
    figures.period,
    figures.touches,
    figures.spend,
    figures.revenue,
    figures.margin,
    case
        when figures.orders > 0 then
            (cast(figures.margin as double) - cast(figures.spend as double)) / nullif(cast(figures.spend as double), 0e0)
    end as roi,
    figures.leads,
    figures.first_orders,
    figures.orders,
    case
        when figures.spend is null then 'no cost on record'
        when figures.orders <= 0 then 'no conversions'
        when figures.margin is null then 'margin unknown'
        when cast(figures.orders as double) < settings.thin_conversions then 'fewer than 30 conversions'
    end as note
from figures
cross join settings
