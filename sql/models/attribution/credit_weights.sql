-- purpose: how each rule-based model shares a conversion among the touches of its path
-- grain: one row per conversion, touch and model; rows of weight 0 are left out
-- key: conversion_id, touch_id, model
-- kept: table
-- published: no
-- The formulas of docs/definitions.md section 6. Time decay is measured from the last touch: the same weights as from
-- the conversion, and never 0/0. A new rule-based model is a row of the seed rule_models and a branch here.
with decayed as (
    select
        path_touches.*,
        power(2e0, -path_touches.seconds_before_last / (settings.half_life_days * 86400e0)) as decay,
        settings.position_first,
        settings.position_between,
        settings.position_last
    from path_touches
    cross join settings
),

totals as (
    select decayed.conversion_id, sum(decayed.decay) as decay_total
    from decayed
    group by decayed.conversion_id
),

weighed as (
    select
        decayed.conversion_id,
        decayed.touch_id,
        decayed.seq,
        rule_models.model,
        case rule_models.model
            when 'first_touch' then case when decayed.is_first then 1e0 else 0e0 end
            when 'last_touch' then case when decayed.is_last then 1e0 else 0e0 end
            when 'last_non_direct' then case when decayed.is_last_non_direct then 1e0 else 0e0 end
            when 'linear' then 1e0 / decayed.touches
            when 'time_decay' then decayed.decay / totals.decay_total
            when 'position_based' then
                case
                    when decayed.touches = 1 then 1e0
                    when decayed.touches = 2 and decayed.position_first + decayed.position_last = 0e0 then 0.5e0
                    when decayed.touches = 2 and decayed.is_first then
                        decayed.position_first / (decayed.position_first + decayed.position_last)
                    when decayed.touches = 2 then
                        decayed.position_last / (decayed.position_first + decayed.position_last)
                    when decayed.is_first then decayed.position_first
                    when decayed.is_last then decayed.position_last
                    else decayed.position_between / (decayed.touches - 2)
                end
            when 'w_shaped' then
                case
                    when decayed.is_milestone then 0.3e0
                    else 0.1e0 / (decayed.touches - decayed.milestones)
                end
                / (0.3e0 * decayed.milestones + case when decayed.touches > decayed.milestones then 0.1e0 else 0e0 end)
        end as weight
    from decayed
    inner join totals on totals.conversion_id = decayed.conversion_id
    cross join rule_models
),

positive as (
    select weighed.conversion_id, weighed.touch_id, weighed.seq, weighed.model, weighed.weight
    from weighed
    where weighed.weight > 0e0
)

select
    positive.conversion_id,
    positive.touch_id,
    positive.model,
    positive.weight,
    positive.seq = max(positive.seq) over (partition by positive.conversion_id, positive.model) as takes_remainder
from positive
