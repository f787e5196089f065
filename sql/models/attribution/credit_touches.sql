-- purpose: where each conversion's credit went, under every model side by side; the published table credit is a view over it
-- grain: one row per conversion or refund and touch, with four columns for each model
-- key: conversion_id, touch_id
-- kept: table
-- published: no
-- partition: conversion_date month
-- A refund copies the weights of its order. Shares of money are rounded to 6 decimals, and the last touch of the path that has
-- a weight takes what rounding leaves, so that the touches of a path add up to the conversion, exactly.
with facts as (
    select
        conversion_facts.conversion_id,
        conversion_facts.origin_id,
        conversion_facts.conversion_type,
        conversion_facts.conversion_date,
        conversion_facts.conversions,
        conversion_facts.revenue,
        conversion_facts.margin,
        coalesce(person_stages.bucket, 0) as bucket
    from conversion_facts
    left join person_stages on person_stages.person_id = conversion_facts.person_id
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
        credit_weights.touch_id,
        -- each model (linear)
        credit_weights.linear_weight,
        credit_weights.linear_is_last,
        cast(round(credit_weights.linear_weight * cast(facts.conversions as double), 6) as decimal(18, 6)) as linear_conversions,
        cast(round(credit_weights.linear_weight * cast(facts.revenue as double), 6) as decimal(18, 6)) as linear_revenue,
        cast(round(credit_weights.linear_weight * cast(facts.margin as double), 6) as decimal(18, 6)) as linear_margin,
        -- end
        credit_weights.touches
    from facts
    inner join credit_weights on credit_weights.conversion_id = facts.origin_id
),

shared as (
    select
        rounded.conversion_id,
        rounded.conversion_type,
        rounded.conversion_date,
        rounded.bucket,
        rounded.touch_id,
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
        rounded.touches
    from rounded
    window path as (partition by rounded.conversion_id)
)

select
    shared.conversion_id,
    shared.conversion_type,
    shared.touch_id,
    touches.channel,
    touches.campaign,
    touches.device_class,
    touches.stage,
    shared.bucket,
    -- each model (linear)
    shared.linear_weight,
    shared.linear_conversions,
    shared.linear_revenue,
    case when shared.linear_weight > 0e0 then shared.linear_margin else cast(0 as decimal(18, 6)) end as linear_margin,
    -- end
    shared.conversion_date,
    touches.touch_date
from shared
inner join touches on touches.touch_id = shared.touch_id
union all
select
    facts.conversion_id,
    facts.conversion_type,
    '(unattributed)',
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
left join windows on windows.conversion_id = facts.origin_id
where coalesce(windows.touches, 0) = 0
