-- purpose: where each conversion's credit went, under every model side by side; the published table credit is a view over it
-- grain: one row per conversion or refund and touch, with four columns for each model
-- key: conversion_id, touch_id
-- kept: incremental
-- reads: credit_touches_stored (conversion_id varchar, touch_id varchar, place bigint,
-- each model (linear)
--   linear_weight double,
-- end
--   channel varchar, campaign varchar, device_class varchar, stage varchar, touch_date date)
-- published: no
-- partition: conversion_date month
-- A refund copies the weights of its order, as stored where the order's day is closed. Shares of money are rounded to 6 decimals, and the last touch of the path that has
-- a weight takes what rounding leaves, so that the touches of a path add up to the conversion, exactly. A refund's share is cut on the running total of what stands of its
-- order, so that an order that came back in parts leaves nothing on any touch.
with facts as (
    select
        conversion_facts.conversion_id,
        conversion_facts.origin_id,
        conversion_facts.conversion_type,
        conversion_facts.conversion_date,
        conversion_facts.conversions,
        conversion_facts.revenue,
        conversion_facts.margin,
        conversion_facts.revenue_before,
        conversion_facts.margin_before,
        conversion_facts.bucket
    from conversion_facts
    where conversion_facts.conversion_date >= date '0001-01-01' /* closed before */
),

weights as (
    select
        credit_weights.conversion_id,
        credit_weights.touch_id,
        credit_weights.place,
        -- each model (linear)
        credit_weights.linear_weight,
        credit_weights.linear_is_last,
        -- end
        touch_facts.channel,
        touch_facts.campaign,
        touch_facts.device_class,
        touch_facts.stage,
        touch_facts.touch_date
    from credit_weights
    inner join touch_facts on touch_facts.touch_id = credit_weights.touch_id
    union all
    select
        credit_touches_stored.conversion_id,
        credit_touches_stored.touch_id,
        credit_touches_stored.place,
        -- each model (linear)
        credit_touches_stored.linear_weight,
        credit_touches_stored.place
        = max(case when credit_touches_stored.linear_weight > 0e0 then credit_touches_stored.place end) over path,
        -- end
        credit_touches_stored.channel,
        credit_touches_stored.campaign,
        credit_touches_stored.device_class,
        credit_touches_stored.stage,
        credit_touches_stored.touch_date
    from credit_touches_stored
    inner join (select distinct facts.origin_id from facts where facts.origin_id <> facts.conversion_id) as refunded
        on refunded.origin_id = credit_touches_stored.conversion_id
    where credit_touches_stored.place > 0
    window path as (partition by credit_touches_stored.conversion_id)
),

rounded as (
    select
        facts.conversion_id,
        facts.conversion_type,
        facts.conversion_date,
        facts.conversions,
        facts.revenue,
        facts.margin,
        facts.bucket,
        weights.touch_id,
        weights.place,
        weights.channel,
        weights.campaign,
        weights.device_class,
        weights.stage,
        -- each model (linear)
        weights.linear_weight,
        weights.linear_is_last,
        cast(round(weights.linear_weight * cast(facts.conversions as double), 6) as decimal(18, 6)) as linear_conversions,
        cast(
            cast(round(weights.linear_weight * cast(facts.revenue_before + facts.revenue as double), 6) as decimal(18, 6))
            - case
                when facts.revenue_before = cast(0 as decimal(18, 2)) then cast(0 as decimal(18, 6))
                else cast(round(weights.linear_weight * cast(facts.revenue_before as double), 6) as decimal(18, 6))
            end as decimal(18, 6)
        ) as linear_revenue,
        cast(
            cast(round(weights.linear_weight * cast(facts.margin_before + facts.margin as double), 6) as decimal(18, 6))
            - case
                when facts.margin_before = cast(0 as decimal(18, 2)) then cast(0 as decimal(18, 6))
                else cast(round(weights.linear_weight * cast(facts.margin_before as double), 6) as decimal(18, 6))
            end as decimal(18, 6)
        ) as linear_margin,
        -- end
        weights.touch_date
    from facts
    inner join weights on weights.conversion_id = facts.origin_id
),

shared as (
    select
        rounded.conversion_id,
        rounded.conversion_type,
        rounded.conversion_date,
        rounded.bucket,
        rounded.touch_id,
        rounded.place,
        rounded.channel,
        rounded.campaign,
        rounded.device_class,
        rounded.stage,
        -- each model (linear)
        rounded.linear_weight,
        case
            when rounded.linear_is_last then
                cast(
                    rounded.linear_conversions + rounded.conversions - sum(rounded.linear_conversions) over path
                    as decimal(18, 6)
                )
            else rounded.linear_conversions
        end as linear_conversions,
        case
            when rounded.linear_is_last then
                cast(rounded.linear_revenue + rounded.revenue - sum(rounded.linear_revenue) over path as decimal(18, 6))
            else rounded.linear_revenue
        end as linear_revenue,
        case
            when rounded.linear_is_last then
                cast(rounded.linear_margin + rounded.margin - sum(rounded.linear_margin) over path as decimal(18, 6))
            else rounded.linear_margin
        end as linear_margin,
        -- end
        rounded.touch_date
    from rounded
    window path as (partition by rounded.conversion_id)
)

select
    shared.conversion_id,
    shared.conversion_type,
    shared.touch_id,
    shared.place,
    shared.channel,
    shared.campaign,
    shared.device_class,
    shared.stage,
    shared.bucket,
    -- each model (linear)
    shared.linear_weight,
    shared.linear_conversions,
    shared.linear_revenue,
    case when shared.linear_weight > 0e0 then shared.linear_margin else cast(0 as decimal(18, 6)) end as linear_margin,
    -- end
    shared.conversion_date,
    shared.touch_date
from shared
union all
select
    facts.conversion_id,
    facts.conversion_type,
    '(unattributed)',
    0,
    '(unattributed)',
    cast(null as varchar),
    '(none)',
    '(none)',
    facts.bucket,
    -- each model (linear)
    1e0,
    facts.conversions,
    cast(facts.revenue as decimal(18, 6)),
    cast(facts.margin as decimal(18, 6)),
    -- end
    facts.conversion_date,
    cast(null as date)
from facts
left join (select distinct weights.conversion_id from weights) as attributed
    on attributed.conversion_id = facts.origin_id
where attributed.conversion_id is null
