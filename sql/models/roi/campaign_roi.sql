-- purpose: what each campaign returned on what it cost, under each model
-- grain: one row per model, channel, campaign and period
-- key: model, channel, campaign, period
-- kept: table
-- published: yes
-- columns:
--   model: the attribution model
--   channel: the channel; (unattributed) holds what no touch earned
--   campaign: the campaign by name; (not set) where touches or costs name none, (fixed costs) for what no campaign is charged with
--   period: last_30_days, last_90_days, last_365_days, all_time, YYYY-MM or YYYY
--   touches: touches of the campaign in the period
--   spend: what it cost; null where none is on record
--   revenue: credited revenue of orders less refunds
--   margin: credited margin of orders less refunds; null where a part of it is unknown
--   roi: (margin - spend) / spend; null where spend or margin is unknown, or no order is credited
--   leads: credited leads
--   first_orders: credited first orders
--   orders: credited orders
--   note: what the reader must know: no cost on record, no conversions, margin unknown, fewer than 30 conversions
-- Over the campaigns of a channel spend, revenue and margin add up to channel_roi.
with spent as (
    select segment_periods.period, spend_by_campaign.channel, spend_by_campaign.campaign, sum(spend_by_campaign.spend) as spend
    from spend_by_campaign
    inner join segment_periods on segment_periods.segment = spend_by_campaign.segment
    group by segment_periods.period, spend_by_campaign.channel, spend_by_campaign.campaign
),

touched as (
    select
        segment_periods.period,
        touches_by_campaign.channel,
        touches_by_campaign.campaign,
        cast(sum(touches_by_campaign.touches) as bigint) as touches
    from touches_by_campaign
    inner join segment_periods on segment_periods.segment = touches_by_campaign.segment
    group by segment_periods.period, touches_by_campaign.channel, touches_by_campaign.campaign
),

credited as (
    select
        credit_periods.period,
        credit_periods.model,
        credit_periods.channel,
        credit_periods.campaign,
        cast(sum(credit_periods.leads) as decimal(18, 6)) as leads,
        cast(sum(credit_periods.first_orders) as decimal(18, 6)) as first_orders,
        cast(sum(credit_periods.orders) as decimal(18, 6)) as orders,
        cast(sum(credit_periods.revenue) as decimal(18, 6)) as revenue,
        cast(sum(credit_periods.margin) as decimal(18, 6)) as margin,
        max(credit_periods.has_unknown_margin) as has_unknown_margin
    from credit_periods
    group by credit_periods.period, credit_periods.model, credit_periods.channel, credit_periods.campaign
),

cells as (
    select models.model, seen.channel, seen.campaign, seen.period
    from (select distinct channel_roi.model from channel_roi) as models
    cross join (
        select credited.channel, credited.campaign, credited.period from credited
        union
        select spent.channel, spent.campaign, spent.period from spent
        union
        select touched.channel, touched.campaign, touched.period from touched
    ) as seen
),

figures as (
    select
        cells.model,
        cells.channel,
        cells.campaign,
        cells.period,
        coalesce(touched.touches, 0) as touches,
        nullif(cast(spent.spend as decimal(18, 2)), cast(0 as decimal(18, 2))) as spend,
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
        and credited.campaign = cells.campaign
        and credited.period = cells.period
    left join spent
        on spent.channel = cells.channel
        and spent.campaign = cells.campaign
        and spent.period = cells.period
    left join touched
        on touched.channel = cells.channel
        and touched.campaign = cells.campaign
        and touched.period = cells.period
)

select
    figures.model,
    figures.channel,
    figures.campaign,
    figures.period,
    figures.touches,
    figures.spend,
    figures.revenue,
    figures.margin,
    case
        when figures.orders > 0 then
            (cast(figures.margin as double) - cast(figures.spend as double)) / cast(figures.spend as double)
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
