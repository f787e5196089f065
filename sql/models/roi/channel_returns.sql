-- purpose: what each channel returned on what it cost, under each model, before it is judged
-- grain: one row per model, channel and period
-- key: model, channel, period
-- kept: table
-- published: no
-- Once per stretch of days: periods lie over each other, and those that they are compared with too.
with earned as (
    select
        day_spans.from_day as segment,
        channel_daily.model,
        channel_daily.channel,
        sum(case when channel_daily.conversion_type = 'lead' then channel_daily.conversions else cast(0 as decimal(18, 6)) end) as leads,
        sum(case when channel_daily.conversion_type = 'first_order' then channel_daily.conversions else cast(0 as decimal(18, 6)) end)
            as first_orders,
        sum(case when order_types.is_order then channel_daily.conversions else cast(0 as decimal(18, 6)) end) as orders,
        sum(case when order_types.is_order then channel_daily.revenue else cast(0 as decimal(18, 6)) end) as revenue,
        sum(case when order_types.is_order then channel_daily.margin else cast(0 as decimal(18, 6)) end) as margin,
        max(case when order_types.is_order and channel_daily.margin is null then 1 else 0 end) as has_unknown_margin
    from channel_daily
    inner join day_spans on day_spans.day = channel_daily.day
    inner join (
        select
            conversion_types.conversion_type,
            conversion_types.conversion_type in ('first_order', 'repeat_order') as is_order
        from conversion_types
    ) as order_types on order_types.conversion_type = channel_daily.conversion_type
    group by day_spans.from_day, channel_daily.model, channel_daily.channel
),

credited as (
    select
        compared_spans.period,
        earned.model,
        earned.channel,
        compared_spans.is_current,
        cast(sum(earned.leads) as decimal(18, 6)) as leads,
        cast(sum(earned.first_orders) as decimal(18, 6)) as first_orders,
        cast(sum(earned.orders) as decimal(18, 6)) as orders,
        cast(sum(earned.revenue) as decimal(18, 6)) as revenue,
        cast(sum(earned.margin) as decimal(18, 6)) as margin,
        max(earned.has_unknown_margin) as has_unknown_margin
    from earned
    inner join compared_spans on compared_spans.from_day = earned.segment
    group by compared_spans.period, earned.model, earned.channel, compared_spans.is_current
),

-- A period in which the company has no order on record says nothing of what its spend returned.
sold as (
    select credited.period, credited.model, credited.is_current
    from credited
    group by credited.period, credited.model, credited.is_current
    having sum(credited.orders) > 0
),

spent as (
    select
        periods.period,
        spend_daily.channel,
        spend_daily.day >= periods.from_day as is_current,
        sum(spend_daily.spend) as spend
    from spend_daily
    inner join periods
        on spend_daily.day between periods.from_day and periods.to_day
        or spend_daily.day between periods.previous_from_day and periods.previous_to_day
    group by periods.period, spend_daily.channel, spend_daily.day >= periods.from_day
),

cells as (
    select attribution_models.model, seen.channel, seen.period
    from attribution_models
    cross join (
        select credited.channel, credited.period from credited where credited.is_current
        union
        select spent.channel, spent.period from spent where spent.is_current
    ) as seen
),

figures as (
    select
        cells.model,
        cells.channel,
        cells.period,
        nullif(cast(spent.spend as decimal(18, 2)), cast(0 as decimal(18, 2))) as spend,
        coalesce(credited.leads, cast(0 as decimal(18, 6))) as leads,
        coalesce(credited.first_orders, cast(0 as decimal(18, 6))) as first_orders,
        coalesce(credited.orders, cast(0 as decimal(18, 6))) as orders,
        coalesce(credited.revenue, cast(0 as decimal(18, 6))) as revenue,
        case
            when credited.has_unknown_margin = 1 then null
            else coalesce(credited.margin, cast(0 as decimal(18, 6)))
        end as margin,
        case
            when periods.previous_from_day >= horizon.first_day then
                nullif(cast(spent_before.spend as decimal(18, 2)), cast(0 as decimal(18, 2)))
        end as previous_spend,
        case
            when periods.previous_from_day is null or periods.previous_from_day < horizon.first_day then null
            when credited_before.has_unknown_margin = 1 then null
            else coalesce(credited_before.margin, cast(0 as decimal(18, 6)))
        end as previous_margin,
        sold.period is not null as has_orders,
        sold_before.period is not null as had_orders,
        credit_intervals.margin_low,
        credit_intervals.margin_high
    from cells
    inner join periods on periods.period = cells.period
    cross join horizon
    left join credited
        on credited.model = cells.model
        and credited.channel = cells.channel
        and credited.period = cells.period
        and credited.is_current
    left join credited as credited_before
        on credited_before.model = cells.model
        and credited_before.channel = cells.channel
        and credited_before.period = cells.period
        and not credited_before.is_current
    left join sold
        on sold.model = cells.model
        and sold.period = cells.period
        and sold.is_current
    left join sold as sold_before
        on sold_before.model = cells.model
        and sold_before.period = cells.period
        and not sold_before.is_current
    left join spent
        on spent.channel = cells.channel
        and spent.period = cells.period
        and spent.is_current
    left join spent as spent_before
        on spent_before.channel = cells.channel
        and spent_before.period = cells.period
        and not spent_before.is_current
    left join credit_intervals
        on credit_intervals.model = cells.model
        and credit_intervals.conversion_type = '(orders)'
        and credit_intervals.channel = cells.channel
        and credit_intervals.period = cells.period
),

known as (
    -- What a channel returned is unknown where it has no cost or an order of unknown margin, or where nobody ordered at all. One to
    -- which none of the orders is credited has lost its spend.
    select
        figures.*,
        case when figures.has_orders then cast(figures.revenue as double) end as known_revenue,
        case when figures.has_orders then cast(figures.margin as double) end as known_margin,
        case when figures.had_orders then cast(figures.previous_margin as double) end as known_previous_margin,
        -- A credit of a platform above its costs is nothing that was put in: no ratio to it says anything.
        case when figures.spend > cast(0 as decimal(18, 2)) then cast(figures.spend as double) end as known_spend,
        case when figures.previous_spend > cast(0 as decimal(18, 2)) then cast(figures.previous_spend as double) end
            as known_previous_spend
    from figures
),

returned as (
    select
        known.*,
        known.known_revenue / known.known_spend as roas,
        (known.known_margin - known.known_spend) / known.known_spend as roi,
        -- Of no order there is nothing to draw again, so no interval.
        case when known.orders > 0 and known.known_margin is not null then (known.margin_low - known.known_spend) / known.known_spend end
            as roi_low,
        case when known.orders > 0 and known.known_margin is not null then (known.margin_high - known.known_spend) / known.known_spend end
            as roi_high,
        known.known_spend / nullif(cast(known.leads as double), 0e0) as cpl,
        known.known_spend / nullif(cast(known.first_orders as double), 0e0) as cac,
        (known.known_previous_margin - known.known_previous_spend) / known.known_previous_spend as previous_roi
    from known
)

select
    returned.model,
    returned.channel,
    returned.period,
    returned.spend,
    returned.leads,
    returned.first_orders,
    returned.orders,
    returned.revenue,
    returned.margin,
    returned.roas,
    returned.roi,
    returned.roi_low,
    returned.roi_high,
    returned.cpl,
    returned.cac,
    returned.previous_spend,
    returned.previous_margin,
    returned.previous_roi
from returned
