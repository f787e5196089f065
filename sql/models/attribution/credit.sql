-- purpose: where each conversion's credit went: whatever a reader sees of a channel is a sum over this table
-- grain: one row per conversion, touch and model
-- key: conversion_id, touch_id, model
-- kept: table
-- published: yes
-- partition: conversion_date month
-- columns:
--   conversion_id: the conversion or refund
--   touch_id: the touch that earns; (unattributed) where there was none in the window
--   model: the attribution model
--   conversion_type: the type
--   channel: the touch's channel
--   campaign: the touch's campaign
--   device_class: the touch's device
--   stage: the stage in which the person stood before the touch
--   conversion_date: the conversion's reporting day
--   touch_date: the touch's reporting day
--   weight: the touch's share; the weights of a conversion and model sum to 1
--   conversions: the share of the conversion; 0 for a refund
--   revenue: the share of the revenue, to 6 decimals; the path's last touch takes the remainder, so sums are exact
--   margin: the share of the margin; null where it is unknown
-- A refund copies the weights of its order.
with shared as (
    select
        conversion_facts.conversion_id,
        credit_weights.touch_id,
        credit_weights.model,
        conversion_facts.conversion_type,
        path_touches.channel,
        path_touches.campaign,
        path_touches.device_class,
        path_touches.stage,
        conversion_facts.conversion_date,
        path_touches.touch_date,
        credit_weights.weight,
        credit_weights.takes_remainder,
        conversion_facts.conversions as all_conversions,
        conversion_facts.revenue as all_revenue,
        conversion_facts.margin as all_margin,
        cast(round(credit_weights.weight * cast(conversion_facts.conversions as double), 6) as decimal(18, 6)) as conversions,
        cast(round(credit_weights.weight * cast(conversion_facts.revenue as double), 6) as decimal(18, 6)) as revenue,
        cast(round(credit_weights.weight * cast(conversion_facts.margin as double), 6) as decimal(18, 6)) as margin
    from conversion_facts
    inner join credit_weights on credit_weights.conversion_id = conversion_facts.origin_id
    inner join path_touches
        on path_touches.conversion_id = credit_weights.conversion_id
        and path_touches.touch_id = credit_weights.touch_id
),

attributed as (
    select
        shared.conversion_id,
        shared.touch_id,
        shared.model,
        shared.conversion_type,
        shared.channel,
        shared.campaign,
        shared.device_class,
        shared.stage,
        shared.conversion_date,
        shared.touch_date,
        shared.weight,
        case
            when shared.takes_remainder then
                cast(shared.all_conversions - coalesce(sum(case when not shared.takes_remainder then shared.conversions end) over path, cast(0 as decimal(18, 6))) as decimal(18, 6))
            else shared.conversions
        end as conversions,
        case
            when shared.takes_remainder then
                cast(shared.all_revenue - coalesce(sum(case when not shared.takes_remainder then shared.revenue end) over path, cast(0 as decimal(18, 6))) as decimal(18, 6))
            else shared.revenue
        end as revenue,
        case
            when shared.takes_remainder then
                cast(shared.all_margin - coalesce(sum(case when not shared.takes_remainder then shared.margin end) over path, cast(0 as decimal(18, 6))) as decimal(18, 6))
            else shared.margin
        end as margin
    from shared
    window path as (partition by shared.conversion_id, shared.model)
)

select attributed.*
from attributed
union all
select
    conversion_facts.conversion_id,
    '(unattributed)',
    rule_models.model,
    conversion_facts.conversion_type,
    '(unattributed)',
    cast(null as varchar),
    '(none)',
    '(none)',
    conversion_facts.conversion_date,
    cast(null as date),
    1e0,
    conversion_facts.conversions,
    cast(conversion_facts.revenue as decimal(18, 6)),
    cast(conversion_facts.margin as decimal(18, 6))
from conversion_facts
left join windows on windows.conversion_id = conversion_facts.origin_id
cross join rule_models
where coalesce(windows.touches, 0) = 0
