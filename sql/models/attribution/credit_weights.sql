-- purpose: how each attribution model shares a conversion among the touches of its path
-- grain: one row per conversion and touch of its window, with the columns of each model
-- key: conversion_id, touch_id
-- kept: table
-- published: no
-- The formulas of docs/definitions.md section 6, one column a model in "weighed": they need not sum to 1 there, since each is
-- divided by its path's sum. A new rule-based model is a row of the seed attribution_models and a column there.
with path_touches as (
    select
        windows.conversion_id,
        touch_base.touch_id,
        touch_base.seq,
        windows.touches,
        touch_base.seq = windows.first_seq as is_first,
        touch_base.seq = windows.last_seq as is_last,
        touch_base.seq = coalesce(windows.last_non_direct_seq, windows.last_seq) as is_last_non_direct,
        touch_base.seq = windows.first_seq
        or coalesce(touch_base.seq = windows.lead_seq, false)
        or coalesce(touch_base.seq = windows.opportunity_seq, false) as is_milestone,
        1
        + case when windows.lead_seq > windows.first_seq then 1 else 0 end
        + case
            when windows.opportunity_seq > windows.first_seq
                and (windows.lead_seq is null or windows.opportunity_seq <> windows.lead_seq) then 1
            else 0
        end as milestones,
        (windows.last_touch_s - touch_base.at_s) / 86400e0 as days_before_last
    from windows
    inner join touch_base
        on touch_base.person_id = windows.person_id
        and touch_base.seq between windows.first_seq and windows.last_seq
),

weighed as (
    select
        path_touches.conversion_id,
        path_touches.touch_id,
        path_touches.seq,
        case when path_touches.is_first then 1e0 else 0e0 end as first_touch,
        case when path_touches.is_last then 1e0 else 0e0 end as last_touch,
        case when path_touches.is_last_non_direct then 1e0 else 0e0 end as last_non_direct,
        1e0 as linear,
        -- Measured from the last touch: the same weights as from the conversion, and never 0/0.
        power(2e0, -path_touches.days_before_last / settings.half_life_days) as time_decay,
        case
            when path_touches.touches = 1 then 1e0
            when path_touches.touches = 2 and settings.position_first + settings.position_last = 0e0 then 1e0
            when path_touches.is_first then settings.position_first
            when path_touches.is_last then settings.position_last
            else settings.position_between / nullif(path_touches.touches - 2, 0)
        end as position_based,
        case
            when path_touches.is_milestone then 0.3e0
            else 0.1e0 / nullif(path_touches.touches - path_touches.milestones, 0)
        end as w_shaped
    from path_touches
    cross join settings
)

select
    weighed.conversion_id,
    weighed.touch_id,
    -- each model (linear)
    weighed.linear / sum(weighed.linear) over path as linear_weight,
    -- The touch that takes what rounding leaves.
    weighed.seq = max(case when weighed.linear > 0e0 then weighed.seq end) over path as linear_is_last,
    -- end
    count(*) over path as touches
from weighed
window path as (partition by weighed.conversion_id)
